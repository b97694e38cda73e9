//! A page from somebody's wiki as a runbook: what can be a step becomes one, the rest reads as before, and a report says which
//! is which, line by line. What is offered to run is only what the settings declare; everything else stays a person's.

mod commands;
mod html;
mod page;
mod placeholders;
mod shell;
mod writer;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use crate::actions::{Actions, Settings};
use crate::markdown::{self, Against};
use crate::runbook::{Head, Mistake};
use writer::Writer;

pub use placeholders::guessed;

/// What steps may be offered for.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    pub settings: &'k Settings,
    pub actions: &'k Actions,
}

/// What became of a page.
#[derive(Clone, Debug, Serialize)]
pub struct Import {
    pub id: String,
    pub title: String,
    /// Line, action and text of each step.
    pub steps: Vec<(usize, String, String)>,
    pub notes: Vec<String>,
    /// Each item, command, table and paragraph, in order.
    pub lines: Vec<Line>,
    /// Names of parameters and the type that was guessed.
    pub params: BTreeMap<String, crate::params::Kind>,
    /// The runbook, ready to be edited.
    pub markdown: String,
}

/// What became of one place of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// In the page, from 1.
    pub line: usize,
    pub became: Became,
    /// The step's action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    pub text: String,
    /// Why it stayed manual or prose.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// A step that Firstline can run.
    Step,
    /// A step for a person.
    Manual,
    Prose,
}

/// Turns a page into a runbook; `file` is its name, for its id and for messages.
///
/// # Errors
///
/// What keeps it from being one: there is nothing to do in it, or it has step blocks of its own with mistakes.
pub fn import(text: &str, file: &str, known: &Known<'_>) -> Result<Import, Vec<Mistake>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text
        .lines()
        .any(|line| line.trim_start().trim_start_matches(['`', '~']).trim() == "step" && line.contains("```"))
    {
        return already_a_runbook(text, file);
    }
    let (front, body, first_line) = front_matter(text);
    let lines = html::lines(body);
    let lines: Vec<(usize, String)> = lines.into_iter().map(|(line, text)| (line + first_line - 1, text)).collect();
    let pieces = page::pieces(&lines);
    let whole: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
    let mut writer = Writer::new(known, &whole);
    writer.write(&pieces);
    let markdown = writer.finish(&front, &pieces, file);
    let (runbook, mistakes) = markdown::examine(&markdown, file, &Against::default());
    let runbook = match runbook {
        Some(runbook) if mistakes.is_empty() && !runbook.is_plain_page => runbook,
        _ if mistakes.is_empty() || writer.lines.iter().all(|line| line.became == Became::Prose) => {
            return Err(vec![nothing_to_do(file)]);
        }
        _ => return Err(mistakes),
    };
    let steps = writer.lines.iter().filter_map(|line| Some((line.line, line.action.clone()?, line.text.clone())));
    let params = runbook.head.params.iter().map(|(name, param)| (name.clone(), param.kind)).collect();
    let notes = notes(&writer.lines, &runbook.head, &front);
    let (id, title) = (runbook.head.id.clone(), runbook.head.title.clone());
    Ok(Import { id, title, steps: steps.collect(), notes, params, markdown, lines: writer.lines })
}

fn nothing_to_do(file: &str) -> Mistake {
    let text = "has nothing to do in it: no list, no command, and no section that says what to do".to_owned();
    Mistake { file: file.to_owned(), line: 1, column: 1, text }
}

fn already_a_runbook(text: &str, file: &str) -> Result<Import, Vec<Mistake>> {
    let runbook = markdown::read(text, file)?;
    let lines = runbook.steps.iter().map(|step| {
        let became = if step.block.action == "manual" { Became::Manual } else { Became::Step };
        let said = step.block.args["instruction"].as_str().unwrap_or(&step.heading).to_owned();
        Line { line: step.line, became, action: Some(step.block.action.clone()), text: said, why: String::new() }
    });
    let lines: Vec<Line> = lines.collect();
    Ok(Import {
        id: runbook.head.id.clone(),
        title: runbook.head.title.clone(),
        steps: lines
            .iter()
            .map(|line| (line.line, line.action.clone().unwrap_or_default(), line.text.clone()))
            .collect(),
        notes: vec!["it has `step` blocks, so it is a runbook already; it stays as it is".to_owned()],
        params: runbook.head.params.iter().map(|(name, param)| (name.clone(), param.kind)).collect(),
        markdown: runbook.text.clone(),
        lines,
    })
}

/// What a wiki wrote above a page, the page, and the line on which it begins.
fn front_matter(text: &str) -> (BTreeMap<String, Json>, &str, usize) {
    let none = (BTreeMap::new(), text, 1);
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return none };
    let Some(end) = rest.lines().position(|line| line.trim_end() == "---") else { return none };
    let yaml: String = rest.lines().take(end).map(|line| format!("{line}\n")).collect();
    let Ok(front) = serde_saphyr::from_str::<BTreeMap<String, Json>>(&yaml) else { return none };
    let body: usize = rest.split_inclusive('\n').take(end + 1).map(str::len).sum();
    (front, &rest[body..], end + 3)
}

fn notes(lines: &[Line], head: &Head, front: &BTreeMap<String, Json>) -> Vec<String> {
    let n = |became: Became| lines.iter().filter(|line| line.became == became).count();
    let mut notes = vec![format!(
        "{} that Firstline can run, {} for a person, {} left as prose",
        counted(n(Became::Step), "step"),
        n(Became::Manual),
        n(Became::Prose)
    )];
    if n(Became::Step) > 0 {
        notes.push("no step says how to see that it helped or how to undo it: add `verify` and `undo`".to_owned());
    }
    notes.push("no triggers: it is never proposed by itself, only when somebody asks for it".to_owned());
    if head.owner.is_empty() {
        notes.push("no owner: say in the front matter whom to call".to_owned());
    }
    if !head.params.is_empty() {
        notes.push("the types of its parameters are guessed from their names; look at them".to_owned());
    }
    let kept = ["title", "when", "description", "owner", "team", "author"];
    let dropped: Vec<&str> = front.keys().map(String::as_str).filter(|key| !kept.contains(key)).collect();
    if !dropped.is_empty() {
        notes.push(format!("left out of its front matter: {}", dropped.join(", ")));
    }
    notes
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
