//! What people and pages see of the state: steps, incidents, timelines, the audit trail. Built from the journal, stored nowhere.

mod sentences;

mod step;

mod report;

mod standing;

mod incident;

mod timeline;

mod audit;

mod track_record;

mod runbook;

mod runbook_draft;

mod decision;

pub use audit::{AuditRow, audit_row};
pub use decision::{Decision, decision};
pub use incident::{IncidentForm, ResolvedForm, incident};
pub use report::{report, waiting};
pub use runbook::{RunbookForm, runbook, runbooks};
pub use runbook_draft::{RunbookDraft, draft as runbook_draft};
pub use standing::{Deed, Stand, Standing, standing};
pub use step::{HistoryRow, StepForm, VerificationForm, status, step, steps_in_order};
pub use timeline::timeline;
pub use track_record::{VersionRecord, track_records};

#[cfg(test)]
mod tests;
