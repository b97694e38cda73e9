//! A page from somebody's wiki: each list item is a step, and so is a section that has no list.

use serde_json::json;

use super::{Line, LineKind, Page};
use crate::runbook::{Block, Head, StepTemplate};
use evidence::answer::Risk;

const LONGEST_STEP: usize = 1_000;

pub(super) fn id(file: &str) -> String {
    slug(stem(file))
}

fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let ends = [".md", ".markdown", ".html", ".htm", ".txt"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

pub(super) fn head(page: &Page, file: &str) -> Head {
    let first = page.lines.iter().find(|line| matches!(line.kind, LineKind::Title | LineKind::Heading));
    let title = first.map_or_else(|| stem(file).to_owned(), |line| line.text.clone());
    Head {
        id: id(file),
        title,
        when: String::new(),
        owner: String::new(),
        risk: Risk::Low,
        says: None,
        params: Default::default(),
        triggers: Vec::new(),
    }
}

pub(super) fn steps(page: &Page) -> Vec<StepTemplate> {
    let mut steps = Vec::new();
    let mut heading: Option<&Line> = None;
    for (idx, line) in page.lines.iter().enumerate() {
        match line.kind {
            LineKind::Title => {}
            LineKind::Heading => {
                heading = Some(line);
                let section = page.lines[idx + 1..].iter();
                let mut section = section.take_while(|line| !matches!(line.kind, LineKind::Title | LineKind::Heading));
                let has_list = section.clone().any(|line| line.kind == LineKind::Item);
                if !has_list {
                    let said = section.find(|line| line.kind == LineKind::Paragraph);
                    let text = said.map_or_else(|| line.text.clone(), |said| format!("{}: {}", line.text, said.text));
                    steps.push(step(steps.len(), &line.text, text, line.line));
                }
            }
            LineKind::Item if line.text.is_empty() => {}
            LineKind::Item => {
                let heading = heading.map_or("", |heading| &heading.text);
                steps.push(step(steps.len(), heading, line.text.clone(), line.line));
            }
            LineKind::Paragraph => {}
        }
    }
    steps
}

fn step(idx: usize, heading: &str, text: String, line: usize) -> StepTemplate {
    // A page of prose may hold braces of its own; a manual step of a plain page is never a template.
    let text: String = text.replace("{{", "{ {").chars().take(LONGEST_STEP).collect();
    let block = Block {
        id: None,
        action: "manual".to_owned(),
        args: json!({ "instruction": text }),
        target: Some("by hand".to_owned()),
        risk: None,
        timeout: None,
        verify: None,
        undo: None,
        together: false,
    };
    StepTemplate { id: format!("step-{}", idx + 1), heading: heading.to_owned(), line, block }
}

/// `Clear a full Disk` → `clear-a-full-disk`.
fn slug(text: &str) -> String {
    let plain = text.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "page".to_owned() } else { words.join("-") }
}
