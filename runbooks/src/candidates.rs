//! Which runbooks fit a situation, with every parameter filled from the inventory.
//! A runbook whose parameters cannot all be filled is no candidate; an innocent change never leads to a rollback.

use std::cmp::Reverse;

use evidence::ChangeKind;
use evidence::answer::{Evidence, EvidenceKind, RankedChange, Suspect, Verdict};
use regex::RegexBuilder;
use serde::Serialize;

use crate::catalog::Catalog;
use crate::inventory::{Inventory, flag_name};
use crate::params::{Param, Place, Source, Value, Values};
use crate::runbook::{Runbook, Trigger};

/// What is known when runbooks are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'s> {
    pub verdict: Verdict,
    /// Best first.
    pub evidence: &'s [Evidence],
    /// Best first.
    pub suspects: &'s [Suspect],
    /// Best first.
    pub changes: &'s [RankedChange],
    /// The environment in question, when the question or the logs name one.
    pub environment: Option<&'s str>,
    pub inventory: &'s Inventory,
}

/// A runbook that fits, ready to be drafted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    pub runbook: String,
    pub title: String,
    pub params: Values,
    pub why: String,
    /// Ids of evidence and changes, evidence first.
    pub citations: Vec<String>,
    /// `1..=100`.
    pub score: u32,
}

/// What a trigger found.
struct Match<'s> {
    service: &'s str,
    change: Option<&'s RankedChange>,
    evidence: Vec<&'s Evidence>,
}

impl Catalog {
    /// Best first; each runbook at most once.
    pub fn candidates(&self, situation: &Situation<'_>) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = self.iter().filter_map(|runbook| candidate(runbook, situation)).collect();
        candidates.sort_by(|a, b| (Reverse(a.score), &a.runbook).cmp(&(Reverse(b.score), &b.runbook)));
        candidates
    }
}

fn candidate(runbook: &Runbook, situation: &Situation<'_>) -> Option<Candidate> {
    let tries = runbook.head.triggers.iter().filter_map(|trigger| {
        let found = matches(trigger, situation)?;
        let params = fill(runbook, &found, situation)?;
        Some((trigger.fit, found, params))
    });
    let (fit, found, params) = tries.max_by_key(|(fit, ..)| *fit)?;
    let evidence_ids = found.evidence.iter().take(3).map(|evidence| evidence.id.clone());
    let citations = evidence_ids.chain(found.change.map(|change| change.id.clone())).collect();
    Some(Candidate {
        runbook: runbook.id().to_owned(),
        title: runbook.title_with(&params),
        params,
        why: why(&found),
        citations,
        score: fit.clamp(1, 100),
    })
}

fn matches<'s>(trigger: &Trigger, situation: &Situation<'s>) -> Option<Match<'s>> {
    let verdict_fits = match &trigger.verdicts[..] {
        [] => situation.verdict == Verdict::Cause,
        verdicts => verdicts.contains(&situation.verdict),
    };
    let suspected = situation.changes.iter().find(|change| change.suspected);
    if !verdict_fits || (trigger.no_change && suspected.is_some()) {
        return None;
    }
    let change = match &trigger.changes[..] {
        [] => None,
        kinds => {
            let fits = |change: &RankedChange| change.suspected && kinds.contains(&change.kind);
            Some(situation.changes.iter().find(|change| fits(change) && can_go_back(change))?)
        }
    };
    let service = match (change, situation.suspects.first()) {
        (Some(change), _) => change.service.as_str(),
        (None, Some(suspect)) => suspect.service.as_str(),
        (None, None) => situation.evidence.first()?.service.as_str(),
    };
    let evidence = match &trigger.evidence {
        Some(pattern) => {
            let regex = RegexBuilder::new(pattern).case_insensitive(true).build().ok()?;
            let shows = |evidence: &&Evidence| {
                let samples = evidence.samples.iter().any(|sample| regex.is_match(sample.text.as_str()));
                let kind_fits = trigger.kinds.is_empty() || trigger.kinds.contains(&evidence.kind);
                kind_fits && is_trouble(evidence) && (regex.is_match(&evidence.template) || samples)
            };
            let found: Vec<&Evidence> = situation.evidence.iter().filter(shows).collect();
            // What the suspect says about itself comes first: that is what a remedy of its own must end.
            let (mut own, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|evidence| evidence.service == service);
            own.extend(others);
            if own.is_empty() {
                return None;
            }
            own
        }
        None => {
            let own = situation.evidence.iter().filter(|evidence| evidence.service == service);
            let own: Vec<&Evidence> = own.collect();
            if own.is_empty() { situation.evidence.iter().take(1).collect() } else { own }
        }
    };
    Some(Match { service, change, evidence })
}

