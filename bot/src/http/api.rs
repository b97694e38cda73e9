//! The handlers: each reads a request, calls the app, and answers in the forms of the contract.

pub(super) mod asked;

pub mod session;

pub mod conversations;

pub mod records;

pub mod steps;

pub mod incidents;

pub mod runbooks;

pub mod changes;

pub mod audit;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evidence::{Time, TimeWindow};
use serde_json::json;

use super::Server;
use crate::app::{Refused, RefusedKind};
use crate::times;

type Shared = State<Arc<Server>>;

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.kind {
            RefusedKind::Mistake => StatusCode::BAD_REQUEST,
            RefusedKind::NotFound => StatusCode::NOT_FOUND,
            RefusedKind::Forbidden => StatusCode::FORBIDDEN,
            RefusedKind::Conflict | RefusedKind::Busy => StatusCode::CONFLICT,
            RefusedKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        error(status, &self.message, self.next.as_deref())
    }
}

pub fn error(status: StatusCode, message: &str, next: Option<&str>) -> Response {
    (status, Json(json!({ "error": message, "next": next }))).into_response()
}

pub fn not_found(message: &str) -> Response {
    error(StatusCode::NOT_FOUND, message, None)
}

fn window(server: &Server, from: Option<&str>, to: Option<&str>, now: Time) -> Result<TimeWindow, Refused> {
    let window =
        times::window(from, to, now, &server.app.parts.zone).map_err(|error| Refused::mistake(error.to_string()))?;
    Ok(window.unwrap_or_else(TimeWindow::all))
}
