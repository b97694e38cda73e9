//! `firstline index`: shows how far it is, may be interrupted and repeated, and goes on where it stopped.

mod odd;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use evidence::Redactor;
use indexer::formats::Detector;
use indexer::{Ingest, IngestOptions, Progress, Report, TantivyStore, Writer};
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Usage, print, print_json};
use crate::cli::IndexArgs;
use crate::setup::{Setup, now};

pub fn run(setup: &Setup, args: &IndexArgs) -> Result<()> {
    let options = options(setup, args)?;
    let mut ingest = Ingest::new(setup.writer()?, setup.redactor()?);
    let bar = progress_bar();
    let mut show = |progress: Progress| draw(&bar, &progress);
    let (streams, files): (Vec<&PathBuf>, Vec<&PathBuf>) = args.paths.iter().partition(|path| path.as_os_str() == "-");
    let files: Vec<PathBuf> = files.into_iter().cloned().collect();
    let mut report = Report::default();
    if !files.is_empty() {
        report = ingest.index(&files, &options, now(), &mut show)?;
    }
    if !streams.is_empty() {
        let of_stream = ingest.index_stream("stdin", std::io::stdin(), &options, now(), &mut show)?;
        report = if files.is_empty() { of_stream } else { both(report, of_stream) };
    }
    ingest.finish()?;
    bar.finish_and_clear();
    for problem in &report.problems {
        tracing::warn!("{}", chat::inert_lines(&problem.message));
    }
    for sentence in odd::sentences(&report.notes) {
        tracing::warn!("{sentence}");
    }
    if setup.json {
        print_json(&report)?;
    } else {
        print(&summary(&report, setup))?;
    }
    let failed = report.problems.iter().filter(|problem| problem.is_error).count();
    if failed > 0 && report.files == 0 {
        bail!("nothing was read; see above");
    }
    if failed > 0 {
        let (sources, were) = if failed == 1 { ("source", "was") } else { ("sources", "were") };
        bail!(
            "{failed} {sources} {were} not read, or not to the end; all else is indexed. \
             Mend what is said above and run the same command again: only what is missing will be added"
        );
    }
    Ok(())
}

fn options(setup: &Setup, args: &IndexArgs) -> Result<IngestOptions> {
    let usage = |sentence: String| Usage(sentence);
    Ok(IngestOptions {
        service: args.service.clone(),
        service_from: args.service_from.as_deref().map(crate::following::service_pattern).transpose()?,
        detector: Detector::named(&args.format).map_err(usage)?,
        zone: setup.zone.clone(),
    })
}

/// Indexes files into a folder without asking or showing anything, and opens it for reading.
pub fn index_into(folder: &Path, files: &[PathBuf], redactor: Redactor) -> Result<TantivyStore> {
    let index = folder.join("index");
    let mut ingest = Ingest::new(Writer::open(&index)?, redactor);
    let options = IngestOptions::default();
    let report = ingest.index(files, &options, now(), &mut |_| {})?;
    ingest.finish()?;
    if let Some(problem) = report.problems.iter().find(|problem| problem.is_error) {
        bail!("{}", problem.message);
    }
    Ok(TantivyStore::open(&index)?)
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn draw(bar: &ProgressBar, progress: &Progress) {
    const KNOWN: &str = "{bar:30} {bytes}/{total_bytes}  {msg}";
    const UNKNOWN: &str = "{spinner} {bytes}  {msg}";
    let template = if progress.bytes_total == 0 { UNKNOWN } else { KNOWN };
    bar.set_style(ProgressStyle::with_template(template).expect("a checked template"));
    if progress.bytes_total > 0 {
        bar.set_length(progress.bytes_total.max(progress.bytes_done));
    }
    bar.set_position(progress.bytes_done);
    let pace = progress.records as f64 / progress.seconds.max(0.001);
    let left = match progress.bytes_done {
        0 => String::new(),
        _ if progress.bytes_total <= progress.bytes_done => String::new(),
        done => {
            let seconds = progress.seconds * (progress.bytes_total - done) as f64 / done as f64;
            format!("  {} left", HumanDuration(Duration::from_secs_f64(seconds)))
        }
    };
    bar.set_message(format!("{} records  {}/s{left}", HumanCount(progress.records), HumanCount(pace as u64)));
}

fn both(mut a: Report, b: Report) -> Report {
    a.records += b.records;
    a.bytes += b.bytes;
    a.files += b.files;
    a.malformed += b.malformed;
    a.truncated += b.truncated;
    a.redacted += b.redacted;
    a.skewed += b.skewed;
    a.cut_files += b.cut_files;
    a.templates = b.templates;
    a.index_bytes = b.index_bytes;
    a.services.extend(b.services);
    a.first_time = a.first_time.into_iter().chain(b.first_time).min();
    a.last_time = a.last_time.into_iter().chain(b.last_time).max();
    a.seconds += b.seconds;
    a.records_per_second = a.records as f64 / a.seconds.max(0.001);
    a.problems.extend(b.problems);
    a.notes.extend(b.notes);
    a
}

fn summary(report: &Report, setup: &Setup) -> String {
    let mut lines = Vec::new();
    if report.records == 0 && report.bytes == 0 && report.problems.is_empty() && report.templates == 0 {
        lines.push("Nothing to index: what was named is empty.".to_owned());
    } else if report.records == 0 && report.problems.is_empty() {
        lines.push("Nothing new: everything in there was indexed before.".to_owned());
    } else {
        lines.push(format!(
            "{} from {}, {} in {:.1} s ({}/s)",
            counted(report.records, "record"),
            counted(report.files, "file"),
            HumanBytes(report.bytes),
            report.seconds,
            HumanCount(report.records_per_second as u64)
        ));
    }
    let services: Vec<&str> = report.services.iter().map(String::as_str).collect();
    if !services.is_empty() {
        const SHOWN: usize = 12;
        let more = services.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        lines.push(format!("services   {}{more}", services[..services.len().min(SHOWN)].join(", ")));
    }
    if let (Some(first), Some(last)) = (report.first_time, report.last_time) {
        let shown = |time: evidence::Time| {
            time.to_timestamp().to_zoned(setup.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
        };
        lines.push(format!("from       {} to {}", shown(first), shown(last)));
    }
    let mut notes = vec![
        format!("{} of message", counted(report.templates, "kind")),
        format!("index {}", HumanBytes(report.index_bytes)),
    ];
    let odd = [
        (report.redacted, "value", "redacted"),
        (report.malformed, "line", "kept as plain text"),
        (report.truncated, "line", "cut at 1 MiB"),
        (report.skewed, "record", "with a clock more than a day ahead"),
        (report.cut_files, "file", "cut since the last time"),
    ];
    notes.extend(odd.iter().filter(|(n, ..)| *n > 0).map(|(n, what, how)| format!("{} {how}", counted(*n, what))));
    lines.push(notes.join(" · "));
    if report.records > 0 {
        lines.push("\nNow ask:   firstline ask \"what is wrong?\"".to_owned());
    }
    chat::inert_lines(&lines.join("\n")).into_owned()
}

/// `1 record`, `2 records`.
fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", HumanCount(n), if n == 1 { "" } else { "s" })
}
