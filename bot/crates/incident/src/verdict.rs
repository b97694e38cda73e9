//! Decides what the findings mean: a cause, no fault, two causes at once, or not enough to say.
//! Naming nobody is an answer; a culprit needs a finding in its own lines that chance and the others do not explain.

use evidence::Time;
use evidence::answer::{EvidenceKind, Verdict};

use crate::analyses::{Study, halt};
use crate::findings::{Finding, Reason, SilentService};
use crate::localise::{CHANCE, Standing, TELLING};
use crate::scene::{Scene, Tone};
use crate::usual::Load;

/// The least score of a culprit.
const CULPRIT: f64 = 0.42;

/// A second service this close to the first is a second culprit.
const TIE: f64 = 0.85;

/// Fewer records than this on either side, and there is nothing to compare.
const FEWEST_RECORDS: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub verdict: Verdict,
    pub reason: Reason,
    pub confidence: f64,
    pub culprit: Option<Standing>,
    /// The two that are at fault beside each other, when the verdict is `conflicting`.
    pub rivals: Vec<Standing>,
}

impl Decision {
    /// Whoever is at fault.
    pub(crate) fn accused(&self) -> impl Iterator<Item = &Standing> {
        self.culprit.iter().chain(&self.rivals)
    }
}

/// Why nothing can be compared at all, if so.
pub(crate) fn cannot_compare(scene: &Scene<'_>) -> Option<Reason> {
    if scene.rows.is_empty() {
        Some(Reason::EmptyWindow)
    } else if scene.baseline.is_none() {
        Some(Reason::NoBaseline)
    } else if scene.rows.len() < FEWEST_RECORDS || scene.baseline_rows.len() < FEWEST_RECORDS {
        Some(Reason::TooFewRecords)
    } else {
        None
    }
}

pub(crate) fn decide(
    study: &Study<'_>,
    findings: &[Finding],
    standings: &[Standing],
    silent: &[SilentService],
    load: Load,
) -> Decision {
    if let Some(reason) = cannot_compare(study.scene) {
        return nobody(Verdict::Insufficient, reason, 0.9);
    }
    let may_be_named = |standing: &&Standing| standing.confirmed || has_own_evidence(findings, standing.service);
    let top = standings.iter().find(may_be_named);
    // With more traffic come more warnings: that a limit holds, that a client was told to wait.
    let is_alarmed = |service: u16| {
        findings
            .iter()
            .any(|finding| finding.service == service && finding.tone == Tone::Alarmed && finding.surprise >= CHANCE)
    };
    let may_accuse =
        |top: &&Standing| top.score >= CULPRIT && (load != Load::Surge || top.confirmed || is_alarmed(top.service));
    if let Some(top) = top.filter(may_accuse) {
        return between(study, findings, standings, top);
    }
    if let Some(gone) = gone_and_missed(study, findings, silent) {
        let confidence = 0.75;
        return Decision {
            verdict: Verdict::Cause,
            reason: Reason::WentSilent,
            confidence,
            culprit: Some(gone),
            rivals: Vec::new(),
        };
    }
    if load == Load::Usual
        && let Some((service, since)) = halt::first_to_stop(study, findings, silent)
    {
        let (service, since) = silent_before(study, silent, since).unwrap_or((service, since));
        let halted = Standing { service, score: 0.6, own: 0.6, since, explained_by: None, confirmed: true };
        return Decision {
            verdict: Verdict::Cause,
            reason: Reason::WentSilent,
            confidence: 0.65,
            culprit: Some(halted),
            rivals: Vec::new(),
        };
    }
    let deviates = |finding: &&Finding| {
        finding.surprise >= CHANCE
            && finding.tone > if load == Load::Surge { Tone::Wary } else { Tone::Calm }
            && finding.share * finding.hits as f64 >= 1.0
    };
    let deviating: Vec<&Finding> = findings.iter().filter(deviates).collect();
    if deviating.is_empty() && silent.is_empty() {
        let reason = match load {
            Load::Usual => Reason::NothingDeviates,
            Load::Surge => Reason::TrafficSurge,
            Load::Drop => Reason::TrafficDrop,
        };
        return nobody(Verdict::NoFault, reason, quiet_confidence(study.scene));
    }
    let is_reported = |finding: &&Finding| matches!(finding.blame, crate::blame::Blame::Others(_));
    let reason = if deviating.iter().any(is_reported) { Reason::OnlyReported } else { Reason::TooWeak };
    nobody(Verdict::Insufficient, reason, 0.6)
}

