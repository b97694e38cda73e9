//! One entry becomes one record: redacted, given its template, counted, and handed to the writer.

use evidence::{Record, Redacted, Redactor, Severity, SourcePosition, TemplateId, Time};

use super::Ingest;
use super::feed::Feed;
use crate::Result;
use crate::multiline::Entry;
use crate::stores::manifest::Clock;

const A_DAY: i64 = 86_400_000_000;

impl Ingest {
    pub(super) fn store(&mut self, entry: Entry, feed: &mut Feed) -> Result<()> {
        let stated = entry.line.time.or(entry.previous_time);
        let time = stated.or(feed.last_time).unwrap_or(feed.context.now);
        feed.last_time = stated.or(feed.last_time);
        let is_believable = time.0 <= feed.context.now.0.saturating_add(A_DAY);
        // What a file grew by since it was last read was written in between.
        let clock = match (is_believable, feed.last_time.is_some() || feed.has_grown) {
            (false, _) => Clock::Ahead,
            (true, true) => Clock::Stated,
            (true, false) => Clock::Assumed,
        };
        feed.counted.entry(&entry, is_believable);
        self.count_oddities(&entry, is_believable);
        let is_access = entry.line.format == "access";
        let (record, n_redacted) = record_of(entry, time, feed, &self.redactor);
        let template = self.template_of(&record, is_access)?;
        self.count_record(&record, n_redacted);
        self.writer.add(record, template, n_redacted as u32, clock)?;
        Ok(())
    }

    fn template_of(&mut self, record: &Record, is_access: bool) -> Result<TemplateId> {
        let kind = if is_access { request_kind(record) } else { message_and_error(record) };
        let template = self.miner.assign(kind.as_deref().unwrap_or(record.text.as_str()));
        for new in self.miner.take_new() {
            self.writer.add_template(new.id, &new.text, &new.shape, &new.replaces)?;
        }
        Ok(template)
    }

    fn count_oddities(&mut self, entry: &Entry, is_believable: bool) {
        let manifest = self.writer.manifest_mut();
        for (is_so, of_run, of_index) in [
            (!entry.line.understood, &mut self.report.malformed, &mut manifest.malformed),
            (entry.truncated, &mut self.report.truncated, &mut manifest.truncated),
            (!is_believable, &mut self.report.skewed, &mut manifest.skewed),
        ] {
            *of_run += u64::from(is_so);
            *of_index += u64::from(is_so);
        }
    }

    fn count_record(&mut self, record: &Record, n_redacted: usize) {
        let report = &mut self.report;
        report.records += 1;
        report.redacted += n_redacted as u64;
        report.first_time = Some(report.first_time.map_or(record.time, |first| first.min(record.time)));
        report.last_time = Some(report.last_time.map_or(record.time, |last| last.max(record.time)));
        if !report.services.contains(&record.service) {
            report.services.insert(record.service.clone());
        }
    }
}

/// What the entry says, redacted, and how many values were replaced.
fn record_of(entry: Entry, time: Time, feed: &Feed, redactor: &Redactor) -> (Record, usize) {
    let line = entry.line;
    let mut n_redacted = 0;
    let mut counted = |(text, n): (Redacted, usize)| {
        n_redacted += n;
        text
    };
    let mut name = |name: Option<String>| {
        let name = name.filter(|name| !name.is_empty())?;
        Some(counted(redactor.redact(name)).into_string())
    };
    let said = if feed.is_service_fixed { None } else { name(line.service) };
    let record = Record {
        time,
        severity: line.severity,
        service: said.unwrap_or_else(|| feed.default_service.clone()),
        host: name(line.host),
        environment: name(line.environment),
        version: name(line.version),
        trace: name(line.trace),
        span: name(line.span),
        text: counted(redactor.redact(line.text)),
        fields: line
            .fields
            .into_iter()
            .map(|(name, value)| {
                let value = counted(redactor.redact_field(&name, value));
                (name, value)
            })
            .collect(),
        source: SourcePosition { path: feed.path.clone(), offset: entry.offset },
    };
    (record, n_redacted)
}

/// Of an access log's line what tells one kind of request from another: method, path, and the status as a word, so that
/// requests that fail are another kind of message than those that do not, whoever asked with whatever browser.
fn request_kind(record: &Record) -> Option<String> {
    let field = |name: &str| record.fields.get(name).map(Redacted::as_str);
    // Marked by brackets of their own, because the miner takes words in one place for variants of a name.
    let outcome = match field("status")?.as_bytes().first() {
        Some(b'5') => "(server-error)",
        Some(b'4') => "[client-error]",
        Some(b'3') => "{redirected}",
        _ => "served",
    };
    let path = field("path")?.split(['?', '#']).next().unwrap_or_default();
    Some(format!("{} {path} {outcome}", field("method")?))
}

/// A bad message with the error that stands beside it: `cannot quote` for want of a route is not `cannot quote` after a timeout.
fn message_and_error(record: &Record) -> Option<String> {
    const NAMES: [&str; 12] = [
        "error",
        "err",
        "error.message",
        "err.message",
        "error_message",
        "errorMessage",
        "errmsg",
        "exception",
        "exception.message",
        "exc",
        "cause",
        "reason",
    ];
    const LONGEST: usize = 300;
    record.severity.filter(|severity| *severity >= Severity::Warn)?;
    let text = record.text.as_str();
    let errors = NAMES.iter().filter_map(|name| record.fields.get(*name)).map(Redacted::as_str);
    let first_lines = errors.filter_map(|error| error.lines().next()).map(str::trim);
    let error = first_lines.into_iter().find(|error| error.contains(char::is_alphabetic) && !text.contains(error))?;
    let error: String = error.chars().take(LONGEST).collect();
    Some(format!("{}: {error}", text.trim_end().trim_end_matches([':', '.'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(severity: Severity, text: &str, fields: &[(&str, &str)]) -> Record {
        let stored = |text: &str| Redacted::from_storage(text.to_owned());
        Record {
            time: Time(0),
            severity: Some(severity),
            service: "trips".to_owned(),
            host: None,
            environment: None,
            version: None,
            trace: None,
            span: None,
            text: stored(text),
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), stored(value))).collect(),
            source: SourcePosition { path: String::new(), offset: 0 },
        }
    }

    #[test]
    fn the_error_beside_a_bad_message_is_part_of_its_kind() {
        let check = |severity, text: &str, fields: &[(&str, &str)], expected: Option<&str>| {
            assert_eq!(message_and_error(&record(severity, text, fields)).as_deref(), expected, "{text} {fields:?}");
        };
        let timeout = [("err", "dial tcp 10.0.0.1:7000: i/o timeout\n\tat a.go:1")];
        check(Severity::Error, "no fare.", &timeout, Some("no fare: dial tcp 10.0.0.1:7000: i/o timeout"));
        check(Severity::Info, "no fare", &timeout, None);
        check(Severity::Error, "no fare: i/o timeout", &[("error", "i/o timeout")], None);
        check(Severity::Error, "no fare", &[("error", "500"), ("cause", "queue full")], Some("no fare: queue full"));
    }

    #[test]
    fn requests_are_told_apart_by_path_and_outcome_alone() {
        let check = |status: &str, expected: &str| {
            let fields = [("method", "GET"), ("path", "/carts/17?x=1"), ("status", status), ("user_agent", "Firefox")];
            assert_eq!(request_kind(&record(Severity::Info, "whole line", &fields)).as_deref(), Some(expected));
        };
        check("200", "GET /carts/17 served");
        check("503", "GET /carts/17 (server-error)");
    }
}
