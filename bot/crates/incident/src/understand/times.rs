//! Finds the time phrase of a question and turns it into a window.
//! Clock times mean their latest occurrence, relative times count back from now, or from the newest record when that is old.

mod clock;
mod day;
mod duration;
mod phrase;
mod place;
mod unreadable;

use evidence::Time;
use jiff::SignedDuration;
use jiff::civil;
use jiff::tz::TimeZone;

use super::{Error, Known};

pub(super) use phrase::take;
pub(super) use place::place;

/// Reads a time of the command line: RFC 3339, `HH:MM[:SS]` (today, in the asker's zone) or relative (`-90m`).
///
/// # Errors
///
/// [`Error::NotATime`], which shows the three forms.
pub fn time_argument(text: &str, now: Time, zone: &TimeZone) -> Result<Time, Error> {
    let wrong = || Error::NotATime { text: text.to_owned() };
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Ok(time) = text.parse::<Time>() {
        return Ok(time);
    }
    if let Some(back) = text.strip_prefix('-') {
        let tokens = super::tokens::split(back);
        let (length, end) = duration::duration(&tokens, 0).ok_or_else(wrong)?;
        return if end == tokens.len() { Ok(now.minus(length)) } else { Err(wrong()) };
    }
    if let Ok(local) = text.replacen(' ', "T", 1).parse::<civil::DateTime>() {
        return in_zone(local, zone).ok_or_else(wrong);
    }
    let tokens = super::tokens::split(text);
    match clock::clock(&tokens, 0) {
        Some((clock, end)) if end == tokens.len() => {
            let zone = clock.zone.as_ref().unwrap_or(zone);
            let today = now.to_timestamp().to_zoned(zone.clone()).date();
            in_zone(today.to_datetime(clock.time), zone).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// A local time as an instant; one that a clock change skips or repeats is read as jiff's "compatible" rule says.
fn in_zone(local: civil::DateTime, zone: &TimeZone) -> Option<Time> {
    Some(Time::from_timestamp(local.to_zoned(zone.clone()).ok()?.timestamp()))
}

/// Where relative times count from, and whether that is the newest record because records ended a while ago.
fn anchor(known: &Known<'_>) -> (Time, bool) {
    const LIVE: SignedDuration = SignedDuration::from_mins(2);
    let Some((first, last)) = known.reach else { return (known.now, false) };
    if last >= known.now.minus(LIVE) && first < known.now {
        return (known.now.max(Time(first.0 + 1)), false);
    }
    // A window ends before its end, so the newest record needs one more moment; a whole second reads better.
    (Time(last.0.div_euclid(1_000_000).saturating_add(1).saturating_mul(1_000_000)), true)
}
