//! Performs the effects that the state machine asks for, each answered with events, until nothing is left to do.
//! Whatever dies in between is found again by `resume`: effects are decided by the journal, not by who remembers them.

pub mod answer;
pub mod ask;
pub mod by_hand;
pub mod decide;
pub mod execute;
mod matches;
mod page;
mod propose;
mod read;
pub mod search;
pub mod tell;
pub mod verify;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use incident::Effect;
use jiff::SignedDuration;
use runbooks::Status;

use crate::app::{App, Refused};

/// What this process is doing right now, so that it does nothing twice.
#[derive(Default)]
pub struct UnderWay {
    effects: Mutex<HashSet<(String, Effect)>>,
}

impl UnderWay {
    fn begin(&self, incident: &str, effect: &Effect) -> bool {
        let key = (incident.to_owned(), effect.clone());
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    fn end(&self, incident: &str, effect: &Effect) {
        let key = (incident.to_owned(), effect.clone());
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// Which effects the caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until the answer is posted; the model, running and verifying go on by themselves.
    ForTheAnswer,
    /// Until nothing is left to do: a terminal that goes away afterwards.
    ForEverything,
}

/// What nobody has touched for so long has been left behind.
const LYING: SignedDuration = SignedDuration::from_secs(30);

/// Performs effects and those that follow from them.
///
/// # Errors
///
/// The first effect that cannot be performed; what was recorded before stays.
pub async fn drive(app: &Arc<App>, incident: &str, effects: Vec<Effect>, wait: Wait) -> Result<(), Refused> {
    let mut queue: VecDeque<Effect> = effects.into();
    while let Some(effect) = queue.pop_front() {
        let is_slow = matches!(effect, Effect::Tell { .. } | Effect::Execute { .. } | Effect::Verify { .. });
        if is_slow && wait == Wait::ForTheAnswer {
            spawn(app, incident, effect);
            continue;
        }
        if !app.under_way.begin(incident, &effect) {
            continue;
        }
        let done = perform(app, incident, &effect).await;
        app.under_way.end(incident, &effect);
        queue.extend(done?);
    }
    Ok(())
}

fn spawn(app: &Arc<App>, incident: &str, effect: Effect) {
    let (app, incident) = (Arc::clone(app), incident.to_owned());
    tokio::spawn(async move {
        if let Err(refused) = Box::pin(drive(&app, &incident, vec![effect], Wait::ForEverything)).await {
            tracing::warn!(incident.id = %incident, "{refused}");
        }
    });
}

async fn perform(app: &Arc<App>, incident: &str, effect: &Effect) -> Result<Vec<Effect>, Refused> {
    match effect {
        Effect::Search { answer } => search::perform(app, incident, answer).await,
        Effect::Propose { answer } => propose::perform(app, incident, answer).await,
        Effect::Answer { answer } => answer::perform(app, incident, answer).await,
        Effect::Tell { answer } => tell::perform(app, incident, answer).await,
        Effect::Execute { step } => execute::perform(app, incident, step).await,
        Effect::Verify { step } => verify::perform(app, incident, step).await,
        Effect::Page { step } => page::perform(app, incident, step).await,
        Effect::Withdraw { step } => decide::withdraw_rest(app, incident, step).await,
    }
}

/// Notices steps whose process died while it ran them: nobody knows how they ended, so they become indeterminate.
///
/// # Errors
///
/// When the journal cannot be read or written.
pub async fn notice_lost_runs(app: &Arc<App>) -> Result<(), Refused> {
    app.sync().await?;
    let now = app.now();
    let is_lost = |record: &incident::StepRecord| {
        let timeout = SignedDuration::from_secs(record.step.content().timeout_seconds.into());
        let overdue = record.state.since.is_some_and(|since| now > since.plus(timeout).plus(LYING));
        let holder = record.state.claim.as_ref().map_or("", |claim| claim.worker.as_str());
        let is_gone = overdue || !execute::is_alive(holder);
        record.state.status == Status::Running && holder != execute::worker() && is_gone
    };
    let lost: Vec<(String, String)> = app.with_state(|state| {
        let records = state
            .incidents
            .values()
            .flat_map(|incident| incident.steps.iter().map(|(id, record)| (incident.id.clone(), id.clone(), record)));
        records.filter(|(.., record)| is_lost(record)).map(|(incident, step, _)| (incident, step)).collect()
    });
    for (incident, step) in lost {
        decide::lose(app, &incident, &step, "the process that ran it is gone").await?;
    }
    Ok(())
}

/// Takes up what a process that died left behind.
///
/// `is_start` says that this process has just started. Otherwise only what has been lying for a while is taken up,
/// because another process may be at it.
///
/// # Errors
///
/// When the journal cannot be read or written.
pub async fn resume(app: &Arc<App>, is_start: bool) -> Result<(), Refused> {
    notice_lost_runs(app).await?;
    decide::withdraw_moot(app).await?;
    let now = app.now();
    let incidents: Vec<incident::Incident> = app.with_state(|state| state.incidents.values().cloned().collect());
    for incident in incidents {
        for (id, record) in &incident.steps {
            if record.state.status != Status::Expired && record.state.status_at(now) == Status::Expired {
                decide::expire(app, &incident.id, id).await?;
            }
        }
        let is_lying = incident.history.last().is_some_and(|last| now > last.at.plus(LYING));
        if is_start || is_lying {
            for effect in incident.unfinished() {
                spawn(app, &incident.id, effect);
            }
        }
    }
    Ok(())
}
