//! What holds of every action of the list: a new one is tested here by its entry in `good_arguments`.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::routing::any;

use super::*;

/// For each action, arguments that pass its check with the settings below.
fn good_arguments() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("http", json!({"endpoint": "operations", "path": "/v1/restart", "body": {"service": "cart"}})),
        ("command", json!({"program": "echo", "argv": ["--host", "db-0"]})),
        ("kubernetes", json!({"verb": "rollout_restart", "workload": "prod/shop/deployment/checkout"})),
        (
            "wait",
            json!({"what": {"query": {"query": "pool"}}, "wants": {"at_most": {"count": 0, "was_per_minute": null}}, "for_seconds": 1, "within_seconds": 120}),
        ),
        ("manual", json!({"instruction": "Call Ines."})),
    ])
}

/// A server for anything; counts requests that could have changed something.
async fn listener() -> (String, Arc<AtomicUsize>) {
    let changes = Arc::new(AtomicUsize::new(0));
    let count = changes.clone();
    let answer = move |request: Request| {
        let is_rehearsal = request.uri().query().is_some_and(|query| query.to_lowercase().contains("dry"));
        if request.method() != "GET" && !is_rehearsal {
            count.fetch_add(1, Ordering::SeqCst);
        }
        async { "{}" }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await });
    (url, changes)
}

fn actions_at(url: &str) -> Actions {
    actions(json!({
        "endpoints": {"operations": {"base_url": url, "headers": {"authorization": "env:TOKEN"}, "dry_run": "dry_run=true"}},
        "programs": {"echo": {"path": "/bin/echo", "flags": ["--host"], "env": ["GREETING"]}},
        "clusters": {"prod": {"server": url, "token": "env:KUBE_TOKEN", "namespaces": ["shop"]}},
    }))
}

fn good(name: &str) -> Value {
    good_arguments().remove(name).unwrap_or_else(|| panic!("`{name}` has no good arguments here"))
}

#[tokio::test]
async fn every_action_checks_describes_and_refuses() {
    let actions = actions_at("http://127.0.0.1:9");
    for entry in ACTIONS {
        let arguments = good(entry.name);
        let action = actions.named(entry.name).unwrap();
        assert_eq!(action.name(), entry.name);
        assert!(entry.about.len() > 10 && action.version() >= 1);
        assert_eq!(action.check(&arguments), Ok(()));
        let sentence = action.describe(&arguments);
        assert!(sentence.len() > 5 && !sentence.contains('\n'), "{sentence}");
        let mut unknown_key = arguments.clone();
        unknown_key["surprise"] = json!(1);
        for bad in [json!(null), json!([]), json!({}), json!("text"), unknown_key] {
            assert!(action.check(&bad).is_err(), "`{}` accepts {bad}", entry.name);
            assert!(!action.describe(&bad).is_empty());
            // Even without the check nothing may happen.
            let tried = run(&actions, entry.name, bad, 500, None).await;
            assert_eq!(tried.outcome.result, Outcomes::Refused, "`{}`", entry.name);
        }
    }
}

/// Every text of `arguments` in turn made `hostile`; each result is one set of arguments.
fn with_each_text(arguments: &Value, hostile: &str) -> Vec<Value> {
    let is_text = |value: &Value| value.is_string();
    let mut pointers = vec![String::new()];
    let mut texts = Vec::new();
    while let Some(pointer) = pointers.pop() {
        match arguments.pointer(&pointer).unwrap() {
            value if is_text(value) => texts.push(pointer),
            Value::Array(items) => pointers.extend((0..items.len()).map(|idx| format!("{pointer}/{idx}"))),
            Value::Object(map) => pointers.extend(map.keys().map(|key| format!("{pointer}/{key}"))),
            _ => {}
        }
    }
    let changed = |pointer: &String| {
        let mut changed = arguments.clone();
        *changed.pointer_mut(pointer).unwrap() = json!(hostile);
        changed
    };
    texts.iter().map(changed).collect()
}

#[tokio::test]
async fn hostile_arguments_neither_break_an_action_nor_lead_it_elsewhere() {
    let (url, changes) = listener().await;
    let actions = actions_at(&url);
    let redactor = Redactor::new([7; 32]);
    let hostile = [
        "",
        " ",
        "..",
        "../..",
        "a/../../b",
        "//evil.example",
        "@evil.example",
        "x?dry_run=false",
        "x#y",
        "%2e%2e",
        "-rf",
        "--config=/etc/x",
        "$(reboot)",
        "`reboot`",
        "; reboot",
        "{{service}}",
        "a\nb",
        "a\r\nHost: evil",
        "\u{0}",
        "\u{1b}[2J",
        "\u{202e}",
        "http://169.254.169.254/",
        "\\",
    ];
    for entry in ACTIONS {
        let action = actions.named(entry.name).unwrap();
        for text in hostile.iter().map(|text| (*text).to_owned()).chain(["x".repeat(100_000)]) {
            for arguments in with_each_text(&good(entry.name), &text) {
                let _ = action.check(&arguments);
                assert!(!action.describe(&arguments).is_empty());
                let _ = action.precondition(&arguments).await;
                let _ = crate::execute::rehearse(&actions, entry.name, &arguments, &redactor).await;
            }
        }
    }
    assert_eq!(changes.load(Ordering::SeqCst), 0, "asking changed something");
}

#[tokio::test]
async fn no_action_shows_a_secret_before_it_runs_or_afterwards() {
    let (url, _) = listener().await;
    let actions = actions_at(&url);
    let redactor = Redactor::new([7; 32]);
    for entry in ACTIONS {
        let (action, arguments) = (actions.named(entry.name).unwrap(), good(entry.name));
        let mut said = vec![action.describe(&arguments), format!("{:?}", action.check(&arguments))];
        said.push(format!("{:?}", action.precondition(&arguments).await));
        said.push(format!("{:?}", crate::execute::rehearse(&actions, entry.name, &arguments, &redactor).await));
        let tried = run(&actions, entry.name, arguments, 1_500, None).await;
        said.push(format!("{:?} {}", tried.outcome, tried.live));
        for text in said {
            assert!(!text.contains("s3cret"), "`{}` says {text}", entry.name);
        }
    }
}
