//! What a running step prints, on its way to whoever watches: through the journal, so that it does not matter where it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evidence::Redacted;
use incident::journal::NewEntry;
use runbooks::execute::OnOutput;

use crate::app::App;
use crate::state::{OUTPUTS, OutputEvent};

const EVERY: Duration = Duration::from_millis(500);
/// Of one step; its outcome has the rest.
const MOST: usize = 128 * 1024;

/// Collects output and writes it down now and then.
pub(super) struct Live {
    app: Arc<App>,
    step: String,
    stream: String,
    waiting: Mutex<String>,
    /// Entries and bytes written.
    written: tokio::sync::Mutex<(u64, usize)>,
}

impl Live {
    pub(super) fn new(app: &Arc<App>, step: &str, claim: &str) -> Arc<Live> {
        Arc::new(Live {
            app: Arc::clone(app),
            step: step.to_owned(),
            stream: format!("{OUTPUTS}{claim}"),
            waiting: Mutex::default(),
            written: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn taker(self: &Arc<Live>) -> OnOutput {
        let live = Arc::clone(self);
        Arc::new(move |piece: Redacted| {
            let mut waiting = live.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() < MOST {
                waiting.push_str(piece.as_str());
            }
        })
    }

    /// Writes as long as it is polled.
    pub(super) async fn run(self: Arc<Live>) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.flush().await;
        }
    }

    /// Output that cannot be written down is no reason to disturb the step: the outcome has it.
    pub(super) async fn flush(&self) {
        let mut written = self.written.lock().await;
        let mut text = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let room = MOST.saturating_sub(written.1);
        if text.len() > room {
            text.truncate((0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
        }
        if text.is_empty() {
            return;
        }
        let n_bytes = text.len();
        // Each piece was redacted before it came here, and is cut nowhere but at its end.
        let event = OutputEvent::Printed { step: self.step.clone(), text: Redacted::from_storage(text) };
        let text = serde_json::to_string(&event).expect("text is plain data");
        let entry = NewEntry::new(&self.stream, written.0 + 1, "firstline", text);
        match self.app.parts.journal.append(&[entry], self.app.now()).await {
            Ok(_) => *written = (written.0 + 1, written.1 + n_bytes),
            Err(error) => tracing::warn!(step.id = %self.step, "what it printed was not passed on: {error}"),
        }
    }
}
