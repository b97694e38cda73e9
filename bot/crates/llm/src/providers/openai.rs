//! Any server that speaks OpenAI's chat completions, through async-openai. One call here is one answer or one reason;
//! waiting, retrying and giving up are `retry` and `breaker`.

mod door;
mod endpoint;
mod form;

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use async_openai::Client;
use async_openai::error::OpenAIError;
use async_trait::async_trait;
use prompts::Prompt;
use secrecy::SecretString;

use crate::{Error, Provider, Reply};
use endpoint::Endpoint;
use form::{Form, Request, Response};

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct OpenAi {
    /// Like `http://127.0.0.1:11434/v1`; a query (`?api-version=…`) is kept.
    pub base_url: String,
    pub model: String,
    /// Without it no `Authorization` is sent.
    pub key: Option<SecretString>,
    /// Over everything: both tries and the wait between them.
    pub timeout: Duration,
}

pub(crate) struct Server {
    client: Client<Endpoint>,
    model: String,
    /// The form of request that this server is known, or hoped, to take.
    form: Mutex<Form>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("model", &self.model).finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(settings: OpenAi) -> Result<Server, Error> {
        let endpoint = Endpoint::new(&settings.base_url, settings.key)?;
        if settings.model.trim().is_empty() {
            return Err(Error::Setup("`llm.model` is empty; name one that the server has".to_owned()));
        }
        let mut http = reqwest::Client::builder()
            .tls_certs_merge(crate::roots())
            // A redirect could carry the data, and on the same host the key, to where nobody meant them to go.
            .redirect(reqwest::redirect::Policy::none());
        if endpoint.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Error::Setup(error.without_url().to_string()))?;
        let door = door::door(http.clone(), endpoint.key());
        let client = Client::build(http, endpoint).with_http_service(door);
        Ok(Server { client, model: settings.model, form: Mutex::default() })
    }

    async fn ask(&self, prompt: &Prompt, form: Form) -> Result<Response, Error> {
        let request = Request::new(&self.model, prompt, form);
        // The door lets only JSON through, so that async-openai has no body to log as undecodable.
        let reply: serde_json::Value = self.client.chat().create_byot(request).await.map_err(reason)?;
        serde_json::from_value(reply).map_err(|error| Error::Invalid(format!("it is no chat completion: {error}")))
    }

    fn form(&self) -> Form {
        *self.form.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Provider for Server {
    async fn complete(&self, prompt: &Prompt) -> Result<Reply, Error> {
        let mut form = self.form();
        loop {
            let error = match self.ask(prompt, form).await {
                Ok(response) => {
                    // Only what worked is remembered: a refusal may have had another reason.
                    *self.form.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = form;
                    return response.into_reply(prompt.max_tokens);
                }
                Err(error) => error,
            };
            match form.simpler_after(&error) {
                Some(simpler) => form = simpler,
                None => return Err(error),
            }
        }
    }
}

/// The door's own reasons come back boxed; anything else is the library's.
fn reason(error: OpenAIError) -> Error {
    match error {
        OpenAIError::Boxed(boxed) => match boxed.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::Unreachable("the request could not be sent".to_owned()),
        },
        OpenAIError::Reqwest(error) => door::unreachable(error),
        // These carry the server's words or ours; neither is needed to act.
        OpenAIError::JSONDeserialize(..) => Error::Invalid("it is not JSON".to_owned()),
        _ => Error::Invalid("the client library refused it".to_owned()),
    }
}
