//! The executor's own book of what it ran, beside the journal: a digest that stands in it is never run again,
//! whatever a restored or forged journal says. One JSON line for a start and one for an end, each on disk before the next thing.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use evidence::Time;
use nix::fcntl::{Flock, FlockArg};
use runbooks::{Digest, Outcomes};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub digest: Digest,
    pub step: String,
    pub claim: String,
    pub at: Time,
    /// `None` for a start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Outcomes>,
}

/// A file that any number of executors of one folder share.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// The ledger in `folder`, which is made when it is not there.
    pub fn open(folder: &Path) -> std::io::Result<Ledger> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let ledger = Ledger { path: folder.join("ledger") };
        drop(ledger.locked()?);
        std::fs::File::open(folder)?.sync_all()?;
        Ok(ledger)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down that a step is about to start, unless its digest stands there already: then returns all that is known of it.
    pub fn begin(&self, line: &Line) -> std::io::Result<Option<Vec<Line>>> {
        let mut file = self.locked()?;
        let known: Vec<Line> = lines_of(&mut file)?.into_iter().filter(|known| known.digest == line.digest).collect();
        if !known.is_empty() {
            return Ok(Some(known));
        }
        append(&mut file, line)?;
        Ok(None)
    }

    /// Writes down how it ended.
    pub fn end(&self, line: &Line) -> std::io::Result<()> {
        append(&mut *self.locked()?, line)
    }

    fn locked(&self) -> std::io::Result<Flock<std::fs::File>> {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
    }
}

fn lines_of(file: &mut std::fs::File) -> std::io::Result<Vec<Line>> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    let mut lines = Vec::new();
    for (idx, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str(line) {
            Ok(line) => lines.push(line),
            // A line that a crash cut off was never acted on: what it would have said comes after it is on disk.
            Err(_) if !line.ends_with('\n') => {}
            Err(error) => {
                let text = format!("line {} is damaged ({error}); restore the file before anything is run", idx + 1);
                return Err(std::io::Error::other(text));
            }
        }
    }
    Ok(lines)
}

fn append(file: &mut std::fs::File, line: &Line) -> std::io::Result<()> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    if whole < text.len() {
        file.set_len(whole as u64)?;
    }
    let line = serde_json::to_string(line).map_err(std::io::Error::other)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(digest: &str, ended: Option<Outcomes>) -> Line {
        Line { digest: Digest::of(digest), step: "p-1.go".into(), claim: "c".into(), at: Time(7), ended }
    }

    #[test]
    fn a_digest_starts_once_whoever_opens_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("executor")).unwrap();
        assert_eq!(ledger.begin(&line("a", None)).unwrap(), None);
        assert_eq!(ledger.begin(&line("b", None)).unwrap(), None);
        ledger.end(&line("a", Some(Outcomes::Succeeded))).unwrap();
        let again = Ledger::open(&folder.path().join("executor")).unwrap();
        let known = again.begin(&line("a", None)).unwrap().unwrap();
        assert_eq!(known, vec![line("a", None), line("a", Some(Outcomes::Succeeded))]);
    }

    #[test]
    fn a_line_that_was_cut_off_is_forgotten_and_a_damaged_one_stops_everything() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        ledger.begin(&line("a", None)).unwrap();
        let whole = std::fs::read(ledger.path()).unwrap();
        std::fs::write(ledger.path(), [&whole[..], b"{\"digest\":\"77"].concat()).unwrap();
        assert_eq!(ledger.begin(&line("b", None)).unwrap(), None);
        assert!(ledger.begin(&line("a", None)).unwrap().is_some());
        assert!(ledger.begin(&line("b", None)).unwrap().is_some());

        std::fs::write(ledger.path(), [b"{\"dig\n", &whole[..]].concat()).unwrap();
        assert!(ledger.begin(&line("c", None)).unwrap_err().to_string().contains("line 1 is damaged"));
    }
}
