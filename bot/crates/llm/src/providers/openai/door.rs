//! The one place where a server's bytes come in: bounded, and sorted by status before the library sees them.
//! The library would read a body of any size, log one that it cannot decode, and lose the status of an error that is not JSON.

use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tower::util::BoxCloneSyncService;

use crate::Error;

/// More than any reply within a prompt's limits needs.
pub(super) const MOST_BYTES: usize = 1024 * 1024;
const MOST_MESSAGE_CHARS: usize = 200;

/// The service through which async-openai sends.
pub(super) fn door(
    http: reqwest::Client,
    key: SecretString,
) -> BoxCloneSyncService<HttpRequestFactory, Response, OpenAIError> {
    BoxCloneSyncService::new(tower::service_fn(move |factory: HttpRequestFactory| {
        let (http, key) = (http.clone(), key.clone());
        async move {
            let request = factory.build().await?;
            pass(&http, request, &key).await.map_err(|error| OpenAIError::Boxed(Box::new(error)))
        }
    }))
}

async fn pass(client: &reqwest::Client, request: reqwest::Request, key: &SecretString) -> Result<Response, Error> {
    let response = client.execute(request).await.map_err(unreachable)?;
    let status = response.status();
    let retry_after = seconds(&response);
    let body = read(response).await;
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::RateLimited { retry_after });
    }
    if !status.is_success() {
        // Whatever became of the body, the status says enough.
        let message = message(status, &body.unwrap_or_default(), key);
        let status = status.as_u16();
        return Err(if status >= 500 { Error::Failed { status, message } } else { Error::Refused { status, message } });
    }
    let body = body?;
    if let Err(error) = serde_json::from_slice::<Value>(&body) {
        return Err(Error::Invalid(format!("it is not JSON ({} bytes): {error}", body.len())));
    }
    Ok(Response::from(http::Response::new(body)))
}

/// Reads the whole body, or fails at the limit.
async fn read(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(Error::Invalid(format!("it is longer than {MOST_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn seconds(response: &Response) -> Option<Duration> {
    let header = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    header.trim().parse().ok().map(Duration::from_secs)
}

/// The server's own words, short and on one line; none at all where it speaks about the key.
fn message(status: StatusCode, body: &[u8], key: &SecretString) -> String {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return String::new();
    }
    let said = match serde_json::from_slice::<Value>(body) {
        Ok(said) => [&said["error"]["message"], &said["error"], &said["message"], &said["detail"]]
            .into_iter()
            .find_map(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        Err(_) => return String::new(),
    };
    let said = match key.expose_secret() {
        "" => said,
        key => said.replace(key, "[secret]"),
    };
    let line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_MESSAGE_CHARS).collect();
    if line.trim().is_empty() { String::new() } else { format!(": {}", line.trim()) }
}

/// In words of our own, since the library's may hold the address.
pub(super) fn unreachable(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Error::Unreachable(cause.to_string())
}
