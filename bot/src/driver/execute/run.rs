//! What an executor does with a step's id: proves from the journal that it may run, claims it, runs it, and reports.
//! Nothing that its caller knows or wants is part of that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use incident::{Effect, Event, Incident};
use runbooks::{Approved, Command, Outcome, Outcomes, Status};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ledger::{Ledger, Line};
use super::live::Live;
use super::prove::prove;
use super::worker::worker;
use crate::app::{App, Refused, RefusedKind};
use crate::driver::decide::{self, by_itself};
use crate::rereading::Rereading;

/// Between looks at whether a step that has to wait can start.
const WAITING: Duration = Duration::from_millis(200);
/// Between looks at whether somebody wants a run to stop.
const LISTENING: Duration = Duration::from_millis(300);

/// Why a claim was not written.
enum NotClaimed {
    /// There are entries that were not proven yet.
    WentOn,
    Refused(Refused),
}

impl From<Refused> for NotClaimed {
    fn from(refused: Refused) -> NotClaimed {
        NotClaimed::Refused(refused)
    }
}

/// Runs steps, each in a task of its own.
pub struct Executor {
    app: Arc<App>,
    ledger: Ledger,
    rereading: Rereading,
    /// What it is at, and how to stop that.
    under_way: Mutex<HashMap<String, CancellationToken>>,
    tasks: TaskTracker,
}

impl Executor {
    pub fn new(app: Arc<App>, ledger: Ledger, rereading: Rereading) -> Arc<Executor> {
        Arc::new(Executor { app, ledger, rereading, under_way: Mutex::default(), tasks: TaskTracker::new() })
    }

