//! Back to the previous revision of a deployment, as `kubectl rollout undo` does it: the pod template of the replica set
//! before the newest is put back, unless somebody changed the deployment in between.

use serde_json::{Value, json};

use super::change::{Change, Effect, JSON_PATCH};
use super::cluster::Api;
use super::objects::{controller_of, image_of, path, replica_sets_path, replicas_of, template_digest, text_at, uid_of};
use crate::inventory::workload::{Workload, WorkloadKind};

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
const CHANGE_CAUSE: &str = "/metadata/annotations/kubernetes.io~1change-cause";
/// The controller adds it to each replica set's template; it belongs to that replica set alone.
const HASH: &str = "pod-template-hash";

pub(super) async fn undo(workload: &Workload, api: &Api) -> Result<Change, String> {
    let path = path(workload);
    let found = api.read(&path).await?;
    not_paused(&found, workload)?;
    let uid = uid_of(&found)?;
    let generation = &found["metadata"]["generation"];
    if found["status"]["observedGeneration"] != *generation {
        return Err(format!(
            "`{workload}` has just been changed and the cluster has not taken it in; look again in a moment"
        ));
    }
    let revisions = revisions(workload, uid, &found, api).await?;
    let [.., (before, previous), (newest, _)] = &revisions[..] else {
        return Err(format!("`{workload}` has no earlier revision to go back to"));
    };
    if *newest != revision_of(&found) {
        return Err(format!("a rollout of `{workload}` is just beginning; look again in a moment"));
    }
    let template = template_of(previous);
    if template == template_of(&found) {
        return Err(format!("`{workload}` already runs what revision {before} ran; there is nothing to do"));
    }
    let mut patch = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": uid}),
        json!({"op": "test", "path": "/metadata/generation", "value": generation}),
        json!({"op": "replace", "path": "/spec/template", "value": template}),
    ];
    if let Some(cause) = previous.pointer(CHANGE_CAUSE).filter(|_| found["metadata"]["annotations"].is_object()) {
        patch.push(json!({"op": "add", "path": CHANGE_CAUSE, "value": cause}));
    }
    Ok(Change {
        rests_on: format!(
            "{workload}, uid {uid}, revision {newest}, template {}, image {}; revision {before} has template {}, image {}",
            template_digest(&found),
            image_of(&found),
            template_digest(previous),
            image_of(previous)
        ),
        method: "PATCH",
        path,
        content_type: JSON_PATCH,
        body: Value::Array(patch),
        effect: Effect::Pods {
            count: replicas_of(&found),
            image: image_of(&found),
            then: format!(", from revision {newest} back to what revision {before} ran"),
        },
    })
}

pub(super) fn not_paused(found: &Value, workload: &Workload) -> Result<(), String> {
    if found["spec"]["paused"] == true {
        return Err(format!("`{workload}` is paused; resume it first (`kubectl rollout resume`)"));
    }
    Ok(())
}

/// Whether the cluster says that this pod belongs to the workload.
pub(super) async fn is_pod_of(pod: &Value, owner: &Value, workload: &Workload, api: &Api) -> Result<bool, String> {
    let uid = uid_of(owner)?;
    match (controller_of(pod), workload.kind()) {
        (Some(("ReplicaSet", name, set_uid)), WorkloadKind::Deployment)
            if crate::inventory::workload::dns_name(name).is_ok() =>
        {
            let set = api.read(&format!("{}/{name}", replica_sets_path(workload))).await?;
            let is_same_set = text_at(&set, "/metadata/uid") == set_uid;
            Ok(is_same_set && controller_of(&set).is_some_and(|(_, _, of)| of == uid))
        }
        (Some((_, _, of)), WorkloadKind::StatefulSet | WorkloadKind::DaemonSet) => Ok(of == uid),
        _ => Ok(false),
    }
}

/// The deployment's replica sets with their revisions, oldest first.
async fn revisions(workload: &Workload, uid: &str, found: &Value, api: &Api) -> Result<Vec<(i64, Value)>, String> {
    let labels = found.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let selector = labels.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    let selector = selector.collect::<Vec<_>>().join(",");
    let params = kube::api::ListParams::default().labels(&selector);
    let request = kube::core::Request::new(replica_sets_path(workload)).list(&params);
    let request = request.map_err(|error| error.to_string())?;
    let mut list = api.read(&request.uri().to_string()).await?;
    let Value::Array(sets) = list["items"].take() else {
        return Err("the cluster's answer has no list of replica sets".to_owned());
    };
    let is_its_own = |set: &Value| controller_of(set).is_some_and(|(_, _, of)| of == uid);
    let mut revisions: Vec<(i64, Value)> =
        sets.into_iter().filter(is_its_own).map(|set| (revision_of(&set), set)).collect();
    revisions.sort_by_key(|(revision, _)| *revision);
    Ok(revisions)
}

fn revision_of(object: &Value) -> i64 {
    text_at(object, REVISION).parse().unwrap_or(0)
}

/// The pod template without what belongs to its replica set alone.
fn template_of(object: &Value) -> Value {
    let mut template = object["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template
}
