//! The shop as its users meet it: the same bytes from a seed, faults that show and end, times that make sense.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use shop::{FAULTS, Leaves, Line, Remedy, Settings, Shop, fault};

const MINUTE: i64 = 60_000_000;
/// 2026-11-21T12:00:00Z, a busy hour.
const NOON: i64 = 1_795_262_400_000_000;

fn shop_with(name: &str, rate: f64) -> Shop {
    let fault = fault(name).unwrap();
    Shop::new(Settings { seed: 11, start: NOON - 40 * MINUTE, requests_per_second: rate, fault: Some((fault, NOON)) })
}

fn matching(lines: &[Line], pattern: &str) -> usize {
    let words: Vec<&str> = pattern.split(".*").flat_map(|part| part.split("\\S+")).map(str::trim).collect();
    lines.iter().filter(|line| words.iter().all(|word| line.text.contains(word))).count()
}

#[test]
fn same_seed_same_bytes_whatever_the_steps() {
    let at_once = shop_with("bad-deploy", 3.0).step(NOON + 5 * MINUTE);
    let mut shop = shop_with("bad-deploy", 3.0);
    let mut in_steps = Vec::new();
    let mut until = NOON - 40 * MINUTE;
    while until < NOON + 5 * MINUTE {
        until = (until + 7_300_000).min(NOON + 5 * MINUTE);
        in_steps.extend(shop.step(until));
    }
    assert!(at_once.len() > 20_000, "{}", at_once.len());
    assert_eq!(at_once, in_steps);
    let mut other = Shop::new(Settings { seed: 12, ..shop.settings().clone() });
    assert_ne!(other.step(NOON - 39 * MINUTE), at_once[..other_len(&at_once)]);
}

fn other_len(lines: &[Line]) -> usize {
    lines.partition_point(|line| line.at < NOON - 39 * MINUTE)
}

#[test]
fn every_culprit_leaves_its_evidence_only_while_the_fault_lasts() {
    for fault in FAULTS {
        let mut shop = shop_with(fault.name, 4.0);
        let before = shop.step(NOON);
        let during = shop.step(NOON + 10 * MINUTE);
        for pattern in fault.evidence {
            let (usual, now) = (matching(&before, pattern), matching(&during, pattern));
            match fault.leaves {
                Leaves::KeyLine => assert_eq!(usual, 0, "{}: `{pattern}` before the fault", fault.name),
                Leaves::MissingFollowup => {
                    assert!(usual > 100 && now < usual / 40, "{}: `{pattern}` {usual} then {now}", fault.name);
                }
                Leaves::NoFault => unreachable!("no fault has no evidence"),
            }
        }
        if fault.leaves == Leaves::KeyLine {
            let found: usize = fault.evidence.iter().map(|pattern| matching(&during, pattern)).sum();
            assert!(found >= 15, "{}: only {found} lines of evidence", fault.name);
        }
    }
}

#[test]
fn orders_fall_when_checkout_or_what_it_needs_fails() {
    for (name, share) in [("bad-deploy", 0.15), ("disk-full", 0.2), ("connection-pool", 0.6), ("bad-config", 0.2)] {
        let mut shop = shop_with(name, 4.0);
        let usual = accepted(&shop.step(NOON)) as f64 / 40.0;
        shop.step(NOON + 4 * MINUTE);
        let now = accepted(&shop.step(NOON + 14 * MINUTE)) as f64 / 10.0;
        assert!(now < usual * share, "{name}: {usual:.1} orders a minute, then {now:.1}");
    }
}

fn accepted(lines: &[Line]) -> usize {
    lines.iter().filter(|line| line.service == "checkout" && line.text.contains(" accepted")).count()
}

