//! Which change came shortly before the onset, where it stands to the culprit, and whether its version or its hosts alone write the fault's lines.

use evidence::{Change, ChangeKind, Row, Time};

use super::{Study, new};
use crate::blame::{self, Blame};
use crate::findings::{Finding, Relation};
use crate::localise::{Standing, TELLING};
use crate::scene::Scene;

/// Half an hour after a change, half of the suspicion is gone.
const HALF_LIFE_SECONDS: f64 = 1_800.0;

/// Clocks of deploy tools and log writers differ by this much.
const CLOCK_SLACK_SECONDS: f64 = 30.0;

/// What speaks for and against one change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suspicion {
    pub service: Option<u16>,
    pub relation: Relation,
    /// From the change to the onset; negative when it came after.
    pub seconds_before: f64,
    /// Findings (by position) that began after it in its service or next to it, best first.
    pub fits: Vec<usize>,
    pub exclusive: Exclusive,
    /// What the service's novelty, the path and the exclusive lines make, time left out; `0.0..=1.0`.
    pub link: f64,
    pub score: f64,
    pub base_rate: f64,
}

/// Of the records of the best finding: how many come from what the change brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exclusive {
    pub on_version: u64,
    pub with_version: u64,
    pub on_hosts: u64,
    pub with_host: u64,
    pub hosts: Vec<u16>,
}

impl Exclusive {
    /// How much more often the fault's lines come from the change than its service's other lines do; `None` when lines do not say.
    fn tells(&self, usual_share: f64) -> Option<f64> {
        let (on, all) =
            if self.with_version > 0 { (self.on_version, self.with_version) } else { (self.on_hosts, self.with_host) };
        (all >= 3).then(|| on as f64 / all as f64 - usual_share)
    }
}

pub(crate) fn suspicion(
    study: &Study<'_>,
    change: &Change,
    onset: Option<Time>,
    culprit: Option<&Standing>,
    findings: &[Finding],
) -> Suspicion {
    let scene = study.scene;
    let service = service_of(scene, &change.service, culprit);
    let relation = match (service, culprit) {
        (Some(service), Some(culprit)) if service == culprit.service => Relation::Same,
        (Some(service), Some(culprit)) if study.calls.calls(culprit.service, service) => Relation::Callee,
        (Some(service), Some(culprit)) if study.calls.calls(service, culprit.service) => Relation::Caller,
        (Some(service), Some(culprit)) if blocks(study, change, service, culprit, findings) => Relation::Blocker,
        _ => Relation::None,
    };
    let onset_or_end = onset.unwrap_or(scene.window.to());
    let seconds_before = onset_or_end.0.saturating_sub(change.at.0) as f64 / 1e6;
    let mut fits: Vec<usize> = (0..findings.len())
        .filter(|position| {
            let finding = &findings[*position];
            let tells_of_it =
                matches!((&finding.blame, service), (Blame::Others(named), Some(service)) if named.contains(&service));
            let is_its = service == Some(finding.service)
                || (relation == Relation::Same && tells_of_it)
                || (matches!(relation, Relation::Callee | Relation::Blocker)
                    && culprit.is_some_and(|culprit| culprit.service == finding.service));
            is_its
                && finding.weight > 0.0
                && finding.since.0 as f64 / 1e6 >= change.at.0 as f64 / 1e6 - CLOCK_SLACK_SECONDS
        })
        .collect();
    fits.sort_by(|a, b| findings[*b].weight.total_cmp(&findings[*a].weight).then(a.cmp(b)));
    let (exclusive, usual_share) = match (fits.first(), service) {
        (Some(best), Some(service)) => exclusive(scene, change, service, &findings[*best]),
        _ => (Exclusive::default(), 0.0),
    };
    let link = link(relation, &fits, findings, exclusive.tells(usual_share));
    let decay = |seconds: f64| {
        if seconds < -CLOCK_SLACK_SECONDS { 0.0 } else { 0.5f64.powf(seconds.max(0.0) / HALF_LIFE_SECONDS) }
    };
    let raw = if onset.is_some() { link * decay(seconds_before) } else { 0.0 };
    // A change of this service at any other moment of the last three hours would have had the same link and some decay.
    let n_placebos = 36;
    let placebo =
        (0..n_placebos).map(|step| decay(f64::from(step) * 300.0 + 150.0)).sum::<f64>() / f64::from(n_placebos);
    let base_rate = link * placebo;
    let score = if raw > base_rate { (raw - base_rate) / (1.0 - base_rate).max(1e-9) } else { 0.0 };
    Suspicion { service, relation, seconds_before, fits, exclusive, link, score, base_rate }
}

