//! What people propose themselves: a runbook with parameters of their own, in place of a proposal or beside it, and the undoing
//! of a step. It becomes sealed steps like any other, with the same cards and approvals.

use std::collections::BTreeMap;
use std::sync::Arc;

use evidence::Grant;
use incident::{Event, Incident};
use runbooks::policy::Verb;
use runbooks::{Command, Context, Draft, Person, Proposal, Rules, Status, StepState};

use super::ask::new_id;
use super::decide::{of, refused};
use crate::app::{App, Refused, RefusedKind};

/// A runbook and the values of its parameters, as people write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub runbook: String,
    pub params: BTreeMap<String, String>,
    /// The proposal whose parameters are changed: its steps are superseded and their buttons are dead.
    pub instead_of: Option<String>,
}

/// Proposes a runbook in an incident or conversation, and returns the proposal. `grant` is what `person` may see, and so act on.
///
/// # Errors
///
/// [`Refused`] with everything wrong with the values, or when `person` may not propose it.
pub async fn propose(
    app: &Arc<App>,
    incident: &str,
    person: &Person,
    grant: &Grant,
    wanted: &Wanted,
) -> Result<Proposal, Refused> {
    let current = known(app, incident).await?;
    let runbook = app.parts.catalog.get(&wanted.runbook).ok_or_else(|| {
        Refused::not_found(format!("no runbook `{}`", wanted.runbook)).next("`firstline runbook list` shows them")
    })?;
    let inventory = app.inventory_seen(grant);
    let values = runbooks::draft::values(runbook, &wanted.params, &inventory)
        .map_err(|mistakes| Refused::mistake(mistakes.join("; ")))?;
    let newest = current.questions.iter().rev().find_map(|inquiry| inquiry.found.as_ref());
    let evidence = newest.map_or(&[][..], |found| &found.findings.evidence[..]);
    let citations: Vec<String> = evidence.iter().take(3).map(|evidence| evidence.id.clone()).collect();
    let (id, rules) = (new_id("p"), app.rules());
    let context = Context {
        evidence,
        window: newest.map(|found| found.findings.window),
        ..context(app, &rules, incident, &id, &person.id)
    };
    let draft = Draft::new(runbook, &values, &citations, &app.parts.actions, &context)
        .map_err(|mistakes| Refused::mistake(mistakes.join("; ")))?;
    record(app, incident, (person, grant), draft, wanted.instead_of.as_deref(), None).await
}

/// Proposes to take a step back that has run, and returns the proposal.
///
/// # Errors
///
/// [`Refused`] when the step has not run, cannot be undone by another step, or `person` may not propose that.
pub async fn undo(app: &Arc<App>, step: &str, person: &Person, grant: &Grant) -> Result<Proposal, Refused> {
    app.sync().await?;
    let found = app.with_state(|state| {
        state.incident_of_step(step).and_then(|incident| Some((incident.id.clone(), incident.steps.get(step)?.clone())))
    });
    let (incident, record_of) = found.ok_or_else(|| Refused::not_found(format!("no step `{step}`")))?;
    let status = record_of.state.status;
    let has_run = matches!(status, Status::Succeeded | Status::Failed | Status::TimedOut | Status::Cancelled)
        && record_of.state.claim.is_some();
    if !has_run {
        let why = format!("the step is {status}; only what has run and ended can be undone");
        return Err(Refused::new(RefusedKind::Conflict, why));
    }
    // Who presses twice gets the same proposal.
    if let Some(open) = app.incident(&incident).and_then(|current| undoing(&current, step, app.now()).cloned()) {
        return Ok(open);
    }
    let (id, rules) = (new_id("p"), app.rules());
    let draft = Draft::undoing(&record_of.step, &app.parts.actions, &context(app, &rules, &incident, &id, &person.id))
        .map_err(|why| Refused::mistake(why.join("; ")))?;
    record(app, &incident, (person, grant), draft, None, Some(step)).await
}

async fn known(app: &Arc<App>, incident: &str) -> Result<Incident, Refused> {
    app.sync().await?;
    app.incident(incident).ok_or_else(|| {
        Refused::not_found(format!("no incident `{incident}`")).next("`firstline incident list` shows them")
    })
}

fn context<'c>(app: &App, rules: &'c Rules, incident: &'c str, id: &'c str, person: &'c str) -> Context<'c> {
    Context {
        incident,
        proposal: id,
        proposer: person,
        requester: person,
        evidence: &[],
        window: None,
        environment: "production",
        rules,
        now: app.now(),
    }
}

