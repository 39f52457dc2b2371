//! One client's WebSocket: bytes to frames to stanzas, and back.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, rt, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, Session as Socket};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wacore::framing::{FrameDecoder, append_frame_into, encode_frame};
use wacore::handshake::NoiseCipher;
use wacore_binary::marshal::{marshal_to_vec, unmarshal_ref};
use wacore_binary::util::unpack;

use crate::faults::Manner;
use crate::login;
use crate::network::Network;
use crate::noise::{Answered, Established, Hello};
use crate::outbox::{Outbox, Outgoing, Words};
use crate::session::Session;

/// The largest frame the protocol can name.
const MAX_MESSAGE: usize = 1 << 24;
/// Stanzas that are ready together go out in one WebSocket message of about this size.
const WRITE_BATCH: usize = 64 * 1024;
/// A client that does not finish its handshake in this time is gone.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
/// After the last message of its handshake a client may still be deriving its keys; Baileys 6 loses what arrives
/// meanwhile. WhatsApp is never this near.
const PAUSE_AFTER_FINISH: Duration = Duration::from_millis(100);

/// Why a connection ended early. Only for the log.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("the client went away")]
    Gone,
    #[error("the connection did not begin as WhatsApp's do")]
    Introduction,
    #[error("handshake: {0}")]
    Noise(#[from] crate::noise::NoiseError),
    #[error("a frame did not open")]
    Frame(#[from] wacore::handshake::NoiseError),
    #[error("a frame held no stanza: {0}")]
    Stanza(#[from] wacore_binary::BinaryError),
    #[error("a frame is too large")]
    TooLarge,
    #[error("more than 2^32 frames on one connection")]
    Counter,
    #[error("the handshake was rejected on request")]
    Rejected,
    #[error("the handshake took too long")]
    Slow,
    #[error("server keys: {0}")]
    Keys(#[from] crate::certificate::KeyError),
}

/// `GET /ws/chat`.
pub(crate) async fn accept(
    request: HttpRequest,
    body: web::Payload,
    network: web::Data<Network>,
) -> actix_web::Result<HttpResponse> {
    let (response, socket, messages) = actix_ws::handle(&request, body)?;
    let messages = messages
        .max_frame_size(MAX_MESSAGE)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE);
    rt::spawn(async move {
        let closed = network.stopping.child_token();
        let stopped = closed.clone();
        let connection = run(network.into_inner(), socket, messages, closed);
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a client's connection ended");
            },
            () = stopped.cancelled() => {}
        }
    });
    Ok(response)
}

async fn run(
    network: Arc<Network>,
    socket: Socket,
    messages: AggregatedMessageStream,
    closed: CancellationToken,
) -> Result<(), ConnectionError> {
    let mut reader = Reader {
        messages,
        socket: socket.clone(),
        frames: FrameDecoder::new(),
    };
    let handshake = handshake(&network, &mut reader);
    let established = tokio::time::timeout(HANDSHAKE_LIMIT, handshake)
        .await
        .map_err(|_elapsed| ConnectionError::Slow)??;
    let Established {
        client_static,
        payload,
        inbound,
        outbound,
    } = established;

    // The writer outlives the session, so that its last words are written.
    let (outbox, outgoing, mut manner) = Outbox::new(closed.clone());
    rt::spawn(write(socket, outbound, outgoing, manner.clone(), closed));
    let mut session = Session::begin(network, outbox, client_static, &payload)?;
    let mut counter = 0_u32;
    loop {
        let mut frame = reader.frame().await?;
        inbound.decrypt_in_place_with_counter(counter, &mut frame)?;
        counter = counter.checked_add(1).ok_or(ConnectionError::Counter)?;
        manner.until_listening().await;
        let stanza = unpack(&frame)?;
        session.handle(&unmarshal_ref(&stanza)?);
    }
}

async fn handshake(network: &Network, reader: &mut Reader) -> Result<Established, ConnectionError> {
    let prologue = reader.introduction().await?;
    let hello = reader.frame().await?;
    let (reply, answered) = match Hello::read(&network.keys, &prologue, &hello)? {
        Hello::Stranger(hello) => hello.introduce()?,
        Hello::Acquaintance(hello) => {
            let refusal = login::key_refusal(network, hello.client_static, &hello.payload);
            hello.answer(refusal)?
        }
    };
    let reply = encode_frame(&reply, None).map_err(|_too_large| ConnectionError::TooLarge)?;
    reader
        .socket
        .binary(reply)
        .await
        .map_err(|_closed| ConnectionError::Gone)?;
    match answered {
        Answered::Done(established) => {
            tracing::debug!(noise.pattern = "IK", "a client that knows the server");
            Ok(*established)
        }
        Answered::AwaitFinish(responder) => {
            tracing::debug!(noise.pattern = "XX", "a client that meets the server");
            let finish = reader.frame().await?;
            let established = responder.finish(&finish)?;
            tokio::time::sleep(PAUSE_AFTER_FINISH).await;
            Ok(established)
        }
        Answered::Rejected => Err(ConnectionError::Rejected),
    }
}