/// The service that a change is of; where none has its name, one of its parts (`lis.parser` of `lis`), best the culprit.
fn service_of(scene: &Scene<'_>, changed: &str, culprit: Option<&Standing>) -> Option<u16> {
    let is_part = |name: &String| name.strip_prefix(changed).is_some_and(|rest| rest.starts_with(['.', '/']));
    let parts = || (0..).zip(&scene.services).filter(|(_, name)| is_part(name)).map(|(index, _)| index);
    let exact = scene.services.iter().position(|name| name == changed).map(|index| index as u16);
    exact
        .or_else(|| parts().find(|part| culprit.is_some_and(|culprit| culprit.service == *part)))
        .or_else(|| parts().next())
}

/// Whether the culprit waits for a lock, and the changed service began something new between the change and the wait:
/// a migration that holds a table.
fn blocks(study: &Study<'_>, change: &Change, service: u16, culprit: &Standing, findings: &[Finding]) -> bool {
    let scene = study.scene;
    let waits = findings.iter().any(|finding| {
        finding.service == culprit.service
            && finding.weight >= TELLING
            && blame::waits_for_lock(scene.text(finding.subject))
    });
    let began = |kind: u32| {
        let first = scene.rows_of(kind).first().map(|row| scene.rows[*row as usize].time);
        scene.kinds[kind as usize].service == service
            && first.is_some_and(|first| first >= change.at && first <= culprit.since)
    };
    waits && new::new_kinds(scene).into_iter().any(began)
}

fn link(relation: Relation, fits: &[usize], findings: &[Finding], tells: Option<f64>) -> f64 {
    let Some(best) = fits.first() else { return 0.0 };
    let novelty = findings[*best].weight;
    let path = match relation {
        Relation::Same => 1.0,
        Relation::Callee | Relation::Blocker => 0.5,
        Relation::Caller => 0.3,
        Relation::None => 0.1,
    };
    let exclusive = match tells {
        // The other versions and hosts show it just as well: then this change did not bring it.
        Some(excess) if excess < 0.1 => 0.4,
        Some(excess) => 1.0 + 0.5 * excess,
        None => 1.0,
    };
    ((0.4 + 0.6 * novelty) * path * exclusive).min(1.0)
}

/// How the lines of a finding are spread over what the change brought, and the share that all lines of the service have there since the change.
fn exclusive(scene: &Scene<'_>, change: &Change, service: u16, finding: &Finding) -> (Exclusive, f64) {
    let names = &scene.observed.versions;
    let is_it = |row: &Row| row.version != 0 && same_version(&names[usize::from(row.version)], &change.version);
    let mut hosts: Vec<u16> = Vec::new();
    let of_service = || scene.rows.iter().filter(|row| row.service == service && row.time >= change.at);
    let (mut on, mut named) = (0u64, 0u64);
    for row in of_service() {
        named += u64::from(row.version != 0);
        if is_it(row) {
            on += 1;
            if row.host != 0 && !hosts.contains(&row.host) {
                hosts.push(row.host);
            }
        }
    }
    let mut exclusive = Exclusive::default();
    for row in scene.rows_of(finding.subject).iter().map(|row| &scene.rows[*row as usize]) {
        if row.time < finding.since || row.service != service {
            continue;
        }
        exclusive.with_version += u64::from(row.version != 0);
        exclusive.on_version += u64::from(is_it(row));
        exclusive.with_host += u64::from(row.host != 0);
        exclusive.on_hosts += u64::from(hosts.contains(&row.host));
    }
    if hosts.is_empty() {
        // No line names the version: then nothing is known of its hosts either.
        exclusive.with_host = 0;
    }
    if change.kind != ChangeKind::Deploy && on == 0 {
        // Lines name the version of the code; a setting's own name stands in none, which clears nobody.
        exclusive.with_version = 0;
    }
    exclusive.hosts = hosts;
    // When every line is from the new version, exclusiveness says nothing for or against.
    let share = if named == 0 { 0.0 } else { on as f64 / named as f64 };
    let usual_share = if share > 0.9 { 0.0 } else { share };
    (exclusive, usual_share)
}

fn same_version(line: &str, change: &str) -> bool {
    let bare = |version: &str| version.trim().trim_start_matches(['v', 'V']).to_owned();
    bare(line) == bare(change)
}
