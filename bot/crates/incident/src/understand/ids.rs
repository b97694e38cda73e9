//! Things in a question that name one record, trace, request or address.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::rows::Row;
use super::tokens::{Role, Token};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "text")]
pub enum Id {
    /// `r1234`
    Record(String),
    /// `t12`
    Template(String),
    /// 16 or 32 hexadecimal digits.
    Trace(String),
    Uuid(String),
    Ip(String),
    /// A short prefix, a dash and something with a digit: `req-81f2`; or a long number, of an order or a ticket.
    Request(String),
    /// `E1` of the answer before.
    Row(Row),
}

impl Id {
    pub fn text(&self) -> &str {
        match self {
            Id::Record(text)
            | Id::Template(text)
            | Id::Trace(text)
            | Id::Uuid(text)
            | Id::Ip(text)
            | Id::Request(text) => text,
            Id::Row(row) => &row.id,
        }
    }

    /// What finds the lines of it, in the query language.
    pub fn query(&self) -> String {
        match self {
            Id::Record(text) => format!("id:{text}"),
            Id::Template(text) => format!("template:{text}"),
            Id::Trace(text) => format!("(trace:{text} OR \"{text}\")"),
            Id::Uuid(text) | Id::Ip(text) | Id::Request(text) => format!("\"{text}\""),
            Id::Row(row) => row.query.clone(),
        }
    }
}

pub(super) fn take(tokens: &mut [Token]) -> Vec<Id> {
    /// What people count: before these, a long number is an amount.
    const COUNTED: [&str; 12] = [
        "errors",
        "lines",
        "records",
        "requests",
        "times",
        "ms",
        "users",
        "orders",
        "messages",
        "events",
        "seconds",
        "customers",
    ];
    let mut ids = Vec::new();
    for i in 0..tokens.len() {
        let counts = tokens.get(i + 1).is_some_and(|next| next.is_any(&COUNTED));
        let token = &mut tokens[i];
        if token.role != Role::Free && token.role != Role::Quoted {
            continue;
        }
        let text = token.raw.rsplit_once('=').map_or(token.raw.as_str(), |(_, value)| value);
        let number = || is_long_number(text.trim_start_matches('#')) && !counts;
        let request = || Id::Request(text.trim_start_matches('#').to_owned());
        if let Some(id) = read(text).or_else(|| number().then(request)) {
            token.role = Role::Id;
            ids.push(id);
            take_label(&mut tokens[..i]);
        }
    }
    ids
}

/// Takes the words right before an id that only say what it is: "trace id".
fn take_label(before: &mut [Token]) {
    const LABELS: [&str; 14] = [
        "trace",
        "traceid",
        "trace_id",
        "span",
        "id",
        "request",
        "req",
        "correlation",
        "record",
        "template",
        "session",
        "transaction",
        "ip",
        "address",
    ];
    for token in before.iter_mut().rev().take_while(|token| token.is_any(&LABELS)) {
        token.role = Role::Id;
    }
}

fn read(text: &str) -> Option<Id> {
    let owned = text.to_owned();
    let all_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    let digits_after = |prefix: char| {
        text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    if digits_after('r') {
        return Some(Id::Record(owned));
    }
    if digits_after('t') {
        return Some(Id::Template(owned));
    }
    if all_hex && matches!(text.len(), 16 | 32) && text.bytes().any(|b| b.is_ascii_digit()) {
        return Some(Id::Trace(owned));
    }
    if is_uuid(text) {
        return Some(Id::Uuid(owned));
    }
    if text.contains(['.', ':']) && is_address(text) {
        return Some(Id::Ip(owned));
    }
    let (prefix, rest) = text.split_once(['-', '_'])?;
    const PREFIXES: [&str; 9] = ["req", "request", "trace", "txn", "tx", "order", "corr", "session", "sess"];
    let known_prefix = PREFIXES.contains(&prefix.to_ascii_lowercase().as_str());
    let has_digit = rest.bytes().any(|b| b.is_ascii_digit());
    (known_prefix && has_digit && rest.len() >= 3).then_some(Id::Request(owned))
}

fn is_long_number(text: &str) -> bool {
    text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit())
}

/// An address, but not a clock: `::1` is one and `14:02:10` is not.
fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}
