//! HTML that wikis leave in their exports, as Markdown; each line keeps the number of the line it came from.
//! What is not one of these tags is text: `<service>` is a gap to be filled in.

mod text;

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use text::{decoded, ends_in, without_openers};

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^<(/?)([A-Za-z][A-Za-z0-9]*(?::[A-Za-z-]+)?)((?:\s+[^<>"']*|"[^"<]*"|'[^'<]*')*)\s*/?>"#)
        .expect("ours")
});
static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')"#).expect("ours"));
static ENTITY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});").expect("ours"));

/// Longer than what stands in code.
const FENCE: &str = "````````";
/// Tags that mean something inside code; all others are code.
const IN_CODE: [&str; 9] = ["span", "br", "code", "pre", "ac:plain-text-body", "b", "i", "em", "strong"];
/// Tags with nothing but text between them and their end.
const BLOCKS: [&str; 11] =
    ["p", "div", "section", "article", "aside", "details", "summary", "blockquote", "body", "html", "main"];
/// Tags that only say how text looks.
const LOOKS: [&str; 20] = [
    "span", "font", "u", "ins", "sub", "sup", "mark", "small", "del", "s", "thead", "tbody", "tfoot", "table",
    "colgroup", "col", "label", "input", "figure", "img",
];
/// Tags whose text is nothing for a reader.
const HIDDEN: [&str; 4] = ["script", "style", "head", "title"];

/// The lines of a page, its HTML turned into Markdown.
pub(super) fn lines(text: &str) -> Vec<(usize, String)> {
    let mut page = Page { lines: Vec::new(), current: String::new(), origin: 1, line: 1, ..Page::default() };
    let ends: HashMap<String, usize> = ends_in(text);
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let step = page.markup(rest, at, &ends).unwrap_or_else(|| page.character(rest));
        page.line += rest[..step].matches('\n').count();
        at += step;
    }
    if page.is_code {
        page.end("pre");
    }
    page.end_line();
    page.lines
}

#[derive(Default)]
struct Page {
    lines: Vec<(usize, String)>,
    current: String,
    origin: usize,
    line: usize,
    /// Open blocks of HTML, in which a new line is a space.
    open: Vec<String>,
    /// Open lists: whether it is numbered.
    lists: Vec<bool>,
    /// In `<pre>` or a code macro.
    is_code: bool,
    /// The fence of Markdown that is open.
    fence: Option<String>,
    /// Inside backticks of Markdown.
    is_inline_code: bool,
    language: String,
    cells: usize,
    links: Vec<String>,
}

