//! RFC 5424 and the many forms of RFC 3164, with and without priority. The app name is the service.

use evidence::{Severity, Time};

use super::{ParseContext, ParsedLine, read_text_again, time};

pub(super) fn parse(line: &str, context: &ParseContext) -> Option<ParsedLine> {
    let first = *line.as_bytes().first()?;
    let mut parsed = if first == b'<' {
        let (priority, rest) = priority(line)?;
        let mut parsed = match rest.strip_prefix("1 ") {
            Some(rest) => rfc5424(rest, context).or_else(|| rfc3164(rest, context, true))?,
            None => rfc3164(rest, context, true)?,
        };
        parsed.severity = Some(severity(priority & 7));
        parsed.fields.insert("facility".to_owned(), (priority >> 3).to_string());
        parsed
    } else if first.is_ascii_alphabetic() || first.is_ascii_digit() {
        rfc3164(line, context, false)?
    } else {
        return None;
    };
    parsed.format = "syslog";
    parsed.understood = true;
    read_text_again(&mut parsed, context);
    Some(parsed)
}

fn priority(line: &str) -> Option<(u16, &str)> {
    let end = line.bytes().take(5).position(|byte| byte == b'>')?;
    let priority = line[1..end].parse().ok().filter(|priority| *priority <= 191)?;
    Some((priority, &line[end + 1..]))
}

fn severity(code: u16) -> Severity {
    match code {
        0..=2 => Severity::Fatal,
        3 => Severity::Error,
        4 => Severity::Warn,
        5 | 6 => Severity::Info,
        _ => Severity::Debug,
    }
}

/// `Jun 14 15:16:01 host app[123]: message`; without a priority only this strict form is syslog.
fn rfc3164(line: &str, context: &ParseContext, has_priority: bool) -> Option<ParsedLine> {
    let (time, end) = match time::rfc3164(line, context) {
        Some(found) => found,
        None if has_priority => return tagged(line, None, None).or_else(|| Some(untagged(line, None))),
        None => return None,
    };
    let is_iso = line.as_bytes()[0].is_ascii_digit();
    let rest = line.get(end..)?.strip_prefix(' ')?;
    let (host, after_host) = rest.split_once(' ').unwrap_or((rest, ""));
    if host.ends_with(':') {
        return if is_iso && !has_priority { None } else { tagged(rest, Some(time), None) };
    }
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'));
    if !is_host {
        return has_priority.then(|| untagged(rest, Some(time)));
    }
    let found = tagged(after_host.trim_start(), Some(time), Some(host));
    // Many free-text lines begin with an ISO time and a word; only `app[pid]:` makes them syslog.
    let is_sure = has_priority || !is_iso || found.as_ref().is_some_and(|parsed| parsed.fields.contains_key("pid"));
    if !is_sure || (!has_priority && Severity::parse(host).is_some()) {
        return None;
    }
    found.or_else(|| {
        let mut parsed = untagged(after_host, Some(time));
        parsed.host = Some(host.to_owned());
        Some(parsed)
    })
}

/// `app[123]: message`, `app: message`, `sshd(pam_unix)[1]: message`.
fn tagged(rest: &str, time: Option<Time>, host: Option<&str>) -> Option<ParsedLine> {
    let (tag, message) = match rest.split_once(": ") {
        Some((tag, message)) => (tag, message),
        None => (rest.strip_suffix(':')?, ""),
    };
    let (name, pid) = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
        Some((name, pid)) => (name, Some(pid)),
        None => (tag, None),
    };
    let name = name.trim_end();
    let (app, module) = match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
        Some((app, module)) if !app.is_empty() => (app, Some(module)),
        _ => (name, None),
    };
    let is_app = !app.is_empty() && app.len() <= 64 && !app.contains([' ', '=', '"', '{', '[', ']']);
    if !is_app {
        return None;
    }
    let mut parsed = untagged(message, time);
    parsed.service = Some(app.to_owned());
    parsed.host = host.map(str::to_owned);
    parsed.fields.extend(pid.map(|pid| ("pid".to_owned(), pid.to_owned())));
    parsed.fields.extend(module.map(|module| ("module".to_owned(), module.to_owned())));
    Some(parsed)
}

fn untagged(message: &str, time: Option<Time>) -> ParsedLine {
    ParsedLine { time, text: message.to_owned(), ..ParsedLine::default() }
}

/// `TIMESTAMP HOST APP PROCID MSGID STRUCTURED-DATA MSG`, `-` for what is not known.
fn rfc5424(rest: &str, context: &ParseContext) -> Option<ParsedLine> {
    let mut parts = rest.splitn(6, ' ');
    let mut next = || parts.next().map(|part| Some(part).filter(|part| *part != "-"));
    let (at, host, app, process, message_id) = (next()?, next()?, next()?, next()?, next()?);
    let tail = parts.next().unwrap_or("-");
    let time = match at {
        Some(at) => Some(time::timestamp(at, context)?),
        None => None,
    };
    let mut parsed = ParsedLine { time, ..ParsedLine::default() };
    parsed.host = host.map(str::to_owned);
    parsed.service = app.map(str::to_owned);
    parsed.fields.extend(process.map(|process| ("pid".to_owned(), process.to_owned())));
    parsed.fields.extend(message_id.map(|id| ("msgid".to_owned(), id.to_owned())));
    let message = structured_data(tail, &mut parsed).unwrap_or(tail);
    parsed.text = message.trim_start().trim_start_matches('\u{feff}').to_owned();
    Some(parsed)
}

/// Moves `[id name="value" …]…` into fields and returns what follows; `None` when it is not well formed.
fn structured_data<'t>(tail: &'t str, parsed: &mut ParsedLine) -> Option<&'t str> {
    if let Some(message) = tail.strip_prefix('-') {
        return Some(message);
    }
    let mut fields = Vec::new();
    let mut rest = tail;
    while let Some(element) = rest.strip_prefix('[') {
        let id_end = element.find([' ', ']'])?;
        let id = &element[..id_end];
        let mut inside = &element[id_end..];
        loop {
            inside = inside.trim_start_matches(' ');
            if let Some(after) = inside.strip_prefix(']') {
                rest = after;
                break;
            }
            let (name, quoted) = inside.split_once("=\"")?;
            let (value, after) = quoted_value(quoted)?;
            fields.push((format!("{id}.{name}"), value));
            inside = after;
        }
    }
    parsed.fields.extend(fields);
    Some(rest)
}

fn quoted_value(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}
