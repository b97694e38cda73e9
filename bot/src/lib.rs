#![doc = include_str!("../README.md")]

pub mod cli;

pub mod config;

pub mod secrets;

pub mod times;

pub mod named;

pub mod policies;

pub mod json;

pub mod telemetry;

pub mod grants;

pub mod tokens;

pub mod state;

pub mod sight;

pub mod app;

pub mod no_index;

pub mod loading;

pub mod setup;

pub mod rereading;

pub mod driver;

pub mod views;

pub mod preview;

pub mod hints;

pub mod kinds;

pub mod session;

pub mod visitor;

pub mod oidc;

pub mod console;

pub mod http;

pub mod intake;

pub mod following;

pub mod jobs;

pub mod commands;

use std::process::ExitCode;

/// Runs one command.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
pub fn run(cli: cli::Cli) -> ExitCode {
    // One TLS provider for the whole program, chosen before anything could want one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => commands::report(&error),
    }
}
