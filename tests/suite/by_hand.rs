//! Steps that people propose themselves: other parameters, several steps as one, undoing, and broken glass.

use std::time::Duration;

use serde_json::{Value, json};
use tests::place::{Place, terminal_person};
use tests::server::Server;
use tests::story::Story;

const RUNBOOK: &str = r#"---
id: drain-and-restart
title: Drain and restart {{service}}
when: A service hangs.
owner: platform
risk: medium
params:
  service: { type: service, about: the service }
  environment: { type: environment, about: where }
---
# Drain and restart

```step
id: drain
action: http
args: { endpoint: operations, method: POST, path: /v1/drain, body: { service: "{{service}}" } }
undo:
  action: http
  args: { endpoint: operations, method: POST, path: /v1/undrain, body: { service: "{{service}}" } }
```

```step
id: restart
action: http
args: { endpoint: operations, method: POST, path: /v1/restart, body: { service: "{{service}}" } }
together: true
```
"#;

const POLICIES: &str = r#"
@id("on call")
permit (principal in Role::"oncall", action in [Action::"propose", Action::"approve", Action::"run"], resource);
@id("leads break glass")
permit (principal in Role::"lead", action in [Action::"see", Action::"propose", Action::"break_glass"], resource);
@id("all see")
permit (principal, action == Action::"see", resource);
"#;

fn config(server: &Server, roles: &str, more: &str) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[approval]\npolicies = [\"own.cedar\"]\nself_approval = true\n{more}\n\
         [people.ines]\nname = \"Ines\"\nidentities = [\"{}\"]\nroles = [{roles}]\n\
         [runbooks]\npaths = [\"runbooks\"]\n[actions.endpoints.operations]\nbase_url = \"http://{}\"\n\
         [inventory]\nenvironments = [\"production\"]\n",
        terminal_person(),
        server.address
    )
}

/// A conversation about checkout, and its id.
fn begun(server: &Server, roles: &str, more: &str) -> (Place, String) {
    let place = Place::new();
    place.write("own.cedar", POLICIES);
    place.write("runbooks/drain-and-restart.md", RUNBOOK);
    place.write("data/firstline.toml", config(server, roles, more));
    Story::until_now().tell(&place);
    let answer = place.json(&["ask", "why is checkout failing?"]);
    (place, answer["incident"].as_str().expect("an incident").to_owned())
}

fn propose(place: &Place, incident: &str, more: &[&str]) -> Value {
    let params = ["--param", "service=checkout", "--param", "environment=production", "--incident", incident];
    place.json(&[&["runbook", "propose", "drain-and-restart"], &params[..], more].concat())
}

fn paths(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|request| request.path).collect()
}

fn operations(status_of: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Server {
    Server::start(Duration::from_millis(20), move |request| (status_of(&request.path), json!({}).to_string()))
}

#[test]
fn a_unit_is_approved_as_one_runs_in_order_and_each_step_can_be_undone_by_another_approval() {
    let server = operations(|_| 200);
    let (place, incident) = begun(&server, "\"oncall\"", "");
    let proposal = propose(&place, &incident, &[]);
    let ids: Vec<&str> =
        proposal["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect();
    assert_eq!(proposal["steps"][0]["together_with"], json!([ids[1]]));
    let shown = place.ok(&["approve", ids[1]]);
    assert!(shown.contains("/v1/drain") && shown.contains("then") && shown.contains("/v1/restart"), "{shown}");
    assert_eq!(paths(&server), ["/v1/drain", "/v1/restart"]);

    let undo = place.json(&["undo", ids[0]]);
    let undo = undo["steps"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(place.json(&["undo", ids[0]])["steps"][0]["id"], undo, "asked twice it is proposed once");
    assert_eq!(paths(&server).len(), 2, "undoing needs an approval of its own");
    place.ok(&["approve", &undo]);
    assert_eq!(paths(&server), ["/v1/drain", "/v1/restart", "/v1/undrain"]);
    let refused = place.fails(2, &["undo", ids[1]]);
    assert!(refused.contains("does not say how to undo it"), "{refused}");
    assert!(place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn what_follows_a_failed_step_of_a_unit_never_runs() {
    let server = operations(|path| if path == "/v1/drain" { 500 } else { 200 });
    let (place, incident) = begun(&server, "\"oncall\"", "");
    let proposal = propose(&place, &incident, &[]);
    let ids: Vec<&str> =
        proposal["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect();
    place.run(&["approve", ids[0]]);
    assert_eq!(paths(&server), ["/v1/drain"]);
    let steps = place.json(&["proposals", &incident])["steps"].clone();
    let second = steps.as_array().unwrap().iter().find(|step| step["id"] == ids[1]).expect("the second step").clone();
    assert_eq!(second["state"], "cancelled", "{second:#}");
    assert!(second["outcome"].as_str().unwrap().contains("did not succeed"), "{second:#}");
}

#[test]
fn a_proposal_in_place_of_another_makes_its_buttons_dead() {
    let server = operations(|_| 200);
    let (place, incident) = begun(&server, "\"oncall\"", "");
    let first = propose(&place, &incident, &[]);
    let second = propose(&place, &incident, &["--instead-of", first["id"].as_str().unwrap()]);
    let old = place.fails(1, &["approve", first["steps"][0]["id"].as_str().unwrap()]);
    assert!(old.contains("superseded"), "{old}");
    assert!(paths(&server).is_empty());
    place.ok(&["approve", second["steps"][0]["id"].as_str().unwrap()]);
    assert_eq!(paths(&server), ["/v1/drain", "/v1/restart"]);
    let wrong = ["runbook", "propose", "drain-and-restart", "--param", "service=nowhere", "--incident", &incident];
    let wrong = place.fails(2, &wrong);
    assert!(wrong.contains("nowhere") && wrong.contains("`environment` is missing"), "{wrong}");
}

#[test]
fn broken_glass_has_a_reason_a_page_and_a_review() {
    let server = operations(|_| 200);
    let page = "[approval.break_glass]\npage_endpoint = \"operations\"\npage_path = \"/page\"";
    let (place, incident) = begun(&server, "\"lead\"", page);
    let proposal = propose(&place, &incident, &[]);
    let step = proposal["steps"][0]["id"].as_str().unwrap();
    let alone = place.fails(1, &["approve", step]);
    assert!(alone.contains("Ines may not approve this: no policy permits it"), "{alone}");
    let short = place.fails(1, &["approve", step, "--break-glass", "--reason", "now"]);
    assert!(short.contains("at least 10 characters"), "{short}");
    assert!(paths(&server).is_empty());
    place.ok(&["approve", step, "--break-glass", "--reason", "orders are lost, nobody answers"]);
    let paged = server.requests().into_iter().filter(|request| request.path == "/page").collect::<Vec<_>>();
    assert_eq!(paged.len(), 2, "each step of the unit is told of");
    assert!(paged[0].body.contains("orders are lost, nobody answers"), "{}", paged[0].body);
    let ran: Vec<String> = paths(&server).into_iter().filter(|path| path.starts_with("/v1")).collect();
    assert_eq!(ran, ["/v1/drain", "/v1/restart"]);
    let own = place.fails(1, &["review", step, "--reason", "it was right"]);
    assert!(own.contains("may not approve this"), "{own}");
    let timeline = place.ok(&["incident", "timeline", &incident]);
    assert!(timeline.contains("broke the glass") && timeline.contains("second channel was told"), "{timeline}");
}
