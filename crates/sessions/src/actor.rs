//! The actor of one device: opens its client, writes down what it reports, sends what waits, until that ends.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::{Ending, Observed, ReceiptKind, Session};
use postern_domain::session::Signal;
use postern_domain::{DeviceId, Intent, Timestamp};
use postern_runtime::Stop;
use postern_store::{Device, Outcome, StoreError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use crate::context::{CALL_DEADLINE, Context, Failure, STOP_DEADLINE};
use crate::dispatch::{Dispatch, outcome_of};
use crate::inbox::Inbox;
use crate::pairing::Pairing;
use crate::removal;
use crate::supervisor::Wish;

/// A login that takes longer than this no longer holds up those of other devices.
const LOGIN_TURN: Duration = Duration::from_secs(30);

/// How an actor ended without failing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// There is nothing to do until something else is wanted.
    Done,
    /// Starting again would end the same way before `until`, or before something else is wanted.
    Rest {
        /// When it may help again.
        until: Option<Timestamp>,
    },
}

/// What a client is opened for.
enum Purpose {
    Login,
    Pair(Pairing),
}

/// What a look at the reports or the wishes asks of the loop.
enum Next {
    Continue,
    /// Close the client, then look at the row again.
    Reopen,
    /// Close the client; the actor is done.
    Close(Exit),
}

/// Runs the device's session until stopped, until it is no longer wanted, or until it ends for good.
pub(crate) async fn run(
    context: Arc<Context>,
    device: DeviceId,
    mut wishes: watch::Receiver<Wish>,
    stop: Stop,
    delay: Duration,
) -> Result<Exit, Failure> {
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = stop.pulled() => return Ok(Exit::Done),
    }
    loop {
        wishes.mark_unchanged();
        let Some(row) = context.store.session_device(device).await? else {
            return Ok(Exit::Done);
        };
        let purpose = match row.intent {
            Intent::Removed => return removal::remove(&context, &row).await.map(|()| Exit::Done),
            Intent::Paused => {
                if row.linked {
                    context.signal(device, Signal::Paused).await?;
                }
                return Ok(Exit::Done);
            }
            Intent::Linked if row.linked => Purpose::Login,
            Intent::Linked => match row.pairing {
                Some(request) => Purpose::Pair(Pairing::new(request)),
                None => return Ok(Exit::Done),
            },
        };
        let Some(mut session) = Running::open(&context, &row, purpose, &stop).await? else {
            return Ok(Exit::Done);
        };
        let outcome = session.run(&mut wishes, &stop).await;
        session.close().await;
        match outcome? {
            Next::Close(exit) => return Ok(exit),
            Next::Continue | Next::Reopen => {}
        }
    }
}

/// An open client and everything that goes with it.
struct Running {
    context: Arc<Context>,
    device: DeviceId,
    purpose: Purpose,
    inbox: Arc<Inbox>,
    session: Arc<dyn Session>,
    dispatch: Dispatch,
    /// Held until the login is over, one way or the other.
    login: Option<OwnedSemaphorePermit>,
}

impl Running {
    /// Opens the client when its turn to log in has come; `None` when stopped before that.
    async fn open(
        context: &Arc<Context>,
        row: &Device,
        purpose: Purpose,
        stop: &Stop,
    ) -> Result<Option<Self>, Failure> {
        let device = row.id;
        let login = tokio::select! {
            permit = Arc::clone(&context.logins).acquire_owned() => permit.ok(),
            () = stop.pulled() => return Ok(None),
        };
        if let Purpose::Pair(_) = purpose {
            // Whatever keys there are belong to a link that is over.
            context.wiper.wipe(device).await?;
            context.signal(device, Signal::PairingStarted).await?;
        } else {
            context.signal(device, Signal::Opening).await?;
        }
        context.store.release_claims(device, context.now()).await?;
        let inbox = Arc::new(Inbox::new(device, Arc::clone(context)));
        let opening = context.whatsapp.open(device, Arc::clone(&inbox) as _);
        let session = timeout(CALL_DEADLINE, opening)
            .await
            .map_err(|_elapsed| Failure::OpenTimedOut)??;
        let dispatch = Dispatch::new(device, Arc::clone(context), Arc::clone(&session));
        Ok(Some(Self {
            context: Arc::clone(context),
            device,
            purpose,
            inbox,
            session,
            dispatch,
            login,
        }))
    }

