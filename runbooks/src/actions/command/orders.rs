//! What a guard is told and what it reports: one line of JSON each way, over the socket that is its standard input.
//! A guard is a process of ours between the executor and a program; it confines the program and ends whatever it started.

use serde::{Deserialize, Serialize};

/// Whether a program may run where the kernel cannot confine it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// It is not started then.
    #[default]
    Required,
    /// It is started, and the outcome says what was missing.
    BestEffort,
}

/// Everything a guard needs to know of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Absolute.
    pub program: String,
    pub argv: Vec<String>,
    /// The whole environment of the program, but for `TMPDIR`, which is its working folder.
    pub env: Vec<(String, String)>,
    pub timeout_ms: u64,
    /// Between TERM and KILL.
    pub grace_ms: u64,
    pub limits: Limits,
    /// Files and folders that it may read and execute, beside the system's.
    pub read: Vec<String>,
    /// Files and folders that it may read and change, beside its working folder.
    pub write: Vec<String>,
    pub network: bool,
    /// The operating-system user; `nobody` for root and oneself for others, when absent.
    pub user: Option<String>,
    pub sandbox: Sandbox,
}

/// What a program and everything it starts may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Of all its processes together.
    pub memory_mib: u64,
    /// Of each process.
    pub cpu_seconds: u64,
    /// The largest file that it may write.
    pub file_mib: u64,
    /// Open files of each process.
    pub files: u64,
    /// Processes and threads at one time.
    pub processes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { memory_mib: 512, cpu_seconds: 900, file_mib: 256, files: 256, processes: 64 }
    }
}

/// How a run ended; the last thing that a guard says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub ended: Ended,
    /// Why it was stopped before it ended by itself.
    pub stopped: Option<Stopped>,
    /// What held it, in words: `confined, as nobody`.
    pub confined: String,
    /// Processes that were still there when the program had ended, and were killed.
    pub left_behind: u32,
    /// Processes that could not be killed.
    pub still_there: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Nothing of it ran.
    NotStarted {
        why: String,
    },
    Exited {
        code: i32,
    },
    /// By a signal, named as `SIGKILL`.
    Killed {
        signal: String,
    },
    Unknown {
        why: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    TimedOut,
    Cancelled,
    OutOfMemory,
}
