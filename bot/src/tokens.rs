//! API tokens for programs: made and revoked by command, or declared in the config. Of each only a hash is kept, each
//! may do what its scopes name and see what it is granted, and none ever approves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use evidence::grant::ALL;
use evidence::{Allowance, Grant, Time};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The stream of [`TokenEvent`]s.
pub const TOKENS: &str = "tokens";

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Ask questions and read answers.
    Ask,
    /// Read log records, their kinds and how the services are.
    Search,
    /// Record and list changes.
    Deploys,
    /// Send alerts.
    Alerts,
    /// Send log records.
    Logs,
    /// Read incidents, steps and runbooks.
    Incidents,
    /// Read the record of what was asked, decided and done.
    Audit,
    /// Read Firstline's own figures.
    Metrics,
}

impl Scope {
    pub const ALL: [Scope; 8] = [
        Scope::Ask,
        Scope::Search,
        Scope::Deploys,
        Scope::Alerts,
        Scope::Logs,
        Scope::Incidents,
        Scope::Audit,
        Scope::Metrics,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Ask => "ask",
            Scope::Search => "search",
            Scope::Deploys => "deploys",
            Scope::Alerts => "alerts",
            Scope::Logs => "logs",
            Scope::Incidents => "incidents",
            Scope::Audit => "audit",
            Scope::Metrics => "metrics",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Scope, String> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
            format!("unknown scope `{text}` (known: {})", known.join(", "))
        })
    }
}

/// `tokens.NAME` of the config: the hash alone, or a table with scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTable {
    /// `sha256:` and the digest in hex.
    pub hash: String,
    /// All of them when left out.
    pub scopes: BTreeSet<Scope>,
}

impl Serialize for TokenTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.scopes == BTreeSet::from(Scope::ALL) {
            return serializer.serialize_str(&self.hash);
        }
        let mut table = serializer.serialize_struct("TokenTable", 2)?;
        table.serialize_field("hash", &self.hash)?;
        table.serialize_field("scopes", &self.scopes)?;
        table.end()
    }
}

impl<'de> Deserialize<'de> for TokenTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TokenTable, D::Error> {
        deserializer.deserialize_any(HashOrTable)
    }
}

struct HashOrTable;

impl<'de> de::Visitor<'de> for HashOrTable {
    type Value = TokenTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, hash: &str) -> Result<TokenTable, E> {
        Ok(TokenTable { hash: hash.to_owned(), scopes: BTreeSet::from(Scope::ALL) })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<TokenTable, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            hash: String,
            scopes: Option<BTreeSet<Scope>>,
        }
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(TokenTable { hash: table.hash, scopes: table.scopes.unwrap_or_else(|| BTreeSet::from(Scope::ALL)) })
    }
}

/// An entry of [`TOKENS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TokenEvent {
    Created(Token),
    Revoked { name: String },
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub name: String,
    pub hash: String,
    pub scopes: BTreeSet<Scope>,
    /// What it sees; what is granted to its name when empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
}

impl Token {
    pub fn is_valid(&self, now: Time) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// What the token itself names; `None` when it names nothing, and grants to its name decide.
    pub fn grant(&self) -> Option<Grant> {
        if self.services.is_empty() && self.environments.is_empty() {
            return None;
        }
        fn or_all(names: &BTreeSet<String>) -> Vec<&str> {
            if names.is_empty() { vec![ALL] } else { names.iter().map(String::as_str).collect() }
        }
        Some(Grant::of([Allowance::new(or_all(&self.services), or_all(&self.environments))]))
    }
}

/// The tokens that were made and not revoked, by name.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    pub seq: u64,
    by_name: BTreeMap<String, Token>,
}

impl Tokens {
    pub fn apply(&mut self, event: TokenEvent) {
        match event {
            TokenEvent::Created(token) => drop(self.by_name.insert(token.name.clone(), token)),
            TokenEvent::Revoked { name } => drop(self.by_name.remove(&name)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Token> {
        self.by_name.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.by_name.values()
    }

    /// The token with this hash, unless it has expired.
    pub fn by_hash(&self, hash: &str, now: Time) -> Option<&Token> {
        self.by_name.values().find(|token| token.hash == hash && token.is_valid(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        tokens: BTreeMap<String, TokenTable>,
    }

    #[test]
    fn a_token_of_the_config_is_a_hash_or_a_table() {
        let file: File =
            toml::from_str("[tokens]\nci = 'sha256:00'\nbot = { hash = 'sha256:01', scopes = ['ask'] }").unwrap();
        assert_eq!(file.tokens["ci"].scopes.len(), Scope::ALL.len());
        assert_eq!(file.tokens["bot"], TokenTable { hash: "sha256:01".into(), scopes: BTreeSet::from([Scope::Ask]) });
        assert!(toml::from_str::<File>("[tokens]\nbot = { hash = 'x', scopes = ['approve'] }").is_err());
    }

    #[test]
    fn what_is_revoked_or_expired_is_no_token() {
        let token = Token {
            name: "ci".into(),
            hash: "h".into(),
            scopes: BTreeSet::new(),
            services: BTreeSet::new(),
            environments: BTreeSet::from(["staging".to_owned()]),
            expires: Some(Time(10)),
        };
        assert!(token.grant().unwrap().allows("any", Some("staging")) && !token.grant().unwrap().allows("any", None));
        let mut tokens = Tokens::default();
        tokens.apply(TokenEvent::Created(token));
        assert!(tokens.by_hash("h", Time(9)).is_some());
        assert!(tokens.by_hash("h", Time(10)).is_none() && tokens.by_hash("ci", Time(9)).is_none());
        tokens.apply(TokenEvent::Revoked { name: "ci".into() });
        assert!(tokens.by_hash("h", Time(9)).is_none());
    }
}
