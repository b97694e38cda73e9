//! Who may do what, by policies over people and roles: checked, explained, and obeyed.

use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, terminal_person};
use tests::server::Server;
use tests::story::{Story, rollback_without_watching};

const OWN: &str = r#"
@id("on call approves")
permit (principal in Role::"oncall", action in [Action::"approve", Action::"run"], resource)
when { resource.service == "checkout" && resource.risk_level <= 2 };

@id("everybody asks")
permit (principal, action in [Action::"see", Action::"propose"], resource);

@id("nobody touches staging")
forbid (principal, action in [Action::"approve", Action::"run"], resource) when { resource.environment == "staging" };
"#;

/// A place where the person at this terminal is `ines`, with these roles.
fn place(server: Option<&Server>, roles: &str) -> Place {
    let place = Place::new();
    place.write("policy/own.cedar", OWN);
    let endpoint = server.map_or_else(String::new, |server| {
        format!("[actions.endpoints.operations]\nbase_url = \"http://{}\"\n", server.address)
    });
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[approval]\npolicies = [\"policy\"]\nself_approval = true\n\
         [people.ines]\nname = \"Ines Ferro\"\nidentities = [\"{}\"]\nroles = [{roles}]\n\
         [people.tom]\nroles = [\"oncall\"]\nactive = false\n[runbooks]\npaths = [\"runbooks\"]\n{endpoint}",
        terminal_person()
    );
    place.write("data/firstline.toml", config);
    place.write("runbooks/none.md", "# Nothing\n\nNothing to do.\n");
    place
}

#[test]
fn explain_says_yes_or_no_and_which_policy() {
    let place = place(None, "\"oncall\"");
    let text = place.ok(&["policy", "explain", "--as", "ines", "--action", "approve", "--service", "checkout"]);
    assert!(text.contains("Ines Ferro (ines) · oncall"), "{text}");
    assert!(text.contains("medium  yes  permitted by `on call approves`"), "{text}");
    assert!(text.contains("high    no   no policy permits it"), "{text}");
    let explain = |person: &str, action: &str, more: &[&str]| -> Value {
        let args = ["policy", "explain", "--as", person, "--action", action, "--service", "checkout"];
        place.json(&[&args[..], more].concat())
    };
    assert_eq!(explain("ines", "approve", &["--risk", "low"])["allowed"], true);
    assert_eq!(explain(&terminal_person(), "approve", &["--risk", "low"])["person"], "ines");
    let staging = explain("ines", "approve", &["--env", "staging", "--risk", "low"]);
    assert_eq!(staging["rulings"][0]["because"], json!(["nobody touches staging"]));
    assert_eq!(explain("ines", "see", &[])["allowed"], true);
    let gone = explain("tom", "http", &[]);
    assert_eq!((&gone["allowed"], &gone["roles"]), (&json!(false), &Value::Null));
    let unknown = place.fails(1, &["policy", "explain", "--as", "eve", "--action", "run", "--service", "checkout"]);
    assert!(unknown.contains("nobody is called `eve`") && unknown.contains("`ines`"), "{unknown}");
    let wrong = place.fails(2, &["policy", "explain", "--as", "ines", "--action", "aprove", "--service", "checkout"]);
    assert!(wrong.contains("unknown action `aprove`") && wrong.contains("break_glass"), "{wrong}");
}

#[test]
fn mistakes_in_policies_are_found_before_anything_starts() {
    let place = place(None, "\"oncall\"");
    assert!(place.ok(&["policy", "check"]).starts_with("3 policies, all good"));
    place.write("policy/own.cedar", format!("{OWN}\npermit (principal, action == Action::\"aprove\", resource);\n"));
    let found = place.fails(1, &["policy", "check"]);
    assert!(found.contains("policy/own.cedar:12:") && found.contains("known: see, propose, approve"), "{found}");
    let refused = place.fails(2, &["config", "check"]);
    assert!(refused.contains("policy/own.cedar:12:") && refused.contains("`firstline policy check`"), "{refused}");
    let refused = place.fails(2, &["serve"]);
    assert!(refused.contains("nothing started"), "{refused}");
    let nobody = Place::new();
    assert!(nobody.fails(2, &["policy", "check"]).contains("no policies to check"));
}

