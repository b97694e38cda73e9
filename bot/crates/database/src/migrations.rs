//! The schema, carried in the binary and brought up to date when the journal is opened.
//! Several processes may open a new file at once: whoever loses the race looks again.

use std::time::Duration;

use sqlx::AnyPool;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::place::Place;

const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(50);

/// Oldest first. A released one never changes; a change is a new file and a line here.
const MIGRATIONS: [(i64, &str, &str); 3] = [
    (1, "journal", include_str!("../migrations/0001_journal.sql")),
    (2, "keys", include_str!("../migrations/0002_keys.sql")),
    (3, "sessions", include_str!("../migrations/0003_sessions.sql")),
];

pub(crate) async fn run(pool: &AnyPool, place: &Place) -> Result<(), String> {
    let migrator = Migrator::with_migrations(migrations_for(place));
    let mut attempt = 0;
    loop {
        match migrator.run(pool).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version)) => {
                return Err(format!(
                    "its schema {version} comes from another version of firstline; use that one, or a newer one"
                ));
            }
            Err(error) if attempt == ATTEMPTS => return Err(error.to_string()),
            Err(_) => attempt += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn migrations_for(place: &Place) -> Vec<Migration> {
    let name = match place {
        Place::Sqlite(_) => "TEXT",
        Place::Postgres { .. } => "TEXT COLLATE \"C\"",
    };
    MIGRATIONS
        .iter()
        .map(|(version, title, sql)| {
            let sql = AssertSqlSafe(sql.replace("{name}", name)).into_sql_str();
            Migration::new(*version, (*title).into(), MigrationType::Simple, sql, false)
        })
        .collect()
}
