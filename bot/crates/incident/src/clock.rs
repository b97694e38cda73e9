//! How times are written for the person who asks: in their zone, to the second, with the date when it is another day.

use evidence::{Time, TimeWindow};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned, civil};

/// `14:02:10`, or `2023-01-29 14:02:10` when that is not the day of `today`.
pub fn at(time: Time, today: Time, zone: &TimeZone) -> String {
    let there = local(time, zone);
    let clock = there.strftime("%H:%M:%S").to_string();
    if there.date() == local(today, zone).date() { clock } else { format!("{} {clock}", there.date()) }
}

/// `between 13:45:00 and 14:15:00`, `on 2023-01-29` for all of a day; both dates where the ends are of different days.
pub fn within(window: TimeWindow, today: Time, zone: &TimeZone) -> String {
    let (from, to) = (local(window.from(), zone), local(window.to(), zone));
    if from.date() == to.date() {
        return format!("between {} and {}", at(window.from(), today, zone), at(window.to(), window.from(), zone));
    }
    let is_whole_day = [&from, &to].iter().all(|end| end.time() == civil::Time::midnight())
        && from.date().tomorrow().is_ok_and(|next| next == to.date());
    if is_whole_day {
        return format!("on {}", from.date());
    }
    let dated = "%Y-%m-%d %H:%M:%S";
    format!("between {} and {}", from.strftime(dated), to.strftime(dated))
}

/// `13:45–14:15`, with seconds where one end has them and dates where they are not the day of `today`.
pub fn span(window: TimeWindow, today: Time, zone: &TimeZone) -> String {
    let short = |time: Time| time.0.rem_euclid(60_000_000) < 1_000_000;
    let minutes_are_enough = short(window.from()) && short(window.to());
    let write = |time: Time, today: Time| {
        let text = at(time, today, zone);
        if minutes_are_enough { text[..text.len() - 3].to_owned() } else { text }
    };
    // Where the days differ the second date is said, else `23:00–01:00` reads like one day.
    format!("{}–{}", write(window.from(), today), write(window.to(), window.from()))
}

/// `22 s`, `4 min`, `2 h 30 min`, `3 days`: rounded down to what is shown.
pub fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60);
    let plural = |n: u64, unit: &str| if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") };
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 if minutes % 60 == 0 => format!("{hours} h"),
        7_200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => plural(days, "day"),
    }
}

fn local(time: Time, zone: &TimeZone) -> Zoned {
    time.to_timestamp().to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_stand_only_where_the_day_differs() {
        let zone = TimeZone::UTC;
        let time: Time = "2026-03-10T14:02:10Z".parse().unwrap();
        let later: Time = "2026-03-11T09:00:00Z".parse().unwrap();
        assert_eq!(at(time, time, &zone), "14:02:10");
        assert_eq!(at(time, later, &zone), "2026-03-10 14:02:10");
        let ends = ["2026-03-10T13:45:00Z", "2026-03-10T14:15:00Z"].map(|end| end.parse::<Time>().unwrap());
        let window = TimeWindow::new(ends[0], ends[1]).unwrap();
        assert_eq!(span(window, time, &zone), "13:45–14:15");
        assert_eq!(span(window, later, &zone), "2026-03-10 13:45–14:15");
    }

    #[test]
    fn windows_over_midnight_have_both_dates_and_whole_days_one() {
        let today: Time = "2026-03-11T09:00:00Z".parse().unwrap();
        let check = |from: &str, to: &str, expected: &str| {
            let window = TimeWindow::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
            assert_eq!(within(window, today, &TimeZone::UTC), expected);
        };
        check("2026-03-11T08:00:00Z", "2026-03-11T08:30:00Z", "between 08:00:00 and 08:30:00");
        check("2026-03-10T08:00:00Z", "2026-03-10T08:30:00Z", "between 2026-03-10 08:00:00 and 08:30:00");
        check("2026-03-10T23:00:00Z", "2026-03-11T01:00:00Z", "between 2026-03-10 23:00:00 and 2026-03-11 01:00:00");
        check("2026-03-09T00:00:00Z", "2026-03-11T00:00:00Z", "between 2026-03-09 00:00:00 and 2026-03-11 00:00:00");
        check("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z", "on 2026-03-10");
    }

    #[test]
    fn lengths_use_the_unit_a_person_would() {
        let said = |seconds| length(SignedDuration::from_secs(seconds));
        assert_eq!([said(22), said(119), said(120), said(3_600)], ["22 s", "119 s", "2 min", "60 min"]);
        assert_eq!([said(9_000), said(7_200), said(172_800)], ["2 h 30 min", "2 h", "2 days"]);
    }
}
