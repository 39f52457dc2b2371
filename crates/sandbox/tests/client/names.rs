//! Under which name people are written to: their phone number, or their LID.

use serde_json::json;

use crate::support::{Lab, Seen, TestClient, eventually};

const PHONE: &str = "+15551234567";
const OTHER: &str = "+4915112345678";
const CONTACT: &str = "+15557654321";

async fn set_migrated(lab: &Lab, phone: &str, migrated: bool) -> (u16, serde_json::Value) {
    let change = json!({ "lidMigrated": migrated });
    lab.request("PUT", &format!("/phones/{phone}"), Some(change))
        .await
}

async fn client(lab: &Lab, phone: &str, migrated: bool) -> TestClient {
    let (status, answer) = set_migrated(lab, phone, migrated).await;
    assert_eq!((status, &answer["lidMigrated"]), (200, &migrated.into()));
    lab.linked_client(phone).await
}

/// How clients of an account call a person.
async fn name(lab: &Lab, phone: &str, migrated: bool) -> String {
    if !migrated {
        return format!("{}@s.whatsapp.net", phone.trim_start_matches('+'));
    }
    let (_, contact) = lab.request("GET", &format!("/contacts/{phone}"), None).await;
    contact["lid"].as_str().expect("a LID").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_goes_by_the_name_that_the_account_uses() {
    for migrated in [false, true] {
        let lab = Lab::start().await;
        let client = client(&lab, PHONE, migrated).await;
        let contact = name(&lab, CONTACT, migrated).await;
        for text in ["question", "further question"] {
            let sent = client.send(CONTACT, text).await;
            client.sees(&Seen::Read(sent.clone()), 1).await;
            for kind in ["delivered", "read"] {
                client
                    .sees(&Seen::ReceiptFrom(kind, sent.clone(), contact.clone()), 1)
                    .await;
            }
            let received = lab.received_as(CONTACT, &sent).await.expect("received");
            assert_eq!(
                (&received["from"], &received["text"]),
                (&PHONE.into(), &text.into())
            );
            let written = lab.write(CONTACT, PHONE, "answer").await;
            assert_eq!(
                client.text(&written).await,
                (contact.clone(), "answer".to_owned())
            );
        }
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_both_kinds_write_to_each_other() {
    for (first_migrated, second_migrated) in [(true, false), (true, true)] {
        let lab = Lab::start().await;
        let first = client(&lab, PHONE, first_migrated).await;
        let second = client(&lab, OTHER, second_migrated).await;
        let first_knows = name(&lab, OTHER, first_migrated).await;
        let second_knows = name(&lab, PHONE, second_migrated).await;
        for text in ["hello", "hello again"] {
            let id = first.send(OTHER, text).await;
            assert_eq!(second.text(&id).await, (second_knows.clone(), text.to_owned()));
            first
                .sees(&Seen::ReceiptFrom("delivered", id, first_knows.clone()), 1)
                .await;
            let id = second.send(PHONE, text).await;
            assert_eq!(first.text(&id).await, (first_knows.clone(), text.to_owned()));
            second
                .sees(&Seen::ReceiptFrom("delivered", id, second_knows.clone()), 1)
                .await;
        }
        first.stop().await;
        second.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_shows_its_account_and_companions() {
    let lab = Lab::start().await;
    let path = format!("/phones/{PHONE}");
    assert_eq!(lab.request("GET", &path, None).await.0, 404);
    set_migrated(&lab, PHONE, true).await;
    let (status, phone) = lab.request("GET", &path, None).await;
    assert_eq!((status, &phone["phone"]), (200, &PHONE.into()));
    assert_eq!(phone["lidMigrated"], true);
    assert_eq!(phone["companions"], json!([]));

    let client = lab.linked_client(PHONE).await;
    assert_eq!(set_migrated(&lab, PHONE, true).await.0, 200);
    assert_eq!(set_migrated(&lab, PHONE, false).await.0, 409);
    let (_, phone) = lab.request("GET", &path, None).await;
    let companion = &phone["companions"][0];
    assert_eq!(
        (&companion["device"], &companion["connected"]),
        (&1.into(), &true.into())
    );
    assert!(companion["platform"].is_string(), "{phone}");
    assert!(companion["prekeys"].as_u64() > Some(0), "{phone}");

    client.stop().await;
    lab.write(CONTACT, PHONE, "for later").await;
    eventually("a companion that is away", async || {
        let (_, phone) = lab.request("GET", &path, None).await;
        let companion = &phone["companions"][0];
        let waits = companion["queued"].as_u64() > Some(0);
        (companion["connected"] == false && waits).then_some(())
    })
    .await;
}
