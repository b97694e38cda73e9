//! Chores that repeat: probes, garbage collection, checkpoints, sweeps. Each is a line of [`CHORES`].

use crate::faults::Kind;
use crate::formats::Value;
use crate::line::Level;
use crate::services::{ENVIRONMENT, Svc};
use crate::shop::{Event, Shop, Who};
use crate::stamp::{MINUTE, SECOND};

type Work = fn(&mut Shop, i64);

/// Every so many seconds, roughly.
const CHORES: &[(i64, Work)] = &[
    (10, probes),
    (60, upstream_health),
    (300, key_set),
    (15, garbage_collection),
    (60, index_refresh),
    (600, model_refresh),
    (120, cart_sweep),
    (30, checkout_pool),
    (30, inventory_pool),
    (300, settlement),
    (30, queue_depth),
    (180, carrier_rates),
    (600, certificate_watch),
    (120, relay_recycled),
    (300, checkpoint),
    (97, slow_query),
    (60, volumes),
    (14, slow_report),
    (900, odd_error),
];

/// A pod that speaks outside of any request.
pub(crate) fn alone(svc: Svc, pod: usize) -> Who {
    Who { svc, pod, call: None }
}

pub(crate) fn schedule(shop: &mut Shop) {
    for (number, (seconds, _)) in CHORES.iter().enumerate() {
        let first = shop.settings.start + shop.random.between(0, seconds * SECOND);
        shop.at(first, Event::Chore(number));
    }
}

pub(crate) fn chore(shop: &mut Shop, number: usize, at: i64) {
    let (seconds, work) = CHORES[number];
    work(shop, at);
    let next = at + seconds * SECOND + shop.random.between(-seconds * 40_000, seconds * 40_000);
    shop.at(next, Event::Chore(number));
}

fn any_of(shop: &mut Shop, svc: Svc) -> Who {
    Who { call: None, ..shop.who(svc, 1) }
}

fn probes(shop: &mut Shop, at: i64) {
    for pod in 0..shop.fleet.of(Svc::Web).pods.len() {
        let when = at + pod as i64 * 310_000;
        shop.say(
            alone(Svc::Web, pod),
            when,
            Level::Info,
            "10.42.0.1",
            &[],
            format_args!("\"GET /healthz HTTP/1.1\" 200 2 \"-\" \"kube-probe/1.31\""),
        );
    }
}

fn upstream_health(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Gateway);
    shop.say(
        who,
        at,
        Level::Info,
        "",
        &[("upstreams", Value::Int(9))],
        format_args!("route table unchanged, 9 upstreams"),
    );
}

fn key_set(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Auth);
    shop.say(who, at, Level::Info, "", &[("keys", Value::Int(3))], format_args!("signing keys refreshed"));
}

fn garbage_collection(shop: &mut Shop, at: i64) {
    let leak = shop.fault_level(Kind::MemoryLeak, at);
    for (svc, level) in [(Svc::Catalog, leak), (Svc::Inventory, 0.0)] {
        let who = any_of(shop, svc);
        let count = at / SECOND % 9_000;
        if level > 0.4 && shop.runs_guilty_version(svc, who.pod) {
            let pause = (level * 2_600.0) as i64 + shop.random.between(0, 400);
            let left = 940 + (level * 60.0) as i64;
            shop.say(
                who,
                at,
                Level::Warn,
                "gc",
                &[],
                format_args!("GC({count}) Pause Full (G1 Compaction Pause) 1012M->{left}M(1024M) {pause}.204ms"),
            );
        } else {
            let (from, to) = (
                shop.random.between(420, 640) + (level * 800.0) as i64,
                shop.random.between(130, 190) + (level * 800.0) as i64,
            );
            let pause = shop.random.between(3, 11);
            shop.say(
                who,
                at,
                Level::Info,
                "gc",
                &[],
                format_args!(
                    "GC({count}) Pause Young (Normal) (G1 Evacuation Pause) {from}M->{to}M(1024M) {pause}.412ms"
                ),
            );
        }
    }
}

