//! What one client and the server say to each other after the handshake.

use std::sync::Arc;

use wacore_binary::NodeRef;
use waproto::whatsapp::ClientPayload;

use crate::certificate::KeyError;
use crate::faults::LoginRefusal;
use crate::iq;
use crate::login::{self, Login};
use crate::network::Network;
use crate::outbox::Outbox;
use crate::pairing::{self, Pairing};
use crate::person::Person;
use crate::stanza::text_attr;
use crate::{messages, receipts};

/// A connection's state, from the handshake to its end.
pub(crate) struct Session {
    stage: Stage,
}

enum Stage {
    /// Unlinked: it shows QR codes.
    Pairing(Pairing),
    LoggedIn(LoggedIn),
    /// Refused; nothing it says matters any more.
    Refused,
}

/// A linked companion's connection.
pub(crate) struct LoggedIn {
    pub(crate) network: Arc<Network>,
    pub(crate) outbox: Outbox,
    pub(crate) person: Arc<Person>,
    pub(crate) device: u16,
    pub(crate) connection: u64,
}

impl Session {
    /// Begins with what the client said in its handshake, and says the server's first words.
    pub(crate) fn begin(
        network: Arc<Network>,
        outbox: Outbox,
        client_static: [u8; 32],
        payload: &ClientPayload,
    ) -> Result<Self, KeyError> {
        let stage = if payload.username.is_none() {
            match pairing::registration(payload) {
                Some(registration) => {
                    Stage::Pairing(Pairing::begin(network, outbox, client_static, registration))
                }
                None => {
                    login::refuse(&outbox, LoginRefusal::because(400));
                    Stage::Refused
                }
            }
        } else {
            match login::check(&network, client_static, payload) {
                Login::Welcome(person, device) => {
                    let connection = network.next_connection();
                    login::welcome(&person, device, connection, &outbox);
                    Stage::LoggedIn(LoggedIn {
                        network,
                        outbox,
                        person,
                        device,
                        connection,
                    })
                }
                Login::Refused(reason) => {
                    login::refuse(&outbox, reason);
                    Stage::Refused
                }
            }
        };
        Ok(Self { stage })
    }

    /// Deals with one stanza. What makes no sense is passed over, as the real server mostly does.
    pub(crate) fn handle(&mut self, stanza: &NodeRef<'_>) {
        match &mut self.stage {
            Stage::Pairing(pairing) => pairing.handle(stanza),
            Stage::LoggedIn(session) => session.handle(stanza),
            Stage::Refused => {}
        }
    }
}

impl LoggedIn {
    fn handle(&self, stanza: &NodeRef<'_>) {
        if !self.outbox.hears_frame() {
            return;
        }
        match &*stanza.tag {
            "iq" => iq::handle(self, stanza),
            "message" => messages::handle(self, stanza),
            "receipt" => receipts::handle_receipt(self, stanza),
            "ack" => receipts::handle_ack(self, stanza),
            "ib" => self.hand_over(stanza),
            // <presence>, <chatstate> and <call> need no answer.
            _ => {}
        }
    }

    /// The client asks for more of what waited for it.
    fn hand_over(&self, stanza: &NodeRef<'_>) {
        let batch = stanza.get_optional_child("offline_batch");
        let count = batch.and_then(|batch| text_attr(batch, "count")?.parse().ok());
        if let Some(count) = count
            && let Some(companion) = self.person.lock().account.companions.get_mut(&self.device)
        {
            companion.ask_for(count);
        }
    }
}

impl Drop for LoggedIn {
    fn drop(&mut self) {
        if let Some(companion) = self.person.lock().account.companions.get_mut(&self.device) {
            companion.disconnect(self.connection);
        }
    }
}
