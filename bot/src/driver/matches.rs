//! The lines that a person asked to see, count or follow, found by their own words.

use evidence::answer::{Evidence, EvidenceKind, HostCount, Sample};
use evidence::{RecordId, StoredRecord, Time, TimeWindow};
use incident::{Findings, Question, QuestionKind, Reason, Row, per_bucket};
use indexer::{Order, Query, SearchOptions, SearchResult, Store};

use super::search::cut;

/// So many of the newest lines are looked at; all are counted.
const NEWEST: usize = 500;

/// Puts what the person asked for in front of the evidence, or says that no line has it.
pub(super) fn add(store: &dyn Store, question: &Question, findings: &mut Findings, now: Time) -> indexer::Result<()> {
    let wants_matches = matches!(question.kind, QuestionKind::ShowMe | QuestionKind::HowOften | QuestionKind::Who)
        || !question.ids.is_empty();
    let Some(exact) = Sought::by(store, question, now).filter(|_| wants_matches) else { return Ok(()) };
    let (sought, found) = exact.or_in_singular(question, findings.window)?;
    if let Some(row) = question.row()
        && put_in_front(row, findings, &found.hits)
    {
        return Ok(());
    }
    let Some(newest) = found.hits.first() else {
        let named: Vec<&str> = question.ids.iter().map(incident::Id::text).collect();
        // "Who" is mostly asked of services and people, not of the words around it.
        let elsewhere = sought.found(TimeWindow::all(), 1)?.hits.first().map(|hit| hit.time);
        let missed = if named.is_empty() { sought.text } else { named.join(" ") };
        match question.kind {
            QuestionKind::Who if named.is_empty() => {}
            _ if question.is_diagnosis() || findings.reason == Reason::EmptyWindow => {
                findings.facts.missed = Some(missed);
                findings.facts.missed_at = elsewhere;
            }
            _ => *findings = findings.clone().nothing_matches(missed, elsewhere),
        }
        return Ok(());
    };
    let baseline_count = match findings.baseline {
        Some(baseline) => sought.found(baseline, 1)?.total,
        None => 0,
    };
    let expected = findings
        .baseline
        .map_or(0.0, |baseline| baseline_count as f64 * findings.window.seconds() / baseline.seconds().max(1.0));
    let series = match &mut findings.chart {
        Some(chart) => {
            let series = sought.by_time(findings.window, chart.bucket_seconds)?;
            // Whoever counts lines wants to see those, not the errors.
            if question.kind == QuestionKind::HowOften {
                let what = if sought.is_of_errors { "errors" } else { "lines" };
                (chart.title, chart.counts) = (per_bucket(what, chart.bucket_seconds), series.clone());
            }
            series
        }
        None => Vec::new(),
    };
    let is_whole = found.total as usize == found.hits.len();
    let hosts = found.hits.iter().filter(|_| is_whole).filter_map(|hit| hit.host.clone());
    let row = Evidence {
        id: format!("E{}", findings.evidence.len() + 1),
        kind: EvidenceKind::Match,
        service: if sought.is_all_of(&newest.service, findings.window)? {
            newest.service.clone()
        } else {
            String::new()
        },
        level: found.hits.iter().filter_map(|hit| hit.level).max(),
        template: question.row().and_then(|row| row.template).map_or(sought.text, |_| newest.template.clone()),
        template_id: question.row().and_then(|row| row.template),
        count: found.total,
        baseline_count,
        expected,
        after: None,
        first: found.hits.last().filter(|_| is_whole).map(|oldest| oldest.time),
        last: Some(newest.time),
        samples: found.hits.iter().take(8).map(sample).collect(),
        series,
        hosts: counted(hosts).into_iter().map(|(host, count)| HostCount { host, count }).collect(),
        versions: Vec::new(),
    };
    findings.evidence.insert(0, row);
    Ok(())
}

