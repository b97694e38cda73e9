//! The second half of a guard: takes away from itself what the program shall not have, and becomes the program.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, User, getppid, getuid, setgid, setgroups, setsid, setuid};
use runbooks::actions::command::orders::{Limits, Orders};
use serde::{Deserialize, Serialize};

use super::{confine, processes};

const MIB: u64 = 1 << 20;
/// As the kernel's own scale goes: when memory runs out, the program goes first and the service stays.
const FIRST_TO_GO: &str = "1000";

/// What the second half says to the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Started {
    /// All is taken away; the next thing is the program itself.
    Confined { how: String },
    /// Nothing of the program ran.
    Failed { why: String },
}

/// Never returns when it succeeds: the process is the program then, and the socket closes by itself.
pub(super) fn become_program(orders: &Orders, socket: UnixStream) -> Result<()> {
    let say = |said: &Started| -> Result<()> {
        let mut line = serde_json::to_string(said)?;
        line.push('\n');
        Ok((&socket).write_all(line.as_bytes())?)
    };
    let mut program = Command::new(&orders.program);
    program.args(&orders.argv).env_clear().envs(orders.env.iter().map(|(name, value)| (name, value)));
    program.env("TMPDIR", std::env::current_dir()?);
    program.stdin(Stdio::null());
    let said = match give_up(orders) {
        Ok(how) => Started::Confined { how },
        Err(why) => Started::Failed { why },
    };
    say(&said)?;
    if matches!(said, Started::Confined { .. }) {
        let error = match limit(&orders.limits) {
            Ok(()) => program.exec(),
            Err(error) => error.into(),
        };
        say(&Started::Failed { why: format!("{}: {error}", orders.program) })?;
    }
    Ok(())
}

/// Returns what holds the program, in words.
fn give_up(orders: &Orders) -> Result<String, String> {
    let guard = getppid();
    let user = user_of(orders.user.as_deref())?;
    let failed = |what: &str, error: nix::Error| format!("{what}: {error}");
    // A new session, so that it has no terminal; the guard finds what leaves it.
    setsid().map_err(|error| failed("it cannot have a session of its own", error))?;
    umask(Mode::from_bits_truncate(0o077));
    let _ = std::fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
    let folder = std::env::current_dir().map_err(|error| format!("it has no working folder: {error}"))?;
    let rules = confine::rules(orders, &folder)?;
    if getuid().is_root() && !user.uid.is_root() {
        let lost = |error| failed(&format!("it cannot run as `{}`", user.name), error);
        setgroups(&[user.gid]).map_err(lost)?;
        setgid(user.gid).map_err(lost)?;
        setuid(user.uid).map_err(lost)?;
    }
    // Changing the user forgets this one, so it comes afterwards.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| failed("it cannot be tied to its guard", error))?;
    if getppid() != guard {
        return Err("its guard is gone".to_owned());
    }
    let processes = processes::tasks_of(user.uid.as_raw()) + orders.limits.processes;
    let by_kernel = rules.enforce()?;
    // The kernel counts processes for users, never for root.
    setrlimit(Resource::RLIMIT_NPROC, processes, processes).map_err(|error| failed("no limit of processes", error))?;
    Ok(format!("{by_kernel}, as `{}`", user.name))
}

/// The last thing before the program: what is left of memory is enough for that.
fn limit(limits: &Limits) -> Result<(), nix::Error> {
    let bounds = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, limits.file_mib.saturating_mul(MIB)),
        (Resource::RLIMIT_NOFILE, limits.files),
        (Resource::RLIMIT_DATA, limits.memory_mib.saturating_mul(MIB)),
    ];
    // A second later it is killed, also when it does not listen to SIGXCPU.
    setrlimit(Resource::RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds.saturating_add(1))?;
    bounds.into_iter().try_for_each(|(resource, most)| setrlimit(resource, most, most))
}

/// The user that runs a program. Root runs none as itself unless the settings say so.
pub(super) fn user_of(named: Option<&str>) -> Result<User, String> {
    let own = getuid();
    let look_up = |found: nix::Result<Option<User>>, name: &str| match found {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(format!("there is no user `{name}` here; name another as `user` of the program")),
        Err(error) => Err(format!("user `{name}`: {error}")),
    };
    let nameless = || User {
        name: own.to_string(),
        passwd: c"".into(),
        uid: own,
        gid: nix::unistd::getgid(),
        gecos: c"".into(),
        dir: PathBuf::from("/"),
        shell: PathBuf::new(),
    };
    let user = match named {
        Some(name) => look_up(User::from_name(name), name)?,
        None if own.is_root() => look_up(User::from_name("nobody"), "nobody")?,
        None => User::from_uid(own).ok().flatten().unwrap_or_else(nameless),
    };
    if !own.is_root() && user.uid != own {
        return Err(format!(
            "only root can run it as `{}`; start `firstline executor` as root or as `{0}`, or leave `user` out",
            user.name
        ));
    }
    Ok(user)
}

/// A folder for one run, removed with everything in it.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(user: &User) -> Result<Folder, String> {
        let name = format!("firstline-step-{}", hex::encode(rand::random::<[u8; 8]>()));
        let path = std::env::temp_dir().join(name);
        let failed = |error: String| format!("its working folder `{}` cannot be made: {error}", path.display());
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| failed(error.to_string()))?;
        let folder = Folder { path: path.clone() };
        if user.uid != Uid::current() {
            nix::unistd::chown(&path, Some(user.uid), Some(user.gid)).map_err(|error| failed(error.to_string()))?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::fs::remove_dir_all(&self.path).is_err() {
            // It may have locked itself out of its own folders.
            let _ = make_removable(&self.path);
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn make_removable(folder: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(folder)?.flatten() {
        if entry.file_type()?.is_dir() {
            make_removable(&entry.path())?;
        }
    }
    Ok(())
}
