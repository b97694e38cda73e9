//! What is sent and what comes back. Our own types (async-openai takes any), because servers differ: local ones leave out
//! fields that the library requires, and know fewer than it would send.

use prompts::Prompt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Error, Reply};

const MOST_NAME_CHARS: usize = 80;

/// How much of OpenAI's interface a server is asked to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    with_schema: bool,
    limit: LimitName,
}

/// New models of OpenAI refuse the old name; old servers do not know the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LimitName {
    MaxCompletionTokens,
    MaxTokens,
}

impl Default for Form {
    fn default() -> Form {
        Form { with_schema: true, limit: LimitName::MaxCompletionTokens }
    }
}

impl Form {
    /// What to try next when the server refused this form; `None` when there is nothing simpler.
    pub(super) fn simpler_after(self, error: &Error) -> Option<Form> {
        let Error::Refused { status: 400 | 422, message } = error else { return None };
        if self.limit == LimitName::MaxCompletionTokens && message.contains("max_completion_tokens") {
            return Some(Form { limit: LimitName::MaxTokens, ..self });
        }
        self.with_schema.then_some(Form { with_schema: false, ..self })
    }
}

#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    /// Said aloud, because with types of our own the library does not set it.
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Request<'a> {
    pub(super) fn new(model: &'a str, prompt: &'a Prompt, form: Form) -> Request<'a> {
        let limit = |name| (form.limit == name).then_some(prompt.max_tokens);
        let schema = || {
            let name = prompt.name_version.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            json!({"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": prompt.schema}})
        };
        Request {
            model,
            messages: [
                Message { role: "system", content: &prompt.system },
                Message { role: "user", content: &prompt.user },
            ],
            stream: false,
            max_completion_tokens: limit(LimitName::MaxCompletionTokens),
            max_tokens: limit(LimitName::MaxTokens),
            response_format: form.with_schema.then(schema),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Response {
    choices: Vec<Choice>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Response {
    pub(super) fn into_reply(self, max_tokens: u32) -> Result<Reply, Error> {
        let invalid = |why: &str| Err(Error::Invalid(why.to_owned()));
        let Some(choice) = self.choices.into_iter().next() else { return invalid("it has no choices") };
        match choice.finish_reason.as_deref() {
            Some("length") => return invalid(&format!("it was cut off after {max_tokens} tokens")),
            Some("content_filter") => return invalid("the server's filter stopped it"),
            _ => {}
        }
        if choice.message.refusal.is_some_and(|refusal| !refusal.is_empty()) {
            return invalid("the model declined");
        }
        let text = choice.message.content.unwrap_or_default();
        if text.trim().is_empty() {
            return invalid("it is empty");
        }
        let usage = self.usage.unwrap_or_default();
        // The name is shown beside the answer, and is the server's to choose.
        let name = self.model.unwrap_or_default();
        let model = name.chars().filter(|c| c.is_ascii_graphic()).take(MOST_NAME_CHARS).collect();
        Ok(Reply { text, model, tokens_in: usage.prompt_tokens, tokens_out: usage.completion_tokens })
    }
}
