//! A provider against a server on loopback that is strict about what it is sent and misbehaves in every way it can.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use llm::{Error, OpenAi, Provider, Reply};
use prompts::Prompt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KEY: &str = "sk-test-5ecret";

/// How the server answers one request.
#[derive(Clone, Debug)]
enum Act {
    Say(&'static str),
    Json(Value),
    Raw(u16, String),
    /// Refuses what the form of the request holds, as a server does that does not know it.
    RefuseField(&'static str),
    RetryAfter(u64),
    Redirect(String),
    Slow(Duration),
    Huge,
}

#[derive(Clone, Default)]
struct Fake {
    acts: Arc<Mutex<VecDeque<Act>>>,
    /// Bodies of the requests, in order.
    seen: Arc<Mutex<Vec<Value>>>,
}

fn completion(text: &str) -> Value {
    json!({"model": "small-7b", "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
           "usage": {"prompt_tokens": 120, "completion_tokens": 30}})
}

/// Says what is wrong with a request; a wrong one gets a status that nothing here expects.
fn wrong_with(path: &str, method: &str, headers: &axum::http::HeaderMap, body: &Value) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let messages = json!([{"role": "system", "content": "the rules"}, {"role": "user", "content": "the data"}]);
    let expected = [
        ("method", method == "POST"),
        ("path", path == "/v1/chat/completions"),
        ("authorization", header("authorization") == format!("Bearer {KEY}")),
        ("content type", header("content-type") == "application/json"),
        ("model", body["model"] == json!("small")),
        ("messages", body["messages"] == messages),
        ("stream", body["stream"] == json!(false)),
        ("limit", body["max_completion_tokens"] == json!(700) || body["max_tokens"] == json!(700)),
        ("one limit", body.get("max_completion_tokens").is_none() || body.get("max_tokens").is_none()),
        ("no tools", body.get("tools").is_none() && body.get("functions").is_none()),
    ];
    expected.iter().find(|(_, is_right)| !is_right).map(|(what, _)| (*what).to_owned())
}

async fn serve(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a request body");
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    fake.seen.lock().expect("lock").push(body.clone());
    if let Some(what) = wrong_with(parts.uri.path(), parts.method.as_str(), &parts.headers, &body) {
        return (StatusCode::IM_A_TEAPOT, json!({"error": {"message": what}}).to_string()).into_response();
    }
    let act = fake.acts.lock().expect("lock").pop_front().expect("the script goes on");
    match act {
        Act::Say(text) => completion(text).to_string().into_response(),
        Act::Json(reply) => reply.to_string().into_response(),
        Act::Raw(status, text) => (StatusCode::from_u16(status).expect("a status"), text).into_response(),
        Act::RefuseField(field) => {
            assert!(body.get(field).is_some(), "`{field}` was not sent");
            let message = format!("Unsupported parameter: '{field}'");
            (StatusCode::BAD_REQUEST, json!({"error": {"message": message}}).to_string()).into_response()
        }
        Act::RetryAfter(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())], "slow down").into_response()
        }
        Act::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Act::Slow(wait) => {
            tokio::time::sleep(wait).await;
            completion("late").to_string().into_response()
        }
        Act::Huge => {
            let chunk = Bytes::from(vec![b' '; 64 * 1024]);
            let chunks = (0..10_000).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
            Body::from_stream(tokio_stream::iter(chunks)).into_response()
        }
    }
}

