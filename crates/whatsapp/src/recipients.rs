//! Who is on WhatsApp: asked once before the first message, because a message to nobody is sent without complaint.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_domain::PhoneNumber;
use tokio::time::Instant;

/// How many recipients are remembered; those whose hidden number is known need not be.
const CAPACITY: usize = 1024;
/// How long a recipient is taken to stay on WhatsApp.
const SERVES: Duration = Duration::from_secs(24 * 60 * 60);

/// The recipients that were found to be on WhatsApp, for one device.
#[derive(Default)]
pub(crate) struct Recipients {
    /// Who, and until when it need not be asked again. Only a yes is remembered: numbers join.
    found: Mutex<HashMap<PhoneNumber, Instant>>,
}

impl Recipients {
    /// Whether the number is on WhatsApp, asking only if it is not known to be.
    pub(crate) async fn is_on_whatsapp<E>(
        &self,
        phone: PhoneNumber,
        ask: impl Future<Output = Result<bool, E>>,
    ) -> Result<bool, E> {
        if self.is_known(phone, Instant::now()) {
            return Ok(true);
        }
        let found = ask.await?;
        if found {
            self.remember(phone, Instant::now());
        }
        Ok(found)
    }

    fn is_known(&self, phone: PhoneNumber, now: Instant) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(&phone).is_some_and(|until| now < *until)
    }

    fn remember(&self, phone: PhoneNumber, now: Instant) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= CAPACITY {
            let oldest = found
                .iter()
                .min_by_key(|(_, until)| **until)
                .map(|(phone, _)| *phone);
            oldest.map(|phone| found.remove(&phone));
        }
        found.insert(phone, now + SERVES);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn phone(number: usize) -> PhoneNumber {
        PhoneNumber::from_digits(&format!("1555{number:07}")).expect("a number")
    }

    async fn asks(recipients: &Recipients, number: usize, answer: Result<bool, ()>) -> bool {
        let asked = Cell::new(false);
        let given = recipients
            .is_on_whatsapp(phone(number), async {
                asked.set(true);
                answer
            })
            .await;
        assert_eq!(given, if asked.get() { answer } else { Ok(true) });
        asked.get()
    }

    #[tokio::test]
    async fn only_a_yes_is_remembered() {
        let recipients = Recipients::default();
        assert!(asks(&recipients, 1, Err(())).await);
        assert!(asks(&recipients, 1, Ok(false)).await);
        assert!(asks(&recipients, 1, Ok(true)).await);
        assert!(!asks(&recipients, 1, Err(())).await);
    }

    #[test]
    fn it_is_not_remembered_for_ever() {
        let recipients = Recipients::default();
        let start = Instant::now();
        recipients.remember(phone(1), start);
        assert!(recipients.is_known(phone(1), start + SERVES / 2));
        assert!(!recipients.is_known(phone(1), start + SERVES));
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let recipients = Recipients::default();
        let mut now = Instant::now();
        for number in 0..=CAPACITY {
            recipients.remember(phone(number), now);
            now += Duration::from_millis(1);
        }
        assert!(!recipients.is_known(phone(0), now));
        assert!(recipients.is_known(phone(1), now));
        assert_eq!(recipients.found.lock().expect("unpoisoned").len(), CAPACITY);
    }
}
