//! The state machine: one event in, effects out. No I/O, no clock, no chance; a replay of the journal is where it was.

mod units;

use std::collections::BTreeMap;

use evidence::Time;
use evidence::answer::{Answer, Verdict};
use runbooks::{Proposal, Rules, Status, Step, StepState};

use crate::Effect;
use crate::event::{Asked, Event, Found, Happened, Retold};

/// One conversation and what came of it. It becomes an incident when an answer finds a cause, or somebody says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Incident {
    pub id: String,
    /// The number of the last event that was applied; `0` before the first.
    pub seq: u64,
    pub opened: Option<Opened>,
    /// The open incident that this conversation is part of, when it did not open one itself.
    pub joined: Option<String>,
    pub resolved: Option<(Time, String)>,
    pub questions: Vec<Inquiry>,
    pub steps: BTreeMap<String, StepRecord>,
    /// What people proposed themselves, in order.
    pub by_hand: Vec<Proposal>,
    /// Everything, in order, for timelines and transcripts.
    pub history: Vec<Happened>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub at: Time,
    pub title: String,
    pub service: Option<String>,
}

/// One question on its way to an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Inquiry {
    pub asked_at: Time,
    pub asked: Asked,
    pub found: Option<Found>,
    pub failed: Option<String>,
    /// `None` until runbooks were looked through.
    pub proposals: Option<Vec<Proposal>>,
    pub notes: Vec<String>,
    pub answer: Option<Answer>,
    pub retold: Option<Retold>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    pub step: Step,
    pub state: StepState,
}

impl Incident {
    pub fn new(id: impl Into<String>) -> Incident {
        Incident { id: id.into(), ..Incident::default() }
    }

    /// Takes in the next event of this incident's stream and says what is to be done about it.
    pub fn apply(&mut self, happened: Happened) -> Vec<Effect> {
        self.seq += 1;
        let effects = self.take(happened.at, &happened.event);
        self.history.push(happened);
        effects
    }

    fn take(&mut self, at: Time, event: &Event) -> Vec<Effect> {
        match event {
            Event::Asked(asked) => {
                let effect = Effect::Search { answer: asked.answer.clone() };
                self.questions.push(Inquiry {
                    asked_at: at,
                    asked: asked.clone(),
                    found: None,
                    failed: None,
                    proposals: None,
                    notes: Vec::new(),
                    answer: None,
                    retold: None,
                });
                vec![effect]
            }
            Event::Found(found) => {
                let is_fault = found.findings.verdict != Verdict::NoFault;
                let Some(inquiry) = self.inquiry_mut(&found.answer) else { return Vec::new() };
                let may_need_steps = is_fault && inquiry.asked.question.is_diagnosis();
                inquiry.found = Some(found.clone());
                let answer = found.answer.clone();
                if may_need_steps {
                    return vec![Effect::Propose { answer }];
                }
                inquiry.proposals = Some(Vec::new());
                vec![Effect::Answer { answer }]
            }
            Event::NotFound { answer, reason } => {
                if let Some(inquiry) = self.inquiry_mut(answer) {
                    inquiry.failed = Some(reason.clone());
                }
                Vec::new()
            }
            Event::Opened { title, service } => {
                if self.opened.is_none() {
                    self.opened = Some(Opened { at, title: title.clone(), service: service.clone() });
                }
                Vec::new()
            }
            Event::Joined { incident } => {
                self.joined = Some(incident.clone());
                Vec::new()
            }
            Event::Proposed { answer, proposals, notes } => {
                // Steps of the incident that was joined live there; here they are only shown.
                let own = proposals.iter().filter(|proposal| proposal.incident == self.id);
                own.for_each(|proposal| add_steps(&mut self.steps, proposal));
                let Some(inquiry) = self.inquiry_mut(answer) else { return Vec::new() };
                inquiry.proposals = Some(proposals.clone());
                inquiry.notes = notes.clone();
                vec![Effect::Answer { answer: answer.clone() }]
            }
            Event::ProposedByHand { proposal, .. } => {
                if proposal.incident == self.id && self.by_hand.iter().all(|known| known.id != proposal.id) {
                    add_steps(&mut self.steps, proposal);
                    self.by_hand.push(proposal.clone());
                }
                Vec::new()
            }
            Event::Answered(answered) => {
                let id = answered.answer.id.clone();
                let Some(inquiry) = self.inquiry_mut(&id) else { return Vec::new() };
                inquiry.answer = Some(answered.answer.clone());
                if inquiry.wants_telling() { vec![Effect::Tell { answer: id }] } else { Vec::new() }
            }
            Event::Retold(retold) => {
                if let Some(inquiry) = self.inquiry_mut(&retold.answer) {
                    inquiry.retold = Some(retold.clone());
                }
                Vec::new()
            }
            Event::Step { step, event } => {
                let Some(record) = self.steps.get_mut(step) else { return Vec::new() };
                let before = record.state.status;
                record.state = runbooks::apply_at(record.state.clone(), event, at);
                if before == record.state.status { Vec::new() } else { self.effects_around(step) }
            }
            Event::Held { .. } => Vec::new(),
            Event::Resolved { note } => {
                self.resolved = Some((at, note.as_str().to_owned()));
                Vec::new()
            }
        }
    }

