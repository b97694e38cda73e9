//! Deploys and other changes: recording one, and what was recorded.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Extension, Query as QueryString, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evidence::{Change, ChangeKind, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, body, query, window};
use crate::app::Refused;
use crate::http::guard::Who;

/// The fields of `deploy record`; `at` is now when absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployBody {
    service: String,
    version: String,
    #[serde(default)]
    kind: ChangeKind,
    #[serde(default, alias = "env")]
    environment: Option<String>,
    at: Option<Time>,
    by: Option<String>,
    url: Option<String>,
    previous: Option<String>,
    note: Option<String>,
}

pub async fn record_deploy(
    State(server): Shared,
    Extension(visitor): Who,
    asked: Result<Json<DeployBody>, JsonRejection>,
) -> Result<Response, Refused> {
    let asked = body(asked)?;
    let change = Change {
        service: asked.service,
        kind: asked.kind,
        version: asked.version,
        previous: asked.previous,
        environment: asked.environment,
        at: asked.at.unwrap_or_else(|| server.app.now()),
        by: asked.by,
        url: asked.url,
        note: asked.note,
    };
    let is_new = crate::commands::deploy::record(&server.app, change.clone(), &visitor.person).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({ "recorded": is_new, "change": change }))).into_response())
}

#[derive(Deserialize)]
pub struct DeploysQuery {
    from: Option<String>,
    to: Option<String>,
}

pub async fn deploys(
    State(server): Shared,
    asked: Result<QueryString<DeploysQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let asked = query(asked)?;
    let window = window(&server, asked.from.as_deref(), asked.to.as_deref(), server.app.now())?;
    server.app.sync().await?;
    let mut changes: Vec<Change> = server.app.with_state(|state| state.changes.clone());
    changes.retain(|change| window.contains(change.at));
    changes.sort_by_key(|change| change.at);
    let changes: Vec<Value> = changes.iter().map(|change| json!(change)).collect();
    Ok(Json(json!({ "changes": changes })).into_response())
}
