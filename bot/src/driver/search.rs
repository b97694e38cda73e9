//! Finds the evidence for a question: one look at the columns, the analyses, then every count again by another path.

use std::sync::Arc;

use evidence::answer::{Evidence, EvidenceKind, Gap, Sample, Verdict};
use evidence::{Change, RecordId, Redacted, StoredRecord, Time, TimeWindow};
use incident::{Effect, Event, Findings, Found, Options, Question, QuestionKind, Reason, Row, windows};
use indexer::{CountRequest, ObserveRequest, Order, Query, SearchOptions, Store};
use jiff::SignedDuration;

use crate::app::{App, Refused};

/// A cited line is copied into the journal up to this length.
const LONGEST_SAMPLE: usize = 4_000;

pub(super) async fn perform(app: &Arc<App>, incident: &str, answer: &str) -> Result<Vec<Effect>, Refused> {
    let Some(question) =
        app.incident(incident).and_then(|found| found.inquiry(answer).map(|inquiry| inquiry.asked.question.clone()))
    else {
        return Ok(Vec::new());
    };
    let changes = app.with_state(|state| state.changes.clone());
    let now = app.now();
    let looked = app.with_store(move |store| look(store, &question, &changes, now)).await;
    let event = match looked {
        Ok(found) => Event::Found(Found { answer: answer.to_owned(), ..found }),
        Err(refused) => Event::NotFound { answer: answer.to_owned(), reason: refused.to_string() },
    };
    app.record(incident, "firstline", |current| {
        let is_open =
            current.inquiry(answer).is_some_and(|inquiry| inquiry.found.is_none() && inquiry.failed.is_none());
        Ok(if is_open { vec![event.clone()] } else { Vec::new() })
    })
    .await
}

/// Looks, and returns everything but the answer's id.
pub fn look(store: &dyn Store, question: &Question, changes: &[Change], now: Time) -> indexer::Result<Found> {
    let reach = store.reach()?;
    let asked = question.window.unwrap_or_else(|| windows::last_hour(reach, now));
    let (window, unheard) = clip(asked, reach);
    let baseline = question.baseline.or_else(|| windows::baseline_for(window, reach));
    let options = Options { services: question.services.clone(), ..Options::default() };
    let (mut findings, began) = compare(store, window, baseline, changes, &options)?;
    // Whoever names an id asks about its lines, and those may be in any part of the window.
    let is_about_trouble = question.is_diagnosis() && question.ids.is_empty();
    if is_about_trouble && question.baseline.is_none() {
        // Trouble that was there all the time shows in no comparison with the time just before, and where nothing came
        // before, the window's own beginning has to do.
        let another = match baseline {
            Some(_) => began
                .and_then(|began| TimeWindow::new(began, window.to()).ok())
                .map(|whole| (windows::baseline_for(whole, reach), whole)),
            None => windows::divided(window, reach).map(|(baseline, rest)| (Some(baseline), rest)),
        };
        if let Some((baseline, window)) = another {
            let (found, _) = compare(store, window, baseline, changes, &options)?;
            let is_the_same = findings.verdict != Verdict::Cause || findings.culprit == found.culprit;
            if found.verdict == Verdict::Cause && is_the_same {
                findings = found;
            }
        }
    }
    findings.coverage.gaps.extend(unheard);
    add_matches(store, question, &mut findings, now)?;
    findings.facts.unmentioned = unmentioned(store, question, &findings, now)?;
    fill_samples(store, &mut findings)?;
    let unconfirmed = recount(store, &mut findings)?;
    let services = store.services()?.into_iter().map(|service| service.name).collect();
    Ok(Found { answer: String::new(), findings, services, unconfirmed })
}

