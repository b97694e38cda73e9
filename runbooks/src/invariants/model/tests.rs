//! The whole space holds; each guard, once those that cover its case are off too, is missed; and the real machine decides the same.

use std::collections::BTreeSet;

use evidence::answer::Risk;
use evidence::{Redacted, Redactor, Time};
use jiff::SignedDuration;
use proptest::prelude::*;
use stateright::{Checker, HasDiscoveries, Model};

use super::*;
use crate::approval::{Command, Person, StepState, apply, decide};
use crate::execute::{Outcome, Outcomes};
use crate::policy::{Rules, Settings};
use crate::proposal::Step;
use crate::proposal::tests::content;

#[test]
fn no_order_of_events_breaks_an_invariant() {
    let checker = Machine { off: Vec::new() }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    println!(
        "{} unique states, {} transitions, depth {}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth()
    );
    assert!(checker.unique_state_count() > 100_000, "{}", checker.unique_state_count());
}

/// What a guard keeps from happening, and the guards that would catch the same case.
fn purpose(guard: Guard) -> (&'static str, Vec<Guard>) {
    match guard {
        Guard::CompareAndSet => ("P8", vec![]),
        Guard::Digest | Guard::RightsAtDecision | Guard::DistinctPeople | Guard::FourEyes => {
            ("P1", vec![Guard::RightsAtStart])
        }
        Guard::RightsAtStart => ("P5", vec![]),
        Guard::ExpiryAtDecision | Guard::StartDeadline => ("P3", vec![]),
        Guard::ApprovedOnly => ("P1", vec![]),
        Guard::EndsAreEnds => ("P8", vec![]),
        Guard::Supersede => ("P7", vec![]),
        Guard::Fence => ("P10", vec![]),
        Guard::LostIsUnknown => ("P2", vec![]),
        Guard::Lock => ("P12", vec![]),
    }
}

/// The acts that break this invariant with these guards off, if any do.
fn counter_example(id: &str, off: &[Guard]) -> Option<Vec<Act>> {
    let machine = Machine { off: off.to_vec() };
    let name = machine.properties().into_iter().find(|property| property.name.split(' ').next() == Some(id))?.name;
    let until = HasDiscoveries::AllOf([name].into());
    let checker = machine.checker().threads(2).finish_when(until).spawn_bfs().join();
    checker.discoveries().remove(name).map(stateright::Path::into_actions)
}

#[test]
fn each_guard_matters() {
    for guard in GUARDS {
        let (id, mut off) = purpose(guard);
        if !off.is_empty() {
            assert_eq!(counter_example(id, &off), None, "{off:?} alone");
        }
        off.push(guard);
        let acts = counter_example(id, &off);
        let acts = acts.unwrap_or_else(|| panic!("`{guard}` could go, with {off:?} off, and {id} would hold"));
        println!("{id} breaks without {off:?}: {acts:?}");
    }
}

/// The real machine, going along with the model.
struct Real {
    steps: [Step; 3],
    states: [StepState; 3],
    /// Before and after Ines lost her right.
    rules: [Rules; 2],
}

const TICK: i64 = 60;

fn time(clock: u8) -> Time {
    content().proposed_at.plus(SignedDuration::from_secs(i64::from(clock) * TICK))
}

impl Real {
    fn new() -> Real {
        let step = |id: &str, risk, requester: &str| {
            let mut content = content();
            content.step = id.into();
            content.risk = risk;
            content.requester = requester.into();
            content.expires = time(EXPIRES);
            Step::seal(content, &Redactor::new([7; 32])).unwrap()
        };
        let steps = [step("a", Risk::High, "tom"), step("a2", Risk::High, "tom"), step("b", Risk::Medium, "mara")];
        let rules = [Real::rules(false), Real::rules(true)];
        let mut real = Real { steps, states: Default::default(), rules };
        for idx in [0, 2] {
            real.command(idx, Command::Propose { step: Box::new(real.steps[idx].clone()) }, 0, false).unwrap();
        }
        real
    }

    fn rules(revoked: bool) -> Rules {
        let approvers = if revoked { vec!["mara"] } else { vec!["ines", "mara"] };
        Rules::new(Settings {
            approvers: approvers.into_iter().map(str::to_owned).collect(),
            environments: BTreeSet::from(["production".to_owned()]),
            start_deadline_seconds: 60,
            ..Settings::default()
        })
    }

    fn wish(&self, idx: usize, wish: Wish) -> Command {
        let person = |person: u8| Person::human(["ines", "mara", "eve"][usize::from(person)], "somebody");
        match wish {
            Wish::Approve(who, bytes) => {
                Command::Approve { person: person(who), digest: self.steps[place(bytes)].digest(), reason: None }
            }
            Wish::Reject(who) => Command::Reject { person: person(who), reason: None },
            Wish::Claim => Command::Claim { claim: "c".into(), worker: "w".into(), digest: self.steps[idx].digest() },
        }
    }

