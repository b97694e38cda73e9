//! Finds the evidence for a question: one look at the columns, the analyses, then every count again by another path.

use std::sync::Arc;

use evidence::answer::{Gap, Sample, Verdict};
use evidence::{Change, Grant, RecordId, Redacted, Time, TimeWindow};
use incident::{Asked, Effect, Event, Findings, Found, Options, Question, windows};
use indexer::{CountRequest, ObserveRequest, Order, Query, SearchOptions, Store};
use jiff::SignedDuration;

use super::matches;
use crate::app::{App, Refused};

/// A cited line is copied into the journal up to this length.
const LONGEST_SAMPLE: usize = 4_000;

pub(super) async fn perform(app: &Arc<App>, incident: &str, answer: &str) -> Result<Vec<Effect>, Refused> {
    let asked = app.incident(incident).and_then(|found| found.inquiry(answer).map(|inquiry| inquiry.asked.clone()));
    let Some(Asked { question, grant, .. }) = asked else { return Ok(Vec::new()) };
    let grant = grant.unwrap_or_else(Grant::everything);
    let changes = app.with_state(|state| state.changes_seen(&grant));
    let now = app.now();
    let looked = app.with_granted(&grant, move |store| look(store, &question, &changes, now)).await;
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
    matches::add(store, question, &mut findings, now)?;
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

pub(super) fn cut(text: &Redacted) -> Redacted {
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
