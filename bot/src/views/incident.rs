//! One incident in a line: the form of the list, and the head of its page.

use evidence::Time;
use evidence::answer::Verdict;
use incident::Incident;
use serde::Serialize;

use super::standing::{Standing, resolver, standing};

/// The form of `GET /api/incidents`.
#[derive(Clone, Debug, Serialize)]
pub struct IncidentForm {
    pub id: String,
    pub title: String,
    /// open or resolved.
    pub state: &'static str,
    pub opened: Time,
    pub resolved: Option<ResolvedForm>,
    pub service: Option<String>,
    pub verdict: Option<Verdict>,
    pub answers: usize,
    pub steps_waiting: usize,
    pub standing: Standing,
}

/// Who closed an incident, when, and what they wrote.
#[derive(Clone, Debug, Serialize)]
pub struct ResolvedForm {
    pub at: Time,
    pub by: String,
    pub note: String,
}

/// `None` for a conversation that never became an incident. `joined` are the conversations that turned out to be about it.
pub fn incident(incident: &Incident, joined: &[&Incident], now: Time) -> Option<IncidentForm> {
    let opened = incident.opened.as_ref()?;
    let answers = || incident.questions.iter().filter_map(|inquiry| inquiry.answer.as_ref());
    let by = || resolver(incident).unwrap_or_default().to_owned();
    let resolved = incident.resolved.as_ref();
    Some(IncidentForm {
        id: incident.id.clone(),
        title: opened.title.clone(),
        state: if resolved.is_some() { "resolved" } else { "open" },
        opened: opened.at,
        resolved: resolved.map(|(at, note)| ResolvedForm { at: *at, by: by(), note: note.clone() }),
        service: opened.service.clone(),
        verdict: answers().next_back().map(|answer| answer.verdict),
        answers: answers().count(),
        steps_waiting: incident.waiting(now).count(),
        standing: standing(incident, joined, now),
    })
}
