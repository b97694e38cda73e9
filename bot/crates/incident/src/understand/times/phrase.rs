//! The time phrases of a question, before any of them is placed on the calendar.

use evidence::Time;
use jiff::SignedDuration;
use jiff::civil;

use super::clock::{self, Clock};
use super::day::{self, Day, Part};
use super::duration;
use super::unreadable::unreadable;
use crate::understand::Error;
use crate::understand::tokens::{Role, Token};

#[derive(Clone, Debug)]
pub(in crate::understand) enum Phrase {
    Last(SignedDuration),
    Since(Point),
    /// The hour before it.
    Before(Point),
    Between(Point, Point),
    Around(Point),
    Of(Day, Part),
    /// Days of the calendar week: how many weeks back.
    Week(i64),
    SinceChange,
    AroundChange,
    /// "since it began": needs the conversation.
    SinceOnset,
    /// "and before that?"
    BeforeThat,
}

#[derive(Clone, Debug)]
pub(in crate::understand) enum Point {
    Ago(SignedDuration),
    At { day: Option<Day>, clock: Clock },
    Of(Day, Part),
    Instant(Time),
    Now,
}

/// The time phrases of one question.
#[derive(Clone, Debug, Default)]
pub(in crate::understand) struct Phrases {
    pub(in crate::understand) window: Option<Phrase>,
    /// What the window is to be compared with: "than yesterday".
    pub(in crate::understand) baseline: Option<Phrase>,
}

/// Takes the time phrases out of the tokens.
///
/// # Errors
///
/// What looks like a time and is none: `25:99`, or a year alone. Passed over, it would be answered for another time.
pub(in crate::understand) fn take(tokens: &mut [Token]) -> Result<Phrases, Error> {
    let baseline = compared(tokens);
    let window = first(tokens);
    for i in 0..tokens.len() {
        if let Some(text) = unreadable(tokens, i) {
            return Err(Error::NotATime { text });
        }
    }
    Ok(Phrases { window, baseline })
}

/// Takes the first time phrase.
fn first(tokens: &mut [Token]) -> Option<Phrase> {
    // Phrases with a leading word ("since", "between") come before bare times anywhere in the sentence.
    for reader in [led as fn(&[Token], usize) -> Option<(Phrase, usize)>, bare] {
        for i in 0..tokens.len() {
            if let Some((phrase, end)) = reader(tokens, i) {
                // "since the checkout deploy" still names checkout.
                let names_service = matches!(phrase, Phrase::SinceChange | Phrase::AroundChange);
                for (at, token) in tokens.iter_mut().enumerate().take(end).skip(i) {
                    if !names_service || at == i || at + 1 == end {
                        token.role = Role::Time;
                    }
                }
                return Some(phrase);
            }
        }
    }
    None
}

/// Takes the time phrase that the rest is to be compared with: "than yesterday", "compare today with last week".
fn compared(tokens: &mut [Token]) -> Option<Phrase> {
    let is_comparing = tokens.iter().any(|token| token.is_any(&["compare", "compared", "compares", "comparing"]));
    let joins = |token: &Token| {
        token.is_any(&["than", "versus", "vs", "against"]) || (is_comparing && token.is_any(&["with", "to"]))
    };
    let (i, (phrase, end)) = tokens.iter().enumerate().filter(|(_, token)| joins(token)).find_map(|(i, _)| {
        let start = i + 1 + usize::from(follows(tokens, i, &["the", "on"]));
        Some((i, led(tokens, start).or_else(|| bare(tokens, start))?))
    })?;
    tokens[i..end].iter_mut().for_each(|token| token.role = Role::Time);
    Some(phrase)
}

fn led(tokens: &[Token], i: usize) -> Option<(Phrase, usize)> {
    let word = word(tokens, i)?;
    match word {
        "since" | "after" | "seit" | "depuis" | "desde" | "starting" | "as"
            if word != "as" || follows(tokens, i, &["of"]) =>
        {
            let start = i + 1 + usize::from(follows(tokens, i, &["of", "at", "from", "about", "around"]));
            since(tokens, start)
        }
        "between" | "from" | "zwischen" | "von" | "entre" | "de" => between(tokens, i + 1),
        // "yesterday at 3" and "the day before yesterday" are read as one by their first word.
        "around" | "about" | "near" | "at" | "by" | "before" if day_ends_at(tokens, i) => None,
        "before" | "until" | "till" | "prior" | "vor" => before(tokens, i),
        "around" | "about" | "near" | "circa" | "approximately" | "roughly" | "um" | "gegen" | "vers" | "@" => {
            let (at, next) = point(tokens, i + 1 + usize::from(follows(tokens, i, &["at"])), true)?;
            Some((around(at), next))
        }
        "at" | "by" => {
            let skip = usize::from(follows(tokens, i, &["around", "about"]));
            let (at, next) = point(tokens, i + 1 + skip, true)?;
            Some((around(at), next))
        }
        "last" | "past" | "previous" | "latest" | "recent" | "letzten" | "letzte" | "letzter" | "dernières"
        | "dernière" | "últimos" | "últimas" | "última" => {
            let found = duration::duration(tokens, i + 1).or_else(|| duration::bare_unit(tokens, i + 1));
            if word == "last" && follows(tokens, i, &["week"]) {
                return Some((Phrase::Week(1), i + 2));
            }
            found.map(|(length, next)| (Phrase::Last(length), next))
        }
        "this" if follows(tokens, i, &["week"]) => Some((Phrase::Week(0), i + 2)),
        "this" if follows(tokens, i, &["hour"]) => Some((Phrase::Last(SignedDuration::from_hours(1)), i + 2)),
        "in" | "within" | "during" | "over" | "for" => {
            let next = i + 1 + usize::from(follows(tokens, i, &["the"]));
            let (length, end) = duration::duration(tokens, next)?;
            // "in 5 minutes" is about the future, "for 20 minutes" about now.
            (word != "in" || end >= tokens.len() || !tokens[end].is("from")).then_some((Phrase::Last(length), end))
        }
        _ => None,
    }
}

