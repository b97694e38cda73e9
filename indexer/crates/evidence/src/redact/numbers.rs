//! Card numbers (issuer's prefix, length, Luhn) and IBANs (mod 97): the digits prove themselves.

use super::spans::Span;

pub(super) fn account_numbers(bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = digits_at(bytes, at);
        if run == 2
            && at >= 2
            && let Some(span) = iban_at(bytes, at - 2)
        {
            at = span.end;
            found.push(span);
            continue;
        }
        let may_be_card = matches!(run, 4 | 14..=16) && is_free_before(bytes, at);
        match may_be_card.then(|| card_at(bytes, at, run)).flatten() {
            Some(span) => {
                at = span.end;
                found.push(span);
            }
            None => {
                if run > 2
                    && at >= 2
                    && let Some(span) = iban_at(bytes, at - 2)
                {
                    at = span.end;
                    found.push(span);
                    continue;
                }
                at += run;
            }
        }
    }
}

fn digits_at(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn is_free_before(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .is_none_or(|before| !bytes[before].is_ascii_alphanumeric() && !matches!(bytes[before], b'.' | b'-' | b'_'))
}

fn is_free_after(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_'))
        && !(bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
}

fn card_at(bytes: &[u8], at: usize, run: usize) -> Option<Span> {
    let mut digits = [0u8; 16];
    let mut n_digits = 0;
    let mut end = at;
    let mut take = |from: usize, len: usize| {
        for byte in &bytes[from..from + len] {
            if n_digits < 16 {
                digits[n_digits] = byte - b'0';
                n_digits += 1;
            }
        }
    };
    if run >= 14 {
        take(at, run);
        end += run;
    } else {
        // `4111 1111 1111 1111` and Amex's `3782 822463 10005`, always with the same separator.
        let separator = *bytes.get(at + 4).filter(|byte| matches!(byte, b' ' | b'-'))?;
        take(at, 4);
        end += 4;
        let groups: &[usize] = if digits_at(bytes, at + 5) == 6 { &[6, 5] } else { &[4, 4, 4] };
        for len in groups {
            if bytes.get(end) != Some(&separator) || digits_at(bytes, end + 1) != *len {
                return None;
            }
            take(end + 1, *len);
            end += 1 + len;
        }
    }
    let digits = &digits[..n_digits];
    (is_free_after(bytes, end) && has_issuer(digits) && passes_luhn(digits)).then_some(Span {
        start: at,
        end,
        kind: "card",
    })
}

fn has_issuer(digits: &[u8]) -> bool {
    let prefix = |n: usize| digits[..n].iter().fold(0u32, |number, digit| number * 10 + u32::from(*digit));
    match digits.len() {
        16 => {
            digits[0] == 4
                || (51..=55).contains(&prefix(2))
                || (2221..=2720).contains(&prefix(4))
                || prefix(4) == 6011
                || prefix(2) == 65
                || (644..=649).contains(&prefix(3))
                || (3528..=3589).contains(&prefix(4))
                || prefix(2) == 62
        }
        15 => matches!(prefix(2), 34 | 37),
        14 => matches!(prefix(2), 36 | 38) || (300..=305).contains(&prefix(3)),
        _ => false,
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != digits[0])
}

/// Two letters, two check digits, 11 to 30 letters and digits, in one piece or in groups of four.
fn iban_at(bytes: &[u8], start: usize) -> Option<Span> {
    let is_head = bytes[start].is_ascii_uppercase() && bytes[start + 1].is_ascii_uppercase();
    if !is_head || !is_free_before(bytes, start) {
        return None;
    }
    let mut letters = Vec::with_capacity(34);
    let mut at = start;
    let mut end = None;
    while at < bytes.len() && letters.len() < 34 {
        let byte = bytes[at];
        if byte == b' ' && letters.len() % 4 == 0 {
            at += 1;
            continue;
        }
        if !(byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            break;
        }
        letters.push(byte);
        at += 1;
        if (15..=34).contains(&letters.len()) && is_free_after(bytes, at) && is_mod_97(&letters) {
            end = Some(at);
        }
    }
    let end = end?;
    let n_digits = bytes[start..end].iter().filter(|byte| byte.is_ascii_digit()).count();
    (n_digits >= 8).then_some(Span { start, end, kind: "iban" })
}

fn is_mod_97(letters: &[u8]) -> bool {
    let mut rest = 0u32;
    for byte in letters[4..].iter().chain(&letters[..4]) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            _ => rest * 100 + u32::from(byte - b'A' + 10),
        } % 97;
    }
    rest == 1
}
