//! What somebody with access to the file can do shows; what the disk does is said plainly.

use super::*;
use crate::audit::{audit, export, first_position_at};
use crate::heads::{SignedHead, checkpoint, export_head, verify_head};
use crate::keys::{PublicKeys, SigningKeys, rotation};
use incident::journal::{CHECKPOINTS, Problem};

fn keys(folder: &TempDir) -> SigningKeys {
    SigningKeys::open_or_create(&folder.path().join("heads.json"), Time(0)).unwrap()
}

/// Three streams with four entries each, one checkpoint in the middle and one at the end.
async fn journal(folder: &TempDir) -> (Database, SigningKeys, SignedHead) {
    let (database, keys) = (sqlite(folder).await, keys(folder));
    for seq in 1..=4u64 {
        for stream in ["incident/1", "incident/2", "lock/a"] {
            let entry = NewEntry::new(stream, seq, "ada", format!(r#"{{"n":{seq}}}"#));
            database.append(&[entry], Time(seq as i64 * 1_000)).await.unwrap();
        }
        if seq % 2 == 0 {
            assert!(checkpoint(&database, &keys, Time(0)).await.unwrap().is_some());
            assert_eq!(checkpoint(&database, &keys, Time(0)).await.unwrap(), None, "nothing new to sign");
        }
    }
    let exported = export_head(&database, &keys, Time(9_000)).await.unwrap();
    (database, keys, exported)
}

async fn damaged_by(sql: &'static str, with_head: bool) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let (database, keys, exported) = journal(&folder).await;
    let whole = audit(&database, &keys.public(), Some(&exported)).await.unwrap();
    assert!(whole.is_whole(), "{:?}", whole.problems);
    assert!(whole.heads_compared >= 10);
    let changed = sqlx::raw_sql(sql).execute(&database.pool).await.unwrap();
    assert!(changed.rows_affected() > 0, "{sql} changed nothing");
    audit(&database, &keys.public(), with_head.then_some(&exported)).await.unwrap().problems
}

#[tokio::test]
async fn every_change_to_the_table_shows() {
    for sql in [
        "UPDATE journal SET at = at + 1 WHERE position = 3",
        "UPDATE journal SET actor = 'eve' WHERE position = 3",
        "UPDATE journal SET event = '{\"n\":7}' WHERE position = 3",
        "UPDATE journal SET stream = 'incident/3' WHERE position = 3",
        "UPDATE journal SET seq = 99 WHERE position = 3",
        "UPDATE journal SET position = 99 WHERE position = 3",
        "UPDATE journal SET hash = prev_hash WHERE position = 3",
        "UPDATE journal SET prev_hash = hash WHERE position = 3",
        "DELETE FROM journal WHERE position = 3",
        "DELETE FROM journal WHERE stream = 'incident/2'",
        "DELETE FROM journal WHERE stream = 'checkpoint'",
        "DELETE FROM journal WHERE stream = 'incident/1' AND seq = 4",
        "UPDATE journal SET event = replace(event, 'head.v2', 'head.v1') WHERE stream = 'checkpoint'",
    ] {
        assert!(!damaged_by(sql, false).await.is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn a_tail_cut_off_with_its_checkpoints_shows_against_an_exported_head() {
    let sql = "DELETE FROM journal WHERE position > 7";
    assert_eq!(damaged_by(sql, false).await, []);
    let problems = damaged_by(sql, true).await;
    assert!(problems.iter().any(|problem| matches!(problem, Problem::Cut { .. })), "{problems:?}");
}

#[tokio::test]
async fn a_chain_rewritten_after_a_checkpoint_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (database, keys, _) = journal(&folder).await;
    let mut forged = database.since(0, 100).await.unwrap();
    forged[0].event = r#"{"n":"forged"}"#.into();
    let mut tips: HashMap<String, Tip> = HashMap::new();
    for entry in &mut forged {
        let tip = tips.remove(&entry.stream).unwrap_or_else(|| genesis(&entry.stream));
        entry.prev_hash = tip.hash;
        entry.hash = incident::journal::hash_of(entry);
        tips.insert(entry.stream.clone(), Tip { seq: entry.seq, hash: entry.hash.clone() });
        query("UPDATE journal SET event = $1, prev_hash = $2, hash = $3 WHERE position = $4")
            .bind(&entry.event)
            .bind(&entry.prev_hash)
            .bind(&entry.hash)
            .bind(rows::signed(entry.position))
            .execute(&database.pool)
            .await
            .unwrap();
    }
    let problems = audit(&database, &keys.public(), None).await.unwrap().problems;
    assert!(problems.contains(&Problem::Rewritten { stream: "incident/1".into(), seq: 2 }), "{problems:?}");
}

#[tokio::test]
async fn a_head_altered_or_signed_by_a_stranger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (database, keys, exported) = journal(&folder).await;
    let text = serde_json::to_string(&exported).unwrap();
    assert_eq!(verify_head(&text, &keys.public()).unwrap(), exported);
    let altered = text.replacen("\"seq\":4", "\"seq\":3", 1);
    assert_ne!(altered, text);
    assert!(verify_head(&altered, &keys.public()).is_err());

    let stranger = SigningKeys::open_or_create(&folder.path().join("stranger.json"), Time(0)).unwrap();
    let by_stranger = export_head(&database, &stranger, Time(0)).await.unwrap();
    assert!(verify_head(&serde_json::to_string(&by_stranger).unwrap(), &keys.public()).is_err());
    let again = audit(&database, &stranger.public(), None).await.unwrap().problems;
    assert_eq!(again.iter().filter(|problem| matches!(problem, Problem::BadSignature { .. })).count(), 2);
}

#[tokio::test]
async fn heads_of_both_keys_verify_after_a_rotation_with_public_keys_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (database, mut keys, before) = journal(&folder).await;
    let old = keys.id().to_owned();
    rotation::rotate(&database, &mut keys, Time(9_000)).await.unwrap();
    assert_ne!(keys.id(), old);
    assert!(checkpoint(&database, &keys, Time(9_001)).await.unwrap().is_some());
    let after = export_head(&database, &keys, Time(9_002)).await.unwrap();
    for head in [&before, &after] {
        let text = serde_json::to_string(head).unwrap();
        let head = verify_head(&text, &PublicKeys::default()).unwrap();
        let report = audit(&database, &head.public_keys().unwrap(), Some(&head)).await.unwrap();
        assert!(report.is_whole(), "{:?}", report.problems);
    }
    // An announcement that no known key signed adds no key.
    let stranger = SigningKeys::open_or_create(&folder.path().join("stranger.json"), Time(0)).unwrap();
    let forged = database.latest(rotation::KEYS).await.unwrap().unwrap().event.replace(&old, stranger.id());
    database.append(&[NewEntry::new(rotation::KEYS, 2, "firstline", forged)], Time(0)).await.unwrap();
    let problems = audit(&database, &keys.public(), None).await.unwrap().problems;
    assert!(matches!(problems.as_slice(), [Problem::BadSignature { .. }]), "{problems:?}");
}

#[tokio::test]
async fn a_head_of_another_journal_proves_nothing() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, keys, mut head) = journal(&one).await;
    let database = sqlite(&other).await;
    database.append(&[NewEntry::new("incident/0", 1, "eve", "{}")], Time(0)).await.unwrap();
    head.heads.clear();
    let problems = audit(&database, &keys.public(), Some(&head)).await.unwrap().problems;
    assert_eq!(problems, [Problem::OtherJournal { what: "the exported head".into() }]);
}

