//! Finds the services a question is about: known names in the forms people write them, and near misses.
//! Only a word in the place of a service can be an unknown service; any other word is just a word.

use super::tokens::{Role, Token};
use super::vocabulary::is_ordinary;
use super::{Error, Known, KnownService};

/// Parts of names that people leave out.
const GENERIC: [&str; 9] = ["service", "services", "svc", "server", "srv", "app", "api", "ms", "deployment"];

/// Names that are also everyday words of such questions; they need the place of a service.
const EVERYDAY: [&str; 38] = [
    "search", "order", "orders", "user", "users", "time", "route", "routes", "log", "logs", "error", "config", "test",
    "web", "host", "data", "admin", "report", "status", "price", "message", "messages", "event", "events", "job",
    "jobs", "queue", "cache", "page", "line", "alert", "alerts", "food", "travel", "train", "basic", "system",
    "database",
];

struct Form {
    joined: String,
    n_words: usize,
    service: usize,
    whole: bool,
}

/// Marks quoted names of services first, so that nothing else takes them.
pub(super) fn quoted_or_exact(tokens: &mut [Token], known: &Known<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        let name =
            token.raw.strip_prefix("service:").or_else(|| token.raw.strip_prefix("service=")).unwrap_or(&token.raw);
        let exact = known.services.iter().find(|service| service.name.eq_ignore_ascii_case(name));
        let has_mark = token.role == Role::Quoted || name.len() < token.raw.len() || name.contains(['-', '_']);
        if let Some(service) = exact.filter(|_| has_mark && token.role != Role::Id) {
            token.role = Role::Service;
            push(&mut found, service.name.clone());
        }
    }
    found
}

/// Takes the services out of the tokens.
pub(super) fn take(
    tokens: &mut [Token],
    known: &Known<'_>,
    mut found: Vec<String>,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let forms = forms_of(known.services);
    let longest = forms.iter().map(|form| form.n_words).max().unwrap_or(1).max(2) + 1;
    let mut i = 0;
    while i < tokens.len() {
        let n = (1..=longest).rev().find(|n| take_at(tokens, i, *n, &forms, known, &mut found, notes));
        i += n.unwrap_or(1);
    }
    if found.is_empty() {
        found.extend(unknown(tokens, known, notes)?);
    }
    Ok(found)
}

/// Services that an option names must exist.
pub(super) fn required(names: &[String], known: &Known<'_>) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for name in names {
        let same = |service: &&KnownService| {
            service.name.eq_ignore_ascii_case(name)
                || service.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        };
        let service = known.services.iter().find(same).ok_or_else(|| unknown_service(name, known))?;
        push(&mut found, service.name.clone());
    }
    Ok(found)
}

/// "everything", "all services", "any service": no service of the previous question is meant.
pub(super) fn asks_for_everything(tokens: &[Token]) -> bool {
    tokens.iter().any(|t| t.is_any(&["everything", "anything", "everywhere", "anywhere", "overall"]))
        || tokens.windows(2).any(|two| {
            two[0].is_any(&["all", "any", "every", "other", "which", "whole"])
                && two[1].is_any(&["service", "services", "system"])
        })
}

