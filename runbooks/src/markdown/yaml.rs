//! Reads YAML and reports everything wrong at once: after each mistake the entry is set aside and reading goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};
use serde_saphyr::{Location, Spanned};

use crate::mistakes::{below, first_known, in_our_words, missing_key, unknown_key};

/// So that one missing key does not hide the mistakes around it.
const STAND_INS: [(&str, &str); 4] =
    [("id", "stand-in"), ("title", "stand-in"), ("action", "manual"), ("type", "bool")];

/// More than this many mistakes in one piece help nobody.
const MOST: usize = 50;

/// Deeper than any runbook: what is read by recursion must end before the stack does.
const DEEPEST: usize = 64;

/// A piece of YAML, read as far as it could be.
pub(super) struct Reading<T> {
    pub(super) value: Option<T>,
    /// Line and column in the piece, from 1, and what is wrong there.
    pub(super) mistakes: Vec<(usize, usize, String)>,
    places: BTreeMap<String, (usize, usize)>,
    set_aside: BTreeSet<String>,
}

impl<T> Reading<T> {
    /// Where the entry at `path` stands; the nearest one around it when it was not written.
    pub(super) fn place(&self, path: &str) -> (usize, usize) {
        let around = |path: &str| path.rfind(['.', '[']).map(|end| path[..end].to_owned());
        let mut path = Some(path.to_owned());
        while let Some(name) = path {
            if let Some(place) = self.places.get(&name) {
                return *place;
            }
            path = around(&name);
        }
        (1, 1)
    }

    /// Whether something at `path` or in it was a mistake already.
    pub(super) fn is_in_doubt(&self, path: &str) -> bool {
        let is_in = |entry: &String| {
            entry.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.set_aside.iter().any(is_in)
    }
}

pub(super) fn read<T: DeserializeOwned>(yaml: &str) -> Reading<T> {
    let mut reading =
        Reading { value: None, mistakes: Vec::new(), places: BTreeMap::new(), set_aside: BTreeSet::new() };
    if let Some(line) = too_deep(yaml) {
        let text = format!("is nested more than {DEEPEST} deep; a runbook needs no more than a few");
        reading.mistakes.push((line, 1, text));
        return reading;
    }
    let tree = match serde_saphyr::from_str::<Node>(yaml) {
        Ok(tree) => tree,
        Err(error) => {
            let (line, column) = error.location().map_or((1, 1), place);
            reading.mistakes.push((line, column, format!("is not valid YAML: {}", sentence(&error))));
            return reading;
        }
    };
    let mut document = tree.value.into_json("", &mut reading.places);
    reading.value = serde_saphyr::from_str(yaml).ok();
    if document.is_null() {
        document = Json::Object(serde_json::Map::new());
    }
    while reading.value.is_none() && reading.mistakes.len() < MOST {
        match serde_path_to_error::deserialize::<_, T>(&document) {
            Ok(value) => reading.value = Some(value),
            Err(error) => {
                let message = error.inner().to_string();
                if !reading.go_on(&mut document, error.path(), &message) {
                    return reading;
                }
            }
        }
    }
    reading
}

impl<T> Reading<T> {
    /// Notes the mistake and mends `document` so that reading can go on; `false` when it cannot.
    fn go_on(&mut self, document: &mut Json, path: &Path, message: &str) -> bool {
        let mut steps: Vec<Step> = path.iter().filter_map(Step::of).collect();
        if let Some(key) = missing_key(message) {
            let around = written(&steps);
            let missing = below(&around, key);
            if !self.is_in_doubt(&missing) {
                self.note(&missing, in_our_words(message, &around, None));
            }
            let stand_in = STAND_INS.iter().find(|(name, _)| *name == key);
            let Some((Json::Object(table), (name, value))) = at(document, &steps).zip(stand_in) else {
                return false;
            };
            self.set_aside.insert(missing);
            return table.insert((*name).to_owned(), Json::from(*value)).is_none();
        }
        if let Some(key) = unknown_key(message)
            && !matches!(steps.last(), Some(Step::Key(last)) if last == key)
        {
            steps.push(Step::Key(key.to_owned()));
        }
        let name = written(&steps);
        let Some(value) = at(document, &steps) else {
            self.note(&name, in_our_words(message, &name, None));
            return false;
        };
        // What stands without quotes is text where text is wanted.
        if message.ends_with("expected a string") && (value.is_number() || value.is_boolean()) {
            *value = Json::from(value.to_string());
            return true;
        }
        let shown = match &*value {
            Json::String(text) => Some(format!("{name}: {text}")),
            Json::Bool(_) | Json::Number(_) => Some(format!("{name}: {value}")),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        };
        self.note(&name, in_our_words(message, &name, shown.as_deref()));
        self.set_aside.insert(name);
        set_aside(document, steps, first_known(message))
    }

