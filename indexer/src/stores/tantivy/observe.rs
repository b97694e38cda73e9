//! What needs only columns: rows for analyses, counts of templates and services, neighbours of a record.
//!
//! Names and templates are numbered once per segment and mapped to the numbers of the answer, never hashed per row.

use std::collections::HashMap;

use evidence::{Observed, RecordId, Row, Severity, TemplateId, Time};
use tantivy::{DocAddress, DocId};

use super::allowed::Allowed;
use super::columns::{Gate, Names};
use super::reader::State;
use crate::stores::{ObserveRequest, ServiceInfo, TemplateCount, TemplatesRequest};

const UNSET: u32 = u32::MAX;

pub(super) fn observe(state: &State, allowed: &Allowed, request: &ObserveRequest) -> Observed {
    let mut answer = Observed {
        window: request.window,
        baseline: request.baseline,
        rows: Vec::new(),
        templates: Vec::new(),
        services: Vec::new(),
        hosts: vec![String::new()],
        versions: vec![String::new()],
        reach: reach(state, allowed),
        redacted: 0,
    };
    let mut services = Numbering::default();
    let mut hosts = Numbering::starting_with_none();
    let mut versions = Numbering::starting_with_none();
    let mut families = vec![UNSET; state.dictionary.len()];
    // Oldest segment first, so that the rows are nearly in order and sorting them moves little.
    let mut segments: Vec<_> = state.segments.iter().enumerate().collect();
    segments.sort_by_key(|(_, columns)| columns.time.min_value());
    for (segment, columns) in segments {
        let windows = std::iter::once(request.window).chain(request.baseline);
        let gates: Vec<Gate> = windows
            .map(|window| Gate::new(columns, window, request.services.as_deref(), allowed.pass(segment)))
            .filter(|gate| !gate.is_shut())
            .collect();
        if gates.is_empty() {
            continue;
        }
        let mut service_map = vec![UNSET; columns.service.names.len()];
        let mut host_map = vec![UNSET; columns.host.names.len()];
        let mut version_map = vec![UNSET; columns.version.names.len()];
        for doc in alive(state, segment) {
            if !gates.iter().any(|gate| gate.lets(doc)) {
                continue;
            }
            let time = Time(columns.time.get_val(doc));
            if request.window.contains(time) {
                answer.redacted += columns.redacted.get_val(doc);
            }
            answer.rows.push(Row {
                time,
                id: RecordId(columns.seq.get_val(doc)),
                trace: columns.trace.get_val(doc),
                span: columns.span.get_val(doc),
                template: template_number(
                    state,
                    allowed,
                    &mut families,
                    &mut answer.templates,
                    columns.template.get_val(doc),
                ),
                service: services.number(&columns.service, &mut service_map, doc),
                host: hosts.number(&columns.host, &mut host_map, doc),
                version: versions.number(&columns.version, &mut version_map, doc),
                severity: Severity::from_u8(columns.level.get_val(doc) as u8),
            });
        }
    }
    // Lines arrive nearly in order, which this sort makes use of.
    answer.rows.sort_by_key(|row| (row.time, row.id));
    answer.services = services.names;
    answer.hosts = hosts.names;
    answer.versions = versions.names;
    answer
}

/// Times of the first and the last record that may be seen.
pub(super) fn reach(state: &State, allowed: &Allowed) -> Option<(Time, Time)> {
    if allowed.is_everything() { state.manifest.reach() } else { allowed.summary(state).reach }
}

fn template_number(
    state: &State,
    allowed: &Allowed,
    families: &mut [u32],
    templates: &mut Vec<evidence::Template>,
    id: u64,
) -> u32 {
    let family = state.dictionary.family(TemplateId(id as u32));
    let Some(number) = families.get_mut(family.0 as usize) else { return 0 };
    if *number == UNSET {
        *number = templates.len() as u32;
        templates.push(template(state, allowed, family));
    }
    *number
}