fn index_refresh(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Search);
    let (changed, took) = (shop.random.between(3, 90), shop.random.between(40, 210));
    shop.say(
        who,
        at,
        Level::Info,
        "search.index",
        &[],
        format_args!("index refreshed: {changed} products changed, {took} ms"),
    );
}

fn model_refresh(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Recommendations);
    shop.say(
        who,
        at,
        Level::Info,
        "recommendations.model",
        &[],
        format_args!("model als-{} loaded, 61204 customers", at / (6 * 60 * MINUTE)),
    );
}

fn cart_sweep(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Cart);
    let swept = shop.random.between(5, 60);
    shop.say(who, at, Level::Info, "cart.sweeper", &[], format_args!("{swept} abandoned carts removed"));
}

fn checkout_pool(shop: &mut Shop, at: i64) {
    let leak = shop.fault_level(Kind::BadDeploy, at);
    let size = i64::from(shop.fleet.of(Svc::Checkout).pool);
    for pod in 0..shop.fleet.of(Svc::Checkout).pods.len() {
        let leaks = leak > 0.0 && shop.runs_guilty_version(Svc::Checkout, pod);
        let busy = if leaks { size } else { shop.random.between(0, 3) };
        let when = at + pod as i64 * 1_700;
        shop.say(
            alone(Svc::Checkout, pod),
            when,
            Level::Info,
            "",
            &[("in_use", Value::Int(busy)), ("size", Value::Int(size))],
            format_args!("database pool: {busy} of {size} in use"),
        );
    }
}

fn inventory_pool(shop: &mut Shop, at: i64) {
    let level = shop.fault_level(Kind::ConnectionPool, at);
    let who = any_of(shop, Svc::Inventory);
    let total = i64::from(shop.fleet.of(Svc::Inventory).pool);
    let active = if level > 0.0 { total } else { shop.random.between(0, 4) };
    let (idle, waiting) = (total - active, (level * 24.0) as i64);
    shop.say(
        who,
        at,
        Level::Info,
        "c.zaxxer.hikari.pool.HikariPool",
        &[],
        format_args!("HikariPool-1 - Pool stats (total={total}, active={active}, idle={idle}, waiting={waiting})"),
    );
}

fn settlement(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Payment);
    let captured = shop.random.between(20, 160);
    shop.say(who, at, Level::Info, "", &[("captured", Value::Int(captured))], format_args!("settlement batch sent"));
}

fn queue_depth(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Worker);
    let waiting = shop.backlog.len() as i64;
    let fields = [("labels.queue", Value::Text(crate::faults::ORDERS_QUEUE)), ("labels.ready", Value::Int(waiting))];
    shop.say(
        who,
        at,
        Level::Info,
        "worker.consumer",
        &fields,
        format_args!("queue orders.accepted: {waiting} ready, 2 consumers"),
    );
}

fn carrier_rates(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Shipping);
    shop.say(who, at, Level::Info, "", &[("carriers", Value::Int(4))], format_args!("carrier rates refreshed"));
}

/// Warns before the certificate expires; on other days there is nothing to warn of.
fn certificate_watch(shop: &mut Shop, at: i64) {
    let expires =
        shop.trouble.as_ref().filter(|trouble| trouble.is(Kind::ExpiredCertificate)).map(|trouble| trouble.at);
    let who = any_of(shop, Svc::Shipping);
    match expires {
        Some(expires) if expires > at => {
            let left = (expires - at) / MINUTE;
            shop.say(
                who,
                at,
                Level::Warn,
                "",
                &[],
                format_args!("certificate of shipping.production.svc expires in {left} min, renewal is still pending"),
            );
        }
        _ => shop.say(who, at, Level::Info, "", &[], format_args!("trust store checked, 142 roots")),
    }
}

fn relay_recycled(shop: &mut Shop, at: i64) {
    let who = any_of(shop, Svc::Email);
    shop.say(
        who,
        at,
        Level::Info,
        "RELAY",
        &[],
        format_args!("connection to relay-1.mail.example recycled after 100 messages"),
    );
}

