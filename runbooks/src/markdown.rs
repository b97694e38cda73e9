//! Reads a runbook file. All mistakes are found in one reading, each with its line and column.
//! A page without step blocks is a runbook too: its headings and lists become steps that a person does.

mod check;
mod plain;
mod yaml;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};
use yaml::Reading;

use crate::canonical::Digest;
use crate::runbook::{Block, Head, Mistake, Runbook, StepTemplate};

/// Reads and checks one file; `file` is its name, for messages and for the id of a page without front matter.
///
/// # Errors
///
/// Every mistake in it.
pub fn read(text: &str, file: &str) -> Result<Runbook, Vec<Mistake>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let page = Page::of(text);
    let mut mistakes = Vec::new();
    let mut say = |(line, column): (usize, usize), text: String| {
        mistakes.push(Mistake { file: file.to_owned(), line, column, text });
    };
    let mut head: Option<Head> = None;
    match &page.head {
        Some(part) => {
            let mut reading = yaml::read::<Head>(&part.yaml);
            head = reading.value.take();
            let found = head.as_ref().map(|head| check::head(head, &reading)).unwrap_or_default();
            part.all(&reading, found).for_each(|(place, text)| say(place, text));
        }
        None if page.blocks.is_empty() => head = Some(plain::head(&page, file)),
        None => {
            let text = "has `step` blocks but no front matter; start the file with `---`, `id: …`, `title: …`, `---`";
            say((1, 1), text.to_owned());
        }
    }
    let mut steps: Vec<StepTemplate> = Vec::new();
    for (heading, part) in &page.blocks {
        let mut reading = yaml::read::<Block>(&part.yaml);
        let mut found = Vec::new();
        if let Some(block) = reading.value.take() {
            let id = block.id.clone().unwrap_or_else(|| format!("step-{}", steps.len() + 1));
            let step = StepTemplate { id, heading: heading.clone(), line: part.line, block };
            found = check::step(&step, &steps, head.as_ref(), &reading);
            steps.push(step);
        }
        part.all(&reading, found).for_each(|(place, text)| say(place, text));
    }
    let is_plain_page = page.blocks.is_empty();
    if is_plain_page {
        steps = plain::steps(&page);
        if steps.is_empty() {
            say((1, 1), "has no steps; add a fenced `step` block, or a list of what to do".to_owned());
        }
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    match head {
        Some(head) if mistakes.is_empty() => {
            Ok(Runbook { head, steps, digest: Digest::of(text), text: text.to_owned(), is_plain_page })
        }
        _ => Err(mistakes),
    }
}

/// The id of a file that may have mistakes: what its `id:` line says, or what a page of this name has.
pub fn id_at_first_sight(text: &str, file: &str) -> String {
    let named = text.lines().find_map(|line| line.strip_prefix("id:"));
    named.map_or_else(|| plain::id(file), |id| id.trim().trim_matches(['"', '\'']).to_owned())
}

/// A piece of YAML inside the file.
pub(crate) struct Part {
    yaml: String,
    /// The line of the file on which it starts.
    pub(crate) line: usize,
}

/// What Markdown makes of the file.
#[derive(Default)]
pub(crate) struct Page {
    head: Option<Part>,
    /// Each `step` block under the heading above it.
    blocks: Vec<(String, Part)>,
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

impl Part {
    /// What reading found and what checking found by the keys' paths, with places counted from the start of the file.
    fn all<T>(
        &self,
        reading: &Reading<T>,
        checked: Vec<(String, String)>,
    ) -> impl Iterator<Item = ((usize, usize), String)> {
        let read = reading.mistakes.iter().map(|(line, column, text)| ((*line, *column), text.clone()));
        let checked = checked.into_iter().map(|(path, text)| (reading.place(&path), text));
        let from_start = |((line, column), text): ((usize, usize), String)| ((self.line + line - 1, column), text);
        read.chain(checked).map(from_start).collect::<Vec<_>>().into_iter()
    }
}

impl Page {
    fn of(text: &str) -> Page {
        let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let line_of = |at: usize| starts.partition_point(|start| *start <= at);
        let mut page = Page::default();
        let mut part: Option<Part> = None;
        let mut open: Vec<Line> = Vec::new();
        let mut heading = String::new();
        for (event, range) in Parser::new_ext(text, Options::ENABLE_YAML_STYLE_METADATA_BLOCKS).into_offset_iter() {
            match event {
                Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle)) => {
                    part = Some(Part { yaml: String::new(), line: line_of(range.start) + 1 });
                }
                Event::End(TagEnd::MetadataBlock(_)) => page.head = part.take(),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info)))
                    if info.split_whitespace().next() == Some("step") =>
                {
                    part = Some(Part { yaml: String::new(), line: line_of(range.start) + 1 });
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
                    open.push(Line { kind, text: String::new(), line: line_of(range.start) });
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
                    (Some(part), _) => part.yaml.push_str(&piece),
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