    /// Sees to one step, unless it is at it already.
    pub fn take(self: &Arc<Executor>, step: &str) {
        let cancelled = CancellationToken::new();
        {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            if under_way.contains_key(step) {
                return;
            }
            under_way.insert(step.to_owned(), cancelled.clone());
        }
        let (executor, step) = (Arc::clone(self), step.to_owned());
        self.tasks.spawn(async move {
            if let Err(refused) = executor.see_to(&step, cancelled).await {
                tracing::warn!(step.id = %step, "{refused}");
            }
            executor.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&step);
        });
    }

    /// Sees to every step that is approved and whose turn it is.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn take_all(self: &Arc<Executor>) -> Result<(), Refused> {
        self.app.sync().await?;
        let steps: Vec<String> = self.app.with_state(|state| {
            let effects = state.incidents.values().flat_map(Incident::unfinished);
            let steps = effects.filter_map(|effect| match effect {
                Effect::Execute { step } => Some(step),
                _ => None,
            });
            steps.collect()
        });
        steps.iter().for_each(|step| self.take(step));
        Ok(())
    }

    /// Asks all that runs to stop, and waits until it has been reported.
    pub async fn stop(&self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(CancellationToken::cancel);
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn see_to(&self, step: &str, cancelled: CancellationToken) -> Result<(), Refused> {
        let Some((incident, claim)) = self.claim(step, &cancelled).await? else { return Ok(()) };
        let outcome = self.run(&incident, step, &claim, &cancelled).await;
        self.report(&incident.id, step, &claim, outcome).await
    }

    /// Claims the step as soon as there is room, and returns the incident as it is proven afterwards.
    ///
    /// `None` when it cannot start any more, or somebody else was faster.
    async fn claim(&self, step: &str, cancelled: &CancellationToken) -> Result<Option<(Incident, String)>, Refused> {
        let app = &self.app;
        let mut said = String::new();
        loop {
            // Rights are read again at the start, from the files as they are now.
            match self.rereading.changed() {
                Ok(Some(rules)) => app.change_rules(rules),
                Ok(None) => {}
                Err(error) => tracing::error!("what was changed is not in force, the rules from before are: {error}"),
            }
            app.sync().await?;
            let found = app.with_state(|state| state.incident_of_step(step).map(|incident| incident.id.clone()));
            let Some(incident) = found else { return Ok(None) };
            let proven = match prove(app, &incident).await {
                Err(refused) if refused.kind == RefusedKind::Forbidden => {
                    self.hold(&incident, step, &refused).await?;
                    return Ok(None);
                }
                proven => proven?,
            };
            let Some(record) = proven.steps.get(step) else { return Ok(None) };
            if record.state.status_at(app.now()) != Status::Approved || cancelled.is_cancelled() {
                return Ok(None);
            }
            let claim = hex::encode(rand::random::<[u8; 8]>());
            let wish =
                Command::Claim { claim: claim.clone(), worker: worker().to_owned(), digest: record.step.digest() };
            let claimed = app
                .record(&incident, "firstline", |current| {
                    // What is decided on is what was proven, to the last entry.
                    if current.seq != proven.seq {
                        return Err(NotClaimed::WentOn);
                    }
                    if *current != proven {
                        let why = "the journal differs from what it said before; run `firstline audit verify`";
                        return Err(Refused::new(RefusedKind::Forbidden, why).into());
                    }
                    Ok(decide::commands(app, current, step, wish.clone())?)
                })
                .await;
            match claimed {
                Ok(_) => return Ok(Some((prove(app, &incident).await?, claim))),
                Err(NotClaimed::WentOn) => continue,
                Err(NotClaimed::Refused(refused)) => match refused.kind {
                    RefusedKind::Busy if refused.message == said => {}
                    RefusedKind::Busy => {
                        self.hold(&incident, step, &refused).await?;
                        said = refused.message;
                    }
                    RefusedKind::Unavailable => tracing::warn!("{refused}"),
                    _ => {
                        self.hold(&incident, step, &refused).await?;
                        return Ok(None);
                    }
                },
            }
            tokio::time::sleep(WAITING).await;
        }
    }

    /// Puts on record why an approved step does not start, unless that is what was said last.
    async fn hold(&self, incident: &str, step: &str, why: &Refused) -> Result<(), Refused> {
        let why = self.app.parts.redactor.redact(why.in_full()).0;
        let recorded = self.app.record(incident, "firstline", |current| {
            let record = current.steps.get(step);
            let waits = record.is_some_and(|record| record.state.status_at(self.app.now()) == Status::Approved);
            let is_said = current.held(step).is_some_and(|said| said == why.as_str());
            let event = Event::Held { step: step.to_owned(), why: why.clone() };
            Ok(if waits && !is_said { vec![event] } else { Vec::new() })
        });
        recorded.await.map(|_: Vec<Effect>| ())
    }

    async fn run(&self, incident: &Incident, step: &str, claim: &str, cancelled: &CancellationToken) -> Outcome {
        let refuse = |result, why: String| Outcome::new(result, self.app.parts.redactor.redact(why).0);
        let approved = incident.steps.get(step).ok_or_else(|| "the step is gone".to_owned()).and_then(|record| {
            let stored =
                runbooks::Step::from_bytes(record.step.bytes().to_owned()).map_err(|error| error.to_string())?;
            Approved::claim(stored, &record.state, claim).map_err(|refusal| refusal.to_string())
        });
        let approved = match approved {
            Ok(approved) => approved,
            Err(why) => return refuse(Outcomes::Refused, format!("nothing was run: {why}")),
        };
        let mut line = Line {
            digest: approved.digest(),
            step: step.to_owned(),
            claim: claim.to_owned(),
            at: self.app.now(),
            ended: None,
        };
        match self.ledger.begin(&line) {
            Ok(None) => {}
            Ok(Some(known)) => return refuse(Outcomes::Unknown, already(&known)),
            Err(error) => {
                let ledger = self.ledger.path().display();
                let why = format!("nothing was run: the executor's ledger `{ledger}` cannot be written: {error}");
                return refuse(Outcomes::Refused, why);
            }
        }
        let live = Live::new(&self.app, step, claim);
        let writing = tokio::spawn(Arc::clone(&live).run());
        let listening = tokio::spawn(listen(Arc::clone(&self.app), step.to_owned(), cancelled.clone()));
        let (actions, redactor) = (&self.app.parts.actions, &self.app.parts.redactor);
        let outcome = runbooks::execute(approved, actions, redactor, live.taker(), cancelled.clone()).await;
        listening.abort();
        writing.abort();
        line.at = self.app.now();
        line.ended = Some(outcome.result);
        if let Err(error) = self.ledger.end(&line) {
            tracing::error!(step.id = %step, "the ledger does not say how it ended: {error}");
        }
        live.flush().await;
        outcome
    }

    /// The outcome must reach the journal: while it cannot be written, it is tried again until the process ends.
    async fn report(&self, incident: &str, step: &str, claim: &str, outcome: Outcome) -> Result<(), Refused> {
        let mut pause = WAITING;
        loop {
            let command = Command::Finish { claim: claim.to_owned(), outcome: outcome.clone() };
            match by_itself(&self.app, incident, step, command).await {
                Err(refused) if refused.kind == RefusedKind::Unavailable => {
                    tracing::error!(step.id = %step, "cannot record how the step ended, trying again: {refused}");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
                done => return done.map(|_| ()),
            }
        }
    }
}

/// A sentence for a step that ran before, though the journal does not say so.
fn already(known: &[Line]) -> String {
    let began = known.first().map_or_else(String::new, |line| format!(" at {}", line.at));
    let ended = known.iter().find_map(|line| line.ended.map(|ended| (ended, line.at)));
    let ended = match ended {
        Some((ended, at)) => format!("it ended at {at}: {}", format!("{ended:?}").to_lowercase()),
        None => "how it ended is not known".to_owned(),
    };
    format!(
        "nothing was run now: the executor's ledger says that exactly this was started{began} and {ended}; \
         was the journal restored from a backup? look at the target, then say what you found"
    )
}

/// Stops the run once the journal says that somebody wants that.
async fn listen(app: Arc<App>, step: String, cancelled: CancellationToken) {
    loop {
        tokio::time::sleep(LISTENING).await;
        let _ = app.sync().await;
        let wants = app.with_state(|state| {
            state.step_named(&step).is_some_and(|(_, record)| record.state.cancel_requested_by.is_some())
        });
        if wants {
            cancelled.cancel();
            return;
        }
    }
}
