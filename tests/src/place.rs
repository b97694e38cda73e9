//! A folder of its own for each test, and the program run in it as a person runs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Reply, request};

/// Holds logs, config and, below `data`, what the program stores.
pub struct Place {
    folder: tempfile::TempDir,
}

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Default for Place {
    fn default() -> Place {
        Place::new()
    }
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it stands in the folder")).expect("a folder can be made");
        std::fs::write(&path, text).expect("a file can be written");
        path
    }

    pub fn append(&self, name: &str, text: &str) {
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).open(self.path(name)).expect("a file opens");
        file.write_all(text.as_bytes()).expect("a file can be written");
    }

    /// The program, with nothing of the caller's environment that it would read.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(crate::firstline());
        for name in ["FIRSTLINE_DATA", "FIRSTLINE_CONFIG", "FIRSTLINE_ZONE", "FIRSTLINE_LOG", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).env("COLUMNS", "100").env("TZ", "UTC");
        if !args.contains(&"--data") {
            command.args(["--data", "data"]);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args))
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{args:?}\n{}\n{}", ran.out, ran.err);
        ran.out
    }

    /// Runs a command that must succeed with `--json`, and returns its one document.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.code, Some(0), "{args:?}\n{}\n{}", ran.out, ran.err);
        one_document(&ran.out)
    }

    /// Runs a command that must fail with this code, and returns what it said on standard error.
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(code), "{args:?}\n{}\n{}", ran.out, ran.err);
        assert!(!ran.err.trim().is_empty(), "{args:?} failed without a word");
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran.err
    }

    /// Starts `serve` with a config, waits until it is ready.
    pub fn serve(&self, config: &str) -> Serve {
        self.write("serve.toml", config);
        let mut child = self
            .command(&["serve", "--config", "serve.toml"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut first = String::new();
        lines.read_line(&mut first).expect("its output can be read");
        let link = first.trim().strip_prefix("Console").map(|link| link.trim().to_owned());
        let Some(link) = link else {
            let _ = child.kill();
            panic!("`serve` did not start: {first}{}", log.join().unwrap_or_default());
        };
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let address = link.trim_start_matches("http://").split('/').next().expect("a link has a host").to_owned();
        let serve = Serve { child, address, link, log: Some(log) };
        until("`serve` is ready", || serve.get("/readyz", &[]).status == 200);
        serve
    }
}

pub fn ran(mut command: Command) -> Ran {
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Reads text that must hold exactly one JSON document.
pub fn one_document(text: &str) -> Value {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let first =
        documents.next().unwrap_or_else(|| panic!("no JSON printed")).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(documents.next().is_none(), "more than one document: {text}");
    first
}

/// Waits until something is so, for at most half a minute.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A running `firstline serve`; it is killed with the value.
pub struct Serve {
    pub child: Child,
    pub address: String,
    pub link: String,
    log: Option<std::thread::JoinHandle<String>>,
}

/// What a browser holds after the sign-in link was opened.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub cookie: String,
    pub csrf: String,
}

impl Serve {
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        request(&self.address, "GET", path, headers, "")
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        request(&self.address, "POST", path, &headers, &body.to_string())
    }

    /// Opens the one-time link.
    pub fn sign_in(&self) -> SignedIn {
        let path = self.link.split_once(&self.address).expect("the link names the address").1;
        let reply = self.get(path, &[]);
        let cookie = reply.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {reply:?}"));
        let cookie = cookie.split(';').next().expect("a cookie has a value").to_owned();
        let session = self.get("/api/session", &[("cookie", &cookie)]).json();
        SignedIn { cookie, csrf: session["csrf"].as_str().expect("a session has a token").to_owned() }
    }

    /// Posts as the person who opened the link.
    pub fn post_as(&self, person: &SignedIn, path: &str, body: &Value) -> Reply {
        self.post(path, &[("cookie", &person.cookie), ("x-csrf-token", &person.csrf)], body)
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop as a service manager does; returns its exit code and its log.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().expect("`kill` runs").success());
        let end = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(Instant::now() < end, "it does not stop within 20 s");
            std::thread::sleep(Duration::from_millis(50));
        };
        (status.code(), self.log.take().expect("it is taken once").join().expect("its log is text"))
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The person at the terminal, as the program names them.
pub fn terminal_person() -> String {
    let output = Command::new("id").arg("-un").output().expect("`id` runs");
    format!("terminal:{}", String::from_utf8_lossy(&output.stdout).trim())
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// The named file of the checkout.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = crate::root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}
