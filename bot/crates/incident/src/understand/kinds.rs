//! Which kind of question it is, by its words; English first, with typos, and the commonest words of a few neighbours.

use evidence::Severity;
use evidence::answer::QuestionKind;

use super::Context;
use super::services::within_typo;
use super::tokens::{Role, Token};
use super::vocabulary::is_failure;

pub(super) fn kind_of(tokens: &[Token], before: Option<&Context>) -> QuestionKind {
    let words: Vec<&str> = tokens.iter().filter(|t| t.role == Role::Free).map(|t| t.lower.as_str()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.iter().any(|want| same(word, want)));
    let starts = |wanted: &[&str]| words.iter().find(|word| !is_polite(word)).is_some_and(|word| wanted.contains(word));
    let pair = |first: &[&str], second: &[&str]| {
        words.windows(2).any(|two| first.contains(&two[0]) && second.iter().any(|want| same(two[1], want)))
    };
    let asks_why =
        has(&["why", "warum", "wieso", "pourquoi"]) || pair(&["how"], &["come"]) || pair(&["por"], &["qué", "que"]);

    let counts = pair(&["how", "wie"], &["often", "many", "much", "frequently", "oft", "viele", "frequent"])
        || has(&["combien", "cuántas", "cuántos", "cuantas"])
        || starts(&["count"])
        || pair(&["number", "count", "rate"], &["of"]);
    if counts {
        return QuestionKind::HowOften;
    }
    let asks_who = has(&["who", "whom", "whose", "wer", "quién"])
        || starts(&["qui"])
        || pair(
            &["which", "what"],
            &[
                "user",
                "users",
                "customer",
                "customers",
                "client",
                "clients",
                "host",
                "hosts",
                "pod",
                "pods",
                "people",
                "team",
                "tenants",
                "tenant",
            ],
        );
    if asks_who && !asks_why {
        return QuestionKind::Who;
    }
    let shows = starts(&[
        "show", "list", "find", "display", "print", "grep", "search", "zeig", "zeige", "montre", "muestra", "get",
        "fetch", "tail",
    ]) || pair(&["show", "give", "get"], &["me", "us"])
        || pair(&["let", "to"], &["me", "see"]) && has(&["see"]);
    let changes =
        has(&["changed", "change", "changes", "differs", "different", "geändert", "changé", "cambió", "cambiado"]);
    let deploys = has(&["deployed", "deploys", "deployments", "released", "releases", "shipped", "merged", "rolled"]);
    let asks_which = starts(&[
        "what",
        "what's",
        "whats",
        "which",
        "did",
        "has",
        "have",
        "were",
        "was",
        "any",
        "anything",
        "something",
        "list",
        "show",
        "and",
        "is",
        "are",
        "so",
        "ok",
        "wat",
        "tell",
    ]);
    let troubled = has(&[
        "wrong", "broke", "broken", "failing", "fails", "fail", "failed", "crashing", "slow", "down", "happened",
    ]);
    if !asks_why
        && (changes && (!troubled || pair(&["what", "what's", "anything"], &["changed", "change"]))
            || deploys && asks_which && !troubled)
        || starts(&["was"]) && has(&["geändert"])
    {
        return QuestionKind::WhatChanged;
    }
    let yes_or_no = starts(&[
        "is", "are", "did", "has", "have", "was", "were", "does", "do", "still", "ist", "est-ce", "and", "so", "ok",
        "are", "it", "está",
    ]);
    let mended = has(&[
        "fixed",
        "resolved",
        "recovered",
        "solved",
        "mitigated",
        "healthy",
        "stable",
        "behoben",
        "gelöst",
        "réparé",
        "resuelto",
        "arreglado",
        "recovering",
    ]) || pair(&["back", "up"], &["normal", "up", "again", "online"])
        || pair(&["to"], &["normal"])
        || pair(&["all"], &["good", "clear"])
        || pair(
            &["it", "that", "this", "incident", "outage"],
            &["over", "better", "gone", "ok", "okay", "fine", "work", "worked", "help", "helped", "done", "stopped"],
        )
        || has(&["better", "still", "gone"])
        || has(&["rollback", "fix", "restart"]) && has(&["work", "worked", "help", "helped"])
        || words.iter().any(|word| *word == "stopped" || *word == "stop")
            && has(&["errors", "error", "failures", "timeouts"]);
    if yes_or_no && mended && !asks_why {
        return QuestionKind::IsItFixed;
    }
    if shows {
        return QuestionKind::ShowMe;
    }
    // A bare number may count anything; "502s" and `5xx` count failures.
    let counts_failures = |word: &&str| is_failure(word) && word.parse::<u16>().is_err();
    let trouble = asks_why
        || troubled
        || words.iter().any(counts_failures)
        || has(&[
            "error",
            "errors",
            "problem",
            "problems",
            "issue",
            "issues",
            "outage",
            "crash",
            "crashes",
            "crashed",
            "cause",
            "causing",
            "caused",
            "culprit",
            "timeout",
            "timeouts",
            "incident",
            "unhealthy",
            "hanging",
            "stuck",
            "failure",
            "failures",
            "exceptions",
            "exception",
            "happening",
            "happen",
            "latency",
            "degraded",
            "anomaly",
            "anomalies",
            "unusual",
            "weird",
            "strange",
            "suspicious",
            "alert",
            "alerts",
            "falsch",
            "passiert",
            "fehler",
            "los",
            "kaputt",
            "problème",
            "passe",
            "erreur",
            "erreurs",
            "pasa",
            "pasó",
            "problema",
            "fallando",
            "up",
            "going",
            "matter",
            "status",
            "ok",
            "okay",
            "healthy",
            "fine",
            "blame",
            "fault",
            "summary",
            "summarize",
            "summarise",
            "explain",
            "investigate",
            "diagnose",
            "debug",
        ]);
    match () {
        () if trouble => QuestionKind::WhatIsWrong,
        // "and in cart?" asks the same as before.
        () if words.len() <= 4 && before.is_some() => before.map_or(QuestionKind::Other, |before| before.kind),
        () => QuestionKind::Other,
    }
}

