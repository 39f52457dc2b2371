//! The sender keys of groups: everybody who writes into a group has one, and shares it with each reader
//! over their own session.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use wacore_libsignal::protocol::error::Result as SignalResult;
use wacore_libsignal::protocol::{
    ProtocolAddress, SenderKeyDistributionMessage, SenderKeyName, SenderKeyRecord, SenderKeyStore,
    create_sender_key_distribution_message, group_decrypt, group_encrypt,
    process_sender_key_distribution_message,
};

use crate::signal::{Sealed, SignalError};

/// What this party calls itself among the senders.
const OWN: &str = "own";

/// One party's sender keys: its own and those it was given.
#[derive(Default)]
pub(crate) struct SenderKeys {
    /// By group and sender.
    records: HashMap<(String, String), SenderKeyRecord>,
    /// Group and reader: who was given the own key.
    shared: HashSet<(String, ProtocolAddress)>,
}

impl SenderKeys {
    /// Takes the key that somebody shares for a group.
    pub(crate) fn learn(
        &mut self,
        group: &str,
        sender: &ProtocolAddress,
        distribution: &[u8],
    ) -> Result<(), SignalError> {
        let distribution = SenderKeyDistributionMessage::try_from(distribution)?;
        let name = SenderKeyName::from_parts(group, sender.as_str());
        process_sender_key_distribution_message(&name, &distribution, self)
            .now_or_never()
            .ok_or(SignalError::Waited)??;
        Ok(())
    }

    /// Opens what somebody wrote into a group. The padding is still on it.
    pub(crate) fn open(
        &mut self,
        group: &str,
        sender: &ProtocolAddress,
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, SignalError> {
        let name = SenderKeyName::from_parts(group, sender.as_str());
        let plaintext = group_decrypt(ciphertext, self, &name)
            .now_or_never()
            .ok_or(SignalError::Waited)??;
        Ok(plaintext)
    }

    /// The own key for a group, as it is shared. It opens what is sealed from now on.
    pub(crate) fn distribution(&mut self, group: &str) -> Result<Vec<u8>, SignalError> {
        let name = SenderKeyName::from_parts(group, OWN);
        let distribution = create_sender_key_distribution_message(&name, self, &mut rand::rng())
            .now_or_never()
            .ok_or(SignalError::Waited)??;
        Ok(distribution.as_ref().to_vec())
    }

    /// Seals for everybody who was given the own key.
    pub(crate) fn seal(&mut self, group: &str, plaintext: &[u8]) -> Result<Sealed, SignalError> {
        let name = SenderKeyName::from_parts(group, OWN);
        let message = group_encrypt(self, &name, plaintext, &mut rand::rng())
            .now_or_never()
            .ok_or(SignalError::Waited)??;
        Ok(Sealed {
            kind: "skmsg",
            bytes: message.as_ref().to_vec(),
        })
    }

    /// Notes that a reader is given the own key; false when it was before.
    pub(crate) fn share(&mut self, group: &str, reader: &ProtocolAddress) -> bool {
        self.shared.insert((group.to_owned(), reader.clone()))
    }

    /// These have lost the own key, and it has to be shared with them again.
    pub(crate) fn unshare(&mut self, who: impl Fn(&ProtocolAddress) -> bool) {
        self.shared.retain(|(_, reader)| !who(reader));
    }

    /// Forgets the keys that these have shared.
    pub(crate) fn forget(&mut self, who: impl Fn(&str) -> bool) {
        self.records.retain(|(_, sender), _| !who(sender));
    }

    pub(crate) fn save(&self) -> SignalResult<SavedSenderKeys> {
        let records = self.records.iter().map(|((group, sender), record)| {
            Ok(SavedRecord {
                group: group.clone(),
                sender: sender.clone(),
                record: record.serialize()?,
            })
        });
        let shared = self.shared.iter().map(|(group, reader)| SavedShare {
            group: group.clone(),
            name: reader.name().to_owned(),
            device: reader.device_id().into(),
        });
        Ok(SavedSenderKeys {
            records: records.collect::<SignalResult<_>>()?,
            shared: shared.collect(),
        })
    }

    pub(crate) fn restore(saved: &SavedSenderKeys) -> SignalResult<Self> {
        let records = saved.records.iter().map(|saved| {
            let record = SenderKeyRecord::deserialize(&saved.record)?;
            Ok(((saved.group.clone(), saved.sender.clone()), record))
        });
        let shared = saved.shared.iter().map(|saved| {
            let reader = ProtocolAddress::new(&saved.name, saved.device.into());
            (saved.group.clone(), reader)
        });
        Ok(Self {
            records: records.collect::<SignalResult<_>>()?,
            shared: shared.collect(),
        })
    }
}

#[async_trait]
impl SenderKeyStore for SenderKeys {
    async fn store_sender_key(&mut self, name: &SenderKeyName, record: SenderKeyRecord) -> SignalResult<()> {
        self.records.insert(key(name), record);
        Ok(())
    }

    async fn load_sender_key(&self, name: &SenderKeyName) -> SignalResult<Option<SenderKeyRecord>> {
        Ok(self.records.get(&key(name)).cloned())
    }
}

fn key(name: &SenderKeyName) -> (String, String) {
    (name.group_id().to_owned(), name.sender_id().to_owned())
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct SavedSenderKeys {
    records: Vec<SavedRecord>,
    shared: Vec<SavedShare>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SavedRecord {
    group: String,
    sender: String,
    #[serde(with = "crate::snapshot::bytes")]
    record: Vec<u8>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SavedShare {
    group: String,
    name: String,
    device: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "1@g.us";

    #[test]
    fn a_group_is_read_with_the_senders_key_and_only_from_then_on() {
        let (mut writer, mut reader) = (SenderKeys::default(), SenderKeys::default());
        let name = ProtocolAddress::new("writer", 1.into());
        let key = writer.distribution(GROUP).expect("a key");
        let early = writer.seal(GROUP, b"early").expect("sealed");
        assert!(reader.open(GROUP, &name, &early.bytes).is_err());

        reader.learn(GROUP, &name, &key).expect("learnt");
        assert_eq!(reader.open(GROUP, &name, &early.bytes).expect("opened"), b"early");
        let saved = (writer.save().expect("saved"), reader.save().expect("saved"));
        let mut writer = SenderKeys::restore(&saved.0).expect("restored");
        let mut reader = SenderKeys::restore(&saved.1).expect("restored");
        let late = writer.seal(GROUP, b"late").expect("sealed");
        assert_eq!(reader.open(GROUP, &name, &late.bytes).expect("opened"), b"late");
        assert!(reader.open("2@g.us", &name, &late.bytes).is_err());
    }

    #[test]
    fn a_key_is_shared_once_with_everybody_until_they_lost_it() {
        let mut keys = SenderKeys::default();
        let readers = [1, 2].map(|device| ProtocolAddress::new("reader", device.into()));
        for reader in &readers {
            assert!(keys.share(GROUP, reader));
            assert!(!keys.share(GROUP, reader));
        }
        keys.unshare(|reader| *reader == readers[0]);
        assert!(keys.share(GROUP, &readers[0]));
        assert!(!keys.share(GROUP, &readers[1]));
    }
}
