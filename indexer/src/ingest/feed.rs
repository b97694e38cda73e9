//! One source while it is read: its name, its service, and the joiner that holds its open entry.

use std::path::Path;

use evidence::Time;

use super::IngestOptions;
use super::notes::Counted;
use crate::formats::ParseContext;
use crate::multiline::Joiner;
use crate::sources::service_of;

/// One source while it is read.
pub(super) struct Feed {
    pub(super) path: String,
    pub(super) default_service: String,
    pub(super) is_service_fixed: bool,
    pub(super) joiner: Joiner,
    pub(super) context: ParseContext,
    pub(super) last_time: Option<Time>,
    /// Whether this is what was added to a source that was read before.
    pub(super) has_grown: bool,
    /// Whether lines came since the last commit.
    pub(super) is_busy: bool,
    pub(super) next_offset: u64,
    pub(super) counted: Counted,
}

impl Feed {
    /// `now` is the latest time that lines of this source can have.
    pub(super) fn new(path: &Path, default: Option<String>, options: &IngestOptions, now: Time) -> Feed {
        let shown = path.to_string_lossy().into_owned();
        let from_path = options.service_from.as_ref().and_then(|pattern| {
            let found = pattern.captures(&shown)?;
            let group = found.get(1).or_else(|| found.get(0))?;
            Some(group.as_str().to_owned()).filter(|name| !name.is_empty())
        });
        let fixed = options.service.clone().or(from_path);
        let is_service_fixed = fixed.is_some();
        let default_service = fixed.or(default).unwrap_or_else(|| service_of(path));
        Feed {
            path: shown,
            default_service,
            is_service_fixed,
            joiner: Joiner::new(options.detector),
            context: ParseContext::new(now, options.zone.clone()),
            last_time: None,
            has_grown: false,
            is_busy: false,
            next_offset: 0,
            counted: Counted::default(),
        }
    }
}
