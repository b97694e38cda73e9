//! Passwords on command lines whose option does not name them: `sshpass -p …`, `curl -u name:…`.

use super::spans::Span;

/// How far before its option a command may stand.
const MAX_BEFORE: usize = 400;
const MAX_VALUE: usize = 256;

/// The value of the option that ends at `end`, when it is one word.
pub(super) fn password_after(bytes: &[u8], end: usize) -> Option<Span> {
    let (from, to) = word_at(bytes, end)?;
    is_written_out(&bytes[from..to]).then_some(Span { start: from, end: to, kind: "password" })
}

/// The password of `name:password` after `-u` or `--user` of curl.
pub(super) fn user_after(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let before = &bytes[start.saturating_sub(MAX_BEFORE)..start];
    let is_curl = before.windows(4).any(|four| four == b"curl");
    let (from, to) = word_at(bytes, end)?;
    let colon = from + bytes[from..to].iter().position(|byte| *byte == b':')?;
    let is_password = is_curl && is_written_out(&bytes[colon + 1..to]);
    is_password.then_some(Span { start: colon + 1, end: to, kind: "password" })
}

fn word_at(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let quotes = bytes[end..].iter().take(2).take_while(|byte| matches!(byte, b'"' | b'\'')).count();
    let from = end + quotes;
    let stops = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'\\');
    let rest = &bytes[from..bytes.len().min(from + MAX_VALUE)];
    let len = rest.iter().position(stops).unwrap_or(rest.len());
    (len > 0).then_some((from, from + len))
}

/// Neither a variable nor asterisks nor another option.
fn is_written_out(value: &[u8]) -> bool {
    let starts_otherwise = matches!(value.first(), None | Some(b'$' | b'<' | b'-' | b'{'));
    !starts_otherwise && !value.iter().all(|byte| matches!(byte, b'*' | b'x'))
}
