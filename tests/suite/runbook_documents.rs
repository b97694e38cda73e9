//! Runbooks as documents: pages of a wiki become them, each shows how it has done, one is seen as a card while it is written,
//! and one is drafted from what was done.

use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, read};
use tests::server::Server;
use tests::story::{Story, rollback_without_watching};

/// Of the token `open-sesame`.
const TOKEN_DIGEST: &str = "d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7";
const PAGE: &str = "# Checkout is slow\n\n## Do\n\n1. Look at <service>\n2. See who listens:\n\n   ```sh\n   lsof -i :<port>\n   lsof | wc -l\n   ```\n";

fn config(server: &Server) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true\n\
         [runbooks]\npaths = [\"runbooks\"]\n[actions.endpoints.operations]\nbase_url = \"http://{}\"\n\
         [tokens]\nci = \"sha256:{TOKEN_DIGEST}\"\n",
        server.address
    )
}

/// The story told and asked about; the incident and the step that rolls back.
fn asked(server: &Server) -> (Place, String, Value) {
    let place = Place::new();
    rollback_without_watching(&place);
    place.write("data/firstline.toml", config(server));
    Story::until_now().tell(&place);
    let step = ask(&place);
    let incident = place.json(&["incident", "list"])["incidents"][0]["id"].as_str().expect("one is open").to_owned();
    (place, incident, step)
}

fn ask(place: &Place) -> Value {
    let answer = place.json(&["ask", "why is checkout failing?"]);
    let proposals = answer["proposals"].as_array().expect("proposals");
    let rollback = proposals.iter().find(|proposal| proposal["runbook"] == "roll-back-deploy");
    rollback.unwrap_or_else(|| panic!("no rollback: {answer:#}"))["steps"][0].clone()
}

fn operations() -> Server {
    Server::start(Duration::ZERO, |_| (200, json!({"status": "rolled back"}).to_string()))
}

fn id(step: &Value) -> &str {
    step["id"].as_str().expect("a step has an id")
}

fn history(place: &Place) -> Value {
    place.json(&["runbook", "show", "roll-back-deploy"])["history"].clone()
}

#[test]
fn a_page_of_a_wiki_becomes_a_runbook_that_passes_check_and_nothing_is_written_over() {
    let place = Place::new();
    place.write("data/firstline.toml", "[actions.programs.lsof]\npath = \"/usr/bin/lsof\"\nflags = [\"-i\"]\n");
    place.write("wiki/Slow.md", PAGE);
    let report = place.ok(&["runbook", "import", "wiki/Slow.md"]);
    assert!(report.contains("line 9    command    lsof -i :<port>"), "{report}");
    assert!(report.contains("run `lsof | wc -l`  (it has a pipe)"), "{report}");
    assert!(!place.path("slow.md").exists(), "nothing is written unless told");
    place.ok(&["runbook", "import", "wiki/Slow.md", "--output", "slow.md"]);
    place.ok(&["runbook", "check", "slow.md"]);
    let written = std::fs::read_to_string(place.path("slow.md")).expect("it is written");
    let said = place.fails(2, &["runbook", "import", "wiki/Slow.md", "--output", "slow.md"]);
    assert!(said.contains("`slow.md` exists already; add `--overwrite`"), "{said}");
    place.write("slow.md", "mine");
    place.fails(2, &["runbook", "import", "wiki/Slow.md", "--output", "slow.md"]);
    assert_eq!(std::fs::read_to_string(place.path("slow.md")).expect("it is there"), "mine");
    place.ok(&["runbook", "import", "wiki/Slow.md", "--output", "slow.md", "--overwrite"]);
    assert_eq!(std::fs::read_to_string(place.path("slow.md")).expect("it is there"), written);
    assert_eq!(place.ok(&["runbook", "import", "wiki/Slow.md", "--output", "-"]), written);
    let found = place.json(&["runbook", "import", "wiki/Slow.md"]);
    assert_eq!(found["params"], json!({"port": "integer", "service": "service"}));
    assert_eq!(found["markdown"], written);
}

