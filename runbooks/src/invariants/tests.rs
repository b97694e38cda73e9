//! Random programs of people, workers, crashes and clocks against the state machine; and each guard shown to be seen.

use std::collections::BTreeSet;

use evidence::answer::Risk;
use evidence::{Redacted, Redactor};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::approval::{Command, Person, Status, StepState, apply, decide};
use crate::canonical::Digest;
use crate::execute::{Outcome, Outcomes};
use crate::people::{People, Profile};
use crate::policy::{BreakGlass, Policies, Settings};
use crate::proposal::Step;
use crate::proposal::tests::content;

#[derive(Clone, Debug)]
enum Move {
    Propose,
    Approve { who: usize, right_bytes: bool },
    Reject(usize),
    Cancel(usize),
    Done(usize),
    Expire,
    Supersede,
    Withdraw,
    Claim { worker: u8, right_bytes: bool },
    Finish { worker: u8, result: Outcomes },
    Crash,
    Settle { who: usize, succeeded: bool },
    BreakGlass { who: usize, right_bytes: bool, with_reason: bool },
    Page,
    Review(usize),
    Verify,
    Wait(i64),
}

fn moves() -> impl Strategy<Value = Move> {
    let results = prop::sample::select(vec![
        Outcomes::Succeeded,
        Outcomes::Refused,
        Outcomes::Failed,
        Outcomes::TimedOut,
        Outcomes::Cancelled,
        Outcomes::Unknown,
    ]);
    let people = 0..people().len();
    prop_oneof![
        2 => Just(Move::Propose),
        8 => (people.clone(), prop::bool::weighted(0.9)).prop_map(|(who, right_bytes)| Move::Approve { who, right_bytes }),
        1 => people.clone().prop_map(Move::Reject),
        1 => people.clone().prop_map(Move::Cancel),
        1 => people.clone().prop_map(Move::Done),
        1 => Just(Move::Expire),
        1 => Just(Move::Supersede),
        1 => Just(Move::Withdraw),
        5 => (0..2u8, prop::bool::weighted(0.9)).prop_map(|(worker, right_bytes)| Move::Claim { worker, right_bytes }),
        3 => (0..2u8, results).prop_map(|(worker, result)| Move::Finish { worker, result }),
        1 => Just(Move::Crash),
        2 => (people.clone(), any::<bool>()).prop_map(|(who, succeeded)| Move::Settle { who, succeeded }),
        2 => (people.clone(), prop::bool::weighted(0.9), prop::bool::weighted(0.8))
            .prop_map(|(who, right_bytes, with_reason)| Move::BreakGlass { who, right_bytes, with_reason }),
        1 => Just(Move::Page),
        1 => people.clone().prop_map(Move::Review),
        1 => Just(Move::Verify),
        2 => (0..500i64).prop_map(Move::Wait),
    ]
}

fn people() -> Vec<Person> {
    let mut second_account = Person::human("ines", "Ines (phone)");
    second_account.name.push('!');
    vec![
        Person::human("ines", "Ines"),
        second_account,
        Person::human("mara", "Mara"),
        Person::human("tom", "Tom, who asked"),
        Person::human("eve", "Eve, who has no rights"),
        Person::program("firstline"),
        Person { human: false, ..Person::human("mara", "a bot under her id") },
    ]
}

fn rules(self_approval: bool) -> Rules {
    let approvers = ["ines", "mara", "tom", "firstline"].map(str::to_owned);
    Rules::new(Settings {
        approvers: BTreeSet::from(approvers),
        environments: BTreeSet::from(["production".to_owned()]),
        self_approval,
        ..Settings::default()
    })
}

