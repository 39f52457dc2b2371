//! Linking by a code that is typed in on the phone, beside the QR codes that are always on show.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postern_domain::PhoneNumber;
use postern_domain::port::CallError;
use tokio::time::{Instant, timeout_at};
use whatsapp_rust::Client;
use whatsapp_rust::pair_code::PairCodeOptions;

use crate::redact::redacted;

/// How long after the last QR code a pairing code may still lead to a link: the 180 s that it is valid, and
/// the minute that the phone may take to answer.
pub(crate) const CODE_OUTLIVES_QR: Duration = Duration::from_secs(240);

/// For whom pairing codes are asked.
#[derive(Default)]
pub(crate) struct Pairing {
    /// The phone that the last code was for.
    phone: Mutex<Option<PhoneNumber>>,
    /// While it is, a failure is the caller's answer and no news.
    asking: AtomicBool,
}

impl Pairing {
    /// Whether a code is being asked for right now.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.load(Ordering::SeqCst)
    }

    /// The phone that the last code was for.
    pub(crate) fn phone(&self) -> Option<PhoneNumber> {
        *self.phone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a code; it replaces the one before.
    pub(crate) async fn ask(
        &self,
        client: &Arc<Client>,
        phone: PhoneNumber,
        deadline: Duration,
    ) -> Result<(), CallError> {
        if client.pn().is_some() {
            return Err(CallError::NotReady);
        }
        *self.phone.lock().unwrap_or_else(PoisonError::into_inner) = Some(phone);
        let until = Instant::now() + deadline;
        if client.wait_for_socket(deadline).await.is_err() {
            return Err(CallError::NotReady);
        }
        let _asking = Asking::new(&self.asking);
        let code = async {
            // WhatsApp would route the phone's answer to whichever code was shown first.
            client.cancel_pair_code().await;
            let options = PairCodeOptions {
                phone_number: phone.digits(),
                ..PairCodeOptions::default()
            };
            client.pair_with_code(options).await
        };
        match timeout_at(until, code).await {
            Ok(Ok(_reported_as_an_event)) => Ok(()),
            Ok(Err(failure)) => Err(CallError::Failed(redacted(failure))),
            Err(_elapsed) => Err(CallError::TimedOut),
        }
    }
}

/// Sets the flag for as long as it lives: the call may be dropped half way.
struct Asking<'a>(&'a AtomicBool);

impl<'a> Asking<'a> {
    fn new(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::SeqCst);
        Self(flag)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
