//! `key=value key="quoted value"`. Free text with an equals sign in it is not logfmt: a known name must be there.

use super::json::{json_time, level};
use super::roles::{Role, role_of};
use super::{ParseContext, ParsedLine, plain};

pub(super) fn parse(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let line = line.trim();
    let first_equals = line.bytes().take(64).position(|byte| byte == b'=')?;
    if !is_key(&line[..first_equals]) {
        return None;
    }
    let pairs = pairs_of(line)?;
    let mut parsed = ParsedLine { format: "logfmt", understood: true, ..ParsedLine::default() };
    let mut ranks = [usize::MAX; super::roles::N_ROLES];
    let mut text = None;
    let mut n_roles = 0;
    for (key, value) in pairs {
        let Some((role, rank)) = role_of(key).filter(|(role, rank)| *rank < ranks[*role as usize]) else {
            parsed.fields.insert(key.to_owned(), value);
            continue;
        };
        let understood = match role {
            Role::Time => json_time(&value, context).map(|time| parsed.time = Some(time)).is_some(),
            Role::Level => level(&value).map(|severity| parsed.severity = Some(severity)).is_some(),
            Role::Text => true,
            _ => !value.is_empty(),
        };
        if !understood {
            parsed.fields.insert(key.to_owned(), value);
            continue;
        }
        ranks[role as usize] = rank;
        n_roles += usize::from(matches!(role, Role::Time | Role::Level | Role::Text));
        match role {
            Role::Time | Role::Level => {}
            Role::Text => text = Some(value),
            Role::Service => parsed.service = Some(value),
            Role::Host => parsed.host = Some(value),
            Role::Trace => parsed.trace = Some(value),
            Role::Span => parsed.span = Some(value),
            Role::Environment => parsed.environment = Some(value),
            Role::Version => parsed.version = Some(value),
        }
    }
    if n_roles == 0 {
        return None;
    }
    match text {
        Some(text) => {
            parsed.text = text;
            plain::read_header(&mut parsed, context);
        }
        None => {
            line.clone_into(&mut parsed.text);
            plain::read_ids(&mut parsed);
        }
    }
    Some(parsed)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@'))
}

/// `None` unless nearly every word is a pair and there are at least two.
fn pairs_of(line: &str) -> Option<Vec<(&str, String)>> {
    let mut pairs = Vec::new();
    let mut bare_words = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let key_end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = &rest[..key_end];
        if !rest[key_end..].starts_with('=') {
            bare_words += usize::from(!key.is_empty());
            rest = rest[key_end..].trim_start();
            continue;
        }
        if !is_key(key) {
            return None;
        }
        let (value, after) = value_at(&rest[key_end + 1..])?;
        pairs.push((key, value));
        rest = after.trim_start();
    }
    (pairs.len() >= 2 && bare_words * 4 <= pairs.len()).then_some(pairs)
}

fn value_at(rest: &str) -> Option<(String, &str)> {
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(' ').unwrap_or(rest.len());
        return Some((rest[..end].to_owned(), &rest[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}
