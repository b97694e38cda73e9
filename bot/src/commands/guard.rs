//! `firstline __guard`: the process between an executor and a program. It confines the program, and ends all that it started
//! when it ends, when its time is up, when it is told to, and when whoever gave the orders is gone.

mod confine;

mod processes;

mod start;

mod watch;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result};
use runbooks::actions::command::orders::Orders;

/// The second half of a guard: it becomes the program.
pub const START: &str = "--start";

/// Both halves are single-threaded, so that nothing here has to be careful between fork and exec.
pub fn run(is_start: bool) -> Result<()> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().context("a guard needs its standard input")?;
    let socket = UnixStream::from(socket);
    let mut line = String::new();
    BufReader::new(&socket).read_line(&mut line).context("a guard gets its orders on a socket")?;
    if is_start {
        let orders = serde_json::from_str(&line).context("these are no orders")?;
        start::become_program(&orders, socket)
    } else {
        let orders: Orders = serde_json::from_str(&line).context("these are no orders")?;
        let report = watch::run(&orders, &socket);
        let mut line = serde_json::to_string(&report)?;
        line.push('\n');
        // Whoever asked may be gone; then nobody wants to know.
        let _ = (&socket).write_all(line.as_bytes());
        Ok(())
    }
}
