//! Two servers of one team's logs: on one, other teams' records, deploys, questions and incidents stand beside them.
//! Whoever is granted the team's services must not be able to tell the two apart.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use bot::cli::Global;
use bot::config::Config;
use bot::driver::Wait;
use bot::driver::ask::{Request, ask};
use bot::http::{Server, hosts_of, serve};
use bot::session::{Sessions, token_hash};
use bot::setup::Setup;
use bot::tokens::{Scope, TokenTable};
use bot::{grants::GrantTable, telemetry};
use evidence::{Change, ChangeKind, Grant, Time};
use indexer::Filters;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::place::Place;
use crate::server::{Reply, try_request};
use crate::story::Story;

/// The services of the team that asks.
pub const OWN: [&str; 3] = ["checkout", "gateway", "payment"];
/// Services of others; no answer may have these names, or what is written after `zq`.
pub const OTHERS: [&str; 2] = ["umbra-vault", "umbra-ledger"];
/// Begins every word that only others' records have.
pub const MARK: &str = "zq";

/// A server in this process.
pub struct Tenant {
    pub address: String,
    _place: Place,
}

/// What `n` others' records look like: louder than the team's own, later, and in part of the same kinds.
pub fn planted(n: usize, end: Timestamp) -> String {
    let mut log = String::new();
    for number in 0..n {
        let time = end - SignedDuration::from_secs(((n - number) % 1_200) as i64) + SignedDuration::from_mins(7);
        let (service, level) = (OTHERS[number % 2], if number % 3 == 0 { "error" } else { "info" });
        let text = match number % 4 {
            0 => format!("{MARK}breach {MARK}n{number} vault door stuck after {number} tries"),
            1 => format!("order {number} accepted for customer {}", number % 91),
            2 => format!("connection pool exhausted after {} ms, {} waiting", 500 + number, number % 9),
            _ => format!("key {MARK}n{number} rotated by {MARK}keeper"),
        };
        // What is also the team's own, in a place that is not theirs.
        let service = if number % 10 == 9 { "checkout" } else { service };
        writeln!(
            log,
            r#"{{"time":"{time:.3}","level":"{level}","service":"{service}","environment":"{MARK}dungeon","host":"{MARK}host{number}","trace_id":"{MARK}trace{number}","{MARK}field":"{MARK}n{number}","message":"{text}"}}"#
        )
        .expect("text grows");
    }
    log
}

/// Says of each of the team's lines in which environment it was written.
fn own(story: &Story) -> String {
    story.log.replace("{\"time\"", "{\"environment\":\"production\",\"time\"")
}

