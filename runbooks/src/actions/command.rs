//! A declared program with an argument vector. There is no shell, no inherited environment and no input,
//! and the whole process group ends when its time is up.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evidence::Redactor;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::output::Output;
use super::{Action, Program, Run, Secrets, Settings};
use crate::execute::{OnOutput, Outcome, Outcomes};

/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(10);
/// For output that is still in the pipe when the program has ended.
const DRAIN: Duration = Duration::from_secs(1);
const REHEARSAL: Duration = Duration::from_secs(10);
const TERM: i32 = nix::sys::signal::Signal::SIGTERM as i32;
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
    grace: Duration,
}

pub(super) fn form(arguments: &Value) -> Vec<String> {
    super::form_of(arguments, Arguments::mistakes)
}

pub fn connect(settings: &Settings, secrets: Arc<dyn Secrets>) -> Box<dyn Action> {
    Box::new(Command { programs: settings.programs.clone(), secrets, grace: GRACE })
}

/// Why a program was stopped before it ended by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stopped {
    No,
    TimedOut,
    Cancelled,
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
        let limits = Limits { timeout: REHEARSAL, cancelled: CancellationToken::new() };
        let outcome = self.start(program, &arguments.program, &argv, Output::new(redactor, quiet), &limits).await;
        let output: String = outcome.output.as_str().trim().chars().take(1_000).collect();
        match outcome.result {
            Outcomes::Succeeded if output.is_empty() => Ok(Some("it has nothing to say".to_owned())),
            Outcomes::Succeeded => Ok(Some(output)),
            _ => Err(format!("{} {output}", outcome.summary).trim().to_owned()),
        }
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome {
        let output = Output::new(run.redactor, run.on_output.clone());
        let parsed = Arguments::deserialize(arguments).map_err(|error| error.to_string());
        let parsed = parsed.and_then(|arguments| Ok((self.program(&arguments.program)?, arguments)));
        match parsed {
            Ok((program, arguments)) => {
                let limits = Limits { timeout: run.timeout, cancelled: run.cancelled.clone() };
                self.start(program, &arguments.program, &argv(&arguments), output, &limits).await
            }
            Err(error) => output.finish(Outcomes::Refused, &format!("nothing was started: {error}")),
        }
    }
}

struct Limits {
    timeout: Duration,
    cancelled: CancellationToken,
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
        argv: &[String],
        mut output: Output<'_>,
        limits: &Limits,
    ) -> Outcome {
        if limits.cancelled.is_cancelled() {
            return output.finish(Outcomes::Cancelled, "cancelled before it was started");
        }
        let mut child = match self.spawn(program, argv) {
            Ok(child) => child,
            Err(error) => return output.finish(Outcomes::Refused, &format!("`{name}` was not started: {error}")),
        };
        let (sender, mut pieces) = mpsc::channel(16);
        let stdout = child.stdout().take().map(|stream| tokio::spawn(read(0, stream, sender.clone())));
        let stderr = child.stderr().take().map(|stream| tokio::spawn(read(1, stream, sender)));
        let readers: Vec<_> = stdout.into_iter().chain(stderr).collect();
        let deadline = sleep(limits.timeout);
        tokio::pin!(deadline);
        let mut stopped = Stopped::No;
        let status = loop {
            tokio::select! {
                biased;
                status = child.wait() => break status,
                Some((stream, bytes)) = pieces.recv() => output.push(stream, &bytes),
                () = limits.cancelled.cancelled() => stopped = Stopped::Cancelled,
                () = &mut deadline => stopped = Stopped::TimedOut,
            }
            if stopped != Stopped::No {
                break self.stop(child.as_mut(), &mut pieces, &mut output).await;
            }
        };
        // Whatever the program left behind in its group ends with it.
        let _ = child.start_kill();
        let drain = async {
            while let Some((stream, bytes)) = pieces.recv().await {
                output.push(stream, &bytes);
            }
        };
        let _ = timeout(DRAIN, drain).await;
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        let (result, summary) = judge(status, stopped, name, limits.timeout);
        output.finish(result, &summary)
    }

    fn spawn(&self, program: &Program, argv: &[String]) -> Result<Box<dyn ChildWrapper>, String> {
        let mut variables = Vec::new();
        for name in &program.env {
            variables.push((name, self.secrets.secret(&format!("env:{name}"))?));
        }
        let mut command = CommandWrap::with_new(&program.path, |command| {
            command.args(argv).env_clear().envs(variables).current_dir("/");
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        command.wrap(ProcessGroup::leader()).wrap(KillOnDrop);
        command.spawn().map_err(|error| format!("{}: {error}", program.path))
    }

    /// TERM, the grace, KILL; output goes on being read, so that a full pipe keeps nobody from ending.
    async fn stop(
        &self,
        child: &mut dyn ChildWrapper,
        pieces: &mut mpsc::Receiver<(usize, Vec<u8>)>,
        output: &mut Output<'_>,
    ) -> std::io::Result<ExitStatus> {
        let _ = child.signal(TERM);
        let grace = sleep(self.grace);
        tokio::pin!(grace);
        loop {
            tokio::select! {
                biased;
                status = child.wait() => return status,
                Some((stream, bytes)) = pieces.recv() => output.push(stream, &bytes),
                () = &mut grace => break,
            }
        }
        let _ = child.start_kill();
        child.wait().await
    }
}

async fn read(stream: usize, mut from: impl AsyncRead + Unpin, to: mpsc::Sender<(usize, Vec<u8>)>) {
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(n_bytes) = from.read(&mut buffer).await {
        if n_bytes == 0 || to.send((stream, buffer[..n_bytes].to_vec())).await.is_err() {
            return;
        }
    }
}

fn judge(status: std::io::Result<ExitStatus>, stopped: Stopped, name: &str, limit: Duration) -> (Outcomes, String) {
    match (stopped, status) {
        (Stopped::TimedOut, _) => (
            Outcomes::TimedOut,
            format!("`{name}` was stopped after {} s; what it had done until then stays", limit.as_secs()),
        ),
        (Stopped::Cancelled, _) => {
            (Outcomes::Cancelled, format!("`{name}` was stopped; what it had done until then stays"))
        }
        (Stopped::No, Ok(status)) if status.success() => (Outcomes::Succeeded, format!("`{name}` ended well")),
        (Stopped::No, Ok(status)) => (Outcomes::Failed, format!("`{name}` ended with {status}")),
        (Stopped::No, Err(error)) => {
            (Outcomes::Unknown, format!("nobody knows how `{name}` ended ({error}); look before trying again"))
        }
    }
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
