//! The master keys, which wrap the keys of people and streams. They never enter the database, so that a copy of it
//! alone tells nobody's words. The newest wraps, every key in the file unwraps.

use std::path::{Path, PathBuf};

use evidence::Time;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::file::{StoredKey, broken, random, read, read_or_create, replace};
use crate::error::Error;

/// Invariant: at least one key.
pub struct MasterKeys {
    path: PathBuf,
    keys: Vec<Key>,
}

struct Key {
    stored: StoredKey,
    secret: [u8; 32],
}

impl MasterKeys {
    /// Reads the file, or makes it with a first key.
    ///
    /// # Errors
    ///
    /// [`Error::Keys`] when the file cannot be read or written, is damaged, or is open to others.
    pub fn open_or_create(path: &Path, now: Time) -> Result<MasterKeys, Error> {
        MasterKeys::from_stored(path, read_or_create(path, || new_key(now))?)
    }

    /// Reads the file anew, as after a successor was added by another process.
    pub fn reopened(&self) -> Result<MasterKeys, Error> {
        MasterKeys::from_stored(&self.path, read(&self.path)?)
    }

    fn from_stored(path: &Path, stored: Vec<StoredKey>) -> Result<MasterKeys, Error> {
        let keys: Result<Vec<Key>, String> = stored.into_iter().map(Key::from_stored).collect();
        Ok(MasterKeys { path: path.into(), keys: keys.map_err(|reason| broken(path, &reason))? })
    }

    /// The same with a successor, which wraps from now on.
    pub fn rotated(&self, now: Time) -> Result<MasterKeys, Error> {
        let mut stored: Vec<StoredKey> = self.keys.iter().map(|key| key.stored.clone()).collect();
        stored.push(new_key(now).map_err(|reason| broken(&self.path, &reason))?);
        replace(&self.path, stored)?;
        self.reopened()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id of the key that wraps.
    pub fn id(&self) -> &str {
        &self.newest().stored.id
    }

    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.stored.id == id)
    }

    /// Encrypts with the newest key; `what` must be given again to decrypt.
    pub(crate) fn wrap(&self, what: &str, plain: &[u8]) -> Result<String, String> {
        seal(&self.newest().secret, what.as_bytes(), plain).map(hex::encode)
    }

    pub(crate) fn unwrap(&self, id: &str, what: &str, wrapped: &str) -> Result<Vec<u8>, String> {
        let key = self.keys.iter().find(|key| key.stored.id == id).ok_or_else(|| {
            format!("master key `{id:.32}` is not in `{}`; restore it from the backup of `keys/`", self.path.display())
        })?;
        let bytes = hex::decode(wrapped).map_err(|_| format!("key `{what:.32}` is damaged"))?;
        open(&key.secret, what.as_bytes(), &bytes).ok_or_else(|| format!("key `{what:.32}` was altered"))
    }

    fn newest(&self) -> &Key {
        self.keys.last().expect("opening refuses a file without keys")
    }
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKeys({}, [secret])", self.id())
    }
}

impl Key {
    fn from_stored(stored: StoredKey) -> Result<Key, String> {
        let secret = hex::decode(&stored.seed).ok().and_then(|bytes| bytes.try_into().ok());
        let secret: [u8; 32] = secret.ok_or_else(|| format!("key `{:.32}` is damaged", stored.id))?;
        if id_of(&secret) != stored.id {
            return Err(format!("key `{:.32}` has the id of another", stored.id));
        }
        Ok(Key { stored, secret })
    }
}

fn new_key(now: Time) -> Result<StoredKey, String> {
    let secret: [u8; 32] = random()?;
    Ok(StoredKey { id: id_of(&secret), created: now, seed: hex::encode(secret) })
}

fn id_of(secret: &[u8; 32]) -> String {
    hex::encode(&blake3::derive_key("firstline master key id 1", secret)[..8])
}

/// Encrypts under a fresh random nonce, which stands before the ciphertext.
pub(crate) fn seal(secret: &[u8; 32], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, String> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut text = plain.to_vec();
    cipher(secret)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut text)
        .map_err(|_| "the text is too long to encrypt".to_owned())?;
    Ok([nonce.as_slice(), text.as_slice()].concat())
}

/// `None` when it was not sealed by this key with the same associated data, or was altered.
pub(crate) fn open(secret: &[u8; 32], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = text.to_vec();
    let plain_bytes = cipher(secret).open_in_place(nonce, Aad::from(associated), &mut text).ok()?.len();
    text.truncate(plain_bytes);
    Some(text)
}

fn cipher(secret: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, secret).expect("the key has the cipher's length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_unwrap_during_the_overlap_and_no_other_does() {
        let folder = tempfile::tempdir().unwrap();
        let keys = MasterKeys::open_or_create(&folder.path().join("m"), Time(1)).unwrap();
        let old = keys.wrap("k1", b"secret").unwrap();
        let rotated = keys.rotated(Time(2)).unwrap();
        let new = rotated.wrap("k1", b"secret").unwrap();
        assert_ne!(keys.id(), rotated.id());
        assert_eq!(rotated.unwrap(keys.id(), "k1", &old).as_deref(), Ok(b"secret".as_slice()));
        assert_eq!(rotated.unwrap(rotated.id(), "k1", &new).as_deref(), Ok(b"secret".as_slice()));
        assert!(rotated.unwrap(rotated.id(), "k1", &old).is_err(), "by another key");
        assert!(rotated.unwrap(keys.id(), "k2", &old).is_err(), "for another id");
        assert!(keys.unwrap(rotated.id(), "k1", &new).unwrap_err().contains("restore it"));
        assert_eq!(keys.reopened().unwrap().id(), rotated.id());
    }
}
