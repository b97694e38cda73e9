//! What no type can say of the settings: values that parse and still cannot work, and keys that need another beside them.

use std::path::Path;

use jiff::tz::TimeZone;
use runbooks::mistakes::nearest;
use runbooks::people::People;

use super::Config;
use super::mistakes::{Mistake, Reading, line_of_key};
use crate::grants::Grants;
use crate::secrets;

/// Where people come from; an approver is one of these, `:` and the name there.
const PLATFORMS: [&str; 5] = ["console", "discord", "slack", "teams", "terminal"];

/// A mistake, by the path of the key it is about.
pub(super) struct Wrong {
    pub(super) path: Vec<String>,
    pub(super) text: String,
}

impl Wrong {
    /// The mistake with its line; `None` when `reading` found one in the same place already.
    pub(super) fn in_file(self, text: &str, reading: Option<&Reading<Config>>) -> Option<Mistake> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let is_known = reading.is_some_and(|reading| reading.is_in_doubt(text, &path));
        (!is_known).then(|| Mistake { line: line_of_key(text, &path), text: self.text })
    }
}

/// Everything that is wrong with values that could be read.
pub(super) fn wrong(config: &Config) -> Vec<Wrong> {
    let mut found = Vec::new();
    let mut say = |path: &[&str], text: String| {
        found.push(Wrong { path: path.iter().map(|key| (*key).to_owned()).collect(), text });
    };
    if !config.zone.is_empty() && TimeZone::get(&config.zone).is_err() {
        say(
            &["zone"],
            format!("`zone = \"{}\"` is no time zone; write one like `Europe/Berlin` or `UTC`", config.zone),
        );
    }
    sources(config, &mut say);
    if let Some(url) = &config.database.url
        && !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme))
    {
        let scheme = url.split(':').next().unwrap_or("");
        say(&["database", "url"], format!("`database.url` must begin with `sqlite:` or `postgres://`, not `{scheme}`"));
    }
    model(config, &mut say);
    if config.console.person.is_empty() || config.console.person.contains([':', '*']) {
        let text = format!(
            "`console.person = \"{}\"` must be a bare name, like `ines`; as an approver they are `console:ines`",
            config.console.person
        );
        say(&["console", "person"], text);
    }
    sign_in(config, &mut say);
    for (name, table) in &config.tokens {
        let is_hash = table
            .hash
            .strip_prefix("sha256:")
            .is_some_and(|digits| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !is_hash {
            let next = "write `sha256:` and the digest, as `printf %s TOKEN | sha256sum` prints it";
            say(&["tokens", name], format!("`tokens.{name}` is not a token's digest; {next}"));
        }
    }
    let people = People::new(config.people.clone());
    for (id, text) in People::mistakes(&config.people) {
        say(&["people", &id], format!("`people.{id}`: {text}"));
    }
    for (name, text) in Grants::mistakes(&config.grants, &people) {
        say(&["grants", &name], text);
    }
    approval(config, &mut say);
    actions(config, &mut say);
    found
}

/// What the environment lacks for these settings: variables that are not set, files that cannot be read.
///
/// It is apart from [`wrong`], because who only searches needs no secret.
pub(super) fn missing_secrets(config: &Config) -> Vec<Wrong> {
    let mut found = Vec::new();
    let mut look = |path: &[&str], reference: &str| {
        if secrets::check(reference).is_ok()
            && let Err(error) = secrets::read(reference)
        {
            let path = path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
            found.push(Wrong { text: format!("`{}` = {error}", path.join(".")), path });
        }
    };
    if let Some(reference) = &config.llm.api_key {
        look(&["llm", "api_key"], reference);
    }
    if let Some(reference) = config.console.oidc.as_ref().and_then(|oidc| oidc.client_secret.as_ref()) {
        look(&["console", "oidc", "client_secret"], reference);
    }
    for (name, endpoint) in &config.actions.endpoints {
        for (header, reference) in &endpoint.headers {
            look(&["actions", "endpoints", name, "headers", header], reference);
        }
    }
    for (name, cluster) in &config.actions.clusters {
        if let Some(reference) = &cluster.token {
            look(&["actions", "clusters", name, "token"], reference);
        }
    }
    found
}

