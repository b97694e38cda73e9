//! The layouts themselves, told apart by their first bytes.

use std::ops::Range;

use evidence::Time;

use super::super::ParseContext;
use super::Civil;
use super::epoch::{epoch_at, epoch_number};
use super::scan::Scan;

/// How far into a line a timestamp may stand behind other words (`- 1117838570 …`, `nova-api.log 2017-05-16 …`).
const SEARCHED_BYTES: usize = 96;
const SEARCHED_WORDS: usize = 6;

/// The time a line starts with, and where it stands.
pub fn leading(text: &str, context: &ParseContext) -> Option<(Time, Range<usize>)> {
    let bytes = text.as_bytes();
    let start = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'[' | b'(' | b'<' | b'"'))?;
    if start > 8 {
        return None;
    }
    if let Some((civil, end)) = layout_at(bytes, start) {
        return Some((civil.resolve(context), start..end));
    }
    if let Some((time, end)) = epoch_at(bytes, start) {
        return Some((time, start..end));
    }
    behind_words(bytes, start, context)
}

/// A whole value that is a time: any layout, or a number of seconds, milli-, micro- or nanoseconds.
pub fn timestamp(text: &str, context: &ParseContext) -> Option<Time> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if let Some((civil, end)) = layout_at(bytes, 0).filter(|(_, end)| *end == bytes.len()) {
        debug_assert!(end <= bytes.len());
        return Some(civil.resolve(context));
    }
    let is_number = bytes.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+'));
    if is_number {
        return epoch_number(text);
    }
    let (civil, end) = layout_at(bytes, 0)?;
    // `[America/New_York]` and the like after an offset say nothing new.
    (bytes[end..].starts_with(b"[") || bytes[end..].starts_with(b" m=")).then(|| civil.resolve(context))
}

fn behind_words(bytes: &[u8], start: usize, context: &ParseContext) -> Option<(Time, Range<usize>)> {
    let end = bytes.len().min(start + SEARCHED_BYTES);
    let mut words = 0;
    for at in start + 1..end {
        let starts_word = bytes[at - 1] == b' ' && bytes[at].is_ascii_digit()
            || matches!(bytes[at - 1], b'[' | b'|') && bytes[at].is_ascii_digit();
        if bytes[at - 1] == b' ' {
            words += 1;
            if words > SEARCHED_WORDS {
                return None;
            }
        }
        if !starts_word {
            continue;
        }
        let date = numeric_date(bytes, at).or_else(|| day_month_name(bytes, at));
        if let Some((civil, end)) = date.filter(|(civil, _)| civil.is_valid()) {
            return Some((civil.resolve(context), at..end));
        }
        if let Some((time, end)) = epoch_at(bytes, at) {
            return Some((time, at..end));
        }
    }
    None
}

fn layout_at(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let first = *bytes.get(at)?;
    let found = if first.is_ascii_digit() {
        numeric_date(bytes, at)
            .or_else(|| day_month_name(bytes, at))
            .or_else(|| month_day_time(bytes, at))
            .or_else(|| time_only(bytes, at))
    } else if first.is_ascii_alphabetic() {
        glog(bytes, at).or_else(|| month_name(bytes, at))
    } else {
        None
    };
    found.filter(|(civil, _)| civil.is_valid())
}

