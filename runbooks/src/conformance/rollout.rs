//! From evidence to a changed cluster: the workload comes from the inventory, its bytes are approved, and only they run.

use evidence::Time;
use evidence::answer::{Evidence, RankedChange, Verdict};

use super::cluster::{Cluster, deployment_path};
use super::whole::{inventory, running};
use super::*;
use crate::approval::Approved;
use crate::candidates::Situation;
use crate::catalog::Catalog;
use crate::draft::{Context, Draft};
use crate::execute::execute;
use crate::inventory::Inventory;
use crate::policy::Rules;
use crate::proposal::{Proposal, Step};

fn evidence_rows() -> Vec<Evidence> {
    serde_json::from_value(json!([{
        "id": "E1", "kind": "new", "service": "checkout", "level": "error", "template": "pool exhausted after <*> ms", "template_id": null,
        "count": 90, "baseline_count": 0, "first": null, "last": null, "samples": [], "series": []
    }]))
    .unwrap()
}

fn suspected_deploy() -> Vec<RankedChange> {
    serde_json::from_value(json!([{
        "id": "C1", "service": "checkout", "kind": "deploy", "version": "v1.42", "previous": "v1.41", "environment": "production",
        "at": Time(0), "by": null, "url": null, "score": 0.9, "suspected": true, "why": ""
    }]))
    .unwrap()
}

fn context<'c>(rules: &'c Rules, evidence: &'c [Evidence]) -> Context<'c> {
    Context {
        incident: "inc-1",
        proposal: "p-1",
        proposer: "firstline",
        requester: "you",
        evidence,
        window: None,
        environment: "production",
        rules,
        now: Time(1_000_000),
    }
}

/// What is proposed after a suspected deploy of checkout, with this inventory.
async fn proposed(actions: &Actions, inventory: &Inventory) -> (String, Option<Proposal>) {
    let (catalog, evidence, changes) = (Catalog::shipped(), evidence_rows(), suspected_deploy());
    let environment = Some("production");
    let situation = Situation {
        verdict: Verdict::Cause,
        evidence: &evidence,
        suspects: &[],
        changes: &changes,
        environment,
        inventory,
    };
    let best = catalog.candidates(&situation).remove(0);
    let (rules, redactor) = (Rules::of_the_demo(), Redactor::new([7; 32]));
    let runbook = catalog.get(&best.runbook).unwrap();
    let Ok(mut draft) = Draft::of_candidate(runbook, &best, actions, &context(&rules, &evidence)) else {
        return (best.runbook, None);
    };
    draft.rehearse(actions, &redactor).await;
    (best.runbook, Some(draft.seal(&redactor).unwrap()))
}

async fn carry_out(step: &Step, actions: &Actions) -> Outcome {
    let approved = Approved::claim(step.clone(), &running(step), "c").unwrap();
    execute(approved, actions, &Redactor::new([7; 32]), Arc::new(|_| {}), CancellationToken::new()).await
}

#[tokio::test]
async fn a_bad_rollout_is_proposed_rehearsed_and_undone_once() {
    let cluster = Cluster::start().await;
    let prod = json!({"server": cluster.url, "token": "env:KUBE_TOKEN", "namespaces": ["shop"]});
    let actions = actions(json!({"clusters": {"prod": prod}}));
    let (runbook, proposal) = proposed(&actions, &inventory()).await;
    assert_eq!(runbook, "undo-rollout");
    let step = proposal.unwrap().steps.remove(0);
    let content = step.content();
    assert_eq!(content.arguments, json!({"verb": "rollout_undo", "workload": "prod/shop/deployment/checkout"}));
    assert_eq!(
        content.summary,
        "go back to the previous revision of deployment `checkout` in namespace `shop` of cluster `prod`"
    );
    assert!(
        content
            .dry_run
            .as_ref()
            .unwrap()
            .starts_with("4 pods would change from image `shop/checkout:v1.42` to `shop/checkout:v1.41`")
    );
    assert!(content.precondition.as_ref().unwrap().contains("revision 7"), "{:?}", content.precondition);
    assert_eq!(cluster.n_writes(), 0, "a proposal changed something");
    let outcome = carry_out(&step, &actions).await;
    assert_eq!(outcome.result, Outcomes::Succeeded, "{outcome:?}");
    let outcome = carry_out(&step, &actions).await;
    assert_eq!(outcome.result, Outcomes::Refused, "the same bytes rest on what is gone: {outcome:?}");
    assert_eq!(cluster.n_writes(), 1);
    cluster.assert_no_surprise();
}

