//! A request to a declared endpoint. A step names the endpoint, never a URL, and redirects are not followed,
//! so a request goes where the settings say and nowhere else.

mod address;
mod response;
mod target;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use evidence::Redactor;
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;

pub use self::response::{Expect, Status};
use self::target::{plain, url};
use super::output::Output;
use super::{Action, Endpoint, REHEARSAL, Run, Secrets, Settings};
use crate::canonical::{self, Digest};
use crate::execute::{Outcome, Outcomes};

const CONNECT: Duration = Duration::from_secs(5);
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    endpoint: String,
    #[serde(default = "post")]
    method: String,
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    expect: Expect,
}

fn post() -> String {
    "POST".to_owned()
}

impl Arguments {
    fn mistakes(&self) -> Vec<String> {
        let is_known = METHODS.contains(&self.method.as_str());
        let unknown = format!("unknown method `{}` (known: {})", self.method, METHODS.join(", "));
        let mut mistakes: Vec<String> = (!is_known).then_some(unknown).into_iter().collect();
        mistakes.extend(plain(&self.path).err());
        for (key, value) in &self.query {
            if key.is_empty() || key.contains(char::is_control) || value.contains(char::is_control) {
                mistakes.push(format!("`query.{}` has no name, or a control character in it", key.escape_debug()));
            }
        }
        mistakes.extend(self.expect.mistakes());
        mistakes
    }

    /// What this endpoint's declaration does not allow.
    fn not_allowed(&self, endpoint: &Endpoint) -> Vec<String> {
        let name = &self.endpoint;
        let mut mistakes = Vec::new();
        if !endpoint.methods.is_empty() && !endpoint.methods.contains(&self.method) {
            let known = endpoint.methods.join(", ");
            mistakes.push(format!("endpoint `{name}` does not allow `{}` (allowed: {known})", self.method));
        }
        if !endpoint.paths.is_empty() && !endpoint.paths.iter().any(|prefix| target::is_below(&self.path, prefix)) {
            let known = endpoint.paths.join(", ");
            mistakes.push(format!("endpoint `{name}` does not allow `{}` (allowed: what is below {known})", self.path));
        }
        // A rehearsal that a step can talk out of being one is no rehearsal.
        let (rehearsal, _) = endpoint.rehearsal().unwrap_or_default();
        if let Some(key) = self.query.keys().find(|key| !rehearsal.is_empty() && key.eq_ignore_ascii_case(rehearsal)) {
            mistakes.push(format!(
                "`query.{key}` is how endpoint `{name}` is asked for a rehearsal; a step must not set it"
            ));
        }
        mistakes.extend(endpoint.mistakes().into_iter().map(|(_, text)| format!("endpoint `{name}`: {text}")));
        mistakes.extend(url(endpoint, &self.path).err());
        mistakes.dedup();
        mistakes
    }
}

impl Endpoint {
    /// What is wrong with the declaration itself, as `(key, sentence)`.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let known = METHODS.join(", ");
        let unknown = self.methods.iter().filter(|method| !METHODS.contains(&method.as_str()));
        let mut found: Vec<(&'static str, String)> =
            unknown.map(|method| ("methods", format!("unknown method `{method}` (known: {known})"))).collect();
        found.extend(self.paths.iter().filter_map(|path| Some(("paths", plain(path).err()?))));
        found.extend(self.expect.mistakes().into_iter().map(|mistake| ("expect", mistake)));
        if self.rehearsal().is_some_and(|(key, _)| key.is_empty()) {
            found.push(("dry_run", "`dry_run` must be a query parameter, like `dry_run=true`".to_owned()));
        }
        found.extend(url(self, "/").err().map(|mistake| ("base_url", mistake)));
        found
    }

    /// The query parameter that turns a request into a rehearsal.
    fn rehearsal(&self) -> Option<(&str, &str)> {
        self.dry_run.as_deref().map(|parameter| parameter.split_once('=').unwrap_or((parameter, "true")))
    }
}

struct Http {
    endpoints: BTreeMap<String, Endpoint>,
    secrets: Arc<dyn Secrets>,
    /// For endpoints that may be on a private network, and for those that may not.
    clients: [OnceLock<Result<Client, String>>; 2],
}

pub(super) fn form(arguments: &Value) -> Vec<String> {
    super::form_of(arguments, Arguments::mistakes)
}

pub fn connect(settings: &Settings, secrets: Arc<dyn Secrets>) -> Box<dyn Action> {
    Box::new(Http { endpoints: settings.endpoints.clone(), secrets, clients: [OnceLock::new(), OnceLock::new()] })
}

