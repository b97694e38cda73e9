//! Who may come in: known hosts only, then a session or a token, for writes from a browser its own origin and token,
//! and for a token the scope that the address needs.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use axum_extra::extract::CookieJar;
use serde_json::json;

use super::scopes::{Needs, needs};
use super::{Server, api};
use crate::app::Refused;
use crate::session::csrf_of;
use crate::visitor::{AccessEvent, Visitor, note};

pub const COOKIE: &str = "firstline_session";

const UNKNOWN_TOKEN: &str = "make one with `firstline token create`, or declare it in `[tokens]` of the config, as a \
                             name and `sha256:` with what `printf %s TOKEN | sha256sum` prints, and start `firstline serve` again";
const NOBODY: &str =
    "open the sign-in link that `firstline serve` or `demo` printed, or send `Authorization: Bearer TOKEN`";

/// Refuses names that are not ours: a page elsewhere that points its own name at this machine.
pub async fn require_host(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase);
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase()));
    if !host.is_some_and(|host| server.hosts.contains(&host)) {
        return api::error(
            StatusCode::MISDIRECTED_REQUEST,
            "this host name is not ours",
            Some("add it to `hosts` in the config"),
        );
    }
    next.run(request).await
}

pub async fn require_visitor(
    State(server): State<Arc<Server>>,
    jar: CookieJar,
    mut request: Request,
    next: Next,
) -> Response {
    let address = Address::of(&request);
    let token = bearer(request.headers()).map(str::to_owned);
    let visitor = match visitor(&server, &jar, token.as_deref(), &address).await {
        Ok(visitor) => visitor,
        Err(response) => return response,
    };
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD);
    if is_write && !is_our_origin(&server, request.headers()) {
        return api::error(StatusCode::FORBIDDEN, "this request comes from another site", None);
    }
    let csrf = request.headers().get("x-csrf-token").and_then(|token| token.to_str().ok());
    if is_write && !visitor.may_write(csrf) {
        return api::error(StatusCode::FORBIDDEN, "this page is out of date", Some("reload it and try again"));
    }
    if let Some(refused) = out_of_scope(&server, &visitor, &address).await {
        return refused;
    }
    if let Some(proof) = Proof::of(&server, &jar, request.headers()) {
        request.extensions_mut().insert(proof);
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// What a request proved itself with, for what goes on after it was let in.
#[derive(Clone)]
pub enum Proof {
    Cookie(String),
    Token(String),
}

impl Proof {
    fn of(server: &Server, jar: &CookieJar, headers: &HeaderMap) -> Option<Proof> {
        let cookie = || jar.get(server.cookie_name()).map(|cookie| Proof::Cookie(cookie.value().to_owned()));
        bearer(headers).map(|token| Proof::Token(token.to_owned())).or_else(cookie)
    }

    /// Whether it would be let in again.
    pub async fn holds(&self, server: &Server) -> bool {
        match self {
            Proof::Cookie(cookie) => matches!(server.sessions.is_live(cookie, server.app.now()).await, Ok(true)),
            Proof::Token(token) => matches!(Visitor::by_token(&server.app, &server.tokens, token).await, Ok(Some(_))),
        }
    }
}

/// What is asked for, as the router has it.
struct Address {
    method: Method,
    /// Empty for what no route matches.
    path: String,
}

impl Address {
    fn of(request: &Request) -> Address {
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        Address { method: request.method().clone(), path: path.to_owned() }
    }
}

/// Who sends this; anything else is the answer that they get.
async fn visitor(
    server: &Server,
    jar: &CookieJar,
    token: Option<&str>,
    address: &Address,
) -> Result<Visitor, Response> {
    let stranger = |message: &str, next: &str| server.stranger(message, next);
    if let Some(token) = token {
        let visitor = Visitor::by_token(&server.app, &server.tokens, token).await.map_err(Refused::into_response)?;
        return visitor.ok_or_else(|| stranger("this token is unknown or revoked", UNKNOWN_TOKEN));
    }
    let Some(cookie) = jar.get(server.cookie_name()).map(|cookie| cookie.value().to_owned()) else {
        return Err(stranger("you are not signed in", server.how_to_sign_in()));
    };
    let identity = server.sessions.by_cookie(&cookie, server.app.now()).await;
    let Some(identity) = identity.map_err(|error| Refused::from(error).into_response())? else {
        return Err(stranger("you are not signed in", server.how_to_sign_in()));
    };
    let known = Visitor::signed_in(&server.app, identity.clone(), csrf_of(&cookie));
    match known {
        Ok(visitor) => Ok(visitor),
        Err(nobody) => {
            turned_away(server, &identity.to_string(), &nobody.to_string(), address).await;
            Err(api::error(StatusCode::FORBIDDEN, &nobody.to_string(), Some("then sign in again")))
        }
    }
}

/// The answer to a token at an address that is not for it.
async fn out_of_scope(server: &Server, visitor: &Visitor, address: &Address) -> Option<Response> {
    let scopes = visitor.scopes.as_ref().filter(|_| !address.path.is_empty())?;
    let (message, next) = match needs(&address.method, &address.path) {
        Needs::Nothing => return None,
        Needs::Scope(scope) if scopes.contains(&scope) => return None,
        Needs::Scope(scope) => (
            format!("the token `{}` has no scope `{scope}`", visitor.identity.name),
            "make one that has it, with `firstline token create`",
        ),
        Needs::Person => ("only people decide and resolve, and this is a token".to_owned(), "sign in to the console"),
    };
    turned_away(server, &visitor.identity.to_string(), &message, address).await;
    Some(api::error(StatusCode::FORBIDDEN, &message, Some(next)))
}

async fn turned_away(server: &Server, identity: &str, why: &str, address: &Address) {
    let what = format!("{} {}", address.method, address.path);
    let event = AccessEvent::Refused { identity: identity.to_owned(), why: why.to_owned(), what };
    note(&server.app, &server.noted, event).await;
}

impl Server {
    /// With the prefix, browsers take the cookie over TLS and from this very host only.
    pub fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-firstline_session" } else { COOKIE }
    }

    /// The answer to somebody unknown; a page makes a link of where people sign in.
    fn stranger(&self, message: &str, next: &str) -> Response {
        let sign_in = self.oidc.as_ref().map(|_| "/sign-in/oidc");
        let body = Json(json!({ "error": message, "next": next, "sign_in": sign_in }));
        (StatusCode::UNAUTHORIZED, body).into_response()
    }

    pub(super) fn how_to_sign_in(&self) -> &'static str {
        if self.oidc.is_some() { "sign in at `/sign-in/oidc`, or send `Authorization: Bearer TOKEN`" } else { NOBODY }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Browsers send `Origin` with every write; programs send none.
fn is_our_origin(server: &Server, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| server.hosts.contains(host))
}

/// The person or program of a request that passed [`require_visitor`].
pub type Who = Extension<Visitor>;
