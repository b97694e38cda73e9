//! Why there is no reply. The variants are what a caller does differently; the words are those of `answer.v1`.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the model did not answer in {0:?}; raise `llm.timeout_seconds` or use a faster model")]
    Timeout(Duration),
    #[error("the model failed several times in a row and is left alone for another {0:?}")]
    Open(Duration),
    #[error("the model's server cannot be reached: {0}; check `llm.base_url`")]
    Unreachable(String),
    /// `status` is 5xx.
    #[error("the model's server failed with status {status}{message}")]
    Failed { status: u16, message: String },
    #[error("the model's server wants fewer requests (status 429)")]
    RateLimited { retry_after: Option<Duration> },
    /// `status` is 3xx or 4xx.
    #[error(
        "the model's server refused the request with status {status}{message}; check `llm.base_url`, `llm.model` and `llm.api_key`"
    )]
    Refused { status: u16, message: String },
    #[error("the model's reply cannot be used: {0}")]
    Invalid(String),
    #[error("the model cannot be set up: {0}")]
    Setup(String),
}

impl Error {
    /// The word for it in `model.degraded` of an answer.
    pub fn degraded_as(&self) -> &'static str {
        match self {
            Error::Timeout(_) => "timeout",
            Error::Open(_) => "breaker",
            Error::Unreachable(_) | Error::Failed { .. } => "unreachable",
            Error::RateLimited { .. } => "rate_limited",
            Error::Refused { .. } | Error::Invalid(_) | Error::Setup(_) => "invalid",
        }
    }

    /// Whether the same request may work a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Unreachable(_) | Error::Failed { .. } | Error::RateLimited { .. } => true,
            Error::Timeout(_) | Error::Open(_) | Error::Refused { .. } | Error::Invalid(_) | Error::Setup(_) => false,
        }
    }

    /// How long the server asked us to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }
}