fn sign_in(config: &Config, say: &mut impl FnMut(&[&str], String)) {
    if let Some(url) = &config.public_url {
        let parsed = reqwest::Url::parse(url).ok().filter(|_| is_web_address(url));
        if parsed.is_none_or(|parsed| parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some()) {
            let text = format!(
                "`public_url = \"{url}\"` must be an address without a path, like `https://firstline.internal`"
            );
            say(&["public_url"], text);
        }
    }
    let Some(oidc) = &config.console.oidc else { return };
    let issuer = reqwest::Url::parse(&oidc.issuer).ok();
    if !issuer.is_some_and(|url| crate::oidc::is_safe(&url) && url.has_host()) {
        let text = format!(
            "`console.oidc.issuer = \"{}\"` must be an `https` address, like `https://login.example.com`",
            oidc.issuer
        );
        say(&["console", "oidc", "issuer"], text);
    }
    if oidc.client_id.trim().is_empty() {
        say(
            &["console", "oidc", "client_id"],
            "`console.oidc.client_id` is empty; write the id that the issuer gave".to_owned(),
        );
    }
    if let Some(reference) = &oidc.client_secret
        && let Err(error) = secrets::check(reference)
    {
        say(&["console", "oidc", "client_secret"], format!("`console.oidc.client_secret`: {error}"));
    }
}

fn sources(config: &Config, say: &mut impl FnMut(&[&str], String)) {
    for (name, source) in &config.sources {
        if source.paths.is_empty() {
            say(&["sources", name, "paths"], format!("source `{name}` has no `paths`; name the files to follow"));
        }
        if source.service.is_some() && source.service_from.is_some() {
            say(
                &["sources", name, "service_from"],
                format!("source `{name}` has both `service` and `service_from`; keep one"),
            );
        }
        if let Some(pattern) = &source.service_from
            && let Err(error) = crate::following::service_pattern(pattern)
        {
            say(&["sources", name, "service_from"], error.to_string());
        }
        if let Some(format) = &source.format
            && let Err(error) = indexer::formats::Detector::named(format)
        {
            say(&["sources", name, "format"], error);
        }
    }
}

fn model(config: &Config, say: &mut impl FnMut(&[&str], String)) {
    let llm = &config.llm;
    match &llm.base_url {
        Some(url) if !is_web_address(url) => say(
            &["llm", "base_url"],
            format!("`llm.base_url = \"{url}\"` is no `http` or `https` address; write one like `http://127.0.0.1:11434/v1`"),
        ),
        Some(_) if llm.model.is_empty() => say(
            &["llm", "model"],
            "`llm.model` is missing; name a model that the server at `base_url` has, like `model = \"qwen3:8b\"`"
                .to_owned(),
        ),
        None if !llm.model.is_empty() || llm.api_key.is_some() => say(
            &["llm", "base_url"],
            "`llm.base_url` is missing, and without it there is no model; write one like `http://127.0.0.1:11434/v1`, or leave `[llm]` out"
                .to_owned(),
        ),
        _ => {}
    }
    if let Some(reference) = &llm.api_key
        && let Err(error) = secrets::check(reference)
    {
        say(&["llm", "api_key"], format!("`llm.api_key`: {error}"));
    }
    if llm.timeout_seconds == 0 || llm.timeout_seconds > 600 {
        say(
            &["llm", "timeout_seconds"],
            format!("`llm.timeout_seconds = {}` must be between 1 and 600", llm.timeout_seconds),
        );
    }
}

fn approval(config: &Config, say: &mut impl FnMut(&[&str], String)) {
    for person in &config.approval.approvers {
        if config.people.contains_key(person) {
            continue;
        }
        if let Some(sentence) = wrong_person(person) {
            say(&["approval", "approvers"], format!("`approval.approvers` has `{person}`: {sentence}"));
        }
    }
    let page = &config.approval.break_glass.page_endpoint;
    if !page.is_empty() && !config.actions.endpoints.contains_key(page) {
        let text = format!(
            "`approval.break_glass.page_endpoint`: no endpoint `{page}`; declare it under `[actions.endpoints.{page}]`"
        );
        say(&["approval", "break_glass", "page_endpoint"], text);
    }
    for sentence in config.approval.mistakes() {
        let key = sentence.split('`').nth(1).unwrap_or("").split([' ', '=']).next().unwrap_or("").to_owned();
        let path: Vec<&str> = std::iter::once("approval").chain(key.split('.')).collect();
        say(&path, sentence.replacen('`', "`approval.", 1));
    }
}

