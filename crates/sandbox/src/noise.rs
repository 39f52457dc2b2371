//! The server's side of the Noise handshake: XX for a first meeting, IK for a client that knows the server.

use buffa::{Message as _, MessageField};
use wacore::handshake::{HandshakeError, NoiseCipher, NoiseHandshake};
use wacore_binary::consts::{NOISE_PATTERN_IK, NOISE_PATTERN_XX};
use wacore_libsignal::protocol::KeyPair;
use waproto::whatsapp::handshake_message::{ClientHello, ServerHello};
use waproto::whatsapp::{ClientPayload, HandshakeMessage};

use crate::certificate::{ServerKeys, public_bytes};

/// What a handshake ends with.
pub(crate) struct Established {
    /// The client's Noise static key, by which the server knows a companion.
    pub(crate) client_static: [u8; 32],
    /// What the client says about itself.
    pub(crate) payload: ClientPayload,
    /// Opens the client's frames; the counter starts at 0.
    pub(crate) inbound: NoiseCipher,
    /// Seals the server's frames; the counter starts at 0.
    pub(crate) outbound: NoiseCipher,
}

/// The handshake after the server's answer.
pub(crate) enum Answered {
    /// IK: the client said everything in its first message.
    Done(Box<Established>),
    /// XX: the client's last message is still to come.
    AwaitFinish(Box<XxResponder>),
}

pub(crate) struct XxResponder {
    noise: NoiseHandshake,
    ephemeral: KeyPair,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NoiseError {
    #[error("not a handshake message: {0}")]
    Decode(#[from] buffa::DecodeError),
    #[error("the handshake message lacks {0}")]
    Missing(&'static str),
    #[error(transparent)]
    Crypto(#[from] HandshakeError),
}

/// Answers a client's first frame. `prologue` is the header the connection began with.
pub(crate) fn answer(
    keys: &ServerKeys,
    prologue: &[u8],
    frame: &[u8],
) -> Result<(Vec<u8>, Answered), NoiseError> {
    let hello = HandshakeMessage::decode_from_slice(frame)?
        .client_hello
        .into_option()
        .ok_or(NoiseError::Missing("a client hello"))?;
    match hello {
        ClientHello {
            ephemeral: Some(client_ephemeral),
            r#static: Some(sealed_static),
            payload: Some(sealed_payload),
            ..
        } => answer_ik(keys, prologue, &client_ephemeral, &sealed_static, &sealed_payload),
        ClientHello {
            ephemeral: Some(client_ephemeral),
            ..
        } => answer_xx(keys, prologue, &client_ephemeral),
        _ => Err(NoiseError::Missing("an ephemeral key")),
    }
}

fn answer_xx(
    keys: &ServerKeys,
    prologue: &[u8],
    client_ephemeral: &[u8],
) -> Result<(Vec<u8>, Answered), NoiseError> {
    let mut noise = NoiseHandshake::new(NOISE_PATTERN_XX, prologue)?;
    noise.authenticate(client_ephemeral);
    let ephemeral = KeyPair::generate(&mut rand::rng());
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    let sealed_static = noise.encrypt(keys.server.public_key.public_key_bytes())?;
    noise.mix_shared_secret(keys.server.private_key.serialize(), client_ephemeral)?;
    let payload = noise.encrypt(&keys.chain)?;
    let hello = server_hello(&ephemeral, Some(sealed_static), payload);
    Ok((
        hello,
        Answered::AwaitFinish(Box::new(XxResponder { noise, ephemeral })),
    ))
}

fn answer_ik(
    keys: &ServerKeys,
    prologue: &[u8],
    client_ephemeral: &[u8],
    sealed_static: &[u8],
    sealed_payload: &[u8],
) -> Result<(Vec<u8>, Answered), NoiseError> {
    let server_private = keys.server.private_key.serialize();
    let mut noise = NoiseHandshake::new(NOISE_PATTERN_IK, prologue)?;
    noise.authenticate(keys.server.public_key.public_key_bytes());
    noise.authenticate(client_ephemeral);
    noise.mix_shared_secret(server_private, client_ephemeral)?;
    let client_static = noise.decrypt(sealed_static)?;
    noise.mix_shared_secret(server_private, &client_static)?;
    let client_payload = noise.decrypt(sealed_payload)?;

    let ephemeral = KeyPair::generate(&mut rand::rng());
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    noise.mix_shared_secret(ephemeral.private_key.serialize(), &client_static)?;
    let payload = noise.encrypt(&keys.chain)?;
    let hello = server_hello(&ephemeral, None, payload);
    let established = establish(noise, client_static, &client_payload)?;
    Ok((hello, Answered::Done(Box::new(established))))
}

impl XxResponder {
    /// Reads the client's last handshake frame.
    pub(crate) fn finish(mut self, frame: &[u8]) -> Result<Established, NoiseError> {
        let finish = HandshakeMessage::decode_from_slice(frame)?
            .client_finish
            .into_option()
            .ok_or(NoiseError::Missing("a client finish"))?;
        let sealed_static = finish.r#static.ok_or(NoiseError::Missing("a static key"))?;
        let sealed_payload = finish.payload.ok_or(NoiseError::Missing("a payload"))?;
        let client_static = self.noise.decrypt(&sealed_static)?;
        self.noise
            .mix_shared_secret(self.ephemeral.private_key.serialize(), &client_static)?;
        let client_payload = self.noise.decrypt(&sealed_payload)?;
        establish(self.noise, client_static, &client_payload)
    }
}

fn server_hello(ephemeral: &KeyPair, sealed_static: Option<Vec<u8>>, payload: Vec<u8>) -> Vec<u8> {
    HandshakeMessage {
        server_hello: MessageField::some(ServerHello {
            ephemeral: Some(public_bytes(ephemeral)),
            r#static: sealed_static,
            payload: Some(payload),
            ..Default::default()
        }),
        ..Default::default()
    }
    .encode_to_vec()
}

fn establish(
    noise: NoiseHandshake,
    client_static: Vec<u8>,
    payload: &[u8],
) -> Result<Established, NoiseError> {
    let client_static = client_static
        .try_into()
        .map_err(|_other_length: Vec<u8>| NoiseError::Missing("a static key of 32 bytes"))?;
    let payload = ClientPayload::decode_from_slice(payload)?;
    // Named from the initiator's side.
    let (inbound, outbound) = noise.finish()?;
    Ok(Established {
        client_static,
        payload,
        inbound,
        outbound,
    })
}
