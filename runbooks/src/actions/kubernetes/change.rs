//! One change to one object of a cluster: what it rests on, the request that makes it, and what it does in words.
//! It is made from what the cluster says now, and the request names that, so it cannot land on anything else.

use http::Request;
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::cluster::Api;
use super::objects::{image_of, node_path, path, pod_path, replicas_of, template_digest, text_at, uid_of};
use super::rollout;
use crate::inventory::workload::Workload;

pub(super) const JSON_PATCH: &str = "application/json-patch+json";
pub(super) const STRATEGIC_MERGE: &str = "application/strategic-merge-patch+json";
const JSON: &str = "application/json";
/// Under which changes are recorded in an object's `managedFields`.
const MANAGER: &str = "firstline";

pub(super) struct Change {
    /// What must still be so when it starts; without what changes all the time, like `resourceVersion`.
    pub(super) rests_on: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) body: Value,
    pub(super) effect: Effect,
}

/// How to say what the change does, given the object that the cluster answers with.
pub(super) enum Effect {
    /// Pods become others: how many, from which image, and words behind.
    Pods {
        count: u64,
        image: String,
        then: String,
    },
    Replicas {
        before: u64,
        asked: u32,
    },
    Node {
        name: String,
        takes_pods: bool,
    },
    PodGone {
        pod: String,
        of: String,
    },
}

impl Change {
    /// Reads what there is and works out the change; nothing is changed by it.
    pub(super) async fn of(arguments: &Arguments, api: &Api, restarted_at: &str) -> Result<Change, String> {
        match arguments {
            Arguments::RolloutUndo { workload } => rollout::undo(workload, api).await,
            Arguments::RolloutRestart { workload } => restart(workload, api, restarted_at).await,
            Arguments::Scale { workload, replicas } => scale(workload, *replicas, api).await,
            Arguments::Cordon { node, .. } => cordon(node, true, api).await,
            Arguments::Uncordon { node, .. } => cordon(node, false, api).await,
            Arguments::DeletePod { workload, pod } => delete(workload, pod, api).await,
        }
    }

    /// The request that makes the change, or that only rehearses it on the server.
    pub(super) fn request(&self, rehearse: bool) -> Result<Request<Vec<u8>>, String> {
        let mut body = self.body.clone();
        let uri = match (self.method, rehearse) {
            // A deletion with a body has its options there, and those in the query are not looked at.
            ("DELETE", false) => self.path.clone(),
            ("DELETE", true) => {
                body["dryRun"] = json!(["All"]);
                self.path.clone()
            }
            (_, false) => format!("{}?fieldManager={MANAGER}", self.path),
            (_, true) => format!("{}?fieldManager={MANAGER}&dryRun=All", self.path),
        };
        let request = Request::builder().method(self.method).uri(uri).header("accept", JSON);
        let request = request.header("content-type", self.content_type);
        request.body(body.to_string().into_bytes()).map_err(|error| error.to_string())
    }

    /// What it did, or would do; `after` is the object that the cluster answered with.
    pub(super) fn said(&self, after: &Value, is_rehearsal: bool) -> String {
        match &self.effect {
            Effect::Pods { count, image, then } => {
                let pods = if *count == 1 { "1 pod".to_owned() } else { format!("{count} pods") };
                let after = image_of(after);
                let verb = match (is_rehearsal, *count) {
                    (true, _) => "would",
                    (false, 1) => "is to",
                    (false, _) => "are to",
                };
                match after == *image {
                    true => format!("{pods} {verb} be replaced, one after another; the image stays {image}{then}"),
                    false => format!("{pods} {verb} change from image {image} to {after}{then}"),
                }
            }
            Effect::Replicas { before, asked } => {
                let after = replicas_of(after);
                let verb = if is_rehearsal { "would go" } else { "go" };
                let but =
                    if after == u64::from(*asked) { String::new() } else { format!(", not to the {asked} asked for") };
                format!("the pods {verb} from {before} to {after}{but}")
            }
            Effect::Node { name, takes_pods } => {
                let verb = match (is_rehearsal, takes_pods) {
                    (true, true) => "would take new pods again",
                    (true, false) => "would take no new pods; those on it stay",
                    (false, true) => "takes new pods again",
                    (false, false) => "takes no new pods; those on it stay",
                };
                format!("node `{name}` {verb}")
            }
            Effect::PodGone { pod, of } => {
                let verb = if is_rehearsal { "would be" } else { "is being" };
                format!("pod `{pod}` {verb} deleted; {of} makes another in its place")
            }
        }
    }
}

