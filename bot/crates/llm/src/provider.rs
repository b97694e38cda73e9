//! Whatever turns a prompt into text. Tests, retries and the breaker are providers as well.

use async_trait::async_trait;
use prompts::Prompt;

use crate::Error;

#[async_trait]
pub trait Provider: Send + Sync {
    /// Asks once. Dropping the future gives up the call.
    async fn complete(&self, prompt: &Prompt) -> Result<Reply, Error>;
}

/// What a model wrote. Untrusted: it has to parse, and what it claims has to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    /// The model as the server names it; empty when it does not.
    pub model: String,
    /// `0` where the server does not count.
    pub tokens_in: u64,
    pub tokens_out: u64,
}

/// A provider that plays outcomes back, for the tests of what wraps one.
#[cfg(test)]
pub(crate) mod script {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    pub(crate) struct Script {
        outcomes: Mutex<VecDeque<Result<Reply, Error>>>,
        takes: Duration,
        asked: AtomicUsize,
    }

    impl Script {
        pub(crate) fn of(outcomes: impl IntoIterator<Item = Result<Reply, Error>>) -> Script {
            Script {
                outcomes: Mutex::new(outcomes.into_iter().collect()),
                takes: Duration::ZERO,
                asked: AtomicUsize::new(0),
            }
        }

        pub(crate) fn taking(self, takes: Duration) -> Script {
            Script { takes, ..self }
        }

        pub(crate) fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[async_trait]
    impl Provider for Script {
        async fn complete(&self, _prompt: &Prompt) -> Result<Reply, Error> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            self.outcomes.lock().expect("no test panics with the lock").pop_front().expect("the script goes on")
        }
    }

    pub(crate) fn reply(text: &str) -> Result<Reply, Error> {
        Ok(Reply { text: text.to_owned(), model: "script".to_owned(), tokens_in: 1, tokens_out: 1 })
    }

    pub(crate) fn prompt() -> Prompt {
        Prompt {
            name_version: "tell@v1".to_owned(),
            digest: "d".to_owned(),
            system: "the rules".to_owned(),
            user: "the data".to_owned(),
            schema: serde_json::json!({"type": "object"}),
            max_tokens: 700,
            shown_records: 0,
        }
    }
}
