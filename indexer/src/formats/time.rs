//! Reads the timestamp layouts that programs write, by hand and without regexes, since every line passes here.
//! What a layout leaves out (year, date, zone) comes from the context: the newest instant that is not far after `now`.

use evidence::Time;

use super::ParseContext;

mod epoch;
mod layouts;
mod scan;

pub use epoch::epoch_number;
pub(super) use layouts::{apache_access, rfc3164};
pub use layouts::{leading, timestamp};

const DAY_MICROS: i64 = 86_400_000_000;
/// How far a clock may be ahead before a time without a year is taken for last year's.
const MAX_AHEAD_MICROS: i64 = 2 * DAY_MICROS;

/// A date and time of day as written, with the parts that may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Civil {
    year: Option<i64>,
    /// Month and day; `None` for a time of day alone.
    month_day: Option<(i64, i64)>,
    micros_of_day: i64,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

impl Civil {
    fn is_valid(&self) -> bool {
        let date_fits = self.month_day.is_none_or(|(month, day)| {
            (1..=12).contains(&month) && day >= 1 && day <= days_in_month(self.year.unwrap_or(2000), month)
        });
        date_fits && self.year.is_none_or(|year| (1970..=9998).contains(&year))
    }

    fn resolve(&self, context: &ParseContext) -> Time {
        match (self.month_day, self.year) {
            (Some((month, day)), Some(year)) => self.on(year, month, day, context),
            (Some((month, day)), None) => {
                let (year, _, _) = civil_from_days(context.now.0.div_euclid(DAY_MICROS));
                // The 29th of February exists in one year of four, so look back far enough to find it.
                (-7..=1)
                    .rev()
                    .map(|back| year + back)
                    .filter(|year| day <= days_in_month(*year, month))
                    .map(|year| self.on(year, month, day, context))
                    .find(|time| time.0 <= context.now.0 + MAX_AHEAD_MICROS)
                    .unwrap_or(context.now)
            }
            (None, _) => self.nearest_to_now(context),
        }
    }

    fn nearest_to_now(&self, context: &ParseContext) -> Time {
        let today = context.now.0.div_euclid(DAY_MICROS);
        [today + 1, today, today - 1]
            .into_iter()
            .map(|days| {
                let (year, month, day) = civil_from_days(days);
                self.on(year, month, day, context)
            })
            .find(|time| time.0 <= context.now.0 + DAY_MICROS / 24)
            .unwrap_or(context.now)
    }

    fn on(&self, year: i64, month: i64, day: i64, context: &ParseContext) -> Time {
        let local = days_from_civil(year, month, day) * DAY_MICROS + self.micros_of_day;
        match self.offset {
            Some(seconds) => Time(local - seconds * 1_000_000),
            None => context.local_to_utc(local),
        }
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let context = ParseContext::utc("2024-03-05T12:00:00Z".parse().unwrap());
        let found = leading(text, &context).map(|(time, _)| time.to_string());
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn usual_layouts() {
        check("2024-01-02T15:04:05Z x", "2024-01-02T15:04:05.000000Z");
        check("2024-01-02 15:04:05,123 x", "2024-01-02T15:04:05.123000Z");
        check("2024-01-02 15:04:05.123456789 x", "2024-01-02T15:04:05.123456Z");
        check("2024-01-02T15:04:05+02:00 x", "2024-01-02T13:04:05.000000Z");
        check("2024-01-02T15:04:05.5-0330 x", "2024-01-02T18:34:05.500000Z");
        check("2024-01-02 15:04:05.123 UTC [7] LOG:  x", "2024-01-02T15:04:05.123000Z");
        check("[2024-01-02 15:04:05] x", "2024-01-02T15:04:05.000000Z");
        check("[2024-01-02T15:04:05.123+0000][0.012s][info][gc] x", "2024-01-02T15:04:05.123000Z");
        check("2024/01/02 15:04:05 [error] x", "2024-01-02T15:04:05.000000Z");
        check("[Sun Dec 04 04:47:44 2005] [notice] x", "2005-12-04T04:47:44.000000Z");
        check("[Sun Dec 04 04:47:44.123456 2005] [core:notice] x", "2005-12-04T04:47:44.123456Z");
        check("20171223-22:15:29:606|Step_LSC|3|x", "2017-12-23T22:15:29.606000Z");
        check("20171224-0:1:2:5|Step_LSC|3|x", "2017-12-24T00:01:02.500000Z");
        check("20240102T150405Z x", "2024-01-02T15:04:05.000000Z");
        check("02-Jan-2024 15:04:05.000 INFO x", "2024-01-02T15:04:05.000000Z");
        check("Jan 02, 2024 3:04:05 PM a.B c", "2024-01-02T15:04:05.000000Z");
        check("Tue, 02 Jan 2024 15:04:05 GMT x", "2024-01-02T15:04:05.000000Z");
        check("081109 203615 148 INFO dfs.DataNode: x", "2008-11-09T20:36:15.000000Z");
        check("17/06/09 20:10:40 INFO x", "2017-06-09T20:10:40.000000Z");
        check("I0102 15:04:05.000000 123 file.go:1] x", "2024-01-02T15:04:05.000000Z");
        check("1704207845 x", "2024-01-02T15:04:05.000000Z");
        check("1704207845.25 x", "2024-01-02T15:04:05.250000Z");
        check("1704207845123 x", "2024-01-02T15:04:05.123000Z");
        check("- 1117838570 2005.06.03 R02-M1 x", "2005-06-03T22:42:50.000000Z");
        check("nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO x", "2017-05-16T00:00:00.008000Z");
    }

    #[test]
    fn a_missing_year_or_date_is_the_latest_that_is_not_in_the_future() {
        check("Mar  5 11:00:00 host app: x", "2024-03-05T11:00:00.000000Z");
        check("Jun 14 15:16:01 combo sshd: x", "2023-06-14T15:16:01.000000Z");
        check("03-17 16:13:38.811  1702  2395 D Tag: x", "2023-03-17T16:13:38.811000Z");
        check("Feb 29 01:00:00 host app: x", "2024-02-29T01:00:00.000000Z");
        check("11:48:16.545 INFO x", "2024-03-05T11:48:16.545000Z");
        check("16:48:16.545 INFO x", "2024-03-04T16:48:16.545000Z");
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        let context = ParseContext::utc(Time(0));
        for text in ["", "hello", "2024-13-02 15:04:05", "12345 apples", "10.0.0.1 - -", "99:99:99 x", "2024-01-02T"] {
            assert_eq!(leading(text, &context), None, "{text}");
        }
    }

    #[test]
    fn days_go_both_ways() {
        for days in [-719_468, -1, 0, 59, 60, 19_782, 2_000_000] {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
