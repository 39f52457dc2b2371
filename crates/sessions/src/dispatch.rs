//! From the outbox to the client: claims what is due, sends it in order for each chat, counts what is under way.
//!
//! A claim marks messages `processing` in the table; what happens after that is kept only here. When the connection
//! is lost all of it is forgotten, because the table still has every message, and the next connection claims them
//! again with the same stanza ids.
//!
//! While the store is asked, messages go on being written: a commit takes longer than a send.
//!
//! What WhatsApp refuses is final, except with a 5xx code, which is the server's own trouble: then another attempt
//! is due. What it never answers is claimed again when its ack deadline has passed.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use postern_domain::port::{Observed, Outgoing, SendError, Session};
use postern_domain::{Address, DeviceId, FailureCode, Pacing, StanzaId, Timestamp, WorkspaceId};
use postern_store::{Claimed, Device, Outcome, StoreError};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use crate::age::is_too_old;
use crate::circuit::Circuit;
use crate::context::{CALL_DEADLINE, Context};
use crate::lines::Lines;
use crate::pace::Pace;
use crate::trace;

/// Chats that are written to at the same time. A first message asks WhatsApp for keys and takes a while; it must not
/// hold up those to other chats.
const CHATS_AT_ONCE: usize = 8;
/// How soon anything is sent again after a message met a client without a connection. The client says when it is
/// back; this only bounds the wait for a word that does not come.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Between two claims when the first left little room: a claim is a write, and one for each ack would be one for each
/// message.
const CLAIM_PAUSE: Duration = Duration::from_millis(5);

/// A message that waits for the server to answer it.
struct Unanswered {
    /// Until when it counts against the window.
    until: Instant,
    attempt: u32,
}

/// The sending side of one open client.
pub(crate) struct Dispatch {
    device: DeviceId,
    workspace: WorkspaceId,
    context: Arc<Context>,
    session: Arc<dyn Session>,
    connected: bool,
    pace: Pace,
    circuit: Circuit,
    /// For how long nothing is tried because WhatsApp fails everything; news for whoever asks.
    outage: Option<Duration>,
    /// Whether WhatsApp took a message after that.
    recovered: bool,
    /// Nothing leaves before this: a message met a client without a connection that did not say so yet.
    held_until: Option<Instant>,
    /// Whether the outbox may hold something that was not seen yet.
    look: bool,
    /// Whether that is only so because time has passed: then reading comes first, because a claim is a write.
    by_the_clock: bool,
    /// When to look without being told.
    look_at: Instant,
    /// When messages were claimed last.
    claimed_at: Option<Instant>,
    /// Claimed, and not yet being written.
    lines: Lines,
    /// Chats that wait for another attempt, which is not recorded yet, with its time and why.
    held_chats: HashMap<Address, (Timestamp, String)>,
    writing: FuturesUnordered<BoxFuture<'static, (Claimed, Result<(), SendError>)>>,
    being_written: HashSet<StanzaId>,
    /// Being written or written, and not answered. The answer may come before the call that writes it returns.
    unanswered: HashMap<StanzaId, Unanswered>,
    outcomes: Vec<Outcome>,
    /// Since when an answer is awaited and nothing at all has come; `None` when none is awaited.
    quiet_since: Option<Instant>,
    silent: bool,
}

impl Dispatch {
    pub(crate) fn new(device: &Device, context: Arc<Context>, session: Arc<dyn Session>) -> Self {
        Self {
            device: device.id,
            workspace: device.workspace,
            pace: Pace::new(device.pacing.unwrap_or(context.config.pacing)),
            circuit: Circuit::new(context.config.retry),
            outage: None,
            recovered: false,
            context,
            session,
            connected: false,
            held_until: None,
            look: false,
            by_the_clock: false,
            look_at: Instant::now(),
            claimed_at: None,
            lines: Lines::default(),
            held_chats: HashMap::new(),
            writing: FuturesUnordered::new(),
            being_written: HashSet::new(),
            unanswered: HashMap::new(),
            outcomes: Vec::new(),
            quiet_since: None,
            silent: false,
        }
    }

