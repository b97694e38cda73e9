//! `firstline serve`: it follows files, lets in only whom it knows, and stops cleanly.

use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, until};
use tests::server::request;
use tests::story::Story;

/// Of the token `open-sesame`.
const TOKEN_DIGEST: &str = "d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7";
const TOKEN: (&str, &str) = ("authorization", "Bearer open-sesame");

fn config(place: &Place) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[sources.app]\npaths = [\"{}/*.log\"]\nservice = \"app\"\n[tokens]\nci = \"sha256:{TOKEN_DIGEST}\"\n",
        place.path("logs").display()
    )
}

fn line(n: usize) -> String {
    format!("{} INFO handled request number{n} in 12 ms\n", jiff::Timestamp::now())
}

fn total(place: &Place, query: &str) -> u64 {
    place.json(&["search", query])["total"].as_u64().expect("a count")
}

#[test]
fn a_growing_file_is_searchable_within_seconds_from_another_process() {
    let place = Place::new();
    place.write("logs/app.log", line(1));
    let serve = place.serve(&config(&place));
    until("the first line is there", || total(&place, "number1") == 1);
    place.append("logs/app.log", &line(2));
    let begun = std::time::Instant::now();
    until("the second line is there", || total(&place, "number2") == 1);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    // Rotated by renaming: the rest of the old one and all of the new one are read, nothing twice.
    place.append("logs/app.log", &line(3));
    std::fs::rename(place.path("logs/app.log"), place.path("logs/app.log.1")).expect("it can be renamed");
    place.write("logs/app.log", line(4));
    until("the new file is read", || total(&place, "number4") == 1);
    until("the old one is read to its end", || total(&place, "number3") == 1);

    // Rotated by copying and cutting.
    std::fs::copy(place.path("logs/app.log"), place.path("logs/app.log.2")).expect("it can be copied");
    place.write("logs/app.log", "");
    std::thread::sleep(Duration::from_millis(1_500));
    place.append("logs/app.log", &line(5));
    until("the line after the cut is read", || total(&place, "number5") == 1);
    assert_eq!(total(&place, "*"), 5, "{:#}", place.json(&["search", "*"]));

    let said = place.fails(1, &["index", "logs/app.log"]);
    assert!(said.contains("another process"), "one process writes: {said}");

    place.append("logs/app.log", &line(6));
    let (code, log) = serve.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    let serve = place.serve(&config(&place));
    until("what came at the end is there", || total(&place, "number6") == 1);
    drop(serve);
    assert_eq!(total(&place, "*"), 6);
}

#[test]
fn health_is_for_everybody_and_the_rest_for_those_it_knows() {
    let place = Place::new();
    place.write("logs/app.log", line(1));
    let serve = place.serve(&config(&place));
    assert_eq!(serve.get("/healthz", &[]).status, 200);
    assert_eq!(serve.get("/readyz", &[("host", "10.0.0.1")]).status, 200, "a load balancer knows no name");
    for path in ["/metrics", "/api/session", "/api/search?q=*", "/api/deploys", "/api/events"] {
        assert_eq!(serve.get(path, &[]).status, 401, "{path}");
        assert_eq!(serve.get(path, &[("authorization", "Bearer wrong")]).status, 401, "{path}");
    }
    let metrics = serve.get("/metrics", &[TOKEN]);
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("firstline_records_total"), "{}", metrics.body);
    assert_eq!(serve.get("/api/search?q=*", &[TOKEN]).status, 200);
    assert_eq!(serve.get("/api/search?q=*", &[TOKEN, ("host", "evil.example")]).status, 421);
    assert_eq!(serve.get("/api/nothing-here", &[TOKEN]).status, 404);
    assert_eq!(serve.post("/api/ask", &[TOKEN], &json!({"question": ""})).status, 400);
}

#[test]
fn a_sign_in_link_works_once_and_writes_need_the_pages_own_token() {
    let place = Place::new();
    place.write("logs/app.log", line(1));
    let serve = place.serve(&config(&place));
    let person = serve.sign_in();
    let path = serve.link.split_once(&serve.address).expect("the link names the address").1.to_owned();
    assert_eq!(serve.get(&path, &[]).status, 401, "the link is used up");
    assert_eq!(serve.get("/sign-in/0000", &[]).status, 401);

    let cookie = ("cookie", person.cookie.as_str());
    let csrf = ("x-csrf-token", person.csrf.as_str());
    let change = json!({"service": "app", "version": "v1"});
    let own = format!("http://{}", serve.address);
    assert_eq!(serve.post("/api/deploys", &[cookie], &change).status, 403, "without the token");
    assert_eq!(serve.post("/api/deploys", &[cookie, ("x-csrf-token", "guess")], &change).status, 403);
    assert_eq!(serve.post("/api/deploys", &[cookie, csrf, ("origin", "https://evil.example")], &change).status, 403);
    assert_eq!(serve.post("/api/deploys", &[cookie, csrf, ("origin", "null")], &change).status, 403);
    assert_eq!(place.json(&["deploy", "list"])["changes"], json!([]));
    assert_eq!(serve.post("/api/deploys", &[cookie, csrf, ("origin", &own)], &change).status, 201);
    assert_eq!(serve.post("/api/deploys", &[("authorization", "bearer"), cookie], &change).status, 403);
}

