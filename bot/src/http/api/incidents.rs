//! Incidents: the list, one with its timeline, and closing it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::asked::{Body, Form};
use super::{Shared, person};
use crate::app::{Refused, RefusedKind};
use crate::driver::by_hand::{self, Wanted};
use crate::http::guard::Who;
use crate::views;

pub async fn incidents(State(server): Shared) -> Result<Response, Refused> {
    server.app.sync().await?;
    let now = server.app.now();
    let mut incidents: Vec<_> = server.app.with_state(|state| {
        state
            .incidents
            .values()
            .filter_map(|incident| views::incident(incident, &state.joined_to(&incident.id), now))
            .collect()
    });
    incidents.sort_by_key(|incident: &views::IncidentForm| std::cmp::Reverse(incident.opened));
    Ok(Json(json!({ "incidents": incidents })).into_response())
}

pub async fn incident(State(server): Shared, Path(id): Path<String>) -> Result<Response, Refused> {
    server.app.sync().await?;
    let incident = server.app.incident(&id).ok_or_else(|| Refused::not_found(format!("no incident `{id}`")))?;
    let now = server.app.now();
    let timeline =
        server.app.with_state(|state| views::timeline(&incident, &state.joined_to(&incident.id), &state.changes, now));
    let answers: Vec<_> =
        incident.questions.iter().filter_map(|inquiry| incident.answer(&inquiry.asked.answer)).collect();
    let form = server.app.with_state(|state| views::incident(&incident, &state.joined_to(&incident.id), now));
    let mut value = form.map_or_else(|| json!({ "id": id, "state": "conversation" }), |form| json!(form));
    value["timeline"] = json!(timeline);
    value["answers"] = json!(answers);
    let rules = &server.app.parts.rules;
    value["by_hand"] = json!(incident.by_hand.iter().map(|proposal| proposal.view(rules)).collect::<Vec<_>>());
    Ok(Json(value).into_response())
}

#[derive(Deserialize, Default)]
pub struct ResolveBody {
    #[serde(default)]
    note: String,
}

impl Form for ResolveBody {
    const LIKE: &'static str = r#"{"note":"rolled back, orders flow again"}"#;
}

pub async fn resolve(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
    Body(asked): Body<ResolveBody>,
) -> Result<Response, Refused> {
    if !person(&visitor).human {
        return Err(Refused::new(RefusedKind::Forbidden, "only people resolve incidents"));
    }
    crate::driver::ask::resolve(&server.app, &id, &visitor.person, &asked.note).await?;
    incident(State(server), Path(id)).await
}

#[derive(Deserialize)]
pub struct ProposeBody {
    runbook: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
    instead_of: Option<String>,
}

impl Form for ProposeBody {
    const LIKE: &'static str =
        r#"{"runbook":"restart-service","params":{"service":"checkout","environment":"production"}}"#;
}

/// Proposes a runbook by hand; answers with the proposal as every other is shown.
pub async fn propose(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
    Body(asked): Body<ProposeBody>,
) -> Result<Response, Refused> {
    let ProposeBody { runbook, params, instead_of } = asked;
    let wanted = Wanted { runbook, params, instead_of };
    let proposal = by_hand::propose(&server.app, &id, &person(&visitor), &wanted).await?;
    Ok(Json(proposal.view(&server.app.parts.rules)).into_response())
}
