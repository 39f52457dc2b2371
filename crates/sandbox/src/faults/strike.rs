//! Bringing a fault to the companions it is meant for, and taking it back.

use postern_domain::PhoneNumber;

use super::armed::Full;
use super::{Ending, Fault, Order};
use crate::companion::Companion;
use crate::network::Network;
use crate::person::Person;

/// Why a fault struck nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missed {
    #[error("nobody has linked a device to this number")]
    Unknown,
    #[error("no device is linked to this account")]
    NotLinked,
    #[error("this account has no linked device with this number")]
    NoSuchDevice,
    #[error("no linked device of this account is connected")]
    NotConnected,
    #[error("too many faults wait already")]
    Full,
}

impl From<Full> for Missed {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Carries out an order now; returns how many companions it struck or was armed for.
pub(crate) fn strike(network: &Network, order: &Order) -> Result<usize, Missed> {
    let person = network.known(order.phone).ok_or(Missed::Unknown)?;
    let struck = if order.fault == Fault::End(Ending::Logout) {
        unlink(network, &person, order.device)?
    } else {
        on_companions(&person, order.device, |companion| {
            strike_companion(companion, &order.fault)
        })?
    };
    if struck == 0 {
        return Err(Missed::NotConnected);
    }
    Ok(struck)
}

/// Disarms everything and lifts every silence: for this account, or for all.
pub(crate) fn clear(network: &Network, phone: Option<PhoneNumber>) {
    network.schedule.clear(phone);
    let people = match phone {
        Some(phone) => network.known(phone).into_iter().collect(),
        None => network.people(),
    };
    for person in people {
        for companion in person.lock().account.companions.values_mut() {
            companion.faults.clear();
            if let Some(line) = &companion.line {
                line.outbox.treat_normally();
            }
        }
    }
}

fn on_companions(
    person: &Person,
    device: Option<u16>,
    mut act: impl FnMut(&mut Companion) -> Result<bool, Missed>,
) -> Result<usize, Missed> {
    let mut state = person.lock();
    let companions = &mut state.account.companions;
    let mut struck = 0;
    match device {
        Some(device) => {
            struck += usize::from(act(companions.get_mut(&device).ok_or(Missed::NoSuchDevice)?)?)
        }
        None if companions.is_empty() => return Err(Missed::NotLinked),
        None => {
            for companion in companions.values_mut() {
                struck += usize::from(act(companion)?);
            }
        }
    }
    Ok(struck)
}

/// False when the companion would have to be connected and is not.
fn strike_companion(companion: &mut Companion, fault: &Fault) -> Result<bool, Missed> {
    let line = companion.line.as_ref();
    match fault {
        Fault::End(ending) => {
            if let Some(line) = line {
                ending.say(&line.outbox);
            }
            Ok(line.is_some())
        }
        Fault::DropFramesAfter(frames) => {
            if let Some(line) = line {
                line.outbox.hear_only(*frames);
            }
            Ok(line.is_some())
        }
        Fault::Arm { trap, left, drop } => {
            companion.faults.arm(trap.clone(), *left)?;
            if let Some(line) = &companion.line {
                if *drop {
                    line.outbox.close();
                }
                line.outbox.treat(&mut companion.faults);
            }
            Ok(true)
        }
    }
}

/// The account removes one companion or all; one that is away learns of it at its next login.
fn unlink(network: &Network, person: &Person, device: Option<u16>) -> Result<usize, Missed> {
    match (crate::phone::unlink(network, person, device), device) {
        (0, Some(_)) => Err(Missed::NoSuchDevice),
        (0, None) => Err(Missed::NotLinked),
        (unlinked, _) => Ok(unlinked),
    }
}
