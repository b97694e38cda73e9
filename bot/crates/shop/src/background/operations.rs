//! What the services say when an operator does something to them, and how they recover.

use crate::background::chores::alone;
use crate::background::pods::{node, started};
use crate::faults::BACKUP_ACQUIRER;
use crate::formats::Value;
use crate::line::Level;
use crate::services::Svc;
use crate::shop::{Event, Shop};
use crate::stamp::SECOND;

pub(crate) fn scaled(shop: &mut Shop, svc: Svc, replicas: usize, now: i64) {
    let before = shop.fleet.of(svc).pods.len();
    shop.fleet.scale(svc, replicas, &mut shop.random);
    node(
        shop,
        now + 300_000,
        Level::Info,
        format_args!("\"Scaled replica set\" deployment=\"{}\" from={before} to={replicas}", svc.info().name),
    );
    for pod in before..replicas {
        let at = now + SECOND + shop.random.between(0, SECOND);
        started(shop, svc, pod, at);
    }
}

/// What waited is worked off at a dozen a second.
pub(crate) fn queue_released(shop: &mut Shop, at: i64) {
    let waiting = shop.backlog.len();
    let fields = [("labels.queue", Value::Text(crate::faults::ORDERS_QUEUE))];
    shop.say(
        alone(Svc::Worker, 0),
        at,
        Level::Warn,
        "worker.consumer",
        &fields,
        format_args!(
            "message at the head of the queue moved to orders.accepted.dead, consumer resumed, {waiting} waiting"
        ),
    );
    let mut when = at + 5 * SECOND + 100_000;
    for order in std::mem::take(&mut shop.backlog) {
        when += 80_000;
        shop.at(when, Event::Order(order));
    }
}

pub(crate) fn disk_cleared(shop: &mut Shop, host: &str, now: i64) {
    node(
        shop,
        now + 500_000,
        Level::Info,
        format_args!("\"Disk space reclaimed\" host=\"{host}\" freed=\"31.2GiB\" usage=\"61%\""),
    );
    if host == "orders-db-0" {
        shop.say(
            alone(Svc::OrdersDb, 0),
            now + 900_000,
            Level::Info,
            "",
            &[],
            format_args!("checkpoint starting: immediate force"),
        );
    }
}

pub(crate) fn certificate_loaded(shop: &mut Shop, svc: Svc, at: i64) {
    for pod in 0..shop.fleet.of(svc).pods.len() {
        let when = at + pod as i64 * 240_000;
        if svc != Svc::Web && svc != Svc::OrdersDb && svc != Svc::Cluster {
            let name = svc.info().name;
            shop.say(
                alone(svc, pod),
                when,
                Level::Info,
                "tls",
                &[],
                format_args!("certificate of {name}.production.svc reloaded, valid for 90 days"),
            );
        }
    }
}

pub(crate) fn pool_resized(shop: &mut Shop, svc: Svc, before: u32, size: u32, at: i64) {
    if matches!(svc, Svc::Web | Svc::OrdersDb | Svc::Cluster) {
        return;
    }
    for pod in 0..shop.fleet.of(svc).pods.len() {
        let when = at + pod as i64 * 130_000;
        shop.say(
            alone(svc, pod),
            when,
            Level::Info,
            "c.zaxxer.hikari.HikariConfigMXBean",
            &[],
            format_args!("maximum pool size changed from {before} to {size}"),
        );
    }
}

pub(crate) fn flag_seen(shop: &mut Shop, svc: Svc, flag: &str, enabled: bool, at: i64) {
    let word = if enabled { "on" } else { "off" };
    for pod in 0..shop.fleet.of(svc).pods.len() {
        let when = at + pod as i64 * 90_000;
        shop.say(alone(svc, pod), when, Level::Info, "flags", &[], format_args!("flag {flag} is now {word}"));
    }
    if flag == BACKUP_ACQUIRER && enabled {
        shop.say(alone(svc, 0), at + 400_000, Level::Info, "", &[], format_args!("acquirer nordpay takes over"));
    }
}
