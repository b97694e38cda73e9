//! The live side of the console: what changes, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::Server;
use crate::app::Update;
use crate::state::Touched;
use crate::views;

pub async fn stream(State(server): State<Arc<Server>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut updates = server.app.subscribe();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Event>(64);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(2));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                () = server.stopping.cancelled() => break,
                () = sender.closed() => break,
                _ = ticks.tick() => match server.overview.now(&server.app).await {
                    Ok(overview) => data("overview", &overview),
                    Err(_) => None,
                },
                update = updates.recv() => match update {
                    Ok(update) => event_of(&server, &update),
                    // A page that fell behind reloads what it shows.
                    Err(RecvError::Lagged(_)) => data("incident", &json!({"reload": true})),
                    Err(RecvError::Closed) => break,
                },
            };
            if let Some(event) = event
                && sender.send(event).await.is_err()
            {
                break;
            }
        }
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    Sse::new(futures::StreamExt::map(stream, Ok)).keep_alive(KeepAlive::default())
}

fn event_of(server: &Server, update: &Update) -> Option<Event> {
    let app = &server.app;
    match update {
        Update::Touched(Touched::Answer { incident, answer }) => {
            let answer = app.incident(incident)?.answer(answer)?;
            data("answer", &answer)
        }
        Update::Touched(Touched::Step { incident, step }) => {
            let incident = app.incident(incident)?;
            let record = incident.steps.get(step)?;
            data("step", &views::step(&incident, record, &app.parts.rules, app.now()))
        }
        Update::Touched(Touched::Incident { incident }) => data("incident", &json!({ "id": incident })),
        Update::Touched(Touched::Changes) => data("changes", &json!({})),
        Update::Touched(Touched::Output { .. } | Touched::Erased | Touched::Nothing) => None,
        Update::Output { step, chunk } => data("output", &json!({ "step": step, "chunk": chunk })),
        Update::Verifying { step, text } => data("verifying", &json!({ "step": step, "text": text })),
    }
}

fn data(name: &str, value: &impl serde::Serialize) -> Option<Event> {
    Event::default().event(name).json_data(value).ok()
}