/// Rehearses, seals and records a draft; what it takes the place of is superseded in the same transaction.
async fn record(
    app: &Arc<App>,
    incident: &str,
    (person, grant): (&Person, &Grant),
    mut draft: Draft,
    instead_of: Option<&str>,
    undoes: Option<&str>,
) -> Result<Proposal, Refused> {
    for step in draft.steps() {
        let operation = step.operation();
        if !grant.allows(&operation.service, Some(&operation.environment)) {
            let why = format!("{} is not granted {operation}", person.name);
            return Err(Refused::new(RefusedKind::Forbidden, why).next("ask for it under `[grants]` of the config"));
        }
        let ruling = app.rules().may(person, Verb::Propose, &operation);
        if !ruling.allowed {
            let why = format!("{} may not propose this: {} ({})", person.name, ruling.why(), operation);
            return Err(Refused::new(RefusedKind::Forbidden, why));
        }
    }
    draft.rehearse(&app.parts.actions, &app.parts.redactor).await;
    let proposal = draft.seal(&app.parts.redactor).map_err(|error| Refused::mistake(error.to_string()))?;
    app.record(incident, &person.id, |current| {
        if current.resolved.is_some() {
            return Err(Refused::new(RefusedKind::Conflict, format!("incident `{}` was resolved", current.id)));
        }
        let now = current.history.last().map_or_else(|| app.now(), |last| last.at.max(app.now()));
        if let Some(step) = undoes.filter(|step| undoing(current, step, now).is_some()) {
            let why = format!("it is proposed already to take `{step}` back");
            return Err(Refused::new(RefusedKind::Conflict, why).next("decide on that proposal"));
        }
        let mut events = vec![Event::ProposedByHand {
            by: person.id.clone(),
            proposal: proposal.clone(),
            instead_of: instead_of.map(str::to_owned),
            undoes: undoes.map(str::to_owned),
        }];
        events.extend(superseded(app, current, instead_of, &proposal, now)?);
        for step in &proposal.steps {
            let command = Command::Propose { step: Box::new(step.clone()) };
            let decided = runbooks::decide(&StepState::default(), command, &app.rules(), now).map_err(refused)?;
            events.extend(decided.into_iter().map(|event| of(step.id(), event)));
        }
        Ok::<_, Refused>(events)
    })
    .await?;
    Ok(proposal)
}

/// The proposal that takes this step back, when it can still be decided, runs, or has done it.
fn undoing<'i>(current: &'i Incident, step: &str, now: evidence::Time) -> Option<&'i Proposal> {
    let of_step = current.history.iter().filter_map(|happened| match &happened.event {
        Event::ProposedByHand { proposal, undoes: Some(undone), .. } if undone == step => Some(proposal),
        _ => None,
    });
    let is_alive = |proposal: &&Proposal| {
        let mut records = proposal.steps.iter().filter_map(|step| current.steps.get(step.id()));
        records.any(|record| {
            let status = record.state.status_at(now);
            !status.is_terminal() || status == Status::Succeeded
        })
    };
    of_step.into_iter().find(is_alive)
}

/// The steps that the new proposal takes the place of.
fn superseded(
    app: &App,
    current: &Incident,
    instead_of: Option<&str>,
    by: &Proposal,
    now: evidence::Time,
) -> Result<Vec<Event>, Refused> {
    let Some(old) = instead_of else { return Ok(Vec::new()) };
    let Some(old) = current.proposals().find(|proposal| proposal.id == old) else {
        return Err(Refused::not_found(format!("no proposal `{old}` in `{}`", current.id)));
    };
    let by_step = by.steps.first().map_or_else(|| by.id.clone(), |step| step.id().to_owned());
    let mut events = Vec::new();
    for step in &old.steps {
        let Some(record) = current.steps.get(step.id()) else { continue };
        if !matches!(record.state.status_at(now), Status::Proposed | Status::Approved) {
            continue;
        }
        let command = Command::Supersede { by_step: by_step.clone() };
        let decided = runbooks::decide(&record.state, command, &app.rules(), now).map_err(refused)?;
        events.extend(decided.into_iter().map(|event| of(step.id(), event)));
    }
    if events.is_empty() {
        let why = format!("proposal `{}` was decided already; propose the new one beside it", old.id);
        return Err(Refused::new(RefusedKind::Conflict, why));
    }
    Ok(events)
}
