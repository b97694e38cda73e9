//! Sentences about lines: what is new, more, fewer or missing, from whom, how often.

use evidence::answer::{Evidence, EvidenceKind};
use jiff::SignedDuration;

use super::quote::{named, quoted};
use super::{Draft, absent, at, own_evidence, ratio, thousands, within};
use crate::check::Ground;
use crate::clock;
use crate::findings::{Reason, ShareUnit};

/// The headline when somebody is at fault.
pub(super) fn cause(ground: &Ground<'_>) -> Draft {
    let findings = ground.findings;
    let Some(culprit) = findings.culprit.as_deref() else { return absent::nothing_certain(ground) };
    if findings.reason == Reason::WentSilent
        && let Some(silent) = findings.facts.silent.iter().find(|silent| silent.service == culprit)
    {
        let since = silent.last.map_or_else(String::new, |last| format!(" since {}", at(last, ground)));
        return Draft::plain(format!("{culprit} is silent{since}."));
    }
    let Some(evidence) = own_evidence(findings) else { return absent::nothing_certain(ground) };
    let Some(quote) = quoted(&evidence.template) else { return absent::nothing_certain(ground) };
    if let (Some(onset), Some(ended)) = (findings.onset, findings.facts.ended) {
        let (from, to) = (at(onset, ground), at(ended, ground));
        return Draft::new(
            format!("{culprit} failed from {from} to {to}, not since: it logged {quote}."),
            [&evidence.id],
        );
    }
    let since = findings.onset.map_or_else(String::new, |onset| format!(" since {}", at(onset, ground)));
    let missed = evidence.after.as_ref().map_or(0, |after| after.missed);
    let is_missing = evidence.kind == EvidenceKind::MissingFollowup && missed > 0;
    let text = match &findings.facts.error_share {
        Some(share) if share.service == culprit && worth_saying(share.share(), share.baseline_share()) => {
            let percent = percent(share.share());
            match share.unit {
                ShareUnit::Traces | ShareUnit::Spans if is_missing => {
                    format!("{culprit} fails {percent} of its requests{since}: {quote} is missing.")
                }
                ShareUnit::Traces | ShareUnit::Spans => {
                    format!("{culprit} fails {percent} of its requests{since}: {quote}.")
                }
                ShareUnit::Lines => format!("{percent} of what {culprit} logs are errors{since}: {quote}."),
            }
        }
        _ => match evidence.kind {
            EvidenceKind::New | EvidenceKind::Precursor | EvidenceKind::Match => {
                format!("{culprit} is failing{since}: it logs {quote}.")
            }
            EvidenceKind::Burst if evidence.expected > 0.0 && evidence.count as f64 > evidence.expected => {
                format!(
                    "{culprit} is failing{since}: {quote} comes {} × usual.",
                    ratio(evidence.count, evidence.expected)
                )
            }
            EvidenceKind::Burst => format!("{culprit} is failing{since}: {quote}."),
            EvidenceKind::Silence if evidence.last <= findings.onset && (evidence.count as f64) < evidence.expected => {
                format!("{culprit} no longer logs {quote}{since}.")
            }
            EvidenceKind::Silence => format!("{culprit} hardly logs {quote} any more{since}."),
            EvidenceKind::MissingFollowup => match &evidence.after {
                Some(after) => format!(
                    "{culprit} is failing{since}: {quote} is missing {} of {} times.",
                    thousands(after.missed),
                    thousands(after.due)
                ),
                None => format!("{culprit} is failing{since}: {quote} comes too rarely."),
            },
        },
    };
    Draft::new(text, [&evidence.id])
}

