//! Ranks changes by how well they explain the fault, and says of the innocent ones why they are.

use std::collections::BTreeMap;

use evidence::answer::RankedChange;
use evidence::{Change, Time};
use jiff::SignedDuration;

use crate::analyses::Study;
use crate::analyses::change::{Suspicion, suspicion};
use crate::findings::{ChangeFacts, Finding, Reason, Relation};
use crate::localise::Standing;
use crate::verdict::Decision;

/// From this score on, a change is suspected.
const SUSPECTED: f64 = 0.35;

/// The same where two are at fault, and it is not even clear that there is one cause: about a quarter of an hour before is too long.
const SUSPECTED_OF_TWO: f64 = 0.65;

/// Changes older than this, before the window, are not shown, unless what was compared reaches back further.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);

/// At most this many cleared changes are shown.
const MOST_CLEARED: usize = 8;

/// Ranked changes with ids, and what is known of each. `ids` gives the evidence id of a finding by its position.
pub(crate) fn ranked(
    study: &Study<'_>,
    changes: &[Change],
    onset: Option<Time>,
    decision: &Decision,
    findings: &[Finding],
    ids: &BTreeMap<usize, String>,
) -> (Vec<RankedChange>, BTreeMap<String, ChangeFacts>) {
    let window = study.scene.window;
    let compared_from = study.scene.observed.baseline.map_or(window.from(), |baseline| baseline.from());
    let earliest = window.from().minus(OLDEST).min(compared_from);
    // With two at fault, a change is judged beside the one that it explains better.
    let judge = |change| {
        let besides = decision.accused().map(|accused| {
            let since = if decision.culprit.is_some() { onset } else { Some(accused.since) };
            (suspicion(study, change, since, Some(accused), findings), Some(accused))
        });
        let best = besides.max_by(|(a, _), (b, _)| a.score.total_cmp(&b.score));
        best.unwrap_or_else(|| (suspicion(study, change, onset, None, findings), None))
    };
    let mut judged: Vec<(&Change, (Suspicion, Option<&Standing>))> = changes
        .iter()
        .filter(|change| change.at < window.to() && change.at >= earliest)
        .map(|change| (change, judge(change)))
        .collect();
    judged.sort_by(|(a, (of_a, _)), (b, (of_b, _))| {
        of_b.score.total_cmp(&of_a.score).then(b.at.cmp(&a.at)).then(a.service.cmp(&b.service))
    });
    let best = judged.first().map_or(0.0, |(_, (suspicion, _))| suspicion.score);
    let least = if decision.culprit.is_some() { SUSPECTED } else { SUSPECTED_OF_TWO };
    let is_suspected = |suspicion: &Suspicion| {
        decision.accused().next().is_some()
            && suspicion.score >= least
            && suspicion.score >= 0.8 * best
            && !suspicion.fits.is_empty()
    };
    let n_suspected = judged.iter().filter(|(_, (suspicion, _))| is_suspected(suspicion)).count();
    judged.truncate(n_suspected + MOST_CLEARED);
    let (mut ranked, mut facts) = (Vec::new(), BTreeMap::new());
    for (index, (change, (suspicion, accused))) in judged.iter().enumerate() {
        let id = format!("C{}", index + 1);
        let suspected = is_suspected(suspicion);
        let citations: Vec<String> =
            suspicion.fits.iter().filter_map(|position| ids.get(position).cloned()).take(3).collect();
        let why = if suspected {
            why_suspected(study, change, suspicion, findings, &citations)
        } else {
            why_cleared(study, change, suspicion, onset, decision.reason, *accused)
        };
        facts.insert(id.clone(), facts_of(study, suspicion, onset, citations));
        ranked.push(RankedChange {
            id,
            service: change.service.clone(),
            kind: change.kind,
            version: change.version.clone(),
            previous: change.previous.clone(),
            environment: change.environment.clone(),
            at: change.at,
            by: change.by.clone(),
            url: change.url.clone(),
            score: (suspicion.score * 1000.0).round() / 1000.0,
            suspected,
            judged: !decision.reason.is_blind() && suspicion.service.is_some(),
            why,
        });
    }
    (ranked, facts)
}

