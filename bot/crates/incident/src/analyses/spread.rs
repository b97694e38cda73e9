//! Spread: in which order services began to fail, who reports whom, and in whose lines each failed request failed first.

use std::collections::BTreeMap;

use evidence::Time;
use evidence::answer::EvidenceKind;

use super::Study;
use crate::blame::Blame;
use crate::findings::Finding;
use crate::scene::Tone;

/// Per service: in how many of the failed requests its own finding came first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Votes {
    pub of: BTreeMap<u16, u64>,
    pub all: u64,
}

impl Votes {
    /// `None` when too few failed requests can be told apart to say.
    pub(crate) fn share(&self, service: u16) -> Option<f64> {
        (self.all >= 3).then(|| self.of.get(&service).copied().unwrap_or(0) as f64 / self.all as f64)
    }
}

/// Looks at each trace of the window for the first line that a finding speaks of; it counts for whom that line tells of.
///
/// A missing follow-up has no line: the line after which it was due stands for it, where what follows is not it.
pub(crate) fn votes(study: &Study<'_>, findings: &[Finding]) -> Votes {
    let scene = study.scene;
    let mut speaks_of: Vec<Option<u16>> = vec![None; scene.kinds.len()];
    let mut due: Vec<Option<(u32, u16)>> = vec![None; scene.kinds.len()];
    for finding in findings.iter().filter(|finding| finding.weight > 0.0 && finding.tone > Tone::Calm) {
        match (&finding.after, &finding.blame) {
            (Some(link), _) => due[link.kind as usize] = Some((finding.subject, finding.service)),
            (None, Blame::Own | Blame::Away) => speaks_of[finding.subject as usize] = Some(finding.service),
            (None, Blame::Others(named)) => speaks_of[finding.subject as usize] = named.first().copied(),
        }
    }
    let mut votes = Votes::default();
    for trace in study.traces.iter() {
        let first = trace.iter().enumerate().find_map(|(position, step)| {
            if let Some(service) = speaks_of[step.kind as usize] {
                return Some(service);
            }
            let (next, service) = due[step.kind as usize]?;
            let came = trace.get(position + 1).map(|next| next.kind);
            (came.is_some() && came != Some(next)).then_some(service)
        });
        if let Some(service) = first {
            votes.all += 1;
            *votes.of.entry(service).or_default() += 1;
        }
    }
    votes
}

/// When each service began to fail in its own lines, earliest first.
pub(crate) fn order(findings: &[Finding], least_weight: f64) -> Vec<(u16, Time)> {
    let mut since: BTreeMap<u16, Time> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.weight >= least_weight && finding.tone > Tone::Calm) {
        let entry = since.entry(finding.service).or_insert(finding.since);
        *entry = finding.since.min(*entry);
    }
    let mut order: Vec<(u16, Time)> = since.into_iter().collect();
    order.sort_by_key(|(service, since)| (*since, *service));
    order
}

/// Services that lines of others say are failing: who says so, since when, in which findings (by position).
pub(crate) fn reported(findings: &[Finding], least_surprise: f64) -> BTreeMap<u16, Vec<usize>> {
    let mut reported: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (position, finding) in findings.iter().enumerate() {
        let rises = matches!(finding.kind, EvidenceKind::New | EvidenceKind::Burst | EvidenceKind::Precursor);
        if let (true, Blame::Others(named)) = (rises && finding.surprise >= least_surprise, &finding.blame) {
            for service in named {
                reported.entry(*service).or_default().push(position);
            }
        }
    }
    reported
}