impl Page {
    /// Takes in markup at the beginning of `rest` and returns its length; `None` when there is none.
    fn markup(&mut self, rest: &str, at: usize, ends: &HashMap<String, usize>) -> Option<usize> {
        if self.fence.is_some() || self.is_inline_code {
            return None;
        }
        if let Some(entity) = ENTITY.captures(rest) {
            self.push_text(&decoded(&entity[1])?, true);
            return Some(entity[0].len());
        }
        if !rest.starts_with('<') {
            return None;
        }
        if let Some(comment) = rest.strip_prefix("<!--").filter(|_| !self.is_code) {
            return comment.find("-->").map(|end| end + 7);
        }
        if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let end = data.find("]]>")?;
            let begins = self.line;
            for (idx, line) in data[..end].split('\n').enumerate() {
                if idx > 0 {
                    self.end_line();
                    self.line += 1;
                }
                self.push(line.trim_end_matches('\r'));
            }
            self.line = begins;
            return Some(end + 12);
        }
        if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
            return rest.find('>').map(|end| end + 1);
        }
        let tag = TAG.captures(rest)?;
        let name = tag[2].to_lowercase();
        let begins_anew = tag[1].is_empty() && ["pre", "ac:plain-text-body"].contains(&name.as_str());
        if self.is_code && (begins_anew || !IN_CODE.contains(&name.as_str())) {
            return None;
        }
        let ends_later = ends.get(&name).is_some_and(|end| *end > at);
        if HIDDEN.contains(&name.as_str()) && tag[1].is_empty() && ends_later {
            let end = rest.to_ascii_lowercase().find(&format!("</{name}"))?;
            return rest[end..].find('>').map(|close| end + close + 1);
        }
        let attributes: HashMap<String, String> = ATTRIBUTE
            .captures_iter(&tag[3])
            .map(|found| {
                (found[1].to_lowercase(), found.get(2).or(found.get(3)).map_or("", |value| value.as_str()).to_owned())
            })
            .collect();
        let is_known = if tag[1].is_empty() { self.begin(&name, &attributes, ends_later) } else { self.end(&name) };
        is_known.then(|| tag[0].len())
    }

    fn begin(&mut self, name: &str, attributes: &HashMap<String, String>, ends_later: bool) -> bool {
        match name {
            "br" if self.cells > 0 => self.current.push(' '),
            "br" => self.end_line(),
            "hr" => self.paragraph(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.paragraph();
                self.current.push_str(&format!("{} ", "#".repeat(usize::from(name.as_bytes()[1] - b'0'))));
            }
            "ul" | "ol" => {
                if self.lists.is_empty() {
                    self.paragraph()
                } else {
                    self.fresh_line()
                }
                self.lists.push(name == "ol");
            }
            "li" => {
                self.fresh_line();
                let marker = if self.lists.last() == Some(&true) { "1. " } else { "- " };
                self.current.push_str(&format!("{}{marker}", "   ".repeat(self.lists.len().saturating_sub(1))));
            }
            "strong" | "b" | "em" | "i" if self.is_code => {}
            "strong" | "b" => self.push("**"),
            "em" | "i" => self.push("*"),
            "code" | "kbd" | "tt" | "samp" if !self.is_code => self.push("`"),
            "code" | "kbd" | "tt" | "samp" => {}
            "pre" | "ac:plain-text-body" => {
                self.paragraph();
                let language =
                    attributes.get("class").and_then(|class| class.split("language-").nth(1)).unwrap_or_default();
                let language =
                    if language.is_empty() { std::mem::take(&mut self.language) } else { language.to_owned() };
                self.push(&format!("{FENCE}{}", language.split_whitespace().next().unwrap_or_default()));
                self.end_line();
                self.is_code = true;
            }
            "a" => {
                self.push("[");
                self.links.push(attributes.get("href").cloned().unwrap_or_default());
            }
            "tr" => {
                self.fresh_line();
                self.push("|");
                self.cells = 1;
            }
            "td" | "th" => self.current.push(' '),
            "ac:structured-macro" => self.paragraph(),
            "ac:parameter" => self.links.push(format!("\0{}", attributes.get("ac:name").map_or("", String::as_str))),
            name if name.starts_with("ac:") || name.starts_with("ri:") => {}
            name if BLOCKS.contains(&name) => {
                // Inside an item or a cell a block is part of its line.
                if self.lists.is_empty() && self.cells == 0 {
                    self.paragraph();
                }
            }
            name => return LOOKS.contains(&name),
        }
        let is_block = BLOCKS.contains(&name) || ["li", "td", "th", "ul", "ol", "tr"].contains(&name);
        if is_block && ends_later {
            self.open.push(name.to_owned());
        }
        true
    }

    fn end(&mut self, name: &str) -> bool {
        if let Some(idx) = self.open.iter().rposition(|open| open == name) {
            self.open.truncate(idx);
        }
        match name {
            "strong" | "b" | "em" | "i" if self.is_code => {}
            "strong" | "b" => self.push_end("**"),
            "em" | "i" => self.push_end("*"),
            "code" | "kbd" | "tt" | "samp" if !self.is_code => self.push_end("`"),
            "code" | "kbd" | "tt" | "samp" => {}
            "pre" | "ac:plain-text-body" => {
                self.fresh_line();
                self.is_code = false;
                self.push(FENCE);
                self.paragraph();
            }
            "a" => {
                let href = self.links.pop().unwrap_or_default();
                self.push_end(&format!("]({href})"));
            }
            "ac:parameter" => {
                // What a macro is told is no text of the page.
                let name = self.links.pop().unwrap_or_default();
                let value = std::mem::take(&mut self.current).trim().to_owned();
                if name == "\0language" {
                    self.language = value;
                }
            }
            "td" | "th" => {
                self.push_end(" |");
                self.cells += 1;
            }
            "tr" => {
                let n_cells = std::mem::take(&mut self.cells).saturating_sub(1);
                self.fresh_line();
                let is_first = self.lines.len() < 2 || !self.lines[self.lines.len() - 2].1.starts_with('|');
                if is_first {
                    self.push(&format!("|{}", " --- |".repeat(n_cells)));
                    self.fresh_line();
                }
            }
            "ul" | "ol" => {
                self.lists.pop();
                if self.lists.is_empty() { self.paragraph() } else { self.fresh_line() }
            }
            "li" => self.fresh_line(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "ac:structured-macro" => self.paragraph(),
            name if BLOCKS.contains(&name) => {
                if self.lists.is_empty() && self.cells == 0 {
                    self.paragraph();
                }
            }
            name => return LOOKS.contains(&name) || name.starts_with("ac:") || name.starts_with("ri:"),
        }
        true
    }

    /// Takes in one character of text and returns its length.
    fn character(&mut self, rest: &str) -> usize {
        let c = rest.chars().next().expect("there is text left");
        match c {
            '\n' if self.is_code => self.end_line(),
            '\n' if !self.open.is_empty() && self.fence.is_none() => self.push_text(" ", false),
            '\n' => {
                self.toggle_fence();
                self.is_inline_code = false;
                self.end_line();
            }
            '\r' => {}
            '`' if !self.is_code && self.fence.is_none() && !self.current.trim_start().starts_with("```") => {
                // Only what is closed on its line is code.
                let closes = rest[1..].lines().next().is_some_and(|line| line.contains('`'));
                if (self.is_inline_code || closes) && !rest.starts_with("``") {
                    self.is_inline_code = !self.is_inline_code;
                }
                self.push("`");
            }
            c => self.push_text(c.encode_utf8(&mut [0; 4]), false),
        }
        c.len_utf8()
    }

    /// Opens or closes a fence of Markdown with the line that ends here.
    fn toggle_fence(&mut self) {
        let line = self.current.trim();
        let mark: String = line.chars().take_while(|c| line.starts_with(*c)).collect();
        let is_mark = mark.len() >= 3 && (mark.starts_with('`') || mark.starts_with('~'));
        match &self.fence {
            Some(open) if is_mark && mark.starts_with(open.as_str()) && mark == line => self.fence = None,
            None if is_mark && !line[mark.len()..].contains('`') => self.fence = Some(mark),
            Some(_) | None => {}
        }
    }

    fn push_text(&mut self, text: &str, was_entity: bool) {
        if self.is_code {
            return self.push(text);
        }
        let is_space = text == " " || text == "\u{a0}";
        let is_collapsing = !self.open.is_empty() && (self.current.is_empty() || self.current.ends_with(' '));
        if is_space && is_collapsing {
            return;
        }
        match text {
            // Written out, it must not become a tag again.
            "<" if was_entity && self.current.matches('`').count().is_multiple_of(2) => self.push("\\<"),
            "\u{a0}" => self.push(" "),
            text => self.push(text),
        }
    }

    fn push(&mut self, text: &str) {
        if self.current.is_empty() {
            self.origin = self.line;
        }
        self.current.push_str(text);
    }

    /// Ends an emphasis or a cell; spaces before it move behind.
    fn push_end(&mut self, mark: &str) {
        let trimmed = self.current.trim_end_matches(' ').len();
        let spaces = self.current.split_off(trimmed);
        self.push(mark);
        if !mark.ends_with('|') {
            self.current.push_str(&spaces);
        }
    }

    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.current);
        let origin = if text.is_empty() { self.line } else { self.origin };
        let text = if self.is_code || self.fence.is_some() { text } else { without_openers(text.trim_end()) };
        self.lines.push((origin, text));
    }

    fn fresh_line(&mut self) {
        if !self.current.trim().is_empty() {
            self.end_line();
        }
        self.current.clear();
    }

    fn paragraph(&mut self) {
        self.fresh_line();
        if self.lines.last().is_some_and(|(_, text)| !text.is_empty()) {
            self.lines.push((self.line, String::new()));
        }
    }
}
