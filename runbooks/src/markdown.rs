//! Reads a runbook file. All mistakes are found in one reading, each with its line and column.
//! A page without step blocks is a runbook too: its headings and lists become steps that a person does.

mod check;
mod places;
mod plain;
mod strict;
mod yaml;

pub(crate) use places::Lines;
use places::Piece;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};
use yaml::Reading;

use crate::actions::Actions;
use crate::canonical::Digest;
use crate::runbook::{Block, Head, Mistake, Runbook, StepTemplate};

/// Reads and checks one file; `file` is its name, for messages and for the id of a page without front matter.
///
/// # Errors
///
/// Every mistake that keeps it from being used.
pub fn read(text: &str, file: &str) -> Result<Runbook, Vec<Mistake>> {
    match look(text, file, &Rigour::ToUse) {
        (Some(runbook), mistakes) if mistakes.is_empty() => Ok(runbook),
        (_, mistakes) => Err(mistakes),
    }
}

/// Looks at one file as its author wants it looked at: what keeps it from being used, and what is hardly meant, like a
/// parameter that nothing names.
///
/// Returns the runbook when it can be used in spite of the mistakes, which are ordered by place.
pub fn examine(text: &str, file: &str, against: &Against<'_>) -> (Option<Runbook>, Vec<Mistake>) {
    let (runbook, mistakes) = look(text, file, &Rigour::ToCheck(*against));
    (runbook.filter(|_| mistakes.is_empty() || read(text, file).is_ok()), mistakes)
}

/// What a file is compared with when it is examined.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// The actions as the settings configure them; `None` when no settings were read.
    pub actions: Option<&'a Actions>,
    /// Reads a query of `verify`, whose language is another crate's.
    pub query: fn(&str) -> Result<(), String>,
}

impl Default for Against<'_> {
    fn default() -> Self {
        Against { actions: None, query: |_| Ok(()) }
    }
}

enum Rigour<'a> {
    ToUse,
    ToCheck(Against<'a>),
}

fn look(text: &str, file: &str, rigour: &Rigour<'_>) -> (Option<Runbook>, Vec<Mistake>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::of(text);
    let page = Page::of(text, &lines);
    let mut mistakes = Vec::new();
    let mut say = |(line, column): (usize, usize), text: String| {
        mistakes.push(Mistake { file: file.to_owned(), line, column, text });
    };
    let mut head: Option<Head> = None;
    let mut of_head: Option<Reading<Head>> = None;
    match &page.head {
        Some(piece) => {
            let mut reading = yaml::read::<Head>(&piece.yaml);
            head = reading.value.take();
            let found = head.as_ref().map(|head| check::head(head, &reading)).unwrap_or_default();
            all(&reading, found).for_each(|(place, text)| say(piece.in_file(place, &lines), text));
            of_head = Some(reading);
        }
        None if page.blocks.is_empty() => head = Some(plain::head(&page, file)),
        None => {
            let text = "has `step` blocks but no front matter; start the file with `---`, `id: …`, `title: …`, `---`";
            say((1, 1), text.to_owned());
        }
    }
    let mut steps: Vec<StepTemplate> = Vec::new();
    for (heading, piece) in &page.blocks {
        let mut reading = yaml::read::<Block>(&piece.yaml);
        let mut found = Vec::new();
        if let Some(block) = reading.value.take() {
            let id = block.id.clone().unwrap_or_else(|| format!("step-{}", steps.len() + 1));
            let step = StepTemplate { id, heading: heading.clone(), line: piece.line(&lines), block };
            found = check::step(&step, &steps, head.as_ref(), &reading);
            if let Rigour::ToCheck(against) = rigour {
                found.extend(strict::step(&step, steps.last(), against, &reading));
            }
            steps.push(step);
        }
        all(&reading, found).for_each(|(place, text)| say(piece.in_file(place, &lines), text));
    }
    let is_plain_page = page.blocks.is_empty();
    if is_plain_page {
        steps = plain::steps(&page);
        if steps.is_empty() {
            say((1, 1), "has no steps; add a fenced `step` block, or a list of what to do".to_owned());
        }
    } else if let (Rigour::ToCheck(_), Some(head), Some(reading), Some(piece)) = (rigour, &head, &of_head, &page.head)
        && steps.len() == page.blocks.len()
    {
        for (path, text) in strict::head(head, &steps, reading) {
            say(piece.in_file(reading.place(&path), &lines), text);
        }
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    let runbook =
        head.map(|head| Runbook { head, steps, digest: Digest::of(text), text: text.to_owned(), is_plain_page });
    (runbook, mistakes)
}

/// The id that a page of this name has: `wiki/Payments Slow.md` → `payments-slow`.
pub(crate) fn id_of_file(file: &str) -> String {
    plain::id(file)
}

/// The id of a file that may have mistakes: what its `id:` line says, or what a page of this name has.
pub fn id_at_first_sight(text: &str, file: &str) -> String {
    let named = text.lines().find_map(|line| line.strip_prefix("id:"));
    named.map_or_else(|| plain::id(file), |id| id.trim().trim_matches(['"', '\'']).to_owned())
}

/// What Markdown makes of the file.
#[derive(Default)]
pub(crate) struct Page {
    head: Option<Piece>,
    /// Each `step` block under the heading above it.
    blocks: Vec<(String, Piece)>,
    /// Headings, list items and paragraphs in order.
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) kind: LineKind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    Title,
    Heading,
    Item,
    Paragraph,
}

