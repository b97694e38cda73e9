//! A PostgreSQL server for one test: its own folder, its own socket, no network, gone when dropped.
//! The server refuses to run as root, so root starts it as the user `postgres`.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    process: Child,
    folder: PathBuf,
}

/// True when `FIRSTLINE_TEST_POSTGRES=1`: the tests then need the server and fail without it.
pub fn is_wanted() -> bool {
    std::env::var("FIRSTLINE_TEST_POSTGRES").is_ok_and(|value| value == "1")
}

impl Server {
    /// Starts a server whose data lies in `folder`, which must not exist and is removed with it.
    ///
    /// # Errors
    ///
    /// A sentence about what is missing and how to install it.
    pub fn start(folder: &Path) -> Result<Server, String> {
        let programs = programs().ok_or("no PostgreSQL in `/usr/lib/postgresql`; run `apt-get install postgresql`")?;
        let user = unprivileged()?;
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
        }
        let data = folder.join("data");
        let mut initdb = as_user(&programs.join("initdb"), user, folder);
        initdb.args(["--auth=trust", "--username=firstline", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
        let made = initdb.arg(&data).stdout(Stdio::null()).output().map_err(|error| error.to_string())?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        let mut postgres = as_user(&programs.join("postgres"), user, folder);
        postgres
            .args(["-c", "listen_addresses=", "-c", "synchronous_commit=off", "-k"])
            .arg(folder)
            .arg("-D")
            .arg(&data);
        let process =
            postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let mut server = Server { process, folder: folder.into() };
        server.wait_until_ready(&programs, user)?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://firstline@{socket}/postgres")
    }

    fn wait_until_ready(&mut self, programs: &Path, user: Option<(u32, u32)>) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("PostgreSQL ended with {status}"));
            }
            let mut asked = as_user(&programs.join("pg_isready"), user, &self.folder);
            let asked = asked.arg("-q").arg("-h").arg(&self.folder).status().map_err(|error| error.to_string())?;
            if asked.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("PostgreSQL was not ready after {} seconds", PATIENCE.as_secs()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The programs of the newest version that has a server.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .map(|version| (version.file_name().to_string_lossy().parse().unwrap_or(0), version.path().join("bin")))
        .filter(|(_, programs)| programs.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}

/// User and group to change to, when this process is root.
fn unprivileged() -> Result<Option<(u32, u32)>, String> {
    let number = |args: &[&str]| -> Option<u32> {
        let told = Command::new("id").args(args).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    if number(&["-u"]) != Some(0) {
        return Ok(None);
    }
    match (number(&["-u", "postgres"]), number(&["-g", "postgres"])) {
        (Some(uid), Some(gid)) => Ok(Some((uid, gid))),
        _ => Err("there is no user `postgres`; run `apt-get install postgresql`".into()),
    }
}

fn as_user(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("PGDATA").env_remove("PGPORT").env_remove("PGHOST");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}
