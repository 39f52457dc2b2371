//! Accounts that keep their chats under LIDs: the API still calls people by their numbers.

use postern_testkit::{TestDaemon, TestSandbox};
use serde_json::json;

use crate::receiving::inbound;
use crate::{CONTACT, OWNER, postern};

#[tokio::test]
async fn people_go_by_their_numbers_where_whatsapp_uses_lids() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let phone = network
        .http()
        .put(&format!("/phones/{OWNER}"), &json!({ "lidMigrated": true }))
        .await?
        .ok()?;
    assert_eq!(phone["lidMigrated"], true);
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let message = daemon.send_text(&device, CONTACT, "question").await?;
    let message = daemon.message_reaches(&message, "read").await?;
    assert_eq!(message["to"], CONTACT);
    network.write(CONTACT, OWNER, "answer").await?;
    let rows = inbound(&daemon, 1).await?;
    assert_eq!(rows[0]["from"], CONTACT);
    assert_eq!(rows[0]["chat"], CONTACT);
    Ok(())
}
