//! The header of the console: which services are heard, how fast records come, how many errors.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use evidence::{Grant, Severity, Time, TimeWindow};
use indexer::{CountRequest, Store};
use jiff::SignedDuration;
use serde::Serialize;

use crate::app::{App, Refused};
use crate::sight::may_see_step;

#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    pub services: Vec<ServiceRow>,
    pub records: u64,
    pub records_per_second: f64,
    pub errors_per_minute: f64,
    pub last_record: Option<Time>,
    pub open_incidents: usize,
    pub waiting_approvals: usize,
    pub suggestions: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ServiceRow {
    pub name: String,
    pub records: u64,
    pub errors_per_minute: f64,
    /// Nothing for five minutes, although others are heard.
    pub silent: bool,
    pub version: Option<String>,
}

/// Keeps the last look for a second, so that many open pages of people with the same grant cost one.
#[derive(Default)]
pub struct Sampler(Mutex<HashMap<Grant, (Time, Overview)>>);

impl Sampler {
    pub async fn now(&self, app: &App, grant: &Grant) -> Result<Overview, Refused> {
        const FRESH: SignedDuration = SignedDuration::from_secs(1);
        let now = app.now();
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(grant).cloned();
        let mut overview = match kept {
            Some((at, overview)) if now < at.plus(FRESH) => overview,
            _ => {
                let overview = app.with_granted(grant, move |store| look(store, now)).await?;
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.retain(|_, (at, _)| now < at.plus(FRESH));
                kept.insert(grant.clone(), (now, overview.clone()));
                overview
            }
        };
        app.with_state(|state| {
            overview.open_incidents = state.incidents_seen(grant).filter(|incident| incident.is_open()).count();
            let waiting = state.waiting(now).into_iter();
            let seen = waiting.filter(|(incident, record)| may_see_step(grant, incident, record));
            overview.waiting_approvals = seen.count();
            let changes = state.changes_seen(grant);
            for service in &mut overview.services {
                let deployed = changes.iter().filter(|change| change.service == service.name && change.at <= now);
                let deployed = deployed.filter(|change| change.kind == evidence::ChangeKind::Deploy);
                service.version = deployed.max_by_key(|change| change.at).map(|change| change.version.clone());
            }
        });
        Ok(overview)
    }
}

fn look(store: &dyn Store, now: Time) -> indexer::Result<Overview> {
    const SILENT: SignedDuration = SignedDuration::from_mins(5);
    let infos = store.services()?;
    let records = store.totals()?.records;
    let last_record = store.reach()?.map(|(_, last)| last);
    // Data that ended long ago is looked at where it ended.
    let end = last_record.map_or(now, |last| last.min(now));
    let count = |seconds: i64, service: Option<&str>, severity_at_least| {
        let window = TimeWindow::new(end.minus(SignedDuration::from_secs(seconds)), Time(end.0 + 1));
        let Ok(window) = window else { return Ok(0) };
        store.count(&CountRequest { family: None, service: service.map(str::to_owned), severity_at_least, window })
    };
    let is_live = last_record.is_some_and(|last| now < last.plus(SignedDuration::from_secs(30)));
    let records_per_second = if is_live { count(10, None, None)? as f64 / 10.0 } else { 0.0 };
    let errors_per_minute = count(60, None, Some(Severity::Error))? as f64;
    let mut services = Vec::with_capacity(infos.len());
    for info in infos.iter().take(200) {
        services.push(ServiceRow {
            name: info.name.clone(),
            records: info.records,
            errors_per_minute: count(60, Some(&info.name), Some(Severity::Error))? as f64,
            silent: info.last < end.minus(SILENT),
            version: None,
        });
    }
    let worst = services.iter().filter(|service| service.errors_per_minute > 0.0);
    let worst = worst.max_by(|a, b| a.errors_per_minute.total_cmp(&b.errors_per_minute));
    let mut suggestions = vec!["what is wrong?".to_owned(), "what changed in the last hour?".to_owned()];
    if let Some(worst) = worst {
        suggestions.insert(0, format!("why is {} failing?", worst.name));
    }
    Ok(Overview {
        services,
        records,
        records_per_second,
        errors_per_minute,
        last_record,
        open_incidents: 0,
        waiting_approvals: 0,
        suggestions,
    })
}
