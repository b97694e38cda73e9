//! A cluster's API server on loopback, as strict as we can make it: it knows a few objects, and every request that is not
//! exactly one of those allowed (path, query, token, content type, body) is kept as a surprise that fails the test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) const TOKEN: &str = "kube-s3cret";
const APPS: &str = "/apis/apps/v1/namespaces/shop";
const CORE: &str = "/api/v1";

/// How the next change ends; reads are always answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Good,
    /// The change is made, and the connection lost before the answer.
    Cut,
    Hang,
    /// Somebody else changes the object while the request is on its way.
    Raced,
    /// Somebody else deletes the object and makes it again while the request is on its way.
    Replaced,
    Status(u16),
    Redirect,
    Garbage,
}

pub(super) struct Cluster {
    objects: Mutex<BTreeMap<String, Value>>,
    manner: Mutex<Manner>,
    /// Changes that were asked for, rehearsals among them.
    pub(super) n_asked: AtomicUsize,
    /// Changes that were made.
    pub(super) writes: Mutex<Vec<String>>,
    pub(super) rehearsals: Mutex<Vec<String>>,
    pub(super) surprises: Mutex<Vec<String>>,
    pub(super) url: String,
}

pub(super) fn deployment_path(name: &str) -> String {
    format!("{APPS}/deployments/{name}")
}

pub(super) fn pod_path(name: &str) -> String {
    format!("{CORE}/namespaces/shop/pods/{name}")
}

pub(super) fn node_path(name: &str) -> String {
    format!("{CORE}/nodes/{name}")
}

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "checkout"}},
        // A field of some later version must survive a rollback.
        "spec": {"containers": [{"name": "app", "image": image, "futureField": {"deep": [1, 2]}}]},
    })
}

fn replica_set(revision: u32, image: &str, owner: &str) -> Value {
    let name = format!("{owner}-rev{revision}");
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(format!("h{revision}"));
    json!({
        "metadata": {
            "name": name, "uid": format!("rs-{name}"), "labels": {"app": "checkout"},
            "annotations": {"deployment.kubernetes.io/revision": revision.to_string(), "kubernetes.io/change-cause": format!("deploy {revision}")},
            "ownerReferences": [{"kind": "Deployment", "name": owner, "uid": format!("d-{owner}"), "controller": true}],
        },
        "spec": {"template": template},
    })
}

fn pod(name: &str, owner_kind: &str, owner: &str, owner_uid: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "uid": format!("pod-{name}"),
            "ownerReferences": [{"kind": owner_kind, "name": owner, "uid": owner_uid, "controller": true}],
        },
        "spec": {"nodeName": "node-1.internal"},
    })
}

