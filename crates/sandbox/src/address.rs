//! Every phone number has one LID, and either name means the same person.

use postern_domain::PhoneNumber;
use wacore_binary::{Jid, Server};

/// E.164 has 15 digits at most, so that a permutation of `0..MODULUS` covers every number.
const MODULUS: u64 = 1_000_000_000_000_000;
/// Shuffles numbers into LIDs; it is coprime to [`MODULUS`], so that it has an inverse.
const MULTIPLIER: u64 = 716_827_393_512_347;
const INVERSE: u64 = inverse(MULTIPLIER);

/// The LID of a phone number, the same in every sandbox. It shows nothing of the number.
pub(crate) fn lid_of(phone: PhoneNumber) -> u64 {
    MODULUS + multiply(phone.as_u64(), MULTIPLIER)
}

/// The phone number behind a JID of a person, under either of its names.
pub(crate) fn phone_of(jid: &Jid) -> Option<PhoneNumber> {
    match jid.server {
        Server::Pn => PhoneNumber::from_digits(&jid.user).ok(),
        Server::Lid => phone_of_lid(jid.user.parse().ok()?),
        _ => None,
    }
}

pub(crate) fn phone_of_lid(lid: u64) -> Option<PhoneNumber> {
    let shuffled = lid.checked_sub(MODULUS).filter(|rest| *rest < MODULUS)?;
    PhoneNumber::from_digits(&multiply(shuffled, INVERSE).to_string()).ok()
}

pub(crate) fn pn_jid(phone: PhoneNumber, device: u16) -> Jid {
    Jid::pn_device(phone.digits(), device)
}

pub(crate) fn lid_jid(phone: PhoneNumber, device: u16) -> Jid {
    Jid::lid_device(lid_of(phone).to_string(), device)
}

const fn multiply(a: u64, b: u64) -> u64 {
    // Both factors are below 10^15, and so is the remainder.
    ((a as u128 * b as u128) % MODULUS as u128) as u64
}

/// By the extended Euclidean algorithm.
const fn inverse(value: u64) -> u64 {
    let (mut remainder, mut next_remainder) = (MODULUS as i128, value as i128);
    let (mut factor, mut next_factor) = (0_i128, 1_i128);
    while next_remainder != 0 {
        let quotient = remainder / next_remainder;
        (remainder, next_remainder) = (next_remainder, remainder - quotient * next_remainder);
        (factor, next_factor) = (next_factor, factor - quotient * next_factor);
    }
    factor.rem_euclid(MODULUS as i128) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lid_leads_back_to_its_number() {
        for digits in ["15551234567", "4915112345678", "999999999999999", "10000"] {
            let phone = PhoneNumber::from_digits(digits).expect("a number");
            assert_eq!(phone_of(&lid_jid(phone, 3)), Some(phone));
            assert_eq!(phone_of(&pn_jid(phone, 0)), Some(phone));
            assert!(!lid_of(phone).to_string().contains(digits));
        }
    }

    #[test]
    fn other_addresses_belong_to_nobody() {
        for text in [
            "1@g.us",
            "status@broadcast",
            "5@lid",
            "99999999999999999999@lid",
            "abc@s.whatsapp.net",
        ] {
            let jid: Jid = text.parse().expect("a JID");
            assert_eq!(phone_of(&jid), None, "{text}");
        }
    }
}
