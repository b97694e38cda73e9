//! One incident, told truly and told subtly wrong.

use std::collections::BTreeMap;

use evidence::answer::*;
use evidence::{ChangeKind, RecordId, Redacted, Severity, TimeWindow};
use jiff::tz::TimeZone;

use super::*;
use crate::findings::*;

mod corpus;

pub(crate) fn time(clock: &str) -> Time {
    format!("2026-03-11T{clock}Z").parse().unwrap()
}

pub(crate) fn evidence(
    id: &str,
    kind: EvidenceKind,
    service: &str,
    template: &str,
    count: u64,
    expected: f64,
) -> Evidence {
    Evidence {
        id: id.into(),
        kind,
        service: service.into(),
        level: Some(Severity::Error),
        template: template.into(),
        template_id: None,
        count,
        baseline_count: (expected * 2.0) as u64,
        expected,
        after: None,
        first: None,
        last: None,
        samples: Vec::new(),
        series: Vec::new(),
        hosts: Vec::new(),
        versions: Vec::new(),
    }
}

/// checkout v1.42 exhausts its pool, gateway times out, orders stop coming.
pub(crate) fn incident() -> Findings {
    let window = TimeWindow::new(time("13:45:00"), time("14:15:00")).unwrap();
    let baseline = TimeWindow::new(time("12:45:00"), time("13:45:00")).unwrap();
    let mut pool = evidence(
        "E1",
        EvidenceKind::New,
        "checkout",
        "connection pool exhausted after <*> ms, <*> waiting",
        1_204,
        0.0,
    );
    pool.first = Some(time("14:02:10"));
    pool.last = Some(time("14:14:58"));
    pool.hosts =
        vec![HostCount { host: "checkout-1".into(), count: 700 }, HostCount { host: "checkout-2".into(), count: 504 }];
    pool.versions = vec![VersionCount { version: "v1.42".into(), count: 1_204 }];
    let text = "connection pool exhausted after 3000 ms, 17 waiting".to_owned();
    pool.samples = vec![Sample { id: RecordId(77), time: time("14:02:10"), text: Redacted::from_storage(text) }];
    let mut timeouts =
        evidence("E2", EvidenceKind::Burst, "gateway", "upstream checkout timed out after <*> ms", 812, 26.0);
    timeouts.level = Some(Severity::Warn);
    timeouts.first = Some(time("14:02:31"));
    timeouts.last = Some(time("14:14:40"));
    let mut orders = evidence("E3", EvidenceKind::Silence, "checkout", "order <*> accepted", 40, 1_000.0);
    orders.level = Some(Severity::Info);
    orders.first = Some(time("13:45:01"));
    orders.last = Some(time("14:13:00"));
    let mut mails = evidence("E4", EvidenceKind::MissingFollowup, "email", "confirmation sent", 10, 190.0);
    mails.after = Some(FollowUp {
        template: "order received".into(),
        template_id: None,
        due: 200,
        missed: 190,
        baseline_due: 410,
        baseline_missed: 2,
    });
    mails.first = Some(time("13:46:00"));
    mails.last = Some(time("14:01:00"));
    let change = |id: &str, service: &str, version: &str, at: &str, by: &str, suspected| RankedChange {
        id: id.into(),
        service: service.into(),
        kind: ChangeKind::Deploy,
        version: version.into(),
        previous: None,
        environment: None,
        at: time(at),
        by: Some(by.into()),
        url: None,
        score: if suspected { 0.9 } else { 0.0 },
        suspected,
        judged: true,
        why: String::new(),
    };
    let facts = ChangeFacts {
        seconds_before_onset: Some(22.0),
        citations: vec!["E1".into()],
        on_version: 1_204,
        with_version: 1_204,
        on_hosts: 1_204,
        with_host: 1_204,
        hosts: vec!["checkout-1".into(), "checkout-2".into()],
        base_rate: 0.1,
        relation: Relation::Same,
    };
    Findings {
        window,
        baseline: Some(baseline),
        onset: Some(time("14:02:10")),
        verdict: Verdict::Cause,
        confidence: 0.86,
        reason: Reason::OwnEvidence,
        culprit: Some("checkout".into()),
        evidence: vec![pool, timeouts, orders, mails],
        sample_ids: BTreeMap::new(),
        suspects: vec![Suspect {
            service: "checkout".into(),
            score: 0.9,
            why: String::new(),
            citations: vec!["E1".into()],
        }],
        changes: vec![
            change("C1", "checkout", "v1.42", "14:01:48", "mara", true),
            change("C2", "search", "v7", "13:40:00", "tom", false),
        ],
        coverage: Coverage {
            records_searched: 214_377,
            records_in_window: 71_002,
            services: 12,
            silent_services: vec!["billing".into()],
            ..Coverage::default()
        },
        chart: None,
        facts: Facts {
            error_share: Some(ErrorShare {
                service: "checkout".into(),
                unit: ShareUnit::Traces,
                failing: 1_204,
                all: 3_168,
                baseline_failing: 12,
                baseline_all: 6_000,
            }),
            errors: Usual { count: 1_240, baseline_count: 30, expected: 15.0, low: 11, high: 19 },
            traffic: Usual { count: 71_002, baseline_count: 143_375, expected: 71_687.0, low: 70_000, high: 73_000 },
            new_kinds: 1,
            new_alarming_kinds: 1,
            kinds_compared: 140,
            silent: vec![SilentService { service: "billing".into(), last: Some(time("13:58:00")), expected: 70.0 }],
            changes: BTreeMap::from([("C1".to_owned(), facts)]),
            ..Facts::default()
        },
    }
}

pub(crate) fn with_ground<T>(findings: &Findings, zone: &str, then: impl FnOnce(&Ground<'_>) -> T) -> T {
    let services: Vec<String> =
        ["auth", "cart", "checkout", "email", "gateway", "payments", "search"].map(String::from).to_vec();
    let zone = TimeZone::get(zone).unwrap();
    then(&Ground { findings, zone: &zone, now: time("14:30:00"), services: &services })
}

fn judge(text: &str, citations: &str, findings: &Findings, zone: &str) -> Result<Checked, Vec<Unsupported>> {
    let citations: Vec<String> = citations.split_whitespace().map(String::from).collect();
    with_ground(findings, zone, |ground| check(text, &citations, ground))
}

#[test]
fn what_was_not_judged_is_not_acquitted() {
    let mut findings = incident();
    let acquits = |findings: &Findings| {
        judge("The deploy of search v7 at 13:40 is not suspected.", "C2", findings, "UTC").is_ok()
    };
    assert!(acquits(&findings));
    findings.changes.iter_mut().filter(|change| change.id == "C2").for_each(|change| change.judged = false);
    assert!(!acquits(&findings));
    assert!(judge("The deploy of search v7 at 13:40 cannot be judged.", "C2", &findings, "UTC").is_ok());
}
