//! What somebody is asked to approve: steps as exact bytes.
//! The stored bytes are the single truth; the card is drawn from them and execution parses them, so the two cannot differ.

use std::collections::BTreeMap;

use evidence::answer::{ProposalView, Risk, StepView};
use evidence::{Redactor, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::canonical::{self, Digest, NotCanonical};
use crate::policy::{Operation, Rules};
use crate::verify::Verify;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    pub id: String,
    pub incident: String,
    pub runbook: String,
    pub title: String,
    /// Parameter values as they print.
    pub params: BTreeMap<String, String>,
    pub why: String,
    pub citations: Vec<String>,
    pub steps: Vec<Step>,
}

/// Everything that is agreed to when a step is approved; the digest is taken over its canonical JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepContent {
    pub incident: String,
    pub proposal: String,
    pub step: String,
    pub runbook: String,
    pub runbook_digest: Digest,
    pub action: String,
    pub action_version: u32,
    pub arguments: Value,
    /// What the action says it will do, from the typed arguments.
    pub summary: String,
    /// What is acted on: a service, a host, a queue.
    pub target: String,
    pub environment: String,
    /// The service that the target belongs to, which is what rights are about; the target itself when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    pub risk: Risk,
    /// Who carries it out: `firstline` itself, or the person for a manual step.
    pub executor: String,
    pub timeout_seconds: u32,
    pub verify: Option<Verify>,
    pub undo: Option<Undo>,
    /// What the rehearsal said would happen.
    pub dry_run: Option<String>,
    /// What the action found that must still be so when the step starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<String>,
    /// Ids of evidence and changes that this rests on.
    pub evidence: Vec<String>,
    /// What made the proposal: `firstline`, or a person's id.
    pub proposer: String,
    /// The person whose question led here.
    pub requester: String,
    pub policy: String,
    pub proposed_at: Time,
    pub expires: Time,
    /// Ids of the steps that are one unit with this one.
    pub together_with: Vec<String>,
    /// How long the steps of the unit before this one may take, which its start has to wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seconds: Option<u32>,
}

/// How to take a step back: another step, which needs an approval of its own, or a sentence for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Undo {
    Step { action: String, action_version: u32, arguments: Value, summary: String },
    Manual(String),
}

/// One step, sealed.
///
/// Invariant: `content` is what `bytes` say, `bytes` are canonical, and `digest` is theirs. Serializes as its bytes alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    bytes: String,
    digest: Digest,
    content: StepContent,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    #[error(
        "step `{step}` contains something that looks like a secret in `{place}`; name it by reference (`env:NAME`, `file:PATH`) in the settings of its endpoint or program"
    )]
    Secret { step: String, place: String },
    #[error("step `{step}`: {source}")]
    NotCanonical { step: String, source: NotCanonical },
    #[error("these are not the bytes of a step: {0}; ask again for a fresh proposal")]
    NotAStep(String),
}

impl StepContent {
    /// The service that the target belongs to.
    pub fn service(&self) -> &str {
        self.service.as_deref().unwrap_or(&self.target)
    }

    /// What rights are about.
    pub fn operation(&self) -> Operation {
        Operation {
            action: self.action.clone(),
            runbook: self.runbook.clone(),
            service: self.service().to_owned(),
            target: self.target.clone(),
            environment: self.environment.clone(),
            risk: self.risk,
        }
    }
}

impl Step {
    /// Freezes a step.
    ///
    /// # Errors
    ///
    /// [`Unsealable::Secret`] when redaction would alter the bytes: what a person approves must be storable as it is.
    pub fn seal(content: StepContent, redactor: &Redactor) -> Result<Step, Unsealable> {
        let step = content.step.clone();
        let bytes =
            canonical::to_string(&content).map_err(|source| Unsealable::NotCanonical { step: step.clone(), source })?;
        let value = serde_json::to_value(&content).map_err(|error| Unsealable::NotAStep(error.to_string()))?;
        if let Some(place) = secret_in(&value, "", redactor) {
            return Err(Unsealable::Secret { step, place });
        }
        let digest = Digest::of(&bytes);
        Ok(Step { bytes, digest, content })
    }

    /// Reads stored bytes back and recomputes everything.
    ///
    /// # Errors
    ///
    /// [`Unsealable::NotAStep`] when they are not a step or not spelled canonically.
    pub fn from_bytes(bytes: String) -> Result<Step, Unsealable> {
        let content: StepContent =
            serde_json::from_str(&bytes).map_err(|error| Unsealable::NotAStep(error.to_string()))?;
        match canonical::to_string(&content) {
            Ok(again) if again == bytes => Ok(Step { digest: Digest::of(&bytes), bytes, content }),
            Ok(_) => Err(Unsealable::NotAStep("they are not in canonical form".to_owned())),
            Err(error) => Err(Unsealable::NotAStep(error.to_string())),
        }
    }

