//! One instant and one half-open interval.
//! Microseconds in an `i64`, because that is what the index stores and what the contract prints.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in microseconds since the Unix epoch, UTC.
///
/// Prints and serializes as RFC 3339 with exactly six digits: `2023-01-29T08:43:04.000000Z`.
/// Reads any RFC 3339 time with an offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    pub const MIN: Time = Time(-377_705_023_201_000_000);
    pub const MAX: Time = Time(253_402_207_200_000_000);

    pub fn from_timestamp(timestamp: Timestamp) -> Time {
        Time(timestamp.as_microsecond())
    }

    /// Clamps to the years that RFC 3339 can print.
    pub fn to_timestamp(self) -> Timestamp {
        let micros = self.0.clamp(Time::MIN.0, Time::MAX.0);
        Timestamp::from_microsecond(micros).expect("clamped to the range of a timestamp")
    }

    pub fn micros(self) -> i64 {
        self.0
    }

    /// The start of the minute that this instant lies in.
    pub fn minute(self) -> Time {
        Time(self.0.div_euclid(60_000_000) * 60_000_000)
    }

    /// How long after `earlier` this is; negative when it is before.
    pub fn since(self, earlier: Time) -> SignedDuration {
        SignedDuration::from_micros(self.0.saturating_sub(earlier.0))
    }

    pub fn plus(self, duration: SignedDuration) -> Time {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Time(self.0.saturating_add(micros).clamp(Time::MIN.0, Time::MAX.0))
    }

    pub fn minus(self, duration: SignedDuration) -> Time {
        self.plus(-duration)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_timestamp())
    }
}

impl std::str::FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Time, jiff::Error> {
        Ok(Time::from_timestamp(text.parse()?))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not an RFC 3339 time")))
    }
}

/// The interval `from <= t < to`.
///
/// Invariant: `from < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct TimeWindow {
    from: Time,
    to: Time,
}

#[derive(Serialize, Deserialize)]
struct Ends {
    from: Time,
    to: Time,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a time window must start before it ends: `{from}` is not before `{to}`")]
pub struct EmptyWindow {
    from: Time,
    to: Time,
}

impl TimeWindow {
    /// # Errors
    ///
    /// [`EmptyWindow`] when `from >= to`.
    pub fn new(from: Time, to: Time) -> Result<TimeWindow, EmptyWindow> {
        if from < to { Ok(TimeWindow { from, to }) } else { Err(EmptyWindow { from, to }) }
    }

    /// Every instant there is.
    pub fn all() -> TimeWindow {
        TimeWindow { from: Time::MIN, to: Time::MAX }
    }

    pub fn from(self) -> Time {
        self.from
    }

    pub fn to(self) -> Time {
        self.to
    }

    pub fn contains(self, time: Time) -> bool {
        self.from <= time && time < self.to
    }

    pub fn overlaps(self, other: TimeWindow) -> bool {
        self.from < other.to && other.from < self.to
    }

    pub fn length(self) -> SignedDuration {
        self.to.since(self.from)
    }

    pub fn seconds(self) -> f64 {
        self.length().as_secs_f64()
    }

    pub fn minutes(self) -> f64 {
        self.seconds() / 60.0
    }

    /// The window of the same length that ends `gap` before this one starts.
    pub fn before(self, gap: SignedDuration) -> TimeWindow {
        let to = self.from.minus(gap);
        TimeWindow { from: to.minus(self.length()), to }
    }
}

impl TryFrom<Ends> for TimeWindow {
    type Error = EmptyWindow;

    fn try_from(ends: Ends) -> Result<TimeWindow, EmptyWindow> {
        TimeWindow::new(ends.from, ends.to)
    }
}

impl From<TimeWindow> for Ends {
    fn from(window: TimeWindow) -> Ends {
        Ends { from: window.from, to: window.to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_prints_six_digits_and_reads_itself() {
        let time: Time = "2023-01-29T09:43:04.5+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2023-01-29T08:43:04.500000Z");
        let json = serde_json::to_string(&time).unwrap();
        assert_eq!(serde_json::from_str::<Time>(&json).unwrap(), time);
    }

    #[test]
    fn window_is_never_empty() {
        assert!(TimeWindow::new(Time(5), Time(5)).is_err());
        let window = TimeWindow::new(Time(5), Time(9)).unwrap();
        assert!(window.contains(Time(5)) && !window.contains(Time(9)));
        assert_eq!(window.before(SignedDuration::ZERO), TimeWindow::new(Time(1), Time(5)).unwrap());
        assert!(
            serde_json::from_str::<TimeWindow>(r#"{"from":"2023-01-01T00:00:00Z","to":"2022-01-01T00:00:00Z"}"#)
                .is_err()
        );
    }
}
