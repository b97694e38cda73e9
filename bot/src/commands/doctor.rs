//! `firstline doctor`: looks at everything a start needs, reports all of it, and says what to mend.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use super::{print, print_json};
use crate::cli::Global;
use crate::config::Unusable;
use crate::secrets;
use crate::setup::{Setup, free_bytes};

#[derive(Clone, Debug, Serialize)]
struct Finding {
    /// What was looked at.
    what: String,
    ok: bool,
    /// What was found; when not ok, what to do.
    text: String,
}

fn good(what: impl Into<String>, text: impl Into<String>) -> Finding {
    Finding { what: what.into(), ok: true, text: text.into() }
}

fn bad(what: impl Into<String>, text: impl Into<String>) -> Finding {
    Finding { what: what.into(), ok: false, text: text.into() }
}

pub async fn run(global: &Global) -> Result<()> {
    let mut findings = Vec::new();
    match Setup::new(global) {
        Ok(setup) => {
            let path = setup
                .config_path
                .as_ref()
                .map_or_else(|| "none, defaults".to_owned(), |path| format!("`{}`", path.display()));
            findings.push(good("config", path));
            look(&setup, &mut findings).await;
        }
        Err(error) => match error.downcast_ref::<Unusable>() {
            Some(unusable) => findings.extend(unusable.in_full().into_iter().map(|mistake| bad("config", mistake))),
            None => findings.push(bad("config", format!("{error:#}"))),
        },
    }
    let n_bad = findings.iter().filter(|finding| !finding.ok).count();
    if global.json {
        print_json(&serde_json::json!({ "findings": findings, "ok": n_bad == 0 }))?;
    } else {
        for finding in &findings {
            print(&format!(
                "{} {:<10} {}",
                if finding.ok { "✓" } else { "✗" },
                finding.what,
                chat::inert_lines(&finding.text)
            ))?;
        }
    }
    match n_bad {
        0 => Ok(()),
        1 => bail!("1 thing to mend"),
        n => bail!("{n} things to mend"),
    }
}