struct Reader {
    messages: AggregatedMessageStream,
    socket: Socket,
    frames: FrameDecoder,
}

impl Reader {
    /// The four bytes every connection begins with; routing information before them is skipped.
    async fn introduction(&mut self) -> Result<[u8; 4], ConnectionError> {
        let mut bytes = BytesMut::new();
        loop {
            bytes.extend_from_slice(&self.bytes().await?);
            if let Some((header, rest)) = parse_introduction(&bytes)? {
                self.frames.feed(rest);
                return Ok(header);
            }
        }
    }

    async fn frame(&mut self) -> Result<BytesMut, ConnectionError> {
        loop {
            if let Some(frame) = self.frames.decode_frame() {
                return Ok(frame);
            }
            let bytes = self.bytes().await?;
            self.frames.feed(&bytes);
        }
    }

    async fn bytes(&mut self) -> Result<bytes::Bytes, ConnectionError> {
        loop {
            match self.messages.next().await {
                Some(Ok(AggregatedMessage::Binary(bytes))) => return Ok(bytes),
                Some(Ok(AggregatedMessage::Ping(payload))) => self
                    .socket
                    .pong(&payload)
                    .await
                    .map_err(|_closed| ConnectionError::Gone)?,
                Some(Ok(AggregatedMessage::Text(_) | AggregatedMessage::Pong(_))) => {}
                Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => return Err(ConnectionError::Gone),
            }
        }
    }
}

/// The prologue of the handshake, and the bytes behind it.
type Introduction<'b> = ([u8; 4], &'b [u8]);

/// `None` while it is incomplete.
fn parse_introduction(bytes: &[u8]) -> Result<Option<Introduction<'_>>, ConnectionError> {
    let bytes = match bytes {
        // "ED", a version, the length in three bytes, and that much routing information.
        [b'E', b'D', _, _, high, middle, low, rest @ ..] => {
            let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
            match rest.get(length..) {
                Some(rest) => rest,
                None => return Ok(None),
            }
        }
        [b'E', ..] => return Ok(None),
        bytes => bytes,
    };
    match bytes {
        [b'W', b'A', magic, dictionary, rest @ ..] => Ok(Some(([b'W', b'A', *magic, *dictionary], rest))),
        [] | [b'W'] | [b'W', b'A'] | [b'W', b'A', _] => Ok(None),
        _ => Err(ConnectionError::Introduction),
    }
}

async fn write(
    mut socket: Socket,
    cipher: NoiseCipher,
    mut outgoing: mpsc::Receiver<Outgoing>,
    mut manner: Manner,
    closed: CancellationToken,
) {
    let mut counter = 0_u32;
    let all = async {
        let mut waiting = outgoing.recv().await;
        while let Some(first) = waiting.take() {
            manner.until_writable(first.said).await;
            let mut batch = Vec::new();
            let mut next = Some(first);
            let mut last = false;
            while let Some(item) = next.take() {
                match item.what {
                    Words::Stanza(node) => seal(&cipher, &mut counter, &node, &mut batch)?,
                    Words::Close => last = true,
                }
                if !last && batch.len() < WRITE_BATCH {
                    waiting = outgoing.try_recv().ok();
                    next = waiting.take_if(|item| manner.may_write(item.said));
                }
            }
            if !batch.is_empty() {
                socket
                    .binary(batch)
                    .await
                    .map_err(|_closed| ConnectionError::Gone)?;
            }
            if last {
                break;
            }
            if waiting.is_none() {
                waiting = outgoing.recv().await;
            }
        }
        Ok::<(), ConnectionError>(())
    };
    tokio::select! {
        result = all => if let Err(error) = result {
            tracing::debug!(%error, "nothing more can be written to a client");
        },
        () = closed.cancelled() => {}
    }
    // The client may be gone already.
    drop(socket.close(None).await);
    closed.cancel();
}

fn seal(
    cipher: &NoiseCipher,
    counter: &mut u32,
    node: &wacore_binary::Node,
    batch: &mut Vec<u8>,
) -> Result<(), ConnectionError> {
    let mut frame = Vec::new();
    marshal_to_vec(node, &mut frame)?;
    cipher.encrypt_in_place_with_counter(*counter, &mut frame)?;
    *counter = counter.checked_add(1).ok_or(ConnectionError::Counter)?;
    append_frame_into(&frame, None, batch).map_err(|_too_large| ConnectionError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_introduction_may_come_in_pieces_and_after_routing_information() {
        for prefix in [&b""[..], b"ED\x00\x01\x00\x00\x02xy"] {
            let whole = [prefix, b"WA\x06\x03", b"rest"].concat();
            for length in 1..prefix.len() + 4 {
                assert!(
                    matches!(parse_introduction(&whole[..length]), Ok(None)),
                    "{length}"
                );
            }
            let parsed = parse_introduction(&whole).expect("an introduction");
            assert_eq!(parsed, Some((*b"WA\x06\x03", &b"rest"[..])));
        }
        assert!(parse_introduction(b"GET /").is_err());
    }
}
