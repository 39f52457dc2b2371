//! Every method of every storage trait as a value, so that two backends can be given the same calls.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use wacore::store::traits::{
    AppStateSyncKey, Backend, DeviceInfo, DeviceListRecord, LidPnMappingEntry, MsgSecretEntry,
    PendingInboundKey, PendingInboundRow, TcTokenEntry,
};
use wacore_appstate::hash::HashState;
use wacore_appstate::processor::AppStateMutationMAC;

/// One call: the method, and small numbers that choose its arguments from domains where collisions are
/// common.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) a: u8,
    pub(super) b: u8,
    pub(super) time: i64,
    pub(super) value: Vec<u8>,
    pub(super) flag: bool,
}

/// Mostly 0, so that calls meet.
fn number() -> impl Strategy<Value = u8> {
    prop::sample::select(&[0, 0, 0, 0, 1, 1, 2, 3][..])
}

/// A call of one of these methods.
pub(super) fn call(methods: &'static [Method]) -> impl Strategy<Value = Call> {
    let value = prop::collection::vec(any::<u8>(), 0..6);
    (
        prop::sample::select(methods),
        number(),
        number(),
        0i64..6,
        value,
        any::<bool>(),
    )
        .prop_map(|(method, a, b, time, value, flag)| Call {
            method,
            a,
            b,
            time,
            value,
            flag,
        })
}

macro_rules! methods {
    ($([$($question:ident)*] [$($change:ident)*])*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Method { $($($question,)* $($change,)*)* }

        /// All methods.
        pub(super) const METHODS: &[Method] = &[$($(Method::$question,)* $(Method::$change,)*)*];

        /// The methods that work on the same tables. Most sequences keep to one of these, so that they meet.
        pub(super) const AREAS: &[&[Method]] = &[$(&[$(Method::$question,)* $(Method::$change,)*],)*];

        /// The methods that change nothing.
        const QUESTIONS: &[Method] = &[$($(Method::$question,)*)*];
    };
}

// Questions before what changes their answers.
methods! {
    [LoadIdentity GetSession HasSession HasSignalStateForUser]
    [PutIdentity PutIdentitiesBatch DeleteIdentity PutSession PutSessionsBatch DeleteSession]

    [LoadPrekey LoadPrekeysBatch GetMaxPrekeyId LoadSignedPrekey LoadAllSignedPrekeys]
    [StorePrekey StorePrekeysBatch MarkPrekeysUploaded RemovePrekey StoreSignedPrekey RemoveSignedPrekey]

    [GetSenderKey GetSenderKeyDevices]
    [PutSenderKey PutSenderKeysBatch DeleteSenderKey SetSenderKeyStatus ClearSenderKeyDevices
     DeleteSenderKeyDeviceRows ClearAllSenderKeyDevices]

    [GetSyncKey GetLatestSyncKeyId GetVersion GetMutationMac GetMutationMacs]
    [SetSyncKey SetVersion PutMutationMacs DeleteMutationMacs ClearMutationMacs]

    [GetLidMapping GetPnMapping GetAllLidMappings]
    [PutLidMapping PutLidMappings]

    [HasSameBaseKey GetDevices GetGroupMetadata]
    [SaveBaseKey DeleteBaseKey UpdateDeviceList UpdateDeviceLists DeleteDevices PutGroupMetadata
     DeleteGroupMetadata]

    [GetTcToken GetAllTcTokenJids]
    [PutTcToken DeleteTcToken DeleteExpiredTcTokens TouchTcTokenSenderTimestamp StoreReceivedTcToken]

    [GetPendingInbound]
    [StoreSentMessage TakeSentMessage DeleteExpiredSentMessages StorePendingInbound DeletePendingInbound
     DeleteExpiredPendingInbound StorePendingInboundBatch DeletePendingInboundBatch]

    [GetMsgSecret GetMsgSecretWithTs]
    [PutMsgSecret PutMsgSecrets DeleteExpiredMsgSecrets]

    [Exists]
    [Create SnapshotDb]
}

/// `1` is a prefix of `11`, and the last one belongs to neither.
const ADDRESSES: [&str; 4] = [
    "1@s.whatsapp.net",
    "1:2@s.whatsapp.net",
    "11:1@lid",
    "2;1@s.whatsapp.net",
];
const USERS: [&str; 4] = ["1", "11", "2", "12"];
const NAMES: [&str; 4] = ["regular", "regular_low", "critical", ""];

fn address(number: u8) -> &'static str {
    ADDRESSES[usize::from(number)]
}

fn name(number: u8) -> &'static str {
    NAMES[usize::from(number)]
}

fn user(number: u8) -> &'static str {
    USERS[usize::from(number)]
}

