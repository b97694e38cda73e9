//! Turns one line of a source into what it says: time, level, names, message, fields.
//! Formats are tried line by line, so mixed files work; each rejects a foreign line by its first bytes.

use std::collections::BTreeMap;

use evidence::{Severity, Time};
use jiff::tz::TimeZone;

mod access;
mod container;
mod header;
mod json;
mod level;
mod logfmt;
mod plain;
mod roles;
mod syslog;
mod text;
pub mod time;

pub use roles::{Role, role_of};
pub use text::{MAX_LINE_BYTES, clean, cut_at_char};

/// What one line said. Everything is as written; nothing is redacted yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedLine {
    /// `None` when the line names no time; it then belongs to the time it was seen.
    pub time: Option<Time>,
    pub severity: Option<Severity>,
    pub service: Option<String>,
    pub host: Option<String>,
    pub environment: Option<String>,
    pub version: Option<String>,
    pub trace: Option<String>,
    pub span: Option<String>,
    pub text: String,
    /// What else the line said, by its own names, nested names joined with dots.
    pub fields: BTreeMap<String, String>,
    /// The name of the format that understood the line.
    pub format: &'static str,
    /// Whether any format found a time, a level or a structure; `false` counts as malformed.
    pub understood: bool,
    /// Whether the line is the first part of one that a container runtime cut; the rest follows.
    pub partial: bool,
}

/// What a line leaves out and its source knows.
#[derive(Clone, Debug)]
pub struct ParseContext {
    /// The latest time a line can have: now, or when the file was last written.
    pub now: Time,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// The offset of `zone` when it never changes, in microseconds; saves the lookup.
    fixed_offset: Option<i64>,
}

impl ParseContext {
    pub fn new(now: Time, zone: TimeZone) -> ParseContext {
        let fixed_offset = zone.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()) * 1_000_000);
        ParseContext { now, zone, fixed_offset }
    }

    pub fn utc(now: Time) -> ParseContext {
        ParseContext::new(now, TimeZone::UTC)
    }

    /// The instant at which a clock on the wall of this zone shows `local` (microseconds since 1970 on that clock).
    fn local_to_utc(&self, local: i64) -> Time {
        if let Some(offset) = self.fixed_offset {
            return Time(local - offset);
        }
        let shown = Time(local).to_timestamp().to_zoned(TimeZone::UTC).datetime();
        let instant = self.zone.to_timestamp(shown).map(Time::from_timestamp);
        instant.unwrap_or(Time(local))
    }
}

/// One way to write a log line.
#[derive(Debug)]
pub struct Format {
    pub name: &'static str,
    pub about: &'static str,
    parse: fn(&str, &ParseContext) -> Option<ParsedLine>,
}

impl Format {
    /// `None` when the line is not of this format.
    pub fn parse(&self, line: &str, context: &ParseContext) -> Option<ParsedLine> {
        (self.parse)(line, context)
    }
}

/// Every format, most particular first; `plain` takes what is left.
pub const FORMATS: &[Format] = &[
    Format { name: "container", about: "Docker json-file and CRI lines, cut lines joined", parse: container::parse },
    Format { name: "json", about: "one JSON object per line", parse: json::parse },
    Format { name: "syslog", about: "RFC 3164 and RFC 5424", parse: syslog::parse },
    Format { name: "access", about: "common and combined access logs", parse: access::parse },
    Format { name: "logfmt", about: "key=value pairs", parse: logfmt::parse },
    Format { name: "plain", about: "free text, with a leading time in the usual layouts", parse: plain::parse },
];

/// The format that a person named; `auto` is no format but [`Detector::auto`].
pub fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Chooses a format for each line of one source.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detector {
    /// The only format to try before `plain`.
    pinned: Option<&'static Format>,
}

impl Detector {
    pub fn auto() -> Detector {
        Detector { pinned: None }
    }

    pub fn always(format: &'static Format) -> Detector {
        Detector { pinned: Some(format) }
    }

    /// `auto` or a format's name; the error lists the names.
    pub fn named(name: &str) -> Result<Detector, String> {
        if name == "auto" {
            return Ok(Detector::auto());
        }
        let names: Vec<&str> = std::iter::once("auto").chain(FORMATS.iter().map(|format| format.name)).collect();
        format_named(name)
            .map(Detector::always)
            .ok_or_else(|| format!("unknown format `{name}` (known: {})", names.join(", ")))
    }

    /// Never fails: a line that no format understands comes back as text.
    pub fn parse(&self, line: &str, context: &ParseContext) -> ParsedLine {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = clean(line);
        let parsed = match self.pinned {
            Some(format) => format.parse(&line, context),
            None => FORMATS.iter().find_map(|format| format.parse(&line, context)),
        };
        parsed.unwrap_or_else(|| plain::unread(&line))
    }
}

/// Reads a message once more, as container shippers wrap lines: for time, level, names and the message itself.
pub(crate) fn read_text_again(parsed: &mut ParsedLine, context: &ParseContext) {
    let text = parsed.text.trim_start();
    let inner = match text.as_bytes().first() {
        Some(b'{') => json::parse(text, context),
        _ => logfmt::parse(text, context),
    };
    match inner {
        Some(inner) => parsed.absorb(inner),
        None => plain::read_header(parsed, context),
    }
}

impl ParsedLine {
    /// Whether its logger wrote a header before the message, so that it begins an entry.
    pub(crate) fn has_header(&self) -> bool {
        self.fields.contains_key(plain::HEADER)
    }

    /// Takes over what the line inside this one says; what is already known stays.
    fn absorb(&mut self, inner: ParsedLine) {
        self.time = self.time.or(inner.time);
        self.severity = self.severity.or(inner.severity);
        for (mine, theirs) in [
            (&mut self.service, inner.service),
            (&mut self.host, inner.host),
            (&mut self.environment, inner.environment),
            (&mut self.version, inner.version),
            (&mut self.trace, inner.trace),
            (&mut self.span, inner.span),
        ] {
            if mine.is_none() {
                *mine = theirs;
            }
        }
        for (name, value) in inner.fields {
            self.fields.entry(name).or_insert(value);
        }
        self.text = inner.text;
    }
}

#[cfg(test)]
mod tests;
