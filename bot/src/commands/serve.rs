//! `firstline serve`: everything that a config enables, until it is asked to stop.

use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result};
use indexer::follow::Followed;
use indexer::{Ingest, TantivyStore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::following::{self, Following};
use crate::http::{self, Server};
use crate::oidc::Oidc;
use crate::rereading::Rereading;
use crate::session::Sessions;
use crate::setup::{Setup, free_bytes, now};
use crate::{driver, jobs, telemetry};

pub fn run(setup: &Setup) -> Result<()> {
    telemetry::log_to_stderr("info");
    super::block_on(setup, serve(setup))
}

async fn serve(setup: &Setup) -> Result<()> {
    let catalog = setup.ready()?;
    let rules = setup.rules()?;
    const LITTLE: u64 = 256 << 20;
    if let Some(free) = free_bytes(&setup.data).filter(|free| *free < LITTLE) {
        tracing::warn!(
            "only {} MiB free for `{}`; indexing stops when the disk is full",
            free >> 20,
            setup.data.display()
        );
    }
    // The port first: when it is taken nothing has been touched yet.
    let file = setup.config_path.as_ref().map_or_else(|| "firstline.toml".into(), |path| path.display().to_string());
    let listener = http::bind(setup.config.listen, &format!("set another `listen` in `{file}`")).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let stopping = CancellationToken::new();
    let tracker = TaskTracker::new();
    let metrics = telemetry::record_metrics()?;
    let following = follow(setup, &stopping)?;
    let store = Arc::new(TantivyStore::open(&setup.index_folder())?);
    let app = setup.app(store, rules, catalog).await?;
    app.parts.executor.warm().await.context("the executor cannot be started")?;
    driver::resume(&app, true).await?;
    let keys = Arc::new(super::audit::keys(setup)?);
    jobs::start(&app, &keys, &tracker, &stopping);

    jobs::reread(&app, Rereading::new(setup), &tracker, &stopping);
    let sessions = Arc::new(Sessions::new(setup.database().await?));
    let public_url = setup.config.public_url.clone();
    let base = public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let oidc = setup.config.console.oidc.clone().map(Oidc::new).transpose().map_err(anyhow::Error::msg)?;
    let link = match &oidc {
        Some(_) => format!("{base}/sign-in/oidc"),
        None => format!("{base}/sign-in/{}", sessions.invite(&setup.config.console.person, now()).await?),
    };
    let also = setup.config.hosts.iter().cloned().chain(public_url.as_deref().and_then(host_of));
    let hosts = http::hosts_of(address, &also.collect::<Vec<_>>());
    let mut server = Server::new(Arc::clone(&app), sessions, metrics, hosts, false, stopping.clone());
    server.public_url = public_url;
    server.oidc = oidc;
    server.tokens = setup.config.tokens.clone();
    if let Some(following) = &following {
        let ailments = Arc::clone(&following.ailments);
        server.ailments = Arc::new(move || ailments.lock().unwrap_or_else(PoisonError::into_inner).clone());
    }
    // Standard output, so that the link is in no log file that only takes standard error.
    let whom = match &server.oidc {
        Some(_) => "signs people in at the configured issuer; Ctrl-C stops".to_owned(),
        None => format!("signs in `{}` once, within half an hour; Ctrl-C stops", setup.config.console.person),
    };
    super::print(&format!("Console   {link}\n          {whom}"))?;
    tracing::info!(%address, sources = setup.config.sources.len(), "listening on {address}");

    let stop = stopping.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        tracing::info!("stopping: finishing what is under way");
        stop.cancel();
    });
    let served = http::serve(listener, Arc::new(server)).await;
    stopping.cancel();
    tracker.close();
    tracker.wait().await;
    if let Err(failure) = jobs::checkpoint(&app, &keys).await {
        tracing::error!("the last entries are not signed: {failure}");
    }
    if let Some(following) = following {
        tokio::task::spawn_blocking(move || following.finish()).await??;
    }
    tracing::info!("stopped; everything read so far is committed");
    served
}

/// The host of an address, with its port when it names one, as browsers send it.
fn host_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{}{port}", url.host_str()?))
}

/// Opens the writer and follows the configured files; without sources the index is only read, and another process may write it.
fn follow(setup: &Setup, stopping: &CancellationToken) -> Result<Option<Following>> {
    if setup.config.sources.is_empty() {
        if matches!(TantivyStore::open(&setup.index_folder()), Err(indexer::Error::NoIndex(_))) {
            // An empty index can be searched; none at all cannot.
            Ingest::new(setup.writer()?, setup.redactor()?).finish()?;
        }
        return Ok(None);
    }
    let mut followed = Vec::new();
    for source in setup.config.sources.values() {
        for pattern in &source.paths {
            followed.push(Followed { pattern: pattern.clone(), options: following::options(source, &setup.zone)? });
        }
    }
    let ingest = Ingest::new(setup.writer()?, setup.redactor()?);
    let stopping = stopping.clone();
    Ok(Some(following::start(&followed, ingest, move || stopping.is_cancelled())?))
}

/// Waits for Ctrl-C or the service manager.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
