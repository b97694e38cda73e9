//! Writes a file whole or not at all, and over another only when told to.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::super::Usage;

pub fn file(path: &Path, text: &str, overwrite: bool) -> Result<()> {
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let cannot = || format!("cannot write `{}`", path.display());
    if path.is_dir() {
        return Err(Usage(format!("`{}` is a folder; name a file", path.display())).into());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside).with_context(cannot)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| match overwrite {
        true => std::fs::rename(&beside, path),
        // A link is made only where nothing is; a rename would take the place of what came in between.
        false => std::fs::hard_link(&beside, path).and_then(|()| std::fs::remove_file(&beside)),
    });
    match placed {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = std::fs::remove_file(&beside);
            if error.kind() == ErrorKind::AlreadyExists {
                let text = format!("`{}` exists already; add `--overwrite`, or name another file", path.display());
                return Err(Usage(text).into());
            }
            Err(error).with_context(cannot)
        }
    }
}