/// Going back needs somewhere to go; a flag goes to its other position.
fn can_go_back(change: &RankedChange) -> bool {
    change.kind == ChangeKind::Flag || change.previous.as_ref().is_some_and(|previous| *previous != change.version)
}

fn is_trouble(evidence: &Evidence) -> bool {
    evidence.kind != EvidenceKind::Match
}

fn fill(runbook: &Runbook, found: &Match<'_>, situation: &Situation<'_>) -> Option<Values> {
    let params = &runbook.head.params;
    let mut values = Values::new();
    // The place first: a version is one of the service's, and a workload is what it is in the environment.
    let is_place = |name: &str| matches!(name, "service" | "environment");
    let (first, rest): (Vec<_>, Vec<_>) = params.iter().partition(|(name, _)| is_place(name));
    for (name, param) in first.into_iter().chain(rest) {
        let (service, environment) = (text_of(&values, "service"), text_of(&values, "environment"));
        let place = Place { service: service.as_deref(), environment: environment.as_deref() };
        let text = wanted(param, found, place, situation)?;
        let value = param.accept(&text, place, situation.inventory).ok()?;
        values.insert(name.clone(), value);
    }
    Some(values)
}

fn text_of(values: &Values, name: &str) -> Option<String> {
    values.get(name).map(Value::to_string)
}

fn wanted(param: &Param, found: &Match<'_>, place: Place<'_>, situation: &Situation<'_>) -> Option<String> {
    let from = param.source().and_then(|source| from_source(source, found, place, situation));
    from.or_else(|| param.default.as_ref().map(Value::to_string))
}

fn from_source(source: Source, found: &Match<'_>, place: Place<'_>, situation: &Situation<'_>) -> Option<String> {
    let inventory = situation.inventory;
    let service = inventory.services.get(found.service);
    match source {
        Source::SuspectService => Some(found.service.to_owned()),
        Source::SuspectHost => {
            let owned: Vec<&str> = inventory.hosts_of(found.service).collect();
            let mut seen = found.evidence.iter().flat_map(|evidence| &evidence.hosts).map(|count| count.host.as_str());
            let host = seen.find(|host| owned.contains(host)).or(match owned[..] {
                [only] => Some(only),
                _ => None,
            });
            host.map(str::to_owned)
        }
        Source::SuspectQueue => inventory.queue_of(found.service).map(str::to_owned),
        // Where it could be one of several, nothing but a person may choose.
        Source::SuspectWorkload => match &inventory.workloads_of(place.service?, place.environment?)[..] {
            [only] => Some(only.to_string()),
            _ => None,
        },
        Source::ChangeService => found.change.map(|change| change.service.clone()),
        Source::ChangeVersion => found.change.map(|change| change.version.clone()),
        Source::ChangePrevious => found.change.and_then(|change| change.previous.clone()),
        Source::FlagName => match found.change {
            Some(change) => Some(flag_name(&change.version).to_owned()),
            None => inventory.fallback_of(found.service).map(str::to_owned),
        },
        Source::FlagWanted => {
            let was_switched_off = |change: &RankedChange| {
                matches!(change.version.split_once('='), Some((_, "off" | "false" | "disabled" | "0")))
            };
            Some(found.change.is_none_or(was_switched_off).to_string())
        }
        Source::Environment => {
            let of_change = found.change.and_then(|change| change.environment.clone());
            of_change.or_else(|| situation.environment.map(str::to_owned)).or_else(|| {
                let mut known = inventory.environments.iter();
                known.next().filter(|_| known.next().is_none()).cloned()
            })
        }
        Source::SurgeReplicas => service.and_then(|service| service.surge_replicas).map(|count| count.to_string()),
        Source::RaisedPool => service.and_then(|service| service.raised_pool).map(|count| count.to_string()),
        Source::SurgeLimit => service.and_then(|service| service.surge_limit).map(|count| count.to_string()),
    }
}

fn why(found: &Match<'_>) -> String {
    let evidence = found.evidence.first().map(|evidence| &evidence.id);
    match (found.change, evidence) {
        (Some(change), Some(id)) => {
            let previous = change.previous.as_deref().unwrap_or("the version before it");
            format!(
                "{} {} is suspected ({}, {id}); {previous} ran before it",
                change.service, change.version, change.id
            )
        }
        (Some(change), None) => format!("{} {} is suspected ({})", change.service, change.version, change.id),
        (None, Some(id)) => format!("{} shows what this runbook is for ({id})", found.service),
        (None, None) => format!("{} is suspected", found.service),
    }
}

#[cfg(test)]
mod tests;