#[test]
fn deploys_are_recorded_over_http_and_seen_by_other_processes() {
    let place = Place::new();
    place.write("logs/app.log", line(1));
    let serve = place.serve(&config(&place));
    let change = json!({"service": "app", "version": "v2", "previous": "v1", "env": "production", "at": "2026-01-02T03:04:05Z", "by": "mara"});
    let reply = serve.post("/api/deploys", &[TOKEN], &change);
    assert_eq!((reply.status, &reply.json()["recorded"]), (201, &json!(true)), "{reply:?}");
    let again = serve.post("/api/deploys", &[TOKEN], &change);
    assert_eq!((again.status, &again.json()["recorded"]), (200, &json!(false)), "{again:?}");
    let listed = place.json(&["deploy", "list"]);
    assert_eq!(listed["changes"].as_array().map(Vec::len), Some(1), "{listed:#}");
    assert_eq!(listed["changes"][0]["at"], "2026-01-02T03:04:05.000000Z");
    let unsigned = serve.post("/api/deploys", &[TOKEN], &json!({"service": "app", "version": "v3"}));
    assert_eq!(unsigned.json()["change"]["by"], "ci", "who sends it, when it says nobody");
    let empty = serve.post("/api/deploys", &[TOKEN], &json!({"service": "", "version": "v"}));
    assert!(empty.status == 400 && empty.body.contains("1 to 200 visible characters"), "{empty:?}");
}

#[test]
fn a_mistake_in_a_request_is_said_with_what_to_send() {
    let place = Place::new();
    let serve = place.serve(&config(&place));
    let json = ("content-type", "application/json");
    let refuses = |method: &str, path: &str, headers: &[(&str, &str)], body: &str, expected: &str, next: &str| {
        let refused = request(&serve.address, method, path, headers, body);
        let said = |key: &str| refused.json()[key].as_str().unwrap_or_default().to_owned();
        assert!(matches!(refused.status, 400 | 401 | 405 | 413), "{refused:?}");
        assert!(said("error").starts_with(expected) && said("next").contains(next), "{body}: {refused:?}");
        assert!(!refused.body.contains("deserialize") && !refused.body.contains("field"), "{refused:?}");
    };
    let deploys = |body: &str, expected: &str, next: &str| {
        refuses("POST", "/api/deploys", &[TOKEN, json], body, expected, next);
    };
    let like = r#"send a body like `{"service":"checkout","version":"v1.42"}`"#;
    deploys(r#"{"service":"app"}"#, "`version` is missing", like);
    deploys(r#"{"service":"app","version":7}"#, "`version` must be text", like);
    deploys(r#"{"service":"app","version":"v","verison":1}"#, "unknown key `verison`; did you mean `version`?", like);
    deploys(r#"{"service":"app","version":"v","kind":"flagg"}"#, "`kind`: unknown value `flagg`", like);
    deploys("{", "the body is not JSON: it ends too early", like);
    deploys("", "the body is empty", like);
    deploys("[]", "the body is not a JSON object", like);
    deploys(
        r#"{"service":"app","version":"v","at":"noonish"}"#,
        "`at`: cannot read `noonish` as a time; write",
        "`at`",
    );
    refuses("POST", "/api/deploys", &[TOKEN], "{}", "the header `Content-Type: application/json` is missing", like);
    refuses("POST", "/api/ask", &[TOKEN, json], "{}", "`question` is missing", "checkout");
    refuses("GET", "/api/search", &[TOKEN], "", "`q` is missing", "address");
    refuses("GET", "/api/search?q=*&limit=few", &[TOKEN], "", "`limit` must be a whole number", "address");
    // What is announced is refused before it is sent.
    let long = ("content-length", "2097152");
    refuses("POST", "/api/ask", &[TOKEN, json, long], "", "the body is longer than 1 MiB", "less");
    refuses("GET", "/api/ask", &[TOKEN], "", "this address takes no such request", "`Allow`");
    let unknown = ("authorization", "Bearer guess");
    refuses("GET", "/api/session", &[unknown], "", "this token is unknown or revoked", "[tokens]");
    refuses("GET", "/api/session", &[], "", "you are not signed in", "sign-in link");
}

#[test]
fn an_answer_over_http_is_the_document_that_the_terminal_prints() {
    let place = Place::new();
    let story = Story::until_now();
    place.write("logs/shop.log", &story.log);
    let serve = place.serve(&config(&place).replace("service = \"app\"\n", ""));
    until("all lines are there", || total(&place, "*") == story.lines as u64);
    story.record_deploy(&place);
    let answer = serve.post("/api/ask", &[TOKEN], &json!({"question": "why is checkout failing?"})).json();
    assert_eq!(answer["schema"], "answer.v1");
    assert_eq!(answer["verdict"], "cause", "{answer:#}");
    let there = place.json(&["ask", "why is checkout failing?"]);
    let keys = |value: &Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    assert_eq!(keys(&answer), keys(&there));
    let replayed = place.json(&["replay", answer["id"].as_str().expect("an id")]);
    assert_eq!(replayed, answer);
}
