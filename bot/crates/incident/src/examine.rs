//! From what a store saw to what an answer says: every analysis in order, pure and deterministic.

use std::collections::BTreeMap;

use evidence::answer::{Coverage, EvidenceKind, Suspect, Verdict};
use evidence::{Change, Observed, Time};

use crate::analyses::{Study, deaths, precursor, silence};
use crate::blame::{self, Blame};
use crate::findings::{Finding, Findings, Reason, SilentService};
use crate::localise::{CHANCE, Standing, TELLING};
use crate::present::Buckets;
use crate::scene::{Scene, Tone};
use crate::verdict::Decision;
use crate::{correlate, facts, localise, present, usual, verdict};

/// What the question narrows down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Services that the question is about; empty means all. The others are still looked at: the cause may lie there.
    pub services: Vec<String>,
    /// At most this many evidence rows.
    pub max_evidence: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { services: Vec::new(), max_evidence: 12 }
    }
}

/// Compares the window with its baseline and decides what it means.
///
/// `changes` may lie anywhere in time; those after the window's end are left out of the result.
pub fn examine(observed: &Observed, changes: &[Change], options: &Options) -> Findings {
    let scene = Scene::new(observed);
    let study = Study::of(&scene);
    let can_compare = verdict::cannot_compare(&scene).is_none();
    let mut findings = if can_compare { study.findings() } else { Vec::new() };
    localise::weigh(&study, &mut findings);
    let standings = localise::standings(&study, &findings);
    let silent = silence::silent_services(&scene);
    let mut decision = verdict::decide(&study, &findings, &standings, &silent, usual::load(&scene));
    if decision.verdict == Verdict::NoFault {
        let steady = deaths::steady(&scene);
        if !steady.is_empty() {
            decision.reason = Reason::OnlyAsUsual;
            decision.confidence = decision.confidence.min(0.6);
        }
        findings.extend(steady);
    }
    if let Some(culprit) = &decision.culprit {
        precursor::mark(&mut findings, culprit.service, (3 * study.rates.cell).max(5_000_000));
    }
    assemble(&study, findings, &standings, silent, &decision, changes, options)
}

fn assemble(
    study: &Study<'_>,
    findings: Vec<Finding>,
    standings: &[Standing],
    silent: Vec<SilentService>,
    decision: &Decision,
    changes: &[Change],
    options: &Options,
) -> Findings {
    let scene = study.scene;
    let onset = onset(&findings, decision);
    let shown = shown(scene, &findings, standings, decision, options.max_evidence);
    let ids: BTreeMap<usize, String> =
        shown.iter().enumerate().map(|(index, position)| (*position, format!("E{}", index + 1))).collect();
    let buckets = Buckets::of(scene.window);
    let (mut evidence, mut sample_ids) = (Vec::new(), BTreeMap::new());
    for position in &shown {
        let (row, samples) = present::evidence(scene, &findings[*position], ids[position].clone(), buckets);
        sample_ids.insert(row.id.clone(), samples);
        evidence.push(row);
    }
    let (changes, change_facts) = correlate::ranked(study, changes, onset, decision, &findings, &ids);
    let is_asked = |service: u16| {
        options.services.is_empty() || options.services.iter().any(|name| name == scene.service(service))
    };
    let fault: Vec<u32> = fault_kinds(&findings, decision);
    let facts = facts::facts(study, &findings, standings, &silent, decision, &ids, change_facts, is_asked);
    Findings {
        window: scene.window,
        baseline: scene.baseline,
        onset,
        verdict: decision.verdict,
        confidence: (decision.confidence * 100.0).round() / 100.0,
        reason: decision.reason,
        culprit: decision.culprit.as_ref().map(|culprit| scene.service(culprit.service).to_owned()),
        evidence,
        sample_ids,
        suspects: suspects(scene, &findings, standings, decision, &ids),
        changes,
        coverage: coverage(scene, &silent),
        chart: (!scene.rows.is_empty()).then(|| present::chart(scene, buckets, is_asked, &fault)),
        facts,
    }
}

