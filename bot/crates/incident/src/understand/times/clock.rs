//! Times of day with their zones: `14:02:10 UTC`, `2pm`, `10:30 Europe/Berlin`, `noon`.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use super::duration::Parsed;
use crate::understand::tokens::{Role, Token};

#[derive(Clone, Debug)]
pub(in crate::understand) struct Clock {
    pub(super) time: civil::Time,
    /// The zone said beside it; the asker's otherwise.
    pub(super) zone: Option<TimeZone>,
}

/// A time of day with a mark of its own: a colon, `am`/`pm`, or a name. A bare number is none.
pub(super) fn clock(tokens: &[Token], i: usize) -> Parsed<Clock> {
    let word = free(tokens, i)?;
    let named = match word {
        "noon" | "midday" => Some(civil::time(12, 0, 0, 0)),
        "midnight" => Some(civil::Time::midnight()),
        _ => None,
    };
    if let Some(time) = named {
        return Some(with_zone(time, tokens, i + 1));
    }
    if let Some(hour) = bare_hour(word) {
        let mark = free(tokens, i + 1)?;
        let time = match mark {
            "am" | "a.m" | "pm" | "p.m" => twelve(hour, 0, 0, mark.starts_with('p'))?,
            "o'clock" | "oclock" | "uhr" => civil::Time::new(hour, 0, 0, 0).ok()?,
            _ => return None,
        };
        return Some(with_zone(time, tokens, i + 2));
    }
    let (body, half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(body), _) => (body, Some(false)),
        (_, Some(body)) => (body, Some(true)),
        _ => (word, None),
    };
    let (body, zone) = attached_zone(body);
    let mut next = i + 1;
    let half = half.or_else(|| match free(tokens, next) {
        Some("am" | "a.m") => Some(false),
        Some("pm" | "p.m") => Some(true),
        _ => None,
    });
    if half.is_some() && body == word {
        next += 1;
    }
    let (hour, minute, second, nanos) = digits(body, half.is_some())?;
    let time = match half {
        Some(afternoon) => twelve(hour, minute, second, afternoon)?,
        None => civil::Time::new(hour, minute, second, nanos).ok()?,
    };
    let next = next + usize::from(free(tokens, next) == Some("uhr"));
    match zone {
        Some(zone) => Some((Clock { time, zone: Some(zone) }, next)),
        None => Some(with_zone(time, tokens, next)),
    }
}

/// A bare hour where the words around it already say that it is a time: "at 3", "between 2 and 3 pm".
pub(super) fn bare(tokens: &[Token], i: usize) -> Parsed<i8> {
    Some((bare_hour(free(tokens, i)?)?, i + 1))
}

fn bare_hour(word: &str) -> Option<i8> {
    (word.len() <= 2).then(|| word.parse().ok()).flatten().filter(|hour| (0..=24).contains(hour))
}

pub(super) fn zone(tokens: &[Token], i: usize) -> Parsed<TimeZone> {
    let raw = tokens.get(i).filter(|token| token.role == Role::Free)?;
    if raw.lower == "local" {
        return Some((TimeZone::unknown(), i + 1 + usize::from(free(tokens, i + 1) == Some("time"))));
    }
    // Zone letters that are also English words ("met", "est") count only in capitals.
    let text = raw.raw.as_str();
    if follows_time(tokens, i)
        && let Some(zone) = city_zone(&raw.lower)
    {
        return Some((zone, i + 2));
    }
    let named = named_zone(text)?;
    Some((named, i + 1 + usize::from(free(tokens, i + 1) == Some("time"))))
}

fn with_zone(time: civil::Time, tokens: &[Token], i: usize) -> (Clock, usize) {
    match zone(tokens, i) {
        Some((zone, next)) if zone.is_unknown() => (Clock { time, zone: None }, next),
        Some((zone, next)) => (Clock { time, zone: Some(zone) }, next),
        None => (Clock { time, zone: None }, i),
    }
}

fn follows_time(tokens: &[Token], i: usize) -> bool {
    free(tokens, i + 1) == Some("time")
}

