//! The journal on any database that sqlx's `Any` driver speaks to.
//! Every append first updates one row, so writers queue there: in SQLite that takes the write lock at once, in PostgreSQL it
//! is a row lock, and in both what is read afterwards is the latest.

pub(crate) mod keys;

mod open;

pub(crate) mod rows;

use std::collections::HashMap;

use async_trait::async_trait;
use evidence::Time;
use incident::journal::{Entry, Error, Head, Journal, NewEntry, Tip, check_names, genesis, link};
use sqlx::{Any, AnyPool};
use sqlx::{Transaction, query};

use crate::place::Place;
use rows::{entry_of, number};

/// A journal in SQLite or PostgreSQL. Clones are not needed: share it in an `Arc`.
#[derive(Debug)]
pub struct Database {
    place: Place,
    pool: AnyPool,
    /// Writers of one process queue here fairly instead of polling the file's lock.
    turn: tokio::sync::Mutex<()>,
}

impl Database {
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Waits for open connections and closes them. What was appended is on disk without it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// What the database answered, or that it did not.
    pub(crate) fn done<T>(&self, answer: Result<T, sqlx::Error>) -> Result<T, Error> {
        answer.map_err(|error| self.unavailable(&error))
    }

    pub(crate) fn damaged(&self, reason: &str) -> Error {
        self.corrupt(reason)
    }

    async fn begin_turn(&self) -> Result<Transaction<'static, Any>, Error> {
        let mut transaction = self.pool.begin().await.map_err(|error| self.unavailable(&error))?;
        let taken = query("UPDATE journal_turn SET turns = turns + 1 WHERE id = 1")
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.unavailable(&error))?;
        if taken.rows_affected() != 1 {
            return Err(self.corrupt("the row of `journal_turn` is missing"));
        }
        Ok(transaction)
    }

    async fn write(
        &self,
        transaction: &mut Transaction<'static, Any>,
        entries: &[NewEntry],
        now: Time,
    ) -> Result<Vec<Entry>, Error> {
        let last = query("SELECT position, at FROM journal ORDER BY position DESC LIMIT 1")
            .fetch_optional(&mut **transaction)
            .await
            .map_err(|error| self.unavailable(&error))?;
        let (mut position, at) = match last {
            Some(row) => {
                let last_at = rows::time(&row, "at").map_err(|reason| self.corrupt(&reason))?;
                (number(&row, "position").map_err(|reason| self.corrupt(&reason))?, now.max(last_at))
            }
            None => (0, now),
        };

        let mut tips: HashMap<&str, Tip> = HashMap::new();
        let mut written = Vec::with_capacity(entries.len());
        for new in entries {
            let tip = match tips.remove(new.stream.as_str()) {
                Some(tip) => tip,
                None => self.tip_of(transaction, &new.stream).await?,
            };
            position += 1;
            let entry = link(new, &tip, position, at)?;
            self.insert(transaction, &entry).await?;
            tips.insert(&new.stream, Tip { seq: entry.seq, hash: entry.hash.clone() });
            written.push(entry);
        }
        Ok(written)
    }

    async fn tip_of(&self, transaction: &mut Transaction<'static, Any>, stream: &str) -> Result<Tip, Error> {
        let last = query("SELECT seq, hash FROM journal WHERE stream = $1 ORDER BY seq DESC LIMIT 1")
            .bind(stream)
            .fetch_optional(&mut **transaction)
            .await
            .map_err(|error| self.unavailable(&error))?;
        match last {
            Some(row) => rows::tip(&row).map_err(|reason| self.corrupt(&reason)),
            None => Ok(genesis(stream)),
        }
    }

    async fn insert(&self, transaction: &mut Transaction<'static, Any>, entry: &Entry) -> Result<(), Error> {
        query(
            "INSERT INTO journal (position, stream, seq, at, actor, event, prev_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(rows::signed(entry.position))
        .bind(&entry.stream)
        .bind(rows::signed(entry.seq))
        .bind(entry.at.micros())
        .bind(&entry.actor)
        .bind(&entry.event)
        .bind(&entry.prev_hash)
        .bind(&entry.hash)
        .execute(&mut **transaction)
        .await
        .map_err(|error| self.unavailable(&error))?;
        Ok(())
    }

    /// Finds out whether a commit that failed took effect, after every older transaction has ended.
    async fn settle(&self, written: Vec<Entry>, failure: &sqlx::Error) -> Result<Vec<Entry>, Error> {
        let unknown = || Error::Unknown { place: self.place.to_string(), reason: failure.to_string() };
        let Some(last) = written.last() else { return Ok(written) };
        let mut transaction = self.begin_turn().await.map_err(|_| unknown())?;
        let tip = self.tip_of(&mut transaction, &last.stream).await.map_err(|_| unknown())?;
        transaction.rollback().await.map_err(|_| unknown())?;
        if tip.seq < last.seq {
            return Err(self.unavailable(failure));
        }
        let kept = self.read(&last.stream, last.seq).await.map_err(|_| unknown())?;
        if kept.first() == Some(last) { Ok(written) } else { Err(self.unavailable(failure)) }
    }

    fn unavailable(&self, error: &sqlx::Error) -> Error {
        Error::Unavailable { place: self.place.to_string(), reason: open::explain(error) }
    }

    fn corrupt(&self, reason: &str) -> Error {
        Error::Corrupt { place: self.place.to_string(), reason: reason.into() }
    }

    fn entries(&self, rows: Result<Vec<sqlx::any::AnyRow>, sqlx::Error>) -> Result<Vec<Entry>, Error> {
        let rows = rows.map_err(|error| self.unavailable(&error))?;
        rows.iter().map(|row| entry_of(row).map_err(|reason| self.corrupt(&reason))).collect()
    }
}

