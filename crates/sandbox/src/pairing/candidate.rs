//! An unlinked client, and how far a phone has got with linking it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use buffa::Message as _;
use postern_domain::PhoneNumber;
use tokio::sync::oneshot;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use wacore_libsignal::protocol::PublicKey;
use waproto::whatsapp::ClientPairingProps;

use super::code::PhoneHello;
use super::qr::QrCode;
use super::{LINK_CODE, LinkError};
use crate::address::{lid_jid, pn_jid};
use crate::adv::{Endorsement, endorse};
use crate::certificate::{KeyError, public_bytes};
use crate::companion::Registration;
use crate::outbox::Outbox;
use crate::person::Person;
use crate::stanza::{SERVER, bytes_node, child_array, child_bytes};
use crate::writing::new_stanza_id;

/// As long as clients show a code.
const CODE_VALIDITY: Duration = Duration::from_secs(180);
/// Clients answer no further attempts with the same code.
const ENTRIES: u32 = 3;

/// Told which device the client became.
pub(super) type Done = oneshot::Sender<Result<u16, LinkError>>;
/// Tells which device the client became.
pub(crate) type Linking = oneshot::Receiver<Result<u16, LinkError>>;

/// An unlinked client that can be linked by its QR codes, or by a code that it asked for.
pub(crate) struct Candidate {
    pub(super) outbox: Outbox,
    pub(super) noise_key: [u8; 32],
    pub(super) registration: Registration,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    request: Option<CodeRequest>,
    entry: Option<Entry>,
    attempt: Option<Attempt>,
}

/// The client shows a code to be typed in.
#[derive(Clone)]
pub(crate) struct CodeRequest {
    /// The number that the client was told the phone has.
    pub(super) phone: PhoneNumber,
    pub(super) reference: Vec<u8>,
    /// The client's key, hidden behind the code.
    pub(crate) wrapped_ephemeral: [u8; 80],
    expires: Instant,
    entries_left: u32,
}

/// A code was typed in, and the client has not answered yet.
struct Entry {
    person: Arc<Person>,
    hello: PhoneHello,
    done: Done,
}

/// The phone has endorsed the client, and the client has not answered yet.
pub(super) struct Attempt {
    pub(super) place: Place,
    iq_id: String,
    pub(super) done: Done,
}

/// What the client is to become.
pub(super) struct Place {
    pub(super) person: Arc<Person>,
    pub(super) device: u16,
    pub(super) key_index: u32,
    pub(super) endorsement: Endorsement,
}

impl CodeRequest {
    pub(super) fn new(phone: PhoneNumber, reference: Vec<u8>, wrapped_ephemeral: [u8; 80]) -> Self {
        Self {
            phone,
            reference,
            wrapped_ephemeral,
            expires: Instant::now() + CODE_VALIDITY,
            entries_left: ENTRIES,
        }
    }

    /// Counts one more attempt with this code.
    fn enter(&mut self, now: Instant) -> Result<(), LinkError> {
        if now >= self.expires {
            return Err(LinkError::Expired);
        }
        self.entries_left = self.entries_left.checked_sub(1).ok_or(LinkError::TooOften)?;
        Ok(())
    }
}

impl Candidate {
    pub(super) fn new(outbox: Outbox, noise_key: [u8; 32], registration: Registration) -> Self {
        Self {
            outbox,
            noise_key,
            registration,
            progress: Mutex::default(),
        }
    }

    /// Scans the code with this person's phone.
    pub(crate) fn scan(&self, person: &Arc<Person>, code: &QrCode) -> Result<Linking, LinkError> {
        if code.noise_key != self.noise_key || code.identity != self.registration.identity {
            return Err(LinkError::OtherKeys);
        }
        if self.progress().attempt.is_some() {
            return Err(LinkError::Scanned);
        }
        let place = self.place(person, &code.secret)?;
        let (done, linking) = oneshot::channel();
        self.propose(place, done);
        Ok(linking)
    }

    /// Shows a code for this request; an earlier one counts no more.
    pub(super) fn show_code(&self, request: CodeRequest) {
        let mut progress = self.progress();
        progress.request = Some(request);
        progress.entry = None;
    }

    /// What a phone needs to try a code; counts as an attempt.
    pub(crate) fn try_code(&self, phone: PhoneNumber) -> Result<CodeRequest, LinkError> {
        let mut progress = self.progress();
        let request = progress.request.as_mut().filter(|request| request.phone == phone);
        let request = request.ok_or(LinkError::NobodyAsked)?;
        request.enter(Instant::now())?;
        Ok(request.clone())
    }

    /// Sends the client what the phone made of the code, and waits for its answer.
    pub(crate) fn greet(&self, person: &Arc<Person>, request: &CodeRequest, hello: PhoneHello) -> Linking {
        let (done, linking) = oneshot::channel();
        let identity = public_bytes(&person.lock().party.identity());
        let greeting = [
            bytes_node(
                "link_code_pairing_wrapped_primary_ephemeral_pub",
                hello.wrapped_ephemeral,
            ),
            bytes_node("primary_identity_pub", identity),
            bytes_node("link_code_pairing_ref", request.reference.clone()),
        ];
        self.progress().entry = Some(Entry {
            person: person.clone(),
            hello,
            done,
        });
        self.outbox.send(notification("primary_hello", greeting));
        linking
    }