fn template(state: &State, allowed: &Allowed, family: TemplateId) -> evidence::Template {
    let mut template = state.dictionary.template(family);
    allowed.first_seen(state, &mut template);
    template
}

/// Numbers names in the order they are first seen, over all segments.
#[derive(Default)]
struct Numbering {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Numbering {
    fn starting_with_none() -> Numbering {
        Numbering { names: vec![String::new()], numbers: HashMap::from([(String::new(), 0)]) }
    }

    /// More than 65,536 hosts in one window share the last number rather than wrapping around.
    fn number(&mut self, column: &Names, map: &mut [u32], doc: DocId) -> u16 {
        let ord = column.ords.get_val(doc) as usize;
        let Some(known) = map.get_mut(ord) else { return 0 };
        if *known == UNSET {
            let name = &column.names[ord];
            *known = match self.numbers.get(name) {
                Some(number) => *number,
                None if self.names.len() > usize::from(u16::MAX) => u32::from(u16::MAX),
                None => {
                    let number = self.names.len() as u32;
                    self.names.push(name.clone());
                    self.numbers.insert(name.clone(), number);
                    number
                }
            };
        }
        *known as u16
    }
}

pub(super) fn n_let_through(state: &State, gates: &[Gate]) -> u64 {
    let mut total = 0;
    for (segment, gate) in gates.iter().enumerate() {
        if gate.is_shut() {
            continue;
        }
        total += match gate.is_open() {
            true => u64::from(state.searcher.segment_reader(segment as u32).num_docs()),
            false => alive(state, segment).filter(|doc| gate.lets(*doc)).count() as u64,
        };
    }
    total
}

pub(super) fn addresses(state: &State, allowed: &Allowed, ids: &[RecordId]) -> HashMap<RecordId, DocAddress> {
    let mut found = HashMap::new();
    for (segment, columns) in state.segments.iter().enumerate() {
        let range = columns.seq.min_value()..=columns.seq.max_value();
        let mut wanted: Vec<u64> = ids.iter().map(|id| id.0).filter(|id| range.contains(id)).collect();
        if wanted.is_empty() {
            continue;
        }
        wanted.sort_unstable();
        for doc in seen(state, allowed, segment) {
            let seq = columns.seq.get_val(doc);
            if wanted.binary_search(&seq).is_ok() {
                found.insert(RecordId(seq), DocAddress::new(segment as u32, doc));
            }
        }
    }
    found
}

/// The record and up to `n` before and after it from its source, oldest first; `None` when it is gone.
pub(super) fn neighbours(state: &State, allowed: &Allowed, id: RecordId, n: usize) -> Option<Vec<DocAddress>> {
    let address = *addresses(state, allowed, &[id]).get(&id)?;
    let source = state.segments[address.segment_ord as usize].source.get_val(address.doc_id);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (segment, columns) in state.segments.iter().enumerate() {
        for doc in seen(state, allowed, segment).filter(|doc| columns.source.get_val(*doc) == source) {
            let seq = columns.seq.get_val(doc);
            let place = (seq, DocAddress::new(segment as u32, doc));
            if seq < id.0 {
                before.push(place);
            } else if seq > id.0 {
                after.push(place);
            }
        }
    }
    before.sort_unstable_by_key(|(seq, _)| *seq);
    after.sort_unstable_by_key(|(seq, _)| *seq);
    let before = before.into_iter().rev().take(n).rev().map(|(_, address)| address);
    let after = after.into_iter().take(n).map(|(_, address)| address);
    Some(before.chain([address]).chain(after).collect())
}

#[derive(Clone)]
struct Tally {
    count: u64,
    first: i64,
    last: i64,
    level: u64,
    services: HashMap<String, u64>,
}

impl Tally {
    const EMPTY: fn() -> Tally =
        || Tally { count: 0, first: i64::MAX, last: i64::MIN, level: 0, services: HashMap::new() };

