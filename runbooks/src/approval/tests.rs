//! The sentences people get, and the races that must have one winner.

use std::collections::BTreeSet;

use evidence::Redacted;
use jiff::SignedDuration;

use super::*;
use crate::policy::{Rules, Settings};
use crate::proposal::tests::step;

fn rules() -> Rules {
    Rules::new(Settings {
        approvers: BTreeSet::from(["ines", "tom"].map(str::to_owned)),
        environments: BTreeSet::from(["production".to_owned()]),
        ..Settings::default()
    })
}

fn ines() -> Person {
    Person::human("ines", "Ines")
}

fn at(seconds: i64) -> Time {
    step().content().proposed_at.plus(SignedDuration::from_secs(seconds))
}

fn after(commands: Vec<Command>) -> StepState {
    let mut state = StepState::default();
    for command in commands {
        for event in decide(&state, command, &rules(), at(1)).unwrap() {
            state = apply(state, &event);
        }
    }
    state
}

fn propose() -> Command {
    Command::Propose { step: Box::new(step()) }
}

fn approve(person: Person) -> Command {
    Command::Approve { person, digest: step().digest(), reason: None }
}

fn claim(id: &str) -> Command {
    Command::Claim { claim: id.into(), worker: "w".into(), digest: step().digest() }
}

#[track_caller]
fn refused(state: &StepState, command: Command, rules: &Rules, seconds: i64, sentence: &str) {
    let refusal = decide(state, command, rules, at(seconds)).unwrap_err().to_string();
    assert!(refusal.contains(sentence), "{refusal}");
}

#[test]
fn every_refusal_says_what_to_do() {
    let proposed = after(vec![propose()]);
    refused(
        &proposed,
        approve(Person::human("tom", "Tom")),
        &rules(),
        2,
        "Tom asked for this and may not approve it too; ask somebody else",
    );
    refused(&proposed, approve(Person::human("eve", "Eve")), &rules(), 2, "Eve may not approve this; ask one of");
    refused(&proposed, approve(Person::program("bot")), &rules(), 2, "only people decide");
    refused(&proposed, approve(ines()), &Rules::new(Settings::default()), 2, "list people under `approvers`");
    refused(&proposed, approve(ines()), &rules(), 15 * 60, "this expired at 2026-03-01T14:25:00.000000Z; ask again");
    let other = Command::Approve { person: ines(), digest: Digest::of("x"), reason: None };
    refused(&proposed, other, &rules(), 2, "read the current card");
    let elsewhere = Settings {
        environments: BTreeSet::from(["staging".to_owned()]),
        approvers: BTreeSet::from(["*".to_owned()]),
        ..Settings::default()
    };
    refused(&proposed, approve(ines()), &Rules::new(elsewhere), 2, "environment `production`");
    refused(&proposed, claim("c"), &rules(), 2, "the step is proposed and cannot start");
}

#[test]
fn the_second_click_and_the_second_worker_lose() {
    let approved = after(vec![propose(), approve(ines())]);
    assert_eq!(approved.status, Status::Approved);
    refused(&approved, approve(ines()), &rules(), 2, "cannot be approved any more");
    let running = after(vec![propose(), approve(ines()), claim("one")]);
    refused(&running, claim("two"), &rules(), 2, "the step is running and cannot start");
    let outcome = Outcome::new(Outcomes::Succeeded, Redacted::default());
    refused(&running, Command::Finish { claim: "two".into(), outcome }, &rules(), 2, "another worker holds this step");
}

#[test]
fn a_right_that_was_lost_stops_the_start() {
    let approved = after(vec![propose(), approve(ines())]);
    let without = Settings {
        approvers: BTreeSet::from(["mara".to_owned()]),
        environments: BTreeSet::from(["*".to_owned()]),
        ..Settings::default()
    };
    refused(&approved, claim("c"), &Rules::new(without), 2, "no longer has enough approvals");
    refused(&approved, claim("c"), &rules(), 301, "this expired");
    assert_eq!(approved.status_at(at(301)), Status::Expired);
}

#[test]
fn high_risk_needs_two_people_not_two_clicks() {
    let mut content = crate::proposal::tests::content();
    content.risk = Risk::High;
    content.requester = "mara".into();
    let step = Step::seal(content, &evidence::Redactor::new([7; 32])).unwrap();
    let digest = step.digest();
    let approve = |person: Person| Command::Approve { person, digest, reason: None };
    let mut state = StepState::default();
    for command in [Command::Propose { step: Box::new(step) }, approve(ines())] {
        for event in decide(&state, command, &rules(), at(1)).unwrap() {
            state = apply(state, &event);
        }
    }
    assert_eq!(state.status, Status::Proposed);
    let other_account = Person { name: "Ines (phone)".into(), ..ines() };
    refused(&state, approve(other_account), &rules(), 2, "needs 1 more of other people");
    let events = decide(&state, approve(Person::human("tom", "Tom")), &rules(), at(2)).unwrap();
    assert!(matches!(events[..], [StepEvent::Agreed { .. }, StepEvent::Approved { .. }]));
}

#[test]
fn a_crash_leaves_a_question_that_only_a_human_answers() {
    let lost = after(vec![propose(), approve(ines()), claim("c"), Command::Lose { why: "restart".into() }]);
    assert_eq!(lost.status, Status::Indeterminate);
    refused(&lost, claim("d"), &rules(), 2, "the step is indeterminate, nobody knows");
    let settle = |person| Command::Settle { person, succeeded: true, reason: None };
    refused(&lost, settle(Person::program("firstline")), &rules(), 2, "only people decide");
    let events = decide(&lost, settle(ines()), &rules(), at(9_999)).unwrap();
    assert_eq!(apply(lost, &events[0]).status, Status::Succeeded);
}

#[test]
fn permission_to_run_needs_the_running_claim_and_the_same_bytes() {
    let running = after(vec![propose(), approve(ines()), claim("c")]);
    assert!(Approved::claim(step(), &running, "c").is_ok());
    assert_eq!(Approved::claim(step(), &running, "d").unwrap_err(), Refusal::OtherClaim);
    let mut content = crate::proposal::tests::content();
    content.target = "payment".into();
    let other = Step::seal(content, &evidence::Redactor::new([7; 32])).unwrap();
    assert_eq!(Approved::claim(other, &running, "c").unwrap_err(), Refusal::OtherBytes);
    let approved = after(vec![propose(), approve(ines())]);
    assert!(Approved::claim(step(), &approved, "c").is_err());
}
