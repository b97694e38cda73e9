//! Events in, effects out: the path of a question and of a step, and what a replay finds unfinished.

use evidence::{Redacted, Redactor};
use runbooks::policy::{Approvals, Settings};
use runbooks::{Command, Digest, Outcome, Outcomes, Person, Rules, StepContent};

use super::*;
use crate::check::tests::{incident as findings, time};
use crate::event::Answered;
use crate::understand::{Known, KnownService, Overrides, understand};

fn asked(text: &str) -> Asked {
    let services = [KnownService::named("checkout"), KnownService::named("gateway")];
    let known = Known {
        now: time("14:15:20"),
        zone: jiff::tz::TimeZone::UTC,
        services: &services,
        reach: Some((time("12:00:00"), time("14:15:00"))),
        changes: &[],
    };
    let question = understand(text, &known, &Overrides::default(), None).unwrap();
    Asked {
        answer: "a-1".into(),
        by: "console:tom".into(),
        question,
        zone: "UTC".into(),
        use_model: false,
        grant: None,
    }
}

fn found() -> Found {
    Found {
        answer: "a-1".into(),
        findings: findings(),
        services: vec!["checkout".into(), "gateway".into()],
        unconfirmed: Vec::new(),
    }
}

pub(crate) fn step() -> Step {
    let content = StepContent {
        incident: "inc-1".into(),
        proposal: "p-1".into(),
        step: "p-1.roll-back".into(),
        runbook: "roll-back-deploy".into(),
        runbook_digest: Digest::of("runbook"),
        action: "http".into(),
        action_version: 1,
        arguments: serde_json::json!({"path": "/v1/rollback"}),
        summary: "Roll back".into(),
        target: "checkout".into(),
        environment: "production".into(),
        risk: evidence::answer::Risk::Medium,
        executor: "firstline".into(),
        timeout_seconds: 60,
        verify: Some(runbooks::Verify {
            what: runbooks::verify::What::Query { query: "\"pool exhausted\"".into() },
            wants: runbooks::verify::Wants::AtMost { count: 0, was_per_minute: None },
            for_seconds: 45,
            within_seconds: 300,
        }),
        undo: None,
        dry_run: None,
        precondition: None,
        service: None,
        evidence: vec!["E1".into()],
        proposer: "firstline".into(),
        requester: "console:tom".into(),
        policy: "rules".into(),
        proposed_at: time("14:15:21"),
        expires: time("14:30:21"),
        together_with: Vec::new(),
        after_seconds: None,
    };
    Step::seal(content, &Redactor::new([1; 32])).unwrap()
}

pub(crate) fn rules() -> Rules {
    let everyone = std::collections::BTreeSet::from(["*".to_owned()]);
    let approvals = Approvals { low: 1, medium: 1, high: 2 };
    Rules::new(Settings { approvers: everyone.clone(), environments: everyone, approvals, ..Settings::default() })
}

struct World {
    incident: Incident,
    clock: Time,
}

impl World {
    fn new() -> World {
        World { incident: Incident::new("inc-1"), clock: time("14:15:20") }
    }

    fn happen(&mut self, event: Event) -> Vec<Effect> {
        self.clock = self.clock.plus(jiff::SignedDuration::from_secs(1));
        self.incident.apply(Happened { at: self.clock, actor: "test".into(), event })
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        let state = self.incident.steps["p-1.roll-back"].state.clone();
        let events = runbooks::decide(&state, command, &rules(), self.clock).unwrap();
        events.into_iter().flat_map(|event| self.happen(Event::Step { step: "p-1.roll-back".into(), event })).collect()
    }

    /// The same events again from nothing.
    fn replayed(&self) -> Incident {
        let mut again = Incident::new("inc-1");
        for happened in self.incident.history.clone() {
            again.apply(happened);
        }
        again
    }
}

fn answered(world: &mut World) {
    world.happen(Event::Asked(asked("why is checkout failing?")));
    world.happen(Event::Found(found()));
    let proposal = Proposal {
        id: "p-1".into(),
        incident: "inc-1".into(),
        runbook: "roll-back-deploy".into(),
        title: "Roll back".into(),
        params: BTreeMap::new(),
        why: String::new(),
        citations: vec!["E1".into()],
        steps: vec![step()],
    };
    world.happen(Event::Proposed { answer: "a-1".into(), proposals: vec![proposal], notes: Vec::new() });
    let answer = world.incident.compose("a-1", &rules(), 12.0).unwrap().answer;
    world.happen(Event::Answered(Answered { answer, refused: Vec::new() }));
    world.command(Command::Propose { step: Box::new(step()) });
}

/// An incident whose one question was answered.
pub(crate) fn answered_question() -> Incident {
    let mut world = World::new();
    answered(&mut world);
    world.incident
}

