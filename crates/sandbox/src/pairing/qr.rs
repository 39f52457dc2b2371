//! What a QR code says.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What phones put before the fields so that a camera app opens WhatsApp.
const LINK: &str = "https://wa.me/settings/linked_devices#";

pub(crate) struct QrCode {
    pub(crate) reference: String,
    pub(crate) noise_key: [u8; 32],
    pub(crate) identity: [u8; 32],
    pub(crate) secret: [u8; 32],
}

/// Reads a QR code in any of the forms clients show: five fields, the same behind a link, and four
/// fields as older clients have it.
pub(crate) fn parse_qr(text: &str) -> Option<QrCode> {
    let fields: Vec<&str> = text.strip_prefix(LINK).unwrap_or(text).split(',').collect();
    let (reference, keys) = match fields[..] {
        [reference, noise_key, identity, secret] => (reference, [noise_key, identity, secret]),
        [reference, noise_key, identity, secret, client] if !client.is_empty() => {
            (reference, [noise_key, identity, secret])
        }
        _ => return None,
    };
    let key = |field: &str| BASE64_STANDARD.decode(field).ok()?.try_into().ok();
    Some(QrCode {
        reference: Some(reference).filter(|text| !text.is_empty())?.to_owned(),
        noise_key: key(keys[0])?,
        identity: key(keys[1])?,
        secret: key(keys[2])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_of_a_code_say_the_same() {
        let key = |byte| BASE64_STANDARD.encode([byte; 32]);
        let bare = format!("2@ref,{},{},{}", key(1), key(2), key(3));
        for text in [bare.clone(), format!("{bare},1"), format!("{LINK}{bare},1")] {
            let code = parse_qr(&text).expect("a code");
            assert_eq!(code.reference, "2@ref");
            assert_eq!(
                (code.noise_key, code.identity, code.secret),
                ([1; 32], [2; 32], [3; 32])
            );
        }
    }

    #[test]
    fn other_texts_are_no_codes() {
        let key = BASE64_STANDARD.encode([1; 32]);
        for text in [
            String::new(),
            "hello".to_owned(),
            ",,,".to_owned(),
            "https://example.com/".to_owned(),
            format!(",{key},{key},{key}"),
            format!("ref,{key},{key},AAAA"),
            format!("ref,{key},{key},{key},"),
            format!("ref,{key},{key},{key},1,2"),
            format!("ref,{key},{key}"),
        ] {
            assert!(parse_qr(&text).is_none(), "{text}");
        }
    }
}
