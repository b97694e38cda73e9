//! People: which identities on which platforms are the same person, and which roles each person holds.
//! Whoever is not in here, or not as a full member, is nobody: they can be answered, but they have no rights.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Somebody whose identity was established outside this crate; one human is one person however many accounts they have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: String,
    pub name: String,
    /// `false` for bots, models and Firstline itself: they never approve, reject or settle anything.
    pub human: bool,
    /// The account that they used: `slack:T024BE7LD:U2147483697`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

impl Person {
    pub fn human(id: &str, name: &str) -> Person {
        Person { id: id.to_owned(), name: name.to_owned(), human: true, via: None }
    }

    pub fn program(id: &str) -> Person {
        Person { id: id.to_owned(), name: id.to_owned(), human: false, via: None }
    }

    /// The same person, by the account that they used.
    pub fn via(mut self, identity: &Identity) -> Person {
        self.via = Some(identity.to_string());
        self
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Who somebody is on one platform, as the platform itself verified it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// `console`, `terminal`, `oidc`, `slack`, …
    pub platform: String,
    /// What the platform calls them: a name, a subject, `T024BE7LD:U2147483697`.
    pub name: String,
    pub standing: Standing,
}

/// What the platform says of an account. Only members can be people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    Member,
    Guest,
    /// Of another organisation, as in a shared channel.
    External,
    Bot,
    Deactivated,
}

impl Identity {
    pub fn member(platform: &str, name: &str) -> Identity {
        Identity { platform: platform.to_owned(), name: name.to_owned(), standing: Standing::Member }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.platform, self.name)
    }
}

/// `[people.ID]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// As others know them; the id when left out.
    #[serde(default)]
    pub name: String,
    /// Their accounts: `console:ines`, `terminal:ines`, `slack:T024BE7LD:U2147483697`.
    #[serde(default)]
    pub identities: BTreeSet<String>,
    /// What policies speak of: `oncall`, `checkout-oncall`.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// `false` takes all rights away at once, and keeps the name in the record.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// Why an identity is nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nobody {
    #[error("`{0}` is nobody known here; add it to the `identities` of somebody under `[people]` in the config")]
    Unmapped(Identity),
    #[error("`{identity}` is {}, and only members have rights here", words_for(*standing))]
    NoMember { identity: Identity, standing: Standing },
    #[error("{name} is not active any more; set `active` under `[people.{id}]` in the config if that is wrong")]
    Inactive { id: String, name: String },
}

fn words_for(standing: Standing) -> &'static str {
    match standing {
        Standing::Member => "a member",
        Standing::Guest => "a guest",
        Standing::External => "of another organisation",
        Standing::Bot => "a bot",
        Standing::Deactivated => "deactivated",
    }
}

/// Everybody who is known, by id.
///
/// Without any profile this is a simple setup: whoever signs in to the console or owns this machine's terminal is a
/// person of their own, named by that identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    profiles: BTreeMap<String, Profile>,
    by_identity: BTreeMap<String, String>,
}

impl People {
    pub fn new(profiles: BTreeMap<String, Profile>) -> People {
        let pairs = profiles
            .iter()
            .flat_map(|(id, profile)| profile.identities.iter().map(move |identity| (identity.clone(), id.clone())));
        People { by_identity: pairs.collect(), profiles }
    }

    /// Everything wrong with the profiles, each with the id of the profile that it is about.
    pub fn mistakes(profiles: &BTreeMap<String, Profile>) -> Vec<(String, String)> {
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        let mut mistakes = Vec::new();
        for (id, profile) in profiles {
            if id.contains([':', '*']) || id.trim().is_empty() {
                mistakes.push((id.clone(), format!("`{id}` must be a bare name, like `ines`")));
            }
            for identity in &profile.identities {
                match identity.split_once(':') {
                    Some((platform, name)) if !platform.is_empty() && !name.trim().is_empty() && name != "*" => {}
                    _ => mistakes.push((
                        id.clone(),
                        format!("`{identity}` must be a platform and the name there, like `console:ines`"),
                    )),
                }
                if let Some(other) = owners.insert(identity, id) {
                    mistakes
                        .push((id.clone(), format!("`{identity}` is {other}'s already; an account is one person's")));
                }
            }
        }
        mistakes
    }

