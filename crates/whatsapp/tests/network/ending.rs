//! Connections that break and sessions that end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use postern_domain::StanzaId;
use postern_domain::port::{CallError, Ending, Observed, SendError};
use postern_whatsapp::Config;

use crate::support::{CONTACT, Lab, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_told_and_comes_back() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let sent = device.send("before").await;
    device.is_acked(&sent).await;
    let lost = device.count(&Observed::ConnectionLost);
    lab.fault("close").await;
    device.sees(&Observed::ConnectionLost, lost + 1).await;

    // Between connections a send is refused at once, not held back.
    let started = Instant::now();
    let refused = device.try_send(&StanzaId::generate(), CONTACT, "between").await;
    assert_eq!(refused, Err(SendError::NotConnected));
    assert!(started.elapsed() < Duration::from_millis(200));

    device.sees(&Observed::Connected, 2).await;
    let sent = device.send("after").await;
    device.is_acked(&sent).await;
    assert_eq!(device.count(&Observed::ConnectionLost), lost + 1);
    device.session.stop().await;
    device.ends(Ending::Stopped).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_on_the_phone_ends_the_session() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    lab.fault("logout").await;
    device.ends(Ending::LoggedOut).await;
    let refused = device.try_send(&StanzaId::generate(), CONTACT, "too late").await;
    assert_eq!(refused, Err(SendError::NotConnected));
    // Stopping what has ended changes nothing.
    device.session.stop().await;
    device.ends(Ending::LoggedOut).await;

    // The keys are worthless; without them the device can be linked anew.
    let again = lab.open(device.id).await;
    again.ends(Ending::LoggedOut).await;
    lab.forget_keys(device.id);
    let anew = lab.open(device.id).await;
    anew.qr().await;
    anew.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_and_the_link() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    assert_eq!(device.session.log_out().await, Ok(()));
    device.ends(Ending::LoggedOut).await;
    assert_eq!(device.session.log_out().await, Err(CallError::NotReady));
    let again = lab.open(device.id).await;
    again.ends(Ending::LoggedOut).await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_quick_idempotent_and_final() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let started = Instant::now();
    tokio::join!(device.session.stop(), device.session.stop());
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    device.ends(Ending::Stopped).await;
    let told = device.observed().len();
    device.session.stop().await;
    let refused = device.try_send(&StanzaId::generate(), CONTACT, "too late").await;
    assert_eq!(refused, Err(SendError::NotConnected));
    assert_eq!(device.observed().len(), told);
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_holds_stops() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    drop(device.session);
    let notes = device.notes;
    eventually("the end", async || {
        std::sync::Arc::strong_count(&notes).eq(&1).then_some(())
    })
    .await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_a_client_ends_this_session_only() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let neighbour = lab.linked().await;
    device.notes.panics.store(true, Ordering::SeqCst);
    device.send("trigger").await;
    device.ends(Ending::Crashed).await;
    let sent = neighbour.send("still here").await;
    neighbour.is_acked(&sent).await;

    // Nothing is lost: the device opens again over the same keys.
    let again = lab.open(device.id).await;
    again.sees(&Observed::Connected, 1).await;
    let sent = again.send("back").await;
    again.is_acked(&sent).await;
    tokio::join!(again.session.stop(), neighbour.session.stop());
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_gone_is_waited_for() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    lab.stop().await;
    device.sees(&Observed::ConnectionLost, 1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(
        !device
            .observed()
            .iter()
            .any(|seen| matches!(seen, Observed::Ended(_)))
    );
    let started = Instant::now();
    device.session.stop().await;
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    device.ends(Ending::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_up_and_dead_is_told() {
    let lab = Lab::start_with(Config {
        silence: Duration::from_millis(800),
        ..Config::default()
    })
    .await;
    let device = lab.linked().await;
    device.sees(&Observed::Silent, 1).await;
    // The silence was this test's own: a word from the contact ends it.
    lab.write("hello").await;
    device.sees(&Observed::Heard, 1).await;
    lab.fault("mute").await;
    lab.write("unheard").await;
    device.sees(&Observed::Silent, 2).await;
    device.session.stop().await;
    lab.stop().await;
}
