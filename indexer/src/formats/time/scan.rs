//! A cursor over bytes that either moves past what it was asked for or stays.

#[derive(Clone, Copy)]
pub(super) struct Scan<'t> {
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Scan<'t> {
    pub(super) fn new(bytes: &'t [u8], at: usize) -> Scan<'t> {
        Scan { bytes, at }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn any_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| wanted.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// Exactly `n` digits, and no digit after them when `n` is what a field is wide.
    pub(super) fn digits(&mut self, n: usize) -> Option<i64> {
        let slice = self.bytes.get(self.at..self.at + n)?;
        let mut value = 0;
        for byte in slice {
            if !byte.is_ascii_digit() {
                return None;
            }
            value = value * 10 + i64::from(byte - b'0');
        }
        self.at += n;
        Some(value)
    }

    /// One or two digits.
    pub(super) fn small(&mut self) -> Option<i64> {
        self.digits(2).or_else(|| self.digits(1))
    }

    pub(super) fn skip_spaces(&mut self) -> usize {
        let start = self.at;
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        self.at - start
    }

    /// An English month by its first three letters.
    pub(super) fn month(&mut self) -> Option<i64> {
        const MONTHS: [&[u8; 3]; 12] =
            [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
        let index = self.name_in(&MONTHS)?;
        Some(index as i64 + 1)
    }

    pub(super) fn weekday(&mut self) -> Option<()> {
        const DAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
        self.name_in(&DAYS).map(|_| ())
    }

    fn name_in(&mut self, names: &[&[u8; 3]]) -> Option<usize> {
        let word = self.bytes.get(self.at..self.at + 3)?;
        let index = names.iter().position(|name| word.eq_ignore_ascii_case(*name))?;
        self.at += 3;
        Some(index)
    }

    /// `HH:MM:SS` with a fraction after `.`, `,` or (as some phones write) `:`; in microseconds of the day.
    pub(super) fn time_of_day(&mut self, separators: &[u8]) -> Option<i64> {
        self.clock(separators, |scan| scan.digits(2))
    }

    /// The same without leading zeros: `23:1:0:935`.
    pub(super) fn loose_time_of_day(&mut self, separators: &[u8]) -> Option<i64> {
        self.clock(separators, Scan::small)
    }

    fn clock(&mut self, separators: &[u8], two_digits: impl Fn(&mut Scan<'t>) -> Option<i64>) -> Option<i64> {
        let mut scan = *self;
        let hour = scan.small()?;
        let separator = scan.any_of(separators)?;
        let minute = two_digits(&mut scan)?;
        scan.any_of(&[separator])?;
        let second = two_digits(&mut scan)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let fraction = scan.fraction();
        *self = scan;
        Some(((hour * 60 + minute) * 60 + second.min(59)) * 1_000_000 + fraction)
    }

    /// Microseconds of a fraction, `0` when there is none.
    pub(super) fn fraction(&mut self) -> i64 {
        let is_fraction = matches!(self.peek(), Some(b'.' | b',' | b':'))
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        if !is_fraction {
            return 0;
        }
        self.at += 1;
        let mut micros = 0;
        let mut scale = 100_000;
        while let Some(byte) = self.peek().filter(u8::is_ascii_digit) {
            micros += i64::from(byte - b'0') * scale;
            scale /= 10;
            self.at += 1;
        }
        micros
    }

    /// `Z`, `+02:00`, `-0700`, ` UTC`, ` +0000`; seconds east of Greenwich.
    pub(super) fn zone(&mut self) -> Option<i64> {
        let mut scan = *self;
        let spaces = scan.skip_spaces();
        if spaces > 1 {
            return None;
        }
        let offset = scan.numeric_zone().or_else(|| scan.named_zone(spaces))?;
        if scan.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        *self = scan;
        Some(offset)
    }

    fn numeric_zone(&mut self) -> Option<i64> {
        let sign = if self.any_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let _ = self.any_of(b":");
        let minutes = self.digits(2).unwrap_or(0);
        (hours <= 15 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
    }

    fn named_zone(&mut self, spaces: usize) -> Option<i64> {
        const NAMES: [(&[u8], i64); 14] = [
            (b"UTC", 0),
            (b"GMT", 0),
            (b"EST", -5),
            (b"EDT", -4),
            (b"CST", -6),
            (b"CDT", -5),
            (b"MST", -7),
            (b"MDT", -6),
            (b"PST", -8),
            (b"PDT", -7),
            (b"CEST", 2),
            (b"CET", 1),
            (b"EEST", 3),
            (b"EET", 2),
        ];
        if spaces == 0 && self.any_of(b"Zz").is_some() {
            return Some(0);
        }
        let rest = &self.bytes[self.at..];
        let (name, hours) = NAMES.iter().find(|(name, _)| rest.starts_with(name))?;
        self.at += name.len();
        Some(hours * 3600)
    }
}
