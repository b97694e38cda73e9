//! One file per command; each prints for people, or one JSON document with `--json`.

pub mod approve;
pub mod ask;
pub mod audit;
pub mod chat;
pub mod config;
pub mod demo;
pub mod deploy;
pub mod doctor;
pub mod eval;
pub mod executor;
pub mod guard;
pub mod incident;
pub mod index;
pub mod policy;
pub mod propose;
pub mod replay;
pub mod runbook;
pub mod search;
pub mod serve;
pub mod templates;
pub mod token;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory as _;
use serde::Serialize;

use crate::app::{Refused, RefusedKind};
use crate::cli::{Cli, Command};
use crate::config::Unusable;
use crate::setup::Setup;
use crate::telemetry;

pub fn run(cli: Cli) -> Result<()> {
    let global = &cli.global;
    match cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "firstline", &mut std::io::stdout());
            Ok(())
        }
        Command::Config(command) => config::run(global, &command),
        Command::Guard { start } => guard::run(start),
        Command::Doctor => runtime()?.block_on(doctor::run(global)),
        Command::Demo(args) => demo::run(global, &args),
        Command::Executor(args) => executor::run(&Setup::new(global)?, &args),
        Command::Serve => serve::run(&Setup::new(global)?),
        command => {
            telemetry::warn_on_stderr();
            let setup = Setup::new(global)?;
            match command {
                Command::Index(args) => index::run(&setup, &args),
                Command::Search(args) => search::run(&setup, &args),
                Command::Ask(args) => block_on(&setup, ask::run(&setup, &args)),
                Command::Chat => block_on(&setup, chat::run(&setup)),
                Command::Proposals { incident } => block_on(&setup, approve::list(&setup, incident.as_deref())),
                Command::Approve { decide, break_glass } => {
                    block_on(&setup, approve::approve(&setup, &decide, break_glass))
                }
                Command::Undo { id } => block_on(&setup, approve::undo(&setup, &id)),
                Command::Review(args) => block_on(&setup, approve::review(&setup, &args)),
                Command::Reject(args) => block_on(&setup, approve::reject(&setup, &args)),
                Command::Cancel(args) => block_on(&setup, approve::cancel(&setup, &args)),
                Command::Done { decide, failed } => block_on(&setup, approve::done(&setup, &decide, !failed)),
                Command::Deploy(command) => block_on(&setup, deploy::run(&setup, command)),
                Command::Templates(args) => templates::run(&setup, &args),
                Command::Runbook(command) => block_on(&setup, runbook::run(&setup, command)),
                Command::Policy(command) => policy::run(&setup, command),
                Command::Incident(command) => block_on(&setup, incident::run(&setup, &command)),
                Command::Replay { id } => block_on(&setup, replay::run(&setup, &id)),
                Command::Audit(command) => block_on(&setup, audit::run(&setup, &command)),
                Command::Token(command) => block_on(&setup, token::run(&setup, &command)),
                Command::Eval(args) => eval::run(&setup, &args),
                Command::Completions { .. }
                | Command::Config(_)
                | Command::Doctor
                | Command::Executor(_)
                | Command::Guard { .. }
                | Command::Demo(_)
                | Command::Serve => {
                    unreachable!("handled above")
                }
            }
        }
    }
}

fn block_on(setup: &Setup, command: impl Future<Output = Result<()>>) -> Result<()> {
    runtime()?.block_on(async {
        let done = command.await;
        setup.close().await;
        done
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Prints text to standard output; a reader that went away is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to standard output"),
    }
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&serde_json::to_string(value).context("cannot write the result as JSON")?)
}

/// Prints why it failed, and returns the exit code of the contract.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = String::new();
    let mut last = String::new();
    for cause in error.chain() {
        let sentence = cause.to_string();
        // A source that its parent quotes already says nothing new.
        if !last.contains(&sentence) {
            text = if text.is_empty() { sentence.clone() } else { format!("{text}: {sentence}") };
        }
        last = sentence;
    }
    let refused = error.downcast_ref::<Refused>();
    if let Some(next) = refused.and_then(|refused| refused.next.as_ref()) {
        text = format!("{text}; {next}");
    }
    let _ = writeln!(std::io::stderr(), "{}", ::chat::inert_lines(&text));
    let is_usage = error.downcast_ref::<Unusable>().is_some()
        || refused.is_some_and(|refused| refused.kind == RefusedKind::Mistake)
        || error
            .downcast_ref::<indexer::Error>()
            .is_some_and(|error| matches!(error, indexer::Error::Query(_) | indexer::Error::Pattern { .. }))
        || error.downcast_ref::<Usage>().is_some();
    ExitCode::from(if is_usage { 2 } else { 1 })
}

/// A mistake in how a command was used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
