//! From a proposal to one request: who may approve, what runs, and what the record says afterwards.

use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, Ran, terminal_person};
use tests::server::Server;
use tests::story::{Story, rollback_without_watching};

/// A config whose rollback goes to `server`.
fn config(server: &Server, approval: &str) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[approval]\n{approval}\n[runbooks]\npaths = [\"runbooks\"]\n\
         [actions.endpoints.operations]\nbase_url = \"http://{}\"\n\
         [tokens]\nci = \"sha256:{}\"\n",
        server.address, TOKEN_DIGEST
    )
}

/// Of the token `open-sesame`.
const TOKEN_DIGEST: &str = "d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7";
const TOKEN: (&str, &str) = ("authorization", "Bearer open-sesame");
const EVERYONE: &str = "approvers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true";

fn operations() -> Server {
    Server::start(Duration::from_millis(100), |_| (200, json!({"status": "rolled back"}).to_string()))
}

/// A folder with the story told, asked about, and its proposed step.
fn asked(server: &Server, approval: &str) -> (Place, Value) {
    let place = Place::new();
    rollback_without_watching(&place);
    place.write("data/firstline.toml", config(server, approval));
    Story::until_now().tell(&place);
    let answer = place.json(&["ask", "why is checkout failing?"]);
    assert_eq!(answer["verdict"], "cause", "{answer:#}");
    let proposals = answer["proposals"].as_array().expect("proposals");
    let rollback = proposals.iter().find(|proposal| proposal["runbook"] == "roll-back-deploy");
    let step = rollback.unwrap_or_else(|| panic!("no rollback proposed: {answer:#}"))["steps"][0].clone();
    (place, step)
}

fn id(step: &Value) -> &str {
    step["id"].as_str().expect("a step has an id")
}

fn state(place: &Place, step: &Value) -> Value {
    let incident =
        place.json(&["incident", "list"])["incidents"][0]["id"].as_str().expect("an incident is open").to_owned();
    let steps = place.json(&["proposals", &incident])["steps"].clone();
    let found = steps.as_array().expect("steps").iter().find(|found| found["id"] == step["id"]).cloned();
    found.unwrap_or_else(|| panic!("{steps:#}"))
}

#[test]
fn an_approved_step_sends_what_its_card_said_once() {
    let server = operations();
    let (place, step) = asked(&server, EVERYONE);
    assert!(server.requests().is_empty(), "a proposal must not reach the endpoint");
    let shown = place.ok(&["approve", id(&step), "--reason", "v1.41 was fine"]);
    assert!(shown.contains("checkout"), "{shown}");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/v1/rollback"));
    let sent: Value = serde_json::from_str(&requests[0].body).expect("JSON was sent");
    assert_eq!(sent, step["arguments"]["body"]);
    assert_eq!(sent, json!({"service": "checkout", "environment": "production", "to": "v1.41"}));
    assert_eq!(state(&place, &step)["state"], "succeeded");

    let again = place.fails(1, &["approve", id(&step)]);
    assert!(again.contains("succeeded") && again.contains("ask again"), "{again}");
    assert_eq!(server.requests().len(), 1, "approving twice must not run twice");
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
    let timeline = place.ok(&["incident", "timeline", state(&place, &step)["incident"].as_str().expect("an id")]);
    assert!(timeline.contains("approved") && timeline.contains("v1.41 was fine"), "{timeline}");
}

#[test]
fn by_default_nobody_may_approve_and_the_next_step_is_named() {
    let server = operations();
    let (place, step) = asked(&server, "");
    let said = place.fails(1, &["approve", id(&step)]);
    assert!(said.contains("`approvers`") && said.contains("[approval]"), "{said}");
    assert!(server.requests().is_empty());
    assert_eq!(state(&place, &step)["state"], "proposed");
}

