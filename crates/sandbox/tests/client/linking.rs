//! Linking by QR code, and what a link survives.

use serde_json::json;

use crate::support::{Lab, Seen, TestClient};

const PHONE: &str = "+15551234567";
const CONTACT: &str = "+15557654321";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_links_and_connects() {
    let lab = Lab::start().await;
    let client = lab.unlinked_client().await;
    let qr = client.qr().await;
    let linked = lab.scan(PHONE, &qr).await;
    assert_eq!(linked["phone"], PHONE);
    assert_eq!(linked["device"], 1);
    assert_eq!(linked["jid"], "15551234567:1@s.whatsapp.net");
    client.connected(1).await;

    let (status, answer) = lab
        .request("POST", "/phones/+15551234567/scan", Some(json!({ "qr": qr })))
        .await;
    assert_eq!(status, 409, "{answer}");
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_code_links() {
    let lab = Lab::start().await;
    let link = |qr: &str| format!("https://wa.me/settings/linked_devices#{qr}");
    let bare = |qr: &str| qr.split(',').take(4).collect::<Vec<_>>().join(",");
    for (number, form) in [
        ("15551234501", &link as &dyn Fn(&str) -> String),
        ("15551234502", &bare),
    ] {
        let client = lab.unlinked_client().await;
        let shown = client.qr().await;
        let fields = shown.trim_start_matches("https://wa.me/settings/linked_devices#");
        lab.scan(number, &form(fields)).await;
        client.connected(1).await;
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_survives_a_restart_of_the_client() {
    let lab = Lab::start().await;
    let backend = lab.linked_client(PHONE).await.stop().await;
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    let id = client.send(CONTACT, "still here").await;
    client.sees(&Seen::Delivered(id), 1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_what_waits_survive_a_restart_of_the_sandbox() {
    let directory = tempfile::tempdir().expect("a directory");
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let root = lab.sandbox.root_key();
    let client = lab.linked_client(PHONE).await;
    let first = client.send(CONTACT, "before").await;
    client.sees(&Seen::Read(first.clone()), 1).await;
    let backend = client.stop().await;
    let waiting = lab.write(CONTACT, PHONE, "meanwhile").await;
    lab.sandbox.stop().await;

    let lab = Lab::start_in(directory.path().to_owned()).await;
    assert_eq!(lab.sandbox.root_key(), root);
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    assert_eq!(client.text(&waiting).await.1, "meanwhile");
    let second = client.send(CONTACT, "after").await;
    client.sees(&Seen::Read(second), 1).await;
    let texts: Vec<_> = lab
        .received(CONTACT)
        .await
        .iter()
        .map(|message| message["text"].clone())
        .collect();
    assert_eq!(texts, ["before", "after"]);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_of_the_same_device_replaces_the_first() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let second = TestClient::start(&lab, first.backend()).await;
    second.connected(1).await;
    first.sees(&Seen::Replaced, 1).await;
    first.stop().await;
    second.stop().await;
}
