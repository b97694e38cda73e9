#![doc = include_str!("../README.md")]

pub mod journal;

pub mod clock;

pub mod understand;

pub mod windows;

mod blame;
mod number_hash;
mod scene;
mod statistics;
mod traces;
mod trouble;

mod rates;

mod analyses;
mod findings;

mod localise;
mod usual;
mod verdict;

mod correlate;
mod facts;
mod present;

mod examine;

pub mod check;

pub mod say;

mod words;

mod compose;
mod effect;
mod event;
mod machine;

pub use check::{Checked, Ground, Unsupported, check};
pub use compose::{Composed, confirm};
pub use effect::Effect;
pub use event::{Answered, Asked, Event, Found, Happened, Retold};
pub use evidence::answer::QuestionKind;
pub use examine::{Options, examine};
pub use findings::{
    ChangeFacts, ErrorShare, Facts, FailingService, Findings, Reason, Relation, ReportedService, ShareUnit,
    SilentService, Usual,
};
pub use machine::{Incident, Inquiry, Opened, StepRecord};
pub use present::per_bucket;
pub use say::{Telling, say};
pub use trouble::began_before;
pub use understand::{ChangeRow, Context, Id, Known, KnownService, Overrides, Question, Row, understand};