/// The zone of a city, as in `9:40 berlin time`.
fn city_zone(city: &str) -> Option<TimeZone> {
    let is_it =
        |name: &str| name.rsplit_once('/').is_some_and(|(_, last)| last.replace('_', " ").eq_ignore_ascii_case(city));
    let name = jiff::tz::db().available().map(|name| name.to_string()).find(|name| is_it(name))?;
    TimeZone::get(&name).ok()
}

/// `14:02Z`, `14:02+02:00`
fn attached_zone(body: &str) -> (&str, Option<TimeZone>) {
    if let Some(bare) = body.strip_suffix('z') {
        return (bare, Some(TimeZone::UTC));
    }
    match body.find(['+', '-']) {
        Some(at) if at > 0 => match offset(&body[at..]) {
            Some(zone) => (&body[..at], Some(zone)),
            None => (body, None),
        },
        _ => (body, None),
    }
}

fn named_zone(text: &str) -> Option<TimeZone> {
    let hours = |hours| Some(TimeZone::fixed(Offset::constant(hours)));
    let region = |name| TimeZone::get(name).ok();
    match text {
        "UTC" | "GMT" | "utc" | "gmt" | "Z" | "Zulu" => return Some(TimeZone::UTC),
        // Where people say the winter name all year, the region is meant.
        "CET" | "CEST" | "cet" | "cest" | "MEZ" | "MESZ" => return region("Europe/Berlin"),
        "BST" | "bst" => return region("Europe/London"),
        "PT" | "PST" | "PDT" | "pst" | "pdt" => return region("America/Los_Angeles"),
        "MT" | "MST" | "MDT" => return region("America/Denver"),
        "CT" | "CST" | "CDT" => return region("America/Chicago"),
        "ET" | "EST" | "EDT" | "edt" => return region("America/New_York"),
        "IST" => return region("Asia/Kolkata"),
        "JST" | "jst" => return hours(9),
        "SGT" => return hours(8),
        "AEST" | "AEDT" => return region("Australia/Sydney"),
        _ => {}
    }
    if let Some(rest) = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")) {
        return offset(rest);
    }
    if text.starts_with(['+', '-']) {
        return offset(text);
    }
    if text.contains('/') {
        return TimeZone::get(text).ok();
    }
    None
}

/// `+2`, `+02`, `+0200`, `+02:00`
fn offset(text: &str) -> Option<TimeZone> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    (hours <= 14 && minutes < 60)
        .then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok())
        .flatten()
        .map(TimeZone::fixed)
}

/// Hours, minutes, seconds and nanoseconds of `14:02`, `14:02:10.5`, `14h30`, or `2` where `am`/`pm` follows.
fn digits(body: &str, has_half: bool) -> Option<(i8, i8, i8, i32)> {
    let body = body.replace('h', ":");
    let body = if has_half { body.replace('.', ":") } else { body };
    let (body, fraction) = body.split_once(['.', ',']).unwrap_or((&body, ""));
    let parts: Vec<&str> = body.split(':').collect();
    let two = |part: &str| -> Option<i8> {
        ((1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    let (hour, minute, second) = match parts.as_slice() {
        [hour] if has_half => (two(hour)?, 0, 0),
        [hour, minute] if minute.len() == 2 => (two(hour)?, two(minute)?, 0),
        [hour, minute, second] if minute.len() == 2 && second.len() == 2 => (two(hour)?, two(minute)?, two(second)?),
        _ => return None,
    };
    let nanos = match fraction.len() {
        0 => 0,
        1..=9 => format!("{fraction:0<9}").parse().ok()?,
        _ => return None,
    };
    Some((hour, minute, second, nanos))
}

pub(super) fn twelve(hour: i8, minute: i8, second: i8, afternoon: bool) -> Option<civil::Time> {
    if !(1..=12).contains(&hour) {
        return civil::Time::new(hour, minute, second, 0).ok().filter(|_| afternoon && hour > 12);
    }
    civil::Time::new(hour % 12 + if afternoon { 12 } else { 0 }, minute, second, 0).ok()
}

fn free(tokens: &[Token], i: usize) -> Option<&str> {
    tokens.get(i).filter(|token| token.role == Role::Free).map(|token| token.lower.as_str())
}
