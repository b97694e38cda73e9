//! What a step may ask of a cluster: a closed set of verbs, each with exactly the names it needs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::Cluster;
use crate::inventory::workload::{Workload, WorkloadKind, dns_label, dns_name};

const MOST_REPLICAS: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Arguments {
    RolloutUndo {
        workload: Workload,
    },
    RolloutRestart {
        workload: Workload,
    },
    Scale {
        workload: Workload,
        replicas: u32,
    },
    Cordon {
        cluster: String,
        node: String,
    },
    Uncordon {
        cluster: String,
        node: String,
    },
    /// The pod must be one of the workload's; the cluster is asked whether it is.
    DeletePod {
        workload: Workload,
        pod: String,
    },
}

impl Arguments {
    pub(super) fn read(arguments: &Value) -> Result<Arguments, String> {
        Arguments::deserialize(arguments).map_err(|error| error.to_string())
    }

    pub(super) fn cluster(&self) -> &str {
        match self {
            Arguments::RolloutUndo { workload }
            | Arguments::RolloutRestart { workload }
            | Arguments::Scale { workload, .. }
            | Arguments::DeletePod { workload, .. } => workload.cluster(),
            Arguments::Cordon { cluster, .. } | Arguments::Uncordon { cluster, .. } => cluster,
        }
    }

    /// What is wrong whatever the settings declare.
    pub(super) fn mistakes(&self) -> Vec<String> {
        match self {
            Arguments::RolloutUndo { workload } => match workload.kind() {
                WorkloadKind::Deployment => Vec::new(),
                kind => vec![format!("`rollout_undo` is for a deployment, and `{workload}` is a {}", kind.as_str())],
            },
            Arguments::RolloutRestart { .. } => Vec::new(),
            Arguments::Scale { workload, replicas } => {
                let mut mistakes = Vec::new();
                if workload.kind() == WorkloadKind::DaemonSet {
                    mistakes.push(format!("`{workload}` runs once on each node, so it cannot be scaled"));
                }
                if !(1..=MOST_REPLICAS).contains(replicas) {
                    mistakes.push(format!("`replicas: {replicas}` must be from 1 to {MOST_REPLICAS}"));
                }
                mistakes
            }
            Arguments::Cordon { cluster, node } | Arguments::Uncordon { cluster, node } => {
                [dns_label(cluster), dns_name(node)].into_iter().filter_map(Result::err).collect()
            }
            Arguments::DeletePod { pod, .. } => dns_name(pod).err().into_iter().collect(),
        }
    }

    /// What this cluster's declaration does not allow.
    pub(super) fn not_allowed(&self, cluster: &Cluster) -> Option<String> {
        let name = self.cluster();
        match self {
            Arguments::Cordon { .. } | Arguments::Uncordon { .. } => (!cluster.nodes).then(|| {
                format!("cluster `{name}` does not allow steps on nodes; set `nodes = true` if that is meant")
            }),
            Arguments::RolloutUndo { workload }
            | Arguments::RolloutRestart { workload }
            | Arguments::Scale { workload, .. }
            | Arguments::DeletePod { workload, .. } => {
                let namespace = workload.namespace();
                let known = cluster.namespaces.join(", ");
                (!cluster.namespaces.iter().any(|allowed| allowed == namespace))
                    .then(|| format!("cluster `{name}` does not allow namespace `{namespace}` (allowed: {known})"))
            }
        }
    }

    pub(super) fn sentence(&self) -> String {
        match self {
            Arguments::RolloutUndo { workload } => format!("go back to the previous revision of {}", named(workload)),
            Arguments::RolloutRestart { workload } => format!("restart {}, pod by pod", named(workload)),
            Arguments::Scale { workload, replicas: 1 } => format!("scale {} to 1 pod", named(workload)),
            Arguments::Scale { workload, replicas } => format!("scale {} to {replicas} pods", named(workload)),
            Arguments::Cordon { cluster, node } => format!("let node `{node}` of cluster `{cluster}` take no new pods"),
            Arguments::Uncordon { cluster, node } => {
                format!("let node `{node}` of cluster `{cluster}` take new pods again")
            }
            Arguments::DeletePod { workload, pod } => format!("delete pod `{pod}` of {}", named(workload)),
        }
    }
}

fn named(workload: &Workload) -> String {
    let (kind, name) = (workload.kind().as_str(), workload.name());
    format!("{kind} `{name}` in namespace `{}` of cluster `{}`", workload.namespace(), workload.cluster())
}