/// When the culprit's own telling lines began; without a culprit, the weightiest finding that is not chance.
fn onset(findings: &[Finding], decision: &Decision) -> Option<Time> {
    match (&decision.culprit, decision.verdict) {
        (Some(culprit), _) => {
            let telling =
                findings.iter().filter(|finding| finding.service == culprit.service && finding.weight >= TELLING);
            let best = telling.max_by(|a, b| a.weight.total_cmp(&b.weight)).map(|finding| finding.since);
            best.or(Some(culprit.since))
        }
        (None, Verdict::NoFault) => None,
        (None, _) => {
            let deviating = findings.iter().filter(|finding| finding.surprise >= CHANCE && finding.tone > Tone::Calm);
            deviating.max_by(|a, b| a.surprise.total_cmp(&b.surprise)).map(|finding| finding.since)
        }
    }
}

/// Positions of the findings to show, best first: the culprit's own, then by weight, then what others report and what went silent.
fn shown(
    scene: &Scene<'_>,
    findings: &[Finding],
    standings: &[Standing],
    decision: &Decision,
    most: usize,
) -> Vec<usize> {
    let culprit = decision.culprit.as_ref().map(|culprit| culprit.service);
    let rank =
        |service: u16| standings.iter().position(|standing| standing.service == service).unwrap_or(standings.len());
    let speaks = findings.iter().any(|finding| culprit == Some(finding.service) && finding.weight >= TELLING);
    let is_alarm = |finding: &Finding| finding.surprise >= CHANCE && finding.tone > Tone::Calm;
    let value = |finding: &Finding| {
        let is_culprits = culprit == Some(finding.service);
        let of_rank = 0.2 / (1.0 + rank(finding.service) as f64);
        // A death is told by others; where the culprit's own lines tell nothing, that telling convicts it.
        let tells_of_its_death = || {
            !speaks
                && is_alarm(finding)
                && blame::is_deadly(scene.text(finding.subject))
                && matches!((&finding.blame, culprit), (Blame::Others(named), Some(culprit)) if named.contains(&culprit))
        };
        let convicts = (is_culprits && finding.weight >= TELLING) || tells_of_its_death();
        finding.weight + of_rank + if convicts { 1.0 } else { 0.0 }
    };
    let mut positions: Vec<usize> = (0..findings.len())
        .filter(|position| {
            let finding = &findings[*position];
            // What a service wrote before it went silent is worth a line, however rarely it wrote it.
            let is_last_word = decision.reason == Reason::WentSilent
                && culprit == Some(finding.service)
                && finding.kind == EvidenceKind::New
                && finding.tone == Tone::Alarmed;
            let is_chance = finding.surprise < CHANCE && !is_last_word || is_hardly_gone(scene, finding);
            // Calm novelties are worth a line only where they are the culprit's; what ebbs, only where something is wrong.
            let ebbs = finding.kind == EvidenceKind::Silence;
            !is_chance
                && (finding.tone > Tone::Calm || culprit == Some(finding.service) || ebbs)
                && !(ebbs && decision.verdict == Verdict::NoFault)
        })
        .collect();
    positions.sort_by(|a, b| {
        let (of_a, of_b) = (&findings[*a], &findings[*b]);
        value(of_b).total_cmp(&value(of_a)).then(of_b.surprise.total_cmp(&of_a.surprise)).then(a.cmp(b))
    });
    // One kind of message is one row, whichever analysis saw it first.
    let mut seen: Vec<u32> = Vec::new();
    positions.retain(|position| {
        let is_fresh = !seen.contains(&findings[*position].subject);
        seen.push(findings[*position].subject);
        is_fresh
    });
    positions.truncate(most);
    positions
}

/// Whether most of a line that should be gone is still there: a row about it would only mislead.
fn is_hardly_gone(scene: &Scene<'_>, finding: &Finding) -> bool {
    let last = scene.rows_of(finding.subject).last().map(|row| scene.rows[*row as usize].time);
    finding.kind == EvidenceKind::Silence
        && scene.kinds[finding.subject as usize].count as f64 > 0.75 * finding.expected
        && last.is_some_and(|last| last > finding.since)
}

