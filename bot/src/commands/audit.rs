//! `firstline audit verify|export|head|erase|rotate-keys`.

mod erase;

pub mod export;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use database::{PublicKeys, SigningKeys};
use incident::journal::{Journal, Report, Verifier};
use serde_json::json;

use super::{print, print_json};
use crate::app::Refused;
use crate::cli::AuditCommand;
use crate::setup::{Setup, now};

const PAGE: usize = 1_000;

pub async fn run(setup: &Setup, command: &AuditCommand) -> Result<()> {
    match command {
        AuditCommand::Verify { head } => verify(setup, head.as_deref()).await,
        AuditCommand::Export { since, incident } => export::export(setup, since.as_deref(), incident.as_deref()).await,
        AuditCommand::Head => {
            let journal = setup.database().await?;
            let exported = database::export_head(journal.as_ref(), &keys(setup)?, now()).await?;
            print(&serde_json::to_string_pretty(&exported)?)
        }
        AuditCommand::Erase(args) => erase::erase(setup, args).await,
        AuditCommand::RotateKeys => rotate_keys(setup).await,
    }
}

/// The keys that sign heads.
pub fn keys(setup: &Setup) -> Result<SigningKeys> {
    Ok(SigningKeys::open_or_create(&keys_path(setup), now())?)
}

/// What verifies heads here; nothing on a machine that has no keys.
pub fn public_keys(setup: &Setup) -> Result<PublicKeys> {
    Ok(SigningKeys::open(&keys_path(setup))?.map(|keys| keys.public()).unwrap_or_default())
}

fn keys_path(setup: &Setup) -> PathBuf {
    setup.data.join("keys").join("heads.json")
}

/// Checks every entry's hash and link, without signatures.
pub async fn verify_all(journal: &dyn Journal) -> Result<Report, Refused> {
    let mut verifier = Verifier::new(&[]);
    let mut position = 0;
    loop {
        let entries = journal.stored_since(position, PAGE).await?;
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
    let journal = setup.database().await?;
    let mut known = public_keys(setup)?;
    let has_keys = !known.is_empty();
    let mut exported = None;
    if let Some(path) = head {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let head = database::verify_head(&text, &known).with_context(|| format!("`{}`", path.display()))?;
        if !has_keys {
            known = head.public_keys().map_err(anyhow::Error::msg)?;
        }
        exported = Some(head);
    }
    let report = database::audit(journal.as_ref(), &known, exported.as_ref()).await?;
    let whole = report.is_whole();
    if setup.json {
        let head = exported.as_ref().map(|head| {
            json!({ "at": head.at, "key": head.key, "position": head.position, "streams": head.heads.len(),
                    "trusted_by": if has_keys { "the keys here" } else { "the file itself" } })
        });
        print_json(&json!({ "whole": whole, "report": report, "head": head }))?;
    } else if whole {
        let Report { entries, streams, heads_compared, .. } = &report;
        print(&format!("whole: {entries} entries in {streams} streams, {heads_compared} heads compared"))?;
        if let Some(head) = &exported {
            let trust = if has_keys { "one of the keys here" } else { "which only the file itself vouches for" };
            print(&format!(
                "nothing is missing up to the head of {} (position {}), signed by key {}, {trust}",
                export::minute(head.at),
                head.position,
                head.key
            ))?;
        }
    }
    if whole {
        return Ok(());
    }
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let n = problems.len();
    let next = if known.is_empty() {
        "there are no keys here to verify signatures with; give a head that you kept with `--head FILE`"
    } else {
        "keep this database as it is and compare it with a backup"
    };
    bail!("{}\n{n} problem{}; {next}", problems.join("\n"), if n == 1 { "" } else { "s" })
}

async fn rotate_keys(setup: &Setup) -> Result<()> {
    let journal = setup.journal().await?;
    let mut signing = keys(setup)?;
    let old = signing.id().to_owned();
    // What the old key vouches for ends here.
    database::checkpoint(journal.as_ref(), &signing, now()).await?;
    let entry = database::rotate_signing_key(journal.as_ref(), &mut signing, now()).await?;
    let bar = progress(setup);
    let master = journal.rotate_master(now(), |n| bar.set_message(format!("{n} keys wrapped anew"))).await?;
    bar.finish_and_clear();
    if setup.json {
        return print_json(
            &json!({ "signs": signing.id(), "signed": old, "announced": entry.position, "wraps": master }),
        );
    }
    print(&format!(
        "Heads are signed by key {} from now on; key {old} announced it in entry {}, and verifies what it signed.\n\
         Keys of people and streams are wrapped by master key {master}.\n\
         Copy `{}` to every other replica and into the backup of the keys.",
        signing.id(),
        entry.position,
        setup.data.join("keys").display()
    ))
}

/// What long work says while it goes on; nothing where nobody looks.
fn progress(setup: &Setup) -> indicatif::ProgressBar {
    if setup.json {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
