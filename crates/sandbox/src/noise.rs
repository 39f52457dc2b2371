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

#[cfg(test)]
mod tests {
    use wacore::handshake::{IkHandshakeState, IkServerHelloOutcome};
    use wacore_binary::consts::WA_CONN_HEADER;

    use super::*;

    /// XX is what every client of the integration tests begins with; IK cannot be told apart there.
    #[test]
    fn a_client_that_knows_the_server_needs_one_round() {
        let keys = ServerKeys::generate().expect("keys");
        let client = KeyPair::generate(&mut rand::rng());
        let payload = ClientPayload {
            username: Some(15_551_234_567),
            device: Some(3),
            ..Default::default()
        };
        let known = public_bytes(&keys.server).try_into().expect("32 bytes");
        let mut initiator =
            IkHandshakeState::new(client.clone(), known, payload.encode_to_vec(), &WA_CONN_HEADER)
                .expect("an initiator");
        let hello = initiator.build_client_hello().expect("a hello");

        let (reply, answered) = answer(&keys, &WA_CONN_HEADER, &hello).expect("an answer");
        let Answered::Done(server) = answered else {
            panic!("IK has no third message");
        };
        let Ok(IkServerHelloOutcome::Continue(client_side)) = initiator.read_server_hello(&reply) else {
            panic!("the client fell back to XX");
        };
        assert_eq!(server.client_static.to_vec(), public_bytes(&client));
        assert_eq!(server.payload.device, Some(3));
        let sealed = client_side
            .write_cipher
            .encrypt_with_counter(0, b"to the server")
            .expect("sealed");
        let mut opened = sealed.clone();
        server
            .inbound
            .decrypt_in_place_with_counter(0, &mut opened)
            .expect("opened");
        assert_eq!(opened, b"to the server");
        let mut opened = server
            .outbound
            .encrypt_with_counter(0, b"to the client")
            .expect("sealed");
        client_side
            .read_cipher
            .decrypt_in_place_with_counter(0, &mut opened)
            .expect("opened");
        assert_eq!(opened, b"to the client");
    }

    #[test]
    fn a_hello_for_another_server_is_refused() {
        let keys = ServerKeys::generate().expect("keys");
        let other = public_bytes(&KeyPair::generate(&mut rand::rng()));
        let mut initiator = IkHandshakeState::new(
            KeyPair::generate(&mut rand::rng()),
            other.try_into().expect("32 bytes"),
            Vec::new(),
            &WA_CONN_HEADER,
        )
        .expect("an initiator");
        let hello = initiator.build_client_hello().expect("a hello");
        assert!(answer(&keys, &WA_CONN_HEADER, &hello).is_err());
    }
}
