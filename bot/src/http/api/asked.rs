//! What a request asks for, read from its body or its query; a mistake in it is said with what to send instead.

use std::error::Error as _;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query as QueryString, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use runbooks::mistakes::in_our_words;
use serde::de::DeserializeOwned;

use crate::app::Refused;
use crate::json;

/// What can be asked for with a body.
pub trait Form: DeserializeOwned {
    /// A body that is right.
    const LIKE: &'static str;
}

/// The JSON object in a request's body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: Form> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Refused> {
        let next = format!("send a body like `{}`", T::LIKE);
        if !is_json(request.headers()) {
            let text = "the header `Content-Type: application/json` is missing";
            return Err(Refused::mistake(text).next(format!("send it, and {next}")));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|_| Refused::mistake("the body is cut off, or longer than 1 MiB").next(&next))?;
        json::read(&bytes, "the body").map(Body).map_err(|mistake| Refused::mistake(mistake).next(&next))
    }
}

/// `application/json`, also with parameters or as `application/x+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The keys of a request's query.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Refused> {
        QueryString::try_from_uri(&parts.uri).map(|QueryString(query)| Query(query)).map_err(|rejection| {
            type Error = serde_path_to_error::Error<serde::de::value::Error>;
            let mut causes = std::iter::successors(rejection.source(), |error| (*error).source());
            let error = causes.find_map(|error| error.downcast_ref::<Error>());
            let mistake = error.map(|error| {
                let path = error.path().to_string();
                in_our_words(&error.inner().to_string(), path.trim_start_matches('.'), None)
            });
            let mistake = mistake.unwrap_or_else(|| rejection.body_text());
            Refused::mistake(mistake).next("mend what follows the `?` of the address")
        })
    }
}