/// What reading found and what checking found by the keys' paths, with places in the piece of YAML.
fn all<T>(
    reading: &Reading<T>,
    checked: Vec<(String, String)>,
) -> impl Iterator<Item = ((usize, usize), String)> + use<T> {
    let read = reading.mistakes.iter().map(|(line, column, text)| ((*line, *column), text.clone()));
    let checked = checked.into_iter().map(|(path, text)| (reading.place(&path), text));
    read.chain(checked).collect::<Vec<_>>().into_iter()
}

/// Where the text below the front matter begins; `0` when there is none. Further down `---` is a line across the page.
fn front_matter_end(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let opens = lines.next().is_some_and(|line| line.trim_end() == "---");
    if !opens || text.lines().nth(1).is_none_or(|line| line.trim().is_empty()) {
        return 0;
    }
    let Some(n_lines) = lines.position(|line| line.trim_end() == "---") else { return 0 };
    text.split_inclusive('\n').take(n_lines + 2).map(str::len).sum()
}

impl Page {
    fn of(text: &str, lines: &Lines<'_>) -> Page {
        let mut page = Page::default();
        let mut part: Option<Piece> = None;
        let mut open: Vec<Line> = Vec::new();
        let mut heading = String::new();
        let body = front_matter_end(text);
        if body > 0 {
            let mut head = Piece::starting_at(0);
            let yaml: usize = text.find('\n').map_or(0, |end| end + 1);
            let end = text[..body].trim_end().rfind('\n').map_or(yaml, |end| end + 1);
            head.push(&text[yaml..end.max(yaml)], yaml);
            page.head = Some(head);
        }
        for (event, range) in Parser::new(&text[body..]).into_offset_iter() {
            let range = range.start + body..range.end + body;
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info)))
                    if info.split_whitespace().next() == Some("step") =>
                {
                    part = Some(Piece::starting_at(range.start));
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some(part) = part.take() {
                        page.blocks.push((heading.clone(), part));
                    }
                }
                Event::Start(tag) => {
                    let kind = match tag {
                        Tag::Heading { level: HeadingLevel::H1, .. } => LineKind::Title,
                        Tag::Heading { .. } => LineKind::Heading,
                        Tag::Item => LineKind::Item,
                        Tag::Paragraph if open.is_empty() => LineKind::Paragraph,
                        _ => continue,
                    };
                    open.push(Line { kind, text: String::new(), line: lines.line_at(range.start) });
                }
                Event::End(tag) => {
                    let closes = matches!(tag, TagEnd::Heading(_) | TagEnd::Item)
                        || (tag == TagEnd::Paragraph
                            && open.last().is_some_and(|line| line.kind == LineKind::Paragraph));
                    if tag == TagEnd::Paragraph && !closes {
                        open.last_mut().into_iter().for_each(|line| line.text.push(' '));
                    }
                    let Some(mut line) = open.pop_if(|_| closes) else { continue };
                    line.text = line.text.split_whitespace().collect::<Vec<_>>().join(" ");
                    if line.kind == LineKind::Heading {
                        heading.clone_from(&line.text);
                    }
                    page.lines.push(line);
                }
                Event::Text(piece) => match (&mut part, open.last_mut()) {
                    (Some(part), _) => part.push(&piece, range.start),
                    (None, Some(line)) => line.text.push_str(&piece),
                    (None, None) => {}
                },
                Event::Code(piece) => {
                    open.last_mut().into_iter().for_each(|line| line.text.push_str(&format!("`{piece}`")));
                }
                Event::SoftBreak | Event::HardBreak => open.last_mut().into_iter().for_each(|line| line.text.push(' ')),
                _ => {}
            }
        }
        page.lines.sort_by_key(|line| line.line);
        page
    }
}

#[cfg(test)]
mod tests;
