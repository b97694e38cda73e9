//! Weighs each finding as testimony of a fault in its own service, and finds the services whose testimony explains the others'.

use evidence::Time;
use evidence::answer::EvidenceKind;

use crate::analyses::{Study, spread, testimony};
use crate::blame::{self, Blame};
use crate::findings::Finding;
use crate::scene::Tone;

/// Less surprising than this (in nats, all corrections made) and it is chance: about one quiet window in two hundred has such a find.
pub(crate) const CHANCE: f64 = 5.3;

/// What a finding must weigh to be evidence of a fault.
pub(crate) const TELLING: f64 = 0.25;

/// How much a service looks at fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    pub service: u16,
    /// `0.0..=1.0`, after what others explain was taken off.
    pub score: f64,
    /// The same before that.
    pub own: f64,
    pub since: Time,
    /// A failing service that it calls and that explains its failures.
    pub explained_by: Option<u16>,
    /// Its callers name it, and something in its own records agrees with them.
    pub confirmed: bool,
}

/// Gives each finding its weight: how surprising, how large, how alarming, and whose fault it tells of.
pub(crate) fn weigh(study: &Study<'_>, findings: &mut [Finding]) {
    for finding in &mut *findings {
        finding.weight = if finding.surprise < CHANCE { 0.0 } else { weight(finding) };
    }
    let Some(last) = last_before_the_dark(study, findings) else { return };
    for finding in findings.iter_mut().filter(|finding| finding.service == last && finding.blame == Blame::Away) {
        finding.weight = loudness(finding);
    }
}

/// The only service that complains, of something without a name, where no other service shows a thing and it calls none that
/// logs: what it cannot reach is as near as the logs come to the fault.
fn last_before_the_dark(study: &Study<'_>, findings: &[Finding]) -> Option<u16> {
    let is_alarm = |finding: &&Finding| finding.surprise >= CHANCE && finding.tone > Tone::Calm;
    let mut alarms = findings.iter().filter(is_alarm);
    let service = alarms.next()?.service;
    let n_services = study.scene.services.len() as u16;
    let calls_others = || (0..n_services).any(|other| other != service && study.calls.leans_on(service, other));
    let is_called = || (0..n_services).any(|other| other != service && study.calls.leans_on(other, service));
    let names_others =
        || findings.iter().any(|finding| finding.service == service && matches!(finding.blame, Blame::Others(_)));
    (alarms.all(|finding| finding.service == service)
        && !calls_others()
        && (n_services == 1 || is_called())
        && !names_others())
    .then_some(service)
}

fn weight(finding: &Finding) -> f64 {
    let whose = match finding.blame {
        Blame::Own => 1.0,
        Blame::Away => 0.3,
        Blame::Others(_) => 0.1,
    };
    loudness(finding) * whose
}

/// What it weighs against whomever it tells of.
pub(crate) fn loudness(finding: &Finding) -> f64 {
    if finding.surprise < CHANCE {
        return 0.0;
    }
    let certainty = 1.0 - (-finding.surprise / 8.0).exp();
    let tone = match (finding.kind, finding.tone) {
        (EvidenceKind::Silence, _) => 0.15,
        (_, Tone::Alarmed) => 1.0,
        (_, Tone::Wary) => 0.5,
        (_, Tone::Calm) => 0.05,
    };
    let by_share = (finding.share / 0.1).sqrt();
    let by_hits = ((1 + finding.hits) as f64).ln() / 101f64.ln();
    certainty * tone * by_share.max(by_hits).min(1.0)
}

