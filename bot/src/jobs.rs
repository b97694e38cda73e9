//! What goes on by itself while `serve` or `demo` runs.

use std::sync::Arc;
use std::time::Duration;

use database::SigningKeys;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::driver;
use crate::rereading::Rereading;

/// Notices what other processes wrote, soon enough for a person who waits.
const NOTICE_EVERY: Duration = Duration::from_millis(500);
/// A right that was taken away is gone soon, and in an executor before the next start.
const REREAD_EVERY: Duration = Duration::from_secs(2);
const RESUME_EVERY: Duration = Duration::from_secs(5);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// Starts all jobs; they end when `stopping` is cancelled.
pub fn start(app: &Arc<App>, keys: &Arc<SigningKeys>, tracker: &TaskTracker, stopping: &CancellationToken) {
    let noticing = Arc::clone(app);
    every(NOTICE_EVERY, tracker, stopping, move || {
        let app = Arc::clone(&noticing);
        async move { app.sync().await.map_err(|refused| refused.to_string()) }
    });
    let resuming = Arc::clone(app);
    every(RESUME_EVERY, tracker, stopping, move || {
        let app = Arc::clone(&resuming);
        async move { driver::resume(&app, false).await.map_err(|refused| refused.to_string()) }
    });
    let (signing, keys) = (Arc::clone(app), Arc::clone(keys));
    let sign = move || {
        let (app, keys) = (Arc::clone(&signing), Arc::clone(&keys));
        async move { checkpoint(&app, &keys).await }
    };
    // What was written while nobody signed is signed at once.
    tracker.spawn(sign());
    every(CHECKPOINT_EVERY, tracker, stopping, sign);
}

/// Signs what was written since the last checkpoint, with the newest key in the file; also the last thing before a stop.
pub async fn checkpoint(app: &App, keys: &SigningKeys) -> Result<(), String> {
    let keys = keys.reopened().map_err(|error| error.to_string())?;
    let signed = database::checkpoint(app.parts.journal.as_ref(), &keys, app.now()).await;
    signed.map(drop).map_err(|error| error.to_string())
}

/// Keeps the rules as their files say, for as long as the program runs.
pub fn reread(app: &Arc<App>, files: Rereading, tracker: &TaskTracker, stopping: &CancellationToken) {
    let (app, files) = (Arc::clone(app), Arc::new(files));
    every(REREAD_EVERY, tracker, stopping, move || {
        let (app, files) = (Arc::clone(&app), Arc::clone(&files));
        async move {
            match files.changed() {
                Ok(Some(rules)) => app.change_rules(rules),
                Ok(None) => {}
                Err(error) => tracing::error!("what was changed is not in force, the rules from before are: {error}"),
            }
            Ok(())
        }
    });
}

/// Runs `job` again and again; a failure is logged once until it goes away.
fn every<F>(pause: Duration, tracker: &TaskTracker, stopping: &CancellationToken, job: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<(), String>> + Send,
{
    let stopping = stopping.clone();
    tracker.spawn(async move {
        let mut last_failure = String::new();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            match job().await {
                Ok(()) => last_failure.clear(),
                Err(failure) if failure == last_failure => {}
                Err(failure) => {
                    tracing::error!("{failure}");
                    last_failure = failure;
                }
            }
        }
    });
}
