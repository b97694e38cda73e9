//! Times written as a number since 1970; the unit follows from the size.

use evidence::Time;

/// A Unix time whose unit follows from its size; `None` outside of the years 1990 to 2200.
pub fn epoch_number(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.contains(['e', 'E']) || fraction.contains(['e', 'E']) {
        let seconds: f64 = text.parse().ok()?;
        return epoch_micros(seconds as i128, 0, 0);
    }
    let mut value: i128 = whole.parse().ok()?;
    let mut digits = 0;
    let mut numerator: i128 = 0;
    for byte in fraction.bytes().take(9) {
        numerator = numerator * 10 + i128::from(byte.checked_sub(b'0').filter(|digit| *digit <= 9)?);
        digits += 1;
    }
    if value < 0 {
        value = 0;
    }
    epoch_micros(value, numerator, digits)
}

fn epoch_micros(value: i128, numerator: i128, digits: u32) -> Option<Time> {
    const FIRST: i128 = 631_152_000; // 1990
    const LAST: i128 = 7_258_118_400; // 2200
    for (units_per_second, micros_per_unit, units_per_micro) in
        [(1, 1_000_000, 1), (1_000, 1_000, 1), (1_000_000, 1, 1), (1_000_000_000, 1, 1_000)]
    {
        if (FIRST * units_per_second..LAST * units_per_second).contains(&value) {
            let part = if digits == 0 { 0 } else { numerator * micros_per_unit / 10i128.pow(digits) };
            let micros = value * micros_per_unit / units_per_micro + if units_per_micro == 1 { part } else { 0 };
            return i64::try_from(micros).ok().map(Time);
        }
    }
    None
}

pub(super) fn epoch_at(bytes: &[u8], at: usize) -> Option<(Time, usize)> {
    let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !matches!(digits, 10 | 13 | 16 | 19) {
        return None;
    }
    let mut end = at + digits;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + bytes[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    if bytes.get(end).is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b',' | b']' | b'|' | b':' | b';')) {
        return None;
    }
    epoch_number(std::str::from_utf8(&bytes[at..end]).ok()?).map(|time| (time, end))
}