/// Rights by policies: Ines and Mara approve, only Ines has things started, Mara breaks glass.
fn rules_by_policy() -> Rules {
    let text = r#"
        permit (principal, action in [Action::"approve", Action::"run"], resource) when { principal in Role::"oncall" };
        permit (principal == Person::"mara", action in [Action::"approve", Action::"break_glass"], resource);
        forbid (principal == Person::"tom", action, resource) when { resource.environment == "production" };
    "#;
    let profile = |roles: &[&str], active| Profile {
        name: String::new(),
        identities: BTreeSet::new(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        active,
    };
    let people = [
        ("ines".to_owned(), profile(&["oncall"], true)),
        ("mara".to_owned(), profile(&[], true)),
        ("tom".to_owned(), profile(&["oncall"], true)),
        ("eve".to_owned(), profile(&["oncall"], false)),
    ];
    let policies = Policies::parse([("own.cedar".to_owned(), text.to_owned())].into()).unwrap();
    let break_glass = BreakGlass { page_endpoint: "pager".into(), page_path: "/page".into(), ..BreakGlass::default() };
    let settings = Settings { policies: vec!["own.cedar".into()], break_glass, ..Settings::default() };
    Rules::with(settings, People::new(people.into()), Some(policies))
}

fn step(risk: Risk, manual: bool) -> Step {
    let mut content = content();
    content.risk = risk;
    if manual {
        content.action = "manual".into();
    }
    Step::seal(content, &Redactor::new([7; 32])).unwrap()
}

fn command(step: &Step, a_move: &Move) -> Option<Command> {
    let person = |who: usize| people()[who].clone();
    let digest = |right: bool| if right { step.digest() } else { Digest::of("other") };
    let claim = |worker: u8| format!("claim-{worker}");
    let reason = None;
    Some(match a_move {
        Move::Propose => Command::Propose { step: Box::new(step.clone()) },
        Move::Approve { who, right_bytes } => {
            Command::Approve { person: person(*who), digest: digest(*right_bytes), reason }
        }
        Move::Reject(who) => Command::Reject { person: person(*who), reason },
        Move::Cancel(who) => Command::Cancel { person: person(*who), reason },
        Move::Done(who) => Command::Done { person: person(*who), digest: step.digest(), reason },
        Move::Expire => Command::Expire,
        Move::Supersede => Command::Supersede { by_step: "other".into() },
        Move::Withdraw => Command::Withdraw { why: "resolved".into() },
        Move::Claim { worker, right_bytes } => {
            Command::Claim { claim: claim(*worker), worker: "w".into(), digest: digest(*right_bytes) }
        }
        Move::Finish { worker, result } => {
            let summary = Redacted::from_storage("said".into());
            Command::Finish { claim: claim(*worker), outcome: Outcome::new(*result, summary) }
        }
        Move::Crash => Command::Lose { why: "crash".into() },
        Move::Settle { who, succeeded } => Command::Settle { person: person(*who), succeeded: *succeeded, reason },
        Move::BreakGlass { who, right_bytes, with_reason } => Command::BreakGlass {
            person: person(*who),
            digest: digest(*right_bytes),
            reason: Redacted::from_storage(if *with_reason { "nobody else answers" } else { "now" }.into()),
        },
        Move::Page => Command::Page { told: true, text: "the pager took it".into() },
        Move::Review(who) => {
            Command::Review { person: person(*who), text: Redacted::from_storage("it was right".into()) }
        }
        Move::Verify => Command::Verify { verified: true, held_before: false, text: "stopped".into() },
        Move::Wait(_) => return None,
    })
}

/// Runs a program; returns the history and how often each status was reached.
fn run(step: &Step, program: &[Move], rules: &Rules) -> (Vec<StepEvent>, StepState) {
    let mut now = step.content().proposed_at;
    let (mut history, mut state) = (Vec::new(), StepState::default());
    for a_move in program {
        let Some(command) = command(step, a_move) else {
            if let Move::Wait(seconds) = a_move {
                now = now.plus(SignedDuration::from_secs(*seconds));
            }
            continue;
        };
        let before = state.clone();
        match decide(&state, command, rules, now) {
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
            Ok(events) => {
                assert!(!events.is_empty());
                for event in events {
                    let after = apply(state.clone(), &event);
                    assert_ne!(after, state, "an event that was decided must change something: {event:?}");
                    state = after;
                    let stored = serde_json::to_string(&event).unwrap();
                    assert_eq!(serde_json::from_str::<StepEvent>(&stored).unwrap(), event);
                    history.push(event);
                }
            }
        }
        if before.status.is_terminal() {
            assert_eq!(before.status, state.status, "P8");
        }
    }
    (history, state)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn no_program_breaks_an_invariant(
        program in prop::collection::vec(moves(), 1..40),
        risk in prop::sample::select(vec![Risk::Low, Risk::Medium, Risk::High]),
        manual in prop::bool::weighted(0.1),
        self_approval in any::<bool>(),
        by_policy in any::<bool>(),
    ) {
        let rules = if by_policy { rules_by_policy() } else { rules(self_approval) };
        let program: Vec<Move> = std::iter::once(Move::Propose).chain(program).collect();
        let (history, state) = run(&step(risk, manual), &program, &rules);
        prop_assert_eq!(violations(&history, &rules), vec![], "{:#?}", history);
        if state.status == Status::Running {
            let has_quorum = state.people_who_agreed().len() >= rules.approvals_needed(risk) as usize;
            prop_assert!(has_quorum || state.broken_glass.is_some());
        }
    }

    #[test]
    fn entries_that_come_twice_or_in_another_order_start_nothing_unapproved(
        program in prop::collection::vec(moves(), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
    ) {
        let rules = rules(false);
        let step = step(Risk::High, false);
        let program: Vec<Move> = std::iter::once(Move::Propose).chain(program).collect();
        let (history, _) = run(&step, &program, &rules);
        let mut state = StepState::default();
        for index in order {
            let before = state.clone();
            state = apply(state, index.get(&history));
            prop_assert!(!before.status.is_terminal() || before.status == state.status);
            if state.claim.is_some() {
                prop_assert!(state.people_who_agreed().len() >= 2);
                prop_assert!(before.claim.is_none() || before.claim == state.claim);
            }
        }
    }
}

#[test]
fn programs_reach_every_status() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut reached, mut glass, rules_by_policy) = (BTreeSet::new(), 0, rules_by_policy());
    for _ in 0..4_000 {
        let program = prop::collection::vec(moves(), 1..40).new_tree(&mut runner).unwrap().current();
        let program: Vec<Move> = std::iter::once(Move::Propose).chain(program).collect();
        reached.insert(run(&step(Risk::Medium, false), &program, &rules(true)).1.status.as_str());
        glass += usize::from(run(&step(Risk::High, false), &program, &rules_by_policy).1.broken_glass.is_some());
    }
    assert!(glass > 100, "{glass}");
    let missing: Vec<_> = Status::ALL.iter().filter(|status| !reached.contains(status.as_str())).collect();
    assert_eq!(missing, [&Status::Absent]);
}

