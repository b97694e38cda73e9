//! What is sealed cannot be read in the database, reads back as it was, and reads as erased once a key is gone.

mod samples;

use std::path::Path;

use incident::journal::Journal;
use incident::{Event, Happened, Incident};
use runbooks::Status;
use tempfile::TempDir;

use super::rules::{Rule, Rules};
use super::*;
use crate::conformance;
use crate::conformance::postgres::{Server, is_wanted};
use samples::{SECRETS, ines};

const STREAM: &str = "incident/1";

async fn sealed_at(database: &str, folder: &Path) -> Sealed {
    let database = Arc::new(Database::open(database).await.unwrap());
    let masters = MasterKeys::open_or_create(&folder.join("keys/journal.json"), Time(1)).unwrap();
    Sealed::open(database, masters, Time(1)).await.unwrap()
}

async fn sealed(folder: &TempDir) -> Sealed {
    sealed_at(&format!("sqlite:{}", folder.path().join("firstline.db").display()), folder.path()).await
}

/// The actor of an event: Firstline's own are under its own name.
fn actor_of(event: &Event) -> &'static str {
    match event {
        Event::Asked(_) | Event::Resolved { .. } => "mirela",
        _ => "firstline",
    }
}

async fn write_all(journal: &Sealed) -> Vec<Entry> {
    let events = samples::events();
    let new = |(seq, event): (u64, &Event)| {
        NewEntry::new(STREAM, seq, actor_of(event), serde_json::to_string(event).unwrap())
    };
    let entries: Vec<NewEntry> = (1..).zip(&events).map(new).collect();
    let mut written = journal.append(&entries[..5], Time(5)).await.unwrap();
    written.extend(journal.append(&entries[5..], Time(6)).await.unwrap());
    written
}

fn replay(entries: &[Entry]) -> Incident {
    let mut incident = Incident::new("1");
    for entry in entries {
        let event = serde_json::from_str(&entry.event).unwrap_or_else(|error| panic!("{error}: {}", entry.event));
        incident.apply(Happened { at: entry.at, actor: entry.actor.clone(), event });
    }
    incident
}

#[test]
fn every_text_of_every_event_has_a_rule() {
    fn walk(node: &Node, path: &mut Vec<String>, rules: Rules) {
        let mut inside = |key: String, node: &Node| {
            path.push(key);
            walk(node, path, rules);
            path.pop();
        };
        match node {
            Node::Object(members) => members.iter().for_each(|(key, node)| inside(key.clone(), node)),
            Node::Array(items) => items.iter().enumerate().for_each(|(idx, node)| inside(idx.to_string(), node)),
            Node::Text(text) => match rules.named(path) {
                None => panic!("say in `sealed/rules.rs` whether `{}` is personal", path.join("/")),
                Some(Rule::Step) => walk(&Node::parse(text).unwrap(), &mut Vec::new(), Rules::of_step()),
                Some(_) => {}
            },
            Node::Other(_) => {}
        }
    }
    for event in samples::events() {
        let node = Node::parse(&canonical(&serde_json::to_string(&event).unwrap()).unwrap()).unwrap();
        let kind = node.text_at(&["type"]).unwrap().to_owned();
        walk(&node, &mut vec![kind], Rules::of_stream(STREAM));
    }
}

