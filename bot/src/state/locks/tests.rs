//! Claims, ends and crashes in; who holds what out.

use evidence::{Redacted, Redactor, Time};
use incident::{Event, Incident, StepRecord};
use runbooks::{Claim, Outcome, Person, Step, StepState};
use serde_json::json;

use super::*;

/// An incident of three steps: two act on checkout by the same action, the third on cart.
struct World {
    incident: Incident,
    locks: Locks,
    position: u64,
}

fn step(id: &str, target: &str) -> Step {
    let content = json!({
        "incident": "i", "proposal": "p", "step": id, "runbook": "r", "runbook_digest": Digest::of("r"),
        "action": "http", "action_version": 1, "arguments": {}, "summary": "s", "target": target,
        "environment": "production", "risk": "low", "executor": "firstline", "timeout_seconds": 60,
        "verify": null, "undo": null, "dry_run": null, "evidence": [], "proposer": "firstline", "requester": "tom",
        "policy": "rules", "proposed_at": Time(0), "expires": Time(9_000_000), "together_with": [],
    });
    Step::seal(serde_json::from_value(content).unwrap(), &Redactor::new([7; 32])).unwrap()
}

impl World {
    fn new() -> World {
        let mut incident = Incident::new("i");
        for (id, target) in [("a", "checkout"), ("b", "checkout"), ("c", "cart")] {
            let record = StepRecord { step: step(id, target), state: StepState::default() };
            incident.steps.insert(id.to_owned(), record);
        }
        World { incident, locks: Locks::default(), position: 0 }
    }

    fn write(&mut self, step: &str, event: StepEvent, most: u32) -> Result<Vec<String>, Busy> {
        let events = [Event::Step { step: step.to_owned(), event: event.clone() }];
        let entries = self.locks.entries_beside(&self.incident, &events, "firstline", most)?;
        if let StepEvent::Claimed { claim, worker, at, .. } = event {
            let claim = Claim { id: claim, worker, at };
            self.incident.steps.get_mut(step).unwrap().state.claim = Some(claim);
        }
        for entry in &entries {
            self.position += 1;
            let new = NewEntry::new(&entry.stream, 1, "firstline", entry.event.clone());
            let mut stored =
                incident::journal::link(&new, &incident::journal::genesis(&entry.stream), self.position, Time(0))
                    .unwrap();
            stored.seq = entry.expected_seq;
            let expected = self.locks.locks.get(&entry.stream).map_or(0, |lock| lock.seq) + 1;
            assert_eq!(entry.expected_seq, expected, "each entry is the next of its stream");
            self.locks.take(&stored).unwrap();
        }
        Ok(entries.into_iter().map(|entry| entry.stream).collect())
    }

    fn claim(&mut self, step: &str) -> Result<Vec<String>, Busy> {
        self.claim_of(step, 4)
    }

    fn claim_of(&mut self, step: &str, most: u32) -> Result<Vec<String>, Busy> {
        let (claim, worker, digest) = (format!("claim-{step}"), "w".to_owned(), Digest::of("d"));
        self.write(step, StepEvent::Claimed { claim, worker, digest, rights: None, at: Time(1) }, most)
    }

    fn finish(&mut self, step: &str, result: Outcomes) -> Vec<String> {
        let outcome = Outcome::new(result, Redacted::default());
        self.write(step, StepEvent::Finished { claim: format!("claim-{step}"), outcome, at: Time(2) }, 4).unwrap()
    }
}

#[test]
fn one_target_is_acted_on_by_one_step_at_a_time() {
    let mut world = World::new();
    assert_eq!(world.claim("a").unwrap(), ["lock/production/checkout/http", "lock/running"]);
    let busy = world.claim("b").unwrap_err();
    assert_eq!(busy, Busy::Target { target: "checkout".into(), step: "a".into() });
    assert!(busy.to_string().starts_with("`a` acts on checkout"));
    assert!(world.claim("c").is_ok(), "another target is free");
    assert_eq!(world.finish("a", Outcomes::Succeeded), ["lock/production/checkout/http", "lock/running"]);
    assert!(world.claim("b").is_ok());
}

#[test]
fn no_more_run_than_may() {
    let mut world = World::new();
    world.claim_of("a", 1).unwrap();
    assert_eq!(world.claim_of("c", 1).unwrap_err(), Busy::All { most: 1 });
    world.finish("a", Outcomes::Failed);
    assert!(world.claim_of("c", 1).is_ok());
}

#[test]
fn what_nobody_knows_the_end_of_keeps_its_target_and_frees_its_place() {
    let lost = StepEvent::Lost { why: "gone".into(), at: Time(2) };
    for is_reported in [false, true] {
        let mut world = World::new();
        world.claim_of("a", 1).unwrap();
        let released =
            if is_reported { world.finish("a", Outcomes::Unknown) } else { world.write("a", lost.clone(), 1).unwrap() };
        assert_eq!(released, ["lock/running"]);
        assert!(matches!(world.claim_of("b", 1), Err(Busy::Target { step, .. }) if step == "a"));
        assert!(world.claim_of("c", 1).is_ok(), "it does not run any more");
        world.finish("c", Outcomes::Succeeded);
        let by = Person::human("console:ines", "ines");
        let settled = StepEvent::Settled { by, succeeded: false, reason: None, at: Time(3) };
        assert_eq!(world.write("a", settled, 1).unwrap(), ["lock/production/checkout/http"]);
        assert!(world.claim_of("b", 1).is_ok());
    }
}

#[test]
fn a_step_of_before_there_were_locks_releases_none() {
    let mut world = World::new();
    world.claim("a").unwrap();
    world.locks = Locks::default();
    assert_eq!(world.finish("a", Outcomes::Succeeded), Vec::<String>::new());
}
