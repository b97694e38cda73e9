//! A step for a person: it says what to do, and Firstline never runs it.

use std::sync::Arc;

use async_trait::async_trait;
use evidence::Redactor;
use serde::Deserialize;
use serde_json::Value;

use super::{Action, Run, Secrets, Settings};
use crate::execute::{Outcome, Outcomes};

const LONGEST_INSTRUCTION: usize = 4_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    instruction: String,
}

impl Arguments {
    fn mistakes(&self) -> Vec<String> {
        let instruction = &self.instruction;
        if instruction.trim().is_empty() {
            return vec!["`instruction` is empty; say what the person is to do".to_owned()];
        }
        if instruction.len() > LONGEST_INSTRUCTION {
            return vec![format!("`instruction` is longer than {LONGEST_INSTRUCTION} bytes; split the step")];
        }
        Vec::new()
    }
}

struct Manual;

pub(super) fn form(arguments: &Value) -> Vec<String> {
    super::form_of(arguments, Arguments::mistakes)
}

pub fn connect(_: &Settings, _: Arc<dyn Secrets>) -> Box<dyn Action> {
    Box::new(Manual)
}

#[async_trait]
impl Action for Manual {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn version(&self) -> u32 {
        1
    }

    fn check(&self, arguments: &Value) -> Result<(), Vec<String>> {
        let mistakes = form(arguments);
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    fn describe(&self, arguments: &Value) -> String {
        let instruction = arguments["instruction"].as_str().filter(|instruction| !instruction.trim().is_empty());
        instruction.unwrap_or("(no instruction)").to_owned()
    }

    async fn dry_run(&self, _: &Value, _: &Redactor) -> Result<Option<String>, String> {
        Ok(None)
    }

    async fn run(&self, _: &Value, run: &Run<'_>) -> Outcome {
        let text = "this step is carried out by hand; nothing was run";
        Outcome::new(Outcomes::Refused, run.redactor.redact(text).0)
    }
}
