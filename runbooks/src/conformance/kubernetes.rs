//! `kubernetes` against a server that accepts nothing but exact requests, and that counts every change.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use super::cluster::{Cluster, Manner, deployment_path, node_path, pod_path};
use super::*;

const CHECKOUT: &str = "prod/shop/deployment/checkout";

fn actions_at(cluster: &Cluster) -> Actions {
    actions(json!({"clusters": {
        "prod": {"server": cluster.url, "token": "env:KUBE_TOKEN", "namespaces": ["shop"], "nodes": true},
        "locked": {"server": cluster.url, "token": "env:KUBE_TOKEN"},
        "stranger": {"server": cluster.url, "token": "env:TOKEN", "namespaces": ["shop"]},
        "tokenless": {"server": cluster.url, "token": "env:NOPE", "namespaces": ["shop"]},
        "gone": {"server": "http://127.0.0.1:1", "namespaces": ["shop"]},
        "open": {"server": "http://api.example.com:6443", "namespaces": ["shop"]},
    }}))
}

fn undo() -> Value {
    json!({"verb": "rollout_undo", "workload": CHECKOUT})
}

fn restart() -> Value {
    json!({"verb": "rollout_restart", "workload": CHECKOUT})
}

fn scale(replicas: u32) -> Value {
    json!({"verb": "scale", "workload": CHECKOUT, "replicas": replicas})
}

fn delete(pod: &str) -> Value {
    json!({"verb": "delete_pod", "workload": CHECKOUT, "pod": pod})
}

fn cordon(verb: &str) -> Value {
    json!({"verb": verb, "cluster": "prod", "node": "node-1.internal"})
}

async fn rehearse(actions: &Actions, arguments: &Value) -> Result<String, String> {
    let said = crate::execute::rehearse(actions, "kubernetes", arguments, &Redactor::new([7; 32])).await;
    said.map(|said| said.unwrap().into_string())
}

async fn rests_on(actions: &Actions, arguments: &Value) -> Result<String, String> {
    let found = crate::execute::precondition(actions, "kubernetes", arguments, &Redactor::new([7; 32])).await;
    found.map(Option::unwrap)
}

async fn try_it(actions: &Actions, arguments: Value) -> Tried {
    run(actions, "kubernetes", arguments, 2_000, None).await
}

/// Rehearses, sees that nothing was changed, then runs and sees that exactly one change was made.
async fn check(cluster: &Cluster, arguments: Value, would: &str, did: &str) {
    let actions = actions_at(cluster);
    let before = cluster.n_writes();
    let bound = rests_on(&actions, &arguments).await.unwrap();
    assert_eq!(rehearse(&actions, &arguments).await.unwrap(), would);
    assert_eq!(rests_on(&actions, &arguments).await.unwrap(), bound, "asking changed it");
    assert_eq!(cluster.n_writes(), before, "a rehearsal changed something");
    assert_outcome(&try_it(&actions, arguments.clone()).await, Outcomes::Succeeded, did);
    assert_eq!(cluster.n_writes(), before + 1);
    assert_ne!(rests_on(&actions, &arguments).await.ok(), Some(bound), "a change must make its approval stale");
    cluster.assert_no_surprise();
}

#[tokio::test]
async fn a_rollback_puts_back_the_template_of_the_revision_before() {
    let cluster = Cluster::start().await;
    let would = "4 pods would change from image `shop/checkout:v1.42` to `shop/checkout:v1.41`, from revision 7 back to what revision 6 ran";
    check(&cluster, undo(), would, "4 pods are to change from image `shop/checkout:v1.42` to `shop/checkout:v1.41`")
        .await;
    let now = cluster.object(&deployment_path("checkout"));
    let mut expected =
        cluster.object("/apis/apps/v1/namespaces/shop/replicasets/checkout-rev6")["spec"]["template"].clone();
    expected["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    assert_eq!(now["spec"]["template"], expected);
    assert_eq!(now["metadata"]["annotations"]["kubernetes.io/change-cause"], "deploy 6");
    assert_eq!(now["spec"]["replicas"], 4);
}

#[tokio::test]
async fn a_restart_changes_one_annotation_and_nothing_else() {
    let cluster = Cluster::start().await;
    let would = "4 pods would be replaced, one after another; the image stays `shop/checkout:v1.42`";
    let before = cluster.object(&deployment_path("checkout"));
    check(&cluster, restart(), would, "4 pods are to be replaced").await;
    let mut now = cluster.object(&deployment_path("checkout"));
    let annotations = now["spec"]["template"]["metadata"].as_object_mut().unwrap().remove("annotations").unwrap();
    let at = annotations["kubectl.kubernetes.io/restartedAt"].as_str().unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok() && annotations.as_object().unwrap().len() == 1, "{annotations}");
    assert_eq!(now["spec"], before["spec"]);
}

