//! Lays out toned text in columns of a fixed width, and paints it.
//! Width is what a terminal shows (wide characters count two), and tones are kept apart from text until the end,
//! so that wrapping never counts or cuts an escape sequence.

use unicode_width::UnicodeWidthChar;

use crate::inert;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Strong,
    Dim,
    Bad,
    Warn,
    Good,
    Link,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::Bad => "1;31",
            Tone::Warn => "33",
            Tone::Good => "32",
            Tone::Link => "36",
        }
    }
}

/// A piece of text in one tone.
///
/// Invariant: the text is inert and holds no line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    text: String,
    tone: Tone,
}

/// Returns the text as a span; whatever it holds, it can only be seen.
pub fn span(text: impl AsRef<str>, tone: Tone) -> Span {
    Span { text: inert(text.as_ref()).into_owned(), tone }
}

pub type Line = Vec<Span>;

/// Columns that a terminal uses for the text, character by character, which is how terminals count.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

pub fn line_width(line: &[Span]) -> usize {
    line.iter().map(|span| width(&span.text)).sum()
}

/// One column of a row.
pub struct Cell {
    pub content: Line,
    pub width: usize,
    pub right: bool,
}

/// Breaks spans into lines of at most `limit` columns, at spaces where there are any, else inside a word.
///
/// Returns at least one line. A single character wider than `limit` stands alone and is wider.
pub fn wrap(content: &[Span], limit: usize) -> Vec<Line> {
    let limit = limit.max(1);
    let mut lines: Vec<Line> = Vec::new();
    let mut line: Line = Vec::new();
    let mut used = 0;
    for word in words(content) {
        let word_width = line_width(&word);
        let gap = usize::from(!line.is_empty());
        if used + gap + word_width <= limit {
            if gap == 1 {
                push(&mut line, " ", word[0].tone);
            }
            for piece in &word {
                push(&mut line, &piece.text, piece.tone);
            }
            used += gap + word_width;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for piece in word {
            for c in piece.text.chars() {
                let char_width = c.width().unwrap_or(0);
                if used + char_width > limit && used > 0 {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                push(&mut line, c.encode_utf8(&mut [0; 4]), piece.tone);
                used += char_width;
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Lays cells side by side, two columns apart, each wrapped in its own width, after `indent` spaces.
pub fn row(indent: usize, cells: &[Cell]) -> Vec<Line> {
    let wrapped: Vec<Vec<Line>> = cells.iter().map(|cell| wrap(&cell.content, cell.width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines = Vec::with_capacity(height);
    for n in 0..height {
        let mut line: Line = Vec::new();
        let mut column = indent;
        let mut at = 0;
        for (cell, content) in cells.iter().zip(&wrapped) {
            if let Some(content) = content.get(n).filter(|content| !content.is_empty()) {
                let content_width = line_width(content);
                let start = if cell.right { column + cell.width.saturating_sub(content_width) } else { column };
                push(&mut line, &" ".repeat(start.saturating_sub(at)), Tone::Plain);
                line.extend(content.iter().cloned());
                at = start + content_width;
            }
            column += cell.width + 2;
        }
        lines.push(line);
    }
    lines
}

/// Wraps a paragraph after `indent` spaces.
pub fn paragraph(indent: usize, content: &[Span], total: usize) -> Vec<Line> {
    row(indent, &[Cell { content: content.to_vec(), width: total.saturating_sub(indent).max(1), right: false }])
}

/// Returns the lines as text, each ended, with escape sequences only when `colour`.
pub fn paint(lines: &[Line], colour: bool) -> String {
    let mut text = String::new();
    for line in lines {
        let last = line.iter().rposition(|span| !span.text.trim_end().is_empty());
        for (n, span) in line.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let shown = if Some(n) == last { span.text.trim_end() } else { &span.text };
            let code = span.tone.code();
            if colour && !code.is_empty() && !shown.trim().is_empty() {
                text.push_str(&format!("\x1b[{code}m{shown}\x1b[0m"));
            } else {
                text.push_str(shown);
            }
        }
        text.push('\n');
    }
    text
}

/// Splits at spaces; spans that touch without a space between them stay one word, and so do a number and its `%` or `×`.
fn words(content: &[Span]) -> Vec<Line> {
    let mut words: Vec<Line> = Vec::new();
    let mut word: Line = Vec::new();
    for span in content {
        for (n, piece) in span.text.split(' ').enumerate() {
            if n > 0 && !word.is_empty() {
                if piece.starts_with(['%', '×']) {
                    push(&mut word, " ", span.tone);
                } else {
                    words.push(std::mem::take(&mut word));
                }
            }
            if !piece.is_empty() {
                word.push(Span { text: piece.to_owned(), tone: span.tone });
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn push(line: &mut Line, text: &str, tone: Tone) {
    match line.last_mut() {
        Some(last) if last.tone == tone => last.text.push_str(text),
        _ if text.is_empty() => {}
        _ => line.push(Span { text: text.to_owned(), tone }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, limit: usize, expected: &[&str]) {
        let lines = wrap(&[span(text, Tone::Plain)], limit);
        assert_eq!(paint(&lines, false).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn wraps_at_spaces_and_only_then_inside_words() {
        check("one two three", 7, &["one two", "three"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("日本語 ok", 4, &["日本", "語", "ok"]);
        check("", 4, &[""]);
    }

    #[test]
    fn cells_align() {
        let cell = |text: &str, width, right| Cell { content: vec![span(text, Tone::Plain)], width, right };
        let lines = row(2, &[cell("E1", 3, false), cell("a b", 2, false), cell("7", 4, true)]);
        assert_eq!(paint(&lines, false), "  E1   a      7\n       b\n");
    }

    #[test]
    fn colour_never_leaks_from_text() {
        let painted = paint(&[vec![span("\x1b[31mx", Tone::Strong)]], true);
        assert_eq!(painted, "\x1b[1m␛[31mx\x1b[0m\n");
    }
}
