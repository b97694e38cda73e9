//! The listener: health for machines, the API and the console for people with a session or a token.
//! Host and Origin are checked on loopback too, because any page in a browser can reach loopback.

mod api;
mod events;
mod guard;
mod oidc;
mod overview;
mod scopes;
mod sign_in;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::oidc::Oidc;
use crate::session::Sessions;
use crate::tokens::TokenTable;
use crate::visitor::Noted;

pub use guard::COOKIE;

/// What the handlers share.
pub struct Server {
    pub app: Arc<App>,
    pub sessions: Arc<Sessions>,
    /// The tokens of the config, by name.
    pub tokens: BTreeMap<String, TokenTable>,
    /// Where browsers reach the console, when that is not where it listens.
    pub public_url: Option<String>,
    pub oidc: Option<Oidc>,
    pub(crate) noted: Noted,
    pub metrics: PrometheusHandle,
    /// `Host` values that are ours, lower-case, with port.
    pub hosts: BTreeSet<String>,
    pub is_demo: bool,
    /// Why the sources do not all work, when they do not; `readyz` says it.
    pub ailments: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    overview: overview::Sampler,
    stopping: CancellationToken,
}

impl Server {
    pub fn new(
        app: Arc<App>,
        sessions: Arc<Sessions>,
        metrics: PrometheusHandle,
        hosts: BTreeSet<String>,
        is_demo: bool,
        stopping: CancellationToken,
    ) -> Server {
        let ailments = Arc::new(Vec::new);
        let overview = overview::Sampler::default();
        Server {
            app,
            sessions,
            tokens: BTreeMap::new(),
            public_url: None,
            oidc: None,
            noted: Noted::default(),
            metrics,
            hosts,
            is_demo,
            ailments,
            overview,
            stopping,
        }
    }

    /// Whether browsers reach us over TLS.
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// The names under which a listener on `address` is reached, and those that configuration adds.
pub fn hosts_of(address: SocketAddr, also: &[String]) -> BTreeSet<String> {
    let port = address.port();
    let mut hosts: BTreeSet<String> = BTreeSet::from([address.to_string()]);
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
    }
    for name in also {
        hosts.insert(name.to_ascii_lowercase());
        hosts.insert(format!("{}:{port}", name.to_ascii_lowercase()));
    }
    hosts
}

/// Binds; `other` says how this command is given another address.
///
/// # Errors
///
/// A sentence that says why the address cannot be used, and what to do.
pub async fn bind(address: SocketAddr, other: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AddrInUse => format!("another program listens there; stop it, or {other}"),
            ErrorKind::AddrNotAvailable => format!("this machine has no address {}; {other}", address.ip()),
            ErrorKind::PermissionDenied => format!("ports below 1024 need permission; {other}"),
            _ => format!("{error}; {other}"),
        };
        anyhow!("cannot listen on {address}: {why}")
    })
}

/// Serves until `stopping` is cancelled, then finishes what is under way.
pub async fn serve(listener: TcpListener, server: Arc<Server>) -> Result<()> {
    let stopping = server.stopping.clone();
    let router = router(server);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stopping.cancelled().await })
        .await
        .context("the listener failed")
}

pub fn router(server: Arc<Server>) -> Router {
    const LONGEST_BODY: usize = 1 << 20;
    let api = Router::new()
        .route("/session", get(api::session::session))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/overview", get(api::session::overview))
        .route("/ask", post(api::conversations::ask))
        .route("/answers/{id}", get(api::conversations::answer))
        .route("/conversations/{id}", get(api::conversations::conversation))
        .route("/records/{id}/context", get(api::records::context))
        .route("/search", get(api::records::search))
        .route("/templates", get(api::records::templates))
        .route("/steps/{id}", get(api::steps::step))
        .route("/steps/{id}/{verb}", post(api::steps::decide))
        .route("/incidents", get(api::incidents::incidents))
        .route("/incidents/{id}", get(api::incidents::incident))
        .route("/incidents/{id}/resolve", post(api::incidents::resolve))
        .route("/incidents/{id}/proposals", post(api::incidents::propose))
        .route("/incidents/{id}/runbook", get(api::runbooks::draft))
        .route("/approvals", get(api::steps::approvals))
        .route("/runbooks", get(api::runbooks::runbooks))
        .route("/runbooks/preview", post(api::runbooks::preview))
        .route("/audit", get(api::audit::audit))
        .route("/audit/verify", get(api::audit::verify))
        .route("/audit/export", get(api::audit::export))
        .route("/deploys", post(api::changes::record_deploy).get(api::changes::deploys))
        .route("/events", get(events::stream))
        .fallback(|| async { api::not_found("no such address in the API") })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&server), guard::require_visitor));
    Router::new()
        .nest("/api", api)
        .route(
            "/metrics",
            get(metrics).layer(axum::middleware::from_fn_with_state(Arc::clone(&server), guard::require_visitor)),
        )
        .route("/sign-in/{link}", get(sign_in::sign_in))
        .route("/sign-in/oidc", get(oidc::begin))
        .route("/sign-in/oidc/back", get(oidc::back))
        .merge(crate::console::router())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&server), guard::require_host))
        .layer(tower_http::limit::RequestBodyLimitLayer::new(LONGEST_BODY))
        .layer(axum::middleware::map_response(in_our_words))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        // Health is for machines that know no name and have no token.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(server)
}

/// What the layers refuse by themselves, in the form of every other refusal.
async fn in_our_words(response: Response) -> Response {
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            api::error(response.status(), "the body is longer than 1 MiB", Some("send less at once"))
        }
        StatusCode::METHOD_NOT_ALLOWED => api::error(
            response.status(),
            "this address takes no such request",
            Some("the header `Allow` names what it takes"),
        ),
        _ => response,
    }
}

/// Figures of everything together: for tokens that are made for it, and for people who may see everything.
async fn metrics(State(server): State<Arc<Server>>, Extension(visitor): guard::Who) -> Response {
    if visitor.person.human && !visitor.grant.is_everything() {
        let next = "make a token with `firstline token create NAME --scope metrics`";
        return api::error(StatusCode::FORBIDDEN, "these figures are about all services together", Some(next));
    }
    server.metrics.run_upkeep();
    ([("content-type", "text/plain; version=0.0.4")], server.metrics.render()).into_response()
}

async fn ready(State(server): State<Arc<Server>>) -> impl IntoResponse {
    let mut ailments = (server.ailments)();
    if let Err(refused) = server.app.sync().await {
        ailments.push(refused.to_string());
    }
    if let Err(refused) = server.app.with_store(|store| store.totals()).await {
        ailments.push(refused.to_string());
    }
    if ailments.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", ailments.join("\n")))
    }
}
