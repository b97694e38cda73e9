//! Where log bytes come from, and how far each source was read.
//! A source is known by its content, not its name: rotation, renaming and compression do not make a new one.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use evidence::Time;
use regex::Regex;
use serde::{Deserialize, Serialize};

pub mod file;
pub mod lines;
mod utf16;

/// How far one source was read. Travels in the manifest, so it moves only with the records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The last name the content was seen under, or the name of a pushed source.
    pub path: String,
    /// Bytes consumed, of the uncompressed content.
    pub offset: u64,
    /// The first bytes, at most [`HEAD_BYTES`].
    #[serde(default)]
    pub head: Fingerprint,
    /// The last bytes before `offset`, at most [`TAIL_BYTES`].
    #[serde(default)]
    pub tail: Fingerprint,
    /// Number of the file in its file system; tells a file cut in place from another of the same name.
    #[serde(default)]
    pub file_number: u64,
    /// The latest time in the source, for lines that name none.
    #[serde(default)]
    pub last_time: Option<Time>,
}

pub const HEAD_BYTES: usize = 4 << 10;
pub const TAIL_BYTES: usize = 1 << 10;

/// A run of bytes, remembered by its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub length: u32,
    pub hash: String,
}

impl Fingerprint {
    pub fn of(bytes: &[u8]) -> Fingerprint {
        let hash = blake3::hash(bytes).to_hex();
        Fingerprint { length: bytes.len() as u32, hash: hash[..32].to_owned() }
    }

    /// Whether `bytes` begin with the run.
    pub fn begins(&self, bytes: &[u8]) -> bool {
        bytes.get(..self.length as usize).is_some_and(|run| *self == Fingerprint::of(run))
    }
}

/// Something that was not read, why, and what to do. The rest goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub path: String,
    pub message: String,
    /// Whether the person asked for exactly this, so that the command as a whole failed.
    pub is_error: bool,
}

/// The files under the given paths, in a stable order, and what could not be listed.
pub fn files_under(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Problem>) {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() && !is_ours(entry.path()) => files.push(entry.into_path()),
                Ok(_) => {}
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_path_buf();
                    let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links"));
                    let message = crate::Error::file("read", &at, source).to_string();
                    problems.push(Problem { path: at.display().to_string(), message, is_error: true });
                }
            }
        }
    }
    files.dedup();
    (files, problems)
}

/// Indexing a folder that holds an index must not index the index.
fn is_ours(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.join("firstline.lock").exists())
}

/// A name for the service whose lines a file holds: its stem without `.log`, dates and rotation numbers;
/// the folder's name when the stem says nothing (`checkout/app.log`).
pub fn service_of(path: &Path) -> String {
    const SAY_NOTHING: &[&str] = &[
        "app",
        "application",
        "log",
        "logs",
        "output",
        "out",
        "err",
        "error",
        "errors",
        "stdout",
        "stderr",
        "access",
        "server",
        "service",
        "main",
        "messages",
        "current",
        "console",
        "debug",
        "info",
        "warn",
        "baseline",
        "incident",
        "0",
        "",
    ];
    if let Some(container) = container_of(path) {
        return container;
    }
    let says_something = |name: &str| !SAY_NOTHING.contains(&name.to_lowercase().as_str());
    let stem = path.file_name().map(|name| bare_name(&name.to_string_lossy())).unwrap_or_default();
    if says_something(&stem) {
        return stem;
    }
    let folders = path.ancestors().skip(1).filter_map(|folder| folder.file_name()).take(2);
    let of_folder = folders.map(|folder| bare_name(&folder.to_string_lossy())).find(|name| {
        says_something(name) && !matches!(name.as_str(), "var" | "tmp" | "data" | "home" | "root" | "opt")
    });
    of_folder.unwrap_or(if stem.is_empty() { "unknown".to_owned() } else { stem })
}

/// The container in the file names of Kubernetes nodes: `POD_NAMESPACE_CONTAINER-ID.log`, the id being 64 hex digits.
fn container_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.split(".log").next()?;
    let (rest, id) = name.rsplit_once('-')?;
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = rest.rsplitn(3, '_');
    let container = parts.next().filter(|container| !container.is_empty())?;
    (is_id && parts.count() == 2).then(|| container.to_owned())
}

/// `payment-3` is a host of its own; `app.log-20260101`, `app-2026-01-31` and `app.3` are rotations.
fn bare_name(name: &str) -> String {
    static ENDING: LazyLock<Regex> = LazyLock::new(|| {
        let packed = r"(?i:\.(gz|zst|log|txt|json|jsonl|ndjson|out|err|old|bak))";
        let dated = r"[-_.](\d{4}[-_.]\d{2}[-_.]\d{2}|\d{8,14})([T_-]?\d{2,6}Z?)?";
        let pattern = format!(r"({packed}|{dated}|\.\d{{1,4}})$");
        Regex::new(&pattern).expect("a fixed pattern")
    });
    let mut name = name.trim_start_matches('.');
    while let Some(ending) = ENDING.find(name).filter(|ending| ending.start() > 0) {
        name = &name[..ending.start()];
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_service() {
        for (path, service) in [
            ("/var/log/checkout.log", "checkout"),
            ("/var/log/checkout.log.3.gz", "checkout"),
            ("/var/log/checkout/app.log", "checkout"),
            ("/srv/checkout/logs/app-2026-01-31.log", "checkout"),
            ("payment-2026-01-31.log.zst", "payment"),
            ("payment.log-20260131", "payment"),
            ("payment-3.log", "payment-3"),
            ("/var/log/app.log", "app"),
            ("syslog", "syslog"),
            (".log", "log"),
        ] {
            assert_eq!(service_of(Path::new(path)), service, "{path}");
        }
    }
}
