//! A hand-written descent over characters: `or := and (OR and)*`, `and := not ([AND] not)*`, `not := (- | NOT) not | atom`.
//! A person pastes log text as often as they write a query, so whatever is not syntax is the phrase of its words.

use super::{Mistake, Query};

mod fields;
mod scan;

const MAX_CHARACTERS: usize = 10_000;
const MAX_DEPTH: usize = 50;

type Parsed = Result<Query, Mistake>;

pub(super) fn parse(text: &str) -> Parsed {
    let characters: Vec<char> = text.chars().collect();
    let mut parser = Parser { text, characters, at: 0, depth: 0 };
    if parser.characters.len() > MAX_CHARACTERS {
        let what = format!("longer than {MAX_CHARACTERS} characters at character {}. Shorten it", MAX_CHARACTERS + 1);
        let query = parser.characters.iter().take(60).chain(['…'].iter()).collect();
        return Err(Mistake { query, character: MAX_CHARACTERS + 1, what });
    }
    parser.skip_space();
    if parser.peek().is_none() {
        return Ok(Query::All);
    }
    let query = parser.or()?;
    match parser.peek() {
        None => Ok(query),
        Some(_) => Err(parser.mistake(parser.at, "`)` closes nothing", "Remove it, or open it with `(`")),
    }
}

struct Parser<'t> {
    text: &'t str,
    characters: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Parsed {
        let mut any = vec![self.and()?];
        while self.eat_operator("OR") {
            any.push(self.and()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Query::Or(any) })
    }

    fn and(&mut self) -> Parsed {
        let mut all = vec![self.not()?];
        loop {
            self.skip_space();
            if self.eat_operator("AND") {
                all.push(self.not()?);
                continue;
            }
            match self.peek() {
                None | Some(')') => break,
                Some(_) if self.sees_operator("OR") => break,
                Some(_) => all.push(self.not()?),
            }
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Query::And(all) })
    }

    fn not(&mut self) -> Parsed {
        self.skip_space();
        let start = self.at;
        let dash =
            self.peek() == Some('-') && self.characters.get(self.at + 1).is_some_and(|next| !next.is_whitespace());
        if !dash && !self.sees_operator("NOT") {
            return self.atom();
        }
        self.at += if dash { 1 } else { 3 };
        self.deeper(start)?;
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Query::Not(Box::new(inner)))
    }

    fn atom(&mut self) -> Parsed {
        self.skip_space();
        let start = self.at;
        for operator in ["AND", "OR"] {
            if self.sees_operator(operator) {
                return Err(self.mistake(
                    start,
                    &format!("`{operator}` needs something before it"),
                    "Quote it to search for the word",
                ));
            }
        }
        match self.peek() {
            None => Err(self.mistake(start, "something is missing", "Write a word, a phrase or a field")),
            Some(')') => Err(self.mistake(start, "nothing stands before `)`", "Write a word between the parentheses")),
            Some('(') => {
                self.at += 1;
                self.deeper(start)?;
                let inner = self.or()?;
                self.depth -= 1;
                self.skip_space();
                if self.peek() != Some(')') {
                    return Err(self.mistake(start, "`(` is not closed", "Add `)`"));
                }
                self.at += 1;
                Ok(inner)
            }
            Some('"') => {
                let (phrase, prefix) = self.quoted()?;
                self.words_of(start, &phrase, prefix).map(|(words, prefix)| Query::Phrase { words, prefix })
            }
            Some(_) => self.term(),
        }
    }

    /// `word`, `prefix*`, `key:value`, `key:"a value"`, `level>=warn`.
    fn term(&mut self) -> Parsed {
        let start = self.at;
        if let Some((name, comparison)) = self.field_name() {
            let value_at = self.at;
            let (value, prefix) = if self.peek() == Some('"') { self.quoted()? } else { self.bare() };
            return self.field(&name, comparison, &value, prefix, start, value_at);
        }
        let (text, prefix) = self.bare();
        if text.is_empty() && prefix {
            return Ok(Query::All);
        }
        self.words_of(start, &text, prefix).map(|(words, prefix)| Query::Phrase { words, prefix })
    }

    fn deeper(&mut self, start: usize) -> Result<(), Mistake> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.mistake(start, "nested too deeply", "Use fewer parentheses"));
        }
        Ok(())
    }
}
