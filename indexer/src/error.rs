//! What can go wrong with logs and their index; every message names the thing and the next step.

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no index in `{}`: create one with `firstline index --data {} PATH…`", .0.display(), .0.display())]
    NoIndex(PathBuf),
    #[error(
        "`{}` is being written by another process{}: stop it, or give this one its own folder with `--data`",
        folder.display(), match pid { Some(pid) => format!(" (pid {pid})"), None => String::new() }
    )]
    Locked { folder: PathBuf, pid: Option<u32> },
    #[error("the index in `{}` has layout {found}, this program reads layout {known}: index the logs again into another folder", folder.display())]
    Layout { folder: PathBuf, found: u32, known: u32 },
    #[error("the index in `{}` is damaged ({what}): restore it from a backup, or index the logs again into another folder", folder.display())]
    Damaged { folder: PathBuf, what: String },
    #[error("{0}")]
    DiskFull(NoRoom),
    #[error("cannot {verb} `{}`: {next}", path.display())]
    File { verb: &'static str, path: PathBuf, next: String, source: std::io::Error },
    #[error("{0}")]
    Query(#[from] crate::query::Mistake),
    #[error("no record `{0}` in the index: it may have been dropped, or belong to another index")]
    NoRecord(evidence::RecordId),
    #[error("`{pattern}` is not a usable pattern: {why}")]
    Pattern { pattern: String, why: String },
    #[error("the index in `{}` failed: {what}: run the command again; if it happens again, see `firstline doctor`", folder.display())]
    Engine { folder: PathBuf, what: String },
}

/// A disk on which the index cannot grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRoom {
    pub folder: PathBuf,
    /// What a process like this one may still write there; `None` where the system does not say.
    pub free_bytes: Option<u64>,
}

impl NoRoom {
    pub(crate) fn at(path: &Path) -> NoRoom {
        let is_there = path.ancestors().find(|path| path.exists()).unwrap_or(path);
        // Systems count blocks in 32 or 64 bits.
        let bytes_of = |blocks: u128, size: u128| u64::try_from(blocks * size).unwrap_or(u64::MAX);
        let disk = nix::sys::statvfs::statvfs(is_there).ok();
        let free_bytes = disk.map(|disk| bytes_of(disk.blocks_available().into(), disk.fragment_size().into()));
        NoRoom { folder: path.to_owned(), free_bytes }
    }
}

impl std::fmt::Display for NoRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let left = self.free_bytes.map_or(String::new(), |free| format!(" ({free} bytes free)"));
        write!(
            f,
            "no space left for the index in `{}`{left}: free some and run the same command again. \
             Nothing already stored is lost, and it goes on where it stopped",
            self.folder.display()
        )
    }
}

impl Error {
    /// Whether the person can change what they typed to make this go away.
    pub fn is_user_mistake(&self) -> bool {
        matches!(self, Error::Query(_) | Error::NoIndex(_) | Error::NoRecord(_) | Error::Pattern { .. })
    }

    pub(crate) fn file(verb: &'static str, path: &Path, source: std::io::Error) -> Error {
        use std::io::ErrorKind;
        if source.kind() == ErrorKind::StorageFull {
            return Error::DiskFull(NoRoom::at(path));
        }
        let next = match source.kind() {
            ErrorKind::PermissionDenied => format!(
                "permission denied. Run as a user who may, or give the file with `sudo cat {} | firstline index -`",
                path.display()
            ),
            ErrorKind::NotFound => "it does not exist (any more). Check the path".to_owned(),
            _ => format!("{source}. Check the file and run the same command again"),
        };
        Error::File { verb, path: path.to_owned(), next, source }
    }
}
