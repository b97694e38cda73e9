//! What every journal must do, run against each implementation. A failed expectation panics, as in any test.

pub mod postgres;

use std::sync::Arc;

use evidence::Time;
use incident::journal::{Entry, Error, Journal, NewEntry, verify};

const WRITERS: u64 = 8;
const ROUNDS: u64 = 12;

/// Runs every check, each on streams of its own. The journal may hold other entries already.
pub async fn check(journal: Arc<dyn Journal>) {
    appends_and_reads_back(&*journal).await;
    refuses_every_place_but_the_next(&*journal).await;
    writes_all_streams_or_none(&*journal).await;
    keeps_every_character(&*journal).await;
    keeps_time_from_running_back(&*journal).await;
    lists_streams_by_exact_prefix(&*journal).await;
    follows_positions_without_gaps(&*journal).await;
    lets_one_writer_win_each_place(journal.clone()).await;
    shows_positions_in_order_while_others_write(journal.clone()).await;
    is_whole(&*journal).await;
}

fn new(stream: &str, seq: u64, event: &str) -> NewEntry {
    NewEntry::new(stream, seq, "ada", event)
}

async fn append(journal: &dyn Journal, entries: &[NewEntry]) -> Vec<Entry> {
    journal.append(entries, Time(0)).await.expect("the place is free")
}

async fn appends_and_reads_back(journal: &dyn Journal) {
    let mut written = append(journal, &[new("c/read", 1, r#"{"b":1,"a":2}"#), new("c/read", 2, "{}")]).await;
    written.extend(append(journal, &[new("c/read", 3, "[]")]).await);
    assert_eq!(written[0].event, r#"{"a":2,"b":1}"#, "events are stored in canonical form");
    assert_eq!(written[1].prev_hash, written[0].hash);
    assert_eq!(journal.read("c/read", 1).await.unwrap(), written);
    assert_eq!(journal.read("c/read", 0).await.unwrap(), written);
    assert_eq!(journal.read("c/read", 3).await.unwrap(), written[2..]);
    assert_eq!(journal.read("c/read", u64::MAX).await.unwrap(), []);
    assert_eq!(journal.read("c/unknown", 1).await.unwrap(), []);
    assert_eq!(journal.latest("c/read").await.unwrap().as_ref(), written.last());
    assert_eq!(journal.latest("c/unknown").await.unwrap(), None);
    assert_eq!(journal.append(&[], Time(0)).await.unwrap(), []);
}

async fn refuses_every_place_but_the_next(journal: &dyn Journal) {
    append(journal, &[new("c/place", 1, "{}"), new("c/place", 2, "{}")]).await;
    for seq in [0, 1, 2, 4, u64::MAX] {
        let refused = journal.append(&[new("c/place", seq, "{}")], Time(0)).await;
        assert_eq!(refused, Err(Error::Conflict { stream: "c/place".into(), seq, last: 2 }));
    }
    for broken in [new("c/place", 3, "{"), new("", 1, "{}"), new("c\0", 1, "{}")] {
        assert!(matches!(journal.append(&[broken], Time(0)).await, Err(Error::Invalid(_))));
    }
    append(journal, &[new("c/place", 3, "{}")]).await;
}

async fn writes_all_streams_or_none(journal: &dyn Journal) {
    append(journal, &[new("c/lock", 1, "{}")]).await;
    let before = journal.end().await.unwrap();
    let together = [new("c/step", 1, "{}"), new("c/other", 1, "{}"), new("c/lock", 1, "{}")];
    let refused = journal.append(&together, Time(0)).await;
    assert_eq!(refused, Err(Error::Conflict { stream: "c/lock".into(), seq: 1, last: 1 }));
    assert_eq!(journal.read("c/step", 1).await.unwrap(), []);
    assert_eq!(journal.end().await.unwrap(), before);
    append(journal, &[new("c/step", 1, "{}"), new("c/lock", 2, "{}")]).await;
}

async fn keeps_every_character(journal: &dyn Journal) {
    let event = r#"{"t":"\u0000 é ⟨x⟩ 🦀 '; DROP TABLE journal; -- % _ \\ \u001b[31m","n":0.30000000000000004}"#;
    let stream = "c/é 🦀 '%_\\";
    let written = append(journal, &[NewEntry::new(stream, 1, "ada ⟨ops⟩", event)]).await;
    assert_eq!(journal.read(stream, 1).await.unwrap(), written);
    assert!(written[0].event.contains("0.30000000000000004"));
    let long = format!("{{\"t\":\"{}\"}}", "x".repeat(2_000_000));
    append(journal, &[new("c/long", 1, &long)]).await;
    assert_eq!(journal.latest("c/long").await.unwrap().unwrap().event, long);
}

async fn keeps_time_from_running_back(journal: &dyn Journal) {
    let last = journal.since(journal.end().await.unwrap() - 1, 1).await.unwrap()[0].at;
    let later = Time(last.0 + 1_000_000);
    assert_eq!(journal.append(&[new("c/time", 1, "{}")], later).await.unwrap()[0].at, later);
    assert_eq!(journal.append(&[new("c/time/other", 1, "{}")], Time(5)).await.unwrap()[0].at, later);
    assert_eq!(journal.latest("c/time/other").await.unwrap().unwrap().at, later);
}

async fn lists_streams_by_exact_prefix(journal: &dyn Journal) {
    for stream in ["c/p_/b", "c/p_/a", "c/p_/A", "c/p_/é", "c/pX/a", "c/P_/a", "c/p_"] {
        append(journal, &[new(stream, 1, "{}"), new(stream, 2, "{}")]).await;
    }
    assert_eq!(journal.streams("c/p_/").await.unwrap(), ["c/p_/A", "c/p_/a", "c/p_/b", "c/p_/é"]);
    assert_eq!(journal.streams("c/nothing").await.unwrap(), [""; 0]);
    let heads = journal.heads().await.unwrap();
    let mine: Vec<_> = heads.iter().filter(|head| head.stream.starts_with("c/p_/")).collect();
    assert_eq!(mine.len(), 4);
    for head in mine {
        assert_eq!(Some(head), journal.latest(&head.stream).await.unwrap().map(|entry| entry.head()).as_ref());
        assert_eq!(head.seq, 2);
    }
    assert_eq!(heads.len(), journal.streams("").await.unwrap().len());
}

async fn follows_positions_without_gaps(journal: &dyn Journal) {
    let before = journal.end().await.unwrap();
    for seq in 1..=5 {
        append(journal, &[new("c/since", seq, "{}")]).await;
    }
    let page = journal.since(before, 3).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.position).collect::<Vec<_>>(), [before + 1, before + 2, before + 3]);
    assert_eq!(journal.since(before + 3, 100).await.unwrap().len(), 2);
    assert_eq!(journal.since(before + 5, 100).await.unwrap(), []);
}

async fn lets_one_writer_win_each_place(journal: Arc<dyn Journal>) {
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(race(journal.clone(), writer))).collect();
    let mut n_won = 0;
    for writer in writers {
        n_won += writer.await.expect("a writer panicked");
    }
    assert_eq!(n_won, ROUNDS, "each place has exactly one winner");
    let stream = journal.read("c/race", 1).await.unwrap();
    assert_eq!(stream.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=ROUNDS).collect::<Vec<_>>());
}

