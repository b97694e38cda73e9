//! Which services and environments people, roles, channels and tokens are granted: `[grants]` of the config.
//!
//! Without any grants and without people this is a simple setup, whose signed-in people and tokens see everything.
//! As soon as either is configured nothing is seen unless it is granted. A channel never sees what it is not granted.

use std::collections::{BTreeMap, BTreeSet};

use evidence::grant::ALL;
use evidence::{Allowance, Grant};
use runbooks::Person;
use runbooks::people::People;
use serde::{Deserialize, Serialize};

/// `[grants.NAME]`: to whom, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTable {
    /// `person:ines`, `role:oncall`, `token:ci`, `channel:slack:T024BE7LD:C0G9QF9GW`, or `*` for everybody who is somebody.
    #[serde(default)]
    pub to: BTreeSet<String>,
    /// Names of services, or `*`.
    #[serde(default)]
    pub services: BTreeSet<String>,
    /// Names of environments. What names no environment is seen with `*` only, which it is when left out.
    #[serde(default = "every")]
    pub environments: BTreeSet<String>,
}

fn every() -> BTreeSet<String> {
    BTreeSet::from([ALL.to_owned()])
}

/// Everything that is granted.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    tables: BTreeMap<String, GrantTable>,
    is_simple: bool,
}

impl Grants {
    pub fn new(tables: BTreeMap<String, GrantTable>, people: &People) -> Grants {
        Grants { is_simple: tables.is_empty() && people.is_simple(), tables }
    }

    /// Everything wrong with the tables, each with the name of the table that it is about.
    pub fn mistakes(tables: &BTreeMap<String, GrantTable>, people: &People) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (name, table) in tables {
            for key in [("to", table.to.is_empty()), ("services", table.services.is_empty())] {
                if let (key, true) = key {
                    found.push((name.clone(), format!("grant `{name}` has no `{key}`, so it grants nothing")));
                }
            }
            for to in &table.to {
                if let Some(sentence) = wrong_receiver(to, people) {
                    found.push((name.clone(), format!("grant `{name}`: {sentence}")));
                }
            }
        }
        found
    }

    /// What a person sees who is asked for outside of any channel.
    pub fn of_person(&self, person: &Person, people: &People) -> Grant {
        if !person.human {
            return Grant::nothing();
        }
        let roles = people.profile(&person.id).map(|profile| &profile.roles);
        self.of(|to| match to.split_once(':') {
            Some(("person", id)) => id == person.id,
            Some(("role", role)) => roles.is_some_and(|roles| roles.contains(role)),
            _ => to == ALL,
        })
    }

    /// What a token of the config, or one that names no services itself, sees.
    pub fn of_token(&self, name: &str) -> Grant {
        self.of(|to| to.strip_prefix("token:") == Some(name))
    }

    /// What a channel sees, whoever asks in it; `channel` is the platform's name and the channel's id there.
    ///
    /// A shared channel, a guest's and a direct message are channels like any other: they see what they are granted.
    pub fn of_channel(&self, channel: &str) -> Grant {
        Grants { is_simple: false, ..self.clone() }.of(|to| to.strip_prefix("channel:") == Some(channel))
    }

    fn of(&self, is_meant: impl Fn(&str) -> bool) -> Grant {
        if self.is_simple {
            return Grant::everything();
        }
        let mine = self.tables.values().filter(|table| table.to.iter().any(|to| is_meant(to)));
        Grant::of(mine.map(|table| {
            Allowance::new(table.services.iter().map(String::as_str), table.environments.iter().map(String::as_str))
        }))
    }
}

/// Why nobody can be meant by this; `None` when somebody can.
fn wrong_receiver(to: &str, people: &People) -> Option<String> {
    const KINDS: &str = "`person:ID`, `role:NAME`, `token:NAME`, `channel:PLATFORM:ID` or `*`";
    match to.split_once(':') {
        _ if to == ALL => None,
        Some(("person" | "role" | "token" | "channel", "")) | None => Some(format!("`{to}` must be {KINDS}")),
        Some(("person", id)) if !people.is_simple() && people.profile(id).is_none() => {
            Some(format!("nobody is called `{id}` under `[people]`"))
        }
        Some(("role", role)) if people.iter().all(|(_, profile)| !profile.roles.contains(role)) => {
            Some(format!("nobody under `[people]` has the role `{role}`"))
        }
        Some(("person" | "role" | "token" | "channel", _)) => None,
        Some(_) => Some(format!("`{to}` must be {KINDS}")),
    }
}

#[cfg(test)]
mod tests {
    use runbooks::people::Profile;

    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn people() -> People {
        let profile = |roles: &[&str]| Profile {
            name: String::new(),
            identities: BTreeSet::new(),
            roles: names(roles),
            active: true,
        };
        People::new(BTreeMap::from([("ines".to_owned(), profile(&["oncall"])), ("tom".to_owned(), profile(&[]))]))
    }

    fn table(to: &[&str], services: &[&str]) -> GrantTable {
        GrantTable { to: names(to), services: names(services), environments: every() }
    }

    fn grants() -> Grants {
        let tables = BTreeMap::from([
            ("a".to_owned(), table(&["role:oncall", "token:ci"], &["checkout"])),
            ("b".to_owned(), table(&["person:ines", "channel:slack:T1:C1"], &["search"])),
        ]);
        Grants::new(tables, &people())
    }

    #[test]
    fn rights_add_up_and_nobody_else_has_any() {
        let (grants, people) = (grants(), people());
        let ines = grants.of_person(&Person::human("ines", "Ines"), &people);
        assert!(ines.allows("checkout", None) && ines.allows("search", None) && !ines.allows("billing", None));
        assert_eq!(grants.of_person(&Person::human("tom", "Tom"), &people), Grant::nothing());
        assert_eq!(grants.of_person(&Person::program("ines"), &people), Grant::nothing(), "a program is no person");
        let ci = grants.of_token("ci");
        assert!(ci.allows("checkout", None) && !ci.allows("search", None));
        assert_eq!(grants.of_token("other"), Grant::nothing());
        let channel = grants.of_channel("slack:T1:C1");
        assert!(channel.allows("search", None) && !channel.allows("checkout", None));
        assert_eq!(grants.of_channel("slack:T1:D9"), Grant::nothing());
    }

    #[test]
    fn a_simple_setup_shows_everything_to_people_and_nothing_to_channels() {
        let simple = Grants::new(BTreeMap::new(), &People::default());
        assert!(simple.of_person(&Person::human("console:ada", "ada"), &People::default()).is_everything());
        assert!(simple.of_token("ci").is_everything());
        assert_eq!(simple.of_channel("slack:T1:C1"), Grant::nothing());
        let with_people = Grants::new(BTreeMap::new(), &people());
        assert_eq!(with_people.of_person(&Person::human("ines", "Ines"), &people()), Grant::nothing());
        assert_eq!(with_people.of_token("ci"), Grant::nothing());
    }

    #[test]
    fn a_receiver_that_does_not_exist_is_a_mistake() {
        let tables = BTreeMap::from([
            ("a".to_owned(), table(&["ines", "person:eve", "role:boss", "team:x", "person:"], &["checkout"])),
            ("b".to_owned(), table(&[], &[])),
        ]);
        assert_eq!(Grants::mistakes(&tables, &people()).len(), 7);
        let good = BTreeMap::from([("a".to_owned(), table(&["person:console:ada", "*"], &["checkout"]))]);
        assert_eq!(Grants::mistakes(&good, &People::default()), []);
    }
}
