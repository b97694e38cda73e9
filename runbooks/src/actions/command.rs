//! A declared program with an argument vector. There is no shell, no inherited environment and no input.
//! It runs under a guard, which confines it and ends everything that it started when its time is up.

mod guarded;

pub mod orders;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evidence::Redactor;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

pub use guarded::GUARD;

use self::orders::{Ended, Limits, Orders, Report, Sandbox, Stopped};
use super::output::Output;
use super::{Action, Program, Run, Secrets, Settings};
use crate::canonical;
use crate::execute::{OnOutput, Outcome, Outcomes};

/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(10);
const REHEARSAL: Duration = Duration::from_secs(10);
const LONGEST_ARGUMENT: usize = 4_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    program: String,
    #[serde(default)]
    argv: Vec<Value>,
}

impl Arguments {
    fn mistakes(&self) -> Vec<String> {
        self.argv.iter().filter_map(|argument| text_of(argument).err()).collect()
    }
}

struct Command {
    programs: BTreeMap<String, Program>,
    secrets: Arc<dyn Secrets>,
    sandbox: Sandbox,
    guard: Option<PathBuf>,
}

pub(super) fn form(arguments: &Value) -> Vec<String> {
    super::form_of(arguments, Arguments::mistakes)
}

pub fn connect(settings: &Settings, secrets: Arc<dyn Secrets>) -> Box<dyn Action> {
    let (programs, sandbox, guard) = (settings.programs.clone(), settings.sandbox, settings.guard.clone());
    Box::new(Command { programs, secrets, sandbox, guard })
}

#[async_trait]
impl Action for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn version(&self) -> u32 {
        1
    }

    fn check(&self, arguments: &Value) -> Result<(), Vec<String>> {
        let arguments = Arguments::deserialize(arguments).map_err(|error| vec![error.to_string()])?;
        let program = self.program(&arguments.program).map_err(|error| vec![error])?;
        let mut mistakes = Vec::new();
        if !Path::new(&program.path).is_absolute() {
            mistakes.push(format!("`{}` must be an absolute path", program.path));
        }
        let texts = arguments.argv.iter().filter_map(|argument| mistake_in(argument, program));
        mistakes.extend(texts);
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    fn describe(&self, arguments: &Value) -> String {
        let Ok(arguments) = Arguments::deserialize(arguments) else {
            return "a program with arguments that are not complete".to_owned();
        };
        let quoted = argv(&arguments).into_iter().map(|argument| {
            let is_plain =
                !argument.is_empty() && argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c));
            if is_plain { argument } else { format!("{argument:?}") }
        });
        let words: Vec<String> = std::iter::once(arguments.program.clone()).chain(quoted).collect();
        format!("run `{}`", words.join(" "))
    }

    async fn dry_run(&self, arguments: &Value, redactor: &Redactor) -> Result<Option<String>, String> {
        let arguments = Arguments::deserialize(arguments).map_err(|error| error.to_string())?;
        let program = self.program(&arguments.program)?;
        let Some(flag) = &program.dry_run else { return Ok(None) };
        let mut argv = argv(&arguments);
        argv.push(flag.clone());
        let quiet: OnOutput = Arc::new(|_| {});
        let output = Output::new(redactor, quiet);
        let outcome = self.start(program, &arguments.program, argv, output, REHEARSAL, &CancellationToken::new()).await;
        let output: String = outcome.output.as_str().trim().chars().take(1_000).collect();
        match outcome.result {
            Outcomes::Succeeded if output.is_empty() => Ok(Some("it has nothing to say".to_owned())),
            Outcomes::Succeeded => Ok(Some(output)),
            _ => Err(format!("{} {output}", outcome.summary).trim().to_owned()),
        }
    }

    /// The program's file and what the settings declare of it: what was approved is what starts.
    async fn precondition(&self, arguments: &Value) -> Result<Option<String>, String> {
        let arguments = Arguments::deserialize(arguments).map_err(|error| error.to_string())?;
        let program = self.program(&arguments.program)?.clone();
        let settings = canonical::to_string(&program).map_err(|error| error.to_string())?;
        let digest = tokio::task::spawn_blocking(move || digest_of(Path::new(&program.path), &settings)).await;
        let digest = digest.map_err(|error| error.to_string())??;
        // In groups, so that it is not taken for a token and people can compare it.
        let groups: Vec<String> = digest.chunks(4).map(hex::encode).collect();
        Ok(Some(format!("program `{}` and its settings, SHA-256 {}", arguments.program, groups.join(" "))))
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome {
        let output = Output::new(run.redactor, run.on_output.clone());
        let parsed = Arguments::deserialize(arguments).map_err(|error| error.to_string());
        let parsed = parsed.and_then(|arguments| Ok((self.program(&arguments.program)?, arguments)));
        match parsed {
            Ok((program, arguments)) => {
                let argv = argv(&arguments);
                self.start(program, &arguments.program, argv, output, run.timeout, &run.cancelled).await
            }
            Err(error) => output.finish(Outcomes::Refused, &format!("nothing was started: {error}")),
        }
    }
}

