//! How an incident stands, in one glance: what was done about it, by whom, when, and what is left to do.

use evidence::Time;
use evidence::answer::{Answer, EvidenceKind, Verdict};
use incident::{Incident, StepRecord};
use runbooks::{Status, StepEvent};
use serde::Serialize;

use super::sentences::{happened, name_of};
use super::step::{events_of, interrupted, steps_in_order, title};

/// What the top of an incident's page says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub state: Stand,
    /// One sentence, without the time, which is [`Standing::at`].
    pub text: String,
    /// Since when it is so.
    pub at: Time,
    /// What was done about it, oldest first.
    pub done: Vec<Deed>,
    /// What a person still has to do; empty when nothing is left.
    pub left: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Nothing was done yet.
    Open,
    /// A step waits for a decision.
    Waiting,
    Running,
    /// Nobody knows how a step ended.
    Unknown,
    /// A step was done, and whether it helped is not known yet.
    Watching,
    /// A step was done and failed, or did not help, or it came back.
    NotOver,
    /// A step was done and the evidence is gone.
    Over,
    Resolved,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    pub at: Time,
    pub text: String,
}

/// What needs a person most comes first: an unknown end, then what runs, then what was done last, then what waits.
///
/// `joined` are the conversations that turned out to be about the incident: their answers tell as well whether it came back.
pub fn standing(incident: &Incident, joined: &[&Incident], now: Time) -> Standing {
    let waiting: Vec<&StepRecord> =
        steps_in_order(incident).into_iter().filter(|record| record.state.status_at(now) == Status::Proposed).collect();
    let mut standing = resolved(incident)
        .or_else(|| last_deed(incident, now).map(|record| after(incident, record, now)))
        .unwrap_or_else(|| before(incident, waiting.first().copied(), now));
    if let Some(answer) = back_since(incident, joined, &standing) {
        standing.state = Stand::NotOver;
        standing.text = format!("It came back: {}", answer.headline);
        standing.left = vec!["Read the newest answer.".to_owned()];
    }
    // The first that waits may be named in the sentence already.
    match waiting.len() - usize::from(standing.state == Stand::Waiting) {
        0 => {}
        1 => standing.left.push("1 more step waits for a decision; reject it if it is not needed.".to_owned()),
        more => standing.left.push(format!("{more} more steps wait for a decision; reject what is not needed.")),
    }
    standing
}

fn resolved(incident: &Incident) -> Option<Standing> {
    let (at, note) = incident.resolved.as_ref()?;
    let by = resolver(incident).unwrap_or("somebody");
    let note = if note.trim().is_empty() { String::new() } else { format!(": “{note}”") };
    let text = format!("Resolved by {by}{note}");
    let done = incident.steps.values().filter(|record| was_done(record)).flat_map(|record| deeds(incident, record));
    let mut done: Vec<Deed> = done.collect();
    done.sort_by_key(|deed| deed.at);
    Some(Standing { state: Stand::Resolved, text, at: *at, done, left: Vec::new() })
}

/// The name of whoever closed the incident.
pub(super) fn resolver(incident: &Incident) -> Option<&str> {
    let entry = incident.history.iter().rev();
    let mut entry = entry.filter(|happened| matches!(happened.event, incident::Event::Resolved { .. }));
    entry.next().map(|happened| name_of(&happened.actor))
}

fn was_done(record: &StepRecord) -> bool {
    matches!(
        record.state.status,
        Status::Approved
            | Status::Running
            | Status::Indeterminate
            | Status::Succeeded
            | Status::Failed
            | Status::TimedOut
    )
}

/// The step that decides how things stand.
fn last_deed(incident: &Incident, now: Time) -> Option<&StepRecord> {
    let done =
        incident.steps.values().filter(|record| was_done(record) && record.state.status_at(now) != Status::Expired);
    done.max_by_key(|record| {
        let rank = match record.state.status {
            Status::Indeterminate => 2,
            Status::Approved | Status::Running => 1,
            _ => 0,
        };
        (rank, record.state.since)
    })
}