#[test]
fn a_step_runs_by_the_policies_as_they_are_now() {
    let server = Server::start(Duration::from_millis(50), |_| (200, json!({"status": "rolled back"}).to_string()));
    let place = place(Some(&server), "\"engineer\"");
    rollback_without_watching(&place);
    Story::until_now().tell(&place);
    let answer = place.json(&["ask", "why is checkout failing?"]);
    let proposals = answer["proposals"].as_array().expect("proposals");
    let rollback = proposals.iter().find(|proposal| proposal["runbook"] == "roll-back-deploy").expect("a rollback");
    let step = rollback["steps"][0]["id"].as_str().expect("an id");
    let refused = place.fails(1, &["approve", step]);
    assert!(refused.contains("Ines Ferro may not approve this: no policy permits it"), "{refused}");
    assert!(server.requests().is_empty());

    let config = std::fs::read_to_string(place.path("data/firstline.toml")).expect("it is there");
    place.write("data/firstline.toml", config.replace("\"engineer\"", "\"oncall\""));
    place.ok(&["approve", step]);
    assert_eq!(server.requests().len(), 1);
    let exported = place.ok(&["audit", "export"]);
    assert!(exported.contains("on call approves") && exported.contains(&terminal_person()), "{exported}");
}

#[test]
fn a_policy_takes_away_from_what_is_granted_to_be_seen() {
    let place = Place::new();
    place.write(
        "own.cedar",
        "permit (principal, action == Action::\"see\", resource);\n\
         forbid (principal == Person::\"ines\", action == Action::\"see\", resource) when { resource.service == \"payment\" };",
    );
    Story::until_now().tell(&place);
    // Whoever can write a log line can write any name into it.
    place.write(
        "planted.ndjson",
        Story::until_now().log.lines().take(1).collect::<String>().replace("gateway", "PAYMENT"),
    );
    place.ok(&["index", "planted.ndjson"]);
    let config = "listen = \"127.0.0.1:0\"\n[approval]\npolicies = [\"own.cedar\"]\n[console]\nperson = \"ines\"\n\
                  [people.ines]\nidentities = [\"console:ines\"]\n[grants.all]\nto = [\"*\"]\nservices = [\"*\"]\n";
    let serve = place.serve(config);
    let person = serve.sign_in();
    let found = |query: &str| {
        let reply = serve.get(&format!("/api/search?q={query}&from=-3h"), &[("cookie", &person.cookie)]);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["total"].as_u64().expect("a total")
    };
    assert!(found("service:checkout") > 0);
    assert_eq!(found("service:payment"), 0);
    assert_eq!(found("charged"), 0);
}

#[test]
fn a_right_that_is_given_or_taken_while_it_serves_counts_soon() {
    let server = Server::start(Duration::from_millis(50), |_| (200, json!({"status": "rolled back"}).to_string()));
    let place = Place::new();
    place.write("own.cedar", OWN);
    rollback_without_watching(&place);
    Story::until_now().tell(&place);
    let config = |roles: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\n[approval]\npolicies = [\"own.cedar\"]\nself_approval = true\n[console]\nperson = \"ines\"\n\
             [people.ines]\nidentities = [\"console:ines\"]\nroles = [{roles}]\n[grants.all]\nto = [\"*\"]\nservices = [\"*\"]\n\
             [runbooks]\npaths = [\"runbooks\"]\n[actions.endpoints.operations]\nbase_url = \"http://{}\"\n",
            server.address
        )
    };
    let serve = place.serve(&config("\"engineer\""));
    let ines = serve.sign_in();
    let answer = serve.post_as(&ines, "/api/ask", &json!({"question": "why is checkout failing?"})).json();
    let proposals = answer["proposals"].as_array().expect("proposals");
    let rollback = proposals.iter().find(|proposal| proposal["runbook"] == "roll-back-deploy").expect("a rollback");
    let step = &rollback["steps"][0];
    let path = format!("/api/steps/{}/approve", step["id"].as_str().expect("an id"));
    let approve = || serve.post_as(&ines, &path, &json!({"digest": step["digest"]}));
    assert_eq!(approve().status, 403);
    place.write("serve.toml", config("\"oncall\", \"mistake"));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(approve().status, 403, "what cannot be read changes nothing");
    place.write("serve.toml", config("\"oncall\""));
    tests::place::until("the new role counts", || approve().status == 200);
    tests::place::until("it has run", || server.requests().len() == 1);
    place.write("serve.toml", config("\"oncall\"").replace("[grants.all]", "active = false\n[grants.all]"));
    tests::place::until("whoever is not active is out", || {
        serve.get("/api/session", &[("cookie", &ines.cookie)]).status != 200
    });
}
