//! Invented shops by the hundred: quiet ones, harmless oddities, faults, and deploys guilty and innocent, each from a seed.

#[path = "worlds/shop.rs"]
mod worlds;

use evidence::answer::Verdict;
use incident::{Options, examine};
use worlds::{Event, World};

const SEEDS: u64 = 40;

/// Days on which nothing is wrong.
const QUIET: [Event; 8] = [
    Event::Nothing,
    Event::NewInfoAfterDeploy,
    Event::NoisierWarning,
    Event::Surge,
    Event::QuietNight,
    Event::Restart,
    Event::FewOddErrors,
    Event::NewFlow,
];

const FAULTS: [Event; 5] =
    [Event::PoolExhausted, Event::ErrorBurst, Event::MissingFollowup, Event::CrashAndSilence, Event::LeakThenErrors];

#[test]
fn nobody_is_named_when_nothing_is_wrong() {
    let (mut n, mut named) = (0, Vec::new());
    for event in QUIET {
        for seed in 0..SEEDS {
            for traced in [true, false] {
                let world = World::new(seed, event, traced);
                let findings = examine(&world.observed, &world.changes, &Options::default());
                n += 1;
                if matches!(findings.verdict, Verdict::Cause | Verdict::Conflicting) {
                    named.push(format!(
                        "{event:?} {seed} traced {traced}: {:?} {:?}",
                        findings.culprit,
                        findings.evidence.first()
                    ));
                }
                assert!(
                    findings.changes.iter().all(|change| !change.suspected),
                    "{event:?} {seed}: suspected a change"
                );
            }
        }
    }
    println!("{} of {n} quiet days had a culprit: {named:#?}", named.len());
    assert!(named.len() * 100 <= n, "named somebody on quiet days");
}

#[test]
fn faults_and_their_deploys_are_found() {
    let (mut n, mut right, mut first) = (0, 0, 0);
    for event in FAULTS {
        let (mut of_event, mut right_of_event, mut first_of_event) = (0, 0, 0);
        for seed in 0..SEEDS {
            for traced in [true, false] {
                if !traced && event == Event::MissingFollowup {
                    continue;
                }
                let world = World::new(seed, event, traced);
                let findings = examine(&world.observed, &world.changes, &Options::default());
                of_event += 1;
                let is_right = findings.culprit.as_deref() == world.culprit;
                right_of_event += usize::from(is_right);
                let guilty = findings.changes.first().filter(|change| change.suspected);
                first_of_event +=
                    usize::from(guilty.is_some_and(|change| Some(change.service.as_str()) == world.guilty()));
                for change in findings.changes.iter().filter(|change| change.suspected) {
                    assert_eq!(
                        Some(change.service.as_str()),
                        world.guilty(),
                        "{event:?} {seed} traced {traced}: {change:?}"
                    );
                }
                if !is_right && std::env::var_os("FIRSTLINE_SHOW").is_some() {
                    println!(
                        "{event:?} {seed} traced {traced}: {:?} {:?} {:#?}",
                        findings.verdict, findings.culprit, findings.suspects
                    );
                }
            }
        }
        println!("{event:?}: culprit {right_of_event}/{of_event}, guilty change first {first_of_event}/{of_event}");
        n += of_event;
        right += right_of_event;
        first += first_of_event;
    }
    assert!(right * 10 >= n * 9, "culprit right in {right} of {n}");
    assert!(first * 10 >= n * 9, "guilty change first in {first} of {n}");
}

#[test]
fn ordinary_days_are_called_ordinary() {
    for (event, least) in
        [(Event::Nothing, 99), (Event::NewInfoAfterDeploy, 99), (Event::Surge, 99), (Event::QuietNight, 99)]
    {
        let (mut n, mut calm) = (0, 0);
        for seed in 0..SEEDS {
            for traced in [true, false] {
                let world = World::new(seed, event, traced);
                n += 1;
                calm += usize::from(examine(&world.observed, &[], &Options::default()).verdict == Verdict::NoFault);
            }
        }
        println!("{event:?}: no fault in {calm} of {n}");
        assert!(calm * 100 >= n * least, "{event:?}: no fault in {calm} of {n}");
    }
}

#[test]
fn complaints_of_callers_alone_convict_nobody() {
    for seed in 0..SEEDS {
        let world = World::new(seed, Event::OnlyReported, seed % 2 == 0);
        let findings = examine(&world.observed, &world.changes, &Options::default());
        assert_eq!(findings.verdict, Verdict::Insufficient, "{seed}: {:?}", findings.suspects);
        assert!(findings.facts.reported.iter().any(|reported| reported.service == "payment"), "{seed}");
    }
}

#[test]
fn same_input_gives_same_findings() {
    let world = World::new(7, Event::PoolExhausted, true);
    let once = serde_json::to_string(&examine(&world.observed, &world.changes, &Options::default())).unwrap();
    for _ in 0..3 {
        let again = serde_json::to_string(&examine(&world.observed, &world.changes, &Options::default())).unwrap();
        assert_eq!(once, again);
    }
}

#[test]
fn empty_and_lonely_windows_are_insufficient() {
    let mut world = World::new(1, Event::PoolExhausted, true);
    world.observed.baseline = None;
    assert_eq!(examine(&world.observed, &[], &Options::default()).verdict, Verdict::Insufficient);
    world.observed.rows.clear();
    assert_eq!(examine(&world.observed, &[], &Options::default()).verdict, Verdict::Insufficient);
}
