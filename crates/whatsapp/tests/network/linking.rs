//! From no keys to a linked device, and back to it after a restart.

use postern_domain::port::{CallError, Ending, Observed};
use postern_domain::{Account, DeviceId};

use crate::support::{Lab, PHONE};

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_links_a_device_to_its_account() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let accounts: Vec<Account> = device
        .observed()
        .into_iter()
        .filter_map(|seen| match seen {
            Observed::Paired { account } => Some(account),
            _ => None,
        })
        .collect();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].phone.to_string(), PHONE);
    assert!(accounts[0].lid.is_some());
    assert_eq!(accounts[0].companion, 1);
    device.session.stop().await;
    device.ends(Ending::Stopped).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_device_comes_back_over_its_keys_without_a_code() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let id = device.id;
    device.session.stop().await;
    for _ in 0..3 {
        let again = lab.open(id).await;
        again.sees(&Observed::Connected, 1).await;
        let sent = again.send("still here").await;
        again.is_acked(&sent).await;
        assert!(
            !again
                .observed()
                .iter()
                .any(|seen| matches!(seen, Observed::QrCode { .. } | Observed::Paired { .. }))
        );
        again.session.stop().await;
        again.ends(Ending::Stopped).await;
    }
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_keys_shows_codes_and_can_be_stopped() {
    let lab = Lab::start().await;
    let device = lab.open(DeviceId::generate()).await;
    device.qr().await;
    assert_eq!(device.session.log_out().await, Err(CallError::NotReady));
    device.session.stop().await;
    device.ends(Ending::Stopped).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_device_needs_no_pairing_code() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let phone = PHONE.parse().expect("a number");
    assert_eq!(
        device.session.request_pairing_code(phone).await,
        Err(CallError::NotReady)
    );
    device.session.stop().await;
    lab.stop().await;
}
