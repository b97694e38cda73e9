//! Sentences about changes: the guilty one and why, the innocent ones, who made them.

use evidence::ChangeKind;
use evidence::answer::RankedChange;

use super::quote::named;
use super::{Draft, absent, at, thousands};
use crate::check::Ground;
use crate::clock;

pub(super) fn headline(ground: &Ground<'_>) -> Draft {
    let findings = ground.findings;
    let suspect = findings.changes.iter().find(|change| change.suspected);
    if let Some(draft) = suspect.and_then(|change| suspicion(change, ground)) {
        return draft;
    }
    let is_blind = findings.reason.is_blind();
    match findings.changes.len() {
        0 => absent::no_change(ground),
        1 if is_blind => Draft::plain("1 change is recorded; whether it did harm cannot be judged.".to_owned()),
        n if is_blind => Draft::plain(format!(
            "{} changes are recorded; whether they did harm cannot be judged.",
            thousands(n as u64)
        )),
        1 => Draft::plain("1 change is recorded, and it is not suspected.".to_owned()),
        n => Draft::plain(format!("{} changes are recorded, and they are not suspected.", thousands(n as u64))),
    }
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
    let judged = if ground.findings.reason.is_blind() { "cannot be judged" } else { "is not suspected" };
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
