//! `firstline deploy record|import|list`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use evidence::{Change, ChangeKind, TimeWindow};
use jiff::SignedDuration;
use serde_json::json;

use super::{Usage, print, print_json};
use crate::app::{App, Refused};
use crate::cli::{DeployCommand, RecordArgs};
use crate::setup::{Setup, now};
use crate::times;

/// So far the clocks of two machines may be apart; a change that is later than that has a wrong time.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

pub async fn run(setup: &Setup, command: DeployCommand) -> Result<()> {
    let app = setup.reading_app().await?;
    match command {
        DeployCommand::Record(args) => record_one(setup, &app, args).await,
        DeployCommand::Import { file } => import(setup, &app, &file).await,
        DeployCommand::List { times } => list(setup, &app, times.from.as_deref(), times.to.as_deref()),
    }
}

/// Checks and records a change, with its free text redacted.
///
/// # Errors
///
/// When a name is missing or absurd, when it lies in the future, or when the journal is out of reach.
pub async fn record(app: &Arc<App>, mut change: Change, actor: &str) -> Result<bool, Refused> {
    for (name, value) in [("service", &change.service), ("version", &change.version)] {
        if value.trim().is_empty() || value.len() > 200 || value.chars().any(char::is_control) {
            return Err(Refused::mistake(format!(
                "`{name}` must be 1 to 200 visible characters, not `{}`",
                chat::inert(value)
            )));
        }
    }
    let ahead = change.at.since(app.now());
    if ahead > CLOCKS_DIFFER {
        let text =
            format!("`at` is {}, {} from now; a change is recorded when it has happened", change.at, length(ahead));
        return Err(Refused::mistake(text).next("leave `at` out for now, or check its date and zone"));
    }
    for text in [&mut change.note, &mut change.url, &mut change.by].into_iter().flatten() {
        *text = app.parts.redactor.redact(text.as_str()).0.into_string();
    }
    app.record_change(change, actor).await
}

/// A length of time in the largest unit that it fills: `3 hours`.
fn length(duration: SignedDuration) -> String {
    let (n, unit) = match duration.as_mins() {
        minutes @ 0..60 => (minutes, "minute"),
        minutes @ 60..1_440 => (minutes / 60, "hour"),
        minutes => (minutes / 1_440, "day"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

async fn record_one(setup: &Setup, app: &Arc<App>, args: RecordArgs) -> Result<()> {
    let at = args.at.as_deref().map_or_else(|| Ok(now()), |text| times::read(text, now(), &setup.zone));
    let at = at.map_err(|error| Usage(error.to_string()))?;
    let kind = match args.kind.as_str() {
        "config" => ChangeKind::Config,
        "flag" => ChangeKind::Flag,
        "infra" => ChangeKind::Infra,
        _ => ChangeKind::Deploy,
    };
    let change = Change {
        service: args.service,
        kind,
        version: args.version,
        previous: args.previous,
        environment: args.env,
        at,
        by: args.by,
        url: args.url,
        note: args.note,
    };
    let is_new = record(app, change.clone(), &super::ask::actor(app)).await?;
    if setup.json {
        return print_json(&json!({ "recorded": is_new, "change": change }));
    }
    let verb = if is_new { "recorded" } else { "already recorded" };
    print(&format!("{verb}: {} {} at {}", change.kind.as_str(), change.name(), change.at))
}

async fn import(setup: &Setup, app: &Arc<App>, file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let (mut recorded, mut known, mut mistakes) = (0, 0, Vec::new());
    for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match crate::json::read::<Change>(line.as_bytes(), "the line") {
            Ok(change) => match record(app, change, &super::ask::actor(app)).await {
                Ok(true) => recorded += 1,
                Ok(false) => known += 1,
                Err(refused) => mistakes.push(format!("{}:{}: {}", file.display(), idx + 1, refused.in_full())),
            },
            Err(mistake) => mistakes.push(format!("{}:{}: {mistake}", file.display(), idx + 1)),
        }
    }
    if setup.json {
        print_json(&json!({ "recorded": recorded, "known": known, "mistakes": mistakes }))?;
    } else {
        print(&format!("recorded {recorded}, {known} known already"))?;
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    let n = mistakes.len();
    anyhow::bail!(
        "{}\n{n} line{} left out; mend and import again, nothing is recorded twice",
        mistakes.join("\n"),
        if n == 1 { "" } else { "s" }
    )
}

fn list(setup: &Setup, app: &Arc<App>, from: Option<&str>, to: Option<&str>) -> Result<()> {
    let window = times::window(from, to, now(), &setup.zone).map_err(|error| Usage(error.to_string()))?;
    let window = window.unwrap_or_else(TimeWindow::all);
    let mut changes: Vec<Change> = app.with_state(|state| state.changes.clone());
    changes.retain(|change| window.contains(change.at));
    changes.sort_by_key(|change| change.at);
    if setup.json {
        return print_json(&json!({ "changes": changes }));
    }
    if changes.is_empty() {
        return print(
            "No changes recorded in that time. Record one with `firstline deploy record --service S --version V`.",
        );
    }
    let rows: Vec<chat::TimelineRow> = changes
        .iter()
        .map(|change| {
            let from = change.previous.as_ref().map(|previous| format!(" (was {previous})")).unwrap_or_default();
            let note = change.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
            chat::TimelineRow {
                at: change.at,
                kind: change.kind.as_str().to_owned(),
                text: format!("{} {} {}{from}{note}", change.kind.as_str(), change.service, change.version),
                actor: change.by.clone(),
                refs: Vec::new(),
            }
        })
        .collect();
    print(&chat::render_timeline(&rows, &setup.style()))
}
