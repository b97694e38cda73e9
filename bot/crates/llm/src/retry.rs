//! One more try after a passing failure, and one deadline over both tries and the wait between them.
//! A wait that would not fit is not begun: the caller learns the true reason at once instead of a timeout later.

use std::time::Duration;

use async_trait::async_trait;
use prompts::Prompt;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Error, Provider, Reply};

/// Between the tries, when the server names no time.
const WAIT: Duration = Duration::from_millis(300);

pub(crate) struct Retry<P> {
    inner: P,
    total: Duration,
}

impl<P> Retry<P> {
    pub(crate) fn new(inner: P, total: Duration) -> Retry<P> {
        Retry { inner, total }
    }
}

#[async_trait]
impl<P: Provider> Provider for Retry<P> {
    async fn complete(&self, prompt: &Prompt) -> Result<Reply, Error> {
        let deadline = Instant::now() + self.total;
        let try_once = || async {
            timeout_at(deadline, self.inner.complete(prompt)).await.unwrap_or(Err(Error::Timeout(self.total)))
        };
        let error = match try_once().await {
            Err(error) if error.is_retryable() => error,
            done => return done,
        };
        let wait = error.retry_after().unwrap_or(WAIT).max(WAIT);
        if deadline.saturating_duration_since(Instant::now()) <= wait {
            return Err(error);
        }
        tracing::debug!("asking the model once more in {wait:?}: {error}");
        sleep(wait).await;
        try_once().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::script::{Script, prompt, reply};

    const TOTAL: Duration = Duration::from_secs(10);

    /// Runs a script and returns the outcome, how often it was asked, and the time it took.
    async fn run(script: Script) -> (Result<Reply, Error>, usize, Duration) {
        let start = Instant::now();
        let retry = Retry::new(script, TOTAL);
        let outcome = retry.complete(&prompt()).await;
        (outcome, retry.inner.asked(), start.elapsed())
    }

    fn failed() -> Error {
        Error::Failed { status: 500, message: String::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_passing_failure_is_tried_once_more() {
        for error in [failed(), Error::Unreachable("x".into()), Error::RateLimited { retry_after: None }] {
            assert_eq!(run(Script::of([Err(error.clone()), reply("b")])).await, (reply("b"), 2, WAIT), "{error}");
            let (outcome, asked, _) = run(Script::of([Err(failed()), Err(error.clone()), reply("c")])).await;
            assert_eq!((outcome, asked), (Err(error), 2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_failure_is_not() {
        for error in [Error::Invalid("x".into()), Error::Refused { status: 401, message: String::new() }] {
            let (outcome, asked, _) = run(Script::of([Err(error.clone()), reply("b")])).await;
            assert_eq!((outcome, asked), (Err(error), 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_says_how_long_to_wait_and_too_long_is_too_long() {
        let limited = |seconds| Error::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(run(Script::of([Err(limited(4)), reply("b")])).await, (reply("b"), 2, Duration::from_secs(4)));
        assert_eq!(run(Script::of([Err(limited(11)), reply("b")])).await, (Err(limited(11)), 1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn one_deadline_covers_both_tries() {
        let slow = |seconds, result| Script::of([result, reply("b")]).taking(Duration::from_secs(seconds));
        assert_eq!(run(slow(11, reply("a"))).await, (Err(Error::Timeout(TOTAL)), 1, TOTAL));
        assert_eq!(run(slow(6, Err(failed()))).await, (Err(Error::Timeout(TOTAL)), 2, TOTAL));
    }
}
