//! An approved step goes to an executor, which is another process: here it is told the id, and its report is awaited.

mod hand;

pub mod ledger;

mod live;

mod prove;

mod run;

mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use incident::Effect;
use runbooks::Status;

use super::decide;
use crate::app::{App, Refused};

pub use hand::Hand;
pub use run::Executor;
pub use worker::{is_alive, worker};

/// Between looks into the journal for what the executor did.
const LOOKING: Duration = Duration::from_millis(100);
/// An executor that died is told again, and a run without one is noticed.
const AGAIN: Duration = Duration::from_secs(3);

/// Waits until the step has ended, and returns what follows.
pub(super) async fn perform(app: &Arc<App>, incident: &str, step: &str) -> Result<Vec<Effect>, Refused> {
    let mut told: Option<Instant> = None;
    loop {
        app.sync().await?;
        let Some(found) = app.incident(incident) else { return Ok(Vec::new()) };
        let Some(record) = found.steps.get(step) else { return Ok(Vec::new()) };
        let again = told.is_none_or(|told| told.elapsed() > AGAIN);
        match (record.state.status_at(app.now()), record.state.status) {
            (Status::Approved, _) if again => {
                told = Some(Instant::now());
                if let Err(error) = app.parts.executor.tell(step).await {
                    tracing::error!(step.id = %step, "the executor cannot be started: {error}");
                }
            }
            (Status::Running, _) if again => {
                told = Some(Instant::now());
                super::notice_lost_runs(app).await?;
            }
            (Status::Approved | Status::Running, _) => {}
            (Status::Expired, Status::Approved) => {
                decide::expire(app, incident, step).await?;
                return Ok(Vec::new());
            }
            _ => {
                if let Some(outcome) = &record.state.outcome {
                    let result = format!("{:?}", outcome.result).to_lowercase();
                    metrics::counter!("firstline_steps_total", "outcome" => result).increment(1);
                }
                return Ok(found.effects_around(step));
            }
        }
        tokio::time::sleep(LOOKING).await;
    }
}