#[tokio::test]
async fn export_starts_at_a_time_and_keeps_the_stored_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _, _) = journal(&folder).await;
    assert_eq!(first_position_at(&database, Time(0)).await.unwrap(), 1);
    assert_eq!(first_position_at(&database, Time(2_000)).await.unwrap(), 4);
    assert_eq!(first_position_at(&database, Time(9_000)).await.unwrap(), 15);
    let mut out = Vec::new();
    let n_lines =
        export(&database, Some(Time(2_000)), |entry| Some(format!("n {}", entry.seq)), &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!((n_lines, text.lines().count()), (11, 11));
    let first = text.lines().next().unwrap();
    assert!(first.starts_with(r#"{"position":4,"stream":"incident/1","seq":2,"at":"1970-01-01T00:00:00.002000Z","actor":"ada","summary":"n 2","event":{"n":2},"#), "{first}");
    assert!(text.contains(CHECKPOINTS));
}

#[tokio::test]
async fn a_full_disk_is_said_plainly_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let database = sqlite(&folder).await;
    database.append(&[NewEntry::new("a", 1, "ada", "{}")], Time(0)).await.unwrap();
    // SQLite refuses to grow past this many pages with the same error as a full disk; the setting is per connection.
    let mut connections = Vec::new();
    for _ in 0..database.pool.options().get_max_connections() {
        let mut connection = database.pool.acquire().await.unwrap();
        query("PRAGMA max_page_count = 1").fetch_all(&mut *connection).await.unwrap();
        connections.push(connection);
    }
    drop(connections);
    let large = format!("{{\"t\":\"{}\"}}", "x".repeat(500_000));
    let entries = [NewEntry::new("a", 2, "ada", "{}"), NewEntry::new("b", 1, "ada", large)];
    let error = database.append(&entries, Time(0)).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { reason, .. } if reason.contains("free some space")), "{error}");
    assert!(error.is_retryable() && error.to_string().contains("nothing was written"));
    assert_eq!(database.latest("a").await.unwrap().unwrap().seq, 1);
    assert_eq!(database.streams("").await.unwrap(), ["a"]);
}

/// A constraint that is checked when the transaction ends makes the commit itself fail.
#[tokio::test]
async fn a_commit_that_fails_is_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let database = sqlite(&folder).await;
    sqlx::raw_sql(
        "CREATE TABLE trap (id BIGINT REFERENCES journal_turn (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER fall AFTER INSERT ON journal BEGIN INSERT INTO trap VALUES (99); END;",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    let entry = [NewEntry::new("a", 1, "ada", "{}")];
    let error = database.append(&entry, Time(0)).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { .. }), "it certainly was not written: {error}");
    assert_eq!(database.latest("a").await.unwrap(), None);
    sqlx::raw_sql("DROP TRIGGER fall").execute(&database.pool).await.unwrap();
    database.append(&entry, Time(0)).await.unwrap();

    let kept = database.read("a", 1).await.unwrap();
    let failure = sqlx::Error::WorkerCrashed;
    assert_eq!(database.settle(kept.clone(), &failure).await, Ok(kept.clone()), "the answer was lost, not the entry");
    let mut another = kept;
    another[0].actor = "eve".into();
    assert!(
        matches!(database.settle(another, &failure).await, Err(Error::Unavailable { .. })),
        "somebody else's entry"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstline.db");
    std::fs::write(&path, "not a database, just text that somebody put here".repeat(100)).unwrap();
    let error = Database::open_at(Place::Sqlite(path.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}