#[async_trait]
impl Action for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn version(&self) -> u32 {
        1
    }

    fn check(&self, arguments: &Value) -> Result<(), Vec<String>> {
        let arguments = Arguments::deserialize(arguments).map_err(|error| vec![error.to_string()])?;
        let mut mistakes = arguments.mistakes();
        match self.endpoints.get(&arguments.endpoint) {
            None => mistakes.push(self.unknown_endpoint(&arguments.endpoint)),
            Some(endpoint) if mistakes.is_empty() => mistakes.extend(arguments.not_allowed(endpoint)),
            Some(_) => {}
        }
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    fn describe(&self, arguments: &Value) -> String {
        let Ok(Arguments { endpoint, method, path, query, body, .. }) = Arguments::deserialize(arguments) else {
            return "an HTTP request that is not complete".to_owned();
        };
        let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let body = body.map(|body| format!(" {body}")).unwrap_or_default();
        format!("{method} {path}{query} on `{endpoint}`{body}")
    }

    async fn dry_run(&self, arguments: &Value, _: &Redactor) -> Result<Option<String>, String> {
        let arguments = Arguments::deserialize(arguments).map_err(|error| error.to_string())?;
        let endpoint = self.endpoint(&arguments.endpoint)?;
        let Some(rehearsal) = endpoint.rehearsal() else { return Ok(None) };
        let request = self.request(endpoint, &arguments, Some(rehearsal))?.timeout(REHEARSAL);
        let response = request.send().await.map_err(|error| said(&error))?;
        let status = response.status();
        let body = response::read_some(response).await;
        match response::sentence(&body) {
            Some(sentence) if status.is_success() => Ok(Some(sentence)),
            None if status.is_success() => Ok(Some(format!("`{}` answers {status}", arguments.endpoint))),
            sentence => Err(sentence.unwrap_or_else(|| format!("`{}` answers {status}", arguments.endpoint))),
        }
    }

    /// What the step names must still be declared as it was: where it leads, with which headers, and what counts as done.
    /// Where a header's secret is kept is left out: who runs the step may keep it elsewhere.
    async fn precondition(&self, arguments: &Value) -> Result<Option<String>, String> {
        let arguments = Arguments::deserialize(arguments).map_err(|error| error.to_string())?;
        let (name, endpoint) = (&arguments.endpoint, self.endpoint(&arguments.endpoint)?);
        let headers = endpoint.headers.keys().map(|header| (header.to_lowercase(), String::new())).collect();
        let declared = Endpoint { headers, ..endpoint.clone() };
        let declared = canonical::to_string(&declared).map_err(|error| format!("endpoint `{name}`: {error}"))?;
        let base = endpoint.base_url.trim_end_matches('/');
        Ok(Some(format!("endpoint {name} at {base}, declared as {}", Digest::of(declared).short())))
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome {
        let output = Output::new(run.redactor, run.on_output.clone());
        let prepared = Arguments::deserialize(arguments).map_err(|error| error.to_string()).and_then(|arguments| {
            let endpoint = self.endpoint(&arguments.endpoint)?;
            Ok((self.request(endpoint, &arguments, None)?, endpoint, arguments))
        });
        let (request, endpoint, arguments) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return output.finish(Outcomes::Refused, &format!("nothing was sent: {error}")),
        };
        let name = &arguments.endpoint;
        let request = request.timeout(run.timeout).header("idempotency-key", &run.idempotency_key);
        if run.cancelled.is_cancelled() {
            return output.finish(Outcomes::Cancelled, "cancelled before anything was sent");
        }
        let answer = tokio::select! {
            answer = request.send() => answer,
            () = run.cancelled.cancelled() => {
                let text = format!("cancelled while waiting for `{name}`; it may have happened, look before trying again");
                return output.finish(Outcomes::Unknown, &text);
            }
        };
        match answer {
            Ok(response) => response::judge(response, &[&endpoint.expect, &arguments.expect], name, output, run).await,
            Err(error) if error.is_connect() || error.is_builder() => {
                output.finish(Outcomes::Refused, &format!("nothing was sent to `{name}`: {}", said(&error)))
            }
            Err(error) => {
                let text = format!(
                    "no answer from `{name}` ({}); it may have happened, look before trying again",
                    said(&error)
                );
                output.finish(Outcomes::Unknown, &text)
            }
        }
    }
}

impl Http {
    fn endpoint(&self, name: &str) -> Result<&Endpoint, String> {
        self.endpoints.get(name).ok_or_else(|| self.unknown_endpoint(name))
    }

    fn unknown_endpoint(&self, name: &str) -> String {
        let known: Vec<&str> = self.endpoints.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        format!(
            "unknown endpoint `{name}` (known: {known}); declare it with its `base_url` under `[actions.endpoints.{name}]`"
        )
    }

    fn request(
        &self,
        endpoint: &Endpoint,
        arguments: &Arguments,
        extra: Option<(&str, &str)>,
    ) -> Result<RequestBuilder, String> {
        let mistakes: Vec<String> = arguments.mistakes().into_iter().chain(arguments.not_allowed(endpoint)).collect();
        if !mistakes.is_empty() {
            return Err(mistakes.join("; "));
        }
        let mut url = url(endpoint, &arguments.path)?;
        let pairs = arguments.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).chain(extra);
        for (key, value) in pairs {
            url.query_pairs_mut().append_pair(key, value);
        }
        let may_be_private = endpoint.private || url.host_str() == Some("localhost");
        let method = Method::from_bytes(arguments.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self.client(may_be_private)?.request(method, url);
        for (name, reference) in &endpoint.headers {
            let wrong = |_| format!("`{reference}` holds what no header `{name}` can");
            let mut value = HeaderValue::from_str(&self.secrets.secret(reference)?).map_err(wrong)?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        Ok(match &arguments.body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    fn client(&self, may_be_private: bool) -> Result<&Client, String> {
        self.clients[usize::from(may_be_private)].get_or_init(|| client(may_be_private)).as_ref().map_err(Clone::clone)
    }
}

fn client(may_be_private: bool) -> Result<Client, String> {
    super::install_crypto();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let roots = roots.filter_map(|der| reqwest::Certificate::from_der(der).ok());
    let client = Client::builder()
        .tls_certs_merge(roots)
        .redirect(reqwest::redirect::Policy::none())
        // A proxy would resolve names itself, past the guard.
        .no_proxy()
        .connect_timeout(CONNECT)
        .user_agent(concat!("firstline/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(address::Guard::new(may_be_private));
    client.build().map_err(|error| format!("the HTTP client cannot start: {error}"))
}

/// The innermost reason, which is the one that helps.
fn said(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    if error.is_timeout() { "timed out".to_owned() } else { reason.to_string() }
}
