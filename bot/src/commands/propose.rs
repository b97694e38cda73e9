//! `firstline runbook propose`: a runbook with parameters of one's own, in an incident.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anyhow::Result;
use evidence::Grant;

use super::{Usage, approve};
use crate::app::Refused;
use crate::driver::by_hand::{self, Wanted};
use crate::setup::Setup;

pub async fn run(
    setup: &Setup,
    runbook: String,
    incident: Option<String>,
    params: &[String],
    instead_of: Option<String>,
) -> Result<()> {
    let params = pairs(params)?;
    let app = setup.reading_app().await?;
    let newest = || {
        app.with_state(|state| {
            let open = state.incidents.values().filter(|incident| incident.is_open());
            open.min_by_key(|incident| Reverse(incident.opened.as_ref().map(|opened| opened.at)))
                .map(|incident| incident.id.clone())
        })
    };
    let incident = incident.or_else(newest).ok_or_else(|| {
        Refused::not_found("no incident is open")
            .next("ask what is wrong first, or name a conversation with `--incident`")
    })?;
    let wanted = Wanted { runbook, params, instead_of };
    let proposal =
        by_hand::propose(&app, &incident, &approve::person(&app).await?, &Grant::everything(), &wanted).await?;
    approve::show(setup, &app, &proposal)
}

/// `name=value` pairs as they are typed.
fn pairs(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut params = BTreeMap::new();
    for pair in given {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Usage(format!("`--param {pair}`: write `--param NAME=VALUE`")))?;
        params.insert(name.to_owned(), value.to_owned());
    }
    Ok(params)
}