    fn note(&mut self, path: &str, text: String) {
        let (line, column) = self.place(path);
        self.mistakes.push((line, column, text));
    }
}

/// The first line on which brackets or indentation are nested too deep, judged generously.
fn too_deep(yaml: &str) -> Option<usize> {
    let mut open = 0_usize;
    let is_deep = |line: &str| -> bool {
        let indent = line.chars().take_while(|c| [' ', '-', '?'].contains(c)).count();
        for c in line.chars() {
            match c {
                '[' | '{' => open += 1,
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > DEEPEST {
                return true;
            }
        }
        indent / 2 > DEEPEST
    };
    yaml.lines().position(is_deep).map(|idx| idx + 1)
}

/// The parser's sentence without the place, which is printed in front of it.
fn sentence(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    text.split(" at line ").next().unwrap_or(&text).replace('\n', " ")
}

fn place(location: Location) -> (usize, usize) {
    ((location.line() as usize).max(1), (location.column() as usize).max(1))
}

/// From a table or a list to what is in it.
enum Step {
    Key(String),
    Item(usize),
}

impl Step {
    fn of(segment: &Segment) -> Option<Step> {
        match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        }
    }
}

fn written(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |path, step| match step {
        Step::Key(key) => below(&path, key),
        Step::Item(index) => format!("{path}[{index}]"),
    })
}

fn at<'d>(document: &'d mut Json, steps: &[Step]) -> Option<&'d mut Json> {
    steps.iter().try_fold(document, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Item(index) => value.get_mut(index),
    })
}

/// Takes the entry out. An item of a list makes way for a good one, so that those behind it keep their numbers.
fn set_aside(document: &mut Json, mut steps: Vec<Step>, good: Option<String>) -> bool {
    if let (Some(Step::Item(_)), Some(good)) = (steps.last(), good) {
        return at(document, &steps).map(|item| *item = Json::from(good)).is_some();
    }
    while let Some(last) = steps.pop() {
        if let (Some(Json::Object(table)), Step::Key(key)) = (at(document, &steps), last) {
            return table.remove(&key).is_some();
        }
    }
    false
}

type Node = Spanned<Content>;

enum Content {
    Scalar(Json),
    List(Vec<Node>),
    Table(Vec<(Spanned<String>, Node)>),
}

impl Content {
    fn into_json(self, path: &str, places: &mut BTreeMap<String, (usize, usize)>) -> Json {
        match self {
            Content::Scalar(value) => value,
            Content::List(items) => {
                let item = |(index, item): (usize, Node)| {
                    let path = format!("{path}[{index}]");
                    places.insert(path.clone(), place(item.referenced));
                    item.value.into_json(&path, places)
                };
                items.into_iter().enumerate().map(item).collect()
            }
            Content::Table(entries) => {
                let entry = |(key, value): (Spanned<String>, Node)| {
                    let path = below(path, &key.value);
                    places.insert(path.clone(), place(key.referenced));
                    (key.value, value.value.into_json(&path, places))
                };
                Json::Object(entries.into_iter().map(entry).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Json::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Content::Table(entries))
    }
}
