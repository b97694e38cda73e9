//! A runbook written from what was done in an incident: its steps in order with their values made parameters again, what people
//! noted as prose, and what cannot be known from a record. It passes `runbook check`; a person edits it before it is used.

mod blocks;
mod general;
mod triggers;
mod words;

use std::collections::BTreeMap;

use evidence::Time;
use evidence::answer::Risk;
use incident::{Event, Incident, StepRecord};
use runbooks::actions::ACTIONS;
use runbooks::markdown::{Against, examine};
use runbooks::params::Param;
use runbooks::runbook::{Block, Head, Runbook};
use runbooks::{Catalog, Status, StepEvent, written};
use serde::Serialize;

use self::blocks::{manual, undo_block, verify_block};
use self::general::General;
use self::words::{cut, id, one_line, without_times};
use super::sentences::short;
use super::step::{events_of, steps_in_order};
use super::track_record::{undos, was_undone};
use crate::app::Refused;

/// The form of `GET /api/incidents/{id}/runbook`.
#[derive(Clone, Debug, Serialize)]
pub struct RunbookDraft {
    pub id: String,
    pub title: String,
    pub incident: String,
    pub markdown: String,
    /// What a record does not tell, and a person has to.
    pub unknown: Vec<String>,
}

/// A step that was taken, and in which conversation.
struct Deed<'i> {
    incident: &'i Incident,
    record: &'i StepRecord,
    at: Time,
}

/// Writes the runbook. `joined` are the conversations that turned out to be about the incident.
///
/// # Errors
///
/// When nothing was done and nothing noted, so that there is nothing to write.
pub fn draft(incident: &Incident, joined: &[&Incident], catalog: &Catalog) -> Result<RunbookDraft, Refused> {
    let mut deeds: Vec<Deed<'_>> = Vec::new();
    let mut tried = Vec::new();
    for source in std::iter::once(incident).chain(joined.iter().copied()) {
        let is_undo = |record: &StepRecord| undos(source).any(|(undo, _)| undo.id == record.step.content().proposal);
        for record in steps_in_order(source).into_iter().filter(|record| !is_undo(record)) {
            match (record.state.status, began(source, record)) {
                (Status::Succeeded, _) if was_undone(source, record.step.id()) => tried.push(record),
                (Status::Succeeded, Some(at)) => deeds.push(Deed { incident: source, record, at }),
                (
                    Status::Rejected | Status::Failed | Status::TimedOut | Status::Indeterminate | Status::Cancelled,
                    _,
                ) => {
                    tried.push(record);
                }
                _ => {}
            }
        }
    }
    deeds.sort_by_key(|deed| deed.at);
    // What was done in the end was not unwanted.
    let summary = |record: &StepRecord| record.step.content().summary.clone();
    tried.retain(|record| deeds.iter().all(|deed| summary(deed.record) != summary(record)));
    let note = incident.resolved.as_ref().map(|(_, note)| one_line(note)).filter(|note| !note.is_empty());
    if deeds.is_empty() && note.is_none() {
        let text =
            format!("nothing was done in `{}` that the record knows of, and nobody noted what helped", incident.id);
        return Err(Refused::mistake(text).next("resolve it with a note that says what was done, then draft again"));
    }
    let page = Writing { incident, deeds: &deeds, tried: &tried, note, catalog };
    let (triggers, why_none) = triggers::of(&deeds);
    // Triggers come from evidence; where they cannot be used, the runbook stands without them.
    let (head, text, unknown) = page.write(triggers, why_none);
    let file = format!("{}.md", head.id);
    let (_, mistakes) = examine(&text, &file, &Against::default());
    let (head, text, unknown) = if mistakes.is_empty() {
        (head, text, unknown)
    } else {
        page.write(Vec::new(), Some("what the evidence looked like could not be made a trigger".to_owned()))
    };
    let (_, mistakes) = examine(&text, &file, &Against::default());
    if let Some(mistake) = mistakes.first() {
        let why = format!("what was done in `{}` cannot be written as a runbook: {mistake}", incident.id);
        return Err(Refused::mistake(why).next("write it by hand, from the timeline"));
    }
    Ok(RunbookDraft { id: head.id, title: head.title, incident: incident.id.clone(), markdown: text, unknown })
}

/// When a step began to run, or was done by hand.
fn began(incident: &Incident, record: &StepRecord) -> Option<Time> {
    let is_beginning = |event: &StepEvent| matches!(event, StepEvent::Claimed { .. } | StepEvent::DoneByHand { .. });
    events_of(incident, record).find_map(|(at, _, event)| is_beginning(event).then_some(at))
}

