//! What may be acted on: names known from the configuration and from authenticated deploy records.
//! A name that only log lines mention is never in here, so it can be shown but not targeted.

pub mod workload;

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Change, ChangeKind};
use serde::{Deserialize, Serialize};

use self::workload::{Deployed, Workload};

/// `[inventory]` of the configuration, and what deploy records added to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    pub environments: BTreeSet<String>,
    pub services: BTreeMap<String, Service>,
    /// Host names and the service each belongs to.
    pub hosts: BTreeMap<String, String>,
    /// Queues and the service that consumes each.
    pub queues: BTreeMap<String, String>,
    pub flags: BTreeMap<String, Flag>,
    /// What clusters run, under names of one's own.
    pub workloads: BTreeMap<String, Deployed>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Versions that were deployed once, of code and of configuration.
    pub versions: BTreeSet<String>,
    /// Replicas to scale to when traffic surges.
    pub surge_replicas: Option<u32>,
    /// Connections to raise a pool to.
    pub raised_pool: Option<u32>,
    /// Requests per second to accept while shedding load.
    pub surge_limit: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flag {
    pub service: String,
    /// Switching it on relieves its service when something that it depends on fails.
    pub fallback: bool,
}

impl Inventory {
    /// Takes in one authenticated deploy record.
    pub fn learn(&mut self, change: &Change) {
        self.environments.extend(change.environment.clone());
        let service = self.services.entry(change.service.clone()).or_default();
        if change.kind == ChangeKind::Flag {
            let flag = flag_name(&change.version).to_owned();
            self.flags.entry(flag).or_insert_with(|| Flag { service: change.service.clone(), fallback: false });
        } else {
            service.versions.insert(change.version.clone());
            service.versions.extend(change.previous.clone());
        }
    }

    pub fn hosts_of<'i>(&'i self, service: &'i str) -> impl Iterator<Item = &'i str> {
        self.hosts.iter().filter(move |(_, owner)| *owner == service).map(|(host, _)| host.as_str())
    }

    pub fn queue_of(&self, consumer: &str) -> Option<&str> {
        self.queues.iter().find(|(_, owner)| *owner == consumer).map(|(queue, _)| queue.as_str())
    }

    /// What a service is in the clusters of an environment; those whose names no cluster accepts are left out.
    pub fn workloads_of(&self, service: &str, environment: &str) -> Vec<Workload> {
        let is_meant = |entry: &str, one: &Deployed| one.service(entry) == service && one.environment == environment;
        let meant = self.workloads.iter().filter(|(entry, one)| is_meant(entry, one));
        meant.filter_map(|(entry, one)| one.workload(entry).ok()).collect()
    }

    pub fn fallback_of(&self, service: &str) -> Option<&str> {
        let mut flags = self.flags.iter();
        flags.find(|(_, flag)| flag.fallback && flag.service == service).map(|(name, _)| name.as_str())
    }
}

/// The flag's name in the version of a flag change: `embedding-ranker` of `embedding-ranker=on`.
pub fn flag_name(version: &str) -> &str {
    version.split_once('=').map_or(version, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deploy_records_teach_versions_environments_and_flags() {
        let mut inventory = Inventory::default();
        let change = |kind: &str, version: &str| -> Change {
            let text = format!(
                r#"{{"service":"cart","kind":"{kind}","version":"{version}","previous":"v1","environment":"production","at":"2026-03-01T00:00:00Z"}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        inventory.learn(&change("deploy", "v2"));
        inventory.learn(&change("flag", "new-cart=on"));
        assert!(inventory.services["cart"].versions.iter().eq(["v1", "v2"]));
        assert!(inventory.environments.contains("production"));
        assert_eq!(inventory.flags["new-cart"].service, "cart");
    }
}
