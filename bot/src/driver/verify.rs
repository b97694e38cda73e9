//! Watches fresh evidence until a step's verify clause is decided.

use std::sync::Arc;

use async_trait::async_trait;
use evidence::{Grant, Time, TimeWindow};
use incident::Effect;
use indexer::{CountRequest, Query, SearchOptions, Store};
use runbooks::Command;
use runbooks::verify::{Counting, Counts, Judgement, Verify, What};

use super::decide::by_itself;
use crate::app::{App, Refused, RefusedKind, Update};

pub(super) async fn perform(app: &Arc<App>, incident: &str, step: &str) -> Result<Vec<Effect>, Refused> {
    let Some(record) = app.incident(incident).and_then(|found| found.steps.get(step).cloned()) else {
        return Ok(Vec::new());
    };
    let (Some(verify), Some(done_at)) = (record.step.content().verify.clone(), record.state.since) else {
        return Ok(Vec::new());
    };
    // Whoever asked does not learn from a watch what they may not see.
    let grant = grant_of(app, incident);
    // What was so before the step began was not brought about by it.
    let began = record.state.claim.as_ref().map_or(done_at, |claim| claim.at);
    let was_so = match verify.window_before(began) {
        Some(window) => {
            let clause = verify.clone();
            verify.is_met(app.with_granted(&grant, move |store| count(store, &clause, window)).await?)
        }
        None => false,
    };
    let (verified, held_before, text) = loop {
        let now = app.now();
        let counts = match verify.window(done_at, now) {
            Some(window) => {
                let verify = verify.clone();
                Some(app.with_granted(&grant, move |store| count(store, &verify, window)).await?)
            }
            None => None,
        };
        match verify.judge(done_at, now, counts) {
            Judgement::Verified { text } => break (true, was_so, text),
            Judgement::Failed { text } => break (false, was_so, text),
            Judgement::NotYet { text, again_at } => {
                app.announce(Update::Verifying { step: step.to_owned(), text });
                let pause = again_at.since(app.now()).max(jiff::SignedDuration::from_millis(200));
                tokio::time::sleep(pause.unsigned_abs()).await;
            }
        }
    };
    match by_itself(app, incident, step, Command::Verify { verified, held_before, text }).await {
        // Another process was faster: it judged the same evidence.
        Err(refused) if refused.kind == RefusedKind::Conflict => Ok(Vec::new()),
        done => done,
    }
}

/// The index as it is when it is asked, for steps that wait.
pub struct FreshCounts {
    pub store: Arc<dyn Store>,
    pub clock: fn() -> Time,
}

#[async_trait]
impl Counting for FreshCounts {
    fn now(&self) -> Time {
        (self.clock)()
    }

    async fn count(&self, verify: &Verify, window: TimeWindow) -> Result<Counts, String> {
        let (store, verify) = (Arc::clone(&self.store), verify.clone());
        let counted = tokio::task::spawn_blocking(move || count(store.as_ref(), &verify, window)).await;
        counted.map_err(|error| format!("the search stopped: {error}"))?.map_err(|error| error.to_string())
    }
}

/// What whoever led to the step may see, which is the same for a whole conversation.
fn grant_of(app: &App, incident: &str) -> Grant {
    let incident = app.incident(incident).unwrap_or_default();
    let first = incident.questions.first();
    first.and_then(|inquiry| inquiry.asked.grant.clone()).unwrap_or_else(Grant::everything)
}

fn count(store: &dyn Store, verify: &Verify, window: TimeWindow) -> indexer::Result<Counts> {
    let count = |family, service: Option<String>| {
        store.count(&CountRequest { family, service, severity_at_least: None, window })
    };
    match &verify.what {
        What::Evidence { service, template, template_id, .. } => {
            let heard = count(None, Some(service.clone()))?;
            let matching = match template_id {
                Some(id) => count(Some(*id), Some(service.clone()))?,
                None => matching(store, &words_of(template), Some(service.clone()), window)?,
            };
            Ok(Counts { matching, heard })
        }
        What::Query { query } => {
            Ok(Counts { matching: matching(store, query, None, window)?, heard: count(None, None)? })
        }
    }
}

fn matching(store: &dyn Store, query: &str, service: Option<String>, window: TimeWindow) -> indexer::Result<u64> {
    let query = Query::parse(query)?;
    let options = SearchOptions {
        window,
        services: service.map(|service| vec![service]),
        limit: 1,
        ..SearchOptions::at(window.to())
    };
    Ok(store.search(&query, &options)?.total)
}

/// The template's static words as phrases of the query language.
fn words_of(template: &str) -> String {
    let phrases = template.split("<*>").map(|part| part.replace(['"', '\\'], " "));
    let phrases: Vec<String> = phrases
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .map(|part| format!("\"{}\"", part.trim()))
        .collect();
    phrases.join(" ")
}