/// Year first: `2024-01-02 15:04:05`, `2024/01/02`, `2005-06-03-15.42.50`, `20171223-22:15:29:606`, `081109 203615`.
fn numeric_date(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let n_digits = bytes[at..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    let mut scan = Scan::new(bytes, at);
    let (year, month, day) = match n_digits {
        4 => {
            let year = scan.digits(4)?;
            let separator = scan.any_of(b"-/.")?;
            let month = scan.small()?;
            scan.any_of(&[separator])?;
            (year, month, scan.small()?)
        }
        8 => (scan.digits(4)?, scan.digits(2)?, scan.digits(2)?),
        6 => (2000 + scan.digits(2)?, scan.digits(2)?, scan.digits(2)?),
        2 => return two_digit_date(bytes, at),
        _ => return None,
    };
    let separator = scan.any_of(b"T t_-:")?;
    scan.skip_spaces();
    let compact = scan.bytes[scan.at..].iter().take(7).take_while(|byte| byte.is_ascii_digit()).count() == 6;
    let micros_of_day = if compact && n_digits != 4 {
        let (hour, minute, second) = (scan.digits(2)?, scan.digits(2)?, scan.digits(2)?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        ((hour * 60 + minute) * 60 + second) * 1_000_000 + scan.fraction()
    } else if n_digits == 6 {
        return None;
    } else {
        let separators: &[u8] = if separator == b'-' { b":." } else { b":" };
        if n_digits == 8 { scan.loose_time_of_day(separators)? } else { scan.time_of_day(separators)? }
    };
    let offset = scan.zone();
    Some((Civil { year: Some(year), month_day: Some((month, day)), micros_of_day, offset }, scan.at))
}

/// `17/06/09 20:10:40` (year first) and `25/12/2023 10:11:12`, `12/25/2023 …` (year last).
fn two_digit_date(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut scan = Scan::new(bytes, at);
    let first = scan.digits(2)?;
    let separator = scan.any_of(b"/.-")?;
    let second = scan.digits(2)?;
    scan.any_of(&[separator])?;
    let (year, month, day) = match scan.digits(4) {
        Some(year) if second > 12 || (separator == b'/' && first <= 12) => (year, first, second),
        Some(year) => (year, second, first),
        None if separator == b'/' => (2000 + first, second, scan.digits(2)?),
        None => return None,
    };
    scan.any_of(b" T,-")?;
    scan.skip_spaces();
    let micros_of_day = scan.time_of_day(b":")?;
    let micros_of_day = half_day(&mut scan, micros_of_day);
    let offset = scan.zone();
    Some((Civil { year: Some(year), month_day: Some((month, day)), micros_of_day, offset }, scan.at))
}

/// `02/Jan/2006:15:04:05 -0700`, `02-Jan-2006 15:04:05.000`, `2 Jan 2006 15:04:05`.
fn day_month_name(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut scan = Scan::new(bytes, at);
    let day = scan.small()?;
    scan.any_of(b"/- ")?;
    let month = scan.month()?;
    scan.any_of(b"/- ")?;
    let year = scan.digits(4)?;
    scan.any_of(b": T")?;
    let micros_of_day = scan.time_of_day(b":")?;
    let offset = scan.zone();
    Some((Civil { year: Some(year), month_day: Some((month, day)), micros_of_day, offset }, scan.at))
}

/// Android's `03-17 16:13:38.811` and Proxifier's `10.30 16:49:06`.
fn month_day_time(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut scan = Scan::new(bytes, at);
    let month = scan.digits(2)?;
    scan.any_of(b"-./")?;
    let day = scan.digits(2)?;
    scan.any_of(b" ")?;
    let micros_of_day = scan.time_of_day(b":")?;
    Some((Civil { month_day: Some((month, day)), micros_of_day, ..Civil::default() }, scan.at))
}

fn time_only(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut scan = Scan::new(bytes, at);
    scan.digits(2)?;
    scan.at = at;
    let micros_of_day = scan.time_of_day(b":")?;
    if scan.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b':') {
        return None;
    }
    let offset = scan.zone();
    Some((Civil { micros_of_day, offset, ..Civil::default() }, scan.at))
}

/// `E0102 15:04:05.000000`, and absl's `I20240102 15:04:05.000000`.
fn glog(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut scan = Scan::new(bytes, at);
    scan.any_of(b"IWEFDV")?;
    let n_digits = bytes[scan.at..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    let year = match n_digits {
        4 => None,
        8 => Some(scan.digits(4)?),
        _ => return None,
    };
    let month_day = (scan.digits(2)?, scan.digits(2)?);
    scan.any_of(b" ")?;
    let micros_of_day = scan.time_of_day(b":")?;
    Some((Civil { year, month_day: Some(month_day), micros_of_day, offset: None }, scan.at))
}

/// `Jan  2 15:04:05`, `Sun Dec 04 04:47:44 2005`, `Jan 02, 2024 3:04:05 PM`, `Tue, 02 Jan 2024 15:04:05 GMT`.
fn month_name(bytes: &[u8], at: usize) -> Option<(Civil, usize)> {
    let mut scan = Scan::new(bytes, at);
    if scan.weekday().is_some() {
        let comma = scan.any_of(b",");
        (scan.skip_spaces() > 0).then_some(())?;
        if comma.is_some() || scan.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return day_month_name(bytes, scan.at);
        }
    }
    let month = scan.month()?;
    (scan.skip_spaces() > 0).then_some(())?;
    let day = scan.small()?;
    let comma = scan.any_of(b",");
    (scan.skip_spaces() > 0).then_some(())?;
    let mut year = None;
    let mut ahead = scan;
    if let Some(before) = ahead.digits(4).filter(|_| ahead.any_of(b" ,").is_some()) {
        ahead.skip_spaces();
        year = Some(before);
        scan = ahead;
    } else if comma.is_some() {
        return None;
    }
    let micros_of_day = scan.time_of_day(b":")?;
    let micros_of_day = half_day(&mut scan, micros_of_day);
    let mut offset = scan.zone();
    if year.is_none() {
        let mut ahead = scan;
        if ahead.skip_spaces() == 1
            && let Some(after) = ahead.digits(4).filter(|year| (1970..2200).contains(year))
            && ahead.peek().is_none_or(|byte| matches!(byte, b']' | b' ' | b')' | b',' | b':'))
        {
            year = Some(after);
            scan = ahead;
            offset = offset.or_else(|| scan.zone());
        }
    }
    Some((Civil { year, month_day: Some((month, day)), micros_of_day, offset }, scan.at))
}

fn half_day(scan: &mut Scan<'_>, micros_of_day: i64) -> i64 {
    const HALF: i64 = super::DAY_MICROS / 2;
    let rest = &scan.bytes[scan.at..];
    let afternoon = rest.starts_with(b" PM") || rest.starts_with(b" pm");
    let morning = rest.starts_with(b" AM") || rest.starts_with(b" am");
    if afternoon || morning {
        scan.at += 3;
    }
    match (afternoon, morning) {
        (true, _) if micros_of_day < HALF => micros_of_day + HALF,
        (_, true) if micros_of_day >= HALF => micros_of_day - HALF,
        _ => micros_of_day,
    }
}

/// The time of a BSD syslog line, which also comes with a year or in ISO form.
pub(in crate::formats) fn rfc3164(text: &str, context: &ParseContext) -> Option<(Time, usize)> {
    let bytes = text.as_bytes();
    let (civil, end) = match bytes.first()? {
        first if first.is_ascii_alphabetic() => month_name(bytes, 0)?,
        _ => numeric_date(bytes, 0)?,
    };
    civil.is_valid().then(|| (civil.resolve(context), end))
}

/// The `[02/Jan/2006:15:04:05 -0700]` of an access log, without its brackets.
pub(in crate::formats) fn apache_access(text: &str, context: &ParseContext) -> Option<Time> {
    let (civil, end) = day_month_name(text.as_bytes(), 0)?;
    (civil.is_valid() && end == text.len()).then(|| civil.resolve(context))
}
