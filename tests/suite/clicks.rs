//! Clicks as they come: many at once, forged, repeated, moved to another card. One approval runs one step once, the rest changes nothing.
//!
//! `FIRSTLINE_TEST_CLICKS=1000` rounds of 64 clicks, `FIRSTLINE_TEST_FORGERIES=10000` forged clicks; a few of each otherwise.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, Serve, SignedIn, until};
use tests::server::Server;
use tests::story::Story;

const CLICKS: usize = 64;

const RUNBOOK: &str = r#"---
id: poke
title: Poke {{service}}
when: It hangs.
owner: platform
risk: low
params:
  service: { type: service, about: the service }
  environment: { type: environment, about: where }
---
# Poke

```step
id: poke
action: http
args: { endpoint: operations, method: POST, path: /v1/poke, body: { service: "{{service}}" } }
```
"#;

fn wanted(variable: &str, few: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

fn started(server: &Server) -> (Place, Serve) {
    let place = Place::new();
    place.write("runbooks/poke.md", RUNBOOK);
    Story::until_now().tell(&place);
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true\n\
         [runbooks]\npaths = [\"runbooks\"]\n[actions.endpoints.operations]\nbase_url = \"http://{}\"\n\
         [inventory]\nenvironments = [\"production\"]\n[tokens]\nci = \"sha256:{}\"\n",
        server.address, TOKEN_DIGEST
    );
    let serve = place.serve(&config);
    (place, serve)
}

/// Of the token `open-sesame`.
const TOKEN_DIGEST: &str = "d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7";

fn conversation(serve: &Serve, person: &SignedIn) -> String {
    let answer = serve.post_as(person, "/api/ask", &json!({"question": "why is checkout failing?"})).json();
    answer["conversation"].as_str().or(answer["incident"].as_str()).expect("a conversation").to_owned()
}

fn propose(serve: &Serve, person: &SignedIn, conversation: &str) -> Value {
    let body = json!({"runbook": "poke", "params": {"service": "checkout", "environment": "production"}});
    let reply = serve.post_as(person, &format!("/api/incidents/{conversation}/proposals"), &body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["steps"][0].clone()
}

fn path(step: &Value, verb: &str) -> String {
    format!("/api/steps/{}/{verb}", step["id"].as_str().expect("an id"))
}

#[test]
fn sixty_four_clicks_at_once_run_a_step_once() {
    let server = Server::start(Duration::from_millis(1), |_| (200, "{}".to_owned()));
    let (place, serve) = started(&server);
    let person = serve.sign_in();
    let conversation = conversation(&serve, &person);
    let rounds = wanted("FIRSTLINE_TEST_CLICKS", 5);
    for round in 1..=rounds {
        let step = propose(&serve, &person, &conversation);
        let together = Arc::new(Barrier::new(CLICKS));
        let approved: usize = std::thread::scope(|scope| {
            let clicks: Vec<_> = (0..CLICKS)
                .map(|_| {
                    let (together, serve, person, step) = (Arc::clone(&together), &serve, &person, &step);
                    scope.spawn(move || {
                        together.wait();
                        let reply = serve.post_as(person, &path(step, "approve"), &json!({"digest": step["digest"]}));
                        // The same person's second click shows how things stand; nothing else is refused here.
                        assert_eq!(reply.status, 200, "{}", reply.body);
                        1
                    })
                })
                .collect();
            clicks.into_iter().map(|click| click.join().expect("a click is answered")).sum()
        });
        assert_eq!(approved, CLICKS);
        until("it has run", || server.requests().len() >= round);
        until("its end is recorded", || {
            let shown = serve.get(&path(&step, "")[..path(&step, "").len() - 1], &[("cookie", &person.cookie)]).json();
            shown["state"] == "succeeded"
        });
        assert_eq!(server.requests().len(), round, "64 clicks, one run");
    }
    drop(serve);
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn forged_repeated_and_moved_clicks_change_nothing() {
    let server = Server::start(Duration::from_millis(1), |_| (200, "{}".to_owned()));
    let (place, serve) = started(&server);
    let person = serve.sign_in();
    let conversation = conversation(&serve, &person);
    let (step, other) = (propose(&serve, &person, &conversation), propose(&serve, &person, &conversation));
    let rejected = propose(&serve, &person, &conversation);
    let rejection = json!({"digest": rejected["digest"], "reason": "no"});
    assert_eq!(serve.post_as(&person, &path(&rejected, "reject"), &rejection).status, 200);

    let of_steps = || -> Vec<Value> {
        let lines = place.ok(&["audit", "export"]);
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
        lines.filter(|line| line["kind"] == "step").collect()
    };
    let before = of_steps().len();
    let cookie = ("cookie", person.cookie.as_str());
    let csrf = ("x-csrf-token", person.csrf.as_str());
    let body = json!({"digest": step["digest"]});
    let mut digest = step["digest"].as_str().expect("a digest").to_owned().into_bytes();
    for n in 0..wanted("FIRSTLINE_TEST_FORGERIES", 200) {
        let approve = path(&step, "approve");
        let (what, reply) = match n % 9 {
            0 => ("without a session", serve.post(&approve, &[csrf], &body)),
            1 => ("without the token of the page", serve.post(&approve, &[cookie], &body)),
            2 => (
                "with a guessed token of the page",
                serve.post(&approve, &[cookie, ("x-csrf-token", &format!("{n:064x}"))], &body),
            ),
            3 => {
                ("from another site", serve.post(&approve, &[cookie, csrf, ("origin", "https://evil.example")], &body))
            }
            4 => ("by a program", serve.post(&approve, &[("authorization", "Bearer open-sesame")], &body)),
            5 => {
                // One digit of the digest is another.
                let at = (n * 7) % 64;
                let kept = digest[at];
                digest[at] = if kept == b'0' { b'1' } else { b'0' };
                let forged = String::from_utf8(digest.clone()).expect("hex digits");
                digest[at] = kept;
                ("for other bytes", serve.post_as(&person, &approve, &json!({"digest": forged})))
            }
            6 => ("moved from another card", serve.post_as(&person, &approve, &json!({"digest": other["digest"]}))),
            7 => (
                "on a rejected card",
                serve.post_as(&person, &path(&rejected, "approve"), &json!({"digest": rejected["digest"]})),
            ),
            _ => {
                ("on a card that is none", serve.post_as(&person, &format!("/api/steps/p-{n:08}.poke/approve"), &body))
            }
        };
        assert!((400..500).contains(&reply.status), "a click {what} is answered with {}: {}", reply.status, reply.body);
    }
    assert_eq!(of_steps().len(), before, "a forged click must leave no trace on a step");
    assert!(server.requests().is_empty());
    assert_eq!(serve.post_as(&person, &path(&step, "approve"), &body).status, 200, "the real one still counts");
    until("it has run", || server.requests().len() == 1);
}
