//! All runbooks by id: the shipped ones, inside the binary, and a team's own folder, which wins where ids are equal.

use std::collections::BTreeMap;
use std::path::Path;

use rust_embed::RustEmbed;

use crate::markdown::{self, Against};
use crate::runbook::{Mistake, Runbook};

#[derive(RustEmbed)]
#[folder = "library/"]
struct Library;

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    runbooks: BTreeMap<String, Runbook>,
}

impl Catalog {
    pub fn shipped() -> Catalog {
        let mut catalog = Catalog::default();
        for file in Library::iter().filter(|file| file.ends_with(".md") && !file.starts_with("README")) {
            let bytes = Library::get(&file).expect("listed by the library itself").data;
            let text = String::from_utf8_lossy(&bytes);
            let runbook = markdown::read(&text, &file).expect("a test reads every shipped runbook");
            catalog.runbooks.insert(runbook.id().to_owned(), runbook);
        }
        catalog
    }

    /// Adds every `.md` file of a folder, not of its subfolders.
    ///
    /// # Errors
    ///
    /// All mistakes of all files; nothing is added then.
    pub fn with_folder(mut self, folder: &Path) -> Result<Catalog, Vec<Mistake>> {
        let mistakes = self.add_folder(folder);
        if mistakes.is_empty() { Ok(self) } else { Err(mistakes) }
    }

    /// Adds every `.md` file of a folder that has no mistake, and returns the mistakes of those left out.
    ///
    /// Of two files with the same id the first by name is added. What a file left out would have replaced goes too:
    /// nobody is proposed what their team has a runbook of its own for.
    pub fn add_folder(&mut self, folder: &Path) -> Vec<Mistake> {
        let (files, mut mistakes) = files_in(folder);
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (name, text) in files {
            match markdown::read(&text, &name) {
                Ok(runbook) => {
                    if let Some(other) = seen.get(runbook.id()) {
                        mistakes.push(twice(runbook.id(), name, other));
                        continue;
                    }
                    seen.insert(runbook.id().to_owned(), name);
                    self.runbooks.insert(runbook.id().to_owned(), runbook);
                }
                Err(found) => {
                    self.runbooks.remove(&markdown::id_at_first_sight(&text, &name));
                    mistakes.extend(found);
                }
            }
        }
        mistakes
    }

    pub fn get(&self, id: &str) -> Option<&Runbook> {
        self.runbooks.get(id)
    }

    /// By id.
    pub fn iter(&self) -> impl Iterator<Item = &Runbook> {
        self.runbooks.values()
    }

    pub fn len(&self) -> usize {
        self.runbooks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.runbooks.is_empty()
    }
}

/// Everything wrong or hardly meant in these files, and in the `.md` files of these folders; by file and place.
pub fn check(paths: &[&Path], against: &Against<'_>) -> Vec<Mistake> {
    let mut all = Vec::new();
    for path in paths {
        let (files, unread) = files_in(path);
        all.extend(unread);
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (name, text) in files {
            let (runbook, mistakes) = markdown::examine(&text, &name, against);
            all.extend(mistakes);
            let Some(runbook) = runbook else { continue };
            match seen.get(runbook.id()) {
                Some(other) => all.push(twice(runbook.id(), name, other)),
                None => drop(seen.insert(runbook.id().to_owned(), name)),
            }
        }
    }
    all
}

fn twice(id: &str, file: String, other: &str) -> Mistake {
    let text = format!("id `{id}` is also that of `{other}`");
    Mistake { file, line: 1, column: 1, text }
}

/// Name and text of the file at `path`, or of the `.md` files of the folder there; what cannot be read is a mistake.
fn files_in(path: &Path) -> (Vec<(String, String)>, Vec<Mistake>) {
    let (mut files, mut mistakes) = (Vec::new(), Vec::new());
    let cannot = |path: &Path, error: std::io::Error| {
        let file = path.display().to_string();
        Mistake { text: format!("cannot be read: {error}"), file, line: 1, column: 1 }
    };
    let mut found = vec![path.to_path_buf()];
    if path.is_dir() {
        found.clear();
        match std::fs::read_dir(path) {
            Ok(entries) => found.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path()))),
            Err(error) => mistakes.push(cannot(path, error)),
        }
        let is_page = |path: &Path| path.extension().is_some_and(|extension| extension == "md");
        // A folder's README is about the folder.
        let is_readme = |path: &Path| path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("readme"));
        found.retain(|path| path.is_file() && is_page(path) && !is_readme(path));
        found.sort();
    }
    for path in found {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((path.display().to_string(), text)),
            Err(error) => mistakes.push(cannot(&path, error)),
        }
    }
    (files, mistakes)
}

#[cfg(test)]
mod tests;
