//! `command` with programs that end well, badly, late, or not at all, and with those that want out. The guard is the built program.

mod hostile;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use evidence::Redactor;
use runbooks::actions::{Actions, Run, Secrets, Settings};
use runbooks::{Outcome, Outcomes};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Knows one variable and nothing else.
struct OneVariable;

impl Secrets for OneVariable {
    fn secret(&self, reference: &str) -> Result<String, String> {
        match reference {
            "env:GREETING" => Ok("hello".to_owned()),
            _ => Err(format!("there is no secret `{reference}`; set it where Firstline is started")),
        }
    }
}

fn actions(settings: Value) -> Actions {
    let mut settings: Settings = serde_json::from_value(settings).unwrap();
    settings.guard = Some(PathBuf::from(env!("CARGO_BIN_EXE_firstline")));
    Actions::new(&settings, Arc::new(OneVariable))
}

struct Tried {
    outcome: Outcome,
    live: String,
}

/// Runs a program as `execute` would, without the approval.
async fn run(
    actions: &Actions,
    action: &str,
    arguments: Value,
    timeout_ms: u64,
    cancel_after_ms: Option<u64>,
) -> Tried {
    let redactor = Redactor::new([7; 32]);
    let live = Arc::new(Mutex::new(String::new()));
    let seen = live.clone();
    let cancelled = CancellationToken::new();
    let run = Run {
        redactor: &redactor,
        on_output: Arc::new(move |line| seen.lock().unwrap().push_str(line.as_str())),
        cancelled: cancelled.clone(),
        timeout: Duration::from_millis(timeout_ms),
        precondition: None,
        counting: None,
        idempotency_key: "key-1".to_owned(),
    };
    if let Some(ms) = cancel_after_ms {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            cancelled.cancel();
        });
    }
    let outcome = actions.named(action).unwrap().run(&arguments, &run).await;
    let live = live.lock().unwrap().clone();
    Tried { outcome, live }
}

#[track_caller]
fn assert_outcome(tried: &Tried, result: Outcomes, summary: &str) {
    let outcome = &tried.outcome;
    assert_eq!(outcome.result, result, "{outcome:?}");
    assert!(outcome.summary.as_str().contains(summary), "`{}` does not say `{summary}`", outcome.summary);
}