/// The findings of a window, and since when an alarming line has come that its baseline has as well.
fn compare(
    store: &dyn Store,
    window: TimeWindow,
    baseline: Option<TimeWindow>,
    changes: &[Change],
    options: &Options,
) -> indexer::Result<(Findings, Option<Time>)> {
    let begun = std::time::Instant::now();
    let observed = store.observe(&ObserveRequest { window, baseline, services: None })?;
    let observed_ms = begun.elapsed().as_millis();
    let findings = incident::examine(&observed, changes, options);
    let examined_ms = begun.elapsed().as_millis() - observed_ms;
    tracing::debug!(n_rows = observed.rows.len(), observed_ms, examined_ms, "compared a window with its baseline");
    Ok((findings, incident::began_before(&observed)))
}

/// Cuts the window where the records end: past that nothing was heard, which says nothing about any one service.
///
/// Returns the rest as a gap when it is longer than a minute.
fn clip(window: TimeWindow, reach: Option<(Time, Time)>) -> (TimeWindow, Option<Gap>) {
    const SHORT: SignedDuration = SignedDuration::from_mins(1);
    let Some((_, last)) = reach else { return (window, None) };
    let end = Time(last.0.saturating_add(1));
    let Ok(clipped) = TimeWindow::new(window.from(), end.min(window.to())) else { return (window, None) };
    let is_long = window.to() != Time::MAX && window.to().since(clipped.to()) > SHORT;
    (clipped, is_long.then(|| Gap { source: "all sources".to_owned(), from: end, to: window.to() }))
}

/// The words of a question to which nothing seems wrong, when no line has any of them: what does not log cannot be judged.
fn unmentioned(store: &dyn Store, question: &Question, findings: &Findings, now: Time) -> indexer::Result<Vec<String>> {
    if findings.verdict != Verdict::NoFault || !question.is_diagnosis() || !question.services.is_empty() {
        return Ok(Vec::new());
    }
    let options = SearchOptions { window: findings.window, services: None, limit: 1, order: Order::Time, now };
    for word in &question.words {
        // Whoever asks of turnstiles means `turnstile-3` as well.
        let stem = word.trim_end_matches('s');
        let Ok(query) = Query::parse(&format!("\"{word}\" OR {stem}*")) else { return Ok(Vec::new()) };
        if store.search(&query, &options)?.total > 0 {
            return Ok(Vec::new());
        }
    }
    Ok(question.words.clone())
}

