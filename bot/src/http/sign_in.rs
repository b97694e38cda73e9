//! The one-time sign-in link, and what its reader sees when it does not work any more.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::Deserialize;
use serde_json::json;

use super::api::asked::{Body, Form};
use super::guard::Who;
use super::{Server, api};
use crate::app::Refused;
use crate::console;
use crate::session::identity_of;
use crate::visitor::{AccessEvent, note};

const USED: &str = "this sign-in link was used or is too old";

/// Trades a one-time link for a session.
pub async fn sign_in(
    State(server): State<Arc<Server>>,
    Path(link): Path<String>,
    jar: CookieJar,
    headers: HeaderMap,
) -> Response {
    let now = server.app.now();
    match server.sessions.redeem(&link, now).await {
        Ok(Some(secret)) => return enter(&server, jar, secret, "by a one-time link").await,
        Ok(None) => {}
        Err(error) => return Refused::from(error).into_response(),
    }
    // A link that is opened twice in the same browser should not throw its owner out.
    if let Some(cookie) = jar.get(server.cookie_name())
        && let Ok(Some(_)) = server.sessions.by_cookie(cookie.value(), now).await
    {
        return Redirect::to("/").into_response();
    }
    if wants_page(&headers) {
        return used_page(server.is_demo);
    }
    api::error(StatusCode::UNAUTHORIZED, USED, Some(&next_step(server.is_demo)))
}

/// Sets a session's cookie, records who came, and goes to the console.
pub(super) async fn enter(server: &Server, jar: CookieJar, secret: String, how: &str) -> Response {
    if let Ok(Some(identity)) = server.sessions.by_cookie(&secret, server.app.now()).await {
        let event = AccessEvent::SignedIn { identity: identity.to_string(), how: how.to_owned() };
        note(&server.app, &server.noted, event).await;
    }
    let cookie = session_cookie(server.cookie_name(), server.is_secure(), secret);
    (jar.add(cookie), Redirect::to("/")).into_response()
}

/// No script reads it, no other site sends it, and over TLS nothing but TLS carries it.
fn session_cookie(name: &'static str, is_secure: bool, secret: String) -> Cookie<'static> {
    let cookie = Cookie::build((name, secret)).path("/").http_only(true).same_site(SameSite::Strict);
    cookie.secure(is_secure).build()
}

#[derive(Deserialize, Default)]
pub struct SignOut {
    /// All sessions of this person, whichever device and account.
    #[serde(default)]
    everywhere: bool,
}

impl Form for SignOut {
    const LIKE: &'static str = r#"{"everywhere":false}"#;
}

/// Ends this session, or all of the same person.
pub async fn sign_out(
    State(server): State<Arc<Server>>,
    Extension(visitor): Who,
    jar: CookieJar,
    Body(asked): Body<SignOut>,
) -> Result<Response, Refused> {
    if let Some(cookie) = jar.get(server.cookie_name()) {
        server.sessions.end(cookie.value()).await?;
    }
    if asked.everywhere {
        let rules = server.app.rules();
        let profile = rules.people().profile(&visitor.person.id);
        let accounts = profile.map(|profile| profile.identities.clone()).unwrap_or_default();
        for identity in accounts.iter().map(|account| identity_of(account)).chain([visitor.identity.clone()]) {
            server.sessions.end_all_of(&identity).await?;
        }
    }
    let identity = visitor.identity.to_string();
    note(&server.app, &server.noted, AccessEvent::SignedOut { identity, everywhere: asked.everywhere }).await;
    let gone = Cookie::build((server.cookie_name(), "")).path("/").secure(server.is_secure()).build();
    Ok((jar.remove(gone), Json(json!({ "signed_out": true }))).into_response())
}

/// Browsers ask for HTML by name; programs that take anything get JSON.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn next_step(is_demo: bool) -> String {
    let again = if is_demo {
        "end the demo with Ctrl-C and run `firstline demo` again: it prints a new link"
    } else {
        "restart `firstline serve`: it prints a new link when it starts"
    };
    format!("use the browser in which you opened it first, or {again}")
}

fn used_page(is_demo: bool) -> Response {
    page(
        StatusCode::UNAUTHORIZED,
        "This sign-in link does not work any more",
        &[
            "It was used already, or it is older than half an hour. Each link signs in once.",
            "Did you open it in another browser or window before? You are signed in there. \
             In this browser, try <a href=\"/\">the console</a>.",
            again(is_demo),
        ],
    )
}

fn again(is_demo: bool) -> &'static str {
    if is_demo {
        "Or press Ctrl-C in the terminal of the demo and run <code>firstline demo</code> again. It prints a new link."
    } else {
        "Or restart <code>firstline serve</code>. It prints a new link when it starts."
    }
}

/// A page for whoever is not signed in; `title` and `paragraphs` are markup of ours.
pub(super) fn page(status: StatusCode, title: &str, paragraphs: &[&str]) -> Response {
    let paragraphs: Vec<String> = paragraphs.iter().map(|text| format!("<p>{text}</p>")).collect();
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Not signed in · Firstline</title></head>\n\
         <body><main>\n<h1>{title}</h1>\n{}\n</main></body></html>\n",
        paragraphs.join("\n")
    );
    let mut response = (status, Html(html)).into_response();
    console::secure(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_cookie_is_for_this_host_and_no_script() {
        let secure = session_cookie("__Host-firstline_session", true, "x".to_owned()).to_string();
        assert_eq!(secure, "__Host-firstline_session=x; HttpOnly; SameSite=Strict; Secure; Path=/");
        let plain = session_cookie("firstline_session", false, "x".to_owned()).to_string();
        assert_eq!(plain, "firstline_session=x; HttpOnly; SameSite=Strict; Path=/");
    }

    #[test]
    fn each_mode_says_what_to_do_in_it() {
        for (is_demo, said, unsaid) in [(true, "firstline demo", "serve"), (false, "firstline serve", "demo")] {
            for text in [again(is_demo).to_owned(), next_step(is_demo)] {
                assert!(text.contains(said) && !text.contains(unsaid), "{text}");
            }
        }
    }
}