    /// Ends the code's validity, and tells the client to show another one.
    pub(crate) fn expire_code(&self, phone: PhoneNumber) -> Result<(), LinkError> {
        let mut progress = self.progress();
        let request = progress.request.as_mut().filter(|request| request.phone == phone);
        let request = request.ok_or(LinkError::NobodyAsked)?;
        request.expires = Instant::now();
        let reference = bytes_node("link_code_pairing_ref", request.reference.clone());
        self.outbox.send(notification("refresh_code", [reference]));
        Ok(())
    }

    /// The client's answer to a code that was typed in.
    pub(super) fn finish_code(&self, answer: &NodeRef<'_>) {
        let entry = {
            let mut progress = self.progress();
            let reference = progress
                .request
                .as_ref()
                .map(|request| request.reference.as_slice());
            if child_bytes(answer, "link_code_pairing_ref") != reference {
                return;
            }
            progress.entry.take()
        };
        let Some(Entry { person, hello, done }) = entry else {
            return;
        };
        match self.place_by_code(&person, &hello, answer) {
            Ok(place) => self.propose(place, done),
            // Whoever typed may have stopped waiting.
            Err(error) => drop(done.send(Err(error))),
        }
    }

    fn place_by_code(
        &self,
        person: &Arc<Person>,
        hello: &PhoneHello,
        answer: &NodeRef<'_>,
    ) -> Result<Place, LinkError> {
        let identity = child_array(answer, "companion_identity_public")
            .filter(|identity| *identity == self.registration.identity)
            .ok_or(LinkError::Refused)?;
        let bundle = child_bytes(answer, "link_code_pairing_wrapped_key_bundle").ok_or(LinkError::Refused)?;
        let account = person.lock().party.identity();
        let secret = hello.secret(&account, &identity, bundle)?;
        self.place(person, &secret)
    }

    /// Finds a place for the client in the account, and endorses it for that.
    fn place(&self, person: &Arc<Person>, secret: &[u8; 32]) -> Result<Place, LinkError> {
        let identity = PublicKey::from_djb_public_key_bytes(&self.registration.identity);
        let identity = identity.map_err(KeyError::from)?;
        let (account, raw_id, next) = {
            let mut state = person.lock();
            let next = state.account.next_companion().ok_or(LinkError::Full)?;
            (state.party.identity(), state.account.raw_id, next)
        };
        let (device, key_index) = next;
        Ok(Place {
            person: person.clone(),
            device,
            key_index,
            endorsement: endorse(&account, raw_id, key_index, identity, secret)?,
        })
    }

    fn propose(&self, place: Place, done: Done) {
        let iq_id = format!("link-{}-{}", place.device, place.key_index);
        let proposal = pair_success(&iq_id, &place);
        self.progress().attempt = Some(Attempt { place, iq_id, done });
        self.outbox.send(proposal);
    }

    /// The attempt that the client answers by this id.
    pub(super) fn take_attempt(&self, iq_id: &str) -> Option<Attempt> {
        self.progress().attempt.take_if(|attempt| attempt.iq_id == iq_id)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn notification<const N: usize>(stage: &'static str, children: [Node; N]) -> Node {
    let content = NodeBuilder::new(LINK_CODE)
        .attr("stage", stage)
        .children(children);
    NodeBuilder::new("notification")
        .attr("from", SERVER)
        .attr("id", new_stanza_id())
        .attr("type", LINK_CODE)
        .attr("t", crate::clock::unix_seconds())
        .children([content.build()])
        .build()
}

fn pair_success(id: &str, place: &Place) -> Node {
    let phone = place.person.phone;
    let properties = ClientPairingProps {
        is_chat_db_lid_migrated: Some(place.person.lock().account.lid_migrated),
        ..Default::default()
    };
    let success = NodeBuilder::new("pair-success").children([
        bytes_node("device-identity", place.endorsement.container.clone()),
        // With a name from the start no client waits for one from the app state.
        NodeBuilder::new("biz")
            .attr("name", crate::phone::name_of(phone))
            .build(),
        NodeBuilder::new("device")
            .attr("jid", pn_jid(phone, place.device))
            .attr("lid", lid_jid(phone, place.device))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_expires_and_bears_three_attempts() {
        let phone = PhoneNumber::from_digits("15551234567").expect("a number");
        let mut request = CodeRequest::new(phone, Vec::new(), [0; 80]);
        let now = request.expires - CODE_VALIDITY;
        assert_eq!(request.enter(now + CODE_VALIDITY), Err(LinkError::Expired));
        for _ in 0..ENTRIES {
            assert_eq!(request.enter(now), Ok(()));
        }
        assert_eq!(request.enter(now), Err(LinkError::TooOften));
    }
}