    /// Messages may leave.
    pub(crate) fn connected(&mut self) {
        self.forget();
        self.connected = true;
        self.look();
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Nothing leaves until the next connection.
    pub(crate) fn disconnected(&mut self) {
        self.connected = false;
        self.forget();
    }

    /// The pace it keeps from now on; what was used up counts. Whether that is another one.
    pub(crate) fn set_pacing(&mut self, pacing: Option<Pacing>) -> bool {
        let pacing = pacing.unwrap_or(self.context.config.pacing);
        let is_new = self.pace.pacing != pacing;
        self.pace.pacing = pacing;
        self.look |= is_new;
        is_new
    }

    /// What was claimed and is not being written yet stays in the outbox; its turn comes again once its claim has ended.
    pub(crate) fn hold(&mut self) {
        self.lines.forget_waiting();
    }

    /// The outbox may hold something new.
    pub(crate) fn look(&mut self) {
        self.look = true;
        self.by_the_clock = false;
    }

    /// It is time to look although nothing rang.
    pub(crate) fn look_by_the_clock(&mut self) {
        self.by_the_clock = !self.look;
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

    /// Claims as many messages as the window has room for, and starts those whose chat is free. What was learned is
    /// recorded first, or later messages of a chat that has to wait would be claimed.
    pub(crate) async fn claim(&mut self) -> Result<(), StoreError> {
        while self.connected && self.look && self.outcomes.is_empty() {
            let now = Instant::now();
            if let Some(until) = self.held_until.filter(|until| *until > now) {
                self.look_at = until;
                return Ok(());
            }
            self.held_until = None;
            self.fill();
            self.unanswered.retain(|_, message| message.until > now);
            let window = if self.circuit.is_in_doubt() {
                1
            } else {
                self.context.config.in_flight.max(1)
            };
            let room = window.saturating_sub(self.under_way());
            if room == 0 {
                // An ack makes room and looks again; so does the deadline of one that never comes.
                self.look_at = now + self.context.config.poll;
                return Ok(());
            }
            let next_claim = self.claimed_at.map(|claimed_at| claimed_at + CLAIM_PAUSE);
            if let Some(next_claim) = next_claim.filter(|next| room < window / 2 && *next > now) {
                self.look_at = next_claim;
                return Ok(());
            }
            self.look = false;
            let (context, claimed_at) = (Arc::clone(&self.context), self.context.now());
            let room = match self.pace.allowance(claimed_at) {
                Ok(allowance) => room.min(allowance),
                Err(until) => {
                    self.pace.holds_back(&context.store, self.device, until).await?;
                    self.look_at = now + self.until(until);
                    return Ok(());
                }
            };
            if std::mem::take(&mut self.by_the_clock) {
                let due = context.store.next_due(self.device).await?;
                if due.is_none_or(|due| due > claimed_at) {
                    self.look_at = now + due.map_or(context.config.poll, |due| self.until(due));
                    return Ok(());
                }
            }
            let deadline = claimed_at.after(context.config.ack_timeout);
            let firsts = self.pace.first_contacts(claimed_at);
            let claiming = context
                .store
                .claim_paced(self.device, room, firsts, deadline, claimed_at);
            let claimed = self.meanwhile(claiming).await?;
            self.claimed_at = Some(Instant::now());
            self.pace.take(claimed.len(), claimed_at);
            let are_all = claimed.len() < room;
            for message in claimed {
                if is_too_old(&self.context, self.workspace, &message, claimed_at).await? {
                    self.expire(message);
                } else {
                    self.enqueue(message);
                }
            }
            self.fill();
            if are_all {
                self.pace.lets_go(&context.store, self.device).await?;
                let due = self.meanwhile(context.store.next_due(self.device)).await?;
                self.look_at = Instant::now() + due.map_or(context.config.poll, |due| self.until(due));
            } else {
                self.look = true;
            }
        }
        Ok(())
    }

    /// Awaits `work` while messages go on being written.
    pub(crate) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.sent_one() => {}
            }
        }
    }

    /// Waits until a message was written, or could not be; for ever when none is being written. Cancel-safe.
    pub(crate) async fn sent_one(&mut self) {
        let Some((message, result)) = self.writing.next().await else {
            return std::future::pending().await;
        };
        self.being_written.remove(&message.stanza);
        match result {
            Ok(()) => self.lines.advance(&message.to),
            Err(error) => self.failed(message, &error),
        }
        self.fill();
    }

    /// What was learned by trying to send, to be recorded before the next claim.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        self.held_chats.clear();
        std::mem::take(&mut self.outcomes)
    }

    /// Takes note of what a report says about messages; a report about anything else comes back as it was.
    pub(crate) fn learn(&mut self, observed: Observed) -> Result<Vec<Outcome>, Observed> {
        let learned = match observed {
            Observed::Acked { stanza, .. } => {
                if self.circuit.succeeded() {
                    self.recovered = true;
                    // One of those that were under way when the others failed: there is no outage, or none any more.
                    self.outage = None;
                    self.held_until = None;
                    self.look = true;
                }
                vec![Outcome::Acked { stanza }]
            }
            Observed::Refused { stanza, code } => vec![self.refused(stanza, &code)],
            Observed::Receipt { stanzas, kind, .. } => stanzas
                .into_iter()
                .map(|stanza| Outcome::Receipt { stanza, kind })
                .collect(),
            Observed::Heard => Vec::new(),
            other => return Err(other),
        };
        for outcome in &learned {
            let (Outcome::Acked { stanza }
            | Outcome::Receipt { stanza, .. }
            | Outcome::Retry { stanza, .. }
            | Outcome::Failed { stanza, .. }) = outcome;
            if self.unanswered.remove(stanza).is_some() {
                self.look = true;
            }
        }
        Ok(learned)
    }

    /// Something came through the link; whether it was thought dead.
    pub(crate) fn heard(&mut self) -> bool {
        self.quiet_since = (!self.unanswered.is_empty()).then(Instant::now);
        let recovered = std::mem::take(&mut self.recovered);
        std::mem::take(&mut self.silent) || recovered
    }

    /// For how long nothing is tried from now on, if WhatsApp has just failed once too often.
    pub(crate) fn take_outage(&mut self) -> Option<Duration> {
        self.outage.take()
    }

    /// Nothing comes through the link any more.
    pub(crate) fn fall_silent(&mut self) {
        self.silent = self.connected;
    }

    /// Whether an answer is awaited and nothing has come through the link for as long as an ack may take.
    /// Says so once.
    pub(crate) fn is_newly_silent(&mut self) -> bool {
        let longest = self.context.config.ack_timeout;
        let silent = self.quiet_since.is_some_and(|since| since.elapsed() > longest);
        let newly = silent && !self.silent;
        self.silent |= silent;
        newly
    }

    fn under_way(&self) -> usize {
        self.unanswered.len() + self.lines.len()
    }

    fn until(&self, due: Timestamp) -> Duration {
        // At least a moment, so that a row that is due and cannot be claimed never spins the loop.
        due.since(self.context.now())
            .clamp(Duration::from_millis(20), self.context.config.poll)
    }

    fn expire(&mut self, message: Claimed) {
        self.outcomes.push(Outcome::Failed {
            stanza: message.stanza,
            code: FailureCode::Expired,
            text: "no attempt succeeded in time".to_owned(),
        });
    }

    fn enqueue(&mut self, message: Claimed) {
        // Its ack deadline passed while it was being written, or while it waited here; it is under way still.
        if self.being_written.contains(&message.stanza) {
            return;
        }
        // An earlier one failed while this one was being claimed.
        if let Some((at, detail)) = self.held_chats.get(&message.to) {
            self.outcomes.push(Outcome::Retry {
                stanza: message.stanza,
                at: *at,
                detail: detail.clone(),
            });
            return;
        }
        self.lines.push(message);
    }

    /// What failed might fail for any other message as well.
    fn doubt(&mut self, stanza: &StanzaId) {
        if let Some(pause) = self.circuit.failed(stanza) {
            tracing::warn!(
                device.id = %self.device,
                duration_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                "WhatsApp fails whatever is sent; trying again after a pause"
            );
            self.held_until = Some(Instant::now() + pause);
            self.outage = Some(pause);
            self.look = true;
        }
    }

    fn refused(&mut self, stanza: StanzaId, code: &str) -> Outcome {
        let detail = format!("WhatsApp refused the message with code {code}");
        let is_servers_trouble = matches!(code.parse(), Ok(500_u16..=599));
        if is_servers_trouble {
            let attempt = self.unanswered.get(&stanza).map_or(1, |message| message.attempt);
            let at = self.context.now().after(self.context.config.retry.delay(attempt));
            self.doubt(&stanza);
            return Outcome::Retry { stanza, at, detail };
        }
        Outcome::Failed {
            stanza,
            code: FailureCode::RejectedByWhatsApp,
            text: detail,
        }
    }

    /// Starts writing to the chats whose turn it is.
    fn fill(&mut self) {
        let at_once = if self.circuit.is_in_doubt() {
            1
        } else {
            CHATS_AT_ONCE
        };
        while self.connected && self.held_until.is_none() && self.writing.len() < at_once {
            let Some(message) = self.lines.next() else {
                return;
            };
            let now = Instant::now();
            self.quiet_since.get_or_insert(now);
            let typing = self.pace.pacing.typing;
            let answer = Unanswered {
                until: now + self.context.config.ack_timeout,
                attempt: message.attempt,
            };
            self.unanswered.insert(message.stanza.clone(), answer);
            self.being_written.insert(message.stanza.clone());
            let session = Arc::clone(&self.session);
            let span = trace::attempt(self.device, &message);
            let sending = async move {
                let outgoing = Outgoing {
                    stanza: message.stanza.clone(),
                    to: message.to.clone(),
                    content: message.content.clone(),
                    typing,
                };
                let result = timeout(CALL_DEADLINE, session.send(&outgoing)).await;
                let result = result.unwrap_or(Err(SendError::TimedOut));
                if result.is_err() {
                    trace::failed();
                }
                (message, result)
            };
            self.writing.push(Box::pin(sending.instrument(span)));
        }
    }

    fn failed(&mut self, message: Claimed, error: &SendError) {
        self.unanswered.remove(&message.stanza);
        if self.unanswered.is_empty() && *error != SendError::TimedOut {
            self.quiet_since = None;
        }
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
            self.lines.advance(&chat);
            return;
        }
        if *error != SendError::NotConnected {
            self.doubt(&message.stanza);
        }
        let delay = if *error == SendError::NotConnected {
            // The others would meet the same.
            self.held_until = Some(Instant::now() + RECONNECT_PAUSE);
            self.look = true;
            RECONNECT_PAUSE
        } else {
            self.context.config.retry.delay(message.attempt)
        };
        let at = self.context.now().after(delay);
        // Those behind it in its chat wait with it, so that their order holds.
        self.held_chats
            .insert(message.to.clone(), (at, error.to_string()));
        let behind = self.lines.remove(&message.to);
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
        self.lines.clear();
        self.writing.clear();
        self.being_written.clear();
        self.unanswered.clear();
        self.held_until = None;
        self.quiet_since = None;
        self.silent = false;
    }
}