fn fault_kinds(findings: &[Finding], decision: &Decision) -> Vec<u32> {
    let Some(culprit) = &decision.culprit else { return Vec::new() };
    let is_fault = |finding: &&Finding| {
        finding.service == culprit.service
            && finding.weight >= TELLING
            && finding.after.is_none()
            && finding.tone > Tone::Calm
    };
    findings.iter().filter(is_fault).map(|finding| finding.subject).collect()
}

fn suspects(
    scene: &Scene<'_>,
    findings: &[Finding],
    standings: &[Standing],
    decision: &Decision,
    ids: &BTreeMap<usize, String>,
) -> Vec<Suspect> {
    if decision.verdict == Verdict::NoFault {
        return Vec::new();
    }
    let mut ordered: Vec<Standing> = standings.iter().filter(|standing| standing.score >= 0.02).cloned().collect();
    ordered.retain(|standing| standing.confirmed || !citations(findings, ids, standing.service).is_empty());
    if let Some(culprit) = &decision.culprit {
        ordered.retain(|standing| standing.service != culprit.service);
        ordered.insert(0, culprit.clone());
    }
    ordered.truncate(5);
    ordered
        .iter()
        .map(|standing| Suspect {
            service: scene.service(standing.service).to_owned(),
            score: (standing.score * 1000.0).round() / 1000.0,
            why: why(scene, findings, standing),
            citations: citations(findings, ids, standing.service),
        })
        .collect()
}

pub(crate) fn citations(findings: &[Finding], ids: &BTreeMap<usize, String>, service: u16) -> Vec<String> {
    let mut own: Vec<(&usize, &String)> =
        ids.iter().filter(|(position, _)| findings[**position].service == service).collect();
    own.sort_by(|a, b| findings[*b.0].weight.total_cmp(&findings[*a.0].weight).then(a.0.cmp(b.0)));
    if own.is_empty() {
        // What it does not say itself, others say of it.
        let accuses =
            |position: &usize| matches!(&findings[*position].blame, Blame::Others(named) if named.contains(&service));
        own = ids.iter().filter(|(position, _)| accuses(position)).collect();
    }
    own.into_iter().map(|(_, id)| id.clone()).take(4).collect()
}

fn why(scene: &Scene<'_>, findings: &[Finding], standing: &Standing) -> String {
    let own = findings.iter().filter(|finding| finding.service == standing.service);
    let Some(best) = own.max_by(|a, b| a.weight.total_cmp(&b.weight)) else {
        let service = usize::from(standing.service);
        let wrote = scene.service_count.get(service).zip(scene.service_baseline_count.get(service));
        return match wrote {
            Some((0, 0)) | None => "writes nothing itself; others say that it failed".to_owned(),
            Some(_) => "went silent, and its callers say so".to_owned(),
        };
    };
    let what = match best.kind {
        EvidenceKind::New => "writes a kind of message never seen before",
        EvidenceKind::Burst => "writes a bad line far more often than usual",
        EvidenceKind::MissingFollowup => "stops before a line that always followed",
        EvidenceKind::Silence => "no longer writes a line that is usual",
        EvidenceKind::Precursor => "showed early signs",
        EvidenceKind::Match => "writes a bad line as often as usual",
    };
    match standing.explained_by {
        Some(callee) => format!("{what}, which {} explains", scene.service(callee)),
        None => what.to_owned(),
    }
}

fn coverage(scene: &Scene<'_>, silent: &[SilentService]) -> Coverage {
    Coverage {
        records_searched: (scene.rows.len() + scene.baseline_rows.len()) as u64,
        records_in_window: scene.rows.len() as u64,
        services: scene.service_count.iter().zip(&scene.service_baseline_count).filter(|(a, b)| **a + **b > 0).count()
            as u64,
        silent_services: silent.iter().map(|silent| silent.service.clone()).collect(),
        gaps: Vec::new(),
        redacted: scene.observed.redacted,
        shown_to_model: 0,
    }
}
