//! `firstline demo`: a simulated shop with a fault, indexed and served live, whose rollback really rolls back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use evidence::{Change, ChangeKind, Time};
use indexer::{Ingest, TantivyStore, Writer};
use jiff::SignedDuration;
use runbooks::Rules;
use shop::{DeployKind, Fault, Shop};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Usage, print};
use crate::app::App;
use crate::cli::{DemoArgs, Global};
use crate::config::Config;
use crate::http::{self, Server};
use crate::intake::{self, Intake, Lines};
use crate::loading::Loading;
use crate::session::{self, Sessions};
use crate::setup::{Setup, now};
use crate::{jobs, telemetry};

const DEFAULT_FOLDER: &str = "./firstline-demo";
/// A folder with this file in it is a demo's, and may be made anew.
const MARKER: &str = "made-by-firstline-demo";
/// How much of the shop's past there is when the page opens.
const HISTORY: SignedDuration = SignedDuration::from_mins(128);
/// The fault began this long ago.
const FAULT_AGE: SignedDuration = SignedDuration::from_mins(7);
/// Visitors' requests a second, in the quietest hour as in the busiest: the history must not be thin at night.
const REQUESTS_PER_SECOND: f64 = 5.3;

pub fn run(global: &Global, args: &DemoArgs) -> Result<()> {
    telemetry::warn_on_stderr();
    if args.list_faults {
        return list_faults(global.json);
    }
    let fault = shop::fault(&args.fault).map_err(|error| Usage(error.to_string()))?;
    super::runtime()?.block_on(demo(global, args, fault))
}

fn list_faults(json: bool) -> Result<()> {
    if json {
        let faults: Vec<_> = shop::FAULTS
            .iter()
            .map(|fault| serde_json::json!({ "name": fault.name, "about": fault.about, "culprit": fault.culprit, "runbook": fault.runbook }))
            .collect();
        return super::print_json(&serde_json::json!({ "faults": faults }));
    }
    let lines: Vec<String> = shop::FAULTS.iter().map(|fault| format!("{:<20} {}", fault.name, fault.about)).collect();
    print(&lines.join("\n"))
}

async fn demo(global: &Global, args: &DemoArgs, fault: &'static Fault) -> Result<()> {
    let begun = Instant::now();
    let folder = global.data.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER));
    // The port first: when it is taken nothing has been touched yet.
    let listener = listen(args.port).await?;
    let address = listener.local_addr()?;
    make_anew(&folder)?;
    let loading = Loading::begin(&folder)?;
    let stopping = CancellationToken::new();
    let tracker = TaskTracker::new();

    // The shop and its admin API, on a port of their own.
    let started = now();
    let settings = shop::Settings {
        seed: args.seed,
        start: started.minus(HISTORY).0,
        requests_per_second: REQUESTS_PER_SECOND / mean_traffic(started),
        fault: Some((fault, started.minus(FAULT_AGE).0)),
    };
    let token = session::secret();
    let admin =
        TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("cannot open the shop's admin port")?;
    let admin_address = admin.local_addr()?;
    let shop = Shop::new(settings);
    let setup = setup(global, &folder, admin_address, &token, &shop)?;

    // The past is written at full speed, the present follows from the same state.
    let (intake, writing) = intake::start(Ingest::new(setup.writer()?, setup.redactor()?))?;
    let (history, shop) = {
        let intake = intake.clone();
        tokio::task::spawn_blocking(move || write_history(shop, &intake, started)).await??
    };
    let store = Arc::new(wait_for_index(&setup.index_folder(), history).await?);
    let app = setup.app(store, Rules::of_the_demo(), setup.usable_runbooks()).await?;
    let shop = shop::share(shop);
    record_deploys(&app, &shop, &mut 0).await?;
    drop(loading);
    serve_admin(admin, shop::router(Arc::clone(&shop), &token), &tracker, &stopping);
    live(&app, &shop, intake, &tracker, &stopping);

    let sessions = Arc::new(Sessions::new(setup.database().await?));
    let link = format!("http://{address}/sign-in/{}", sessions.invite("you", now()).await?);
    let metrics = telemetry::record_metrics()?;
    let hosts = http::hosts_of(address, &[]);
    let server = Arc::new(Server::new(Arc::clone(&app), sessions, metrics, hosts, true, stopping.clone()));
    app.parts.executor.warm().await.context("the executor cannot be started")?;
    let keys = Arc::new(super::audit::keys(&setup)?);
    jobs::start(&app, &keys, &tracker, &stopping);

    print(&format!(
        "A shop of {} services, {} log records of the last {} minutes, ready in {:.1} s.\n\n  Console   {link}\n\n\
         Ask it: “{}”. Or in another terminal:\n\n  firstline --data {} ask \"{}\"\n\nCtrl-C ends the demo.",
        shop::SERVICES.len(),
        indicatif::HumanCount(history),
        HISTORY.as_mins(),
        begun.elapsed().as_secs_f64(),
        fault.question,
        folder.display(),
        fault.question,
    ))?;
    if !args.no_browser {
        open_browser(&link);
    }
    let stop = stopping.clone();
    tokio::spawn(async move {
        super::serve::asked_to_stop().await;
        stop.cancel();
    });
    http::serve(listener, server).await?;
    tracker.close();
    tracker.wait().await;
    if let Err(failure) = jobs::checkpoint(&app, &keys).await {
        tracing::error!("the last entries are not signed: {failure}");
    }
    tokio::task::spawn_blocking(move || writing.finish()).await??;
    setup.close().await;
    print("Ended. The demo's folder stays until the next demo.")
}