/// What the person asked to see or count, found by their own words.
fn add_matches(store: &dyn Store, question: &Question, findings: &mut Findings, now: Time) -> indexer::Result<()> {
    let wants_matches = matches!(question.kind, QuestionKind::ShowMe | QuestionKind::HowOften | QuestionKind::Who)
        || !question.ids.is_empty();
    if !wants_matches {
        return Ok(());
    }
    // "How often does checkout fail" names no words: it asks for errors. "Who" without words asks about people.
    let has_words = !question.words.is_empty() || !question.ids.is_empty() || question.severity.is_some();
    let text = match (has_words, question.kind, question.query()) {
        (true, _, Some(text)) => text,
        (false, QuestionKind::HowOften, Some(text)) => format!("{text} level>=error"),
        (false, QuestionKind::HowOften, None) => "level>=error".to_owned(),
        (false, QuestionKind::ShowMe, Some(text)) => text,
        _ => return Ok(()),
    };
    let Ok(query) = Query::parse(&text) else { return Ok(()) };
    let search = |window: TimeWindow, limit: usize| {
        store.search(&query, &SearchOptions { window, services: None, limit, order: Order::Time, now })
    };
    let found = search(findings.window, 500)?;
    if let Some(row) = question.row()
        && put_in_front(row, findings, &found.hits)
    {
        return Ok(());
    }
    let Some(newest) = found.hits.first() else {
        let named: Vec<&str> = question.ids.iter().map(incident::Id::text).collect();
        // "Who" is mostly asked of services and people, not of the words around it.
        let missed = if named.is_empty() { text } else { named.join(" ") };
        let elsewhere = search(TimeWindow::all(), 1)?.hits.first().map(|hit| hit.time);
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
        Some(baseline) => search(baseline, 1)?.total,
        None => 0,
    };
    let expected = findings
        .baseline
        .map_or(0.0, |baseline| baseline_count as f64 * findings.window.seconds() / baseline.seconds().max(1.0));
    let chart = findings.chart.as_ref();
    let series = chart.map_or_else(Vec::new, |chart| {
        let mut series = vec![0; chart.counts.len()];
        for hit in &found.hits {
            let bucket = hit.time.since(chart.from).as_secs() / chart.bucket_seconds.max(1) as i64;
            if let Some(count) = usize::try_from(bucket).ok().and_then(|bucket| series.get_mut(bucket)) {
                *count += 1;
            }
        }
        series
    });
    let oldest = found.hits.last().unwrap_or(newest);
    let id = format!("E{}", findings.evidence.len() + 1);
    let samples =
        found.hits.iter().take(8).map(|hit| Sample { id: hit.id, time: hit.time, text: cut(&hit.text) }).collect();
    let all_of_one = |service: &str| found.hits.iter().all(|hit| hit.service == service);
    findings.evidence.insert(
        0,
        Evidence {
            id,
            kind: EvidenceKind::Match,
            service: if all_of_one(&newest.service) { newest.service.clone() } else { String::new() },
            level: found.hits.iter().filter_map(|hit| hit.level).max(),
            template: question.row().and_then(|row| row.template).map_or(text, |_| newest.template.clone()),
            template_id: question.row().and_then(|row| row.template),
            count: found.total,
            baseline_count,
            expected,
            after: None,
            first: (found.total as usize == found.hits.len()).then_some(oldest.time),
            last: Some(newest.time),
            samples,
            series,
            hosts: counted(found.hits.iter().filter_map(|hit| hit.host.clone()))
                .into_iter()
                .map(|(host, count)| evidence::answer::HostCount { host, count })
                .collect(),
            versions: Vec::new(),
        },
    );
    Ok(())
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

fn fill_samples(store: &dyn Store, findings: &mut Findings) -> indexer::Result<()> {
    let ids: Vec<RecordId> = findings.sample_ids.values().flatten().copied().collect();
    let records = store.records(&ids)?;
    for evidence in &mut findings.evidence {
        let Some(wanted) = findings.sample_ids.get(&evidence.id) else { continue };
        let mine = records.iter().filter(|record| wanted.contains(&record.id));
        let mut samples: Vec<Sample> =
            mine.map(|record| Sample { id: record.id, time: record.time, text: cut(&record.text) }).collect();
        samples.sort_by_key(|sample| (sample.time, sample.id));
        samples.dedup();
        evidence.samples = samples;
    }
    Ok(())
}

fn cut(text: &Redacted) -> Redacted {
    let whole = text.as_str();
    if whole.len() <= LONGEST_SAMPLE {
        return text.clone();
    }
    let end = (0..=LONGEST_SAMPLE).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
    Redacted::from_storage(format!("{} …", &whole[..end]))
}

/// Counts every row again through the index's terms. A row that differs is corrected when the difference is what
/// arrived meanwhile, and dropped otherwise.
fn recount(store: &dyn Store, findings: &mut Findings) -> indexer::Result<Vec<String>> {
    let mut unconfirmed = Vec::new();
    for evidence in &findings.evidence {
        let Some(family) = evidence.template_id else { continue };
        let count = |window: TimeWindow| {
            let service = Some(evidence.service.clone());
            store.count(&CountRequest { family: Some(family), service, severity_at_least: None, window })
        };
        let in_window = count(findings.window)?;
        let in_baseline = findings.baseline.map_or(Ok(0), count)?;
        if in_window < evidence.count || in_baseline < evidence.baseline_count {
            unconfirmed.push(evidence.id.clone());
        }
    }
    findings.evidence.retain(|evidence| !unconfirmed.contains(&evidence.id));
    Ok(unconfirmed)
}