/// Whether nothing but a greeting or thanks is said.
pub(super) fn is_small_talk(tokens: &[Token]) -> bool {
    const SMALL_TALK: &str = "hello hi hey hallo hola bonjour salut moin good morning afternoon evening night day thanks \
        thank you thx cheers bye goodbye great nice cool perfect awesome there team everyone firstline so much very test \
        testing please ping help";
    let mut words = tokens.iter().map(|token| token.lower.as_str()).peekable();
    words.peek().is_some() && words.all(|word| SMALL_TALK.split_whitespace().any(|known| known == word))
}

pub(super) fn is_polite(word: &str) -> bool {
    const POLITE: [&str; 17] = [
        "please",
        "hey",
        "hi",
        "hello",
        "can",
        "could",
        "you",
        "would",
        "ok",
        "so",
        "firstline",
        "well",
        "and",
        "but",
        "now",
        "pls",
        "will",
    ];
    POLITE.contains(&word)
}

/// Whether a word is meant, or a slip of it; short words must be right.
fn same(word: &str, wanted: &str) -> bool {
    word == wanted
        || (wanted.chars().count() >= 6
            && word.chars().count() >= 5
            && !KNOWN_OTHERWISE.contains(&word)
            && within_typo(word, wanted, 1))
}

/// Words that differ by one letter from a word we look for and mean something else.
const KNOWN_OTHERWISE: [&str; 7] = ["charged", "charge", "charges", "failing", "fishing", "chance", "chances"];

/// Whether the question leans on the one before it.
pub(super) fn refers_back(tokens: &[Token]) -> bool {
    let words: Vec<&str> = tokens.iter().filter(|t| t.role == Role::Free).map(|t| t.lower.as_str()).collect();
    words.first().is_some_and(|word| matches!(*word, "and" | "but" | "what about" | "then" | "und" | "et" | "y"))
        || words.iter().any(|word| {
            matches!(
                *word,
                "it" | "that" | "this" | "its" | "it's" | "they" | "them" | "those" | "there" | "still" | "again"
            )
        })
        || words.len() <= 3
}

/// The mildest level asked for; "5xx errors" asks for a status, whatever the level of its lines.
pub(super) fn severity_of(tokens: &[Token]) -> Option<Severity> {
    let words: Vec<&str> = tokens.iter().filter(|t| t.role == Role::Free).map(|t| t.lower.as_str()).collect();
    let follows_status = |i: usize| i > 0 && is_failure(words[i - 1]);
    let level = |(i, word): (usize, &&str)| match word
        .split_once(':')
        .map_or(*word, |(key, value)| if key == "level" { value } else { word })
    {
        "error" | "errors" | "err" | "fehler" | "erreurs" | "errores" if !follows_status(i) => Some(Severity::Error),
        "warning" | "warnings" | "warn" | "warns" => Some(Severity::Warn),
        "fatal" | "fatals" | "panic" | "panics" | "critical" => Some(Severity::Fatal),
        _ => None,
    };
    words.iter().enumerate().filter_map(level).min()
}
