//! Who is signed in to the console: sessions and one-time links, hashed at rest in the database, so that replicas
//! share them and a restart keeps them. Rights are no part of a session; they are read for each request.

use std::sync::Arc;

use database::Database;
use evidence::Time;
use incident::journal::Error;
use jiff::SignedDuration;
use ring::digest::{SHA256, digest};
use runbooks::people::{Identity, Standing};

/// A session that nobody uses ends after this long.
pub const IDLE: SignedDuration = SignedDuration::from_hours(12);
/// And any session after this long.
pub const LASTS: SignedDuration = SignedDuration::from_hours(24 * 7);
const LINK_LASTS: SignedDuration = SignedDuration::from_mins(30);
/// How exactly the last use is known.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A random secret of 256 bits, as 64 hex digits.
pub fn secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// `sha256:` and the digest in hex: the form in which secrets that we gave out are kept.
pub fn token_hash(token: &str) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, token.as_bytes())))
}

/// What a page of this session sends with a write; whoever only has the cookie sent along cannot know it.
pub fn csrf_of(cookie: &str) -> String {
    token_hash(&format!("csrf {cookie}")).split_off("sha256:".len())
}

/// An identity as it was signed in.
pub fn identity_of(text: &str) -> Identity {
    let (platform, name) = text.split_once(':').unwrap_or(("", text));
    Identity { platform: platform.to_owned(), name: name.to_owned(), standing: Standing::Member }
}

/// Sessions and links of everybody.
pub struct Sessions {
    database: Arc<Database>,
}

impl Sessions {
    pub fn new(database: Arc<Database>) -> Sessions {
        Sessions { database }
    }

    /// Makes a link's secret that signs `person` in once, within half an hour.
    pub async fn invite(&self, person: &str, now: Time) -> Result<String, Error> {
        let link = secret();
        self.database.add_link(&token_hash(&link), &format!("console:{person}"), now.plus(LINK_LASTS)).await?;
        Ok(link)
    }

    /// Trades a link's secret for a session cookie; a second use finds nothing.
    pub async fn redeem(&self, link: &str, now: Time) -> Result<Option<String>, Error> {
        match self.database.take_link(&token_hash(link), now).await? {
            Some(identity) => self.begin(&identity_of(&identity), now).await.map(Some),
            None => Ok(None),
        }
    }

    /// Notes that somebody was sent to sign in elsewhere and should come back with `state`.
    pub async fn expect_back(&self, state: &str, until: Time) -> Result<(), Error> {
        // Another prefix than a link's, so that neither can be used as the other.
        self.database.add_link(&token_hash(&format!("state {state}")), "", until).await
    }

    /// Whether somebody is expected back with `state`: yes once.
    pub async fn is_back(&self, state: &str, now: Time) -> Result<bool, Error> {
        Ok(self.database.take_link(&token_hash(&format!("state {state}")), now).await?.is_some())
    }

    /// Signs in, and returns the cookie.
    pub async fn begin(&self, identity: &Identity, now: Time) -> Result<String, Error> {
        self.database.forget_sessions(now.minus(LASTS), now.minus(IDLE), now).await?;
        let cookie = secret();
        self.database.begin_session(&token_hash(&cookie), &identity.to_string(), now).await?;
        Ok(cookie)
    }

    /// Whose session a cookie is of, unless it ended.
    pub async fn by_cookie(&self, cookie: &str, now: Time) -> Result<Option<Identity>, Error> {
        let hash = token_hash(cookie);
        let Some(session) = self.database.session(&hash).await? else { return Ok(None) };
        if now >= session.begun.plus(LASTS) || now >= session.seen.plus(IDLE) {
            self.database.end_session(&hash).await?;
            return Ok(None);
        }
        if now >= session.seen.plus(SEEN_EVERY) {
            self.database.session_seen(&hash, now).await?;
        }
        Ok(Some(identity_of(&session.identity)))
    }

    /// Whether a session goes on; looking is no use of it.
    pub async fn is_live(&self, cookie: &str, now: Time) -> Result<bool, Error> {
        let session = self.database.session(&token_hash(cookie)).await?;
        Ok(session.is_some_and(|session| now < session.begun.plus(LASTS) && now < session.seen.plus(IDLE)))
    }

    pub async fn end(&self, cookie: &str) -> Result<(), Error> {
        self.database.end_session(&token_hash(cookie)).await
    }

    /// Ends all sessions of an identity, wherever they are.
    pub async fn end_all_of(&self, identity: &Identity) -> Result<u64, Error> {
        self.database.end_sessions_of(&identity.to_string()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sessions(folder: &tempfile::TempDir) -> Sessions {
        let url = format!("sqlite:{}", folder.path().join("firstline.db").display());
        Sessions::new(Arc::new(Database::open(&url).await.unwrap()))
    }

    #[tokio::test]
    async fn a_link_signs_in_once_and_a_restart_keeps_the_session() {
        let folder = tempfile::tempdir().unwrap();
        let cookie = {
            let sessions = sessions(&folder).await;
            let link = sessions.invite("ines", Time(0)).await.unwrap();
            let cookie = sessions.redeem(&link, Time(1)).await.unwrap().unwrap();
            assert_eq!(sessions.redeem(&link, Time(2)).await.unwrap(), None);
            cookie
        };
        let again = sessions(&folder).await;
        assert_eq!(again.by_cookie(&cookie, Time(3)).await.unwrap(), Some(Identity::member("console", "ines")));
        assert_eq!(again.by_cookie("guess", Time(3)).await.unwrap(), None);
        assert_eq!(again.by_cookie(&token_hash(&cookie), Time(3)).await.unwrap(), None, "what is stored opens nothing");
        assert_ne!(csrf_of(&cookie), csrf_of("guess"));
    }

    #[tokio::test]
    async fn links_and_sessions_end() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = sessions(&folder).await;
        let old = sessions.invite("ines", Time(0)).await.unwrap();
        assert_eq!(sessions.redeem(&old, Time(0).plus(LINK_LASTS)).await.unwrap(), None);

        let ines = Identity::member("console", "ines");
        let idle = sessions.begin(&ines, Time(0)).await.unwrap();
        assert_eq!(sessions.by_cookie(&idle, Time(0).plus(IDLE)).await.unwrap(), None);
        let busy = sessions.begin(&ines, Time(0)).await.unwrap();
        let mut now = Time(0);
        while now < Time(0).plus(LASTS) {
            assert!(sessions.by_cookie(&busy, now).await.unwrap().is_some(), "used every six hours");
            now = now.plus(SignedDuration::from_hours(6));
        }
        assert_eq!(sessions.by_cookie(&busy, now).await.unwrap(), None, "no session lasts for ever");

        let (here, there) = (sessions.begin(&ines, now).await.unwrap(), sessions.begin(&ines, now).await.unwrap());
        sessions.end(&here).await.unwrap();
        assert_eq!(sessions.by_cookie(&here, now).await.unwrap(), None);
        assert!(sessions.by_cookie(&there, now).await.unwrap().is_some());
        assert_eq!(sessions.end_all_of(&ines).await.unwrap(), 1);
        assert_eq!(sessions.by_cookie(&there, now).await.unwrap(), None);
    }
}
