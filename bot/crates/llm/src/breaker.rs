//! Leaves a failing model alone: after some failures in a row nothing is sent for a while, then one call tries again.
//! A call that was given up (its future dropped) counts as neither, but frees the place of the one that tries.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use prompts::Prompt;
use tokio::time::Instant;

use crate::{Error, Provider, Reply};

pub(crate) struct Breaker<P> {
    inner: P,
    failures_to_open: u32,
    open_for: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    open_until: Option<Instant>,
    is_trying: bool,
}

impl<P> Breaker<P> {
    pub(crate) fn new(inner: P, failures_to_open: u32, open_for: Duration) -> Breaker<P> {
        Breaker { inner, failures_to_open, open_for, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is plain values, whole at any point, so a panic elsewhere cannot have broken it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for one call.
    fn enter(&self) -> Result<Place<'_, P>, Error> {
        let mut state = self.state();
        let now = Instant::now();
        match state.open_until {
            Some(until) if now < until => return Err(Error::Open(round_up(until - now))),
            Some(_) if state.is_trying => return Err(Error::Open(round_up(self.open_for))),
            Some(_) => state.is_trying = true,
            None => {}
        }
        Ok(Place { breaker: self, tries: state.is_trying })
    }
}

/// Whole seconds, never none: the time is read by people.
fn round_up(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

/// One call on its way.
struct Place<'a, P> {
    breaker: &'a Breaker<P>,
    /// Whether it is the one that tries an open breaker.
    tries: bool,
}

impl<P> Place<'_, P> {
    fn report(&self, succeeded: bool) {
        let mut state = self.breaker.state();
        if succeeded {
            *state = State { is_trying: state.is_trying, ..State::default() };
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.breaker.failures_to_open {
            state.open_until = Some(Instant::now() + self.breaker.open_for);
        }
    }
}

impl<P> Drop for Place<'_, P> {
    fn drop(&mut self) {
        if self.tries {
            self.breaker.state().is_trying = false;
        }
    }
}

#[async_trait]
impl<P: Provider> Provider for Breaker<P> {
    async fn complete(&self, prompt: &Prompt) -> Result<Reply, Error> {
        let place = self.enter()?;
        let outcome = self.inner.complete(prompt).await;
        place.report(outcome.is_ok());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::script::{Script, prompt, reply};

    const OPEN_FOR: Duration = Duration::from_secs(30);

    fn failure() -> Result<Reply, Error> {
        Err(Error::Invalid("x".into()))
    }

    fn breaker(outcomes: impl IntoIterator<Item = Result<Reply, Error>>) -> Breaker<Script> {
        Breaker::new(Script::of(outcomes), 3, OPEN_FOR)
    }

    async fn ask(breaker: &Breaker<Script>) -> Result<Reply, Error> {
        breaker.complete(&prompt()).await
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_good_call_closes_it() {
        let breaker = breaker([failure(), failure(), failure(), reply("back"), failure(), failure(), reply("still")]);
        for _ in 0..3 {
            assert_eq!(ask(&breaker).await, failure());
        }
        assert_eq!(ask(&breaker).await, Err(Error::Open(OPEN_FOR)));
        tokio::time::advance(OPEN_FOR - Duration::from_millis(1)).await;
        assert_eq!(ask(&breaker).await, Err(Error::Open(Duration::from_secs(1))));
        assert_eq!(breaker.inner.asked(), 3, "an open breaker sends nothing");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(ask(&breaker).await, reply("back"));
        assert_eq!(
            [ask(&breaker).await, ask(&breaker).await, ask(&breaker).await],
            [failure(), failure(), reply("still")]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_call_in_between_starts_the_count_again() {
        let breaker = breaker([failure(), failure(), reply("a"), failure(), failure(), reply("b")]);
        for _ in 0..5 {
            let _ = ask(&breaker).await;
        }
        assert_eq!(ask(&breaker).await, reply("b"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_try_opens_it_again() {
        let breaker = breaker([failure(), failure(), failure(), failure(), reply("a")]);
        for _ in 0..3 {
            let _ = ask(&breaker).await;
        }
        tokio::time::advance(OPEN_FOR).await;
        assert_eq!(ask(&breaker).await, failure());
        assert_eq!(ask(&breaker).await, Err(Error::Open(OPEN_FOR)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_one_call_tries_and_a_given_up_try_frees_its_place() {
        let breaker = breaker([failure(), failure(), failure(), reply("slow"), reply("next")]);
        for _ in 0..3 {
            let _ = ask(&breaker).await;
        }
        tokio::time::advance(OPEN_FOR).await;
        let trying = breaker.enter().map(|place| place.tries);
        assert_eq!(trying, Ok(true));
        let trying = breaker.enter().expect("the first place was given up");
        assert_eq!(ask(&breaker).await, Err(Error::Open(OPEN_FOR)), "somebody is trying already");
        drop(trying);
        assert_eq!(ask(&breaker).await, reply("slow"));
    }
}
