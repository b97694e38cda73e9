//! The closed set of things a step can do. A new one is a file in `actions/` and its line in [`ACTIONS`].

pub mod http;

pub mod command;

pub mod kubernetes;

pub mod wait;

pub mod manual;

mod output;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evidence::Redactor;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::execute::{OnOutput, Outcome};
use crate::verify::Counting;

/// Carries out one kind of step.
#[async_trait]
pub trait Action: Send + Sync {
    fn name(&self) -> &'static str;

    /// Rises when the meaning of arguments changes; a step approved for another version is refused.
    fn version(&self) -> u32;

    /// Everything wrong with these arguments, against the schema and against what the settings declare.
    fn check(&self, arguments: &Value) -> Result<(), Vec<String>>;

    /// One sentence that says what will be done. `arguments` have passed [`Action::check`] or are shown before they did.
    fn describe(&self, arguments: &Value) -> String;

    /// What would happen, without any of it happening. `None`: this action cannot tell.
    async fn dry_run(&self, arguments: &Value, redactor: &Redactor) -> Result<Option<String>, String>;

    /// What must still be so when the step starts, in words that are bound like a rehearsal: `deployment checkout, generation 7`.
    /// Reads only. `None`: there is nothing to compare.
    ///
    /// # Errors
    ///
    /// A sentence that says why it cannot be told now.
    async fn precondition(&self, _arguments: &Value) -> Result<Option<String>, String> {
        Ok(None)
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome;
}

/// What surrounds one run.
pub struct Run<'r> {
    pub redactor: &'r Redactor,
    pub on_output: OnOutput,
    pub cancelled: CancellationToken,
    pub timeout: Duration,
    /// What was approved as [`Action::precondition`], redacted as it is stored; compared just before, and again by an
    /// action whose change must rest on exactly what was compared.
    pub precondition: Option<&'r str>,
    /// Counts what was indexed until now; `None` where there is no index to read.
    pub counting: Option<Arc<dyn Counting>>,
    /// The same for every request of this run.
    pub idempotency_key: String,
}

/// Turns a reference (`env:NAME`, `file:PATH`) into the secret it names; the program supplies this.
pub trait Secrets: Send + Sync {
    /// # Errors
    ///
    /// A sentence that names the reference, never the secret.
    fn secret(&self, reference: &str) -> Result<String, String>;
}

/// `[actions]` of the configuration: what steps may reach, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub endpoints: BTreeMap<String, Endpoint>,
    pub programs: BTreeMap<String, Program>,
    pub clusters: BTreeMap<String, Cluster>,
    /// Whether programs may run where the kernel cannot confine them.
    pub sandbox: command::orders::Sandbox,
    /// The program that guards commands; the running one when absent. For tests, whose own program is none.
    #[serde(skip)]
    pub guard: Option<std::path::PathBuf>,
}

/// A service that `http` steps may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// `https://deploy.internal/api`; a step's path is appended to it.
    pub base_url: String,
    /// Header names and references to their values (`env:DEPLOY_TOKEN`, `file:/run/secrets/token`).
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A query parameter that turns a request into a rehearsal, as `dry_run=true`; without it there is no rehearsal.
    #[serde(default)]
    pub dry_run: Option<String>,
    /// The host name may resolve to a private or loopback address. A base URL that names such an address itself says so already.
    #[serde(default)]
    pub private: bool,
    /// Methods that steps may use; `GET`, `POST`, `PUT`, `PATCH` and `DELETE` when left out.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Paths that steps may name, each with all that is below it; any when left out.
    #[serde(default)]
    pub paths: Vec<String>,
    /// What a right answer looks like, beside what a step says itself.
    #[serde(default)]
    pub expect: http::Expect,
}

/// A program that `command` steps may start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Absolute.
    pub path: String,
    /// The flags a step may pass (`--host`); any other argument that begins with `-` is refused.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Names of variables handed on from Firstline's own environment; nothing else is.
    #[serde(default)]
    pub env: Vec<String>,
    /// Files and folders that it may read and execute, beside the system's and itself.
    #[serde(default)]
    pub read: Vec<String>,
    /// Files and folders that it may change, beside a folder of its own that is removed afterwards.
    #[serde(default)]
    pub write: Vec<String>,
    /// Whether it may open and accept TCP connections.
    #[serde(default = "yes")]
    pub network: bool,
    /// The operating-system user that runs it. When absent: whoever runs Firstline, and `nobody` instead of root.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub limits: command::orders::Limits,
    /// An argument that makes it a rehearsal, as `--dry-run`; without it there is no rehearsal.
    #[serde(default)]
    pub dry_run: Option<String>,
}