fn since(tokens: &[Token], start: usize) -> Option<(Phrase, usize)> {
    if let Some((at, next)) = point(tokens, start, true) {
        if word(tokens, next).is_some_and(is_to)
            && let Some((end, last)) = point(tokens, next + 1, true)
        {
            return Some((Phrase::Between(at, end), last));
        }
        return Some((Phrase::Since(at), next));
    }
    if let Some((length, next)) = duration::duration(tokens, start) {
        return Some((Phrase::Since(Point::Ago(length)), next));
    }
    if let Some(next) = change(tokens, start) {
        return Some((Phrase::SinceChange, next));
    }
    match (word(tokens, start)?, word(tokens, start + 1)) {
        ("it", Some("began" | "started" | "broke" | "happened")) => Some((Phrase::SinceOnset, start + 2)),
        ("then" | "that", _) => Some((Phrase::SinceOnset, start + 1)),
        _ => None,
    }
}

fn before(tokens: &[Token], i: usize) -> Option<(Phrase, usize)> {
    let start = i + 1 + usize::from(follows(tokens, i, &["to"]));
    if matches!(word(tokens, start), Some("that" | "then" | "this"))
        && word(tokens, start + 1).is_none_or(|next| !matches!(next, "deploy" | "release"))
    {
        return Some((Phrase::BeforeThat, start + 1));
    }
    let (at, next) = point(tokens, start, true)?;
    Some((Phrase::Before(at), next))
}

fn between(tokens: &[Token], start: usize) -> Option<(Phrase, usize)> {
    let start = start + usize::from(follows(tokens, start - 1, &["about", "around", "roughly"]));
    let (first, middle) = point(tokens, start, true).or_else(|| {
        clock::bare(tokens, start)
            .filter(|(_, next)| word(tokens, *next).is_some_and(is_to))
            .map(|(hour, next)| (bare_hour(hour), next))
    })?;
    if !word(tokens, middle).is_some_and(is_to) {
        return (tokens[start - 1].is_any(&["from", "von"])).then_some((Phrase::Since(first), middle));
    }
    let (mut second, end) = point(tokens, middle + 1, true).or_else(|| now(tokens, middle + 1))?;
    let mut first = first;
    inherit(&mut first, &mut second, clock::bare(tokens, start).is_some_and(|(_, next)| next == middle));
    Some((Phrase::Between(first, second), end))
}

/// "from 2 to 3 pm" means two in the afternoon, "yesterday between 2pm and 3pm" both yesterday, "14:00 to 15:00 UTC" both UTC.
fn inherit(first: &mut Point, second: &mut Point, first_is_bare: bool) {
    let (Point::At { day: first_day, clock: first }, Point::At { day: second_day, clock: second }) = (first, second)
    else {
        return;
    };
    if second_day.is_none() {
        *second_day = *first_day;
    } else if first_day.is_none() {
        *first_day = *second_day;
    }
    first.zone = first.zone.take().or_else(|| second.zone.clone());
    second.zone = second.zone.take().or_else(|| first.zone.clone());
    if first_is_bare && second.time.hour() >= 12 && first.time.hour() < 12 {
        let afternoon = clock::twelve(first.time.hour(), 0, 0, true);
        first.time = afternoon.filter(|time| *time < second.time).unwrap_or(first.time);
    }
}

fn bare_hour(hour: i8) -> Point {
    let time = civil::Time::new(hour % 24, 0, 0, 0).unwrap_or_default();
    Point::At { day: None, clock: Clock { time, zone: None } }
}

fn bare(tokens: &[Token], i: usize) -> Option<(Phrase, usize)> {
    if let Some((first, middle)) = point(tokens, i, false) {
        if word(tokens, middle).is_some_and(is_to)
            && let Some((mut second, end)) = point(tokens, middle + 1, true)
        {
            let mut first = first;
            inherit(&mut first, &mut second, false);
            return Some((Phrase::Between(first, second), end));
        }
        // "yesterday between 14:00 and 15:00" was read by its leading word; "yesterday" alone is the whole day.
        return Some((around(first), middle));
    }
    if let Some(next) = change(tokens, i).filter(|_| i > 0 && tokens[i - 1].is_any(&["with", "around", "at"])) {
        return Some((Phrase::AroundChange, next));
    }
    None
}