    /// Whether nobody was configured, so that whoever is signed in is a person of their own.
    pub fn is_simple(&self) -> bool {
        self.profiles.is_empty()
    }

    /// The person behind an identity.
    ///
    /// # Errors
    ///
    /// [`Nobody`] for unmapped, guest, external, bot and deactivated accounts, and for people who are not active.
    pub fn person_of(&self, identity: &Identity) -> Result<Person, Nobody> {
        if identity.standing != Standing::Member {
            return Err(Nobody::NoMember { identity: identity.clone(), standing: identity.standing });
        }
        let text = identity.to_string();
        if self.is_simple() && matches!(identity.platform.as_str(), "console" | "terminal" | "oidc") {
            return Ok(Person::human(&text, &identity.name).via(identity));
        }
        let id = self.by_identity.get(&text).ok_or_else(|| Nobody::Unmapped(identity.clone()))?;
        let name = self.name_of(id);
        if !self.profiles[id].active {
            return Err(Nobody::Inactive { id: id.clone(), name });
        }
        Ok(Person::human(id, &name).via(identity))
    }

    /// Whether this text, an id or an account, is the person with this id: who asked under one account is who asked.
    pub fn is_same(&self, text: &str, id: &str) -> bool {
        text == id || self.by_identity.get(text).is_some_and(|owner| owner == id)
    }

    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.profiles.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.profiles.iter().map(|(id, profile)| (id.as_str(), profile))
    }

    /// As others know them; the id for somebody who is not in here.
    pub fn name_of(&self, id: &str) -> String {
        match self.profiles.get(id) {
            Some(profile) if !profile.name.is_empty() => profile.name.clone(),
            _ => id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let profile = |identities: &[&str], active| Profile {
            name: String::new(),
            identities: identities.iter().map(|text| (*text).to_owned()).collect(),
            roles: BTreeSet::new(),
            active,
        };
        People::new(BTreeMap::from([
            ("ines".to_owned(), profile(&["console:ines", "slack:T1:U1"], true)),
            ("tom".to_owned(), profile(&["console:tom"], false)),
        ]))
    }

    #[test]
    fn two_accounts_are_one_person() {
        let one = people().person_of(&Identity::member("console", "ines"));
        let other = people().person_of(&Identity::member("slack", "T1:U1"));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.id.as_str(), one.via.as_deref()), ("ines", Some("console:ines")));
        assert_eq!((other.id.as_str(), other.via.as_deref()), ("ines", Some("slack:T1:U1")));
    }

    #[test]
    fn who_is_not_a_known_active_member_is_nobody() {
        for standing in [Standing::Guest, Standing::External, Standing::Bot, Standing::Deactivated] {
            let identity = Identity { standing, ..Identity::member("console", "ines") };
            assert!(matches!(people().person_of(&identity), Err(Nobody::NoMember { .. })), "{standing:?}");
            assert!(People::default().person_of(&identity).is_err(), "in a simple setup too: {standing:?}");
        }
        let unmapped = people().person_of(&Identity::member("console", "eve")).unwrap_err().to_string();
        assert!(unmapped.contains("`console:eve` is nobody known here"), "{unmapped}");
        assert!(matches!(people().person_of(&Identity::member("console", "tom")), Err(Nobody::Inactive { .. })));
        assert!(People::default().person_of(&Identity::member("slack", "T1:U1")).is_err());
    }

    #[test]
    fn without_profiles_whoever_is_signed_in_is_a_person() {
        let person = People::default().person_of(&Identity::member("console", "ines")).unwrap();
        assert_eq!((person.id.as_str(), person.human), ("console:ines", true));
    }

    #[test]
    fn an_account_of_two_people_is_a_mistake() {
        let profile = Profile {
            name: String::new(),
            identities: BTreeSet::from(["console:ines".to_owned(), "ines".to_owned()]),
            roles: BTreeSet::new(),
            active: true,
        };
        let profiles = BTreeMap::from([("ines".to_owned(), profile.clone()), ("in:es".to_owned(), profile)]);
        let mistakes = People::mistakes(&profiles);
        assert_eq!(mistakes.len(), 5, "{mistakes:?}");
    }
}
