//! Where objects are in the API, and the few things read from them. They stay JSON, so that fields which this program
//! does not know survive being sent back.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Resource;
use serde_json::Value;

use crate::canonical::{self, Digest};
use crate::inventory::workload::{Workload, WorkloadKind};

pub(super) fn path(workload: &Workload) -> String {
    let namespace = Some(workload.namespace());
    let kind = match workload.kind() {
        WorkloadKind::Deployment => Deployment::url_path(&(), namespace),
        WorkloadKind::StatefulSet => StatefulSet::url_path(&(), namespace),
        WorkloadKind::DaemonSet => DaemonSet::url_path(&(), namespace),
    };
    format!("{kind}/{}", workload.name())
}

pub(super) fn node_path(node: &str) -> String {
    format!("{}/{node}", Node::url_path(&(), None))
}

pub(super) fn pod_path(workload: &Workload, pod: &str) -> String {
    format!("{}/{pod}", Pod::url_path(&(), Some(workload.namespace())))
}

pub(super) fn replica_sets_path(workload: &Workload) -> String {
    ReplicaSet::url_path(&(), Some(workload.namespace()))
}

pub(super) fn text_at<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn uid_of(object: &Value) -> Result<&str, String> {
    let uid = text_at(object, "/metadata/uid");
    if uid.is_empty() { Err("the cluster's answer has no `metadata.uid`".to_owned()) } else { Ok(uid) }
}

/// How many pods are wanted: of a daemon set as many as there are nodes for it, else one when nobody said.
pub(super) fn replicas_of(object: &Value) -> u64 {
    let scheduled = object["status"]["desiredNumberScheduled"].as_u64();
    object["spec"]["replicas"].as_u64().or(scheduled).unwrap_or(1)
}

/// The images of the pod template's containers: `` `shop/checkout:v1.42` ``.
pub(super) fn image_of(object: &Value) -> String {
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let images = containers.into_iter().flatten().filter_map(|container| container["image"].as_str());
    let images: Vec<String> = images.map(|image| format!("`{image}`")).collect();
    images.join(", ")
}

/// Tells one pod template from another, whatever differs in them.
pub(super) fn template_digest(object: &Value) -> String {
    let template = &object["spec"]["template"];
    let text = canonical::to_string(template).unwrap_or_else(|_| template.to_string());
    Digest::of(text).short()
}

/// The object that controls this one, as `(kind, name, uid)`.
pub(super) fn controller_of(object: &Value) -> Option<(&str, &str, &str)> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?, owner["uid"].as_str()?))
}
