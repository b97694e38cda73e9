//! The console's page, scripts and styles, embedded in the program, with the headers that keep them harmless.
//! Everything is served from here and nothing from elsewhere: the policy allows no other origin, no inline code, no form.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// Returns `/` and `/assets/*`; they hold no data and need no session.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(index)).route("/assets/{*path}", get(asset)).route("/favicon.ico", get(favicon))
}

/// Adds the headers that every answer of the program carries, data included.
pub fn secure(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}

async fn index(headers: HeaderMap) -> Response {
    serve("index.html", &headers)
}

async fn favicon(headers: HeaderMap) -> Response {
    serve("favicon.svg", &headers)
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&path, &headers)
}

fn serve(path: &str, request: &HeaderMap) -> Response {
    let mut response = match (Assets::get(path), media_type(path)) {
        (Some(file), Some(media_type)) => found(&file, media_type, request),
        _ => (StatusCode::NOT_FOUND, "no such page; the console is at /").into_response(),
    };
    secure(response.headers_mut());
    response
}

/// Names do not change with their content, so a browser asks each time and is told that nothing changed.
fn found(file: &EmbeddedFile, media_type: &'static str, request: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let is_known = request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes are a header value")),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.clone().into_owned()).into_response()
}

/// `None` for what the console does not consist of, so that a stray file in the folder is never served.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    match ending {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, status: StatusCode) -> Response {
        let response = serve(path, &HeaderMap::new());
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], CONTENT_SECURITY_POLICY);
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        response
    }

    #[test]
    fn only_the_console_is_served() {
        check("index.html", StatusCode::OK);
        check("app.js", StatusCode::OK);
        check("../Cargo.toml", StatusCode::NOT_FOUND);
        check("nothing.js", StatusCode::NOT_FOUND);
    }

    #[test]
    fn an_unchanged_file_is_not_sent_again() {
        let tag = check("app.js", StatusCode::OK).headers()[header::ETAG].clone();
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, tag);
        assert_eq!(serve("app.js", &request).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_no_text_becomes_markup() {
        for path in Assets::iter() {
            let file = Assets::get(&path).expect("it was just listed");
            let text = String::from_utf8_lossy(&file.data);
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "<style", "style="]
            {
                assert!(!text.contains(forbidden), "{path} uses {forbidden}");
            }
            let elsewhere = ["http://", "https://"]
                .iter()
                .flat_map(|scheme| text.match_indices(scheme))
                .find(|(at, _)| !text[*at..].starts_with("http://www.w3.org/2000/svg"));
            assert_eq!(elsewhere, None, "{path} names another origin");
        }
    }
}
