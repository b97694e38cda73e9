//! The embedded store: one tantivy index, a template log beside it, and a manifest in the commit payload.
//!
//! One process writes (it holds `firstline.lock`), any number read; readers look at `meta.json` before each answer.

mod allowed;
mod collect;
mod columns;
mod compile;
mod complement;
mod folder;
mod observe;
mod reader;
mod row;
mod schema;
mod view;
mod writer;

pub use allowed::Filters;
pub use reader::TantivyStore;
pub use writer::Writer;

pub(super) use row::hash_of;

use std::path::Path;

use crate::{Error, NoRoom};

const LOG: &str = "templates.log";
const LOCK: &str = "firstline.lock";
const META: &str = "meta.json";

/// Names the folder, and tells a full disk from the rest.
fn engine_error(folder: &Path) -> impl Fn(tantivy::TantivyError) -> Error + '_ {
    use tantivy::TantivyError as E;
    move |error| {
        let what = error.to_string();
        // The engine wraps what the system said, or only says that its thread died; by then it may have taken away
        // the file that did not fit, so room for one more such file counts as none.
        let room = NoRoom::at(folder);
        let has_died = matches!(error, E::ErrorInThread(_));
        let is_full =
            what.contains("os error 28") || (has_died && room.free_bytes.is_some_and(|free| free < A_SEGMENT));
        match error {
            _ if is_full => Error::DiskFull(room),
            E::DataCorruption(_) | E::SchemaError(_) | E::IncompatibleIndex(_) => {
                Error::Damaged { folder: folder.to_owned(), what }
            }
            _ => Error::Engine { folder: folder.to_owned(), what },
        }
    }
}

/// The engine writes what it holds in memory as one segment.
const A_SEGMENT: u64 = writer::MEMORY_BYTES as u64;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_thread_that_died_on_a_small_disk_died_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let died = || tantivy::TantivyError::ErrorInThread("an index writer was killed".to_owned());
        let disk = folder.path().join("disk");
        std::fs::create_dir(&disk).unwrap();
        let mount = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).arg(&disk).stderr(std::process::Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if !mount("mount", &["-t", "tmpfs", "-o", "size=2m", "tmpfs"]) {
            println!("skipped: mounting a small disk needs root");
            return;
        }
        let error = engine_error(&disk)(died());
        let is_unmounted = mount("umount", &[]);
        assert!(
            is_unmounted && matches!(&error, Error::DiskFull(room) if room.free_bytes == Some(2 << 20)),
            "{error:?}"
        );
        let said = error.to_string();
        assert!(
            said.contains("2097152 bytes free") && said.contains("free some") && !said.contains("thread"),
            "{said}"
        );
    }
}
