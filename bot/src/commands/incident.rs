//! `firstline incident list|show|timeline`.

use anyhow::Result;
use serde_json::json;

use super::{print, print_json};
use crate::app::Refused;
use crate::cli::IncidentCommand;
use crate::setup::Setup;
use crate::views;

pub async fn run(setup: &Setup, command: &IncidentCommand) -> Result<()> {
    let app = setup.reading_app().await?;
    crate::driver::notice_lost_runs(&app).await?;
    let now = app.now();
    let named = |id: &str| {
        let missing = || Refused::not_found(format!("no incident `{id}`")).next("`firstline incident list` shows them");
        app.incident(id).ok_or_else(missing)
    };
    match command {
        IncidentCommand::List => {
            let mut incidents: Vec<views::IncidentForm> = app.with_state(|state| {
                state
                    .incidents
                    .values()
                    .filter_map(|incident| views::incident(incident, &state.joined_to(&incident.id), now))
                    .collect()
            });
            incidents.sort_by_key(|incident| std::cmp::Reverse(incident.opened));
            if setup.json {
                return print_json(&json!({ "incidents": incidents }));
            }
            if incidents.is_empty() {
                return print("No incidents. One opens by itself when an answer finds a cause.");
            }
            let rows: Vec<chat::TimelineRow> = incidents
                .into_iter()
                .map(|incident| chat::TimelineRow {
                    at: incident.opened,
                    kind: incident.state.to_owned(),
                    text: incident.title,
                    actor: None,
                    refs: vec![incident.id],
                })
                .collect();
            print(&chat::render_timeline(&rows, &setup.style()))
        }
        IncidentCommand::Show { id } => {
            let incident = named(id)?;
            let answers: Vec<_> =
                incident.questions.iter().filter_map(|inquiry| incident.answer(&inquiry.asked.answer)).collect();
            if setup.json {
                let form = app.with_state(|state| views::incident(&incident, &state.joined_to(&incident.id), now));
                let mut value = json!(form);
                if value.is_null() {
                    value = json!({ "id": id, "state": "conversation" });
                }
                value["answers"] = json!(answers);
                value["timeline"] = json!(app.with_state(|state| views::timeline(
                    &incident,
                    &state.joined_to(&incident.id),
                    &state.changes,
                    now
                )));
                return print_json(&value);
            }
            for answer in &answers {
                print(&chat::render_answer(answer, &setup.style()))?;
            }
            for record in views::steps_in_order(&incident) {
                print(&chat::render_step_outcome(&views::report(&incident, record, now), &setup.style()))?;
            }
            Ok(())
        }
        IncidentCommand::Resolve { id, note } => {
            named(id)?;
            crate::driver::ask::resolve(&app, id, &super::ask::actor(&app), note).await?;
            if setup.json {
                print_json(&json!({ "id": id, "state": "resolved" }))
            } else {
                print(&format!("resolved: {id}"))
            }
        }
        IncidentCommand::Timeline { id } => {
            let incident = named(id)?;
            let rows =
                app.with_state(|state| views::timeline(&incident, &state.joined_to(&incident.id), &state.changes, now));
            if setup.json {
                return print_json(&json!({ "id": id, "timeline": rows }));
            }
            print(&chat::render_timeline(&rows, &setup.style()))
        }
    }
}