impl Call {
    fn id(&self) -> u32 {
        // Both ends of the range, because SQLite's integers are signed and wider.
        [1, 2, 0x00ff_ffff, u32::MAX][usize::from(self.b)]
    }

    fn array<const N: usize>(&self) -> [u8; N] {
        [self.value.first().copied().unwrap_or(self.a); N]
    }

    fn mac(&self, number: u8) -> [u8; 32] {
        [number % 4; 32]
    }

    /// The method's own second item, for batches.
    fn other(&self) -> u8 {
        (self.a + 1 + self.b % 2) % 4
    }

    fn mapping(&self, lid: u8, phone_number: u8, order: i64) -> LidPnMappingEntry {
        LidPnMappingEntry {
            lid: user(lid).to_owned(),
            phone_number: user(phone_number).to_owned(),
            created_at: self.time,
            // Later calls have later times, as with a clock; equal ones have a test of their own.
            updated_at: order,
            learning_source: name(self.b).to_owned(),
        }
    }

    fn device_list(&self, number: u8) -> DeviceListRecord {
        DeviceListRecord {
            user: user(number).to_owned(),
            devices: self
                .value
                .iter()
                .map(|id| DeviceInfo::new(u32::from(*id), self.flag.then_some(7)).with_hosting(self.flag))
                .collect(),
            timestamp: self.time,
            phash: self.flag.then(|| name(self.b).to_owned()),
            raw_id: self.flag.then(|| self.id()),
        }
    }

    fn hash_state(&self) -> HashState {
        HashState {
            version: if self.flag { u64::MAX } else { u64::from(self.b) },
            hash: self.array(),
            index_value_map: [(name(self.b).to_owned(), self.value.clone())].into(),
            mac_mismatch_fatal: self.flag,
        }
    }

    fn secret(&self, id: u8, order: i64) -> MsgSecretEntry {
        MsgSecretEntry {
            chat: Arc::from(address(self.a)),
            sender: Arc::from(address(self.b)),
            msg_id: Arc::from(name(id)),
            secret: [u8::try_from(order % 251).expect("small"); 32],
            expires_at: self.time,
            message_ts: if self.flag { 0 } else { self.time * 2 },
        }
    }

