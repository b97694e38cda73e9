//! Sentences about changes: the guilty one and why, the innocent ones, who made them.

use evidence::ChangeKind;
use evidence::answer::RankedChange;

use super::quote::named;
use super::{Draft, absent, at, thousands, within};
use crate::check::Ground;
use crate::clock;
use crate::understand::Question;

pub(super) fn headline(question: &Question, ground: &Ground<'_>) -> Draft {
    let findings = ground.findings;
    if let Some(services) = &question.blamed
        && let Some(draft) = of_blamed(services, ground)
    {
        return draft;
    }
    let suspect = findings.changes.iter().find(|change| change.suspected);
    if let Some(draft) = suspect.and_then(|change| suspicion(change, ground)) {
        return draft;
    }
    let none_is_judged = findings.changes.iter().all(|change| !change.judged);
    match findings.changes.len() {
        0 => absent::no_change(ground),
        1 if none_is_judged => Draft::plain("1 change is recorded; whether it did harm cannot be judged.".to_owned()),
        n if none_is_judged => Draft::plain(format!(
            "{} changes are recorded; whether they did harm cannot be judged.",
            thousands(n as u64)
        )),
        1 => Draft::plain("1 change is recorded, and it is not suspected.".to_owned()),
        n => Draft::plain(format!("{} changes are recorded, and they are not suspected.", thousands(n as u64))),
    }
}

/// Whether the change that the person has in mind did harm: of these services, or any.
fn of_blamed(services: &[String], ground: &Ground<'_>) -> Option<Draft> {
    let is_meant = |change: &&RankedChange| services.is_empty() || services.contains(&change.service);
    let meant: Vec<&RankedChange> = ground.findings.changes.iter().filter(is_meant).collect();
    let suspected = meant.iter().find(|change| change.suspected);
    let (change, text) = match (suspected, &meant[..]) {
        (Some(change), _) => {
            let onset = ground.findings.onset.filter(|onset| *onset > change.at);
            let lead = onset.map(|onset| clock::length(onset.since(change.at)));
            let said = lead.map_or("is suspected".to_owned(), |lead| format!("came {lead} before the trouble began"));
            (change, format!("Yes, it seems: {} {said}.", told(change, ground)?))
        }
        (None, [only]) if !only.judged => return clearance(only, ground),
        (None, [only]) => (only, format!("No, as far as the logs show: {} is not suspected.", told(only, ground)?)),
        (None, []) => {
            let service = services.first()?;
            return Some(Draft::plain(format!("No change of {service} is recorded {}.", within(ground))));
        }
        (None, _) => return None,
    };
    Some(Draft::new(text, [&change.id]))
}

/// `the deploy of checkout `v1.42` at 14:01:48`
fn told(change: &RankedChange, ground: &Ground<'_>) -> Option<String> {
    let (service, version, when) = (&change.service, named(&change.version)?, at(change.at, ground));
    Some(format!("the {} of {service} {version} at {when}", noun(change.kind)))
}

pub(super) fn suspected(ground: &Ground<'_>) -> Vec<Draft> {
    let suspects = ground.findings.changes.iter().filter(|change| change.suspected);
    suspects.flat_map(|change| [suspicion(change, ground), exclusive(change, ground)]).flatten().collect()
}

pub(super) fn cleared(ground: &Ground<'_>) -> Vec<Draft> {
    const SHOWN: usize = 3;
    let innocent = ground.findings.changes.iter().filter(|change| !change.suspected);
    innocent.take(SHOWN).filter_map(|change| clearance(change, ground)).collect()
}

pub(super) fn all(ground: &Ground<'_>) -> Vec<Draft> {
    const SHOWN: usize = 6;
    let told =
        |change: &RankedChange| if change.suspected { suspicion(change, ground) } else { clearance(change, ground) };
    ground.findings.changes.iter().take(SHOWN).filter_map(told).collect()
}

pub(super) fn by_whom(ground: &Ground<'_>) -> Option<Draft> {
    let change = ground.findings.changes.first()?;
    let (version, by) = (named(&change.version)?, named(change.by.as_deref()?)?);
    let text =
        format!("The {} of {} {version} at {} is by {by}.", noun(change.kind), change.service, at(change.at, ground));
    Some(Draft::new(text, [&change.id]))
}

fn suspicion(change: &RankedChange, ground: &Ground<'_>) -> Option<Draft> {
    let (service, version, when) = (&change.service, named(&change.version)?, at(change.at, ground));
    let noun = noun(change.kind);
    let text = match ground.findings.onset {
        Some(onset) if onset > change.at => {
            let lead = clock::length(onset.since(change.at));
            format!(
                "The {noun} of {service} {version} at {when} is suspected: it came {lead} before the trouble began."
            )
        }
        _ => format!("The {noun} of {service} {version} at {when} is suspected."),
    };
    Some(Draft::new(text, [&change.id]))
}

/// "only on the version that came": the strongest sign there is.
fn exclusive(change: &RankedChange, ground: &Ground<'_>) -> Option<Draft> {
    let facts = ground.findings.facts.changes.get(&change.id)?;
    let evidence = facts.citations.first()?;
    let version = named(&change.version)?;
    if facts.with_version == 0 || facts.on_version < facts.with_version {
        return None;
    }
    let (on, with) = (thousands(facts.on_version), thousands(facts.with_version));
    Some(Draft::new(format!("{on} of {with} of these lines come from {version}."), [&change.id, evidence]))
}

fn clearance(change: &RankedChange, ground: &Ground<'_>) -> Option<Draft> {
    let (service, version, when) = (&change.service, named(&change.version)?, at(change.at, ground));
    let judged = if change.judged { "is not suspected" } else { "cannot be judged" };
    Some(Draft::new(format!("The {} of {service} {version} at {when} {judged}.", noun(change.kind)), [&change.id]))
}

fn noun(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Deploy => "deploy",
        ChangeKind::Config => "configuration change",
        ChangeKind::Flag => "flag change",
        ChangeKind::Infra => "infrastructure change",
    }
}
