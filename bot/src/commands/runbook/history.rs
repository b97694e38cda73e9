//! How runbooks have done, for the terminal.

use std::collections::BTreeMap;

use anyhow::Result;
use incident::journal::Journal as _;
use jiff::tz::TimeZone;

use crate::setup::{Setup, now};
use crate::state::State;
use crate::views::{VersionRecord, track_records};

/// What the journal says of each runbook; nothing where there is no journal yet.
pub async fn records(setup: &Setup) -> Result<BTreeMap<String, Vec<VersionRecord>>> {
    const PAGE: usize = 500;
    let is_there = setup.config.database.url.is_some() || setup.data.join("firstline.db").exists();
    if !is_there {
        return Ok(BTreeMap::new());
    }
    let journal = setup.journal().await?;
    let mut state = State::default();
    loop {
        let entries = journal.since(state.position, PAGE).await?;
        entries.iter().for_each(|entry| drop(state.take(entry)));
        if entries.len() < PAGE {
            return Ok(track_records(&state, &evidence::Grant::everything(), now()));
        }
    }
}

/// `proposed 7 ×: 4 helped, 1 failed, 2 rejected`.
pub fn in_short(version: &VersionRecord) -> String {
    let ended: Vec<String> = version.ended.iter().map(|ended| format!("{} {}", ended.count, ended.how)).collect();
    format!("proposed {} ×: {}", version.proposed, ended.join(", "))
}

/// Each version in a paragraph, with why people did not want it.
pub fn in_full(versions: &[VersionRecord], zone: &TimeZone) -> String {
    let mut lines = vec!["History".to_owned()];
    for version in versions {
        let short: String = version.digest.chars().take(12).collect();
        let which = if version.current { "this version" } else { "an earlier version" };
        if version.proposed == 0 {
            lines.push(format!("  {short}  {which}: not proposed yet"));
            continue;
        }
        lines.push(format!("  {short}  {which}: {}", in_short(version)));
        let VersionRecord { approved, rejected, ran, succeeded, failed, helped, undone, .. } = version;
        lines.push(format!(
            "    approved {approved} · rejected {rejected} · ran {ran} · succeeded {succeeded} · failed {failed} · helped {helped} · undone {undone}"
        ));
        if let Some(last) = version.last {
            let at = last.to_timestamp().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z");
            let took = version
                .median_seconds_to_verified
                .map(|seconds| format!(" · verified {} after it was proposed (median)", minutes(seconds)));
            lines.push(format!("    last {at}{}", took.unwrap_or_default()));
        }
        lines.extend(version.reasons.iter().map(|reason| format!("    rejected by {}: “{}”", reason.by, reason.text)));
    }
    lines.join("\n")
}

fn minutes(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}
