//! Linking: a client shows QR codes, a virtual phone scans one and endorses the client's identity.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::rt;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use buffa::Message as _;
use rand::RngExt as _;
use tokio::sync::oneshot;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use wacore_libsignal::protocol::PublicKey;
use waproto::whatsapp::{ClientPairingProps, ClientPayload};

use crate::address::{lid_jid, pn_jid};
use crate::adv::{Endorsement, endorse};
use crate::certificate::KeyError;
use crate::companion::{Companion, NumberedKey, Registration, SignedKey};
use crate::faults::Armed;
use crate::network::Network;
use crate::outbox::Outbox;
use crate::person::Person;
use crate::stanza::{
    SERVER, attr_is, bytes_node, child_bytes, iq_error, iq_result, short_id, stream_error, text_attr,
};

/// Clients show each reference for 20 to 60 seconds.
const REFERENCES: usize = 6;
/// Some clients write down what they were told only after they have answered; ending the connection
/// sooner makes them miss that it was expected.
const PAUSE_BEFORE_RESTART: Duration = Duration::from_millis(300);
/// What phones put before the fields so that a camera app opens WhatsApp.
const LINK: &str = "https://wa.me/settings/linked_devices#";
const PAIR_DEVICE: &str = "pair-device";

/// What a QR code says.
pub(crate) struct QrCode {
    pub(crate) reference: String,
    pub(crate) noise_key: [u8; 32],
    pub(crate) identity: [u8; 32],
    pub(crate) secret: [u8; 32],
}

/// An unlinked client whose QR codes can be scanned.
pub(crate) struct Candidate {
    outbox: Outbox,
    noise_key: [u8; 32],
    registration: Registration,
    attempt: Mutex<Option<Attempt>>,
}

/// A scan the client has not answered yet.
struct Attempt {
    iq_id: String,
    person: Arc<Person>,
    device: u16,
    key_index: u32,
    endorsement: Endorsement,
    done: oneshot::Sender<Result<u16, ScanError>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanError {
    #[error("the code's keys are not those of the client that shows it")]
    OtherKeys,
    #[error("this code was scanned already")]
    Scanned,
    #[error("the account has as many linked devices as it can have")]
    Full,
    #[error("the client refused the phone's endorsement")]
    Refused,
    #[error("the client's countersignature is not valid")]
    BadSignature,
    #[error("a key in the code is not one: {0}")]
    Key(String),
}

impl From<KeyError> for ScanError {
    fn from(error: KeyError) -> Self {
        Self::Key(error.to_string())
    }
}

/// Reads a QR code in any of the forms clients show: five fields, the same behind a link, and four
/// fields as older clients have it.
pub(crate) fn parse_qr(text: &str) -> Option<QrCode> {
    let fields: Vec<&str> = text.strip_prefix(LINK).unwrap_or(text).split(',').collect();
    let (reference, keys) = match fields[..] {
        [reference, noise_key, identity, secret] => (reference, [noise_key, identity, secret]),
        [reference, noise_key, identity, secret, client] if !client.is_empty() => {
            (reference, [noise_key, identity, secret])
        }
        _ => return None,
    };
    let key = |field: &str| BASE64_STANDARD.decode(field).ok()?.try_into().ok();
    Some(QrCode {
        reference: Some(reference).filter(|text| !text.is_empty())?.to_owned(),
        noise_key: key(keys[0])?,
        identity: key(keys[1])?,
        secret: key(keys[2])?,
    })
}

/// What an unlinked client registers with, if it is complete.
pub(crate) fn registration(payload: &ClientPayload) -> Option<Registration> {
    let data = payload.device_pairing_data.as_option()?;
    let signature = data.e_skey_sig.clone()?;
    let registration = Registration {
        identity: data.e_ident.as_deref()?.try_into().ok()?,
        registration_id: u32::from_be_bytes(data.e_regid.as_deref()?.try_into().ok()?),
        signed_prekey: SignedKey {
            key: NumberedKey {
                id: short_id(data.e_skey_id.as_deref()?)?,
                key: data.e_skey_val.as_deref()?.try_into().ok()?,
            },
            signature,
        },
    };
    Some(registration)
}

impl Candidate {
    /// Scans the code with this person's phone. The answer says which device the client became.
    pub(crate) fn scan(
        &self,
        person: &Arc<Person>,
        code: &QrCode,
    ) -> Result<oneshot::Receiver<Result<u16, ScanError>>, ScanError> {
        if code.noise_key != self.noise_key || code.identity != self.registration.identity {
            return Err(ScanError::OtherKeys);
        }
        let identity = PublicKey::from_djb_public_key_bytes(&code.identity).map_err(KeyError::from)?;
        let mut attempt = self.attempt();
        if attempt.is_some() {
            return Err(ScanError::Scanned);
        }
        let (account, raw_id, lid_migrated, next) = {
            let mut state = person.lock();
            let next = state.account.next_companion().ok_or(ScanError::Full)?;
            let account = &state.account;
            (state.party.identity(), account.raw_id, account.lid_migrated, next)
        };
        let (device, key_index) = next;
        let endorsement = endorse(&account, raw_id, key_index, identity, &code.secret)?;
        let iq_id = format!("link-{device}-{key_index}");
        let container = endorsement.container.clone();
        let (done, answer) = oneshot::channel();
        *attempt = Some(Attempt {
            iq_id: iq_id.clone(),
            person: person.clone(),
            device,
            key_index,
            endorsement,
            done,
        });
        drop(attempt);
        self.outbox
            .send(pair_success(&iq_id, person, device, lid_migrated, container));
        Ok(answer)
    }

