//! The end of a device: logged out at WhatsApp where that is possible, keys erased, row gone.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::Observed;
use postern_store::Device;
use tokio::time::{Instant, timeout, timeout_at};

use crate::context::{CALL_DEADLINE, Context, Failure, STOP_DEADLINE};
use crate::inbox::Inbox;

/// How long a login for the sake of logging out may take.
const LOGIN: Duration = Duration::from_secs(15);

/// Removes a device whose client is closed.
pub(crate) async fn remove(context: &Arc<Context>, device: &Device) -> Result<(), Failure> {
    if device.linked && !log_out(context, device).await {
        tracing::warn!(
            device.id = %device.id,
            "WhatsApp could not be told; the phone lists the linked device until it is removed there"
        );
    }
    context.wiper.wipe(device.id).await?;
    context.store.forget_device(device.id, context.now()).await?;
    context.wakes.events.ring();
    tracing::info!(device.id = %device.id, "the device is removed");
    Ok(())
}

/// Logs in once more and asks WhatsApp to remove the link; whether it did.
async fn log_out(context: &Arc<Context>, device: &Device) -> bool {
    let inbox = Arc::new(Inbox::new(device.id, Arc::clone(context)));
    let opening = context.whatsapp.open(device.id, Arc::clone(&inbox) as _);
    let Ok(Ok(session)) = timeout(CALL_DEADLINE, opening).await else {
        return false;
    };
    let told =
        is_connected(&inbox).await && matches!(timeout(CALL_DEADLINE, session.log_out()).await, Ok(Ok(())));
    if timeout(STOP_DEADLINE, session.stop()).await.is_err() {
        tracing::warn!(device.id = %device.id, "the client did not close in time");
    }
    told
}

async fn is_connected(inbox: &Inbox) -> bool {
    let deadline = Instant::now() + LOGIN;
    loop {
        for observed in inbox.take() {
            match observed {
                Observed::Connected => return true,
                Observed::Ended(_) => return false,
                _ => {}
            }
        }
        if timeout_at(deadline, inbox.arrived()).await.is_err() {
            return false;
        }
    }
}
