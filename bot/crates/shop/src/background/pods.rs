//! Pods that end and start: rollouts, restarts, and the kernel's kills.

use crate::background::chores::alone;
use crate::faults::Kind;
use crate::line::Level;
use crate::services::{ENVIRONMENT, Svc};
use crate::shop::{Event, Shop};
use crate::stamp::SECOND;

pub(crate) fn replace_pod(shop: &mut Shop, svc: Svc, pod: usize, at: i64) {
    if pod >= shop.fleet.of(svc).pods.len() {
        return;
    }
    let who = alone(svc, pod);
    if speaks(svc) {
        shop.say(who, at, Level::Info, "main", &[], format_args!("SIGTERM received, finishing open requests"));
    }
    let old = shop.fleet.replace(svc, pod, &mut shop.random);
    let name = std::sync::Arc::clone(&old.name);
    node(
        shop,
        at + 1_000,
        Level::Info,
        format_args!(
            "\"Killing container with a grace period\" pod=\"{ENVIRONMENT}/{name}\" containerName=\"{}\" gracePeriod=30",
            svc.info().name
        ),
    );
    started(shop, svc, pod, at + 2_000);
}

/// The lines of a pod that comes up.
pub(crate) fn started(shop: &mut Shop, svc: Svc, pod: usize, at: i64) {
    let Some(fresh) = shop.fleet.of(svc).pods.get(pod) else { return };
    let (name, version) = (std::sync::Arc::clone(&fresh.name), std::sync::Arc::clone(&fresh.version));
    node(shop, at, Level::Info, format_args!("\"SyncLoop ADD\" source=\"api\" pods=[\"{ENVIRONMENT}/{name}\"]"));
    if speaks(svc) {
        let who = alone(svc, pod);
        let config = shop.fleet.of(svc).config.clone();
        shop.say(
            who,
            at + 400_000,
            Level::Info,
            "main",
            &[],
            format_args!("starting {} {version} with {config}", svc.info().name),
        );
        let listening = at + 400_000 + shop.random.latency(600.0);
        shop.say(who, listening, Level::Info, "main", &[], format_args!("listening on :8080"));
        let is_new = shop.fleet.of(svc).history.iter().skip(4).any(|known| **known == *version);
        if is_new && !svc.info().novelty.is_empty() {
            shop.say(who, listening + 900, Level::Info, "main", &[], format_args!("{}", svc.info().novelty));
        }
        node(
            shop,
            listening + SECOND,
            Level::Info,
            format_args!("\"SyncLoop (probe)\" probe=\"readiness\" status=\"ready\" pod=\"{ENVIRONMENT}/{name}\""),
        );
    }
}

/// nginx, PostgreSQL and the kubelets do not announce themselves in the words of our services.
fn speaks(svc: Svc) -> bool {
    !matches!(svc, Svc::Web | Svc::OrdersDb | Svc::Cluster)
}

pub(crate) fn node(shop: &mut Shop, at: i64, level: Level, message: std::fmt::Arguments<'_>) {
    let pod = (at / 7 % 3) as usize;
    shop.say(alone(Svc::Cluster, pod), at, level, "kubelet.go:2412", &[], message);
}

/// While the leak lasts, a pod of catalog is killed every now and then and comes back empty.
pub(crate) fn kill_leaking(shop: &mut Shop, at: i64) {
    let level = shop.fault_level(Kind::MemoryLeak, at);
    if shop.trouble.as_ref().is_some_and(|trouble| trouble.over(at)) {
        return;
    }
    if level > 0.6 {
        let pod = (shop.random.next() % shop.fleet.of(Svc::Catalog).pods.len() as u64) as usize;
        let name = std::sync::Arc::clone(&shop.fleet.of(Svc::Catalog).pods[pod].name);
        node(
            shop,
            at,
            Level::Warn,
            format_args!(
                "\"Memory cgroup out of memory: killed process\" pid={} comm=\"java\" anon-rss=\"1043904kB\"",
                at / 997 % 30_000 + 900
            ),
        );
        node(
            shop,
            at + 30_000,
            Level::Error,
            format_args!(
                "\"Container exited\" pod=\"{ENVIRONMENT}/{name}\" containerName=\"catalog\" reason=\"OOMKilled\" exitCode=137"
            ),
        );
        let back = at + 2 * SECOND;
        started(shop, Svc::Catalog, pod, back);
    }
    let next = at + shop.random.between(25, 55) * SECOND;
    shop.at(next, Event::Kill);
}
