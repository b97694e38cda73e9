//! What the program says about itself: logs to standard error, metrics for `/metrics`.

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Logs to standard error; `FIRSTLINE_LOG` sets what is logged.
pub fn log_to_stderr(default: &str) {
    // async-openai prints whole bodies of replies it cannot read, which hold log text.
    let filter = std::env::var("FIRSTLINE_LOG").unwrap_or_else(|_| format!("{default},tantivy=warn,async_openai=off"));
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .try_init();
}

/// Installs the recorder behind `/metrics`.
///
/// # Errors
///
/// When one is installed already.
pub fn record_metrics() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics are recorded already")?;
    metrics::describe_counter!("firstline_answers_total", "Answers posted, by verdict");
    metrics::describe_counter!(
        "firstline_claims_refused_total",
        "Claims that the checker refused before an answer was posted"
    );
    metrics::describe_counter!("firstline_steps_total", "Steps run, by outcome");
    metrics::describe_counter!("firstline_records_total", "Records indexed");
    metrics::describe_histogram!("firstline_answer_seconds", "From question to posted answer");
    Ok(handle)
}