    /// Gives the call to a backend and puts the answer into a form that can be compared.
    ///
    /// `order` is the number of the call in its sequence.
    #[expect(clippy::too_many_lines, reason = "one arm a method")]
    pub(super) async fn give_to(&self, backend: &dyn Backend, order: i64) -> String {
        let (a, b, bytes) = (self.a, self.b, &self.value);
        // The clock is not part of the test: everything is older than one cutoff and younger than the other.
        let cutoff = if self.flag { i64::MAX } else { 0 };
        match self.method {
            Method::PutIdentity => shown(backend.put_identity(address(a), self.array()).await),
            Method::PutIdentitiesBatch => {
                let batch = [
                    (address(a).into(), self.array()),
                    (address(self.other()).into(), [b; 32]),
                ];
                shown(backend.put_identities_batch(&batch).await)
            }
            Method::LoadIdentity => shown(backend.load_identity(address(a)).await),
            Method::DeleteIdentity => shown(backend.delete_identity(address(a)).await),
            Method::GetSession => shown(backend.get_session(address(a)).await),
            Method::PutSession => shown(backend.put_session(address(a), bytes).await),
            Method::PutSessionsBatch => shown(backend.put_sessions_batch(&self.records()).await),
            Method::DeleteSession => shown(backend.delete_session(address(a)).await),
            Method::HasSession => shown(backend.has_session(address(a)).await),
            Method::HasSignalStateForUser => shown(backend.has_signal_state_for_user(user(a)).await),
            Method::StorePrekey => shown(backend.store_prekey(self.id(), bytes, self.flag).await),
            Method::StorePrekeysBatch => {
                let batch = [
                    (self.id(), Bytes::copy_from_slice(bytes)),
                    (2, Bytes::from_static(b"two")),
                ];
                shown(backend.store_prekeys_batch(&batch, self.flag).await)
            }
            Method::LoadPrekey => shown(backend.load_prekey(self.id()).await),
            Method::LoadPrekeysBatch => shown(backend.load_prekeys_batch(&[self.id(), 2, 1, 2]).await),
            Method::MarkPrekeysUploaded => shown(backend.mark_prekeys_uploaded(&[self.id(), 1]).await),
            Method::RemovePrekey => shown(backend.remove_prekey(self.id()).await),
            Method::GetMaxPrekeyId => shown(backend.get_max_prekey_id().await),
            Method::StoreSignedPrekey => shown(backend.store_signed_prekey(self.id(), bytes).await),
            Method::LoadSignedPrekey => shown(backend.load_signed_prekey(self.id()).await),
            Method::LoadAllSignedPrekeys => sorted(backend.load_all_signed_prekeys().await),
            Method::RemoveSignedPrekey => shown(backend.remove_signed_prekey(self.id()).await),
            Method::PutSenderKey => shown(backend.put_sender_key(address(a), bytes).await),
            Method::PutSenderKeysBatch => shown(backend.put_sender_keys_batch(&self.records()).await),
            Method::GetSenderKey => shown(backend.get_sender_key(address(a)).await),
            Method::DeleteSenderKey => shown(backend.delete_sender_key(address(a)).await),

            Method::GetSyncKey => shown(backend.get_sync_key(&[a]).await),
            Method::SetSyncKey => {
                let key = AppStateSyncKey {
                    key_data: bytes.clone(),
                    fingerprint: vec![b],
                    timestamp: self.time,
                };
                shown(backend.set_sync_key(&[a], key).await)
            }
            Method::GetVersion => shown(backend.get_version(name(a)).await),
            Method::SetVersion => shown(backend.set_version(name(a), self.hash_state()).await),
            Method::PutMutationMacs => {
                let mac = |index: u8, value_mac: &[u8]| AppStateMutationMAC {
                    index_mac: self.mac(index).to_vec(),
                    value_mac: value_mac.to_vec(),
                };
                let macs = [mac(b, bytes), mac(b + 1, b"next"), mac(b, b"last wins")];
                shown(backend.put_mutation_macs(name(a), u64::MAX, &macs).await)
            }
            Method::GetMutationMac => shown(backend.get_mutation_mac(name(a), &self.mac(b)).await),
            Method::GetMutationMacs => {
                let macs = backend
                    .get_mutation_macs(name(a), &[self.mac(b), self.mac(b + 1)])
                    .await;
                sorted(macs.map(|macs| macs.into_iter().collect()))
            }
            Method::DeleteMutationMacs => {
                let index_macs = [self.mac(b).to_vec(), self.mac(b + 2).to_vec()];
                shown(backend.delete_mutation_macs(name(a), &index_macs).await)
            }
            Method::ClearMutationMacs => shown(backend.clear_mutation_macs(name(a)).await),
            Method::GetLatestSyncKeyId => shown(backend.get_latest_sync_key_id().await),

            Method::GetSenderKeyDevices => sorted(backend.get_sender_key_devices(name(a)).await),
            Method::SetSenderKeyStatus => {
                let entries = [(address(b), self.flag), (address((b + 1) % 4), true)];
                shown(backend.set_sender_key_status(name(a), &entries).await)
            }
            Method::ClearSenderKeyDevices => shown(backend.clear_sender_key_devices(name(a)).await),
            Method::DeleteSenderKeyDeviceRows => shown(
                backend
                    .delete_sender_key_device_rows(&[address(a), address(b)])
                    .await,
            ),
            Method::ClearAllSenderKeyDevices => shown(backend.clear_all_sender_key_devices().await),
            Method::GetLidMapping => shown(backend.get_lid_mapping(user(a)).await),
            Method::GetPnMapping => shown(backend.get_pn_mapping(user(a)).await),
            Method::PutLidMapping => shown(backend.put_lid_mapping(&self.mapping(a, b, order)).await),
            Method::PutLidMappings => {
                let entries = [
                    self.mapping(a, b, order),
                    self.mapping(self.other(), b, order + 1),
                ];
                shown(backend.put_lid_mappings(&entries).await)
            }
            Method::GetAllLidMappings => sorted(backend.get_all_lid_mappings().await),
            Method::SaveBaseKey => shown(backend.save_base_key(address(a), name(b), bytes).await),
            Method::HasSameBaseKey => shown(backend.has_same_base_key(address(a), name(b), bytes).await),
            Method::DeleteBaseKey => shown(backend.delete_base_key(address(a), name(b)).await),
            Method::UpdateDeviceList => shown(backend.update_device_list(self.device_list(a)).await),
            Method::UpdateDeviceLists => {
                let records = vec![self.device_list(a), self.device_list(self.other())];
                shown(backend.update_device_lists(records).await)
            }
            Method::GetDevices => shown(backend.get_devices(user(a)).await),
            Method::DeleteDevices => shown(backend.delete_devices(user(a)).await),
            Method::GetGroupMetadata => shown(backend.get_group_metadata(name(a)).await),
            Method::PutGroupMetadata => shown(backend.put_group_metadata(name(a), bytes).await),
            Method::DeleteGroupMetadata => shown(backend.delete_group_metadata(name(a)).await),
            Method::GetTcToken => shown(backend.get_tc_token(address(a)).await),
            Method::PutTcToken => {
                let entry = TcTokenEntry {
                    token: bytes.clone(),
                    token_timestamp: self.time,
                    sender_timestamp: self.flag.then_some(i64::from(b)),
                };
                shown(backend.put_tc_token(address(a), &entry).await)
            }
            Method::DeleteTcToken => shown(backend.delete_tc_token(address(a)).await),
            Method::GetAllTcTokenJids => sorted(backend.get_all_tc_token_jids().await),
            Method::DeleteExpiredTcTokens => {
                shown(backend.delete_expired_tc_tokens(self.time, i64::from(b)).await)
            }
            Method::TouchTcTokenSenderTimestamp => shown(
                backend
                    .touch_tc_token_sender_timestamp(address(a), self.time)
                    .await,
            ),
            Method::StoreReceivedTcToken => shown(
                backend
                    .store_received_tc_token(address(a), bytes, self.time)
                    .await,
            ),
            Method::StoreSentMessage => shown(backend.store_sent_message(address(a), name(b), bytes).await),
            Method::TakeSentMessage => shown(backend.take_sent_message(address(a), name(b)).await),
            Method::DeleteExpiredSentMessages => shown(backend.delete_expired_sent_messages(cutoff).await),
            Method::StorePendingInbound => shown(
                backend
                    .store_pending_inbound(address(a), address(b), name(b), bytes)
                    .await,
            ),
            Method::GetPendingInbound => {
                shown(backend.get_pending_inbound(address(a), address(b), name(b)).await)
            }
            Method::DeletePendingInbound => shown(
                backend
                    .delete_pending_inbound(address(a), address(b), name(b))
                    .await,
            ),
            Method::DeleteExpiredPendingInbound => {
                shown(backend.delete_expired_pending_inbound(cutoff).await)
            }
            Method::StorePendingInboundBatch => {
                let row = |number| PendingInboundRow {
                    chat: address(number),
                    sender: address(b),
                    id: name(b),
                    message: bytes,
                };
                shown(
                    backend
                        .store_pending_inbound_batch(&[row(a), row(self.other())])
                        .await,
                )
            }
            Method::DeletePendingInboundBatch => {
                let key = |number| PendingInboundKey {
                    chat: address(number),
                    sender: address(b),
                    id: name(b),
                };
                shown(
                    backend
                        .delete_pending_inbound_batch(&[key(a), key(self.other())])
                        .await,
                )
            }

            Method::PutMsgSecret => shown(
                backend
                    .put_msg_secret(address(a), address(b), name(b), &self.array())
                    .await,
            ),
            Method::PutMsgSecrets => {
                let entries = vec![self.secret(b, order), self.secret(self.other(), order)];
                shown(backend.put_msg_secrets(entries).await)
            }
            Method::GetMsgSecret => shown(backend.get_msg_secret(address(a), address(b), name(b)).await),
            Method::GetMsgSecretWithTs => shown(
                backend
                    .get_msg_secret_with_ts(address(a), address(b), name(b))
                    .await,
            ),
            Method::DeleteExpiredMsgSecrets => shown(backend.delete_expired_msg_secrets(self.time).await),

            Method::Exists => shown(backend.exists().await),
            // The numbers and the keys that are made are each backend's own.
            Method::Create => shown(backend.create().await.map(|_number| ())),
            Method::SnapshotDb => shown(backend.snapshot_db("a name", Some(bytes)).await),
        }
    }

