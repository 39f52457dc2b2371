//! Notices a link that is up and dead: its socket is open, and not even the client's own pings are answered.
//!
//! The client finds out as well, 35 to 50 s after the last word, and then dials anew. Until then this says that
//! something is wrong.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::Observed;
use tokio::time::{Instant, sleep};

use crate::events::Events;

/// How often the client is looked at, in parts of the silence that counts.
const LOOKS: u32 = 8;

/// Runs until the session's tasks end.
pub(crate) async fn watch(events: Arc<Events>, longest: Duration) {
    let mut last_heard = (0, Instant::now());
    let mut silent = false;
    loop {
        sleep(longest / LOOKS).await;
        let Some(client) = events.client() else {
            return;
        };
        let frames = client.stats().frames_received;
        let is_online = events.reporter.is_online();
        if frames != last_heard.0 || !is_online {
            last_heard = (frames, Instant::now());
            if std::mem::take(&mut silent) && is_online {
                events.reporter.tell(Observed::Heard);
            }
        } else if !silent && last_heard.1.elapsed() >= longest {
            silent = true;
            events.reporter.tell(Observed::Silent);
        }
    }
}
