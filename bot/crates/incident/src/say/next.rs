//! Three short questions that would work next.

use evidence::answer::{QuestionKind, Verdict};

use crate::check::Ground;
use crate::understand::Question;

pub(super) fn questions(question: &Question, ground: &Ground<'_>) -> Vec<String> {
    let findings = ground.findings;
    let clock =
        |time: evidence::Time| time.to_timestamp().to_zoned(ground.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let (from, to) =
        (clock(findings.window.from()), clock(findings.window.to().plus(jiff::SignedDuration::from_secs(59))));
    // A window that was only assumed is assumed again.
    let window = if question.window_chosen { format!(" between {from} and {to}") } else { String::new() };
    let subject = findings.culprit.clone().or_else(|| question.services.first().cloned());
    let within = subject.as_ref().map(|subject| format!(" in {subject}")).unwrap_or_default();
    let mut questions = match findings.verdict {
        Verdict::Cause => vec![
            format!("show me errors{within}{window}"),
            format!("what changed{window}?"),
            subject.as_ref().map_or_else(|| "is it fixed?".to_owned(), |subject| format!("is {subject} fixed?")),
        ],
        Verdict::NoFault => vec![
            format!("what changed{window}?"),
            format!("show me warnings{within}{window}"),
            "what is wrong in the last 24 hours?".to_owned(),
        ],
        Verdict::Insufficient | Verdict::Conflicting => vec![
            format!("show me errors{window}"),
            format!("what changed{window}?"),
            format!("what is wrong since {from}?"),
        ],
    };
    if let (Some(sought), Some(last)) = (sought(question), findings.facts.missed_at) {
        let until = last.plus(jiff::SignedDuration::from_mins(1));
        let within = question.services.first().map(|service| format!(" in {service}")).unwrap_or_default();
        questions.insert(0, format!("show me {sought}{within} between {} and {}", clock(last), clock(until)));
    }
    if question.kind == QuestionKind::WhatChanged {
        questions.retain(|next| !next.starts_with("what changed"));
        questions.insert(0, format!("what is wrong{within}{window}?"));
    }
    questions.truncate(3);
    questions
}

/// The ids that a question names, else its words, so that they can be asked for again.
fn sought(question: &Question) -> Option<String> {
    let ids = question.ids.iter().map(|id| id.text().to_owned());
    let words = question.words.iter().map(|word| format!("\"{word}\""));
    let named: Vec<String> = if question.ids.is_empty() { words.collect() } else { ids.collect() };
    (!named.is_empty()).then(|| named.join(" "))
}