fn objects() -> BTreeMap<String, Value> {
    let checkout = json!({
        "metadata": {"name": "checkout", "uid": "d-checkout", "generation": 7, "resourceVersion": "100", "annotations": {"deployment.kubernetes.io/revision": "7"}},
        "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "checkout"}}, "template": template("shop/checkout:v1.42")},
        "status": {"observedGeneration": 7},
    });
    let fresh = json!({
        "metadata": {"name": "fresh", "uid": "d-fresh", "generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}},
        "spec": {"selector": {"matchLabels": {"app": "fresh"}}, "template": template("shop/fresh:v1")},
        "status": {"observedGeneration": 1},
    });
    let orders = json!({
        "metadata": {"name": "orders-db", "uid": "s-orders-db", "generation": 2},
        "spec": {"replicas": 0, "template": template("postgres:17")},
    });
    BTreeMap::from([
        (deployment_path("checkout"), checkout),
        (deployment_path("fresh"), fresh),
        (format!("{APPS}/statefulsets/orders-db"), orders),
        (format!("{APPS}/replicasets/checkout-rev5"), replica_set(5, "shop/checkout:v1.40", "checkout")),
        (format!("{APPS}/replicasets/checkout-rev6"), replica_set(6, "shop/checkout:v1.41", "checkout")),
        (format!("{APPS}/replicasets/checkout-rev7"), replica_set(7, "shop/checkout:v1.42", "checkout")),
        // Somebody else's, under the same labels.
        (format!("{APPS}/replicasets/imposter-rev99"), replica_set(99, "evil/image:latest", "imposter")),
        (pod_path("checkout-a"), pod("checkout-a", "ReplicaSet", "checkout-rev7", "rs-checkout-rev7")),
        (pod_path("imposter-a"), pod("imposter-a", "ReplicaSet", "imposter-rev99", "rs-imposter-rev99")),
        (pod_path("stray-a"), pod("stray-a", "ReplicaSet", "checkout-rev7", "rs-of-former-days")),
        (node_path("node-1.internal"), json!({"metadata": {"name": "node-1.internal", "uid": "n-1"}, "spec": {}})),
    ])
}

impl Cluster {
    pub(super) async fn start() -> Arc<Cluster> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cluster = Arc::new(Cluster {
            objects: Mutex::new(objects()),
            manner: Mutex::new(Manner::Good),
            n_asked: AtomicUsize::new(0),
            writes: Mutex::default(),
            rehearsals: Mutex::default(),
            surprises: Mutex::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        });
        let router = Router::new().fallback(answer).with_state(cluster.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        cluster
    }

    pub(super) fn object(&self, path: &str) -> Value {
        self.objects.lock().unwrap().get(path).cloned().unwrap_or(Value::Null)
    }

    pub(super) fn change(&self, path: &str, pointer: &str, value: Value) {
        let mut objects = self.objects.lock().unwrap();
        let object = objects.get_mut(path).unwrap();
        *object = patched(object, &json!([{"op": "add", "path": pointer, "value": value}])).unwrap();
    }

    pub(super) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(super) fn n_writes(&self) -> usize {
        self.writes.lock().unwrap().len()
    }

    #[track_caller]
    pub(super) fn assert_no_surprise(&self) {
        assert_eq!(*self.surprises.lock().unwrap(), Vec::<String>::new());
    }

    fn surprise(&self, what: String) -> Response {
        self.surprises.lock().unwrap().push(what.clone());
        failure(400, &what)
    }
}

async fn answer(
    State(cluster): State<Arc<Cluster>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let what = format!("{method} {uri} {} {}", header("content-type"), String::from_utf8_lossy(&body));
    if header("authorization") != format!("Bearer {TOKEN}") {
        return failure(401, "Unauthorized");
    }
    if header("accept") != "application/json" && method != Method::GET {
        return cluster.surprise(what);
    }
    let query = uri.query().unwrap_or("").to_owned();
    match method {
        Method::GET => cluster.get(uri.path(), &query, &what),
        Method::PATCH | Method::DELETE => {
            cluster.write(&method, uri.path(), &query, &header("content-type"), &body, what).await
        }
        _ => cluster.surprise(what),
    }
}

fn failure(code: u16, message: &str) -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code});
    (StatusCode::from_u16(code).unwrap(), axum::Json(status)).into_response()
}

impl Cluster {
    fn get(&self, path: &str, query: &str, what: &str) -> Response {
        if path == format!("{APPS}/replicasets") {
            let Some(app) = query.trim_start_matches('&').strip_prefix("labelSelector=app%3D") else {
                return self.surprise(what.to_owned());
            };
            let objects = self.objects.lock().unwrap();
            let sets = objects.iter().filter(|(key, _)| key.starts_with(&format!("{path}/")));
            let sets: Vec<&Value> =
                sets.map(|(_, set)| set).filter(|set| set["metadata"]["labels"]["app"] == app).collect();
            return axum::Json(json!({"kind": "ReplicaSetList", "items": sets})).into_response();
        }
        if !query.is_empty() {
            return self.surprise(what.to_owned());
        }
        let found = match path.strip_suffix("/scale") {
            Some(workload) => self.objects.lock().unwrap().get(workload).map(scale_of),
            None => self.objects.lock().unwrap().get(path).cloned(),
        };
        match found {
            Some(object) => axum::Json(object).into_response(),
            None => failure(404, &format!("{path} not found")),
        }
    }