async fn look(setup: &Setup, findings: &mut Vec<Finding>) {
    findings.push(data_folder(&setup.data));
    findings.push(space(&setup.data));
    findings.push(match setup.reader().and_then(|store| Ok(store.totals()?)) {
        Ok(totals) => good("index", format!("{} records, {} kinds of message", totals.records, totals.templates)),
        Err(error)
            if error
                .downcast_ref::<indexer::Error>()
                .is_some_and(|error| matches!(error, indexer::Error::NoIndex(_))) =>
        {
            good("index", "none yet; `firstline index PATH…` makes one")
        }
        Err(error) => bad("index", format!("{error:#}")),
    });
    findings.push(match setup.journal().await {
        Ok(journal) => match super::audit::verify_all(journal.as_ref()).await {
            Ok(report) if report.is_whole() => good("journal", format!("{} entries, whole", report.entries)),
            Ok(report) => bad("journal", format!("{} problems; run `firstline audit verify`", report.problems.len())),
            Err(refused) => bad("journal", refused.to_string()),
        },
        Err(error) => bad("journal", format!("{error:#}")),
    });
    for (name, source) in &setup.config.sources {
        findings.extend(source.paths.iter().map(|pattern| source_finding(name, pattern)));
    }
    let (catalog, mistakes) = setup.runbooks();
    findings.extend(mistakes.iter().map(|mistake| bad("runbook", mistake.to_string())));
    if mistakes.is_empty() {
        findings.push(good("runbooks", format!("{} runbooks", catalog.len())));
    }
    findings.push(match tokio::net::TcpListener::bind(setup.config.listen).await {
        Ok(_) => good("listen", setup.config.listen.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && is_ours(setup.config.listen).await => {
            good("listen", format!("Firstline is running on {}", setup.config.listen))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bad(
            "listen",
            format!("{} is in use; if that is not Firstline itself, set another `listen`", setup.config.listen),
        ),
        Err(error) => bad("listen", format!("{}: {error}; set another `listen`", setup.config.listen)),
    });
    match setup.rules() {
        Ok(rules) if !rules.is_simple() => {
            let (n_policies, n_people) = (rules.policies().ids().len(), rules.people().iter().count());
            findings.push(good("policies", format!("{n_policies} policies over {n_people} people")));
        }
        Ok(_) => {}
        Err(error) => findings.push(bad("policies", format!("{error:#}"))),
    }
    if setup.config.approval.policies.is_empty() && setup.config.approval.approvers.is_empty() {
        findings.push(good("approval", "nobody may approve steps yet; list people under `approvers` in `[approval]`"));
    }
    let endpoints = setup.config.actions.endpoints.iter();
    let headers =
        endpoints.flat_map(|(name, endpoint)| endpoint.headers.values().map(move |reference| (name, reference)));
    for (name, reference) in headers {
        findings.push(match secrets::read(reference) {
            Ok(_) => good("secret", format!("endpoint `{name}`: `{reference}` can be read")),
            Err(error) => bad("secret", format!("endpoint `{name}`: {error}")),
        });
    }
    for (name, program) in &setup.config.actions.programs {
        findings.push(if Path::new(&program.path).is_file() {
            good("program", format!("`{name}` is {}", program.path))
        } else {
            bad("program", format!("`{name}`: no file `{}`; install it or mend its `path`", program.path))
        });
    }
    if let Some(url) = &setup.config.llm.base_url {
        findings.push(model(url, setup).await);
    }
}

/// Whether what listens there answers like us.
async fn is_ours(address: std::net::SocketAddr) -> bool {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .tls_certs_merge(crate::driver::tell::roots())
        .build();
    let Ok(client) = client else { return false };
    let Ok(reply) = client.get(format!("http://{address}/healthz")).send().await else { return false };
    reply.text().await.is_ok_and(|text| text == "ok\n")
}

fn data_folder(data: &Path) -> Finding {
    let probe = data.join(format!(".probe-{}", std::process::id()));
    let tried = std::fs::create_dir_all(data)
        .and_then(|()| std::fs::write(&probe, b"x"))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => good("data", format!("`{}` can be written", data.display())),
        Err(error) => bad(
            "data",
            format!(
                "cannot write in `{}`: {error}; give this user the folder, or choose another with `--data`",
                data.display()
            ),
        ),
    }
}

fn space(data: &Path) -> Finding {
    const LITTLE: u64 = 1 << 30;
    match free_bytes(data) {
        Some(free) if free < LITTLE => {
            bad("disk", format!("only {} MiB free; indexing stops when the disk is full", free >> 20))
        }
        Some(free) => good("disk", format!("{:.1} GiB free", free as f64 / (1u64 << 30) as f64)),
        None => bad("disk", "cannot tell how much is free"),
    }
}

fn source_finding(name: &str, pattern: &str) -> Finding {
    let what = format!("source `{name}`: `{pattern}`");
    match indexer::follow::files_matching(pattern) {
        Ok(files) if files.is_empty() => bad("source", format!("{what} matches no file yet; check the path")),
        Ok(files) => match files.iter().find_map(|path| std::fs::File::open(path).err().map(|error| (path, error))) {
            Some((path, error)) => bad(
                "source",
                format!("{what}: cannot read `{}`: {error}; add this user to the file's group", path.display()),
            ),
            None => good("source", format!("{what}, {} files", files.len())),
        },
        Err(error) => bad("source", format!("{what}: {error}")),
    }
}

async fn model(url: &str, setup: &Setup) -> Finding {
    if let Some(reference) = &setup.config.llm.api_key
        && let Err(error) = secrets::read(reference)
    {
        return bad("model", error);
    }
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .tls_certs_merge(crate::driver::tell::roots())
        .build();
    let reached = match client {
        Ok(client) => client.get(format!("{}/models", url.trim_end_matches('/'))).send().await,
        Err(error) => Err(error),
    };
    match reached {
        Ok(reply) if reply.status().is_server_error() => {
            bad("model", format!("`{url}` answers {}; check `llm.base_url`", reply.status()))
        }
        Ok(reply) => good("model", format!("`{url}` answers ({})", reply.status())),
        Err(error) => bad("model", format!("`{url}` does not answer: {error}; answers come without it until it does")),
    }
}
