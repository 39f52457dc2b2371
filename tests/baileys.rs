//! Another client altogether: Baileys, old and new, as published and with its signature checks made to count.

mod client;

use anyhow::Context as _;
use postern_testkit::{TestDaemon, TestSandbox};
use serde_json::{Value, json};

use self::client::{BAILEYS_7, Baileys, installed, root_of};
use crate::receiving::inbound;
use crate::{CONTACT, OWNER, linked, postern};

/// The account that is linked with Baileys.
const OTHER: &str = "+491637654321";

#[tokio::test]
async fn messages_go_both_ways_and_receipts_come_back() -> anyhow::Result<()> {
    for client in installed().await {
        let network = TestSandbox::start(&postern()).await?;
        let root = root_of(&network).await?;
        let chat = both_ways(client, &network, Some(&root)).await.context(*client)?;
        assert_eq!(chat, "15551234567@s.whatsapp.net");
    }
    Ok(())
}

/// Nothing of the client is touched, so that it does not care who signed what.
#[tokio::test]
async fn a_client_as_published_works() -> anyhow::Result<()> {
    for client in installed().await {
        let network = TestSandbox::start(&postern()).await?;
        both_ways(client, &network, None).await.context(*client)?;
    }
    Ok(())
}

/// Answers the name under which the contact writes.
async fn both_ways(client: &str, network: &TestSandbox, root: Option<&str>) -> anyhow::Result<Value> {
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::start_with(client, network, &credentials, root)?;
    baileys.link(network, OTHER).await?;

    network.set_contact(CONTACT, json!({ "autoRead": false })).await?;
    let first = baileys.send(CONTACT, "question? 🦀").await?;
    baileys.status(&first, "DELIVERY_ACK").await?;
    network.set_contact(CONTACT, json!({ "autoRead": true })).await?;
    let second = baileys.send(CONTACT, "well?").await?;
    baileys.status(&second, "READ").await?;
    let received = network.contact_has(CONTACT, 2).await?;
    for (message, (id, text)) in received
        .iter()
        .zip([(&first, "question? 🦀"), (&second, "well?")])
    {
        assert_eq!(message["stanzaId"], id.as_str());
        assert_eq!(message["from"], OTHER);
        assert_eq!(message["text"], text);
        assert_eq!(message["copies"], 1, "nothing had to be sent again");
    }

    network.write(CONTACT, OTHER, "answer! שלום").await?;
    let answer = baileys.text("answer! שלום").await?;
    assert_eq!(answer["fromMe"], false);
    baileys.quit().await?;
    Ok(answer["chat"].clone())
}

#[tokio::test]
async fn an_account_that_keeps_its_chats_under_lids_works() -> anyhow::Result<()> {
    for client in installed().await {
        let network = TestSandbox::start(&postern()).await?;
        let migrated = json!({ "lidMigrated": true });
        network
            .http()
            .put(&format!("/phones/{OTHER}"), &migrated)
            .await?
            .ok()?;
        let root = root_of(&network).await?;
        let chat = both_ways(client, &network, Some(&root)).await.context(*client)?;
        let contact = network.http().get(&format!("/contacts/{CONTACT}")).await?.ok()?;
        assert_eq!(chat, contact["lid"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_code_links_a_client() -> anyhow::Result<()> {
    for client in installed().await {
        linked_by_code(client).await.context(*client)?;
    }
    Ok(())
}

async fn linked_by_code(client: &str) -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::start(client, &network, &credentials).await?;
    // It can ask for a code once it could show one.
    baileys.event("qr").await?;
    baileys
        .command(&json!({ "command": "code", "phone": OTHER }))
        .await?;
    let shown = baileys.event("code").await?;
    network
        .enter_code(OTHER, shown["code"].as_str().context("no code")?)
        .await?;
    baileys.event("open").await?;
    let sent = baileys.send(CONTACT, "linked without a camera").await?;
    baileys.status(&sent, "READ").await?;
    baileys.quit().await
}

#[tokio::test]
async fn a_client_returns_with_its_credentials() -> anyhow::Result<()> {
    for client in installed().await {
        returns(client).await.context(*client)?;
    }
    Ok(())
}

async fn returns(client: &str) -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::linked(client, &network, &credentials, OTHER).await?;
    network.write(CONTACT, OTHER, "begin").await?;
    baileys.text("begin").await?;
    baileys.quit().await?;

    network.write(CONTACT, OTHER, "while you were out").await?;
    let mut baileys = Baileys::start(client, &network, &credentials).await?;
    baileys.event("open").await?;
    assert!(!baileys.saw("qr"), "it is linked");
    // Baileys 6 shows what waited for it only with the next thing that happens.
    network.write(CONTACT, OTHER, "welcome back").await?;
    baileys.text("while you were out").await?;
    baileys.text("welcome back").await?;
    let sent = baileys.send(CONTACT, "thanks").await?;
    baileys.status(&sent, "READ").await?;
    assert_eq!(network.contact_has(CONTACT, 1).await?[0]["text"], "thanks");
    baileys.quit().await
}

#[tokio::test]
async fn what_a_client_cannot_read_is_written_again() -> anyhow::Result<()> {
    for client in installed().await {
        asks_again(client).await.context(*client)?;
    }
    Ok(())
}

async fn asks_again(client: &str) -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::linked(client, &network, &credentials, OTHER).await?;
    network.write(CONTACT, OTHER, "clear").await?;
    baileys.text("clear").await?;
    network.fault(OTHER, "undecryptable").await?;
    network.write(CONTACT, OTHER, "spoilt").await?;
    baileys.event("undecryptable").await?;
    baileys.text("spoilt").await?;
    baileys.quit().await
}

#[tokio::test]
async fn a_phone_logs_a_client_out() -> anyhow::Result<()> {
    for client in installed().await {
        logged_out_by_the_phone(client).await.context(*client)?;
    }
    Ok(())
}

async fn logged_out_by_the_phone(client: &str) -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::linked(client, &network, &credentials, OTHER).await?;
    unlink(&network).await?.ok()?;
    assert_eq!(baileys.event("close").await?["code"], 401);

    let mut again = Baileys::start(client, &network, &credentials).await?;
    assert_eq!(
        again.event("close").await?["code"],
        401,
        "its credentials are void"
    );
    assert!(!again.saw("open"));
    Ok(())
}

