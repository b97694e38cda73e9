//! How each service writes a line. A message is given once; what surrounds it is the format's.

use std::fmt::{self, Write};

use crate::line::Level;
use crate::stamp::Civil;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// nginx, combined; its message is the whole rest of the line.
    Access,
    /// JSON with `ts level service version pod trace_id span_id msg`.
    Zap,
    /// JSON by the Elastic Common Schema.
    Ecs,
    /// JSON with milliseconds as a number.
    Pino,
    Logfmt,
    /// log4j, with stack traces.
    Java,
    /// Python logging under OpenTelemetry, with tracebacks.
    Python,
    /// RFC 5424.
    Syslog,
    Postgres,
    Klog,
}

/// A value beside the message, in formats that have fields.
#[derive(Clone, Copy)]
pub(crate) enum Value<'v> {
    Text(&'v str),
    Int(i64),
    Float(f64),
}

pub(crate) struct Entry<'e> {
    pub(crate) at: i64,
    pub(crate) level: Level,
    pub(crate) service: &'e str,
    pub(crate) host: &'e str,
    pub(crate) version: &'e str,
    /// The class, module, file or database user that speaks.
    pub(crate) logger: &'e str,
    /// Trace and span.
    pub(crate) call: Option<(u128, u64)>,
    pub(crate) fields: &'e [(&'e str, Value<'e>)],
    pub(crate) message: fmt::Arguments<'e>,
}

impl Format {
    pub(crate) fn render(self, entry: &Entry<'_>) -> String {
        let mut out = String::with_capacity(320);
        match self {
            Format::Access => access(&mut out, entry),
            Format::Zap => zap(&mut out, entry),
            Format::Ecs => ecs(&mut out, entry),
            Format::Pino => pino(&mut out, entry),
            Format::Logfmt => logfmt(&mut out, entry),
            Format::Java => java(&mut out, entry),
            Format::Python => python(&mut out, entry),
            Format::Syslog => syslog(&mut out, entry),
            Format::Postgres => postgres(&mut out, entry),
            Format::Klog => klog(&mut out, entry),
        }
        out
    }
}

/// Escapes what JSON and logfmt quote.
struct Escaped<'o>(&'o mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.bytes().any(|b| b == b'"' || b == b'\\' || b < 0x20) {
            self.0.push_str(text);
            return Ok(());
        }
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\t' => self.0.push_str("\\t"),
                c if (c as u32) < 0x20 => {}
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Writing to a string cannot fail.
fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn escaped(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = Escaped(out).write_fmt(text);
}

pub(crate) fn hex(out: &mut String, number: u128, width: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for place in (0..width).rev() {
        out.push(char::from(DIGITS[(number >> (4 * place)) as usize & 15]));
    }
}

fn call(out: &mut String, entry: &Entry<'_>, before: &str, between: &str, after: &str) {
    if let Some((trace, span)) = entry.call {
        out.push_str(before);
        hex(out, trace, 32);
        out.push_str(between);
        hex(out, u128::from(span), 16);
        out.push_str(after);
    }
}

fn json_fields(out: &mut String, entry: &Entry<'_>) {
    for (name, value) in entry.fields {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        match value {
            Value::Text(text) => {
                out.push('"');
                escaped(out, format_args!("{text}"));
                out.push('"');
            }
            Value::Int(number) => put(out, format_args!("{number}")),
            Value::Float(number) => put(out, format_args!("{number:.2}")),
        }
    }
}

fn access(out: &mut String, entry: &Entry<'_>) {
    out.push_str(entry.logger);
    out.push_str(" - - [");
    Civil::of(entry.at).access(out);
    out.push_str("] ");
    let _ = out.write_fmt(entry.message);
}

fn zap(out: &mut String, entry: &Entry<'_>) {
    out.push_str("{\"ts\":\"");
    Civil::of(entry.at).rfc3339(out);
    for (name, text) in [
        ("\",\"level\":\"", entry.level.lower()),
        ("\",\"service\":\"", entry.service),
        ("\",\"version\":\"", entry.version),
        ("\",\"pod\":\"", entry.host),
    ] {
        out.push_str(name);
        out.push_str(text);
    }
    call(out, entry, "\",\"trace_id\":\"", "\",\"span_id\":\"", "");
    out.push_str("\",\"msg\":\"");
    escaped(out, entry.message);
    out.push('"');
    json_fields(out, entry);
    out.push('}');
}

fn ecs(out: &mut String, entry: &Entry<'_>) {
    out.push_str("{\"@timestamp\":\"");
    Civil::of(entry.at).rfc3339(out);
    out.push_str("\",\"log.level\":\"");
    out.push_str(entry.level.upper());
    out.push_str("\",\"message\":\"");
    escaped(out, entry.message);
    for (name, text) in [
        ("\",\"log.logger\":\"", entry.logger),
        ("\",\"service.name\":\"", entry.service),
        ("\",\"service.version\":\"", entry.version),
        ("\",\"service.environment\":\"", crate::services::ENVIRONMENT),
    ] {
        out.push_str(name);
        out.push_str(text);
    }
    call(out, entry, "\",\"trace.id\":\"", "\",\"span.id\":\"", "");
    out.push_str("\",\"kubernetes\":{\"pod_name\":\"");
    out.push_str(entry.host);
    out.push_str("\"}");
    json_fields(out, entry);
    out.push('}');
}

