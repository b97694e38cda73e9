//! Steps: how they stand, which wait, and what a person decides about them.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use evidence::Grant;
use runbooks::policy::Verb;
use runbooks::{Digest, Person};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::{Body, Form};
use crate::app::{Refused, RefusedKind};
use crate::driver::decide::{Wish, decide as decide_app};
use crate::driver::{Wait, drive};
use crate::http::Server;
use crate::http::guard::Who;
use crate::sight::may_see_step;
use crate::views;

fn step_form(server: &Server, grant: &Grant, id: &str) -> Result<views::StepForm, Refused> {
    let now = server.app.now();
    let rules = &server.app.rules();
    let form = server.app.with_state(|state| {
        state.step_seen(grant, id).map(|(incident, record)| views::step(incident, record, rules, now))
    });
    form.ok_or_else(|| Refused::not_found(format!("no step `{id}`")))
}

pub async fn step(State(server): Shared, Extension(visitor): Who, Path(id): Path<String>) -> Result<Response, Refused> {
    server.app.sync().await?;
    shown(&server, &visitor.grant, &id, &visitor.person)
}

/// The step, and what this person may do about it.
fn shown(server: &Server, grant: &Grant, id: &str, person: &Person) -> Result<Response, Refused> {
    let form = step_form(server, grant, id)?;
    let operation =
        server.app.with_state(|state| state.step_named(id).map(|(_, record)| record.step.content().operation()));
    let rules = &server.app.rules();
    let may = |verb| operation.as_ref().is_some_and(|on| rules.may(person, verb, on).allowed);
    let can_tell = !rules.break_glass().page_endpoint.is_empty();
    let you = json!({
        "name": person.name,
        "may_approve": may(Verb::Approve),
        "may_run": may(Verb::Run),
        "may_break_glass": can_tell && may(Verb::BreakGlass),
    });
    let mut value = json!(form);
    value["you"] = you;
    Ok(Json(value).into_response())
}

#[derive(Deserialize, Default)]
pub struct DecideBody {
    digest: Option<String>,
    reason: Option<String>,
    succeeded: Option<bool>,
}

impl Form for DecideBody {
    const LIKE: &'static str = r#"{"digest":"the one on the card","reason":"seen it before"}"#;
}

pub async fn decide(
    State(server): Shared,
    Extension(visitor): Who,
    Path((id, verb)): Path<(String, String)>,
    Body(asked): Body<DecideBody>,
) -> Result<Response, Refused> {
    let digest = || -> Result<Digest, Refused> {
        let text = asked
            .digest
            .as_deref()
            .ok_or_else(|| Refused::mistake("`digest` is missing: the one on the card that you saw"))?;
        text.parse().map_err(Refused::mistake)
    };
    server.app.sync().await?;
    // What somebody may not see they cannot decide.
    step_form(&server, &visitor.grant, &id)?;
    if verb == "undo" {
        let proposal = crate::driver::by_hand::undo(&server.app, &id, &visitor.person, &visitor.grant).await?;
        return Ok(Json(proposal.view(&server.app.rules())).into_response());
    }
    let wish = match verb.as_str() {
        "approve" => Wish::Approve { digest: digest()? },
        "reject" => Wish::Reject { digest: digest()? },
        "break-glass" => Wish::BreakGlass { digest: digest()? },
        "review" => Wish::Review,
        "cancel" => Wish::Cancel,
        "done" | "resolve" => {
            // What is unknown has no card to be seen; what is proposed is done by its digest.
            let seen = asked.digest.as_deref().map(str::parse).transpose().map_err(Refused::mistake)?;
            let digest = seen.unwrap_or_else(|| Digest::of(""));
            Wish::Done { digest, succeeded: asked.succeeded.unwrap_or(true) }
        }
        other => {
            let message = format!(
                "unknown decision `{other}` (known: approve, break-glass, cancel, done, reject, resolve, review, undo)"
            );
            return Err(Refused::not_found(message));
        }
    };
    let person = visitor.person;
    match decide_app(&server.app, &id, &person, &wish, asked.reason.as_deref()).await {
        Ok((incident, effects)) => drive(&server.app, &incident, effects, Wait::ForTheAnswer).await?,
        // The same person pressing twice sees how things stand, not an error.
        Err(refused) if refused.kind == RefusedKind::Conflict && has_decided(&server, &id, &person, &wish) => {}
        Err(refused) => return Err(refused),
    }
    shown(&server, &visitor.grant, &id, &person)
}

/// Whether this person already did exactly this.
fn has_decided(server: &Server, step: &str, person: &Person, wish: &Wish) -> bool {
    server.app.with_state(|state| {
        let Some((incident, record)) = state.step_named(step) else { return false };
        let state = &record.state;
        let ended_by =
            |status| state.status == status && state.decided_by.as_ref().is_some_and(|by| by.id == person.id);
        match wish {
            Wish::Approve { digest } => {
                let unit = incident.digest_of_unit(record.step.id());
                unit == Some(*digest) && state.agreements.iter().any(|agreed| agreed.by.id == person.id)
            }
            Wish::BreakGlass { .. } => state.broken_glass.as_ref().is_some_and(|glass| glass.by.id == person.id),
            Wish::Review => {
                let reviewed = state.broken_glass.as_ref().and_then(|glass| glass.reviewed.as_ref());
                reviewed.is_some_and(|(by, _)| by.id == person.id)
            }
            Wish::Reject { .. } => ended_by(runbooks::Status::Rejected),
            Wish::Cancel => ended_by(runbooks::Status::Cancelled),
            Wish::Done { .. } => {
                state.decided_by.as_ref().is_some_and(|by| by.id == person.id) && state.status.is_terminal()
            }
        }
    })
}

pub async fn approvals(State(server): Shared, Extension(visitor): Who) -> Result<Response, Refused> {
    server.app.sync().await?;
    let now = server.app.now();
    let rules = &server.app.rules();
    let steps: Vec<views::StepForm> = server.app.with_state(|state| {
        let waiting = state.waiting(now).into_iter();
        let seen = waiting.filter(|(incident, record)| may_see_step(&visitor.grant, incident, record));
        seen.map(|(incident, record)| views::step(incident, record, rules, now)).collect()
    });
    Ok(Json(json!({ "steps": steps })).into_response())
}
