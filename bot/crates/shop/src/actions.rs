//! What an operator may do to the shop. Only the right remedy ends a fault; a wrong one helps for a while or not at all.

use serde::Deserialize;

use crate::Error;
use crate::background;
use crate::deploys::DeployKind;
use crate::faults::{Kind, ORDERS_QUEUE, Remedy};
use crate::services::{ENVIRONMENT, SERVICES, Svc};
use crate::shop::Shop;
use crate::stamp::SECOND;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Rollback(Rollback),
    Restart(Restart),
    Scale(Scale),
    Flag(Flag),
    Pool(Pool),
    UnblockQueue(Queue),
    ClearDisk(Disk),
    RotateCertificate(Certificate),
    Limit(Limit),
}

macro_rules! bodies {
    ($($name:ident { $($field:ident: $kind:ty),* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(pub $field: $kind),* }
    )*};
}

bodies! {
    Rollback { service: String, environment: String, to: String }
    Restart { service: String, environment: String }
    Scale { service: String, environment: String, replicas: usize }
    Flag { flag: String, environment: String, enabled: bool }
    Pool { service: String, environment: String, size: u32 }
    Queue { queue: String, environment: String }
    Disk { host: String }
    Certificate { service: String, environment: String }
    Limit { service: String, environment: String, requests_per_second: u32 }
}

const MOST_REPLICAS: usize = 20;
const OPERATOR: &str = "admin-api";

impl Shop {
    /// Says what an action would do, as a sentence, and does nothing.
    ///
    /// # Errors
    ///
    /// The same that [`Shop::act`] would return.
    pub fn dry_run(&self, action: &Action) -> Result<String, Error> {
        self.check(action).map(|(would, _)| would)
    }

    /// Does it, now; returns what was done, as a sentence.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] for a name the shop does not have, [`Error::Conflict`] where there is nothing to do or no way back,
    /// [`Error::Invalid`] for a value that can never be right. Nothing happened then.
    pub fn act(&mut self, action: &Action) -> Result<String, Error> {
        let (_, done) = self.check(action)?;
        let now = self.now();
        match action {
            Action::Rollback(body) => self.roll_back(service(&body.service)?, &body.to, now),
            Action::Restart(body) => self.restart(service(&body.service)?, now),
            Action::Scale(body) => {
                let svc = service(&body.service)?;
                background::scaled(self, svc, body.replicas, now);
                self.heal(now + 6 * SECOND, |remedy| {
                    matches!(remedy, Remedy::LimitOrScale { service, replicas, .. }
                        if service == svc.info().name && body.replicas >= replicas)
                });
            }
            Action::Flag(body) => self.switch(&body.flag, body.enabled, now),
            Action::Pool(body) => self.resize_pool(service(&body.service)?, body.size, now),
            Action::UnblockQueue(body) => {
                self.heal(now + SECOND, |remedy| matches!(remedy, Remedy::Queue { queue } if queue == body.queue));
                background::queue_released(self, now + SECOND);
            }
            Action::ClearDisk(body) => {
                self.heal(now + 2 * SECOND, |remedy| matches!(remedy, Remedy::Disk { host } if host == body.host));
                background::disk_cleared(self, &body.host, now);
            }
            Action::RotateCertificate(body) => {
                let svc = service(&body.service)?;
                self.heal(
                    now + 3 * SECOND,
                    |remedy| matches!(remedy, Remedy::Certificate { service } if service == svc.info().name),
                );
                background::certificate_loaded(self, svc, now + 2 * SECOND);
            }
            Action::Limit(body) => {
                let svc = service(&body.service)?;
                self.fleet.of_mut(svc).limit = Some(body.requests_per_second);
                self.heal(now + 2 * SECOND, |remedy| {
                    matches!(remedy, Remedy::LimitOrScale { service, at_most, .. }
                        if service == svc.info().name && body.requests_per_second <= at_most)
                });
            }
        }
        Ok(done)
    }

