//! Sentences about what is not there: no fault, not enough evidence, no change, silence.

use evidence::answer::EvidenceKind;

use super::quote::{named, quoted};
use super::{Draft, Findings, at, ratio, thousands, within};
use crate::blame::{is_deadly, is_supervisor};
use crate::check::Ground;
use crate::findings::Reason;
use crate::understand::Question;

pub(super) fn no_fault(question: &Question, ground: &Ground<'_>) -> Draft {
    let of = match question.services.as_slice() {
        [] => String::new(),
        services => format!(" of {}", joined(services)),
    };
    if ground.findings.reason == Reason::OnlyAsUsual
        && let Some(draft) = as_ever(ground)
    {
        return draft;
    }
    Draft::plain(format!("Nothing in the logs{of} looks wrong {}.", within(ground)))
}

/// No line has what the person asked to see, count or follow; lines outside the window may have it.
pub(super) fn missed(ground: &Ground<'_>) -> Option<Draft> {
    let facts = &ground.findings.facts;
    let sought = named(facts.missed.as_deref()?)?;
    let elsewhere = facts.missed_at.map(|last| format!("; the last that does is of {}", at(last, ground)));
    let elsewhere = elsewhere.unwrap_or_default();
    Some(Draft::plain(format!("No line matches {sought} {}{elsewhere}.", within(ground))))
}

/// Nothing seems wrong, and no line speaks of what was asked about either.
pub(super) fn unmentioned(ground: &Ground<'_>) -> Option<Draft> {
    const SHOWN: usize = 3;
    let words: Vec<String> =
        ground.findings.facts.unmentioned.iter().filter_map(|word| named(word)).take(SHOWN).collect();
    let said = match words.as_slice() {
        [] => return None,
        [one] => one.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    };
    Some(Draft::plain(format!("No line mentions {said}; what does not log cannot be judged.")))
}

/// Whoever asks why something is slow hears what was not looked at.
pub(super) fn speed(question: &Question) -> Option<Draft> {
    const SLOW: [&str; 6] = ["slow", "latency", "sluggish", "laggy", "takes long", "taking long"];
    let asked = question.text.to_lowercase();
    let is_asked = SLOW.iter().any(|word| asked.contains(word));
    is_asked
        .then(|| Draft::plain("How long requests take is not judged, only which lines come and how often.".to_owned()))
}

/// Nothing is worse than before, and what was there before is bad.
fn as_ever(ground: &Ground<'_>) -> Option<Draft> {
    let evidence = ground
        .findings
        .evidence
        .iter()
        .find(|evidence| evidence.kind == EvidenceKind::Match && evidence.template_id.is_some())?;
    let (service, quote, count) = (&evidence.service, quoted(&evidence.template)?, thousands(evidence.count));
    let before = thousands(evidence.baseline_count);
    let text = format!(
        "Nothing looks more wrong than before, but {service} still logs {quote}: {count} ×, {before} × in the baseline."
    );
    Some(Draft::new(text, [&evidence.id]))
}

pub(super) fn insufficient(question: &Question, ground: &Ground<'_>) -> Draft {
    let findings = ground.findings;
    let subject = match question.services.as_slice() {
        [] => "the system".to_owned(),
        services => joined(services),
    };
    match findings.reason {
        Reason::EmptyWindow => Draft::plain(format!("There are no records {}{}.", within(ground), nearest(ground))),
        Reason::NoBaseline if findings.baseline.is_none() => Draft::plain(format!(
            "The logs cannot show what is wrong with {subject}: there is nothing to compare them with."
        )),
        Reason::TooFewRecords => {
            Draft::plain(format!("There are too few records to say what is wrong with {subject}."))
        }
        Reason::OnlyReported => reported(ground).unwrap_or_else(|| unknown(&subject)),
        Reason::OwnEvidence
        | Reason::WentSilent
        | Reason::NothingDeviates
        | Reason::OnlyAsUsual
        | Reason::TrafficSurge
        | Reason::TrafficDrop
        | Reason::TooWeak
        | Reason::NoBaseline
        | Reason::NothingMatches
        | Reason::TwoCulprits => unknown(&subject),
    }
}

/// The cause lies outside the services that were asked about, and those show nothing themselves.
pub(super) fn elsewhere(question: &Question, cause: &Draft, ground: &Ground<'_>) -> Option<Draft> {
    let findings = ground.findings;
    let culprit = findings.culprit.as_ref()?;
    let is_about = |service: &String| question.services.contains(service);
    let shows_something = findings.evidence.iter().any(|evidence| is_about(&evidence.service));
    if question.services.is_empty() || is_about(culprit) || shows_something {
        return None;
    }
    let text = format!("Not {}, as far as its own lines show: {}", joined(&question.services), cause.text);
    Some(Draft { text, citations: cause.citations.clone() })
}