#[test]
fn a_day_without_fault_has_few_errors_and_no_deploy_is_guilty() {
    for name in ["quiet-day", "innocent-deploy"] {
        let mut shop = shop_with(name, 4.0);
        let lines = shop.step(NOON + 20 * MINUTE);
        let errors = lines.iter().filter(|line| is_error(line)).count();
        assert!(errors > 2 && errors * 400 < lines.len(), "{name}: {errors} of {}", lines.len());
        assert_eq!(shop.deploys().is_empty(), name == "quiet-day");
        assert!(!shop.state().failing);
    }
}

fn is_error(line: &Line) -> bool {
    ["\"level\":\"error\"", "level=error", " ERROR ", "\"ERROR\"", "<131>1", "] ERROR:"]
        .iter()
        .any(|mark| line.text.contains(mark))
}

#[test]
fn only_the_remedy_ends_a_fault() {
    for fault in FAULTS.iter().filter(|fault| fault.culprit.is_some()) {
        let mut shop = shop_with(fault.name, 4.0);
        shop.step(NOON + 6 * MINUTE);
        let (_, wrong) = call("restart", json!({"service": fault.culprit.unwrap(), "environment": "production"}));
        shop.act(&wrong).unwrap();
        shop.step(NOON + 12 * MINUTE);
        assert!(shop.state().failing, "{}: a restart must not end it", fault.name);
        let (_, right) = remedy(fault.remedy, fault.change.map(|change| change.previous));
        let promised = shop.dry_run(&right).unwrap();
        assert!(promised.contains("would"), "{promised}");
        assert!(shop.state().failing, "{}: a dry run must not end it", fault.name);
        shop.act(&right).unwrap();
        shop.step(NOON + 13 * MINUTE);
        let after = shop.step(NOON + 20 * MINUTE);
        assert!(!shop.state().failing, "{}", fault.name);
        assert_eq!(shop.state().backlog, 0);
        if fault.leaves == Leaves::KeyLine {
            let left: usize = fault.evidence.iter().map(|pattern| matching(&after, pattern)).sum();
            assert_eq!(left, 0, "{}", fault.name);
        } else {
            assert!(matching(&after, fault.evidence[0]) > 50, "{}", fault.name);
        }
    }
}

fn call(kind: &str, body: Value) -> (String, shop::Action) {
    let action = match kind {
        "rollback" => shop::Action::Rollback(serde_json::from_value(body.clone()).unwrap()),
        "restart" => shop::Action::Restart(serde_json::from_value(body.clone()).unwrap()),
        "scale" => shop::Action::Scale(serde_json::from_value(body.clone()).unwrap()),
        "flags" => shop::Action::Flag(serde_json::from_value(body.clone()).unwrap()),
        "pool" => shop::Action::Pool(serde_json::from_value(body.clone()).unwrap()),
        "queues/unblock" => shop::Action::UnblockQueue(serde_json::from_value(body.clone()).unwrap()),
        "disk/clear" => shop::Action::ClearDisk(serde_json::from_value(body.clone()).unwrap()),
        "certificates/rotate" => shop::Action::RotateCertificate(serde_json::from_value(body.clone()).unwrap()),
        _ => shop::Action::Limit(serde_json::from_value(body.clone()).unwrap()),
    };
    (body.to_string(), action)
}

fn remedy(remedy: Remedy, previous: Option<&str>) -> (String, shop::Action) {
    let environment = "production";
    match remedy {
        Remedy::Rollback { service } => {
            call("rollback", json!({"service": service, "environment": environment, "to": previous.unwrap()}))
        }
        Remedy::Pool { service, at_least } => {
            call("pool", json!({"service": service, "environment": environment, "size": at_least}))
        }
        Remedy::Flag { flag, enabled } => {
            call("flags", json!({"flag": flag, "environment": environment, "enabled": enabled}))
        }
        Remedy::Disk { host } => call("disk/clear", json!({"host": host})),
        Remedy::Certificate { service } => {
            call("certificates/rotate", json!({"service": service, "environment": environment}))
        }
        Remedy::Queue { queue } => call("queues/unblock", json!({"queue": queue, "environment": environment})),
        Remedy::LimitOrScale { service, replicas, .. } => {
            call("scale", json!({"service": service, "environment": environment, "replicas": replicas}))
        }
        Remedy::Nothing => unreachable!("a fault has a remedy"),
    }
}

