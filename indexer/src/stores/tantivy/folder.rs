//! The files of an index folder beside the engine's own: the lock, the template log, the manifest of the last commit.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use tantivy::Index;

use super::{LOCK, LOG, engine_error};
use crate::stores::dictionary::{Dictionary, Line};
use crate::stores::manifest::{LAYOUT, Manifest};
use crate::{Error, Result};

pub(super) fn take_lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(|error| Error::file("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => {
            let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            written.map_err(|error| Error::file("write", &path, error))?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.read_to_string(&mut text).ok();
            let pid = read.and_then(|_| text.trim().parse().ok());
            Err(Error::Locked { folder: folder.to_owned(), pid })
        }
        Err(std::fs::TryLockError::Error(error)) => Err(Error::file("lock", &path, error)),
    }
}

pub(super) fn read_manifest(index: &Index, folder: &Path) -> Result<Manifest> {
    let metas = index.load_metas().map_err(engine_error(folder))?;
    let Some(payload) = metas.payload else { return Ok(Manifest { layout: LAYOUT, ..Manifest::default() }) };
    let read: serde_json::Result<Manifest> = serde_json::from_str(&payload);
    let manifest = read.map_err(|error| Error::Damaged { folder: folder.to_owned(), what: error.to_string() })?;
    if manifest.layout == LAYOUT {
        Ok(manifest)
    } else {
        Err(Error::Layout { folder: folder.to_owned(), found: manifest.layout, known: LAYOUT })
    }
}

/// Cuts what was appended after the last commit.
pub(super) fn open_log(folder: &Path, manifest: &Manifest) -> Result<(File, Dictionary)> {
    let path = folder.join(LOG);
    let fails = |error| Error::file("open", &path, error);
    let mut dictionary = Dictionary::default();
    extend_dictionary(&mut dictionary, folder, 0, manifest.templates_len)?;
    dictionary.settle();
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(fails)?;
    file.set_len(manifest.templates_len).map_err(fails)?;
    file.seek(SeekFrom::End(0)).map_err(fails)?;
    Ok((file, dictionary))
}

/// Reads the lines of the log between two of its valid lengths.
pub(super) fn extend_dictionary(dictionary: &mut Dictionary, folder: &Path, from: u64, to: u64) -> Result<()> {
    if from >= to {
        return Ok(());
    }
    let path = folder.join(LOG);
    let damaged = |what: String| Error::Damaged { folder: folder.to_owned(), what: format!("`{LOG}`: {what}") };
    let mut file = File::open(&path).map_err(|error| Error::file("open", &path, error))?;
    let mut bytes = vec![0; (to - from) as usize];
    let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|error| damaged(error.to_string()))?;
    for line in serde_json::Deserializer::from_slice(&bytes).into_iter::<Line>() {
        let line = line.map_err(|error| damaged(error.to_string()))?;
        dictionary.apply(line).map_err(damaged)?;
    }
    Ok(())
}
