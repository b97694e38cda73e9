//! Tells a second channel that somebody broke the glass. It is told before anything else is done about the step, again after a
//! restart, and what became of it goes on record either way.

use std::sync::Arc;

use incident::Effect;
use runbooks::Command;
use serde_json::json;

use super::decide::by_itself;
use crate::app::{App, Refused, RefusedKind};

pub(super) async fn perform(app: &Arc<App>, incident: &str, step: &str) -> Result<Vec<Effect>, Refused> {
    let Some(record) = app.incident(incident).and_then(|found| found.steps.get(step).cloned()) else {
        return Ok(Vec::new());
    };
    let Some(glass) = record.state.broken_glass.filter(|glass| glass.paged.is_none()) else { return Ok(Vec::new()) };
    let content = record.step.content();
    let rules = app.rules();
    let settings = rules.break_glass();
    let text = format!("{} broke the glass: {} in {}", glass.by.name, content.summary, content.environment);
    let body = json!({
        "event": "break_glass", "text": text, "incident": incident, "step": step, "digest": record.step.digest().to_string(),
        "by": glass.by.name, "reason": glass.reason, "at": glass.at, "service": content.service(),
        "environment": content.environment, "risk": content.risk,
    });
    let outcome = runbooks::execute::tell(
        &app.parts.actions,
        &settings.page_endpoint,
        &settings.page_path,
        &body,
        &app.parts.redactor,
    )
    .await;
    let command = Command::Page { told: outcome.succeeded(), text: outcome.summary.into_string() };
    match by_itself(app, incident, step, command).await {
        // Another process told it as well: better twice than not at all.
        Err(refused) if refused.kind == RefusedKind::Conflict => Ok(Vec::new()),
        done => done,
    }
}
