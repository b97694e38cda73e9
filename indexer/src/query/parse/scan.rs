//! The cursor: characters, operators, bare and quoted text, and where a term is a field.

use super::{Mistake, Parser};
use crate::query::Comparison;

impl Parser<'_> {
    /// Reads `name:` or `name>=` when the term is a field, and leaves everything where it was when not.
    ///
    /// `12:30:45` and `http://x` are text: a name starts with a letter, and no value starts with `//`.
    pub(super) fn field_name(&mut self) -> Option<(String, Comparison)> {
        let first = self.peek()?;
        if !(first.is_alphabetic() || first == '_' || first == '@') {
            return None;
        }
        let length = self.characters[self.at..]
            .iter()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '/'))
            .count();
        let after = self.at + length;
        let name: String = self.characters[self.at..after].iter().collect();
        let is_level = matches!(name.to_lowercase().as_str(), "level" | "severity");
        let next = |n: usize| self.characters.get(after + n).copied();
        let (comparison, width) = match (next(0)?, next(1)) {
            (':', Some('>')) if is_level => (
                if next(2) == Some('=') { Comparison::AtLeast } else { Comparison::Above },
                if next(2) == Some('=') { 3 } else { 2 },
            ),
            (':', _) => (Comparison::Is, 1),
            ('>', Some('=')) if is_level => (Comparison::AtLeast, 2),
            ('<', Some('=')) if is_level => (Comparison::AtMost, 2),
            ('>', _) if is_level => (Comparison::Above, 1),
            ('<', _) if is_level => (Comparison::Below, 1),
            ('=', _) if is_level => (Comparison::Is, 1),
            _ => return None,
        };
        let known = matches!(
            name.to_lowercase().as_str(),
            "service"
                | "host"
                | "environment"
                | "env"
                | "version"
                | "trace"
                | "span"
                | "level"
                | "severity"
                | "template"
                | "id"
                | "last"
        );
        let value = self.characters.get(after + width).copied();
        let is_text = match value {
            None => !known,
            Some(c) => {
                (c.is_whitespace() || matches!(c, ':' | ')')) && !known
                    || (c == '/' && self.characters.get(after + width + 1) == Some(&'/'))
            }
        };
        if is_text {
            return None;
        }
        self.at = after + width;
        Some((name, comparison))
    }

    /// Everything to the next space, quote or outer parenthesis; a `*` at its end is cut off and told.
    pub(super) fn bare(&mut self) -> (String, bool) {
        let mut text = String::new();
        let mut open = 0;
        while let Some(c) = self.peek() {
            let ends = match c {
                '(' => {
                    open += 1;
                    text.is_empty()
                }
                ')' if open == 0 => true,
                ')' => {
                    open -= 1;
                    false
                }
                '"' => true,
                c => c.is_whitespace(),
            };
            if ends {
                break;
            }
            text.push(c);
            self.at += 1;
        }
        let prefix = text.ends_with('*');
        if prefix {
            text.pop();
        }
        (text, prefix)
    }

    pub(super) fn quoted(&mut self) -> Result<(String, bool), Mistake> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.mistake(start, "the quote is not closed", "Add `\"`")),
                Some('"') => break,
                Some('\\') if matches!(self.characters.get(self.at + 1), Some('"' | '\\')) => {
                    text.push(self.characters[self.at + 1]);
                    self.at += 2;
                }
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        let prefix = self.peek() == Some('*');
        if prefix {
            self.at += 1;
        }
        Ok((text, prefix))
    }

    pub(super) fn sees_operator(&self, operator: &str) -> bool {
        let length = operator.len();
        let spelled = self.characters[self.at..].iter().take(length).copied().eq(operator.chars());
        let next = self.characters.get(self.at + length);
        spelled && next.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
    }

    pub(super) fn eat_operator(&mut self, operator: &str) -> bool {
        self.skip_space();
        let sees = self.sees_operator(operator);
        if sees {
            self.at += operator.len();
        }
        sees
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    pub(super) fn mistake(&self, at: usize, what: &str, next: &str) -> Mistake {
        let character = at + 1;
        Mistake { query: self.text.to_owned(), character, what: format!("{what} at character {character}. {next}") }
    }
}
