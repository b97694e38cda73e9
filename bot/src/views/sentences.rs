//! The sentences that several views share: what changed, what happened to a step, who did it.

use evidence::{ChangeKind, Redacted};
use runbooks::StepEvent;

/// `checkout v1.42 deployed by mara`.
pub(super) fn changed(service: &str, version: &str, kind: ChangeKind, by: Option<&str>) -> String {
    let verb = match kind {
        ChangeKind::Deploy => "deployed",
        ChangeKind::Config => "configured",
        ChangeKind::Flag => "switched",
        ChangeKind::Infra => "changed",
    };
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{service} {version} {verb}{by}")
}

/// What happened to a step; a person who did it is named first.
pub(super) fn happened(event: &StepEvent) -> String {
    match event {
        StepEvent::Proposed { .. } => "proposed".to_owned(),
        StepEvent::Agreed { by, reason, digest, .. } => {
            format!("{} approved {}{}", by.name, digest.short(), because(reason.as_ref()))
        }
        StepEvent::BrokeGlass { by, reason, .. } => {
            format!("{} broke the glass and had it started without the others: “{reason}”", by.name)
        }
        StepEvent::Paged { told: true, text, .. } => format!("a second channel was told: {text}"),
        StepEvent::Paged { told: false, text, .. } => format!("a second channel could not be told: {text}"),
        StepEvent::Reviewed { by, text, .. } => format!("{} reviewed the broken glass: “{text}”", by.name),
        StepEvent::Approved { .. } => "enough people approved".to_owned(),
        StepEvent::Rejected { by, reason, .. } => format!("{} rejected{}", by.name, because(reason.as_ref())),
        StepEvent::Expired { .. } => "expired, nobody decided in time".to_owned(),
        StepEvent::Superseded { by_step, .. } => format!("replaced by {by_step}"),
        StepEvent::Cancelled { by, reason, .. } => format!("{} cancelled{}", by.name, because(reason.as_ref())),
        StepEvent::Claimed { .. } => "started".to_owned(),
        StepEvent::CancelRequested { by, .. } => format!("{} asked it to stop", by.name),
        StepEvent::Finished { outcome, .. } => format!("ended: {}", outcome.summary),
        StepEvent::DoneByHand { by, reason, .. } => format!("{} did it by hand{}", by.name, because(reason.as_ref())),
        StepEvent::Lost { why, .. } => format!("unknown how it ended: {why}"),
        StepEvent::Settled { by, succeeded, reason, .. } => {
            let how = if *succeeded { "succeeded" } else { "failed" };
            format!("{} says it {how}{}", by.name, because(reason.as_ref()))
        }
        StepEvent::Withdrawn { why, .. } => format!("withdrawn: {why}"),
        StepEvent::Verified { verified, held_before, text, .. } => {
            format!("{}{text}", verified_as(*verified, *held_before))
        }
    }
}

/// What stands before the sentence of a watch that has ended.
pub(super) fn verified_as(verified: bool, held_before: bool) -> &'static str {
    match (verified, held_before) {
        (true, false) => "verified: ",
        (true, true) => "verified, but it was so before this step began: ",
        (false, _) => "not verified: ",
    }
}

fn because(reason: Option<&Redacted>) -> String {
    reason.map(|reason| format!(": “{reason}”")).unwrap_or_default()
}

/// The person's name without the way they came in: `ines` of `console:ines`.
pub(super) fn name_of(actor: &str) -> &str {
    actor.split_once(':').map_or(actor, |(_, name)| name)
}

/// The first line, cut where it gets too long for a list.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 90;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= MOST {
        line.to_owned()
    } else {
        format!("{}…", line.chars().take(MOST).collect::<String>())
    }
}