fn take_at(
    tokens: &mut [Token],
    i: usize,
    n: usize,
    forms: &[Form],
    known: &Known<'_>,
    found: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> bool {
    let Some(span) = tokens.get(i..i + n) else { return false };
    if span.iter().any(|token| token.role != Role::Free) || span[..n - 1].iter().any(|token| token.ends_clause) {
        return false;
    }
    let written: Vec<String> = span.iter().flat_map(|token| parts(&token.lower)).collect();
    let joined = written.concat();
    let matching = |want: &str| {
        joined == want || joined.strip_suffix('s') == Some(want) || want.strip_suffix('s') == Some(&joined)
    };
    let mut hits: Vec<&Form> = forms.iter().filter(|form| matching(&form.joined)).collect();
    if hits.iter().any(|form| form.joined == joined) {
        hits.retain(|form| form.joined == joined);
    }
    if hits.iter().any(|form| form.whole) {
        hits.retain(|form| form.whole);
    }
    if hits.is_empty() || joined.chars().count() < 2 {
        return false;
    }
    if EVERYDAY.contains(&joined.as_str()) && !in_service_place(tokens, i, n) {
        return false;
    }
    let mut names: Vec<String> = Vec::new();
    for form in hits {
        push(&mut names, known.services[form.service].name.clone());
    }
    if names.len() > 1 {
        notes.push(format!("`{joined}` names several services: {}", names.join(", ")));
    }
    names.into_iter().for_each(|name| push(found, name));
    for token in &mut tokens[i..i + n] {
        token.role = Role::Service;
    }
    if let Some(next) = tokens.get_mut(i + n)
        && next.is_any(&["service", "svc", "services"])
    {
        next.role = Role::Service;
    }
    true
}

/// Every way in which people write the known names.
fn forms_of(services: &[KnownService]) -> Vec<Form> {
    let prefix = shared_prefix(services);
    let mut forms = Vec::new();
    for (service, entry) in services.iter().enumerate() {
        for name in std::iter::once(&entry.name).chain(&entry.aliases) {
            let words = parts(name);
            let mut add = |words: &[String], whole: bool| {
                if !words.is_empty() {
                    forms.push(Form { joined: words.concat(), n_words: words.len(), service, whole });
                }
            };
            add(&words, true);
            let core: Vec<String> = words.iter().filter(|word| !GENERIC.contains(&word.as_str())).cloned().collect();
            add(&core, false);
            if let Some(prefix) = &prefix
                && core.len() > 1
                && core[0] == *prefix
            {
                add(&core[1..], false);
                add(&words[1..], false);
            }
        }
    }
    forms
}

/// The first part that most names share (`ts` of `ts-order-service`), which nobody says.
fn shared_prefix(services: &[KnownService]) -> Option<String> {
    let firsts: Vec<String> =
        services.iter().filter_map(|s| Some(parts(&s.name)).filter(|p| p.len() > 1)?.first().cloned()).collect();
    let first = firsts.iter().max_by_key(|first| firsts.iter().filter(|other| other == first).count())?;
    let n_sharing = firsts.iter().filter(|other| *other == first).count();
    (n_sharing >= 3 && n_sharing * 2 > services.len()).then(|| first.clone())
}

/// The words of a name: split at separators and between lower and upper case.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            parts.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            parts.last_mut().expect("never empty").extend(c.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether the words around say that a service stands here: "in the search", "is order slow", "search is failing".
fn in_service_place(tokens: &[Token], i: usize, n: usize) -> bool {
    const LEADING: [&str; 14] = [
        "in",
        "of",
        "from",
        "with",
        "on",
        "is",
        "are",
        "does",
        "did",
        "about",
        "has",
        "affect",
        "affecting",
        "service",
    ];
    const TRAILING: [&str; 26] = [
        "service",
        "svc",
        "failing",
        "fails",
        "failed",
        "down",
        "slow",
        "broken",
        "crashing",
        "crashed",
        "is",
        "was",
        "has",
        "keeps",
        "erroring",
        "unhealthy",
        "timing",
        "healthy",
        "ok",
        "fixed",
        "back",
        "up",
        "failures",
        "degraded",
        "returning",
        "throwing",
    ];
    const BEFORE_OBJECT: [&str; 5] = ["search", "show", "find", "list", "grep"];
    let previous = i
        .checked_sub(1)
        .and_then(|at| if tokens[at].is_any(&["the", "our", "my"]) { at.checked_sub(1) } else { Some(at) });
    let after_lead = previous.is_some_and(|at| tokens[at].is_any(&LEADING));
    let before_trail = tokens.get(i + n).is_some_and(|token| token.is_any(&TRAILING));
    let is_verb = i == 0 && BEFORE_OBJECT.contains(&tokens[i].lower.as_str()) && !before_trail;
    // "which order failed", "what time is it", "the log is full"
    let is_noun =
        previous.is_some_and(|at| tokens[at].is_any(&["which", "what", "each", "every", "this", "that", "whose"]));
    let named_by_next = tokens.get(i + n).is_some_and(|t| {
        matches!(t.lower.as_str(), "service" | "svc" | "deploy" | "deployment" | "release" | "rollout")
    });
    let ends = tokens[i + n - 1].ends_clause || i + n >= tokens.len();
    !is_verb
        && !is_noun
        && ((after_lead && (ends || before_trail))
            || named_by_next
            || (before_trail && previous.is_none_or(|at| tokens[at].is_any(&["why", "and", "because", "is", "are"]))))
}

/// A word in the place of a service that no service has: an error when it was surely meant as one, a note otherwise.
fn unknown(tokens: &[Token], known: &Known<'_>, notes: &mut Vec<String>) -> Result<Vec<String>, Error> {
    if known.services.is_empty() {
        return Ok(Vec::new());
    }
    for (i, token) in tokens.iter().enumerate() {
        if let Some(name) = token.raw.strip_prefix("service:").or_else(|| token.raw.strip_prefix("service=")) {
            return Err(unknown_service(name, known));
        }
        if token.role != Role::Free || is_ordinary(&token.lower) || token.lower.chars().count() < 3 {
            continue;
        }
        let said_to_be_one = tokens.get(i + 1).is_some_and(|next| next.is_any(&["service", "svc", "microservice"]));
        if said_to_be_one && let Some(service) = by_part(&token.lower, known) {
            notes.push(format!("`{}` is taken for the service `{service}`", token.raw));
            return Ok(vec![service]);
        }
        let numbered = numbered(&token.lower, known);
        if numbered.len() > 1 {
            notes.push(format!("`{}` names several services: {}", token.raw, numbered.join(", ")));
            return Ok(numbered);
        }
        let near = near(&token.lower, known);
        let ends_like_one = ["service", "-svc", "_svc"]
            .iter()
            .any(|end| token.lower.strip_suffix(end).is_some_and(|rest| rest.len() >= 3 && rest != "micro"));
        if ends_like_one || said_to_be_one || (!near.is_empty() && in_service_place(tokens, i, 1)) {
            return Err(unknown_service(&token.raw, known));
        }
        if near.is_empty() && in_service_place(tokens, i, 1) {
            notes.push(format!("no service is called `{}`, so this is about all of them", token.raw));
        }
        if let [one] = near.as_slice()
            && token.lower.chars().count() >= 5
        {
            notes.push(format!("`{}` is close to the service `{one}`; ask about `{one}` if that is meant", token.raw));
        }
    }
    Ok(Vec::new())
}

/// The only service that has this word as a part of its name: `reminder` of `reminder-worker`.
fn by_part(word: &str, known: &Known<'_>) -> Option<String> {
    let mut having =
        known.services.iter().filter(|service| parts(&service.name.to_lowercase()).iter().any(|part| part == word));
    let first = having.next()?;
    having.next().is_none().then(|| first.name.clone())
}

/// The services of which this is the name without a number: `kafka` of `kafka-1`, `kafka-2`.
fn numbered(word: &str, known: &Known<'_>) -> Vec<String> {
    let has_number = |name: &str| {
        let number = name.strip_prefix(word).and_then(|rest| rest.strip_prefix(['-', '_', '.']).or(Some(rest)));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let all = known.services.iter().filter(|service| has_number(&service.name.to_lowercase()));
    all.map(|service| service.name.clone()).collect()
}

fn unknown_service(name: &str, known: &Known<'_>) -> Error {
    let names = known.services.iter().map(|service| service.name.clone()).collect();
    Error::UnknownService { name: name.to_owned(), near: near(&name.to_lowercase(), known), known: names }
}

/// Services whose name, as people write it, is a slip away.
fn near(word: &str, known: &Known<'_>) -> Vec<String> {
    let word = parts(word).concat();
    let allowed = match word.chars().count() {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    };
    let mut found = Vec::new();
    for form in forms_of(known.services) {
        if form.joined.chars().count() >= 4 && allowed > 0 && within_typo(&word, &form.joined, allowed) {
            push(&mut found, known.services[form.service].name.clone());
        }
    }
    found.truncate(3);
    found
}

/// Whether two words are at most `allowed` letters apart, a swap of neighbours counting as one.
pub(super) fn within_typo(a: &str, b: &str, allowed: usize) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > allowed || a.len() > 64 {
        return false;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()] <= allowed
}

fn push(found: &mut Vec<String>, name: String) {
    if !found.contains(&name) {
        found.push(name);
    }
}
