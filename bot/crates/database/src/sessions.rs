//! Who is signed in, shared by every process that opens the same database: sessions, and links that sign in once.
//! What is stored is a hash, so whoever reads the database cannot sign in with it.

use evidence::Time;
use incident::journal::Error;
use sqlx::query;

use crate::Database;
use crate::any::rows;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `console:ines`, `oidc:00u1`.
    pub identity: String,
    pub begun: Time,
    /// The last request, to within what the caller writes.
    pub seen: Time,
}

impl Database {
    pub async fn begin_session(&self, hash: &str, identity: &str, now: Time) -> Result<(), Error> {
        let insert = query("INSERT INTO sessions (hash, identity, begun, seen) VALUES ($1, $2, $3, $3)");
        self.done(insert.bind(hash).bind(identity).bind(now.micros()).execute(self.pool()).await).map(drop)
    }

    pub async fn session(&self, hash: &str) -> Result<Option<Session>, Error> {
        let select = query("SELECT identity, begun, seen FROM sessions WHERE hash = $1");
        let Some(row) = self.done(select.bind(hash).fetch_optional(self.pool()).await)? else { return Ok(None) };
        let session = || {
            let (begun, seen) = (rows::time(&row, "begun")?, rows::time(&row, "seen")?);
            Ok(Session { identity: rows::text(&row, "identity")?, begun, seen })
        };
        session().map(Some).map_err(|reason: String| self.damaged(&reason))
    }

    pub async fn session_seen(&self, hash: &str, now: Time) -> Result<(), Error> {
        let update = query("UPDATE sessions SET seen = $2 WHERE hash = $1");
        self.done(update.bind(hash).bind(now.micros()).execute(self.pool()).await).map(drop)
    }

    pub async fn end_session(&self, hash: &str) -> Result<(), Error> {
        self.done(query("DELETE FROM sessions WHERE hash = $1").bind(hash).execute(self.pool()).await).map(drop)
    }

    /// Ends all sessions and links of an identity; returns how many sessions there were.
    pub async fn end_sessions_of(&self, identity: &str) -> Result<u64, Error> {
        let links = query("DELETE FROM sign_in_links WHERE identity = $1").bind(identity);
        self.done(links.execute(self.pool()).await)?;
        let sessions = query("DELETE FROM sessions WHERE identity = $1").bind(identity);
        Ok(self.done(sessions.execute(self.pool()).await)?.rows_affected())
    }

    /// Removes sessions begun or seen before these times, and links that ended before `now`.
    pub async fn forget_sessions(&self, begun: Time, seen: Time, now: Time) -> Result<(), Error> {
        let sessions = query("DELETE FROM sessions WHERE begun < $1 OR seen < $2");
        self.done(sessions.bind(begun.micros()).bind(seen.micros()).execute(self.pool()).await)?;
        let links = query("DELETE FROM sign_in_links WHERE until <= $1").bind(now.micros());
        self.done(links.execute(self.pool()).await).map(drop)
    }

    pub async fn add_link(&self, hash: &str, identity: &str, until: Time) -> Result<(), Error> {
        let insert = query("INSERT INTO sign_in_links (hash, identity, until) VALUES ($1, $2, $3)");
        self.done(insert.bind(hash).bind(identity).bind(until.micros()).execute(self.pool()).await).map(drop)
    }

    /// Takes a link away and returns whom it signs in; of any number that ask at once, one gets it.
    pub async fn take_link(&self, hash: &str, now: Time) -> Result<Option<String>, Error> {
        let select = query("SELECT identity FROM sign_in_links WHERE hash = $1 AND until > $2");
        let row = self.done(select.bind(hash).bind(now.micros()).fetch_optional(self.pool()).await)?;
        let Some(row) = row else { return Ok(None) };
        let identity = rows::text(&row, "identity").map_err(|reason| self.damaged(&reason))?;
        let delete = query("DELETE FROM sign_in_links WHERE hash = $1").bind(hash);
        let taken = self.done(delete.execute(self.pool()).await)?.rows_affected();
        Ok((taken == 1).then_some(identity))
    }
}
