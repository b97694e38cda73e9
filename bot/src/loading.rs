//! Tells other processes that the demo still writes its history: it holds a lock on a file for as long, so that a
//! demo that was killed does not load for ever.

use std::fs::{File, TryLockError};
use std::io::Result;
use std::path::{Path, PathBuf};

const FILE: &str = "still-loading";

/// As long as this lives, the folder's records are not complete.
pub struct Loading {
    path: PathBuf,
    _lock: File,
}

impl Loading {
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn begin(folder: &Path) -> Result<Loading> {
        let path = folder.join(FILE);
        let lock = File::create(&path)?;
        lock.lock()?;
        Ok(Loading { path, _lock: lock })
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        // The lock ends with the file's handle; a file that stays without it means nothing.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether another process still fills this folder.
pub fn is_loading(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(FILE)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_loads_until_it_ends_even_when_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_loading(folder.path()));
        let loading = Loading::begin(folder.path()).unwrap();
        assert!(is_loading(folder.path()));
        drop(loading);
        assert!(!is_loading(folder.path()));
        std::fs::write(folder.path().join(FILE), "").unwrap();
        assert!(!is_loading(folder.path()), "left by a demo that was killed");
    }
}
