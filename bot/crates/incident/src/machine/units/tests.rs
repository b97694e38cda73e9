//! A unit is agreed to as a whole, runs in order, and stops at the first that fails.

use std::collections::BTreeMap;

use evidence::Redactor;
use runbooks::proposal::unit_digest;
use runbooks::{Outcome, Outcomes, Person, Proposal, Step, StepContent};

use super::*;
use crate::Happened;
use crate::machine::tests::{rules, step};

fn member(name: &str, others: &[&str], after: Option<u32>) -> Step {
    let content = StepContent {
        step: format!("p-1.{name}"),
        together_with: others.iter().map(|other| format!("p-1.{other}")).collect(),
        after_seconds: after,
        verify: None,
        ..step().content().clone()
    };
    Step::seal(content, &Redactor::new([1; 32])).unwrap()
}

struct World {
    incident: Incident,
    clock: Time,
}

impl World {
    /// Two steps as one, and one beside them.
    fn new() -> World {
        let steps = vec![
            member("drain", &["restart"], None),
            member("restart", &["drain"], Some(60)),
            member("alone", &[], None),
        ];
        let proposal = Proposal {
            id: "p-1".into(),
            incident: "inc-1".into(),
            runbook: "roll-back-deploy".into(),
            title: "Drain and restart".into(),
            params: BTreeMap::new(),
            why: String::new(),
            citations: Vec::new(),
            steps: steps.clone(),
        };
        let mut world = World { incident: Incident::new("inc-1"), clock: step().content().proposed_at };
        world.happen(Event::ProposedByHand { by: "console:tom".into(), proposal, instead_of: None, undoes: None });
        for step in steps {
            let id = step.id().to_owned();
            world.command(&id, Command::Propose { step: Box::new(step) }).unwrap();
        }
        world
    }

    fn happen(&mut self, event: Event) -> Vec<Effect> {
        self.incident.apply(Happened { at: self.clock, actor: "test".into(), event })
    }

    fn command(&mut self, step: &str, command: Command) -> Result<Vec<Effect>, Refusal> {
        self.clock = self.clock.plus(jiff::SignedDuration::from_secs(1));
        let events = self.incident.decide(step, command, &rules(), self.clock)?;
        Ok(events.into_iter().flat_map(|event| self.happen(event)).collect())
    }

    fn status(&self, step: &str) -> Status {
        self.incident.steps[step].state.status
    }

    fn approve(&mut self, digest: Digest) -> Result<Vec<Effect>, Refusal> {
        let person = Person::human("console:ines", "ines");
        self.command("p-1.restart", Command::Approve { person, digest, reason: None })
    }

    fn claim(&mut self, step: &str) -> Result<Vec<Effect>, Refusal> {
        let digest = self.incident.steps[step].step.digest();
        self.command(step, Command::Claim { claim: format!("claim of {step}"), worker: "w".into(), digest })
    }

    fn finish(&mut self, step: &str, result: Outcomes) -> Vec<Effect> {
        let outcome = Outcome::new(result, evidence::Redacted::default());
        self.command(step, Command::Finish { claim: format!("claim of {step}"), outcome }).unwrap()
    }
}

fn execute(step: &str) -> Vec<Effect> {
    vec![Effect::Execute { step: step.into() }]
}

#[test]
fn a_unit_is_agreed_to_by_its_own_digest_only() {
    let mut world = World::new();
    let steps: Vec<Step> = ["p-1.drain", "p-1.restart"].map(|id| world.incident.steps[id].step.clone()).into();
    assert_eq!(world.approve(steps[1].digest()), Err(Refusal::OtherBytes));
    assert_eq!(world.status("p-1.drain"), Status::Proposed);
    let reversed = unit_digest(&[&steps[1], &steps[0]]);
    assert_eq!(world.approve(reversed), Err(Refusal::OtherBytes), "the order is part of it");
    let effects = world.approve(unit_digest(&[&steps[0], &steps[1]])).unwrap();
    assert_eq!(effects, execute("p-1.drain"));
    assert_eq!((world.status("p-1.drain"), world.status("p-1.restart")), (Status::Approved, Status::Approved));
    assert_eq!(world.status("p-1.alone"), Status::Proposed);
}

#[test]
fn a_unit_runs_in_order_and_the_second_waits_for_the_first() {
    let mut world = World::new();
    world.approve(world.incident.digest_of_unit("p-1.drain").unwrap()).unwrap();
    assert_eq!(world.claim("p-1.restart"), Err(Refusal::NotItsTurn));
    world.claim("p-1.drain").unwrap();
    assert_eq!(world.claim("p-1.restart"), Err(Refusal::NotItsTurn));
    world.clock = world.clock.plus(jiff::SignedDuration::from_secs(5 * 60));
    assert_eq!(world.finish("p-1.drain", Outcomes::Succeeded), execute("p-1.restart"));
    world.claim("p-1.restart").expect("the time that the first may take is added to its deadline");
}

#[test]
fn what_follows_a_failure_is_taken_back_also_after_a_restart() {
    for result in [Outcomes::Failed, Outcomes::TimedOut, Outcomes::Cancelled] {
        let mut world = World::new();
        world.approve(world.incident.digest_of_unit("p-1.drain").unwrap()).unwrap();
        world.claim("p-1.drain").unwrap();
        let withdraw = vec![Effect::Withdraw { step: "p-1.restart".into() }];
        assert_eq!(world.finish("p-1.drain", result), withdraw);
        assert_eq!(world.incident.unfinished(), withdraw);
        world.command("p-1.restart", Command::Withdraw { why: "the step before it failed".into() }).unwrap();
        assert_eq!(world.status("p-1.restart"), Status::Cancelled);
        assert_eq!(world.incident.unfinished(), []);
    }
}

#[test]
fn rejecting_one_rejects_the_unit() {
    let mut world = World::new();
    let person = Person::human("console:ines", "ines");
    world.command("p-1.drain", Command::Reject { person, reason: None }).unwrap();
    assert_eq!((world.status("p-1.drain"), world.status("p-1.restart")), (Status::Rejected, Status::Rejected));
}
