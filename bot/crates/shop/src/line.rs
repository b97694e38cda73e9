//! One line as it leaves a service, with what a log shipper would know about it.

use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file it would be in, such as `checkout.ndjson`.
    pub source: &'static str,
    pub service: &'static str,
    /// The pod or host that wrote it.
    pub host: Arc<str>,
    /// Microseconds since the epoch, UTC.
    pub at: i64,
    /// Without the final newline; a stack trace has newlines inside.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    pub(crate) fn lower(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    pub(crate) fn upper(self) -> &'static str {
        match self {
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
            Level::Fatal => "FATAL",
        }
    }
}
