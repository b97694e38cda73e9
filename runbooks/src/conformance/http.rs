//! `http` against a server that answers well, badly, late and not at all.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get, post};
use axum::{Json, Router};

use super::*;

static EVIL_CALLS: AtomicUsize = AtomicUsize::new(0);

async fn restart(Query(query): Query<BTreeMap<String, String>>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    if header("authorization") != "Bearer s3cret" {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "needs a token"})));
    }
    let key = if query.contains_key("dry_run") { "would" } else { "done" };
    (StatusCode::OK, Json(json!({key: format!("restart of {body} {}", header("idempotency-key"))})))
}

pub(super) async fn server() -> String {
    let slow = || async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        "late"
    };
    let evil = || async {
        EVIL_CALLS.fetch_add(1, Ordering::SeqCst);
    };
    let big = || async { "x".repeat(99) + "\n" + &"line of output\n".repeat(50_000) };
    let broken = || async { (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": "no leader"}))) };
    let between = || async { (StatusCode::GATEWAY_TIMEOUT, "nobody") };
    let echo = |request: Request| async move { request.uri().to_string() };
    let router = Router::new()
        .route("/v1/restart", post(restart))
        .route("/slow", any(slow))
        .route("/redirect", any(|| async { Redirect::temporary("/evil") }))
        .route("/evil", any(evil))
        .route("/big", get(big))
        .route("/broken", post(broken))
        .route("/between", post(between))
        .route("/echo", get(echo))
        .route("/conflict", post(|| async { (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/plain")], "busy") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

pub(super) async fn actions_at(base_url: &str) -> Actions {
    actions(json!({"endpoints": {
        "operations": {"base_url": base_url, "headers": {"authorization": "env:TOKEN"}, "dry_run": "dry_run=true"},
        "anonymous": {"base_url": base_url},
        "tokenless": {"base_url": base_url, "headers": {"authorization": "env:NOPE"}},
        "gone": {"base_url": "http://127.0.0.1:1"},
        "metadata": {"base_url": "http://169.254.169.254"},
    }}))
}

#[tokio::test]
async fn answers_are_told_apart() {
    let actions = actions_at(&server().await).await;
    let cases = [
        ("operations", "/v1/restart", "POST", Outcomes::Succeeded, "restart of {\"service\":\"cart\"} key-1"),
        ("anonymous", "/v1/restart", "POST", Outcomes::Refused, "refused with 401 Unauthorized: needs a token"),
        ("tokenless", "/v1/restart", "POST", Outcomes::Refused, "there is no secret `env:NOPE`"),
        ("operations", "/nowhere", "POST", Outcomes::Refused, "404"),
        ("operations", "/conflict", "POST", Outcomes::Refused, "409"),
        ("operations", "/broken", "POST", Outcomes::Failed, "failed with 500 Internal Server Error: no leader"),
        ("operations", "/between", "POST", Outcomes::Unknown, "it may have happened"),
        ("operations", "/slow", "POST", Outcomes::Unknown, "it may have happened"),
        ("operations", "/redirect", "POST", Outcomes::Refused, "redirects are not followed"),
        ("gone", "/", "POST", Outcomes::Refused, "nothing was sent"),
        ("metadata", "/latest", "GET", Outcomes::Refused, "link-local or metadata"),
        ("operations", "/v1/../evil", "POST", Outcomes::Refused, "must begin with `/`"),
        ("operations", "/v1/restart?x=1", "POST", Outcomes::Refused, "must begin with `/`"),
        ("elsewhere", "/", "POST", Outcomes::Refused, "unknown endpoint `elsewhere` (known: anonymous"),
    ];
    for (endpoint, path, method, result, summary) in cases {
        let arguments = json!({"endpoint": endpoint, "path": path, "method": method, "body": {"service": "cart"}});
        assert_outcome(&run(&actions, "http", arguments, 700, None).await, result, summary);
    }
    assert_eq!(EVIL_CALLS.load(Ordering::SeqCst), 0, "a redirect was followed");
}

#[tokio::test]
async fn expectations_are_checked() {
    let actions = actions_at(&server().await).await;
    let arguments = |expect: Value| json!({"endpoint": "operations", "path": "/echo", "method": "GET", "query": {"q": "a b&c"}, "expect": expect});
    let tried = run(&actions, "http", arguments(json!({"contains": "q=a+b%26c"})), 2_000, None).await;
    assert_outcome(&tried, Outcomes::Succeeded, "200 OK");
    let tried = run(&actions, "http", arguments(json!({"contains": "absent"})), 2_000, None).await;
    assert_outcome(&tried, Outcomes::Failed, "but without `absent`");
    let tried = run(&actions, "http", arguments(json!({"status": 202})), 2_000, None).await;
    assert_outcome(&tried, Outcomes::Failed, "instead of 202");
}

#[tokio::test]
async fn a_cancelled_request_may_have_happened() {
    let actions = actions_at(&server().await).await;
    let arguments = json!({"endpoint": "operations", "path": "/slow"});
    let tried = run(&actions, "http", arguments.clone(), 20_000, Some(100)).await;
    assert_outcome(&tried, Outcomes::Unknown, "cancelled while waiting");
}

#[tokio::test]
async fn a_long_answer_is_kept_in_part() {
    let actions = actions_at(&server().await).await;
    let arguments = json!({"endpoint": "operations", "path": "/big", "method": "GET"});
    let tried = run(&actions, "http", arguments, 10_000, None).await;
    assert_outcome(&tried, Outcomes::Succeeded, "200 OK");
    assert!(tried.outcome.bytes_left_out > 500_000 && tried.outcome.output.as_str().len() < 140_000);
    assert!(tried.live.starts_with("xxx"));
}

#[tokio::test]
async fn a_rehearsal_asks_and_does_nothing() {
    let actions = actions_at(&server().await).await;
    let redactor = Redactor::new([7; 32]);
    let arguments = |endpoint: &str| json!({"endpoint": endpoint, "path": "/v1/restart", "body": {"service": "cart"}});
    let said = crate::execute::rehearse(&actions, "http", &arguments("operations"), &redactor).await;
    assert!(said.unwrap().unwrap().as_str().starts_with("restart of"));
    let said = crate::execute::rehearse(&actions, "http", &arguments("anonymous"), &redactor).await;
    assert_eq!(said, Ok(None), "an endpoint that declares no dry run is not called");
    let conflict = json!({"endpoint": "operations", "path": "/conflict"});
    assert!(crate::execute::rehearse(&actions, "http", &conflict, &redactor).await.unwrap_err().contains("409"));
}
