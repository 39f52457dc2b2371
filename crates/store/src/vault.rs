//! The vault: seals what `postern.db` keeps of webhooks' secrets, with a key that is not in that file.
//!
//! So whoever finds the database or a backup of it can neither sign as the gateway nor use the credentials that it sends. Each
//! value is sealed for its endpoint and its column: moved elsewhere it does not open. The key is configured, or lies in the
//! data folder, made by the first start.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{OpenError, StoreError, sqlite};

/// The name of the key's file.
pub const SECRETS_KEY: &str = "secrets.key";
/// What a sealed value begins with: neither of the values that are sealed does as a whole.
const SEALED: u8 = 1;

/// The key of a vault.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretsKey([u8; 32]);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them")]
pub struct NotASecretsKey;

impl FromStr for SecretsKey {
    type Err = NotASecretsKey;

    fn from_str(text: &str) -> Result<Self, NotASecretsKey> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(NotASecretsKey);
        };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_another_length| NotASecretsKey)?;
        let mut key = [0; 32];
        for (byte, [high, low]) in key.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(key))
    }
}

fn digit(digit: u8) -> Result<u8, NotASecretsKey> {
    let value = char::from(digit).to_digit(16).ok_or(NotASecretsKey)?;
    u8::try_from(value).map_err(|_sixteen_at_most| NotASecretsKey)
}

impl fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretsKey(…)")
    }
}

/// Seals and opens.
pub(crate) struct Vault {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Vault {
    /// With a key of the configuration, or the one in the folder, which is made when there is none.
    pub(crate) fn open(folder: &Path, configured: Option<SecretsKey>) -> Result<Self, OpenError> {
        match configured {
            Some(key) => Self::with(&key),
            None => of_folder(folder).and_then(|key| Self::with(&key)),
        }
    }

    /// For who has nothing to do with what is sealed: its key is of this moment, and kept nowhere.
    pub(crate) fn closed() -> Result<Self, OpenError> {
        let mut key = [0; 32];
        let filled = SystemRandom::new().fill(&mut key);
        filled.map_err(|_no_reason_is_told| failed(Path::new(SECRETS_KEY), bad()))?;
        Self::with(&SecretsKey(key))
    }

    fn with(SecretsKey(key): &SecretsKey) -> Result<Self, OpenError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key)
            .map_err(|_of_another_length| failed(Path::new(SECRETS_KEY), bad()))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            random: SystemRandom::new(),
        })
    }

    /// Seals a value of `column` of the row `id`.
    pub(crate) fn seal(&self, id: [u8; 16], column: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_LEN] = self.random()?;
        let mut sealed = value.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                place(id, column),
                &mut sealed,
            )
            .map_err(|_no_reason_is_told| unsealable())?;
        Ok([&[SEALED], &nonce[..], &sealed].concat())
    }

    /// So many random bytes.
    pub(crate) fn random<const BYTES: usize>(&self) -> Result<[u8; BYTES], StoreError> {
        let mut bytes = [0; BYTES];
        let filled = self.random.fill(&mut bytes);
        filled.map_err(|_no_reason_is_told| unsealable())?;
        Ok(bytes)
    }

    /// Opens what was sealed for this place; `None` when it does not open.
    pub(crate) fn unseal(&self, id: [u8; 16], column: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.strip_prefix(&[SEALED])?.split_first_chunk()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut value = sealed.to_vec();
        let length = self
            .key
            .open_in_place(nonce, place(id, column), &mut value)
            .ok()?
            .len();
        value.truncate(length);
        Some(value)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

fn place(id: [u8; 16], column: &str) -> Aad<Vec<u8>> {
    Aad::from([&id[..], column.as_bytes()].concat())
}

fn of_folder(folder: &Path) -> Result<SecretsKey, OpenError> {
    let path = folder.join(SECRETS_KEY);
    // A link to where nothing is now, or a folder that cannot be read, is no reason to make another key.
    match fs::symlink_metadata(&path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            return made(folder, &path).map_err(|source| failed(&path, source));
        }
        Err(source) => return Err(failed(&path, source)),
        Ok(_there) => {}
    }
    sqlite::restrict_to_owner(&path)?;
    let mut text = String::new();
    let read = File::open(&path).and_then(|mut file| file.read_to_string(&mut text));
    read.map_err(|source| failed(&path, source))?;
    text.trim().parse().map_err(|_not_a_key| failed(&path, bad()))
}

