//! Our side of a guard: starts it, hands it its orders, reads what the program prints, and passes on that it should stop.
//! The guard ends everything when this side of its socket closes, so whatever becomes of us, nothing is left running.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdSocket;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::orders::{Ended, Orders, Report};
use crate::actions::output::Output;

/// The hidden command of our program that is a guard.
pub const GUARD: &str = "__guard";
/// For output that is still in the pipe when the program has ended.
const DRAIN: Duration = Duration::from_secs(1);
/// What a guard may take beyond the time limit and the grace before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a program under a guard until it has ended, however that may be.
///
/// `guard` is the program that knows [`GUARD`]; ourselves when absent.
///
/// # Errors
///
/// A sentence; nothing was started then.
pub(super) async fn run(
    guard: Option<&Path>,
    orders: &Orders,
    output: &mut Output<'_>,
    cancelled: &CancellationToken,
) -> Result<Report, String> {
    let (mut child, socket) = spawn(guard).map_err(|error| format!("its guard cannot be started: {error}"))?;
    let (sender, mut pieces) = mpsc::channel(16);
    let stdout = child.stdout.take().map(|stream| tokio::spawn(read(0, stream, sender.clone())));
    let stderr = child.stderr.take().map(|stream| tokio::spawn(read(1, stream, sender)));
    let readers: Vec<_> = stdout.into_iter().chain(stderr).collect();

    let (from_guard, mut to_guard) = socket.into_split();
    let mut from_guard = BufReader::new(from_guard);
    let mut line = serde_json::to_string(orders).map_err(|error| error.to_string())?;
    line.push('\n');
    to_guard.write_all(line.as_bytes()).await.map_err(|error| format!("its guard takes no orders: {error}"))?;

    let limit = Duration::from_millis(orders.timeout_ms.saturating_add(orders.grace_ms)) + PATIENCE;
    let report = {
        let report = timeout(limit, said_by(&mut from_guard));
        tokio::pin!(report);
        let mut was_told = false;
        loop {
            tokio::select! {
                biased;
                report = &mut report => break report.unwrap_or_else(|_| unknown("its guard did not answer in time")),
                Some((stream, bytes)) = pieces.recv() => output.push(stream, &bytes),
                () = cancelled.cancelled(), if !was_told => {
                    was_told = true;
                    // A guard that is gone already reports nothing, which is seen above.
                    let _ = to_guard.write_all(b"stop\n").await;
                }
            }
        }
    };
    drop((from_guard, to_guard));
    let drain = async {
        while let Some((stream, bytes)) = pieces.recv().await {
            output.push(stream, &bytes);
        }
    };
    let _ = timeout(DRAIN, drain).await;
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    // Reaps it; one that hangs is left to the closed socket.
    let _ = timeout(DRAIN, child.wait()).await;
    Ok(report)
}

fn spawn(guard: Option<&Path>) -> std::io::Result<(Child, UnixStream)> {
    let (ours, theirs) = StdSocket::pair()?;
    ours.set_nonblocking(true)?;
    // The running program itself, also when its file was replaced meanwhile.
    let mut command = Command::new(guard.unwrap_or(Path::new("/proc/self/exe")));
    command.arg(GUARD).env_clear().current_dir("/");
    if let Some(folder) = std::env::var_os("TMPDIR") {
        command.env("TMPDIR", folder);
    }
    // A group of its own: Ctrl-C is for whoever started us, not for the guard.
    command.process_group(0);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok((command.spawn()?, UnixStream::from_std(ours)?))
}

async fn said_by(guard: &mut BufReader<tokio::net::unix::OwnedReadHalf>) -> Report {
    let mut line = String::new();
    match guard.read_line(&mut line).await {
        Ok(n_bytes) if n_bytes > 0 => {
            serde_json::from_str(&line).unwrap_or_else(|_| unknown("its guard reported something else"))
        }
        _ => unknown("its guard was killed"),
    }
}

fn unknown(why: &str) -> Report {
    let ended = Ended::Unknown { why: why.to_owned() };
    Report { ended, stopped: None, confined: String::new(), left_behind: 0, still_there: 0 }
}

async fn read(stream: usize, mut from: impl AsyncRead + Unpin, to: mpsc::Sender<(usize, Vec<u8>)>) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(n_bytes) = from.read(&mut buffer).await {
        if n_bytes == 0 || to.send((stream, buffer[..n_bytes].to_vec())).await.is_err() {
            return;
        }
    }
}