    fn allows(&self, idx: usize, wish: Wish, world: &World) -> bool {
        let rules = &self.rules[usize::from(world.revoked)];
        decide(&self.states[idx], self.wish(idx, wish), rules, time(world.clock)).is_ok()
    }

    fn command(&mut self, idx: usize, command: Command, clock: u8, revoked: bool) -> Result<(), crate::Refusal> {
        let events = decide(&self.states[idx], command, &self.rules[usize::from(revoked)], time(clock))?;
        self.states[idx] = events.iter().fold(std::mem::take(&mut self.states[idx]), apply);
        Ok(())
    }

    fn follow(&mut self, before: &World, act: Act) {
        let (clock, revoked) = (before.clock, before.revoked);
        let done = match act {
            Act::Edit => {
                let propose = Command::Propose { step: Box::new(self.steps[1].clone()) };
                let supersede = Command::Supersede { by_step: "a2".into() };
                // An expired card is replaced by nothing more than the new one.
                let _ = self.command(0, supersede, clock, revoked);
                self.command(1, propose, clock, revoked)
            }
            Act::Write(worker) => match before.workers[usize::from(worker)] {
                Worker::Deciding(at, wish) => self.command(place(at), self.wish(place(at), wish), clock, revoked),
                _ => Ok(()),
            },
            Act::Report(worker) => match before.workers[usize::from(worker)] {
                Worker::Holding(at, _) if before.versions[place(at)].status == Status::Running => {
                    let outcome = Outcome::new(Outcomes::Succeeded, Redacted::default());
                    self.command(place(at), Command::Finish { claim: "c".into(), outcome }, clock, revoked)
                }
                _ => Ok(()),
            },
            Act::Lose(at) => self.command(place(at), Command::Lose { why: "gone".into() }, clock, revoked),
            Act::Settle(at) => {
                let person = Person::human("mara", "Mara");
                let settle = Command::Settle { person, succeeded: true, reason: None };
                self.command(place(at), settle, clock, revoked)
            }
            Act::Tick | Act::Revoke | Act::Decide(..) | Act::Run(_) | Act::Crash(_) => Ok(()),
        };
        done.unwrap_or_else(|refusal| panic!("{act:?} in {before:?}: {refusal}"));
    }
}

fn real_status(status: crate::approval::Status) -> Status {
    use crate::approval::Status as Of;
    match status {
        Of::Absent => Status::Absent,
        Of::Proposed => Status::Proposed,
        Of::Approved => Status::Approved,
        Of::Running => Status::Running,
        Of::Indeterminate => Status::Unknown,
        Of::Succeeded | Of::Failed | Of::TimedOut => Status::Succeeded,
        Of::Rejected | Of::Cancelled | Of::Expired => Status::Rejected,
        Of::Superseded => Status::Superseded,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Along any walk through the model, the real machine allows exactly what the model allows. The lock is apart: it spans steps.
    #[test]
    fn the_real_machine_decides_as_the_model_does(walk in prop::collection::vec(any::<prop::sample::Index>(), 1..40)) {
        let machine = Machine { off: Vec::new() };
        let mut world = machine.init_states().remove(0);
        let mut real = Real::new();
        for choice in walk {
            for at in PLACES {
                let idx = place(at);
                prop_assert_eq!(world.versions[idx].status, real_status(real.states[idx].status), "{:?} in {:?}", at, world);
                let shown: Vec<At> = PLACES.into_iter().filter(|at| world.versions[place(*at)].status != Status::Absent).collect();
                let approvals = (0..PEOPLE as u8).flat_map(|who| shown.iter().map(move |bytes| Wish::Approve(who, *bytes)));
                let rejections = (0..PEOPLE as u8).map(Wish::Reject);
                let claims = world.lock.is_none().then_some(Wish::Claim);
                for wish in approvals.chain(rejections).chain(claims) {
                    let modelled = machine.allows(&world, at, wish);
                    prop_assert_eq!(modelled, real.allows(idx, wish, &world), "{:?} of {:?} in {:?}", wish, at, world);
                }
            }
            let mut acts = Vec::new();
            machine.actions(&world, &mut acts);
            acts.retain(|act| machine.next_state(&world, *act).is_some());
            if acts.is_empty() {
                break;
            }
            let act = *choice.get(&acts);
            let next = machine.next_state(&world, act).expect("only these were kept");
            let is_dropped = matches!(act, Act::Write(worker) if matches!(world.workers[usize::from(worker)],
                Worker::Deciding(at, wish) if !machine.allows(&world, at, wish)));
            if !is_dropped {
                real.follow(&world, act);
            }
            world = next;
        }
    }
}
