//! All secrets of one text as byte ranges, in order, without overlaps.

use super::anchors::{self, Anchor};
use super::{commands, headers, numbers, pairs, placeholder, providers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: &'static str,
}

pub(super) fn secrets_in(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut key_end = 0;
    let mut value_end = 0;
    for (anchor, start, end) in anchors::anchors_in(bytes) {
        // An unfinished private key reaches to the end of the text; do not look for that end again and again.
        // Nor for names inside of a value that is already taken.
        if start < key_end || (matches!(anchor, Anchor::Name(_)) && start < value_end) {
            continue;
        }
        let span = match anchor {
            Anchor::Provider(provider) => providers::token_at(bytes, provider, start, end),
            Anchor::Jwt => providers::jwt_at(bytes, start),
            Anchor::Pem => providers::private_key_at(text, start),
            Anchor::Scheme => headers::password_in_url(text, end),
            Anchor::At => headers::email_around(bytes, start),
            Anchor::Bearer => headers::bearer_after(bytes, start, end),
            Anchor::Basic => headers::basic_after(bytes, start, end),
            Anchor::Authorization => headers::authorization_after(bytes, end),
            Anchor::Cookie => headers::cookies_after(bytes, start, end),
            Anchor::Password => commands::password_after(bytes, end),
            Anchor::CurlUser => commands::user_after(bytes, start, end),
            Anchor::Webhook => headers::webhook_after(bytes, end),
            Anchor::Name(name) => pairs::value_of(text, name, start, end),
        };
        key_end = span.filter(|_| matches!(anchor, Anchor::Pem)).map_or(key_end, |span: Span| span.end);
        value_end = span.filter(|_| matches!(anchor, Anchor::Name(_))).map_or(value_end, |span| span.end);
        found.extend(span);
    }
    numbers::account_numbers(bytes, &mut found);
    if found.is_empty() {
        return found;
    }
    let kept = placeholder::placeholders_in(text);
    found.retain(|span| {
        let next = kept.partition_point(|(_, end)| *end <= span.start);
        kept.get(next).is_none_or(|(start, _)| *start >= span.end)
    });
    found.retain(|span| span.start < span.end && text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
    // In `user:password@host.example` the password and the host look like an address.
    let passwords: Vec<Span> = found.iter().filter(|span| span.kind == "url_password").copied().collect();
    found.retain(|span| {
        let next = passwords.partition_point(|password| password.end <= span.start);
        span.kind != "email" || passwords.get(next).is_none_or(|password| password.start >= span.end)
    });
    found.sort_by_key(|span| (span.start, usize::MAX - span.end));
    let mut merged: Vec<Span> = Vec::with_capacity(found.len());
    for span in found {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}
