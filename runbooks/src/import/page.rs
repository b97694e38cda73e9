//! A page as its pieces, each with the lines it was written in: headings, list items, code, tables, text.
//! Read line by line, not as a tree, because what stays prose must stay as it was written.

use std::sync::LazyLock;

use regex::Regex;

pub(super) struct Piece {
    pub(super) kind: Kind,
    /// As written, indentation included, each line with its number.
    raw: Vec<(usize, String)>,
    /// In the page that was given, from 1.
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Heading { level: usize, text: String },
    Item { depth: usize, text: String },
    Code { depth: usize, language: String, lines: Vec<String> },
    Table,
    Text,
    Blank,
}

static HEADING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$").expect("ours"));
static ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([ \t]*)(?:[-*+•]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)$").expect("ours"));
static FENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^`\s]*)[^`]*$").expect("ours"));
static RULE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$").expect("ours"));

/// The pieces of lines, each line with its number in the page that was given.
pub(super) fn pieces(mut lines: &[(usize, String)]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    while let Some((line, text)) = lines.first() {
        let (kind, n_lines) = first(text, lines);
        let (own, rest) = lines.split_at(n_lines);
        pieces.push(Piece { kind, raw: own.to_vec(), line: *line });
        lines = rest;
    }
    pieces
}

/// What begins with the first of `lines`, and how many lines it takes.
fn first(text: &str, lines: &[(usize, String)]) -> (Kind, usize) {
    let rest = || lines[1..].iter().map(|(_, line)| line.as_str());
    let joined = |first: &str, n_more: usize| {
        let more = rest().take(n_more).map(|line| format!(" {}", line.trim()));
        std::iter::once(first.trim().to_owned()).chain(more).collect::<String>()
    };
    if text.trim().is_empty() {
        return (Kind::Blank, 1);
    }
    if let Some(fence) = FENCE.captures(text) {
        let closes =
            |line: &str| line.trim().len() >= fence[2].len() && line.trim().chars().all(|c| fence[2].starts_with(c));
        let depth = width(&fence[1]);
        let body: Vec<&str> = rest().take_while(|line| !closes(line)).collect();
        let n_lines = (body.len() + 2).min(lines.len());
        let lines = body.into_iter().map(|line| dedented(line, depth).to_owned()).collect();
        return (Kind::Code { depth, language: fence[3].to_lowercase(), lines }, n_lines);
    }
    if let Some(heading) = HEADING.captures(text) {
        let said = heading.get(2).map_or("", |text| text.as_str());
        return (Kind::Heading { level: heading[1].len(), text: said.to_owned() }, 1);
    }
    if RULE.is_match(text) {
        return (Kind::Text, 1);
    }
    if let Some(item) = ITEM.captures(text) {
        let n_more = rest().take_while(|line| goes_on(line)).count();
        return (Kind::Item { depth: width(&item[1]), text: joined(&item[2], n_more) }, 1 + n_more);
    }
    if is_table(text) {
        return (Kind::Table, 1 + rest().take_while(|line| is_table(line)).count());
    }
    let n_more = rest().take_while(|line| goes_on(line) && !is_underline(line)).count();
    match rest().nth(n_more).filter(|line| is_underline(line)) {
        Some(underline) => {
            let level = if underline.trim().starts_with('=') { 1 } else { 2 };
            (Kind::Heading { level, text: joined(text, n_more) }, 2 + n_more)
        }
        None => (Kind::Text, 1 + n_more),
    }
}

/// Whether a line belongs to the paragraph or the item before it.
fn goes_on(line: &str) -> bool {
    let begins_anew =
        FENCE.is_match(line) || HEADING.is_match(line) || ITEM.is_match(line) || RULE.is_match(line) || is_table(line);
    !line.trim().is_empty() && !begins_anew
}

fn is_table(line: &str) -> bool {
    line.trim_start().starts_with('|')
}

fn is_underline(line: &str) -> bool {
    let line = line.trim();
    line.len() > 1 && (line.chars().all(|c| c == '=') || line.chars().all(|c| c == '-'))
}

fn width(indent: &str) -> usize {
    indent.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// A line without as much of its indentation.
fn dedented(line: &str, depth: usize) -> &str {
    let mut left = depth;
    let indent = line.char_indices().find(|(_, c)| {
        let is_indent = left > 0 && (*c == ' ' || *c == '\t');
        left = left.saturating_sub(if *c == '\t' { 4 } else { 1 });
        !is_indent
    });
    indent.map_or("", |(at, _)| &line[at..])
}

impl Piece {
    /// The piece as it was written, moved to the left edge: what it stood in may be gone.
    pub(super) fn at_the_edge(&self) -> String {
        match &self.kind {
            Kind::Code { language, lines, .. } => {
                let longest =
                    lines.iter().map(|line| line.chars().take_while(|c| *c == '`').count()).max().unwrap_or(0);
                let fence = "`".repeat(longest.max(2) + 1);
                let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
                // A block of the page's own is no step of ours.
                let language = if language == "step" { "text" } else { language.as_str() };
                format!("{fence}{language}\n{body}{fence}\n")
            }
            Kind::Item { .. } => self.as_written(),
            Kind::Heading { .. } | Kind::Table | Kind::Text | Kind::Blank => {
                self.raw.iter().map(|(_, line)| format!("{}\n", line.trim_start())).collect()
            }
        }
    }

    /// The number of one of its lines, which count from 0.
    pub(super) fn line_of(&self, idx: usize) -> usize {
        self.raw.get(idx).map_or(self.line, |(line, _)| *line)
    }

    /// As it was written.
    pub(super) fn as_written(&self) -> String {
        self.raw.iter().map(|(_, line)| format!("{line}\n")).collect()
    }

    /// What a list or a paragraph says, on one line.
    pub(super) fn said(&self) -> String {
        match &self.kind {
            Kind::Heading { text, .. } | Kind::Item { text, .. } => text.clone(),
            Kind::Code { language, .. } if language.is_empty() => "a block of code".to_owned(),
            Kind::Code { language, .. } => format!("a block of `{language}`"),
            Kind::Table => self.raw.first().map_or_else(String::new, |(_, line)| line.trim().to_owned()),
            Kind::Text | Kind::Blank => self.raw.iter().map(|(_, line)| line.trim()).collect::<Vec<_>>().join(" "),
        }
    }
}
