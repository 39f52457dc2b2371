//! The places for streams: so many and no more, and taken back from readers that take nothing.
//!
//! A server that cannot write does not ask for the next piece. When a stream was not asked for longer than the deadline
//! although it handed one over, its reader is taken for gone: its place and its feed are given back at once, and its
//! connection is closed as soon as it can be written to again.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _};
use postern_domain::WorkspaceId;
use postern_runtime::Stop;
use tokio::time::sleep;

use crate::places::{Place, Places};

/// Looks at all streams in one deadline.
const LOOKS: u32 = 4;

/// The places for streams.
#[derive(Debug)]
pub(crate) struct Seats {
    places: Arc<Places>,
    taken: Mutex<Vec<Weak<Seat>>>,
    deadline: Duration,
}

/// A place that is taken.
#[derive(Debug)]
struct Seat {
    /// How many looks found it with a piece handed over and nothing asked for since; 0 while it waits for events.
    idle: AtomicU32,
    held: Mutex<Option<Held>>,
}

/// What goes with a place.
struct Held {
    pieces: BoxStream<'static, Bytes>,
    _place: Place,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

/// The body of a stream's answer.
pub(super) struct Seated(Arc<Seat>);

/// The reader took nothing for too long.
#[derive(Debug, thiserror::Error)]
#[error("the reader of a stream took nothing for too long")]
pub(super) struct Stalled;

impl Seats {
    pub(crate) fn new(count: usize, deadline: Duration) -> Self {
        Self {
            places: Places::new(count),
            taken: Mutex::default(),
            deadline,
        }
    }

    /// A place for a stream, if there is one for the workspace.
    pub(super) fn take(
        &self,
        workspace: WorkspaceId,
        pieces: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Option<Seated> {
        let place = self.places.take(workspace)?;
        let seat = Arc::new(Seat {
            idle: AtomicU32::new(0),
            held: Mutex::new(Some(Held {
                pieces: pieces.boxed(),
                _place: place,
            })),
        });
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(Arc::downgrade(&seat));
        Some(Seated(seat))
    }

    /// Takes places back until told to stop.
    pub(crate) async fn run(&self, stop: Stop) {
        loop {
            tokio::select! {
                () = stop.pulled() => return,
                () = sleep(self.deadline / LOOKS) => self.look(),
            }
        }
    }

    fn look(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|seat| seat.upgrade().is_some_and(|seat| !seat.gave_up()));
    }
}

impl Seat {
    /// Counts a look; whether it was the last.
    fn gave_up(&self) -> bool {
        let counted = self
            .idle
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle| {
                (idle > 0).then_some(idle + 1)
            });
        // The first look may come right after the piece.
        let over = counted.is_ok_and(|before| before > LOOKS);
        if over {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(held);
            tracing::info!("a stream was ended: its reader took nothing for too long");
        }
        over
    }
}

impl Stream for Seated {
    type Item = Result<Bytes, Stalled>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Held { pieces, .. }) = held.as_mut() else {
            return Poll::Ready(Some(Err(Stalled)));
        };
        let piece = pieces.poll_next_unpin(context);
        let waits_for_the_reader = matches!(piece, Poll::Ready(Some(_)));
        self.0.idle.store(waits_for_the_reader.into(), Ordering::Relaxed);
        piece.map(|piece| piece.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::stream;

    use super::*;

    fn piece() -> Bytes {
        Bytes::from_static(b"piece")
    }

    #[test]
    fn there_are_so_many_places_and_no_more() {
        let seats = Seats::new(2, Duration::from_secs(1));
        let take = || seats.take(WorkspaceId::generate(), stream::empty());
        let (first, second) = (take(), take());
        assert!(first.is_some() && second.is_some() && take().is_none());
        drop(first);
        assert!(take().is_some());
    }

    #[test]
    fn a_reader_that_takes_nothing_loses_its_place_and_others_keep_theirs() {
        let seats = Seats::new(3, Duration::from_secs(1));
        let somebody = WorkspaceId::generate;
        let mut stalled = seats.take(somebody(), stream::repeat(piece())).expect("a place");
        let once = stream::once(async { piece() }).chain(stream::pending());
        let mut waiting = seats.take(somebody(), once).expect("a place");
        let mut reading = seats.take(somebody(), stream::repeat(piece())).expect("a place");
        for seated in [&mut stalled, &mut waiting, &mut reading] {
            assert!(matches!(seated.next().now_or_never(), Some(Some(Ok(_)))));
        }
        assert!(waiting.next().now_or_never().is_none(), "no event to tell of");
        for _ in 0..=LOOKS {
            assert!(seats.take(somebody(), stream::empty()).is_none());
            seats.look();
            assert!(matches!(reading.next().now_or_never(), Some(Some(Ok(_)))));
        }
        assert!(seats.take(somebody(), stream::empty()).is_some());
        assert!(matches!(stalled.next().now_or_never(), Some(Some(Err(Stalled)))));
        assert!(waiting.next().now_or_never().is_none());
    }
}
