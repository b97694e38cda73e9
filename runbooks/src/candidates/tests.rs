//! Which runbooks fit a situation, and which must not.

use std::collections::BTreeMap;

use evidence::{Change, RecordId, Redacted, Time};

use super::*;
use crate::catalog::Catalog;

struct Case {
    evidence: Vec<Evidence>,
    suspects: Vec<Suspect>,
    changes: Vec<RankedChange>,
    verdict: Verdict,
}

fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    let deploy = r#"{"service":"checkout","version":"v1.42","previous":"v1.41","environment":"production","at":"2026-03-01T00:00:00Z"}"#;
    inventory.learn(&serde_json::from_str::<Change>(deploy).unwrap());
    let flag = r#"{"service":"recommendations","kind":"flag","version":"ranker=on","environment":"production","at":"2026-03-01T00:00:00Z"}"#;
    inventory.learn(&serde_json::from_str::<Change>(flag).unwrap());
    for service in ["payment", "orders-db", "worker", "search", "inventory", "shipping"] {
        inventory.services.entry(service.into()).or_default();
    }
    inventory.hosts = BTreeMap::from([("orders-db-0".into(), "orders-db".into()), ("pay-1".into(), "payment".into())]);
    inventory.queues.insert("orders.accepted".into(), "worker".into());
    let fallback = crate::inventory::Flag { service: "payment".into(), fallback: true };
    inventory.flags.insert("backup-acquirer".into(), fallback);
    inventory
}

fn evidence(service: &str, kind: &str, template: &str) -> Evidence {
    serde_json::from_value(serde_json::json!({
        "id": "E1", "kind": kind, "service": service, "level": "error", "template": template, "count": 90,
        "baseline_count": 0, "first": null, "last": null, "samples": [], "series": []
    }))
    .unwrap()
}

fn change(service: &str, kind: &str, version: &str, previous: Option<&str>, suspected: bool) -> RankedChange {
    serde_json::from_value(serde_json::json!({
        "id": "C1", "service": service, "kind": kind, "version": version, "previous": previous,
        "environment": "production", "at": Time(0), "by": null, "url": null, "score": 0.9, "suspected": suspected, "why": ""
    }))
    .unwrap()
}

fn case(service: &str, kind: &str, template: &str) -> Case {
    let suspect = Suspect { service: service.into(), score: 0.9, why: String::new(), citations: vec![] };
    Case {
        evidence: vec![evidence(service, kind, template)],
        suspects: vec![suspect],
        changes: vec![],
        verdict: Verdict::Cause,
    }
}

fn candidates(case: &Case) -> Vec<Candidate> {
    let inventory = inventory();
    Catalog::shipped().candidates(&Situation {
        verdict: case.verdict,
        evidence: &case.evidence,
        suspects: &case.suspects,
        changes: &case.changes,
        environment: None,
        inventory: &inventory,
    })
}

#[track_caller]
fn check(case: &Case, title: &str) {
    let found = candidates(case);
    assert_eq!(found.first().map(|best| best.title.as_str()), Some(title), "{found:#?}");
    assert_eq!(found[0].citations[0], "E1");
}

#[test]
fn each_fault_gets_its_remedy() {
    check(
        &case("inventory", "new", "Connection is not available, request timed out"),
        "Raise the connection pool of inventory in production to 40",
    );
    check(&case("orders-db", "new", "could not write: No space left on device"), "Clear the disk of orders-db-0");
    check(
        &case("shipping", "new", "remote error: certificate has expired"),
        "Rotate the certificate of shipping in production",
    );
    check(&case("worker", "missing_followup", "picked up order <*>"), "Unblock queue orders.accepted in production");
    check(
        &case("search", "burst", "request rejected: all <*> workers busy"),
        "Scale search in production to 8 replicas",
    );
    check(
        &case("payment", "burst", "acquirer <*> did not answer within <*> ms"),
        "Set flag backup-acquirer in production to true",
    );
}

#[test]
fn a_suspected_deploy_is_rolled_back_to_what_ran_before() {
    let mut case = case("checkout", "new", "connection pool exhausted after <*> ms");
    case.changes = vec![change("checkout", "deploy", "v1.42", Some("v1.41"), true)];
    check(&case, "Roll back checkout in production to v1.41");
    let best = &candidates(&case)[0];
    assert_eq!(best.citations, ["E1", "C1"]);
    assert_eq!(best.why, "checkout v1.42 is suspected (C1, E1); v1.41 ran before it");
    let mut case = self::case("recommendations", "new", "KeyError: <*>");
    case.changes = vec![change("recommendations", "flag", "ranker=on", None, true)];
    check(&case, "Set flag ranker in production to false");
}

#[test]
fn an_innocent_change_is_never_rolled_back() {
    let rollbacks = |case: &Case| {
        candidates(case)
            .iter()
            .filter(|found| found.runbook == "roll-back-deploy" || found.runbook == "pause-deploys")
            .count()
    };
    let mut case = case("checkout", "new", "boom");
    case.changes = vec![change("checkout", "deploy", "v1.42", Some("v1.41"), false)];
    assert_eq!(rollbacks(&case), 0);
    case.changes[0].suspected = true;
    assert_eq!(rollbacks(&case), 2);
    case.changes[0].previous = None;
    assert_eq!(candidates(&case).len(), 0, "nobody knows what to go back to");
    case.changes[0].previous = Some("v0.1-never-deployed".into());
    assert_eq!(rollbacks(&case), 1, "pausing needs no version");
    case.verdict = Verdict::NoFault;
    assert_eq!(candidates(&case).len(), 0);
}

#[test]
fn what_only_logs_name_is_never_a_target() {
    let mut unknown = case("evil; rm -rf /", "new", "No space left on device");
    assert_eq!(candidates(&unknown).len(), 0);
    unknown.suspects[0].service = "payment".into();
    unknown.evidence[0] = evidence("payment", "new", "No space left on device; clear host evil-9");
    unknown.evidence[0].hosts = vec![evidence::answer::HostCount { host: "evil-9".into(), count: 9 }];
    let sample = evidence::answer::Sample {
        id: RecordId(1),
        time: Time(0),
        text: Redacted::from_storage("restart auth".into()),
    };
    unknown.evidence[0].samples = vec![sample];
    assert_eq!(candidates(&unknown)[0].title, "Clear the disk of pay-1");
}

#[test]
fn without_enough_evidence_only_looking_is_proposed() {
    let mut case = case("payment", "burst", "call took <*> ms");
    case.verdict = Verdict::Insufficient;
    let found = candidates(&case);
    assert_eq!(found.iter().map(|found| found.runbook.as_str()).collect::<Vec<_>>(), ["collect-diagnostics"]);
}
