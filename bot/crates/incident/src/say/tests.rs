//! Every sentence we say passes the checker, for one incident by heart and for any findings at random.

use evidence::answer::*;
use evidence::{ChangeKind, Severity, Time};
use proptest::prelude::*;

use super::*;
use crate::check::tests::{evidence, incident, time, with_ground};
use crate::findings::*;

fn question(kind: QuestionKind, services: &[&str]) -> Question {
    Question {
        text: String::new(),
        kind,
        window: None,
        window_said: String::new(),
        window_chosen: false,
        baseline: None,
        moment: None,
        services: services.iter().map(ToString::to_string).collect(),
        blamed: None,
        ids: Vec::new(),
        severity: None,
        words: Vec::new(),
        notes: Vec::new(),
    }
}

fn told(kind: QuestionKind, findings: &Findings) -> Telling {
    with_ground(findings, "UTC", |ground| say(&question(kind, &[]), ground))
}

const KINDS: [QuestionKind; 7] = [
    QuestionKind::WhatIsWrong,
    QuestionKind::WhatChanged,
    QuestionKind::IsItFixed,
    QuestionKind::HowOften,
    QuestionKind::Who,
    QuestionKind::ShowMe,
    QuestionKind::Other,
];

#[test]
fn first_line_answers() {
    let findings = incident();
    let check = |kind, expected: &str| assert_eq!(told(kind, &findings).headline, expected);
    check(
        QuestionKind::WhatIsWrong,
        "checkout fails 38 % of its requests since 14:02:10: “connection pool exhausted after … ms, … waiting”.",
    );
    check(
        QuestionKind::WhatChanged,
        "The deploy of checkout `v1.42` at 14:01:48 is suspected: it came 22 s before the trouble began.",
    );
    check(
        QuestionKind::IsItFixed,
        "Not yet: checkout logged “connection pool exhausted after … ms, … waiting” as late as 14:14:58.",
    );
    check(QuestionKind::Who, "The deploy of checkout `v1.42` at 14:01:48 is by `mara`.");
}

#[test]
fn nothing_wrong_is_said_plainly() {
    let mut findings = incident();
    findings.evidence.clear();
    findings.changes.clear();
    findings.suspects.clear();
    (findings.verdict, findings.reason) = (Verdict::NoFault, Reason::NothingDeviates);
    (findings.culprit, findings.onset) = (None, None);
    findings.facts = Facts {
        errors: Usual { count: 14, low: 11, high: 19, ..Usual::default() },
        kinds_compared: 90,
        ..Facts::default()
    };
    let telling = told(QuestionKind::WhatIsWrong, &findings);
    let said: Vec<&str> = telling.claims.iter().map(|claim| claim.text.as_str()).collect();
    assert_eq!(
        said,
        [
            "Nothing in the logs looks wrong between 13:45:00 and 14:15:00.",
            "There are 14 error lines where 11 to 19 are usual.",
            "There are no new kinds of message.",
        ]
    );
}

#[test]
fn changes_without_anything_to_compare_are_not_acquitted() {
    let mut findings = incident();
    findings.changes.iter_mut().for_each(|change| (change.suspected, change.judged) = (false, false));
    (findings.verdict, findings.reason) = (Verdict::Insufficient, Reason::NoBaseline);
    (findings.culprit, findings.onset, findings.baseline) = (None, None, None);
    let telling = told(QuestionKind::WhatChanged, &findings);
    assert!(telling.headline.ends_with("cannot be judged."), "{}", telling.headline);
    let asked = Question { blamed: Some(vec!["search".into()]), ..question(QuestionKind::WhatChanged, &[]) };
    let of_one = with_ground(&findings, "UTC", |ground| say(&asked, ground));
    assert!(of_one.headline.starts_with("The deploy of search `v7`"), "{}", of_one.headline);
    let of_changes: Vec<&Claim> = telling.claims.iter().filter(|claim| claim.text.starts_with("The deploy")).collect();
    assert!(!of_changes.is_empty() && of_changes.iter().all(|claim| claim.text.ends_with("cannot be judged.")));
    assert!(telling.refused.is_empty(), "{:?}", telling.refused);
}

