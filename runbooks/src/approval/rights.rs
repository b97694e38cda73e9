//! Whether somebody may: the policies as they are now, four eyes, and how many it takes.

use std::collections::BTreeSet;

use super::{Facts, Person, Refusal, Rights, StepState};
use crate::policy::{Rules, Verb};

/// The policies under which enough people still agree.
///
/// # Errors
///
/// [`Refusal::RulesChanged`] when too few of those who agreed may still approve, or none of them may have it started.
pub(super) fn still_agreed(state: &StepState, facts: &Facts, rules: &Rules) -> Result<Vec<String>, Refusal> {
    let mut because = BTreeSet::new();
    let mut agreed = 0;
    for person in state.people_who_agreed() {
        let is_allowed = !is_own(person, facts, rules) || rules.may_approve_own(facts.risk);
        if let (true, Ok(rights)) = (is_allowed, may(person, Verb::Approve, facts, rules)) {
            agreed += 1;
            because.extend(rights.because);
        }
    }
    if agreed < needed(facts, rules) || !somebody_may_run(state, None, facts, rules) {
        return Err(Refusal::RulesChanged);
    }
    Ok(because.into_iter().collect())
}

/// Whether one of those who agreed, or `also`, may have the step started.
pub(super) fn somebody_may_run(state: &StepState, also: Option<&Person>, facts: &Facts, rules: &Rules) -> bool {
    let may_run = |person: &Person| may(person, Verb::Run, facts, rules).is_ok();
    state.people_who_agreed().into_iter().chain(also).any(may_run)
}

pub(super) fn may_decide(person: &Person, facts: &Facts, rules: &Rules) -> Result<(), Refusal> {
    may(person, Verb::Approve, facts, rules).map(drop)
}

/// The rights by which somebody may do this now.
pub(super) fn may(person: &Person, verb: Verb, facts: &Facts, rules: &Rules) -> Result<Rights, Refusal> {
    if !person.human {
        return Err(Refusal::NotHuman { id: person.id.clone() });
    }
    if !rules.has_approvers() {
        return Err(Refusal::NobodyMayApprove);
    }
    let on = facts.operation();
    let ruling = rules.may(person, verb, &on);
    if ruling.allowed {
        return Ok(Rights { rules: rules.version().to_owned(), because: ruling.because });
    }
    let name = person.name.clone();
    if !rules.is_simple() || verb == Verb::BreakGlass {
        return Err(Refusal::MayNot { name, verb, on: Box::new(on), why: ruling.why() });
    }
    let is_elsewhere = !rules.may_act_in(&facts.environment);
    let is_approver = rules.roles_of(person).is_some_and(|roles| !roles.is_empty());
    match (is_elsewhere, is_approver) {
        (true, true) => Err(Refusal::EnvironmentNotAllowed { environment: facts.environment.clone() }),
        _ => Err(Refusal::MayNotApprove { name }),
    }
}

/// The stricter of what the card said and what the rules say now.
pub(super) fn needed(facts: &Facts, rules: &Rules) -> u32 {
    facts.approvals_needed.max(rules.approvals_needed(facts.risk))
}

pub(super) fn is_own(person: &Person, facts: &Facts, rules: &Rules) -> bool {
    [&facts.requester, &facts.proposer].iter().any(|text| rules.people().is_same(text, &person.id))
}

pub(super) fn count(n_people: usize) -> u32 {
    u32::try_from(n_people).unwrap_or(u32::MAX)
}
