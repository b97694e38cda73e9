//! Rights as they are now: people, approval settings and policies are read again when their files change, without a new start.
//! What has a mistake changes nothing, so that a slip of the pen neither locks everybody out nor lets anybody in.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use runbooks::Rules;

use crate::config::Config;
use crate::setup::Setup;

/// Which files were read, and what told them from what they may be later.
type Seen = Vec<(PathBuf, Option<SystemTime>, u64)>;

pub struct Rereading {
    last: Mutex<(Setup, Seen)>,
}

impl Rereading {
    /// From the files as they are; `setup` has just read them.
    pub fn new(setup: &Setup) -> Rereading {
        Rereading { last: Mutex::new((setup.clone(), look(setup))) }
    }

    /// The rules, if one of their files changed since the last call.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, once for each change; then the rules from before stay.
    pub fn changed(&self) -> Result<Option<Rules>, String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (setup, seen) = &mut *last;
        let now = look(setup);
        if *seen == now {
            return Ok(None);
        }
        *seen = now;
        if let Some(path) = &setup.config_path {
            let config = Config::read(path).map_err(|error| format!("{error:#}"))?;
            setup.config.people = config.people;
            setup.config.approval = config.approval;
            // The config may name other policies now, which are to be watched from here on.
            *seen = look(setup);
        }
        setup.rules().map(Some).map_err(|error| format!("{error:#}"))
    }
}

fn look(setup: &Setup) -> Seen {
    let named = setup.config_path.iter().chain(&setup.config.approval.policies);
    let files = named.flat_map(|path| match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![path.clone()],
    });
    let mut seen: Seen = files
        .map(|path| {
            let metadata = std::fs::metadata(&path).ok();
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            (path, modified, metadata.map_or(0, |metadata| metadata.len()))
        })
        .collect();
    seen.sort();
    seen
}
