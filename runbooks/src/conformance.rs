//! What every action must do, tried against real servers on loopback and real processes.

mod cluster;
mod command;
mod http;
mod kubernetes;
mod wait;
mod whole;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evidence::Redactor;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::actions::{ACTIONS, Actions, Run, Secrets, Settings};
use crate::execute::{Outcome, Outcomes};

/// Knows three secrets and nothing else.
struct TestSecrets;

impl Secrets for TestSecrets {
    fn secret(&self, reference: &str) -> Result<String, String> {
        match reference {
            "env:TOKEN" => Ok("Bearer s3cret".to_owned()),
            "env:GREETING" => Ok("hello".to_owned()),
            "env:KUBE_TOKEN" => Ok(cluster::TOKEN.to_owned()),
            _ => Err(format!("there is no secret `{reference}`; set it where Firstline is started")),
        }
    }
}

fn actions(settings: Value) -> Actions {
    Actions::new(&serde_json::from_value::<Settings>(settings).unwrap(), Arc::new(TestSecrets))
}

struct Tried {
    outcome: Outcome,
    live: String,
}

/// Runs an action as `execute` would, without the approval.
async fn run(
    actions: &Actions,
    action: &str,
    arguments: Value,
    timeout_ms: u64,
    cancel_after_ms: Option<u64>,
) -> Tried {
    let redactor = Redactor::new([7; 32]);
    let live = Arc::new(Mutex::new(String::new()));
    let seen = live.clone();
    let cancelled = CancellationToken::new();
    let run = Run {
        redactor: &redactor,
        on_output: Arc::new(move |line| seen.lock().unwrap().push_str(line.as_str())),
        cancelled: cancelled.clone(),
        timeout: Duration::from_millis(timeout_ms),
        precondition: None,
        counting: actions.counting(),
        idempotency_key: "key-1".to_owned(),
    };
    if let Some(ms) = cancel_after_ms {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            cancelled.cancel();
        });
    }
    let outcome = actions.named(action).unwrap().run(&arguments, &run).await;
    let live = live.lock().unwrap().clone();
    Tried { outcome, live }
}

#[track_caller]
fn assert_outcome(tried: &Tried, result: Outcomes, summary: &str) {
    let outcome = &tried.outcome;
    assert_eq!(outcome.result, result, "{outcome:?}");
    assert!(outcome.summary.as_str().contains(summary), "`{}` does not say `{summary}`", outcome.summary);
}

/// For each action, arguments that pass its check with the settings below.
fn good_arguments() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("http", json!({"endpoint": "operations", "path": "/v1/restart", "body": {"service": "cart"}})),
        ("command", json!({"program": "echo", "argv": ["--host", "db-0"]})),
        ("kubernetes", json!({"verb": "rollout_restart", "workload": "prod/shop/deployment/checkout"})),
        (
            "wait",
            json!({"what": {"query": {"query": "pool"}}, "wants": {"at_most": {"count": 0, "was_per_minute": null}}, "for_seconds": 1, "within_seconds": 120}),
        ),
        ("manual", json!({"instruction": "Call Ines."})),
    ])
}

#[tokio::test]
async fn every_action_checks_describes_and_refuses() {
    let settings = json!({
        "endpoints": {"operations": {"base_url": "http://127.0.0.1:9"}},
        "programs": {"echo": {"path": "/bin/echo", "flags": ["--host"]}},
        "clusters": {"prod": {"server": "http://127.0.0.1:9", "namespaces": ["shop"]}},
    });
    let actions = actions(settings);
    let good = good_arguments();
    for entry in ACTIONS {
        let arguments = good.get(entry.name).unwrap_or_else(|| panic!("`{}` has no good arguments here", entry.name));
        let action = actions.named(entry.name).unwrap();
        assert_eq!(action.name(), entry.name);
        assert!(entry.about.len() > 10 && action.version() >= 1);
        assert_eq!(action.check(arguments), Ok(()));
        let sentence = action.describe(arguments);
        assert!(sentence.len() > 5 && !sentence.contains('\n'), "{sentence}");
        let mut unknown_key = arguments.clone();
        unknown_key["surprise"] = json!(1);
        for bad in [json!(null), json!([]), json!({}), unknown_key] {
            assert!(action.check(&bad).is_err(), "`{}` accepts {bad}", entry.name);
            // Even without the check nothing may happen.
            let tried = run(&actions, entry.name, bad, 500, None).await;
            assert_eq!(tried.outcome.result, Outcomes::Refused, "`{}`", entry.name);
        }
    }
}
