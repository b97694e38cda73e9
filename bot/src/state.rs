//! Everything the journal says, held in memory: incidents, their steps, recorded changes, locks. Lost without harm, rebuilt by reading.

pub mod locks;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use database::sealed::ERASURES;
use evidence::{Change, Grant, Redacted, Time};
use incident::journal::Entry;
use incident::{Event, Happened, Incident, StepRecord};
use runbooks::Status;
use serde::{Deserialize, Serialize};

use crate::tokens::{TOKENS, Tokens};
use locks::{LOCKS, Locks};

/// Streams of incidents and conversations: `incident/` and the id.
pub const INCIDENTS: &str = "incident/";
/// The stream of recorded changes.
pub const CHANGES: &str = "changes";

/// Streams of what running steps print: `output/` and the claim.
pub const OUTPUTS: &str = "output/";

/// An entry of a stream of [`OUTPUTS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum OutputEvent {
    Printed { step: String, text: Redacted },
}

/// An entry of [`CHANGES`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ChangeEvent {
    Recorded { change: Change },
}

#[derive(Default)]
pub struct State {
    /// Position of the last entry that was taken in.
    pub position: u64,
    /// Erasures up to this position were done before anything was read.
    pub erased_up_to: u64,
    pub incidents: BTreeMap<String, Incident>,
    /// In the order recorded; the same change recorded twice is here once.
    pub changes: Vec<Change>,
    pub changes_seq: u64,
    pub locks: Locks,
    pub tokens: Tokens,
    by_answer: HashMap<String, String>,
    by_step: HashMap<String, String>,
}

/// What an entry changed, for whoever shows it live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    Answer {
        incident: String,
        answer: String,
    },
    Step {
        incident: String,
        step: String,
    },
    Incident {
        incident: String,
    },
    Changes {
        change: Change,
    },
    /// A running step printed this.
    Output {
        step: String,
        chunk: String,
    },
    /// Something was erased, so everything has to be read again without it.
    Erased,
    Nothing,
}

impl State {
    /// Empty, for reading a journal of which everything up to a position is as it will stay.
    pub fn erased_up_to(position: u64) -> State {
        State { erased_up_to: position, ..State::default() }
    }

    /// Takes in the next entry; entries that this version does not know are skipped, never dropped from the journal.
    pub fn take(&mut self, entry: &Entry) -> Touched {
        debug_assert_eq!(entry.position, self.position + 1, "positions have no gaps");
        self.position = entry.position;
        if entry.stream == ERASURES && entry.position > self.erased_up_to {
            return Touched::Erased;
        }
        if entry.stream == CHANGES {
            self.changes_seq = entry.seq;
            return match serde_json::from_str(&entry.event) {
                Ok(ChangeEvent::Recorded { change }) => {
                    if !self.changes.contains(&change) {
                        self.changes.push(change.clone());
                    }
                    Touched::Changes { change }
                }
                Err(error) => unknown(entry, &error),
            };
        }
        if entry.stream.starts_with(LOCKS) {
            return self.locks.take(entry).map_or_else(|error| unknown(entry, &error), |()| Touched::Nothing);
        }
        if entry.stream.starts_with(OUTPUTS) {
            return match serde_json::from_str(&entry.event) {
                Ok(OutputEvent::Printed { step, text }) => Touched::Output { step, chunk: text.into_string() },
                Err(error) => unknown(entry, &error),
            };
        }
        if entry.stream == TOKENS {
            self.tokens.seq = entry.seq;
            match serde_json::from_str(&entry.event) {
                Ok(event) => self.tokens.apply(event),
                Err(error) => drop(unknown(entry, &error)),
            }
            return Touched::Nothing;
        }
        let Some(id) = entry.stream.strip_prefix(INCIDENTS) else { return Touched::Nothing };
        let incident = self.incidents.entry(id.to_owned()).or_insert_with(|| Incident::new(id));
        match fold(incident, entry) {
            Ok(event) => {
                if let Some(answer) = event.answer_id() {
                    self.by_answer.entry(answer.to_owned()).or_insert_with(|| id.to_owned());
                }
                if let Event::Proposed { proposals, .. } = &event {
                    let own = proposals.iter().filter(|proposal| proposal.incident == id);
                    for step in own.flat_map(|proposal| &proposal.steps) {
                        self.by_step.insert(step.id().to_owned(), id.to_owned());
                    }
                }
                if let Event::ProposedByHand { proposal, .. } = &event {
                    self.by_step.extend(proposal.steps.iter().map(|step| (step.id().to_owned(), id.to_owned())));
                }
                touched(id, &event)
            }
            Err(error) => unknown(entry, &error),
        }
    }

    pub fn incident_of_answer(&self, answer: &str) -> Option<&Incident> {
        self.incidents.get(self.by_answer.get(answer)?)
    }