#[tokio::test]
async fn nothing_personal_is_readable_in_the_database_and_everything_is_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = sealed(&folder).await;
    let written = write_all(&journal).await;
    for (entry, event) in written.iter().zip(samples::events()) {
        assert_eq!(entry.event, canonical(&serde_json::to_string(&event).unwrap()).unwrap());
        assert_eq!(entry.actor, actor_of(&event));
    }
    assert_eq!(journal.read(STREAM, 1).await.unwrap(), written);
    assert_eq!(sealed(&folder).await.read(STREAM, 1).await.unwrap(), written, "by another process");

    for entry in journal.stored_since(0, 1_000).await.unwrap() {
        let (skeleton, _) = entry.event.split_once("⟦sealed⟧").unwrap_or((&entry.event, ""));
        for secret in SECRETS {
            assert!(!skeleton.contains(secret) && !entry.actor.contains(secret), "{secret}: {skeleton}");
        }
    }
    journal.close().await;
    let file = std::fs::read(folder.path().join("firstline.db")).unwrap();
    for secret in ["WORD", "SAMPLE", "DRYRUN", "OUTPUT"] {
        assert!(!file.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test]
async fn erasing_a_person_leaves_every_decision_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, replica) = (sealed(&folder).await, sealed(&folder).await);
    let before = replay(&write_all(&journal).await);
    assert_eq!(before.steps["st-1"].state.status, Status::Succeeded);
    assert_eq!(replica.read(STREAM, 1).await.unwrap()[0].actor, "mirela");

    let subjects = Subjects::Person(vec!["mirela".into(), "console:mirela".into()]);
    let n_sealed = journal.count_sealed_by(&subjects, |_| {}).await.unwrap();
    assert!(n_sealed > 5, "{n_sealed}");
    let erased = journal.erase(&subjects, "terminal:tom", Some("asked for it"), Time(9)).await.unwrap().unwrap();
    assert_eq!(erased.pseudonyms.len(), 1);
    let pseudonym = format!("⟨erased:{}⟩", erased.pseudonyms[0]);

    replica.latest(ERASURES).await.unwrap();
    for reader in [&journal, &replica, &sealed(&folder).await] {
        let entries = reader.read(STREAM, 1).await.unwrap();
        for word in ["mirela", "WORD why"] {
            assert!(entries.iter().all(|entry| !entry.event.contains(word) && entry.actor != word), "{word}");
        }
        let after = replay(&entries);
        let state = &after.steps["st-1"].state;
        assert_eq!(state.status, Status::Succeeded);
        assert_eq!(state.agreements[0].by.id, pseudonym);
        assert_eq!(state.agreements[0].by.name, pseudonym);
        assert_eq!(state.facts.as_ref().unwrap().requester, pseudonym, "four eyes still see that it is the same");
        assert_eq!(state.people_who_agreed().len(), before.steps["st-1"].state.people_who_agreed().len());
        assert_eq!(after.questions[0].asked.question.text, ERASED);
        assert_eq!(after.questions[0].answer.as_ref().unwrap().question.as_str(), ERASED, "the copy in the answer");
        assert_eq!(after.questions[0].answer.as_ref().unwrap().headline, "WORD", "others' content stays");
        assert_eq!(after.resolved.as_ref().unwrap().1, ERASED);
    }
    let tombstone = journal.latest(ERASURES).await.unwrap().unwrap();
    assert_eq!(tombstone.actor, "terminal:tom");
    assert!(tombstone.event.contains("asked for it"));

    // Who comes back is somebody new, and an old key in a replica's memory is of no use.
    let again = serde_json::to_string(&samples::asked("mirela")).unwrap();
    replica.append(&[NewEntry::new("incident/9", 1, "mirela", again)], Time(10)).await.unwrap();
    let read = journal.read("incident/9", 1).await.unwrap();
    assert_eq!(read[0].actor, "mirela");
    assert!(read[0].event.contains("WORD why?"));
    let whole =
        incident::journal::verify(&journal.stored_since(0, 1_000).await.unwrap(), &journal.heads().await.unwrap());
    assert!(whole.is_whole(), "{:?}", whole.problems);
    assert_eq!(journal.erase(&Subjects::Person(vec!["nobody".into()]), "tom", None, Time(9)).await, Ok(None));
}

#[tokio::test]
async fn erasing_an_incident_leaves_who_decided_what() {
    let folder = tempfile::tempdir().unwrap();
    let journal = sealed(&folder).await;
    write_all(&journal).await;
    let subjects = Subjects::Incident { id: "1".into(), streams: vec![STREAM.into()] };
    journal.erase(&subjects, "tom", None, Time(9)).await.unwrap().unwrap();
    let entries = sealed(&folder).await.read(STREAM, 1).await.unwrap();
    for word in SECRETS.iter().filter(|word| **word != "mirela") {
        let readable = entries.iter().filter(|entry| entry.event.replace("Dr mirela WORD", "").contains(word)).count();
        assert_eq!(readable, 0, "{word}");
    }
    let after = replay(&entries);
    let record = &after.steps["st-1"];
    assert_eq!(record.state.status, Status::Succeeded);
    assert_eq!(record.state.agreements[0].by, ines());
    assert_eq!(record.step.content().arguments, samples::step().content().arguments, "what was run stays");
    assert_eq!(after.opened.unwrap().title, ERASED);
}

