//! What the logs hold: search, the lines around one, and the kinds of message.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use evidence::RecordId;
use indexer::{Order, SearchOptions, Store};
use serde::Deserialize;
use serde_json::json;

use super::asked::Query;
use super::{Shared, window};
use crate::app::Refused;
use crate::http::guard::Who;
use crate::{hints, kinds};

#[derive(Deserialize)]
pub struct ContextQuery {
    #[serde(default = "five")]
    before: usize,
    #[serde(default = "five")]
    after: usize,
}

fn five() -> usize {
    5
}

pub async fn context(
    State(server): Shared,
    Extension(visitor): Who,
    Path(id): Path<String>,
    Query(wanted): Query<ContextQuery>,
) -> Result<Response, Refused> {
    let id: RecordId = id.parse().map_err(Refused::mistake)?;
    let around = wanted.before.max(wanted.after).min(100);
    let records = server.app.with_granted(&visitor.grant, move |store| store.around(id, around)).await?;
    let hit = records.iter().position(|record| record.id == id).unwrap_or(0);
    let from = hit.saturating_sub(wanted.before);
    let to = (hit + wanted.after + 1).min(records.len());
    Ok(Json(json!({ "records": &records[from..to], "hit": id })).into_response())
}

#[derive(Deserialize)]
pub struct SearchQuery {
    q: String,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    order: Option<String>,
}

pub async fn search(
    State(server): Shared,
    Extension(visitor): Who,
    Query(asked): Query<SearchQuery>,
) -> Result<Response, Refused> {
    let now = server.app.now();
    let window = window(&server, asked.from.as_deref(), asked.to.as_deref(), now)?;
    let parsed = indexer::Query::parse(&asked.q).map_err(|mistake| Refused::mistake(mistake.to_string()))?;
    let order = if asked.order.as_deref() == Some("relevance") { Order::Relevance } else { Order::Time };
    let (limit, now) = (asked.limit.unwrap_or(50).min(1_000), now.min(window.to()));
    let options = SearchOptions { window, services: None, limit, order, now };
    let search = move |store: &dyn Store| {
        let result = store.search(&parsed, &options)?;
        let hints = hints::hints(store, &asked.q, &parsed, &options, &result)?;
        Ok(hints::document(&result, &hints))
    };
    Ok(Json(server.app.with_granted(&visitor.grant, search).await?).into_response())
}

#[derive(Deserialize)]
pub struct TemplatesQuery {
    service: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

pub async fn templates(
    State(server): Shared,
    Extension(visitor): Who,
    Query(asked): Query<TemplatesQuery>,
) -> Result<Response, Refused> {
    let window = window(&server, asked.from.as_deref(), asked.to.as_deref(), server.app.now())?;
    let request = indexer::TemplatesRequest { window, services: asked.service.map(|service| vec![service]) };
    let kinds = server.app.with_granted(&visitor.grant, move |store| kinds::kinds(store, &request)).await?;
    Ok(Json(json!({ "templates": kinds })).into_response())
}
