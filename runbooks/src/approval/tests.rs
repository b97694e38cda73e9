//! The sentences people get, and the races that must have one winner.

use std::collections::BTreeSet;

use evidence::Redacted;
use evidence::answer::Risk;
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

fn with_policies(text: &str, page: &str) -> Rules {
    let profile = |roles: &[&str]| crate::people::Profile {
        name: String::new(),
        identities: BTreeSet::new(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        active: true,
    };
    let people = crate::people::People::new(
        [
            ("ines".to_owned(), profile(&["oncall"])),
            ("mara".to_owned(), profile(&["lead"])),
            ("eve".to_owned(), profile(&[])),
        ]
        .into(),
    );
    let policies = crate::policy::Policies::parse([("own.cedar".to_owned(), text.to_owned())].into()).unwrap();
    let break_glass =
        crate::policy::BreakGlass { page_endpoint: page.to_owned(), page_path: page.to_owned(), ..Default::default() };
    let settings = Settings { policies: vec!["own.cedar".into()], break_glass, ..Settings::default() };
    Rules::with(settings, people, Some(policies))
}

const OWN: &str = r#"
@id("on call") permit (principal in Role::"oncall", action in [Action::"approve", Action::"run"], resource);
@id("leads") permit (principal in Role::"lead", action in [Action::"approve", Action::"break_glass"], resource);
"#;

#[test]
fn policies_say_who_may_and_the_refusal_says_which() {
    let rules = with_policies(OWN, "pager");
    let proposed = after(vec![propose()]);
    refused(
        &proposed,
        approve(Person::human("eve", "Eve")),
        &rules,
        2,
        "Eve may not approve this: no policy permits it",
    );
    refused(&proposed, approve(Person::human("tom", "Tom")), &rules, 2, "Tom may not approve this");
    refused(&proposed, approve(Person::human("mara", "Mara")), &rules, 2, "Mara may not run this");
    let events = decide(&proposed, approve(ines()), &rules, at(2)).unwrap();
    let StepEvent::Agreed { rights: Some(rights), .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(rights.because, ["on call"]);
    let approved = events.iter().fold(proposed, apply);
    let without = with_policies(r#"permit (principal in Role::"oncall", action == Action::"approve", resource);"#, "");
    refused(&approved, claim("c"), &without, 3, "no longer has enough approvals");
    let events = decide(&approved, claim("c"), &rules, at(3)).unwrap();
    let StepEvent::Claimed { rights: Some(rights), .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(rights.rules, rules.version());
}

#[test]
fn glass_is_broken_by_the_listed_with_a_reason_and_reviewed_by_another() {
    let rules = with_policies(OWN, "pager");
    let proposed = after(vec![propose()]);
    let text = |text: &str| Redacted::from_storage(text.into());
    let breaks =
        |person: Person, reason: &str| Command::BreakGlass { person, digest: step().digest(), reason: text(reason) };
    let mara = || Person::human("mara", "Mara");
    let reason = "orders are lost and nobody else answers";
    refused(
        &proposed,
        breaks(ines(), reason),
        &rules,
        2,
        "ines may not break glass for this".replace("ines", "Ines").as_str(),
    );
    refused(&proposed, breaks(mara(), "quickly"), &rules, 2, "the reason is too short");
    refused(&proposed, breaks(mara(), reason), &with_policies(OWN, ""), 2, "tells a second channel");
    let other = Command::BreakGlass { person: mara(), digest: Digest::of("x"), reason: text(reason) };
    refused(&proposed, other, &rules, 2, "read the current card");
    let broken = decide(&proposed, breaks(mara(), reason), &rules, at(2)).unwrap();
    let broken = broken.iter().fold(proposed, apply);
    assert_eq!((broken.status, broken.deadline()), (Status::Approved, Some(at(302))));
    assert!(decide(&broken, claim("c"), &rules, at(3)).is_ok());
    refused(&broken, claim("c"), &rules, 302, "this expired");
    let nobody_may = r#"permit (principal in Role::"lead", action == Action::"approve", resource);"#;
    refused(&broken, claim("c"), &with_policies(nobody_may, "pager"), 3, "no longer has enough approvals");
    let review = |person: Person| Command::Review { person, text: text("right, and the pager was silent") };
    refused(&broken, review(mara()), &rules, 4, "somebody else has to review it");
    let events = decide(&broken, review(ines()), &rules, at(4)).unwrap();
    let reviewed = apply(broken, &events[0]);
    refused(&reviewed, review(ines()), &rules, 5, "nothing to review");
}

#[test]
fn what_is_written_down_after_a_deadline_does_not_count_however_early_it_was_decided() {
    let proposed = after(vec![propose()]);
    let events = decide(&proposed, approve(ines()), &rules(), at(2)).unwrap();
    let late = events.iter().fold(proposed.clone(), |state, event| apply_at(state, event, at(15 * 60)));
    assert_eq!((late.status, late.agreements.len()), (Status::Proposed, 0));
    let approved = events.iter().fold(proposed, |state, event| apply_at(state, event, at(3)));
    let claimed = decide(&approved, claim("c"), &rules(), at(4)).unwrap();
    let late = apply_at(approved, &claimed[0], at(400));
    assert_eq!((late.status, late.status_at(at(400))), (Status::Approved, Status::Expired));
    assert!(Approved::claim(step(), &late, "c").is_err());
}
