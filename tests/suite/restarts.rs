//! Power cuts: whatever was recorded is there again, and nothing runs twice.

use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, Serve, SignedIn, until};
use tests::server::Server;
use tests::story::{Story, rollback_without_watching};

fn config(server: &Server) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true\n\
         [runbooks]\npaths = [\"runbooks\"]\n[actions.endpoints.operations]\nbase_url = \"http://{}\"\n",
        server.address
    )
}

fn told(server: &Server) -> Place {
    let place = Place::new();
    rollback_without_watching(&place);
    place.write("data/firstline.toml", config(server));
    Story::until_now().tell(&place);
    place
}

fn propose(serve: &Serve, person: &SignedIn) -> Value {
    let reply = serve.post_as(person, "/api/ask", &json!({"question": "why is checkout failing?"}));
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = reply.json();
    let rollback = answer["proposals"]
        .as_array()
        .expect("proposals")
        .iter()
        .find(|proposal| proposal["runbook"] == "roll-back-deploy");
    rollback.unwrap_or_else(|| panic!("no rollback proposed: {answer:#}"))["steps"][0].clone()
}

fn state(place: &Place, step: &Value) -> Value {
    for incident in place.json(&["incident", "list"])["incidents"].as_array().expect("incidents") {
        let incident = incident["id"].as_str().expect("an id");
        let steps = place.json(&["proposals", incident])["steps"].clone();
        if let Some(found) = steps.as_array().expect("steps").iter().find(|found| found["id"] == step["id"]) {
            return found["state"].clone();
        }
    }
    panic!("the step is gone: {step:#}");
}

#[test]
fn a_step_that_ran_when_the_power_went_is_indeterminate_until_a_person_looked() {
    let server = Server::start(Duration::from_secs(4), |_| (200, json!({"status": "done"}).to_string()));
    let place = told(&server);
    let serve = place.serve(&config(&server));
    let person = serve.sign_in();
    let step = propose(&serve, &person);
    let id = step["id"].as_str().expect("a step has an id");
    let approved = serve.post_as(&person, &format!("/api/steps/{id}/approve"), &json!({"digest": step["digest"]}));
    assert_eq!(approved.status, 200, "{approved:?}");
    until("the request is under way", || server.requests().len() == 1);
    serve.kill();

    let serve = place.serve(&config(&server));
    until("it is known to be unknown", || state(&place, &step) == "indeterminate");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(server.requests().len(), 1, "what may have happened is not tried again");
    let again = place.fails(1, &["approve", id]);
    assert!(again.contains("indeterminate"), "{again}");
    assert_eq!(server.requests().len(), 1);
    place.ok(&["done", id, "--reason", "looked: it was rolled back"]);
    assert_eq!(state(&place, &step), "succeeded");
    drop(serve);
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn at_whatever_moment_the_power_goes_a_step_runs_at_most_once() {
    let server = Server::start(Duration::from_millis(60), |_| (200, json!({"status": "done"}).to_string()));
    let place = told(&server);
    for pause in [0, 2, 4, 7, 11, 16, 22, 30, 45, 60, 90, 140] {
        let serve = place.serve(&config(&server));
        let person = serve.sign_in();
        let step = propose(&serve, &person);
        let id = step["id"].as_str().expect("a step has an id");
        let before = server.requests().len();
        let path = format!("/api/steps/{id}/approve");
        let (address, cookie, csrf) = (serve.address.clone(), person.cookie.clone(), person.csrf.clone());
        let body = json!({"digest": step["digest"]}).to_string();
        let pressing = std::thread::spawn(move || {
            let headers =
                [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str()), ("content-type", "application/json")];
            let _ = tests::server::try_request(&address, "POST", &path, &headers, &body);
        });
        std::thread::sleep(Duration::from_millis(pause));
        serve.kill();
        let _ = pressing.join();

        let serve = place.serve(&config(&server));
        until("it is decided how it stands", || {
            let state = state(&place, &step);
            ["proposed", "succeeded", "indeterminate"].iter().any(|settled| state == *settled)
        });
        std::thread::sleep(Duration::from_millis(200));
        let n_requests = server.requests().len() - before;
        assert!(n_requests <= 1, "after {pause} ms: {n_requests} requests");
        let state_now = state(&place, &step);
        if state_now == "succeeded" {
            assert_eq!(n_requests, 1, "after {pause} ms it says it ran");
        }
        // Out of the way of the next round, which then opens an incident of its own.
        let person = serve.sign_in();
        let incident = serve.get(&format!("/api/steps/{id}"), &[("cookie", &person.cookie)]).json()["incident"].clone();
        match state_now.as_str() {
            Some("proposed") => drop(place.ok(&["reject", id])),
            Some("indeterminate") => drop(place.ok(&["done", id, "--failed"])),
            _ => {}
        }
        let path = format!("/api/incidents/{}/resolve", incident.as_str().expect("an id"));
        let resolved = serve.post_as(&person, &path, &json!({"note": "done"}));
        assert_eq!(resolved.status, 200, "{resolved:?}");
    }
    let keys: std::collections::BTreeSet<String> = server
        .requests()
        .iter()
        .filter_map(|request| {
            request.headers.iter().find(|(name, _)| name == "idempotency-key").map(|(_, key)| key.clone())
        })
        .collect();
    assert_eq!(keys.len(), server.requests().len(), "each run has a key of its own");
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn a_terminal_that_was_killed_in_the_middle_leaves_a_step_that_people_settle() {
    let place = Place::new();
    place.write(
        "runbooks/slow.md",
        "---\nid: slow-fix\ntitle: Slow fix of {{service}}\nparams:\n  service: {type: service}\n\
         triggers:\n  - {evidence: exhausted, fit: 99}\n---\n\
         ```step\naction: command\nargs: {program: slow, argv: ['20']}\n```\n",
    );
    place.write(
        "data/firstline.toml",
        "[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true\n\
         [runbooks]\npaths = [\"runbooks\"]\n[actions.programs.slow]\npath = \"/bin/sleep\"\n",
    );
    Story::until_now().tell(&place);
    let answer = place.json(&["ask", "why is checkout failing?"]);
    let proposals = answer["proposals"].as_array().expect("proposals");
    let slow = proposals.iter().find(|proposal| proposal["title"] == "Slow fix of checkout");
    let step = &slow.unwrap_or_else(|| panic!("{answer:#}"))["steps"][0];
    let id = step["id"].as_str().expect("an id");

    let mut terminal =
        place.command(&["approve", id]).stdout(std::process::Stdio::null()).spawn().expect("the program starts");
    until("it runs", || state(&place, step) == "running");
    terminal.kill().expect("it can be killed");
    terminal.wait().expect("it ends");

    let listed = place.ok(&["proposals"]);
    assert!(
        listed.contains("nobody knows how it ended") && listed.contains(&format!("done {id} --failed")),
        "{listed}"
    );
    let refused = place.fails(1, &["approve", id]);
    assert!(refused.contains("nobody knows how it ended") && refused.contains("firstline done"), "{refused}");
    place.ok(&["done", id, "--failed", "--reason", "checkout was untouched"]);
    assert_eq!(state(&place, step), "failed");
    let timeline = place.ok(&["incident", "timeline", answer["incident"].as_str().expect("an incident")]);
    assert!(timeline.contains("says it failed") && timeline.contains("checkout was untouched"), "{timeline}");
}
