//! How runbooks have done: each version's proposals, what was decided, how they ended and whether they helped. Read from the journal.

use std::collections::BTreeMap;

use evidence::{Grant, Time};
use incident::{Event, Incident, StepRecord};
use runbooks::{Proposal, Status, StepEvent};
use serde::Serialize;

use super::step::events_of;
use crate::state::State;

/// One version of a runbook: the proposals that were made from exactly these bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionRecord {
    pub digest: String,
    /// Whether the runbook says this now.
    pub current: bool,
    pub proposed: u64,
    pub approved: u64,
    pub rejected: u64,
    /// Something of it was run, or done by hand.
    pub ran: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Verified, and not so before it began.
    pub helped: u64,
    /// A step of it was taken back again.
    pub undone: u64,
    /// Each proposal once, by how it ended; adds up to `proposed`.
    pub ended: Vec<Ended>,
    /// When something last happened to one.
    pub last: Option<Time>,
    /// From proposed to verified, over those that helped.
    pub median_seconds_to_verified: Option<f64>,
    /// Why people did not want it, the latest first.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    pub how: &'static str,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub at: Time,
    pub by: String,
    pub text: String,
}

/// The ways a proposal can end, the best first.
const ENDS: [&str; 9] =
    ["helped", "done", "did not help", "failed", "unknown", "rejected", "not needed", "expired", "open"];
/// Nobody reads more.
const MOST_REASONS: usize = 10;

#[derive(Default)]
struct Tally {
    uses: Vec<Use>,
}

/// What became of one proposal.
struct Use {
    end: &'static str,
    approved: bool,
    rejected: bool,
    ran: bool,
    succeeded: bool,
    failed: bool,
    undone: bool,
    last: Option<Time>,
    seconds_to_verified: Option<f64>,
    reasons: Vec<Reason>,
}

/// The versions of each runbook that was ever proposed, the latest used first.
pub fn track_records(state: &State, grant: &Grant, now: Time) -> BTreeMap<String, Vec<VersionRecord>> {
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    for incident in state.incidents_seen(grant) {
        let undos: Vec<(&Proposal, &str)> = undos(incident).collect();
        // Taking a step back is no use of its runbook.
        let is_use = |proposal: &&Proposal| {
            proposal.incident == incident.id && undos.iter().all(|(undo, _)| undo.id != proposal.id)
        };
        for proposal in incident.proposals().filter(is_use) {
            let records: Vec<&StepRecord> =
                proposal.steps.iter().filter_map(|step| incident.steps.get(step.id())).collect();
            let Some(first) = records.first() else { continue };
            let digest = first.step.content().runbook_digest.to_string();
            let tally = tallies.entry((proposal.runbook.clone(), digest)).or_default();
            tally.uses.push(used(incident, proposal, &records, now));
        }
    }
    let mut versions: BTreeMap<String, Vec<VersionRecord>> = BTreeMap::new();
    for ((runbook, digest), tally) in tallies {
        versions.entry(runbook).or_default().push(tally.record(digest));
    }
    for versions in versions.values_mut() {
        versions.sort_by_key(|version| std::cmp::Reverse(version.last));
    }
    versions
}

/// The records of one runbook, with the version that it has now first, used or not.
pub fn with_current(records: Option<&Vec<VersionRecord>>, digest: &str) -> Vec<VersionRecord> {
    let mut versions = records.cloned().unwrap_or_default();
    match versions.iter_mut().find(|version| version.digest == digest) {
        Some(version) => version.current = true,
        None => versions.push(VersionRecord { current: true, ..Tally::default().record(digest.to_owned()) }),
    }
    versions.sort_by_key(|version| !version.current);
    versions
}

/// The proposals that take a step back, each with the step.
pub(super) fn undos(incident: &Incident) -> impl Iterator<Item = (&Proposal, &str)> {
    incident.history.iter().filter_map(|happened| match &happened.event {
        Event::ProposedByHand { proposal, undoes: Some(step), .. } => Some((proposal, step.as_str())),
        _ => None,
    })
}

/// Whether a step was taken back by another that ran well.
pub(super) fn was_undone(incident: &Incident, step: &str) -> bool {
    let ran_well = |proposal: &Proposal| {
        let records = proposal.steps.iter().filter_map(|step| incident.steps.get(step.id()));
        records.into_iter().any(|record| record.state.status == Status::Succeeded)
    };
    undos(incident).any(|(proposal, undone)| undone == step && ran_well(proposal))
}

