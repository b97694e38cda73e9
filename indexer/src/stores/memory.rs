//! The plainest store: every record in a list, every question a scan. What other stores are compared with.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use evidence::{Grant, Observed, Record, RecordId, Row, Severity, StoredRecord, TemplateId, Time};

use super::dictionary::Dictionary;
use super::{CountRequest, ObserveRequest, ServiceInfo, Store, TemplateCount, TemplatesRequest, Totals};
use crate::query::{Comparison, Keyword, Query, words};
use crate::search::{Buckets, TotalIs};
use crate::{Error, Result, SearchOptions, SearchResult};

#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    records: Vec<StoredRecord>,
    redacted: Vec<u32>,
    dictionary: Dictionary,
}

impl MemoryStore {
    /// # Errors
    ///
    /// [`Error::Damaged`] when ids skip.
    pub fn add_template(&mut self, id: TemplateId, text: &str, replaces: &[TemplateId]) -> Result<()> {
        let replaces: Vec<u32> = replaces.iter().map(|old| old.0).collect();
        let added = self.dictionary.add(id.0, text.to_owned(), String::new(), &replaces);
        added.map_err(|what| Error::Damaged { folder: "memory".into(), what })?;
        self.dictionary.settle();
        Ok(())
    }

    pub fn add(&mut self, record: Record, template_id: TemplateId, n_redacted: u32) -> RecordId {
        let id = RecordId(self.records.len() as u64);
        self.dictionary.see(template_id.0, record.time.0);
        self.dictionary.settle();
        self.redacted.push(n_redacted);
        self.records.push(StoredRecord {
            id,
            time: record.time,
            service: record.service,
            level: record.severity,
            host: record.host,
            environment: record.environment,
            version: record.version,
            trace: record.trace,
            span: record.span,
            template: self.dictionary.text(template_id).to_owned(),
            template_id,
            text: record.text,
            fields: record.fields,
            source: record.source,
        });
        id
    }

    fn matches(&self, query: &Query, record: &StoredRecord, now: Time) -> bool {
        let is_named = |value: &Option<String>, wanted: &str, prefix: bool| {
            value.as_deref().is_some_and(|value| same(value, wanted, prefix))
        };
        match query {
            Query::All => true,
            Query::Phrase { words, prefix } => {
                let id = words.join("-");
                has_phrase(record.text.as_str(), words, *prefix)
                    || record.fields.values().any(|value| has_phrase(value.as_str(), words, *prefix))
                    || is_named(&record.trace, &id, *prefix)
                    || is_named(&record.span, &id, *prefix)
            }
            Query::Field { name, words, prefix } => record
                .fields
                .iter()
                .any(|(known, value)| known.to_lowercase() == *name && has_value(value.as_str(), words, *prefix)),
            Query::Keyword { field, value, prefix } => match field {
                Keyword::Service => same(&record.service, value, *prefix),
                Keyword::Host => is_named(&record.host, value, *prefix),
                Keyword::Environment => is_named(&record.environment, value, *prefix),
                Keyword::Version => is_named(&record.version, value, *prefix),
                Keyword::Trace => is_named(&record.trace, value, *prefix),
                Keyword::Span => is_named(&record.span, value, *prefix),
            },
            Query::Level { comparison, severity } => record.level.is_some_and(|level| match comparison {
                Comparison::Is => level == *severity,
                Comparison::AtLeast => level >= *severity,
                Comparison::Above => level > *severity,
                Comparison::AtMost => level <= *severity,
                Comparison::Below => level < *severity,
            }),
            Query::Template(id) => self.dictionary.family(*id) == self.dictionary.family(record.template_id),
            Query::Id(id) => record.id == *id,
            Query::Last { micros } => record.time <= now && record.time.0 >= now.0.saturating_sub(*micros),
            Query::Not(inner) => !self.matches(inner, record, now),
            Query::And(all) => all.iter().all(|query| self.matches(query, record, now)),
            Query::Or(any) => any.iter().any(|query| self.matches(query, record, now)),
        }
    }
}

fn same(value: &str, wanted: &str, prefix: bool) -> bool {
    let value = value.to_lowercase();
    !value.is_empty() && if prefix { value.starts_with(wanted) } else { value == wanted }
}

