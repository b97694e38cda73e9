//! Deploys and other changes: recording one, and what was recorded.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evidence::{Change, ChangeKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Body, Form, Query};
use super::{Shared, window};
use crate::app::{Refused, RefusedKind};
use crate::http::guard::Who;
use crate::sight::may_see_change;
use crate::times;

/// The fields of `deploy record`; without `at` it is now, without `by` it is who sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployBody {
    service: String,
    version: String,
    #[serde(default)]
    kind: ChangeKind,
    #[serde(default, alias = "env")]
    environment: Option<String>,
    at: Option<String>,
    by: Option<String>,
    url: Option<String>,
    previous: Option<String>,
    note: Option<String>,
}

impl Form for DeployBody {
    const LIKE: &'static str = r#"{"service":"checkout","version":"v1.42"}"#;
}

pub async fn record_deploy(
    State(server): Shared,
    Extension(visitor): Who,
    Body(asked): Body<DeployBody>,
) -> Result<Response, Refused> {
    let now = server.app.now();
    let at = asked.at.map_or(Ok(now), |text| times::read(&text, now, &server.app.parts.zone));
    let at =
        at.map_err(|error| Refused::mistake(format!("`at`: {error}")).next("mend `at`, or leave it out for now"))?;
    let change = Change {
        service: asked.service,
        kind: asked.kind,
        version: asked.version,
        previous: asked.previous,
        environment: asked.environment,
        at,
        by: asked.by.or_else(|| Some(visitor.person.name.clone())),
        url: asked.url,
        note: asked.note,
    };
    if !may_see_change(&visitor.grant, &change) {
        let place =
            change.environment.as_ref().map_or_else(|| "without an environment".to_owned(), |it| format!("in `{it}`"));
        let text = format!("you are not granted `{}` {place}", chat::inert(&change.service));
        let next = "ask for it under `[grants]` of the config, or name another `environment`";
        return Err(Refused::new(RefusedKind::Forbidden, text).next(next));
    }
    let is_new = crate::commands::deploy::record(&server.app, change.clone(), &visitor.person.id).await?;
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
    Extension(visitor): Who,
    Query(asked): Query<DeploysQuery>,
) -> Result<Response, Refused> {
    let window = window(&server, asked.from.as_deref(), asked.to.as_deref(), server.app.now())?;
    server.app.sync().await?;
    let mut changes: Vec<Change> = server.app.with_state(|state| state.changes_seen(&visitor.grant));
    changes.retain(|change| window.contains(change.at));
    changes.sort_by_key(|change| change.at);
    let changes: Vec<Value> = changes.iter().map(|change| json!(change)).collect();
    Ok(Json(json!({ "changes": changes })).into_response())
}