    async fn write(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        content_type: &str,
        body: &[u8],
        what: String,
    ) -> Response {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return self.surprise(what) };
        let is_rehearsal = match (method, query) {
            (&Method::PATCH, "fieldManager=firstline") => false,
            (&Method::PATCH, "fieldManager=firstline&dryRun=All") => true,
            // With a body, the query of a deletion counts for nothing.
            (&Method::DELETE, "") => body["dryRun"] == json!(["All"]),
            _ => return self.surprise(what),
        };
        self.n_asked.fetch_add(1, Ordering::SeqCst);
        let manner = *self.manner.lock().unwrap();
        match manner {
            Manner::Good | Manner::Cut | Manner::Raced | Manner::Replaced => {}
            Manner::Hang => std::future::pending::<()>().await,
            Manner::Status(code) => return failure(code, "etcdserver: request timed out"),
            Manner::Redirect => {
                return (StatusCode::TEMPORARY_REDIRECT, [("location", "http://127.0.0.1:1/")]).into_response();
            }
            Manner::Garbage => return "not JSON".into_response(),
        }
        let workload = path.strip_suffix("/scale").unwrap_or(path);
        let Some(mut before) = self.objects.lock().unwrap().get(workload).cloned() else {
            return failure(404, &format!("{path} not found"));
        };
        match manner {
            Manner::Raced => {
                before["metadata"]["generation"] = json!(99);
                before["spec"]["replicas"] = json!(7);
            }
            Manner::Replaced => before["metadata"]["uid"] = json!("another"),
            _ => {}
        }
        let after = match (method, content_type, path.ends_with("/scale")) {
            (&Method::DELETE, "application/json", false) if path.contains("/pods/") => {
                let allowed = ["kind", "apiVersion", "preconditions", "dryRun"];
                let is_plain =
                    body.as_object().is_some_and(|body| body.keys().all(|key| allowed.contains(&key.as_str())));
                if !is_plain || body["kind"] != "DeleteOptions" || body["apiVersion"] != "v1" {
                    return self.surprise(what);
                }
                if body["preconditions"]["uid"] != before["metadata"]["uid"] {
                    return failure(409, "Precondition failed: UID in precondition");
                }
                Value::Null
            }
            (&Method::PATCH, "application/json-patch+json", true) => {
                let Some(scale) = patched(&scale_of(&before), &body) else { return does_not_apply() };
                let mut after = before.clone();
                after["spec"]["replicas"] = scale["spec"]["replicas"].clone();
                after
            }
            (&Method::PATCH, "application/json-patch+json", false) if path.contains("/deployments/") => {
                let Some(after) = patched(&before, &body) else { return does_not_apply() };
                after
            }
            (&Method::PATCH, "application/strategic-merge-patch+json", false) => {
                if body["metadata"]["uid"] != before["metadata"]["uid"] {
                    return failure(409, "Precondition failed: UID in precondition");
                }
                let mut after = before.clone();
                merge(&mut after, &body);
                after
            }
            _ => return self.surprise(what),
        };
        let answer = if path.ends_with("/scale") {
            scale_of(&after)
        } else if after.is_null() {
            before.clone()
        } else {
            after.clone()
        };
        if is_rehearsal {
            self.rehearsals.lock().unwrap().push(what);
        } else {
            self.writes.lock().unwrap().push(what);
            self.keep(workload, before, after);
        }
        if manner == Manner::Cut {
            tokio::time::sleep(Duration::from_millis(20)).await;
            std::panic::resume_unwind(Box::new("the connection is lost"));
        }
        axum::Json(answer).into_response()
    }

    /// As the server and its controllers would: a change of `spec` is a new generation.
    fn keep(&self, path: &str, before: Value, mut after: Value) {
        let mut objects = self.objects.lock().unwrap();
        if after.is_null() {
            objects.remove(path);
            return;
        }
        if before["spec"] != after["spec"]
            && let Some(generation) = before["metadata"]["generation"].as_u64()
        {
            after["metadata"]["generation"] = json!(generation + 1);
            after["status"]["observedGeneration"] = json!(generation + 1);
        }
        objects.insert(path.to_owned(), after);
    }
}

fn does_not_apply() -> Response {
    failure(422, "the server rejected our request due to an error in our request")
}

/// The subresource; a server leaves a zero out.
fn scale_of(workload: &Value) -> Value {
    let replicas = workload["spec"]["replicas"].as_u64().unwrap_or(1);
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": workload["metadata"]["name"], "uid": workload["metadata"]["uid"]}, "spec": spec})
}

/// Applies a JSON patch of `test`, `add` and `replace`; `None` when it does not apply.
fn patched(object: &Value, patch: &Value) -> Option<Value> {
    let mut object = object.clone();
    for step in patch.as_array()? {
        let (path, value) = (step["path"].as_str()?, step.get("value")?.clone());
        match step["op"].as_str()? {
            "test" if object.pointer(path) == Some(&value) => {}
            "replace" => *object.pointer_mut(path)? = value,
            "add" if object.pointer(path).is_some() => *object.pointer_mut(path)? = value,
            "add" => {
                let (parent, key) = path.rsplit_once('/')?;
                let key = key.replace("~1", "/").replace("~0", "~");
                object.pointer_mut(parent)?.as_object_mut()?.insert(key, value);
            }
            _ => return None,
        }
    }
    Some(object)
}

fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(key)),
            value => merge(&mut object[key], value),
        }
    }
}