/// A folder with a script; the program is the interpreter's own business here, the action starts only the file.
struct Script {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn script(text: &str) -> Script {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    // Root runs programs as `nobody`, who must be able to get there.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Script { _folder: folder, path }
}

fn actions_with(script: &Script) -> Actions {
    actions(json!({"programs": {
        "program": {"path": script.path, "flags": ["--host", "-v"], "env": ["GREETING"], "dry_run": "--dry-run"},
        "secretless": {"path": script.path, "env": ["NOPE"]},
        "relative": {"path": "program"},
        "missing": {"path": "/nonexistent/program"},
    }}))
}

fn call(program: &str, argv: &[&str]) -> Value {
    json!({"program": program, "argv": argv})
}

#[tokio::test]
async fn arguments_arrive_as_they_are_and_nothing_else_does() {
    let script = script("printf '[%s]' \"$@\"; echo; env | sort; pwd");
    let actions = actions_with(&script);
    let argv = ["--host", "a b; $(reboot) `x` \"y\" *", "-v", "", "ünï"];
    let tried = run(&actions, "command", call("program", &argv), 5_000, None).await;
    assert_outcome(&tried, Outcomes::Succeeded, "`program` ended well");
    let output = tried.outcome.output.as_str();
    assert!(output.starts_with("[--host][a b; $(reboot) `x` \"y\" *][-v][][ünï]\n"), "{output}");
    assert!(output.contains("GREETING=hello") && !output.contains("HOME=") && !output.contains("CARGO"), "{output}");
    assert!(output.trim_end().lines().last().unwrap().contains("/firstline-step-"), "{output}");
    assert_eq!(tried.live, output);
}

#[tokio::test]
async fn ends_are_told_apart() {
    let script = script("echo partly; echo why >&2; exit 3");
    let actions = actions_with(&script);
    let tried = run(&actions, "command", call("program", &[]), 5_000, None).await;
    assert_outcome(&tried, Outcomes::Failed, "exit status: 3");
    assert!(tried.outcome.output.as_str().contains("partly") && tried.outcome.output.as_str().contains("why"));
    for (program, sentence) in [
        ("missing", "`missing` was not started: /nonexistent/program: No such file"),
        ("secretless", "there is no secret `env:NOPE`"),
        ("other", "unknown program `other` (known: missing, program"),
    ] {
        assert_outcome(&run(&actions, "command", call(program, &[]), 5_000, None).await, Outcomes::Refused, sentence);
    }
}

#[tokio::test]
async fn the_whole_group_ends_when_its_time_is_up() {
    let script = script("sleep 300 & echo $!; wait");
    let actions = actions_with(&script);
    for (timeout_ms, cancel_ms, result) in [(400, None, Outcomes::TimedOut), (60_000, Some(400), Outcomes::Cancelled)] {
        let started = Instant::now();
        let tried = run(&actions, "command", call("program", &[]), timeout_ms, cancel_ms).await;
        assert_outcome(&tried, result, "what it had done until then stays");
        assert!(started.elapsed() < Duration::from_secs(9), "TERM should have been enough");
        let child: i32 = tried.outcome.output.as_str().trim().parse().unwrap();
        assert!(is_gone(child).await, "the program's own child goes on");
    }
}

#[tokio::test]
async fn a_program_that_ignores_term_is_killed() {
    let script = script("trap '' TERM; echo deaf; while :; do sleep 1; done");
    let actions = actions_with(&script);
    let started = Instant::now();
    let tried = run(&actions, "command", call("program", &[]), 300, None).await;
    assert_outcome(&tried, Outcomes::TimedOut, "was stopped after 0 s");
    assert!((10..15).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_a_program_leaves_behind_keeps_nobody_waiting() {
    let script = script("sleep 300 & echo $!; exit 0");
    let actions = actions_with(&script);
    let started = Instant::now();
    let tried = run(&actions, "command", call("program", &[]), 60_000, None).await;
    assert_outcome(&tried, Outcomes::Succeeded, "ended well");
    assert!(started.elapsed() < Duration::from_secs(8));
    assert!(is_gone(tried.outcome.output.as_str().trim().parse().unwrap()).await);
}

#[tokio::test]
async fn only_declared_flags_pass() {
    let script = script("exit 0");
    let actions = actions_with(&script);
    let action = actions.named("command").unwrap();
    assert_eq!(action.check(&call("program", &["--host", "-v", "--host=db-0", "x-y"])), Ok(()));
    for bad in ["-rf", "--hosts", "--", "-"] {
        let mistakes = action.check(&call("program", &[bad])).unwrap_err().join("; ");
        assert!(mistakes.contains("none of the declared `flags` (--host, -v)"), "{mistakes}");
    }
    assert!(action.check(&call("relative", &[])).unwrap_err()[0].contains("absolute"));
    assert!(action.check(&json!({"program": "program", "argv": [["nested"]]})).is_err());
    assert_eq!(action.describe(&call("program", &["--host", "a b"])), "run `program --host \"a b\"`");
}

#[tokio::test]
async fn a_rehearsal_passes_its_flag() {
    let script = script("[ \"$2\" = --dry-run ] && echo \"would clear $1\"");
    let actions = actions_with(&script);
    let redactor = Redactor::new([7; 32]);
    let said = runbooks::execute::rehearse(&actions, "command", &call("program", &["db-0"]), &redactor).await;
    assert_eq!(said.unwrap().unwrap().as_str(), "would clear db-0");
}

/// A process that ended but was not reaped by its new parent counts as gone.
async fn is_gone(pid: i32) -> bool {
    for _ in 0..50 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
