//! Taking a link back, for the operator: logged out at WhatsApp where that is possible, keys erased; and then, where
//! the device is to go, its row gone.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::Observed;
use postern_domain::session::Signal;
use postern_store::Device;

use crate::context::{CALL_DEADLINE, Context, Failure};
use crate::inbox::{Admission, Inbox};

/// How long a login for the sake of logging out may take.
const LOGIN: Duration = Duration::from_secs(15);

/// Unlinks a device whose client is closed. When everything is to stop it gives up; the next start goes on.
pub(crate) async fn unlink(context: &Arc<Context>, device: &Device) -> Result<(), Failure> {
    if !take_link_back(context, device).await? {
        return Ok(());
    }
    let signal = Signal::LoggedOut { messages_left: false };
    context.signal(device.id, signal).await?;
    tracing::info!(device.id = %device.id, "the device is logged out");
    Ok(())
}

/// Removes a device whose client is closed. When everything is to stop it gives up; the next start goes on.
pub(crate) async fn remove(context: &Arc<Context>, device: &Device) -> Result<(), Failure> {
    if !take_link_back(context, device).await? {
        return Ok(());
    }
    context.store.forget_device(device.id, context.now()).await?;
    context.wakes.events.ring();
    tracing::info!(device.id = %device.id, "the device is removed");
    Ok(())
}

/// `false` when everything is to stop.
async fn take_link_back(context: &Arc<Context>, device: &Device) -> Result<bool, Failure> {
    if device.linked && !log_out(context, device).await {
        if context.stop.is_pulled() {
            return Ok(false);
        }
        tracing::warn!(
            device.id = %device.id,
            "WhatsApp could not be told; the phone lists the linked device until it is removed there"
        );
    }
    context.keys.wipe(device.id).await?;
    Ok(true)
}

/// Logs in once more and asks WhatsApp to remove the link; whether it did.
async fn log_out(context: &Arc<Context>, device: &Device) -> bool {
    let inbox = Arc::new(Inbox::new(device.id, Arc::clone(context), Admission::Admitted));
    let opening = context.whatsapp.open(device.id, Arc::clone(&inbox) as _);
    let Some(Ok(session)) = context.call(CALL_DEADLINE, opening).await else {
        return false;
    };
    let told = context.call(LOGIN, is_connected(&inbox)).await == Some(true)
        && matches!(context.call(CALL_DEADLINE, session.log_out()).await, Some(Ok(())));
    context.close(device.id, &*session).await;
    told
}

async fn is_connected(inbox: &Inbox) -> bool {
    loop {
        for observed in inbox.take() {
            match observed {
                Observed::Connected => return true,
                Observed::Ended(_) => return false,
                _ => {}
            }
        }
        inbox.arrived().await;
    }
}
