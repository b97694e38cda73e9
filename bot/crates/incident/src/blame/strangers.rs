//! Services that never write themselves, known by what others say of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::phrases::{CALLS, is_supervisor};
use super::{Names, is_deadly};

/// Names of services that write nothing themselves and that the bad lines of at least two others say are failing,
/// or of which one that watches over them says that they died. The speaker is an index of `known`.
///
/// Of callers' words only compound names (`fare-quote`) are told from words; `known` names and their parts are left out.
pub(crate) fn strangers<'t>(bad: impl Iterator<Item = (u16, &'t str)>, known: &[String]) -> Vec<String> {
    /// Comparing all with all has to end somewhere.
    const MOST: usize = 300;
    let mut named: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for (speaker, text) in bad.take(MOST) {
        let lower = text.to_ascii_lowercase();
        let is_known = |token: &str| {
            known.iter().any(|name| {
                let name = name.to_ascii_lowercase();
                name.contains(token) || token.contains(&name)
            })
        };
        let watches = known.get(usize::from(speaker)).is_some_and(|name| is_supervisor(name));
        if let Some(victim) = victim(&lower).filter(|victim| watches && !is_known(victim)) {
            // Its word is worth that of two.
            named.entry(victim.to_owned()).or_default().extend([speaker, u16::MAX]);
        }
        let tokens =
            lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|token| is_compound_name(token));
        for token in tokens {
            let is_call = CALLS.iter().any(|phrase| lower.contains(phrase));
            let names = Names { names: vec![(token.to_owned(), token.to_owned())] };
            if !is_known(token) && names.names_as_failing(&lower, 0, is_call) {
                let speakers = named.entry(token.to_owned()).or_default();
                if !speakers.contains(&speaker) {
                    speakers.push(speaker);
                }
            }
        }
    }
    named.retain(|_, speakers| speakers.len() >= 2);
    named.into_keys().collect()
}

/// Who died, where a kernel, an init system or a container runtime says it in its own words. Lower case.
fn victim(lower: &str) -> Option<&str> {
    static KILLED: LazyLock<Regex> = LazyLock::new(|| {
        let patterns = [
            r"killed process [^(]*\(([\w.-]+)\)",
            r"^([\w.-]+?)(?:@[^.\s]*)?\.service: (?:main process exited|failed with|a process of this unit|start request repeated)",
            r"\b([\w.-]+) (?:was|has been) oomkilled",
            r"container ([\w.-]+) (?:was oom-?killed|died|exited|terminated)",
            r"failed container[ =]+([\w.-]+)",
        ];
        Regex::new(&patterns.join("|")).expect("a constant pattern")
    });
    if !is_deadly(lower) && !lower.contains("container") && !lower.contains(".service: ") {
        return None;
    }
    let found = KILLED.captures(lower)?;
    let name = found.iter().skip(1).flatten().next()?.as_str();
    name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(name)
}

/// `fare-quote`, not `read-only` or `x-1`: two or more parts of letters first.
fn is_compound_name(token: &str) -> bool {
    const WORDS: [&str; 14] = [
        "read-only",
        "time-out",
        "keep-alive",
        "non-blocking",
        "user-agent",
        "content-type",
        "retry-after",
        "self-signed",
        "end-to-end",
        "follow-up",
        "clean-up",
        "set-cookie",
        "cache-control",
        "no-cache",
    ];
    let is_part = |part: &str| part.len() >= 2 && part.starts_with(|c: char| c.is_ascii_lowercase());
    (5..=40).contains(&token.len())
        && token.contains('-')
        && token.split('-').all(is_part)
        && !token.starts_with("x-")
        && !WORDS.contains(&token)
}
