//! What may run at the same time: one step per target and kind of action, and so many over all. Each is a stream of its own;
//! whoever writes that a step was claimed or has ended writes these entries in the same transaction, so nobody runs without them.

use std::collections::BTreeMap;

use incident::journal::{Entry, NewEntry};
use incident::{Event, Incident};
use runbooks::{Digest, Outcomes, StepContent, StepEvent};
use serde::{Deserialize, Serialize};

/// Streams of locks: `lock/` and what is locked.
pub const LOCKS: &str = "lock/";
/// The stream of all that run, for the cap over all.
const RUNNING: &str = "lock/running";

/// An entry of a lock's stream. Its number in the stream is the fence: a later holder has a greater one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum LockEvent {
    Taken { incident: String, step: String, claim: String },
    Released { claim: String },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lock {
    seq: u64,
    /// Step by claim.
    holders: BTreeMap<String, String>,
}

/// Every lock there ever was, as of the last entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locks {
    locks: BTreeMap<String, Lock>,
}

/// Why a step cannot start now; it can when that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Another step acts on the same target, or nobody knows whether it still does.
    Target { target: String, step: String },
    /// As many run as may.
    All { most: u32 },
}

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Busy::Target { target, step } => write!(
                f,
                "`{step}` acts on {target}, or nobody knows how it ended; this starts when that has ended or was settled"
            ),
            Busy::All { most } => write!(
                f,
                "{most} steps run already, as many as may (`max_running` under `[approval]`); this starts when one has ended"
            ),
        }
    }
}

/// What no two steps may do at once.
pub fn target_of(content: &StepContent) -> String {
    const LONGEST: usize = 400;
    let name = format!("{}/{}", content.environment, content.target);
    let can_be_a_name = name.len() <= LONGEST && !name.chars().any(char::is_control);
    let name = if can_be_a_name { name } else { Digest::of(&name).to_string() };
    format!("{LOCKS}{name}/{}", content.action)
}

impl Locks {
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), serde_json::Error> {
        let lock = self.locks.entry(entry.stream.clone()).or_default();
        lock.seq = entry.seq;
        match serde_json::from_str(&entry.event)? {
            LockEvent::Taken { step, claim, .. } => drop(lock.holders.insert(claim, step)),
            LockEvent::Released { claim } => drop(lock.holders.remove(&claim)),
        }
        Ok(())
    }

    /// Why a step with this content cannot start now.
    pub fn busy(&self, content: &StepContent, most: u32) -> Option<Busy> {
        let stream = target_of(content);
        if let Some(step) = self.locks.get(&stream).and_then(|lock| lock.holders.values().next()) {
            return Some(Busy::Target { target: content.target.clone(), step: step.clone() });
        }
        let running = self.locks.get(RUNNING).map_or(0, |lock| lock.holders.len());
        (running >= most as usize).then_some(Busy::All { most })
    }

    /// The entries that have to stand beside `events` of an incident, in the same transaction.
    ///
    /// # Errors
    ///
    /// [`Busy`] when one of them is a claim for which there is no room.
    pub fn entries_beside(
        &self,
        incident: &Incident,
        events: &[Event],
        actor: &str,
        most: u32,
    ) -> Result<Vec<NewEntry>, Busy> {
        let mut after = self.clone();
        let mut entries = Vec::new();
        for event in events {
            let Event::Step { step, event } = event else { continue };
            let Some(record) = incident.steps.get(step) else { continue };
            let target = target_of(record.step.content());
            let held = record.state.claim.as_ref().map(|claim| claim.id.clone());
            match event {
                StepEvent::Claimed { claim, .. } => {
                    if let Some(busy) = after.busy(record.step.content(), most) {
                        return Err(busy);
                    }
                    let (incident, step) = (incident.id.clone(), step.clone());
                    let taken = LockEvent::Taken { incident, step, claim: claim.clone() };
                    entries.push(after.write(&target, &taken, actor));
                    entries.push(after.write(RUNNING, &taken, actor));
                }
                StepEvent::Finished { claim, outcome, .. } => {
                    // What may still be going on keeps others away until a person has looked.
                    if outcome.result != Outcomes::Unknown {
                        entries.extend(after.release(&target, claim, actor));
                    }
                    entries.extend(after.release(RUNNING, claim, actor));
                }
                StepEvent::Lost { .. } => {
                    entries.extend(held.and_then(|claim| after.release(RUNNING, &claim, actor)));
                }
                StepEvent::Settled { .. } => {
                    entries.extend(held.and_then(|claim| after.release(&target, &claim, actor)));
                }
                StepEvent::Proposed { .. }
                | StepEvent::Agreed { .. }
                | StepEvent::BrokeGlass { .. }
                | StepEvent::Paged { .. }
                | StepEvent::Reviewed { .. }
                | StepEvent::Approved { .. }
                | StepEvent::Rejected { .. }
                | StepEvent::Expired { .. }
                | StepEvent::Superseded { .. }
                | StepEvent::Cancelled { .. }
                | StepEvent::CancelRequested { .. }
                | StepEvent::DoneByHand { .. }
                | StepEvent::Withdrawn { .. }
                | StepEvent::Verified { .. } => {}
            }
        }
        Ok(entries)
    }

    fn write(&mut self, stream: &str, event: &LockEvent, actor: &str) -> NewEntry {
        let lock = self.locks.entry(stream.to_owned()).or_default();
        lock.seq += 1;
        match event {
            LockEvent::Taken { step, claim, .. } => drop(lock.holders.insert(claim.clone(), step.clone())),
            LockEvent::Released { claim } => drop(lock.holders.remove(claim)),
        }
        let text = serde_json::to_string(event).expect("names are plain data");
        NewEntry::new(stream, lock.seq, actor, text)
    }

    /// `None` when this claim does not hold it, as one of a version that had no locks.
    fn release(&mut self, stream: &str, claim: &str, actor: &str) -> Option<NewEntry> {
        let is_held = self.locks.get(stream).is_some_and(|lock| lock.holders.contains_key(claim));
        is_held.then(|| self.write(stream, &LockEvent::Released { claim: claim.to_owned() }, actor))
    }
}

#[cfg(test)]
mod tests;
