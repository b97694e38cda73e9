//! Reads a person's words against what the index holds and what the conversation was about.

use std::sync::Arc;

use evidence::answer::{Evidence, RankedChange};
use evidence::{Time, TimeWindow};
use incident::{ChangeRow, Context, Id, Known, KnownService, Overrides, Question, Row, clock, windows};
use indexer::{Order, Query, SearchOptions, Store};
use jiff::SignedDuration;

use super::ask::Request;
use crate::app::{App, Refused};

/// Around the lines of an id, so much belongs to the question about it.
const AROUND: SignedDuration = SignedDuration::from_mins(15);

/// Reads the question of a request.
///
/// # Errors
///
/// [`Refused`] for a question that cannot be read, or when the index is out of reach.
pub(super) async fn read(app: &Arc<App>, request: &Request) -> Result<Question, Refused> {
    let (infos, reach) = app.with_granted(&request.grant, |store| Ok((store.services()?, store.reach()?))).await?;
    let services: Vec<KnownService> = infos
        .into_iter()
        .map(|info| {
            let aliases = app.parts.aliases.get(&info.name).cloned().unwrap_or_default();
            KnownService { name: info.name, aliases }
        })
        .collect();
    let now = app.now();
    let changes = app.with_state(|state| state.changes_seen(&request.grant));
    let known = Known { now, zone: request.zone.clone(), services: &services, reach, changes: &changes };
    let before =
        request.conversation.as_ref().and_then(|id| app.incident(id)).and_then(|incident| context_of(&incident));
    let (text, _) = app.parts.redactor.redact(request.question.as_str());
    let understood = |overrides: &Overrides| {
        incident::understand(text.as_str(), &known, overrides, before.as_ref())
            .map_err(|error| Refused::mistake(error.to_string()))
    };
    let question = understood(&request.overrides)?;
    let carried_on = before.as_ref().is_some_and(|before| before.window == question.window);
    let names_row = question.ids.iter().any(|id| matches!(id, Id::Row(_)));
    if question.ids.is_empty() || names_row || (question.window_chosen && !carried_on) {
        return Ok(question);
    }
    // Whoever names an id and no time means the time it is of.
    let (ids, window) = (question.ids.clone(), question.window);
    let Some((first, last)) = app.with_granted(&request.grant, move |store| outside(store, &ids, window, now)).await?
    else {
        return Ok(question);
    };
    let to = reach.map_or(last, |(_, newest)| last.plus(AROUND).min(Time(newest.0.saturating_add(1))));
    let around = Overrides { from: Some(first.minus(AROUND)), to: Some(to), at: None, ..request.overrides.clone() };
    let mut moved = understood(&around)?;
    let (named, before, at) = (named(&question.ids), question.window_said, clock::at(last, now, &request.zone));
    moved.notes.push(format!("{named} is not in {before} but at {at}, so this is about the time around it"));
    Ok(moved)
}

/// The first and the last line with these ids in the last hour that has any; `None` when the window has some itself.
fn outside(
    store: &dyn Store,
    ids: &[Id],
    window: Option<TimeWindow>,
    now: Time,
) -> indexer::Result<Option<(Time, Time)>> {
    let text: Vec<String> = ids.iter().map(Id::query).collect();
    let Ok(query) = Query::parse(&text.join(" ")) else { return Ok(None) };
    let search = |window: TimeWindow, limit: usize| {
        store.search(&query, &SearchOptions { window, services: None, limit, order: Order::Time, now })
    };
    if window.map(|window| search(window, 1)).transpose()?.is_none_or(|found| found.total > 0) {
        return Ok(None);
    }
    let found = search(TimeWindow::all(), 500)?;
    let Some(last) = found.hits.first().map(|hit| hit.time) else { return Ok(None) };
    let earliest = last.minus(windows::DEFAULT_LENGTH);
    let first = found.hits.iter().map(|hit| hit.time).take_while(|time| *time >= earliest).last();
    Ok(first.map(|first| (first, last)))
}

/// What the last answered question of a conversation was about.
fn context_of(incident: &incident::Incident) -> Option<Context> {
    let last = incident.questions.iter().rev().find(|inquiry| inquiry.answer.is_some())?;
    let answer = last.answer.as_ref()?;
    Some(Context {
        window: last.found.as_ref().map(|found| found.findings.window),
        window_chosen: last.asked.question.window_chosen,
        services: last.asked.question.services.clone(),
        kind: answer.kind,
        onset: answer.window.onset,
        evidence: answer.evidence.iter().map(row).collect(),
        changes: answer.changes.iter().map(change_row).collect(),
    })
}

fn row(evidence: &Evidence) -> Row {
    let (service, template) = (evidence.service.clone(), evidence.template_id);
    let query = template.map(|template| format!("template:{template} service:\"{service}\""));
    // A row that a query found has the query where others have a template.
    Row { id: evidence.id.clone(), service, template, query: query.unwrap_or_else(|| evidence.template.clone()) }
}

fn change_row(change: &RankedChange) -> ChangeRow {
    ChangeRow { id: change.id.clone(), service: change.service.clone() }
}

fn named(ids: &[Id]) -> String {
    ids.iter().map(|id| format!("`{}`", id.text())).collect::<Vec<_>>().join(" with ")
}
