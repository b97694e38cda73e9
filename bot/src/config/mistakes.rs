//! Reads TOML and reports everything wrong at once: after each mistake the offending entry is set aside and reading goes on.

use std::fmt;
use std::ops::Range;

use runbooks::mistakes::{in_our_words, missing_key};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// One thing wrong in a file, with its line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Counted from 1; `0` when the file as a whole is meant.
    pub line: usize,
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { f.write_str(&self.text) } else { write!(f, "{}: {}", self.line, self.text) }
    }
}

/// More than this many mistakes help nobody.
const MOST: usize = 50;

/// A file, read as far as it could be.
pub struct Reading<T> {
    /// `None` only when nothing could be read.
    pub value: Option<T>,
    /// By line.
    pub mistakes: Vec<Mistake>,
    /// Paths of the entries that were mistakes.
    set_aside: Vec<Vec<String>>,
    /// Whether some of it is no TOML, so that what seems absent may stand there.
    is_broken: bool,
}

impl<T> Reading<T> {
    /// Whether a mistake was found at `path`, around it or in it: what it says now is not what was written.
    pub fn is_in_doubt(&self, text: &str, path: &[&str]) -> bool {
        let overlaps = |entry: &Vec<String>| entry.iter().zip(path).all(|(one, other)| one == other);
        self.set_aside.iter().any(overlaps) || (self.is_broken && !place_of_key(text, path).1)
    }
}

/// So that one missing key does not hide the mistakes around it.
const STAND_INS: [(&str, &str); 6] = [
    ("base_url", "http://stand-in"),
    ("path", "/stand-in"),
    ("service", "stand-in"),
    ("cluster", "stand-in"),
    ("namespace", "stand-in"),
    ("environment", "stand-in"),
];

/// Reads `text` as a `T`, with every mistake found on the way.
pub fn read<T: DeserializeOwned>(text: &str) -> Reading<T> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Mistake> = errors.iter().map(|error| syntax_mistake(text, error)).collect();
    // What the parser says further on in a broken line only confuses.
    mistakes.dedup_by_key(|mistake| mistake.line);
    let mut reading = Reading { value: None, mistakes, set_aside: Vec::new(), is_broken: !errors.is_empty() };
    while reading.mistakes.len() < MOST && reading.value.is_none() {
        match T::deserialize(Deserializer::from(document.clone())) {
            Ok(value) => reading.value = Some(value),
            Err(error) if !reading.go_on(text, document.get_mut(), &error) => break,
            Err(_) => {}
        }
    }
    reading.mistakes.sort();
    reading
}

impl<T> Reading<T> {
    /// Notes the mistake and mends `document` so that reading can go on; `false` when it cannot.
    fn go_on(&mut self, text: &str, document: &mut DeTable<'_>, error: &toml::de::Error) -> bool {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let line = if error.span().is_some() { line_of(text, span.start) } else { 0 };
        let mut path = innermost(document, &span);
        let name = path.join(".");
        if let Some(key) = missing_key(message) {
            path.push(key.to_owned());
            if !self.set_aside.contains(&path) {
                self.mistakes.push(Mistake { line, text: in_our_words(message, &name, None) });
            }
            let stand_in = STAND_INS.iter().find(|(name, _)| *name == key);
            let Some((table, (_, value))) = table_around(document, &path).zip(stand_in) else { return false };
            let value = Spanned::new(span.clone(), DeValue::String((*value).into()));
            return table.insert(Spanned::new(span, key.to_owned().into()), value).is_none();
        }
        let written = text.get(span).filter(|written| !written.trim().is_empty());
        let written = written.map(|value| format!("{name} = {value}"));
        // Where nothing was written, the parser put something in the place of what it could not read, and said so.
        if written.is_some() || !self.is_broken {
            self.mistakes.push(Mistake { line, text: in_our_words(message, &name, written.as_deref()) });
        }
        let Some((last, table)) = path.last().cloned().zip(table_around(document, &path)) else { return false };
        self.set_aside.push(path);
        table.remove(last.as_str()).is_some()
    }
}

/// The line, from 1, on which the key at `path` stands; the nearest enclosing table's line when the key is absent.
pub fn line_of_key(text: &str, path: &[&str]) -> usize {
    place_of_key(text, path).0
}

/// The line as [`line_of_key`] returns it, and whether the key itself stands there.
fn place_of_key(text: &str, path: &[&str]) -> (usize, bool) {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut line = 0;
    let mut table = document.get_ref();
    for (depth, name) in path.iter().enumerate() {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else { return (line, false) };
        line = line_of(text, key.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return (line, depth + 1 == path.len()),
        }
    }
    (line, true)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn syntax_mistake(text: &str, error: &toml::de::Error) -> Mistake {
    let line = error.span().map_or(0, |span| line_of(text, span.start));
    Mistake { line, text: format!("not valid TOML: {}", error.message().replace('\n', ", ")) }
}

/// The path of the smallest entry that covers `span`; empty when only the whole file does.
fn innermost(table: &DeTable<'_>, span: &Range<usize>) -> Vec<String> {
    let covers = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    for (key, value) in table {
        let inner = match value.get_ref() {
            DeValue::Table(inner) => innermost(inner, span),
            _ => Vec::new(),
        };
        if !inner.is_empty() || covers(key.span()) || covers(value.span()) {
            return std::iter::once(key.get_ref().to_string()).chain(inner).collect();
        }
    }
    Vec::new()
}

/// The table that the last key of `path` stands in.
fn table_around<'t, 'd>(document: &'t mut DeTable<'d>, path: &[String]) -> Option<&'t mut DeTable<'d>> {
    let (_, around) = path.split_last()?;
    around.iter().try_fold(document, |table, name| match table.get_mut(name.as_str())?.get_mut() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        port: u16,
        name: String,
        inner: Inner,
    }

    #[derive(Deserialize, Debug, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        quorum: u8,
    }

    fn check(text: &str, expected: &[&str]) {
        let mistakes = read::<Sample>(text).mistakes;
        let found: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "`{found}` does not contain `{expected}`");
        }
    }

    #[test]
    fn a_good_file_has_no_mistakes() {
        check("port = 80\nname = 'x'\n[inner]\nquorum = 2\n", &[]);
    }

    #[test]
    fn all_mistakes_are_reported_with_their_lines() {
        check(
            "port = 'eighty'\nnmae = 'x'\n[inner]\nquorum = -1\nquorun = 3\n[slak]\na = 1\n",
            &[
                "1: `port = 'eighty'`",
                "2: unknown key `nmae`",
                "4: `inner.quorum = -1`",
                "5: unknown key `quorun`",
                "6: unknown key `slak`",
            ],
        );
    }

    #[test]
    fn a_broken_line_does_not_hide_the_others() {
        let mistakes = read::<Sample>("port = = 3\nnmae = 1\n").mistakes;
        assert!(mistakes.len() >= 2, "{mistakes:?}");
    }

    #[test]
    fn lines_of_keys_are_found() {
        let text = "port = 1\n\n[inner]\nquorum = 0\n";
        assert_eq!(line_of_key(text, &["inner", "quorum"]), 4);
        assert_eq!(line_of_key(text, &["inner", "absent"]), 3);
    }
}
