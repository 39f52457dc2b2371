//! The live part of a page: rendered anew when something happened, sent when it differs.
//!
//! A stream holds a place among the few there are, an ear on the bells, and the last thing it sent as a hash. It
//! pulls what it shows from the store whenever it is woken, at most a few times a second and at least every few
//! seconds, so that a wake-up that was lost costs no more than that. It ends when its session does.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Bytes};
use postern_domain::DeviceId;
use postern_runtime::Listener;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio::time::{Instant, sleep, sleep_until};

use crate::Dashboard;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::guard::Person;
use crate::view::View;

/// How often the store is looked into even when nobody rings.
const POLL: Duration = Duration::from_secs(3);
/// How long nothing is said at most.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the session is looked at.
const RECHECK: Duration = Duration::from_secs(10);
/// The browser comes back so soon after a stream ended, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// Answers with the stream of a view.
pub(crate) fn answer(dashboard: web::Data<Dashboard>, person: Person, view: View) -> Answer {
    let place = Arc::clone(&dashboard.streams).try_acquire_owned();
    let place = place.map_err(|full| match full {
        TryAcquireError::NoPermits => Failure::Busy,
        TryAcquireError::Closed => Failure::Internal("streams are closed".to_owned()),
    })?;
    let live = Live {
        events: dashboard.wakes.events.listen(),
        devices: dashboard.wakes.devices.listen(),
        shown: view.device().map(|device| shown(&dashboard, device)),
        dashboard,
        person,
        view,
        last: None,
        said: Instant::now(),
        checked: Instant::now(),
        begun: false,
        _place: place,
    };
    let parts = futures_util::stream::unfold(live, |live| async move {
        let (part, live) = live.next().await?;
        Some((Ok::<_, std::convert::Infallible>(part), live))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Some proxies hold answers back to see how long they get.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(parts)))
}

fn shown(dashboard: &Dashboard, device: DeviceId) -> Listener {
    dashboard.wakes.shown.listen(device)
}

struct Live {
    dashboard: web::Data<Dashboard>,
    person: Person,
    view: View,
    events: Listener,
    devices: Listener,
    shown: Option<Listener>,
    last: Option<u64>,
    said: Instant,
    checked: Instant,
    begun: bool,
    _place: OwnedSemaphorePermit,
}

impl Live {
    /// The next thing to say; `None` ends the stream.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.begun {
            self.begun = true;
            return Some((Bytes::from_static(RETRY.as_bytes()), self));
        }
        loop {
            if self.dashboard.stop.is_pulled() {
                return None;
            }
            if self.checked.elapsed() >= RECHECK {
                self.checked = Instant::now();
                match self.dashboard.session(self.person.session).await {
                    Ok(Some(session)) if session.operator.role.may(self.view.role()) => {
                        self.person.operator = session.operator;
                    }
                    Ok(_) => return None,
                    // The database is busy; the next look may fare better.
                    Err(_) => {}
                }
            }
            if let Some(part) = self.look().await {
                self.said = Instant::now();
                return Some((part, self));
            }
            if self.said.elapsed() >= HEARTBEAT {
                self.said = Instant::now();
                return Some((Bytes::from_static(b": still here\n\n"), self));
            }
            self.wait().await;
        }
    }

    /// What the view shows now, if that is something else than last time.
    async fn look(&mut self) -> Option<Bytes> {
        let html = match self.view.live(&self.dashboard, &self.person).await {
            Ok(markup) => markup.into_string(),
            // What was shown is gone: the whole page says so.
            Err(Failure::NotFound) => return self.differs("gone").then(|| said("gone", "")),
            Err(_) => return None,
        };
        self.differs(&html).then(|| said("live", &html))
    }

    fn differs(&mut self, html: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        html.hash(&mut hasher);
        let now = Some(hasher.finish());
        std::mem::replace(&mut self.last, now) != now
    }

    async fn wait(&mut self) {
        let until = Instant::now() + POLL;
        let shown = async {
            match &mut self.shown {
                Some(bell) => bell.rung().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.events.rung() => {}
            () = self.devices.rung() => {}
            () = shown => {}
            () = sleep_until(until) => {}
            () = self.dashboard.stop.pulled() => {}
        }
        // Many things happen at once; one look sees them all.
        tokio::select! {
            () = sleep(self.view.pause()) => {}
            () = self.dashboard.stop.pulled() => {}
        }
    }
}

/// An event of the stream.
fn said(event: &str, data: &str) -> Bytes {
    let mut text = format!("event: {event}\n");
    for line in data.split('\n') {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    Bytes::from(text)
}
