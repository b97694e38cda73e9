//! The first half of a guard: starts the second half, which becomes the program, and watches over it until nothing of it is left.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;
use runbooks::actions::command::GUARD;
use runbooks::actions::command::orders::{Ended, Orders, Report, Stopped};

use super::processes::{below, end_all, memory_mib, reap, signal_all};
use super::start::{Folder, Started, user_of};

/// How often it looks whether the program has ended.
const TICK: Duration = Duration::from_millis(10);
const MEMORY_EVERY: Duration = Duration::from_millis(200);
/// For the second half to become the program.
const STARTING: Duration = Duration::from_secs(20);

pub(super) fn run(orders: &Orders, socket: &UnixStream) -> Report {
    let not_started = |why: String| Report {
        ended: Ended::NotStarted { why },
        stopped: None,
        confined: String::new(),
        left_behind: 0,
        still_there: 0,
    };
    // What loses its parent becomes our child, so that nothing gets away.
    if let Err(error) = prctl::set_child_subreaper(true) {
        return not_started(format!("its guard cannot keep its processes together: {error}"));
    }
    let folder = match user_of(orders.user.as_deref()).and_then(|user| Folder::new(&user)) {
        Ok(folder) => folder,
        Err(why) => return not_started(why),
    };
    match start(orders, &folder) {
        Ok((program, confined)) => Watch { orders, socket, program, stopped: None }.until_the_end(confined),
        Err(why) => {
            end_all();
            not_started(why)
        }
    }
}

/// Starts the second half and waits until it has become the program. Returns that and what holds it.
fn start(orders: &Orders, folder: &Folder) -> Result<(Pid, String), String> {
    let ours_failed = |error: std::io::Error| format!("its guard cannot be started: {error}");
    let (ours, theirs) = UnixStream::pair().map_err(ours_failed)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .args([GUARD, super::START])
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::from(OwnedFd::from(theirs)));
    let child = command.spawn().map_err(ours_failed)?;
    drop(command);
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(|error| error.to_string())?);
    let mut line = serde_json::to_string(orders).map_err(|error| error.to_string())?;
    line.push('\n');
    (&ours).write_all(line.as_bytes()).map_err(ours_failed)?;
    ours.set_read_timeout(Some(STARTING)).map_err(ours_failed)?;
    let mut confined = None;
    // The socket closes by itself when the program is executed.
    for line in BufReader::new(&ours).lines() {
        let line = line.map_err(|error| format!("it did not start in time: {error}"))?;
        match serde_json::from_str(&line) {
            Ok(Started::Confined { how }) => confined = Some(how),
            Ok(Started::Failed { why }) => return Err(why),
            Err(error) => return Err(format!("its guard said something else: {error}")),
        }
    }
    confined.map(|how| (pid, how)).ok_or_else(|| "its guard ended before it".to_owned())
}

struct Watch<'o> {
    orders: &'o Orders,
    socket: &'o UnixStream,
    program: Pid,
    stopped: Option<Stopped>,
}

impl Watch<'_> {
    fn until_the_end(mut self, confined: String) -> Report {
        let mut limit = Instant::now() + Duration::from_millis(self.orders.timeout_ms);
        let mut memory_at = Instant::now();
        let ended = loop {
            if let Some(ended) = self.ended() {
                break ended;
            }
            if Instant::now() >= memory_at {
                memory_at = Instant::now() + MEMORY_EVERY;
                if memory_mib(&below(nix::unistd::getpid())) > self.orders.limits.memory_mib {
                    self.stopped.get_or_insert(Stopped::OutOfMemory);
                    break self.killed();
                }
            }
            if Instant::now() >= limit {
                if self.stopped.is_some() {
                    break self.killed();
                }
                limit = self.ask_to_end(Stopped::TimedOut);
            }
            match self.told() {
                Told::Nothing => {}
                Told::Stop if self.stopped.is_some() => {}
                Told::Stop => limit = self.ask_to_end(Stopped::Cancelled),
                Told::Gone => break self.killed(),
            }
        };
        let (left_behind, still_there) = end_all();
        // Those that it took along with itself were not left behind by it.
        let left_behind = if self.stopped.is_some() { 0 } else { left_behind };
        Report { ended, stopped: self.stopped, confined, left_behind, still_there }
    }

    /// TERM to all; returns when KILL follows.
    fn ask_to_end(&mut self, why: Stopped) -> Instant {
        self.stopped = Some(why);
        signal_all(self.program, Signal::SIGTERM);
        Instant::now() + Duration::from_millis(self.orders.grace_ms)
    }

    fn killed(&self) -> Ended {
        end_all();
        self.ended().unwrap_or(Ended::Killed { signal: Signal::SIGKILL.to_string() })
    }

    /// How the program ended, if it has; others that ended are only cleared away.
    fn ended(&self) -> Option<Ended> {
        while let Some((pid, status)) = reap() {
            if pid == self.program {
                return Some(match status {
                    WaitStatus::Exited(_, code) => Ended::Exited { code },
                    WaitStatus::Signaled(_, signal, _) => Ended::Killed { signal: signal.to_string() },
                    other => Ended::Unknown { why: format!("{other:?}") },
                });
            }
        }
        None
    }

    /// Waits a moment for a word of whoever gave the orders.
    fn told(&self) -> Told {
        let mut word = [0; 16];
        let _ = self.socket.set_read_timeout(Some(TICK));
        let mut socket = self.socket;
        match socket.read(&mut word) {
            Ok(0) => Told::Gone,
            Ok(_) => Told::Stop,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) =>
            {
                Told::Nothing
            }
            Err(_) => Told::Gone,
        }
    }
}

enum Told {
    Nothing,
    Stop,
    Gone,
}