#[test]
fn lines_that_are_not_there_are_no_reason_to_tell_of_others() {
    for kind in [QuestionKind::HowOften, QuestionKind::ShowMe] {
        let check = |elsewhere: Option<Time>, expected: &str| {
            let telling = told(kind, &incident().nothing_matches("\"502\"".into(), elsewhere));
            assert_eq!(telling.headline, expected);
            assert_eq!((telling.claims.len(), telling.refused.len()), (1, 0));
        };
        check(None, "No line matches `\"502\"` between 13:45:00 and 14:15:00.");
        check(
            Some(time("11:40:00")),
            "No line matches `\"502\"` between 13:45:00 and 14:15:00; the last that does is of 11:40:00.",
        );
    }
}

#[test]
fn who_asks_whether_a_change_did_harm_is_told_about_that_one() {
    let check = |services: &[&str], expected: &str| {
        let blamed = Some(services.iter().map(ToString::to_string).collect());
        let asked = Question { blamed, ..question(QuestionKind::WhatChanged, &[]) };
        let telling = with_ground(&incident(), "UTC", |ground| say(&asked, ground));
        assert_eq!(telling.headline, expected);
        assert_eq!(telling.refused, [""; 0]);
    };
    let guilty = "Yes, it seems: the deploy of checkout `v1.42` at 14:01:48 came 22 s before the trouble began.";
    check(&["checkout"], guilty);
    check(&[], guilty);
    check(&["search"], "No, as far as the logs show: the deploy of search `v7` at 13:40:00 is not suspected.");
    check(&["gateway"], "No change of gateway is recorded between 13:45:00 and 14:15:00.");
}

#[test]
fn nothing_we_say_of_the_incident_is_refused() {
    for kind in KINDS {
        let telling = told(kind, &incident());
        assert!(telling.refused.is_empty(), "{kind:?}: {:?}", telling.refused);
        assert!(telling.claims.len() >= 3 && telling.claims.iter().all(|claim| claim.verified));
        assert_eq!(telling.follow_ups.len(), 3);
    }
}

const TEMPLATES: [&str; 8] = [
    "connection pool exhausted after <*> ms",
    "<*>",
    "no “quotes” because \"nothing\" is `safe`: 99 % of 5 hosts never stopped",
    "order <*> accepted\n\tat line 12",
    "\u{1b}[31mred\u{1b}[0m \u{202e}turned",
    "GET /api/v1/items/<*> 502 1,204 ×",
    "ünïcödé — <*> … <*>",
    "a very long line that goes on and on, after which it caused the deploy to be suspected, and then it goes on again until it is cut",
];
const NAMES: [&str; 6] = ["checkout", "gateway", "10.0.0.1", "svc 7", "ts-order-service", "Zahlung"];
const ALL_KINDS: [EvidenceKind; 6] = [
    EvidenceKind::New,
    EvidenceKind::Burst,
    EvidenceKind::Silence,
    EvidenceKind::MissingFollowup,
    EvidenceKind::Precursor,
    EvidenceKind::Match,
];

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let parts = (0..6usize, 0..6usize, 0..8usize, 0..5_000u64, 0.0..5_000.0f64, 0..1_800i64, 0..1_800i64, 2..200u64);
    parts.prop_map(|(kind, service, template, count, expected, first, last, due)| {
        let mut found = evidence("E0", ALL_KINDS[kind], NAMES[service], TEMPLATES[template], count, expected);
        found.baseline_count = if due % 2 == 0 { 0 } else { expected as u64 };
        let at = |seconds: i64| Time(time("13:45:00").0 + seconds * 1_000_003);
        (found.first, found.last) = (Some(at(first.min(last))), Some(at(first.max(last))));
        if ALL_KINDS[kind] == EvidenceKind::MissingFollowup {
            let after = TEMPLATES[(template + 1) % 8].to_owned();
            found.after = Some(FollowUp {
                template: after,
                template_id: None,
                due,
                missed: due / 2,
                baseline_due: due * 2,
                baseline_missed: due / 9,
            });
        }
        found.hosts = (0..due % 5).map(|n| HostCount { host: format!("host {n}"), count: n + 1 }).collect();
        found
    })
}

