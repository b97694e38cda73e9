//! A change to what a cluster runs: a closed set of verbs on declared clusters and namespaces. What is changed is read
//! first, rehearsed by the server itself, and named in the request, so that a change by somebody else stops it.

mod arguments;
mod change;
mod cluster;
mod objects;
mod rollout;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use evidence::Redactor;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use self::arguments::Arguments;
use self::change::Change;
use self::cluster::{Api, Trouble};
use super::output::Output;
use super::{Action, Cluster, Run, Secrets, Settings};
use crate::execute::{Outcome, Outcomes};

struct Kubernetes {
    clusters: BTreeMap<String, Cluster>,
    secrets: Arc<dyn Secrets>,
}

pub(super) fn form(arguments: &Value) -> Vec<String> {
    super::form_of(arguments, Arguments::mistakes)
}

pub fn connect(settings: &Settings, secrets: Arc<dyn Secrets>) -> Box<dyn Action> {
    Box::new(Kubernetes { clusters: settings.clusters.clone(), secrets })
}

#[async_trait]
impl Action for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn version(&self) -> u32 {
        1
    }

    fn check(&self, arguments: &Value) -> Result<(), Vec<String>> {
        let arguments = Arguments::read(arguments).map_err(|error| vec![error])?;
        let mut mistakes = arguments.mistakes();
        match self.cluster(&arguments) {
            Ok(cluster) => mistakes.extend(arguments.not_allowed(cluster)),
            Err(error) => mistakes.push(error),
        }
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    fn describe(&self, arguments: &Value) -> String {
        Arguments::read(arguments)
            .map_or_else(|_| "a change in a cluster that is not complete".to_owned(), |arguments| arguments.sentence())
    }

    async fn dry_run(&self, arguments: &Value, _: &Redactor) -> Result<Option<String>, String> {
        let (api, change) = self.change(arguments).await?;
        let deadline = Instant::now() + super::REHEARSAL;
        let answer = timeout_at(deadline, api.write(change.request(true)?)).await;
        let after = answer.map_err(|_| "the cluster does not answer".to_owned())?.map_err(Trouble::into_sentence)?;
        Ok(Some(change.said(&after, true)))
    }

    async fn precondition(&self, arguments: &Value) -> Result<Option<String>, String> {
        let (_, change) = self.change(arguments).await?;
        Ok(Some(change.rests_on))
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome {
        let output = Output::new(run.redactor, run.on_output.clone());
        let deadline = Instant::now() + run.timeout;
        let prepared = tokio::select! {
            prepared = timeout_at(deadline, self.prepare(arguments, run)) => prepared,
            () = run.cancelled.cancelled() => return output.finish(Outcomes::Cancelled, "cancelled before anything was changed"),
        };
        let prepared = prepared.unwrap_or_else(|_| Err("the cluster does not answer".to_owned()));
        let (api, change, request) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return output.finish(Outcomes::Refused, &format!("nothing was changed: {error}")),
        };
        let answer = tokio::select! {
            answer = timeout_at(deadline, api.write(request)) => answer,
            () = run.cancelled.cancelled() => {
                let text = "cancelled while waiting for the cluster; it may have happened, look before trying again";
                return output.finish(Outcomes::Unknown, text);
            }
        };
        match answer {
            Ok(Ok(after)) => output.finish(Outcomes::Succeeded, &change.said(&after, false)),
            Ok(Err(Trouble::Refused(text))) => output.finish(Outcomes::Refused, &text),
            Ok(Err(Trouble::Conflict(text))) => output.finish(Outcomes::Failed, &text),
            Ok(Err(Trouble::Unknown(text))) => output.finish(Outcomes::Unknown, &text),
            Err(_) => {
                let text = "the cluster did not answer in time; it may have happened, look before trying again";
                output.finish(Outcomes::Unknown, text)
            }
        }
    }
}

impl Kubernetes {
    fn cluster(&self, arguments: &Arguments) -> Result<&Cluster, String> {
        let name = arguments.cluster();
        let known = || self.clusters.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.clusters.get(name).ok_or_else(|| format!("unknown cluster `{name}` (known: {})", known()))
    }

    /// The change as it would be made now; reads only.
    async fn change(&self, arguments: &Value) -> Result<(Api, Change), String> {
        self.check(arguments).map_err(|mistakes| mistakes.join("; "))?;
        let arguments = Arguments::read(arguments)?;
        let api = Api::connect(arguments.cluster(), self.cluster(&arguments)?, self.secrets.as_ref()).await?;
        let change = Change::of(&arguments, &api, &jiff::Timestamp::now().to_string()).await?;
        Ok((api, change))
    }

    /// The change and its request, when it still rests on what was approved: what is compared is what the request names.
    async fn prepare(&self, arguments: &Value, run: &Run<'_>) -> Result<(Api, Change, http::Request<Vec<u8>>), String> {
        let (api, change) = self.change(arguments).await?;
        let now = run.redactor.redact(change.rests_on.as_str()).0;
        match run.precondition {
            Some(approved) if approved != now.as_str() => Err(format!(
                "it was approved for `{approved}` and now there is `{now}`; ask again for a fresh proposal"
            )),
            _ => {
                let request = change.request(false)?;
                Ok((api, change, request))
            }
        }
    }
}
