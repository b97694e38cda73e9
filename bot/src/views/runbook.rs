//! A runbook as lists and pages show it, with how its versions have done.

use std::collections::BTreeMap;

use runbooks::{Catalog, Runbook};
use serde::Serialize;

use super::track_record::{VersionRecord, with_current};

/// The form of `GET /api/runbooks` and `runbook list`.
#[derive(Clone, Debug, Serialize)]
pub struct RunbookForm {
    pub id: String,
    pub title: String,
    pub when: String,
    pub owner: String,
    pub risk: evidence::answer::Risk,
    pub params: Vec<String>,
    pub steps: Vec<RunbookStepForm>,
    pub digest: String,
    pub markdown: String,
    /// The version that it has now first, then older ones that were used.
    pub history: Vec<VersionRecord>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RunbookStepForm {
    pub id: String,
    pub action: String,
    pub heading: String,
}

pub fn runbooks(catalog: &Catalog, records: &BTreeMap<String, Vec<VersionRecord>>) -> Vec<RunbookForm> {
    catalog.iter().map(|one| runbook(one, records.get(one.id()))).collect()
}

pub fn runbook(runbook: &Runbook, records: Option<&Vec<VersionRecord>>) -> RunbookForm {
    let steps = runbook.steps.iter().map(|step| RunbookStepForm {
        id: step.id.clone(),
        action: step.block.action.clone(),
        heading: step.heading.clone(),
    });
    let digest = runbook.digest.to_string();
    RunbookForm {
        id: runbook.id().to_owned(),
        title: runbook.head.title.clone(),
        when: runbook.head.when.clone(),
        owner: runbook.head.owner.clone(),
        risk: runbook.head.risk,
        params: runbook.head.params.keys().cloned().collect(),
        steps: steps.collect(),
        history: with_current(records, &digest),
        digest,
        markdown: runbook.text.clone(),
    }
}
