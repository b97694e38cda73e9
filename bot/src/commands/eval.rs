//! `firstline eval`: runs incident cases through the whole path, from log files to checked answer, and scores them.

mod case;
mod score;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use evidence::{Answer, Redactor, Time};
use incident::{Asked, Event, Found, Happened, Incident, Known, KnownService, Overrides};
use indexer::Store;
use jiff::tz::TimeZone;
use runbooks::Rules;

use super::{print, print_json};
use crate::cli::EvalArgs;
use crate::setup::{Setup, now};

pub use case::Case;
pub use score::{Outcome, Scores};

pub fn run(setup: &Setup, args: &EvalArgs) -> Result<()> {
    let bar = indicatif::ProgressBar::new(0)
        .with_style(indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").expect("a checked template"));
    let scores = evaluate(&args.dir, args.only.as_deref(), |done, all, name| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.set_message(name.to_owned());
    })?;
    bar.finish_and_clear();
    if setup.json { print_json(&scores.to_json()) } else { print(&scores.to_text()) }
}

/// Runs every case below `dir`, in the order of their names.
///
/// # Errors
///
/// When there is none, or a case cannot be read: a case that does not run is a mistake in the case.
pub fn evaluate(dir: &Path, only: Option<&str>, progress: impl Fn(usize, usize, &str)) -> Result<Scores> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(dir)
        .with_context(|| format!("cannot read the cases in `{}`", dir.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("case.toml").is_file())
        .filter(|path| only.is_none_or(|only| name_of(path).contains(only)))
        .collect();
    folders.sort();
    if folders.is_empty() {
        bail!("no cases in `{}`: a case is a folder with a `case.toml` and logs", dir.display());
    }
    let mut outcomes = Vec::new();
    for (idx, folder) in folders.iter().enumerate() {
        let name = name_of(folder);
        progress(idx, folders.len(), &name);
        let case = Case::read(folder).with_context(|| format!("case `{name}`"))?;
        // A question that cannot be answered is a failed case, not the end of the run.
        outcomes.push(match answer(&case) {
            Ok((answer, look_ms)) => Outcome::new(name, case.expect, &answer, look_ms),
            Err(error) => Outcome::unanswered(name, case.expect, &format!("{error:#}")),
        });
    }
    Ok(Scores::new(outcomes))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Indexes the case's logs into a folder of their own and asks. Returns the answer and the milliseconds from question to answer.
fn answer(case: &Case) -> Result<(Answer, f64)> {
    let folder = tempdir()?;
    let result = answer_in(case, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn answer_in(case: &Case, folder: &Path) -> Result<(Answer, f64)> {
    let redactor = Redactor::new([0; 32]);
    let store = super::index::index_into(folder, &case.logs, redactor.clone())?;
    let begun = Instant::now();
    let services: Vec<KnownService> =
        store.services()?.into_iter().map(|info| KnownService::named(info.name)).collect();
    let reach = store.reach()?;
    let known = Known {
        now: reach.map_or_else(now, |(_, last)| last),
        zone: TimeZone::UTC,
        services: &services,
        reach,
        changes: &case.changes,
    };
    let overrides = Overrides {
        from: case.from,
        to: case.to,
        at: case.at,
        baseline_from: case.baseline_from,
        baseline_to: case.baseline_to,
        services: Vec::new(),
    };
    let question = incident::understand(&case.question, &known, &overrides, None)?;
    let found = crate::driver::search::look(&store, &question, &case.changes, known.now)?;
    let mut incident = Incident::new("eval");
    let happen = |event| Happened { at: Time(0), actor: "eval".to_owned(), event };
    let id = "a-eval".to_owned();
    let asked = Asked {
        answer: id.clone(),
        by: "eval".to_owned(),
        question,
        zone: "UTC".to_owned(),
        use_model: false,
        grant: None,
    };
    incident.apply(happen(Event::Asked(asked)));
    incident.apply(happen(Event::Found(Found { answer: id.clone(), ..found })));
    incident.apply(happen(Event::Proposed { answer: id.clone(), proposals: Vec::new(), notes: Vec::new() }));
    let rules = Rules::new(runbooks::policy::Settings::default());
    let took_ms = begun.elapsed().as_secs_f64() * 1_000.0;
    let composed = incident.compose(&id, &rules, took_ms).context("the question was not answered")?;
    Ok((composed.answer, begun.elapsed().as_secs_f64() * 1_000.0))
}

fn tempdir() -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!(
        "firstline-eval-{}-{}",
        std::process::id(),
        hex::encode(rand::random::<[u8; 4]>())
    ));
    std::fs::create_dir_all(&path).with_context(|| format!("cannot create `{}`", path.display()))?;
    Ok(path)
}
