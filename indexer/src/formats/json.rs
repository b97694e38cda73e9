//! One JSON object per line. Nested names join with dots; the best-ranked name takes each role, the others stay fields.

use evidence::{Severity, Time};
use serde_json::{Map, Value};

use super::roles::{N_ROLES, Role, role_of};
use super::{ParseContext, ParsedLine, read_text_again, time};

/// Further fields stay together as one field of JSON, so that no line makes thousands of them.
const MAX_FIELDS: usize = 200;
const REST: &str = "more";

pub(super) fn parse(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let trimmed = line.trim();
    if !trimmed.starts_with('{') || !trimmed.ends_with('}') {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(trimmed).ok()?;
    Some(from_object(object, trimmed, context))
}

pub(super) fn from_object(object: Map<String, Value>, whole: &str, context: &ParseContext) -> ParsedLine {
    let mut reader = Reader::new(context);
    for (name, value) in object {
        reader.take(name, value);
    }
    let mut parsed = reader.parsed;
    parsed.format = "json";
    parsed.understood = true;
    if !reader.rest.is_empty() {
        parsed.fields.insert(REST.to_owned(), Value::Object(reader.rest).to_string());
    }
    match reader.best[Role::Text as usize] {
        Some(_) => read_text_again(&mut parsed, context),
        None => parsed.text = whole.to_owned(),
    }
    parsed
}

struct Reader<'c> {
    context: &'c ParseContext,
    parsed: ParsedLine,
    /// For each role the rank, name and written form of the value that holds it so far.
    best: [Option<(usize, String, String)>; N_ROLES],
    rest: Map<String, Value>,
}

impl<'c> Reader<'c> {
    fn new(context: &'c ParseContext) -> Reader<'c> {
        Reader { context, parsed: ParsedLine::default(), best: Default::default(), rest: Map::new() }
    }

    fn take(&mut self, name: String, value: Value) {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                for (key, value) in inner {
                    self.take(format!("{name}.{key}"), value);
                }
            }
            Value::Null => {}
            Value::String(text) => self.keep(name, text, true),
            Value::Array(_) => self.keep(name, value.to_string(), false),
            other => self.keep(name, other.to_string(), true),
        }
    }

    fn keep(&mut self, name: String, value: String, may_have_role: bool) {
        let role = role_of(&name).filter(|_| may_have_role);
        if let Some((role, rank)) = role
            && self.best[role as usize].as_ref().is_none_or(|(best, ..)| rank < *best)
            && self.assign(role, &value)
        {
            let previous = self.best[role as usize].replace((rank, name, value));
            if let Some((_, name, value)) = previous {
                self.field(name, value);
            }
            return;
        }
        self.field(name, value);
    }

    fn field(&mut self, name: String, value: String) {
        if self.parsed.fields.len() < MAX_FIELDS {
            self.parsed.fields.insert(name, value);
        } else {
            self.rest.insert(name, Value::String(value));
        }
    }

    /// Whether the value makes sense in this role.
    fn assign(&mut self, role: Role, value: &str) -> bool {
        if value.is_empty() && role != Role::Text {
            return false;
        }
        let parsed = &mut self.parsed;
        match role {
            Role::Time => match json_time(value, self.context) {
                Some(time) => parsed.time = Some(time),
                None => return false,
            },
            Role::Level => match level(value) {
                Some(severity) => parsed.severity = Some(severity),
                None => return false,
            },
            Role::Service => parsed.service = Some(value.to_owned()),
            Role::Host => parsed.host = Some(value.to_owned()),
            Role::Text => parsed.text = value.trim_end_matches(['\n', '\r']).to_owned(),
            Role::Trace => parsed.trace = Some(value.to_owned()),
            Role::Span => parsed.span = Some(value.to_owned()),
            Role::Environment => parsed.environment = Some(value.to_owned()),
            Role::Version => parsed.version = Some(value.to_owned()),
        }
        true
    }
}

pub(super) fn json_time(value: &str, context: &ParseContext) -> Option<Time> {
    time::timestamp(value, context)
}

/// A level by name, or by number as pino (`30`) and syslog (`3`) count.
pub(super) fn level(value: &str) -> Option<Severity> {
    let Ok(number) = value.parse::<u32>() else {
        return Severity::parse(value);
    };
    Some(match number {
        0..=2 => Severity::Fatal,
        3 => Severity::Error,
        4 => Severity::Warn,
        5 | 6 => Severity::Info,
        7 => Severity::Debug,
        10 => Severity::Trace,
        20 => Severity::Debug,
        30 => Severity::Info,
        40 => Severity::Warn,
        50 => Severity::Error,
        60 => Severity::Fatal,
        _ => return None,
    })
}