#[test]
fn lines_come_in_order_and_calls_lie_inside_their_callers() {
    for name in ["bad-deploy", "slow-dependency", "quiet-day"] {
        let lines = shop_with(name, 3.0).step(NOON + 8 * MINUTE);
        assert!(lines.is_sorted_by_key(|line| line.at));
        let mut answered: HashMap<String, i64> = HashMap::new();
        let mut checked = 0;
        for line in lines.iter().filter(|line| line.service == "gateway") {
            let Ok(record) = serde_json::from_str::<Value>(&line.text) else { panic!("not JSON: {}", line.text) };
            if record["msg"].as_str().unwrap().contains(" answered ") && record["route"].is_string() {
                answered.insert(record["trace_id"].as_str().unwrap().to_owned(), line.at);
            }
        }
        let synchronous = ["auth", "checkout", "cart", "catalog", "search", "inventory", "recommendations"];
        for line in lines.iter().filter(|line| synchronous.contains(&line.service)) {
            let Some(trace) = trace_of(&line.text) else { continue };
            if let Some(end) = answered.get(trace) {
                assert!(line.at <= *end, "{name}: after its caller answered: {}", line.text);
                checked += 1;
            }
        }
        assert!(checked > 5_000, "{checked}");
    }
}

fn trace_of(text: &str) -> Option<&str> {
    let marks = ["trace_id\":\"", "trace.id\":\"", "trace_id=", "TraceID: "];
    marks.iter().find_map(|mark| text.find(mark).map(|place| &text[place + mark.len()..place + mark.len() + 32]))
}

#[test]
fn a_rollback_is_a_change_that_can_be_seen() {
    let mut shop = shop_with("bad-deploy", 2.0);
    shop.step(NOON + 3 * MINUTE);
    let (_, back) = call("rollback", json!({"service": "checkout", "environment": "production", "to": "v1.41"}));
    assert_eq!(shop.dry_run(&back).unwrap(), "4 pods would change from v1.42 to v1.41");
    shop.act(&back).unwrap();
    let last = shop.deploys().last().unwrap();
    assert_eq!((last.name().as_str(), last.previous.as_str()), ("checkout@v1.41", "v1.42"));
    assert!(shop.act(&back).unwrap_err().to_string().contains("already runs"));
    let hosts: HashSet<Arc<str>> = shop.step(NOON + 8 * MINUTE).into_iter().map(|line| line.host).collect();
    assert!(hosts.len() > 30);
}

#[test]
fn secrets_slip_into_some_lines() {
    let lines = shop_with("quiet-day", 6.0).step(NOON);
    for secret in ["Bearer eyJ", "4111111111111111", "@mail.example"] {
        assert!(matching(&lines, secret) > 0, "{secret}");
    }
}

#[test]
fn a_case_says_what_to_expect() {
    let folder = tempfile::tempdir().unwrap();
    let case = shop::Case::new(fault("bad-deploy").unwrap(), 3, NOON);
    shop::write_case(folder.path(), &case).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let toml = read("case.toml");
    for words in
        ["service = \"checkout\"", "change = \"checkout@v1.42\"", "verdict = [\"cause\"]", "from = 2026-11-21T11:58:00"]
    {
        assert!(toml.contains(words), "{toml}");
    }
    assert!(!toml.split("innocent").nth(1).unwrap().contains("checkout@v1.42"));
    let changes = read("changes.ndjson");
    assert!(changes.lines().count() >= 2 && changes.contains("\"version\":\"v1.42\""));
    assert!(read("checkout.ndjson").contains("connection pool exhausted"));
}
