//! Whatever is done to a journal afterwards shows.

use super::*;
use crate::journal::{NewEntry, link};

/// Two streams, interleaved, three entries each.
fn journal() -> Vec<Entry> {
    let mut tips: HashMap<&str, Tip> = HashMap::new();
    let mut entries = Vec::new();
    for position in 1..=6u64 {
        let stream = if position % 2 == 1 { "incident/1" } else { "incident/2" };
        let tip = tips.remove(stream).unwrap_or_else(|| genesis(stream));
        let new = NewEntry::new(stream, tip.seq + 1, "ada", format!(r#"{{"n":{position}}}"#));
        let entry = link(&new, &tip, position, Time(position as i64 * 10)).unwrap();
        tips.insert(stream, Tip { seq: entry.seq, hash: entry.hash.clone() });
        entries.push(entry);
    }
    entries
}

fn relink(entries: &mut [Entry]) {
    let mut tips: HashMap<String, Tip> = HashMap::new();
    for entry in entries {
        let tip = tips.remove(&entry.stream).unwrap_or_else(|| genesis(&entry.stream));
        entry.prev_hash = tip.hash;
        entry.hash = hash_of(entry);
        tips.insert(entry.stream.clone(), Tip { seq: entry.seq, hash: entry.hash.clone() });
    }
}

#[test]
fn an_untouched_journal_is_whole() {
    let entries = journal();
    let heads: Vec<Head> = entries[4..].iter().map(Entry::head).collect();
    let report = verify(&entries, &heads);
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.entries, report.streams, report.heads_compared), (6, 2, 2));
    assert!(verify(&[], &[]).is_whole());
}

#[test]
fn every_altered_column_shows() {
    let alterations: [fn(&mut Entry); 8] = [
        |entry| entry.position += 7,
        |entry| entry.stream.push('x'),
        |entry| entry.seq += 1,
        |entry| entry.at = Time(entry.at.0 + 1),
        |entry| entry.actor = "eve".into(),
        |entry| entry.event = r#"{"n":99}"#.into(),
        |entry| entry.prev_hash.replace_range(0..1, "z"),
        |entry| entry.hash.replace_range(0..1, "z"),
    ];
    for idx in 0..6 {
        for (column, alter) in alterations.iter().enumerate() {
            let mut entries = journal();
            alter(&mut entries[idx]);
            assert!(!verify(&entries, &[]).is_whole(), "entry {idx}, column {column}");
        }
    }
}

#[test]
fn every_deleted_or_repeated_entry_shows() {
    let head = [journal()[4].head(), journal()[5].head()];
    for idx in 0..6 {
        let mut entries = journal();
        entries.remove(idx);
        assert!(!verify(&entries, &head).is_whole(), "deleted {idx}");
        let mut entries = journal();
        entries.insert(idx, entries[idx].clone());
        assert!(!verify(&entries, &[]).is_whole(), "repeated {idx}");
    }
}

#[test]
fn every_swap_shows() {
    for (a, b) in (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b))) {
        let mut entries = journal();
        let (place_a, place_b) = (entries[a].position, entries[b].position);
        entries.swap(a, b);
        entries[a].position = place_a;
        entries[b].position = place_b;
        assert!(!verify(&entries, &[]).is_whole(), "swapped {a} and {b}");
    }
}

#[test]
fn a_removed_stream_shows_without_any_head() {
    let entries: Vec<Entry> = journal().into_iter().filter(|entry| entry.stream != "incident/1").collect();
    assert!(verify(&entries, &[]).problems.iter().any(|problem| matches!(problem, Problem::Gap { .. })));
}

#[test]
fn a_cut_tail_shows_only_against_a_head() {
    let whole = journal();
    let head = [whole[5].head()];
    let cut = &whole[..4];
    assert!(verify(cut, &[]).is_whole());
    let expected = Problem::Cut { stream: "incident/2".into(), expected_seq: 3, last_seq: 2 };
    assert_eq!(verify(cut, &head).problems, [expected]);
}

#[test]
fn a_rewritten_chain_shows_only_against_a_head() {
    let head = [journal()[4].head()];
    let mut entries = journal();
    entries[0].event = r#"{"n":"forged"}"#.into();
    relink(&mut entries);
    assert!(verify(&entries, &[]).is_whole());
    assert_eq!(verify(&entries, &head).problems, [Problem::Rewritten { stream: "incident/1".into(), seq: 3 }]);
}
