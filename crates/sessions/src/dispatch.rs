//! From the outbox to the client: claims what is due, sends it in order for each chat, counts what is under way.
//!
//! A claim marks messages `processing` in the table; what happens after that is kept only here. When the connection
//! is lost all of it is forgotten, because the table still has every message, and the next connection claims them
//! again with the same stanza ids.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use postern_domain::port::{Observed, Outgoing, SendError, Session};
use postern_domain::{Address, DeviceId, FailureCode, StanzaId, Timestamp};
use postern_store::{Claimed, Outcome, StoreError};
use tokio::time::{Instant, timeout};

use crate::context::{CALL_DEADLINE, Context};

/// Chats that are written to at the same time. A first message asks WhatsApp for keys and takes a while; it must not
/// hold up those to other chats.
const CHATS_AT_ONCE: usize = 8;
/// How soon a message is tried again that met a client without a connection.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// What a report says about messages; a report about anything else comes back as it was.
pub(crate) fn outcome_of(observed: Observed) -> Result<Vec<Outcome>, Observed> {
    match observed {
        Observed::Acked { stanza, .. } => Ok(vec![Outcome::Acked { stanza }]),
        Observed::Refused { stanza, code } => Ok(vec![Outcome::Failed {
            stanza,
            code: FailureCode::RejectedByWhatsApp,
            text: format!("WhatsApp refused the message with code {code}"),
        }]),
        Observed::Receipt { stanzas, kind, .. } => Ok(stanzas
            .into_iter()
            .map(|stanza| Outcome::Receipt { stanza, kind })
            .collect()),
        other => Err(other),
    }
}

/// The sending side of one open client.
pub(crate) struct Dispatch {
    device: DeviceId,
    context: Arc<Context>,
    session: Arc<dyn Session>,
    connected: bool,
    /// Whether the outbox may hold something that was not seen yet.
    look: bool,
    /// When to look without being told.
    look_at: Instant,
    /// Claimed, waiting for an earlier message to the same chat. Every chat here is being written to.
    queues: HashMap<Address, VecDeque<Claimed>>,
    /// Chats whose turn has not come.
    waiting: VecDeque<Address>,
    writing: FuturesUnordered<BoxFuture<'static, (Claimed, Result<(), SendError>)>>,
    /// Being written or written, and not acknowledged; until when the ack is waited for. The ack of a message may
    /// come before the call that writes it returns.
    unacknowledged: HashMap<StanzaId, Instant>,
    outcomes: Vec<Outcome>,
    last_heard: Instant,
    silent: bool,
}

impl Dispatch {
    pub(crate) fn new(device: DeviceId, context: Arc<Context>, session: Arc<dyn Session>) -> Self {
        let now = Instant::now();
        Self {
            device,
            context,
            session,
            connected: false,
            look: false,
            look_at: now,
            queues: HashMap::new(),
            waiting: VecDeque::new(),
            writing: FuturesUnordered::new(),
            unacknowledged: HashMap::new(),
            outcomes: Vec::new(),
            last_heard: now,
            silent: false,
        }
    }

    /// Messages may leave.
    pub(crate) fn connected(&mut self) {
        self.forget();
        self.connected = true;
        self.silent = false;
        self.last_heard = Instant::now();
        self.look();
    }

    /// Nothing leaves until the next connection.
    pub(crate) fn disconnected(&mut self) {
        self.connected = false;
        self.forget();
    }

    /// The outbox may hold something new.
    pub(crate) fn look(&mut self) {
        self.look = true;
    }