pub(super) fn nothing_certain(ground: &Ground<'_>) -> Draft {
    match ground.findings.culprit.as_deref() {
        Some(culprit) => {
            if let Some(draft) = told_by_callers(culprit, ground) {
                return draft;
            }
            let own = ground.findings.evidence.iter().filter(|evidence| evidence.service == culprit);
            Draft::new(format!("{culprit} is at fault."), own.take(1).map(|evidence| &evidence.id))
        }
        None => unknown("the system"),
    }
}

/// The culprit shows no bad line of its own: its callers say what is wrong with it.
fn told_by_callers(culprit: &str, ground: &Ground<'_>) -> Option<Draft> {
    let findings = ground.findings;
    let reported = findings.facts.reported.iter().find(|reported| reported.service == culprit)?;
    let evidence = findings.evidence.iter().find(|evidence| reported.citations.contains(&evidence.id))?;
    let (caller, quote) = (&evidence.service, quoted(&evidence.template)?);
    if let Some(at_death) = evidence.first.filter(|_| is_supervisor(caller) && is_deadly(&evidence.template)) {
        let at_death = at(at_death, ground);
        return Some(Draft::new(format!("{culprit} died at {at_death}: {caller} logs {quote}."), [&evidence.id]));
    }
    let since = reported.since.map_or_else(String::new, |since| format!(" since {}", at(since, ground)));
    Some(Draft::new(format!("{culprit} fails its callers{since}: {caller} logs {quote}."), [&evidence.id]))
}

/// What is said when nothing else may be.
pub(super) fn last_resort(findings: &Findings) -> String {
    match findings.verdict {
        evidence::answer::Verdict::NoFault => "The logs look as usual.".to_owned(),
        _ => "The logs do not show what is wrong.".to_owned(),
    }
}

pub(super) fn no_change(ground: &Ground<'_>) -> Draft {
    Draft::plain(format!("No change is recorded {}.", within(ground)))
}

pub(super) fn usual_errors(ground: &Ground<'_>) -> Vec<Draft> {
    let facts = &ground.findings.facts;
    let mut drafts = Vec::new();
    let is_empty = ground.findings.coverage.records_in_window == 0;
    let traffic = facts.traffic;
    if ground.findings.reason == Reason::TrafficSurge && traffic.expected > 0.0 {
        let times = ratio(traffic.count, traffic.expected);
        drafts.push(Draft::plain(format!("All services together log {times} × as much as usual.")));
    }
    let errors = facts.errors;
    if errors.count == 0 {
        let is_well = ground.findings.reason != Reason::OnlyAsUsual && !has_errors(ground.findings);
        if !is_empty && is_well {
            drafts.push(Draft::plain("There are no error lines.".to_owned()));
        }
    } else if ground.findings.baseline.is_some() && !ground.findings.reason.is_blind() {
        let (n, low, high) = (thousands(errors.count), thousands(errors.low), thousands(errors.high));
        let lines = if errors.count == 1 { "is 1 error line".to_owned() } else { format!("are {n} error lines") };
        let usual = match (errors.low, errors.high) {
            (_, 0) => "none is usual".to_owned(),
            (0, _) => format!("up to {high} are usual"),
            _ => format!("{low} to {high} are usual"),
        };
        drafts.push(Draft::plain(format!("There {lines} where {usual}.")));
    }
    if !is_empty && facts.new_kinds == 0 && facts.kinds_compared > 0 && ground.findings.baseline.is_some() {
        drafts.push(Draft::plain("There are no new kinds of message.".to_owned()));
    }
    drafts
}

pub(super) fn silent(ground: &Ground<'_>) -> Vec<Draft> {
    let told = |silent: &crate::SilentService| {
        let since = silent.last.map_or_else(String::new, |last| format!(" since {}", at(last, ground)));
        Draft::plain(format!("{} is silent{since}.", silent.service))
    };
    ground.findings.facts.silent.iter().take(3).map(told).collect()
}

/// Others complain, the service itself does not.
fn reported(ground: &Ground<'_>) -> Option<Draft> {
    let reported = ground
        .findings
        .facts
        .reported
        .iter()
        .find(|reported| !reported.own_evidence && !reported.citations.is_empty())?;
    let service = &reported.service;
    let since = reported.since.map_or_else(String::new, |since| format!(" since {}", at(since, ground)));
    let text = format!("{service} is reported by others{since}, and {service} shows no fault of its own.");
    Some(Draft::new(text, &reported.citations))
}

fn unknown(subject: &str) -> Draft {
    Draft::plain(format!("The logs do not show what is wrong with {subject}."))
}

fn has_errors(findings: &Findings) -> bool {
    findings
        .evidence
        .iter()
        .any(|evidence| evidence.level.is_some_and(evidence::Severity::is_error) && evidence.count > 0)
}

/// Where the records are, when there are none in the window.
fn nearest(ground: &Ground<'_>) -> String {
    let findings = ground.findings;
    match findings.facts.reach {
        Some((_, last)) if last < findings.window.from() => format!("; the last of all is of {}", at(last, ground)),
        Some((first, _)) if first >= findings.window.to() => format!("; the first of all is of {}", at(first, ground)),
        _ => String::new(),
    }
}

fn joined(services: &[String]) -> String {
    match services {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
