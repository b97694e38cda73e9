//! From a file to an outcome: draft, rehearse, seal, approve, claim, execute.

use evidence::Time;

use super::*;
use crate::approval::{Approved, Command, Person, Status, StepState, apply, decide};
use crate::catalog::Catalog;
use crate::draft::{Context, Draft, values};
use crate::execute::execute;
use crate::inventory::Inventory;
use crate::policy::Rules;
use crate::proposal::Step;

fn context<'c>(rules: &'c Rules, now: Time) -> Context<'c> {
    Context {
        incident: "inc-1",
        proposal: "p-1",
        proposer: "you",
        requester: "you",
        evidence: &[],
        window: None,
        environment: "production",
        rules,
        now,
    }
}

pub(super) fn inventory() -> Inventory {
    serde_json::from_value(json!({
        "environments": ["production"],
        "services": {"checkout": {"versions": ["v1.41", "v1.42"]}},
        "hosts": {"orders-db-0": "checkout"},
        "queues": {"orders.accepted": "checkout"},
        "flags": {"ranker": {"service": "checkout"}},
        "workloads": {"checkout": {"cluster": "prod", "namespace": "shop", "environment": "production"}},
    }))
    .unwrap()
}

#[tokio::test]
async fn an_approved_step_runs_its_stored_bytes() {
    let actions = super::http::actions_at(&super::http::server().await).await;
    let text = "---\nid: x\ntitle: X\nparams:\n  service: {type: service}\n  to: {type: version}\n---\n\
        ```step\nid: go\naction: http\nargs: {endpoint: operations, method: POST, path: /v1/restart, \
        body: {service: \"{{service}}\", to: \"{{to}}\"}}\n```\n";
    let runbook = crate::markdown::read(text, "x.md").unwrap();
    let given = BTreeMap::from([("service".to_owned(), "checkout".to_owned()), ("to".to_owned(), "v1.41".to_owned())]);
    let params = values(&runbook, &given, &inventory()).unwrap();
    let (rules, redactor, now) = (Rules::of_the_demo(), Redactor::new([7; 32]), Time(1_000_000));
    let mut draft = Draft::new(&runbook, &params, &[], &actions, &context(&rules, now)).unwrap();
    draft.rehearse(&actions, &redactor).await;
    let proposal = draft.seal(&redactor).unwrap();
    let stored = serde_json::to_string(&proposal).unwrap();
    let step: Step = serde_json::from_str::<crate::Proposal>(&stored).unwrap().steps.remove(0);
    assert_eq!(step.digest(), proposal.steps[0].digest());

    let mut state = StepState::default();
    let you = Person::human("you", "You");
    for command in [
        Command::Propose { step: Box::new(step.clone()) },
        Command::Approve { person: you, digest: step.digest(), reason: None },
        Command::Claim { claim: "c".into(), worker: "w".into(), digest: step.digest() },
    ] {
        for event in decide(&state, command, &rules, now).unwrap() {
            state = apply(state, &event);
        }
    }
    let approved = Approved::claim(step, &state, "c").unwrap();
    let outcome = execute(approved, &actions, &redactor, Arc::new(|_| {}), CancellationToken::new()).await;
    let sent = r#"{\"service\":\"checkout\",\"to\":\"v1.41\"}"#;
    assert!(outcome.output.as_str().contains(sent), "{outcome:?}");
    let finish = Command::Finish { claim: "c".into(), outcome };
    let events = decide(&state, finish, &rules, now).unwrap();
    assert_eq!(apply(state, &events[0]).status, Status::Succeeded);
}

pub(super) fn running(step: &Step) -> StepState {
    StepState {
        status: Status::Running,
        claim: Some(crate::approval::Claim { id: "c".into(), worker: "w".into(), at: Time(0) }),
        facts: Some(crate::approval::Facts {
            digest: step.digest(),
            risk: step.content().risk,
            environment: "production".into(),
            proposer: "firstline".into(),
            requester: "tom".into(),
            manual: false,
            approvals_needed: 1,
            expires: Time(1),
            operation: None,
            after_seconds: 0,
        }),
        ..StepState::default()
    }
}