fn facts_of(study: &Study<'_>, suspicion: &Suspicion, onset: Option<Time>, citations: Vec<String>) -> ChangeFacts {
    let hosts = &study.scene.observed.hosts;
    ChangeFacts {
        seconds_before_onset: onset.map(|_| suspicion.seconds_before),
        citations,
        on_version: suspicion.exclusive.on_version,
        with_version: suspicion.exclusive.with_version,
        on_hosts: suspicion.exclusive.on_hosts,
        with_host: suspicion.exclusive.with_host,
        hosts: suspicion.exclusive.hosts.iter().map(|host| hosts[usize::from(*host)].clone()).collect(),
        base_rate: suspicion.base_rate,
        relation: suspicion.relation,
    }
}

fn why_suspected(
    study: &Study<'_>,
    change: &Change,
    suspicion: &Suspicion,
    findings: &[Finding],
    citations: &[String],
) -> String {
    let first = suspicion.fits.first().map(|position| &findings[*position]);
    let after = first.map_or(0.0, |finding| finding.since.since(change.at).as_secs_f64());
    let what = citations.first().map_or("the fault", String::as_str);
    let mut why = if after >= 0.0 {
        format!("{what} starts {} later", spell(after))
    } else {
        format!("{what} starts at the same time")
    };
    let exclusive = &suspicion.exclusive;
    if exclusive.with_version > 0 && exclusive.on_version * 20 >= exclusive.with_version * 19 {
        why += &format!(", and only on this version ({} of {})", exclusive.on_version, exclusive.with_version);
    } else if exclusive.with_host > 0 && exclusive.on_hosts * 20 >= exclusive.with_host * 19 {
        let n = exclusive.hosts.len();
        let hosts = if n == 1 { "the 1 host that runs it".to_owned() } else { format!("the {n} hosts that run it") };
        why += &format!(", and only on {hosts} ({} of {})", exclusive.on_hosts, exclusive.with_host);
    }
    if suspicion.relation == Relation::Callee
        && let Some(finding) = first
    {
        why += &format!("; {} calls {}", study.scene.service(finding.service), change.service);
    }
    if suspicion.relation == Relation::Blocker {
        why += &format!("; it waits for a lock, and {} began something new just before", change.service);
    }
    why
}

fn why_cleared(
    study: &Study<'_>,
    change: &Change,
    suspicion: &Suspicion,
    onset: Option<Time>,
    reason: Reason,
    culprit: Option<&Standing>,
) -> String {
    let name = &change.service;
    if reason.is_blind() {
        return "cannot be judged, there is too little to compare".to_owned();
    }
    let Some(service) = suspicion.service else {
        return format!("{name} wrote no records here, so it cannot be judged");
    };
    let Some(onset) = onset else { return "no effect seen".to_owned() };
    if change.at > onset && suspicion.seconds_before < -30.0 {
        return format!("came {} after it began", spell(-suspicion.seconds_before));
    }
    let exclusive = &suspicion.exclusive;
    let is_elsewhere = exclusive.with_version >= 3 && exclusive.on_version * 2 < exclusive.with_version;
    if is_elsewhere {
        return "other versions write these lines as well".to_owned();
    }
    let is_next = culprit.is_some_and(|culprit| study.calls.are_neighbours(culprit.service, service));
    match (suspicion.fits.is_empty(), is_next) {
        (true, false) => format!("nothing in {name} or next to it changed"),
        (true, true) => format!("nothing in {name} itself changed"),
        (false, _) if suspicion.seconds_before > 5_400.0 => {
            format!("{} before it began, no effect until then", spell(suspicion.seconds_before))
        }
        (false, _) => "what changed there is explained by another service".to_owned(),
    }
}

fn spell(seconds: f64) -> String {
    let seconds = seconds.round() as i64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h", (seconds + 1_800) / 3_600),
    }
}
