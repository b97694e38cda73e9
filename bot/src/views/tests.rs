//! Events in, the words of a page out.

mod timeline_of;

use std::collections::BTreeMap;

use evidence::{Answer, Redacted, Redactor, Time};
use incident::{Answered, Asked, Event, Happened, Incident, Known, Overrides};
use runbooks::policy::{Approvals, Settings};
use runbooks::{Command, Digest, Outcome, Outcomes, Person, Proposal, Rules, Step, StepContent, StepState};
use serde_json::json;

use super::{Stand, audit_row, standing, timeline};

const STEP: &str = "p-1.roll-back";

fn time(text: &str) -> Time {
    format!("2026-11-21T{text}Z").parse().unwrap()
}

fn redacted(text: &str) -> Redacted {
    Redactor::new([1; 32]).redact(text).0
}

fn ines() -> Person {
    Person::human("console:ines", "ines")
}

fn step(is_watched: bool) -> Step {
    Step::seal(content(is_watched), &Redactor::new([1; 32])).unwrap()
}

fn content(is_watched: bool) -> StepContent {
    let verify = runbooks::Verify {
        what: runbooks::verify::What::Query { query: "\"pool exhausted\"".into() },
        wants: runbooks::verify::Wants::AtMost { count: 0, was_per_minute: None },
        for_seconds: 45,
        within_seconds: 300,
    };
    let verify = is_watched.then_some(verify);
    StepContent {
        incident: "inc-1".into(),
        proposal: "p-1".into(),
        step: STEP.into(),
        runbook: "roll-back-deploy".into(),
        runbook_digest: Digest::of("runbook"),
        action: "http".into(),
        action_version: 1,
        arguments: json!({"path": "/v1/rollback"}),
        summary: "POST /v1/rollback".into(),
        target: "checkout".into(),
        environment: "production".into(),
        risk: evidence::answer::Risk::Medium,
        executor: "firstline".into(),
        timeout_seconds: 60,
        verify,
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
    }
}

fn rules() -> Rules {
    let everyone = std::collections::BTreeSet::from(["*".to_owned()]);
    let approvals = Approvals { low: 1, medium: 1, high: 2 };
    Rules::new(Settings { approvers: everyone.clone(), environments: everyone, approvals, ..Settings::default() })
}

/// An incident that is told event by event, each at a time of its own.
struct World(Incident);

impl World {
    /// A cause was found and a rollback proposed.
    fn new(is_watched: bool) -> World {
        let mut world = World(Incident::new("inc-1"));
        world.ask("14:15:20", "a-1");
        world.at("14:15:21", "firstline", Event::Opened { title: "checkout fails".into(), service: None });
        world.propose("14:15:21", vec![step(is_watched)]);
        world
    }

    fn propose(&mut self, at: &str, steps: Vec<Step>) {
        let proposal = Proposal {
            id: "p-1".into(),
            incident: self.0.id.clone(),
            runbook: "roll-back-deploy".into(),
            title: "Roll back checkout".into(),
            params: BTreeMap::new(),
            why: String::new(),
            citations: Vec::new(),
            steps: steps.clone(),
        };
        let proposed = Event::Proposed { answer: "a-1".into(), proposals: vec![proposal], notes: Vec::new() };
        self.at(at, "firstline", proposed);
        for step in steps {
            let propose = Command::Propose { step: Box::new(step.clone()) };
            for event in runbooks::decide(&StepState::default(), propose, &rules(), time(at)).unwrap() {
                self.at(at, "firstline", Event::Step { step: step.id().into(), event });
            }
        }
    }

    fn at(&mut self, at: &str, actor: &str, event: Event) {
        self.0.apply(Happened { at: time(at), actor: actor.into(), event });
    }

    fn ask(&mut self, at: &str, answer: &str) {
        let now = time(at);
        let zone = jiff::tz::TimeZone::UTC;
        let known = Known { now, zone, services: &[], reach: Some((time("12:00:00"), now)), changes: &[] };
        let question = incident::understand("what is wrong?", &known, &Overrides::default(), None).unwrap();
        let by = "console:tom".to_owned();
        let asked = Asked { answer: answer.into(), by, question, zone: "UTC".into(), use_model: false, grant: None };
        self.at(at, "console:tom", Event::Asked(asked));
    }