    fn add(&mut self, time: i64, level: u64) {
        self.count += 1;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.level = self.level.max(level);
    }
}

pub(super) fn templates(state: &State, allowed: &Allowed, request: &TemplatesRequest) -> Vec<TemplateCount> {
    let mut families: HashMap<TemplateId, Tally> = HashMap::new();
    for (segment, columns) in state.segments.iter().enumerate() {
        let gate = Gate::new(columns, request.window, request.services.as_deref(), allowed.pass(segment));
        if gate.is_shut() {
            continue;
        }
        let n_services = columns.service.names.len();
        let mut tallies: HashMap<u64, (Tally, Vec<u64>)> = HashMap::new();
        for doc in alive(state, segment).filter(|doc| gate.lets(*doc)) {
            let (tally, services) =
                tallies.entry(columns.template.get_val(doc)).or_insert_with(|| (Tally::EMPTY(), vec![0; n_services]));
            tally.add(columns.time.get_val(doc), columns.level.get_val(doc));
            services[columns.service.ords.get_val(doc) as usize] += 1;
        }
        for (id, (part, services)) in tallies {
            let family = state.dictionary.family(TemplateId(id as u32));
            let tally = families.entry(family).or_insert_with(Tally::EMPTY);
            tally.count += part.count;
            tally.first = tally.first.min(part.first);
            tally.last = tally.last.max(part.last);
            tally.level = tally.level.max(part.level);
            for (ord, count) in services.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                *tally.services.entry(columns.service.names[ord].clone()).or_default() += count;
            }
        }
    }
    let mut counts: Vec<TemplateCount> = families
        .into_iter()
        .map(|(family, tally)| {
            let mut services: Vec<(String, u64)> = tally.services.into_iter().collect();
            services.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            TemplateCount {
                template: template(state, allowed, family),
                count: tally.count,
                first: Time(tally.first),
                last: Time(tally.last),
                level: Severity::from_u8(tally.level as u8),
                services: services.into_iter().map(|(name, _)| name).collect(),
            }
        })
        .collect();
    counts.sort_by_key(|count| (std::cmp::Reverse(count.count), count.template.id));
    counts
}

pub(super) fn services(state: &State, allowed: &Allowed) -> Vec<ServiceInfo> {
    let mut all: HashMap<String, Tally> = HashMap::new();
    for (segment, columns) in state.segments.iter().enumerate() {
        let mut tallies = vec![Tally::EMPTY(); columns.service.names.len()];
        for doc in seen(state, allowed, segment) {
            if let Some(tally) = tallies.get_mut(columns.service.ords.get_val(doc) as usize) {
                tally.add(columns.time.get_val(doc), 0);
            }
        }
        for (name, part) in columns.service.names.iter().zip(tallies).filter(|(_, part)| part.count > 0) {
            let tally = all.entry(name.clone()).or_insert_with(Tally::EMPTY);
            tally.count += part.count;
            tally.first = tally.first.min(part.first);
            tally.last = tally.last.max(part.last);
        }
    }
    let mut services: Vec<ServiceInfo> = all
        .into_iter()
        .map(|(name, tally)| ServiceInfo {
            name,
            records: tally.count,
            first: Time(tally.first),
            last: Time(tally.last),
        })
        .collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}

/// Documents of a segment that were not deleted and may be seen.
pub(super) fn seen<'s>(state: &'s State, allowed: &'s Allowed, segment: usize) -> impl Iterator<Item = DocId> + 's {
    let pass = allowed.pass(segment);
    alive(state, segment).filter(move |doc| pass.lets(*doc))
}

/// Documents of a segment that were not deleted.
fn alive(state: &State, segment: usize) -> impl Iterator<Item = DocId> + '_ {
    let reader = state.searcher.segment_reader(segment as u32);
    let deleted = reader.alive_bitset();
    (0..reader.max_doc()).filter(move |doc| deleted.is_none_or(|alive| alive.is_alive(*doc)))
}
