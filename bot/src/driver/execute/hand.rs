//! The bot's side of an executor: another process, which is told an id and nothing else, and which dies with us.

use std::ffi::OsString;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

/// Variables that no secret is in and that a process needs to find its way.
const PLAIN: &[&str] =
    &["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "FIRSTLINE_LOG", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Who runs what is approved here.
pub enum Hand {
    /// A process of ours, started when it is first needed.
    Own(Box<Own>),
    /// One that somebody else started, and that looks into the journal by itself.
    External,
}

pub struct Own {
    /// The arguments of `firstline`.
    args: Vec<OsString>,
    /// Names of the variables that hold what `[actions]` and the journal's own address refer to.
    secrets: Vec<String>,
    running: Mutex<Option<(Child, ChildStdin)>>,
}

impl Hand {
    pub fn own(args: Vec<OsString>, secrets: Vec<String>) -> Hand {
        Hand::Own(Box::new(Own { args, secrets, running: Mutex::default() }))
    }

    /// Sees to it that it is there, so that the first step does not wait for it.
    pub async fn warm(&self) -> std::io::Result<()> {
        match self {
            Hand::Own(own) => own.ready(&mut *own.running.lock().await),
            Hand::External => Ok(()),
        }
    }

    /// Tells it that this step may be of interest.
    pub async fn tell(&self, step: &str) -> std::io::Result<()> {
        let Hand::Own(own) = self else { return Ok(()) };
        let mut running = own.running.lock().await;
        own.ready(&mut running)?;
        let line = format!("{step}\n");
        if let Some((_, stdin)) = running.as_mut()
            && stdin.write_all(line.as_bytes()).await.is_ok()
        {
            return Ok(());
        }
        // It died while it was told.
        *running = None;
        own.ready(&mut running)?;
        match running.as_mut() {
            Some((_, stdin)) => stdin.write_all(line.as_bytes()).await,
            None => Ok(()),
        }
    }
}

impl Own {
    fn ready(&self, running: &mut Option<(Child, ChildStdin)>) -> std::io::Result<()> {
        if let Some((child, _)) = running
            && matches!(child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        let mut command = Command::new("/proc/self/exe");
        command.args(["executor", "--from-stdin"]).args(&self.args).env_clear();
        for name in PLAIN.iter().copied().chain(self.secrets.iter().map(String::as_str)) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // A group of its own: Ctrl-C is for us, and it ends when we do.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn()?;
        *running = child.stdin.take().map(|stdin| (child, stdin));
        Ok(())
    }
}
