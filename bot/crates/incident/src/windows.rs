//! Chooses the window of a question that names none, and the baseline that matches a window.

use evidence::{Time, TimeWindow};
use jiff::SignedDuration;

/// A window without times is this long, and ends with the last record.
pub const DEFAULT_LENGTH: SignedDuration = SignedDuration::from_hours(1);

/// A baseline is at least this long, so that rare lines had a chance to appear in it.
pub const SHORTEST_BASELINE: SignedDuration = SignedDuration::from_mins(60);

/// A baseline shorter than this says nothing.
const SHORTEST_USABLE: SignedDuration = SignedDuration::from_secs(20);

/// A third of a window shorter than this is no baseline.
const SHORTEST_DIVIDED: SignedDuration = SignedDuration::from_mins(2);

/// The last hour of data, ending just after the last record but never after `now` when the data is from the future.
pub fn last_hour(reach: Option<(Time, Time)>, now: Time) -> TimeWindow {
    let end = reach.map_or(now, |(_, last)| Time(last.0.saturating_add(1)));
    TimeWindow::new(end.minus(DEFAULT_LENGTH), end).unwrap_or_else(|_| TimeWindow::all())
}

/// The time just before the window, as long as the window and at least [`SHORTEST_BASELINE`], cut to where records begin.
///
/// When records begin too late for that, the time just after the window serves; `None` when there is neither.
pub fn baseline_for(window: TimeWindow, reach: Option<(Time, Time)>) -> Option<TimeWindow> {
    let (first, last) = reach?;
    let length = window.length().max(SHORTEST_BASELINE);
    let before = cut(window.from().minus(length), window.from(), first, last);
    let after = || cut(window.to(), window.to().plus(length), first, last);
    let usable = |found: &TimeWindow| found.length() >= SHORTEST_USABLE.max(window.length() / 10);
    before.filter(usable).or_else(|| after().filter(usable)).or(before)
}

/// A window that holds all there is, as a first third to compare with and the rest; `None` when that is too short.
pub fn divided(window: TimeWindow, reach: Option<(Time, Time)>) -> Option<(TimeWindow, TimeWindow)> {
    let (first, last) = reach?;
    let heard = cut(window.from(), window.to(), first, last)?;
    let third = Time(heard.from().0 + (heard.to().0 - heard.from().0) / 3);
    let before = TimeWindow::new(heard.from(), third).ok()?;
    (before.length() >= SHORTEST_DIVIDED).then(|| TimeWindow::new(third, heard.to()).ok().map(|rest| (before, rest)))?
}

fn cut(from: Time, to: Time, first: Time, last: Time) -> Option<TimeWindow> {
    TimeWindow::new(from.max(first), to.min(Time(last.0.saturating_add(1)))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000_000)
    }

    fn window(from: i64, to: i64) -> TimeWindow {
        TimeWindow::new(at(from), at(to)).unwrap()
    }

    #[test]
    fn baseline_is_the_hour_before_or_what_there_is_of_it() {
        let check = |of: TimeWindow, reach: (i64, i64), expected: Option<(i64, i64)>| {
            let found = baseline_for(of, Some((at(reach.0), at(reach.1))));
            let found = found.map(|found| (found.from().0 / 1_000_000, found.to().0 / 1_000_000));
            assert_eq!(found, expected, "{of:?} in {reach:?}");
        };
        check(window(10_000, 11_800), (0, 20_000), Some((6_400, 10_000)));
        check(window(10_000, 20_000), (0, 20_000), Some((0, 10_000)));
        check(window(10_000, 11_800), (9_000, 20_000), Some((9_000, 10_000)));
        check(window(10_000, 11_800), (9_990, 20_000), Some((11_800, 15_400)));
        check(window(10_000, 11_800), (10_000, 11_000), None);
        assert_eq!(baseline_for(window(0, 10), None), None);
    }

    #[test]
    fn all_there_is_is_compared_with_its_own_beginning() {
        let reach = Some((at(100), at(999)));
        let (baseline, rest) = divided(window(0, 10_000), reach).unwrap();
        assert_eq!((baseline.from(), baseline.to(), rest.to()), (at(100), rest.from(), Time(999_000_001)));
        assert_eq!(baseline.length().as_secs(), 299);
        assert_eq!(divided(window(700, 1_000), reach), None, "100 s are too few");
        assert_eq!(divided(window(0, 10_000), None), None);
    }

    #[test]
    fn question_without_times_is_about_the_last_hour_of_data() {
        assert_eq!(last_hour(Some((at(0), at(9_000))), at(90_000)).to(), Time(9_000_000_001));
        assert_eq!(last_hour(None, at(90_000)), window(86_400, 90_000));
    }
}
