//! What people and pages see of the state: steps, incidents, timelines, the audit trail. Built from the journal, stored nowhere.

mod sentences;

mod step;

mod report;

mod standing;

mod incident;

mod timeline;

mod audit;

pub use audit::{AuditRow, audit_row};
pub use incident::{IncidentForm, ResolvedForm, incident};
pub use report::{report, waiting};
pub use standing::{Deed, Stand, Standing, standing};
pub use step::{HistoryRow, StepForm, VerificationForm, status, step, steps_in_order};
pub use timeline::timeline;

#[cfg(test)]
mod tests;
