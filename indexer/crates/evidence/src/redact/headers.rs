//! Secrets in the places HTTP and URLs keep them: credentials, cookies, passwords of data sources, e-mail addresses.

use super::spans::Span;

/// Bounds the work on lines in which one anchor follows another.
const MAX_RUN: usize = 4_096;

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=' | b':' | b'%')
}

fn run(bytes: &[u8], at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    bytes[at..].iter().take(MAX_RUN).take_while(|byte| wanted(**byte)).count()
}

/// Blanks in all the ways they are written: ` `, `%20`, `+`.
fn blank_at(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"%20") {
        return 3;
    }
    run(bytes, at, |byte| byte == b' ').min(4)
}

/// `Bearer eyJ…`: anything long with a digit in it.
pub(super) fn bearer_after(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let is_word = start.checked_sub(1).is_none_or(|before| !bytes[before].is_ascii_alphabetic());
    let blanks = blank_at(bytes, end);
    let from = end + blanks;
    let len = run(bytes, from, is_token_byte);
    let token = &bytes[from..from + len];
    let is_token = blanks > 0 && len >= 12 && token.iter().any(u8::is_ascii_digit);
    (is_word && is_token).then_some(Span { start: from, end: from + len, kind: "bearer" })
}

/// `Basic dXNlcjpwYXNz`: base64 of something with a colon.
pub(super) fn basic_after(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let is_word = start.checked_sub(1).is_none_or(|before| !bytes[before].is_ascii_alphabetic());
    let blanks = blank_at(bytes, end);
    let from = end + blanks;
    let len = run(bytes, from, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_'));
    let is_credential = is_word && blanks > 0 && len >= 6 && decodes_to_credential(&bytes[from..from + len]);
    is_credential.then_some(Span { start: from, end: from + len, kind: "basic" })
}

fn decodes_to_credential(encoded: &[u8]) -> bool {
    let mut bits = 0u32;
    let mut n_bits = 0;
    let mut has_colon = false;
    for byte in encoded.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            let decoded = (bits >> n_bits) as u8;
            if decoded < 0x20 || decoded == 0x7f {
                return false;
            }
            has_colon |= decoded == b':';
        }
    }
    has_colon
}

/// `Authorization: <scheme> <credentials>` in headers, JSON and maps; the scheme stays.
pub(super) fn authorization_after(bytes: &[u8], end: usize) -> Option<Span> {
    const SCHEMES: [&[u8]; 8] =
        [b"bearer", b"basic", b"token", b"apikey", b"api-key", b"digest", b"negotiate", b"aws4-hmac-sha256"];
    let mut at = end + run(bytes, end, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    at += run(bytes, at, |byte| byte == b' ');
    if !matches!(bytes.get(at), Some(b':' | b'=')) {
        return None;
    }
    at += 1;
    at += run(bytes, at, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b'[' | b'>'));
    let rest = &bytes[at..];
    let scheme =
        SCHEMES.iter().find(|scheme| rest.len() > scheme.len() && rest[..scheme.len()].eq_ignore_ascii_case(scheme));
    let scheme_len = scheme.map_or(0, |scheme| scheme.len());
    let blanks = blank_at(bytes, at + scheme_len);
    if scheme_len > 0 && blanks == 0 {
        return None;
    }
    let from = at + scheme_len + blanks;
    let stops = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b'\n' | b'\r' | b']' | b'}');
    let is_list = scheme.is_some_and(|scheme| scheme.len() > 12 || *scheme == b"digest");
    let len = bytes[from..]
        .iter()
        .take(MAX_RUN)
        .position(|byte| {
            stops(byte) && !(is_list && *byte == b'"') || (!is_list && matches!(byte, b' ' | b',' | b';' | b'&'))
        })
        .unwrap_or(MAX_RUN.min(bytes.len() - from));
    let is_value = len >= 6 && (scheme.is_some() || bytes[from..from + len].iter().any(u8::is_ascii_digit));
    is_value.then_some(Span { start: from, end: from + len, kind: "authorization" })
}

