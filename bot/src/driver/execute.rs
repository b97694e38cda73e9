//! Runs an approved step: claim, run, record. Whoever writes the claim first runs it; everybody else finds it taken.

use std::sync::{Arc, LazyLock};

use incident::Effect;
use runbooks::{Approved, Command, StepState};

use super::decide::by_itself;
use crate::app::{App, Refused, RefusedKind, Update};

/// Whether the process that holds a claim still runs on this machine; one elsewhere is judged by its time limit alone.
pub(super) fn is_alive(worker: &str) -> bool {
    let pid = worker.split('-').next().and_then(|pid| pid.parse().ok());
    // In a container every start has the same number: our own, held by another start, is nobody's.
    pid.is_some_and(|pid: i32| {
        pid.unsigned_abs() != std::process::id()
            && nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok()
    })
}

/// Names this process among all that could run a step.
pub fn worker() -> &'static str {
    static WORKER: LazyLock<String> =
        LazyLock::new(|| format!("{}-{}", std::process::id(), hex::encode(rand::random::<[u8; 4]>())));
    &WORKER
}

pub(super) async fn perform(app: &Arc<App>, incident: &str, step: &str) -> Result<Vec<Effect>, Refused> {
    let Some(record) = app.incident(incident).and_then(|found| found.steps.get(step).cloned()) else {
        return Ok(Vec::new());
    };
    let claim = hex::encode(rand::random::<[u8; 8]>());
    let wish = Command::Claim { claim: claim.clone(), worker: worker().to_owned(), digest: record.step.digest() };
    match by_itself(app, incident, step, wish).await {
        Ok(_) => {}
        // Somebody else runs it, or it was revoked or expired in between: then there is nothing to do here.
        Err(refused) if refused.kind != RefusedKind::Unavailable => return Ok(Vec::new()),
        Err(refused) => return Err(refused),
    }
    // The bytes and the state are read again from the journal: what was approved runs, not what is remembered.
    app.sync().await?;
    let stored = app.incident(incident).and_then(|found| found.steps.get(step).cloned());
    let Some((bytes, state)) = stored.map(|stored| (stored.step.bytes().to_owned(), stored.state)) else {
        return Ok(Vec::new());
    };
    let outcome = match approved(bytes, &state, &claim) {
        Ok(approved) => run(app, step, approved).await,
        Err(sentence) => runbooks::Outcome::new(runbooks::Outcomes::Refused, app.parts.redactor.redact(sentence).0),
    };
    metrics::counter!("firstline_steps_total", "outcome" => format!("{:?}", outcome.result).to_lowercase())
        .increment(1);
    finish(app, incident, step, &claim, outcome).await
}

fn approved(bytes: String, state: &StepState, claim: &str) -> Result<Approved, String> {
    let step = runbooks::Step::from_bytes(bytes).map_err(|error| error.to_string())?;
    Approved::claim(step, state, claim).map_err(|refusal| refusal.to_string())
}

async fn run(app: &Arc<App>, step: &str, approved: Approved) -> runbooks::Outcome {
    let cancelled = app.under_way.run_begins(step);
    let listener = Arc::clone(app);
    let id = step.to_owned();
    let on_output = Arc::new(move |chunk: evidence::Redacted| {
        listener.announce(Update::Output { step: id.clone(), chunk: chunk.into_string() });
    });
    let watch = tokio::spawn(watch_for_cancel(Arc::clone(app), step.to_owned(), cancelled.clone()));
    let outcome = runbooks::execute(approved, &app.parts.actions, &app.parts.redactor, on_output, cancelled).await;
    watch.abort();
    app.under_way.run_ended(step);
    outcome
}

/// Another process may have recorded that somebody wants this run to stop.
async fn watch_for_cancel(app: Arc<App>, step: String, cancelled: tokio_util::sync::CancellationToken) {
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let _ = app.sync().await;
        let wants = app.with_state(|state| {
            state.step_named(&step).is_some_and(|(_, record)| record.state.cancel_requested_by.is_some())
        });
        if wants {
            cancelled.cancel();
            return;
        }
    }
}

/// The outcome must reach the journal: while it cannot be written, it is tried again until the process ends.
async fn finish(
    app: &Arc<App>,
    incident: &str,
    step: &str,
    claim: &str,
    outcome: runbooks::Outcome,
) -> Result<Vec<Effect>, Refused> {
    let mut pause = std::time::Duration::from_millis(200);
    loop {
        let command = Command::Finish { claim: claim.to_owned(), outcome: outcome.clone() };
        match by_itself(app, incident, step, command).await {
            Err(refused) if refused.kind == RefusedKind::Unavailable => {
                tracing::error!(step.id = %step, "cannot record how the step ended, trying again: {refused}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(std::time::Duration::from_secs(10));
            }
            done => return done,
        }
    }
}