    fn command(&mut self, at: &str, command: Command) {
        let state = self.0.steps[STEP].state.clone();
        for event in runbooks::decide(&state, command, &rules(), time(at)).unwrap() {
            self.at(at, "console:ines", Event::Step { step: STEP.into(), event });
        }
    }

    fn run(&mut self, result: Outcomes) {
        let digest = self.0.steps[STEP].step.digest();
        self.command("14:18:04", Command::Approve { person: ines(), digest, reason: None });
        self.command("14:18:05", Command::Claim { claim: "c".into(), worker: "1-a".into(), digest });
        let outcome = Outcome::new(result, redacted("200 OK"));
        self.command("14:18:11", Command::Finish { claim: "c".into(), outcome });
    }

    fn verify(&mut self, at: &str, verified: bool) {
        self.command(at, Command::Verify { verified, held_before: false, text: "E1 has stopped".into() });
    }

    fn verify_what_was_so_before(&mut self, at: &str) {
        let found = Command::Verify { verified: true, held_before: true, text: "E1 has stopped".into() };
        self.command(at, found);
    }

    fn check(&self, now: &str, state: Stand, text: &str, left: &[&str]) {
        let stands = standing(&self.0, &[], time(now));
        assert_eq!((stands.state, stands.text.as_str()), (state, text), "{stands:#?}");
        assert_eq!(stands.left, left);
    }
}

#[test]
fn before_anything_is_done_it_waits() {
    let world = World::new(true);
    world.check("14:16:00", Stand::Waiting, "Waits for a decision: Roll back checkout", &["Approve or reject it."]);
    let left = "Mend it, then resolve the incident.";
    world.check("14:31:00", Stand::Open, "Open, nothing was done about it", &[left]);
}

#[test]
fn a_verified_step_is_over_with_who_did_what_when() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    world.check("14:18:12", Stand::Watching, "Done, watching whether it helped: Roll back checkout", &[]);
    world.verify("14:19:02", true);
    world.check("14:19:03", Stand::Over, "Verified, it helped: Roll back checkout", &["Resolve the incident."]);
    let done = standing(&world.0, &[], time("14:19:03")).done;
    let done: Vec<(Time, &str)> = done.iter().map(|deed| (deed.at, deed.text.as_str())).collect();
    let expected =
        [("14:18:04", "ines approved it"), ("14:18:11", "it ran: 200 OK"), ("14:19:02", "verified: E1 has stopped")];
    assert_eq!(done, expected.map(|(at, text)| (time(at), text)));
}

#[test]
fn a_step_is_not_praised_for_what_was_so_before() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    world.verify_what_was_so_before("14:19:02");
    let text = "It is over, and was so before this step: Roll back checkout";
    world.check("14:19:03", Stand::Over, text, &["Ask “is it fixed?”, then resolve the incident."]);
    let done = standing(&world.0, &[], time("14:19:03")).done;
    assert_eq!(done[2].text, "verified, but it was so before this step began: E1 has stopped");
}

#[test]
fn what_did_not_help_is_not_over() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    world.verify("14:23:11", false);
    let left = ["Ask again, then decide."];
    world.check("14:24:00", Stand::NotOver, "Done, but it did not help: Roll back checkout", &left);
    let mut failed = World::new(true);
    failed.run(Outcomes::Failed);
    failed.check("14:18:12", Stand::NotOver, "It failed: Roll back checkout", &left);
}

#[test]
fn an_unknown_end_needs_a_person_to_look() {
    let mut world = World::new(true);
    world.run(Outcomes::Unknown);
    let left = ["Look at checkout, then say on the step what you found."];
    world.check("14:18:12", Stand::Unknown, "It is not known how it ended: Roll back checkout", &left);
}

#[test]
fn who_resolved_it_stands_at_the_top() {
    let mut world = World::new(false);
    world.run(Outcomes::Succeeded);
    world.at("14:25:00", "console:ines", Event::Resolved { note: redacted("orders flow again") });
    world.check("14:26:00", Stand::Resolved, "Resolved by ines: “orders flow again”", &[]);
    let form = super::incident(&world.0, &[], time("14:26:00")).unwrap();
    let resolved = form.resolved.unwrap();
    assert_eq!((resolved.at, resolved.by.as_str()), (time("14:25:00"), "ines"));
    let rows = timeline(&world.0, &[], &[], time("14:26:00"));
    let last = rows.last().unwrap();
    assert_eq!((last.kind.as_str(), last.actor.as_deref()), ("resolved", Some("ines")));
}

