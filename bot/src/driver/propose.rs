//! Turns fitting runbooks into sealed steps. What is proposed already, here or in the open incident about the same service, is shown again.

use std::collections::BTreeSet;
use std::sync::Arc;

use evidence::{Grant, Time};
use incident::{Effect, Event, Findings, Incident};
use jiff::SignedDuration;
use runbooks::{Candidate, Command, Context, Draft, Proposal, Situation, Step, StepState};

use super::ask::new_id;
use super::decide::of;
use crate::app::{App, Refused};
use crate::sight::may_see_change;

/// More choices than this help nobody at night.
const MOST: usize = 3;
/// An open incident that nothing happened in for longer is not joined.
const STALE: SignedDuration = SignedDuration::from_hours(6);

pub(super) async fn perform(app: &Arc<App>, incident: &str, answer: &str) -> Result<Vec<Effect>, Refused> {
    app.sync().await?;
    let Some(current) = app.incident(incident) else { return Ok(Vec::new()) };
    let Some(inquiry) = current.inquiry(answer).filter(|inquiry| inquiry.proposals.is_none()) else {
        return Ok(Vec::new());
    };
    let Some(found) = inquiry.found.clone() else { return Ok(Vec::new()) };
    let requester = inquiry.asked.by.clone();
    let grant = inquiry.asked.grant.clone().unwrap_or_else(Grant::everything);
    let now = app.now();
    let home = home(app, &current, &found.findings, &grant, now);
    let shown = home.as_ref().map_or_else(Vec::new, |home| still_open_around(app, home, &grant, now));
    let known: BTreeSet<(String, String)> = shown.iter().map(key).collect();
    let (drafted, notes) = match found.findings.facts.ended {
        // What is over needs no step; whoever asks about the past must not be led to change the present.
        Some(_) => (Vec::new(), vec!["the fault has stopped, so no step is proposed".to_owned()]),
        None => draft(app, incident, &requester, &found.findings, &grant, now).await,
    };
    let fresh: Vec<Proposal> = drafted.into_iter().filter(|proposal| !known.contains(&key(proposal))).collect();
    // What is open elsewhere is shown, not made again; what expired or was rejected there is proposed afresh here.
    let is_elsewhere = home.as_ref().is_some_and(|home| home.id != incident);
    let fresh = fresh
        .into_iter()
        .filter(|proposal| !is_elsewhere || home.as_ref().is_some_and(|home| has_ended(home, &key(proposal))));
    let proposals: Vec<Proposal> = shown.into_iter().chain(fresh).collect();
    app.record(incident, "firstline", |current| {
        if current.inquiry(answer).is_none_or(|inquiry| inquiry.proposals.is_some()) {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        if let Some(home) = home.as_ref().filter(|home| home.id != current.id && current.opened.is_none()) {
            events.push(Event::Joined { incident: home.id.clone() });
        }
        events.push(Event::Proposed { answer: answer.to_owned(), proposals: proposals.clone(), notes: notes.clone() });
        let own = proposals.iter().filter(|proposal| proposal.incident == current.id);
        for step in own.flat_map(|proposal| &proposal.steps).filter(|step| !current.steps.contains_key(step.id())) {
            let command = Command::Propose { step: Box::new(step.clone()) };
            let decided = runbooks::decide(&StepState::default(), command, &app.rules(), now);
            let decided = decided.map_err(|refusal| Refused::mistake(refusal.to_string()))?;
            events.extend(decided.into_iter().map(|event| of(step.id(), event)));
        }
        Ok(events)
    })
    .await
}

/// The incident that this is part of: itself when it is open, else the open one about the same service that the asker may see.
fn home(app: &App, current: &Incident, findings: &Findings, grant: &Grant, now: Time) -> Option<Incident> {
    if current.is_open() {
        return Some(current.clone());
    }
    let service = findings.culprit.as_deref()?;
    app.with_state(|state| state.open_incident_about(service, now.minus(STALE), grant).cloned())
}

/// What is open in the incident, and in the conversations that joined it.
fn still_open_around(app: &App, home: &Incident, grant: &Grant, now: Time) -> Vec<Proposal> {
    let mut open = still_open(home, now);
    app.with_state(|state| {
        open.extend(state.joined_seen(grant, &home.id).into_iter().flat_map(|found| still_open(found, now)));
    });
    open
}

/// Whether the incident proposed the same before; what is asked here is whether it still is open, and it is not.
fn has_ended(home: &Incident, wanted: &(String, String)) -> bool {
    home.proposals().any(|proposal| key(proposal) == *wanted)
}

/// Proposals with a step that can still be decided, or that runs.
fn still_open(incident: &Incident, now: Time) -> Vec<Proposal> {
    let is_open = |proposal: &&Proposal| {
        let mut records = proposal.steps.iter().filter_map(|step| incident.steps.get(step.id()));
        records.any(|record| !record.state.status_at(now).is_terminal())
    };
    let mut seen = BTreeSet::new();
    let proposals = incident.proposals().filter(|proposal| proposal.incident == incident.id).filter(is_open);
    proposals.filter(|proposal| seen.insert(proposal.id.clone())).cloned().collect()
}

/// Two proposals with the same key would do the same thing.
fn key(proposal: &Proposal) -> (String, String) {
    (proposal.runbook.clone(), format!("{:?}", proposal.params))
}

/// Sealed proposals, best first, and why others that fit could not be made.
async fn draft(
    app: &App,
    incident: &str,
    requester: &str,
    findings: &Findings,
    grant: &Grant,
    now: Time,
) -> (Vec<Proposal>, Vec<String>) {
    let inventory = app.inventory_seen(grant);
    let environment = environment(findings, &inventory);
    let situation = Situation {
        verdict: findings.verdict,
        evidence: &findings.evidence,
        suspects: &findings.suspects,
        changes: &findings.changes,
        environment: Some(&environment),
        inventory: &inventory,
    };
    let mut proposals = Vec::new();
    let mut notes = Vec::new();
    for candidate in app.parts.catalog.candidates(&situation) {
        if proposals.len() == MOST {
            break;
        }
        if let Some(note) = done_already(app, &candidate, grant) {
            notes.push(note);
            continue;
        }
        let Some(runbook) = app.parts.catalog.get(&candidate.runbook) else { continue };
        let id = new_id("p");
        let context = Context {
            incident,
            proposal: &id,
            proposer: "firstline",
            requester,
            evidence: &findings.evidence,
            window: Some(findings.window),
            environment: &environment,
            rules: &app.rules(),
            now,
        };
        let sealed = match Draft::of_candidate(runbook, &candidate, &app.parts.actions, &context) {
            Ok(mut draft) => {
                draft.rehearse(&app.parts.actions, &app.parts.redactor).await;
                draft.seal(&app.parts.redactor).map_err(|error| error.to_string())
            }
            Err(mistakes) => Err(mistakes.join("; ")),
        };
        match sealed {
            // What may not be seen there may not be proposed there.
            Ok(proposal) if !proposal.steps.iter().all(|step| may_act_on(grant, step)) => {}
            Ok(proposal) => proposals.push(proposal),
            Err(why) => notes.push(format!("runbook `{}` fits but cannot be proposed: {why}", candidate.runbook)),
        }
    }
    (proposals, notes)
}

fn may_act_on(grant: &Grant, step: &Step) -> bool {
    grant.allows(step.content().service(), Some(&step.content().environment))
}

/// A version to go to that the service went to already needs no step.
fn done_already(app: &App, candidate: &Candidate, grant: &Grant) -> Option<String> {
    let service = candidate.params.get("service")?.to_string();
    let to = candidate.params.get("to")?.to_string();
    let latest = app.with_state(|state| {
        let of_service =
            state.changes.iter().filter(|change| change.service == service && may_see_change(grant, change));
        of_service.max_by_key(|change| change.at).map(|change| (change.version.clone(), change.at))
    });
    let (version, at) = latest?;
    (version == to).then(|| format!("{service} went to {to} at {at} already; it is not proposed again"))
}

/// The environment of the suspected change, else the only one that is known.
fn environment(findings: &Findings, inventory: &runbooks::Inventory) -> String {
    let suspected = findings.changes.iter().find(|change| change.suspected);
    let of_change = suspected.and_then(|change| change.environment.clone());
    let only = || if inventory.environments.len() == 1 { inventory.environments.first().cloned() } else { None };
    of_change.or_else(only).unwrap_or_else(|| "production".to_owned())
}
