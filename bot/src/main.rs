//! The `firstline` program: reads the command line, runs the command, and turns failures into a sentence and an exit code.

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = bot::cli::Cli::parse();
    bot::run(cli)
}
