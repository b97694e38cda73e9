//! Takes a sentence apart: clauses, and in each the names, quotes, identifiers and numbers that need support.

use std::sync::LazyLock;

use regex::Regex;

use super::Ground;

#[derive(Debug)]
pub(super) struct Said {
    /// Lower case, quotes blanked out.
    pub(super) text: String,
    pub(super) clauses: Vec<Clause>,
}

#[derive(Debug, Default)]
pub(super) struct Clause {
    /// Lower case, quotes blanked out.
    pub(super) text: String,
    /// Known services.
    pub(super) names: Vec<String>,
    pub(super) quotes: Vec<String>,
    /// Words with digits, dashes or dots inside: versions, hosts, ids, addresses.
    pub(super) identifiers: Vec<String>,
    pub(super) numbers: Vec<Number>,
}

#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) written: String,
    pub(super) value: Value,
    /// The word before and the word after, for numbers that come from a line's text.
    pub(super) neighbours: (String, String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// The number and its decimals.
    Count(f64, usize),
    Percent(f64, usize),
    Ratio(f64, usize),
    /// Seconds, and the seconds of its smallest unit.
    Duration(f64, f64),
    /// `HH:MM[:SS]` with the date, when it was said.
    Clock(Option<String>, String),
    Date(String),
}

static QUOTE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("“([^”]*)”|\"([^\"]*)\"|`([^`]*)`").expect("a constant pattern"));

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?P<date>\b\d{4}-\d{2}-\d{2})(?:[T\ ](?P<dclock>\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?Z?)?
        |(?P<clock>\b\d{1,2}:\d{2}(?::\d{2})?)\b
        |(?P<ident>[\p{L}_][\p{L}\p{N}_]*(?:[-./:@][\p{L}\p{N}_]+)+|[\p{L}_]+\p{N}[\p{L}\p{N}_]*(?:[-./:@][\p{L}\p{N}_]+)*|\d+\.\d+\.\d+(?:\.\d+)*)
        |(?P<num>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(?P<unit>%|percent\b|×|times\b|ms\b|s\b|secs?\b|seconds?\b|mins?\b|minutes?\b|hours?\b|h\b|days?\b)?
        ",
    )
    .expect("a constant pattern")
});

impl Said {
    pub(super) fn read(text: &str, ground: &Ground<'_>) -> Said {
        // Quotes first: what is inside is checked as a whole and must not be read as words of ours.
        let mut quotes = Vec::new();
        let blanked = QUOTE.replace_all(text, |found: &regex::Captures<'_>| {
            let inside = found.iter().skip(1).flatten().next().map_or("", |group| group.as_str());
            quotes.push(inside.to_owned());
            "\u{1}"
        });
        let mut clauses = Vec::new();
        let mut next_quote = quotes.into_iter();
        for part in split_clauses(&blanked) {
            let n_quotes = part.matches('\u{1}').count();
            let quotes: Vec<String> = next_quote.by_ref().take(n_quotes).collect();
            clauses.push(Clause::read(part, quotes, ground));
        }
        Said { text: blanked.to_lowercase(), clauses }
    }
}

/// A comma inside a number does not end a clause.
fn split_clauses(text: &str) -> Vec<&str> {
    static END: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[;,:](?:\s|$)| (?:while|whereas|but) ").expect("a constant pattern"));
    END.split(text).filter(|part| !part.trim().is_empty()).collect()
}

impl Clause {
    fn read(part: &str, quotes: Vec<String>, ground: &Ground<'_>) -> Clause {
        let mut clause = Clause { text: part.to_lowercase(), quotes, ..Clause::default() };
        let names = known_names(ground);
        clause.names = named_in(part, &names);
        // A quoted service is a name rather than a line.
        let is_name = |quote: &String| names.contains(quote);
        clause.names.extend(clause.quotes.iter().filter(|quote| is_name(quote)).cloned());
        clause.quotes.retain(|quote| !is_name(quote));
        // A name may look like a number or an identifier; it was looked at as a name.
        let mut unnamed = part.to_owned();
        let mut longest_first = clause.names.clone();
        longest_first.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in &longest_first {
            unnamed = unnamed.replace(name.as_str(), "\u{2}");
        }
        let part = unnamed.as_str();
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for found in TOKEN.captures_iter(part) {
            let whole = found.get(0).expect("group 0 is the match");
            if let Some(ident) = found.name("ident") {
                if !clause.names.iter().any(|name| name == ident.as_str()) && has_digit_or_mark(ident.as_str()) {
                    clause.identifiers.push(ident.as_str().to_owned());
                }
                continue;
            }
            let value = value_of(&found, &part[whole.end()..]);
            let neighbours = (word_before(&part[..whole.start()]), word_after(&part[whole.start()..]));
            let number = Number { written: whole.as_str().trim().to_owned(), value, neighbours };
            let adjacent = taken.last().is_some_and(|last| part[last.1..whole.start()].trim().is_empty());
            match (clause.numbers.last_mut(), &number.value) {
                // `2 h 30 min` is one length.
                (Some(Number { value: Value::Duration(total, unit), written, .. }), Value::Duration(more, smaller))
                    if adjacent && smaller < unit =>
                {
                    *total += more;
                    *unit = *smaller;
                    *written = format!("{written} {}", number.written);
                }
                _ => clause.numbers.push(number),
            }
            taken.push((whole.start(), whole.end()));
        }
        clause.numbers.extend(written_numbers(&clause.text));
        clause
    }
}