    fn records(&self) -> Vec<(Arc<str>, Bytes)> {
        vec![
            (address(self.a).into(), Bytes::copy_from_slice(&self.value)),
            (address(self.other()).into(), Bytes::from_static(b"other")),
            (address(self.a).into(), Bytes::copy_from_slice(&[self.b])),
        ]
    }
}

/// Every question that can be asked about the domains above.
pub(super) fn questions() -> impl Iterator<Item = Call> {
    let pairs = (0..4).flat_map(|a| (0..4).map(move |b| (a, b)));
    pairs.flat_map(|(a, b)| {
        QUESTIONS.iter().map(move |method| Call {
            method: *method,
            a,
            b,
            time: 0,
            value: Vec::new(),
            flag: false,
        })
    })
}

impl Call {
    /// The questions whose answers this call may change.
    pub(super) fn questions_after(&self) -> impl Iterator<Item = Self> {
        let area = AREAS
            .iter()
            .find(|area| area.contains(&self.method))
            .copied()
            .unwrap_or_default();
        let asked = area.iter().filter(|method| QUESTIONS.contains(method));
        asked.map(|method| Self {
            method: *method,
            ..self.clone()
        })
    }
}

fn shown<T: Debug>(answer: wacore::store::error::Result<T>) -> String {
    format!("{answer:?}")
}

fn sorted<T: Debug>(answer: wacore::store::error::Result<Vec<T>>) -> String {
    let mut items: Vec<String> = answer
        .expect("an answer")
        .iter()
        .map(|item| format!("{item:?}"))
        .collect();
    items.sort();
    format!("{items:?}")
}
