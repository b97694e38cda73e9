//! Who may come in: known hosts only, then a session or a token, and for writes from a browser its own origin and token.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;

use super::{Server, api};
use crate::session::Visitor;

pub const COOKIE: &str = "firstline_session";

const UNKNOWN_TOKEN: &str = "declare it in `[tokens]` of the config, as a name and `sha256:` with what \
                             `printf %s TOKEN | sha256sum` prints, and start `firstline serve` again";
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
    let now = server.app.now();
    let by_cookie = || jar.get(COOKIE).and_then(|cookie| server.sessions.by_cookie(cookie.value(), now));
    let token = bearer(request.headers());
    let Some(visitor) = token.map_or_else(by_cookie, |token| server.sessions.by_token(token)) else {
        let (message, next) = match token {
            Some(_) => ("this token is unknown or revoked", UNKNOWN_TOKEN),
            None => ("you are not signed in", NOBODY),
        };
        return api::error(StatusCode::UNAUTHORIZED, message, Some(next));
    };
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD);
    if is_write && !is_our_origin(&server, request.headers()) {
        return api::error(StatusCode::FORBIDDEN, "this request comes from another site", None);
    }
    let csrf = request.headers().get("x-csrf-token").and_then(|token| token.to_str().ok());
    if is_write && !visitor.may_write(csrf) {
        return api::error(StatusCode::FORBIDDEN, "this page is out of date", Some("reload it and try again"));
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
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

/// The person of a request that passed [`require_visitor`].
pub type Who = Extension<Visitor>;
