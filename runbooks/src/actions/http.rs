//! A request to a declared endpoint. A step names the endpoint, never a URL, and redirects are not followed,
//! so a request goes where the settings say and nowhere else.

mod address;
mod response;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use evidence::Redactor;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;

use self::response::Expect;
use super::output::Output;
use super::{Action, Endpoint, REHEARSAL, Run, Secrets, Settings};
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
        (!is_known).then_some(unknown).into_iter().chain(plain(&self.path).err()).collect()
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
            Some(endpoint) if mistakes.is_empty() => mistakes.extend(url(endpoint, &arguments.path).err()),
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
        let Some(parameter) = &endpoint.dry_run else { return Ok(None) };
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, "true"));
        let request = self.request(endpoint, &arguments, Some((key, value)))?.timeout(REHEARSAL);
        let response = request.send().await.map_err(|error| said(&error))?;
        let status = response.status();
        let body = response::read_some(response).await;
        match response::sentence(&body) {
            Some(sentence) if status.is_success() => Ok(Some(sentence)),
            None if status.is_success() => Ok(Some(format!("`{}` answers {status}", arguments.endpoint))),
            sentence => Err(sentence.unwrap_or_else(|| format!("`{}` answers {status}", arguments.endpoint))),
        }
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome {
        let output = Output::new(run.redactor, run.on_output.clone());
        let prepared = Arguments::deserialize(arguments).map_err(|error| error.to_string()).and_then(|arguments| {
            let endpoint = self.endpoint(&arguments.endpoint)?;
            Ok((self.request(endpoint, &arguments, None)?, arguments))
        });
        let (request, arguments) = match prepared {
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
            Ok(response) => response::judge(response, &arguments.expect, name, output, run).await,
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
        let mut url = url(endpoint, &arguments.path)?;
        let pairs = arguments.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).chain(extra);
        for (key, value) in pairs {
            url.query_pairs_mut().append_pair(key, value);
        }
        let may_be_private = endpoint.private || url.host_str() == Some("localhost");
        let method = Method::from_bytes(arguments.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self.client(may_be_private)?.request(method, url);
        for (name, reference) in &endpoint.headers {
            request = request.header(name, self.secrets.secret(reference)?);
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

/// Checks that a path leads nowhere but below the endpoint.
fn plain(path: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._~:@+=,-".contains(c);
    if !path.starts_with('/') || !path.chars().all(is_plain) || path.split('/').any(|part| part == ".." || part == ".")
    {
        return Err(format!(
            "`path: {path}` must begin with `/` and hold only letters, digits and `/._~:@+=,-`, without `..`"
        ));
    }
    Ok(())
}

/// The endpoint's URL with the step's path appended.
fn url(endpoint: &Endpoint, path: &str) -> Result<Url, String> {
    plain(path)?;
    let base = endpoint.base_url.trim_end_matches('/');
    let url = Url::parse(&format!("{base}{path}")).map_err(|error| format!("`base_url: {base}`: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !url.username().is_empty() {
        return Err(format!("`base_url: {base}` must be `http://` or `https://` with a host and without a user name"));
    }
    address::check_literal(&url)?;
    Ok(url)
}

/// The innermost reason, which is the one that helps.
fn said(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    if error.is_timeout() { "timed out".to_owned() } else { reason.to_string() }
}
