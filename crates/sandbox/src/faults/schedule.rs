//! Faults that are to come later: a task each, which ends with the sandbox.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::{rt, web};
use postern_domain::PhoneNumber;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Missed, Order, strike};
use crate::network::Network;

/// More than this waits for nobody.
const LIMIT: usize = 1_000;

/// A fault that is to come.
#[derive(Debug)]
pub(crate) struct Scheduled {
    pub(crate) order: Order,
    pub(crate) due: Instant,
    cleared: CancellationToken,
}

/// All faults that are to come.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Never used twice, so that nobody takes what another has left.
    next: u64,
    faults: BTreeMap<u64, Scheduled>,
}

impl Schedule {
    /// Reads what waits, in the order in which it was asked for.
    pub(crate) fn read<T>(&self, mut read: impl FnMut(&Scheduled) -> T) -> Vec<T> {
        self.lock().faults.values().map(&mut read).collect()
    }

    /// Forgets what waits for this account, or for all.
    pub(crate) fn clear(&self, phone: Option<PhoneNumber>) {
        self.lock().faults.retain(|_, scheduled| {
            let stays = phone.is_some_and(|phone| phone != scheduled.order.phone);
            if !stays {
                scheduled.cleared.cancel();
            }
            stays
        });
    }

    fn add(&self, scheduled: Scheduled) -> Result<u64, Missed> {
        let mut waiting = self.lock();
        if waiting.faults.len() >= LIMIT {
            return Err(Missed::Full);
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.faults.insert(number, scheduled);
        Ok(number)
    }

    fn take(&self, number: u64) -> Option<Order> {
        let scheduled = self.lock().faults.remove(&number)?;
        Some(scheduled.order)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries out the order after its delay, unless it is cleared or the sandbox stops before.
pub(crate) fn later(network: web::Data<Network>, order: Order) -> Result<(), Missed> {
    let cleared = network.stopping.child_token();
    let due = Instant::now() + order.delay;
    let number = network.schedule.add(Scheduled {
        order,
        due,
        cleared: cleared.clone(),
    })?;
    rt::spawn(async move {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = cleared.cancelled() => return,
        }
        if let Some(order) = network.schedule.take(number)
            && let Err(missed) = strike(&network, &order)
        {
            tracing::debug!(fault.kind = ?order.kind, %missed, "a delayed fault struck nobody");
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::faults::{Ending, Fault, Kind};

    fn scheduled(phone: &str) -> Scheduled {
        Scheduled {
            order: Order {
                phone: phone.parse().expect("a number"),
                device: None,
                kind: Kind::Close,
                fault: Fault::End(Ending::Close),
                delay: Duration::ZERO,
            },
            due: Instant::now(),
            cleared: CancellationToken::new(),
        }
    }

    #[test]
    fn clearing_one_account_leaves_the_others() {
        let schedule = Schedule::default();
        let [first, second] = ["+15551234567", "+15557654321"];
        let number = schedule.add(scheduled(first)).expect("room");
        schedule.add(scheduled(second)).expect("room");
        schedule.clear(first.parse().ok());
        assert_eq!(schedule.take(number), None);
        let waiting = schedule.read(|scheduled| scheduled.order.phone.to_string());
        assert_eq!(waiting, [second]);
        schedule.clear(None);
        assert!(schedule.read(|_| ()).is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let schedule = Schedule::default();
        for _ in 0..LIMIT {
            schedule.add(scheduled("+15551234567")).expect("room");
        }
        assert!(matches!(
            schedule.add(scheduled("+15551234567")),
            Err(Missed::Full)
        ));
    }
}
