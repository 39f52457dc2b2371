//! How sessions end.

use crate::support::{Lab, Seen, TestClient};

const PHONE: &str = "+15551234567";
const CONTACT: &str = "+15557654321";

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connection_comes_back() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "close").await;
    client.connected(2).await;
    let id = client.send(CONTACT, "after the break").await;
    client.sees(&Seen::Read(id), 1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_the_link() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "logout").await;
    client.sees(&Seen::LoggedOut, 1).await;
    client.stop().await;

    // The number can be linked again, as another device.
    let client = lab.unlinked_client().await;
    let qr = client.qr().await;
    assert_eq!(lab.scan(PHONE, &qr).await["device"], 2);
    client.connected(1).await;
    let id = client.send(CONTACT, "again").await;
    client.sees(&Seen::Read(id), 1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companion_that_was_removed_while_away_is_refused() {
    let lab = Lab::start().await;
    let backend = lab.linked_client(PHONE).await.stop().await;
    let (status, answer) = lab.request("POST", "/phones/15551234567/unlink", None).await;
    assert_eq!((status, &answer["unlinked"]), (200, &1.into()));
    let client = TestClient::start(&lab, backend).await;
    client.sees(&Seen::LoggedOut, 1).await;
    client.stop().await;
}