#[tokio::test]
async fn a_scale_goes_through_its_own_subresource_also_from_none() {
    let cluster = Cluster::start().await;
    check(&cluster, scale(8), "the pods would go from 4 to 8", "the pods go from 4 to 8").await;
    assert_eq!(cluster.object(&deployment_path("checkout"))["spec"]["replicas"], 8);
    let orders = json!({"verb": "scale", "workload": "prod/shop/statefulset/orders-db", "replicas": 1});
    check(&cluster, orders, "the pods would go from 0 to 1", "the pods go from 0 to 1").await;
    let error = rehearse(&actions_at(&cluster), &scale(8)).await.unwrap_err();
    assert!(error.contains("has 8 replicas already"), "{error}");
}

#[tokio::test]
async fn a_node_is_closed_and_opened_again() {
    let cluster = Cluster::start().await;
    let would = "node `node-1.internal` would take no new pods; those on it stay";
    check(&cluster, cordon("cordon"), would, "takes no new pods").await;
    assert_eq!(cluster.object(&node_path("node-1.internal"))["spec"], json!({"unschedulable": true}));
    assert!(rehearse(&actions_at(&cluster), &cordon("cordon")).await.unwrap_err().contains("nothing to do"));
    check(&cluster, cordon("uncordon"), "node `node-1.internal` would take new pods again", "takes new pods again")
        .await;
    assert_eq!(cluster.object(&node_path("node-1.internal"))["spec"], json!({}));
}

#[tokio::test]
async fn only_a_pod_of_the_workload_is_deleted() {
    let cluster = Cluster::start().await;
    let actions = actions_at(&cluster);
    for stranger in ["imposter-a", "stray-a"] {
        let tried = try_it(&actions, delete(stranger)).await;
        assert_outcome(&tried, Outcomes::Refused, "is none of `prod/shop/deployment/checkout`");
    }
    assert_eq!(cluster.n_writes(), 0);
    let would = "pod `checkout-a` would be deleted; deployment `checkout` makes another in its place";
    check(&cluster, delete("checkout-a"), would, "pod `checkout-a` is being deleted").await;
    assert_eq!(cluster.object(&pod_path("checkout-a")), Value::Null);
    assert!(!cluster.object(&pod_path("imposter-a")).is_null() && !cluster.object(&pod_path("stray-a")).is_null());
    assert_outcome(&try_it(&actions, delete("checkout-a")).await, Outcomes::Refused, "404");
}

#[tokio::test]
async fn what_cannot_be_undone_is_refused_with_its_reason() {
    let cluster = Cluster::start().await;
    let actions = actions_at(&cluster);
    let fresh = json!({"verb": "rollout_undo", "workload": "prod/shop/deployment/fresh"});
    assert_outcome(&try_it(&actions, fresh).await, Outcomes::Refused, "has no earlier revision");
    let path = deployment_path("checkout");
    cluster.change(&path, "/metadata/generation", json!(8));
    assert_outcome(&try_it(&actions, undo()).await, Outcomes::Refused, "look again in a moment");
    cluster.change(&path, "/status/observedGeneration", json!(8));
    cluster.change(&path, "/metadata/annotations/deployment.kubernetes.io~1revision", json!("8"));
    assert_outcome(&try_it(&actions, undo()).await, Outcomes::Refused, "is just beginning");
    cluster.change(&path, "/spec/paused", json!(true));
    for arguments in [undo(), restart()] {
        assert_outcome(&try_it(&actions, arguments).await, Outcomes::Refused, "is paused");
    }
    assert_eq!(cluster.n_writes(), 0);
    cluster.assert_no_surprise();
}

