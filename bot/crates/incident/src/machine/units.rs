//! Steps that are approved as one: decided together, run one after the other, and stopped by the first that fails.

use evidence::Time;
use runbooks::{Command, Digest, Refusal, Rules, Status};

use super::{Incident, StepRecord};
use crate::{Effect, Event};

/// Where a step stands among those before it in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Now,
    /// One before it has not ended.
    Later,
    /// One before it ended otherwise than well.
    Never,
}

impl Incident {
    /// The steps that are approved as one with this one, in their order; itself among them.
    pub fn unit_of(&self, step: &str) -> Vec<&StepRecord> {
        let unit = self.proposal_of(step).map(|proposal| proposal.unit_of(step)).unwrap_or_default();
        unit.into_iter().filter_map(|step| self.steps.get(step.id())).collect()
    }

    /// What a card's approval names: the digest of the step, or of the whole unit.
    pub fn digest_of_unit(&self, step: &str) -> Option<Digest> {
        let unit: Vec<_> = self.unit_of(step).into_iter().map(|record| &record.step).collect();
        (!unit.is_empty()).then(|| runbooks::proposal::unit_digest(&unit))
    }

    /// Decides a command about one step under the rules as they are now, as [`runbooks::decide`] does for a step alone.
    ///
    /// What agrees to, refuses or starts a unit is decided for all its steps, or for none; a step starts when those before it in
    /// its unit have succeeded.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], which changes nothing.
    pub fn decide(&self, step: &str, command: Command, rules: &Rules, now: Time) -> Result<Vec<Event>, Refusal> {
        let unit = self.unit_of(step);
        if matches!(command, Command::Claim { .. }) && self.turn(step) != Turn::Now {
            return Err(Refusal::NotItsTurn);
        }
        if unit.len() < 2 || !is_about_the_unit(&command) {
            let Some(record) = self.steps.get(step) else { return Ok(Vec::new()) };
            let events = runbooks::decide(&record.state, command, rules, now)?;
            return Ok(events.into_iter().map(|event| Event::Step { step: step.to_owned(), event }).collect());
        }
        let whole = self.digest_of_unit(step);
        let mut events = Vec::new();
        for record in unit {
            let own = for_one(command.clone(), whole, record.step.digest())?;
            let id = record.step.id();
            let decided = runbooks::decide(&record.state, own, rules, now)?;
            events.extend(decided.into_iter().map(|event| Event::Step { step: id.to_owned(), event }));
        }
        Ok(events)
    }

    fn turn(&self, step: &str) -> Turn {
        let mut before = self
            .unit_of(step)
            .into_iter()
            .take_while(|record| record.step.id() != step)
            .map(|record| record.state.status);
        match before.find(|status| *status != Status::Succeeded) {
            None => Turn::Now,
            Some(status) if status.is_terminal() => Turn::Never,
            Some(_) => Turn::Later,
        }
    }

    /// What is to be done about one step as it stands.
    pub(super) fn effects_of(&self, step: &str) -> Vec<Effect> {
        let Some(record) = self.steps.get(step) else { return Vec::new() };
        let step = step.to_owned();
        let is_unverified = record.step.content().verify.is_some() && record.state.verified.is_none();
        let mut effects = Vec::new();
        if record.state.broken_glass.as_ref().is_some_and(|glass| glass.paged.is_none()) {
            effects.push(Effect::Page { step: step.clone() });
        }
        match (record.state.status, self.turn(&step)) {
            (Status::Approved, Turn::Now) => effects.push(Effect::Execute { step }),
            (Status::Approved, Turn::Never) => effects.push(Effect::Withdraw { step }),
            (Status::Succeeded, _) if is_unverified => effects.push(Effect::Verify { step }),
            _ => {}
        }
        effects
    }

    /// What is to be done about a step whose status changed, and about those after it in its unit.
    pub fn effects_around(&self, step: &str) -> Vec<Effect> {
        let unit = self.unit_of(step);
        let from = unit.iter().position(|record| record.step.id() == step).unwrap_or(0);
        unit[from.min(unit.len())..].iter().flat_map(|record| self.effects_of(record.step.id())).collect()
    }
}

fn is_about_the_unit(command: &Command) -> bool {
    matches!(
        command,
        Command::Approve { .. } | Command::BreakGlass { .. } | Command::Reject { .. } | Command::Supersede { .. }
    )
}

/// The same command for one step of the unit, once it names the whole.
fn for_one(command: Command, whole: Option<Digest>, own: Digest) -> Result<Command, Refusal> {
    let check = |digest: Digest| if Some(digest) == whole { Ok(own) } else { Err(Refusal::OtherBytes) };
    Ok(match command {
        Command::Approve { person, digest, reason } => Command::Approve { person, digest: check(digest)?, reason },
        Command::BreakGlass { person, digest, reason } => {
            Command::BreakGlass { person, digest: check(digest)?, reason }
        }
        other => other,
    })
}

#[cfg(test)]
mod tests;
