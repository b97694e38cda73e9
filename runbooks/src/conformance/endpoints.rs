//! What the declaration of an endpoint lets an `http` step do, and every way around it that we could think of.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use axum::routing::any;
use axum::{Json, Router};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::http::{actions_at, server};
use super::*;

/// A server that does what it is asked unless the first `dry_run` says otherwise, and counts what it did.
async fn worker() -> (String, Arc<AtomicUsize>) {
    let done = Arc::new(AtomicUsize::new(0));
    let count = done.clone();
    let work = move |request: Request| {
        let query = request.uri().query().unwrap_or("").to_owned();
        let asked = query.split('&').find(|pair| pair.to_lowercase().starts_with("dry_run=")).map(str::to_owned);
        if asked.is_none_or(|asked| !asked.ends_with("=true")) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        async { Json(json!({"state": "done", "deep": {"list": [1, "two"]}})) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(work))).await });
    (format!("http://{address}"), done)
}

#[tokio::test]
async fn a_step_cannot_talk_a_rehearsal_out_of_being_one() {
    let (url, done) = worker().await;
    let actions = actions(json!({"endpoints": {"operations": {"base_url": url, "dry_run": "dry_run=true"}}}));
    let redactor = Redactor::new([7; 32]);
    let plain = json!({"endpoint": "operations", "path": "/v1/x"});
    assert!(crate::execute::rehearse(&actions, "http", &plain, &redactor).await.is_ok());
    for key in ["dry_run", "DRY_RUN", "Dry_Run"] {
        let arguments = json!({"endpoint": "operations", "path": "/v1/x", "query": {key: "false"}});
        let error = crate::execute::rehearse(&actions, "http", &arguments, &redactor).await.unwrap_err();
        assert!(error.contains("is asked for a rehearsal"), "{error}");
        assert!(
            actions.named("http").unwrap().dry_run(&arguments, &redactor).await.is_err(),
            "without the check as well"
        );
        assert_outcome(&run(&actions, "http", arguments, 2_000, None).await, Outcomes::Refused, "nothing was sent");
    }
    assert_eq!(done.load(Ordering::SeqCst), 0);
    assert_outcome(&run(&actions, "http", plain, 2_000, None).await, Outcomes::Succeeded, "200");
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn only_declared_methods_and_paths_are_called() {
    let (url, done) = worker().await;
    let narrow = json!({"base_url": url, "methods": ["POST", "GET"], "paths": ["/v1/restart", "/v1/scale/"]});
    let actions = actions(json!({"endpoints": {"narrow": narrow}}));
    for (method, path, summary) in [
        ("DELETE", "/v1/restart", "does not allow `DELETE` (allowed: POST, GET)"),
        ("get", "/v1/restart", "unknown method `get`"),
        ("POST", "/v1/restarts", "does not allow `/v1/restarts` (allowed: what is below /v1/restart, /v1/scale/)"),
        ("POST", "/v1", "does not allow `/v1`"),
        ("POST", "/v1/restart/../../admin", "must begin with `/`"),
        ("POST", "/v1/restart//admin", "must begin with `/`"),
        ("POST", "/v1/restart/%2e%2e/admin", "must begin with `/`"),
        ("POST", "/V1/restart", "does not allow"),
    ] {
        let arguments = json!({"endpoint": "narrow", "path": path, "method": method});
        assert_outcome(&run(&actions, "http", arguments, 2_000, None).await, Outcomes::Refused, summary);
    }
    assert_eq!(done.load(Ordering::SeqCst), 0);
    for path in ["/v1/restart", "/v1/restart/cart", "/v1/scale"] {
        let arguments = json!({"endpoint": "narrow", "path": path});
        assert_outcome(&run(&actions, "http", arguments, 2_000, None).await, Outcomes::Succeeded, "200");
    }
}

#[tokio::test]
async fn an_answer_is_checked_by_status_and_by_what_stands_in_it() {
    let (url, _) = worker().await;
    let of = |expect: Value| json!({"base_url": url, "expect": expect});
    let actions = actions(json!({"endpoints": {
        "any": {"base_url": url},
        "done": of(json!({"json": {"/state": "done"}})),
        "failed": of(json!({"json": {"/state": "failed"}})),
        "wrong": of(json!({"status": "300-399"})),
    }}));
    for (endpoint, expect, result, summary) in [
        ("any", json!({"status": "200-204"}), Outcomes::Succeeded, "200"),
        ("any", json!({"status": "201-204"}), Outcomes::Failed, "instead of 201-204"),
        ("any", json!({"status": 200, "json": {"/deep/list/1": "two"}}), Outcomes::Succeeded, "200"),
        ("any", json!({"json": {"/deep/list": [1, "two"]}}), Outcomes::Succeeded, "200"),
        ("any", json!({"json": {"/deep/list/0": "1"}}), Outcomes::Failed, "`/deep/list/0` is 1 instead of \"1\""),
        ("any", json!({"json": {"/nowhere": true}}), Outcomes::Failed, "`/nowhere` is nothing instead of true"),
        ("any", json!({"json": {"state": "done"}}), Outcomes::Refused, "must be a place like `/state`"),
        ("any", json!({"status": 302}), Outcomes::Refused, "and no redirect"),
        ("any", json!({"status": "200-"}), Outcomes::Refused, "must be a status"),
        ("done", json!({}), Outcomes::Succeeded, "200"),
        ("failed", json!({"status": 200}), Outcomes::Failed, "`/state` is \"done\" instead of \"failed\""),
        ("wrong", json!({}), Outcomes::Refused, "endpoint `wrong`"),
    ] {
        let arguments = json!({"endpoint": endpoint, "path": "/", "expect": expect});
        assert_outcome(&run(&actions, "http", arguments, 2_000, None).await, result, summary);
    }
    let big = actions_at(&server().await).await;
    let arguments = json!({"endpoint": "operations", "path": "/big", "method": "GET", "expect": {"json": {"/a": 1}}});
    assert_outcome(&run(&big, "http", arguments, 10_000, None).await, Outcomes::Failed, "longer than is looked at");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(socket.read(&mut request).await.unwrap() > 0);
        socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while socket.write_all(&[b'x'; 1 << 16]).await.is_ok() {
            count.fetch_add(1 << 16, Ordering::SeqCst);
        }
    });
    let actions = actions(json!({"endpoints": {"endless": {"base_url": url}}}));
    let arguments = json!({"endpoint": "endless", "path": "/"});
    let tried = run(&actions, "http", arguments, 60_000, None).await;
    assert_outcome(&tried, Outcomes::Succeeded, "more than was read");
    assert!(sent.load(Ordering::SeqCst) < 64 << 20, "{sent:?}");
}

