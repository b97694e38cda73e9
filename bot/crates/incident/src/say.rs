//! Tells findings in plain sentences, each with its citations. Code chooses every word and every number, and every
//! sentence goes through the checker before anybody reads it.

mod absent;
mod changes;
mod lines;
mod next;
mod quote;

use evidence::Severity;
use evidence::answer::{Claim, Evidence, EvidenceKind, QuestionKind, Verdict};
use serde::{Deserialize, Serialize};

use crate::check::{Ground, check};
use crate::findings::Reason;
use crate::understand::Question;
use crate::{Findings, clock};

/// At most so many pieces of evidence become sentences; the rest is in the list below them.
const TOLD: usize = 4;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// The first line, which answers.
    pub headline: String,
    /// Best first; the headline is the first of them, with its citations.
    pub claims: Vec<Claim>,
    /// What the person may want to ask next.
    pub follow_ups: Vec<String>,
    /// Sentences that the checker refused; a bug of ours when it is not empty.
    pub refused: Vec<String>,
}

/// One sentence before it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    text: String,
    citations: Vec<String>,
}

impl Draft {
    pub(crate) fn new(text: String, citations: impl IntoIterator<Item = impl Into<String>>) -> Draft {
        Draft { text, citations: citations.into_iter().map(Into::into).collect() }
    }

    fn plain(text: String) -> Draft {
        Draft { text, citations: Vec::new() }
    }
}

/// Answers `question` from what was found.
pub fn say(question: &Question, ground: &Ground<'_>) -> Telling {
    let mut claims: Vec<Claim> = Vec::new();
    let mut refused = Vec::new();
    let drafts = std::iter::once(headline(question, ground)).chain(body(question, ground));
    for draft in drafts {
        if claims.iter().any(|claim| claim.text == draft.text) {
            continue;
        }
        match check(&draft.text, &draft.citations, ground) {
            Ok(checked) => claims.push(Claim {
                text: draft.text,
                citations: draft.citations,
                numbers_checked: checked.numbers_checked,
                verified: true,
            }),
            Err(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                refused.push(format!("{} ({})", draft.text, reasons.join("; ")));
            }
        }
    }
    let headline = claims.first().map_or_else(|| absent::last_resort(ground.findings), |claim| claim.text.clone());
    Telling { headline, claims, follow_ups: next::questions(question, ground), refused }
}

fn headline(question: &Question, ground: &Ground<'_>) -> Draft {
    let findings = ground.findings;
    if let Some(missed) = absent::missed(ground) {
        return missed;
    }
    let asked = match question.kind {
        QuestionKind::WhatChanged => Some(changes::headline(question, ground)),
        QuestionKind::IsItFixed => lines::still_there(ground),
        QuestionKind::HowOften => findings.evidence.first().and_then(|evidence| lines::how_often(evidence, ground)),
        QuestionKind::Who => {
            let hosts = || findings.evidence.first().and_then(lines::from_whom);
            // Without words to look for, "who" asks about people, and people make changes.
            if question.words.is_empty() {
                changes::by_whom(ground).or_else(hosts)
            } else {
                hosts().or_else(|| changes::by_whom(ground))
            }
        }
        QuestionKind::ShowMe => findings.evidence.first().and_then(|evidence| lines::matching(evidence, ground)),
        QuestionKind::WhatIsWrong | QuestionKind::Other => None,
    };
    asked.unwrap_or_else(|| verdict(question, ground))
}

fn verdict(question: &Question, ground: &Ground<'_>) -> Draft {
    match ground.findings.verdict {
        Verdict::Cause => {
            let cause = lines::cause(ground);
            // Who asks about one service and hears of another is told that first.
            match absent::elsewhere(question, &cause, ground) {
                Some(elsewhere) if check(&elsewhere.text, &elsewhere.citations, ground).is_ok() => elsewhere,
                _ => cause,
            }
        }
        Verdict::NoFault => absent::no_fault(question, ground),
        Verdict::Insufficient => absent::insufficient(question, ground),
        Verdict::Conflicting => lines::conflict(ground),
    }
}

fn body(question: &Question, ground: &Ground<'_>) -> Vec<Draft> {
    let findings = ground.findings;
    let mut drafts = Vec::new();
    if findings.reason == Reason::NothingMatches {
        return drafts;
    }
    if findings.facts.missed.is_some() && question.is_diagnosis() {
        drafts.push(verdict(question, ground));
    }
    drafts.extend(absent::unmentioned(ground));
    let of_lines = |drafts: &mut Vec<Draft>| {
        // Whoever asks for certain lines is told about those; the rest stands in the rows.
        let has_match = findings.evidence.first().is_some_and(|first| first.kind == EvidenceKind::Match);
        let told = if has_match || question.row().is_some() { 1 } else { TOLD };
        // What is as bad as ever stands in the headline.
        let in_headline = usize::from(findings.reason == Reason::OnlyAsUsual && question.is_diagnosis());
        for evidence in findings.evidence.iter().take(told).skip(in_headline) {
            drafts.extend(match question.kind {
                QuestionKind::HowOften => lines::how_often(evidence, ground),
                QuestionKind::Who => lines::from_whom(evidence),
                QuestionKind::ShowMe => lines::matching(evidence, ground),
                QuestionKind::WhatIsWrong
                | QuestionKind::WhatChanged
                | QuestionKind::IsItFixed
                | QuestionKind::Other => lines::deviation(evidence, ground),
            });
        }
    };
    if question.kind == QuestionKind::WhatChanged {
        drafts.extend(changes::all(ground));
        of_lines(&mut drafts);
    } else {
        of_lines(&mut drafts);
        drafts.extend(changes::suspected(ground));
        drafts.extend(changes::cleared(ground));
    }
    if findings.verdict != Verdict::Cause {
        drafts.extend(absent::speed(question).filter(|_| question.is_diagnosis()));
        drafts.extend(absent::usual_errors(ground));
    }
    drafts.extend(absent::silent(ground));
    drafts
}

/// When something happened, as the asker would say it.
fn at(time: evidence::Time, ground: &Ground<'_>) -> String {
    clock::at(time, ground.now, ground.zone)
}

/// Which time the answer is about: `between … and …`.
fn within(ground: &Ground<'_>) -> String {
    clock::within(ground.findings.window, ground.now, ground.zone)
}

/// The best evidence of the culprit's own; a line that complains says more than one that is missing.
fn own_evidence(findings: &Findings) -> Option<&Evidence> {
    let culprit = findings.culprit.as_deref()?;
    let mut own =
        findings.evidence.iter().filter(|evidence| evidence.service == culprit && evidence.kind != EvidenceKind::Match);
    let complains = |evidence: &&Evidence| {
        let is_there = matches!(evidence.kind, EvidenceKind::New | EvidenceKind::Burst);
        is_there && evidence.level >= Some(Severity::Warn)
    };
    own.clone().find(complains).or_else(|| own.next())
}

/// `1,204`
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `31`, `3.4`: as many digits as anybody needs.
fn ratio(count: u64, expected: f64) -> String {
    let ratio = count as f64 / expected;
    if ratio >= 10.0 { thousands(ratio.round() as u64) } else { format!("{ratio:.1}") }
}

#[cfg(test)]
pub(crate) mod tests;
