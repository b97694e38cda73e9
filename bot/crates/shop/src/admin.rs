//! The shop's admin API over HTTP: what a runbook step calls. Every answer is JSON; a bearer token is always needed.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, body::Bytes};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::Error;
use crate::actions::Action;
use crate::live::{Shared, lock};

/// The routes of `/v1`; the caller opens the listener, on loopback.
///
/// Every request needs `Authorization: Bearer <token>`. `?dry_run=true` answers `{"would": …}` and changes nothing.
pub fn router(shop: Shared, token: &str) -> Router {
    let token: Arc<str> = token.into();
    Router::new()
        .route("/v1/state", get(state))
        .route("/v1/rollback", endpoint(Action::Rollback))
        .route("/v1/restart", endpoint(Action::Restart))
        .route("/v1/scale", endpoint(Action::Scale))
        .route("/v1/flags", endpoint(Action::Flag))
        .route("/v1/pool", endpoint(Action::Pool))
        .route("/v1/queues/unblock", endpoint(Action::UnblockQueue))
        .route("/v1/disk/clear", endpoint(Action::ClearDisk))
        .route("/v1/certificates/rotate", endpoint(Action::RotateCertificate))
        .route("/v1/limits", endpoint(Action::Limit))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "no such path; actions are `POST /v1/…`") })
        .method_not_allowed_fallback(|| async {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "actions are POST, `/v1/state` is GET")
        })
        .layer(middleware::from_fn(move |request, next| authorise(Arc::clone(&token), request, next)))
        .with_state(shop)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mode {
    #[serde(default)]
    dry_run: bool,
}

fn endpoint<B>(action: fn(B) -> Action) -> axum::routing::MethodRouter<Shared>
where
    B: DeserializeOwned + Send + 'static,
{
    post(move |State(shop): State<Shared>, mode: Result<Query<Mode>, _>, body: Bytes| async move {
        let dry_run = match mode {
            Ok(Query(mode)) => mode.dry_run,
            Err(_) => {
                return refusal(StatusCode::UNPROCESSABLE_ENTITY, "the only option is `?dry_run=true` or `false`");
            }
        };
        match serde_json::from_slice(&body) {
            Ok(body) => perform(&shop, &action(body), dry_run),
            Err(error) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &format!("the body is not right: {error}")),
        }
    })
}

fn perform(shop: &Shared, action: &Action, dry_run: bool) -> Response {
    let mut shop = lock(shop);
    let (word, outcome) = if dry_run { ("would", shop.dry_run(action)) } else { ("done", shop.act(action)) };
    match outcome {
        Ok(sentence) => {
            if !dry_run {
                tracing::info!(?action, "shop: {sentence}");
            }
            Json(json!({ word: sentence })).into_response()
        }
        Err(error) => refusal(status(&error), &error.to_string()),
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unknown(_) => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Write { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn state(State(shop): State<Shared>) -> Response {
    Json(lock(&shop).state()).into_response()
}

async fn authorise(token: Arc<str>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if !token.is_empty() && bool::from(given.as_bytes().ct_eq(token.as_bytes())) {
        return next.run(request).await;
    }
    refusal(StatusCode::UNAUTHORIZED, "needs the header `Authorization: Bearer <token>` with the shop's token")
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
