#![doc = include_str!("../README.md")]

pub mod time;

pub mod severity;

pub mod redact;

pub mod record;

pub mod template;

pub mod change;

pub mod grant;

pub mod observed;

pub mod answer;

pub use answer::Answer;
pub use change::{Change, ChangeKind};
pub use grant::{Allowance, Grant};
pub use observed::{Observed, Row};
pub use record::{Record, RecordId, SourcePosition, StoredRecord};
pub use redact::{Redacted, Redactor};
pub use severity::Severity;
pub use template::{Template, TemplateId};
pub use time::{Time, TimeWindow};
