//! What somebody changed in the shop, in the fields of `firstline deploy record`.

use serde::{Serialize, Serializer};

use crate::stamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeployKind {
    Deploy,
    Config,
    Flag,
    Infra,
}

impl DeployKind {
    pub fn as_str(self) -> &'static str {
        match self {
            DeployKind::Deploy => "deploy",
            DeployKind::Config => "config",
            DeployKind::Flag => "flag",
            DeployKind::Infra => "infra",
        }
    }
}

/// One change. Serializes as a line of `changes.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deploy {
    pub service: &'static str,
    pub kind: DeployKind,
    pub version: String,
    pub previous: String,
    pub environment: &'static str,
    /// Microseconds since the epoch; serializes as RFC 3339.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: i64,
    pub by: String,
    pub note: String,
}

impl Deploy {
    /// `checkout@v1.42`, the name that incident cases use.
    pub fn name(&self) -> String {
        format!("{}@{}", self.service, self.version)
    }
}

fn as_rfc3339<S: Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&stamp::rfc3339(*at))
}

/// People who deploy on an ordinary day, and what they say.
pub(crate) const AUTHORS: [&str; 7] = ["mara", "tom", "ines", "jonas", "priya", "luca", "deploy-bot"];

pub(crate) const NOTES: [&str; 8] = [
    "dependency updates",
    "copy changes for the winter sale",
    "smaller container image",
    "structured logging for two more handlers",
    "bump base image",
    "refactor request validation, no functional change",
    "add metrics for cache hit rate",
    "translations",
];