impl Tenant {
    /// Serves the team's logs; with `others`, so many planted records beside them.
    pub async fn start(end: Timestamp, others: usize, filters: Filters) -> Tenant {
        let place = Place::new();
        let story = Story::until(end);
        let data = place.data();
        std::fs::create_dir_all(&data).expect("a folder can be made");
        let setup = Setup::new(&Global { data: Some(data), config: Some(config(&place)), json: false, zone: None });
        let setup = setup.expect("the config is good");
        let mut files = vec![place.write("own.ndjson", own(&story))];
        let index = setup.index_folder();
        let redactor = || setup.redactor().expect("a key can be made");
        bot::commands::index::index_into(&setup.data, &files, redactor()).expect("own lines are indexed");
        if others > 0 {
            files = vec![place.write("others.ndjson", planted(others, end))];
            bot::commands::index::index_into(&setup.data, &files, redactor()).expect("others' lines are indexed");
        }
        let store = indexer::TantivyStore::open(&index).expect("an index opens").with_filters(filters);
        let rules = setup.rules().expect("the policies are good");
        let app = setup.app(Arc::new(store), rules, setup.usable_runbooks()).await.expect("an app");
        let deployed = Time::from_timestamp(story.deployed_at);
        app.record_change(change("checkout", "v1.42", "production", deployed), "ci").await.expect("recorded");
        if others > 0 {
            let at = deployed.plus(SignedDuration::from_mins(9));
            for (service, environment) in
                [(OTHERS[0], "production"), ("checkout", "zqdungeon"), (OTHERS[1], "zqdungeon")]
            {
                let version = format!("{MARK}v-{service}");
                app.record_change(change(service, &version, environment, at), "ci").await.expect("recorded");
            }
            // The operator asks about everything, so that answers, incidents and steps of others' exist.
            for question in ["what is wrong?", "why is umbra-vault failing?", "why is checkout failing?"] {
                let request = Request {
                    question: question.to_owned(),
                    by: "console:operator".to_owned(),
                    conversation: None,
                    zone: jiff::tz::TimeZone::UTC,
                    overrides: incident::Overrides::default(),
                    use_model: false,
                    grant: Grant::everything(),
                };
                ask(&app, request, Wait::ForTheAnswer).await.expect("an answer");
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it has an address");
        let sessions = Arc::new(Sessions::new(setup.database().await.expect("a journal")));
        let hosts = hosts_of(address, &[]);
        let mut server = Server::new(app, sessions, metrics(), hosts, false, CancellationToken::new());
        server.tokens = setup.config.tokens.clone();
        tokio::spawn(serve(listener, Arc::new(server)));
        Tenant { address: address.to_string(), _place: place }
    }

    pub async fn send(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let (address, method, path) = (self.address.clone(), method.to_owned(), path.to_owned());
        let body = body.map(Value::to_string).unwrap_or_default();
        let bearer = format!("Bearer {token}");
        let sent = tokio::task::spawn_blocking(move || {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            try_request(&address, &method, &path, &headers, &body)
        });
        sent.await.expect("it does not panic").expect("the server answers")
    }
}

fn change(service: &str, version: &str, environment: &str, at: Time) -> Change {
    Change {
        service: service.to_owned(),
        kind: ChangeKind::Deploy,
        version: version.to_owned(),
        previous: Some("v1.41".to_owned()),
        environment: Some(environment.to_owned()),
        at,
        by: Some("mara".to_owned()),
        url: None,
        note: None,
    }
}

/// `team` sees the team's services in production, `all` everything, `none` nothing.
fn config(place: &Place) -> std::path::PathBuf {
    let token = |name: &str| {
        let table = TokenTable { hash: token_hash(name), scopes: Scope::ALL.into() };
        (name.to_owned(), table)
    };
    let grant = |to: &str, services: &[&str], environment: &str| GrantTable {
        to: [to.to_owned()].into(),
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        environments: [environment.to_owned()].into(),
    };
    let config = Config {
        tokens: ["team", "all", "none"].map(token).into(),
        grants: BTreeMap::from([
            ("team".to_owned(), grant("token:team", &OWN, "production")),
            ("all".to_owned(), grant("token:all", &["*"], "*")),
        ]),
        ..Config::default()
    };
    place.write("firstline.toml", toml::to_string(&config).expect("a config is TOML"))
}

/// One recorder serves all servers of a process.
fn metrics() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE.get_or_init(|| telemetry::record_metrics().expect("nothing else records")).clone()
}

/// The first place where two documents differ, with what stands there in each.
pub fn difference(one: &Value, other: &Value, path: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.iter().find_map(|(key, value)| difference(value, &other[key], &format!("{path}.{key}")))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.into_iter().find_map(|(n, (one, other))| difference(one, other, &format!("{path}[{n}]")))
        }
        _ => (one != other).then(|| format!("{path}: {one} and {other}")),
    }
}

/// What two servers must say alike: without what is random, and without times of the clock.
pub fn comparable(mut value: Value) -> Value {
    const RANDOM: [&str; 10] = [
        "id",
        "incident",
        "conversation",
        "took_ms",
        "digest",
        "expires",
        "step",
        "proposal",
        "hash",
        "records_per_second",
    ];
    match &mut value {
        Value::Object(map) => {
            // Records keep their ids: they are the same on both.
            let is_record = map.contains_key("template_id") && map.contains_key("source");
            for key in RANDOM {
                if !(is_record && key == "id") {
                    map.remove(key);
                }
            }
            for (key, inner) in map.iter_mut() {
                // The file has another folder on each.
                *inner = if key == "path" { json!("path") } else { comparable(inner.take()) };
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|inner| *inner = comparable(inner.take())),
        _ => {}
    }
    value
}
