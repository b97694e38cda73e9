//! Asks the model for a better telling of an answer that is posted already. Whatever goes wrong, the posted answer stands.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use evidence::Answer;
use evidence::answer::{Claim, Degraded, ModelUse};
use incident::{Effect, Event, Retold};

use crate::app::{App, Refused, Update};
use crate::config::Llm;
use crate::secrets;
use crate::state::Touched;

/// The configured model.
pub struct Model {
    pub name: String,
    pub provider: Arc<dyn llm::Provider>,
    pub prompts: prompts::Catalog,
}

impl Model {
    /// `None` when no model is configured.
    pub fn from_settings(settings: &Llm) -> Result<Option<Model>> {
        let Some(base_url) = settings.base_url.clone() else { return Ok(None) };
        let key = settings.api_key.as_deref().map(secrets::read).transpose().map_err(anyhow::Error::msg)?;
        let provider = llm::openai(llm::OpenAi {
            base_url,
            model: settings.model.clone(),
            key: key.map(Into::into),
            timeout: Duration::from_secs(settings.timeout_seconds),
        })
        .context("cannot set up the model")?;
        Ok(Some(Model { name: settings.model.clone(), provider, prompts: prompts::Catalog::shipped() }))
    }
}

pub(super) async fn perform(app: &Arc<App>, incident: &str, answer: &str) -> Result<Vec<Effect>, Refused> {
    let Some(model) = &app.parts.model else { return Ok(Vec::new()) };
    let Some(current) = app.incident(incident) else { return Ok(Vec::new()) };
    let Some(inquiry) = current.inquiry(answer).filter(|inquiry| inquiry.retold.is_none()) else {
        return Ok(Vec::new());
    };
    let Some(posted) = &inquiry.answer else { return Ok(Vec::new()) };
    let retold = tell(model, posted, inquiry).await;
    let event = Event::Retold(Retold { answer: answer.to_owned(), ..retold });
    app.record(incident, "firstline", |current| {
        let is_open = current.inquiry(answer).is_some_and(|inquiry| inquiry.retold.is_none());
        Ok(if is_open { vec![event.clone()] } else { Vec::new() })
    })
    .await
}

async fn tell(model: &Model, posted: &Answer, inquiry: &incident::Inquiry) -> Retold {
    let mut used = ModelUse {
        name: model.name.clone(),
        prompt: String::new(),
        tokens_in: 0,
        tokens_out: 0,
        cost_usd: None,
        claims_removed: 0,
        degraded: None,
    };
    let mut retold = Retold {
        answer: String::new(),
        model: used.clone(),
        prompt_digest: String::new(),
        shown_records: 0,
        headline: None,
        claims: Vec::new(),
    };
    let nonce = hex::encode(rand::random::<[u8; 8]>());
    let prompt = match model.prompts.tell(&prompts::TellInputs::of(posted, &inquiry.asked.zone), &nonce) {
        Ok(prompt) => prompt,
        Err(error) => {
            tracing::error!("cannot render the prompt: {error}");
            used.degraded = Some(Degraded::Invalid);
            return Retold { model: used, ..retold };
        }
    };
    used.prompt = prompt.name_version.clone();
    retold.prompt_digest = prompt.digest.clone();
    retold.shown_records = prompt.shown_records as u64;
    let reply = match model.provider.complete(&prompt).await {
        Ok(reply) => reply,
        Err(error) => {
            tracing::warn!("the model did not help: {error}");
            used.degraded = Some(degraded(&error));
            return Retold { model: used, ..retold };
        }
    };
    used.tokens_in = reply.tokens_in;
    used.tokens_out = reply.tokens_out;
    if !reply.model.is_empty() {
        used.name = reply.model.clone();
    }
    let known = posted
        .evidence
        .iter()
        .map(|evidence| evidence.id.as_str())
        .chain(posted.changes.iter().map(|change| change.id.as_str()));
    let parsed = match prompts::parse_tell(&reply.text, &known.collect::<Vec<_>>()) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!("the model's reply cannot be used: {error}");
            used.degraded = Some(Degraded::Invalid);
            return Retold { model: used, ..retold };
        }
    };
    used.claims_removed += parsed.removed;
    let mut judge = |text: &str, citations: &[String]| match incident::confirm(text, citations, inquiry) {
        Some(numbers_checked) => {
            Some(Claim { text: text.to_owned(), citations: citations.to_vec(), numbers_checked, verified: true })
        }
        None => {
            used.claims_removed += 1;
            None
        }
    };
    let headline = parsed.headline.and_then(|said| judge(&said.text, &said.citations)).map(|claim| claim.text);
    let claims: Vec<Claim> = parsed.sentences.iter().filter_map(|said| judge(&said.text, &said.citations)).collect();
    if claims.is_empty() {
        used.degraded = Some(Degraded::Invalid);
        return Retold { model: used, ..retold };
    }
    Retold { model: used, headline, claims, ..retold }
}

fn degraded(error: &llm::Error) -> Degraded {
    match error.degraded_as() {
        "timeout" => Degraded::Timeout,
        "budget" => Degraded::Budget,
        "breaker" => Degraded::Breaker,
        "rate_limited" => Degraded::RateLimited,
        "unreachable" => Degraded::Unreachable,
        _ => Degraded::Invalid,
    }
}

/// The answer in the model's words, once they are there; `None` when they are no better.
pub async fn wait_for(app: &Arc<App>, answer: &str) -> Option<Answer> {
    let mut updates = app.subscribe();
    loop {
        let told = app.with_state(|state| {
            let incident = state.incident_of_answer(answer)?;
            let retold = incident.inquiry(answer)?.retold.clone()?;
            Some((retold, incident.answer(answer)?))
        });
        if let Some((retold, answer)) = told {
            return retold.model.degraded.is_none().then_some(answer).or_else(|| {
                tracing::warn!("the model did not help; this is the answer without it");
                None
            });
        }
        match tokio::time::timeout(Duration::from_secs(600), updates.recv()).await {
            Ok(Ok(Update::Touched(Touched::Answer { .. })))
            | Ok(Err(tokio::sync::broadcast::error::RecvError::Lagged(_)))
            | Ok(Ok(_)) => {}
            _ => return None,
        }
    }
}

/// The certificates that HTTP clients of this program trust beside the system's.
pub fn roots() -> Vec<reqwest::Certificate> {
    llm::roots()
}
