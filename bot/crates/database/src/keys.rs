//! The Ed25519 keys that sign heads, in one file that only its owner reads.
//! The newest key signs, every key in the file verifies, so a successor takes over while old heads stay valid.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use evidence::Time;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Invariant: at least one key.
pub struct SigningKeys {
    path: PathBuf,
    keys: Vec<Key>,
}

struct Key {
    stored: StoredKey,
    pair: Ed25519KeyPair,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    created: Time,
    seed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    keys: Vec<StoredKey>,
}

impl SigningKeys {
    /// Reads the file, or makes it with a first key. Two processes that start at once end up with the same key.
    ///
    /// # Errors
    ///
    /// [`Error::Keys`] when the file cannot be read or written, is damaged, or is open to others.
    pub fn open_or_create(path: &Path, now: Time) -> Result<SigningKeys, Error> {
        if !path.try_exists().map_err(|error| broken(path, &error))? {
            let first = KeyFile { keys: vec![new_key(now).map_err(|reason| broken(path, &reason))?] };
            match place_new(path, &first) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(broken(path, &error)),
                _ => {}
            }
        }
        SigningKeys::open(path)
    }

    fn open(path: &Path) -> Result<SigningKeys, Error> {
        let metadata = std::fs::metadata(path).map_err(|error| broken(path, &error))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(broken(path, &format!("others may read it (mode {mode:o}); run `chmod 600` on it")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| broken(path, &error))?;
        // The parser's message could quote a secret, so only its place is told.
        let file: KeyFile = serde_json::from_str(&text)
            .map_err(|error| broken(path, &format!("line {} is not what was written there", error.line())))?;
        let keys: Result<Vec<Key>, String> = file.keys.into_iter().map(Key::from_stored).collect();
        let keys = keys.map_err(|reason| broken(path, &reason))?;
        if keys.is_empty() {
            return Err(broken(path, &"it holds no key"));
        }
        Ok(SigningKeys { path: path.into(), keys })
    }

    /// Adds a successor, which signs from now on.
    pub fn rotate(&mut self, now: Time) -> Result<(), Error> {
        let path = self.path.clone();
        let mut stored: Vec<StoredKey> = self.keys.iter().map(|key| key.stored.clone()).collect();
        stored.push(new_key(now).map_err(|reason| broken(&path, &reason))?);
        replace(&path, &KeyFile { keys: stored }).map_err(|error| broken(&path, &error))?;
        *self = SigningKeys::open(&path)?;
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

    /// Tells why the signature is not one of ours.
    pub(crate) fn check(&self, key_id: &str, message: &[u8], signature: &str) -> Result<(), String> {
        let key = self.keys.iter().find(|key| key.stored.id == key_id);
        let key = key.ok_or_else(|| format!("key `{key_id:.32}` is not in `{}`", self.path.display()))?;
        let signature = hex::decode(signature).map_err(|_| "the signature is not hexadecimal".to_owned())?;
        UnparsedPublicKey::new(&ED25519, key.pair.public_key())
            .verify(message, &signature)
            .map_err(|_| "the signature does not fit the content".to_owned())
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
    let mut seed = [0u8; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| "the system gave no random bytes".to_owned())?;
    let seed = hex::encode(seed);
    let pair = pair_of(&seed).ok_or("a new key was refused")?;
    Ok(StoredKey { id: id_of(&pair), created: now, seed })
}

fn pair_of(seed: &str) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&hex::decode(seed).ok()?).ok()
}

fn id_of(pair: &Ed25519KeyPair) -> String {
    blake3::hash(pair.public_key().as_ref()).to_hex().as_str()[..16].to_owned()
}

/// A link fails if the name is taken, so the file appears once and whole.
fn place_new(path: &Path, file: &KeyFile) -> std::io::Result<()> {
    let draft = write_draft(path, file)?;
    let placed = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    placed?;
    sync_folder(path)
}

fn replace(path: &Path, file: &KeyFile) -> std::io::Result<()> {
    std::fs::rename(write_draft(path, file)?, path)?;
    sync_folder(path)
}

fn write_draft(path: &Path, file: &KeyFile) -> std::io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.draft", std::process::id()));
    let draft = path.with_file_name(name);
    let _ = std::fs::remove_file(&draft);
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    out.write_all(serde_json::to_string_pretty(file)?.as_bytes())?;
    out.sync_all()?;
    Ok(draft)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn broken(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Keys { path: path.display().to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
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
        keys.rotate(Time(2)).unwrap();
        assert_ne!(keys.id(), old_id);
        assert_eq!(keys.check(&old_id, b"m", &old), Ok(()));
        assert!(keys.check(keys.id(), b"m", &old).is_err(), "the signature of another key");
        assert!(keys.check(&old_id, b"n", &old).is_err(), "another message");
        assert!(keys.check("0000000000000000", b"m", &old).is_err(), "an unknown key");
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