#[tokio::test]
async fn a_master_key_is_rotated_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, replica) = (sealed(&folder).await, sealed(&folder).await);
    write_all(&journal).await;
    replica.append(&[NewEntry::new("incident/2", 1, "mara", "{}")], Time(7)).await.unwrap();
    let old = journal.masters().id().to_owned();
    let mut n_done = 0;
    let new = journal.rotate_master(Time(8), |n| n_done = n).await.unwrap();
    assert!(new != old && n_done >= 4, "{n_done}");
    assert!(journal.database.keys_not_under(&new).await.unwrap().is_empty());
    replica.append(&[NewEntry::new("incident/2", 2, "tom", "{}")], Time(7)).await.unwrap();
    for reader in [&replica, &sealed(&folder).await] {
        assert_eq!(reader.read(STREAM, 1).await.unwrap()[0].actor, "mirela");
        assert_eq!(reader.read("incident/2", 1).await.unwrap()[1].actor, "tom");
    }
    std::fs::remove_file(folder.path().join("keys/journal.json")).unwrap();
    let other = MasterKeys::open_or_create(&folder.path().join("keys/journal.json"), Time(1)).unwrap();
    let error = Sealed::open(Arc::clone(journal.database()), other, Time(1)).await.unwrap_err();
    assert!(error.to_string().contains("restore it"), "lost keys are no erasure: {error}");
}

#[tokio::test]
async fn old_entries_stay_readable_and_moved_boxes_do_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let journal = sealed(&folder).await;
    let plain = canonical(&serde_json::to_string(&samples::asked("tom")).unwrap()).unwrap();
    journal.database().append(&[NewEntry::new("incident/0", 1, "tom", plain.clone())], Time(2)).await.unwrap();
    assert_eq!(journal.read("incident/0", 1).await.unwrap()[0].event, plain);

    write_all(&journal).await;
    let stolen = journal.database().read(STREAM, 1).await.unwrap().remove(0);
    let moved = NewEntry::new("incident/7", 1, stolen.actor, stolen.event);
    journal.database().append(&[moved], Time(9)).await.unwrap();
    let error = journal.read("incident/7", 1).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { reason, .. } if reason.contains("altered")), "{error}");
    let ours = NewEntry::new("incident/8", 1, "eve", r#"{"⟦sealed⟧":[]}"#);
    assert!(matches!(journal.append(&[ours], Time(9)).await, Err(Error::Invalid(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_journal_on_sqlite_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    conformance::check(Arc::new(sealed(&folder).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_journal_on_postgres_passes_the_suite() {
    if !is_wanted() {
        println!("skipped: set FIRSTLINE_TEST_POSTGRES=1 to run the journal's suite on PostgreSQL");
        return;
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open_to_all).unwrap();
    let server = Server::start(&folder.path().join("pg")).unwrap();
    let (one, other) = (sealed_at(&server.url(), folder.path()).await, sealed_at(&server.url(), folder.path()).await);
    let one = Arc::new(one);
    conformance::check(one.clone()).await;
    write_all(&one).await;
    assert_eq!(other.read(STREAM, 1).await.unwrap()[0].actor, "mirela");
    one.erase(&Subjects::Person(vec!["mirela".into()]), "tom", None, Time(9)).await.unwrap().unwrap();
    one.rotate_master(Time(10), |_| {}).await.unwrap();
    other.latest(ERASURES).await.unwrap();
    assert!(other.read(STREAM, 1).await.unwrap()[0].actor.starts_with("⟨erased:"));
}

/// Run by hand: `cargo test --release -p database cost -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "measures, which takes a while"]
async fn what_sealing_costs() {
    let folder = tempfile::tempdir().unwrap();
    let journal = sealed(&folder).await;
    let event = serde_json::to_string(&samples::events()[6]).unwrap();
    let question = serde_json::to_string(&samples::asked("mirela")).unwrap();
    let mut measured = Vec::new();
    let both: [(&str, &dyn Journal); 2] = [("plain", journal.database().as_ref()), ("sealed", &journal)];
    for (name, target) in both {
        let started = std::time::Instant::now();
        for n in 0..500 {
            let stream = format!("incident/{name}-{n}");
            let entries =
                [NewEntry::new(&stream, 1, "mirela", &question), NewEntry::new(&stream, 2, "firstline", &event)];
            target.append(&entries, Time(1)).await.unwrap();
        }
        measured.push(started.elapsed() / 500);
    }
    let mut read = Vec::new();
    let again = sealed(&folder).await;
    let both: [(&str, &dyn Journal); 2] = [("plain", again.database().as_ref()), ("sealed", &again)];
    for (_, target) in both {
        let started = std::time::Instant::now();
        let mut position = 0;
        while let Some(last) = target.since(position, 500).await.unwrap().last() {
            position = last.position;
        }
        read.push(started.elapsed() / 2_000);
    }
    println!(
        "append of two entries ({} bytes): {:?} plain, {:?} sealed",
        event.len() + question.len(),
        measured[0],
        measured[1]
    );
    println!("reading one entry: {:?} plain, {:?} with half of them sealed", read[0], read[1]);
}
