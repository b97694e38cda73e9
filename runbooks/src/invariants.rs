//! What must always hold of a step, in one place that tests, models and production counters share.
//! Histories are judged here without the state machine, so that a mistake in it cannot excuse itself.

use std::collections::BTreeSet;

use evidence::Time;
use jiff::SignedDuration;

use crate::actions::Actions;
use crate::approval::{Facts, StepEvent};
use crate::people::Person;
use crate::policy::{Rules, Verb};
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
    /// Who broke the glass, and when.
    glass: Option<(&'h str, Time)>,
    reviewed: bool,
    claim: Option<&'h str>,
    ended: Option<&'static str>,
    lost: bool,
    verified: bool,
}

/// Every broken invariant in the history of one step, under the rules that were in force throughout.
///
/// P1 approvals of exactly these bytes · P2 one attempt · P3 nothing after a deadline · P4 distinct humans, rejection is final ·
/// P5, P6 who may · P7 superseded is dead · P8 ends are ends · P9 what ended early never ran · P10 one claim · P11 lost is not success ·
/// P18 broken glass has a reason, a right, a short deadline and another's review.
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
        let is_about_glass = matches!(event, StepEvent::Paged { .. } | StepEvent::Reviewed { .. });
        let may_follow_the_end = is_about_glass || matches!(event, StepEvent::Verified { .. });
        match self.ended {
            Some("superseded") if !is_about_glass => broken("P7", "something happened to a superseded step"),
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
                if !may(by, Verb::Approve, facts, rules) {
                    broken("P5", "agreement of somebody who may not approve");
                }
                let is_own =
                    [&facts.requester, &facts.proposer].iter().any(|text| rules.people().is_same(text, &by.id));
                if is_own && !rules.may_approve_own(facts.risk) {
                    broken("P6", "agreement of the person who asked");
                }
                if !self.agreed.insert(&by.id) {
                    broken("P4", "one person counted twice");
                }
            }
            StepEvent::BrokeGlass { by, digest, reason, at, .. } => {
                let Some(facts) = self.facts else { return broken("P1", "glass broken before a proposal") };
                if *at >= facts.expires {
                    broken("P3", "glass broken after the step expired");
                }
                if *digest != facts.digest {
                    broken("P1", "glass broken for other bytes");
                }
                if !may(by, Verb::BreakGlass, facts, rules) {
                    broken("P18", "glass broken by somebody who may not");
                }
                if reason.as_str().trim().chars().count() < 10 {
                    broken("P18", "glass broken without a reason");
                }
                if rules.break_glass().page_endpoint.is_empty() {
                    broken("P18", "glass broken and nobody told");
                }
                if self.glass.replace((&by.id, *at)).is_some() {
                    broken("P18", "glass broken twice");
                }
            }
            StepEvent::Paged { .. } => {
                if self.glass.is_none() {
                    broken("P18", "paged for glass that is whole");
                }
            }
            StepEvent::Reviewed { by, .. } => {
                let is_other = self.glass.is_some_and(|(broke, _)| broke != by.id);
                if !by.human || !is_other || std::mem::replace(&mut self.reviewed, true) {
                    broken("P18", "a review by the same person, of nothing, or a second one");
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
                match self.glass {
                    None if self.agreed.len() < rules.approvals_needed(facts.risk) as usize => {
                        broken("P4", "approval without a quorum");
                    }
                    Some((_, broke_at)) => {
                        let longest = SignedDuration::from_secs(300 + i64::from(facts.after_seconds));
                        if *start_by > broke_at.plus(longest) {
                            broken("P18", "broken glass with a long deadline");
                        }
                    }
                    None => {}
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
                if self.facts.is_none_or(|facts| !may(by, Verb::Run, facts, rules)) {
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
                if self.facts.is_none_or(|facts| !may(by, Verb::Approve, facts, rules)) {
                    broken("P5", "settled by somebody who may not");
                }
                if !self.lost {
                    broken("P11", "settled although nothing was lost");
                }
                self.ended = Some("settled");
            }
            StepEvent::Rejected { by, .. } => {
                if self.facts.is_none_or(|facts| !may(by, Verb::Approve, facts, rules)) {
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

fn may(person: &Person, verb: Verb, facts: &Facts, rules: &Rules) -> bool {
    person.human && rules.may(person, verb, &facts.operation()).allowed
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests;