    /// The sentences for before and after, or why not.
    fn check(&self, action: &Action) -> Result<(String, String), Error> {
        let both = |would: String, done: String| Ok((would, done));
        match action {
            Action::Rollback(body) => {
                let svc = in_environment(&body.service, &body.environment)?;
                let member = self.fleet.of(svc);
                let is_config = body.to.starts_with(&format!("{}-config-", svc.info().name));
                let current = if is_config { member.config.as_str() } else { &*member.version };
                if !member.history.contains(&body.to) {
                    return Err(Error::Conflict(format!(
                        "`{}` was never deployed to `{}` (known: {})",
                        body.to,
                        body.service,
                        member.history.join(", ")
                    )));
                }
                if current == body.to {
                    return Err(Error::Conflict(format!("`{}` already runs `{}`", body.service, body.to)));
                }
                let pods = plural(member.pods.len(), "pod");
                both(
                    format!("{pods} would change from {current} to {}", body.to),
                    format!("rolling {pods} of {} back from {current} to {}", body.service, body.to),
                )
            }
            Action::Restart(body) => {
                let svc = in_environment(&body.service, &body.environment)?;
                let pods = plural(self.fleet.of(svc).pods.len(), "pod");
                both(
                    format!("{pods} of {} would be restarted, one after the other", body.service),
                    format!("restarting {pods} of {}, one after the other", body.service),
                )
            }
            Action::Scale(body) => {
                let svc = in_environment(&body.service, &body.environment)?;
                let present = self.fleet.of(svc).pods.len();
                if matches!(svc, Svc::OrdersDb | Svc::Cluster) {
                    return Err(Error::Conflict(format!("`{}` cannot be scaled by a number", body.service)));
                }
                if !(1..=MOST_REPLICAS).contains(&body.replicas) {
                    return Err(Error::Invalid(format!(
                        "`replicas` must lie between 1 and {MOST_REPLICAS}, not {}",
                        body.replicas
                    )));
                }
                if present == body.replicas {
                    return Err(Error::Conflict(format!("`{}` already has {present} replicas", body.service)));
                }
                both(
                    format!("{} would go from {present} to {} pods", body.service, body.replicas),
                    format!("{} goes from {present} to {} pods", body.service, body.replicas),
                )
            }
            Action::Flag(body) => {
                environment(&body.environment)?;
                let known = self.flags.iter().find(|(flag, _)| *flag == body.flag).ok_or_else(|| {
                    let known: Vec<&str> = self.flags.iter().map(|(flag, _)| *flag).collect();
                    Error::Unknown(format!("unknown flag `{}` (known: {})", body.flag, known.join(", ")))
                })?;
                let word = if body.enabled { "on" } else { "off" };
                if known.1 == body.enabled {
                    return Err(Error::Conflict(format!("flag `{}` is already {word}", body.flag)));
                }
                both(format!("flag {} would be {word}", body.flag), format!("flag {} is {word}", body.flag))
            }
            Action::Pool(body) => {
                let svc = in_environment(&body.service, &body.environment)?;
                if !(1..=500).contains(&body.size) {
                    return Err(Error::Invalid(format!("`size` must lie between 1 and 500, not {}", body.size)));
                }
                let present = self.fleet.of(svc).pool;
                if present == body.size {
                    return Err(Error::Conflict(format!("the pool of `{}` already has {present}", body.service)));
                }
                both(
                    format!(
                        "the pool of {} would go from {present} to {} connections per pod",
                        body.service, body.size
                    ),
                    format!("the pool of {} goes from {present} to {} connections per pod", body.service, body.size),
                )
            }
            Action::UnblockQueue(body) => {
                environment(&body.environment)?;
                if body.queue != ORDERS_QUEUE {
                    return Err(Error::Unknown(format!("unknown queue `{}` (known: {ORDERS_QUEUE})", body.queue)));
                }
                let stuck = self.fault_level(Kind::QueueStuck, self.now()) > 0.0;
                if !stuck && self.backlog.is_empty() {
                    return Err(Error::Conflict(format!("queue `{}` is not blocked", body.queue)));
                }
                let waiting = plural(self.backlog.len(), "message");
                both(
                    format!(
                        "the message at the head of {} would go to its dead-letter queue; {waiting} wait",
                        body.queue
                    ),
                    format!(
                        "the message at the head of {} went to its dead-letter queue; {waiting} waited",
                        body.queue
                    ),
                )
            }
            Action::ClearDisk(body) => {
                let mut hosts = [Svc::OrdersDb, Svc::Cluster].into_iter().flat_map(|svc| &self.fleet.of(svc).pods);
                if !hosts.any(|pod| *pod.name == *body.host) {
                    return Err(Error::Unknown(format!(
                        "unknown host `{}` (known: orders-db-0, node-1, node-2, node-3)",
                        body.host
                    )));
                }
                both(
                    format!("archived logs and temporary files on {} would be removed, about 31 GiB", body.host),
                    format!("removed archived logs and temporary files on {}, 31 GiB free", body.host),
                )
            }
            Action::RotateCertificate(body) => {
                in_environment(&body.service, &body.environment)?;
                both(
                    format!("{} would get a new certificate, valid for 90 days, and reload it", body.service),
                    format!("{} has a new certificate, valid for 90 days, and reloads it", body.service),
                )
            }
            Action::Limit(body) => {
                in_environment(&body.service, &body.environment)?;
                if body.requests_per_second == 0 {
                    return Err(Error::Invalid("`requests_per_second` must be at least 1".to_owned()));
                }
                both(
                    format!("{} would take at most {} requests/s per client", body.service, body.requests_per_second),
                    format!("{} takes at most {} requests/s per client", body.service, body.requests_per_second),
                )
            }
        }
    }

