//! `firstline ask`.

use anyhow::Result;
use evidence::{Grant, Time};
use incident::Overrides;
use indicatif::HumanCount;
use runbooks::people::Identity;

use super::{Usage, print, print_json};
use crate::app::{App, Refused, RefusedKind};
use crate::cli::AskArgs;
use crate::driver::Wait;
use crate::driver::ask::{Request, ask};
use crate::setup::{Setup, now};
use crate::{loading, times};

/// Whoever is at this terminal, as the operating system knows them.
pub fn identity() -> Identity {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name);
    Identity::member("terminal", user.as_deref().unwrap_or("unknown"))
}

/// Under which name what they do is recorded: the person's, or for somebody who is nobody here the account's.
pub fn actor(app: &App) -> String {
    let identity = identity();
    app.rules().people().person_of(&identity).map_or_else(|_| identity.to_string(), |person| person.id)
}

pub async fn run(setup: &Setup, args: &AskArgs) -> Result<()> {
    let overrides = overrides(setup, args)?;
    has_records(setup)?;
    let app = setup.reading_app().await?;
    let request = Request {
        question: args.question.clone(),
        by: actor(&app),
        conversation: None,
        zone: setup.zone.clone(),
        overrides,
        use_model: !args.no_model,
        // Whoever can read the files can see all that is in them.
        grant: Grant::everything(),
    };
    if setup.json {
        return print_json(&ask(&app, request, Wait::ForEverything).await?);
    }
    // The answer without the model comes first; when a model tells it better, that follows.
    let wants_model = request.use_model && app.parts.model.is_some();
    let answer = ask(&app, request, Wait::ForTheAnswer).await?;
    print(&::chat::render_answer(&answer, &setup.style()))?;
    if wants_model && let Some(retold) = crate::driver::tell::wait_for(&app, &answer.id).await {
        print(&::chat::render_answer(&retold, &setup.style()))?;
    }
    Ok(())
}

/// Refuses a question that no record could answer yet.
///
/// # Errors
///
/// [`Refused`] with how many records there are so far, and what to do; the index's own error when there is none.
pub(super) fn has_records(setup: &Setup) -> Result<()> {
    let totals = setup.reader()?.totals();
    if loading::is_loading(&setup.data) {
        let n = totals.map_or(0, |totals| totals.records);
        let text = format!("the demo is still loading: {} records so far", HumanCount(n));
        return Err(Refused::new(RefusedKind::Unavailable, text).next("ask again in a few seconds").into());
    }
    if totals?.records == 0 {
        let data = setup.data.display();
        let text = format!("the index in `{data}` has no records yet");
        return Err(Refused::mistake(text).next(format!("add some with `firstline index --data {data} PATH…`")).into());
    }
    Ok(())
}

fn overrides(setup: &Setup, args: &AskArgs) -> Result<Overrides> {
    let read = |text: &Option<String>| -> Result<Option<Time>> {
        let time = text.as_deref().map(|text| times::read(text, now(), &setup.zone)).transpose();
        Ok(time.map_err(|error| Usage(error.to_string()))?)
    };
    Ok(Overrides {
        from: read(&args.times.from)?,
        to: read(&args.times.to)?,
        at: read(&args.at)?,
        baseline_from: read(&args.baseline_from)?,
        baseline_to: read(&args.baseline_to)?,
        services: args.service.iter().cloned().collect(),
    })
}
