//! What a cluster runs, by its full name: cluster, namespace, kind and name in one word, so that no part of it is left to a default.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `[inventory.workloads.NAME]`: where a service runs in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// One of `[actions.clusters]`.
    pub cluster: String,
    pub namespace: String,
    /// Where it belongs: who may approve a step for another environment says nothing about this one.
    pub environment: String,
    #[serde(default)]
    pub kind: WorkloadKind,
    /// The entry's own name when not said.
    #[serde(default)]
    pub name: Option<String>,
    /// The entry's own name when not said.
    #[serde(default)]
    pub service: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadKind {
    #[default]
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl WorkloadKind {
    pub fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "deployment",
            WorkloadKind::StatefulSet => "statefulset",
            WorkloadKind::DaemonSet => "daemonset",
        }
    }
}

/// One workload of one cluster; prints as `prod/shop/deployment/checkout`.
///
/// Invariant: cluster and namespace are DNS labels, and the name is a DNS name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Workload {
    cluster: String,
    namespace: String,
    kind: WorkloadKind,
    name: String,
}

impl Workload {
    /// # Errors
    ///
    /// Which part is no name that a cluster accepts.
    pub fn new(cluster: &str, namespace: &str, kind: WorkloadKind, name: &str) -> Result<Workload, String> {
        dns_label(cluster)?;
        dns_label(namespace)?;
        dns_name(name)?;
        Ok(Workload { cluster: cluster.to_owned(), namespace: namespace.to_owned(), kind, name: name.to_owned() })
    }

    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn kind(&self) -> WorkloadKind {
        self.kind
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Deployed {
    /// The workload of the entry called `entry`.
    ///
    /// # Errors
    ///
    /// Which part is no name that a cluster accepts.
    pub fn workload(&self, entry: &str) -> Result<Workload, String> {
        Workload::new(&self.cluster, &self.namespace, self.kind, self.name.as_deref().unwrap_or(entry))
    }

    pub fn service<'d>(&'d self, entry: &'d str) -> &'d str {
        self.service.as_deref().unwrap_or(entry)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.cluster, self.namespace, self.kind.as_str(), self.name)
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Workload, String> {
        let wrong = || {
            format!(
                "`{text}` is no workload; write `CLUSTER/NAMESPACE/KIND/NAME`, like `prod/shop/deployment/checkout`"
            )
        };
        let [cluster, namespace, kind, name] = text.split('/').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let kinds = [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet];
        let kind = kinds
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(|| format!("`{text}`: unknown kind `{kind}` (known: deployment, statefulset, daemonset)"))?;
        Workload::new(cluster, namespace, kind, name).map_err(|error| format!("`{text}`: {error}"))
    }
}

impl TryFrom<String> for Workload {
    type Error = String;

    fn try_from(text: String) -> Result<Workload, String> {
        text.parse()
    }
}

impl From<Workload> for String {
    fn from(workload: Workload) -> String {
        workload.to_string()
    }
}

/// Whether this is one label of a DNS name, as clusters want for namespaces.
///
/// # Errors
///
/// A sentence that says how such a name looks.
pub fn dns_label(text: &str) -> Result<(), String> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_edge = |c: Option<char>| c.is_some_and(|c| c != '-');
    let is_label = (1..=63).contains(&text.len()) && text.chars().all(is_inner);
    if is_label && is_edge(text.chars().next()) && is_edge(text.chars().last()) {
        return Ok(());
    }
    Err(format!("`{text}` is no name in a cluster; those have lower-case letters, digits and `-` inside, at most 63"))
}

/// Whether this is a DNS name, as clusters want for pods, nodes and workloads.
///
/// # Errors
///
/// A sentence that says how such a name looks.
pub fn dns_name(text: &str) -> Result<(), String> {
    if text.len() > 253 {
        return Err(format!(
            "`{}…` is longer than the 253 characters that a name in a cluster may have",
            &text.chars().take(40).collect::<String>()
        ));
    }
    text.split('.').try_for_each(dns_label).map_err(|_| {
        format!("`{text}` is no name in a cluster; those have lower-case letters, digits, and `-` and `.` inside")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_read_as_it_is_printed() {
        for text in ["prod/shop/deployment/checkout", "p/s/statefulset/orders-db", "eu-1/s/daemonset/a.b"] {
            assert_eq!(text.parse::<Workload>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_workload() {
        for text in [
            "",
            "checkout",
            "prod/shop/checkout",
            "prod/shop/deployment/",
            "prod/shop/deployment/../secrets",
            "prod/shop/deployment/..",
            "prod/shop/deployment/a/b",
            "prod/shop/secret/token",
            "prod/shop/Deployment/checkout",
            "prod/sh.op/deployment/checkout",
            "prod/shop/deployment/Checkout",
            "prod/shop/deployment/-checkout",
            "prod/shop/deployment/checkout-",
            "prod/shop/deployment/check%2fout",
            "prod/shop/deployment/checkout?dryRun=All",
            "prod/shop/deployment/checkout#",
            "prod/shop/deployment/check out",
            "prod/shop/deployment/checkout\n",
            "prod/shop/deployment/chéckout",
            &format!("prod/shop/deployment/{}", "a".repeat(64)),
            &format!("prod/shop/deployment/{}", "a.".repeat(200)),
        ] {
            assert!(text.parse::<Workload>().is_err(), "{text}");
        }
    }
}
