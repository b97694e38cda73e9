//! Something that somebody changed: a deploy, a configuration, a flag, infrastructure.

use serde::{Deserialize, Serialize};

use crate::Time;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    #[default]
    Deploy,
    Config,
    Flag,
    Infra,
}

impl ChangeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Deploy => "deploy",
            ChangeKind::Config => "config",
            ChangeKind::Flag => "flag",
            ChangeKind::Infra => "infra",
        }
    }
}

/// One change, in the fields of `firstline deploy record` and of `changes.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub service: String,
    #[serde(default)]
    pub kind: ChangeKind,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    #[serde(default, alias = "env", skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    pub at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Change {
    /// `checkout@v1.42`, the name that cases and people use for it.
    pub fn name(&self) -> String {
        format!("{}@{}", self.service, self.version)
    }
}