struct Writing<'i> {
    incident: &'i Incident,
    deeds: &'i [Deed<'i>],
    tried: &'i [&'i StepRecord],
    note: Option<String>,
    catalog: &'i Catalog,
}

impl Writing<'_> {
    fn write(
        &self,
        triggers: Vec<runbooks::runbook::Trigger>,
        why_none: Option<String>,
    ) -> (Head, String, Vec<String>) {
        let title = self.incident.opened.as_ref().map_or(self.incident.id.as_str(), |opened| &opened.title);
        let title = without_times(&one_line(title));
        let mut general = General::of(self.deeds, self.catalog);
        let mut unknown = vec![
            "Whether the steps are right elsewhere: they were taken once, in this order.".to_owned(),
            "What people did outside of Firstline: no record has it.".to_owned(),
        ];
        unknown.extend(why_none.map(|why| format!("When it should be proposed by itself: {why}.")));
        let mut body = String::new();
        let mut heading = String::new();
        for (idx, deed) in self.deeds.iter().enumerate() {
            let said = general.prose(&heading_of(deed));
            if said != heading {
                body.push_str(&format!("## {said}\n\n"));
                heading = said;
            }
            body.push_str(&self.told(deed));
            let block = self.block(idx, deed, &mut general);
            if deed.record.step.content().verify.is_none() {
                unknown.push(format!("How step {} is seen to have helped: it had no `verify`.", idx + 1));
            }
            if deed.record.state.verified.as_ref().is_some_and(|verified| !verified.shows_that_it_helped()) {
                unknown.push(format!("Whether step {} is needed: it ran well, but was not seen to help.", idx + 1));
            }
            body.push_str(&written::step(&block));
            body.push('\n');
        }
        if self.deeds.is_empty() {
            let note = self.note.as_deref().unwrap_or_default();
            body.push_str("## Do what helped\n\n");
            body.push_str(&written::step(&manual(&general.template(note))));
            body.push('\n');
            unknown.push("The steps: all that is recorded is the note with which it was resolved.".to_owned());
        }
        let (params, guesses) = general.declared(triggers.is_empty());
        unknown.extend(guesses);
        let head = Head {
            id: id(&self.incident.id),
            title: cut(&format!("What helped when {title}"), 150),
            when: cut(&title, 300),
            owner: String::new(),
            risk: self.risk(),
            says: self.says(&mut general).filter(|says| {
                runbooks::render::names_in(says).is_ok_and(|names| names.iter().all(|name| params.contains_key(name)))
            }),
            params,
            triggers,
        };
        let mut text = written::front_matter(&head);
        text.push_str(&format!("# {}\n\n", general::harmless(&head.title)));
        text.push_str(&format!(
            "A draft from `{}`, written from its record. Read every line before it is used.\n\n",
            self.incident.id
        ));
        text.push_str(&body);
        text.push_str(&self.told_besides());
        text.push_str("## What the record does not say\n\n");
        text.extend(unknown.iter().map(|line| format!("- {}\n", general::harmless(line))));
        (head, text, unknown)
    }

    /// What its proposal was called, when it was one.
    fn says(&self, general: &mut General) -> Option<String> {
        let mut headings = self.deeds.iter().map(heading_of);
        let first = headings.next()?;
        headings.all(|heading| heading == first).then(|| general.prose(&first))
    }

    /// That of the riskiest step.
    fn risk(&self) -> Risk {
        let rank = |risk: &Risk| match risk {
            Risk::Low => 0,
            Risk::Medium => 1,
            Risk::High => 2,
        };
        let risks = self.deeds.iter().map(|deed| deed.record.step.content().risk);
        risks.max_by_key(rank).unwrap_or(Risk::Medium)
    }

    /// What is known of how a step went, as prose.
    fn told(&self, deed: &Deed<'_>) -> String {
        let state = &deed.record.state;
        let mut sentences = Vec::new();
        if let Some(opened) = &self.incident.opened {
            let minutes = deed.at.since(opened.at).as_secs().max(0) / 60;
            sentences.push(format!("Taken {minutes} min after the incident was opened."));
        }
        if let Some(verified) = &state.verified {
            let word = if verified.shows_that_it_helped() { "It helped" } else { "Seen afterwards" };
            sentences.push(format!("{word}: {}.", one_line(&verified.text)));
        }
        let mut text = format!("{}\n\n", general::harmless(&sentences.join(" ")));
        for (_, _, event) in events_of(deed.incident, deed.record) {
            let reason = match event {
                StepEvent::Agreed { reason, .. } | StepEvent::DoneByHand { reason, .. } => reason.as_ref(),
                _ => None,
            };
            let note = reason.map(|reason| one_line(reason.as_str())).filter(|note| !note.is_empty());
            text.extend(note.map(|note| format!("> {}\n\n", general::harmless(&note))));
        }
        text
    }

    /// What was proposed and not done, and what people wrote.
    fn told_besides(&self) -> String {
        let mut text = String::new();
        if !self.tried.is_empty() {
            text.push_str("## What did not help, or was not wanted\n\n");
        }
        for record in self.tried {
            let how = match record.state.status {
                Status::Rejected => "rejected",
                Status::Failed => "failed",
                Status::TimedOut => "took too long",
                Status::Cancelled => "cancelled",
                Status::Succeeded => "taken back again",
                _ => "nobody knows how it ended",
            };
            let reason = record.state.reason.as_ref().map(|reason| one_line(reason.as_str()));
            let reason = reason.filter(|reason| !reason.is_empty()).map(|reason| format!(": “{reason}”"));
            let said = format!("{} ({how}{})", one_line(&record.step.content().summary), reason.unwrap_or_default());
            text.push_str(&format!("- {}\n", general::harmless(&said)));
        }
        if !self.tried.is_empty() {
            text.push('\n');
        }
        if let Some(note) = &self.note {
            text.push_str(&format!("## How it was closed\n\n> {}\n\n", general::harmless(note)));
        }
        text
    }

    fn block(&self, idx: usize, deed: &Deed<'_>, general: &mut General) -> Block {
        let content = deed.record.step.content();
        let original = self.original(deed);
        let is_known = ACTIONS.iter().any(|entry| entry.name == content.action);
        // A step of a runbook that is still the same is taken from there, with its parameters as they were written.
        let mut block = match original {
            Some(block) if is_known => general.taken(block),
            _ if is_known && content.action != "manual" => Block {
                action: content.action.clone(),
                args: general.tree(&content.arguments),
                target: Some(general.template(&content.target)),
                ..manual("")
            },
            _ => manual(&general.template(content.arguments["instruction"].as_str().unwrap_or(&content.summary))),
        };
        block.id = Some(format!("step-{}", idx + 1));
        block.together = false;
        block.risk = Some(content.risk);
        block.timeout = (block.action != "manual").then(|| format!("{}s", content.timeout_seconds.clamp(1, 900)));
        if block.target.is_none() && !general.has("service") {
            block.target = Some(general.template(&content.target));
        }
        if block.verify.is_none() {
            block.verify = content.verify.as_ref().map(|verify| verify_block(verify, general));
        }
        if block.undo.is_none() {
            block.undo = content.undo.as_ref().map(|undo| undo_block(undo, general));
        }
        block
    }

    /// The block that a step was rendered from, when its runbook has not changed since.
    fn original(&self, deed: &Deed<'_>) -> Option<&Block> {
        let content = deed.record.step.content();
        let runbook: &Runbook =
            self.catalog.get(&content.runbook).filter(|one| one.digest == content.runbook_digest)?;
        let id = content.step.strip_prefix(&format!("{}.", content.proposal))?;
        let step = runbook.steps.iter().find(|step| step.id == id)?;
        // The lines of a plain page are no templates.
        (!runbook.is_plain_page).then_some(&step.block)
    }
}

fn heading_of(deed: &Deed<'_>) -> String {
    let proposal = deed.incident.proposal_of(deed.record.step.id());
    proposal.map_or_else(|| short(&deed.record.step.content().summary), |proposal| proposal.title.clone())
}

/// The parameters of a proposal, by name, with what each was declared as.
type Declared = BTreeMap<String, (String, Option<Param>)>;

/// The values that a deed was made with.
fn values_of(deed: &Deed<'_>, catalog: &Catalog) -> Declared {
    let Some(proposal) = deed.incident.proposal_of(deed.record.step.id()) else { return Declared::new() };
    let runbook = catalog.get(&proposal.runbook);
    let declared = |name: &str| runbook.and_then(|runbook| runbook.head.params.get(name)).cloned();
    proposal.params.iter().map(|(name, value)| (name.clone(), (value.clone(), declared(name)))).collect()
}

/// The events of a deed's conversation that are answers, for what its evidence looked like.
fn answers<'i>(deed: &Deed<'i>) -> impl Iterator<Item = &'i evidence::answer::Answer> + use<'i> {
    deed.incident.history.iter().filter_map(|happened| match &happened.event {
        Event::Answered(answered) => Some(&answered.answer),
        _ => None,
    })
}
