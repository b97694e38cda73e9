//! The rows of wrapped keys, and appends that hold only while those keys are there.

use sqlx::{Any, Transaction};
use sqlx::{AssertSqlSafe, SqlSafeStr, query};

use super::rows::{number, signed, text};
use super::*;

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub id: String,
    /// A keyed hash of whom it belongs to, so that nobody gets two.
    pub subject: String,
    /// The id of the master key that wraps it.
    pub master: String,
    pub wrapped: String,
    pub created: Time,
}

/// What an append assumes and changes about keys, in the same transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyChanges<'a> {
    /// How many erasures the caller knows of; with more of them its keys may be gone.
    pub n_erasures: u64,
    pub add: &'a [KeyRow],
    pub delete: &'a [String],
}

const COLUMNS: &str = "SELECT id, subject, master, wrapped, created FROM journal_keys";
const PAGE: usize = 200;

impl Database {
    /// Appends if no key was erased and none of the new ones made elsewhere meanwhile; else writes nothing and returns `None`.
    pub(crate) async fn append_under(
        &self,
        entries: &[NewEntry],
        now: Time,
        keys: KeyChanges<'_>,
    ) -> Result<Option<Vec<Entry>>, Error> {
        let _turn = self.turn.lock().await;
        let mut transaction = self.begin_turn().await?;
        let written = match self.change_keys(&mut transaction, keys).await {
            Ok(true) => self.write(&mut transaction, entries, now).await.map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        let written = match written {
            Ok(Some(written)) => written,
            none_or_error => {
                // Dropping would undo it too; doing it now frees the next writer. The first error is the one to report.
                let _ = transaction.rollback().await;
                return none_or_error;
            }
        };
        match transaction.commit().await {
            Ok(()) => Ok(Some(written)),
            Err(failure) => self.settle(written, &failure).await.map(Some),
        }
    }

    async fn change_keys(
        &self,
        transaction: &mut Transaction<'static, Any>,
        keys: KeyChanges<'_>,
    ) -> Result<bool, Error> {
        if self.tip_of(transaction, crate::sealed::ERASURES).await?.seq != keys.n_erasures {
            return Ok(false);
        }
        for row in keys.add {
            if !self.insert_key(transaction, row).await? {
                return Ok(false);
            }
        }
        for id in keys.delete {
            let deleted = query("DELETE FROM journal_keys WHERE id = $1").bind(id).execute(&mut **transaction).await;
            deleted.map_err(|error| self.unavailable(&error))?;
        }
        Ok(true)
    }

    /// Adds a key unless its subject has one. Returns whether it was added.
    pub(crate) async fn add_key(&self, row: &KeyRow) -> Result<bool, Error> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.unavailable(&error))?;
        self.insert_key(&mut connection, row).await
    }

    async fn insert_key(&self, connection: &mut sqlx::AnyConnection, row: &KeyRow) -> Result<bool, Error> {
        let inserted = query(
            "INSERT INTO journal_keys (id, subject, master, wrapped, created)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.subject)
        .bind(&row.master)
        .bind(&row.wrapped)
        .bind(row.created.micros())
        .execute(connection)
        .await;
        Ok(inserted.map_err(|error| self.unavailable(&error))?.rows_affected() == 1)
    }

    pub(crate) async fn keys_by_id(&self, ids: &[&str]) -> Result<Vec<KeyRow>, Error> {
        self.keys_where("id", ids).await
    }

    pub(crate) async fn keys_by_subject(&self, subjects: &[&str]) -> Result<Vec<KeyRow>, Error> {
        self.keys_where("subject", subjects).await
    }

    async fn keys_where(&self, column: &str, values: &[&str]) -> Result<Vec<KeyRow>, Error> {
        let mut found = Vec::new();
        for some in values.chunks(PAGE) {
            let marks: Vec<String> = (1..=some.len()).map(|n| format!("${n}")).collect();
            // Only the number of marks varies; the values are bound.
            let sql = AssertSqlSafe(format!("{COLUMNS} WHERE {column} IN ({})", marks.join(", ")));
            let mut asked = query(sql.into_sql_str());
            for value in some {
                asked = asked.bind((*value).to_owned());
            }
            found.extend(self.key_rows(asked.fetch_all(&self.pool).await)?);
        }
        Ok(found)
    }

    /// Some keys that another master key wraps.
    pub(crate) async fn keys_not_under(&self, master: &str) -> Result<Vec<KeyRow>, Error> {
        let sql = AssertSqlSafe(format!("{COLUMNS} WHERE master <> $1 LIMIT $2")).into_sql_str();
        self.key_rows(query(sql).bind(master.to_owned()).bind(signed(PAGE as u64)).fetch_all(&self.pool).await)
    }

    /// Replaces how a key is wrapped, unless it was erased or wrapped anew meanwhile.
    pub(crate) async fn rewrap_key(&self, row: &KeyRow, master: &str, wrapped: &str) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let updated = query("UPDATE journal_keys SET master = $1, wrapped = $2 WHERE id = $3 AND master = $4")
            .bind(master)
            .bind(wrapped)
            .bind(&row.id)
            .bind(&row.master)
            .execute(&self.pool)
            .await;
        updated.map(drop).map_err(|error| self.unavailable(&error))
    }

    /// Leaves no copy of deleted keys in the database's own files, as far as the database can tell.
    pub(crate) async fn scrub_deleted(&self) -> Result<(), Error> {
        let sql = match self.place {
            Place::Sqlite(_) => "PRAGMA wal_checkpoint(TRUNCATE)",
            Place::Postgres { .. } => "VACUUM journal_keys",
        };
        sqlx::raw_sql(sql).execute(&self.pool).await.map(drop).map_err(|error| self.unavailable(&error))
    }

    fn key_rows(&self, rows: Result<Vec<sqlx::any::AnyRow>, sqlx::Error>) -> Result<Vec<KeyRow>, Error> {
        let rows = rows.map_err(|error| self.unavailable(&error))?;
        let read = |row: &sqlx::any::AnyRow| -> Result<KeyRow, String> {
            Ok(KeyRow {
                id: text(row, "id")?,
                subject: text(row, "subject")?,
                master: text(row, "master")?,
                wrapped: text(row, "wrapped")?,
                created: Time(i64::try_from(number(row, "created")?).unwrap_or(i64::MAX)),
            })
        };
        rows.iter().map(|row| read(row).map_err(|reason| self.corrupt(&reason))).collect()
    }
}