fn value_of(found: &regex::Captures<'_>, rest: &str) -> Value {
    if let Some(date) = found.name("date") {
        return match found.name("dclock") {
            Some(clock) => Value::Clock(Some(date.as_str().to_owned()), clock.as_str().to_owned()),
            None => Value::Date(date.as_str().to_owned()),
        };
    }
    if let Some(clock) = found.name("clock") {
        return Value::Clock(None, clock.as_str().to_owned());
    }
    let digits = found.name("num").map_or("", |number| number.as_str()).replace(',', "");
    let number: f64 = digits.parse().unwrap_or(f64::NAN);
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let duration = |unit: f64| Value::Duration(number * unit, unit / 10f64.powi(i32::try_from(decimals).unwrap_or(0)));
    let unit = found.name("unit").map_or("", |unit| unit.as_str());
    match unit {
        "%" | "percent" => Value::Percent(number, decimals),
        "×" | "times" if is_comparison(rest) => Value::Ratio(number, decimals),
        "s" | "sec" | "secs" | "second" | "seconds" => duration(1.0),
        "min" | "mins" | "minute" | "minutes" => duration(60.0),
        "h" | "hour" | "hours" => duration(3_600.0),
        "day" | "days" => duration(86_400.0),
        // Milliseconds are never ours to compute; they come from a line's text.
        _ => Value::Count(number, decimals),
    }
}

fn is_comparison(rest: &str) -> bool {
    let rest = rest.trim_start();
    ["usual", "the usual", "as ", "more", "its ", "higher", "the normal", "normal", "the baseline", "what "]
        .iter()
        .any(|word| rest.starts_with(word))
}

/// Numbers in words. "one" is left out: it is mostly not a number.
fn written_numbers(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let value = match word {
            "two" => Value::Count(2.0, 0),
            "three" => Value::Count(3.0, 0),
            "four" => Value::Count(4.0, 0),
            "five" => Value::Count(5.0, 0),
            "six" => Value::Count(6.0, 0),
            "seven" => Value::Count(7.0, 0),
            "eight" => Value::Count(8.0, 0),
            "nine" => Value::Count(9.0, 0),
            "ten" => Value::Count(10.0, 0),
            "eleven" => Value::Count(11.0, 0),
            "twelve" | "dozen" => Value::Count(12.0, 0),
            "twice" | "doubled" | "double" => Value::Ratio(2.0, 0),
            "tripled" | "triple" | "thrice" => Value::Ratio(3.0, 0),
            "half" => Value::Percent(50.0, 0),
            "quarter" => Value::Percent(25.0, 0),
            // Nobody can check "dozens".
            "dozens" | "hundreds" | "thousands" | "millions" => Value::Count(f64::NAN, 0),
            _ => continue,
        };
        found.push(Number { written: word.to_owned(), value, neighbours: (String::new(), String::new()) });
    }
    found
}

/// The known names in a text; `lis` is not named by `lis.parser`.
fn named_in(text: &str, names: &[String]) -> Vec<String> {
    let mut longest_first: Vec<&String> = names.iter().collect();
    longest_first.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut rest = text.to_owned();
    let mut found = Vec::new();
    for name in longest_first.into_iter().filter(|name| contains_word(text, name)) {
        if contains_word(&rest, name) {
            rest = rest.replace(name.as_str(), " ");
            found.push(name.clone());
        }
    }
    found
}

fn known_names(ground: &Ground<'_>) -> Vec<String> {
    let findings = ground.findings;
    let mut names: Vec<String> = ground.services.to_vec();
    names.extend(findings.evidence.iter().map(|e| e.service.clone()));
    names.extend(findings.changes.iter().map(|c| c.service.clone()));
    names.extend(findings.suspects.iter().map(|s| s.service.clone()));
    names.extend(findings.coverage.silent_services.iter().cloned());
    names.extend(findings.facts.reported.iter().map(|r| r.service.clone()));
    names.extend(findings.facts.spread.iter().map(|r| r.service.clone()));
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

/// Whole words only: `cart` is not in `cartel`, nor in `cart-db`.
pub(super) fn contains_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

fn has_digit_or_mark(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit() || matches!(c, '_' | '.' | '/' | '@' | ':'))
}

fn word_before(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric()).rfind(|word| !word.is_empty()).unwrap_or("").to_lowercase()
}

fn word_after(from_number: &str) -> String {
    let rest = from_number.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.'));
    rest.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("").to_lowercase()
}
