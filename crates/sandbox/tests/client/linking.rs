//! Linking by QR code and by a typed one, and what a link survives.

use serde_json::{Value, json};

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
    let sent = second.send(CONTACT, "from the newer connection").await;
    second.sees(&Seen::Read(sent), 1).await;
    let id = lab.write(CONTACT, PHONE, "to the newer connection").await;
    second.text(&id).await;
    assert_eq!(first.count_texts(&id), 0);
    first.stop().await;
    second.stop().await;
}

/// Types in a code; status and body.
async fn enter(lab: &Lab, phone: &str, code: &str) -> (u16, Value) {
    let path = format!("/phones/{phone}/enter-code");
    lab.request("POST", &path, Some(json!({ "code": code }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_code_links_and_connects() {
    let lab = Lab::start().await;
    for (phone, dashed) in [(PHONE, false), ("+15551234568", true)] {
        let client = lab.unlinked_client().await;
        let code = client.code_for(phone).await;
        let typed = match dashed {
            true => format!("{}-{}", &code[..4], &code[4..]).to_lowercase(),
            false => code.clone(),
        };
        let (status, linked) = enter(&lab, phone, &typed).await;
        assert_eq!(status, 200, "{linked}");
        assert_eq!((&linked["phone"], &linked["device"]), (&phone.into(), &1.into()));
        client.connected(1).await;
        let sent = client.send(CONTACT, "linked by a code").await;
        client.sees(&Seen::Read(sent), 1).await;
        assert_eq!(enter(&lab, phone, &code).await.0, 409);
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_can_be_corrected() {
    let lab = Lab::start().await;
    let client = lab.unlinked_client().await;
    let code = client.code_for(PHONE).await;
    let wrong = if code == "AAAA1111" {
        "BBBB1111"
    } else {
        "AAAA1111"
    };
    let (status, answer) = enter(&lab, PHONE, wrong).await;
    assert_eq!(
        (status, &answer["error"]["details"][0]["field"]),
        (400, &"code".into())
    );
    let (status, linked) = enter(&lab, PHONE, &code).await;
    assert_eq!(status, 200, "{linked}");
    client.connected(1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_for_one_phone() {
    let lab = Lab::start().await;
    let client = lab.unlinked_client().await;
    assert_eq!(enter(&lab, PHONE, "AAAA1111").await.0, 409);
    let code = client.code_for(PHONE).await;
    assert_eq!(enter(&lab, "+15551234568", &code).await.0, 409);
    let (status, linked) = enter(&lab, PHONE, &code).await;
    assert_eq!(status, 200, "{linked}");
    client.connected(1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_code_is_refused_and_another_one_links() {
    let lab = Lab::start().await;
    let client = lab.unlinked_client().await;
    let old = client.code_for(PHONE).await;
    let path = format!("/phones/{PHONE}/expire-code");
    assert_eq!(lab.request("POST", &path, None).await.0, 200);
    client.sees(&Seen::NewCodeWanted, 1).await;
    let (status, answer) = enter(&lab, PHONE, &old).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &"INVALID_STATE".into()));
    let new = client.code_for(PHONE).await;
    let (status, linked) = enter(&lab, PHONE, &new).await;
    assert_eq!(status, 200, "{linked}");
    client.connected(1).await;
    client.stop().await;
}
