//! Opening: the settings under which an acknowledged entry is on disk, and words for what a database says when it fails.

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use incident::journal::Error;
use sqlx::AnyConnection;
use sqlx::Executor;
use sqlx::any::AnyPoolOptions;

use super::Database;
use crate::migrations;
use crate::place::Place;

const PATIENCE: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 6;

/// What is deleted is overwritten: only keys ever are.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;";

/// A server that acknowledges before writing is told to write first; stricter settings stay.
const POSTGRES_SETTINGS: &str = "SET lock_timeout = '10s'; SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '30s';
    DO $$ BEGIN IF current_setting('synchronous_commit') IN ('off', 'local') THEN SET synchronous_commit = on; END IF; END $$;";

impl Database {
    /// Opens the journal that the URL names, creates it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a URL that means nothing, [`Error::Unavailable`] for one that does not answer.
    pub async fn open(url: &str) -> Result<Database, Error> {
        let place = Place::parse(url).map_err(Error::Invalid)?;
        Database::open_at(place).await
    }

    /// The same for a place that is already known.
    pub async fn open_at(place: Place) -> Result<Database, Error> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);

        let unavailable = |reason: String| Error::Unavailable { place: place.to_string(), reason };
        if let Place::Sqlite(path) = &place {
            create_private(path).map_err(|error| unavailable(error.to_string()))?;
        }
        let url = place.driver_url().map_err(unavailable)?;
        let is_sqlite = matches!(place, Place::Sqlite(_));
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| Box::pin(settle_in(connection, is_sqlite)))
            .connect(&url)
            .await
            .map_err(|error| unavailable(explain(&error)))?;
        migrations::run(&pool, &place).await.map_err(unavailable)?;
        Ok(Database { place, pool, turn: tokio::sync::Mutex::new(()) })
    }
}

async fn settle_in(connection: &mut AnyConnection, is_sqlite: bool) -> Result<(), sqlx::Error> {
    if !is_sqlite {
        connection.execute(POSTGRES_SETTINGS).await?;
        return Ok(());
    }
    connection.execute(SQLITE_SETTINGS).await?;
    // The change to WAL needs the file for itself and does not wait for it, so it is tried again when several processes start at once.
    for _ in 0..100 {
        match connection.execute("PRAGMA journal_mode = WAL").await {
            Err(error) if is_busy(&error) => tokio::time::sleep(Duration::from_millis(50)).await,
            other => return other.map(drop),
        }
    }
    connection.execute("PRAGMA journal_mode = WAL").await.map(drop)
}

/// The journal holds people's words; only its owner reads them. SQLite gives its side files the same rights.
fn create_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The primary code of SQLite's extended ones, which have up to four digits; PostgreSQL's have five.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    let extended: i32 = if code.len() < 5 { code.parse().ok()? } else { return None };
    Some(extended & 0xff)
}

fn is_busy(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(5 | 6))
}

/// Says what failed and what to do next.
pub(super) fn explain(error: &sqlx::Error) -> String {
    let next = match sqlite_code(error) {
        Some(5 | 6) => "another process is writing for too long; look for one that hangs",
        Some(8) => "the file or its folder is read-only; check the owner and the mount",
        Some(10) => "the disk failed; check the kernel log before writing on",
        Some(13) => "the disk is full; free some space, nothing needs to be repaired",
        Some(11 | 26) => {
            "the file is damaged; restore the last backup next to it and compare with `firstline audit verify`"
        }
        Some(14) => "the file cannot be opened; check that the folder exists and belongs to firstline",
        _ => return error.to_string(),
    };
    format!("{error} ({next})")
}
