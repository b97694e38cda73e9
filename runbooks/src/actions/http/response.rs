//! What an answer means: done, refused, failed, or nobody knows.

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::actions::Run;
use crate::actions::output::{KEPT, Output};
use crate::execute::{Outcome, Outcomes};

/// What a right answer looks like; any status from 200 to 299 when not said.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    status: Option<u16>,
    /// Text that the body must contain.
    contains: Option<String>,
}

pub(super) async fn judge(
    mut response: Response,
    expect: &Expect,
    endpoint: &str,
    mut output: Output<'_>,
    run: &Run<'_>,
) -> Outcome {
    let status = response.status();
    let mut start = Vec::new();
    let whole = loop {
        let piece = tokio::select! {
            piece = response.chunk() => piece,
            () = run.cancelled.cancelled() => break false,
        };
        match piece {
            Ok(Some(piece)) => {
                start.extend_from_slice(&piece[..piece.len().min(KEPT - start.len())]);
                output.push(0, &piece);
            }
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let body = String::from_utf8_lossy(&start).into_owned();
    let said = sentence(&body).map(|sentence| format!(": {sentence}")).unwrap_or_default();
    let is_expected = expect.status.map_or(status.is_success(), |expected| status.as_u16() == expected);
    let misses = expect.contains.as_ref().filter(|text| !body.contains(text.as_str()));
    let (result, summary) = if is_expected && !whole {
        (Outcomes::Unknown, format!("the answer of `{endpoint}` broke off after {status}; look before trying again"))
    } else if let (true, Some(text)) = (is_expected, misses) {
        (Outcomes::Failed, format!("`{endpoint}` answered {status}, but without `{text}`"))
    } else if is_expected {
        (Outcomes::Succeeded, sentence(&body).unwrap_or_else(|| format!("`{endpoint}` answered {status}")))
    } else if status.is_success() {
        (Outcomes::Failed, format!("`{endpoint}` answered {status} instead of {}", expect.status.unwrap_or(200)))
    } else if status.is_redirection() {
        (
            Outcomes::Refused,
            format!("`{endpoint}` answered {status}; redirects are not followed, correct its `base_url`"),
        )
    } else if status.is_client_error() {
        (Outcomes::Refused, format!("`{endpoint}` refused with {status}{said}"))
    } else if matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) {
        let text = format!(
            "`{endpoint}` answered {status} from something in between{said}; it may have happened, look before trying again"
        );
        (Outcomes::Unknown, text)
    } else {
        (Outcomes::Failed, format!("`{endpoint}` failed with {status}{said}"))
    };
    output.finish(result, &summary)
}

/// The start of a body, whatever its length.
pub(super) async fn read_some(mut response: Response) -> String {
    let mut start = Vec::new();
    while start.len() < KEPT {
        match response.chunk().await {
            Ok(Some(piece)) => start.extend_from_slice(&piece[..piece.len().min(KEPT - start.len())]),
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}

/// What the server says in words, where it follows one of the usual habits.
pub(super) fn sentence(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let keys = ["would", "done", "error", "message", "detail", "title"];
    let text = keys.iter().find_map(|key| body.get(key).and_then(Value::as_str))?;
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    (!text.trim().is_empty()).then_some(text)
}
