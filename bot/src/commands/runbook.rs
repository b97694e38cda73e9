//! `firstline runbook list|check|show|dry-run|import|draft`.

mod draft;
mod history;
mod import;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use runbooks::actions::Actions;
use runbooks::{Catalog, Context, Draft, Rules, Runbook};
use serde_json::json;

use super::{Usage, print, print_json};
use crate::app::Refused;
use crate::cli::RunbookCommand;
use crate::preview::{against, place};
use crate::setup::{Setup, now};
use crate::views::{self, RunbookForm};

pub async fn run(setup: &Setup, command: RunbookCommand) -> Result<()> {
    match command {
        RunbookCommand::List => list(setup).await,
        RunbookCommand::Check { paths } => check(setup, &paths),
        RunbookCommand::Show { id } => show(setup, &id).await,
        RunbookCommand::DryRun { id, params } => dry_run(setup, &id, &params).await,
        RunbookCommand::Propose { id, incident, params, instead_of } => {
            super::propose::run(setup, id, incident, &params, instead_of).await
        }
        RunbookCommand::Import { file, write } => import::run(setup, &file, &write),
        RunbookCommand::Draft { incident, write } => draft::run(setup, &incident, &write).await,
    }
}

async fn list(setup: &Setup) -> Result<()> {
    let forms = views::runbooks(&setup.catalog()?, &history::records(setup).await?);
    if setup.json {
        return print_json(&json!({ "runbooks": forms }));
    }
    let width = forms.iter().map(|form| form.id.len()).max().unwrap_or(0);
    let line = |form: &RunbookForm| {
        let line = format!("{:<width$}  {:<6}  {}", form.id, form.risk.as_str(), form.when);
        let used = form.history.iter().filter(|version| version.proposed > 0);
        let used: Vec<String> = used.take(1).map(history::in_short).collect();
        if used.is_empty() { line } else { format!("{line}  [{}]", used.join("; ")) }
    };
    let lines: Vec<String> = forms.iter().map(line).collect();
    print(&chat::inert_lines(&lines.join("\n")))
}

fn check(setup: &Setup, paths: &[PathBuf]) -> Result<()> {
    let paths: Vec<&Path> = if paths.is_empty() {
        setup.config.runbooks.paths.iter().map(PathBuf::as_path).collect()
    } else {
        paths.iter().map(PathBuf::as_path).collect()
    };
    if paths.is_empty() {
        return Err(Usage("name files or folders to check, or set `paths` in `[runbooks]`".to_owned()).into());
    }
    let actions = actions(setup);
    let mistakes = runbooks::catalog::check(&paths, &against(actions.as_ref()));
    if setup.json {
        let places: Vec<_> = mistakes.iter().map(place).collect();
        let sentences: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        print_json(&json!({ "mistakes": sentences, "places": places }))?;
    }
    if mistakes.is_empty() {
        return if setup.json { Ok(()) } else { print("all good") };
    }
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for mistake in &mistakes {
        // What could not be read has no line to show.
        files.entry(&mistake.file).or_insert_with(|| std::fs::read_to_string(&mistake.file).unwrap_or_default());
    }
    let shown = mistakes.iter().map(|mistake| mistake.with_caret(&files[mistake.file.as_str()]));
    let text: Vec<String> = shown.map(|shown| chat::inert_lines(&shown).into_owned()).collect();
    let n = text.len();
    Err(Usage(format!("{}\n{n} mistake{}", text.join("\n"), if n == 1 { "" } else { "s" })).into())
}

/// The actions as the config declares them; without a config there is nothing to compare with.
fn actions(setup: &Setup) -> Option<Actions> {
    setup.config_path.as_ref()?;
    Some(Actions::new(&setup.config.actions, Arc::new(crate::secrets::References)))
}

fn named<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c Runbook> {
    let known = || catalog.iter().map(Runbook::id).collect::<Vec<_>>().join(", ");
    catalog.get(id).ok_or_else(|| Refused::not_found(format!("no runbook `{id}` (known: {})", known())).into())
}

async fn show(setup: &Setup, id: &str) -> Result<()> {
    let catalog = setup.catalog()?;
    let runbook = named(&catalog, id)?;
    let form = views::runbook(runbook, history::records(setup).await?.get(id));
    if setup.json {
        return print_json(&form);
    }
    print(&chat::inert_lines(&format!(
        "{}\n\n{}",
        runbook.text.trim_end(),
        history::in_full(&form.history, &setup.zone)
    )))
}

/// Renders every step exactly as it would be proposed, and rehearses those that can be.
async fn dry_run(setup: &Setup, id: &str, given: &[String]) -> Result<()> {
    let app = setup.reading_app().await?;
    let runbook = named(&app.parts.catalog, id)?;
    let mut params = BTreeMap::new();
    for pair in given {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Usage(format!("`--param {pair}`: write `--param NAME=VALUE`")))?;
        params.insert(name.to_owned(), value.to_owned());
    }
    let mut inventory = app.inventory();
    learn_from(&mut inventory, &params);
    let values =
        runbooks::draft::values(runbook, &params, &inventory).map_err(|mistakes| Usage(mistakes.join("\n")))?;
    let environment = params.get("environment").cloned().unwrap_or_else(|| "production".to_owned());
    let person = super::ask::actor(&app);
    let rules: &Rules = &app.rules();
    let context = Context {
        incident: "dry-run",
        proposal: "dry-run",
        proposer: &person,
        requester: &person,
        evidence: &[],
        window: None,
        environment: &environment,
        rules,
        now: now(),
    };
    let mut draft = Draft::new(runbook, &values, &[], &app.parts.actions, &context)
        .map_err(|mistakes| Usage(mistakes.join("\n")))?;
    draft.rehearse(&app.parts.actions, &app.parts.redactor).await;
    let proposal = draft.seal(&app.parts.redactor)?;
    let view = proposal.view(rules);
    if setup.json {
        return print_json(&view);
    }
    let mut text = format!("{}  (nothing is run)\n", view.title);
    for step in &view.steps {
        let arguments = serde_json::to_string(&step.arguments)?;
        text.push_str(&format!(
            "\n{}  {} · {} risk · {}\n  {}\n  {arguments}\n",
            step.id,
            step.action,
            step.risk.as_str(),
            step.target,
            step.summary
        ));
        let notes = [("dry run", &step.dry_run), ("verify", &step.verify), ("undo", &step.undo)];
        for (name, note) in notes.into_iter().filter_map(|(name, note)| note.as_ref().map(|note| (name, note))) {
            text.push_str(&format!("  {name}: {note}\n"));
        }
        text.push_str(&format!("  digest {}\n", step.digest));
    }
    print(&chat::inert_lines(&text))
}

/// A rehearsal by the person at the terminal may name what nobody deployed through us yet: nothing runs.
fn learn_from(inventory: &mut runbooks::Inventory, params: &BTreeMap<String, String>) {
    let named = |name: &str| params.get(name).cloned();
    inventory.environments.extend(named("environment"));
    if let Some(service) = named("service") {
        let known = inventory.services.entry(service.clone()).or_default();
        known.versions.extend(["version", "to", "from", "previous"].into_iter().filter_map(named));
        if let Some(host) = named("host") {
            inventory.hosts.entry(host).or_insert(service);
        }
    } else if let Some(host) = named("host") {
        inventory.hosts.entry(host).or_default();
    }
}

/// Prints a document as it is; on a terminal nothing in it acts.
fn print_document(text: &str) -> Result<()> {
    use std::io::IsTerminal as _;
    if std::io::stdout().is_terminal() { print(&chat::inert_lines(text)) } else { print(text) }
}