fn nobody(verdict: Verdict, reason: Reason, confidence: f64) -> Decision {
    Decision { verdict, reason, confidence, culprit: None, rivals: Vec::new() }
}

fn has_own_evidence(findings: &[Finding], service: u16) -> bool {
    findings.iter().any(|finding| finding.service == service && finding.weight >= TELLING)
}

/// One culprit, or two that have nothing to do with each other.
fn between(study: &Study<'_>, findings: &[Finding], standings: &[Standing], top: &Standing) -> Decision {
    let is_rival = |other: &&Standing| {
        other.service != top.service
            && other.score >= TIE * top.score
            && other.score >= CULPRIT
            && has_own_evidence(findings, other.service)
            && other.explained_by.is_none()
            && study.calls.path(other.service, top.service).is_none()
            && study.calls.path(top.service, other.service).is_none()
    };
    let rival = standings.iter().find(is_rival);
    let second =
        standings.iter().filter(|other| other.service != top.service).map(|other| other.score).fold(0.0, f64::max);
    let margin = 1.0 - second / top.score.max(1e-9);
    match rival {
        Some(rival) => Decision {
            verdict: Verdict::Conflicting,
            reason: Reason::TwoCulprits,
            confidence: 0.5,
            culprit: None,
            rivals: vec![top.clone(), rival.clone()],
        },
        None => Decision {
            verdict: Verdict::Cause,
            reason: Reason::OwnEvidence,
            confidence: (0.45 + 0.35 * top.score + 0.18 * margin.clamp(0.0, 1.0)).min(0.97),
            culprit: Some(top.clone()),
            rivals: Vec::new(),
        },
    }
}

/// A service that went silent and whose callers say so. Silence alone may be a restart, a quiet job, or a shipper that stopped.
fn gone_and_missed(study: &Study<'_>, findings: &[Finding], silent: &[SilentService]) -> Option<Standing> {
    let reported = crate::analyses::spread::reported(findings, CHANCE);
    let gone = silent.iter().filter_map(|silent| {
        let service = study.scene.services.iter().position(|name| *name == silent.service)? as u16;
        let by = reported.get(&service)?;
        let rises = by.iter().map(|position| &findings[*position]);
        let since = rises.filter(|finding| finding.kind != EvidenceKind::Silence).map(|finding| finding.since).min()?;
        Some(Standing {
            service,
            score: 0.8,
            own: 0.8,
            since: silent.last.unwrap_or(since),
            explained_by: None,
            confirmed: true,
        })
    });
    gone.min_by_key(|standing| standing.since)
}

/// The only service that fell silent altogether, when that was before another stopped writing one of its lines.
fn silent_before(study: &Study<'_>, silent: &[SilentService], stop: Time) -> Option<(u16, Time)> {
    const SLACK: i64 = 60_000_000;
    let [only] = silent else { return None };
    let last = only.last.filter(|last| last.0 <= stop.0 + SLACK)?;
    let service = study.scene.services.iter().position(|name| *name == only.service)?;
    Some((service as u16, last))
}

/// How sure "nothing is wrong" is: more records, and a longer past to compare with, leave less to hide in.
fn quiet_confidence(scene: &Scene<'_>) -> f64 {
    let n = scene.rows.len().min(scene.baseline_rows.len()) as f64;
    let past = if scene.scale() > 0.0 { (1.0 / scene.scale()).min(1.0) } else { 0.0 };
    (0.5 + 0.12 * (n / 20.0).ln().clamp(0.0, 3.0) + 0.08 * past).min(0.95)
}