    async fn run(&mut self, wishes: &mut watch::Receiver<Wish>, stop: &Stop) -> Result<Next, Failure> {
        let mut outbox = self.context.wakes.outbox.listen(self.device);
        let mut login_turn = std::pin::pin!(tokio::time::sleep(LOGIN_TURN));
        loop {
            match self.take_reports().await? {
                Next::Continue => {}
                next => return Ok(next),
            }
            self.dispatch.claim().await?;
            let due = self.dispatch.due();
            tokio::select! {
                () = self.inbox.arrived() => {}
                () = self.dispatch.sent_one() => {}
                () = outbox.rung() => self.dispatch.look(),
                () = due => self.dispatch.look(),
                () = &mut login_turn, if self.login.is_some() => self.login = None,
                Ok(()) = wishes.changed() => match self.heed(*wishes.borrow_and_update()) {
                    Next::Continue => {}
                    next => return Ok(next),
                },
                () = stop.pulled() => return Ok(Next::Close(Exit::Done)),
            }
            self.notice_silence().await?;
        }
    }

    /// Writes down everything that was reported, in order, acks and receipts many at a time.
    async fn take_reports(&mut self) -> Result<Next, Failure> {
        let mut outcomes = self.dispatch.take_outcomes();
        for observed in self.inbox.take() {
            match outcome_of(observed) {
                Ok(learned) => {
                    self.dispatch.settle(&learned);
                    outcomes.extend(learned);
                }
                Err(change) => {
                    record(&self.context, self.device, std::mem::take(&mut outcomes)).await?;
                    match self.change(change).await? {
                        Next::Continue => {}
                        next => return Ok(next),
                    }
                }
            }
        }
        if !outcomes.is_empty() && self.dispatch.heard() {
            self.context.signal(self.device, Signal::Connected).await?;
        }
        record(&self.context, self.device, outcomes).await?;
        Ok(Next::Continue)
    }

    /// Follows a change of the connection or of the link.
    async fn change(&mut self, observed: Observed) -> Result<Next, Failure> {
        match observed {
            Observed::Connected => return self.connected().await,
            Observed::ConnectionLost => {
                self.dispatch.disconnected();
                self.context.signal(self.device, Signal::ConnectionLost).await?;
            }
            Observed::ServerUnavailable => {
                self.dispatch.disconnected();
                self.context
                    .signal(self.device, Signal::ServerUnavailable { retry_at: None })
                    .await?;
            }
            Observed::PushName(name) => self.context.store.set_push_name(self.device, name).await?,
            Observed::Ended(ending) => return self.ended(ending).await,
            Observed::QrCode { .. }
            | Observed::PairingCode { .. }
            | Observed::Paired { .. }
            | Observed::PairingFailed { .. } => {
                if let Purpose::Pair(pairing) = &mut self.purpose {
                    self.login = None;
                    if pairing
                        .follow(&self.context, self.device, &*self.session, observed)
                        .await?
                    {
                        return Ok(Next::Close(Exit::Done));
                    }
                }
            }
            Observed::Acked { .. } | Observed::Refused { .. } | Observed::Receipt { .. } => {}
        }
        Ok(Next::Continue)
    }

    async fn connected(&mut self) -> Result<Next, Failure> {
        self.login = None;
        if let Purpose::Pair(pairing) = &self.purpose
            && pairing.is_refused()
        {
            pairing.undo(&self.context, self.device, &*self.session).await?;
            return Ok(Next::Close(Exit::Done));
        }
        // Whatever was under way on the connection before may or may not have arrived.
        self.context
            .store
            .release_claims(self.device, self.context.now())
            .await?;
        self.dispatch.connected();
        self.context.signal(self.device, Signal::Connected).await?;
        Ok(Next::Continue)
    }