#[tokio::test]
async fn what_changed_since_the_approval_is_refused_and_what_does_not_matter_is_not() {
    let cluster = Cluster::start().await;
    let actions = actions_at(&cluster);
    let path = deployment_path("checkout");
    let (undo_bound, scale_bound) =
        (rests_on(&actions, &undo()).await.unwrap(), rests_on(&actions, &scale(8)).await.unwrap());
    // A status update and another number of replicas make no rollback stale; the number makes a scale stale.
    cluster.change(&path, "/metadata/resourceVersion", json!("101"));
    assert_eq!(rests_on(&actions, &scale(8)).await.unwrap(), scale_bound);
    cluster.change(&path, "/spec/replicas", json!(5));
    assert_eq!(rests_on(&actions, &undo()).await.unwrap(), undo_bound);
    let tried = run_bound(&actions, scale(8), &scale_bound).await;
    assert_outcome(&tried, Outcomes::Refused, "4 replicas` and now there is");
    cluster.change(&path, "/spec/template/spec/containers/0/image", json!("shop/checkout:v1.43"));
    let tried = run_bound(&actions, undo(), &undo_bound).await;
    assert_outcome(&tried, Outcomes::Refused, "ask again for a fresh proposal");
    assert_eq!(cluster.n_writes(), 0);
}

async fn run_bound(actions: &Actions, arguments: Value, bound: &str) -> Tried {
    let redactor = Redactor::new([7; 32]);
    let run = Run {
        redactor: &redactor,
        on_output: Arc::new(|_| {}),
        cancelled: CancellationToken::new(),
        timeout: Duration::from_secs(2),
        precondition: Some(bound),
        counting: None,
        idempotency_key: "key-1".to_owned(),
    };
    let outcome = actions.named("kubernetes").unwrap().run(&arguments, &run).await;
    Tried { outcome, live: String::new() }
}

#[tokio::test]
async fn somebody_who_is_faster_is_not_overwritten() {
    let cluster = Cluster::start().await;
    let actions = actions_at(&cluster);
    let raced = [undo(), scale(8)];
    let replaced = [undo(), scale(8), restart(), cordon("cordon"), delete("checkout-a")];
    for (manner, arguments) in
        raced.map(|it| (Manner::Raced, it)).into_iter().chain(replaced.map(|it| (Manner::Replaced, it)))
    {
        cluster.behave(manner);
        let tried = try_it(&actions, arguments.clone()).await;
        assert_outcome(&tried, Outcomes::Failed, "changed in the meantime");
        assert!(rehearse(&actions, &arguments).await.unwrap_err().contains("changed in the meantime"));
    }
    assert_eq!(cluster.n_writes(), 0);
    cluster.assert_no_surprise();
}

#[tokio::test]
async fn ends_are_told_apart() {
    let cluster = Cluster::start().await;
    let actions = actions_at(&cluster);
    for (manner, result, summary) in [
        (Manner::Status(403), Outcomes::Refused, "refuses with 403"),
        (Manner::Status(429), Outcomes::Refused, "429"),
        (Manner::Status(409), Outcomes::Failed, "changed in the meantime"),
        (Manner::Status(500), Outcomes::Unknown, "it may have happened"),
        (Manner::Status(503), Outcomes::Unknown, "it may have happened"),
        (Manner::Status(504), Outcomes::Unknown, "it may have happened"),
        (Manner::Redirect, Outcomes::Refused, "redirects are not followed"),
        (Manner::Garbage, Outcomes::Unknown, "look before trying again"),
        (Manner::Hang, Outcomes::Unknown, "it may have happened"),
    ] {
        cluster.behave(manner);
        let asked = cluster.n_asked.load(Ordering::SeqCst);
        assert_outcome(&run(&actions, "kubernetes", restart(), 700, None).await, result, summary);
        assert_eq!(cluster.n_asked.load(Ordering::SeqCst), asked + 1, "{manner:?}: sent again");
    }
    assert_eq!(cluster.n_writes(), 0);
    cluster.behave(Manner::Cut);
    assert_outcome(&try_it(&actions, scale(9)).await, Outcomes::Unknown, "it may have happened");
    assert_eq!(cluster.n_writes(), 1, "a change whose answer was lost is not sent again");
    cluster.behave(Manner::Hang);
    let tried = run(&actions, "kubernetes", restart(), 20_000, Some(300)).await;
    assert_outcome(&tried, Outcomes::Unknown, "cancelled while waiting");
    let tried = run(&actions, "kubernetes", restart(), 20_000, Some(0)).await;
    assert!(matches!(tried.outcome.result, Outcomes::Cancelled | Outcomes::Unknown), "{:?}", tried.outcome);
    cluster.assert_no_surprise();
}

