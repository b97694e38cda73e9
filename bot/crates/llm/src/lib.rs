#![doc = include_str!("../README.md")]

pub mod error;

pub mod provider;

pub mod providers;

mod retry;

mod breaker;

use std::sync::Arc;
use std::time::Duration;

pub use error::Error;
pub use provider::{Provider, Reply};
pub use providers::openai::OpenAi;

/// Failures in a row after which the model is left alone.
const FAILURES_TO_OPEN: u32 = 5;
/// How long it is left alone.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// A model behind an OpenAI-compatible server, with its retry, deadline and breaker.
///
/// # Errors
///
/// [`Error::Setup`] when the settings cannot work, whatever the server does.
pub fn openai(settings: OpenAi) -> Result<Arc<dyn Provider>, Error> {
    let timeout = settings.timeout;
    let server = providers::openai::Server::new(settings)?;
    let retried = retry::Retry::new(server, timeout);
    Ok(Arc::new(breaker::Breaker::new(retried, FAILURES_TO_OPEN, OPEN_FOR)))
}

/// Mozilla's root certificates, so that a client works where the system has none.
pub fn roots() -> Vec<reqwest::Certificate> {
    let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    certificates.filter_map(|der| reqwest::Certificate::from_der(der.as_ref()).ok()).collect()
}
