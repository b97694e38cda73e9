//! `firstline replay`: composes a past answer anew from what the journal holds, and compares the bytes.

use anyhow::{Result, bail};

use super::{print, print_json};
use crate::app::Refused;
use crate::setup::Setup;

pub async fn run(setup: &Setup, id: &str) -> Result<()> {
    let app = setup.reading_app().await?;
    let incident = app.with_state(|state| state.incident_of_answer(id).cloned());
    let incident = incident.ok_or_else(|| {
        Refused::not_found(format!("no answer `{id}`")).next("`firstline incident list` and `show` give the ids")
    })?;
    let Some(posted) = incident.inquiry(id).and_then(|inquiry| inquiry.answer.clone()) else {
        bail!("`{id}` was asked but never answered; there is nothing to show again");
    };
    let again = incident.compose_as_posted(id, &app.rules());
    let is_same = again
        .as_ref()
        .is_some_and(|again| serde_json::to_string(&again.answer).ok() == serde_json::to_string(&posted).ok());
    if setup.json {
        print_json(&posted)?;
    } else {
        print(&chat::render_answer(&posted, &setup.style()))?;
    }
    if is_same {
        tracing::info!("composed again from the journal, byte for byte the same");
        return Ok(());
    }
    bail!(
        "composed again, `{id}` differs from what was posted: the rules or the program have changed since; above is what was posted"
    )
}
