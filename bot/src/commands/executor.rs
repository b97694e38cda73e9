//! `firstline executor`: a process of its own that runs approved steps. Whoever calls it passes ids; what may run it finds out itself.

use std::io::BufRead as _;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::mpsc;

use crate::cli::ExecutorArgs;
use crate::driver::execute::Executor;
use crate::driver::execute::ledger::Ledger;
use crate::rereading::Rereading;
use crate::setup::Setup;
use crate::telemetry;

/// Between looks into the journal, for an executor that nobody calls.
const LOOKING: Duration = Duration::from_millis(500);

pub fn run(setup: &Setup, args: &ExecutorArgs) -> Result<()> {
    if args.from_stdin {
        telemetry::warn_on_stderr();
    } else {
        telemetry::log_to_stderr("info");
    }
    super::block_on(setup, executor(setup, args))
}

async fn executor(setup: &Setup, args: &ExecutorArgs) -> Result<()> {
    // Before anything slow: whoever started us may be gone already.
    let ids = args.from_stdin.then(ids);
    let folder = setup.data.join("executor");
    setup.make_data_folder()?;
    let ledger = Ledger::open(&folder).with_context(|| format!("cannot keep a ledger in `{}`", folder.display()))?;
    let executor = Executor::new(setup.executing_app().await?, ledger, Rereading::new(setup));
    if let Some(mut ids) = ids {
        while let Some(id) = ids.recv().await {
            executor.take(&id);
        }
        return Ok(());
    }
    tracing::info!("waiting for approved steps in {}", setup.database().await?.place());
    let stopped = super::serve::asked_to_stop();
    tokio::pin!(stopped);
    let mut last_failure = String::new();
    loop {
        match executor.take_all().await {
            Ok(()) => last_failure.clear(),
            Err(refused) if refused.message == last_failure => {}
            Err(refused) => {
                tracing::error!("{refused}");
                last_failure = refused.message;
            }
        }
        tokio::select! {
            () = &mut stopped => break,
            () = tokio::time::sleep(LOOKING) => {}
        }
    }
    tracing::info!("stopping what runs");
    executor.stop().await;
    Ok(())
}

/// The lines of standard input. Its end is the end of whoever started us, and so of us: guards end what runs.
#[expect(clippy::disallowed_methods, reason = "whoever started us is gone, and nothing may go on without them")]
fn ids() -> mpsc::UnboundedReceiver<String> {
    let (sender, ids) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            let id = line.trim();
            if !id.is_empty() && sender.send(id.to_owned()).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    ids
}
