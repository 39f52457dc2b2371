//! One contact is one address, whether WhatsApp names it by phone number or by hidden number.

use std::future::Future;

use postern_domain::{Address, GroupId, Lid, PhoneNumber};
use wacore_binary::{Jid, Server};
use whatsapp_rust::Client;

/// What is known about which hidden number belongs to which phone number.
pub(crate) trait Directory: Sync {
    /// The phone number behind a hidden number, where it is known.
    fn phone_of(&self, lid: Lid) -> impl Future<Output = Option<PhoneNumber>> + Send;
}

/// The client learns the pairs from lookups and from messages, and keeps them with the keys.
impl Directory for Client {
    async fn phone_of(&self, lid: Lid) -> Option<PhoneNumber> {
        let entry = self.get_lid_pn_entry(&Jid::lid(lid.digits())).await.ok()??;
        PhoneNumber::from_digits(&entry.phone_number).ok()
    }
}

/// The phone number that a JID names.
pub(crate) fn phone(jid: &Jid) -> Option<PhoneNumber> {
    let named = jid.server.is_pn_family() || jid.server == Server::Legacy;
    named
        .then(|| PhoneNumber::from_digits(jid.user_base()).ok())
        .flatten()
}

/// The hidden number that a JID names.
pub(crate) fn lid(jid: &Jid) -> Option<Lid> {
    jid.server
        .is_lid_family()
        .then(|| Lid::from_digits(jid.user_base()).ok())
        .flatten()
}

/// The person that a JID names, by phone number wherever that is known; device parts are dropped.
///
/// `other` is the person's other name, where the stanza gives it. `None`: not a person this release knows,
/// e.g. a bot.
pub(crate) async fn person(jid: &Jid, other: Option<&Jid>, directory: &impl Directory) -> Option<Address> {
    if let Some(phone) = phone(jid).or_else(|| other.and_then(phone)) {
        return Some(Address::Phone(phone));
    }
    let lid = lid(jid)?;
    Some(match directory.phone_of(lid).await {
        Some(phone) => Address::Phone(phone),
        None => Address::Lid(lid),
    })
}

/// The group that a JID names.
pub(crate) fn group(jid: &Jid) -> Option<Address> {
    (jid.server == Server::Group)
        .then(|| GroupId::new(&jid.user).ok())
        .flatten()
        .map(Address::Group)
}

/// The JID that messages to an address are sent to.
pub(crate) fn jid(address: &Address) -> Jid {
    match address {
        Address::Phone(phone) => Jid::pn(phone.digits()),
        Address::Lid(lid) => Jid::lid(lid.digits()),
        Address::Group(group) => Jid::group(group.user()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Knows one pair.
    pub(crate) struct OnePair;

    impl Directory for OnePair {
        async fn phone_of(&self, lid: Lid) -> Option<PhoneNumber> {
            (lid.digits() == "100000012345678")
                .then(|| PhoneNumber::from_digits("15551234567").expect("a number"))
        }
    }

    fn parse(jid: &str) -> Jid {
        jid.parse().expect("a JID")
    }

    #[tokio::test]
    async fn every_name_of_a_person_is_one_address() {
        let table = [
            ("15551234567@s.whatsapp.net", None, Some("+15551234567")),
            ("15551234567:12@s.whatsapp.net", None, Some("+15551234567")),
            ("15551234567:99@hosted", None, Some("+15551234567")),
            (
                "15551234567@s.whatsapp.net",
                Some("100000012345678@lid"),
                Some("+15551234567"),
            ),
            // The stanza says which number is behind it.
            (
                "200000012345678:3@lid",
                Some("15557654321@s.whatsapp.net"),
                Some("+15557654321"),
            ),
            // It does not, but the directory knows.
            ("100000012345678:3@lid", None, Some("+15551234567")),
            ("100000012345678@hosted.lid", None, Some("+15551234567")),
            // Nobody knows.
            ("200000012345678:3@lid", None, Some("200000012345678@lid")),
            (
                "200000012345678@lid",
                Some("200000012345678:1@lid"),
                Some("200000012345678@lid"),
            ),
            // Not persons.
            ("13135550002@bot", None, None),
            ("120363021033254949@g.us", None, None),
            ("status@broadcast", None, None),
            ("120363000000000000@newsletter", None, None),
            ("@s.whatsapp.net", None, None),
        ];
        for (name, other, expected) in table {
            let address = person(&parse(name), other.map(parse).as_ref(), &OnePair).await;
            assert_eq!(
                address.map(|address| address.to_string()).as_deref(),
                expected,
                "{name} {other:?}"
            );
        }
    }

    #[test]
    fn groups_are_groups() {
        let table = [
            ("120363021033254949@g.us", Some("120363021033254949@g.us")),
            (
                "4915112345678-1400000000@g.us",
                Some("4915112345678-1400000000@g.us"),
            ),
            ("15551234567@s.whatsapp.net", None),
            ("status@broadcast", None),
        ];
        for (name, expected) in table {
            let address = group(&parse(name)).map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn an_address_is_sent_to_by_its_own_name() {
        for (address, expected) in [
            ("+15551234567", "15551234567@s.whatsapp.net"),
            ("100000012345678@lid", "100000012345678@lid"),
            ("120363021033254949@g.us", "120363021033254949@g.us"),
        ] {
            let address = Address::from_canonical(address).expect("an address");
            assert_eq!(jid(&address).to_string(), expected);
        }
    }
}
