//! API tokens: shown once, good for what they were made for, gone at once when taken back, and never a person's.

use serde_json::{Value, json};
use tests::place::{Place, Serve, until};
use tests::server::Reply;
use tests::story::Story;

const CONFIG: &str = "listen = \"127.0.0.1:0\"\n[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\n";

fn create(place: &Place, args: &[&str]) -> String {
    let made = place.json(&[&["token", "create"], args].concat());
    made["token"].as_str().expect("it is shown").to_owned()
}

fn get(serve: &Serve, token: &str, path: &str) -> Reply {
    serve.get(path, &[("authorization", &format!("Bearer {token}"))])
}

fn post(serve: &Serve, token: &str, path: &str, body: &Value) -> Reply {
    serve.post(path, &[("authorization", &format!("Bearer {token}"))], body)
}

#[test]
fn a_token_does_what_its_scopes_say_and_nothing_else() {
    let place = Place::new();
    Story::until_now().tell(&place);
    place.write("data/firstline.toml", CONFIG);
    let serve = place.serve(CONFIG);
    let ci = create(&place, &["ci", "--scope", "deploys"]);
    let reader = create(&place, &["reader", "--scope", "ask,search", "--scope", "incidents"]);
    assert_eq!(get(&serve, &ci, "/api/deploys").status, 200);
    assert_eq!(get(&serve, &ci, "/api/session").json()["id"], "token:ci");
    let refused = get(&serve, &ci, "/api/search?q=*");
    assert!(refused.status == 403 && refused.body.contains("`ci` has no scope `search`"), "{refused:?}");
    let change = json!({ "service": "cart", "version": "v2" });
    assert_eq!(post(&serve, &ci, "/api/deploys", &change).status, 201);
    assert_eq!(post(&serve, &reader, "/api/deploys", &change).status, 403);
    for path in ["/api/search?q=*", "/api/templates", "/api/overview", "/api/incidents", "/api/approvals"] {
        assert_eq!(get(&serve, &reader, path).status, 200, "{path}");
    }
    assert_eq!(get(&serve, &reader, "/api/audit").status, 403);
    assert_eq!(get(&serve, &reader, "/metrics").status, 403);
    assert_eq!(get(&serve, &reader, "/api/nothing-here").status, 404);

    // A question proposes a step; no token decides it.
    let answer = post(&serve, &reader, "/api/ask", &json!({ "question": "why is checkout failing?" })).json();
    let step = &answer["proposals"][0]["steps"][0];
    let id = step["id"].as_str().unwrap_or_else(|| panic!("a step is proposed: {answer:#}"));
    for verb in ["approve", "reject", "cancel", "done"] {
        let path = format!("/api/steps/{id}/{verb}");
        let refused = post(&serve, &reader, &path, &json!({ "digest": step["digest"] }));
        assert!(refused.status == 403 && refused.body.contains("this is a token"), "{verb}: {refused:?}");
    }
    assert_eq!(get(&serve, &reader, &format!("/api/steps/{id}")).json()["state"], "proposed");
    let incident = answer["incident"].as_str().expect("a cause opens an incident");
    assert_eq!(post(&serve, &reader, &format!("/api/incidents/{incident}/resolve"), &json!({})).status, 403);
    let record = place.ok(&["audit", "export"]);
    assert!(record.contains("token:reader") && record.contains("this is a token"), "the attempt is on record");
}

#[test]
fn a_token_is_kept_as_a_hash_and_ends_when_it_is_taken_back() {
    let place = Place::new();
    place.write("data/firstline.toml", CONFIG);
    let serve = place.serve(CONFIG);
    let token = create(&place, &["ci", "--scope", "search", "--service", "checkout", "--expires", "12h"]);
    assert_eq!(get(&serve, &token, "/api/search?q=*").status, 200);
    let taken = place.fails(1, &["token", "create", "ci", "--scope", "search"]);
    assert!(taken.contains("already") && taken.contains("revoke ci"), "{taken}");
    let listed = place.ok(&["token", "list"]);
    assert!(listed.contains("ci: search, sees checkout, until 20"), "{listed}");
    for kept in [listed, place.ok(&["audit", "export"])] {
        assert!(!kept.contains(&token), "the secret is nowhere");
    }
    let database = std::fs::read(place.path("data/firstline.db")).expect("a database");
    assert!(!database.windows(token.len()).any(|bytes| bytes == token.as_bytes()));

    place.ok(&["token", "revoke", "ci"]);
    assert_eq!(get(&serve, &token, "/api/search?q=*").status, 401, "at once");
    place.fails(1, &["token", "revoke", "ci"]);
    assert_eq!(place.json(&["token", "list"])["tokens"], json!([]));
    let again = create(&place, &["ci", "--scope", "search"]);
    assert_eq!(get(&serve, &again, "/api/search?q=*").status, 200);
    assert_eq!(get(&serve, &token, "/api/search?q=*").status, 401, "the old one stays gone");
    let unknown = place.fails(2, &["token", "create", "x", "--scope", "approve"]);
    assert!(unknown.contains("unknown scope `approve` (known: ask, search"), "{unknown}");
}

#[test]
fn a_stream_ends_with_the_rights_to_it() {
    use std::io::{Read as _, Write as _};
    let place = Place::new();
    place.write("data/firstline.toml", CONFIG);
    let serve = place.serve(CONFIG);
    let token = create(&place, &["wall", "--scope", "incidents"]);
    let mut stream = std::net::TcpStream::connect(&serve.address).expect("it listens");
    let head = format!(
        "GET /api/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
        serve.address
    );
    stream.write_all(head.as_bytes()).expect("it takes a request");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("it answers");
    assert_eq!(&first, b"HTTP/1.1 200");
    place.ok(&["token", "revoke", "wall"]);
    let reading = std::thread::spawn(move || stream.read_to_end(&mut Vec::new()));
    until("the stream ended", || reading.is_finished());
}
