//! What every action must do, tried against real servers on loopback and real processes.

mod cluster;
mod endpoints;
mod every;
mod http;
mod kubernetes;
mod rollout;
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