    pub fn bytes(&self) -> &str {
        &self.bytes
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn content(&self) -> &StepContent {
        &self.content
    }

    pub fn id(&self) -> &str {
        &self.content.step
    }

    /// The card, drawn from the bytes.
    pub fn view(&self, rules: &Rules) -> StepView {
        let content = self.content.clone();
        StepView {
            id: content.step,
            action: content.action,
            summary: content.summary,
            arguments: content.arguments,
            target: content.target,
            environment: content.environment,
            risk: content.risk,
            digest: self.digest.to_string(),
            approvals_needed: rules.approvals_needed(content.risk),
            expires: content.expires,
            dry_run: content.dry_run,
            verify: content.verify.as_ref().map(Verify::to_string),
            undo: content.undo.map(|undo| match undo {
                Undo::Step { summary, .. } => summary,
                Undo::Manual(sentence) => sentence,
            }),
            together_with: content.together_with,
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.bytes)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Step, D::Error> {
        Step::from_bytes(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Proposal {
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id() == id)
    }

    /// The steps that are approved as one with this one, in their order; itself among them.
    pub fn unit_of(&self, id: &str) -> Vec<&Step> {
        let Some(step) = self.step(id) else { return Vec::new() };
        let is_in =
            |other: &&Step| other.id() == id || step.content().together_with.iter().any(|with| with == other.id());
        self.steps.iter().filter(is_in).collect()
    }

    pub fn view(&self, rules: &Rules) -> ProposalView {
        ProposalView {
            id: self.id.clone(),
            runbook: self.runbook.clone(),
            title: self.title.clone(),
            params: self.params.clone(),
            why: self.why.clone(),
            citations: self.citations.clone(),
            steps: self.steps.iter().map(|step| step.view(rules)).collect(),
        }
    }
}

/// What is agreed to when steps are approved as one: the step's own digest, or one over those of all of them in their order.
pub fn unit_digest(unit: &[&Step]) -> Digest {
    match unit {
        [only] => only.digest(),
        steps => {
            let digests: Vec<String> = steps.iter().map(|step| step.digest().to_string()).collect();
            Digest::of(canonical::to_string(&digests).expect("digests are text"))
        }
    }
}

/// The place of the first text that redaction would alter. Each text is also tried as `key=value`, because a key can give a secret away.
fn secret_in(value: &Value, place: &str, redactor: &Redactor) -> Option<String> {
    match value {
        Value::String(text) => {
            let key = place.rsplit('.').next().unwrap_or(place);
            let alters = |text: &str| redactor.redact(text).1 > 0;
            // Our own digests are hex, which some token formats are too; they are never secrets.
            let is_ours = text.parse::<Digest>().is_ok() && key.ends_with("digest");
            (!is_ours && (alters(text) || alters(&format!("{key}={text}")))).then(|| place.to_owned())
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(idx, item)| secret_in(item, &format!("{place}[{idx}]"), redactor))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
            secret_in(item, &inner, redactor)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn content() -> StepContent {
        let proposed_at: Time = "2026-03-01T14:10:00Z".parse().unwrap();
        StepContent {
            incident: "inc-1".into(),
            proposal: "p-7f3k".into(),
            step: "rollback".into(),
            runbook: "rollback-deploy".into(),
            runbook_digest: Digest::of("runbook"),
            action: "http".into(),
            action_version: 1,
            arguments: json!({"endpoint": "operations", "method": "POST", "path": "/v1/rollback", "body": {"to": "v1.41"}}),
            summary: "Roll back".into(),
            target: "checkout".into(),
            environment: "production".into(),
            service: Some("checkout".into()),
            risk: Risk::Medium,
            executor: "firstline".into(),
            timeout_seconds: 60,
            verify: None,
            undo: Some(Undo::Manual("Deploy v1.42 again.".into())),
            dry_run: Some("4 pods would change".into()),
            precondition: None,
            evidence: vec!["E1".into(), "C1".into()],
            proposer: "firstline".into(),
            requester: "tom".into(),
            policy: "rules-1".into(),
            proposed_at,
            expires: proposed_at.plus(jiff::SignedDuration::from_mins(15)),
            together_with: vec![],
            after_seconds: None,
        }
    }

    pub(crate) fn step() -> Step {
        Step::seal(content(), &Redactor::new([7; 32])).unwrap()
    }

    #[test]
    fn stored_bytes_give_the_same_step() {
        let step = step();
        let stored = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&stored).unwrap(), step);
        assert_eq!(Digest::of(step.bytes()), step.digest());
    }

    #[test]
    fn bytes_in_another_spelling_are_not_a_step() {
        let spaced = step().bytes().replacen(':', ": ", 1);
        assert!(Step::from_bytes(spaced).unwrap_err().to_string().contains("canonical"));
        let extended = step().bytes().replacen('{', r#"{"also":"this","#, 1);
        assert!(Step::from_bytes(extended).is_err());
    }

    #[test]
    fn every_field_is_bound() {
        let whole = serde_json::to_value(content()).unwrap();
        for key in whole.as_object().unwrap().keys() {
            let mut changed = whole.clone();
            changed[key] = match &whole[key] {
                Value::String(text) if text.parse::<Digest>().is_ok() => json!(Digest::of("other")),
                Value::String(text) if text.parse::<Time>().is_ok() => json!("2030-01-01T00:00:00.000000Z"),
                Value::String(text) if text == "medium" => json!("high"),
                Value::String(_) => json!("other"),
                Value::Number(_) => json!(99),
                Value::Array(_) => json!(["other"]),
                Value::Object(_) if key == "undo" => json!({"manual": "other"}),
                Value::Object(_) => json!({"other": 1}),
                Value::Null | Value::Bool(_) => continue,
            };
            let other: StepContent = serde_json::from_value(changed).unwrap_or_else(|error| panic!("{key}: {error}"));
            let other = Step::seal(other, &Redactor::new([7; 32])).unwrap();
            assert_ne!(other.digest(), step().digest(), "`{key}` is not bound");
        }
    }

    #[test]
    fn the_card_says_what_the_bytes_say() {
        let view = step().view(&Rules::of_the_demo());
        assert_eq!(view.arguments, content().arguments);
        assert_eq!(view.digest, step().digest().to_string());
        assert_eq!(view.undo.as_deref(), Some("Deploy v1.42 again."));
        assert_eq!(view.approvals_needed, 1);
    }
}
