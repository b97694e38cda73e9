//! Who runs a step: a name that tells which process on which machine holds a claim, and whether that still lives.

use std::sync::LazyLock;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Names this process among all that could run a step: `4711-9f2c01ab@db-1/5c1e…`.
pub fn worker() -> &'static str {
    static WORKER: LazyLock<String> = LazyLock::new(|| {
        format!("{}-{}@{}", std::process::id(), hex::encode(rand::random::<[u8; 4]>()), Machine::own())
    });
    &WORKER
}

/// Whether the process that holds a claim may still be running it. One on another machine is judged by its time limit alone.
pub fn is_alive(worker: &str) -> bool {
    let (process, machine) = worker.split_once('@').unwrap_or((worker, ""));
    let own = Machine::own();
    let (host, start) = machine.split_once('/').unwrap_or((machine, ""));
    if !host.is_empty() && host != own.host {
        return true;
    }
    // The machine, or the container, was started anew since.
    if !start.is_empty() && start != own.start {
        return false;
    }
    let pid = process.split('-').next().and_then(|pid| pid.parse().ok());
    // In a container every start has the same number: our own, held by another start, is nobody's.
    pid.is_some_and(|pid: i32| pid.unsigned_abs() != std::process::id() && runs(pid))
}

/// Whether there is such a process and it has not ended; nobody may have waited for one that has.
fn runs(pid: i32) -> bool {
    // A process of another user may not be signalled, and is there.
    let is_there = kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    is_there && !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// Where numbers of processes mean the same.
struct Machine {
    host: String,
    /// This start of the machine, and this container on it.
    start: String,
}

impl Machine {
    fn own() -> &'static Machine {
        static OWN: LazyLock<Machine> = LazyLock::new(|| {
            let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
            let host = read("/proc/sys/kernel/hostname").replace(['/', '@'], "-");
            let boot = read("/proc/sys/kernel/random/boot_id");
            let numbers = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
            let start = runbooks::Digest::of(format!("{boot} {}", numbers.display())).short();
            Machine { host, start }
        });
        &OWN
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.host, self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_gone_when_its_process_or_its_machine_s_start_is() {
        let machine = Machine::own().to_string();
        let host = &Machine::own().host;
        let parent = std::os::unix::process::parent_id();
        assert!(is_alive(&format!("{parent}-00@{machine}")));
        assert!(is_alive(&format!("{parent}-00")), "as older versions wrote it");
        assert!(!is_alive(&format!("{}-00@{machine}", i32::MAX)));
        assert!(!is_alive(&format!("{parent}-00@{host}/000000000000")), "before the machine was started anew");
        assert!(is_alive("1-00@elsewhere/000000000000"), "nobody here can tell");
        assert!(!is_alive(&format!("{}-00@{machine}", std::process::id())), "another start with our number");
        assert!(!is_alive("nonsense"));
    }
}
