//! The body of a request: it comes in time, and is not waited for once the request is answered.
//!
//! The server has a deadline for heads alone. A client that sends a byte a minute would hold a connection and whoever reads
//! the body for as long as it likes; and what a handler leaves of a chunked body would be read on for as long as it comes.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::time::sleep;

/// A body while its request is served, for the handler and for the edge.
pub(super) struct Body(Rc<RefCell<Payload>>);

impl Body {
    /// Has whoever reads the body get an error when it is not complete `patience` after it was first waited for. Answers
    /// nothing when there is no body.
    pub(super) fn of(request: &mut ServiceRequest, patience: Duration) -> Option<Self> {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return None;
        }
        let shared = Rc::new(RefCell::new(payload));
        request.set_payload(Payload::Stream {
            payload: Box::pin(in_time(Rc::clone(&shared), patience)),
        });
        Some(Self(shared))
    }

    /// Keeps what was not read for as long as the answer is written. The server reads on when nobody holds a body any more,
    /// and closes the connection after the answer when somebody does.
    pub(super) fn kept_by(self, answer: BoxBody) -> BoxBody {
        if matches!(*self.0.borrow(), Payload::None) {
            return answer;
        }
        BoxBody::new(Keeping {
            answer,
            _unread: self.0,
        })
    }
}

/// An answer to a request whose body was not read to its end.
struct Keeping {
    answer: BoxBody,
    _unread: Rc<RefCell<Payload>>,
}

impl MessageBody for Keeping {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

/// Whether a body was not read because it took too long.
pub(crate) fn is_late(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

fn in_time(
    shared: Rc<RefCell<Payload>>,
    patience: Duration,
) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    // Most bodies come with their heads, and need none.
    let mut deadline = None;
    stream::poll_fn(move |context| {
        let read = poll_once(&mut shared.borrow_mut(), context);
        if read.is_ready() {
            return read;
        }
        let deadline = deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    })
}

fn poll_once(payload: &mut Payload, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
    let read = Pin::new(&mut *payload).poll_next(context);
    if matches!(read, Poll::Ready(None)) {
        *payload = Payload::None;
    }
    read
}
