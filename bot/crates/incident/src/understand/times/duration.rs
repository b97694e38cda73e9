//! Lengths of time: `20 minutes`, `2h30m`, `half an hour`, `a couple of hours`.

use jiff::SignedDuration;

use crate::understand::tokens::{Role, Token};

pub(super) type Parsed<T> = Option<(T, usize)>;

/// A length that starts at token `i`, and the token after it.
pub(super) fn duration(tokens: &[Token], i: usize) -> Parsed<SignedDuration> {
    let (seconds, next) = seconds(tokens, i)?;
    Some((seconds_of(seconds)?, next))
}

/// Where a length ends that starts at token `i` and that no window has: `0 minutes`, `-5m`, `300 years`.
pub(super) fn impossible(tokens: &[Token], i: usize) -> Option<usize> {
    let (seconds, next) = seconds(tokens, i)?;
    seconds_of(seconds).is_none().then_some(next)
}

fn seconds(tokens: &[Token], i: usize) -> Parsed<f64> {
    let token = free(tokens, i)?;
    if let Some(seconds) = attached(token) {
        return Some((seconds, i + 1));
    }
    if token == "half" {
        let after = i + 1 + usize::from(free(tokens, i + 1).is_some_and(|word| matches!(word, "an" | "a")));
        return (unit(free(tokens, after)?)? == 3_600.0).then_some((1_800.0, after + 1));
    }
    let (number, next) = number(tokens, i)?;
    let next = next + usize::from(free(tokens, next).is_some_and(|word| word == "more"));
    Some((number * unit(free(tokens, next)?)?, next + 1))
}

/// A bare unit, as in "the last hour".
pub(super) fn bare_unit(tokens: &[Token], i: usize) -> Parsed<SignedDuration> {
    Some((seconds_of(unit(free(tokens, i)?)?)?, i + 1))
}

fn seconds_of(seconds: f64) -> Option<SignedDuration> {
    const TEN_YEARS: f64 = 10.0 * 366.0 * 86_400.0;
    (seconds > 0.0 && seconds <= TEN_YEARS).then(|| SignedDuration::from_secs_f64(seconds))
}

fn free(tokens: &[Token], i: usize) -> Option<&str> {
    tokens.get(i).filter(|token| token.role == Role::Free).map(|token| token.lower.as_str())
}

fn number(tokens: &[Token], i: usize) -> Parsed<f64> {
    let word = free(tokens, i)?;
    if word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) {
        return word.parse().ok().map(|number| (number, i + 1));
    }
    let written = match word {
        "a" | "an" if free(tokens, i + 1) == Some("couple") => return Some((2.0, skip_of(tokens, i + 2))),
        "a" if free(tokens, i + 1) == Some("few") => return Some((5.0, i + 2)),
        "a" | "an" | "one" | "eine" | "einer" | "une" | "una" => 1.0,
        "two" | "zwei" | "deux" | "dos" => 2.0,
        "three" | "drei" | "trois" | "tres" => 3.0,
        "four" => 4.0,
        "five" => 5.0,
        "six" => 6.0,
        "eight" => 8.0,
        "ten" | "zehn" | "dix" | "diez" => 10.0,
        "twelve" => 12.0,
        "fifteen" => 15.0,
        "twenty" => 20.0,
        "thirty" => 30.0,
        "forty" => 40.0,
        "sixty" => 60.0,
        "ninety" => 90.0,
        "couple" => return Some((2.0, skip_of(tokens, i + 1))),
        "few" | "several" => 5.0,
        _ => return None,
    };
    Some((written, i + 1))
}

fn skip_of(tokens: &[Token], i: usize) -> usize {
    i + usize::from(free(tokens, i) == Some("of"))
}

/// `20m`, `1.5h`, `2h30m`, `20-minute` in seconds.
fn attached(word: &str) -> Option<f64> {
    let mut total = 0.0;
    let length = word.trim_start_matches('-');
    let mut rest = length;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start_matches('-');
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        total += number * unit(&rest[..letters])?;
        rest = &rest[letters..];
    }
    let sign = if word.starts_with('-') { -1.0 } else { 1.0 };
    (!length.is_empty()).then_some(sign * total)
}

fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "sekunden" | "secondes" | "segundos" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "minuto" | "minutos" | "minuets" | "mintues" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" | "stunde" | "stunden" | "heure" | "heures" | "hora" | "horas" => 3_600.0,
        "d" | "day" | "days" | "tag" | "tage" | "tagen" | "jour" | "jours" | "día" | "días" | "dia" | "dias" => {
            86_400.0
        }
        "w" | "wk" | "week" | "weeks" | "woche" | "wochen" | "semaine" | "semaines" | "semana" => 7.0 * 86_400.0,
        "month" | "months" => 30.0 * 86_400.0,
        "year" | "years" | "jahr" | "jahre" | "ans" | "año" | "años" => 365.0 * 86_400.0,
        _ => return None,
    })
}