impl Fake {
    async fn start(acts: impl IntoIterator<Item = Act>) -> (Fake, SocketAddr) {
        let fake = Fake { acts: Arc::new(Mutex::new(acts.into_iter().collect())), ..Fake::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(serve).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (fake, address)
    }

    fn seen(&self) -> Vec<Value> {
        self.seen.lock().expect("lock").clone()
    }
}

fn provider(address: SocketAddr, timeout: Duration) -> Arc<dyn Provider> {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings =
        OpenAi { base_url: format!("http://{address}/v1/"), model: "small".to_owned(), key: Some(KEY.into()), timeout };
    assert!(!format!("{settings:?}").contains(KEY));
    llm::openai(settings).expect("a provider")
}

fn prompt() -> Prompt {
    Prompt {
        name_version: "tell@v1".to_owned(),
        digest: "d".to_owned(),
        system: "the rules".to_owned(),
        user: "the data".to_owned(),
        schema: json!({"type": "object"}),
        max_tokens: 700,
        shown_records: 0,
    }
}

/// Asks once of a server that acts as told; no error may hold the key, however it is printed.
async fn ask(acts: impl IntoIterator<Item = Act>) -> (Result<Reply, Error>, Fake) {
    let (fake, address) = Fake::start(acts).await;
    let outcome = provider(address, Duration::from_secs(20)).complete(&prompt()).await;
    if let Err(error) = &outcome {
        assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    (outcome, fake)
}

/// Asks once and returns the word for the failure and the number of requests that it took.
async fn degraded(acts: impl IntoIterator<Item = Act>) -> (&'static str, usize, String) {
    let (outcome, fake) = ask(acts).await;
    let error = outcome.expect_err("a failure");
    (error.degraded_as(), fake.seen().len(), error.to_string())
}

#[track_caller]
fn check(got: (&'static str, usize, String), word: &str, requests: usize, part: &str) {
    assert_eq!((got.0, got.1), (word, requests), "{}", got.2);
    assert!(got.2.contains(part), "{}", got.2);
}

#[tokio::test]
async fn a_good_reply_comes_back_with_its_counts() {
    let (outcome, fake) = ask([Act::Say("hello")]).await;
    let expected = Reply { text: "hello".into(), model: "small-7b".into(), tokens_in: 120, tokens_out: 30 };
    assert_eq!(outcome, Ok(expected));
    let format = &fake.seen()[0]["response_format"];
    assert_eq!(format["type"], json!("json_schema"));
    assert_eq!(format["json_schema"]["schema"], json!({"type": "object"}));
    assert_eq!(format["json_schema"]["name"], json!("tell_v1"));
}

#[tokio::test]
async fn a_server_that_says_little_is_enough() {
    let (outcome, _) = ask([Act::Json(json!({"choices": [{"message": {"content": "hello"}}]}))]).await;
    assert_eq!(outcome, Ok(Reply { text: "hello".into(), model: String::new(), tokens_in: 0, tokens_out: 0 }));
}

#[tokio::test]
async fn what_the_server_does_not_know_is_left_out_and_that_is_remembered() {
    let acts = [
        Act::RefuseField("response_format"),
        Act::RefuseField("max_completion_tokens"),
        Act::Say("one"),
        Act::Say("two"),
    ];
    let (fake, address) = Fake::start(acts).await;
    let provider = provider(address, Duration::from_secs(20));
    for expected in ["one", "two"] {
        assert_eq!(provider.complete(&prompt()).await.expect("a reply").text, expected);
    }
    let seen = fake.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen[2].get("response_format").is_none() && seen[2]["max_tokens"] == json!(700));
    assert_eq!(seen[2], seen[3]);
}

#[tokio::test]
async fn a_refusal_with_another_reason_is_not_remembered() {
    let refuse = || Act::Raw(400, json!({"error": {"message": format!("bad key {KEY}\nhere")}}).to_string());
    let (fake, address) = Fake::start([refuse(), refuse(), Act::Say("ok")]).await;
    let provider = provider(address, Duration::from_secs(20));
    let error = provider.complete(&prompt()).await.expect_err("refused");
    assert_eq!(error.degraded_as(), "invalid");
    assert!(error.to_string().contains("bad key [secret] here"), "{error}");
    assert!(provider.complete(&prompt()).await.is_ok());
    assert!(fake.seen()[2].get("response_format").is_some());
}

#[tokio::test]
async fn a_passing_failure_is_tried_once_more() {
    let (outcome, fake) = ask([Act::Raw(500, "boom".into()), Act::Say("hello")]).await;
    assert_eq!((outcome.expect("a reply").text.as_str(), fake.seen().len()), ("hello", 2));
    let (outcome, fake) = ask([Act::RetryAfter(1), Act::Say("hello")]).await;
    assert_eq!((outcome.expect("a reply").text.as_str(), fake.seen().len()), ("hello", 2));
    check(degraded([Act::Raw(503, KEY.into()), Act::Raw(502, "x".into())]).await, "unreachable", 2, "502");
    check(degraded([Act::RetryAfter(0), Act::RetryAfter(0)]).await, "rate_limited", 2, "429");
    check(degraded([Act::RetryAfter(3600)]).await, "rate_limited", 1, "429");
}

#[tokio::test]
async fn a_reply_that_is_none_is_invalid() {
    let choice =
        |reason: &str, text: Value| json!({"choices": [{"finish_reason": reason, "message": {"content": text}}]});
    for (act, part) in [
        (Act::Raw(200, "<html>hello</html>".into()), "not JSON"),
        (Act::Raw(200, String::new()), "not JSON"),
        (Act::Json(json!({"hello": 1})), "no chat completion"),
        (Act::Json(json!({"choices": []})), "no choices"),
        (Act::Json(choice("length", json!("{\"sen"))), "cut off after 700"),
        (Act::Json(choice("stop", Value::Null)), "empty"),
        (Act::Json(choice("content_filter", json!(""))), "filter"),
        (Act::Json(json!({"choices": [{"message": {"refusal": "no"}}]})), "declined"),
        (Act::Huge, "longer than 1048576 bytes"),
        (Act::Raw(404, "<html>".into()), "404"),
        (Act::Raw(401, json!({"error": {"message": format!("wrong key {KEY}")}}).to_string()), "`llm.api_key`"),
    ] {
        check(degraded([act]).await, "invalid", 1, part);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, address) = Fake::start([Act::Say("stolen")]).await;
    let to = format!("http://{address}/v1/chat/completions");
    check(degraded([Act::Redirect(to)]).await, "invalid", 1, "307");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_slow_server_is_given_up_in_time() {
    let (_, address) = Fake::start([Act::Slow(Duration::from_secs(60))]).await;
    let start = Instant::now();
    let error = provider(address, Duration::from_millis(500)).complete(&prompt()).await.expect_err("too slow");
    assert_eq!(error.degraded_as(), "timeout");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_passing_failure() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(Mutex::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            *count.lock().expect("lock") += 1;
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\": [").await;
        }
    });
    let error = provider(address, Duration::from_secs(20)).complete(&prompt()).await.expect_err("broken off");
    assert_eq!((error.degraded_as(), *requests.lock().expect("lock")), ("unreachable", 2), "{error}");
}

#[tokio::test]
async fn five_failures_in_a_row_leave_the_server_alone() {
    let (fake, address) = Fake::start(vec![Act::Raw(404, String::new()); 5]).await;
    let provider = provider(address, Duration::from_secs(20));
    for _ in 0..5 {
        assert_eq!(provider.complete(&prompt()).await.expect_err("refused").degraded_as(), "invalid");
    }
    assert_eq!(provider.complete(&prompt()).await.expect_err("open").degraded_as(), "breaker");
    assert_eq!(fake.seen().len(), 5);
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = provider(address, Duration::from_secs(20)).complete(&prompt()).await.expect_err("nobody");
    assert_eq!(error.degraded_as(), "unreachable");
    assert!(error.to_string().contains("refused"), "{error}");
}
