//! Random logs of several teams, seen with random grants: the engine shows what a plain scan of the allowed records
//! shows, to the last count, with both filters and with either of them turned off.

use std::collections::BTreeMap;

use evidence::{Allowance, Grant, Record, RecordId, Redacted, Severity, SourcePosition, TemplateId, Time, TimeWindow};
use indexer::stores::manifest::Clock;
use indexer::{
    CountRequest, Filters, MemoryStore, ObserveRequest, Query, SearchOptions, Store, TantivyStore, TemplatesRequest,
    Writer,
};
use proptest::prelude::*;

const SERVICES: &[&str] = &["checkout", "Billing", "search"];
const ENVIRONMENTS: &[Option<&str>] = &[None, Some("production"), Some("Staging")];
const NAMES: &[&str] = &["checkout", "billing", "search", "*", "nobody"];
const PLACES: &[&str] = &["production", "staging", "*"];
const QUERIES: &[&str] = &[
    "*",
    "word1",
    "-word1",
    "word*",
    "service:billing",
    "-service:checkout",
    "environment:production OR word2",
    "level>=warn",
    "template:t1",
    "id:r3",
    "\"said word2\" -level:error",
];

#[derive(Clone, Debug)]
struct Line {
    service: usize,
    environment: usize,
    word: usize,
    template: u32,
    level: u8,
}

fn line() -> impl Strategy<Value = Line> {
    (0..SERVICES.len(), 0..ENVIRONMENTS.len(), 0..4_usize, 0..3_u32, 1..=6_u8)
        .prop_map(|(service, environment, word, template, level)| Line { service, environment, word, template, level })
}

fn grant() -> impl Strategy<Value = Grant> {
    let some = |names: &'static [&'static str]| proptest::sample::subsequence(names, 0..=2);
    let allowance = (some(NAMES), some(PLACES)).prop_map(|(services, places)| Allowance::new(services, places));
    proptest::collection::vec(allowance, 0..3).prop_map(Grant::of)
}

fn record(line: &Line, n: usize) -> Record {
    Record {
        time: Time(n as i64 * 1_000_000),
        severity: Severity::from_u8(line.level),
        service: SERVICES[line.service].to_owned(),
        host: Some(format!("{}-1", SERVICES[line.service])),
        environment: ENVIRONMENTS[line.environment].map(str::to_owned),
        version: None,
        trace: None,
        span: None,
        text: Redacted::from_storage(format!("said word{}", line.word)),
        fields: BTreeMap::new(),
        source: SourcePosition { path: "all.log".to_owned(), offset: n as u64 },
    }
}

/// Everything that can be asked of a store, as text that two stores can be compared by.
fn all_of(store: &dyn Store, n: usize) -> Vec<String> {
    let window = TimeWindow::new(Time(3_000_000), Time(n as i64 * 1_000_000)).expect("it ends after it begins");
    let mut said = Vec::new();
    for query in QUERIES {
        let parsed = Query::parse(query).expect("a query");
        for window in [TimeWindow::all(), window] {
            let options = SearchOptions { window, limit: 5, ..SearchOptions::at(Time(0)) };
            let found = store.search(&parsed, &options).expect("a search");
            said.push(format!("{query}: {} of {} {:?}", found.total, found.searched_records, found.hits));
        }
        let options = SearchOptions { window, ..SearchOptions::at(Time(0)) };
        said.push(format!("{query}: {:?}", store.histogram(&parsed, &options, 2).expect("a histogram")));
    }
    let observed = store.observe(&ObserveRequest { window, baseline: None, services: None }).expect("rows");
    let mut rows: Vec<String> = observed
        .rows
        .iter()
        .map(|row| {
            let template = &observed.templates[row.template as usize];
            format!("{} {} {:?} {:?}", row.id, observed.services[usize::from(row.service)], template, row.severity)
        })
        .collect();
    rows.push(format!("{:?} {}", observed.reach, observed.redacted));
    said.push(format!("{rows:?}"));
    for family in [None, Some(TemplateId(0)), Some(TemplateId(2))] {
        for service in [None, Some("checkout".to_owned()), Some("billing".to_owned())] {
            for severity_at_least in [None, Some(Severity::Error)] {
                let request = CountRequest { family, service: service.clone(), severity_at_least, window };
                said.push(format!("{request:?}: {}", store.count(&request).expect("a count")));
            }
        }
    }
    let ids: Vec<RecordId> = (0..n as u64).map(RecordId).collect();
    said.push(format!("{:?}", store.records(&ids).expect("records")));
    said.extend(ids.iter().map(|id| format!("around {id}: {:?}", store.around(*id, 2).ok())));
    let request = TemplatesRequest { window, services: None };
    said.push(format!("{:?}", store.templates(&request).expect("templates")));
    said.push(format!("{:?} {:?}", store.services().expect("services"), store.reach().expect("a reach")));
    said.push(format!("{} records", store.totals().expect("totals").records));
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_grant_shows_what_a_scan_of_the_allowed_records_shows(
        lines in proptest::collection::vec(line(), 5..40),
        grants in proptest::collection::vec(grant(), 6),
        cut in 0..40_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path()).unwrap();
        let mut plain = MemoryStore::default();
        for (id, text, replaces) in [(0, "said <*>", vec![]), (1, "said", vec![]), (2, "<*>", vec![TemplateId(1)])] {
            writer.add_template(TemplateId(id), text, "", &replaces).unwrap();
            plain.add_template(TemplateId(id), text, &replaces).unwrap();
        }
        for (n, line) in lines.iter().enumerate() {
            writer.add(record(line, n), TemplateId(line.template), 0, Clock::Stated).unwrap();
            plain.add(record(line, n), TemplateId(line.template), 0);
            if n == cut {
                writer.commit().unwrap();
            }
        }
        writer.commit().unwrap();
        for (in_query, on_hits) in [(true, true), (true, false), (false, true)] {
            let store = TantivyStore::open(folder.path()).unwrap().with_filters(Filters { in_query, on_hits });
            for grant in &grants {
                let (seen, expected) = (store.granted(grant), plain.granted(grant));
                let (seen, expected) = (all_of(&*seen, lines.len()), all_of(&*expected, lines.len()));
                for (seen, expected) in seen.iter().zip(&expected) {
                    prop_assert_eq!(seen, expected, "{:?}, in_query {}, on_hits {}", grant, in_query, on_hits);
                }
            }
        }
    }
}