#[tokio::test]
async fn what_was_approved_is_refused_when_its_endpoint_is_gone() {
    let with = super::http::actions_at(&super::http::server().await).await;
    let without = actions(json!({}));
    let content = crate::proposal::StepContent {
        action: "http".into(),
        arguments: json!({"endpoint": "anonymous", "method": "GET", "path": "/echo"}),
        ..crate::proposal::tests::content()
    };
    let step = Step::seal(content, &Redactor::new([7; 32])).unwrap();
    let state = running(&step);
    let redactor = Redactor::new([7; 32]);
    for (actions, result) in [(&with, Outcomes::Succeeded), (&without, Outcomes::Refused)] {
        let approved = Approved::claim(step.clone(), &state, "c").unwrap();
        let outcome = execute(approved, actions, &redactor, Arc::new(|_| {}), CancellationToken::new()).await;
        assert_eq!(outcome.result, result, "{outcome:?}");
    }
}

#[tokio::test]
async fn what_has_changed_since_it_was_approved_is_refused() {
    let actions = actions(json!({"programs": {"tool": {"path": "/bin/echo"}}}));
    let content = crate::proposal::StepContent {
        action: "manual".into(),
        arguments: json!({"instruction": "look"}),
        precondition: Some("generation 7".into()),
        ..crate::proposal::tests::content()
    };
    let redactor = Redactor::new([7; 32]);
    let step = Step::seal(content, &redactor).unwrap();
    let state = running(&step);
    let approved = Approved::claim(step, &state, "c").unwrap();
    let outcome = execute(approved, &actions, &redactor, Arc::new(|_| {}), CancellationToken::new()).await;
    assert_eq!(outcome.result, Outcomes::Refused);
    assert!(outcome.summary.as_str().contains("approved for `generation 7`"), "{}", outcome.summary);
}

#[tokio::test]
async fn every_shipped_runbook_can_be_drafted_and_sealed() {
    let actions = actions(json!({
        "endpoints": {"operations": {"base_url": "http://127.0.0.1:9"}},
        "clusters": {"prod": {"server": "http://127.0.0.1:9", "namespaces": ["shop"]}},
    }));
    let rules = Rules::of_the_demo();
    let given = BTreeMap::from(
        [
            ("service", "checkout"),
            ("environment", "production"),
            ("to", "v1.41"),
            ("host", "orders-db-0"),
            ("queue", "orders.accepted"),
            ("workload", "prod/shop/deployment/checkout"),
            ("flag", "ranker"),
            ("requests_per_second", "200"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    for runbook in Catalog::shipped().iter() {
        let mut given = given.clone();
        given.retain(|name, _| runbook.head.params.contains_key(name));
        let params =
            values(runbook, &given, &inventory()).unwrap_or_else(|error| panic!("{}: {error:?}", runbook.id()));
        let draft = Draft::new(runbook, &params, &[], &actions, &context(&rules, Time(0)));
        let draft = draft.unwrap_or_else(|error| panic!("{}: {error:?}", runbook.id()));
        assert!(!draft.steps().is_empty());
        let proposal = draft.seal(&Redactor::new([7; 32])).unwrap_or_else(|error| panic!("{}: {error}", runbook.id()));
        assert!(!proposal.title.contains("{{") && proposal.steps.iter().all(|step| !step.bytes().contains("{{")));
    }
}

#[test]
fn wrong_values_are_all_named() {
    let catalog = Catalog::shipped();
    let runbook = catalog.get("scale-service").unwrap();
    let given = BTreeMap::from([
        ("service".to_owned(), "chekout".to_owned()),
        ("replicas".to_owned(), "many".to_owned()),
        ("colour".to_owned(), "red".to_owned()),
    ]);
    let mistakes = values(runbook, &given, &inventory()).unwrap_err().join("\n");
    for part in [
        "no parameter `colour`",
        "`environment` is missing",
        "unknown service `chekout` (known: checkout)",
        "`many` is not a whole number from 1 to 50",
    ] {
        assert!(mistakes.contains(part), "{mistakes}");
    }
}
