//! `firstline audit erase`: says what will be unreadable and what stays, asks, and deletes the keys.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use database::sealed::{ERASED, Subjects};
use incident::Incident;
use runbooks::StepEvent;
use serde_json::json;

use super::progress;
use crate::app::{App, Refused, RefusedKind};
use crate::cli::EraseArgs;
use crate::commands::{Usage, ask, print, print_json};
use crate::setup::{Setup, now};
use crate::state::INCIDENTS;

/// Texts are looked through for the name only as far as people can read the list.
const MOST_NAMED: usize = 10;

pub async fn erase(setup: &Setup, args: &EraseArgs) -> Result<()> {
    let app = setup.reading_app().await?;
    let (subjects, what) = match &args.incident {
        Some(id) => (incident_subjects(&app, id)?, format!("the content of `{id}`")),
        None => {
            refuse_while_undecided(&app, &args.person)?;
            (Subjects::Person(args.person.clone()), format!("what `{}` said", args.person.join("`, `")))
        }
    };
    let journal = setup.journal().await?;
    let bar = progress(setup);
    let n_entries = journal.count_sealed_by(&subjects, |n| bar.set_message(format!("{n} entries looked at"))).await?;
    bar.finish_and_clear();
    if n_entries == 0 {
        return Err(Refused::not_found(format!("nothing is sealed for {what}"))
            .next("ids are as `audit export` shows them, like `console:ines`; what versions before this one wrote is not sealed and stays")
            .into());
    }
    let stays = still_named(&app, &subjects);
    if !setup.json {
        print(&explained(&subjects, &what, n_entries, &stays))?;
    }
    if !args.yes {
        confirm(&what)?;
    }
    let by = ask::actor(&app);
    let erased = journal.erase(&subjects, &by, args.reason.as_deref(), now()).await?;
    let Some(erased) = erased else { bail!("somebody else erased {what} meanwhile") };
    if setup.json {
        return print_json(&json!({
            "erased": { "entries": n_entries, "keys": erased.keys.len(), "pseudonyms": erased.pseudonyms, "incident": erased.incident },
            "still_named_in": stays,
        }));
    }
    let now_called = match erased.pseudonyms.as_slice() {
        [] => String::new(),
        names => format!(" The record says ⟨erased:{}⟩ from now on.", names.join("⟩ and ⟨erased:")),
    };
    print(&format!(
        "Erased. {n_entries} entries can no longer be read whole, by anybody.{now_called}\n\
         Backups of the database from before still hold the wrapped key: delete them when you promised to."
    ))
}

fn explained(subjects: &Subjects, what: &str, n_entries: u64, stays: &[String]) -> String {
    let (gone, kept) = match subjects {
        Subjects::Person(_) => (
            "their questions, reasons, notes and name; their id becomes a pseudonym",
            "who decided what, when, and how it ended, under the pseudonym; what others wrote and what the logs said",
        ),
        Subjects::Incident { .. } => (
            "questions, evidence, log lines, answers, reasons, outputs and titles, in it and in its conversations",
            "who decided what, when, which step ran where with which arguments, and how it ended",
        ),
    };
    let named = match stays {
        [] => String::new(),
        ids => format!(
            "Named by others in: {}. Erase those with `--incident` if that must go too.\n",
            ids.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ")
        ),
    };
    format!(
        "This erases {what}, in {n_entries} entries, for ever.\nUnreadable: {gone}; it then reads {ERASED}.\nStays: {kept}.\n{named}\
         The chain stays whole, and an entry says that this was done, when, and by whom."
    )
}

fn confirm(what: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage(format!("nobody can be asked whether to erase {what}; say `--yes` if you mean it")).into());
    }
    print("Type `erase` to go on:")?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the answer")?;
    if line.trim() != "erase" {
        bail!("nothing was erased");
    }
    Ok(())
}

/// The incident's stream, its conversations', and the output of its steps.
fn incident_subjects(app: &Arc<App>, id: &str) -> Result<Subjects, Refused> {
    app.with_state(|state| {
        let incident = state.incidents.get(id).ok_or_else(|| {
            Refused::not_found(format!("no incident `{id}`")).next("`firstline incident list` shows them")
        })?;
        let conversations = state.joined_to(id);
        for found in conversations.iter().copied().chain([incident]) {
            refuse_while_open(found)?;
        }
        let all = conversations.into_iter().chain([incident]);
        let mut streams = Vec::new();
        for found in all {
            streams.push(format!("{INCIDENTS}{}", found.id));
            streams.extend(claims(found).map(|claim| format!("output/{claim}")));
        }
        Ok(Subjects::Incident { id: id.to_owned(), streams })
    })
}

fn claims(incident: &Incident) -> impl Iterator<Item = &str> {
    incident.history.iter().filter_map(|happened| match &happened.event {
        incident::Event::Step { event: StepEvent::Claimed { claim, .. }, .. } => Some(claim.as_str()),
        _ => None,
    })
}

/// What is going on needs its words.
fn refuse_while_open(incident: &Incident) -> Result<(), Refused> {
    let refused =
        |why: &str, next: &str| Err(Refused::new(RefusedKind::Conflict, format!("`{}` {why}", incident.id)).next(next));
    if incident.is_open() {
        return refused("is open", &format!("close it first: `firstline incident resolve {}`", incident.id));
    }
    let is_live = |record: &incident::StepRecord| !record.state.status_at(now()).is_terminal();
    if incident.steps.values().any(is_live) {
        return refused("has a step that is not over", "decide, cancel or settle it first");
    }
    Ok(())
}

/// A pending step must not lose who asked for it or agreed: the same person could count twice under a new pseudonym.
fn refuse_while_undecided(app: &Arc<App>, ids: &[String]) -> Result<(), Refused> {
    let is_one = |id: &String| ids.contains(id);
    let waits = app.with_state(|state| {
        let records = state.incidents.values().flat_map(|incident| incident.steps.values());
        let mut live = records.filter(|record| !record.state.status_at(now()).is_terminal());
        let found = live.find(|record| {
            let content = record.step.content();
            is_one(&content.requester)
                || is_one(&content.proposer)
                || record.state.agreements.iter().any(|agreement| is_one(&agreement.by.id))
        });
        found.map(|record| record.step.id().to_owned())
    });
    match waits {
        Some(step) => Err(Refused::new(RefusedKind::Conflict, format!("step `{step}` rests on them and is not over"))
            .next("decide, cancel or settle it first, or wait until it has expired")),
        None => Ok(()),
    }
}

/// Incidents whose texts by others name the person.
fn still_named(app: &Arc<App>, subjects: &Subjects) -> Vec<String> {
    let Subjects::Person(ids) = subjects else { return Vec::new() };
    let names: Vec<&str> = ids.iter().map(|id| id.rsplit(':').next().unwrap_or(id)).collect();
    app.with_state(|state| {
        let names_them = |incident: &&Incident| {
            incident.questions.iter().filter_map(|inquiry| inquiry.answer.as_ref()).any(|answer| {
                let claims = answer.claims.iter().map(|claim| claim.text.as_str());
                let samples = answer.evidence.iter().flat_map(|row| &row.samples).map(|sample| sample.text.as_str());
                let mut texts = claims.chain(samples).chain([answer.headline.as_str()]);
                texts.any(|text| names.iter().any(|name| has_word(text, name)))
            })
        };
        state.incidents.values().filter(names_them).map(|incident| incident.id.clone()).collect()
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|part| part.eq_ignore_ascii_case(word))
}