fn checkpoint(shop: &mut Shop, at: i64) {
    let who = alone(Svc::OrdersDb, 0);
    shop.say(who, at, Level::Info, "", &[], format_args!("checkpoint starting: time"));
    let (buffers, millis) = (shop.random.between(40, 900), shop.random.between(100, 999));
    let end = at + 12 * SECOND;
    if shop.fault_level(Kind::DiskFull, at) > 0.0 {
        shop.say(
            who,
            end,
            Level::Error,
            "",
            &[],
            format_args!("could not write to file \"pg_wal/xlogtemp.71\": No space left on device"),
        );
    } else {
        shop.say(who, end, Level::Info, "", &[], format_args!("checkpoint complete: wrote {buffers} buffers (1.1%); 0 WAL file(s) added, 0 removed, 1 recycled; write=11.{millis} s, sync=0.004 s, total=12.{millis} s"));
    }
}

fn slow_query(shop: &mut Shop, at: i64) {
    let millis = shop.random.between(510, 900);
    shop.say(alone(Svc::OrdersDb, 0), at, Level::Info, "catalog@orders", &[], format_args!("duration: {millis}.118 ms  statement: SELECT id, name, price FROM products WHERE category_id = $1 ORDER BY rank LIMIT 48"));
}

/// The report that nobody wrote an index for.
fn slow_report(shop: &mut Shop, at: i64) {
    let level = shop.fault_level(Kind::ConnectionPool, at);
    if level > 0.0 {
        let millis = 6_000 + (level * 9_000.0) as i64 + shop.random.between(0, 2_000);
        shop.say(alone(Svc::OrdersDb, 0), at, Level::Info, "inventory@orders", &[], format_args!("duration: {millis}.902 ms  statement: SELECT sku, sum(delta) FROM stock_movements GROUP BY sku HAVING sum(delta) < $1"));
    }
}

fn volumes(shop: &mut Shop, at: i64) {
    let pod = (at / 11 % 3) as usize;
    let filling =
        shop.trouble.as_ref().filter(|trouble| trouble.is(Kind::DiskFull) && trouble.at <= at && !trouble.over(at));
    if filling.is_some() {
        let full = if shop.fault_level(Kind::DiskFull, at) > 0.0 { 100 } else { 97 };
        shop.say(
            alone(Svc::Cluster, 0),
            at,
            Level::Warn,
            "eviction_manager.go:354",
            &[],
            format_args!("\"Volume is nearly full\" host=\"orders-db-0\" volume=\"pgdata\" usage=\"{full}%\""),
        );
    } else {
        shop.say(
            alone(Svc::Cluster, pod),
            at,
            Level::Info,
            "kubelet_volumes.go:163",
            &[],
            format_args!("\"Cleaned up orphaned pod volumes dir\" namespace=\"{ENVIRONMENT}\""),
        );
    }
}

/// Errors that mean nothing: there are always some.
fn odd_error(shop: &mut Shop, at: i64) {
    match shop.random.between(0, 2) {
        0 => {
            let who = any_of(shop, Svc::Shipping);
            shop.say(
                who,
                at,
                Level::Error,
                "",
                &[("carrier", Value::Text("gls"))],
                format_args!("pickup list not sent: carrier answered 500, next try in 10 min"),
            );
        }
        1 => {
            let who = any_of(shop, Svc::Email);
            let id = shop.random.between(1_000, 60_000);
            shop.say(
                who,
                at,
                Level::Error,
                "BOUNCE",
                &[],
                format_args!("mailbox of customer {id} unavailable: 550 5.1.1 no such user"),
            );
        }
        _ => {
            let who = any_of(shop, Svc::Payment);
            shop.say(
                who,
                at,
                Level::Error,
                "",
                &[],
                format_args!("webhook signature of paylane did not match, event ignored"),
            );
        }
    }
}
