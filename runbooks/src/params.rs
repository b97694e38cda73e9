//! The typed parameters of a runbook. A value is either in the inventory or a literal that its type describes exactly.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::inventory::Inventory;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Service,
    Environment,
    /// A version that the parameter `service` once ran.
    Version,
    Host,
    Queue,
    Flag,
    /// What the parameter `service` is in a cluster: `prod/shop/deployment/checkout`.
    Workload,
    /// Text that `pattern` matches as a whole.
    String,
    Integer,
    /// One of `values`.
    Enum,
    /// `30s`, `5m`, `2h`.
    Duration,
    Bool,
}

/// Where a value comes from when Firstline proposes the runbook itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    #[serde(rename = "suspect.service")]
    SuspectService,
    #[serde(rename = "suspect.host")]
    SuspectHost,
    #[serde(rename = "suspect.queue")]
    SuspectQueue,
    #[serde(rename = "suspect.workload")]
    SuspectWorkload,
    #[serde(rename = "change.service")]
    ChangeService,
    #[serde(rename = "change.version")]
    ChangeVersion,
    #[serde(rename = "change.previous")]
    ChangePrevious,
    #[serde(rename = "flag.name")]
    FlagName,
    #[serde(rename = "flag.wanted")]
    FlagWanted,
    #[serde(rename = "environment")]
    Environment,
    #[serde(rename = "inventory.surge_replicas")]
    SurgeReplicas,
    #[serde(rename = "inventory.raised_pool")]
    RaisedPool,
    #[serde(rename = "inventory.surge_limit")]
    SurgeLimit,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub about: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A value that its parameter accepted, or one still to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be text, a whole number, `true` or `false`")]
pub enum Value {
    Bool(bool),
    Integer(i64),
    Text(String),
}

/// What the parameters `service` and `environment` say, which the values of others must belong to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'p> {
    pub service: Option<&'p str>,
    pub environment: Option<&'p str>,
}

pub type Values = BTreeMap<String, Value>;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => value.fmt(f),
            Value::Integer(value) => value.fmt(f),
            Value::Text(value) => value.fmt(f),
        }
    }
}

impl Param {
    /// Where its value comes from when Firstline proposes the runbook: what is said, else what its type can only mean.
    pub fn source(&self) -> Option<Source> {
        let of_kind = match self.kind {
            Kind::Service => Source::SuspectService,
            Kind::Environment => Source::Environment,
            Kind::Host => Source::SuspectHost,
            Kind::Queue => Source::SuspectQueue,
            Kind::Flag => Source::FlagName,
            Kind::Workload => Source::SuspectWorkload,
            Kind::Version | Kind::String | Kind::Integer | Kind::Enum | Kind::Duration | Kind::Bool => {
                return self.from;
            }
        };
        // A default that was written is wanted more than what nobody wrote.
        self.from.or(self.default.is_none().then_some(of_kind))
    }

    /// What is wrong with the declaration itself.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let kind = self.kind;
        match (&self.pattern, kind) {
            (None, Kind::String) => mistakes.push("needs a `pattern` that its whole value must match".to_owned()),
            (Some(pattern), Kind::String) => {
                if let Err(error) = whole(pattern) {
                    mistakes.push(format!("`pattern` is not a regular expression: {error}"));
                }
            }
            (Some(_), _) => mistakes.push("`pattern` is for type `string` only".to_owned()),
            (None, _) => {}
        }
        if kind == Kind::Integer && (self.min.is_none() || self.max.is_none()) {
            mistakes.push("needs `min` and `max`".to_owned());
        }
        if kind != Kind::Integer && (self.min.is_some() || self.max.is_some()) {
            mistakes.push("`min` and `max` are for type `integer` only".to_owned());
        }
        if (kind == Kind::Enum) == self.values.is_empty() {
            mistakes.push("type `enum`, and no other, needs `values`".to_owned());
        }
        if mistakes.is_empty()
            && let Some(default) = &self.default
            && let Err(error) = self.literal(&default.to_string())
        {
            mistakes.push(format!("`default`: {error}"));
        }
        mistakes
    }

    /// Reads and checks a value; `place` has what versions and workloads belong to.
    ///
    /// # Errors
    ///
    /// What the value should look like, without the parameter's name.
    pub fn accept(&self, text: &str, place: Place<'_>, inventory: &Inventory) -> Result<Value, String> {
        let value = self.literal(text)?;
        let workloads: Vec<String> = match place {
            Place { service: Some(service), environment: Some(environment) } => {
                inventory.workloads_of(service, environment).iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        let known: Vec<&str> = match self.kind {
            Kind::Service => inventory.services.keys().map(String::as_str).collect(),
            Kind::Environment => inventory.environments.iter().map(String::as_str).collect(),
            Kind::Host => inventory.hosts.keys().map(String::as_str).collect(),
            Kind::Queue => inventory.queues.keys().map(String::as_str).collect(),
            Kind::Flag => inventory.flags.keys().map(String::as_str).collect(),
            Kind::Version => {
                let service = place.service.and_then(|service| inventory.services.get(service));
                service.map(|service| service.versions.iter().map(String::as_str).collect()).unwrap_or_default()
            }
            Kind::Workload => workloads.iter().map(String::as_str).collect(),
            Kind::String | Kind::Integer | Kind::Enum | Kind::Duration | Kind::Bool => return Ok(value),
        };
        if known.contains(&text) {
            return Ok(value);
        }
        let what = format!("{:?}", self.kind).to_lowercase();
        if known.is_empty() {
            return Err(format!(
                "unknown {what} `{text}`; the inventory has none (see `[inventory]` and `deploy record`)"
            ));
        }
        let shown: Vec<&str> = known.iter().copied().take(8).collect();
        let more = if known.len() > shown.len() { ", …" } else { "" };
        Err(format!("unknown {what} `{text}` (known: {}{more})", shown.join(", ")))
    }

    /// Checks the form alone.
    fn literal(&self, text: &str) -> Result<Value, String> {
        let longest = self.max_length.unwrap_or(200);
        if text.is_empty() || text.chars().count() > longest {
            return Err(format!("must have 1 to {longest} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters".to_owned());
        }
        match self.kind {
            Kind::Service
            | Kind::Environment
            | Kind::Version
            | Kind::Host
            | Kind::Queue
            | Kind::Flag
            | Kind::Workload => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+/:".contains(c);
                let starts_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric());
                if !starts_plain || !text.chars().all(is_plain) || text.contains("..") {
                    return Err(format!("`{text}` is not a name; names have letters, digits and `._-+/:`"));
                }
                Ok(Value::Text(text.to_owned()))
            }
            Kind::String => {
                let pattern = self.pattern.as_deref().unwrap_or("");
                let matches = whole(pattern).is_ok_and(|regex| regex.is_match(text));
                if matches {
                    Ok(Value::Text(text.to_owned()))
                } else {
                    Err(format!("`{text}` does not match `{pattern}`"))
                }
            }
            Kind::Integer => {
                let (min, max) = (self.min.unwrap_or(i64::MIN), self.max.unwrap_or(i64::MAX));
                let number = text.parse().ok().filter(|number| (min..=max).contains(number));
                number.map(Value::Integer).ok_or_else(|| format!("`{text}` is not a whole number from {min} to {max}"))
            }
            Kind::Enum if self.values.iter().any(|value| value == text) => Ok(Value::Text(text.to_owned())),
            Kind::Enum => Err(format!("unknown value `{text}` (known: {})", self.values.join(", "))),
            Kind::Duration => seconds(text).map(|_| Value::Text(text.to_owned())),
            Kind::Bool => text.parse().map(Value::Bool).map_err(|_| format!("`{text}` is neither `true` nor `false`")),
        }
    }
}

fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

/// Reads `30s`, `5m` or `2h` as seconds.
pub fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a duration; write `30s`, `5m` or `2h`");
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|seconds| (1..=86_400).contains(seconds)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(declaration: &str, text: &str, expected: Result<&str, &str>) {
        let param: Param = serde_saphyr::from_str(declaration).unwrap();
        assert_eq!(param.mistakes(), Vec::<String>::new());
        let mut inventory = Inventory::default();
        inventory.services.entry("cart".into()).or_default().versions.insert("v1".into());
        for (environment, cluster) in [("production", "prod"), ("staging", "lab")] {
            let entry = format!(
                r#"{{"cluster":"{cluster}","namespace":"shop","environment":"{environment}","service":"cart","name":"cart"}}"#
            );
            inventory.workloads.insert(environment.into(), serde_json::from_str(&entry).unwrap());
        }
        let place = Place { service: Some("cart"), environment: Some("production") };
        let value = param.accept(text, place, &inventory).map(|value| value.to_string());
        match expected {
            Ok(expected) => assert_eq!(value.as_deref(), Ok(expected)),
            Err(part) => assert!(value.as_ref().is_err_and(|error| error.contains(part)), "{value:?}"),
        }
    }

    #[test]
    fn names_come_from_the_inventory() {
        check("type: service", "cart", Ok("cart"));
        check("type: service", "chart", Err("unknown service `chart` (known: cart)"));
        check("type: version", "v1", Ok("v1"));
        check("type: version", "v2", Err("unknown version"));
        check("type: host", "db-0", Err("the inventory has none"));
        check("type: workload", "prod/shop/deployment/cart", Ok("prod/shop/deployment/cart"));
        check("type: workload", "lab/shop/deployment/cart", Err("(known: prod/shop/deployment/cart)"));
        check("type: workload", "prod/shop/deployment/till", Err("unknown workload"));
        check("type: service", "../cart", Err("is not a name"));
        check("type: service", "-rf", Err("is not a name"));
    }

    #[test]
    fn literals_have_their_exact_form() {
        check("{type: integer, min: 1, max: 9}", "9", Ok("9"));
        check("{type: integer, min: 1, max: 9}", "10", Err("from 1 to 9"));
        check("{type: string, pattern: '[a-z]+'}", "abc", Ok("abc"));
        check("{type: string, pattern: '[a-z]+|x'}", "abc; rm", Err("does not match"));
        check("{type: string, pattern: '(?s).*'}", "a\nb", Err("control"));
        check("{type: enum, values: [a, b]}", "c", Err("known: a, b"));
        check("type: duration", "5m", Ok("5m"));
        check("type: duration", "5 minutes", Err("write `30s`"));
        check("type: bool", "yes", Err("neither"));
    }

    #[test]
    fn a_declaration_that_allows_anything_is_a_mistake() {
        let of = |yaml: &str| serde_saphyr::from_str::<Param>(yaml).unwrap().mistakes().join("; ");
        assert!(of("type: string").contains("pattern"));
        assert!(of("type: integer").contains("`min` and `max`"));
        assert!(of("{type: integer, min: 1, max: 5, default: 9}").contains("`default`"));
        assert!(serde_saphyr::from_str::<Param>("{type: shell}").is_err());
    }
}
