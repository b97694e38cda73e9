//! What a grant shows of the state: the one place that views, live events and decisions ask.
//!
//! What was said of logs is shown to whoever could have seen all that it was said from.

use std::collections::BTreeSet;

use evidence::answer::Risk;
use evidence::grant::ALL;
use evidence::{Allowance, Change, Grant};
use incident::journal::Entry;
use incident::{Incident, StepRecord};
use runbooks::policy::{Operation, Verb};
use runbooks::verify::What;
use runbooks::{Inventory, Person};

use crate::app::App;
use crate::state::{CHANGES, ChangeEvent, INCIDENTS, State};

pub fn may_see_incident(grant: &Grant, incident: &Incident) -> bool {
    let everything = Grant::everything();
    let was_seen_from = incident.questions.iter().map(|inquiry| inquiry.asked.grant.as_ref().unwrap_or(&everything));
    let mut unseen = was_seen_from.filter(|wanted| !grant.covers(wanted));
    grant.is_everything() || (!incident.questions.is_empty() && unseen.next().is_none())
}

/// Also by who may not see the whole incident, when all that is decided with the step is granted: somebody has to decide it.
pub fn may_see_step(grant: &Grant, incident: &Incident, record: &StepRecord) -> bool {
    let unit = incident.unit_of(record.step.id());
    let mut all = unit.into_iter().chain([record]);
    may_see_incident(grant, incident) || all.all(|record| is_granted(grant, record))
}

fn is_granted(grant: &Grant, record: &StepRecord) -> bool {
    let content = record.step.content();
    let of_service = |service: &str| grant.allows(service, Some(&content.environment));
    let watches = match content.verify.as_ref().map(|verify| &verify.what) {
        Some(What::Evidence { service, .. }) => of_service(service),
        Some(What::Query { .. }) | None => true,
    };
    of_service(content.service()) && watches
}

pub fn may_see_change(grant: &Grant, change: &Change) -> bool {
    grant.allows(&change.service, change.environment.as_deref())
}

/// Entries that are about no service are the operator's.
pub fn may_see_entry(grant: &Grant, state: &State, entry: &Entry) -> bool {
    if grant.is_everything() {
        return true;
    }
    if let Some(incident) = entry.stream.strip_prefix(INCIDENTS) {
        return state.incidents.get(incident).is_some_and(|incident| may_see_incident(grant, incident));
    }
    entry.stream == CHANGES
        && matches!(
            serde_json::from_str(&entry.event),
            Ok(ChangeEvent::Recorded { change }) if may_see_change(grant, &change)
        )
}

/// What of an inventory is the business of somebody with this grant.
pub fn narrowed(mut inventory: Inventory, grant: &Grant) -> Inventory {
    if grant.is_everything() {
        return inventory;
    }
    inventory.environments.retain(|environment| grant.allows_some_in(environment));
    inventory.services.retain(|service, _| grant.allows_some_of(service));
    inventory.hosts.retain(|_, service| grant.allows_some_of(service));
    inventory.queues.retain(|_, service| grant.allows_some_of(service));
    inventory.flags.retain(|_, flag| grant.allows_some_of(&flag.service));
    inventory.workloads.retain(|name, one| grant.allows(one.service(name), Some(&one.environment)));
    inventory
}

/// What of a grant the policies let somebody see. Grants say what is whose business; a policy can only take away from it.
pub fn permitted(app: &App, person: &Person, grant: Grant) -> Grant {
    /// Stands for every name that is not known yet.
    const ANY_OTHER: &str = "";
    let rules = &app.rules();
    if rules.is_simple() {
        return grant;
    }
    let inventory = app.inventory();
    let ask = |service: &str, environment: &str| {
        let on = Operation {
            action: String::new(),
            runbook: String::new(),
            service: service.to_owned(),
            target: service.to_owned(),
            environment: environment.to_owned(),
            risk: Risk::Low,
        };
        rules.may(person, Verb::See, &on).allowed
    };
    // Grants compare names without case and policies do not. Only the inventory says how a name is spelled: a log line that
    // writes a service's name in another way must not open what a policy closes.
    let may_see = |service: &str, environment: &str| {
        let (services, environments) =
            (spellings(service, inventory.services.keys()), spellings(environment, &inventory.environments));
        services.iter().all(|service| environments.iter().all(|environment| ask(service, environment)))
    };
    let named = |names: fn(&Allowance) -> Option<&BTreeSet<String>>| {
        grant.allowances().filter_map(names).flatten().cloned().chain([ANY_OTHER.to_owned()])
    };
    let in_logs = app.parts.store.services().unwrap_or_default().into_iter().map(|service| service.name);
    let known = inventory.services.keys().cloned().chain(in_logs);
    let services: BTreeSet<String> = named(Allowance::services).chain(known).map(|name| name.to_lowercase()).collect();
    let known = inventory.environments.iter().cloned();
    let environments: BTreeSet<String> =
        named(Allowance::environments).chain(known).map(|name| name.to_lowercase()).collect();
    let is_seen = |service: &String| {
        let seen = |environment: &&String| may_see(service, environment);
        let of_service: Vec<&str> = environments.iter().filter(seen).map(String::as_str).collect();
        (service.clone(), of_service)
    };
    let seen: Vec<(String, Vec<&str>)> = services.iter().map(is_seen).collect();
    if seen.iter().all(|(_, of_service)| of_service.len() == environments.len()) {
        return grant;
    }
    let allowances = seen.iter().filter(|(service, _)| service != ANY_OTHER).filter_map(|(service, of_service)| {
        let is_everywhere = of_service.len() == environments.len() && grant.allows(service, None);
        let granted = |environment: &&&str| **environment != ANY_OTHER && grant.allows(service, Some(environment));
        let of_service: Vec<&str> =
            if is_everywhere { vec![ALL] } else { of_service.iter().filter(granted).copied().collect() };
        (!of_service.is_empty()).then(|| Allowance::new([service.as_str()], of_service))
    });
    Grant::of(allowances)
}

/// How a name in lower case is spelled by those who may say so; as it is when they do not know it.
fn spellings<'n>(name: &'n str, known: impl IntoIterator<Item = &'n String>) -> Vec<&'n str> {
    let spelled: Vec<&str> =
        known.into_iter().filter(|known| known.to_lowercase() == name).map(String::as_str).collect();
    if spelled.is_empty() { vec![name] } else { spelled }
}

impl State {
    pub fn changes_seen(&self, grant: &Grant) -> Vec<Change> {
        self.changes.iter().filter(|change| may_see_change(grant, change)).cloned().collect()
    }

    pub fn incidents_seen<'s>(&'s self, grant: &'s Grant) -> impl Iterator<Item = &'s Incident> {
        self.incidents.values().filter(|incident| may_see_incident(grant, incident))
    }

    /// The conversations that joined an incident, as far as they may be seen.
    pub fn joined_seen(&self, grant: &Grant, incident: &str) -> Vec<&Incident> {
        let mut joined = self.joined_to(incident);
        joined.retain(|joined| may_see_incident(grant, joined));
        joined
    }

    /// A step by its id or its proposal's; one that may not be seen is not there.
    pub fn step_seen(&self, grant: &Grant, id: &str) -> Option<(&Incident, &StepRecord)> {
        self.step_named(id).filter(|(incident, record)| may_see_step(grant, incident, record))
    }
}
