//! The console takes messages as they are: its scripts put texts into text nodes only and make them inert there.

use serde_json::Value;

use super::{Body, Platform};
use crate::Message;

#[derive(Clone, Copy, Debug, Default)]
pub struct Console;

impl Platform for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn render(&self, message: &Message) -> Body {
        let json = match message {
            Message::Answer(answer) => serde_json::to_value(answer),
            Message::Step(step) => serde_json::to_value(step),
            Message::Note { text } => Ok(Value::String(text.clone())),
        };
        Body::Json(json.expect("messages hold only strings, numbers and lists"))
    }
}
