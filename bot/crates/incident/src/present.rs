//! Findings as the answer shows them: evidence rows with ids, counts, series and sample ids, and the chart they share.

use std::collections::BTreeMap;

use evidence::answer::{Chart, Evidence, FollowUp, HostCount, VersionCount};
use evidence::{RecordId, Row, Time, TimeWindow};

use crate::findings::Finding;
use crate::scene::Scene;

/// The buckets of chart and series: whole seconds that people think in, 30 to 60 of them where the window allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Buckets {
    from: Time,
    seconds: u64,
    n: usize,
}

impl Buckets {
    pub(crate) fn of(window: TimeWindow) -> Buckets {
        const STEPS: [u64; 17] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200];
        let seconds = window.seconds().max(1.0);
        let fits = |step: &u64| seconds / *step as f64 <= 61.0;
        let step = STEPS.into_iter().find(fits).unwrap_or_else(|| ((seconds / 60.0 / 86_400.0).ceil() as u64) * 86_400);
        Buckets { from: window.from(), seconds: step, n: (seconds / step as f64).ceil() as usize }
    }

    fn counts<'r>(self, rows: impl Iterator<Item = &'r Row>) -> Vec<u64> {
        let mut counts = vec![0; self.n];
        for row in rows {
            let at = (row.time.0 - self.from.0) / (self.seconds as i64 * 1_000_000);
            counts[(at.max(0) as usize).min(self.n - 1)] += 1;
        }
        counts
    }
}

/// Errors per bucket of the services in question, and of lines below that level when they are the fault's own.
pub(crate) fn chart(scene: &Scene<'_>, buckets: Buckets, is_asked: impl Fn(u16) -> bool, fault: &[u32]) -> Chart {
    let counts_as_error = |(row, kind): &(&Row, &u32)| {
        let is_error = row.severity.is_some_and(evidence::Severity::is_error) && is_asked(row.service);
        is_error || fault.contains(kind)
    };
    let rows = scene.rows.iter().zip(&scene.kind_of).filter(counts_as_error).map(|(row, _)| row);
    let title = per_bucket("errors", buckets.seconds);
    Chart { title, from: scene.window.from(), bucket_seconds: buckets.seconds, counts: buckets.counts(rows) }
}

/// What a chart counts and over how long: `errors/30 s`.
pub fn per_bucket(what: &str, seconds: u64) -> String {
    match seconds {
        1 => format!("{what}/s"),
        60 => format!("{what}/min"),
        3_600 => format!("{what}/h"),
        seconds if seconds % 3_600 == 0 => format!("{what}/{} h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{what}/{} min", seconds / 60),
        seconds => format!("{what}/{seconds} s"),
    }
}

/// One evidence row and the records to show for it.
pub(crate) fn evidence(
    scene: &Scene<'_>,
    finding: &Finding,
    id: String,
    buckets: Buckets,
) -> (Evidence, Vec<RecordId>) {
    let kind = &scene.kinds[finding.subject as usize];
    let own = scene.rows_of(finding.subject);
    // What no longer comes has no lines to show: the lines after which it was due have.
    let shown = finding.after.filter(|_| own.is_empty()).map_or(own, |link| scene.rows_of(link.kind));
    let rows = || own.iter().map(|row| &scene.rows[*row as usize]);
    let row_id = |at: usize| scene.rows[shown[at] as usize].id;
    let mut samples = match shown.len() {
        0 => Vec::new(),
        n => vec![row_id(0), row_id(n / 2), row_id(n - 1)],
    };
    samples.dedup();
    let template = &scene.observed.templates[kind.template as usize];
    let evidence = Evidence {
        id,
        kind: finding.kind,
        service: scene.service(kind.service).to_owned(),
        level: kind.level,
        template: template.text.clone(),
        template_id: Some(template.id),
        count: kind.count,
        baseline_count: kind.baseline_count,
        expected: finding.expected,
        after: finding.after.map(|link| {
            let template = &scene.observed.templates[scene.kinds[link.kind as usize].template as usize];
            FollowUp {
                template: template.text.clone(),
                template_id: Some(template.id),
                due: link.due,
                missed: link.missed,
                baseline_due: link.baseline_due,
                baseline_missed: link.baseline_missed,
            }
        }),
        first: rows().next().map(|row| row.time),
        last: rows().next_back().map(|row| row.time),
        samples: Vec::new(),
        series: buckets.counts(rows()),
        hosts: counted(rows().map(|row| row.host))
            .into_iter()
            .map(|(host, count)| HostCount { host: scene.observed.hosts[usize::from(host)].clone(), count })
            .collect(),
        versions: counted(rows().map(|row| row.version))
            .into_iter()
            .map(|(version, count)| VersionCount {
                version: scene.observed.versions[usize::from(version)].clone(),
                count,
            })
            .collect(),
    };
    (evidence, samples)
}

/// Counts names by index, most first; index 0 is no name.
fn counted(indexes: impl Iterator<Item = u16>) -> Vec<(u16, u64)> {
    let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
    for index in indexes.filter(|index| *index != 0) {
        *counts.entry(index).or_default() += 1;
    }
    let mut counts: Vec<(u16, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(index, count)| (std::cmp::Reverse(*count), *index));
    counts
}
