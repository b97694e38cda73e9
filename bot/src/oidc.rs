//! Sign-in to the console by OpenID Connect: authorization code with PKCE, state and nonce; what comes back is an
//! identity, never a right. Tokens of the issuer are checked and forgotten.

mod issuer;
mod token;

use axum::http::StatusCode;
use evidence::Time;
use reqwest::Url;
use ring::digest::{SHA256, digest};
use runbooks::people::Identity;
use serde::{Deserialize, Serialize};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::secrets;
use crate::session::secret;
pub(crate) use issuer::is_safe;

use issuer::Issuer;
use token::{Expected, Refusal};

/// `[console.oidc]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// As the issuer itself writes it, like `https://login.example.com`.
    pub issuer: String,
    pub client_id: String,
    /// A reference: `env:NAME` or `file:PATH`. Without it this is a public client, which PKCE suffices for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Beside `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What names the person: their identity is `oidc:` and this.
    #[serde(default)]
    pub claim: Claim,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The issuer's own id of the account, which is never given to another.
    #[default]
    Sub,
    /// The address, where the issuer says that it is verified.
    Email,
}

/// Why nobody was signed in, as they read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub message: String,
    /// Whose fault it is: theirs who asked, or the issuer's that does not answer.
    pub status: u16,
}

impl Failure {
    pub(crate) fn refused(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), status: StatusCode::UNAUTHORIZED.as_u16() }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), status: StatusCode::BAD_GATEWAY.as_u16() }
    }
}

/// What a browser keeps while its person is at the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub state: String,
    nonce: String,
    verifier: String,
}

impl Pending {
    fn new() -> Pending {
        Pending { state: secret(), nonce: secret(), verifier: secret() }
    }

    /// In the form that goes into a cookie.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.state, self.nonce, self.verifier)
    }

    pub fn from_text(text: &str) -> Option<Pending> {
        let mut parts = text.split('.').map(str::to_owned);
        let pending = Pending { state: parts.next()?, nonce: parts.next()?, verifier: parts.next()? };
        let is_ours = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let all = [&pending.state, &pending.nonce, &pending.verifier];
        (parts.next().is_none() && all.into_iter().all(|part| is_ours(part))).then_some(pending)
    }
}

/// What the issuer sends a browser back with.
#[derive(Debug, Default, Deserialize)]
pub struct Returned {
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    code: String,
    iss: Option<String>,
    error: Option<String>,
}

/// One configured issuer.
pub struct Oidc {
    settings: Settings,
    secret: Option<String>,
    issuer: Issuer,
}

impl Oidc {
    /// # Errors
    ///
    /// A sentence when the secret cannot be read or no client can be made.
    pub fn new(settings: Settings) -> Result<Oidc, String> {
        let secret = settings.client_secret.as_deref().map(secrets::read).transpose()?;
        let issuer = Issuer::new(&settings.issuer)?;
        Ok(Oidc { settings, secret, issuer })
    }

    /// Where to send a browser, and what it keeps.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the issuer does not say where people sign in.
    pub async fn begin(&self, redirect_uri: &str) -> Result<(Url, Pending), Failure> {
        let known = self.issuer.discovered().await?;
        let pending = Pending::new();
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, pending.verifier.as_bytes()));
        let mut scopes = vec!["openid"];
        scopes.extend(self.settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        let mut url = known.authorization_endpoint.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &scopes.join(" ")),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok((url, pending))
    }

    /// Trades what came back for an identity. The caller has taken the state, so that it is used once.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the issuer says no, or says what cannot be trusted.
    pub async fn finish(
        &self,
        returned: &Returned,
        pending: &Pending,
        redirect_uri: &str,
        now: Time,
    ) -> Result<Identity, Failure> {
        if let Some(error) = &returned.error {
            let error: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
            return Err(Failure::refused(format!("the sign-in was not completed there (`{error}`)")));
        }
        let known = self.issuer.discovered().await?;
        let is_other = returned.iss.as_ref().map_or(known.names_itself, |iss| *iss != self.settings.issuer);
        if is_other || returned.code.is_empty() {
            return Err(Failure::refused("this answer does not come from the issuer that was asked"));
        }
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &returned.code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", &pending.verifier),
            ("client_id", &self.settings.client_id),
        ];
        let authorization = self.secret.as_ref().map(|secret| basic(&self.settings.client_id, secret));
        let id_token = self.issuer.trade(&known, &form, authorization.as_deref()).await?;
        let expected =
            Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce: &pending.nonce, now };
        let claims = match token::verify(&id_token, &self.issuer.keys(&known).await?, &expected) {
            // Issuers change their keys; whoever sends unknown ones does not make us ask them all the time.
            Err(Refusal::UnknownKey) => token::verify(&id_token, &self.issuer.newer_keys(&known).await?, &expected),
            checked => checked,
        };
        let claims = claims.map_err(|refusal| Failure::refused(refusal.to_string()))?;
        let name = match self.settings.claim {
            Claim::Sub => claims.sub,
            Claim::Email => claims.verified_email().ok_or_else(|| {
                Failure::refused("the issuer does not say that your address is verified, and that is who you are here")
            })?,
        };
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Err(Failure::refused("the issuer gave a name that nobody can have"));
        }
        Ok(Identity::member("oidc", &name))
    }
}

/// `client_secret_basic`: both parts are written as a form would write them.
fn basic(client_id: &str, secret: &str) -> String {
    let encoded = |text: &str| {
        let mut url = Url::parse("http://form/").expect("a constant address");
        url.query_pairs_mut().append_pair("", text);
        url.query().unwrap_or_default().trim_start_matches('=').to_owned()
    };
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
}

#[cfg(test)]
mod tests;
