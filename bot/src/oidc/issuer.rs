//! What the issuer publishes: its addresses and keys, fetched when needed, kept, and asked for again at most every ten seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, Url};
use serde::Deserialize;

use super::Failure;
use super::token::{Key, keys_in};

const PATIENCE: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1 << 20;
/// What was fetched is good for this long.
const FRESH: Duration = Duration::from_secs(3_600);
/// However often somebody comes with an unknown key, the issuer is asked no more often.
const ASK_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Issuer {
    name: String,
    http: Client,
    discovered: Mutex<Option<(Instant, Arc<Discovered>)>>,
    keys: Mutex<Option<(Instant, Arc<Vec<Key>>)>>,
}

/// Where things are at the issuer.
pub(super) struct Discovered {
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    /// Whether its answers say that they are its own, so that one that does not is another's.
    pub(super) names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Traded {
    id_token: Option<String>,
    error: Option<String>,
}

impl Issuer {
    pub(super) fn new(name: &str) -> Result<Issuer, String> {
        let http = Client::builder()
            .tls_certs_merge(crate::driver::tell::roots())
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| format!("cannot set up the sign-in: {error}"))?;
        Ok(Issuer { name: name.to_owned(), http, discovered: Mutex::default(), keys: Mutex::default() })
    }

    pub(super) async fn discovered(&self) -> Result<Arc<Discovered>, Failure> {
        if let Some(known) = fresh(&self.discovered, FRESH) {
            return Ok(known);
        }
        let url = self.address(&format!("{}/.well-known/openid-configuration", self.name.trim_end_matches('/')))?;
        let text = self.read(self.http.get(url)).await?.1;
        let document: Document = serde_json::from_slice(&text)
            .map_err(|_| Failure::unavailable(format!("`{}` does not say how to sign in there", self.name)))?;
        if document.issuer != self.name {
            return Err(Failure::unavailable(format!(
                "`{}` calls itself another issuer; set `issuer` under `[console.oidc]` as it writes it",
                self.name
            )));
        }
        let discovered = Arc::new(Discovered {
            authorization_endpoint: self.address(&document.authorization_endpoint)?,
            token_endpoint: self.address(&document.token_endpoint)?,
            jwks_uri: self.address(&document.jwks_uri)?,
            names_itself: document.authorization_response_iss_parameter_supported,
        });
        keep(&self.discovered, Arc::clone(&discovered));
        Ok(discovered)
    }

    pub(super) async fn keys(&self, known: &Discovered) -> Result<Arc<Vec<Key>>, Failure> {
        match fresh(&self.keys, FRESH) {
            Some(keys) => Ok(keys),
            None => self.fetch_keys(known).await,
        }
    }

    /// The keys as they are now, or as they were moments ago.
    pub(super) async fn newer_keys(&self, known: &Discovered) -> Result<Arc<Vec<Key>>, Failure> {
        match fresh(&self.keys, ASK_EVERY) {
            Some(keys) => Ok(keys),
            None => self.fetch_keys(known).await,
        }
    }

    async fn fetch_keys(&self, known: &Discovered) -> Result<Arc<Vec<Key>>, Failure> {
        let text = self.read(self.http.get(known.jwks_uri.clone())).await?.1;
        let keys = keys_in(&text);
        let keys = keys.ok_or_else(|| Failure::unavailable(format!("the keys of `{}` cannot be read", self.name)))?;
        let keys = Arc::new(keys);
        keep(&self.keys, Arc::clone(&keys));
        Ok(keys)
    }

    /// As if the keys had been fetched a while ago.
    #[cfg(test)]
    pub(super) fn forget_when(&self) {
        if let Some((at, _)) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            *at -= ASK_EVERY;
        }
    }

    /// Trades a code; returns the id token as it came.
    pub(super) async fn trade(
        &self,
        known: &Discovered,
        form: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<String, Failure> {
        let mut body = Url::parse("http://form/").expect("a constant address");
        body.query_pairs_mut().extend_pairs(form);
        let mut request = self
            .http
            .post(known.token_endpoint.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(body.query().unwrap_or_default().to_owned());
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let (is_good, text) = self.read(request).await?;
        let traded: Option<Traded> = serde_json::from_slice(&text).ok();
        match traded {
            Some(Traded { id_token: Some(token), .. }) if is_good => Ok(token),
            Some(Traded { error: Some(error), .. }) if error == "invalid_grant" => {
                Err(Failure::refused("this sign-in was used already, or took too long"))
            }
            _ => Err(Failure::unavailable(format!(
                "`{}` does not accept this program; compare `client_id` and `client_secret` with what it has",
                self.name
            ))),
        }
    }

    /// An address of the issuer: with TLS, or on this machine.
    fn address(&self, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text).ok().filter(is_safe);
        url.ok_or_else(|| Failure::unavailable(format!("`{}` names an address that is not `https`", self.name)))
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<(bool, Vec<u8>), Failure> {
        let unreachable = || Failure::unavailable(format!("`{}` does not answer; try again in a moment", self.name));
        let mut response: Response = request.send().await.map_err(|error| {
            tracing::warn!("the issuer does not answer: {}", error.without_url());
            unreachable()
        })?;
        let is_good = response.status().is_success();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| unreachable())? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(unreachable());
            }
            body.extend_from_slice(&chunk);
        }
        Ok((is_good, body))
    }
}

/// With TLS, or to this very machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

fn fresh<T>(kept: &Mutex<Option<(Instant, Arc<T>)>>, age: Duration) -> Option<Arc<T>> {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.as_ref().filter(|(at, _)| at.elapsed() < age).map(|(_, value)| Arc::clone(value))
}

fn keep<T>(kept: &Mutex<Option<(Instant, Arc<T>)>>, value: Arc<T>) {
    *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), value));
}
