//! `firstline search`.

use anyhow::Result;
use evidence::TimeWindow;
use indexer::search::TotalIs;
use indexer::{Order, Query, SearchOptions};

use super::{Usage, print, print_json};
use crate::cli::{OrderArg, SearchArgs};
use crate::setup::{Setup, now};
use crate::{hints, times};

pub fn run(setup: &Setup, args: &SearchArgs) -> Result<()> {
    let query = Query::parse(&args.query).map_err(indexer::Error::from)?;
    let now = now();
    let window = times::window(args.times.from.as_deref(), args.times.to.as_deref(), now, &setup.zone)
        .map_err(|error| Usage(error.to_string()))?;
    let order = match args.order {
        OrderArg::Time => Order::Time,
        OrderArg::Relevance => Order::Relevance,
    };
    let window = window.unwrap_or_else(TimeWindow::all);
    let options = SearchOptions { window, services: None, limit: args.limit, order, now: now.min(window.to()) };
    let store = setup.reader()?;
    let result = store.search(&query, &options)?;
    let hints = hints::hints(store.as_ref(), &args.query, &query, &options, &result)?;
    if setup.json {
        return print_json(&hints::document(&result, &hints));
    }
    let hits = chat::Hits {
        total: result.total,
        exact: result.total_is == TotalIs::Exact,
        took_ms: result.took_ms,
        searched_records: result.searched_records,
        hits: result.hits,
        hints,
    };
    print(&chat::render_search_hits(&hits, &setup.style()))
}