#[test]
fn a_question_goes_from_search_over_runbooks_to_an_answer() {
    let mut world = World::new();
    let answer = || "a-1".to_owned();
    assert_eq!(world.happen(Event::Asked(asked("why is checkout failing?"))), [Effect::Search { answer: answer() }]);
    assert_eq!(world.happen(Event::Found(found())), [Effect::Propose { answer: answer() }]);
    let proposed = Event::Proposed { answer: answer(), proposals: Vec::new(), notes: Vec::new() };
    assert_eq!(world.happen(proposed), [Effect::Answer { answer: answer() }]);
    let composed = world.incident.compose("a-1", &rules(), 12.0).unwrap();
    assert_eq!(composed.refused, Vec::<String>::new());
    assert_eq!(composed.answer.incident.as_deref(), Some("inc-1"));
    assert!(composed.answer.claims.iter().all(|claim| claim.verified));
    assert_eq!(world.happen(Event::Answered(Answered { answer: composed.answer, refused: Vec::new() })), []);
    assert_eq!(world.incident.unfinished(), []);
}

#[test]
fn who_only_looks_gets_no_steps_and_opens_nothing() {
    let mut world = World::new();
    world.happen(Event::Asked(asked("show me errors in checkout")));
    assert_eq!(world.happen(Event::Found(found())), [Effect::Answer { answer: "a-1".into() }]);
    assert_eq!(world.incident.compose("a-1", &rules(), 1.0).unwrap().answer.incident, None);
}

#[test]
fn a_model_is_asked_only_after_the_answer_is_posted() {
    let mut world = World::new();
    world.happen(Event::Asked(Asked { use_model: true, ..asked("why is checkout failing?") }));
    world.happen(Event::Found(found()));
    world.happen(Event::Proposed { answer: "a-1".into(), proposals: Vec::new(), notes: Vec::new() });
    let answer = world.incident.compose("a-1", &rules(), 1.0).unwrap().answer;
    let effects = world.happen(Event::Answered(Answered { answer, refused: Vec::new() }));
    assert_eq!(effects, [Effect::Tell { answer: "a-1".into() }]);
    assert_eq!(world.replayed().unfinished(), effects);
}

#[test]
fn after_each_event_a_replay_finds_exactly_what_is_left_to_do() {
    let mut world = World::new();
    answered(&mut world);
    assert_eq!(world.replayed(), world.incident);
    assert_eq!(world.replayed().unfinished(), []);
    let person = Person::human("console:ines", "ines");
    let execute = Effect::Execute { step: "p-1.roll-back".into() };
    let effects = world.command(Command::Approve { person, digest: step().digest(), reason: None });
    assert_eq!(effects.as_slice(), std::slice::from_ref(&execute));
    assert_eq!(world.replayed().unfinished(), [execute]);
    let effects = world.command(Command::Claim { claim: "c".into(), worker: "w".into(), digest: step().digest() });
    assert_eq!(effects, []);
    assert_eq!(world.replayed().unfinished(), [], "a running step is nobody's to run again");
    let outcome = Outcome::new(Outcomes::Succeeded, Redacted::default());
    let verify = Effect::Verify { step: "p-1.roll-back".into() };
    let effects = world.command(Command::Finish { claim: "c".into(), outcome });
    assert_eq!(effects.as_slice(), std::slice::from_ref(&verify));
    assert_eq!(world.replayed().unfinished(), [verify]);
    world.command(Command::Verify { verified: true, held_before: false, text: "E1 has stopped".into() });
    assert_eq!(world.replayed().unfinished(), []);
}

#[test]
fn a_lost_step_is_indeterminate_and_asks_for_nothing() {
    let mut world = World::new();
    answered(&mut world);
    let person = Person::human("console:ines", "ines");
    world.command(Command::Approve { person, digest: step().digest(), reason: None });
    world.command(Command::Claim { claim: "c".into(), worker: "w".into(), digest: step().digest() });
    assert_eq!(world.command(Command::Lose { why: "the process is gone".into() }), []);
    assert_eq!(world.incident.steps["p-1.roll-back"].state.status, Status::Indeterminate);
    assert_eq!(world.replayed().unfinished(), []);
}

#[test]
fn steps_of_another_incident_are_shown_and_not_taken_over() {
    let mut world = World::new();
    world.happen(Event::Asked(asked("why is checkout failing?")));
    world.happen(Event::Found(found()));
    let proposal = Proposal {
        id: "p-9".into(),
        incident: "inc-9".into(),
        runbook: "roll-back-deploy".into(),
        title: "Roll back".into(),
        params: BTreeMap::new(),
        why: String::new(),
        citations: Vec::new(),
        steps: vec![step()],
    };
    world.happen(Event::Joined { incident: "inc-9".into() });
    world.happen(Event::Proposed { answer: "a-1".into(), proposals: vec![proposal], notes: Vec::new() });
    assert!(world.incident.steps.is_empty());
    let answer = world.incident.compose("a-1", &rules(), 1.0).unwrap().answer;
    assert_eq!(answer.incident.as_deref(), Some("inc-9"));
    assert_eq!(answer.proposals.len(), 1);
}