fn around(at: Point) -> Phrase {
    match at {
        Point::Of(day, part) => Phrase::Of(day, part),
        at => Phrase::Around(at),
    }
}

/// An instant or a day. `led` says that a word before it promised a time, which lets a bare hour count.
fn point(tokens: &[Token], i: usize, led: bool) -> Option<(Point, usize)> {
    if let Some(found) = instant(tokens, i) {
        return Some(found);
    }
    if let Some((length, next)) = duration::duration(tokens, i)
        && matches!(word(tokens, next), Some("ago" | "earlier" | "back"))
    {
        return Some((Point::Ago(length), next + 1));
    }
    // In German and French the word comes first: "vor 20 Minuten", "il y a 20 minutes".
    if let Some((found_day, next)) = day::day(tokens, i) {
        let at = next + usize::from(matches!(word(tokens, next), Some("at" | "around" | "about" | "um" | "à" | "@")));
        if let Some((clock, end)) = clock::clock(tokens, at) {
            return Some((Point::At { day: Some(found_day.0), clock }, end));
        }
        if at > next
            && let Some((hour, end)) = clock::bare(tokens, at)
        {
            let Point::At { clock, .. } = bare_hour(hour) else { return None };
            return Some((Point::At { day: Some(found_day.0), clock }, end));
        }
        return Some((Point::Of(found_day.0, found_day.1), next));
    }
    if let Some((clock, next)) = clock::clock(tokens, i) {
        return Some(match day::day(tokens, next) {
            Some(((day, Part::Whole), end)) => (Point::At { day: Some(day), clock }, end),
            _ => (Point::At { day: None, clock }, next),
        });
    }
    if led && let Some((hour, next)) = clock::bare(tokens, i) {
        let day_follows = day::day(tokens, next);
        let ends = next >= tokens.len() || tokens[i].ends_clause;
        if let Some(((day, Part::Whole), end)) = day_follows {
            let Point::At { clock, .. } = bare_hour(hour) else { return None };
            return Some((Point::At { day: Some(day), clock }, end));
        }
        return ends.then(|| (bare_hour(hour), next));
    }
    None
}

fn now(tokens: &[Token], i: usize) -> Option<(Point, usize)> {
    matches!(word(tokens, i), Some("now" | "present")).then_some((Point::Now, i + 1))
}

/// RFC 3339, or a date and a time joined by `T`, or by a space.
fn instant(tokens: &[Token], i: usize) -> Option<(Point, usize)> {
    let token = tokens.get(i).filter(|token| token.role == Role::Free)?;
    if let Ok(time) = token.raw.to_uppercase().parse::<Time>() {
        return Some((Point::Instant(time), i + 1));
    }
    let local: civil::DateTime = token.lower.contains('t').then(|| token.raw.to_uppercase().parse().ok()).flatten()?;
    let (zone, next) = match clock::zone(tokens, i + 1) {
        Some((zone, next)) => (Some(zone).filter(|zone| !zone.is_unknown()), next),
        None => (None, i + 1),
    };
    let day = Day::Date(local.date());
    Some((Point::At { day: Some(day), clock: Clock { time: local.time(), zone } }, next))
}

/// "the deploy", "the last release", "the rollout of v1.42".
fn change(tokens: &[Token], start: usize) -> Option<usize> {
    const CHANGES: [&str; 9] =
        ["deploy", "deployment", "deploys", "release", "rollout", "change", "upgrade", "update", "rollback"];
    // Up to three words may stand before it: "the last checkout deploy".
    let ahead = tokens.get(start..)?.iter().take(4);
    let n = ahead.clone().position(|token| token.is_any(&CHANGES))?;
    let clause_goes_on = ahead.take(n).all(|token| !token.ends_clause && !token.is_any(&["is", "was", "are", "and"]));
    clause_goes_on.then_some(start + n + 1)
}

fn day_ends_at(tokens: &[Token], i: usize) -> bool {
    let whole_day = (i.saturating_sub(4)..i).any(|start| day::day(tokens, start).is_some_and(|(_, end)| end == i));
    whole_day || (i > 0 && tokens[i - 1].is("day"))
}

fn is_to(word: &str) -> bool {
    matches!(word, "to" | "and" | "until" | "till" | "through" | "-" | "und" | "bis" | "et" | "à" | "y" | "a")
}

fn follows(tokens: &[Token], i: usize, words: &[&str]) -> bool {
    tokens.get(i + 1).is_some_and(|token| token.is_any(words))
}

pub(super) fn word(tokens: &[Token], i: usize) -> Option<&str> {
    tokens.get(i).filter(|token| token.role == Role::Free).map(|token| token.lower.as_str())
}