#[tokio::test]
async fn another_declaration_makes_an_approval_stale() {
    let declared = |change: &dyn Fn(&mut Value)| {
        let mut endpoint = json!({"base_url": "https://ops.internal", "headers": {"authorization": "env:TOKEN"}, "dry_run": "dry_run=true"});
        change(&mut endpoint);
        actions(json!({"endpoints": {"operations": endpoint, "other": {"base_url": "https://other.internal"}}}))
    };
    let arguments = json!({"endpoint": "operations", "path": "/v1/x"});
    let redactor = Redactor::new([7; 32]);
    let bound = async |actions: Actions| {
        crate::execute::precondition(&actions, "http", &arguments, &redactor).await.unwrap().unwrap()
    };
    let before = bound(declared(&|_| {})).await;
    assert!(before.contains("https://ops.internal") && !before.contains("s3cret"), "{before}");
    assert_eq!(bound(declared(&|endpoint| endpoint["headers"] = json!({"Authorization": "env:OTHER"}))).await, before);
    let changes: [&dyn Fn(&mut Value); 7] = [
        &|endpoint| endpoint["base_url"] = json!("https://evil.internal"),
        &|endpoint| endpoint["headers"] = json!({}),
        &|endpoint| endpoint["methods"] = json!(["POST", "DELETE"]),
        &|endpoint| endpoint["headers"]["x-admin"] = json!("env:TOKEN"),
        &|endpoint| endpoint["dry_run"] = json!("really=no"),
        &|endpoint| endpoint["private"] = json!(true),
        &|endpoint| endpoint["expect"] = json!({"status": 202}),
    ];
    for change in changes {
        assert_ne!(bound(declared(change)).await, before);
    }
}