#[test]
fn what_waits_is_withdrawn_when_its_incident_is_resolved() {
    let server = operations();
    let (place, step) = asked(&server, EVERYONE);
    let incident = state(&place, &step)["incident"].as_str().expect("an id").to_owned();
    place.ok(&["incident", "resolve", &incident, "--note", "a restart did it"]);
    let stands = state(&place, &step);
    assert_eq!(stands["state"], "cancelled", "{stands:#}");
    let outcome = stands["outcome"].as_str().expect("why").to_owned();
    assert!(outcome.starts_with("withdrawn: incident") && outcome.contains(&incident), "{outcome}");
    assert_eq!(place.json(&["proposals"])["steps"], json!([]));

    let said = place.fails(1, &["approve", id(&step)]);
    assert!(said.contains("was resolved") && said.contains("ask again"), "{said}");
    assert!(server.requests().is_empty());
    let again = place.json(&["ask", "why is checkout failing?"]);
    assert_ne!(again["proposals"][0]["steps"][0]["id"], step["id"], "asking again proposes afresh: {again:#}");
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn whoever_asked_needs_somebody_else_to_approve() {
    let server = operations();
    let me = terminal_person();
    let approval = format!("approvers = [\"{me}\", \"console:owner\"]\nenvironments = [\"production\"]");
    let (place, step) = asked(&server, &approval);
    let said = place.fails(1, &["approve", id(&step)]);
    assert!(said.contains("somebody else"), "{said}");
    assert!(server.requests().is_empty());

    let serve = place.serve(&config(&server, &approval));
    let owner = serve.sign_in();
    let path = format!("/api/steps/{}/approve", id(&step));
    let other =
        format!("{}0", &step["digest"].as_str().expect("a digest")[..step["digest"].as_str().unwrap_or("").len() - 1]);
    let other = if other == step["digest"] { format!("{}1", &other[..other.len() - 1]) } else { other };
    let refused = serve.post_as(&owner, &path, &json!({"digest": other}));
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.contains("current card"), "{refused:?}");
    let missing = serve.post_as(&owner, &path, &json!({}));
    assert_eq!(missing.status, 400, "{missing:?}");
    let program = serve.post(&path, &[TOKEN], &json!({"digest": step["digest"]}));
    assert_eq!(program.status, 403, "{program:?}");
    assert!(server.requests().is_empty());

    let done = serve.post_as(&owner, &path, &json!({"digest": step["digest"]}));
    assert_eq!(done.status, 200, "{done:?}");
    tests::place::until("it ran", || {
        serve.get(&format!("/api/steps/{}", id(&step)), &[TOKEN]).json()["state"] == "succeeded"
    });
    let twice = serve.post_as(&owner, &path, &json!({"digest": step["digest"]}));
    assert_eq!(twice.status, 200, "pressing twice shows how things stand: {twice:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn many_approvals_at_once_run_it_once() {
    let server = operations();
    let (place, step) = asked(&server, EVERYONE);
    let started: Vec<_> = (0..8)
        .map(|_| {
            let mut command = place.command(&["approve", id(&step)]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().expect("the program starts")
        })
        .collect();
    let ended: Vec<Ran> = started
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().expect("it ends");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
        })
        .collect();
    assert_eq!(server.requests().len(), 1, "{ended:#?}");
    assert!(ended.iter().any(|ran| ran.code == Some(0)), "{ended:#?}");
    assert!(ended.iter().all(|ran| matches!(ran.code, Some(0 | 1)) && !ran.err.contains("panicked")), "{ended:#?}");
    assert_eq!(state(&place, &step)["state"], "succeeded");
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn a_rejection_is_final() {
    let server = operations();
    let (place, step) = asked(&server, EVERYONE);
    place.ok(&["reject", id(&step), "--reason", "payment is mid-migration"]);
    let said = place.fails(1, &["approve", id(&step)]);
    assert!(said.contains("rejected"), "{said}");
    assert_eq!(state(&place, &step)["state"], "rejected");
    assert!(server.requests().is_empty());
}

#[test]
fn an_expired_step_cannot_be_approved() {
    let server = operations();
    let (place, step) = asked(&server, &format!("{EVERYONE}\nttl_seconds = 10"));
    std::thread::sleep(Duration::from_millis(10_500));
    let said = place.fails(1, &["approve", id(&step)]);
    assert!(said.contains("expired") && said.contains("ask again"), "{said}");
    assert!(server.requests().is_empty());
}

#[test]
fn an_endpoint_that_fails_is_reported_as_failed() {
    let server = Server::start(Duration::ZERO, |_| (503, json!({"error": "no capacity"}).to_string()));
    let (place, step) = asked(&server, EVERYONE);
    let ran = place.run(&["approve", id(&step)]);
    assert!(ran.out.contains("503") || ran.err.contains("503"), "{ran:?}");
    assert_eq!(ran.code, Some(1), "a step that failed is no success: {ran:?}");
    assert_ne!(state(&place, &step)["state"], "succeeded");
    assert_eq!(server.requests().len(), 1, "nothing is tried again by itself");
}

/// The journal's file, which holds everything once a command has ended: closing it empties its write-ahead log.
fn closed(place: &Place) -> Vec<u8> {
    let names = |name: &str| place.data().join(name);
    assert!(!names("firstline.db-wal").exists(), "a command that ends leaves no write-ahead log");
    std::fs::read(names("firstline.db")).expect("the journal is a file")
}

#[test]
fn what_was_changed_in_the_record_is_found() {
    let place = Place::new();
    Story::until_now().tell(&place);
    let path = place.data().join("firstline.db");
    let mut bytes = closed(&place);
    assert!(!bytes.windows(4).any(|found| found == b"mara"), "a person's name is stored encrypted");
    let kind = b"\"deploy\"";
    let at = bytes.windows(kind.len()).position(|found| found == kind).expect("the kind stands in the file");
    bytes[at..at + kind.len()].copy_from_slice(b"\"depley\"");
    std::fs::write(&path, bytes).expect("it can be written");
    let said = place.fails(1, &["audit", "verify"]);
    assert!(said.contains("changes"), "it names the stream: {said}");
}

#[test]
fn a_cut_tail_is_found_by_an_exported_head() {
    let place = Place::new();
    let story = Story::until_now();
    story.tell(&place);
    let journal = place.data().join("firstline.db");
    let earlier = closed(&place);
    place.ok(&["deploy", "record", "--service", "search", "--version", "v7"]);
    let head = place.ok(&["audit", "head"]);
    place.write("head.json", head);
    assert!(place.ok(&["audit", "verify", "--head", "head.json"]).starts_with("whole"));
    std::fs::write(&journal, earlier).expect("it can be written");
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"), "alone, an older journal looks whole");
    place.fails(1, &["audit", "verify", "--head", "head.json"]);
}

#[test]
fn asking_again_after_it_expired_gives_a_fresh_proposal() {
    let server = operations();
    let (place, step) = asked(&server, &format!("{EVERYONE}\nttl_seconds = 10"));
    let meanwhile = place.json(&["ask", "why is checkout failing?"]);
    assert_eq!(meanwhile["proposals"][0]["steps"][0]["id"], step["id"], "what is open is shown again, not made twice");
    std::thread::sleep(Duration::from_millis(10_500));
    let again = place.json(&["ask", "why is checkout failing?"]);
    let rollback = again["proposals"]
        .as_array()
        .expect("proposals")
        .iter()
        .find(|proposal| proposal["runbook"] == "roll-back-deploy");
    let fresh =
        &rollback.unwrap_or_else(|| panic!("nothing to approve any more: {:#}", again["proposals"]))["steps"][0];
    assert_ne!(fresh["id"], step["id"]);
    place.ok(&["approve", id(fresh)]);
    assert_eq!(server.requests().len(), 1);
}
