//! The server's side of the Noise handshake: XX for a first meeting, IK for a client that knows the server.

use buffa::{Message as _, MessageField};
use rand::RngExt as _;
use wacore::handshake::{HandshakeError, NoiseCipher, NoiseHandshake};
use wacore_binary::consts::{NOISE_PATTERN_IK, NOISE_PATTERN_XX, NOISE_PATTERN_XXFALLBACK};
use wacore_libsignal::protocol::KeyPair;
use waproto::whatsapp::handshake_message::ServerHello;
use waproto::whatsapp::{ClientPayload, HandshakeMessage};

use crate::certificate::{ServerKeys, public_bytes};
use crate::faults::IkRefusal;

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
    /// The client will not go on.
    Rejected,
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

/// A client's first frame.
pub(crate) enum Hello<'k> {
    /// XX: it asks who the server is.
    Stranger(XxHello<'k>),
    /// IK: it knows the server by a key it has cached.
    Acquaintance(Box<IkHello<'k>>),
}

pub(crate) struct XxHello<'k> {
    keys: &'k ServerKeys,
    prologue: &'k [u8],
    ephemeral: Vec<u8>,
}

pub(crate) struct IkHello<'k> {
    introduction: XxHello<'k>,
    noise: NoiseHandshake,
    pub(crate) client_static: [u8; 32],
    pub(crate) payload: ClientPayload,
}

impl<'k> Hello<'k> {
    /// `prologue` is the header the connection began with.
    pub(crate) fn read(keys: &'k ServerKeys, prologue: &'k [u8], frame: &[u8]) -> Result<Self, NoiseError> {
        let hello = HandshakeMessage::decode_from_slice(frame)?
            .client_hello
            .into_option()
            .ok_or(NoiseError::Missing("a client hello"))?;
        let introduction = XxHello {
            keys,
            prologue,
            ephemeral: hello.ephemeral.ok_or(NoiseError::Missing("an ephemeral key"))?,
        };
        match (hello.r#static, hello.payload) {
            (Some(sealed_static), Some(sealed_payload)) => {
                let hello = IkHello::open(introduction, &sealed_static, &sealed_payload)?;
                Ok(Self::Acquaintance(Box::new(hello)))
            }
            _ => Ok(Self::Stranger(introduction)),
        }
    }
}

impl XxHello<'_> {
    /// The server says who it is.
    pub(crate) fn introduce(self) -> Result<(Vec<u8>, Answered), NoiseError> {
        self.introduce_as(NOISE_PATTERN_XX)
    }

    fn introduce_as(self, pattern: &str) -> Result<(Vec<u8>, Answered), NoiseError> {
        let mut noise = NoiseHandshake::new(pattern, self.prologue)?;
        noise.authenticate(&self.ephemeral);
        let ephemeral = KeyPair::generate(&mut rand::rng());
        noise.authenticate(ephemeral.public_key.public_key_bytes());
        noise.mix_shared_secret(ephemeral.private_key.serialize(), &self.ephemeral)?;
        let sealed_static = noise.encrypt(self.keys.server.public_key.public_key_bytes())?;
        noise.mix_shared_secret(self.keys.server.private_key.serialize(), &self.ephemeral)?;
        let payload = noise.encrypt(&self.keys.chain)?;
        let hello = server_hello(&ephemeral, Some(sealed_static), payload);
        Ok((
            hello,
            Answered::AwaitFinish(Box::new(XxResponder { noise, ephemeral })),
        ))
    }
}

impl<'k> IkHello<'k> {
    fn open(
        introduction: XxHello<'k>,
        sealed_static: &[u8],
        sealed_payload: &[u8],
    ) -> Result<Self, NoiseError> {
        let server = &introduction.keys.server;
        let mut noise = NoiseHandshake::new(NOISE_PATTERN_IK, introduction.prologue)?;
        noise.authenticate(server.public_key.public_key_bytes());
        noise.authenticate(&introduction.ephemeral);
        noise.mix_shared_secret(server.private_key.serialize(), &introduction.ephemeral)?;
        let client_static = key_of(noise.decrypt(sealed_static)?)?;
        noise.mix_shared_secret(server.private_key.serialize(), &client_static)?;
        let payload = ClientPayload::decode_from_slice(&noise.decrypt(sealed_payload)?)?;
        Ok(Self {
            introduction,
            noise,
            client_static,
            payload,
        })
    }

    pub(crate) fn answer(self, refusal: Option<IkRefusal>) -> Result<(Vec<u8>, Answered), NoiseError> {
        match refusal {
            None => self.accept(),
            Some(IkRefusal::Fallback) => self.introduction.introduce_as(NOISE_PATTERN_XXFALLBACK),
            Some(IkRefusal::Reject) => Ok(reject()),
        }
    }

    /// The key is the server's: nothing more needs to be said.
    fn accept(self) -> Result<(Vec<u8>, Answered), NoiseError> {
        let mut noise = self.noise;
        let ephemeral = KeyPair::generate(&mut rand::rng());
        noise.authenticate(ephemeral.public_key.public_key_bytes());
        noise.mix_shared_secret(ephemeral.private_key.serialize(), &self.introduction.ephemeral)?;
        noise.mix_shared_secret(ephemeral.private_key.serialize(), &self.client_static)?;
        let sealed_chain = noise.encrypt(&self.introduction.keys.chain)?;
        let hello = server_hello(&ephemeral, None, sealed_chain);
        let established = establish(noise, self.client_static, self.payload)?;
        Ok((hello, Answered::Done(Box::new(established))))
    }
}

