//! The journal on real databases: both pass the same suite, several processes share a file, and nothing acknowledged is lost.

mod damage;

mod processes;

mod sessions;

mod tamper;

use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::conformance;
use crate::conformance::postgres::{Server, is_wanted};

async fn sqlite(folder: &TempDir) -> Database {
    Database::open_at(Place::Sqlite(folder.path().join("data").join("firstline.db"))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let database = Arc::new(sqlite(&folder).await);
    conformance::check(database.clone()).await;
    sessions::check(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_passes_the_suite() {
    if !is_wanted() {
        println!("skipped: set FIRSTLINE_TEST_POSTGRES=1 to run the journal's suite on PostgreSQL");
        return;
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open_to_all).unwrap();
    let server = Server::start(&folder.path().join("pg")).unwrap();
    let url = server.url();
    let (one, other) = tokio::join!(Database::open(&url), Database::open(&url));
    let one = Arc::new(one.unwrap());
    conformance::check(one.clone()).await;
    sessions::check(&one).await;

    let other = other.unwrap();
    let durable: (String,) =
        sqlx::query_as("SELECT current_setting('synchronous_commit')").fetch_one(&other.pool).await.unwrap();
    assert_eq!(durable.0, "on", "an acknowledged entry is on disk even if the server's default is not to wait");
    assert_eq!(other.read("c/race", 1).await.unwrap().len(), 12);
    drop(server);
    let entry = NewEntry::new("c/late", 1, "ada", "{}");
    let error = other.append(&[entry], Time(0)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn settings_make_an_acknowledged_entry_durable() {
    let folder = tempfile::tempdir().unwrap();
    let database = sqlite(&folder).await;
    let mut connection = database.pool.acquire().await.unwrap();
    let mode: (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
    let synchronous: (i64,) = sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
    let foreign_keys: (i64,) = sqlx::query_as("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
    assert_eq!((mode.0.as_str(), synchronous.0, foreign_keys.0), ("wal", 2, 1));
    let rights = std::fs::metadata(folder.path().join("data/firstline.db")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&rights) & 0o777, 0o600);
}

#[tokio::test]
async fn a_url_that_means_nothing_is_refused_with_the_known_ones() {
    let error = Database::open("mysql://root@localhost/x").await.unwrap_err();
    assert!(error.to_string().contains("known: sqlite:PATH"), "{error}");
}

/// Plans are checked instead of times: a search by index is what keeps an append constant.
#[tokio::test]
async fn an_append_reads_no_more_of_a_long_journal_than_of_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = sqlite(&folder).await;
    for sql in [
        "EXPLAIN QUERY PLAN SELECT position, at FROM journal ORDER BY position DESC LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT seq, hash FROM journal WHERE stream = 'a' ORDER BY seq DESC LIMIT 1",
        "EXPLAIN QUERY PLAN SELECT stream FROM journal WHERE seq = 1 AND stream >= 'a' AND stream < 'b' ORDER BY stream",
    ] {
        let rows = query(sql).fetch_all(&database.pool).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| rows::text(row, "detail").unwrap()).collect();
        assert!(plan.iter().all(|step| step.contains("USING") && step.contains("INDEX")), "{sql}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}: {plan:?}");
    }
}

/// Run by hand: `cargo test -p database million -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "fills a million entries, which takes a minute"]
async fn a_million_entries_later_an_append_costs_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let database = sqlite(&folder).await;
    let mut per_append = Vec::new();
    for thousand in 0..1_000u64 {
        let batch: Vec<NewEntry> = (0..1_000)
            .map(|n| NewEntry::new(format!("incident/{n}"), thousand + 1, "ada", r#"{"kind":"asked","text":"why?"}"#))
            .collect();
        database.append(&batch, Time(0)).await.unwrap();
        if thousand == 0 || thousand == 999 {
            let mut times = Vec::new();
            for seq in 1..=101 {
                let stream = format!("single/{thousand}");
                let started = Instant::now();
                database.append(&[NewEntry::new(stream, seq, "ada", "{}")], Time(0)).await.unwrap();
                times.push(started.elapsed());
            }
            times.sort();
            per_append.push(times[50]);
        }
    }
    println!("one append, median: {:?} at a thousand entries, {:?} at a million", per_append[0], per_append[1]);
    assert!(per_append[1] < per_append[0] * 4, "{per_append:?}");
}
