//! `firstline proposals|approve|reject|cancel|done`: the same state machine as behind the buttons.

use std::sync::Arc;

use anyhow::{Result, bail};
use evidence::{Grant, Time};
use incident::{Incident, StepRecord};
use runbooks::{Digest, Person, Proposal, Status};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{print, print_json};
use crate::app::{App, Refused, RefusedKind, Update};
use crate::cli::DecideArgs;
use crate::driver::decide::{Wish, decide};
use crate::driver::{Wait, by_hand, drive, notice_lost_runs};
use crate::setup::Setup;
use crate::state::State;
use crate::views;
use crate::visitor::{AccessEvent, Noted, note};

pub async fn list(setup: &Setup, incident: Option<&str>) -> Result<()> {
    let app = setup.reading_app().await?;
    list_of(setup, &app, incident).await
}

pub(super) async fn list_of(setup: &Setup, app: &Arc<App>, incident: Option<&str>) -> Result<()> {
    notice_lost_runs(app).await?;
    let now = app.now();
    if let Some(id) = incident
        && app.incident(id).is_none()
    {
        return Err(Refused::not_found(format!("no incident `{id}`"))
            .next("`firstline incident list` shows them")
            .into());
    }
    let rules = &app.rules();
    if setup.json {
        let steps: Vec<views::StepForm> = app.with_state(|state| {
            shown(state, incident, now).map(|(found, record)| views::step(found, record, rules, now)).collect()
        });
        return print_json(&json!({ "steps": steps }));
    }
    let waiting: Vec<chat::Waiting> = app.with_state(|state| {
        shown(state, incident, now).map(|(found, record)| views::waiting(found, record, rules, now)).collect()
    });
    print(&chat::render_proposals(&waiting, &setup.style()))
}

/// The steps of one incident with what was decided; of all of them only what a person has to look at or decide.
fn shown<'s>(
    state: &'s State,
    incident: Option<&str>,
    now: Time,
) -> impl Iterator<Item = (&'s Incident, &'s StepRecord)> {
    let steps = match incident {
        None => {
            let mut steps = state.unknown();
            steps.extend(state.waiting(now));
            steps
        }
        Some(id) => {
            let found = state.incidents.get(id).into_iter();
            found
                .flat_map(|found| views::steps_in_order(found).into_iter().map(move |record| (found, record)))
                .collect()
        }
    };
    steps.into_iter()
}

pub async fn approve(setup: &Setup, args: &DecideArgs, break_glass: bool) -> Result<()> {
    let app = setup.reading_app().await?;
    let wish = |digest| if break_glass { Wish::BreakGlass { digest } } else { Wish::Approve { digest } };
    decide_and_follow(setup, &app, &args.id, wish, args.reason.as_deref()).await
}

pub async fn review(setup: &Setup, args: &DecideArgs) -> Result<()> {
    let app = setup.reading_app().await?;
    decide_and_follow(setup, &app, &args.id, |_| Wish::Review, args.reason.as_deref()).await
}

pub async fn undo(setup: &Setup, step: &str) -> Result<()> {
    let app = setup.reading_app().await?;
    let proposal = by_hand::undo(&app, step, &person(&app).await?, &Grant::everything()).await?;
    show(setup, &app, &proposal)
}

/// Prints a proposal that somebody has just made, as those who decide on it see it.
pub(super) fn show(setup: &Setup, app: &App, proposal: &Proposal) -> Result<()> {
    let rules = &app.rules();
    if setup.json {
        return print_json(&proposal.view(rules));
    }
    let now = app.now();
    let waiting: Vec<chat::Waiting> = app.with_state(|state| {
        let steps = proposal.steps.iter().filter_map(|step| state.step_named(step.id()));
        steps.map(|(found, record)| views::waiting(found, record, rules, now)).collect()
    });
    print(&chat::render_proposals(&waiting, &setup.style()))
}

/// Who sits at this terminal.
///
/// # Errors
///
/// When their account is nobody's.
pub(super) async fn person(app: &App) -> Result<Person> {
    let identity = super::ask::identity();
    match app.rules().people().person_of(&identity) {
        Ok(person) => Ok(person),
        Err(nobody) => {
            let (identity, why, what) = (identity.to_string(), nobody.to_string(), "decide at the terminal".to_owned());
            note(app, &Noted::default(), AccessEvent::Refused { identity, why, what }).await;
            Err(Refused::new(RefusedKind::Forbidden, nobody.to_string()).into())
        }
    }
}

pub async fn reject(setup: &Setup, args: &DecideArgs) -> Result<()> {
    let app = setup.reading_app().await?;
    decide_and_follow(setup, &app, &args.id, |digest| Wish::Reject { digest }, args.reason.as_deref()).await
}