fn has_phrase(text: &str, wanted: &[String], prefix: bool) -> bool {
    let found: Vec<String> = words(text).collect();
    !wanted.is_empty() && found.windows(wanted.len()).any(|run| begins(run, wanted, prefix))
}

fn has_value(text: &str, wanted: &[String], prefix: bool) -> bool {
    let found: Vec<String> = words(text).collect();
    if prefix { wanted.is_empty() || begins(&found, wanted, true) } else { found == wanted }
}

/// Whether `run` starts with `wanted`, whose last word may be the beginning of one.
fn begins(run: &[String], wanted: &[String], prefix: bool) -> bool {
    let Some((last, whole)) = wanted.split_last() else { return true };
    let Some((run, next)) = run.get(..wanted.len()).and_then(|run| run.split_at_checked(whole.len())) else {
        return false;
    };
    run == whole && if prefix { next[0].starts_with(last) } else { next[0] == *last }
}

fn is_allowed(services: Option<&[String]>, service: &String) -> bool {
    services.is_none_or(|services| services.contains(service))
}

impl Store for MemoryStore {
    fn granted<'s>(&'s self, grant: &Grant) -> Box<dyn Store + 's> {
        let may_see = |record: &StoredRecord| grant.allows(&record.service, record.environment.as_deref());
        let mut seen = self.clone();
        let kept = seen.records.iter().zip(&seen.redacted).filter(|(record, _)| may_see(record));
        (seen.records, seen.redacted) = kept.map(|(record, n)| (record.clone(), *n)).unzip();
        seen.dictionary.forget_times();
        for record in &seen.records {
            seen.dictionary.see(record.template_id.0, record.time.0);
        }
        seen.dictionary.settle();
        Box::new(seen)
    }

    /// Relevance is the order of time here.
    fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResult> {
        let started = Instant::now();
        let allowed: Vec<&StoredRecord> = self
            .records
            .iter()
            .filter(|record| options.window.contains(record.time))
            .filter(|record| is_allowed(options.services.as_deref(), &record.service))
            .collect();
        let searched_records = allowed.len() as u64;
        let mut hits: Vec<&StoredRecord> =
            allowed.into_iter().filter(|record| self.matches(query, record, options.now)).collect();
        hits.sort_by_key(|record| std::cmp::Reverse((record.time, record.id)));
        let total = hits.len() as u64;
        let hits = hits.into_iter().take(options.limit).cloned().collect();
        let took_ms = started.elapsed().as_secs_f64() * 1_000.0;
        Ok(SearchResult { total, total_is: TotalIs::Exact, took_ms, searched_records, hits })
    }

    fn histogram(&self, query: &Query, options: &SearchOptions, bucket_seconds: u64) -> Result<Vec<u64>> {
        let buckets = Buckets::of(options.window, bucket_seconds);
        let mut counts = buckets.empty();
        for hit in self.search(query, &SearchOptions { limit: usize::MAX, ..options.clone() })?.hits {
            buckets.count(&mut counts, hit.time);
        }
        Ok(counts)
    }

    fn observe(&self, request: &ObserveRequest) -> Result<Observed> {
        let mut answer = Observed {
            window: request.window,
            baseline: request.baseline,
            rows: Vec::new(),
            templates: Vec::new(),
            services: Vec::new(),
            hosts: vec![String::new()],
            versions: vec![String::new()],
            reach: self.reach()?,
            redacted: 0,
        };
        for (record, n_redacted) in self.records.iter().zip(&self.redacted) {
            let in_window = request.window.contains(record.time);
            let in_either = in_window || request.baseline.is_some_and(|baseline| baseline.contains(record.time));
            if !in_either || !is_allowed(request.services.as_deref(), &record.service) {
                continue;
            }
            if in_window {
                answer.redacted += u64::from(*n_redacted);
            }
            let template = self.dictionary.template(self.dictionary.family(record.template_id));
            let number = answer.templates.iter().position(|known| known.id == template.id);
            let template = number.unwrap_or_else(|| {
                answer.templates.push(template);
                answer.templates.len() - 1
            });
            answer.rows.push(Row {
                time: record.time,
                id: record.id,
                trace: super::tantivy::hash_of(record.trace.as_deref()),
                span: super::tantivy::hash_of(record.span.as_deref()),
                template: template as u32,
                service: number_of(&mut answer.services, &record.service),
                host: number_of(&mut answer.hosts, record.host.as_deref().unwrap_or("")),
                version: number_of(&mut answer.versions, record.version.as_deref().unwrap_or("")),
                severity: record.level,
            });
        }
        answer.rows.sort_by_key(|row| (row.time, row.id));
        Ok(answer)
    }

    fn records(&self, ids: &[RecordId]) -> Result<Vec<StoredRecord>> {
        let named = |id: &RecordId| self.records.iter().find(|record| record.id == *id);
        Ok(ids.iter().filter_map(named).cloned().collect())
    }

    fn count(&self, request: &CountRequest) -> Result<u64> {
        let is_counted = |record: &&StoredRecord| {
            request.window.contains(record.time)
                && request.family.is_none_or(|id| self.matches(&Query::Template(id), record, Time(0)))
                && request.service.as_ref().is_none_or(|service| same(&record.service, &service.to_lowercase(), false))
                && request.severity_at_least.is_none_or(|least| record.level.is_some_and(|level| level >= least))
        };
        Ok(self.records.iter().filter(is_counted).count() as u64)
    }

    fn around(&self, id: RecordId, n: usize) -> Result<Vec<StoredRecord>> {
        let record = self.records.iter().find(|record| record.id == id).ok_or(Error::NoRecord(id))?;
        let same_source: Vec<&StoredRecord> =
            self.records.iter().filter(|other| other.source.path == record.source.path).collect();
        let at = same_source.iter().position(|other| other.id == id).unwrap_or(0);
        let run = &same_source[at.saturating_sub(n)..(at + n + 1).min(same_source.len())];
        Ok(run.iter().map(|record| (*record).clone()).collect())
    }

    fn templates(&self, request: &TemplatesRequest) -> Result<Vec<TemplateCount>> {
        let mut families: BTreeMap<TemplateId, Vec<&StoredRecord>> = BTreeMap::new();
        for record in &self.records {
            if request.window.contains(record.time) && is_allowed(request.services.as_deref(), &record.service) {
                families.entry(self.dictionary.family(record.template_id)).or_default().push(record);
            }
        }
        let mut counts: Vec<TemplateCount> = families
            .into_iter()
            .map(|(family, records)| {
                let mut services: HashMap<&str, usize> = HashMap::new();
                for record in &records {
                    *services.entry(&record.service).or_default() += 1;
                }
                let mut services: Vec<(&str, usize)> = services.into_iter().collect();
                services.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
                let times = || records.iter().map(|record| record.time);
                TemplateCount {
                    template: self.dictionary.template(family),
                    count: records.len() as u64,
                    first: times().min().unwrap_or_default(),
                    last: times().max().unwrap_or_default(),
                    level: records.iter().filter_map(|record| record.level).max() as Option<Severity>,
                    services: services.into_iter().map(|(name, _)| name.to_owned()).collect(),
                }
            })
            .collect();
        counts.sort_by_key(|count| (std::cmp::Reverse(count.count), count.template.id));
        Ok(counts)
    }

    fn services(&self) -> Result<Vec<ServiceInfo>> {
        let mut all: BTreeMap<&str, ServiceInfo> = BTreeMap::new();
        for record in &self.records {
            let time = record.time;
            let info = all.entry(&record.service).or_insert_with(|| ServiceInfo {
                name: record.service.clone(),
                records: 0,
                first: time,
                last: time,
            });
            info.records += 1;
            info.first = info.first.min(time);
            info.last = info.last.max(time);
        }
        Ok(all.into_values().collect())
    }

    fn reach(&self) -> Result<Option<(Time, Time)>> {
        let times = || self.records.iter().map(|record| record.time);
        Ok(times().min().zip(times().max()))
    }

    fn totals(&self) -> Result<Totals> {
        Ok(Totals {
            records: self.records.len() as u64,
            templates: self.dictionary.len() as u64,
            redacted: self.redacted.iter().map(|n| u64::from(*n)).sum(),
            ..Totals::default()
        })
    }
}

fn number_of(names: &mut Vec<String>, name: &str) -> u16 {
    let known = names.iter().position(|known| known == name);
    known.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    }) as u16
}
