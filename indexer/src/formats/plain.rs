//! Free text: the header its logger wrote, the level it names, the trace it belongs to. The message is what is left.

use memchr::memmem;

use super::level::{level_named, level_stated};
use super::{ParseContext, ParsedLine, header, time};

/// The field that keeps the header as it was written.
pub(super) const HEADER: &str = "header";

pub(super) fn parse(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let mut parsed = ParsedLine { format: "plain", text: line.to_owned(), ..ParsedLine::default() };
    read_header(&mut parsed, context);
    parsed.understood = parsed.time.is_some() || parsed.severity.is_some();
    Some(parsed)
}

/// A line that the format a person chose does not understand.
pub(super) fn unread(line: &str) -> ParsedLine {
    ParsedLine { format: "plain", text: line.to_owned(), ..ParsedLine::default() }
}

/// Moves time, level, process and thread out of the text where a header says them, then reads what else it says.
///
/// What the record itself says stays. `header` and the text together are the line as it was.
pub(super) fn read_header(parsed: &mut ParsedLine, context: &ParseContext) {
    if parsed.text.starts_with([' ', '\t']) || parsed.fields.contains_key(HEADER) {
        return;
    }
    let text = std::mem::take(&mut parsed.text);
    let leading = time::leading(&text, context);
    let header = header::header_of(&text, leading.as_ref().map(|(_, place)| place.clone()));
    let message = &text[header.end..];
    let level = || header.severity.or_else(|| level_named(message)).or_else(|| level_stated(message));
    parsed.time = parsed.time.or(leading.map(|(time, _)| time));
    parsed.severity = parsed.severity.or_else(level);
    parsed.text = message.to_owned();
    if header.end > 0 {
        let names = header.names;
        for (name, value) in [("pid", names.pid), ("thread", names.thread), ("logger", names.logger)] {
            if let Some(value) = value {
                parsed.fields.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        parsed.fields.insert(HEADER.to_owned(), text[..header.end].to_owned());
    }
    read_ids(parsed);
}

/// Finds the trace that the text belongs to, when the record names none.
pub(super) fn read_ids(parsed: &mut ParsedLine) {
    if parsed.trace.is_some() {
        return;
    }
    parsed.trace = id_after(&parsed.text, "race").map(str::to_owned);
    if parsed.trace.is_some() && parsed.span.is_none() {
        parsed.span = id_after(&parsed.text, "pan").map(str::to_owned);
    }
}

/// The id after `trace_id=`, `TraceID: `, `"traceId":"`, `trace.id` and the like; `stem` is the name without its first letter.
fn id_after<'t>(text: &'t str, stem: &str) -> Option<&'t str> {
    let bytes = text.as_bytes();
    for found in memmem::find_iter(bytes, stem) {
        let starts_name = found.checked_sub(1).is_some_and(|first| matches!(bytes[first], b't' | b'T' | b's' | b'S'))
            && found.checked_sub(2).is_none_or(|before| !bytes[before].is_ascii_alphanumeric());
        if !starts_name {
            continue;
        }
        let mut at = found + stem.len();
        if matches!(bytes.get(at), Some(b'_' | b'.' | b'-' | b' ')) {
            at += 1;
        }
        if !bytes.get(at..at + 2).is_some_and(|id| id.eq_ignore_ascii_case(b"id")) {
            continue;
        }
        at += 2;
        let gap = bytes[at..]
            .iter()
            .take(5)
            .take_while(|byte| matches!(byte, b'"' | b'\'' | b':' | b'=' | b' ' | b'\\'))
            .count();
        if gap == 0 {
            continue;
        }
        at += gap;
        let len =
            bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
        let is_id = (8..=64).contains(&len) && bytes[at..at + len].iter().any(u8::is_ascii_digit);
        if is_id {
            return Some(&text[at..at + len]);
        }
    }
    None
}
