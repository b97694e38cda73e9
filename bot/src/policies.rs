//! Policy files: found, read, and checked against the schema.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runbooks::Mistake;
use runbooks::policy::Policies;

/// Reads files, and folders' `*.cedar`.
///
/// # Errors
///
/// Everything wrong with any of them; a path that cannot be read or holds no policy is one.
pub fn read(paths: &[PathBuf]) -> Result<Policies, Vec<Mistake>> {
    let mut texts = BTreeMap::new();
    let mut mistakes = Vec::new();
    for path in paths {
        match files(path) {
            Ok(files) if files.is_empty() => {
                mistakes.push(whole(path, "this folder holds no `*.cedar` file".to_owned()))
            }
            Ok(files) => {
                for file in files {
                    match std::fs::read_to_string(&file) {
                        Ok(text) => drop(texts.insert(file.display().to_string(), text)),
                        Err(error) => mistakes.push(whole(&file, format!("cannot read this policy: {error}"))),
                    }
                }
            }
            Err(error) => mistakes.push(whole(path, format!("cannot read policies here: {error}"))),
        }
    }
    match Policies::parse(texts) {
        Ok(policies) if mistakes.is_empty() => Ok(policies),
        Ok(_) => Err(mistakes),
        Err(found) => {
            mistakes.extend(found);
            Err(mistakes)
        }
    }
}

/// A file itself, or a folder's policies by name.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "cedar"));
    files.sort();
    Ok(files)
}

fn whole(path: &Path, text: String) -> Mistake {
    Mistake { file: path.display().to_string(), line: 1, column: 1, text }
}
