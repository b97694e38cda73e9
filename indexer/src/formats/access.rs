//! Common and combined access logs of web servers and proxies; the level follows from the status.

use evidence::Severity;

use super::{ParseContext, ParsedLine, plain, time};

pub(super) fn parse(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let quote = line.find("] \"")?;
    let open = line[..quote].rfind('[')?;
    let time = time::apache_access(&line[open + 1..quote], context)?;
    let (request, after) = quoted(&line[quote + 3..])?;
    let mut words = after.split_ascii_whitespace();
    let status: u16 = words.next()?.parse().ok().filter(|status| (100..=999).contains(status))?;
    let bytes = words.next().unwrap_or("-");

    let mut parsed = ParsedLine { format: "access", understood: true, time: Some(time), ..ParsedLine::default() };
    parsed.severity = Some(match status {
        500.. => Severity::Error,
        400..=499 => Severity::Warn,
        _ => Severity::Info,
    });
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() && value != "-" {
            parsed.fields.insert(name.to_owned(), value.to_owned());
        }
    };
    field("status", &status.to_string());
    field("bytes", bytes);
    let mut head = line[..open].split_ascii_whitespace();
    field("client", head.next().unwrap_or_default());
    field("user", head.nth(1).unwrap_or_default());
    let mut request_words = request.split(' ');
    field("method", request_words.next().unwrap_or_default());
    field("path", request_words.next().unwrap_or_default());
    field("protocol", request_words.next().unwrap_or_default());

    let mut rest = after;
    let mut n_quoted = 0;
    while let Some(start) = rest.find('"') {
        let Some((value, after)) = quoted(&rest[start + 1..]) else { break };
        match n_quoted {
            0 => field("referer", value),
            1 => field("user_agent", value),
            _ => {}
        }
        n_quoted += 1;
        rest = after;
    }
    let is_duration = |word: &&str| word.parse::<f64>().is_ok_and(f64::is_finite);
    if n_quoted > 0
        && let Some(duration) = rest.split_ascii_whitespace().find(is_duration)
    {
        field("duration", duration);
    }
    parsed.text = line.to_owned();
    plain::read_ids(&mut parsed);
    Some(parsed)
}

/// Text up to the closing quote, and what follows it.
fn quoted(rest: &str) -> Option<(&str, &str)> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => return Some((&rest[..at], &rest[at + 1..])),
            _ => {}
        }
        at += 1;
    }
    None
}