#[tokio::test]
async fn a_cluster_is_reached_only_as_it_is_declared() {
    let cluster = Cluster::start().await;
    let actions = actions_at(&cluster);
    let of = |cluster: &str, namespace: &str| json!({"verb": "rollout_restart", "workload": format!("{cluster}/{namespace}/deployment/checkout")});
    for (arguments, summary) in [
        (of("elsewhere", "shop"), "unknown cluster `elsewhere` (known: gone, locked"),
        (of("locked", "shop"), "does not allow namespace `shop`"),
        (of("prod", "kube-system"), "does not allow namespace `kube-system` (allowed: shop)"),
        (json!({"verb": "cordon", "cluster": "locked", "node": "node-1"}), "does not allow steps on nodes"),
        (of("stranger", "shop"), "401"),
        (of("tokenless", "shop"), "there is no secret `env:NOPE`"),
        (of("gone", "shop"), "gives no answer"),
        (of("open", "shop"), "must begin with `https://`"),
        (json!({"verb": "rollout_undo", "workload": "prod/shop/statefulset/orders-db"}), "is for a deployment"),
        (json!({"verb": "scale", "workload": "prod/shop/daemonset/agent", "replicas": 2}), "cannot be scaled"),
        (scale(0), "must be from 1 to 1000"),
        (json!({"verb": "scale", "workload": CHECKOUT, "replicas": -1}), "nothing was changed"),
        (json!({"verb": "exec", "workload": CHECKOUT}), "unknown variant `exec`"),
        (delete("../../../secrets/token"), "is no name in a cluster"),
        (delete("checkout-a?dryRun=All"), "is no name in a cluster"),
        (json!({"verb": "cordon", "cluster": "prod", "node": "node-1/../../x"}), "is no name in a cluster"),
        (json!({"verb": "rollout_restart", "workload": "prod/shop/deployment/../../secrets"}), "is no workload"),
    ] {
        assert_outcome(&try_it(&actions, arguments).await, Outcomes::Refused, summary);
    }
    assert_eq!(cluster.n_writes(), 0);
    cluster.assert_no_surprise();
}

#[tokio::test]
async fn a_kubeconfig_is_read_and_what_it_may_not_do_is_refused() {
    let cluster = Cluster::start().await;
    let file = |user: &str, server: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: other\nclusters: [{{name: c, cluster: {{{server}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: ours, context: {{cluster: c, user: u}}}}]\n"
        );
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let server = format!("server: '{}'", cluster.url);
    let token = "token: kube-s3cret";
    for (user, server, result, summary) in [
        (token, server.clone(), Outcomes::Succeeded, "4 pods are to be replaced"),
        (token, format!("{server}, insecure-skip-tls-verify: true"), Outcomes::Refused, "accepts any certificate"),
        (token, format!("{server}, proxy-url: 'http://127.0.0.1:1'"), Outcomes::Refused, "goes through a proxy"),
        (
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/touch, args: [/nonexistent/x]}",
            server.clone(),
            Outcomes::Refused,
            "needs a program to sign in",
        ),
    ] {
        let file = file(user, &server);
        let kubeconfig = json!({"kubeconfig": file.path(), "context": "ours", "namespaces": ["shop"]});
        let actions = actions(json!({"clusters": {"prod": kubeconfig}}));
        assert_outcome(&try_it(&actions, restart()).await, result, summary);
    }
    assert_eq!(cluster.n_writes(), 1);
}