async fn restart(workload: &Workload, api: &Api, at: &str) -> Result<Change, String> {
    let path = path(workload);
    let found = api.read(&path).await?;
    rollout::not_paused(&found, workload)?;
    let uid = uid_of(&found)?;
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
    Ok(Change {
        rests_on: format!("{workload}, uid {uid}, template {}, image {}", template_digest(&found), image_of(&found)),
        method: "PATCH",
        path,
        content_type: STRATEGIC_MERGE,
        body: json!({"metadata": {"uid": uid}, "spec": {"template": {"metadata": {"annotations": annotations}}}}),
        effect: Effect::Pods { count: replicas_of(&found), image: image_of(&found), then: String::new() },
    })
}

async fn scale(workload: &Workload, replicas: u32, api: &Api) -> Result<Change, String> {
    let path = format!("{}/scale", path(workload));
    let found = api.read(&path).await?;
    let uid = uid_of(&found)?;
    let before = found["spec"]["replicas"].as_u64().unwrap_or(0);
    if before == u64::from(replicas) {
        return Err(format!("`{workload}` has {before} replicas already; there is nothing to do"));
    }
    Ok(Change {
        rests_on: format!("{workload}, uid {uid}, {before} replicas"),
        method: "PATCH",
        path,
        content_type: JSON_PATCH,
        body: json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            // A scale of none has an empty `spec`.
            {"op": "test", "path": "/spec", "value": found["spec"]},
            {"op": "add", "path": "/spec/replicas", "value": replicas},
        ]),
        effect: Effect::Replicas { before, asked: replicas },
    })
}

async fn cordon(node: &str, cordon: bool, api: &Api) -> Result<Change, String> {
    let path = node_path(node);
    let found = api.read(&path).await?;
    let uid = uid_of(&found)?;
    if found["spec"]["unschedulable"].as_bool().unwrap_or(false) == cordon {
        let state = if cordon { "takes no new pods already" } else { "takes new pods already" };
        return Err(format!("node `{node}` {state}; there is nothing to do"));
    }
    let wanted = if cordon { json!(true) } else { Value::Null };
    Ok(Change {
        rests_on: format!("node {node}, uid {uid}, {}", if cordon { "takes pods" } else { "takes no pods" }),
        method: "PATCH",
        path,
        content_type: STRATEGIC_MERGE,
        body: json!({"metadata": {"uid": uid}, "spec": {"unschedulable": wanted}}),
        effect: Effect::Node { name: node.to_owned(), takes_pods: !cordon },
    })
}

async fn delete(workload: &Workload, pod: &str, api: &Api) -> Result<Change, String> {
    let owner = api.read(&path(workload)).await?;
    let path = pod_path(workload, pod);
    let found = api.read(&path).await?;
    if !rollout::is_pod_of(&found, &owner, workload, api).await? {
        return Err(format!("pod `{pod}` is none of `{workload}`; only those can be deleted"));
    }
    if found["metadata"].get("deletionTimestamp").is_some() {
        return Err(format!("pod `{pod}` is being deleted already; there is nothing to do"));
    }
    let uid = uid_of(&found)?;
    let of = format!("{} `{}`", workload.kind().as_str(), workload.name());
    Ok(Change {
        rests_on: format!("pod {pod}, uid {uid}, of {workload}, on node {}", text_at(&found, "/spec/nodeName")),
        method: "DELETE",
        path,
        content_type: JSON,
        body: json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}),
        effect: Effect::PodGone { pod: pod.to_owned(), of },
    })
}