#[async_trait]
impl Journal for Database {
    async fn append(&self, entries: &[NewEntry], now: Time) -> Result<Vec<Entry>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        entries.iter().try_for_each(check_names)?;
        let _turn = self.turn.lock().await;
        let mut transaction = self.begin_turn().await?;
        let written = match self.write(&mut transaction, entries, now).await {
            Ok(written) => written,
            Err(error) => {
                // Dropping would undo it too; doing it now frees the next writer. The first error is the one to report.
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        match transaction.commit().await {
            Ok(()) => Ok(written),
            Err(failure) => self.settle(written, &failure).await,
        }
    }

    async fn read(&self, stream: &str, from_seq: u64) -> Result<Vec<Entry>, Error> {
        let rows = query(
            "SELECT position, stream, seq, at, actor, event, prev_hash, hash
             FROM journal WHERE stream = $1 AND seq >= $2 ORDER BY seq",
        )
        .bind(stream)
        .bind(rows::signed(from_seq))
        .fetch_all(&self.pool)
        .await;
        self.entries(rows)
    }

    async fn streams(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let after_all = format!("{prefix}{}", char::MAX);
        let rows = query("SELECT stream FROM journal WHERE seq = 1 AND stream >= $1 AND stream < $2 ORDER BY stream")
            .bind(prefix)
            .bind(after_all)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| self.unavailable(&error))?;
        rows.iter().map(|row| rows::text(row, "stream").map_err(|reason| self.corrupt(&reason))).collect()
    }

    async fn since(&self, position: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        let rows = query(
            "SELECT position, stream, seq, at, actor, event, prev_hash, hash
             FROM journal WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(rows::signed(position))
        .bind(rows::signed(limit as u64))
        .fetch_all(&self.pool)
        .await;
        self.entries(rows)
    }

    async fn end(&self) -> Result<u64, Error> {
        let last = query("SELECT position FROM journal ORDER BY position DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| self.unavailable(&error))?;
        last.map_or(Ok(0), |row| number(&row, "position").map_err(|reason| self.corrupt(&reason)))
    }

    async fn heads(&self) -> Result<Vec<Head>, Error> {
        let rows = query(
            "SELECT last.stream AS stream, last.seq AS seq, last.hash AS hash
             FROM journal AS first
             JOIN journal AS last ON last.stream = first.stream
              AND last.seq = (SELECT MAX(seq) FROM journal WHERE stream = first.stream)
             WHERE first.seq = 1 ORDER BY last.stream",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|error| self.unavailable(&error))?;
        rows.iter().map(|row| rows::head(row).map_err(|reason| self.corrupt(&reason))).collect()
    }

    async fn latest(&self, stream: &str) -> Result<Option<Entry>, Error> {
        let rows = query(
            "SELECT position, stream, seq, at, actor, event, prev_hash, hash
             FROM journal WHERE stream = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(stream)
        .fetch_all(&self.pool)
        .await;
        Ok(self.entries(rows)?.pop())
    }
}

#[cfg(test)]
mod tests;