/// The headline when two are.
pub(super) fn conflict(ground: &Ground<'_>) -> Draft {
    let findings = ground.findings;
    let first = findings.suspects.first().map(|suspect| suspect.service.as_str());
    let rival =
        findings.facts.rival.as_deref().or_else(|| findings.suspects.get(1).map(|suspect| suspect.service.as_str()));
    let of = |service: &str| findings.evidence.iter().find(|evidence| evidence.service == service);
    match (first, rival) {
        (Some(first), Some(rival)) if first != rival => match (of(first), of(rival)) {
            (Some(a), Some(b)) => Draft::new(
                format!("Two services fail, and neither explains the other: {first} and {rival}."),
                [&a.id, &b.id],
            ),
            _ => absent::nothing_certain(ground),
        },
        _ => absent::nothing_certain(ground),
    }
}

/// How one kind of line differs from the baseline.
pub(super) fn deviation(evidence: &Evidence, ground: &Ground<'_>) -> Option<Draft> {
    let findings = ground.findings;
    let service = &evidence.service;
    let quote = quoted(&evidence.template)?;
    let count = thousands(evidence.count);
    let first = evidence.first.map(|first| format!(" from {}", at(first, ground))).unwrap_or_default();
    let is_new = evidence.baseline_count == 0 && findings.baseline.is_some();
    let text = match evidence.kind {
        EvidenceKind::Silence => {
            let expected = evidence.expected.round() as u64;
            if evidence.count as f64 >= evidence.expected || expected == 0 {
                return matching(evidence, ground);
            }
            let fewer = percent((evidence.expected - evidence.count as f64) / evidence.expected);
            format!(
                "{service} logs {quote} {fewer} fewer times than usual: {count} instead of {}.",
                thousands(expected)
            )
        }
        EvidenceKind::MissingFollowup => {
            let after = evidence.after.as_ref()?;
            let before = quoted(&after.template).map(|before| format!(" after {before}")).unwrap_or_default();
            if after.missed == 0 {
                return matching(evidence, ground);
            }
            let usual = if after.baseline_due > 0 {
                format!(", in the baseline {} of {}", thousands(after.baseline_missed), thousands(after.baseline_due))
            } else {
                String::new()
            };
            let (missed, due) = (thousands(after.missed), thousands(after.due));
            format!("In {service}, {quote} is missing{before} {missed} of {due} times{usual}.")
        }
        EvidenceKind::Precursor if evidence.first.zip(findings.onset).is_some_and(|(first, onset)| first < onset) => {
            let onset = findings.onset.map(|onset| at(onset, ground)).unwrap_or_default();
            format!("{service} logs {quote} {count} ×{first}, before the rest began at {onset}.")
        }
        EvidenceKind::New | EvidenceKind::Burst | EvidenceKind::Precursor if is_new && evidence.count > 0 => {
            let baseline =
                findings.baseline.map(|baseline| (baseline.to() <= findings.window.from(), baseline.length()));
            let compared = match baseline {
                Some((true, length)) => format!("the {} before", clock::length(length)),
                _ => "the baseline".to_owned(),
            };
            format!("{service} logs {quote} {count} ×{first}, not once in {compared}.")
        }
        EvidenceKind::New | EvidenceKind::Burst | EvidenceKind::Precursor
            if evidence.expected > 0.0 && evidence.count as f64 > evidence.expected =>
        {
            format!("{service} logs {quote} {count} ×, {} × usual.", ratio(evidence.count, evidence.expected))
        }
        EvidenceKind::New | EvidenceKind::Burst | EvidenceKind::Precursor | EvidenceKind::Match => {
            return matching(evidence, ground);
        }
    };
    Some(Draft::new(text, [&evidence.id]))
}

/// Whether the row is what a query found, rather than a kind of line.
fn is_query(evidence: &Evidence) -> bool {
    evidence.kind == EvidenceKind::Match && evidence.template_id.is_none()
}

/// Who logs what how often: a kind of line, or all lines that a query finds.
fn counted(evidence: &Evidence) -> Option<String> {
    let count = thousands(evidence.count);
    if is_query(evidence) {
        let verb = if evidence.count == 1 { "line matches" } else { "lines match" };
        return Some(format!("{count} {verb} {}", named(&evidence.template)?));
    }
    Some(format!("{} logs {} {count} ×", evidence.service, quoted(&evidence.template)?))
}

