//! The guard against fooled clients: what may be dialled depends on what the client is seen to accept.
//!
//! The client pins WhatsApp's certificate root in a constant, so a sandbox can be reached only by a client
//! that was compiled not to check it. Such a client would trust anybody. Therefore the guard asks neither
//! the configuration nor a cargo feature: it shows the client's own verification a forged chain, and if
//! the forgery passes, nothing but this machine can be dialled.

use std::net::IpAddr;
use std::sync::LazyLock;

use buffa::Message as _;
use url::{Host, Url};
use wacore::libsignal::protocol::KeyPair;
use wacore_noise::{HandshakeError, HandshakeUtils};
use waproto::whatsapp::CertChain;
use waproto::whatsapp::cert_chain::NoiseCertificate;
use waproto::whatsapp::cert_chain::noise_certificate::Details;

/// Whether the client in this binary can be fooled, found out by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainTrust {
    /// It refused the forgery because of its signature.
    Verified,
    /// It accepted the forgery, or refused it for a reason that proves nothing.
    Fooled,
}

/// An address that this binary must not dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this binary accepts forged WhatsApp certificates (it was built for the sandbox), so it connects to loopback addresses only"
)]
pub struct NotLoopback;

/// Whether the client in this binary accepts a forged certificate chain of WhatsApp's server.
///
/// Such a binary is for the sandbox: its transport refuses every address that is not loopback.
#[must_use]
pub fn accepts_forged_certificates() -> bool {
    *TRUST == ChainTrust::Fooled
}

static TRUST: LazyLock<ChainTrust> = LazyLock::new(|| {
    let server = [0x5a; 32];
    let genuine = forged_chains(&server)
        .iter()
        .all(|chain| refuses_signature(HandshakeUtils::verify_server_cert(chain, &server)));
    if genuine {
        ChainTrust::Verified
    } else {
        ChainTrust::Fooled
    }
});

impl ChainTrust {
    /// What this binary's client was found to be.
    pub(crate) fn of_this_binary() -> Self {
        *TRUST
    }

    /// Whether the address may be dialled.
    pub(crate) fn admit_address(self, address: IpAddr) -> Result<(), NotLoopback> {
        // `::ffff:127.0.0.1` is loopback as well.
        self.admit(address.to_canonical().is_loopback())
    }

    /// Whether the URL's host may be dialled, as far as its name tells.
    pub(crate) fn admit_host(self, url: &Url) -> Result<(), NotLoopback> {
        self.admit(match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => false,
        })
    }

    fn admit(self, is_loopback: bool) -> Result<(), NotLoopback> {
        if self == Self::Verified || is_loopback {
            Ok(())
        } else {
            Err(NotLoopback)
        }
    }
}

/// Anything but a complaint about the signature leaves open whether signatures are looked at.
fn refuses_signature<T>(verdict: Result<T, HandshakeError>) -> bool {
    matches!(verdict, Err(HandshakeError::CertVerification(why)) if why.contains("signature failed"))
}

/// Two chains of the right shape: one signed properly by a root that is not WhatsApp's, one signed by nobody.
fn forged_chains(server: &[u8; 32]) -> [Vec<u8>; 2] {
    let mut random = rand::rng();
    let root = KeyPair::generate(&mut random);
    let intermediate = KeyPair::generate(&mut random);
    let mut sign = |by: &KeyPair, details: &[u8]| {
        by.calculate_signature(details, &mut random)
            .map_or_else(|_no_signature| vec![0; 64], |signature| signature.to_vec())
    };

    let intermediate_details = details(1, 0, intermediate.public_key.public_key_bytes());
    let leaf_details = details(2, 1, server);
    let self_made = chain(
        certificate(intermediate_details.clone(), sign(&root, &intermediate_details)),
        certificate(leaf_details.clone(), sign(&intermediate, &leaf_details)),
    );
    let unsigned = chain(
        certificate(intermediate_details, vec![0; 64]),
        certificate(leaf_details, vec![0; 64]),
    );
    [self_made, unsigned]
}

fn details(serial: u32, issuer_serial: u32, key: &[u8]) -> Vec<u8> {
    let details = Details {
        serial: Some(serial),
        issuer_serial: Some(issuer_serial),
        key: Some(key.to_vec()),
        not_before: Some(1_700_000_000),
        not_after: Some(4_000_000_000),
    };
    details.encode_to_vec()
}

fn certificate(details: Vec<u8>, signature: Vec<u8>) -> NoiseCertificate {
    NoiseCertificate {
        details: Some(details),
        signature: Some(signature),
    }
}

fn chain(intermediate: NoiseCertificate, leaf: NoiseCertificate) -> Vec<u8> {
    let chain = CertChain {
        leaf: buffa::MessageField::some(leaf),
        intermediate: buffa::MessageField::some(intermediate),
    };
    chain.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[cfg(feature = "sandbox")]
    #[test]
    fn a_sandbox_build_accepts_forgeries_and_is_confined_to_loopback() {
        assert!(accepts_forged_certificates());
        let trust = ChainTrust::of_this_binary();
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(trust.admit_address(address), Ok(()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "10.0.0.1",
            "192.168.1.1",
            "0.0.0.0",
            "::",
            "2001:db8::1",
            "::ffff:10.0.0.1",
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(trust.admit_address(address), Err(NotLoopback), "{address}");
        }
    }

    #[cfg(not(feature = "sandbox"))]
    #[test]
    fn a_production_build_refuses_forgeries() {
        assert!(!accepts_forged_certificates());
        let server = [9; 32];
        for chain in forged_chains(&server) {
            let verdict = HandshakeUtils::verify_server_cert(&chain, &server);
            assert!(refuses_signature(verdict));
        }
    }

    #[test]
    fn a_fooled_client_reaches_names_of_this_machine_only() {
        for host in [
            "ws://localhost:1/",
            "ws://127.0.0.1:1/",
            "ws://[::1]:1/",
            "ws://127.1/",
        ] {
            assert_eq!(ChainTrust::Fooled.admit_host(&url(host)), Ok(()), "{host}");
        }
        for host in [
            "wss://web.whatsapp.com/ws/chat",
            "ws://localhost.example.com/",
            "ws://127.0.0.1.example.com/",
            "ws://10.0.0.1/",
            "ws://127.0.0.1@example.com/",
        ] {
            assert_eq!(
                ChainTrust::Fooled.admit_host(&url(host)),
                Err(NotLoopback),
                "{host}"
            );
            assert_eq!(ChainTrust::Verified.admit_host(&url(host)), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_refusal_for_another_reason_proves_nothing() {
        let server = [9; 32];
        for garbage in [&[][..], b"garbage"] {
            assert!(!refuses_signature(HandshakeUtils::verify_server_cert(
                garbage, &server
            )));
        }
    }
}