    /// Waits until it is time to look although nothing rang. Cancel-safe.
    pub(crate) fn due(&self) -> impl Future<Output = ()> + use<> {
        let (at, idle) = (self.look_at, !self.connected);
        async move {
            if idle {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep_until(at).await;
        }
    }

    /// Claims as many messages as the window has room for, and starts those whose chat is free.
    pub(crate) async fn claim(&mut self) -> Result<(), StoreError> {
        while self.connected && self.look {
            let now = Instant::now();
            self.unacknowledged.retain(|_, deadline| *deadline > now);
            let room = self.context.config.in_flight.saturating_sub(self.under_way());
            if room == 0 {
                // An ack makes room and looks again; so does the deadline of one that never comes.
                self.look_at = now + self.context.config.poll;
                return Ok(());
            }
            self.look = false;
            let (context, accepted_now) = (&self.context, self.context.now());
            let deadline = accepted_now.after(context.config.ack_timeout);
            let claimed = context
                .store
                .claim(self.device, room, deadline, accepted_now)
                .await?;
            if claimed.len() < room {
                let due = context.store.next_due(self.device).await?;
                self.look_at = Instant::now() + due.map_or(context.config.poll, |due| self.until(due));
            } else {
                self.look = true;
            }
            for message in claimed {
                self.enqueue(message, accepted_now);
            }
            self.fill();
        }
        Ok(())
    }

    /// Waits until a message was written, or could not be; for ever when none is being written. Cancel-safe.
    pub(crate) async fn sent_one(&mut self) {
        let Some((message, result)) = self.writing.next().await else {
            return std::future::pending().await;
        };
        let chat = message.to.clone();
        match result {
            Ok(()) => self.advance(&chat),
            Err(error) => self.failed(message, &error),
        }
        self.fill();
    }

    /// What was learned by trying to send, to be recorded.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// The server has spoken about these messages: they make room for others.
    pub(crate) fn settle(&mut self, learned: &[Outcome]) {
        for outcome in learned {
            let (Outcome::Acked { stanza }
            | Outcome::Receipt { stanza, .. }
            | Outcome::Retry { stanza, .. }
            | Outcome::Failed { stanza, .. }) = outcome;
            if self.unacknowledged.remove(stanza).is_some() {
                self.look = true;
            }
        }
    }

    /// Something came through the link; whether it was thought dead.
    pub(crate) fn heard(&mut self) -> bool {
        self.last_heard = Instant::now();
        std::mem::take(&mut self.silent)
    }

    /// Whether messages are under way and nothing has come through the link for as long as an ack may take.
    /// Says so once.
    pub(crate) fn is_newly_silent(&mut self) -> bool {
        let overdue = self.last_heard.elapsed() > self.context.config.ack_timeout;
        let silent = self.connected && overdue && !self.unacknowledged.is_empty();
        let newly = silent && !self.silent;
        self.silent |= silent;
        newly
    }

    fn under_way(&self) -> usize {
        self.unacknowledged.len() + self.queues.values().map(VecDeque::len).sum::<usize>()
    }

    fn until(&self, due: Timestamp) -> Duration {
        // At least a moment, so that a row that is due and cannot be claimed never spins the loop.
        due.since(self.context.now())
            .clamp(Duration::from_millis(20), self.context.config.poll)
    }

    fn enqueue(&mut self, message: Claimed, now: Timestamp) {
        if now.since(message.accepted_at) > self.context.config.max_age {
            self.outcomes.push(Outcome::Failed {
                stanza: message.stanza,
                code: FailureCode::Expired,
                text: "no attempt succeeded in time".to_owned(),
            });
            return;
        }
        match self.queues.get_mut(&message.to) {
            // Its ack deadline passed while it waited here; its turn is still to come.
            Some(queue) if queue.iter().any(|queued| queued.stanza == message.stanza) => {}
            Some(queue) => queue.push_back(message),
            None => {
                self.waiting.push_back(message.to.clone());
                self.queues.insert(message.to.clone(), VecDeque::from([message]));
            }
        }
    }

    /// Starts writing to the chats whose turn it is.
    fn fill(&mut self) {
        while self.connected && self.writing.len() < CHATS_AT_ONCE {
            let Some(chat) = self.waiting.pop_front() else {
                return;
            };
            let Some(message) = self.queues.get_mut(&chat).and_then(VecDeque::pop_front) else {
                self.queues.remove(&chat);
                continue;
            };
            let ack_by = Instant::now() + self.context.config.ack_timeout;
            self.unacknowledged.insert(message.stanza.clone(), ack_by);
            let session = Arc::clone(&self.session);
            self.writing.push(Box::pin(async move {
                let outgoing = Outgoing {
                    stanza: message.stanza.clone(),
                    to: message.to.clone(),
                    content: message.content.clone(),
                };
                let result = timeout(CALL_DEADLINE, session.send(&outgoing)).await;
                (message, result.unwrap_or(Err(SendError::TimedOut)))
            }));
        }
    }

    /// A chat is free for its next message; chats take turns.
    fn advance(&mut self, chat: &Address) {
        match self.queues.get(chat) {
            Some(queue) if queue.is_empty() => drop(self.queues.remove(chat)),
            Some(_) => self.waiting.push_back(chat.clone()),
            None => {}
        }
    }

    fn failed(&mut self, message: Claimed, error: &SendError) {
        self.unacknowledged.remove(&message.stanza);
        tracing::debug!(device.id = %self.device, message.id = %message.id, message.attempt = message.attempt, "an attempt failed");
        let code = match error {
            SendError::NotOnWhatsApp => Some(FailureCode::NotOnWhatsApp),
            SendError::NotSendable(_) => Some(FailureCode::NotSendable),
            SendError::NotConnected | SendError::TimedOut | SendError::Failed(_) => None,
        };
        if let Some(code) = code {
            let chat = message.to.clone();
            self.outcomes.push(Outcome::Failed {
                stanza: message.stanza,
                code,
                text: error.to_string(),
            });
            self.advance(&chat);
            return;
        }
        let delay = match error {
            SendError::NotConnected => RECONNECT_PAUSE,
            _ => self.context.config.retry.delay(message.attempt),
        };
        let at = self.context.now().after(delay);
        // Those behind it in its chat wait with it, so that their order holds.
        let behind = self.queues.remove(&message.to).unwrap_or_default();
        self.waiting.retain(|chat| *chat != message.to);
        for message in std::iter::once(message).chain(behind) {
            self.outcomes.push(Outcome::Retry {
                stanza: message.stanza,
                at,
                detail: error.to_string(),
            });
        }
        self.look_at = self.look_at.min(Instant::now() + delay);
    }

    /// Drops what is only kept here; the table has all of it.
    fn forget(&mut self) {
        self.queues.clear();
        self.waiting.clear();
        self.writing.clear();
        self.unacknowledged.clear();
    }
}