/// Why nobody can have this id; `None` when somebody can.
fn wrong_person(person: &str) -> Option<String> {
    if person == "*" {
        return None;
    }
    let known = PLATFORMS.join(", ");
    match person.split_once(':') {
        Some(("token", _)) => Some("a token is a program's, and programs never approve; name a person".to_owned()),
        Some((platform, name)) if PLATFORMS.contains(&platform) => {
            name.trim().is_empty().then(|| format!("the name is missing; write `{platform}:NAME`"))
        }
        Some((platform, name)) => {
            let next = nearest(platform, PLATFORMS)
                .map_or_else(String::new, |near| format!("; did you mean `{near}:{name}`?"));
            Some(format!("unknown platform `{platform}`{next} (known: {known})"))
        }
        None => Some(format!(
            "a person needs a platform in front; write `console:{person}` for the browser, `terminal:{person}` for this machine's terminal, or `\"*\"` for everyone who is signed in"
        )),
    }
}

/// `http` or `https`, and a host: `htp:/x` and `localhost:80` are URLs as well, and nobody answers there.
fn is_web_address(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn actions(config: &Config, say: &mut impl FnMut(&[&str], String)) {
    for (name, endpoint) in &config.actions.endpoints {
        if !is_web_address(&endpoint.base_url) {
            say(
                &["actions", "endpoints", name, "base_url"],
                format!(
                    "endpoint `{name}`: `{}` is no `http` or `https` address; write one like `https://operations.internal/api`",
                    endpoint.base_url
                ),
            );
        } else if let Some((_, text)) = endpoint.mistakes().into_iter().find(|(key, _)| *key == "base_url") {
            say(&["actions", "endpoints", name, "base_url"], format!("endpoint `{name}`: {text}"));
        }
        for (key, text) in endpoint.mistakes().into_iter().filter(|(key, _)| *key != "base_url") {
            say(&["actions", "endpoints", name, key], format!("endpoint `{name}`: {text}"));
        }
        for (header, reference) in &endpoint.headers {
            if let Err(error) = secrets::check(reference) {
                let path = ["actions", "endpoints", name, "headers", header];
                say(&path, format!("`{}`: {error}", path.join(".")));
            }
        }
    }
    clusters(config, say);
    for (name, program) in &config.actions.programs {
        if !Path::new(&program.path).is_absolute() {
            say(
                &["actions", "programs", name, "path"],
                format!("program `{name}`: `{}` must be an absolute path", program.path),
            );
        }
    }
}

fn clusters(config: &Config, say: &mut impl FnMut(&[&str], String)) {
    for (name, cluster) in &config.actions.clusters {
        for (key, text) in cluster.mistakes() {
            say(&["actions", "clusters", name, key], format!("cluster `{name}`: `{key}`: {text}"));
        }
        if let Some(server) = cluster.server.as_ref().filter(|server| !is_web_address(server)) {
            let text = format!(
                "cluster `{name}`: `{server}` is no `https` address; write one like `https://api.prod.internal:6443`"
            );
            say(&["actions", "clusters", name, "server"], text);
        }
        if let Some(Err(error)) = cluster.token.as_deref().map(secrets::check) {
            say(&["actions", "clusters", name, "token"], format!("`actions.clusters.{name}.token`: {error}"));
        }
    }
    for (name, deployed) in &config.inventory.workloads {
        let path = ["inventory", "workloads", name];
        if let Err(error) = deployed.workload(name) {
            say(&path, format!("`{}`: {error}", path.join(".")));
        }
        if !config.actions.clusters.contains_key(&deployed.cluster) {
            let known = config.actions.clusters.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let text = format!("`{}`: unknown cluster `{}` (known: {known})", path.join("."), deployed.cluster);
            say(&[&path[..], &["cluster"]].concat(), text);
        }
    }
}