/// How busy the shop is on average over the demo's history.
fn mean_traffic(started: Time) -> f64 {
    const N: i64 = 16;
    let at = |part: i64| started.0 - HISTORY.as_micros() as i64 * part / N;
    (0..N).map(|part| shop::traffic_at(at(part))).sum::<f64>() / N as f64
}

/// Empties a folder that an earlier demo made; refuses to touch any other.
fn make_anew(folder: &Path) -> Result<()> {
    let is_ours = folder.join(MARKER).is_file();
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_ours && !is_empty {
        bail!("`{}` is not a demo's folder and not empty; give another with `--data`", folder.display());
    }
    if is_ours {
        // The lock tells whether that demo still runs; the writer's own message then names it.
        drop(Writer::open(&folder.join("index"))?);
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty `{}`", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    std::fs::write(folder.join(MARKER), "Everything in this folder was simulated. It may be deleted.\n")?;
    Ok(())
}

/// Writes the demo's config, so that other terminals can use the same shop and the same rules.
fn setup(global: &Global, folder: &Path, admin: SocketAddr, token: &str, shop: &Shop) -> Result<Setup> {
    let folder = folder.canonicalize()?;
    let token_path = folder.join("shop.token");
    write_private(&token_path, &format!("Bearer {token}"))?;
    let mut config = Config { data: folder.clone(), ..Config::default() };
    let headers = BTreeMap::from([("authorization".to_owned(), format!("file:{}", token_path.display()))]);
    let operations = runbooks::actions::Endpoint {
        base_url: format!("http://{admin}"),
        headers,
        dry_run: Some("dry_run=true".to_owned()),
        private: true,
        ..Default::default()
    };
    config.actions.endpoints.insert("operations".to_owned(), operations);
    config.inventory = inventory(shop);
    config.approval = Rules::of_the_demo().settings().clone();
    let path = folder.join("firstline.toml");
    std::fs::write(&path, toml::to_string_pretty(&config)?)?;
    Setup::new(&Global { data: Some(folder), config: Some(path), ..global.clone() })
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// What the shop's people would have written into their config.
fn inventory(shop: &Shop) -> runbooks::Inventory {
    let mut inventory = runbooks::Inventory::default();
    inventory.environments.insert(shop::ENVIRONMENT.to_owned());
    for service in shop.state().services {
        let entry = inventory.services.entry(service.service.to_owned()).or_default();
        entry.surge_replicas = Some(8);
        entry.raised_pool = Some(40);
        entry.surge_limit = Some(10);
        inventory.hosts.extend(service.hosts.into_iter().map(|host| (host, service.service.to_owned())));
    }
    inventory.queues.insert("orders.accepted".to_owned(), "worker".to_owned());
    let fallback = runbooks::inventory::Flag { service: "payment".to_owned(), fallback: true };
    inventory.flags.insert("payment-backup-acquirer".to_owned(), fallback);
    inventory
}

/// Steps the shop to now in slices, so that indexing runs beside simulating. Returns how many lines there were.
fn write_history(mut shop: Shop, intake: &Intake, until: Time) -> Result<(u64, Shop)> {
    const SLICE: SignedDuration = SignedDuration::from_mins(2);
    let mut n_lines = 0;
    while shop.now() < until.0 {
        let to = Time(shop.now()).plus(SLICE).min(until);
        n_lines += push(intake, shop.step(to.0))?;
    }
    Ok((n_lines, shop))
}

fn push(intake: &Intake, lines: Vec<shop::Line>) -> Result<u64> {
    let n_lines = lines.len() as u64;
    let mut by_source: BTreeMap<&'static str, Lines> = BTreeMap::new();
    for line in lines {
        let of_source = by_source.entry(line.source).or_insert_with(|| Lines {
            source: line.source.to_owned(),
            service: line.service.to_owned(),
            lines: Vec::new(),
        });
        of_source.lines.extend(line.text.split('\n').map(str::to_owned));
    }
    intake.push(by_source.into_values().collect())?;
    Ok(n_lines)
}

/// Waits until all but the last moments of the history can be searched.
async fn wait_for_index(folder: &Path, n_lines: u64) -> Result<TantivyStore> {
    use indexer::Store as _;
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let wanted = n_lines - n_lines.min(500);
        if let Ok(store) = TantivyStore::open(folder)
            && store.totals()?.records >= wanted
        {
            return Ok(store);
        }
        if Instant::now() > deadline {
            bail!("the history was not indexed within two minutes; is the disk full?");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Records the shop's deploys that are not recorded yet, as a deploy pipeline would.
async fn record_deploys(app: &Arc<App>, shop: &shop::Shared, n_recorded: &mut usize) -> Result<()> {
    let fresh: Vec<shop::Deploy> = {
        let shop = shop.lock().unwrap_or_else(PoisonError::into_inner);
        shop.deploys().iter().skip(*n_recorded).filter(|deploy| deploy.at <= shop.now()).cloned().collect()
    };
    for deploy in fresh {
        *n_recorded += 1;
        let change = Change {
            service: deploy.service.to_owned(),
            kind: match deploy.kind {
                DeployKind::Deploy => ChangeKind::Deploy,
                DeployKind::Config => ChangeKind::Config,
                DeployKind::Flag => ChangeKind::Flag,
                DeployKind::Infra => ChangeKind::Infra,
            },
            version: deploy.version,
            previous: Some(deploy.previous),
            environment: Some(deploy.environment.to_owned()),
            at: Time(deploy.at),
            by: Some(deploy.by),
            url: None,
            note: Some(deploy.note),
        };
        super::deploy::record(app, change, "shop").await?;
    }
    Ok(())
}

fn serve_admin(listener: TcpListener, router: axum::Router, tracker: &TaskTracker, stopping: &CancellationToken) {
    let stopping = stopping.clone();
    tracker.spawn(async move {
        let stopped = async move { stopping.cancelled().await };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::error!("the shop's admin API failed: {error}");
        }
    });
}

fn live(app: &Arc<App>, shop: &shop::Shared, intake: Intake, tracker: &TaskTracker, stopping: &CancellationToken) {
    let failed = Mutex::new(false);
    let sink = move |lines: Vec<shop::Line>| {
        if let Err(error) = push(&intake, lines) {
            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut *failed, true) {
                tracing::error!("{error}");
            }
        }
    };
    tracker.spawn(shop::run_live(Arc::clone(shop), sink, || now().0, stopping.clone()));
    let (app, shop, stopping) = (Arc::clone(app), Arc::clone(shop), stopping.clone());
    tracker.spawn(async move {
        let mut n_recorded = shop.lock().unwrap_or_else(PoisonError::into_inner).deploys().len();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            if let Err(error) = record_deploys(&app, &shop, &mut n_recorded).await {
                tracing::warn!("{error:#}");
            }
        }
    });
}

/// The port that was asked for, or 7171, or any that is free.
async fn listen(port: Option<u16>) -> Result<TcpListener> {
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    match port {
        Some(port) => http::bind(address(port), "give another with `--port`, or leave it out for a free one").await,
        None => match TcpListener::bind(address(7171)).await {
            Ok(listener) => Ok(listener),
            Err(_) => http::bind(address(0), "give a port with `--port`").await,
        },
    }
}

fn open_browser(link: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let _ = std::process::Command::new(opener).arg(link).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}
