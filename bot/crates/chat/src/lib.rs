#![doc = include_str!("../README.md")]

pub mod inert;

pub mod layout;

pub mod words;

pub mod chart;

pub mod message;

pub mod platforms;

pub use inert::{inert, inert_lines};
pub use message::{Decision, Hits, Message, Run, StepReport, StepState, TemplateRow, TimelineRow, Waiting};
pub use platforms::terminal::{
    TerminalStyle, render_answer, render_proposals, render_search_hits, render_step_outcome, render_templates,
    render_timeline,
};
pub use platforms::{Body, Platform};