/// `Cookie: a=b; c=d` and `Set-Cookie: …`: all pairs, to where they end.
pub(super) fn cookies_after(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let is_word = start.checked_sub(1).is_none_or(|before| !bytes[before].is_ascii_alphabetic());
    let end = end + usize::from(bytes.get(end) == Some(&b's'));
    let mut at = end + run(bytes, end, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' '));
    if !is_word || !matches!(bytes.get(at), Some(b':' | b'=')) {
        return None;
    }
    at += 1;
    at += run(bytes, at, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b'['));
    let from = at;
    let mut last = from;
    loop {
        let name = run(bytes, at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$'));
        if name == 0 || bytes.get(at + name) != Some(&b'=') {
            break;
        }
        let value = at + name + 1;
        let len = run(bytes, value, |byte| {
            !matches!(byte, b' ' | b';' | b'"' | b'\'' | b'\\' | b'\n' | b'\r' | b']' | b'}' | b',')
        });
        last = value + len;
        let is_more = bytes.get(last) == Some(&b';');
        if !is_more || last - from > MAX_RUN {
            break;
        }
        at = last + 1 + run(bytes, last + 1, |byte| byte == b' ');
    }
    (last > from + 2).then_some(Span { start: from, end: last, kind: "cookie" })
}

/// `scheme://user:password@host`: the password alone.
pub(super) fn password_in_url(text: &str, after_scheme: usize) -> Option<Span> {
    let rest = &text.as_bytes()[after_scheme..];
    let stops = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'|');
    let end = rest.iter().take(512).position(stops).unwrap_or(rest.len().min(512));
    // A password may hold a slash or an at sign by mistake; the host comes after the last at sign before the path.
    let colon = rest[..end].iter().position(|byte| matches!(byte, b':' | b'/' | b'@' | b'?' | b'#'))?;
    if rest[colon] != b':' {
        return None;
    }
    let at = rest[..end].iter().rposition(|byte| *byte == b'@')?;
    let password = rest.get(colon + 1..at)?;
    let first_slash = password.iter().position(|byte| matches!(byte, b'/' | b'?'));
    let is_port = first_slash.is_some_and(|slash| password[..slash].iter().all(u8::is_ascii_digit));
    let is_secret = !password.is_empty() && !is_port && !password.iter().all(|byte| matches!(byte, b'*' | b'x'));
    let is_template = password.starts_with(b"<") || password.starts_with(b"${") || password.starts_with(b"%s");
    (is_secret && !is_template).then_some(Span {
        start: after_scheme + colon + 1,
        end: after_scheme + at,
        kind: "url_password",
    })
}

/// Incoming webhooks carry their secret in the path.
pub(super) fn webhook_after(bytes: &[u8], end: usize) -> Option<Span> {
    let len = run(bytes, end, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'));
    (len >= 20).then_some(Span { start: end, end: end + len, kind: "webhook" })
}

pub(super) fn email_around(bytes: &[u8], at: usize) -> Option<Span> {
    const NOT_DOMAINS: [&[u8]; 18] = [
        b"service", b"socket", b"timer", b"target", b"slice", b"mount", b"scope", b"path", b"swap", b"device", b"png",
        b"jpg", b"gif", b"svg", b"js", b"css", b"json", b"map",
    ];
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-');
    let local = bytes[..at].iter().rev().take(64).take_while(|byte| is_local(**byte)).count();
    let mut start = at - local;
    // `%40` and `%3D` belong to the encoding around the address.
    if start >= 1 && bytes[start - 1] == b'%' && local > 2 {
        start += 2;
    }
    while start < at && !bytes[start].is_ascii_alphanumeric() {
        start += 1;
    }
    let mut domain = run(bytes, at + 1, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    while domain > 0 && !bytes[at + domain].is_ascii_alphanumeric() {
        domain -= 1;
    }
    let host = &bytes[at + 1..at + 1 + domain];
    let last = &host[host.iter().rposition(|byte| *byte == b'.')? + 1..];
    let is_top_level = (2..=18).contains(&last.len()) && last.iter().all(u8::is_ascii_alphabetic);
    let is_unit = NOT_DOMAINS.iter().any(|known| last.eq_ignore_ascii_case(known));
    let is_repository = &bytes[start..at] == b"git";
    let is_url_user = start >= 3 && &bytes[start - 3..start] == b"://";
    let is_address = start < at && host[0].is_ascii_alphanumeric() && !host.windows(2).any(|two| two == b"..");
    (is_address && is_top_level && !is_unit && !is_repository && !is_url_user).then_some(Span {
        start,
        end: at + 1 + domain,
        kind: "email",
    })
}
