//! The live side of the console: what changes, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use evidence::Grant;
use futures::Stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::Server;
use super::guard::{Proof, Who};
use crate::app::Update;
use crate::sight::{may_see_change, may_see_step};
use crate::state::Touched;
use crate::views;
use crate::visitor::Visitor;

pub async fn stream(
    State(server): State<Arc<Server>>,
    Extension(Visitor { grant, .. }): Who,
    Extension(proof): Extension<Proof>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut updates = server.app.subscribe();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Event>(64);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(2));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                () = server.stopping.cancelled() => break,
                () = sender.closed() => break,
                _ = ticks.tick() => {
                    // Whoever was signed out hears nothing more.
                    if !proof.holds(&server).await {
                        break;
                    }
                    match server.overview.now(&server.app, &grant).await {
                        Ok(overview) => data("overview", &overview),
                        Err(_) => None,
                    }
                }
                update = updates.recv() => match update {
                    Ok(update) => event_of(&server, &grant, &update),
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

/// The event for whoever has this grant; none when it is about what they may not see.
fn event_of(server: &Server, grant: &Grant, update: &Update) -> Option<Event> {
    let app = &server.app;
    let is_seen = |step: &String| app.with_state(|state| state.step_seen(grant, step).is_some());
    match update {
        Update::Touched(Touched::Answer { incident, answer }) => {
            let answer = app.incident_seen(grant, incident)?.answer(answer)?;
            data("answer", &answer)
        }
        Update::Touched(Touched::Step { incident, step }) => {
            let incident = app.incident(incident)?;
            let record = incident.steps.get(step).filter(|record| may_see_step(grant, &incident, record))?;
            data("step", &views::step(&incident, record, &app.rules(), app.now()))
        }
        Update::Touched(Touched::Incident { incident }) => {
            let incident = app.incident_seen(grant, incident)?;
            data("incident", &json!({ "id": incident.id }))
        }
        Update::Touched(Touched::Changes { change }) => {
            may_see_change(grant, change).then(|| data("changes", &json!({})))?
        }
        Update::Touched(Touched::Output { .. } | Touched::Erased | Touched::Nothing) => None,
        Update::Output { step, chunk } if is_seen(step) => data("output", &json!({ "step": step, "chunk": chunk })),
        Update::Verifying { step, text } if is_seen(step) => data("verifying", &json!({ "step": step, "text": text })),
        Update::Output { .. } | Update::Verifying { .. } => None,
    }
}

fn data(name: &str, value: &impl serde::Serialize) -> Option<Event> {
    Event::default().event(name).json_data(value).ok()
}