fn used(incident: &Incident, proposal: &Proposal, records: &[&StepRecord], now: Time) -> Use {
    let any = |is_so: &dyn Fn(&StepRecord) -> bool| records.iter().any(|record| is_so(record));
    let has = |status: Status| any(&|record| record.state.status_at(now) == status);
    let happened =
        |is_it: fn(&StepEvent) -> bool| any(&|record| events_of(incident, record).any(|(_, _, event)| is_it(event)));
    let failed = has(Status::Failed) || has(Status::TimedOut);
    let verified = || records.iter().filter_map(|record| record.state.verified.as_ref());
    let helped = verified().any(runbooks::approval::Verification::shows_that_it_helped);
    let succeeded = has(Status::Succeeded) && !failed && !has(Status::Indeterminate);
    let end = match () {
        () if failed => "failed",
        () if has(Status::Indeterminate) => "unknown",
        () if verified().any(|verified| !verified.holds) => "did not help",
        () if helped => "helped",
        () if succeeded => "done",
        () if has(Status::Superseded) || any(&|record| record.state.withdrawn.is_some()) => "not needed",
        () if has(Status::Rejected) || has(Status::Cancelled) => "rejected",
        () if has(Status::Expired) => "expired",
        () => "open",
    };
    let verified_at = records.iter().flat_map(|record| events_of(incident, record)).filter_map(|(at, _, event)| {
        matches!(event, StepEvent::Verified { verified: true, held_before: false, .. }).then_some(at)
    });
    let proposed_at = records.first().map(|record| record.step.content().proposed_at);
    let seconds = proposed_at.zip(verified_at.max()).map(|(from, to)| to.since(from).as_secs_f64().max(0.0));
    let reasons = records.iter().filter(|record| record.state.status == Status::Rejected).filter_map(|record| {
        let (state, at) = (&record.state, record.state.since?);
        let text = state.reason.as_ref()?.as_str().to_owned();
        Some(Reason { at, by: state.decided_by.as_ref().map(|by| by.name.clone()).unwrap_or_default(), text })
    });
    let mut reasons: Vec<Reason> = reasons.collect();
    // Steps that are one unit are rejected with one reason.
    reasons.dedup_by(|one, other| one.text == other.text);
    debug_assert!(ENDS.contains(&end), "{end} of {} is listed", proposal.id);
    Use {
        end,
        approved: happened(|event| matches!(event, StepEvent::Approved { .. })),
        rejected: has(Status::Rejected),
        ran: happened(|event| matches!(event, StepEvent::Claimed { .. } | StepEvent::DoneByHand { .. })),
        succeeded,
        failed,
        undone: any(&|record| was_undone(incident, record.step.id())),
        last: records.iter().filter_map(|record| record.state.since).max(),
        seconds_to_verified: seconds.filter(|_| helped),
        reasons,
    }
}

impl Tally {
    fn record(self, digest: String) -> VersionRecord {
        let count = |is_so: &dyn Fn(&Use) -> bool| self.uses.iter().filter(|used| is_so(used)).count() as u64;
        let ends = ENDS.into_iter().map(|how| Ended { how, count: count(&|used| used.end == how) });
        let mut seconds: Vec<f64> = self.uses.iter().filter_map(|used| used.seconds_to_verified).collect();
        seconds.sort_by(f64::total_cmp);
        let mut reasons: Vec<Reason> = self.uses.iter().flat_map(|used| used.reasons.clone()).collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.at));
        reasons.truncate(MOST_REASONS);
        VersionRecord {
            current: false,
            proposed: self.uses.len() as u64,
            approved: count(&|used| used.approved),
            rejected: count(&|used| used.rejected),
            ran: count(&|used| used.ran),
            succeeded: count(&|used| used.succeeded),
            failed: count(&|used| used.failed),
            helped: count(&|used| used.seconds_to_verified.is_some()),
            undone: count(&|used| used.undone),
            ended: ends.filter(|ended| ended.count > 0).collect(),
            last: self.uses.iter().filter_map(|used| used.last).max(),
            median_seconds_to_verified: median(&seconds),
            reasons,
            digest,
        }
    }
}

/// The middle of what is sorted; of an even number the mean of the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(sorted[middle - 1].midpoint(sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
    }

    #[test]
    fn a_runbook_that_was_edited_shows_its_new_version_first() {
        let old = Tally::default().record("old".into());
        let versions = with_current(Some(&vec![VersionRecord { proposed: 3, ..old }]), "new");
        let found: Vec<_> = versions.iter().map(|one| (one.digest.as_str(), one.current, one.proposed)).collect();
        assert_eq!(found, [("new", true, 0), ("old", false, 3)]);
        assert!(with_current(None, "new")[0].current);
    }
}
