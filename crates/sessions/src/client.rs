//! An open client of a device: writes down what it reports, sends what waits, until it ends or is not wanted.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::{Ending, Observed, Session};
use postern_domain::session::Signal;
use postern_domain::{Intent, Pacing};
use postern_store::{Device, Outcome, StoreError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::actor::Exit;
use crate::context::{CALL_DEADLINE, Context, Failure};
use crate::dispatch::Dispatch;
use crate::ending;
use crate::inbox::{Admission, Inbox};
use crate::pairing::Pairing;
use crate::supervisor::Wish;

/// A login that takes longer than this no longer holds up those of other devices.
const LOGIN_TURN: Duration = Duration::from_secs(30);

/// What a client is opened for.
pub(crate) enum Purpose {
    Login,
    Pair(Pairing),
}

/// What a look at the reports or the wishes asks of the loop.
pub(crate) enum Next {
    Continue,
    /// Close the client, then look at the row again.
    Reopen,
    /// Close the client; the actor is done.
    Close(Exit),
}

impl Purpose {
    /// What the device is about to do.
    pub(crate) fn signal(&self) -> Signal {
        match self {
            Self::Login => Signal::Opening,
            Self::Pair(_) => Signal::PairingStarted,
        }
    }

    /// Whether the device has an account that is its own.
    fn is_linked(&self) -> bool {
        self.unanswered().is_none()
    }

    /// The pairing request that is not answered by a link.
    fn unanswered(&self) -> Option<u64> {
        match self {
            Self::Login => None,
            Self::Pair(pairing) => pairing.unanswered(),
        }
    }

    fn admission(&self) -> Admission {
        match self {
            Self::Login => Admission::Admitted,
            Self::Pair(pairing) if pairing.is_linked() => Admission::Admitted,
            Self::Pair(pairing) if pairing.undo_by().is_some() => Admission::Refused,
            Self::Pair(_) => Admission::Undecided,
        }
    }

    fn undo_by(&self) -> Option<Instant> {
        match self {
            Self::Login => None,
            Self::Pair(pairing) => pairing.undo_by(),
        }
    }

    fn expires(&self) -> Option<Instant> {
        match self {
            Self::Login => None,
            Self::Pair(pairing) => pairing.expires(),
        }
    }
}

/// An open client and everything that goes with it.
pub(crate) struct Client {
    context: Arc<Context>,
    device: postern_domain::DeviceId,
    purpose: Purpose,
    /// What is wanted, as far as it was heeded.
    wish: Wish,
    inbox: Arc<Inbox>,
    session: Arc<dyn Session>,
    dispatch: Dispatch,
    /// Held until the login is over, one way or the other.
    login: Option<OwnedSemaphorePermit>,
}

impl Client {
    /// Opens the client; `None` when stopped before that.
    pub(crate) async fn open(
        context: &Arc<Context>,
        row: &Device,
        purpose: Purpose,
        wish: Wish,
        login: OwnedSemaphorePermit,
    ) -> Result<Option<Self>, Failure> {
        let device = row.id;
        if let Purpose::Pair(_) = purpose {
            // Whatever keys there are belong to a link that is over.
            context.keys.wipe(device).await?;
        }
        context.store.release_claims(device, context.now()).await?;
        if row.pacing.unwrap_or(context.config.pacing) != Pacing::OFF {
            // What a session before this one wrote down.
            context.store.set_paced(device, None).await?;
        }
        let inbox = Arc::new(Inbox::new(device, Arc::clone(context), purpose.admission()));
        let opening = context.whatsapp.open(device, Arc::clone(&inbox) as _);
        let session = match context.call(CALL_DEADLINE, opening).await {
            Some(opened) => opened?,
            None if context.stop.is_pulled() => return Ok(None),
            None => return Err(Failure::OpenTimedOut),
        };
        let dispatch = Dispatch::new(row, Arc::clone(context), Arc::clone(&session));
        Ok(Some(Self {
            context: Arc::clone(context),
            device,
            purpose,
            wish,
            inbox,
            session,
            dispatch,
            login: Some(login),
        }))
    }

    /// Arms the wakes, looks, works, else waits.
    pub(crate) async fn run(&mut self, wishes: &mut watch::Receiver<Wish>) -> Result<Next, Failure> {
        let mut outbox = self.context.wakes.outbox.listen(self.device);
        let mut login_turn = std::pin::pin!(sleep(LOGIN_TURN));
        loop {
            match self.take_reports().await? {
                Next::Continue => {}
                next => return Ok(next),
            }
            if self.inbox.has_uncommitted() {
                return Err(Failure::Uncommitted);
            }
            self.notice_silence().await?;
            self.notice_outage().await?;
            self.dispatch.claim().await?;
            // What turned out to be too old to be sent, or failed meanwhile.
            let outcomes = self.dispatch.take_outcomes();
            if !outcomes.is_empty() {
                self.record(outcomes).await?;
                continue;
            }
            let due = self.dispatch.due();
            let (undo_by, expires) = (self.purpose.undo_by(), self.purpose.expires());
            tokio::select! {
                () = self.inbox.arrived() => {}
                () = self.dispatch.sent_one() => {}
                () = outbox.rung() => self.dispatch.look(),
                () = due => self.dispatch.look_by_the_clock(),
                () = &mut login_turn, if self.login.is_some() => self.login = None,
                () = sleep_until(undo_by.unwrap_or_else(Instant::now)), if undo_by.is_some() => {
                    return self.undo().await;
                }
                () = sleep_until(expires.unwrap_or_else(Instant::now)), if expires.is_some() => {
                    return self.expire().await;
                }
                Ok(()) = wishes.changed() => {
                    let wish = *wishes.borrow_and_update();
                    match self.heed(wish).await? {
                        Next::Continue => {}
                        next => return Ok(next),
                    }
                }
                () = self.context.stop.pulled() => return Ok(Next::Close(Exit::Done)),
            }
        }
    }

    /// Closes the client, then writes down what was reported until then. Idempotent.
    pub(crate) async fn close(&mut self) {
        // A send that is cut short must not hold anything the client needs for closing.
        self.dispatch.disconnected();
        self.inbox.refuse_undecided();
        self.context.close(self.device, &*self.session).await;
        let mut outcomes = self.dispatch.take_outcomes();
        for observed in self.inbox.take() {
            match self.dispatch.learn(observed) {
                Ok(learned) => outcomes.extend(learned),
                Err(linked @ Observed::Paired { .. }) => self.link_late(linked).await,
                // What the device is from now on is decided by whoever closes it.
                Err(_) => {}
            }
        }
        if let Err(error) = self.context.record(self.device, outcomes).await {
            tracing::warn!(device.id = %self.device, %error, "the last reports could not be recorded");
        }
    }

    /// Writes down everything that was reported, in order, acks and receipts many at a time.
    async fn take_reports(&mut self) -> Result<Next, Failure> {
        let mut outcomes = self.dispatch.take_outcomes();
        let mut heard = self.inbox.take_received();
        for observed in self.inbox.take() {
            match self.dispatch.learn(observed) {
                Ok(learned) => {
                    heard = true;
                    outcomes.extend(learned);
                }
                Err(change) => {
                    self.record(std::mem::take(&mut outcomes)).await?;
                    match self.change(change).await? {
                        Next::Continue => {}
                        next => return Ok(next),
                    }
                }
            }
        }
        if heard && self.dispatch.heard() {
            self.context.signal(self.device, Signal::Connected).await?;
        }
        self.record(outcomes).await?;
        Ok(Next::Continue)
    }

    /// Records what was learned, while messages go on being written.
    async fn record(&mut self, outcomes: Vec<Outcome>) -> Result<(), StoreError> {
        let recording = self.context.record(self.device, outcomes);
        self.dispatch.meanwhile(recording).await
    }

    /// Follows a change of the connection or of the link.
    async fn change(&mut self, observed: Observed) -> Result<Next, Failure> {
        match observed {
            Observed::Connected => return self.connected().await,
            Observed::ConnectionLost => self.disconnected(Signal::ConnectionLost).await?,
            Observed::ServerUnavailable => {
                self.disconnected(Signal::ServerUnavailable { retry_at: None })
                    .await?;
            }
            Observed::Silent => {
                self.dispatch.fall_silent();
                self.context.signal(self.device, Signal::Silent).await?;
            }
            Observed::PushName(name) => self.context.store.set_push_name(self.device, name).await?,
            Observed::Ended(ending) => return self.ended(ending).await,
            Observed::QrCode { .. }
            | Observed::PairingCode { .. }
            | Observed::Paired { .. }
            | Observed::PairingFailed { .. } => {
                self.login = None;
                return self.follow_pairing(observed).await;
            }
            Observed::Acked { .. }
            | Observed::Refused { .. }
            | Observed::Receipt { .. }
            | Observed::Heard => {}
        }
        Ok(Next::Continue)
    }

    async fn connected(&mut self) -> Result<Next, Failure> {
        self.login = None;
        if self.purpose.undo_by().is_some() {
            return self.undo().await;
        }
        // Whatever was under way on the connection before may or may not have arrived; and what failed on it may
        // have failed because of it.
        let (store, now) = (&self.context.store, self.context.now());
        store.release_claims(self.device, now).await?;
        store.hasten_retries(self.device, now).await?;
        self.dispatch.connected();
        self.context.signal(self.device, Signal::Connected).await?;
        Ok(Next::Continue)
    }

    async fn disconnected(&mut self, signal: Signal) -> Result<(), StoreError> {
        self.dispatch.disconnected();
        self.context.signal(self.device, signal).await
    }

    async fn follow_pairing(&mut self, observed: Observed) -> Result<Next, Failure> {
        let Purpose::Pair(pairing) = &mut self.purpose else {
            return Ok(Next::Continue);
        };
        let is_over = pairing
            .follow(&self.context, self.device, &*self.session, observed)
            .await?;
        self.inbox.decide(self.purpose.admission());
        Ok(if is_over {
            Next::Close(Exit::Done)
        } else {
            Next::Continue
        })
    }

    /// The phone accepted while the client was being closed for another reason: the link stands and is kept.
    async fn link_late(&mut self, paired: Observed) {
        if let Err(error) = self.follow_pairing(paired).await {
            tracing::warn!(device.id = %self.device, %error, "a link could not be recorded; remove it on the phone");
        }
    }

    /// Takes back a link to an account that another device has.
    async fn undo(&mut self) -> Result<Next, Failure> {
        if let Purpose::Pair(pairing) = &self.purpose {
            pairing.undo(&self.context, self.device, &*self.session).await?;
        }
        Ok(Next::Close(Exit::Done))
    }

    /// Nobody has entered the pairing code.
    async fn expire(&mut self) -> Result<Next, Failure> {
        if let Purpose::Pair(pairing) = &self.purpose {
            let expired = Signal::PairingCodeExpired;
            pairing.end(&self.context, self.device, expired).await?;
        }
        Ok(Next::Close(Exit::Done))
    }

    /// Writes down why the client ended, and says what follows from it.
    async fn ended(&mut self, ending: Ending) -> Result<Next, Failure> {
        self.dispatch.disconnected();
        let pairing = self.purpose.unanswered();
        let keys_are_worthless = matches!(ending, Ending::LoggedOut | Ending::AccountRemoved);
        let exit = ending::follow(&self.context, self.device, pairing, self.wish, ending).await?;
        if keys_are_worthless {
            self.close().await;
            // After the state: when this fails, pairing anew wipes before anything else.
            self.context.keys.wipe(self.device).await?;
        }
        Ok(Next::Close(exit))
    }

    /// What a new wish means for the open client.
    async fn heed(&mut self, wish: Wish) -> Result<Next, Failure> {
        let earlier = std::mem::replace(&mut self.wish, wish);
        if self.dispatch.set_pacing(wish.pacing) {
            // What was put off by the pacing before may be welcome to the new one.
            let (store, now) = (&self.context.store, self.context.now());
            store.hasten_retries(self.device, now).await?;
        }
        if wish.held {
            self.dispatch.hold();
        }
        Ok(match (wish.intent, &self.purpose) {
            (Intent::Removed | Intent::Unlinked, _) => {
                self.log_out().await?;
                Next::Reopen
            }
            (Intent::Paused, _) => Next::Reopen,
            (Intent::Linked, _) if wish.wants_reconnect_since(earlier) => Next::Reopen,
            (Intent::Linked, Purpose::Pair(pairing)) if pairing.is_outdated_by(wish.pairing) => Next::Reopen,
            (Intent::Linked, _) => Next::Continue,
        })
    }

    /// Removes the link at WhatsApp over the open connection, where there is one; else the removal logs in for it.
    async fn log_out(&mut self) -> Result<(), Failure> {
        if !self.dispatch.is_connected() || !self.purpose.is_linked() {
            return Ok(());
        }
        let asked = self.context.call(CALL_DEADLINE, self.session.log_out()).await;
        if let Some(Ok(())) = asked {
            self.disconnected(Signal::LoggedOut { messages_left: false })
                .await?;
        }
        Ok(())
    }

    /// Nothing is tried for a while, because WhatsApp fails whatever is.
    async fn notice_outage(&mut self) -> Result<(), StoreError> {
        let Some(pause) = self.dispatch.take_outage() else {
            return Ok(());
        };
        let retry_at = Some(self.context.now().after(pause));
        let unavailable = Signal::ServerUnavailable { retry_at };
        self.context.signal(self.device, unavailable).await
    }

    /// An answer is awaited and nothing was heard: the link may be dead although its socket is open.
    async fn notice_silence(&mut self) -> Result<(), StoreError> {
        if self.dispatch.is_newly_silent() {
            self.context.signal(self.device, Signal::Silent).await?;
        }
        Ok(())
    }
}
