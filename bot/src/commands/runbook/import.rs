//! `firstline runbook import`: pages of a wiki, one or a folder of them, as runbooks, with a report of what became of each line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use runbooks::actions::Actions;
use runbooks::import::{Became, Import, Known, import};
use serde_json::json;

use super::super::{Usage, print, print_json};
use super::{print_document, write};
use crate::cli::WriteArgs;
use crate::setup::Setup;

pub fn run(setup: &Setup, path: &Path, args: &WriteArgs) -> Result<()> {
    let settings = &setup.config.actions;
    let actions = Actions::new(settings, std::sync::Arc::new(crate::secrets::References));
    let known = Known { settings, actions: &actions };
    if path.is_dir() {
        return folder(setup, path, args, &known);
    }
    let imported = page(path, &known)?;
    match args.output.as_deref() {
        Some(output) if output == Path::new("-") && !setup.json => {
            anstream::eprintln!("{}", chat::inert_lines(&report(&imported, path)));
            return print_document(&imported.markdown);
        }
        Some(output) if output != Path::new("-") => write::file(output, &imported.markdown, args.overwrite)?,
        _ => {}
    }
    if setup.json {
        return print_json(&imported);
    }
    let end = match &args.output {
        Some(output) => {
            format!("Written to `{}`; read it, then put it into a folder of `paths` in `[runbooks]`.", output.display())
        }
        None => "Nothing is written yet; add `--output FILE`, or `--output -` to see it.".to_owned(),
    };
    print(&chat::inert_lines(&format!("{}\n{end}", report(&imported, path))))
}

fn page(path: &Path, known: &Known<'_>) -> Result<Import> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mistakes = |mistakes: Vec<runbooks::Mistake>| {
        Usage(mistakes.iter().map(|mistake| mistake.with_caret(&text)).collect::<Vec<_>>().join("\n"))
    };
    Ok(import(&text, &path.display().to_string(), known).map_err(mistakes)?)
}

/// Every page below a folder; those that cannot be a runbook are named at the end, and the others are done nevertheless.
fn folder(setup: &Setup, path: &Path, args: &WriteArgs, known: &Known<'_>) -> Result<()> {
    if let Some(output) = args.output.as_deref().filter(|output| *output == Path::new("-") || output.is_file()) {
        let text = format!("`--output {}`: many pages need a folder to be written to", output.display());
        return Err(Usage(text).into());
    }
    let mut pages = Vec::new();
    find_pages(path, &mut pages)?;
    pages.sort();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for page_path in &pages {
        let outcome = page(page_path, known).and_then(|imported| {
            if !ids.insert(imported.id.clone()) {
                anyhow::bail!(
                    "`{}`: id `{}` is also that of another page; rename one",
                    page_path.display(),
                    imported.id
                );
            }
            if let Some(output) = &args.output {
                std::fs::create_dir_all(output).with_context(|| format!("cannot create `{}`", output.display()))?;
                write::file(&output.join(format!("{}.md", imported.id)), &imported.markdown, args.overwrite)?;
            }
            Ok(imported)
        });
        match outcome {
            Ok(imported) => done.push((page_path, imported)),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    if setup.json {
        let pages: Vec<_> = done.iter().map(|(path, imported)| json!({ "file": path, "import": imported })).collect();
        print_json(&json!({ "pages": pages, "failed": failed }))?;
    } else {
        let reports: Vec<String> = done.iter().map(|(path, imported)| report(imported, path)).collect();
        print(&chat::inert_lines(&reports.join("\n\n")))?;
        let written =
            if args.output.is_some() { "written" } else { "read; nothing is written without `--output FOLDER`" };
        print(&format!("{} of {} pages {written}", done.len(), pages.len()))?;
    }
    if failed.is_empty() { Ok(()) } else { Err(Usage(failed.join("\n")).into()) }
}

fn find_pages(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read `{}`", folder.display()))?;
        let (path, kind) = (entry.path(), entry.file_type().context("cannot tell a folder from a file")?);
        let ends = ["md", "markdown", "html", "htm"];
        let is_page = path.extension().and_then(|end| end.to_str()).is_some_and(|end| ends.contains(&end));
        // Links are not followed: they may lead round in circles.
        if kind.is_dir() {
            find_pages(&path, found)?;
        } else if kind.is_file() && is_page {
            found.push(path);
        }
    }
    Ok(())
}

fn report(imported: &Import, path: &Path) -> String {
    let mut lines = vec![format!("{}  `{}`  from `{}`", imported.title, imported.id, path.display())];
    for line in &imported.lines {
        let what = match (line.became, &line.action) {
            (Became::Step, Some(action)) => action.as_str(),
            (Became::Step | Became::Manual, _) => "manual",
            (Became::Prose, _) => "prose",
        };
        let short: String = line.text.chars().take(90).collect();
        let cut = if short.len() < line.text.len() { "…" } else { "" };
        let why = if line.why.is_empty() || line.why == "a person does what it says" {
            String::new()
        } else {
            format!("  ({})", line.why)
        };
        lines.push(format!("  line {:<4} {what:<10} {short}{cut}{why}", line.line));
    }
    for (name, kind) in &imported.params {
        lines.push(format!("  parameter `{name}`: {}", format!("{kind:?}").to_lowercase()));
    }
    lines.extend(imported.notes.iter().map(|note| format!("  {note}")));
    lines.join("\n")
}