#[tokio::test]
async fn a_client_logs_itself_out() -> anyhow::Result<()> {
    for client in installed().await {
        logs_itself_out(client).await.context(*client)?;
    }
    Ok(())
}

async fn logs_itself_out(client: &str) -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::linked(client, &network, &credentials, OTHER).await?;
    baileys.command(&json!({ "command": "logout" })).await?;
    baileys.event("close").await?;
    let mut again = Baileys::start(client, &network, &credentials).await?;
    assert_eq!(again.event("close").await?["code"], 401);
    assert_eq!(
        unlink(&network).await?.status,
        409,
        "the phone has no device left"
    );
    Ok(())
}

async fn unlink(network: &TestSandbox) -> anyhow::Result<postern_testkit::Answer> {
    network
        .http()
        .post(&format!("/phones/{OTHER}/unlink"), &json!({}))
        .await
}

/// The other tests give the client the sandbox's own root; this one shows that it looks.
#[tokio::test]
async fn certificates_from_another_root_are_refused() -> anyhow::Result<()> {
    if installed().await.is_empty() {
        return Ok(());
    }
    let network = TestSandbox::start(&postern()).await?;
    let stranger = TestSandbox::start(&postern()).await?;
    let root = root_of(&stranger).await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::start_with(BAILEYS_7, &network, &credentials, Some(&root))?;
    let refused = baileys.event("close").await?;
    assert_eq!(
        refused["reason"],
        "noise intermediate certificate signature invalid"
    );
    assert!(!baileys.saw("qr"), "it went on with a server it cannot trust");
    Ok(())
}

#[tokio::test]
async fn an_account_on_baileys_and_one_on_the_daemon_write_to_each_other() -> anyhow::Result<()> {
    for client in installed().await {
        daemon_and(client).await.context(*client)?;
    }
    Ok(())
}

async fn daemon_and(client: &str) -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::linked(client, &network, &credentials, OTHER).await?;

    from_daemon(&daemon, &device, &mut baileys, "do you read me?").await?;
    let answer = baileys.send(OWNER, "loud and clear").await?;
    baileys.status(&answer, "DELIVERY_ACK").await?;
    let rows = inbound(&daemon, 1).await?;
    assert_eq!(rows[0]["from"], OTHER);
    assert_eq!(rows[0]["text"]["body"], "loud and clear");
    // On the session that exists by now.
    from_daemon(&daemon, &device, &mut baileys, "good").await?;
    baileys.quit().await
}

async fn from_daemon(
    daemon: &TestDaemon,
    device: &str,
    baileys: &mut Baileys,
    text: &str,
) -> anyhow::Result<()> {
    let message = daemon.send_text(device, OTHER, text).await?;
    let received = baileys.text(text).await?;
    baileys
        .command(&json!({ "command": "read", "id": received["id"] }))
        .await?;
    daemon.message_reaches(&message, "read").await.map(drop)
}

#[tokio::test]
async fn baileys_and_the_daemon_on_one_account_see_the_same() -> anyhow::Result<()> {
    for client in installed().await {
        beside_the_daemon(client).await.context(*client)?;
    }
    Ok(())
}

async fn beside_the_daemon(client: &str) -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let credentials = tempfile::tempdir()?;
    let mut baileys = Baileys::linked(client, &network, &credentials, OWNER).await?;

    daemon.send_text(&device, CONTACT, "from the daemon").await?;
    let copy = baileys.text("from the daemon").await?;
    assert_eq!(copy["fromMe"], true);
    assert_eq!(copy["chat"], "15551234567@s.whatsapp.net");
    let sent = baileys.send(CONTACT, "from Baileys").await?;
    baileys.status(&sent, "READ").await?;
    network.write(CONTACT, OWNER, "to both of you").await?;
    let received = baileys.text("to both of you").await?;
    assert_eq!(received["fromMe"], false);
    let rows = inbound(&daemon, 1).await?;
    assert_eq!(rows[0]["text"]["body"], "to both of you");
    let texts: Vec<_> = network.contact_has(CONTACT, 2).await?;
    assert!(texts.iter().all(|message| message["from"] == OWNER));
    baileys.quit().await
}
