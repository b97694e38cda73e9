//! Times as the services print them. Written by hand because a general formatter would cost more than the rest of the line.

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

pub(crate) struct Civil {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
    micros: i64,
}

impl Civil {
    /// The calendar in UTC, by Howard Hinnant's days-to-civil algorithm.
    pub(crate) fn of(at: i64) -> Civil {
        let seconds = at.div_euclid(SECOND);
        let z = seconds.div_euclid(86_400) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Civil {
            year: yoe + era * 400 + i64::from(month <= 2),
            month,
            day: doy - (153 * mp + 2) / 5 + 1,
            second_of_day: seconds.rem_euclid(86_400),
            micros: at.rem_euclid(SECOND),
        }
    }

    fn clock(&self, out: &mut String) {
        digits(out, self.second_of_day / 3600, 2);
        out.push(':');
        digits(out, self.second_of_day / 60 % 60, 2);
        out.push(':');
        digits(out, self.second_of_day % 60, 2);
    }

    fn date(&self, out: &mut String) {
        digits(out, self.year, 4);
        out.push('-');
        digits(out, self.month, 2);
        out.push('-');
        digits(out, self.day, 2);
    }

    /// `2026-11-21T14:02:10.123456Z`
    pub(crate) fn rfc3339(&self, out: &mut String) {
        self.date(out);
        out.push('T');
        self.clock(out);
        out.push('.');
        digits(out, self.micros, 6);
        out.push('Z');
    }

    /// `2026-11-21 14:02:10,123`, with the mark that stands before the milliseconds.
    pub(crate) fn spaced(&self, out: &mut String, mark: char) {
        self.date(out);
        out.push(' ');
        self.clock(out);
        out.push(mark);
        digits(out, self.micros / 1000, 3);
    }

    /// `21/Nov/2026:14:02:10 +0000`
    pub(crate) fn access(&self, out: &mut String) {
        digits(out, self.day, 2);
        out.push('/');
        out.push_str(MONTHS[(self.month - 1) as usize]);
        out.push('/');
        digits(out, self.year, 4);
        out.push(':');
        self.clock(out);
        out.push_str(" +0000");
    }

    /// `1121 14:02:10.123456`
    pub(crate) fn klog(&self, out: &mut String) {
        digits(out, self.month, 2);
        digits(out, self.day, 2);
        out.push(' ');
        self.clock(out);
        out.push('.');
        digits(out, self.micros, 6);
    }
}

fn digits(out: &mut String, number: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (number / 10_i64.pow(place) % 10) as u8));
    }
}

/// The time as `changes.ndjson` and `case.toml` write it.
pub(crate) fn rfc3339(at: i64) -> String {
    let mut out = String::with_capacity(27);
    Civil::of(at).rfc3339(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_real_calendar() {
        for at in [0, 951_826_554_123_456, 1_763_733_730_000_001, 4_102_444_799_999_999] {
            let expected = format!("{:.6}", jiff::Timestamp::from_microsecond(at).unwrap());
            assert_eq!(rfc3339(at), expected);
        }
    }
}
