//! `wait` over counts that change while it waits.

use std::time::Instant;

use async_trait::async_trait;
use evidence::{Time, TimeWindow};

use super::*;
use crate::verify::{Counting, Counts, Verify};

/// Counts lines of a log in which one comes each 100 ms until `stops_after_ms`; other lines come for ever, unless it is silent.
struct Log {
    began: Instant,
    stops_after_ms: i64,
    is_silent: bool,
    windows: Mutex<Vec<TimeWindow>>,
    fails_first: Mutex<u32>,
}

const EPOCH: i64 = 1_700_000_000_000_000;

#[async_trait]
impl Counting for Log {
    fn now(&self) -> Time {
        Time(EPOCH + i64::try_from(self.began.elapsed().as_micros()).unwrap())
    }

    async fn count(&self, _: &Verify, window: TimeWindow) -> Result<Counts, String> {
        let mut fails = self.fails_first.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err("the index is being rebuilt".to_owned());
        }
        self.windows.lock().unwrap().push(window);
        let of = |end_us: i64| u64::try_from((end_us - window.from().0).max(0) / 100_000).unwrap();
        let heard = if self.is_silent { 0 } else { of(window.to().0) };
        Ok(Counts { matching: of(window.to().0.min(EPOCH + self.stops_after_ms * 1_000)), heard })
    }
}

fn log(stops_after_ms: i64) -> Log {
    Log {
        began: Instant::now(),
        stops_after_ms,
        is_silent: false,
        windows: Mutex::default(),
        fails_first: Mutex::new(0),
    }
}

fn actions_over(log: Log) -> (Actions, Arc<Log>) {
    let log = Arc::new(log);
    (actions(json!({})).with_counting(log.clone()), log)
}

fn quiet(for_seconds: u32, within_seconds: u32) -> Value {
    json!({
        "what": {"query": {"query": "pool exhausted"}}, "wants": {"at_most": {"count": 0, "was_per_minute": 600}},
        "for_seconds": for_seconds, "within_seconds": within_seconds,
    })
}

#[tokio::test]
async fn it_ends_when_it_was_quiet_for_as_long_as_was_wanted() {
    let (actions, log) = actions_over(log(700));
    let tried = run(&actions, "wait", quiet(1, 3), 10_000, None).await;
    assert_outcome(&tried, Outcomes::Succeeded, "`pool exhausted` has stopped (0 in the last 1 s, was 600/min)");
    assert!(tried.live.contains("watching") && tried.live.contains("still comes"), "{}", tried.live);
    let windows = log.windows.lock().unwrap();
    assert!(windows.iter().all(|window| window.from() >= Time(EPOCH)), "it looked at what was before");
    assert!(windows.windows(2).all(|pair| pair[0].to() < pair[1].to()), "it counted the same twice");
}

#[tokio::test]
async fn it_fails_when_its_time_is_over() {
    let (actions, _) = actions_over(log(60_000));
    let started = Instant::now();
    let tried = run(&actions, "wait", quiet(1, 2), 10_000, None).await;
    assert_outcome(&tried, Outcomes::Failed, "waited in vain: `pool exhausted` still comes");
    assert!((1_900..4_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    let tried = run(&actions, "wait", quiet(1, 60), 1_300, None).await;
    assert_outcome(&tried, Outcomes::TimedOut, "was over before it was decided");
}

#[tokio::test]
async fn silence_of_everything_is_no_success() {
    let (actions, _) = actions_over(Log { is_silent: true, ..log(0) });
    let tried = run(&actions, "wait", quiet(1, 2), 10_000, None).await;
    assert_outcome(&tried, Outcomes::Failed, "its silence proves nothing");
}

#[tokio::test]
async fn it_stops_at_once_when_somebody_wants_it_to() {
    let (actions, _) = actions_over(log(60_000));
    let started = Instant::now();
    let tried = run(&actions, "wait", quiet(30, 600), 900_000, Some(200)).await;
    assert_outcome(&tried, Outcomes::Cancelled, "nothing was changed");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn what_cannot_be_counted_is_said_and_is_no_success() {
    let (actions, _) = actions_over(Log { fails_first: Mutex::new(99), ..log(0) });
    let tried = run(&actions, "wait", quiet(1, 2), 10_000, None).await;
    assert_outcome(&tried, Outcomes::Failed, "nothing could be counted: the index is being rebuilt");
    assert!(tried.live.contains("the index is being rebuilt"));
    let tried = run(&super::actions(json!({})), "wait", quiet(1, 2), 10_000, None).await;
    assert_outcome(&tried, Outcomes::Refused, "there is no log index here");
}

#[test]
fn it_says_what_it_waits_for() {
    let actions = actions(json!({}));
    let wait = actions.named("wait").unwrap();
    let said = wait.describe(&quiet(45, 300));
    assert_eq!(said, "wait until `pool exhausted` stops for 45 s (at most 5 min)");
    for (arguments, mistake) in [
        (quiet(0, 60), "at least a second"),
        (quiet(60, 30), "no shorter than `for`"),
        (quiet(60, 901), "at most 15 min"),
        (json!({"query": "pool", "at_most": 0}), "unknown field `query`"),
    ] {
        assert!(wait.check(&arguments).unwrap_err()[0].contains(mistake), "{arguments}");
    }
}
