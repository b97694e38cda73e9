//! What the program says about itself: logs or plain warnings to standard error, metrics for `/metrics`.

use std::fmt;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Sets what is logged, and that it is logged as lines with time and fields.
const LOG: &str = "FIRSTLINE_LOG";

/// Logs to standard error, as what runs for long does; `FIRSTLINE_LOG` sets what is logged.
pub fn log_to_stderr(default: &str) {
    // async-openai prints whole bodies of replies it cannot read, which hold log text.
    let filter = std::env::var(LOG).unwrap_or_else(|_| format!("{default},tantivy=warn,async_openai=off"));
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .try_init();
}

/// Writes warnings to standard error as sentences for the person at the terminal; `FIRSTLINE_LOG` asks for the log instead.
pub fn warn_on_stderr() {
    if std::env::var_os(LOG).is_some() {
        return log_to_stderr("warn");
    }
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("warn,async_openai=off"))
        .with_writer(std::io::stderr)
        .event_format(Plainly)
        .try_init();
}

/// `warning: ` or `error: `, and the sentence.
struct Plainly;

impl<S, N> FormatEvent<S, N> for Plainly
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let word = if *event.metadata().level() == Level::ERROR { "error" } else { "warning" };
        let mut sentence = Sentence::default();
        event.record(&mut sentence);
        writeln!(writer, "{word}: {}", chat::inert_lines(&sentence.0))
    }
}

#[derive(Default)]
struct Sentence(String);

impl Visit for Sentence {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
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
