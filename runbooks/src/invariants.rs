//! What must always hold of a step, in one place that tests, models and production counters share.
//! Histories are judged here without the state machine, so that a mistake in it cannot excuse itself.

use std::collections::BTreeSet;

use evidence::Time;

use crate::actions::Actions;
use crate::approval::{Facts, StepEvent};
use crate::policy::Rules;
use crate::proposal::StepContent;

/// A broken invariant: its number, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub id: &'static str,
    pub text: String,
}

/// What a history has shown so far.
#[derive(Default)]
struct Seen<'h> {
    facts: Option<&'h Facts>,
    agreed: BTreeSet<&'h str>,
    start_by: Option<Time>,
    claim: Option<&'h str>,
    ended: Option<&'static str>,
    lost: bool,
    verified: bool,
}

/// Every broken invariant in the history of one step, under the rules that were in force throughout.
///
/// P1 approvals of exactly these bytes · P2 one attempt · P3 nothing after a deadline · P4 distinct humans, rejection is final ·
/// P5, P6 who may · P7 superseded is dead · P8 ends are ends · P9 what ended early never ran · P10 one claim · P11 lost is not success.
pub fn violations(history: &[StepEvent], rules: &Rules) -> Vec<Violation> {
    let mut seen = Seen::default();
    let mut found = Vec::new();
    for event in history {
        seen.judge(event, rules, &mut |id, text: &str| found.push(Violation { id, text: text.to_owned() }));
    }
    found
}

/// P13: the action is in the catalog in the version that was approved, and the arguments pass its schema as it is now.
///
/// # Errors
///
/// A sentence that says what is not so any more.
pub fn still_runnable(content: &StepContent, actions: &Actions) -> Result<(), String> {
    let Some(action) = actions.named(&content.action) else {
        return Err(format!("unknown action `{}` (known: {})", content.action, actions.names().join(", ")));
    };
    if action.version() != content.action_version {
        return Err(format!(
            "action `{}` is now version {} and the step was approved for version {}; ask again for a fresh proposal",
            content.action,
            action.version(),
            content.action_version
        ));
    }
    action.check(&content.arguments).map_err(|mistakes| mistakes.join("; "))
}

impl<'h> Seen<'h> {
    fn judge(&mut self, event: &'h StepEvent, rules: &Rules, broken: &mut dyn FnMut(&'static str, &str)) {
        let may_follow_the_end = matches!(event, StepEvent::Verified { .. });
        match self.ended {
            Some("superseded") => broken("P7", "something happened to a superseded step"),
            Some(_) if !may_follow_the_end => broken("P8", "something happened after the end"),
            _ => {}
        }
        match event {
            StepEvent::Proposed { facts, .. } => {
                if self.facts.replace(facts).is_some() {
                    broken("P7", "one step was proposed twice");
                }
            }
            StepEvent::Agreed { by, digest, at, .. } => {
                let Some(facts) = self.facts else { return broken("P1", "agreement before a proposal") };
                if *at >= facts.expires {
                    broken("P3", "agreement after the step expired");
                }
                if *digest != facts.digest {
                    broken("P1", "agreement to other bytes");
                }
                if !by.human || !rules.may_approve(by) {
                    broken("P5", "agreement of somebody who may not approve");
                }
                let is_own = by.id == facts.requester || by.id == facts.proposer;
                if is_own && !rules.may_approve_own(facts.risk) {
                    broken("P6", "agreement of the person who asked");
                }
                if !self.agreed.insert(&by.id) {
                    broken("P4", "one person counted twice");
                }
            }
            StepEvent::Approved { digest, start_by, at } => {
                let Some(facts) = self.facts else { return broken("P1", "approval before a proposal") };
                if *at >= facts.expires {
                    broken("P3", "approval after the step expired");
                }
                if *digest != facts.digest {
                    broken("P1", "approval of other bytes");
                }
                if self.agreed.len() < rules.approvals_needed(facts.risk) as usize {
                    broken("P4", "approval without a quorum");
                }
                self.start_by = Some(*start_by);
            }
            StepEvent::Claimed { claim, digest, at, .. } => {
                if self.claim.replace(claim).is_some() {
                    broken("P2", "a second attempt");
                }
                match (self.facts, self.start_by) {
                    (Some(facts), Some(start_by)) => {
                        if *digest != facts.digest {
                            broken("P1", "other bytes were started");
                        }
                        if *at >= start_by {
                            broken("P3", "started after its deadline");
                        }
                    }
                    _ => broken("P1", "started without an approval"),
                }
                if self.lost {
                    broken("P11", "a lost step was started again");
                }
            }
            StepEvent::Finished { claim, outcome, .. } => {
                if self.claim != Some(claim) {
                    broken("P10", "a result from a worker without the claim");
                }
                if self.lost {
                    broken("P11", "a lost step was shown as finished");
                }
                if outcome.result == crate::execute::Outcomes::Unknown {
                    self.lost = true;
                } else {
                    self.ended = Some("finished");
                }
            }
            StepEvent::DoneByHand { by, .. } => {
                if !by.human || !rules.may_approve(by) {
                    broken("P5", "done by somebody who may not say so");
                }
                if !self.facts.is_some_and(|facts| facts.manual) || self.claim.is_some() {
                    broken("P1", "a step that runs was called done by hand");
                }
                self.ended = Some("done by hand");
            }
            StepEvent::Lost { .. } => {
                if self.claim.is_none() || self.lost {
                    broken("P11", "lost without running");
                }
                self.lost = true;
            }
            StepEvent::Settled { by, .. } => {
                if !by.human || !rules.may_approve(by) {
                    broken("P5", "settled by somebody who may not");
                }
                if !self.lost {
                    broken("P11", "settled although nothing was lost");
                }
                self.ended = Some("settled");
            }
            StepEvent::Rejected { by, .. } => {
                if !by.human || !rules.may_approve(by) {
                    broken("P5", "rejected by somebody who may not");
                }
                self.end_early("rejected", broken);
            }
            StepEvent::Expired { at } => {
                let deadline = self.start_by.or(self.facts.map(|facts| facts.expires));
                if deadline.is_none_or(|deadline| *at < deadline) {
                    broken("P3", "expired before its deadline");
                }
                self.end_early("expired", broken);
            }
            StepEvent::Superseded { .. } => self.end_early("superseded", broken),
            StepEvent::Withdrawn { .. } => self.end_early("withdrawn", broken),
            StepEvent::Cancelled { .. } => self.end_early("cancelled", broken),
            StepEvent::CancelRequested { .. } => {
                if self.claim.is_none() {
                    broken("P9", "a step that does not run was asked to stop");
                }
            }
            StepEvent::Verified { .. } => {
                if self.verified || self.ended.is_none() {
                    broken("P8", "verified twice or before its end");
                }
                self.verified = true;
            }
        }
    }

    fn end_early(&mut self, how: &'static str, broken: &mut dyn FnMut(&'static str, &str)) {
        if self.claim.is_some() {
            broken("P9", "a step that had started was ended as if it had not");
        }
        self.ended = Some(how);
    }
}

#[cfg(test)]
mod tests;
