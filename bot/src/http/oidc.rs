//! Sign-in at the configured issuer: there, and back with a session, or a page that says in words why not.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::SignedDuration;
use runbooks::people::Identity;
use subtle::ConstantTimeEq as _;

use super::Server;
use super::api::asked::Query;
use super::sign_in::{enter, page};
use crate::app::Refused;
use crate::oidc::{Failure, Oidc, Pending, Returned};
use crate::visitor::{AccessEvent, Visitor, note};

/// How long somebody may take at the issuer.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Sends a browser to the issuer.
pub async fn begin(State(server): State<Arc<Server>>, jar: CookieJar, headers: HeaderMap) -> Response {
    match go(&server, &headers).await {
        Ok((url, pending)) => (jar.add(kept(&server, pending.to_text())), Redirect::to(&url)).into_response(),
        Err(failure) => said(&failure),
    }
}

async fn go(server: &Server, headers: &HeaderMap) -> Result<(String, Pending), Failure> {
    let oidc = configured(server)?;
    let (url, pending) = oidc.begin(&redirect_uri(server, headers)).await?;
    let until = server.app.now().plus(PATIENCE);
    server.sessions.expect_back(&pending.state, until).await.map_err(|error| unavailable(error.into()))?;
    Ok((url.to_string(), pending))
}

/// Takes a browser back from the issuer.
pub async fn back(
    State(server): State<Arc<Server>>,
    jar: CookieJar,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Response {
    let pending = jar.get(kept_name(&server)).and_then(|cookie| Pending::from_text(cookie.value()));
    let jar = jar.remove(Cookie::build((kept_name(&server), "")).path("/").secure(server.is_secure()).build());
    match identity(&server, &headers, &returned, pending).await {
        Ok(identity) => signed_in(&server, jar, &identity).await,
        Err(failure) => (jar, said(&failure)).into_response(),
    }
}

async fn identity(
    server: &Server,
    headers: &HeaderMap,
    returned: &Returned,
    pending: Option<Pending>,
) -> Result<Identity, Failure> {
    let oidc = configured(server)?;
    let now = server.app.now();
    // Only the browser that was sent there has the cookie, and only once is anybody expected back.
    let pending = pending.filter(|pending| pending.state.as_bytes().ct_eq(returned.state.as_bytes()).into());
    let stale = || Failure::refused("this sign-in was used already, took too long, or began in another browser");
    let pending = pending.ok_or_else(stale)?;
    let is_expected = server.sessions.is_back(&pending.state, now).await;
    if !is_expected.map_err(|error| unavailable(error.into()))? {
        return Err(stale());
    }
    oidc.finish(returned, &pending, &redirect_uri(server, headers), now).await
}

/// A session for whoever is somebody here, and the sentence for whoever is not.
async fn signed_in(server: &Server, jar: CookieJar, identity: &Identity) -> Response {
    if let Err(nobody) = Visitor::signed_in(&server.app, identity.clone(), String::new()) {
        let (identity, why) = (identity.to_string(), nobody.to_string());
        let event = AccessEvent::Refused { identity, why: why.clone(), what: "sign in".to_owned() };
        note(&server.app, &server.noted, event).await;
        let failure = Failure { message: why, status: StatusCode::FORBIDDEN.as_u16() };
        return (jar, said(&failure)).into_response();
    }
    match server.sessions.begin(identity, server.app.now()).await {
        Ok(secret) => enter(server, jar, secret, "at the issuer").await,
        Err(error) => (jar, Refused::from(error)).into_response(),
    }
}

fn configured(server: &Server) -> Result<&Oidc, Failure> {
    let missing = || Failure { message: "no issuer is configured here".to_owned(), status: 404 };
    server.oidc.as_ref().ok_or_else(missing)
}

fn unavailable(refused: Refused) -> Failure {
    Failure { message: refused.in_full(), status: StatusCode::SERVICE_UNAVAILABLE.as_u16() }
}

/// Where the issuer sends people back: the public address, else the name by which this request reached us.
fn redirect_uri(server: &Server, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = server.public_url.clone().unwrap_or_else(|| format!("http://{host}"));
    format!("{}/sign-in/oidc/back", base.trim_end_matches('/'))
}

fn kept_name(server: &Server) -> &'static str {
    if server.is_secure() { "__Host-firstline_sign_in" } else { "firstline_sign_in" }
}

/// `Lax`, because the issuer's page sends the browser back, and a `Strict` cookie would stay behind.
fn kept(server: &Server, text: String) -> Cookie<'static> {
    let cookie = Cookie::build((kept_name(server), text)).path("/").http_only(true).same_site(SameSite::Lax);
    cookie.secure(server.is_secure()).build()
}

fn said(failure: &Failure) -> Response {
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let again = "<a href=\"/sign-in/oidc\">Sign in again</a>, or ask whoever runs Firstline here.";
    page(status, "You are not signed in", &[&sentence(&failure.message), again])
}

/// A message as a sentence of a page: nothing in it is markup.
fn sentence(message: &str) -> String {
    let mut text = chat::inert(message).into_owned();
    if let Some(first) = text.get(..1) {
        text = format!("{}{}", first.to_uppercase(), &text[1..]);
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    format!("{text}.")
}
