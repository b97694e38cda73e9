//! `firstline runbook draft`: what was done in an incident, as a runbook for a person to edit.

use std::path::Path;

use anyhow::Result;

use super::super::{print, print_json};
use super::{print_document, write};
use crate::app::Refused;
use crate::cli::WriteArgs;
use crate::setup::Setup;
use crate::views;

pub async fn run(setup: &Setup, id: &str, args: &WriteArgs) -> Result<()> {
    let app = setup.reading_app().await?;
    let missing = || Refused::not_found(format!("no incident `{id}`")).next("`firstline incident list` shows them");
    let incident = app.incident(id).ok_or_else(missing)?;
    let draft = app.with_state(|state| views::runbook_draft(&incident, &state.joined_to(id), &app.parts.catalog))?;
    match args.output.as_deref().filter(|output| *output != Path::new("-")) {
        Some(output) => {
            write::file(output, &draft.markdown, args.overwrite)?;
            if setup.json {
                return print_json(&draft);
            }
            let unknown: String = draft.unknown.iter().map(|line| format!("  {line}\n")).collect();
            let text = format!(
                "Written to `{}`; read it before it is used. The record does not say:\n{unknown}",
                output.display()
            );
            print(&chat::inert_lines(&text))
        }
        None if setup.json => print_json(&draft),
        None => print_document(&draft.markdown),
    }
}
