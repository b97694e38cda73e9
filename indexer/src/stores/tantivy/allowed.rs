//! What a grant lets through of one commit, decided twice: by the engine from the terms of service and environment,
//! and per document by the names in its columns. Either alone suffices; a test turns each of them off.

use std::sync::{Arc, OnceLock};

use evidence::{Grant, Time};
use tantivy::query::{EnableScoring, Query as Engine};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, SegmentReader, TERMINATED};

use super::columns::{Columns, Numbers};
use super::reader::State;
use super::schema::term_text;

/// Which of the two are on: always both, except in the tests that show that each suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters {
    pub in_query: bool,
    pub on_hits: bool,
}

impl Filters {
    pub const BOTH: Filters = Filters { in_query: true, on_hits: true };
}

/// A grant, worked out for the segments of a commit.
pub(super) struct Allowed {
    segments: Vec<Pass>,
    summary: OnceLock<Summary>,
}

/// What may be seen of the commit as a whole.
pub(super) struct Summary {
    pub(super) records: u64,
    pub(super) redacted: u64,
    pub(super) reach: Option<(Time, Time)>,
    /// By the number of the family; `i64::MAX` for those without a record that may be seen.
    first_of_family: Vec<i64>,
}

/// What lets a document of one segment through; empty for who may see everything.
#[derive(Clone, Default)]
pub(super) struct Pass {
    in_query: Option<Arc<BitSet>>,
    on_hits: Option<Arc<Table>>,
}

/// Whether each pair of service and environment may be seen.
struct Table {
    service: Numbers,
    /// Per document; `0` is none. Empty when the grant does not look at environments.
    environments: Vec<u32>,
    n_environments: usize,
    allowed: Vec<bool>,
}

impl Allowed {
    pub(super) fn everything(state: &State) -> Allowed {
        Allowed { segments: vec![Pass::default(); state.segments.len()], summary: OnceLock::new() }
    }

    /// `query` is the grant in the engine's terms.
    pub(super) fn new(
        state: &State,
        grant: &Grant,
        query: &dyn Engine,
        environment: Field,
        filters: Filters,
    ) -> tantivy::Result<Allowed> {
        let weight = query.weight(EnableScoring::disabled_from_searcher(&state.searcher))?;
        let mut segments = Vec::with_capacity(state.segments.len());
        for (reader, columns) in state.searcher.segment_readers().iter().zip(state.segments.iter()) {
            let mut pass = Pass::default();
            if filters.in_query {
                let mut found = BitSet::with_max_value(reader.max_doc());
                weight.for_each_no_score(reader, &mut |docs| {
                    for doc in docs {
                        found.insert(*doc);
                    }
                })?;
                pass.in_query = Some(Arc::new(found));
            }
            if filters.on_hits {
                pass.on_hits = Some(Arc::new(Table::new(grant, reader, columns, environment)?));
            }
            segments.push(pass);
        }
        Ok(Allowed { segments, summary: OnceLock::new() })
    }

    pub(super) fn pass(&self, segment: usize) -> &Pass {
        &self.segments[segment]
    }

    pub(super) fn is_everything(&self) -> bool {
        self.segments.iter().all(Pass::is_open)
    }

    /// What may be seen of the commit, worked out at the first call.
    pub(super) fn summary(&self, state: &State) -> &Summary {
        self.summary.get_or_init(|| Summary::new(state, self))
    }

    /// When a family was first seen, by whoever may not see all of it.
    pub(super) fn first_seen(&self, state: &State, template: &mut evidence::Template) {
        if !self.is_everything() {
            let first = &self.summary(state).first_of_family;
            template.first_seen = Time(first.get(template.family.0 as usize).copied().unwrap_or(i64::MAX));
        }
    }
}

