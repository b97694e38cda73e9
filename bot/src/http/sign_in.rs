//! The one-time sign-in link, and what its reader sees when it does not work any more.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use super::guard::COOKIE;
use super::{Server, api};
use crate::console;

const USED: &str = "this sign-in link was used or is too old";

/// Trades a one-time link for a session.
pub async fn sign_in(
    State(server): State<Arc<Server>>,
    Path(link): Path<String>,
    jar: CookieJar,
    headers: HeaderMap,
) -> Response {
    let now = server.app.now();
    if let Some(secret) = server.sessions.redeem(&link, now) {
        let cookie = Cookie::build((COOKIE, secret)).path("/").http_only(true).same_site(SameSite::Strict);
        return (jar.add(cookie), Redirect::to("/")).into_response();
    }
    // A link that is opened twice in the same browser should not throw its owner out.
    if jar.get(COOKIE).is_some_and(|cookie| server.sessions.by_cookie(cookie.value(), now).is_some()) {
        return Redirect::to("/").into_response();
    }
    if wants_page(&headers) {
        return page(server.is_demo);
    }
    api::error(StatusCode::UNAUTHORIZED, USED, Some(&next_step(server.is_demo)))
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

fn page(is_demo: bool) -> Response {
    let mut response = (StatusCode::UNAUTHORIZED, Html(html(is_demo))).into_response();
    console::secure(response.headers_mut());
    response
}

fn html(is_demo: bool) -> String {
    let again = if is_demo {
        "Or press Ctrl-C in the terminal of the demo and run <code>firstline demo</code> again. It prints a new link."
    } else {
        "Or restart <code>firstline serve</code>. It prints a new link when it starts."
    };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Not signed in · Firstline</title></head>\n\
         <body><main>\n<h1>This sign-in link does not work any more</h1>\n\
         <p>It was used already, or it is older than half an hour. Each link signs in once.</p>\n\
         <p>Did you open it in another browser or window before? You are signed in there. \
         In this browser, try <a href=\"/\">the console</a>.</p>\n<p>{again}</p>\n</main></body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_says_what_to_do_in_it() {
        for (is_demo, said, unsaid) in [(true, "firstline demo", "serve"), (false, "firstline serve", "demo")] {
            for text in [html(is_demo), next_step(is_demo)] {
                assert!(text.contains(said) && !text.contains(unsaid), "{text}");
            }
        }
    }
}