/// A cluster that `kubernetes` steps may change: by `server`, by `kubeconfig`, or else the one that this process is a pod of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// `https://api.prod.internal:6443`.
    pub server: Option<String>,
    /// A reference to the bearer token for `server`.
    pub token: Option<String>,
    /// A file with the authority that signs the certificate of `server`, as PEM; the system's authorities when left out.
    pub ca: Option<String>,
    /// A file as `kubectl` uses it; without programs that sign in, proxies, or certificates that nobody checks.
    pub kubeconfig: Option<String>,
    /// Which context of `kubeconfig`; its current one when left out.
    pub context: Option<String>,
    /// Namespaces that steps may change; none when left out.
    pub namespaces: Vec<String>,
    /// Whether steps may cordon and uncordon nodes.
    pub nodes: bool,
}

impl Cluster {
    /// Keys that do not go together, as `(key, what to do)`.
    pub fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let mut mistakes = Vec::new();
        if self.server.is_some() && self.kubeconfig.is_some() {
            mistakes.push(("kubeconfig", "there is a `server` as well; keep one of them"));
        }
        if self.context.is_some() && self.kubeconfig.is_none() {
            mistakes.push(("context", "it is one of a `kubeconfig`, and there is none"));
        }
        if self.token.is_some() && self.server.is_none() {
            mistakes.push(("token", "it is for a `server`, and there is none"));
        }
        if self.ca.is_some() && self.server.is_none() {
            mistakes.push(("ca", "it is for a `server`, and there is none"));
        }
        mistakes
    }
}

fn yes() -> bool {
    true
}

/// An entry of the list.
pub struct Entry {
    pub name: &'static str,
    pub about: &'static str,
    /// What is wrong with arguments whatever the settings declare; each sentence quotes the value that it is about.
    pub form: fn(&Value) -> Vec<String>,
    pub connect: fn(&Settings, Arc<dyn Secrets>) -> Box<dyn Action>,
}

pub const ACTIONS: &[Entry] = &[
    Entry {
        name: "http",
        about: "a request to an endpoint that the settings declare",
        form: http::form,
        connect: http::connect,
    },
    Entry {
        name: "command",
        about: "a program that the settings declare, with arguments",
        form: command::form,
        connect: command::connect,
    },
    Entry {
        name: "kubernetes",
        about: "a change to a workload or node of a cluster that the settings declare",
        form: kubernetes::form,
        connect: kubernetes::connect,
    },
    Entry {
        name: wait::NAME,
        about: "nothing is done until the logs show what is needed",
        form: wait::form,
        connect: wait::connect,
    },
    Entry {
        name: "manual",
        about: "a person does what it says and presses Done",
        form: manual::form,
        connect: manual::connect,
    },
];

/// How long a rehearsal may take.
const REHEARSAL: Duration = Duration::from_secs(5);

/// Chooses the one TLS provider of this program, unless that was done already.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race to another thread that installs the same provider is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn form_of<'v, A: Deserialize<'v>>(arguments: &'v Value, mistakes: fn(&A) -> Vec<String>) -> Vec<String> {
    A::deserialize(arguments).map_or_else(|error| vec![error.to_string()], |arguments| mistakes(&arguments))
}

/// The actions as the settings configure them.
pub struct Actions {
    actions: BTreeMap<&'static str, Box<dyn Action>>,
    counting: Option<Arc<dyn Counting>>,
}

impl Actions {
    pub fn new(settings: &Settings, secrets: Arc<dyn Secrets>) -> Actions {
        let connect = |entry: &Entry| (entry.name, (entry.connect)(settings, secrets.clone()));
        Actions { actions: ACTIONS.iter().map(connect).collect(), counting: None }
    }

    /// The same with an index to read, which `wait` needs.
    pub fn with_counting(self, counting: Arc<dyn Counting>) -> Actions {
        Actions { counting: Some(counting), ..self }
    }

    pub fn counting(&self) -> Option<Arc<dyn Counting>> {
        self.counting.clone()
    }

    pub fn named(&self, name: &str) -> Option<&dyn Action> {
        self.actions.get(name).map(Box::as_ref)
    }

    pub fn names(&self) -> Vec<&'static str> {
        ACTIONS.iter().map(|entry| entry.name).collect()
    }
}
