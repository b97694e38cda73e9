//! Questions and their answers.

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, debug_handler};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::asked::{Body, Form};
use crate::app::Refused;
use crate::driver::Wait;
use crate::driver::ask::{Request as AskRequest, ask as ask_app};
use crate::http::guard::Who;
use crate::sight::may_see_incident;

#[derive(Deserialize)]
pub struct AskBody {
    question: String,
    #[serde(default)]
    conversation: Option<String>,
    #[serde(default)]
    zone: Option<String>,
}

impl Form for AskBody {
    const LIKE: &'static str = r#"{"question":"why is checkout failing?"}"#;
}

#[debug_handler(state = std::sync::Arc<crate::http::Server>)]
pub async fn ask(
    State(server): Shared,
    Extension(visitor): Who,
    Body(asked): Body<AskBody>,
) -> Result<Response, Refused> {
    let zone = asked.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let request = AskRequest {
        question: asked.question,
        by: visitor.person.id,
        conversation: asked.conversation,
        zone: zone.unwrap_or_else(|| server.app.parts.zone.clone()),
        overrides: incident::Overrides::default(),
        use_model: true,
        grant: visitor.grant,
    };
    Ok(Json(ask_app(&server.app, request, Wait::ForTheAnswer).await?).into_response())
}

pub async fn answer(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    server.app.sync().await?;
    let answer = server.app.with_state(|state| {
        let incident = state.incident_of_answer(&id).filter(|incident| may_see_incident(&visitor.grant, incident));
        incident.and_then(|incident| incident.answer(&id))
    });
    answer.map(|answer| Json(answer).into_response()).ok_or_else(|| Refused::not_found(format!("no answer `{id}`")))
}

pub async fn conversation(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    server.app.sync().await?;
    let incident = server.app.incident_seen(&visitor.grant, &id);
    let incident = incident.ok_or_else(|| Refused::not_found(format!("no conversation `{id}`")))?;
    let answers: Vec<_> =
        incident.questions.iter().filter_map(|inquiry| incident.answer(&inquiry.asked.answer)).collect();
    Ok(Json(json!({ "answers": answers })).into_response())
}