/// A query in the person's words.
struct Sought<'s> {
    store: &'s dyn Store,
    text: String,
    query: Query,
    /// Nothing was named, so errors are meant.
    is_of_errors: bool,
    now: Time,
}

impl<'s> Sought<'s> {
    fn by(store: &'s dyn Store, question: &Question, now: Time) -> Option<Sought<'s>> {
        // "How often does checkout fail" names no words: it asks for errors. "Who" without words asks about people.
        let has_words = !question.words.is_empty() || !question.ids.is_empty() || question.severity.is_some();
        let is_of_errors = !has_words && question.kind == QuestionKind::HowOften;
        let text = match (question.query(), question.kind) {
            (Some(text), _) if is_of_errors => format!("{text} level>=error"),
            (None, _) if is_of_errors => "level>=error".to_owned(),
            (Some(text), _) if has_words => text,
            (Some(text), QuestionKind::ShowMe) => text,
            _ => return None,
        };
        let query = Query::parse(&text).ok()?;
        Some(Sought { store, text, query, is_of_errors, now })
    }

    fn options(&self, window: TimeWindow, limit: usize) -> SearchOptions {
        SearchOptions { window, services: None, limit, order: Order::Time, now: self.now }
    }

    fn found(&self, window: TimeWindow, limit: usize) -> indexer::Result<SearchResult> {
        self.store.search(&self.query, &self.options(window, limit))
    }

    fn by_time(&self, window: TimeWindow, bucket_seconds: u64) -> indexer::Result<Vec<u64>> {
        self.store.histogram(&self.query, &self.options(window, 0), bucket_seconds)
    }

    /// What matches; where nothing does, what matches "call" instead of "calls".
    fn or_in_singular(self, question: &Question, window: TimeWindow) -> indexer::Result<(Sought<'s>, SearchResult)> {
        let found = self.found(window, NEWEST)?;
        let singular = question.in_singular().filter(|_| found.total == 0);
        if let Some(singular) = singular.and_then(|question| Sought::by(self.store, &question, self.now)) {
            let found = singular.found(window, NEWEST)?;
            if found.total > 0 {
                return Ok((singular, found));
            }
        }
        Ok((self, found))
    }

    /// Whether all that matches is of one service.
    fn is_all_of(&self, service: &str, window: TimeWindow) -> indexer::Result<bool> {
        let of_service = Query::parse(&format!("service:\"{}\"", service.replace(['"', '\\'], " ")));
        let Ok(of_service) = of_service else { return Ok(false) };
        let of_others = Query::And(vec![self.query.clone(), Query::Not(Box::new(of_service))]);
        Ok(self.store.search(&of_others, &self.options(window, 0))?.total == 0)
    }
}

fn sample(hit: &StoredRecord) -> Sample {
    Sample { id: hit.id, time: hit.time, text: cut(&hit.text) }
}

/// Puts the row that the person named in front, with more of its lines; `false` when the window has no such row.
fn put_in_front(row: &Row, findings: &mut Findings, hits: &[StoredRecord]) -> bool {
    const SHOWN: usize = 8;
    let is_it = |evidence: &Evidence| evidence.service == row.service && evidence.template_id == row.template;
    let position = |is_meant: &dyn Fn(&Evidence) -> bool| findings.evidence.iter().position(is_meant);
    let same_id = position(&|evidence| is_it(evidence) && evidence.id == row.id);
    let Some(at) = same_id.or_else(|| position(&is_it)).filter(|_| row.template.is_some()) else { return false };
    findings.evidence[..=at].rotate_right(1);
    let shown = findings.sample_ids.entry(findings.evidence[0].id.clone()).or_default();
    let more: Vec<RecordId> = hits.iter().map(|hit| hit.id).filter(|id| !shown.contains(id)).collect();
    shown.extend(more.into_iter().take(SHOWN.saturating_sub(shown.len())));
    true
}

fn counted(names: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a_name, a), (b_name, b)| b.cmp(a).then(a_name.cmp(b_name)));
    counts.truncate(12);
    counts
}
