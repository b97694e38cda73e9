//! Incidents: the list, one with its timeline, and closing it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use incident::Incident;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::{Body, Form};
use crate::app::{Refused, RefusedKind};
use crate::driver::by_hand::{self, Wanted};
use crate::http::guard::Who;
use crate::views;

pub async fn incidents(State(server): Shared, Extension(visitor): Who) -> Result<Response, Refused> {
    server.app.sync().await?;
    let now = server.app.now();
    let mut incidents: Vec<_> = server.app.with_state(|state| {
        let seen = state.incidents_seen(&visitor.grant);
        let joined = |incident: &Incident| state.joined_seen(&visitor.grant, &incident.id);
        seen.filter_map(|incident| views::incident(incident, &joined(incident), now)).collect()
    });
    incidents.sort_by_key(|incident: &views::IncidentForm| std::cmp::Reverse(incident.opened));
    Ok(Json(json!({ "incidents": incidents })).into_response())
}

pub async fn incident(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    server.app.sync().await?;
    let grant = &visitor.grant;
    let incident = server.app.incident_seen(grant, &id).ok_or_else(|| no_such(&id))?;
    let now = server.app.now();
    let timeline = server.app.with_state(|state| {
        views::timeline(&incident, &state.joined_seen(grant, &incident.id), &state.changes_seen(grant), now)
    });
    let answers: Vec<_> =
        incident.questions.iter().filter_map(|inquiry| incident.answer(&inquiry.asked.answer)).collect();
    let form = server.app.with_state(|state| views::incident(&incident, &state.joined_seen(grant, &incident.id), now));
    let mut value = form.map_or_else(|| json!({ "id": id, "state": "conversation" }), |form| json!(form));
    value["timeline"] = json!(timeline);
    value["answers"] = json!(answers);
    let rules = &server.app.rules();
    value["by_hand"] = json!(incident.by_hand.iter().map(|proposal| proposal.view(rules)).collect::<Vec<_>>());
    Ok(Json(value).into_response())
}

fn no_such(id: &str) -> Refused {
    Refused::not_found(format!("no incident `{id}`"))
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
    if !visitor.person.human {
        return Err(Refused::new(RefusedKind::Forbidden, "only people resolve incidents"));
    }
    server.app.sync().await?;
    server.app.incident_seen(&visitor.grant, &id).ok_or_else(|| no_such(&id))?;
    crate::driver::ask::resolve(&server.app, &id, &visitor.person.id, &asked.note).await?;
    incident(State(server), Extension(visitor), Path(id)).await
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
    server.app.sync().await?;
    server.app.incident_seen(&visitor.grant, &id).ok_or_else(|| no_such(&id))?;
    let proposal = by_hand::propose(&server.app, &id, &visitor.person, &visitor.grant, &wanted).await?;
    Ok(Json(proposal.view(&server.app.rules())).into_response())
}