impl Command {
    fn program(&self, name: &str) -> Result<&Program, String> {
        self.programs.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.programs.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            format!("unknown program `{name}` (known: {known}); declare it with its `path` under `[actions.programs.{name}]`")
        })
    }

    async fn start(
        &self,
        program: &Program,
        name: &str,
        argv: Vec<String>,
        mut output: Output<'_>,
        limit: Duration,
        cancelled: &CancellationToken,
    ) -> Outcome {
        if cancelled.is_cancelled() {
            return output.finish(Outcomes::Cancelled, "cancelled before it was started");
        }
        let reported = match self.orders(program, argv, limit) {
            Ok(orders) => guarded::run(self.guard.as_deref(), &orders, &mut output, cancelled).await,
            Err(error) => Err(error),
        };
        let (result, summary) = match reported {
            Ok(report) => judge(&report, name, limit, &program.limits),
            Err(error) => (Outcomes::Refused, format!("`{name}` was not started: {error}")),
        };
        output.finish(result, &summary)
    }

    fn orders(&self, program: &Program, argv: Vec<String>, limit: Duration) -> Result<Orders, String> {
        let mut env = Vec::new();
        for name in &program.env {
            env.push((name.clone(), self.secrets.secret(&format!("env:{name}"))?));
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Ok(Orders {
            program: program.path.clone(),
            argv,
            env,
            timeout_ms: millis(limit),
            grace_ms: millis(GRACE),
            limits: program.limits,
            read: program.read.clone(),
            write: program.write.clone(),
            network: program.network,
            user: program.user.clone(),
            sandbox: self.sandbox,
        })
    }
}

fn digest_of(file: &Path, settings: &str) -> Result<[u8; 32], String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut hasher = Sha256::new();
    hasher.update((settings.len() as u64).to_be_bytes());
    hasher.update(settings);
    let mut file_ = std::fs::File::open(file).map_err(unreadable)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match std::io::Read::read(&mut file_, &mut buffer).map_err(unreadable)? {
            0 => return Ok(hasher.finalize().into()),
            n_bytes => hasher.update(&buffer[..n_bytes]),
        }
    }
}

fn judge(report: &Report, name: &str, limit: Duration, limits: &Limits) -> (Outcomes, String) {
    const STAYS: &str = "what it had done until then stays";
    let (result, mut text) = match (report.stopped, &report.ended) {
        (_, Ended::NotStarted { why }) => return (Outcomes::Refused, format!("`{name}` was not started: {why}")),
        (_, Ended::Unknown { why }) => {
            (Outcomes::Unknown, format!("nobody knows how `{name}` ended ({why}); look before trying again"))
        }
        (Some(Stopped::TimedOut), _) => {
            (Outcomes::TimedOut, format!("`{name}` was stopped after {} s; {STAYS}", limit.as_secs()))
        }
        (Some(Stopped::Cancelled), _) => (Outcomes::Cancelled, format!("`{name}` was stopped; {STAYS}")),
        (Some(Stopped::OutOfMemory), _) => {
            (Outcomes::Failed, format!("`{name}` was killed: it used more than {} MiB; {STAYS}", limits.memory_mib))
        }
        (None, Ended::Exited { code: 0 }) => (Outcomes::Succeeded, format!("`{name}` ended well")),
        (None, Ended::Exited { code }) => (Outcomes::Failed, format!("`{name}` ended with exit status: {code}")),
        (None, Ended::Killed { signal }) => {
            let why = match signal.as_str() {
                "SIGXCPU" => format!("it computed for more than {} s", limits.cpu_seconds),
                "SIGXFSZ" => format!("it wrote a file of more than {} MiB", limits.file_mib),
                signal => format!("by {signal}"),
            };
            (Outcomes::Failed, format!("`{name}` was killed: {why}; {STAYS}"))
        }
    };
    if report.left_behind > 0 {
        let (processes, were) = if report.left_behind == 1 { ("process", "was") } else { ("processes", "were") };
        text.push_str(&format!("; {} {processes} that it left behind {were} killed", report.left_behind));
    }
    if report.still_there > 0 {
        text.push_str(&format!("; {} of its processes cannot be killed, look for them", report.still_there));
    }
    if !report.confined.is_empty() {
        text.push_str(&format!(" ({})", report.confined));
    }
    (result, text)
}

fn argv(arguments: &Arguments) -> Vec<String> {
    arguments
        .argv
        .iter()
        .map(|argument| argument.as_str().map_or_else(|| argument.to_string(), str::to_owned))
        .collect()
}

fn text_of(argument: &Value) -> Result<String, String> {
    let text = match argument {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => argument.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(format!("`{argument}` in `argv` must be one text"));
        }
    };
    if text.contains('\0') || text.len() > LONGEST_ARGUMENT {
        return Err(format!("an argument holds a zero byte or more than {LONGEST_ARGUMENT} bytes"));
    }
    Ok(text)
}

fn mistake_in(argument: &Value, program: &Program) -> Option<String> {
    let text = match text_of(argument) {
        Ok(text) => text,
        Err(mistake) => return Some(mistake),
    };
    let flag = text.split_once('=').map_or(text.as_str(), |(flag, _)| flag);
    let is_declared = program.flags.iter().any(|declared| declared == flag);
    (text.starts_with('-') && !is_declared).then(|| {
        let known = program.flags.join(", ");
        format!("`{text}` begins with `-` and is none of the declared `flags` ({known})")
    })
}