    fn attempt(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pair_success(id: &str, person: &Person, device: u16, lid_migrated: bool, container: Vec<u8>) -> Node {
    let properties = ClientPairingProps {
        is_chat_db_lid_migrated: Some(lid_migrated),
        ..Default::default()
    };
    let success = NodeBuilder::new("pair-success").children([
        bytes_node("device-identity", container),
        // With a name from the start no client waits for one from the app state.
        NodeBuilder::new("biz")
            .attr("name", crate::phone::name_of(person.phone))
            .build(),
        NodeBuilder::new("device")
            .attr("jid", pn_jid(person.phone, device))
            .attr("lid", lid_jid(person.phone, device))
            .build(),
        NodeBuilder::new("platform").attr("name", "android").build(),
        bytes_node("client-props", properties.encode_to_vec()),
    ]);
    NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("type", "set")
        .attr("id", id)
        .attr("xmlns", "md")
        .attr("t", crate::clock::unix_seconds())
        .children([success.build()])
        .build()
}

/// The server's side of an unlinked client's connection.
pub(crate) struct Pairing {
    network: Arc<Network>,
    candidate: Arc<Candidate>,
    references: Vec<String>,
}

impl Pairing {
    /// Gives the client something to show.
    pub(crate) fn begin(
        network: Arc<Network>,
        outbox: Outbox,
        noise_key: [u8; 32],
        registration: Registration,
    ) -> Self {
        let references: Vec<String> = (0..REFERENCES).map(|_| reference()).collect();
        let candidate = Arc::new(Candidate {
            outbox,
            noise_key,
            registration,
            attempt: Mutex::new(None),
        });
        network.show(&references, &candidate);
        let shown = references
            .iter()
            .map(|reference| bytes_node("ref", reference.as_bytes()));
        candidate.outbox.send(
            NodeBuilder::new("iq")
                .attr("from", SERVER)
                .attr("type", "set")
                .attr("id", PAIR_DEVICE)
                .attr("xmlns", "md")
                .children([NodeBuilder::new(PAIR_DEVICE).children(shown).build()])
                .build(),
        );
        Self {
            network,
            candidate,
            references,
        }
    }

    pub(crate) fn handle(&mut self, stanza: &NodeRef<'_>) {
        let Some(id) = text_attr(stanza, "id").filter(|_| stanza.tag == "iq") else {
            return;
        };
        if attr_is(stanza, "type", "get") || attr_is(stanza, "type", "set") {
            let answer = if attr_is(stanza, "xmlns", "w:p") {
                iq_result(&id, [])
            } else {
                iq_error(&id, 501, "feature-not-implemented")
            };
            self.candidate.outbox.send(answer);
            return;
        }
        let mut attempt = self.candidate.attempt();
        let Some(answered) = attempt.take_if(|attempt| attempt.iq_id == id) else {
            return;
        };
        drop(attempt);
        self.finish(answered, stanza);
    }

    fn finish(&self, attempt: Attempt, stanza: &NodeRef<'_>) {
        let signed = stanza
            .get_optional_child("pair-device-sign")
            .and_then(|answer| child_bytes(answer, "device-identity"));
        let result = match signed {
            None => Err(ScanError::Refused),
            Some(signed) if !attempt.endorsement.is_countersigned_by(signed) => Err(ScanError::BadSignature),
            Some(signed) => {
                self.link(&attempt, signed);
                Ok(attempt.device)
            }
        };
        // The scanner may have stopped waiting.
        drop(attempt.done.send(result));
    }

    fn link(&self, attempt: &Attempt, signed: &[u8]) {
        let companion = Companion {
            device: attempt.device,
            key_index: attempt.key_index,
            noise_key: self.candidate.noise_key,
            registration: self.candidate.registration.clone(),
            device_identity: signed.to_vec(),
            prekeys: Default::default(),
            has_app_state_key: false,
            queue: Default::default(),
            line: None,
            faults: Armed::default(),
        };
        attempt
            .person
            .lock()
            .account
            .companions
            .insert(attempt.device, companion);
        self.network.hide(&self.references);
        self.network.changed.notify_one();

        let outbox = self.candidate.outbox.clone();
        rt::spawn(async move {
            tokio::time::sleep(PAUSE_BEFORE_RESTART).await;
            outbox.send(stream_error(Some("515"), None));
            outbox.close();
        });
    }
}

impl Drop for Pairing {
    fn drop(&mut self) {
        self.network.hide(&self.references);
    }
}

/// Without a comma, which separates the code's fields.
fn reference() -> String {
    let random: [u8; 48] = rand::rng().random();
    format!("2@{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_of_a_code_say_the_same() {
        let key = |byte| BASE64_STANDARD.encode([byte; 32]);
        let bare = format!("2@ref,{},{},{}", key(1), key(2), key(3));
        for text in [bare.clone(), format!("{bare},1"), format!("{LINK}{bare},1")] {
            let code = parse_qr(&text).expect("a code");
            assert_eq!(code.reference, "2@ref");
            assert_eq!(
                (code.noise_key, code.identity, code.secret),
                ([1; 32], [2; 32], [3; 32])
            );
        }
    }

    #[test]
    fn other_texts_are_no_codes() {
        let key = BASE64_STANDARD.encode([1; 32]);
        for text in [
            String::new(),
            "hello".to_owned(),
            ",,,".to_owned(),
            "https://example.com/".to_owned(),
            format!(",{key},{key},{key}"),
            format!("ref,{key},{key},AAAA"),
            format!("ref,{key},{key},{key},"),
            format!("ref,{key},{key},{key},1,2"),
            format!("ref,{key},{key}"),
        ] {
            assert!(parse_qr(&text).is_none(), "{text}");
        }
    }
}
