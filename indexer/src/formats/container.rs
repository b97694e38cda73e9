//! Lines as container runtimes store them: Docker's json-file and CRI. Cut lines are marked; `multiline` joins them.

use serde_json::{Map, Value};

use super::{ParseContext, ParsedLine, read_text_again, time};

pub(super) fn parse(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let mut parsed = if line.starts_with('{') { docker(line, context)? } else { cri(line, context)? };
    parsed.format = "container";
    parsed.understood = true;
    if !parsed.partial {
        read_text_again(&mut parsed, context);
    }
    Some(parsed)
}

/// `{"log":"…\n","stream":"stdout","time":"…"}`; the newline is missing where Docker cut the line at 16 KiB.
fn docker(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let looks_like_docker = line.contains("\"log\":") && line.contains("\"stream\":") && line.contains("\"time\":");
    if !looks_like_docker {
        return None;
    }
    let mut object: Map<String, Value> = serde_json::from_str(line.trim_end()).ok()?;
    let only_docker_writes = object.keys().all(|key| matches!(key.as_str(), "log" | "stream" | "time" | "attrs"));
    let (Some(Value::String(log)), Some(Value::String(stream)), Some(Value::String(at))) =
        (object.remove("log"), object.remove("stream"), object.remove("time"))
    else {
        return None;
    };
    if !only_docker_writes {
        return None;
    }
    let mut parsed = ParsedLine { time: time::timestamp(&at, context), ..ParsedLine::default() };
    if let Some(Value::Object(attributes)) = object.remove("attrs") {
        for (name, value) in attributes {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            parsed.fields.insert(name, value);
        }
    }
    parsed.fields.insert("stream".to_owned(), stream);
    parsed.partial = !log.ends_with('\n');
    let log = log.strip_suffix('\n').unwrap_or(&log);
    parsed.text = super::clean(log.strip_suffix('\r').unwrap_or(log)).into_owned();
    Some(parsed)
}

/// `2024-01-02T15:04:05.123456789Z stdout F message`, `P` where the runtime cut the line.
fn cri(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let mut parts = line.splitn(4, ' ');
    let at = parts.next().filter(|at| at.len() >= 20 && at.as_bytes()[0].is_ascii_digit())?;
    let stream = parts.next().filter(|stream| matches!(*stream, "stdout" | "stderr"))?;
    let tag = parts.next()?;
    let is_partial = match tag.split(':').next()? {
        "F" => false,
        "P" => true,
        _ => return None,
    };
    let mut parsed = ParsedLine { time: Some(time::timestamp(at, context)?), ..ParsedLine::default() };
    parsed.fields.insert("stream".to_owned(), stream.to_owned());
    parsed.partial = is_partial;
    parsed.text = parts.next().unwrap_or_default().to_owned();
    Some(parsed)
}
