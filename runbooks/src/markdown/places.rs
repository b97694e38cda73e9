//! Where things stand: from bytes to lines and columns, and from a piece of YAML back to the file around it.
//! Columns count characters from 1; a tab is one.

/// The lines of a file.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Lines<'t> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    /// The line that byte `at` is in, from 1.
    pub(crate) fn line_at(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Line and column of byte `at`, from 1.
    pub(crate) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line_at(at);
        let before = self.text.get(self.starts[line - 1]..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The byte at a line and column; the end of the line when it is shorter.
    fn byte(&self, (line, column): (usize, usize)) -> usize {
        let Some(start) = self.starts.get(line.saturating_sub(1)) else { return self.text.len() };
        let written = self.line(line);
        let within = written.char_indices().nth(column.saturating_sub(1)).map_or(written.len(), |(at, _)| at);
        start + within
    }

    /// A line as it is written, without its end.
    fn line(&self, line: usize) -> &'t str {
        let Some(start) = line.checked_sub(1).and_then(|idx| self.starts.get(idx)) else { return "" };
        self.text[*start..].lines().next().unwrap_or_default()
    }
}

/// A piece of YAML inside a file, which may be indented there.
#[derive(Default)]
pub(super) struct Piece {
    pub(super) yaml: String,
    /// For each run of text: where it begins in `yaml`, and in the file.
    runs: Vec<(usize, usize)>,
    /// Where the piece begins in the file: the fence, or the line above the front matter.
    start: usize,
}

impl Piece {
    pub(super) fn starting_at(start: usize) -> Piece {
        Piece { start, ..Piece::default() }
    }

    pub(super) fn push(&mut self, text: &str, at: usize) {
        self.runs.push((self.yaml.len(), at));
        self.yaml.push_str(text);
    }

    /// The line of the file on which the YAML begins.
    pub(super) fn line(&self, lines: &Lines<'_>) -> usize {
        lines.line_at(self.start) + 1
    }

    /// Where a line and column of the YAML stand in the file.
    pub(super) fn in_file(&self, place: (usize, usize), lines: &Lines<'_>) -> (usize, usize) {
        let at = Lines::of(&self.yaml).byte(place);
        let idx = self.runs.partition_point(|(begins, _)| *begins <= at);
        match idx.checked_sub(1).and_then(|idx| self.runs.get(idx)) {
            Some((begins, in_file)) => lines.place(in_file + (at - begins)),
            None => (self.line(lines), 1),
        }
    }
}