#[test]
fn a_folder_is_imported_whole_and_what_cannot_be_is_named() {
    let place = Place::new();
    place.write("wiki/Slow.md", PAGE);
    place.write("wiki/inner/Queue.html", "<h1>Queue</h1><ol><li>Look at &lt;queue&gt;</li></ol>");
    place.write("wiki/inner/About.md", "Only words.\n");
    let said = place.run(&["runbook", "import", "wiki", "--output", "books"]);
    assert!(said.code == Some(2) && said.err.contains("About.md") && said.out.contains("2 of 3 pages"), "{said:?}");
    assert_eq!(place.json(&["runbook", "check", "books"])["mistakes"], json!([]));
    assert!(read(place.path("books/queue.md")).contains("Look at {{queue}}"));
    let names: Vec<_> =
        std::fs::read_dir(place.path("books")).expect("a folder").flatten().map(|one| one.file_name()).collect();
    assert_eq!(names.len(), 2, "no half file is left: {names:?}");
}

#[test]
fn a_runbook_shows_how_it_has_done_by_version() {
    let server = operations();
    let (place, _, first) = asked(&server);
    assert_eq!(history(&place)[0]["ended"], json!([{"how": "open", "count": 1}]));
    place.ok(&["reject", id(&first), "--reason", "payment is mid-migration"]);
    let second = ask(&place);
    place.ok(&["approve", id(&second)]);
    let now = history(&place);
    let wanted =
        json!({"proposed": 2, "approved": 1, "rejected": 1, "ran": 1, "succeeded": 1, "failed": 0, "helped": 0});
    for (key, value) in wanted.as_object().expect("a table") {
        assert_eq!(&now[0][key], value, "{key}: {now:#}");
    }
    assert_eq!(now[0]["ended"], json!([{"how": "done", "count": 1}, {"how": "rejected", "count": 1}]));
    assert_eq!(now[0]["reasons"][0]["text"], "payment is mid-migration");
    assert_eq!(now[0]["median_seconds_to_verified"], Value::Null, "nothing was verified");
    let shown = place.ok(&["runbook", "show", "roll-back-deploy"]);
    assert!(shown.contains("this version: proposed 2 ×: 1 done, 1 rejected"), "{shown}");
    assert!(place.ok(&["runbook", "list"]).contains("[proposed 2 ×: 1 done, 1 rejected]"));

    // Edited, it is another version, and what was is told of the old one.
    let text = read(place.path("runbooks/roll-back-deploy.md"));
    place.write("runbooks/roll-back-deploy.md", text.replace("Roll back first", "Go back first"));
    let edited = history(&place);
    let versions: Vec<_> = edited
        .as_array()
        .expect("versions")
        .iter()
        .map(|one| (one["current"] == true, one["proposed"].as_u64()))
        .collect();
    assert_eq!(versions, [(true, Some(0)), (false, Some(2))]);
    assert_eq!(edited[1]["digest"], now[0]["digest"]);
}

