//! The Ed25519 keys that sign heads, in one file that only its owner reads.
//! The newest key signs, every key in the file verifies, so a successor takes over while old heads stay valid.

pub(crate) mod file;

pub(crate) mod master;

pub(crate) mod public;

pub(crate) mod rotation;

use std::path::{Path, PathBuf};

use evidence::Time;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::error::Error;
use file::{StoredKey, broken, random, read, read_or_create, replace};

pub use master::MasterKeys;
pub use public::PublicKeys;
pub use rotation::KEYS;

/// Invariant: at least one key.
pub struct SigningKeys {
    path: PathBuf,
    keys: Vec<Key>,
}

struct Key {
    stored: StoredKey,
    pair: Ed25519KeyPair,
}

/// A key that nothing was signed with yet.
pub(crate) struct Successor(Key);

impl Successor {
    pub fn id(&self) -> &str {
        &self.0.stored.id
    }

    pub fn public_key(&self) -> String {
        hex::encode(self.0.pair.public_key())
    }
}

impl SigningKeys {
    /// Reads the file, or makes it with a first key. Two processes that start at once end up with the same key.
    ///
    /// # Errors
    ///
    /// [`Error::Keys`] when the file cannot be read or written, is damaged, or is open to others.
    pub fn open_or_create(path: &Path, now: Time) -> Result<SigningKeys, Error> {
        SigningKeys::from_stored(path, read_or_create(path, || new_key(now))?)
    }

    fn from_stored(path: &Path, stored: Vec<StoredKey>) -> Result<SigningKeys, Error> {
        let keys: Result<Vec<Key>, String> = stored.into_iter().map(Key::from_stored).collect();
        Ok(SigningKeys { path: path.into(), keys: keys.map_err(|reason| broken(path, &reason))? })
    }

    /// Reads the file if there is one; a machine that only verifies has none.
    ///
    /// # Errors
    ///
    /// As for [`SigningKeys::open_or_create`].
    pub fn open(path: &Path) -> Result<Option<SigningKeys>, Error> {
        if !path.try_exists().map_err(|error| broken(path, &error))? {
            return Ok(None);
        }
        SigningKeys::from_stored(path, read(path)?).map(Some)
    }

    /// Reads the file anew, as after another process added a successor.
    ///
    /// # Errors
    ///
    /// As for [`SigningKeys::open_or_create`].
    pub fn reopened(&self) -> Result<SigningKeys, Error> {
        SigningKeys::from_stored(&self.path, read(&self.path)?)
    }

    /// A key that may come after the newest, in memory only.
    pub(crate) fn successor(&self, now: Time) -> Result<Successor, Error> {
        let made = new_key(now).and_then(Key::from_stored);
        made.map(Successor).map_err(|reason| broken(&self.path, &reason))
    }

    /// Stores the successor, which signs from now on. Keys that others added to the file meanwhile stay.
    pub(crate) fn adopt(&mut self, successor: Successor) -> Result<(), Error> {
        let path = self.path.clone();
        let mut stored = read(&path)?;
        stored.push(successor.0.stored);
        replace(&path, stored)?;
        *self = SigningKeys::from_stored(&path, read(&path)?)?;
        Ok(())
    }

    /// The id of the key that signs.
    pub fn id(&self) -> &str {
        &self.newest().stored.id
    }

    /// The public half of the key that signs, for whoever verifies elsewhere.
    pub fn public_key(&self) -> String {
        hex::encode(self.newest().pair.public_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> String {
        hex::encode(self.newest().pair.sign(message))
    }

    /// What others need to verify what these keys signed.
    pub fn public(&self) -> PublicKeys {
        let mut public = PublicKeys::default();
        for key in &self.keys {
            let added = public.add(&key.stored.id, &hex::encode(key.pair.public_key()));
            added.expect("opening checks each id");
        }
        public
    }

    fn newest(&self) -> &Key {
        self.keys.last().expect("opening refuses a file without keys")
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKeys({}, [secret])", self.id())
    }
}

impl Key {
    fn from_stored(stored: StoredKey) -> Result<Key, String> {
        let pair = pair_of(&stored.seed).ok_or_else(|| format!("key `{:.32}` is damaged", stored.id))?;
        if id_of(&pair) != stored.id {
            return Err(format!("key `{:.32}` has the id of another", stored.id));
        }
        Ok(Key { stored, pair })
    }
}

fn new_key(now: Time) -> Result<StoredKey, String> {
    let seed = hex::encode(random::<32>()?);
    let pair = pair_of(&seed).ok_or("a new key was refused")?;
    Ok(StoredKey { id: id_of(&pair), created: now, seed })
}

fn pair_of(seed: &str) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&hex::decode(seed).ok()?).ok()
}

fn id_of(pair: &Ed25519KeyPair) -> String {
    public::id_of(pair.public_key().as_ref())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn is_made_once_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/heads.json");
        let first = SigningKeys::open_or_create(&path, Time(1)).unwrap();
        let again = SigningKeys::open_or_create(&path, Time(2)).unwrap();
        assert_eq!(first.id(), again.id());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn old_signatures_stay_valid_after_a_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = SigningKeys::open_or_create(&folder.path().join("k"), Time(1)).unwrap();
        let (old_id, old) = (keys.id().to_owned(), keys.sign(b"m"));
        let successor = keys.successor(Time(2)).unwrap();
        keys.adopt(successor).unwrap();
        let public = keys.public();
        assert_ne!(keys.id(), old_id);
        assert_eq!(public.check(&old_id, b"m", &old), Ok(()));
        assert!(public.check(keys.id(), b"m", &old).is_err(), "the signature of another key");
        assert!(public.check(&old_id, b"n", &old).is_err(), "another message");
        assert!(public.check("0000000000000000", b"m", &old).is_err(), "an unknown key");
    }

    #[test]
    fn refuses_a_file_that_others_may_read_and_never_quotes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        SigningKeys::open_or_create(&path, Time(1)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(SigningKeys::open_or_create(&path, Time(1)).unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, r#"{"keys":"hunter2"}"#).unwrap();
        assert!(!SigningKeys::open_or_create(&path, Time(1)).unwrap_err().to_string().contains("hunter2"));
    }
}