#[test]
fn an_answer_that_sees_the_fault_again_outweighs_a_verified_step() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    world.verify("14:19:02", true);
    answer(&mut world, "14:22:00", "14:18:59");
    world.check("14:22:01", Stand::Over, "Verified, it helped: Roll back checkout", &["Resolve the incident."]);
    answer(&mut world, "14:40:00", "14:39:58");
    world.check("14:40:01", Stand::NotOver, "It came back: checkout fails", &["Read the newest answer."]);
}

#[test]
fn an_answer_elsewhere_that_sees_the_fault_again_counts_as_well() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    world.verify("14:19:02", true);
    let mut elsewhere = World(Incident::new("inc-2"));
    answer(&mut elsewhere, "14:40:00", "14:39:58");
    let stands = |joined: &[&Incident]| standing(&world.0, joined, time("14:41:00")).state;
    assert_eq!((stands(&[]), stands(&[&elsewhere.0])), (Stand::Over, Stand::NotOver));
}

/// A question whose answer names a cause that was last seen then.
fn answer(world: &mut World, at: &str, last: &str) {
    world.ask(at, at);
    let seen = json!({"id": "E1", "kind": "new", "service": "checkout", "level": "error", "template": "pool exhausted",
        "count": 9, "baseline_count": 0, "first": time("14:02:10"), "last": time(last), "samples": [], "series": []});
    let answer: Answer = serde_json::from_value(json!({"schema": "answer.v1", "id": at, "incident": "inc-1",
        "question": "what is wrong?", "kind": "what_is_wrong", "verdict": "cause", "confidence": 0.9,
        "window": {"from": time("13:45:00"), "to": time(at), "onset": null}, "baseline": null,
        "headline": "checkout fails", "claims": [], "suspects": [], "evidence": [seen], "changes": [],
        "coverage": {"records_searched": 1, "records_in_window": 1, "services": 1, "silent_services": [], "gaps": [],
            "redacted": 0, "shown_to_model": 0},
        "proposals": [], "model": null, "took_ms": 1.0}))
    .unwrap();
    world.at(at, "firstline", Event::Answered(Answered { answer, refused: Vec::new() }));
}

#[test]
fn a_change_in_the_audit_trail_has_its_own_time() {
    let change = json!({"service": "checkout", "version": "v1.42", "at": time("14:01:48"), "by": "mara"});
    let entry = incident::journal::Entry {
        position: 1,
        stream: crate::state::CHANGES.into(),
        seq: 1,
        at: time("14:05:00"),
        actor: "terminal:tom".into(),
        event: json!({"event": "recorded", "change": change}).to_string(),
        prev_hash: String::new(),
        hash: String::new(),
    };
    let row = audit_row(&entry, &crate::state::State::default());
    assert_eq!((row.at, row.happened), (time("14:05:00"), Some(time("14:01:48"))));
    assert_eq!(row.summary, "checkout v1.42 deployed by mara");
}

#[test]
fn what_waits_is_listed_the_latest_proposed_first() {
    let mut state = crate::state::State::default();
    for (incident, at) in [("inc-a", "14:15:00"), ("inc-b", "14:17:00"), ("inc-c", "14:16:00")] {
        let mut world = World(Incident::new(incident));
        world.ask(at, "a-1");
        let named = |name: &str| {
            let content = StepContent {
                incident: incident.into(),
                step: format!("{incident}.{name}"),
                proposed_at: time(at),
                ..content(false)
            };
            Step::seal(content, &Redactor::new([1; 32])).unwrap()
        };
        // The second step comes before the first in the alphabet.
        world.propose(at, vec![named("stop"), named("check")]);
        state.incidents.insert(incident.into(), world.0);
    }
    let listed = state.waiting(time("14:18:00"));
    let ids: Vec<&str> = listed.iter().map(|(_, record)| record.step.id()).collect();
    assert_eq!(ids, ["inc-b.stop", "inc-b.check", "inc-c.stop", "inc-c.check", "inc-a.stop", "inc-a.check"]);
}