/// One kind of line as it was found.
pub(super) fn matching(evidence: &Evidence, ground: &Ground<'_>) -> Option<Draft> {
    let counted = counted(evidence)?;
    let when = match (evidence.first, evidence.last) {
        (Some(first), Some(last)) if first != last => {
            format!(", first at {}, last at {}", at(first, ground), at(last, ground))
        }
        (Some(first), _) => format!(", at {}", at(first, ground)),
        _ => String::new(),
    };
    Some(Draft::new(format!("{counted}{when}."), [&evidence.id]))
}

/// A count beside its baseline.
pub(super) fn how_often(evidence: &Evidence, ground: &Ground<'_>) -> Option<Draft> {
    let counted = counted(evidence)?;
    let findings = ground.findings;
    let compared = findings.baseline.map(|baseline| {
        let (before, length) = (thousands(evidence.baseline_count), clock::length(baseline.length()));
        format!(", {before} in the {length} of the baseline")
    });
    let compared = compared.unwrap_or_default();
    Some(Draft::new(format!("{counted} {}{compared}.", within(ground)), [&evidence.id]))
}

/// Hosts and versions that wrote a kind of line.
pub(super) fn from_whom(evidence: &Evidence) -> Option<Draft> {
    const SHOWN: usize = 3;
    let is_match = is_query(evidence);
    let quote =
        if is_match { format!("lines that match {}", named(&evidence.template)?) } else { quoted(&evidence.template)? };
    let service = if is_match { String::new() } else { format!(" in {}", evidence.service) };
    let hosts: Vec<String> = evidence
        .hosts
        .iter()
        .take(SHOWN)
        .filter_map(|host| Some(format!("{} ({} ×)", named(&host.host)?, thousands(host.count))))
        .collect();
    if hosts.is_empty() {
        return None;
    }
    let n = evidence.hosts.len();
    let noun = if n == 1 { "host writes" } else { "hosts write" };
    let most = if n > SHOWN { "most of it" } else { "namely" };
    Some(Draft::new(
        format!("{} {noun} {quote}{service}: {most} {}.", thousands(n as u64), hosts.join(", ")),
        [&evidence.id],
    ))
}

/// Whether the worst line still comes at the end of the window.
pub(super) fn still_there(ground: &Ground<'_>) -> Option<Draft> {
    let findings = ground.findings;
    let evidence = own_evidence(findings).or(findings.evidence.first())?;
    if matches!(evidence.kind, EvidenceKind::Silence | EvidenceKind::MissingFollowup) {
        return None;
    }
    let quote = quoted(&evidence.template)?;
    let last = evidence.last?;
    let quiet_for = findings.window.to().since(last);
    // Six times the usual pause without the line is no chance any more.
    let lasted = evidence.first.map_or(findings.window.length(), |first| last.since(first));
    let pause = lasted / i32::try_from(evidence.count.max(1)).unwrap_or(i32::MAX);
    let is_quiet = quiet_for >= (pause * 6).max(SignedDuration::from_secs(30));
    let works_on = findings.culprit.is_none() || findings.facts.ended.is_some();
    let (service, last) = (&evidence.service, at(last, ground));
    let text = match (is_quiet, works_on) {
        (true, true) => format!("It looks fixed: {service} logged {quote} for the last time at {last}."),
        (true, false) => {
            format!("Not certain: {service} logged {quote} for the last time at {last}, and little else since.")
        }
        (false, _) => format!("Not yet: {service} logged {quote} as late as {last}."),
    };
    Some(Draft::new(text, [&evidence.id]))
}

fn worth_saying(share: f64, before: f64) -> bool {
    (0.01..=1.0).contains(&share) && share > before
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if (0.95..99.5).contains(&percent) || percent >= 100.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}
