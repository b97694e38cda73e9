//! Days and parts of days: `yesterday`, `on Monday`, `29 Jan`, `last night`, `this morning`.

use jiff::civil::{self, Date, Weekday};

use super::duration::Parsed;
use crate::understand::tokens::{Role, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::understand) enum Day {
    /// This many days before the day of reference; after it when negative.
    Ago(i64),
    /// The latest such day that is not after the day of reference; strictly before it when "last" was said.
    Weekday(Weekday, bool),
    Date(Date),
    /// The latest such date that is not after the day of reference.
    OfYear(i8, i8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::understand) enum Part {
    Whole,
    Morning,
    Afternoon,
    Evening,
    /// From 20:00 the evening before to 06:00.
    Night,
}

impl Day {
    pub(super) fn date(self, reference: Date) -> Option<Date> {
        let back = |days: i64| reference.checked_sub(jiff::Span::new().try_days(days).ok()?).ok();
        match self {
            Day::Ago(days) => back(days),
            Day::Date(date) => Some(date),
            Day::Weekday(weekday, strictly_before) => {
                let days = i64::from(weekday.until(reference.weekday()));
                back(if days == 0 && strictly_before { 7 } else { days })
            }
            Day::OfYear(month, day) => {
                let this_year = Date::new(reference.year(), month, day).ok();
                let earlier = || Date::new(reference.year() - 1, month, day).ok();
                this_year.filter(|date| *date <= reference).or_else(earlier)
            }
        }
    }
}

impl Part {
    /// First and last hour; a negative hour lies on the day before.
    pub(super) fn hours(self) -> (i64, i64) {
        match self {
            Part::Whole => (0, 24),
            Part::Morning => (6, 12),
            Part::Afternoon => (12, 18),
            Part::Evening => (18, 24),
            Part::Night => (-4, 6),
        }
    }
}

/// A day, or a part of one.
pub(super) fn day(tokens: &[Token], i: usize) -> Parsed<(Day, Part)> {
    let i = i + usize::from(matches!(free(tokens, i), Some("on" | "the" | "am")));
    let word = free(tokens, i)?;
    let next_word = free(tokens, i + 1);
    let (day, next) = match (word, next_word) {
        ("last", Some("night")) => return Some(((Day::Ago(0), Part::Night), i + 2)),
        ("tonight", _) => return Some(((Day::Ago(0), Part::Evening), i + 1)),
        ("overnight", _) => return Some(((Day::Ago(0), Part::Night), i + 1)),
        ("this", Some(part)) => return part_of_day(part).map(|part| ((Day::Ago(0), part), i + 2)),
        ("day", Some("before")) if free(tokens, i + 2) == Some("yesterday") => (Day::Ago(2), i + 3),
        ("today" | "heute" | "hoy" | "aujourd'hui", _) => (Day::Ago(0), i + 1),
        ("yesterday" | "gestern" | "hier" | "ayer" | "yesterdays" | "yesteday", _) => (Day::Ago(1), i + 1),
        ("vorgestern", _) => (Day::Ago(2), i + 1),
        // Read so that it can be refused: unread, "tomorrow at 3pm" would be an answer about yesterday.
        ("tomorrow" | "morgen" | "demain", _) => (Day::Ago(-1), i + 1),
        ("last" | "past", Some(name)) => (Day::Weekday(weekday(name)?, true), i + 2),
        _ => match weekday(word) {
            Some(weekday) => (Day::Weekday(weekday, false), i + 1),
            None => date(tokens, i)?,
        },
    };
    let next = next + usize::from(free(tokens, next) == Some("in") && free(tokens, next + 1) == Some("the")) * 2;
    match free(tokens, next).and_then(part_of_day) {
        Some(part) => Some(((day, part), next + 1)),
        None => Some(((day, Part::Whole), next)),
    }
}

fn part_of_day(word: &str) -> Option<Part> {
    Some(match word {
        "morning" => Part::Morning,
        "afternoon" => Part::Afternoon,
        "evening" => Part::Evening,
        "night" => Part::Evening,
        _ => return None,
    })
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" | "montag" | "lundi" | "lunes" => Weekday::Monday,
        "tuesday" | "tue" | "tues" | "dienstag" | "mardi" | "martes" => Weekday::Tuesday,
        "wednesday" | "mittwoch" | "mercredi" | "wendesday" => Weekday::Wednesday,
        "thursday" | "thu" | "thurs" | "donnerstag" | "jeudi" | "jueves" => Weekday::Thursday,
        "friday" | "fri" | "freitag" | "vendredi" | "viernes" => Weekday::Friday,
        "saturday" | "samstag" | "samedi" => Weekday::Saturday,
        "sunday" | "sonntag" | "dimanche" | "domingo" => Weekday::Sunday,
        _ => return None,
    })
}

/// `2023-01-29`, `29.01.2023`, `29 Jan`, `January 29th 2023`, `Jan 29, 2023`.
fn date(tokens: &[Token], i: usize) -> Parsed<Day> {
    let word = free(tokens, i)?;
    if let Some(date) = numeric_date(word) {
        return Some((Day::Date(date), i + 1));
    }
    let second = free(tokens, i + 1)?;
    let (month, day, mut next) = if let Some(month) = month(word) {
        (month, ordinal(second)?, i + 2)
    } else {
        let day = ordinal(word)?;
        let skip = usize::from(second == "of");
        (month(free(tokens, i + 1 + skip)?)?, day, i + 2 + skip)
    };
    if let Some(year) = free(tokens, next).and_then(year) {
        next += 1;
        return Some((Day::Date(Date::new(year, month, day).ok()?), next));
    }
    // 29 February exists in some year only; any other month and day is checked here.
    civil::Date::new(2024, month, day).ok()?;
    Some((Day::OfYear(month, day), next))
}

pub(super) fn numeric_date(word: &str) -> Option<Date> {
    let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    if !parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let small = |text: &str| text.parse::<i8>().ok();
    if a.len() == 4 {
        return Date::new(year(a)?, small(b)?, small(c)?).ok();
    }
    if c.len() != 4 {
        return None;
    }
    // `29.01.2023` puts the day first; with slashes only the larger number can tell.
    let (first, second) = (small(a)?, small(b)?);
    let month_first = word.contains('/') && first <= 12;
    let (month, day) = if month_first { (first, second) } else { (second, first) };
    Date::new(year(c)?, month, day).ok()
}

fn ordinal(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &word[digits.len()..];
    let day: i8 = (digits.len() <= 2).then(|| digits.parse().ok()).flatten()?;
    (matches!(suffix, "" | "st" | "nd" | "rd" | "th") && (1..=31).contains(&day)).then_some(day)
}

fn year(word: &str) -> Option<i16> {
    (word.len() == 4).then(|| word.parse().ok()).flatten().filter(|year| (1970..2200).contains(year))
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = if word == "sept" { "sep" } else { word };
    let position = MONTHS.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(word)))?;
    i8::try_from(position + 1).ok()
}

fn free(tokens: &[Token], i: usize) -> Option<&str> {
    tokens.get(i).filter(|token| token.role == Role::Free).map(|token| token.lower.as_str())
}
