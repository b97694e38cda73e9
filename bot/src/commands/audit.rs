//! `firstline audit verify|export|head`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use database::SigningKeys;
use evidence::Time;
use incident::journal::{Journal, Report, Verifier};
use serde_json::json;

use super::{Usage, print, print_json};
use crate::app::Refused;
use crate::cli::AuditCommand;
use crate::setup::{Setup, now};
use crate::{times, views};

const PAGE: usize = 1_000;

pub async fn run(setup: &Setup, command: &AuditCommand) -> Result<()> {
    match command {
        AuditCommand::Verify { head } => verify(setup, head.as_deref()).await,
        AuditCommand::Export { since } => export(setup, since.as_deref()).await,
        AuditCommand::Head => {
            let journal = setup.journal().await?;
            let exported = database::export_head(journal.as_ref(), &keys(setup)?, now()).await?;
            print(&serde_json::to_string_pretty(&exported)?)
        }
    }
}

/// The keys that sign heads.
pub fn keys(setup: &Setup) -> Result<SigningKeys> {
    Ok(SigningKeys::open_or_create(&setup.data.join("keys").join("heads.json"), now())?)
}

/// Checks every entry's hash and link, without signatures.
pub async fn verify_all(journal: &dyn Journal) -> Result<Report, Refused> {
    let mut verifier = Verifier::new(&[]);
    let mut position = 0;
    loop {
        let entries = journal.since(position, PAGE).await?;
        for entry in &entries {
            verifier.push(entry);
        }
        match entries.last() {
            Some(last) if entries.len() == PAGE => position = last.position,
            _ => return Ok(verifier.finish()),
        }
    }
}

async fn verify(setup: &Setup, head: Option<&Path>) -> Result<()> {
    let journal = setup.journal().await?;
    let keys = keys(setup)?;
    let exported = match head {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Some(database::verify_head(&text, &keys).with_context(|| format!("`{}`", path.display()))?)
        }
        None => None,
    };
    let report = database::audit(journal.as_ref(), &keys, exported.as_ref()).await?;
    if setup.json {
        print_json(&json!({ "whole": report.is_whole(), "report": report }))?;
    } else if report.is_whole() {
        print(&format!(
            "whole: {} entries in {} streams, {} heads compared",
            report.entries, report.streams, report.heads_compared
        ))?;
    }
    if report.is_whole() {
        return Ok(());
    }
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let n = problems.len();
    bail!(
        "{}\n{n} problem{}; keep this database as it is and compare it with a backup",
        problems.join("\n"),
        if n == 1 { "" } else { "s" }
    )
}

async fn export(setup: &Setup, since: Option<&str>) -> Result<()> {
    let since = since
        .map(|text| times::read(text, now(), &setup.zone))
        .transpose()
        .map_err(|error| Usage(error.to_string()))?;
    let journal = setup.journal().await?;
    let mut position = 0;
    loop {
        let entries = journal.since(position, PAGE).await?;
        for entry in entries.iter().filter(|entry| since.is_none_or(|since| entry.at >= since)) {
            let row = views::audit_row(entry);
            let summary = match row.happened {
                Some(happened) => format!("{} at {}, recorded {}", row.summary, minute(happened), minute(entry.at)),
                None => row.summary,
            };
            let event: serde_json::Value = serde_json::from_str(&entry.event).unwrap_or_default();
            print_json(&json!({
                "position": entry.position, "stream": entry.stream, "seq": entry.seq, "at": entry.at, "happened": row.happened, "actor": entry.actor,
                "kind": row.kind, "summary": summary, "event": event, "prev_hash": entry.prev_hash, "hash": entry.hash,
            }))?;
        }
        match entries.last() {
            Some(last) if entries.len() == PAGE => position = last.position,
            _ => return Ok(()),
        }
    }
}

/// `2026-01-02 02:10 UTC`.
fn minute(time: Time) -> String {
    time.to_timestamp().strftime("%Y-%m-%d %H:%M UTC").to_string()
}