pub async fn cancel(setup: &Setup, args: &DecideArgs) -> Result<()> {
    let app = setup.reading_app().await?;
    decide_and_follow(setup, &app, &args.id, |_| Wish::Cancel, args.reason.as_deref()).await
}

pub async fn done(setup: &Setup, args: &DecideArgs, succeeded: bool) -> Result<()> {
    let app = setup.reading_app().await?;
    decide_and_follow(setup, &app, &args.id, |digest| Wish::Done { digest, succeeded }, args.reason.as_deref()).await
}

/// What an approval starts: the step, or all steps of its unit in their order.
fn summary_of(incident: &Incident, record: &StepRecord) -> String {
    let unit = incident.unit_of(record.step.id());
    let lines: Vec<&str> = unit.iter().map(|record| record.step.content().summary.as_str()).collect();
    if lines.is_empty() { record.step.content().summary.clone() } else { lines.join("\nthen ") }
}

/// Decides, then stays until the step has run and was verified, printing what it prints.
pub(super) async fn decide_and_follow(
    setup: &Setup,
    app: &Arc<App>,
    id: &str,
    wish: impl FnOnce(Digest) -> Wish,
    reason: Option<&str>,
) -> Result<()> {
    notice_lost_runs(app).await?;
    let named = app.with_state(|state| {
        state.step_named(id).map(|(incident, record)| {
            let digest = incident.digest_of_unit(record.step.id()).unwrap_or_else(|| record.step.digest());
            (record.step.id().to_owned(), digest, summary_of(incident, record))
        })
    });
    let Some((step, digest, summary)) = named else {
        let refused = Refused::not_found(format!("no step or proposal `{id}`"));
        return Err(refused.next("`firstline proposals` lists those that wait").into());
    };
    let person = person(app).await?;
    let wish = wish(digest);
    let is_approval = matches!(wish, Wish::Approve { .. } | Wish::BreakGlass { .. });
    let (incident, effects) = decide(app, &step, &person, &wish, reason).await?;
    if is_approval && !setup.json {
        print(&format!("{summary}\nbytes {}", digest.short()))?;
    }
    let over = CancellationToken::new();
    let printer = (!setup.json).then(|| tokio::spawn(print_output(app.subscribe(), step.clone(), over.clone())));
    drive(app, &incident, effects, Wait::ForEverything).await?;
    over.cancel();
    if let Some(printer) = printer {
        let _ = printer.await;
    }
    app.sync().await?;
    let now = app.now();
    let Some(found) = app.incident(&incident) else { return Ok(()) };
    let Some(record) = found.steps.get(&step) else { return Ok(()) };
    if setup.json {
        print_json(&views::step(&found, record, &app.rules(), now))?;
        return if is_approval { as_it_ended(&step, record) } else { Ok(()) };
    }
    print(&chat::render_step_outcome(&views::report(&found, record, now), &setup.style()))?;
    let missing = record.state.facts.as_ref().map_or(0, |facts| facts.approvals_needed as usize);
    let missing = missing.saturating_sub(record.state.people_who_agreed().len());
    if record.state.status == Status::Proposed && missing > 0 {
        print(&format!(
            "{missing} more approval{} needed, of somebody else.",
            if missing == 1 { " is" } else { "s are" }
        ))?;
    }
    if is_approval { as_it_ended(&step, record) } else { Ok(()) }
}

/// A run that did not succeed is a failure of the command too, so that a script stops.
fn as_it_ended(step: &str, record: &StepRecord) -> Result<()> {
    match (record.state.status, &record.state.verified) {
        (Status::Failed | Status::TimedOut, _) => {
            bail!("`{step}` did not succeed; see its output, then ask again for a fresh proposal")
        }
        (Status::Indeterminate, _) => {
            bail!(
                "nobody knows how `{step}` ended; look at its target, then say so with `firstline done {step}` or `--failed`"
            )
        }
        (Status::Succeeded, Some(found)) if !found.holds => {
            bail!("`{step}` ran, and the logs do not show that it helped; see `firstline incident list` and ask again")
        }
        _ => Ok(()),
    }
}

/// Prints what comes until it is over, and what has come by then.
async fn print_output(mut updates: broadcast::Receiver<Update>, step: String, over: CancellationToken) {
    loop {
        let update = tokio::select! {
            biased;
            update = updates.recv() => update,
            () = over.cancelled() => return,
        };
        let text = match update {
            Ok(Update::Output { step: of, chunk }) if of == step => chunk,
            Ok(Update::Verifying { step: of, text }) if of == step => text,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let _ = print(&format!("  {}", chat::inert_lines(text.trim_end()).replace('\n', "\n  ")));
    }
}
