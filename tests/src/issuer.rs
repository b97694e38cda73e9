//! The certified `oidc-provider`, run by node on loopback, and a browser without a screen that signs in at it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use reqwest::Url;

use crate::server::{Reply, request};

/// A running issuer; it ends with the value.
pub struct Issuer {
    child: Child,
    pub address: String,
}

impl Issuer {
    /// `None` where it is not installed, which `tests/run` does.
    pub fn start(redirect: &str) -> Option<Issuer> {
        let Some(folder) = folder() else {
            assert!(!crate::everything_is_installed(), "`oidc-provider` is not installed; see `tests/run`");
            println!("skipped: `oidc-provider` is not installed; `tests/run` installs it");
            return None;
        };
        let script = crate::root().join("tests/peers/issuer.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(folder)
            .arg(redirect)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut address).expect("it says its address");
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "the issuer does not start: `{address}`");
        Some(Issuer { child, address })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Beside the built program, where it is kept between runs.
fn folder() -> Option<PathBuf> {
    let program = crate::firstline();
    let target = program.parent()?.parent()?;
    Some(target.join("oidc-provider")).filter(|folder| folder.join("node_modules/oidc-provider").is_dir())
}

/// Follows redirects and keeps cookies per host, as a browser does.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<(String, String), String>,
    /// Every address that was gone to.
    pub visited: Vec<Url>,
}

impl Browser {
    /// Goes to an address and on until a page comes.
    pub fn go(&mut self, url: &Url) -> (Url, Reply) {
        self.send("GET", url.clone(), "")
    }

    /// Signs in as `name` at the issuer's pages that `url` leads to, and returns where that ends.
    pub fn sign_in(&mut self, url: &Url, name: &str) -> (Url, Reply) {
        let (mut at, mut reply) = self.go(url);
        for _ in 0..4 {
            let Some(form) = reply.body.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
                break;
            };
            let prompt = if reply.body.contains("name=\"login\"") { "login" } else { "consent" };
            let target = at.join(&form.replace("&amp;", "&")).expect("a form has an address");
            let body = if prompt == "login" {
                format!("prompt=login&login={name}&password=x")
            } else {
                "prompt=consent".to_owned()
            };
            (at, reply) = self.send("POST", target, &body);
        }
        (at, reply)
    }

    pub fn cookie(&self, url: &Url, name: &str) -> Option<String> {
        self.cookies.get(&(host(url), name.to_owned())).cloned()
    }

    fn send(&mut self, method: &str, mut url: Url, body: &str) -> (Url, Reply) {
        let mut reply = self.once(method, &url, body);
        for _ in 0..20 {
            let Some(to) = reply.header("location").filter(|_| (300..400).contains(&reply.status)) else { break };
            url = url.join(to).expect("a redirect has an address");
            reply = self.once("GET", &url, "");
        }
        (url, reply)
    }

    fn once(&mut self, method: &str, url: &Url, body: &str) -> Reply {
        self.visited.push(url.clone());
        let at = host(url);
        let cookies = self.cookies.iter().filter(|((host, _), value)| *host == at && !value.is_empty());
        let cookies: Vec<String> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut headers = vec![("accept", "text/html")];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let reply = request(&at, method, &path, &headers, body);
        for (_, set) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = set.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie has a value");
            self.cookies.insert((at.clone(), name.trim().to_owned()), value.to_owned());
        }
        reply
    }
}

fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().expect("it has a host"), url.port_or_known_default().expect("it has a port"))
}
