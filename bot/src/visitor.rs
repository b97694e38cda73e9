//! Who is behind a request: an identity that proved itself, the person or program it is, and what they may see and do.
//! Worked out anew for each request, so that whoever was deactivated, or lost a right, has lost it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use evidence::{Grant, Time};
use jiff::SignedDuration;
use runbooks::Person;
use runbooks::people::{Identity, Nobody};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::app::{App, Refused};
use crate::session::token_hash;
use crate::tokens::{Scope, TokenTable};

/// The stream of [`AccessEvent`]s.
pub const ACCESS: &str = "access";

#[derive(Clone, Debug)]
pub struct Visitor {
    pub identity: Identity,
    /// A human, or for a token its program.
    pub person: Person,
    /// What a write must carry; `None` for API tokens, which no browser sends by itself.
    pub csrf: Option<String>,
    pub grant: Grant,
    /// `None` for people, whose rights are not in scopes.
    pub scopes: Option<BTreeSet<Scope>>,
}

/// An entry of [`ACCESS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AccessEvent {
    SignedIn {
        identity: String,
        how: String,
    },
    SignedOut {
        identity: String,
        everywhere: bool,
    },
    /// Somebody who is nobody here tried something.
    Refused {
        identity: String,
        why: String,
        what: String,
    },
}

impl Visitor {
    /// The person or nobody behind an identity that signed in.
    ///
    /// # Errors
    ///
    /// [`Nobody`] says why they have no rights.
    pub fn signed_in(app: &App, identity: Identity, csrf: String) -> Result<Visitor, Nobody> {
        let rules = app.rules();
        let people = rules.people();
        let person = people.person_of(&identity)?;
        let grant = crate::sight::permitted(app, &person, app.parts.grants.of_person(&person, people));
        Ok(Visitor { identity, person, csrf: Some(csrf), grant, scopes: None })
    }

    /// The program behind a token; `None` for one that is unknown, revoked or expired.
    ///
    /// # Errors
    ///
    /// When the journal, which says what was revoked, is out of reach.
    pub async fn by_token(
        app: &App,
        configured: &BTreeMap<String, TokenTable>,
        token: &str,
    ) -> Result<Option<Visitor>, Refused> {
        let hash = token_hash(token);
        let grants = &app.parts.grants;
        if let Some((name, table)) = configured.iter().find(|(_, table)| table.hash == hash) {
            return Ok(Some(Visitor::program(name, grants.of_token(name), table.scopes.clone())));
        }
        app.sync().await?;
        let now = app.now();
        Ok(app.with_state(|state| {
            let token = state.tokens.by_hash(&hash, now)?;
            let grant = token.grant().unwrap_or_else(|| grants.of_token(&token.name));
            Some(Visitor::program(&token.name, grant, token.scopes.clone()))
        }))
    }

    fn program(name: &str, grant: Grant, scopes: BTreeSet<Scope>) -> Visitor {
        let identity = Identity::member("token", name);
        let person = Person { name: name.to_owned(), ..Person::program(&identity.to_string()) };
        Visitor { identity, person, csrf: None, grant, scopes: Some(scopes) }
    }

    /// Whether a write that carries `header` may pass: sessions need their token, API tokens need none.
    pub fn may_write(&self, header: Option<&str>) -> bool {
        match (&self.csrf, header) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(csrf), Some(header)) => csrf.as_bytes().ct_eq(header.as_bytes()).into(),
        }
    }
}

/// Remembers what was noted lately, so that a page that tries again each second fills no journal.
#[derive(Default)]
pub struct Noted(Mutex<BTreeMap<(String, String), Time>>);

impl Noted {
    fn is_new(&self, event: &AccessEvent, now: Time) -> bool {
        const AGAIN: SignedDuration = SignedDuration::from_mins(1);
        const MOST: usize = 10_000;
        let AccessEvent::Refused { identity, what, .. } = event else { return true };
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST {
            noted.retain(|_, at| now < at.plus(AGAIN));
        }
        let key = (identity.clone(), what.clone());
        let is_new = noted.get(&key).is_none_or(|at| now >= at.plus(AGAIN)) && noted.len() < MOST;
        if is_new {
            noted.insert(key, now);
        }
        is_new
    }
}

/// Puts who came, went or was turned away on record. What cannot be recorded is logged.
pub async fn note(app: &App, noted: &Noted, event: AccessEvent) {
    let (AccessEvent::SignedIn { identity, .. }
    | AccessEvent::SignedOut { identity, .. }
    | AccessEvent::Refused { identity, .. }) = &event;
    if noted.is_new(&event, app.now())
        && let Err(refused) = app.append(ACCESS, identity, &event).await
    {
        tracing::error!("cannot record {event:?}: {refused}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_is_noted_once_a_minute() {
        let noted = Noted::default();
        let refused = |what: &str| AccessEvent::Refused {
            identity: "console:eve".into(),
            why: "nobody".into(),
            what: what.into(),
        };
        assert!(noted.is_new(&refused("a"), Time(0)) && !noted.is_new(&refused("a"), Time(59_000_000)));
        assert!(noted.is_new(&refused("b"), Time(0)) && noted.is_new(&refused("a"), Time(60_000_000)));
    }

    #[test]
    fn a_write_needs_the_sessions_own_token() {
        let mut visitor = Visitor::program("ci", Grant::nothing(), BTreeSet::new());
        assert!(visitor.may_write(None) && !visitor.person.human);
        visitor.csrf = Some("right".into());
        assert!(visitor.may_write(Some("right")) && !visitor.may_write(Some("guess")) && !visitor.may_write(None));
    }
}