#[test]
fn what_was_done_in_an_incident_becomes_a_draft_that_passes_check() {
    let server = operations();
    let (place, incident, step) = asked(&server);
    let early = place.fails(2, &["runbook", "draft", &incident]);
    assert!(early.contains("nothing was done") && early.contains("resolve it with a note"), "{early}");
    place.ok(&["approve", id(&step), "--reason", "v1.41 was fine ```step"]);
    place.ok(&["incident", "resolve", &incident, "--note", "rolled back <b>by</b> Ines"]);
    place.ok(&["runbook", "draft", &incident, "--output", "draft.md"]);
    assert_eq!(place.json(&["runbook", "check", "draft.md"])["mistakes"], json!([]));
    let text = read(place.path("draft.md"));
    for part in [
        "service: \"{{service}}\"",
        "to: \"{{to}}\"",
        "from: change.previous",
        "> v1.41 was fine '''step",
        "> rolled back \\<b>by\\</b> Ines",
        "connection pool exhausted after",
        "- changes: [deploy]",
        "## What the record does not say",
        "it had no `verify`",
        "undo: \"Deploy the version",
        "says: \"Roll back {{service}} in {{environment}} to {{to}}\"",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(!text.contains("args:\n  body:\n    service: checkout"), "values are parameters again:\n{text}");
    place.fails(2, &["runbook", "draft", &incident, "--output", "draft.md"]);

    // Among the runbooks, it is proposed for the same fault, and its card is the same request.
    place.write("runbooks/draft.md", &text);
    let rehearsed = place.json(&[
        "runbook",
        "dry-run",
        &format!("from-{}", incident.to_lowercase()),
        "--param",
        "service=checkout",
        "--param",
        "environment=production",
        "--param",
        "to=v1.41",
    ]);
    assert_eq!(rehearsed["steps"][0]["arguments"]["body"], step["arguments"]["body"]);
}

#[test]
fn a_draft_does_not_need_the_runbook_that_was_used() {
    let server = operations();
    let (place, incident, step) = asked(&server);
    place.ok(&["approve", id(&step)]);
    place.write("runbooks/roll-back-deploy.md", "---\nid: roll-back-deploy\ntitle: Another\n---\n- call\n");
    place.ok(&["runbook", "draft", &incident, "--output", "draft.md"]);
    place.ok(&["runbook", "check", "draft.md"]);
    let text = read(place.path("draft.md"));
    assert!(text.contains("service: \"{{service}}\"") && text.contains("to: \"{{to}}\""), "{text}");
}

#[test]
fn a_preview_shows_mistakes_and_the_card_and_leaves_no_trace() {
    let server = operations();
    let (place, _, step) = asked(&server);
    let serve = place.serve(&config(&server));
    let person = serve.sign_in();
    let preview = |text: &str, params: Value| {
        serve.post_as(&person, "/api/runbooks/preview", &json!({ "text": text, "params": params }))
    };
    let entries = || place.ok(&["audit", "export"]).lines().count();
    let before = entries();
    let text = read(place.path("runbooks/roll-back-deploy.md"));
    let found = preview(&text, json!({"service": "checkout", "to": "v1.41"})).json();
    assert_eq!(found["mistakes"], json!([]));
    let card = &found["proposal"]["steps"][0];
    for same in ["summary", "arguments", "target", "environment", "risk", "undo", "approvals_needed"] {
        assert_eq!(card[same], step[same], "{same} is that of the real card");
    }
    assert_eq!(found["params"][0]["known"], json!(["production"]));
    assert!(found["params"][0]["is_sample"] == true && found["params"][1]["is_sample"] == false, "{found:#}");

    let wrong = text.replace("endpoint: operations", "endpoint: operatoins");
    let found = preview(&wrong, json!({})).json();
    assert!(found["mistakes"][0]["message"].as_str().is_some_and(|text| text.contains("did you mean `operations`?")));
    assert_eq!((found["mistakes"][0]["column"].as_u64(), &found["proposal"]), (Some(3), &Value::Null));
    assert!(!found["problems"].as_array().expect("a list").is_empty());
    let found = preview(&text, json!({"service": "nobody"})).json();
    assert!(found["problems"][0].as_str().is_some_and(|text| text.contains("unknown service `nobody`")), "{found:#}");

    assert_eq!(preview(&"x".repeat(300_000), json!({})).status, 400);
    assert_eq!(preview(&format!("---\nid: {}\n---\n- x\n", "[".repeat(90_000)), json!({})).status, 200);
    assert_eq!(preview("", json!({})).status, 200);
    assert_eq!(serve.post("/api/runbooks/preview", &[], &json!({"text": text})).status, 401);
    assert_eq!(serve.get("/api/steps/preview.roll-back", &[("cookie", &person.cookie)]).status, 404);
    let approve = serve.post_as(&person, "/api/steps/preview.roll-back/approve", &json!({"digest": card["digest"]}));
    assert_eq!(approve.status, 404, "{approve:?}");
    assert!(server.requests().is_empty(), "a preview asks no endpoint anything");
    assert_eq!(entries(), before, "a preview is not recorded");
}
