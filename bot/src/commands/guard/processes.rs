//! The processes below one: who they are, what memory they use, and how to end all of them.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How long a process may take to die once it was killed; one in the middle of a disk access dies only after it.
const DYING: Duration = Duration::from_secs(10);

/// Everything that runs below `root`, however deep; what has ended and was not waited for is left out.
///
/// A process whose parent ended belongs to the nearest guard above it, so leaving one's parents or session hides nobody.
pub(super) fn below(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<(i32, bool)>> = HashMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some((parent, is_alive)) = parent_of(&entry.path()) {
            children.entry(parent).or_default().push((pid, is_alive));
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root.as_raw()];
    while let Some(parent) = open.pop() {
        for (pid, is_alive) in children.remove(&parent).unwrap_or_default() {
            open.push(pid);
            if is_alive {
                found.push(Pid::from_raw(pid));
            }
        }
    }
    found
}

/// The parent's number, and whether the process still runs.
fn parent_of(folder: &Path) -> Option<(i32, bool)> {
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    // The name in parentheses may hold anything, so the fields are those after the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    Some((fields.next()?.parse().ok()?, !matches!(state, "Z" | "X")))
}

/// The memory that the processes have for themselves, in MiB.
pub(super) fn memory_mib(pids: &[Pid]) -> u64 {
    let of_one = |pid: &Pid| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kib = |line: &str| line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
        let own = status.lines().filter(|line| line.starts_with("RssAnon:") || line.starts_with("RssShmem:"));
        own.filter_map(kib).sum()
    };
    pids.iter().map(of_one).sum::<u64>() / 1024
}

/// How many processes and threads a user has now.
pub(super) fn tasks_of(user: u32) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    let is_theirs = |path: &Path| std::fs::metadata(path).is_ok_and(|found| found.uid() == user);
    let tasks = entries.flatten().filter(|entry| is_theirs(&entry.path()));
    tasks.map(|entry| std::fs::read_dir(entry.path().join("task")).map_or(0, |tasks| tasks.count() as u64)).sum()
}

/// Sends a signal to the group of `leader` and to everything below us.
pub(super) fn signal_all(leader: Pid, signal: Signal) {
    let _ = kill(Pid::from_raw(-leader.as_raw()), signal);
    for pid in below(nix::unistd::getpid()) {
        let _ = kill(pid, signal);
    }
}

/// Kills everything below us until nothing is left, and returns how many were there at first and how many are still.
pub(super) fn end_all() -> (u32, u32) {
    let count = |pids: &[Pid]| u32::try_from(pids.len()).unwrap_or(u32::MAX);
    let end = Instant::now() + DYING;
    let mut at_first = None;
    loop {
        let found = below(nix::unistd::getpid());
        let n_first = *at_first.get_or_insert(count(&found));
        if found.is_empty() || Instant::now() > end {
            return (n_first, count(&found));
        }
        for pid in &found {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        while reap().is_some() {}
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A child of ours that has ended, and how.
pub(super) fn reap() -> Option<(Pid, WaitStatus)> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return None,
            Ok(status @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..))) => return Some((pid, status)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}
