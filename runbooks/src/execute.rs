//! Carries out one approved step, from its stored bytes alone, and says how it ended.
//! Everything that was checked when the step was proposed is checked again here; the caller's word is not taken for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evidence::{Redacted, Redactor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::actions::{Actions, Run};
use crate::approval::Approved;
use crate::canonical::Digest;
use crate::invariants::still_runnable;

/// No step runs longer than this, whatever it says.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How a step ended. Refused: nothing happened. Unknown: it may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcomes {
    Succeeded,
    Refused,
    Failed,
    TimedOut,
    Cancelled,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    pub result: Outcomes,
    /// One sentence.
    pub summary: Redacted,
    /// At most 64 KiB from the start and 64 KiB from the end, redacted.
    pub output: Redacted,
    /// Bytes of output left out between the two.
    pub bytes_left_out: u64,
}

impl Outcome {
    pub fn new(result: Outcomes, summary: Redacted) -> Outcome {
        Outcome { result, summary, output: Redacted::default(), bytes_left_out: 0 }
    }

    pub fn succeeded(&self) -> bool {
        self.result == Outcomes::Succeeded
    }

    /// Whether doing it again cannot do it twice.
    pub fn is_retryable(&self) -> bool {
        matches!(self.result, Outcomes::Refused)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary.fmt(f)
    }
}

/// Receives each piece of output as it comes, already redacted.
pub type OnOutput = Arc<dyn Fn(Redacted) + Send + Sync>;

/// Runs the step once. `cancelled` stops it: a process gets TERM, ten seconds, then KILL.
pub async fn execute(
    approved: Approved,
    actions: &Actions,
    redactor: &Redactor,
    on_output: OnOutput,
    cancelled: CancellationToken,
) -> Outcome {
    let content = approved.content();
    let say = |result, text: String| Outcome::new(result, redactor.redact(text).0);
    if let Err(error) = still_runnable(content, actions) {
        return say(Outcomes::Refused, format!("nothing was run: {error}"));
    }
    let action = actions.named(&content.action).expect("it is runnable, so it is known");
    if let Some(approved) = &content.precondition {
        match precondition(actions, &content.action, &content.arguments, redactor).await {
            Ok(now) if now.as_ref() == Some(approved) => {}
            Ok(now) => {
                let now = now.as_deref().unwrap_or("nothing to compare with");
                let next = "ask again for a fresh proposal";
                return say(
                    Outcomes::Refused,
                    format!("nothing was run: it was approved for `{approved}` and now there is `{now}`; {next}"),
                );
            }
            Err(error) => {
                let text = format!("nothing was run: `{approved}` cannot be checked again: {error}");
                return say(Outcomes::Refused, text);
            }
        }
    }
    let timeout = Duration::from_secs(content.timeout_seconds.max(1).into()).min(LONGEST);
    let idempotency_key = key_of(&approved);
    let precondition = content.precondition.as_deref();
    let counting = actions.counting();
    let run = Run { redactor, on_output, cancelled, timeout, precondition, counting, idempotency_key };
    action.run(&content.arguments, &run).await
}

/// Sends a message to a declared endpoint, for what must be heard elsewhere at once. It is a request like a step's, with its checks.
pub async fn tell(actions: &Actions, endpoint: &str, path: &str, body: &Value, redactor: &Redactor) -> Outcome {
    const PATIENCE: Duration = Duration::from_secs(10);
    let arguments = json!({"endpoint": endpoint, "method": "POST", "path": path, "body": body});
    let Some(http) = actions.named("http") else {
        return Outcome::new(Outcomes::Refused, redactor.redact("there is no action `http`").0);
    };
    if let Err(mistakes) = http.check(&arguments) {
        return Outcome::new(Outcomes::Refused, redactor.redact(mistakes.join("; ")).0);
    }
    let idempotency_key = Digest::of(body.to_string()).to_string();
    let run = Run {
        redactor,
        on_output: Arc::new(|_| {}),
        cancelled: CancellationToken::new(),
        timeout: PATIENCE,
        precondition: None,
        counting: None,
        idempotency_key,
    };
    http.run(&arguments, &run).await
}

/// What the step would do, without doing it; part of what its digest binds. `None`: the action cannot tell.
///
/// # Errors
///
/// A sentence that names what is wrong and what to do.
pub async fn rehearse(
    actions: &Actions,
    action: &str,
    arguments: &Value,
    redactor: &Redactor,
) -> Result<Option<Redacted>, String> {
    let Some(known) = actions.named(action) else {
        return Err(format!("unknown action `{action}` (known: {})", actions.names().join(", ")));
    };
    known.check(arguments).map_err(|mistakes| mistakes.join("; "))?;
    let rehearsal = known.dry_run(arguments, redactor).await?;
    Ok(rehearsal.map(|text| redactor.redact(text).0))
}

/// What must still be so when the step starts, redacted as it is stored. `None`: there is nothing to compare.
///
/// # Errors
///
/// A sentence that says why it cannot be told now.
pub async fn precondition(
    actions: &Actions,
    action: &str,
    arguments: &Value,
    redactor: &Redactor,
) -> Result<Option<String>, String> {
    let Some(known) = actions.named(action) else {
        return Err(format!("unknown action `{action}` (known: {})", actions.names().join(", ")));
    };
    let found = known.precondition(arguments).await?;
    Ok(found.map(|text| redactor.redact(text).0.into_string()))
}

/// The same for every attempt under one claim, so that a server can recognise a request that reached it twice.
fn key_of(approved: &Approved) -> String {
    Digest::of(format!("{}:{}", approved.digest(), approved.claim_id())).to_string()
}
