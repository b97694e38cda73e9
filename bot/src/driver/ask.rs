//! From a person's words to a posted answer.

use std::sync::Arc;

use evidence::{Answer, Grant};
use incident::{Asked, Event, Overrides};
use jiff::tz::TimeZone;

use super::decide::withdraw_moot;
use super::read::read;
use super::{Wait, drive};
use crate::app::{App, Refused, RefusedKind};
use crate::sight::may_see_incident;

/// One question and what came with it.
#[derive(Clone, Debug)]
pub struct Request {
    pub question: String,
    pub by: String,
    /// Goes on with an earlier conversation; a new one begins otherwise.
    pub conversation: Option<String>,
    pub zone: TimeZone,
    pub overrides: Overrides,
    pub use_model: bool,
    /// What the asker may see.
    pub grant: Grant,
}

/// Asks, and returns the answer once it is posted.
///
/// # Errors
///
/// [`Refused`] for a question that cannot be read, or when logs or journal are out of reach.
pub async fn ask(app: &Arc<App>, request: Request, wait: Wait) -> Result<Answer, Refused> {
    app.sync().await?;
    let mut request = request;
    let conversation = match &request.conversation {
        Some(id) => {
            let known = app.incident(id).filter(|incident| may_see_incident(&request.grant, incident));
            let known = known.ok_or_else(|| {
                Refused::not_found(format!("no conversation `{id}`")).next("ask without it to begin a new one")
            })?;
            // Whoever sees more does not bring it into a conversation of those who see less.
            if let Some(first) = known.questions.first() {
                request.grant = first.asked.grant.clone().unwrap_or_else(Grant::everything);
            }
            id.clone()
        }
        None => new_id("inc"),
    };
    let question = read(app, &request).await?;
    let answer = new_id("a");
    let asked = Event::Asked(Asked {
        answer: answer.clone(),
        by: request.by.clone(),
        question,
        zone: request.zone.iana_name().unwrap_or("UTC").to_owned(),
        use_model: request.use_model && app.parts.model.is_some(),
        grant: (!request.grant.is_everything()).then(|| request.grant.clone()),
    });
    let effects = app.record(&conversation, &request.by, |_| Ok::<_, Refused>(vec![asked.clone()])).await?;
    drive(app, &conversation, effects, wait).await?;
    let incident = app.incident(&conversation).unwrap_or_default();
    if let Some(answer) = incident.answer(&answer) {
        return Ok(answer);
    }
    let reason = incident.inquiry(&answer).and_then(|inquiry| inquiry.failed.clone());
    Err(Refused::new(RefusedKind::Unavailable, reason.unwrap_or_else(|| "the question was not answered".to_owned())))
}

/// Closes an incident.
///
/// # Errors
///
/// When there is none, or it is closed.
pub async fn resolve(app: &Arc<App>, incident: &str, by: &str, note: &str) -> Result<(), Refused> {
    let note = app.parts.redactor.redact(note).0;
    app.record(incident, by, |current| {
        if !current.is_open() {
            return Err(Refused::new(RefusedKind::Conflict, format!("`{}` is not an open incident", current.id)));
        }
        Ok(vec![Event::Resolved { note: note.clone() }])
    })
    .await?;
    withdraw_moot(app).await
}

/// A short id that people can read aloud: no vowels, nothing that looks like something else.
pub fn new_id(kind: &str) -> String {
    const LETTERS: &[u8] = b"23456789bcdfghjkmnpqrstvwxz";
    let letters = (0..8).map(|_| LETTERS[usize::from(rand::random::<u8>()) % LETTERS.len()] as char);
    format!("{kind}-{}", letters.collect::<String>())
}