impl Summary {
    fn new(state: &State, allowed: &Allowed) -> Summary {
        // A record whose clock ran ahead lies beyond what the manifest believes.
        let believed = state.manifest.reach();
        let mut summary =
            Summary { records: 0, redacted: 0, reach: None, first_of_family: vec![i64::MAX; state.dictionary.len()] };
        for (segment, columns) in state.segments.iter().enumerate() {
            for doc in super::observe::seen(state, allowed, segment) {
                summary.records += 1;
                summary.redacted += columns.redacted.get_val(doc);
                let time = Time(columns.time.get_val(doc));
                if believed.is_some_and(|(first, last)| first <= time && time <= last) {
                    let (first, last) = summary.reach.unwrap_or((time, time));
                    summary.reach = Some((first.min(time), last.max(time)));
                }
                let family = state.dictionary.family(evidence::TemplateId(columns.template.get_val(doc) as u32));
                if let Some(first) = summary.first_of_family.get_mut(family.0 as usize) {
                    *first = time.0.min(*first);
                }
            }
        }
        summary
    }

    pub(super) fn families(&self) -> usize {
        self.first_of_family.iter().filter(|first| **first != i64::MAX).count()
    }
}

impl Pass {
    pub(super) fn is_open(&self) -> bool {
        self.in_query.is_none() && self.on_hits.is_none()
    }

    pub(super) fn is_shut(&self) -> bool {
        let finds_none = self.in_query.as_ref().is_some_and(|found| found.len() == 0);
        finds_none || self.on_hits.as_ref().is_some_and(|table| !table.allowed.contains(&true))
    }

    pub(super) fn lets(&self, doc: DocId) -> bool {
        self.in_query.as_ref().is_none_or(|found| found.contains(doc))
            && self.on_hits.as_ref().is_none_or(|table| table.lets(doc))
    }
}

impl Table {
    fn new(grant: &Grant, reader: &SegmentReader, columns: &Columns, field: Field) -> tantivy::Result<Table> {
        let looks_at_environments = grant.allowances().any(|allowance| allowance.environments().is_some());
        let (environments, names) =
            if looks_at_environments { environments_of(reader, field)? } else { (Vec::new(), Vec::new()) };
        let n_environments = names.len() + 1;
        let mut allowed = Vec::with_capacity(columns.service.names.len() * n_environments);
        for service in columns.service.names.iter() {
            allowed.push(grant.allows(service, None));
            allowed.extend(names.iter().map(|environment| allows_term(grant, service, environment)));
        }
        Ok(Table { service: columns.service.ords.clone(), environments, n_environments, allowed })
    }

    fn lets(&self, doc: DocId) -> bool {
        let environment = self.environments.get(doc as usize).copied().unwrap_or(0) as usize;
        let service = self.service.get_val(doc) as usize;
        self.allowed.get(service * self.n_environments + environment).copied().unwrap_or(false)
    }
}

/// As [`Grant::allows`], where a very long name is known by its term only.
fn allows_term(grant: &Grant, service: &str, term: &str) -> bool {
    let is_named = |name: &String| term_text(name) == term;
    grant.allows(service, Some(term))
        || grant.allowances().any(|allowance| {
            let named = allowance.environments().is_some_and(|names| names.iter().any(is_named));
            named && allowance.services().is_none_or(|services| services.contains(&service.to_lowercase()))
        })
}

/// The environment of each document, as a number from 1, and what the numbers stand for.
fn environments_of(reader: &SegmentReader, field: Field) -> tantivy::Result<(Vec<u32>, Vec<String>)> {
    let index = reader.inverted_index(field)?;
    let (mut numbers, mut names) = (vec![0; reader.max_doc() as usize], Vec::new());
    let mut terms = index.terms().stream()?;
    while terms.advance() {
        names.push(String::from_utf8_lossy(terms.key()).into_owned());
        let mut postings = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
        while postings.doc() != TERMINATED {
            numbers[postings.doc() as usize] = names.len() as u32;
            postings.advance();
        }
    }
    Ok((numbers, names))
}