#[tokio::test]
async fn a_workload_that_the_inventory_does_not_know_is_no_target() {
    let actions = actions(json!({"clusters": {"prod": {"server": "http://127.0.0.1:9", "namespaces": ["shop"]}}}));
    let without = Inventory { workloads: BTreeMap::new(), ..inventory() };
    assert_eq!(proposed(&actions, &without).await.0, "roll-back-deploy");
    let mut elsewhere = inventory();
    elsewhere.workloads.get_mut("checkout").unwrap().environment = "staging".to_owned();
    assert_eq!(proposed(&actions, &elsewhere).await.0, "roll-back-deploy");
    let mut twice = inventory();
    let second = crate::inventory::workload::Deployed {
        service: Some("checkout".into()),
        ..twice.workloads["checkout"].clone()
    };
    twice.workloads.insert("checkout-eu".into(), second);
    assert_eq!(proposed(&actions, &twice).await.0, "roll-back-deploy", "which of the two is for a person to say");
}

#[tokio::test]
async fn an_approval_does_not_outlive_what_it_rested_on() {
    let cluster = Cluster::start().await;
    let prod = json!({"server": cluster.url, "token": "env:KUBE_TOKEN", "namespaces": ["shop"]});
    let actions = actions(json!({"clusters": {"prod": prod}}));
    let step = proposed(&actions, &inventory()).await.1.unwrap().steps.remove(0);
    cluster.change(
        &deployment_path("checkout"),
        "/spec/template/spec/containers/0/image",
        json!("shop/checkout:v1.43"),
    );
    let outcome = carry_out(&step, &actions).await;
    assert_eq!(outcome.result, Outcomes::Refused, "{outcome:?}");
    assert!(outcome.summary.as_str().contains("ask again for a fresh proposal"));
    assert_eq!(cluster.n_writes(), 0);
}

fn draft_of_wait(args: &str, timeout: &str, citations: &[String]) -> Result<Draft, Vec<String>> {
    let text = format!(
        "---\nid: x\ntitle: X\nparams:\n  service: {{type: service}}\n---\n```step\nid: wait\naction: wait\nargs: {args}\n{timeout}```\n"
    );
    let runbook = crate::markdown::read(&text, "x.md")
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let given = BTreeMap::from([("service".to_owned(), "checkout".to_owned())]);
    let params = crate::draft::values(&runbook, &given, &inventory())?;
    let (rules, evidence) = (Rules::of_the_demo(), evidence_rows());
    Draft::new(&runbook, &params, citations, &actions(json!({})), &context(&rules, &evidence))
}

#[test]
fn a_wait_is_bound_to_what_is_cited_when_it_is_drafted() {
    let cited = ["E1".to_owned()];
    let draft = draft_of_wait("{evidence: cited stops, for: 30s, within: 4m}", "", &cited).unwrap();
    let step = &draft.steps()[0];
    assert_eq!(step.arguments["what"]["evidence"]["template"], "pool exhausted after <*> ms");
    assert_eq!(step.summary, "wait until E1 (checkout: pool exhausted after <*> ms) stops for 30 s (at most 4 min)");
    assert_eq!(step.timeout_seconds, 250);
    let draft = draft_of_wait("{query: 'service:{{service}} level>=error', at_most: 3}", "", &[]).unwrap();
    assert_eq!(draft.steps()[0].arguments["what"]["query"]["query"], "service:checkout level>=error");
    for (args, timeout, mistake) in [
        ("{evidence: cited stops}", "", "there is no evidence to wait for"),
        ("{query: 'a', at_most: 3, within: 16m}", "", "at most 15 min"),
        ("{query: 'a', at_most: 3, within: 5m}", "timeout: 60s\n", "`timeout` is shorter than `within`"),
        ("{query: 'a'}", "", "`query` needs one of"),
        ("{evidence: cited explodes}", "", "must be `cited` or an id"),
        ("{query: 'a', at_most: 3, forever: true}", "", "unknown field `forever`"),
        (
            "{what: {query: {query: 'a'}}, wants: {at_most: {count: 1}}, for_seconds: 1, within_seconds: 2}",
            "",
            "unknown field `what`",
        ),
    ] {
        let found = draft_of_wait(args, timeout, &[]).map(drop).unwrap_err().join("; ");
        assert!(found.contains(mistake), "{args}: {found}");
    }
}