/// Makes a key and puts it on the disk before anything is sealed with it; under another name first, because half a key
/// would open nothing.
fn made(folder: &Path, path: &Path) -> io::Result<SecretsKey> {
    let mut key = [0; 32];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_no_reason_is_told| io::Error::other("the system has no random numbers"))?;
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let unfinished = folder.join(format!("{SECRETS_KEY}.partial"));
    sqlite::restrict_to_owner(&unfinished).map_err(io::Error::other)?;
    let mut file = File::options().write(true).truncate(true).open(&unfinished)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(SecretsKey(key))
}

fn bad() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, NotASecretsKey)
}

fn failed(path: &Path, source: io::Error) -> OpenError {
    OpenError::File {
        path: PathBuf::from(path),
        source,
    }
}

fn unsealable() -> StoreError {
    StoreError::Invalid {
        what: "a secret",
        reason: "it cannot be sealed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [7; 16];

    #[test]
    fn what_is_sealed_opens_in_its_place_with_its_key_and_nowhere_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let vault = Vault::open(folder.path(), None).expect("a vault");
        let sealed = vault.seal(ID, "secret", b"tower").expect("sealed");
        assert!(!sealed.windows(5).any(|part| part == b"tower"));
        assert_ne!(
            sealed,
            vault.seal(ID, "secret", b"tower").expect("sealed"),
            "another nonce"
        );
        let again = Vault::open(folder.path(), None).expect("the same vault");
        assert_eq!(
            again.unseal(ID, "secret", &sealed).as_deref(),
            Some(&b"tower"[..])
        );
        assert_eq!(vault.unseal([8; 16], "secret", &sealed), None);
        assert_eq!(vault.unseal(ID, "headers", &sealed), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(vault.unseal(ID, "secret", &altered), None, "byte {at}");
            assert_eq!(vault.unseal(ID, "secret", &sealed[..at]), None, "cut at {at}");
        }
        let other = Vault::open(folder.path(), Some(SecretsKey([1; 32]))).expect("another vault");
        assert_eq!(other.unseal(ID, "secret", &sealed), None);
    }

    #[test]
    fn keys_are_written_in_hexadecimal_digits() {
        let text = format!("{}0F", "ab".repeat(31));
        let mut bytes = [0xab; 32];
        bytes[31] = 0x0f;
        assert_eq!(text.parse(), Ok(SecretsKey(bytes)));
        assert_eq!(format!("{:?}", SecretsKey(bytes)), "SecretsKey(…)");
        for bad in [
            "",
            "ab",
            &"ab".repeat(33),
            &"xy".repeat(32),
            &text[1..],
            "ä".repeat(32).as_str(),
        ] {
            assert_eq!(bad.parse::<SecretsKey>(), Err(NotASecretsKey), "{bad}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(SECRETS_KEY), "half a key").expect("written");
        assert!(Vault::open(folder.path(), None).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_is_out_of_reach_is_not_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(SECRETS_KEY);
        std::os::unix::fs::symlink("/nowhere/secrets.key", &path).expect("linked");
        assert!(Vault::open(folder.path(), None).is_err());
        assert!(fs::symlink_metadata(&path).expect("a file").is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(SECRETS_KEY);
        let mode = || fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        Vault::open(folder.path(), None).expect("a vault");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        Vault::open(folder.path(), None).expect("a vault");
        assert_eq!(mode(), 0o600);
    }
}
