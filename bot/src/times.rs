//! Reads the times of the command line: RFC 3339, `HH:MM[:SS]` of today, or relative like `-90m`.

use anyhow::{Result, bail};
use evidence::{Time, TimeWindow};
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Zoned};

/// # Errors
///
/// When `text` is none of the three forms; the message shows all of them.
pub fn read(text: &str, now: Time, zone: &TimeZone) -> Result<Time> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Some(ago) = text.strip_prefix('-').and_then(duration) {
        return Ok(now.minus(ago));
    }
    if let Ok(time) = text.parse::<Time>() {
        return Ok(time);
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(Time::from_timestamp(zoned.timestamp()));
    }
    let local = |at: civil::DateTime| Ok(Time::from_timestamp(at.to_zoned(zone.clone())?.timestamp()));
    // A time of day has no date; the parser would take one and drop it.
    if !text.contains('-')
        && let Ok(time) = text.parse::<civil::Time>()
    {
        return local(now.to_timestamp().to_zoned(zone.clone()).date().to_datetime(time));
    }
    if let Ok(at) = text.parse::<civil::DateTime>() {
        return local(at);
    }
    if let Ok(date) = text.parse::<civil::Date>() {
        return local(date.to_datetime(civil::Time::midnight()));
    }
    bail!("cannot read `{text}` as a time; write `2026-01-31T14:00:00Z`, `14:00` (today), or `-90m`, `-1h`, `-2d`")
}

/// Reads `90m`, `1h`, `2d`, `30s`, `1h30m`.
fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    duration.is_positive().then_some(duration)
}

/// The window from `from` to `to`; an open end reaches as far as there can be records.
pub fn window(from: Option<&str>, to: Option<&str>, now: Time, zone: &TimeZone) -> Result<Option<TimeWindow>> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let from = from.map_or(Ok(Time::MIN), |text| read(text, now, zone))?;
    let to = to.map_or(Ok(Time::MAX), |text| read(text, now, zone))?;
    Ok(Some(TimeWindow::new(from, to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let now: Time = "2026-07-01T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let found = read(text, now, &zone).map(|time| time.to_string()).unwrap_or_else(|error| error.to_string());
        assert!(found.starts_with(expected), "{text}: {found}");
    }

    #[test]
    fn all_forms_are_read() {
        check("-90m", "2026-07-01T10:30:00");
        check("-2d", "2026-06-29T12:00:00");
        check("-1h30m", "2026-07-01T10:30:00");
        check("-1w", "2026-06-24T12:00:00");
        check("-0m", "cannot read `-0m`");
        check("--5m", "cannot read `--5m`");
        check("10:15", "2026-07-01T08:15:00");
        check("10:15:30", "2026-07-01T08:15:30");
        check("2026-01-31T14:00:00Z", "2026-01-31T14:00:00");
        check("2026-01-31T14:00:00+01:00", "2026-01-31T13:00:00");
        check("2026-01-31 14:00", "2026-01-31T13:00:00");
        check("2026-01-31", "2026-01-30T23:00:00");
        check("tomorrowish", "cannot read `tomorrowish`");
        check("-", "cannot read `-`");
        check("-99999999999999999999d", "cannot read");
    }
}
