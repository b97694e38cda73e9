//! Goes through a page piece by piece: what can be a step becomes one, and the report says what became of each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use evidence::answer::Risk;
use regex::Regex;
use serde_json::{Value as Json, json};

use super::page::{Kind, Piece};
use super::placeholders::{self, Placeholders};
use super::{Became, Known, Line, commands, shell};
use crate::markdown::id_of_file;
use crate::render;
use crate::runbook::{Block, Head};
use crate::written;

/// An instruction is one sentence or a few, not a page.
const LONGEST_STEP: usize = 1_000;

/// Headings under which a page tells instead of asking for something.
static TELLING: LazyLock<Regex> = LazyLock::new(|| {
    let words = "symptom|background|overview|context|contact|who to call|links?$|reference|see also|related|owner|when to use|use it when|\
                 do not use|history|change ?log|glossary|impact|about|introduction|summary|purpose|scope|faq|appendix|prerequisite|\
                 table of contents|alerts?$|dashboards?$|version|author";
    Regex::new(&format!("(?i)(?:{words})")).expect("a pattern of ours")
});
static LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:\[[^\]]*\]\([^)]*\)|<?https?://\S+>?)[.\s]*$").expect("ours"));
/// `Run `kubectl get pods`.`: an item that is one command.
static RUN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:(?:then|now|next|and|please)[, ]+)*(?:run|execute|call|type|enter|use|issue)?[: ]*`([^`]+)`[.:;]?$",
    )
    .expect("ours")
});
const SHELLS: [&str; 9] = ["", "sh", "bash", "shell", "zsh", "console", "shell-session", "terminal", "shellscript"];

pub(super) struct Writer<'k> {
    known: &'k Known<'k>,
    placeholders: Placeholders,
    /// Prose as it is, steps as blocks whose target waits for the parameters.
    out: Vec<Out>,
    pub(super) lines: Vec<Line>,
    heading: String,
    /// Whether the heading only tells.
    is_told: bool,
}

enum Out {
    Prose(String),
    Step(Box<Block>),
}

impl<'k> Writer<'k> {
    pub(super) fn new(known: &'k Known<'k>, page: &str) -> Writer<'k> {
        Writer {
            known,
            placeholders: Placeholders::of(page),
            out: Vec::new(),
            lines: Vec::new(),
            heading: String::new(),
            is_told: false,
        }
    }

    pub(super) fn write(&mut self, pieces: &[Piece]) {
        // What leads to deeper items or to code is said before each of them.
        let mut leads: Vec<(usize, String)> = Vec::new();
        let mut idx = 0;
        while let Some(piece) = pieces.get(idx) {
            idx += 1;
            let next = pieces[idx..].iter().find(|piece| piece.kind != Kind::Blank);
            match &piece.kind {
                Kind::Blank => self.out.push(Out::Prose("\n".to_owned())),
                Kind::Heading { level, text } => {
                    leads.clear();
                    self.heading.clone_from(text);
                    self.is_told = TELLING.is_match(text);
                    self.prose(piece, None);
                    let section = pieces[idx..].iter().take_while(|piece| !matches!(piece.kind, Kind::Heading { .. }));
                    idx += self.section_without_list(*level, section.collect());
                }
                Kind::Item { .. } if self.is_told => self.prose(piece, Some("the section tells, it asks for nothing")),
                Kind::Item { text, .. } if LINK.is_match(text) => self.prose(piece, Some("a link")),
                Kind::Item { text, .. } if text.trim().is_empty() => {}
                Kind::Item { depth, text } => {
                    leads.retain(|(outer, _)| outer < depth);
                    let is_lead = match next.map(|next| &next.kind) {
                        Some(Kind::Item { depth: inner, .. }) => inner > depth && text.ends_with(':'),
                        Some(Kind::Code { depth: inner, language, .. }) => {
                            (inner > depth || text.ends_with(':')) && SHELLS.contains(&language.as_str())
                        }
                        _ => false,
                    };
                    let said = with_leads(&leads, text);
                    if is_lead {
                        leads.push((*depth, text.trim_end_matches(':').to_owned()));
                        self.report(piece.line, Became::Prose, None, text, "leads to what follows");
                        self.out.push(Out::Prose(format!("\n{text}\n\n")));
                    } else if let Some(command) = RUN.captures(text) {
                        self.command(piece.line, &command[1], &leads);
                    } else {
                        self.manual(piece.line, &said, "a person does what it says");
                    }
                }
                Kind::Code { language, lines, .. } if SHELLS.contains(&language.as_str()) && !self.is_told => {
                    self.code(piece, lines, &leads);
                }
                Kind::Code { .. } => self.prose(piece, Some("no commands for a shell")),
                Kind::Table => self.prose(piece, Some("a table")),
                Kind::Text => self.prose(piece, Some("text")),
            }
        }
    }

    /// A section that asks for something without a list or a command is one step; returns how many pieces that took.
    fn section_without_list(&mut self, level: usize, section: Vec<&Piece>) -> usize {
        let asks = |piece: &&Piece| match &piece.kind {
            Kind::Item { .. } => true,
            Kind::Code { language, .. } => SHELLS.contains(&language.as_str()),
            Kind::Heading { .. } | Kind::Table | Kind::Text | Kind::Blank => false,
        };
        let first = section.iter().position(|piece| piece.kind != Kind::Blank);
        let (Some(first), false) = (first, level < 2 || self.is_told || section.iter().any(asks)) else {
            return 0;
        };
        let piece = section[first];
        if piece.kind != Kind::Text {
            return 0;
        }
        let said = format!("{}: {}", self.heading, piece.said());
        self.manual(piece.line, &said, "a person does what it says");
        first + 1
    }

    /// The commands of a block: each a step, or all of them as they stand when they belong together.
    fn code(&mut self, piece: &Piece, lines: &[String], leads: &[(usize, String)]) {
        let has_prompt = lines.iter().any(|line| line.trim_start().starts_with("$ "));
        let mut commands: Vec<(usize, String)> = Vec::new();
        let mut is_open = false;
        for (idx, line) in lines.iter().enumerate() {
            let text = line.trim();
            let prompted = text.strip_prefix("$ ");
            if is_open {
                let last = commands.last_mut().expect("a line that goes on");
                last.1.push_str(text.trim_end_matches('\\').trim_end());
            } else if text.is_empty() || text.starts_with('#') || (has_prompt && prompted.is_none()) {
                continue;
            } else {
                let text = prompted.unwrap_or(text);
                commands.push((piece.line_of(idx + 1), text.trim_end_matches('\\').trim_end().to_owned()));
            }
            is_open = text.ends_with('\\') && !text.ends_with("\\\\");
            if is_open {
                commands.iter_mut().next_back().into_iter().for_each(|last| last.1.push(' '));
            }
        }
        let is_script = commands.iter().any(|(_, command)| {
            matches!(shell::words(&self.placeholders.fill(command)), Err(why) if why.contains("word of the shell") || why.contains("left open") || why.contains("sets a variable"))
                || command.contains("<<")
        });
        if commands.is_empty() {
            return self.prose(piece, Some("no command in it"));
        }
        if is_script && commands.len() > 1 {
            self.out.push(Out::Prose(format!("\n{}\n", piece.at_the_edge())));
            let said = with_leads(leads, "run the commands above, as they stand");
            return self.manual(piece.line, &said, "its lines belong together and need a shell");
        }
        for (line, command) in commands {
            self.command(line, &command, leads);
        }
    }

    fn command(&mut self, line: usize, command: &str, leads: &[(usize, String)]) {
        let filled = self.placeholders.fill(command);
        let offered = if self.placeholders.has_braces_of_its_own(command) {
            Err("it has braces of its own".to_owned())
        } else {
            shell::words(&filled).and_then(|words| commands::offered(&words, self.known))
        };
        match offered {
            Ok(block) => {
                self.report(line, Became::Step, Some(&block.action), command, "");
                self.out.push(Out::Step(Box::new(block)));
            }
            Err(why) => self.manual(line, &with_leads(leads, &format!("run `{command}`")), &why),
        }
    }

    fn manual(&mut self, line: usize, text: &str, why: &str) {
        // A card shows no emphasis.
        let mut text = text.trim().replace("**", "");
        text.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        let shown: String = text.chars().filter(|c| !c.is_control()).take(LONGEST_STEP).collect();
        let instruction = self.placeholders.fill(&shown);
        self.report(line, Became::Manual, Some("manual"), &text, why);
        self.out.push(Out::Step(Box::new(commands::block("manual", json!({ "instruction": instruction }), None))));
    }

    fn prose(&mut self, piece: &Piece, why: Option<&str>) {
        if let Some(why) = why {
            self.report(piece.line, Became::Prose, None, &piece.said(), why);
        }
        self.out.push(Out::Prose(piece.at_the_edge()));
    }

    fn report(&mut self, line: usize, became: Became, action: Option<&str>, text: &str, why: &str) {
        let text = text.chars().take(200).collect();
        self.lines.push(Line { line, became, action: action.map(str::to_owned), text, why: why.to_owned() });
    }

    /// The whole document.
    pub(super) fn finish(&mut self, front: &BTreeMap<String, Json>, pieces: &[Piece], file: &str) -> String {
        let blocks = self.out.iter().filter_map(|out| match out {
            Out::Step(block) => Some(block),
            Out::Prose(_) => None,
        });
        let templates = blocks.flat_map(|block| render::texts(&block.args).into_iter().chain(block.target.as_deref()));
        let mut params = placeholders::params(templates);
        for param in params.values_mut() {
            param.about = "guessed from the page; say what it is".to_owned();
        }
        let says =
            |keys: &[&str]| keys.iter().find_map(|key| front.get(*key)?.as_str()).map(one_line).unwrap_or_default();
        let of_heading = |wanted: usize| {
            pieces.iter().find_map(|piece| match &piece.kind {
                Kind::Heading { level, text } if *level <= wanted => Some(one_line(text)),
                _ => None,
            })
        };
        let title = Some(says(&["title"])).filter(|title| !title.is_empty());
        let title = title.or_else(|| of_heading(1)).or_else(|| of_heading(6)).filter(|title| !title.is_empty());
        let runs = self.lines.iter().any(|line| line.became == Became::Step);
        let head = Head {
            id: id_of_file(file),
            title: title.unwrap_or_else(|| id_of_file(file)),
            when: says(&["when", "description"]),
            owner: says(&["owner", "team", "author"]),
            risk: if runs { Risk::Medium } else { Risk::Low },
            says: None,
            triggers: Vec::new(),
            params,
        };
        let has_service = head.params.contains_key("service");
        let mut text = written::front_matter(&head);
        for out in &mut self.out {
            match out {
                Out::Prose(prose) => text.push_str(prose),
                Out::Step(block) => {
                    // What a person does is done to the service in question, if there is one.
                    if has_service && block.action != "kubernetes" {
                        block.target = None;
                    } else if block.target.is_none() {
                        block.target = Some("by hand".to_owned());
                    }
                    text.push_str(&format!("\n{}\n", written::step(block)));
                }
            }
        }
        without_gaps(&text)
    }
}

fn with_leads(leads: &[(usize, String)], text: &str) -> String {
    let leads: String = leads.iter().map(|(_, lead)| format!("{lead}: ")).collect();
    format!("{leads}{text}")
}

fn one_line(text: &str) -> String {
    let plain = text.replace(['*', '`'], "");
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(200).collect()
}

/// At most one empty line in a row, outside of code.
fn without_gaps(text: &str) -> String {
    let (mut out, mut n_empty, mut fence) = (String::new(), 0, None::<String>);
    for line in text.lines() {
        let mark: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line == open => fence = None,
            None if mark.len() >= 3 => fence = Some(mark),
            _ => {}
        }
        n_empty = if line.trim().is_empty() && fence.is_none() { n_empty + 1 } else { 0 };
        if n_empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
