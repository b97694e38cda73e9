//! Whose words an answer holds: those of the person who asked.

use std::sync::PoisonError;

use incident::journal::{Error, Journal, NewEntry};

use super::Sealed;
use super::node::Node;

/// Answers come soon after their questions, so forgetting all now and then costs little.
const MOST_REMEMBERED: usize = 1_000;

impl Sealed {
    /// Who asked what this event answers: from the same batch, from memory, or from the stream.
    pub(super) async fn asker(&self, event: &Node, stream: &str, batch: &[NewEntry]) -> Result<Option<String>, Error> {
        let answer = event.text_at(&["answer"]).or_else(|| event.text_at(&["answer", "id"]));
        let (Some(answer), true) = (answer, stream.starts_with("incident/")) else { return Ok(None) };
        let asked_in = |event: &Node| {
            let is_it = event.text_at(&["type"]) == Some("asked") && event.text_at(&["answer"]) == Some(answer);
            is_it.then(|| event.text_at(&["by"]).map(str::to_owned)).flatten()
        };
        if let Some(by) = asked_in(event) {
            return Ok(Some(by));
        }
        let place = (stream.to_owned(), answer.to_owned());
        let remembered = self.askers.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if remembered.is_some() {
            return Ok(remembered);
        }
        let of_batch = batch.iter().filter(|new| new.stream == stream).map(|new| new.event.clone());
        let mut asked: Option<String> = of_batch.filter_map(|text| asked_in(&Node::parse(&text).ok()?)).next();
        if asked.is_none() {
            let read = self.read(stream, 1).await?;
            asked = read.iter().filter_map(|entry| asked_in(&Node::parse(&entry.event).ok()?)).next();
        }
        if let Some(by) = &asked {
            let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
            if askers.len() > MOST_REMEMBERED {
                askers.clear();
            }
            askers.insert(place, by.clone());
        }
        Ok(asked)
    }
}