fn pino(out: &mut String, entry: &Entry<'_>) {
    put(out, format_args!("{{\"level\":\"{}\",\"time\":{}", entry.level.lower(), entry.at / 1000));
    for (name, text) in [
        (",\"pid\":1,\"hostname\":\"", entry.host),
        ("\",\"app\":\"", entry.service),
        ("\",\"version\":\"", entry.version),
    ] {
        out.push_str(name);
        out.push_str(text);
    }
    call(out, entry, "\",\"traceId\":\"", "\",\"spanId\":\"", "");
    out.push('"');
    json_fields(out, entry);
    out.push_str(",\"msg\":\"");
    escaped(out, entry.message);
    out.push_str("\"}");
}

fn logfmt(out: &mut String, entry: &Entry<'_>) {
    out.push_str("time=");
    Civil::of(entry.at).rfc3339(out);
    for (name, text) in [
        (" level=", entry.level.lower()),
        (" service=", entry.service),
        (" version=", entry.version),
        (" pod=", entry.host),
    ] {
        out.push_str(name);
        out.push_str(text);
    }
    call(out, entry, " trace_id=", " span_id=", "");
    out.push_str(" msg=\"");
    escaped(out, entry.message);
    out.push('"');
    for (name, value) in entry.fields {
        put(out, format_args!(" {name}="));
        match value {
            Value::Text(text) if text.contains(' ') => put(out, format_args!("{text:?}")),
            Value::Text(text) => out.push_str(text),
            Value::Int(number) => put(out, format_args!("{number}")),
            Value::Float(number) => put(out, format_args!("{number:.2}")),
        }
    }
}

fn java(out: &mut String, entry: &Entry<'_>) {
    Civil::of(entry.at).spaced(out, ',');
    out.push(' ');
    out.push_str(entry.level.upper());
    let thread = entry.call.map_or(1, |(_, span)| span % 24 + 1);
    match entry.call {
        Some(_) => put(out, format_args!(" [http-nio-8080-exec-{thread}]")),
        None => out.push_str(" [main]"),
    }
    call(out, entry, " [TraceID: ", " SpanID: ", "]");
    out.push(' ');
    out.push_str(entry.logger);
    out.push_str(" - ");
    let _ = out.write_fmt(entry.message);
}

fn python(out: &mut String, entry: &Entry<'_>) {
    Civil::of(entry.at).spaced(out, ',');
    out.push(' ');
    out.push_str(if entry.level == Level::Warn { "WARNING" } else { entry.level.upper() });
    out.push_str(" [");
    out.push_str(entry.logger);
    out.push(']');
    call(out, entry, " [trace_id=", " span_id=", "]");
    out.push_str(" - ");
    let _ = out.write_fmt(entry.message);
}

fn syslog(out: &mut String, entry: &Entry<'_>) {
    let severity = match entry.level {
        Level::Debug => 7,
        Level::Info => 6,
        Level::Warn => 4,
        Level::Error => 3,
        Level::Fatal => 2,
    };
    put(out, format_args!("<{}>1 ", 16 * 8 + severity));
    Civil::of(entry.at).rfc3339(out);
    put(out, format_args!(" {} {} 1 {} ", entry.host, entry.service, entry.logger));
    put(out, format_args!("[origin software=\"{}\" swVersion=\"{}\"]", entry.service, entry.version));
    call(out, entry, "[trace@32473 trace_id=\"", "\" span_id=\"", "\"]");
    out.push(' ');
    let _ = out.write_fmt(entry.message);
}

fn postgres(out: &mut String, entry: &Entry<'_>) {
    Civil::of(entry.at).spaced(out, '.');
    let process = 200 + entry.logger.len() as i64 * 131 + entry.at / 600_000_000 % 97;
    put(out, format_args!(" UTC [{process}] "));
    if !entry.logger.is_empty() {
        put(out, format_args!("{} ", entry.logger));
    }
    let level = match entry.level {
        Level::Debug => "DEBUG",
        Level::Info => "LOG",
        Level::Warn => "WARNING",
        Level::Error => "ERROR",
        Level::Fatal => "PANIC",
    };
    put(out, format_args!("{level}:  "));
    let _ = out.write_fmt(entry.message);
}

fn klog(out: &mut String, entry: &Entry<'_>) {
    out.push(match entry.level {
        Level::Debug | Level::Info => 'I',
        Level::Warn => 'W',
        Level::Error => 'E',
        Level::Fatal => 'F',
    });
    Civil::of(entry.at).klog(out);
    put(out, format_args!("    1342 {}] ", entry.logger));
    let _ = out.write_fmt(entry.message);
}
