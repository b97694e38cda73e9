//! The places where people read, and the list of them.

use serde_json::Value;

use crate::Message;

pub mod console;
pub mod terminal;

/// A message in a platform's own form.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Text(String),
    Json(Value),
}

/// Renders messages for one place.
///
/// A platform carries messages and knows nothing of logs: whatever it shows stands in the message.
pub trait Platform: Send + Sync {
    /// The name in settings, one of [`PLATFORMS`].
    fn name(&self) -> &'static str;

    /// Returns the message in the platform's own form, with every untrusted text made harmless for it.
    fn render(&self, message: &Message) -> Body;
}

pub struct Entry {
    pub name: &'static str,
    pub about: &'static str,
}

pub const PLATFORMS: &[Entry] = &[
    Entry { name: "console", about: "the page in the browser that `serve` and `demo` open" },
    Entry { name: "terminal", about: "`ask`, `chat` and the other commands" },
];
