//! What every store must do alike: one list of records, many questions, and answers worked out by a plain oracle
//! that shares neither tokenizer nor query tree with any store.

use std::collections::BTreeMap;

use evidence::{Record, RecordId, Redacted, Severity, SourcePosition, TemplateId, Time, TimeWindow};

use crate::{CountRequest, Error, ObserveRequest, Query, SearchOptions, Store, TemplatesRequest};

/// A template with what it replaced, and which records were written with it.
pub struct Input {
    pub templates: Vec<(TemplateId, &'static str, Vec<TemplateId>)>,
    pub records: Vec<(Record, TemplateId)>,
}

/// Records of two services, out of order in time, one template generalised, one record without level and one ahead.
pub fn input() -> Input {
    let t = TemplateId;
    let templates = vec![
        (t(0), "login of ann", vec![]),
        (t(1), "login of <*>", vec![t(0)]),
        (t(2), "pool exhausted after <*> ms", vec![]),
    ];
    let record = |minute: i64, service: &str, severity, text: &str, path: &str| Record {
        time: Time(minute * 60_000_000),
        severity,
        service: service.to_owned(),
        host: Some(format!("{service}-1")),
        environment: None,
        version: Some("v1.42".to_owned()),
        trace: Some("4bf92f35-77b3".to_owned()),
        span: None,
        text: Redacted::from_storage(text.to_owned()),
        fields: BTreeMap::from([("http.Path".to_owned(), Redacted::from_storage("/api/v1/Cart".to_owned()))]),
        source: SourcePosition { path: path.to_owned(), offset: minute as u64 },
    };
    let (info, error) = (Some(Severity::Info), Some(Severity::Error));
    let mut records = vec![
        (record(50, "auth", info, "login of ann", "a.log"), t(0)),
        (record(51, "auth", info, "login of Bob_2", "a.log"), t(1)),
        (record(10, "auth", None, "login of Größe", "b.log"), t(1)),
    ];
    for minute in 60..70 {
        records.push((record(minute, "checkout", error, &format!("pool exhausted after {minute} ms"), "b.log"), t(2)));
    }
    Input { templates, records }
}

/// Asks everything of a store that holds exactly [`input`], with ids from `r0`.
///
/// # Panics
///
/// When an answer is wrong; the message says to which question.
pub fn check(store: &dyn Store) {
    let window =
        |from: i64, to: i64| TimeWindow::new(Time(from * 60_000_000), Time(to * 60_000_000)).expect("a window");
    let options = SearchOptions::at(Time(61 * 60_000_000));
    for (query, ids) in [
        ("*", (0..13).collect::<Vec<u64>>()),
        ("login", vec![0, 1, 2]),
        ("LOGIN -ann", vec![1, 2]),
        ("bob_2", vec![1]),
        ("bob", vec![]),
        ("bo*", vec![1]),
        ("größe", vec![2]),
        ("\"exhausted after 60\"", vec![3]),
        ("\"after exhausted\"", vec![]),
        ("exhausted-after-6*", (3..13).collect()),
        ("ann OR 61", vec![0, 4]),
        ("(ann OR 61) service:auth", vec![0]),
        ("service:CHECK*", (3..13).collect()),
        ("level>=warn", (3..13).collect()),
        ("level<=fatal", vec![0, 1].into_iter().chain(3..13).collect()),
        ("-level:error", vec![0, 1, 2]),
        ("host:auth-1", vec![0, 1, 2]),
        ("version:v1.42 ann", vec![0]),
        ("trace:4bf92f35-77b3 ann", vec![0]),
        ("4bf92f35-77b3 ann", vec![0]),
        ("http.path:/api/v1/cart ann", vec![0]),
        ("http.path:cart", vec![]),
        ("http.path:/api/v* ann", vec![0]),
        ("http.path:* ann", vec![0]),
        ("cart ann", vec![0]),
        ("template:t0", vec![0, 1, 2]),
        ("template:t2 last:1m", vec![3, 4]),
        ("id:r2", vec![2]),
        ("id:r99", vec![]),
    ] {
        let parsed = Query::parse(query).unwrap_or_else(|mistake| panic!("{mistake}"));
        let result = store.search(&parsed, &options).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut found: Vec<u64> = result.hits.iter().map(|hit| hit.id.0).collect();
        let is_newest_first = result.hits.is_sorted_by_key(|hit| std::cmp::Reverse((hit.time, hit.id)));
        found.sort_unstable();
        assert_eq!(found, ids, "records found by `{query}`");
        assert!(is_newest_first, "order of `{query}`");
        assert_eq!((result.total, result.searched_records), (ids.len() as u64, 13), "counts of `{query}`");
    }
    limits(store, &options, window(60, 65));
    observed(store, window(60, 65), window(0, 60));
    counted(store, window(60, 65));
    single_records(store);
}

fn limits(store: &dyn Store, options: &SearchOptions, window: TimeWindow) {
    let few = SearchOptions { limit: 2, window, services: Some(vec!["checkout".to_owned()]), ..options.clone() };
    let result = store.search(&Query::All, &few).expect("a search");
    assert_eq!((result.total, result.searched_records), (5, 5));
    assert_eq!(result.hits.iter().map(|hit| hit.id.0).collect::<Vec<_>>(), [7, 6]);
    let by_time = |query: &str, options: &SearchOptions, seconds: u64| {
        store.histogram(&Query::parse(query).expect("a query"), options, seconds).expect("a histogram")
    };
    assert_eq!(by_time("*", &few, 120), [2, 2, 1], "all of the five, not only the two that are asked for");
    assert_eq!(by_time("exhausted-after-63", &few, 60), [0, 0, 0, 1, 0]);
    assert_eq!(by_time("*", options, 60), Vec::<u64>::new(), "a window without end");
    let others = SearchOptions { services: Some(Vec::new()), ..options.clone() };
    assert_eq!(store.search(&Query::All, &others).expect("a search").total, 0, "nothing granted, nothing found");
}

fn observed(store: &dyn Store, window: TimeWindow, baseline: TimeWindow) {
    let request = ObserveRequest { window, baseline: Some(baseline), services: None };
    let seen = store.observe(&request).expect("observed");
    assert_eq!((seen.window_rows().len(), seen.baseline_rows().len()), (5, 3));
    assert!(seen.rows.is_sorted_by_key(|row| (row.time, row.id)));
    let families: Vec<u32> =
        seen.baseline_rows().iter().map(|row| seen.templates[row.template as usize].id.0).collect();
    assert_eq!(families, [1, 1, 1], "records of a replaced template count for its family");
    let family = &seen.templates[seen.baseline_rows()[0].template as usize];
    assert_eq!(family.first_seen, Time(600_000_000), "the earliest of the family, though it came last");
    let row = seen.window_rows()[0];
    assert_eq!(
        (seen.services[row.service as usize].as_str(), seen.hosts[row.host as usize].as_str()),
        ("checkout", "checkout-1")
    );
    assert_eq!((row.severity, row.span, seen.hosts[0].as_str()), (Some(Severity::Error), 0, ""));
    assert!(row.trace != 0);
}

fn counted(store: &dyn Store, window: TimeWindow) {
    let all = CountRequest { family: None, service: None, severity_at_least: None, window: TimeWindow::all() };
    let count = |request: &CountRequest| store.count(request).expect("counted");
    assert_eq!(count(&all), 13);
    assert_eq!(count(&CountRequest { family: Some(TemplateId(0)), ..all.clone() }), 3);
    assert_eq!(count(&CountRequest { family: Some(TemplateId(2)), window, ..all.clone() }), 5);
    assert_eq!(count(&CountRequest { service: Some("auth".to_owned()), ..all.clone() }), 3);
    assert_eq!(count(&CountRequest { severity_at_least: Some(Severity::Warn), ..all }), 10);
    let templates =
        store.templates(&TemplatesRequest { window: TimeWindow::all(), services: None }).expect("templates");
    let counts: Vec<(u32, u64)> = templates.iter().map(|count| (count.template.id.0, count.count)).collect();
    assert_eq!(counts, [(2, 10), (1, 3)]);
    assert_eq!(
        (templates[1].services.as_slice(), templates[1].level),
        (["auth".to_owned()].as_slice(), Some(Severity::Info))
    );
    let services = store.services().expect("services");
    let named: Vec<(&str, u64)> = services.iter().map(|service| (service.name.as_str(), service.records)).collect();
    assert_eq!(named, [("auth", 3), ("checkout", 10)]);
    assert_eq!(store.reach().expect("reach"), Some((Time(600_000_000), Time(69 * 60_000_000))));
    assert_eq!(store.totals().expect("totals").records, 13);
}

fn single_records(store: &dyn Store) {
    let records = store.records(&[RecordId(2), RecordId(99), RecordId(0)]).expect("records");
    assert_eq!(
        records.iter().map(|record| record.text.as_str()).collect::<Vec<_>>(),
        ["login of Größe", "login of ann"]
    );
    assert_eq!(
        (records[0].template.as_str(), records[0].level, records[0].span.as_deref()),
        ("login of <*>", None, None)
    );
    assert_eq!(records[0].fields["http.Path"].as_str(), "/api/v1/Cart");
    let around = |id, n| -> Vec<u64> {
        store.around(RecordId(id), n).expect("neighbours").iter().map(|record| record.id.0).collect()
    };
    assert_eq!((around(4, 2), around(0, 5), around(12, 1)), (vec![2, 3, 4, 5, 6], vec![0, 1], vec![11, 12]));
    assert!(matches!(store.around(RecordId(99), 1), Err(Error::NoRecord(RecordId(99)))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::MemoryStore;
    use crate::stores::manifest::Clock;
    use crate::{TantivyStore, Writer};

    #[test]
    fn memory() {
        let mut store = MemoryStore::default();
        let input = input();
        for (id, text, replaces) in &input.templates {
            store.add_template(*id, text, replaces).unwrap();
        }
        for (record, template) in input.records {
            store.add(record, template, 0);
        }
        check(&store);
    }

    #[test]
    fn tantivy_in_one_commit_and_in_many() {
        for every in [100, 1, 3] {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = Writer::open(folder.path()).unwrap();
            let input = input();
            for (id, text, replaces) in &input.templates {
                writer.add_template(*id, text, "", replaces).unwrap();
            }
            let mut store: Option<TantivyStore> = None;
            for (n, (record, template)) in input.records.into_iter().enumerate() {
                writer.add(record, template, 0, Clock::Stated).unwrap();
                if n % every == 0 {
                    writer.commit().unwrap();
                    store.get_or_insert_with(|| writer.store().unwrap()).totals().unwrap();
                }
            }
            writer.commit().unwrap();
            // The reader that was open all along and one that opens now.
            check(&store.unwrap());
            check(&writer.store().unwrap());
            drop(writer);
            check(&TantivyStore::open(folder.path()).unwrap());
            drop(Writer::open(folder.path()).unwrap());
            check(&TantivyStore::open(folder.path()).unwrap());
        }
    }
}
