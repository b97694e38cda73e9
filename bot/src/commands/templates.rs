//! `firstline templates`.

use anyhow::Result;
use evidence::TimeWindow;
use indexer::TemplatesRequest;
use serde_json::json;

use super::{Usage, print, print_json};
use crate::cli::TemplatesArgs;
use crate::setup::{Setup, now};
use crate::{kinds, times};

pub fn run(setup: &Setup, args: &TemplatesArgs) -> Result<()> {
    let window = times::window(args.times.from.as_deref(), args.times.to.as_deref(), now(), &setup.zone)
        .map_err(|error| Usage(error.to_string()))?;
    let store = setup.reader()?;
    if let Some(wanted) = &args.service {
        let known: Vec<String> = store.services()?.into_iter().map(|service| service.name).collect();
        if !known.contains(wanted) {
            return Err(Usage(format!("unknown service `{wanted}`; known: {}", known.join(", "))).into());
        }
    }
    let request = TemplatesRequest {
        window: window.unwrap_or_else(TimeWindow::all),
        services: args.service.clone().map(|service| vec![service]),
    };
    let kinds = kinds::kinds(store.as_ref(), &request)?;
    if setup.json {
        return print_json(&json!({ "templates": kinds }));
    }
    let rows: Vec<chat::TemplateRow> = kinds
        .into_iter()
        .map(|kind| chat::TemplateRow {
            level: kind.most(),
            worst: kind.worse_than_most(),
            id: kind.count.template.id.to_string(),
            template: kind.count.template.text,
            service: kind.count.services.join(", "),
            count: kind.count.count,
            first: Some(kind.count.first),
            last: Some(kind.count.last),
        })
        .collect();
    print(&chat::render_templates(&rows, &setup.style()))
}
