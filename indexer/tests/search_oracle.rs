//! Random logs and random queries against a scan that shares neither tokenizer nor query tree with the engine.

use std::collections::BTreeMap;

use evidence::{Record, Redacted, Severity, SourcePosition, TemplateId, Time};
use indexer::stores::manifest::Clock;
use indexer::{Query, SearchOptions, Store, Writer};
use proptest::prelude::*;

const ALPHABET: &[&str] = &["a", "B", "ab", "a_1", "é", "É", "7", "ß", "x9"];
const BETWEEN: &[&str] = &[" ", "-", ".", "/", " = ", "→"];

#[derive(Clone, Debug)]
struct Line {
    text: String,
    user: Option<String>,
    level: u8,
}

/// A query both as typed and as the oracle understands it.
#[derive(Clone, Debug)]
enum Ask {
    Words(String),
    Prefix(String),
    User(String),
    AtLeast(u8),
    Not(Box<Ask>),
    And(Box<Ask>, Box<Ask>),
    Or(Box<Ask>, Box<Ask>),
}

/// Pads with separators, so that whole words can be compared as strings.
fn normal(text: &str) -> String {
    let mut out = String::from(" ");
    for c in text.chars() {
        if c == '_' || c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

impl Ask {
    fn typed(&self) -> String {
        match self {
            Ask::Words(text) => format!("\"{text}\""),
            Ask::Prefix(text) => format!("{text}*"),
            Ask::User(text) => format!("user:\"{text}\""),
            Ask::AtLeast(level) => format!("level>={}", Severity::from_u8(*level).unwrap()),
            Ask::Not(inner) => format!("-({})", inner.typed()),
            Ask::And(a, b) => format!("({}) ({})", a.typed(), b.typed()),
            Ask::Or(a, b) => format!("(({}) OR {})", a.typed(), b.typed()),
        }
    }

    fn holds(&self, line: &Line) -> bool {
        let anywhere = |wanted: &str| {
            let values = std::iter::once(&line.text).chain(&line.user);
            values.map(|value| normal(value)).any(|value| value.contains(wanted))
        };
        match self {
            Ask::Words(text) => anywhere(&normal(text)),
            Ask::Prefix(text) => anywhere(normal(text).trim_end_matches(' ')),
            Ask::User(text) => line.user.as_ref().is_some_and(|user| normal(user) == normal(text)),
            Ask::AtLeast(level) => line.level >= *level,
            Ask::Not(inner) => !inner.holds(line),
            Ask::And(a, b) => a.holds(line) && b.holds(line),
            Ask::Or(a, b) => a.holds(line) || b.holds(line),
        }
    }
}

fn text(most: usize) -> impl Strategy<Value = String> {
    let pieces = (0..ALPHABET.len(), 0..BETWEEN.len())
        .prop_map(|(word, between)| format!("{}{}", ALPHABET[word], BETWEEN[between]));
    proptest::collection::vec(pieces, 1..=most).prop_map(|pieces| pieces.concat())
}

fn line() -> impl Strategy<Value = Line> {
    (text(6), proptest::option::of(text(2)), 0..=6_u8).prop_map(|(text, user, level)| Line { text, user, level })
}

fn ask() -> impl Strategy<Value = Ask> {
    let leaf = prop_oneof![
        text(3).prop_map(Ask::Words),
        (0..ALPHABET.len()).prop_map(|word| Ask::Prefix(ALPHABET[word].to_owned())),
        text(2).prop_map(Ask::User),
        (1..=6_u8).prop_map(Ask::AtLeast),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Ask::Not(Box::new(inner))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Ask::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Ask::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn record(line: &Line, n: usize) -> Record {
    let user = line.user.clone().map(|user| ("user".to_owned(), Redacted::from_storage(user)));
    Record {
        time: Time(n as i64),
        severity: Severity::from_u8(line.level),
        service: "shop".to_owned(),
        host: None,
        environment: None,
        version: None,
        trace: None,
        span: None,
        text: Redacted::from_storage(line.text.clone()),
        fields: user.into_iter().collect::<BTreeMap<_, _>>(),
        source: SourcePosition::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_finds_what_a_scan_finds(
        lines in proptest::collection::vec(line(), 1..60),
        asks in proptest::collection::vec(ask(), 60),
        cut in 0..60_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path()).unwrap();
        writer.add_template(TemplateId(0), "<*>", "", &[]).unwrap();
        for (n, line) in lines.iter().enumerate() {
            writer.add(record(line, n), TemplateId(0), 0, Clock::Stated).unwrap();
            if n == cut {
                writer.commit().unwrap();
            }
        }
        writer.commit().unwrap();
        let store = writer.store().unwrap();
        for ask in asks {
            let typed = ask.typed();
            let query = Query::parse(&typed).unwrap();
            let options = SearchOptions { limit: 1_000, ..SearchOptions::at(Time(0)) };
            let mut found: Vec<u64> =
                store.search(&query, &options).unwrap().hits.iter().map(|hit| hit.id.0).collect();
            found.sort_unstable();
            let expected: Vec<u64> =
                (0..lines.len()).filter(|n| ask.holds(&lines[*n])).map(|n| n as u64).collect();
            prop_assert_eq!(found, expected, "query `{}`", typed);
        }
    }
}
