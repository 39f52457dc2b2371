//! Groups: text in and out, and the names that people have in them.

use crate::receiving::inbound;
use crate::{CONTACT, OWNER, linked};

#[tokio::test]
async fn a_group_is_written_to_and_read() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let group = network.create_group("Lunch", &[OWNER, CONTACT]).await?;
    for text in ["who is in?", "anybody?"] {
        let message = daemon.send_text(&device, &group, text).await?;
        let message = daemon.message_reaches(&message, "read").await?;
        assert_eq!(message["to"], group.as_str());
    }
    let received = network.received_by(CONTACT).await?;
    let texts: Vec<_> = received
        .iter()
        .map(|message| (&message["group"], &message["text"]))
        .collect();
    let group_json = group.as_str().into();
    assert_eq!(
        texts,
        [
            (&group_json, &"who is in?".into()),
            (&group_json, &"anybody?".into())
        ]
    );

    network.write(CONTACT, &group, "me").await?;
    let rows = inbound(&daemon, 1).await?;
    assert_eq!(rows[0]["text"]["body"], "me");
    assert_eq!(rows[0]["chat"], group.as_str());
    assert_eq!(rows[0]["from"], CONTACT);
    Ok(())
}