    /// Writes down why the client ended, and says what follows from it.
    async fn ended(&mut self, ending: Ending) -> Result<Next, Failure> {
        self.dispatch.disconnected();
        let (context, device) = (&self.context, self.device);
        let exit = match ending {
            Ending::Stopped => Exit::Done,
            Ending::CodesExhausted => {
                context.signal(device, Signal::CodesExhausted).await?;
                Exit::Done
            }
            Ending::LoggedOut | Ending::AccountRemoved => {
                let signal = match &self.purpose {
                    Purpose::Pair(pairing) if !pairing.is_linked() => Signal::PairingFailed,
                    _ if ending == Ending::AccountRemoved => Signal::AccountRemoved,
                    _ => Signal::LoggedOut { messages_left: false },
                };
                // The state first: when the wipe fails, pairing anew wipes before anything else.
                context.signal(device, signal).await?;
                self.close().await;
                self.context.wiper.wipe(device).await?;
                Exit::Done
            }
            Ending::StreamReplaced => {
                context.signal(device, Signal::StreamReplaced).await?;
                Exit::Rest { until: None }
            }
            Ending::ClientOutdated => {
                context.signal(device, Signal::ClientOutdated).await?;
                Exit::Rest { until: None }
            }
            Ending::TemporaryBan(duration) => {
                let until = context.now().after(duration);
                context.signal(device, Signal::Banned { until }).await?;
                Exit::Rest { until: Some(until) }
            }
            Ending::LoginRefused { code } => {
                tracing::warn!(device.id = %device, whatsapp.code = code, "WhatsApp refused the login");
                context
                    .signal(device, Signal::LoginRefused { retry_at: None })
                    .await?;
                Exit::Rest { until: None }
            }
            Ending::Crashed => return Err(Failure::Crashed),
        };
        Ok(Next::Close(exit))
    }

    /// What a new wish means for the open client.
    fn heed(&self, wish: Wish) -> Next {
        match (wish.intent, &self.purpose) {
            (Intent::Removed | Intent::Paused, _) => Next::Reopen,
            (Intent::Linked, Purpose::Pair(pairing)) if pairing.is_outdated_by(wish.pairing) => Next::Reopen,
            (Intent::Linked, _) => Next::Continue,
        }
    }

    /// Something is under way and nothing was heard: the link may be dead although its socket is open.
    async fn notice_silence(&mut self) -> Result<(), StoreError> {
        if self.dispatch.is_newly_silent() {
            self.context.signal(self.device, Signal::Silent).await?;
        }
        Ok(())
    }

    /// Closes the client, then writes down the acks and receipts that came until then. Idempotent.
    async fn close(&mut self) {
        if timeout(STOP_DEADLINE, self.session.stop()).await.is_err() {
            tracing::warn!(device.id = %self.device, "the client did not close in time");
        }
        let mut outcomes = self.dispatch.take_outcomes();
        outcomes.extend(
            self.inbox
                .take()
                .into_iter()
                .filter_map(|observed| outcome_of(observed).ok())
                .flatten(),
        );
        if let Err(error) = record(&self.context, self.device, outcomes).await {
            tracing::warn!(device.id = %self.device, %error, "the last reports could not be recorded");
        }
    }
}

/// Records what was learned about messages, and wakes the readers of the event log.
///
/// What arrived together is recorded in the order it must have happened, whatever order it was reported in.
async fn record(context: &Context, device: DeviceId, mut outcomes: Vec<Outcome>) -> Result<(), StoreError> {
    if outcomes.is_empty() {
        return Ok(());
    }
    outcomes.sort_by_key(|outcome| match outcome {
        Outcome::Acked { .. } => 0,
        Outcome::Receipt {
            kind: ReceiptKind::Delivered,
            ..
        } => 1,
        Outcome::Receipt {
            kind: ReceiptKind::Read,
            ..
        } => 2,
        Outcome::Receipt {
            kind: ReceiptKind::Played,
            ..
        } => 3,
        Outcome::Retry { .. } | Outcome::Failed { .. } => 4,
    });
    context.store.record(device, outcomes, context.now()).await?;
    context.wakes.events.ring();
    Ok(())
}