/// Every writer goes for every place, as two people press the same button.
async fn race(journal: Arc<dyn Journal>, writer: u64) -> u64 {
    let mut n_won = 0;
    for seq in 1..=ROUNDS {
        let entry = NewEntry::new("c/race", seq, format!("writer {writer}"), "{}");
        match journal.append(&[entry], Time(0)).await {
            Ok(_) => n_won += 1,
            Err(Error::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        // A loser may only go on once the place is taken, else it would be ahead.
        assert!(journal.latest("c/race").await.unwrap().is_some_and(|entry| entry.seq >= seq));
    }
    n_won
}

async fn shows_positions_in_order_while_others_write(journal: Arc<dyn Journal>) {
    let start = journal.end().await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let journal = journal.clone();
            tokio::spawn(async move {
                for seq in 1..=ROUNDS {
                    append(&*journal, &[new(&format!("c/follow/{writer}"), seq, "{}")]).await;
                }
            })
        })
        .collect();
    let mut position = start;
    while position < start + WRITERS * ROUNDS {
        for entry in journal.since(position, 7).await.unwrap() {
            assert_eq!(entry.position, position + 1, "a follower never has to look back");
            position = entry.position;
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.expect("a writer panicked");
    }
}

async fn is_whole(journal: &dyn Journal) {
    let entries = journal.stored_since(0, usize::MAX).await.unwrap();
    let report = verify(&entries, &journal.heads().await.unwrap());
    assert!(report.is_whole(), "{:?}", report.problems);
}
