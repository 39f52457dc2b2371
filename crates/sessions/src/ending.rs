//! What follows from the end of a client: the device's state, and whether and when it is started again.

use postern_domain::DeviceId;
use postern_domain::port::Ending;
use postern_domain::session::Signal;

use crate::actor::Exit;
use crate::context::{Context, Failure};
use crate::supervisor::Wish;

/// Writes down why a client ended.
///
/// A client that served pairing request `pairing` and has no account of its own has only lost its codes, unless the
/// reason would meet the next attempt as well.
pub(crate) async fn follow(
    context: &Context,
    device: DeviceId,
    pairing: Option<u64>,
    wish: Wish,
    ending: Ending,
) -> Result<Exit, Failure> {
    let ended_pairing = match ending {
        Ending::CodesExhausted => Some(Signal::CodesExhausted),
        Ending::LoggedOut | Ending::AccountRemoved | Ending::LoginRefused { .. } => {
            Some(Signal::PairingFailed)
        }
        _ => None,
    };
    if let (Some(number), Some(signal)) = (pairing, ended_pairing) {
        context.end_pairing(device, number, signal).await?;
        return Ok(Exit::Done);
    }
    let (signal, exit) = match ending {
        // Nobody here asked it to stop and goes on reading.
        Ending::Stopped | Ending::Crashed | Ending::CodesExhausted => return Err(Failure::Crashed),
        // Whether messages are left is found out where the outbox is.
        Ending::LoggedOut => (Signal::LoggedOut { messages_left: false }, Exit::Done),
        Ending::AccountRemoved => (Signal::AccountRemoved, Exit::Done),
        Ending::StreamReplaced => (Signal::StreamReplaced, Exit::Rest { until: None, wish }),
        Ending::ClientOutdated => (Signal::ClientOutdated, Exit::Rest { until: None, wish }),
        Ending::TemporaryBan(duration) => {
            let until = context.now().after(duration);
            let exit = Exit::Rest {
                until: Some(until),
                wish,
            };
            (Signal::Banned { until }, exit)
        }
        Ending::LoginRefused { code } => {
            tracing::warn!(device.id = %device, whatsapp.code = code, "WhatsApp refused the login");
            let until = Some(context.now().after(context.config.login_retry));
            (
                Signal::LoginRefused { retry_at: until },
                Exit::Rest { until, wish },
            )
        }
    };
    context.signal(device, signal).await?;
    Ok(exit)
}
