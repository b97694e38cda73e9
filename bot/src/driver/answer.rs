//! Posts the answer: composed from what is recorded, so that the same journal gives the same bytes again.

use std::sync::Arc;

use evidence::answer::Verdict;
use incident::{Answered, Effect, Event};

use crate::app::{App, Refused};

pub(super) async fn perform(app: &Arc<App>, incident: &str, answer: &str) -> Result<Vec<Effect>, Refused> {
    let now = app.now();
    app.record(incident, "firstline", |current| {
        let Some(inquiry) = current.inquiry(answer).filter(|inquiry| inquiry.answer.is_none()) else {
            return Ok(Vec::new());
        };
        let took_ms = now.since(inquiry.asked_at).as_micros() as f64 / 1_000.0;
        let Some(composed) = current.compose(answer, &app.rules(), took_ms) else { return Ok(Vec::new()) };
        metrics::counter!("firstline_claims_refused_total").increment(composed.refused.len() as u64);
        metrics::counter!("firstline_answers_total", "verdict" => composed.answer.verdict.as_str()).increment(1);
        metrics::histogram!("firstline_answer_seconds").record(took_ms / 1_000.0);
        let mut events = Vec::new();
        let is_grave = composed.answer.verdict == Verdict::Cause && inquiry.asked.question.is_diagnosis();
        if is_grave && current.opened.is_none() && current.joined.is_none() {
            let service = composed.answer.suspects.first().map(|suspect| suspect.service.clone());
            events.push(Event::Opened { title: composed.answer.headline.clone(), service });
        }
        events.push(Event::Answered(Answered { answer: composed.answer, refused: composed.refused }));
        Ok(events)
    })
    .await
}