    fn roll_back(&mut self, svc: Svc, to: &str, now: i64) {
        let is_config = to.starts_with(&format!("{}-config-", svc.info().name));
        let (kind, from) = if is_config {
            (DeployKind::Config, self.fleet.configure(svc, to))
        } else {
            (DeployKind::Deploy, self.fleet.want(svc, to))
        };
        self.record(svc, kind, to, &from, now, (OPERATOR, &format!("rollback from {from}")));
        let done = self.roll(svc, now);
        let guilty = self.trouble.as_ref().and_then(|trouble| trouble.fault.change);
        if guilty.is_some_and(|change| change.version == from) {
            self.heal(done, |remedy| matches!(remedy, Remedy::Rollback { service } if service == svc.info().name));
        }
    }

    fn restart(&mut self, svc: Svc, now: i64) {
        let done = self.roll(svc, now);
        let Some(trouble) = &mut self.trouble else { return };
        if trouble.fault.culprit_svc() != Some(svc) || trouble.at > now {
            return;
        }
        let helps_for = match trouble.fault.kind {
            Kind::BadDeploy => 60 * SECOND,
            Kind::MemoryLeak => 150 * SECOND,
            Kind::ConnectionPool => 10 * SECOND,
            _ => return,
        };
        trouble.relieve(done, done + helps_for);
    }

    fn resize_pool(&mut self, svc: Svc, size: u32, now: i64) {
        let before = std::mem::replace(&mut self.fleet.of_mut(svc).pool, size);
        self.heal(now + 3 * SECOND, |remedy| {
            matches!(remedy, Remedy::Pool { service, at_least } if service == svc.info().name && size >= at_least)
        });
        background::pool_resized(self, svc, before, size, now + 2 * SECOND);
        let leaks = svc == Svc::Checkout && self.fault_level(Kind::BadDeploy, now) > 0.0;
        if let (true, Some(trouble)) = (leaks && size > before, &mut self.trouble) {
            trouble.relieve(now, now + 45 * SECOND);
        }
    }

    fn switch(&mut self, flag: &str, enabled: bool, now: i64) {
        self.set_flag(flag, enabled);
        let svc = match flag {
            crate::faults::EMBEDDING_RANKER => Svc::Recommendations,
            crate::faults::BACKUP_ACQUIRER => Svc::Payment,
            _ => Svc::Checkout,
        };
        let word = |on| if on { "on" } else { "off" };
        let (to, from) = (format!("{flag}={}", word(enabled)), format!("{flag}={}", word(!enabled)));
        self.record(svc, DeployKind::Flag, &to, &from, now, (OPERATOR, "switched by an operator"));
        background::flag_seen(self, svc, flag, enabled, now + 400_000);
        self.heal(
            now + SECOND,
            |remedy| matches!(remedy, Remedy::Flag { flag: cure, enabled: way } if cure == flag && way == enabled),
        );
    }

    /// Ends the fault at `when` if it has struck and this is its remedy.
    fn heal(&mut self, when: i64, is_cure: impl Fn(Remedy) -> bool) {
        let now = self.now();
        if let Some(trouble) = &mut self.trouble
            && trouble.at <= now
            && is_cure(trouble.fault.remedy)
        {
            trouble.end(when);
        }
    }
}

fn service(name: &str) -> Result<Svc, Error> {
    Svc::named(name).ok_or_else(|| {
        let known: Vec<&str> = SERVICES.iter().map(|service| service.name).collect();
        Error::Unknown(format!("unknown service `{name}` (known: {})", known.join(", ")))
    })
}

fn environment(name: &str) -> Result<(), Error> {
    if name == ENVIRONMENT {
        return Ok(());
    }
    Err(Error::Unknown(format!("unknown environment `{name}` (known: {ENVIRONMENT})")))
}

fn in_environment(name: &str, place: &str) -> Result<Svc, Error> {
    environment(place)?;
    service(name)
}

fn plural(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
