//! Somebody who can write the database edits it at random, also with all hashes made right again. Against an exported
//! head every edit shows. `FIRSTLINE_TAMPER_EDITS=10000` tries as many; a few hundred otherwise.

use incident::journal::{Problem, hash_of};

use super::*;
use crate::audit::audit;
use crate::heads::{SignedHead, checkpoint, export_head};
use crate::keys::MasterKeys;
use crate::keys::SigningKeys;
use crate::sealed::Sealed;

const STREAMS: [&str; 4] = ["incident/1", "incident/2", "lock/a", "changes"];

/// Numbers by chance, the same in each run: xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

fn n_edits() -> usize {
    std::env::var("FIRSTLINE_TAMPER_EDITS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

/// A journal as it is in life: several streams, sealed, with checkpoints, one of them the last entry but two.
async fn written(database: Arc<Database>, folder: &TempDir) -> (SigningKeys, SignedHead) {
    let keys = SigningKeys::open_or_create(&folder.path().join("heads.json"), Time(0)).unwrap();
    let masters = MasterKeys::open_or_create(&folder.path().join("journal.json"), Time(0)).unwrap();
    let journal = Sealed::open(database, masters, Time(0)).await.unwrap();
    for seq in 1..=8u64 {
        for (n, stream) in STREAMS.iter().enumerate() {
            let event = format!(r#"{{"type":"resolved","note":"n {seq} {n}","n":{seq}}}"#);
            let entry = NewEntry::new(*stream, seq, ["ada", "tom"][n % 2], event);
            journal.append(&[entry], Time(seq as i64 * 1_000)).await.unwrap();
        }
        if seq % 3 == 1 {
            checkpoint(&journal, &keys, Time(0)).await.unwrap();
        }
    }
    let head = export_head(&journal, &keys, Time(9_000)).await.unwrap();
    (keys, head)
}

/// One edit. Returns what was done, or `None` when it changed nothing.
fn edit(entries: &mut Vec<Entry>, chance: &mut Chance) -> Option<&'static str> {
    let before = entries.clone();
    let at = chance.below(entries.len());
    let other = chance.below(entries.len());
    let done = match chance.below(13) {
        0 => {
            entries[at].at = Time(entries[at].at.0 + 1 + chance.below(5_000) as i64);
            "time"
        }
        1 => {
            entries[at].actor = ["eve", "ada", "tom", "⟨erased:aaaaaaaa⟩"][chance.below(4)].into();
            "actor"
        }
        2 => {
            let mut bytes = entries[at].event.clone().into_bytes();
            let place = chance.below(bytes.len());
            bytes[place] = b"0aZ\" "[chance.below(5)];
            entries[at].event = String::from_utf8_lossy(&bytes).into_owned();
            "event"
        }
        3 => {
            entries[at].event = entries[other].event.clone();
            "event of another"
        }
        4 => {
            entries[at].stream = STREAMS[chance.below(4)].into();
            "stream"
        }
        5 => {
            entries[at].seq = 1 + chance.below(12) as u64;
            "seq"
        }
        6 => {
            entries[at].prev_hash = entries[other].hash.clone();
            "prev_hash"
        }
        7 => {
            entries[at].hash = entries[other].hash.clone();
            "hash"
        }
        8 => {
            entries.remove(at);
            "delete"
        }
        9 => {
            let stream = entries[at].stream.clone();
            entries.retain(|entry| entry.stream != stream);
            "delete a stream"
        }
        10 => {
            let mut copy = entries[other].clone();
            copy.actor = "eve".into();
            copy.position = entries.len() as u64 + 1;
            copy.seq += 9;
            entries.insert(at, copy);
            "insert"
        }
        11 => {
            let positions = (entries[at].position, entries[other].position);
            entries.swap(at, other);
            (entries[at].position, entries[other].position) = positions;
            "reorder"
        }
        _ => {
            entries.truncate(at);
            "cut"
        }
    };
    (*entries != before).then_some(done)
}

/// Makes positions, numbers, links and hashes right again, as somebody would who knows how they are made.
fn chain_again(entries: &mut [Entry]) {
    let mut tips: HashMap<String, Tip> = HashMap::new();
    for (idx, entry) in entries.iter_mut().enumerate() {
        let tip = tips.remove(&entry.stream).unwrap_or_else(|| genesis(&entry.stream));
        (entry.position, entry.seq, entry.prev_hash) = (idx as u64 + 1, tip.seq + 1, tip.hash);
        entry.hash = hash_of(entry);
        tips.insert(entry.stream.clone(), Tip { seq: entry.seq, hash: entry.hash.clone() });
    }
}

/// Puts the entries into the table; `false` when the database itself refuses them.
async fn put(database: &Database, entries: &[Entry]) -> bool {
    let mut transaction = database.begin_turn().await.unwrap();
    query("DELETE FROM journal").execute(&mut *transaction).await.unwrap();
    for entry in entries {
        if database.insert(&mut transaction, entry).await.is_err() {
            transaction.rollback().await.unwrap();
            return false;
        }
    }
    transaction.commit().await.unwrap();
    true
}

async fn every_edit_shows(database: Database, folder: &TempDir) {
    let database = Arc::new(database);
    let (keys, head) = written(Arc::clone(&database), folder).await;
    let original = database.since(0, 1_000).await.unwrap();
    // Trying is only worth something when there is nothing to find at first.
    let whole = audit(database.as_ref(), &keys.public(), Some(&head)).await.unwrap();
    assert!(whole.is_whole() && whole.heads_compared > 10, "{:?}", whole.problems);

    let mut chance = Chance(20_260_301);
    let (mut n_done, mut n_refused, mut by_kind) = (0, 0, HashMap::<&str, usize>::new());
    while n_done < n_edits() {
        let mut entries = original.clone();
        let Some(done) = edit(&mut entries, &mut chance) else { continue };
        let chained = chance.below(2) == 1;
        if chained {
            chain_again(&mut entries);
        }
        if entries == original {
            continue;
        }
        n_done += 1;
        *by_kind.entry(done).or_default() += 1;
        if !put(&database, &entries).await {
            n_refused += 1;
            continue;
        }
        let report = audit(database.as_ref(), &keys.public(), Some(&head)).await;
        let found: Vec<Problem> = report.map(|report| report.problems).unwrap_or_default();
        assert!(!found.is_empty(), "edit {n_done} ({done}, chained again: {chained}) was not found");
    }
    println!("{n_done} edits, all found ({n_refused} the database itself refused): {by_kind:?}");
    assert!(put(&database, &original).await);
    assert!(audit(database.as_ref(), &keys.public(), Some(&head)).await.unwrap().is_whole());
}

#[tokio::test]
async fn every_random_edit_on_sqlite_shows() {
    let folder = tempfile::tempdir().unwrap();
    every_edit_shows(sqlite(&folder).await, &folder).await;
}

#[tokio::test]
async fn every_random_edit_on_postgres_shows() {
    if !is_wanted() {
        println!("skipped: set FIRSTLINE_TEST_POSTGRES=1 to edit the journal on PostgreSQL");
        return;
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open_to_all).unwrap();
    let server = Server::start(&folder.path().join("pg")).unwrap();
    every_edit_shows(Database::open(&server.url()).await.unwrap(), &folder).await;
}
