//! How bad a record says it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The six levels of OpenTelemetry, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Severity {
    Trace = 1,
    Debug = 2,
    Info = 3,
    Warn = 4,
    Error = 5,
    Fatal = 6,
}

impl Severity {
    pub const ALL: [Severity; 6] =
        [Severity::Trace, Severity::Debug, Severity::Info, Severity::Warn, Severity::Error, Severity::Fatal];

    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Trace => "trace",
            Severity::Debug => "debug",
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
            Severity::Fatal => "fatal",
        }
    }

    /// Reads the spellings that log libraries use: `WARNING`, `err`, `E`, `CRITICAL`, `panic`, `notice`, …
    pub fn parse(text: &str) -> Option<Severity> {
        let lower = text.trim().to_ascii_lowercase();
        Some(match lower.as_str() {
            "trace" | "trc" | "t" | "v" | "verbose" | "finest" | "finer" => Severity::Trace,
            "debug" | "dbg" | "d" | "fine" => Severity::Debug,
            "info" | "inf" | "i" | "information" | "informational" | "notice" | "log" | "note" | "config"
            | "default" => Severity::Info,
            "warn" | "warning" | "wrn" | "w" => Severity::Warn,
            "error" | "err" | "e" | "eror" | "severe" | "failure" => Severity::Error,
            "fatal" | "ftl" | "f" | "critical" | "crit" | "c" | "panic" | "emerg" | "emergency" | "alert"
            | "dpanic" => Severity::Fatal,
            _ => return None,
        })
    }

    /// `0` is what a stored record has when it named no level.
    pub fn from_u8(value: u8) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| *severity as u8 == value)
    }

    /// Whether this is bad enough to count as an error on a chart.
    pub fn is_error(self) -> bool {
        self >= Severity::Error
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
