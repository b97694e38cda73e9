//! What an answer means: done, refused, failed, or nobody knows.

use std::collections::BTreeMap;

use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actions::Run;
use crate::actions::output::{KEPT, Output};
use crate::execute::{Outcome, Outcomes};

/// A longer answer is not read to its end.
const LONGEST_BODY: usize = 16 << 20;

/// What a right answer looks like; any status from 200 to 299 when not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// `202`, or a range like `200-204`.
    pub status: Option<Status>,
    /// Text that the body must contain.
    pub contains: Option<String>,
    /// Places in a JSON body and what must stand there: `"/state" = "done"`.
    pub json: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a status like `202`, or a range like `200-204`")]
pub enum Status {
    One(u16),
    Range(String),
}

impl Status {
    /// The first and the last status that are right.
    fn bounds(&self) -> Result<(u16, u16), String> {
        let bounds = match self {
            Status::One(status) => Some((*status, *status)),
            Status::Range(text) => {
                text.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)))
            }
        };
        // A redirect is never what was wanted: nobody went there.
        let is_answer = |(from, to): &(u16, u16)| {
            from <= to && *from >= 200 && *to < 600 && !(300..400).contains(from) && !(300..400).contains(to)
        };
        let text = match self {
            Status::One(status) => status.to_string(),
            Status::Range(text) => text.clone(),
        };
        bounds.filter(is_answer).ok_or_else(|| {
            format!("`expect.status: {text}` must be a status like `202`, or a range like `200-204`, and no redirect")
        })
    }
}

impl Expect {
    pub(super) fn mistakes(&self) -> Vec<String> {
        let status = self.status.as_ref().and_then(|status| status.bounds().err());
        let pointers = self.json.keys().filter(|pointer| !pointer.starts_with('/'));
        let pointers = pointers.map(|pointer| format!("`expect.json: {pointer}` must be a place like `/state`"));
        status.into_iter().chain(pointers).collect()
    }

    fn wants(&self, status: StatusCode) -> bool {
        match self.status.as_ref().map(Status::bounds) {
            None => status.is_success(),
            Some(Ok((from, to))) => (from..=to).contains(&status.as_u16()) && !status.is_redirection(),
            Some(Err(_)) => false,
        }
    }

    /// What the body lacks.
    fn misses(&self, body: &str, is_whole: bool) -> Option<String> {
        if let Some(text) = self.contains.as_ref().filter(|text| !body.contains(text.as_str())) {
            return Some(format!("without `{text}`"));
        }
        if self.json.is_empty() {
            return None;
        }
        let Ok(found) = serde_json::from_str::<Value>(body) else {
            let why = if is_whole { "it is no JSON" } else { "it is longer than is looked at" };
            return Some(format!("its body cannot be checked, since {why}"));
        };
        let wrong = self.json.iter().find(|(pointer, wanted)| found.pointer(pointer) != Some(wanted));
        wrong.map(|(pointer, wanted)| {
            let there = found.pointer(pointer).map_or_else(|| "nothing".to_owned(), |there| cut(&there.to_string()));
            format!("`{pointer}` is {there} instead of {}", cut(&wanted.to_string()))
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

/// How far an answer was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Whole,
    TooLong,
    BrokenOff,
}

pub(super) async fn judge(
    mut response: Response,
    expects: &[&Expect],
    endpoint: &str,
    mut output: Output<'_>,
    run: &Run<'_>,
) -> Outcome {
    let status = response.status();
    let mut start = Vec::new();
    let mut n_bytes = 0;
    let read = loop {
        let piece = tokio::select! {
            piece = response.chunk() => piece,
            () = run.cancelled.cancelled() => break Read::BrokenOff,
        };
        match piece {
            Ok(Some(_)) if n_bytes > LONGEST_BODY => break Read::TooLong,
            Ok(Some(piece)) => {
                n_bytes += piece.len();
                start.extend_from_slice(&piece[..piece.len().min(KEPT - start.len())]);
                output.push(0, &piece);
            }
            Ok(None) => break Read::Whole,
            Err(_) => break Read::BrokenOff,
        }
    };
    let body = String::from_utf8_lossy(&start).into_owned();
    let said = sentence(&body).map(|sentence| format!(": {sentence}")).unwrap_or_default();
    let is_expected = expects.iter().all(|expect| expect.wants(status));
    let is_in_full = read == Read::Whole && n_bytes <= KEPT;
    let misses = expects.iter().find_map(|expect| expect.misses(&body, is_in_full));
    let (result, summary) = if is_expected && read == Read::BrokenOff {
        (Outcomes::Unknown, format!("the answer of `{endpoint}` broke off after {status}; look before trying again"))
    } else if let (true, Some(what)) = (is_expected, misses) {
        (Outcomes::Failed, format!("`{endpoint}` answered {status}, but {what}"))
    } else if is_expected && read == Read::TooLong {
        (Outcomes::Succeeded, format!("`{endpoint}` answered {status}, and more than was read"))
    } else if is_expected {
        (Outcomes::Succeeded, sentence(&body).unwrap_or_else(|| format!("`{endpoint}` answered {status}")))
    } else if status.is_success() {
        (Outcomes::Failed, format!("`{endpoint}` answered {status} instead of {}", wanted(expects)))
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

fn wanted(expects: &[&Expect]) -> String {
    let statuses = expects.iter().filter_map(|expect| expect.status.as_ref());
    let texts: Vec<String> = statuses
        .map(|status| match status {
            Status::One(status) => status.to_string(),
            Status::Range(range) => range.clone(),
        })
        .collect();
    texts.join(" and ")
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
