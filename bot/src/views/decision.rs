//! What an auditor asks of one entry: who did what, when, where and why, with which rights, and with which result.
//! The names of these fields are relied on; `deploy/README.md` explains each.

use evidence::Time;
use evidence::answer::{Evidence, RankedChange, Risk};
use incident::journal::Entry;
use incident::{Event, Incident, StepRecord};
use runbooks::{StepEvent, approval};
use serde::Serialize;
use serde_json::Value;

use super::sentences::happened;
use crate::state::{INCIDENTS, State};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Decision {
    pub who: Who,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<What>,
    pub when: Option<Time>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    pub why: Why,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Rights>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Who {
    pub person: String,
    pub name: String,
    pub identity: String,
    pub platform: Option<String>,
    pub human: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct What {
    pub step: String,
    pub title: String,
    pub action: String,
    pub action_version: u32,
    pub arguments: Value,
    pub digest: String,
    pub runbook: String,
    pub runbook_digest: String,
    pub dry_run: Option<String>,
    pub precondition: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Place {
    pub target: String,
    pub service: String,
    pub environment: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Why {
    pub reason: Option<String>,
    pub question: Option<String>,
    pub evidence: Vec<Cited>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Cited {
    pub id: String,
    pub text: String,
}

/// As they were when the step was proposed, and how far they were met after this entry.
#[derive(Clone, Debug, Serialize)]
pub struct Rights {
    pub policy: String,
    pub risk: Risk,
    pub approvals_needed: u32,
    pub approvals_given: usize,
    pub approved_by: Vec<String>,
    pub proposer: String,
    pub requester: String,
    pub expires: Time,
    /// The version of the rules that this entry was decided by, and those of them that counted.
    pub rules: Option<String>,
    pub because: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Model {
    pub name: String,
    pub prompt: String,
    pub prompt_digest: String,
    pub records_shown: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What became of it: the step's status, an answer's verdict, or what was recorded.
    pub status: String,
    pub text: String,
}

/// What the entry decided; `state` has taken it in already. `None` for entries that decide nothing about an incident.
pub fn decision(entry: &Entry, state: &State) -> Option<Decision> {
    let incident = state.incidents.get(entry.stream.strip_prefix(INCIDENTS)?)?;
    let event: Event = serde_json::from_str(&entry.event).ok()?;
    let mut decision = Decision { who: who(&entry.actor), when: Some(entry.at), ..Decision::default() };
    let asked = event.answer_id().and_then(|answer| incident.inquiry(answer));
    decision.why.question = asked.map(|inquiry| inquiry.asked.question.text.clone());
    let result = |status: &str, text: String| Some(Outcome { status: status.to_owned(), text });
    match &event {
        Event::Asked(_) => decision.result = result("asked", String::new()),
        Event::Found(found) => {
            let text = format!("{} records searched", found.findings.coverage.records_searched);
            decision.result = result(found.findings.verdict.as_str(), text);
        }
        Event::NotFound { reason, .. } => decision.result = result("not_found", reason.clone()),
        Event::Opened { title, .. } => decision.result = result("opened", title.clone()),
        Event::Joined { incident } => decision.result = result("joined", incident.clone()),
        Event::Proposed { proposals, notes, .. } => {
            decision.why.reason = proposals.first().map(|proposal| proposal.why.clone());
            let titles: Vec<&str> = proposals.iter().map(|proposal| proposal.title.as_str()).collect();
            let status = if titles.is_empty() { "nothing_fits" } else { "proposed" };
            decision.result = result(status, if titles.is_empty() { notes.join(" ") } else { titles.join("; ") });
        }
        Event::Answered(answered) => {
            let answer = &answered.answer;
            let cited = answer.claims.iter().flat_map(|claim| &claim.citations);
            decision.why.evidence = cite(&answer.evidence, &answer.changes, cited);
            decision.result = result(answer.verdict.as_str(), answer.headline.clone());
        }
        Event::Retold(retold) => {
            decision.model = Some(Model {
                name: retold.model.name.clone(),
                prompt: retold.model.prompt.clone(),
                prompt_digest: retold.prompt_digest.clone(),
                records_shown: retold.shown_records,
            });
            decision.result = result("retold", retold.headline.clone().unwrap_or_default());
        }
        Event::Held { why, .. } => decision.result = result("held", why.as_str().to_owned()),
        Event::ProposedByHand { proposal, .. } => {
            decision.why.reason = Some(proposal.why.clone());
            decision.result = result("proposed", proposal.title.clone());
        }
        Event::Step { step, event } => {
            let record = incident.steps.get(step)?;
            of_step(&mut decision, record, event, incident, state);
        }
        Event::Resolved { note } => decision.result = result("resolved", note.as_str().to_owned()),
    }
    Some(decision)
}

fn of_step(decision: &mut Decision, record: &StepRecord, event: &StepEvent, incident: &Incident, state: &State) {
    let content = record.step.content();
    if let Some((person, reason)) = decided(event) {
        let identity = person.via.clone().unwrap_or_else(|| decision.who.identity.clone());
        decision.who =
            Who { person: person.id.clone(), name: person.name.clone(), human: person.human, ..who(&identity) };
        decision.why.reason = reason;
    }
    decision.when = Some(event.at());
    decision.what = Some(What {
        step: content.step.clone(),
        title: content.summary.clone(),
        action: content.action.clone(),
        action_version: content.action_version,
        arguments: content.arguments.clone(),
        digest: record.state.facts.as_ref().map_or_else(|| record.step.digest(), |facts| facts.digest).to_string(),
        runbook: content.runbook.clone(),
        runbook_digest: content.runbook_digest.to_string(),
        dry_run: content.dry_run.clone(),
        precondition: content.precondition.clone(),
    });
    decision.place = Some(Place {
        target: content.target.clone(),
        service: content.service().to_owned(),
        environment: content.environment.clone(),
    });
    // The question may have been asked in a conversation that joined this incident later.
    let asked = state.joined_to(&incident.id).into_iter().chain([incident]).flat_map(|found| &found.questions);
    let mut asked = asked.into_iter();
    let led_here =
        asked.find(|inquiry| inquiry.proposals.iter().flatten().any(|proposal| proposal.step(&content.step).is_some()));
    // What a person proposed themselves rests on what was found last.
    if let Some(inquiry) = led_here.or_else(|| incident.questions.last()) {
        decision.why.question = Some(inquiry.asked.question.text.clone());
        decision.why.evidence = match (&inquiry.answer, &inquiry.found) {
            (Some(answer), _) => cite(&answer.evidence, &answer.changes, &content.evidence),
            (None, Some(found)) => cite(&found.findings.evidence, &found.findings.changes, &content.evidence),
            (None, None) => Vec::new(),
        };
    }
    let approved_by: Vec<String> = record.state.people_who_agreed().iter().map(|person| person.id.clone()).collect();
    decision.rights = Some(Rights {
        policy: content.policy.clone(),
        risk: content.risk,
        approvals_needed: record.state.facts.as_ref().map_or(0, |facts| facts.approvals_needed),
        approvals_given: approved_by.len(),
        approved_by,
        proposer: content.proposer.clone(),
        requester: content.requester.clone(),
        expires: content.expires,
        rules: counted(event).map(|rights| rights.rules.clone()),
        because: counted(event).map(|rights| rights.because.clone()).unwrap_or_default(),
    });
    decision.result = Some(Outcome { status: record.state.status.to_string(), text: happened(event) });
}

fn counted(event: &StepEvent) -> Option<&approval::Rights> {
    match event {
        StepEvent::Agreed { rights, .. } | StepEvent::Claimed { rights, .. } | StepEvent::DoneByHand { rights, .. } => {
            rights.as_ref()
        }
        StepEvent::BrokeGlass { rights, .. } => Some(rights),
        _ => None,
    }
}

/// Who decided, and what they gave as the reason.
fn decided(event: &StepEvent) -> Option<(&runbooks::Person, Option<String>)> {
    match event {
        StepEvent::Agreed { by, reason, .. }
        | StepEvent::Rejected { by, reason, .. }
        | StepEvent::Cancelled { by, reason, .. }
        | StepEvent::CancelRequested { by, reason, .. }
        | StepEvent::DoneByHand { by, reason, .. }
        | StepEvent::Settled { by, reason, .. } => Some((by, reason.as_ref().map(|text| text.as_str().to_owned()))),
        StepEvent::BrokeGlass { by, reason: text, .. } | StepEvent::Reviewed { by, text, .. } => {
            Some((by, Some(text.as_str().to_owned())))
        }
        StepEvent::Proposed { .. }
        | StepEvent::Approved { .. }
        | StepEvent::Expired { .. }
        | StepEvent::Superseded { .. }
        | StepEvent::Claimed { .. }
        | StepEvent::Finished { .. }
        | StepEvent::Lost { .. }
        | StepEvent::Withdrawn { .. }
        | StepEvent::Paged { .. }
        | StepEvent::Verified { .. } => None,
    }
}

fn who(actor: &str) -> Who {
    let (platform, name) = match actor.split_once(':') {
        Some((platform, name)) if !actor.starts_with('⟨') => (Some(platform.to_owned()), name),
        _ => (None, actor),
    };
    let human = actor != "firstline";
    Who { person: actor.to_owned(), name: name.to_owned(), identity: actor.to_owned(), platform, human }
}

/// The texts of evidence (`E1`) and changes (`C1`), each once.
fn cite<'i>(evidence: &[Evidence], changes: &[RankedChange], ids: impl IntoIterator<Item = &'i String>) -> Vec<Cited> {
    let mut cited: Vec<Cited> = Vec::new();
    for id in ids {
        let row = evidence.iter().find(|row| row.id == *id);
        let row = row.map(|row| format!("{}: {} × {}", row.service, row.count, row.template));
        let change = changes.iter().find(|change| change.id == *id);
        let change = change.map(|change| format!("{} {} at {}", change.service, change.version, change.at));
        if let Some(text) = row.or(change)
            && cited.iter().all(|known| known.id != *id)
        {
            cited.push(Cited { id: id.clone(), text });
        }
    }
    cited
}