fn after(incident: &Incident, record: &StepRecord, now: Time) -> Standing {
    let name = name(incident, record);
    let target = &record.step.content().target;
    let watched = record.step.content().verify.is_some();
    let (state, text, left) = match (record.state.status, &record.state.verified) {
        (Status::Indeterminate, _) => {
            let look = format!("Look at {target}, then say on the step what you found.");
            (Stand::Unknown, format!("It is not known how it ended: {name}"), Some(look))
        }
        (Status::Approved, _) => (Stand::Running, format!("Approved, starting: {name}"), None),
        (Status::Running, _) => (Stand::Running, format!("Running: {name}"), None),
        (Status::Succeeded, Some(found)) if found.shows_that_it_helped() => {
            (Stand::Over, format!("Verified, it helped: {name}"), Some("Resolve the incident.".to_owned()))
        }
        (Status::Succeeded, Some(found)) if found.holds => {
            let text = format!("It is over, and was so before this step: {name}");
            (Stand::Over, text, Some("Ask “is it fixed?”, then resolve the incident.".to_owned()))
        }
        (Status::Succeeded, Some(_)) => {
            (Stand::NotOver, format!("Done, but it did not help: {name}"), Some("Ask again, then decide.".to_owned()))
        }
        (Status::Succeeded, None) if interrupted(incident, record, now).is_some() => {
            let next = "Nobody watches whether it helped: start `firstline serve`, or ask “is it fixed?”.";
            (Stand::Watching, format!("Done, not verified: {name}"), Some(next.to_owned()))
        }
        (Status::Succeeded, None) if watched => {
            (Stand::Watching, format!("Done, watching whether it helped: {name}"), None)
        }
        (Status::Succeeded, None) => {
            (Stand::Watching, format!("Done: {name}"), Some("Ask “is it fixed?”; nothing watches it.".to_owned()))
        }
        (status, _) => (Stand::NotOver, format!("It {status}: {name}"), Some("Ask again, then decide.".to_owned())),
    };
    let done = deeds(incident, record);
    let at = done.last().map(|deed| deed.at).or(record.state.since).unwrap_or(now);
    Standing { state, text, at, done, left: left.into_iter().collect() }
}

fn before(incident: &Incident, waiting: Option<&StepRecord>, now: Time) -> Standing {
    let opened = incident.opened.as_ref().map_or(now, |opened| opened.at);
    let (state, text, left) = match waiting {
        Some(record) => {
            let name = name(incident, record);
            (Stand::Waiting, format!("Waits for a decision: {name}"), "Approve or reject it.")
        }
        None => (Stand::Open, "Open, nothing was done about it".to_owned(), "Mend it, then resolve the incident."),
    };
    Standing { state, text, at: opened, done: Vec::new(), left: vec![left.to_owned()] }
}

/// What people and Firstline did with a step, in few words; its card has the rest.
fn deeds(incident: &Incident, record: &StepRecord) -> Vec<Deed> {
    let deed = |(at, _, event): (Time, &str, &StepEvent)| {
        let text = match event {
            StepEvent::Agreed { by, .. } => format!("{} approved it", by.name),
            StepEvent::Finished { outcome, .. } => format!("it ran: {}", outcome.summary),
            StepEvent::DoneByHand { by, .. } => format!("{} did it by hand", by.name),
            StepEvent::Lost { .. } => "whoever ran it was lost".to_owned(),
            StepEvent::Settled { by, succeeded, .. } => {
                format!("{} says it {}", by.name, if *succeeded { "succeeded" } else { "failed" })
            }
            StepEvent::Verified { .. }
            | StepEvent::BrokeGlass { .. }
            | StepEvent::Paged { .. }
            | StepEvent::Reviewed { .. } => happened(event),
            StepEvent::Proposed { .. }
            | StepEvent::Approved { .. }
            | StepEvent::Rejected { .. }
            | StepEvent::Expired { .. }
            | StepEvent::Superseded { .. }
            | StepEvent::Withdrawn { .. }
            | StepEvent::Cancelled { .. }
            | StepEvent::Claimed { .. }
            | StepEvent::CancelRequested { .. } => return None,
        };
        Some(Deed { at, text })
    };
    events_of(incident, record).filter_map(deed).collect()
}

/// The newest answer, if it was asked after all was well and saw the fault's lines even later.
fn back_since<'i>(incident: &'i Incident, joined: &[&'i Incident], standing: &Standing) -> Option<&'i Answer> {
    if !matches!(standing.state, Stand::Over | Stand::Resolved) {
        return None;
    }
    let asked = std::iter::once(incident).chain(joined.iter().copied()).flat_map(|about| &about.questions);
    let newest = asked.filter(|inquiry| inquiry.answer.is_some()).max_by_key(|inquiry| inquiry.asked_at)?;
    let answer = newest.answer.as_ref().filter(|answer| answer.verdict == Verdict::Cause)?;
    let still = |kind| matches!(kind, EvidenceKind::New | EvidenceKind::Burst);
    let seen =
        answer.evidence.iter().filter(|evidence| still(evidence.kind)).filter_map(|evidence| evidence.last).max()?;
    (newest.asked_at > standing.at && seen > standing.at).then_some(answer)
}

fn name(incident: &Incident, record: &StepRecord) -> String {
    let title = title(incident, record);
    if title.is_empty() { record.step.content().summary.clone() } else { title }
}
