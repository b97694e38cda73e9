//! `firstline runbook list|check|show|dry-run|import`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use runbooks::{Catalog, Context, Draft, Rules, Runbook};
use serde::Serialize;
use serde_json::json;

use super::{Usage, print, print_json};
use crate::app::Refused;
use crate::cli::RunbookCommand;
use crate::setup::{Setup, now};

/// A runbook as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct RunbookForm {
    pub id: String,
    pub title: String,
    pub when: String,
    pub owner: String,
    pub risk: evidence::answer::Risk,
    pub params: Vec<String>,
    pub steps: Vec<StepForm>,
    pub digest: String,
    pub markdown: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct StepForm {
    pub id: String,
    pub action: String,
    pub heading: String,
}

pub fn forms(catalog: &Catalog) -> Vec<RunbookForm> {
    catalog.iter().map(form).collect()
}

fn form(runbook: &Runbook) -> RunbookForm {
    let steps = runbook.steps.iter().map(|step| StepForm {
        id: step.id.clone(),
        action: step.block.action.clone(),
        heading: step.heading.clone(),
    });
    RunbookForm {
        id: runbook.id().to_owned(),
        title: runbook.head.title.clone(),
        when: runbook.head.when.clone(),
        owner: runbook.head.owner.clone(),
        risk: runbook.head.risk,
        params: runbook.head.params.keys().cloned().collect(),
        steps: steps.collect(),
        digest: runbook.digest.to_string(),
        markdown: runbook.text.clone(),
    }
}

pub async fn run(setup: &Setup, command: RunbookCommand) -> Result<()> {
    match command {
        RunbookCommand::List => list(setup),
        RunbookCommand::Check { paths } => check(setup, &paths),
        RunbookCommand::Show { id } => show(setup, &id),
        RunbookCommand::DryRun { id, params } => dry_run(setup, &id, &params).await,
        RunbookCommand::Propose { id, incident, params, instead_of } => {
            super::propose::run(setup, id, incident, &params, instead_of).await
        }
        RunbookCommand::Import { file } => import(setup, &file),
    }
}

fn list(setup: &Setup) -> Result<()> {
    let forms = forms(&setup.catalog()?);
    if setup.json {
        return print_json(&json!({ "runbooks": forms }));
    }
    let width = forms.iter().map(|form| form.id.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        forms.iter().map(|form| format!("{:<width$}  {:<6}  {}", form.id, form.risk.as_str(), form.when)).collect();
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
    let mistakes = runbooks::catalog::check(&paths);
    if setup.json {
        print_json(&json!({ "mistakes": mistakes.iter().map(ToString::to_string).collect::<Vec<_>>() }))?;
    }
    if mistakes.is_empty() {
        return if setup.json { Ok(()) } else { print("all good") };
    }
    let text: Vec<String> =
        mistakes.iter().map(|mistake| chat::inert_lines(&mistake.to_string()).into_owned()).collect();
    let n = text.len();
    Err(Usage(format!("{}\n{n} mistake{}", text.join("\n"), if n == 1 { "" } else { "s" })).into())
}

fn named<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c Runbook> {
    let known = || catalog.iter().map(Runbook::id).collect::<Vec<_>>().join(", ");
    catalog.get(id).ok_or_else(|| Refused::not_found(format!("no runbook `{id}` (known: {})", known())).into())
}

fn show(setup: &Setup, id: &str) -> Result<()> {
    let catalog = setup.catalog()?;
    let runbook = named(&catalog, id)?;
    if setup.json { print_json(&form(runbook)) } else { print(&chat::inert_lines(&runbook.text)) }
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
    let person = super::ask::person();
    let rules: &Rules = &app.parts.rules;
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

fn import(setup: &Setup, file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let imported = match runbooks::catalog::import(&text, &file.display().to_string()) {
        Ok(imported) => imported,
        Err(mistakes) => bail!(Usage(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))),
    };
    if setup.json {
        return print_json(&imported);
    }
    let mut lines = vec![format!("{}  `{}`", imported.title, imported.id)];
    lines.extend(imported.steps.iter().map(|(line, action, text)| format!("  line {line:<4} {action:<8} {text}")));
    lines.extend(imported.notes.iter().map(|note| format!("  {note}")));
    lines.push("Put the file into a folder of `paths` in `[runbooks]` to use it.".to_owned());
    print(&chat::inert_lines(&lines.join("\n")))
}
