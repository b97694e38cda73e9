//! What one item of a header can be, judged by its form alone.

use evidence::Severity;

/// A bracketed group, nested ones inside.
pub(super) struct Group<'t> {
    pub(super) inside: &'t str,
    /// Behind the closing bracket.
    pub(super) end: usize,
}

const MAX_GROUP: usize = 160;

impl<'t> Group<'t> {
    /// The group whose opening bracket stands at `start`; `None` when it does not close soon.
    pub(super) fn at(line: &'t str, start: usize) -> Option<Group<'t>> {
        let bytes = line.as_bytes();
        let open = bytes[start];
        let close = match open {
            b'[' => b']',
            b'(' => b')',
            _ => b'>',
        };
        let mut depth = 0;
        for (at, byte) in bytes.iter().enumerate().skip(start).take(MAX_GROUP) {
            if *byte == open {
                depth += 1;
            } else if *byte == close {
                depth -= 1;
                if depth == 0 {
                    return Some(Group { inside: line[start + 1..at].trim(), end: at + 1 });
                }
            }
        }
        None
    }
}

/// A word ends at a blank or bar, inside of an open bracket also where that closes.
pub(super) fn word_end(line: &str, start: usize, is_in_bracket: bool) -> usize {
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'|') || is_in_bracket && *byte == b']';
    line.as_bytes()[start..].iter().position(ends).map_or(line.len(), |len| start + len)
}

/// Letters, digits and what joins them in names of classes, hosts and files.
pub(super) fn is_name(word: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'/' | b':' | b'$' | b'#')
    };
    word.len() >= 2
        && word.len() <= 80
        && word.bytes().all(is_part)
        && word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// Nobody writes it in a sentence: a digit or sign in it, or capitals only.
pub(super) fn is_code(word: &str) -> bool {
    let is_marked = word.bytes().any(|byte| byte.is_ascii_digit())
        || word
            .trim_end_matches('.')
            .bytes()
            .any(|byte| matches!(byte, b'.' | b'_' | b'-' | b'@' | b'/' | b':' | b'$' | b'#'));
    let is_capitals = word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let has_foreign = word.bytes().any(|byte| matches!(byte, b'=' | b'"' | b'\'' | b'(' | b'{' | b'?' | b'!'));
    (is_marked || is_capitals) && !has_foreign
}

/// Whether a plain word before a level can be a name (`checkout ERROR …`) and not the message (`got ERROR …`).
pub(super) fn is_no_wording(word: &str) -> bool {
    const WORDING: &[&str] = &[
        "got", "with", "an", "a", "the", "no", "of", "for", "and", "or", "to", "in", "on", "at", "by", "from", "is",
        "was", "has", "had", "are", "not", "code", "status", "state", "level", "returns", "gave", "unknown", "new",
        "found", "sent", "set", "log", "message", "response", "reply", "result", "fatal", "error", "as", "after",
    ];
    let is_lower = word.bytes().all(|byte| byte.is_ascii_lowercase());
    is_lower && !WORDING.contains(&word) && !word.ends_with("ed") && !word.ends_with("ing")
}

/// `main`, `worker 3`, `pool-1-thread-3`, `http-nio-8080-exec-7`, `pid 12:tid 34`, `QuorumPeer[myid=1]/…:Class@774`.
pub(super) fn is_thread(inside: &str) -> bool {
    if inside.is_empty() || inside.len() > 120 {
        return false;
    }
    let lower = inside.to_ascii_lowercase();
    let names_one = ["thread", "worker", "pid ", "tid ", "executor", "-exec-"].iter().any(|word| lower.contains(word));
    let ends_in = |sign: char| {
        let number = inside.rsplit_once(sign);
        number.is_some_and(|(name, number)| {
            !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let is_lower = |byte: u8| byte.is_ascii_lowercase();
    let is_pool = ends_in('-') && !inside.contains(' ') && is_name(inside) && inside.bytes().any(is_lower);
    inside == "main" || names_one || is_pool || ends_in('@')
}

/// Seconds since the kernel started: `12.345678`.
pub(super) fn is_uptime(inside: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    inside.split_once('.').is_some_and(|(seconds, micros)| is_digits(seconds) && is_digits(micros) && micros.len() == 6)
}

/// `app[123]`.
pub(super) fn name_and_pid(word: &str) -> Option<(&str, &str)> {
    let (name, pid) = word.strip_suffix(']')?.split_once('[')?;
    (is_name(name) && !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then_some((name, pid))
}

/// `123:M`: process and role of a Redis server.
pub(super) fn redis_process(word: &str) -> Option<&str> {
    let (pid, role) = word.split_once(':')?;
    (matches!(role, "M" | "S" | "C" | "X") && pid.bytes().all(|byte| byte.is_ascii_digit())).then_some(pid)
}

/// The levels of Redis that a sign stands for; its other two are marks.
pub(super) fn redis_sign(word: &str) -> Option<Severity> {
    match word {
        "*" => Some(Severity::Info),
        "#" => Some(Severity::Warn),
        "." => Some(Severity::Debug),
        _ => None,
    }
}
