//! What people and deadlines decide about steps. Every decision is one compare-and-set on the incident's stream.

use std::sync::Arc;

use evidence::Redacted;
use incident::{Effect, Event, Incident};
use runbooks::{Command, Digest, Person, Refusal, Status, StepEvent};

use crate::app::{App, Refused, RefusedKind};

/// What somebody wants to happen to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// `digest` is the one on the card that the person saw.
    Approve {
        digest: Digest,
    },
    Reject {
        digest: Digest,
    },
    /// Have it started without the others, in an emergency; the reason is for whoever reviews it.
    BreakGlass {
        digest: Digest,
    },
    /// Say what one thinks of a broken glass.
    Review,
    Cancel,
    /// A manual step was carried out; or an unknown one turned out to have ended like this.
    Done {
        digest: Digest,
        succeeded: bool,
    },
}

/// Decides, records, and returns what is to be done next.
///
/// # Errors
///
/// [`Refused`] with a sentence for the person; nothing changed then, but the attempt of somebody who may not is on record.
pub async fn decide(
    app: &Arc<App>,
    step: &str,
    person: &Person,
    wish: &Wish,
    reason: Option<&str>,
) -> Result<(String, Vec<Effect>), Refused> {
    app.sync().await?;
    let incident = app.with_state(|state| state.incident_of_step(step).map(|incident| incident.id.clone()));
    let incident = incident.ok_or_else(|| no_such_step(step))?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let reason: Option<Redacted> = reason.map(|reason| app.parts.redactor.redact(reason).0);
    let effects = app
        .record(&incident, &person.id, |current| {
            if let (Wish::Approve { .. } | Wish::BreakGlass { .. }, Some(why)) =
                (wish, app.with_state(|state| state.moot(current)))
            {
                let next = "ask again for a fresh proposal if it is still needed";
                return Err(Refused::new(RefusedKind::Conflict, why).next(next));
            }
            let command = command(current, step, person, wish, reason.clone())?;
            commands(app, current, step, command)
        })
        .await?;
    Ok((incident, effects))
}

fn command(
    incident: &Incident,
    step: &str,
    person: &Person,
    wish: &Wish,
    reason: Option<Redacted>,
) -> Result<Command, Refused> {
    let record = incident.steps.get(step).ok_or_else(|| no_such_step(step))?;
    let person = person.clone();
    let is_current = |digest: &Digest| {
        if Some(*digest) == incident.digest_of_unit(step) { Ok(()) } else { Err(refused(Refusal::OtherBytes)) }
    };
    Ok(match wish {
        Wish::Approve { digest } => Command::Approve { person, digest: *digest, reason },
        Wish::Reject { digest } => {
            is_current(digest)?;
            Command::Reject { person, reason }
        }
        Wish::BreakGlass { digest } => {
            Command::BreakGlass { person, digest: *digest, reason: reason.unwrap_or_default() }
        }
        Wish::Review => {
            let missing = || Refused::mistake("say what you think of it; a review without words is none");
            Command::Review { person, text: reason.ok_or_else(missing)? }
        }
        Wish::Cancel => Command::Cancel { person, reason },
        Wish::Done { digest, succeeded: true } if record.state.status == Status::Proposed => {
            Command::Done { person, digest: *digest, reason }
        }
        Wish::Done { succeeded, .. } => Command::Settle { person, succeeded: *succeeded, reason },
    })
}

pub(super) fn commands(app: &App, incident: &Incident, step: &str, command: Command) -> Result<Vec<Event>, Refused> {
    if !incident.steps.contains_key(step) {
        return Err(no_such_step(step));
    }
    let now = incident.history.last().map_or_else(|| app.now(), |last| last.at.max(app.now()));
    incident.decide(step, command, &app.rules(), now).map_err(refused)
}

/// Records a decision of Firstline itself; one that no longer fits changes nothing.
pub(super) async fn by_itself(
    app: &Arc<App>,
    incident: &str,
    step: &str,
    command: Command,
) -> Result<Vec<Effect>, Refused> {
    app.record(incident, "firstline", |current| commands(app, current, step, command.clone())).await
}

pub(super) async fn lose(app: &Arc<App>, incident: &str, step: &str, why: &str) -> Result<(), Refused> {
    ignore_conflicts(by_itself(app, incident, step, Command::Lose { why: why.to_owned() }).await)
}

pub(super) async fn expire(app: &Arc<App>, incident: &str, step: &str) -> Result<(), Refused> {
    ignore_conflicts(by_itself(app, incident, step, Command::Expire).await)
}

/// Takes back what still waits although its incident was resolved, in conversations that joined it too.
///
/// Until then nobody can approve it either: [`decide`] looks at the same.
pub(super) async fn withdraw_moot(app: &Arc<App>) -> Result<(), Refused> {
    let moot: Vec<(String, String, String)> = app.with_state(|state| {
        let waiting = state.waiting(app.now()).into_iter();
        let moot = waiting.filter_map(|(incident, record)| {
            Some((incident.id.clone(), record.step.id().to_owned(), state.moot(incident)?))
        });
        moot.collect()
    });
    for (incident, step, why) in moot {
        ignore_conflicts(by_itself(app, &incident, &step, Command::Withdraw { why }).await)?;
    }
    Ok(())
}

/// Takes back a step whose unit failed before its turn came.
pub(super) async fn withdraw_rest(app: &Arc<App>, incident: &str, step: &str) -> Result<Vec<Effect>, Refused> {
    let why = "a step before it in its unit did not succeed".to_owned();
    match by_itself(app, incident, step, Command::Withdraw { why }).await {
        Err(refused) if refused.kind == RefusedKind::Conflict => Ok(Vec::new()),
        done => done,
    }
}

fn ignore_conflicts(done: Result<Vec<Effect>, Refused>) -> Result<(), Refused> {
    match done {
        Err(refused) if refused.kind != RefusedKind::Conflict => Err(refused),
        _ => Ok(()),
    }
}

pub(super) fn of(step: &str, event: StepEvent) -> Event {
    Event::Step { step: step.to_owned(), event }
}

fn no_such_step(step: &str) -> Refused {
    Refused::not_found(format!("no step or proposal `{step}`")).next("`firstline proposals` lists those that wait")
}

pub(super) fn refused(refusal: Refusal) -> Refused {
    let kind = if refusal.is_about_rights() { RefusedKind::Forbidden } else { RefusedKind::Conflict };
    Refused::new(kind, refusal.to_string())
}