    /// What was begun and not finished: performed again after a restart.
    ///
    /// A step that was running is not in it: nobody knows how it ended, so nobody runs it again.
    pub fn unfinished(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for inquiry in &self.questions {
            let answer = inquiry.asked.answer.clone();
            if inquiry.failed.is_some() {
                continue;
            }
            if inquiry.found.is_none() {
                effects.push(Effect::Search { answer });
            } else if inquiry.proposals.is_none() {
                effects.push(Effect::Propose { answer });
            } else if inquiry.answer.is_none() {
                effects.push(Effect::Answer { answer });
            } else if inquiry.wants_telling() && inquiry.retold.is_none() {
                effects.push(Effect::Tell { answer });
            }
        }
        for step in self.steps.keys() {
            effects.extend(self.effects_of(step));
        }
        effects
    }

    pub fn inquiry(&self, answer: &str) -> Option<&Inquiry> {
        self.questions.iter().find(|inquiry| inquiry.asked.answer == answer)
    }

    fn inquiry_mut(&mut self, answer: &str) -> Option<&mut Inquiry> {
        self.questions.iter_mut().find(|inquiry| inquiry.asked.answer == answer)
    }

    pub fn is_open(&self) -> bool {
        self.opened.is_some() && self.resolved.is_none()
    }

    /// The answer as people see it now: with the model's telling, when one came and held.
    pub fn answer(&self, id: &str) -> Option<Answer> {
        let inquiry = self.inquiry(id)?;
        let answer = inquiry.answer.clone()?;
        Some(match &inquiry.retold {
            Some(retold) => crate::compose::retell(answer, retold),
            None => answer,
        })
    }

    /// Why an executor said last that a step does not start.
    pub fn held(&self, step: &str) -> Option<&str> {
        self.history.iter().rev().find_map(|happened| match &happened.event {
            Event::Held { step: of, why } if of == step => Some(why.as_str()),
            _ => None,
        })
    }

    /// The proposal that a step belongs to.
    pub fn proposal_of(&self, step: &str) -> Option<&Proposal> {
        self.proposals().find(|proposal| proposal.step(step).is_some())
    }

    pub fn proposals(&self) -> impl Iterator<Item = &Proposal> {
        self.questions.iter().filter_map(|inquiry| inquiry.proposals.as_ref()).flatten().chain(&self.by_hand)
    }

    /// The steps that wait for a decision at `now`.
    pub fn waiting(&self, now: Time) -> impl Iterator<Item = &StepRecord> {
        self.steps.values().filter(move |record| record.state.status_at(now) == Status::Proposed)
    }

    /// Composes a posted answer again, with the time that it took then.
    pub fn compose_as_posted(&self, answer: &str, rules: &Rules) -> Option<crate::compose::Composed> {
        let took_ms = self.inquiry(answer)?.answer.as_ref()?.took_ms;
        self.compose(answer, rules, took_ms)
    }

    /// Composes the answer to a question from what is recorded of it: the same bytes whenever it is called.
    pub fn compose(&self, answer: &str, rules: &Rules, took_ms: f64) -> Option<crate::compose::Composed> {
        crate::compose::compose(self, self.inquiry(answer)?, rules, took_ms)
    }
}

impl Inquiry {
    /// A model can only tell what can be cited.
    fn wants_telling(&self) -> bool {
        let has_ground = |answer: &Answer| !answer.evidence.is_empty() || !answer.changes.is_empty();
        self.asked.use_model && self.answer.as_ref().is_some_and(has_ground)
    }
}

fn add_steps(steps: &mut BTreeMap<String, StepRecord>, proposal: &Proposal) {
    for step in &proposal.steps {
        let record = StepRecord { step: step.clone(), state: StepState::default() };
        steps.entry(step.id().to_owned()).or_insert(record);
    }
}

#[cfg(test)]
pub(crate) mod tests;
