//! The way to one cluster. Requests are sent once: no retry, no redirect, no proxy; and each end is told apart:
//! nothing happened, somebody else was faster, or nobody knows.

use std::path::Path;
use std::time::Duration;

use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use super::super::{Cluster, Secrets};

/// A read takes no longer than this.
const READ: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
/// What a cluster says, and no more, when a patch does not apply: all of ours fit what was read, so one of its tests failed.
const PATCH_DOES_NOT_APPLY: &str = "the server rejected our request due to an error in our request";
/// A longer answer is none of ours.
const LONGEST_ANSWER: usize = 16 << 20;

/// Why a change was not made, or may have been.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nothing happened.
    Refused(String),
    /// Nothing happened, because it had changed since it was looked at.
    Conflict(String),
    /// It may have happened.
    Unknown(String),
}

impl Trouble {
    pub(super) fn into_sentence(self) -> String {
        match self {
            Trouble::Refused(text) | Trouble::Conflict(text) | Trouble::Unknown(text) => text,
        }
    }
}

pub(super) struct Api {
    client: Client,
    name: String,
}

impl Api {
    /// Connects anew each time, so that a token that was rotated is the one used.
    pub(super) async fn connect(name: &str, cluster: &Cluster, secrets: &dyn Secrets) -> Result<Api, String> {
        super::super::install_crypto();
        let config = config(cluster, secrets).await.map_err(|error| format!("cluster `{name}`: {error}"))?;
        let client = Client::try_from(config).map_err(|error| format!("cluster `{name}`: {}", innermost(&error)))?;
        Ok(Api { client, name: name.to_owned() })
    }

    /// One object, or a list.
    pub(super) async fn read(&self, path: &str) -> Result<Value, String> {
        let request = Request::get(path).header("accept", "application/json").body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(READ, self.answer(request)).await;
        let (status, body) = answer.map_err(|_| format!("cluster `{}` does not answer", self.name))??;
        if status != StatusCode::OK {
            return Err(format!("cluster `{}` answers {status}{}", self.name, message(&body)));
        }
        serde_json::from_slice(&body)
            .map_err(|error| format!("cluster `{}` answers what cannot be read: {error}", self.name))
    }

    /// Sends a change once and returns the object as it then is.
    pub(super) async fn write(&self, request: Request<Vec<u8>>) -> Result<Value, Trouble> {
        let cluster = &self.name;
        let (status, body) = self
            .answer(request.map(Body::from))
            .await
            .map_err(|error| Trouble::Unknown(format!("{error}; it may have happened, look before trying again")))?;
        let said = message(&body);
        match status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => {
                serde_json::from_slice(&body).map_err(|error| {
                    Trouble::Unknown(format!("cluster `{cluster}` answers {status} with what cannot be read ({error}); look before trying again"))
                })
            }
            _ if status == StatusCode::CONFLICT || said.contains(PATCH_DOES_NOT_APPLY) => Err(Trouble::Conflict(format!(
                "cluster `{cluster}` says that it changed in the meantime{said}; nothing was done, ask again for a fresh proposal"
            ))),
            _ if status.is_redirection() => {
                Err(Trouble::Refused(format!("cluster `{cluster}` answers {status}; redirects are not followed, correct its `server`")))
            }
            StatusCode::REQUEST_TIMEOUT => Err(unknown(cluster, status, &said)),
            _ if status.is_client_error() => Err(Trouble::Refused(format!("cluster `{cluster}` refuses with {status}{said}"))),
            _ => Err(unknown(cluster, status, &said)),
        }
    }

    async fn answer(&self, request: Request<Body>) -> Result<(StatusCode, Vec<u8>), String> {
        let trouble =
            |error: &dyn std::error::Error| format!("cluster `{}` gives no answer ({})", self.name, innermost(error));
        let response: Response<Body> = self.client.send(request).await.map_err(|error| trouble(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| trouble(error.as_ref()))?;
        Ok((status, body.to_bytes().to_vec()))
    }
}

fn unknown(cluster: &str, status: StatusCode, said: &str) -> Trouble {
    Trouble::Unknown(format!(
        "cluster `{cluster}` fails with {status}{said}; it may have happened, look before trying again"
    ))
}

/// What the cluster says in words, after a colon.
fn message(body: &[u8]) -> String {
    let status: Option<Value> = serde_json::from_slice(body).ok();
    let text = status.as_ref().and_then(|status| status["message"].as_str()).unwrap_or_default();
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if text.is_empty() { text } else { format!(": {text}") }
}

/// The innermost reason, which is the one that helps.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut reason = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}

async fn config(cluster: &Cluster, secrets: &dyn Secrets) -> Result<Config, String> {
    let mut config = match (&cluster.server, &cluster.kubeconfig) {
        (Some(server), _) => declared(server, cluster, secrets)?,
        (None, Some(path)) => of_kubeconfig(path, cluster.context.clone()).await?,
        (None, None) => Config::incluster().map_err(|error| format!("this is no pod of it: {error}"))?,
    };
    let is_tls = config.cluster_url.scheme_str() == Some("https");
    if !is_tls && !is_loopback(&config.cluster_url) {
        return Err(format!(
            "`{}` must begin with `https://`; a token does not travel in the open",
            config.cluster_url
        ));
    }
    config.connect_timeout = Some(CONNECT);
    // Sent again, a change could happen twice.
    config.default_retry = false;
    Ok(config)
}

fn declared(server: &str, cluster: &Cluster, secrets: &dyn Secrets) -> Result<Config, String> {
    let url: Uri = server.parse().map_err(|error| format!("`server = \"{server}\"`: {error}"))?;
    let mut config = Config::new(url);
    if let Some(reference) = &cluster.token {
        config.auth_info.token = Some(secrets.secret(reference)?.into());
    }
    if let Some(path) = &cluster.ca {
        config.root_cert = Some(certificates(Path::new(path))?);
    }
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let wrong = |error: String| format!("`ca = \"{}\"`: {error}", path.display());
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&pem).map(|one| one.map(|der| der.to_vec())).collect();
    let found = found.map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("there is no certificate in it".to_owned())) } else { Ok(found) }
}

/// What a kubeconfig says, as far as it does not start programs, trust anybody or go through somebody else.
async fn of_kubeconfig(path: &str, context: Option<String>) -> Result<Config, String> {
    let wrong = |error: String| format!("`kubeconfig = \"{path}\"`: {error}");
    let file = Kubeconfig::read_from(path).map_err(|error| wrong(error.to_string()))?;
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(file, &options).await.map_err(|error| wrong(error.to_string()))?;
    let user = &config.auth_info;
    let refusal = if user.exec.is_some() || user.auth_provider.is_some() {
        "its user needs a program to sign in, which a step does not start; use a token of a service account"
    } else if config.accept_invalid_certs {
        "it accepts any certificate (`insecure-skip-tls-verify`); name the authority instead"
    } else if config.proxy_url.is_some() {
        "it goes through a proxy, which a step does not; name the server itself"
    } else {
        return Ok(config);
    };
    Err(wrong(refusal.to_owned()))
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
