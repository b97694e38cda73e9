//! The kinds of message in the logs, with how many records of each kind have which level.

use std::collections::BTreeMap;

use evidence::Severity;
use indexer::{CountRequest, Result, Store, TemplateCount, TemplatesRequest};
use serde::Serialize;

/// A template with its records by level; the form of `templates --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kind {
    #[serde(flatten)]
    pub count: TemplateCount,
    /// Records by level; those that name none are not in it.
    pub levels: BTreeMap<Severity, u64>,
}

/// Most records first.
///
/// # Errors
///
/// When the store cannot be read.
pub fn kinds(store: &dyn Store, request: &TemplatesRequest) -> Result<Vec<Kind>> {
    let with_levels = |count: TemplateCount| Ok(Kind { levels: levels(store, request, &count)?, count });
    store.templates(request)?.into_iter().map(with_levels).collect()
}

/// Counts from the worst level down, until all records are counted: one count for a template of one level.
fn levels(store: &dyn Store, request: &TemplatesRequest, count: &TemplateCount) -> Result<BTreeMap<Severity, u64>> {
    let mut levels = BTreeMap::new();
    let mut n_counted = 0;
    let down = Severity::ALL.into_iter().rev().filter(|severity| Some(*severity) <= count.level);
    for severity in down {
        let at_least = |service: Option<String>| {
            let family = Some(count.template.id);
            store.count(&CountRequest { family, service, severity_at_least: Some(severity), window: request.window })
        };
        let n = match &request.services {
            None => at_least(None)?,
            Some(services) => services.iter().cloned().map(|service| at_least(Some(service))).sum::<Result<u64>>()?,
        };
        if n > n_counted {
            levels.insert(severity, n - n_counted);
        }
        n_counted = n;
        if n_counted >= count.count {
            break;
        }
    }
    Ok(levels)
}

impl Kind {
    /// The level of most records; of two with as many, the worse.
    pub fn most(&self) -> Option<Severity> {
        let n_without = self.count.count.saturating_sub(self.levels.values().sum());
        let (severity, n) = self.levels.iter().max_by_key(|(severity, n)| (**n, **severity))?;
        (*n >= n_without).then_some(*severity)
    }

    /// The worst level and its count, when most records have a lesser one.
    pub fn worse_than_most(&self) -> Option<(Severity, u64)> {
        let (worst, n) = self.levels.last_key_value()?;
        (self.most() != Some(*worst)).then_some((*worst, *n))
    }
}