    pub fn incident_of_step(&self, step: &str) -> Option<&Incident> {
        self.incidents.get(self.by_step.get(step)?)
    }

    /// The open incident about a service that something happened in last, if that is not longer ago than `since` and `grant` shows it.
    pub fn open_incident_about(&self, service: &str, since: Time, grant: &Grant) -> Option<&Incident> {
        self.incidents
            .values()
            .filter(|incident| incident.is_open() && crate::sight::may_see_incident(grant, incident))
            .filter(|incident| {
                incident.opened.as_ref().is_some_and(|opened| opened.service.as_deref() == Some(service))
            })
            .filter(|incident| incident.history.last().is_some_and(|last| last.at >= since))
            .max_by_key(|incident| incident.history.last().map(|last| last.at))
    }

    /// The conversations that turned out to be about this incident, in order of their ids.
    pub fn joined_to(&self, incident: &str) -> Vec<&Incident> {
        self.incidents.values().filter(|found| found.joined.as_deref() == Some(incident)).collect()
    }

    /// Why nothing of this incident or conversation has to be decided any more: it, or what it joined, was resolved.
    pub fn moot(&self, incident: &Incident) -> Option<String> {
        let home = incident.joined.as_deref().and_then(|home| self.incidents.get(home));
        let resolved = [Some(incident), home].into_iter().flatten().find(|incident| incident.resolved.is_some())?;
        Some(format!("incident `{}` was resolved", resolved.id))
    }

    /// The steps of which nobody knows how they ended, the latest first.
    pub fn unknown(&self) -> Vec<(&Incident, &StepRecord)> {
        let steps =
            self.incidents.values().flat_map(|incident| incident.steps.values().map(move |record| (incident, record)));
        let mut unknown: Vec<_> = steps.filter(|(_, record)| record.state.status == Status::Indeterminate).collect();
        unknown.sort_by_key(|(_, record)| Reverse(record.state.since));
        unknown
    }

    /// The steps that wait for a decision at `now`, the latest proposed first; those of one proposal keep their order.
    pub fn waiting(&self, now: Time) -> Vec<(&Incident, &StepRecord)> {
        let mut waiting: Vec<_> = Vec::new();
        for incident in self.incidents.values() {
            let steps = crate::views::steps_in_order(incident).into_iter();
            let open = steps.filter(|record| record.state.status_at(now) == Status::Proposed);
            waiting.extend(open.map(|record| (incident, record)));
        }
        waiting.sort_by_key(|(_, record)| Reverse(record.step.content().proposed_at));
        waiting
    }

    /// Finds a step by its id, or the first undecided step of the proposal with that id.
    pub fn step_named(&self, id: &str) -> Option<(&Incident, &StepRecord)> {
        if let Some(incident) = self.incident_of_step(id) {
            return incident.steps.get(id).map(|record| (incident, record));
        }
        self.incidents.values().find_map(|incident| {
            let proposal = incident.proposals().find(|proposal| proposal.id == id)?;
            let records = || proposal.steps.iter().filter_map(|step| incident.steps.get(step.id()));
            let open = records().find(|record| !record.state.status.is_terminal());
            open.or_else(|| records().next_back()).map(|record| (incident, record))
        })
    }
}

/// Takes the next entry of its stream into an incident; one that this version does not know only counts.
///
/// # Errors
///
/// When this version does not know the event.
pub fn fold(incident: &mut Incident, entry: &Entry) -> Result<Event, serde_json::Error> {
    match serde_json::from_str::<Event>(&entry.event) {
        Ok(event) => {
            incident.apply(Happened { at: entry.at, actor: entry.actor.clone(), event: event.clone() });
            Ok(event)
        }
        Err(error) => {
            incident.seq = entry.seq;
            Err(error)
        }
    }
}

fn touched(incident: &str, event: &Event) -> Touched {
    let incident = incident.to_owned();
    match event {
        Event::Answered(answered) => Touched::Answer { incident, answer: answered.answer.id.clone() },
        Event::Retold(retold) => Touched::Answer { incident, answer: retold.answer.clone() },
        Event::Step { step, .. } | Event::Held { step, .. } => Touched::Step { incident, step: step.clone() },
        Event::Asked(_)
        | Event::Found(_)
        | Event::NotFound { .. }
        | Event::Opened { .. }
        | Event::Joined { .. }
        | Event::ProposedByHand { .. }
        | Event::Proposed { .. }
        | Event::Resolved { .. } => Touched::Incident { incident },
    }
}

fn unknown(entry: &Entry, error: &serde_json::Error) -> Touched {
    tracing::warn!(stream = %entry.stream, seq = entry.seq, %error, "skipped an entry of the journal that this version does not know");
    Touched::Nothing
}