#[test]
fn each_broken_history_is_seen() {
    let rules = rules(false);
    let program = [
        Move::Propose,
        Move::Approve { who: 0, right_bytes: true },
        Move::Claim { worker: 0, right_bytes: true },
        Move::Finish { worker: 0, result: Outcomes::Succeeded },
    ];
    let (good, _) = run(&step(Risk::Medium, false), &program, &rules);
    assert_eq!(good.len(), 5);
    let late = good[0].at().plus(SignedDuration::from_hours(2));
    let broken_by = |change: &dyn Fn(&mut Vec<StepEvent>)| -> BTreeSet<&'static str> {
        let mut history = good.clone();
        change(&mut history);
        violations(&history, &rules).into_iter().map(|violation| violation.id).collect()
    };
    assert!(broken_by(&|_| ()).is_empty());
    assert!(broken_by(&|history| drop(history.remove(2))).contains("P1"));
    assert!(broken_by(&|history| drop(history.remove(1))).contains("P4"));
    assert!(broken_by(&|history| history.insert(3, history[3].clone())).contains("P2"));
    assert!(broken_by(&|history| history.push(history[3].clone())).contains("P8"));
    assert!(
        broken_by(&|history| history.insert(3, StepEvent::Superseded { by_step: "x".into(), at: late })).contains("P7")
    );
    let tamper = |index: usize, change: &dyn Fn(&mut StepEvent)| broken_by(&|history| change(&mut history[index]));
    let set = |index, found: &'static str, change: &dyn Fn(&mut StepEvent)| {
        assert!(tamper(index, change).contains(found), "{found}");
    };
    set(1, "P6", &|event| {
        if let StepEvent::Agreed { by, .. } = event {
            *by = Person::human("tom", "Tom")
        }
    });
    set(1, "P5", &|event| {
        if let StepEvent::Agreed { by, .. } = event {
            by.human = false
        }
    });
    set(1, "P1", &|event| {
        if let StepEvent::Agreed { digest, .. } = event {
            *digest = Digest::of("x")
        }
    });
    set(3, "P3", &|event| {
        if let StepEvent::Claimed { at, .. } = event {
            *at = late
        }
    });
    set(4, "P10", &|event| {
        if let StepEvent::Finished { claim, .. } = event {
            claim.push('x')
        }
    });
    set(3, "P9", &|event| *event = StepEvent::CancelRequested { by: people()[0].clone(), reason: None, at: late });
    set(4, "P11", &|event| {
        *event = StepEvent::Settled { by: people()[0].clone(), succeeded: true, reason: None, at: late };
    });
}
