//! The actor of one device: does what is wanted of it, one client after the other, until nothing is left to do.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use postern_domain::session::Signal;
use postern_domain::{DeviceId, Intent, Timestamp};
use postern_store::Device;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::client::{Client, Next, Purpose};
use crate::context::{Context, Failure};
use crate::pairing::Pairing;
use crate::removal;
use crate::supervisor::Wish;

/// How an actor ended without failing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// There is nothing to do until something else is wanted.
    Done,
    /// Starting again would end the same way before `until`, or before something else is wanted.
    Rest {
        /// When it may help again.
        until: Option<Timestamp>,
        /// What was wanted when it ended, as far as the actor knew.
        wish: Wish,
    },
}

/// What came while a device waited for its turn to log in.
enum Turn {
    Come(OwnedSemaphorePermit),
    NewWish,
    Stop,
}

/// Runs the device's session until stopped, until it is no longer wanted, or until it ends for good.
///
/// A panic goes on to whoever spawned this, once the client is closed: two clients with the same keys must never
/// run at a time.
pub(crate) async fn run(
    context: Arc<Context>,
    device: DeviceId,
    mut wishes: watch::Receiver<Wish>,
    mut delay: Duration,
) -> Result<Exit, Failure> {
    loop {
        let wish = *wishes.borrow_and_update();
        let Some(row) = context.store.session_device(device).await? else {
            return Ok(Exit::Done);
        };
        let Some(purpose) = purpose_of(&context, &row).await? else {
            return Ok(Exit::Done);
        };
        // Before its turn comes, because what the row says is about a client that is gone.
        context.signal(device, purpose.signal()).await?;
        let permit = match turn_to_log_in(&context, &mut wishes, delay).await {
            Turn::Come(permit) => permit,
            Turn::NewWish => continue,
            Turn::Stop => return Ok(Exit::Done),
        };
        delay = Duration::ZERO;
        let Some(mut client) = Client::open(&context, &row, purpose, wish, permit).await? else {
            return Ok(Exit::Done);
        };
        let outcome = AssertUnwindSafe(client.run(&mut wishes)).catch_unwind().await;
        client.close().await;
        match outcome.unwrap_or_else(|panic| resume_unwind(panic))? {
            Next::Close(exit) => return Ok(exit),
            Next::Continue | Next::Reopen => {}
        }
    }
}

/// What a client is wanted for; `None` when none is, after doing what is wanted instead.
async fn purpose_of(context: &Arc<Context>, row: &Device) -> Result<Option<Purpose>, Failure> {
    if row.parking.is_some() {
        context.store.park_rest(row.id, context.now()).await?;
    }
    match row.intent {
        Intent::Removed => removal::remove(context, row).await?,
        Intent::Unlinked if row.linked => removal::unlink(context, row).await?,
        Intent::Paused if row.linked => context.signal(row.id, Signal::Paused).await?,
        Intent::Paused | Intent::Unlinked => {
            // Nobody is to scan a code that leads nowhere; resuming alone does not ask again.
            if let Some(request) = row.pairing {
                let canceled = Signal::PairingCanceled;
                context.end_pairing(row.id, request.number, canceled).await?;
            }
            if row.intent == Intent::Unlinked {
                context.keys.wipe(row.id).await?;
            }
        }
        Intent::Linked if row.linked => return login(context, row).await,
        Intent::Linked => return Ok(row.pairing.map(|request| Purpose::Pair(Pairing::new(request)))),
    }
    Ok(None)
}

/// A linked device logs in, if it has the keys of its link.
async fn login(context: &Context, row: &Device) -> Result<Option<Purpose>, Failure> {
    let Some(account) = context.keys.account(row.id).await? else {
        tracing::warn!(device.id = %row.id, "the keys of this link are missing; pair the device again");
        context.signal(row.id, Signal::KeysMissing).await?;
        return Ok(None);
    };
    let known = row.account.as_ref().map(|account| account.phone);
    if known != Some(account.phone) {
        tracing::warn!(device.id = %row.id, "the keys are those of a link to another account, which is recorded now");
        context.link(row.id, account).await?;
    }
    Ok(Some(Purpose::Login))
}

async fn turn_to_log_in(context: &Context, wishes: &mut watch::Receiver<Wish>, delay: Duration) -> Turn {
    let turn = async {
        tokio::time::sleep(delay).await;
        Arc::clone(&context.logins).acquire_owned().await
    };
    tokio::select! {
        permit = turn => permit.map_or(Turn::Stop, Turn::Come),
        Ok(()) = wishes.changed() => Turn::NewWish,
        () = context.stop.pulled() => Turn::Stop,
    }
}
