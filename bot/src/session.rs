//! Who is at the other end of a request: console sessions, one-time sign-in links and API tokens.
//! Sessions live in memory: losing them costs a new link, keeping them would cost a secret on disk.

use std::collections::HashMap;
use std::sync::Mutex;

use evidence::Time;
use jiff::SignedDuration;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);
const LINK_LASTS: SignedDuration = SignedDuration::from_mins(30);
const MOST_SESSIONS: usize = 1_000;

/// A random secret of 256 bits, as 64 hex digits.
pub fn secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// `sha256:` and the digest in hex: the form in which configuration holds API tokens.
pub fn token_hash(token: &str) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, token.as_bytes())))
}

/// The person behind a request, and how the request proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// `console:ines`, `token:ci`: the way in, and the name that configuration gave it.
    pub person: String,
    /// `None` for API tokens, which no browser sends by itself.
    pub csrf: Option<String>,
}

#[derive(Default)]
pub struct Sessions {
    inner: Mutex<Inner>,
    /// Person by token hash.
    tokens: HashMap<String, String>,
}

#[derive(Default)]
struct Inner {
    /// Hash of the cookie to its session.
    sessions: HashMap<String, Session>,
    /// Hash of a one-time link's secret to whom it signs in, and until when.
    links: HashMap<String, (String, Time)>,
}

struct Session {
    person: String,
    csrf: String,
    until: Time,
}

impl Sessions {
    /// `tokens` maps a name to the hash of its token.
    pub fn new(tokens: impl IntoIterator<Item = (String, String)>) -> Sessions {
        let tokens = tokens.into_iter().map(|(name, hash)| (hash, format!("token:{name}"))).collect();
        Sessions { inner: Mutex::default(), tokens }
    }

    /// Makes a link's secret that signs `person` in once, within half an hour.
    pub fn invite(&self, person: &str, now: Time) -> String {
        let link = secret();
        let mut inner = self.lock();
        inner.links.retain(|_, (_, until)| *until > now);
        inner.links.insert(token_hash(&link), (format!("console:{person}"), now.plus(LINK_LASTS)));
        link
    }

    /// Trades a link's secret for a session cookie; a second use finds nothing.
    pub fn redeem(&self, link: &str, now: Time) -> Option<String> {
        let mut inner = self.lock();
        let (person, until) = inner.links.remove(&token_hash(link))?;
        if until <= now {
            return None;
        }
        inner.sessions.retain(|_, session| session.until > now);
        if inner.sessions.len() >= MOST_SESSIONS {
            return None;
        }
        let cookie = secret();
        let session = Session { person, csrf: secret(), until: now.plus(SESSION_LASTS) };
        inner.sessions.insert(token_hash(&cookie), session);
        Some(cookie)
    }

    pub fn by_cookie(&self, cookie: &str, now: Time) -> Option<Visitor> {
        let inner = self.lock();
        let session = inner.sessions.get(&token_hash(cookie)).filter(|session| session.until > now)?;
        Some(Visitor { person: session.person.clone(), csrf: Some(session.csrf.clone()) })
    }

    pub fn by_token(&self, token: &str) -> Option<Visitor> {
        let person = self.tokens.get(&token_hash(token))?;
        Some(Visitor { person: person.clone(), csrf: None })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Visitor {
    /// The name without the way in: `ines`, `ci`.
    pub fn name(&self) -> &str {
        self.person.split_once(':').map_or(&self.person, |(_, name)| name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_signs_in_once() {
        let sessions = Sessions::default();
        let link = sessions.invite("ines", Time(0));
        let cookie = sessions.redeem(&link, Time(1)).unwrap();
        assert_eq!(sessions.redeem(&link, Time(2)), None);
        let visitor = sessions.by_cookie(&cookie, Time(3)).unwrap();
        assert_eq!(visitor.person, "console:ines");
        assert!(!visitor.may_write(None) && !visitor.may_write(Some("guess")));
        assert!(visitor.may_write(visitor.csrf.clone().as_deref()));
        assert_eq!(sessions.by_cookie("guess", Time(3)), None);
    }

    #[test]
    fn links_and_sessions_end() {
        let sessions = Sessions::default();
        let late = Time(0).plus(SESSION_LASTS).plus(SESSION_LASTS);
        let old = sessions.invite("ines", Time(0));
        assert_eq!(sessions.redeem(&old, late), None);
        let cookie = sessions.redeem(&sessions.invite("ines", Time(0)), Time(1)).unwrap();
        assert_eq!(sessions.by_cookie(&cookie, late), None);
    }

    #[test]
    fn tokens_are_known_by_their_hash_only() {
        let sessions = Sessions::new([("ci".to_owned(), token_hash("s3cret"))]);
        assert_eq!(sessions.by_token("s3cret").unwrap().person, "token:ci");
        assert_eq!(sessions.by_token(&token_hash("s3cret")), None);
    }
}
