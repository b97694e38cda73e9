//! A file of secret keys, oldest first, that only its owner reads. It appears once and whole, and is replaced as a whole.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use evidence::Time;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::error::Error;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredKey {
    pub id: String,
    pub created: Time,
    /// 32 bytes as hexadecimal digits.
    pub seed: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    keys: Vec<StoredKey>,
}

/// Reads the file, or makes it with the first key. Two processes that start at once end up with the same key.
pub(crate) fn read_or_create(
    path: &Path,
    first: impl FnOnce() -> Result<StoredKey, String>,
) -> Result<Vec<StoredKey>, Error> {
    if !path.try_exists().map_err(|error| broken(path, &error))? {
        let first = KeyFile { keys: vec![first().map_err(|reason| broken(path, &reason))?] };
        match place_new(path, &first) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(broken(path, &error)),
            _ => {}
        }
    }
    read(path)
}

/// At least one key.
pub(crate) fn read(path: &Path) -> Result<Vec<StoredKey>, Error> {
    let metadata = std::fs::metadata(path).map_err(|error| broken(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(broken(path, &format!("others may read it (mode {mode:o}); run `chmod 600` on it")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| broken(path, &error))?;
    // The parser's message could quote a secret, so only its place is told.
    let file: KeyFile = serde_json::from_str(&text)
        .map_err(|error| broken(path, &format!("line {} is not what was written there", error.line())))?;
    if file.keys.is_empty() {
        return Err(broken(path, &"it holds no key"));
    }
    Ok(file.keys)
}

pub(crate) fn replace(path: &Path, keys: Vec<StoredKey>) -> Result<(), Error> {
    let replaced = write_draft(path, &KeyFile { keys }).and_then(|draft| std::fs::rename(draft, path));
    replaced.and_then(|()| sync_folder(path)).map_err(|error| broken(path, &error))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0u8; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gave no random bytes".to_owned())?;
    Ok(bytes)
}

pub(crate) fn broken(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Keys { path: path.display().to_string(), reason: reason.to_string() }
}

/// A link fails if the name is taken, so the file appears once and whole.
fn place_new(path: &Path, file: &KeyFile) -> std::io::Result<()> {
    let draft = write_draft(path, file)?;
    let placed = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    placed?;
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
