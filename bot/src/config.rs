//! The config file, as people write it. `read` reports every mistake at once with its line; nothing starts before it is clean.

pub mod mistakes;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use mistakes::Mistake;

use crate::grants::GrantTable;
use crate::tokens::TokenTable;

/// `firstline.toml`. Every key has a default, so an empty file is a good one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where console and API listen.
    pub listen: SocketAddr,
    /// Host names that browsers may use for the console, beside the address it listens on.
    pub hosts: Vec<String>,
    /// Where browsers reach the console through a proxy, like `https://firstline.internal`.
    pub public_url: Option<String>,
    /// The folder of the index and of the journal.
    pub data: PathBuf,
    /// IANA name of the time zone for people without one of their own; the machine's when empty.
    pub zone: String,
    /// Log files to follow, by a name of your choice.
    pub sources: BTreeMap<String, Source>,
    pub database: Database,
    /// Who runs approved steps.
    pub executor: Executor,
    pub llm: Llm,
    pub console: Console,
    /// API tokens: a name, and `sha256:` with the token's digest, or a table of it and scopes.
    pub tokens: BTreeMap<String, TokenTable>,
    /// Who is who, by an id of your choice. Nobody but these has rights, once there is one.
    pub people: BTreeMap<String, runbooks::people::Profile>,
    /// Who may see which services and environments, by a name of your choice.
    pub grants: BTreeMap<String, GrantTable>,
    pub approval: runbooks::policy::Settings,
    pub runbooks: Runbooks,
    pub actions: runbooks::actions::Settings,
    /// What may be acted on, beside what deploy records name. Logs are never a source for this.
    pub inventory: runbooks::Inventory,
    /// Other names that people use for a service.
    pub aliases: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// Files or globs, like `/var/log/checkout/*.log`.
    pub paths: Vec<String>,
    /// The service that writes them, where lines do not say.
    pub service: Option<String>,
    /// A regular expression over the path; its first group is the service.
    pub service_from: Option<String>,
    /// auto, json, logfmt, syslog, access, container or plain.
    pub format: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; a SQLite file in the data folder when absent.
    pub url: Option<String>,
    /// The keys that open what is personal in the journal, for whoever shares it from another data folder; `keys/journal.json`
    /// in the data folder when absent.
    pub keys: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// A process that `serve` and `approve` start themselves, and that ends with them.
    #[default]
    Own,
    /// A `firstline executor` that somebody starts by hand, as another user or on another machine.
    External,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Llm {
    /// Any OpenAI-compatible server, like `http://127.0.0.1:11434/v1`. Without it there is no model, and nothing is missing.
    pub base_url: Option<String>,
    /// The name of a model that the server has.
    pub model: String,
    /// A reference: `env:NAME` or `file:PATH`.
    pub api_key: Option<String>,
    /// The answer stands without the model after this long.
    pub timeout_seconds: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// Whom the one-time link of `serve` signs in; their id is `console:` and this name.
    pub person: String,
    /// People sign in at this issuer; no link is printed then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<crate::oidc::Settings>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Runbooks {
    /// Folders of your own runbooks; they come before the shipped ones of the same id.
    pub paths: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 7171)),
            hosts: Vec::new(),
            public_url: None,
            data: PathBuf::from("./firstline-data"),
            zone: String::new(),
            sources: BTreeMap::new(),
            database: Database::default(),
            executor: Executor::default(),
            llm: Llm::default(),
            console: Console::default(),
            tokens: BTreeMap::new(),
            people: BTreeMap::new(),
            grants: BTreeMap::new(),
            approval: runbooks::policy::Settings::default(),
            runbooks: Runbooks::default(),
            actions: runbooks::actions::Settings::default(),
            inventory: runbooks::Inventory::default(),
            aliases: BTreeMap::new(),
        }
    }
}

impl Default for Llm {
    fn default() -> Llm {
        Llm { base_url: None, model: String::new(), api_key: None, timeout_seconds: 20 }
    }
}

impl Default for Console {
    fn default() -> Console {
        Console { person: "owner".to_owned(), oidc: None }
    }
}

/// A config that nothing starts with: everything that is wrong with the file, and with the runbooks it names.
#[derive(Debug, thiserror::Error)]
pub struct Unusable {
    pub path: PathBuf,
    pub mistakes: Vec<Mistake>,
    pub in_runbooks: Vec<runbooks::Mistake>,
    pub in_policies: Vec<runbooks::Mistake>,
}

impl Unusable {
    fn file(path: &Path, mistakes: Vec<Mistake>) -> Unusable {
        Unusable { path: path.to_owned(), mistakes, in_runbooks: Vec::new(), in_policies: Vec::new() }
    }

    /// Every mistake with its place.
    pub fn in_full(&self) -> Vec<String> {
        let gap = |mistake: &Mistake| if mistake.line == 0 { " " } else { "" };
        let place = self.path.display();
        let in_file = self.mistakes.iter().map(|mistake| format!("{place}:{}{mistake}", gap(mistake)));
        in_file.chain(self.in_runbooks.iter().chain(&self.in_policies).map(ToString::to_string)).collect()
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mistakes = self.in_full();
        let n = mistakes.len();
        write!(f, "{}\n{n} mistake{}, nothing started", mistakes.join("\n"), if n == 1 { "" } else { "s" })?;
        let again = [("runbook", &self.in_runbooks, "runbooks"), ("policy", &self.in_policies, "policies")];
        for (command, _, what) in again.into_iter().filter(|(_, mistakes, _)| !mistakes.is_empty()) {
            write!(f, "; `firstline {command} check` reads {what} again")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads a config file and checks all of it.
    ///
    /// # Errors
    ///
    /// [`Unusable`] with every mistake; a file that cannot be read is one.
    pub fn read(path: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let text = format!("cannot read this config ({error}); check the path, or leave `--config` out");
            Unusable::file(path, vec![Mistake { line: 0, text }])
        })?;
        let mut reading = mistakes::read::<Config>(&text);
        let mut mistakes = std::mem::take(&mut reading.mistakes);
        if let Some(config) = &reading.value {
            mistakes.extend(values::wrong(config).into_iter().filter_map(|wrong| wrong.in_file(&text, Some(&reading))));
        }
        mistakes.sort();
        mistakes.dedup();
        match reading.value {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(Unusable::file(path, mistakes).into()),
        }
    }

    /// The secrets that the config at `path` refers to and that cannot be read, as whatever starts steps and models needs them.
    pub fn missing_secrets(&self, path: &Path) -> Vec<Mistake> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let missing = values::missing_secrets(self);
        let mut mistakes: Vec<Mistake> = missing.into_iter().filter_map(|wrong| wrong.in_file(&text, None)).collect();
        mistakes.sort();
        mistakes
    }

    /// The zone of people who have none of their own.
    pub fn time_zone(&self) -> TimeZone {
        if self.zone.is_empty() { TimeZone::system() } else { TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC) }
    }
}