prop_compose! {
    fn any_findings()(
        evidence in proptest::collection::vec(any_evidence(), 0..6),
        verdict in 0..4usize,
        onset in proptest::option::of(0..1_800i64),
        changes in proptest::collection::vec((0..6usize, -3_000..1_800i64, any::<bool>(), 0..4usize), 0..4),
        (has_baseline, failing, all) in (any::<bool>(), 0..900u64, 1..9_000u64),
        errors in 0..50u64,
    ) -> Findings {
        let mut findings = incident();
        findings.evidence = evidence;
        for (n, found) in findings.evidence.iter_mut().enumerate() {
            found.id = format!("E{}", n + 1);
            found.level = Some(Severity::Error);
        }
        findings.verdict = [Verdict::Cause, Verdict::NoFault, Verdict::Insufficient, Verdict::Conflicting][verdict];
        findings.culprit = findings.evidence.first().filter(|_| findings.verdict == Verdict::Cause).map(|found| found.service.clone());
        if findings.verdict == Verdict::Cause && findings.culprit.is_none() {
            findings.verdict = Verdict::Insufficient;
        }
        findings.reason = [Reason::OwnEvidence, Reason::NothingDeviates, Reason::TooWeak, Reason::TwoCulprits][verdict];
        findings.onset = onset.map(|seconds| Time(time("13:45:00").0 + seconds * 1_000_000));
        if !has_baseline {
            findings.baseline = None;
        }
        findings.suspects = findings.evidence.iter().map(|found| Suspect { service: found.service.clone(), score: 0.5, why: String::new(), citations: vec![found.id.clone()] }).collect();
        findings.changes = changes.iter().enumerate().map(|(n, (service, at, suspected, version))| RankedChange {
            id: format!("C{}", n + 1),
            service: NAMES[*service].into(),
            kind: ChangeKind::Config,
            version: ["v1.42", "7", "2024-01-02", "main@abc 14:00"][*version].into(),
            previous: None,
            environment: None,
            at: Time(time("13:45:00").0 + at * 1_000_000),
            by: Some("mara 2".into()),
            url: None,
            score: 0.5,
            suspected: *suspected,
            judged: *suspected || n % 2 == 0,
            why: String::new(),
        }).collect();
        findings.facts.changes.clear();
        let share = findings.culprit.clone().map(|service| ErrorShare { service, unit: ShareUnit::Traces, failing: failing.min(all), all, baseline_failing: 1, baseline_all: 4_000 });
        findings.facts.error_share = share;
        findings.facts.errors = Usual { count: errors, low: 3, high: 9, ..Usual::default() };
        findings
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_we_say_is_ever_refused(findings in any_findings(), kind in 0..7usize, zone in 0..3usize) {
        let zone = ["UTC", "Europe/Berlin", "Asia/Kolkata"][zone];
        let telling = with_ground(&findings, zone, |ground| say(&question(KINDS[kind], &["checkout"]), ground));
        prop_assert!(telling.refused.is_empty(), "{:#?}", telling.refused);
        prop_assert!(!telling.headline.is_empty());
    }
}

#[test]
fn whoever_asks_why_it_is_slow_hears_what_was_not_looked_at() {
    let known = crate::understand::Known {
        now: time("14:15:00"),
        zone: jiff::tz::TimeZone::UTC,
        services: &[],
        reach: None,
        changes: &[],
    };
    let said = |text: &str| {
        let question = crate::understand(text, &known, &crate::Overrides::default(), None).unwrap();
        absent::speed(&question).is_some()
    };
    assert!(said("why is the api so slow?") && said("p99 latency doubled") && !said("why is the api down?"));
}

#[test]
fn nothing_is_usual_where_there_is_too_little_to_compare() {
    let mut findings = incident();
    findings.facts.errors = Usual { count: 331, ..Usual::default() };
    (findings.verdict, findings.culprit, findings.onset) = (Verdict::Insufficient, None, None);
    let says_usual = |reason: Reason| {
        let mut findings = findings.clone();
        findings.reason = reason;
        told(QuestionKind::WhatIsWrong, &findings).claims.iter().any(|claim| claim.text.contains("error lines where"))
    };
    assert!(says_usual(Reason::TooWeak) && !says_usual(Reason::TooFewRecords));
}
