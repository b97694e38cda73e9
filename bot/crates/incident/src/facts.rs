//! What else an answer may say of the findings: how many requests fail, who reports whom, the way from the users to the culprit.

use std::collections::BTreeMap;

use evidence::Time;

use crate::analyses::{Study, new, spread};
use crate::examine::citations;
use crate::findings::{
    ChangeFacts, ErrorShare, Facts, FailingService, Finding, ReportedService, ShareUnit, SilentService,
};
use crate::localise::{CHANCE, Standing, TELLING};
use crate::scene::{Scene, Tone};
use crate::traces::Traces;
use crate::usual;
use crate::verdict::Decision;

#[allow(clippy::too_many_arguments, reason = "the facts are a view over everything that was found")]
pub(crate) fn facts(
    study: &Study<'_>,
    findings: &[Finding],
    standings: &[Standing],
    silent: &[SilentService],
    decision: &Decision,
    ids: &BTreeMap<usize, String>,
    changes: BTreeMap<String, ChangeFacts>,
    is_asked: impl Fn(u16) -> bool,
) -> Facts {
    let scene = study.scene;
    let new = new::new_kinds(scene);
    let name = |service: u16| scene.service(service).to_owned();
    let spread: Vec<FailingService> = spread::order(findings, TELLING)
        .into_iter()
        .map(|(service, since)| FailingService {
            service: name(service),
            since,
            citations: citations(findings, ids, service),
        })
        .collect();
    let reported = spread::reported(findings, CHANCE)
        .into_iter()
        .map(|(service, by)| {
            let mut speakers: Vec<String> = by.iter().map(|position| name(findings[*position].service)).collect();
            speakers.sort();
            speakers.dedup();
            ReportedService {
                service: name(service),
                by: speakers,
                since: by.iter().map(|position| findings[*position].since).min(),
                citations: by.iter().filter_map(|position| ids.get(position).cloned()).collect(),
                own_evidence: standings.iter().any(|standing| standing.service == service && standing.own >= TELLING),
            }
        })
        .collect();
    Facts {
        missed: None,
        missed_at: None,
        unmentioned: Vec::new(),
        reach: scene.observed.reach,
        ended: decision.culprit.as_ref().and_then(|culprit| ended(scene, findings, culprit)),
        error_share: decision.culprit.as_ref().and_then(|culprit| error_share(study, findings, culprit)),
        errors: usual::usual(scene, |row| {
            row.severity.is_some_and(evidence::Severity::is_error) && is_asked(row.service)
        }),
        traffic: usual::usual(scene, |row| is_asked(row.service)),
        new_kinds: new.len(),
        new_alarming_kinds: new.iter().filter(|kind| scene.kinds[**kind as usize].tone > Tone::Calm).count(),
        kinds_compared: scene.kinds.len(),
        silent: silent.to_vec(),
        spread,
        path: path(study, findings, decision),
        reported,
        changes,
        rival: decision.rivals.get(1).map(|rival| name(rival.service)),
    }
}

/// When the culprit's bad lines stopped, if they did for much longer than they used to pause, and it works on as before.
fn ended(scene: &Scene<'_>, findings: &[Finding], culprit: &Standing) -> Option<Time> {
    const SHORTEST_QUIET: i64 = 30_000_000;
    const PAUSES: i64 = 6;
    const WORKS_ON: f64 = 0.5;
    const FEWEST_SINCE: f64 = 5.0;
    let telling = findings.iter().filter(|finding| finding.service == culprit.service && finding.weight >= TELLING);
    let mut bad: Vec<Time> = Vec::new();
    for finding in telling {
        // Of what is missing no line tells when it was missed last.
        if finding.after.is_some() || finding.tone == Tone::Calm {
            continue;
        }
        bad.extend(scene.rows_of(finding.subject).iter().map(|row| scene.rows[*row as usize].time));
    }
    let began = culprit.since;
    let (last, end) = (bad.iter().copied().max()?, scene.rows.last()?.time);
    let n = bad.iter().filter(|time| **time >= began).count() as i64;
    let pause = (last.0 - began.0).max(0) / n.max(1);
    let quiet = end.since(last).as_secs_f64();
    if quiet * 1e6 < (PAUSES * pause).max(SHORTEST_QUIET) as f64 {
        return None;
    }
    let since = scene.rows[scene.rows.partition_point(|row| row.time <= last)..].iter();
    let n_since = since.filter(|row| row.service == culprit.service).count() as f64;
    let usual = scene.service_baseline_count[usize::from(culprit.service)] as f64 / scene.baseline?.seconds();
    (n_since >= FEWEST_SINCE && n_since / quiet >= WORKS_ON * usual).then_some(last)
}

/// From the farthest caller that also deviates, through the calls seen, to the culprit.
fn path(study: &Study<'_>, findings: &[Finding], decision: &Decision) -> Vec<String> {
    let Some(culprit) = &decision.culprit else { return Vec::new() };
    let mut callers: Vec<u16> = findings
        .iter()
        .filter(|finding| finding.surprise >= CHANCE && finding.tone > Tone::Calm)
        .map(|finding| finding.service)
        .collect();
    callers.sort_unstable();
    callers.dedup();
    let paths = callers.into_iter().filter_map(|caller| study.calls.path(caller, culprit.service));
    let longest = paths.max_by_key(|path| (path.len(), std::cmp::Reverse(path.clone())));
    longest.unwrap_or_default().into_iter().map(|service| study.scene.service(service).to_owned()).collect()
}

/// Of the culprit's requests since the onset, and of those in the baseline: how many have a line of the fault.
fn error_share(study: &Study<'_>, findings: &[Finding], culprit: &Standing) -> Option<ErrorShare> {
    let scene = study.scene;
    let is_fault = |finding: &&Finding| {
        finding.service == culprit.service && finding.weight >= TELLING && finding.tone > Tone::Calm
    };
    let broken: Vec<&Finding> = findings.iter().filter(is_fault).collect();
    let lines: Vec<u32> =
        broken.iter().filter(|finding| finding.after.is_none()).map(|finding| finding.subject).collect();
    if lines.is_empty() {
        return None;
    }
    let is_bad = |kind: u32| {
        let of_kind = &scene.kinds[kind as usize];
        lines.contains(&kind)
            || (of_kind.service == culprit.service && of_kind.level.is_some_and(evidence::Severity::is_error))
    };
    let count = |traces: &Traces, since: Time| {
        let (mut failing, mut all) = (0, 0);
        for trace in traces.iter() {
            let mut own = trace.iter().filter(|step| step.service == culprit.service).peekable();
            if own.peek().is_some_and(|step| step.time >= since) {
                all += 1;
                failing += u64::from(own.any(|step| is_bad(step.kind)));
            }
        }
        (failing, all)
    };
    let (failing, all) = count(&study.traces, culprit.since);
    let (baseline_failing, baseline_all) = count(&study.baseline_traces, Time::MIN);
    (all >= 5 && failing > 0).then(|| ErrorShare {
        service: scene.service(culprit.service).to_owned(),
        unit: ShareUnit::Traces,
        failing,
        all,
        baseline_failing,
        baseline_all,
    })
}
