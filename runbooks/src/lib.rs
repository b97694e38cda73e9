#![doc = include_str!("../README.md")]

pub mod canonical;

pub mod inventory;

pub mod params;

pub mod render;

pub mod runbook;

pub mod mistakes;

pub mod markdown;

pub mod catalog;

pub mod written;

pub mod import;

pub mod candidates;

pub mod verify;

pub mod proposal;

pub mod draft;

pub mod people;

pub mod policy;

pub mod approval;

pub mod invariants;

pub mod actions;

pub mod execute;

#[cfg(test)]
mod conformance;

pub use approval::{Approved, Claim, Command, Refusal, Status, StepEvent, StepState, apply, apply_at, decide};
pub use candidates::{Candidate, Situation};
pub use canonical::Digest;
pub use catalog::Catalog;
pub use draft::{Context, Draft};
pub use execute::{Outcome, Outcomes, execute};
pub use inventory::Inventory;
pub use people::{Identity, People, Person};
pub use policy::Rules;
pub use proposal::{Proposal, Step, StepContent};
pub use runbook::{Mistake, Runbook};
pub use verify::Verify;