/// As if somebody else had the key: an answer that the client cannot open.
fn reject() -> (Vec<u8>, Answered) {
    let ephemeral = KeyPair::generate(&mut rand::rng());
    let unreadable: [u8; 64] = rand::rng().random();
    let hello = server_hello(&ephemeral, None, unreadable.to_vec());
    (hello, Answered::Rejected)
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
        let client_static = key_of(self.noise.decrypt(&sealed_static)?)?;
        self.noise
            .mix_shared_secret(self.ephemeral.private_key.serialize(), &client_static)?;
        let payload = ClientPayload::decode_from_slice(&self.noise.decrypt(&sealed_payload)?)?;
        establish(self.noise, client_static, payload)
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
    client_static: [u8; 32],
    payload: ClientPayload,
) -> Result<Established, NoiseError> {
    // Named from the initiator's side.
    let (inbound, outbound) = noise.finish()?;
    Ok(Established {
        client_static,
        payload,
        inbound,
        outbound,
    })
}

fn key_of(bytes: Vec<u8>) -> Result<[u8; 32], NoiseError> {
    bytes
        .try_into()
        .map_err(|_other_length: Vec<u8>| NoiseError::Missing("a static key of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use wacore::handshake::{IkHandshakeState, IkServerHelloOutcome};
    use wacore_binary::consts::WA_CONN_HEADER;

    use super::*;

    fn initiator(client: &KeyPair, server_key: Vec<u8>) -> IkHandshakeState {
        let payload = ClientPayload {
            username: Some(15_551_234_567),
            device: Some(3),
            ..Default::default()
        };
        let known = server_key.try_into().expect("32 bytes");
        IkHandshakeState::new(client.clone(), known, payload.encode_to_vec(), &WA_CONN_HEADER)
            .expect("an initiator")
    }

    fn acquaintance<'k>(keys: &'k ServerKeys, hello: &[u8]) -> Box<IkHello<'k>> {
        match Hello::read(keys, &WA_CONN_HEADER, hello) {
            Ok(Hello::Acquaintance(hello)) => hello,
            _ => panic!("not a hello of IK"),
        }
    }

    /// Both sides read what the other writes.
    fn agree(server: &Established, client_writes: &NoiseCipher, client_reads: &NoiseCipher) {
        for (writer, reader) in [(client_writes, &server.inbound), (&server.outbound, client_reads)] {
            let mut words = writer.encrypt_with_counter(0, b"some words").expect("sealed");
            reader
                .decrypt_in_place_with_counter(0, &mut words)
                .expect("opened");
            assert_eq!(words, b"some words");
        }
    }

    #[test]
    fn a_client_that_knows_the_server_needs_one_round() {
        let keys = ServerKeys::generate().expect("keys");
        let client = KeyPair::generate(&mut rand::rng());
        let mut initiator = initiator(&client, public_bytes(&keys.server));
        let hello = initiator.build_client_hello().expect("a hello");
        let (reply, answered) = acquaintance(&keys, &hello).answer(None).expect("an answer");
        let Answered::Done(server) = answered else {
            panic!("IK has no third message");
        };
        let Ok(IkServerHelloOutcome::Continue(client_side)) = initiator.read_server_hello(&reply) else {
            panic!("the client fell back to XX");
        };
        assert_eq!(server.client_static.to_vec(), public_bytes(&client));
        assert_eq!(server.payload.device, Some(3));
        agree(&server, &client_side.write_cipher, &client_side.read_cipher);
    }

    /// The client of the integration tests goes on from here.
    #[test]
    fn a_client_whose_key_is_not_recognised_is_told_the_right_one() {
        let keys = ServerKeys::generate().expect("keys");
        let client = KeyPair::generate(&mut rand::rng());
        let mut initiator = initiator(&client, public_bytes(&keys.server));
        let hello = initiator.build_client_hello().expect("a hello");
        let (reply, answered) = acquaintance(&keys, &hello)
            .answer(Some(IkRefusal::Fallback))
            .expect("an answer");
        assert!(matches!(answered, Answered::AwaitFinish(_)));
        assert!(matches!(
            initiator.read_server_hello(&reply),
            Ok(IkServerHelloOutcome::Fallback(_))
        ));
    }

    #[test]
    fn a_rejected_client_cannot_open_the_answer() {
        let keys = ServerKeys::generate().expect("keys");
        let client = KeyPair::generate(&mut rand::rng());
        let mut initiator = initiator(&client, public_bytes(&keys.server));
        let hello = initiator.build_client_hello().expect("a hello");
        let (reply, answered) = acquaintance(&keys, &hello)
            .answer(Some(IkRefusal::Reject))
            .expect("an answer");
        assert!(matches!(answered, Answered::Rejected));
        assert!(matches!(
            initiator.read_server_hello(&reply),
            Err(HandshakeError::Noise(_))
        ));
    }

    #[test]
    fn a_hello_for_another_server_is_refused() {
        let keys = ServerKeys::generate().expect("keys");
        let other = public_bytes(&KeyPair::generate(&mut rand::rng()));
        let mut initiator = initiator(&KeyPair::generate(&mut rand::rng()), other);
        let hello = initiator.build_client_hello().expect("a hello");
        assert!(Hello::read(&keys, &WA_CONN_HEADER, &hello).is_err());
    }
}
