//! A team's own runbooks: a mistake in one is seen before a start, and takes nothing away from who has to answer.

use serde_json::json;
use tests::place::Place;
use tests::story::Story;

const BAD: &str = "---\nid: ours\ntitle: Ours\nrisk: enormous\n---\n1. Ask Ines\n";

/// A folder with an incident, and a config that names a runbook with a mistake.
fn place_with_a_mistake() -> Place {
    let place = Place::new();
    Story::until_now().tell(&place);
    place.write("books/ours.md", BAD);
    place.write("data/firstline.toml", "listen = \"127.0.0.1:0\"\n[runbooks]\npaths = [\"books\"]\n");
    place
}

#[test]
fn a_mistake_in_a_runbook_is_seen_before_anything_starts() {
    let place = place_with_a_mistake();
    for command in ["check", "serve"] {
        let command = if command == "check" { vec!["config", "check"] } else { vec![command] };
        let said = place.fails(2, &command);
        assert!(said.contains("books/ours.md:4:") && said.contains("enormous"), "{said}");
        assert!(said.contains("1 mistake, nothing started"), "{said}");
    }
    let checked = place.run(&["config", "check", "--json"]);
    assert!(checked.code == Some(2) && checked.out.contains("books/ours.md:4:"), "{checked:?}");
    let doctor = place.run(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("books/ours.md:4:"), "{doctor:?}");
}

#[test]
fn a_mistake_in_a_runbook_leaves_answers_and_decisions_as_they_are() {
    let place = place_with_a_mistake();
    place.write("books/call.md", "---\nid: call\ntitle: Call Ines\n---\n1. Call\n");
    let asked = place.run(&["ask", "why is checkout failing?", "--json"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    let warned = |err: &str| {
        let lines: Vec<&str> = err.lines().collect();
        matches!(lines[..], [line] if line.starts_with("warning: `books/ours.md` is left out") && line.contains("runbook check`"))
    };
    assert!(warned(&asked.err), "{asked:?}");
    for command in [&["proposals"][..], &["incident", "list"], &["runbook", "dry-run", "call"]] {
        let ran = place.run(command);
        assert!(ran.code == Some(0) && warned(&ran.err), "{ran:?}");
    }
    assert_eq!(
        place.json(&["proposals"])["steps"].as_array().map(Vec::is_empty),
        Some(false),
        "the shipped ones propose"
    );
    place.write("books/ours.md", BAD.replace("enormous", "low"));
    assert_eq!(place.run(&["proposals"]).err, "");
    assert_eq!(place.json(&["runbook", "check", "books"]), json!({ "mistakes": [], "places": [] }));
}

#[test]
fn a_check_shows_each_place_and_tells_programs_line_and_column() {
    let place = Place::new();
    let page = "---\nid: ours\ntitle: Ours\nparams: {größe: {type: shell}}\n---\n```step\naction: http\n\
        args: {endpoint: deploy, path: /}\ntarget: x\n```\n";
    place.write("books/ours.md", page);
    place.write("data/firstline.toml", "[actions.endpoints.deploys]\nbase_url = \"https://deploys.test\"\n");
    let said = place.fails(2, &["runbook", "check", "books"]);
    let shown = "  4 | params: {größe: {type: shell}}\n    |                  ^";
    assert!(said.contains("books/ours.md:4:18 ") && said.contains(shown), "{said}");
    assert!(said.contains("did you mean `deploys`?"), "{said}");
    let checked = place.run(&["runbook", "check", "books", "--json"]);
    assert_eq!(checked.code, Some(2));
    let found: serde_json::Value = serde_json::from_str(&checked.out).expect("one document");
    let at = |idx: usize| (found["places"][idx]["line"].as_u64(), found["places"][idx]["column"].as_u64());
    assert!((at(0), at(1)) == ((Some(4), Some(10)), (Some(4), Some(18))), "{found}");
    assert_eq!(found["mistakes"].as_array().map(Vec::len), found["places"].as_array().map(Vec::len));
}
