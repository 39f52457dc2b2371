//! What `keys.db` and `postern.db` say of each other: which devices have keys, and for which account.
//!
//! The files have no common snapshot, and a daemon may be linking or removing a device. So every look is taken twice:
//! what is under way is found once, and what stays is a finding.

use std::collections::HashMap;

use postern_domain::{DeviceId, PhoneNumber};

use super::{CheckOutcome, Found};
use crate::sqlite::Beside;
use crate::{StoreError, data, keys};

/// A check across both files.
pub(super) struct LinkRule {
    /// Its name, in words with dashes. Never changed.
    pub(super) name: &'static str,
    /// What should hold, in a sentence.
    pub(super) promise: &'static str,
    /// Whether a device breaks it, by its link and its keys.
    breaks: fn(Link, Keys) -> bool,
}

/// What `postern.db` says of a device: `None` when it does not know it, else the account it is linked to.
type Link = Option<Option<PhoneNumber>>;
/// What `keys.db` says of a device: `None` when it has no keys of it, else the account they log in to.
type Keys = Option<Option<PhoneNumber>>;

pub(super) const RULES: [LinkRule; 3] = [
    LinkRule {
        name: "keys-of-devices",
        promise: "The keys are those of devices that postern.db knows.",
        breaks: |link, keys| link.is_none() && keys.is_some(),
    },
    LinkRule {
        name: "keys-of-links",
        promise: "Every linked device has keys to log in with.",
        breaks: |link, keys| link.flatten().is_some() && keys.flatten().is_none(),
    },
    LinkRule {
        name: "accounts-of-keys",
        promise: "The keys of a device log in to the account it is linked to.",
        breaks: |link, keys| {
            let account = keys.flatten();
            account.is_some() && link.is_some_and(|linked| linked != account)
        },
    },
];

impl LinkRule {
    /// Looks at both files; there may be no keys at all. What is found is no damage: a restore leaves it so.
    pub(super) fn look(&self, gateway: &Beside, keys: Option<&Beside>) -> CheckOutcome {
        CheckOutcome::warning(self.find(gateway, keys))
    }

    fn find(&self, gateway: &Beside, keys: Option<&Beside>) -> Result<Found, StoreError> {
        let (first, second) = (self.once(gateway, keys)?, self.once(gateway, keys)?);
        let mut found = Found::default();
        for device in first.iter().filter(|device| second.contains(device)) {
            found.add(|| device.to_string());
        }
        Ok(found)
    }

    /// The devices that break it, in the order of their ids.
    fn once(&self, gateway: &Beside, keys: Option<&Beside>) -> Result<Vec<DeviceId>, StoreError> {
        let links = data::links(&gateway.connection)?;
        let keys = keys.map_or_else(|| Ok(HashMap::new()), |keys| keys::accounts(&keys.connection))?;
        let mut devices: Vec<_> = links.keys().chain(keys.keys()).copied().collect();
        devices.sort_unstable();
        devices.dedup();
        devices.retain(|device| (self.breaks)(links.get(device).copied(), keys.get(device).copied()));
        Ok(devices)
    }
}