/// The services that have something against them, worst first.
pub(crate) fn standings(study: &Study<'_>, findings: &[Finding]) -> Vec<Standing> {
    let votes = spread::votes(study, findings);
    let mut standings: Vec<Standing> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.weight > 0.0) {
        let found = standings.iter_mut().find(|standing| standing.service == finding.service);
        let standing = match found {
            Some(standing) => standing,
            None => {
                let fresh = Standing {
                    service: finding.service,
                    score: 0.0,
                    own: 0.0,
                    since: finding.since,
                    explained_by: None,
                    confirmed: false,
                };
                standings.push(fresh);
                standings.last_mut().expect("just pushed")
            }
        };
        // Each further finding takes its part of what doubt is left.
        standing.own = 1.0 - (1.0 - standing.own) * (1.0 - 0.95 * finding.weight);
        if finding.weight >= TELLING {
            standing.since = standing.since.min(finding.since);
        }
    }
    let confirmed = testimony::confirmed(study, findings);
    for standing in &mut standings {
        // In whose lines failed requests failed first, where traces tell.
        let first = votes.share(standing.service).map_or(1.0, |share| 0.5 + 0.5 * share.sqrt());
        standing.score = standing.own * first;
    }
    for told in confirmed {
        believe(&mut standings, &told);
    }
    explain(study, findings, &mut standings);
    standings.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.since.cmp(&b.since)).then(a.service.cmp(&b.service)));
    standings
}

/// Lets what callers say of a service count beside its own testimony.
fn believe(standings: &mut Vec<Standing>, told: &testimony::Told) {
    let at = standings.iter().position(|standing| standing.service == told.service).unwrap_or_else(|| {
        standings.push(Standing {
            service: told.service,
            score: 0.0,
            own: 0.0,
            since: told.since,
            explained_by: None,
            confirmed: false,
        });
        standings.len() - 1
    });
    let standing = &mut standings[at];
    standing.confirmed = true;
    standing.own = 1.0 - (1.0 - standing.own) * (1.0 - 0.75 * told.weight);
    standing.score = standing.score.max(standing.own);
    standing.since = standing.since.min(told.since);
}

/// A caller of a failing service fails because of it, unless it began clearly earlier.
fn explain(study: &Study<'_>, findings: &[Finding], standings: &mut [Standing]) {
    let slack = (study.scene.window.to().0 - study.scene.window.from().0) / 30;
    let before = standings.to_vec();
    let is_alarmed = |service: u16| {
        findings
            .iter()
            .any(|finding| finding.service == service && finding.weight >= TELLING && finding.tone == Tone::Alarmed)
    };
    let hands_on: Vec<u16> = before
        .iter()
        .map(|standing| standing.service)
        .filter(|service| only_hands_on(study, findings, *service))
        .collect();
    for standing in standings.iter_mut() {
        let is_front = hands_on.contains(&standing.service);
        let stands_behind =
            |other: u16| is_front && !hands_on.contains(&other) && !study.calls.leans_on(other, standing.service);
        let explains = |other: &&Standing| {
            other.own >= 0.4
                && other.service != standing.service
                && (stands_behind(other.service) || study.calls.leans_on(standing.service, other.service))
                && other.since.0 <= standing.since.0 + slack
        };
        let callee = before.iter().filter(explains).max_by(|a, b| a.own.total_cmp(&b.own));
        if let Some(callee) = callee {
            standing.explained_by = Some(callee.service);
            standing.score *= 1.0 - 0.6 * callee.own;
            // The caller is mostly the louder of the two, and still comes after whom it complains of.
            if is_front || is_alarmed(callee.service) {
                standing.score = standing.score.min(0.9 * callee.score);
            }
        }
    }
}

/// Whether all that a service shows comes from behind it: requests answered badly by a proxy, calls of something unnamed that
/// fail, deaths of others that it watches.
fn only_hands_on(study: &Study<'_>, findings: &[Finding], service: u16) -> bool {
    if blame::is_supervisor(study.scene.service(service)) {
        return true;
    }
    let mut telling =
        findings.iter().filter(|finding| finding.service == service && finding.weight >= TELLING).peekable();
    let is_handed_on =
        |finding: &Finding| finding.blame == Blame::Away || blame::is_bad_response(study.scene.text(finding.subject));
    telling.peek().is_some() && telling.all(is_handed_on)
}
