//! Linking: a client shows codes, and a virtual phone that scans or types one endorses the client.

mod candidate;
mod code;
mod qr;

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use buffa::{Enumeration as _, Message as _};
use rand::RngExt as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use waproto::whatsapp::client_payload::DevicePairingRegistrationData;
use waproto::whatsapp::{ClientPayload, DeviceProps};

pub(crate) use candidate::{Candidate, Linking};
pub(crate) use code::{PhoneHello, TypedCode};
pub(crate) use qr::parse_qr;

use crate::address::phone_of;
use crate::certificate::KeyError;
use crate::companion::{Companion, NumberedKey, Registration, SignedKey};
use crate::devices::{self, Change};
use crate::faults::Armed;
use crate::network::Network;
use crate::outbox::Outbox;
use crate::stanza::{
    SERVER, attr_is, bytes_node, child_array, child_bytes, iq_error, iq_result, jid_attr, short_id,
    stream_error, text_attr,
};
use candidate::{Attempt, CodeRequest, Place};

/// Clients show each reference for 20 to 60 seconds.
const REFERENCES: usize = 6;
/// Some clients write down what they were told only after they have answered; ending the connection
/// sooner makes them miss that it was expected.
const PAUSE_BEFORE_RESTART: Duration = Duration::from_millis(300);
const PAIR_DEVICE: &str = "pair-device";
const LINK_CODE: &str = "link_code_companion_reg";

/// Why a phone did not link a client, as a phone would say it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the code's keys are not those of the client that shows it")]
    OtherKeys,
    #[error("this code was scanned already")]
    Scanned,
    #[error("no client shows a code for this phone number")]
    NobodyAsked,
    #[error("the code has expired; have the client show another one")]
    Expired,
    #[error("a wrong code was typed in too often; have the client show another one")]
    TooOften,
    #[error("this is not the code that the client shows")]
    WrongCode,
    #[error("the account has as many linked devices as it can have")]
    Full,
    #[error("the client refused the phone's endorsement")]
    Refused,
    #[error("the client's countersignature is not valid")]
    BadSignature,
    #[error("a key in the code is not one: {0}")]
    Key(String),
}

impl From<KeyError> for LinkError {
    fn from(error: KeyError) -> Self {
        Self::Key(error.to_string())
    }
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
        platform: platform(data).unwrap_or_default(),
    };
    Some(registration)
}

fn platform(data: &DevicePairingRegistrationData) -> Option<String> {
    let properties = DeviceProps::decode_from_slice(data.device_props.as_deref()?).ok()?;
    Some(properties.platform_type?.proto_name().to_lowercase())
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
        let candidate = Arc::new(Candidate::new(outbox, noise_key, registration));
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
            self.answer(&id, stanza);
        } else if let Some(attempt) = self.candidate.take_attempt(&id) {
            self.finish(attempt, stanza);
        }
    }

    fn answer(&self, id: &str, stanza: &NodeRef<'_>) {
        let outbox = &self.candidate.outbox;
        let link_code = stanza.get_optional_child(LINK_CODE);
        match link_code.and_then(|link_code| Some((link_code, text_attr(link_code, "stage")?))) {
            Some((hello, stage)) if stage == "companion_hello" => {
                outbox.send(match self.show_code(hello) {
                    Some(shown) => iq_result(id, [shown]),
                    None => iq_error(id, 400, "bad-request"),
                });
            }
            Some((answer, stage)) if stage == "companion_finish" => {
                outbox.send(iq_result(id, []));
                self.candidate.finish_code(answer);
            }
            _ if attr_is(stanza, "xmlns", "w:p") => outbox.send(iq_result(id, [])),
            _ => outbox.send(iq_error(id, 501, "feature-not-implemented")),
        }
    }

    /// The client is about to show a code for the phone with this number. The server never sees the code.
    fn show_code(&self, hello: &NodeRef<'_>) -> Option<Node> {
        let phone = phone_of(&jid_attr(hello, "jid")?)?;
        let wrapped = child_array(hello, "link_code_pairing_wrapped_companion_ephemeral_pub")?;
        let reference = reference();
        let request = CodeRequest::new(phone, reference.clone().into_bytes(), wrapped);
        self.candidate.show_code(request);
        self.network.show_code(phone, &self.candidate);
        let shown = NodeBuilder::new(LINK_CODE)
            .attr("stage", "companion_hello")
            .children([bytes_node("link_code_pairing_ref", reference)]);
        Some(shown.build())
    }

    fn finish(&self, attempt: Attempt, stanza: &NodeRef<'_>) {
        let Attempt { place, done, .. } = attempt;
        let signed = stanza
            .get_optional_child("pair-device-sign")
            .and_then(|answer| child_bytes(answer, "device-identity"));
        let result = match signed {
            None => Err(LinkError::Refused),
            Some(signed) if !place.endorsement.is_countersigned_by(signed) => Err(LinkError::BadSignature),
            Some(signed) => {
                self.link(&place, signed);
                Ok(place.device)
            }
        };
        // The phone may have stopped waiting.
        drop(done.send(result));
    }

    fn link(&self, place: &Place, signed: &[u8]) {
        let companion = Companion {
            device: place.device,
            key_index: place.key_index,
            noise_key: self.candidate.noise_key,
            registration: self.candidate.registration.clone(),
            device_identity: signed.to_vec(),
            prekeys: Default::default(),
            has_app_state_key: false,
            queue: Default::default(),
            line: None,
            faults: Armed::default(),
        };
        place
            .person
            .lock()
            .account
            .companions
            .insert(place.device, companion);
        let change = Change::Added {
            device: place.device,
            key_index: place.key_index,
        };
        devices::announce(&self.network, &place.person, change);
        self.network.hide(&self.references, &self.candidate);
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
        self.network.hide(&self.references, &self.candidate);
    }
}

/// Without a comma, which separates the fields of a QR code.
fn reference() -> String {
    let random: [u8; 48] = rand::rng().random();
    format!("2@{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}
