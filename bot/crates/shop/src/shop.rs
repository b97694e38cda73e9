//! The shop itself: a clock that jumps from one event to the next. How far each `step` goes does not change what is said.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::sync::Arc;

use crate::background;
use crate::deploys::{AUTHORS, Deploy, DeployKind, NOTES};
use crate::faults::{EMBEDDING_RANKER, Fault, Kind};
use crate::fleet::Fleet;
use crate::formats::{Entry, Value};
use crate::line::{Level, Line};
use crate::random::Random;
use crate::services::{ALL, ENVIRONMENT, Svc};
use crate::stamp::{HOUR, MINUTE, SECOND};
use crate::traffic::{self, Visit};
use crate::trouble::Trouble;

#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    /// Microseconds since the epoch, UTC.
    pub start: i64,
    /// Visitors' requests, averaged over a day. One makes about seven lines.
    pub requests_per_second: f64,
    /// What goes wrong, and when.
    pub fault: Option<(&'static Fault, i64)>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { seed: 1, start: 0, requests_per_second: 5.0, fault: None }
    }
}

/// Who says a line.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) svc: Svc,
    pub(crate) pod: usize,
    pub(crate) call: Option<(u128, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// One pod of a rollout or restart is replaced.
    Replace {
        service: usize,
        pod: usize,
    },
    OrdinaryDeploy,
    InnocentDeploy,
    Guilty,
    /// An accepted order reaches the worker.
    Order(Order),
    Chore(usize),
    /// The kernel kills a pod that leaks.
    Kill,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) trace: u128,
    pub(crate) customer: u32,
    pub(crate) accepted_at: i64,
    pub(crate) attempt: u32,
}

pub struct Shop {
    pub(crate) settings: Settings,
    pub(crate) random: Random,
    pub(crate) fleet: Fleet,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) deploys: Vec<Deploy>,
    pub(crate) events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    pub(crate) backlog: VecDeque<Order>,
    pub(crate) flags: Vec<(&'static str, bool)>,
    pub(crate) next_order: u64,
    now: i64,
    n_events: u64,
    next_visit: i64,
    pending: Vec<Line>,
}

impl Shop {
    pub fn new(settings: Settings) -> Shop {
        let mut random = Random::new(settings.seed);
        let fleet = Fleet::new(&mut random);
        let mut shop = Shop {
            fleet,
            trouble: settings.fault.map(|(fault, at)| Trouble::new(fault, at)),
            deploys: Vec::new(),
            events: BinaryHeap::new(),
            backlog: VecDeque::new(),
            flags: vec![
                (EMBEDDING_RANKER, false),
                (crate::faults::BACKUP_ACQUIRER, false),
                ("express-checkout", true),
                ("gift-wrapping", false),
            ],
            next_order: 480_000 + random.next() % 90_000,
            now: settings.start,
            n_events: 0,
            next_visit: settings.start,
            pending: Vec::new(),
            settings,
            random,
        };
        background::schedule(&mut shop);
        shop.plan_changes();
        shop
    }

    fn plan_changes(&mut self) {
        let start = self.settings.start;
        let quiet = self.trouble.as_ref().is_some_and(|trouble| trouble.is(Kind::QuietDay));
        if !quiet {
            let first = start + self.random.between(10 * MINUTE, 50 * MINUTE);
            self.at(first, Event::OrdinaryDeploy);
        }
        if let Some((fault, at)) = self.settings.fault {
            self.at(at, Event::Guilty);
            if fault.kind != Kind::QuietDay && at - 22 * MINUTE > start {
                let before = at - self.random.between(9 * MINUTE, 22 * MINUTE);
                self.at(before, Event::InnocentDeploy);
            }
            if fault.kind == Kind::MemoryLeak {
                self.at(at + 200 * SECOND, Event::Kill);
            }
        }
    }

    /// Everything said before `until` and not yet handed out, in order of time.
    pub fn step(&mut self, until: i64) -> Vec<Line> {
        loop {
            let next_event = self.events.peek().map_or(i64::MAX, |Reverse((at, _, _))| *at);
            if next_event.min(self.next_visit) >= until {
                break;
            }
            if next_event <= self.next_visit {
                let Some(Reverse((at, _, event))) = self.events.pop() else { break };
                self.now = at;
                self.happen(at, event);
            } else {
                let at = self.next_visit;
                self.now = at;
                self.arrive(at);
            }
        }
        self.now = self.now.max(until);
        self.pending.sort_by_key(|line| line.at);
        let later = self.pending.partition_point(|line| line.at < until);
        let rest = self.pending.split_off(later);
        std::mem::replace(&mut self.pending, rest)
    }

    /// Up to where the shop has lived.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Every change so far, oldest first, rollbacks included.
    pub fn deploys(&self) -> &[Deploy] {
        &self.deploys
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn at(&mut self, at: i64, event: Event) {
        self.n_events += 1;
        self.events.push(Reverse((at, self.n_events, event)));
    }

    fn arrive(&mut self, at: i64) {
        let surge = 1.6 * self.fault_level(Kind::TrafficSurge, at);
        let usual = self.settings.requests_per_second * traffic::shape(at);
        self.next_visit = at + self.random.gap(usual * (1.0 + surge));
        let from_surge = surge > 0.0 && self.random.chance(surge / (1.0 + surge));
        let dice = self.random.unit();
        let visit = if from_surge { Visit::Search } else { traffic::visit(dice) };
        self.visit(at, visit, from_surge);
    }

    fn happen(&mut self, at: i64, event: Event) {
        match event {
            Event::Replace { service, pod } => background::replace_pod(self, ALL[service], pod, at),
            Event::OrdinaryDeploy => {
                let next = at + self.random.between(45 * MINUTE, 2 * HOUR);
                self.at(next, Event::OrdinaryDeploy);
                let svc = self.someone_innocent();
                self.deploy_next(svc, at);
            }
            Event::InnocentDeploy => {
                let of_search = !self.is_involved(Svc::Search);
                self.deploy_next(if of_search { Svc::Search } else { Svc::Auth }, at);
            }
            Event::Guilty => self.strike(at),
            Event::Order(order) => self.fulfil(at, order),
            Event::Chore(chore) => background::chore(self, chore, at),
            Event::Kill => background::kill_leaking(self, at),
        }
    }

    /// Whether a deploy of it could be mistaken for the cause, by reason and not by chance.
    fn is_involved(&self, svc: Svc) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.fault.culprit_svc() == Some(svc))
    }

    fn someone_innocent(&mut self) -> Svc {
        loop {
            let svc = *self.random.pick(&ALL);
            if svc.info().deployed && !self.is_involved(svc) {
                return svc;
            }
        }
    }

    fn deploy_next(&mut self, svc: Svc, at: i64) {
        let version = self.fleet.next_version(svc);
        let by = *self.random.pick(&AUTHORS);
        let note = *self.random.pick(&NOTES);
        self.deploy(svc, &version, at, by, note);
    }

    /// Records a deploy and starts to replace the pods.
    pub(crate) fn deploy(&mut self, svc: Svc, version: &str, at: i64, by: &str, note: &str) {
        let previous = self.fleet.want(svc, version);
        self.record(svc, DeployKind::Deploy, version, &previous, at, (by, note));
        self.roll(svc, at);
    }

    pub(crate) fn record(
        &mut self,
        svc: Svc,
        kind: DeployKind,
        version: &str,
        previous: &str,
        at: i64,
        (by, note): (&str, &str),
    ) {
        self.deploys.push(Deploy {
            service: svc.info().name,
            kind,
            version: version.to_owned(),
            previous: previous.to_owned(),
            environment: ENVIRONMENT,
            at,
            by: by.to_owned(),
            note: note.to_owned(),
        });
    }

    /// Replaces every pod, one after the other; returns when the last one is done.
    pub(crate) fn roll(&mut self, svc: Svc, at: i64) -> i64 {
        let mut when = at + 1_200_000;
        for pod in 0..self.fleet.of(svc).pods.len() {
            self.at(when, Event::Replace { service: svc as usize, pod });
            when += self.random.between(1_800_000, 3_400_000);
        }
        when
    }

    fn strike(&mut self, at: i64) {
        let Some((fault, _)) = self.settings.fault else { return };
        if fault.kind == Kind::InnocentDeploy {
            self.deploy_next(Svc::Search, at);
        }
        let Some(change) = fault.change else { return };
        let Some(svc) = Svc::named(change.service) else { return };
        match change.kind {
            DeployKind::Deploy => self.deploy(svc, change.version, at, change.by, change.note),
            DeployKind::Config | DeployKind::Infra => {
                let previous = self.fleet.configure(svc, change.version);
                self.record(svc, change.kind, change.version, &previous, at, (change.by, change.note));
                self.roll(svc, at);
            }
            DeployKind::Flag => {
                self.set_flag(EMBEDDING_RANKER, true);
                self.record(svc, change.kind, change.version, change.previous, at, (change.by, change.note));
            }
        }
    }

    pub(crate) fn set_flag(&mut self, flag: &str, enabled: bool) {
        for known in &mut self.flags {
            if known.0 == flag {
                known.1 = enabled;
            }
        }
    }

    /// How bad this kind of fault is at the time; `0.0` when it is not the one that was planted.
    pub(crate) fn fault_level(&self, kind: Kind, at: i64) -> f64 {
        match &self.trouble {
            Some(trouble) if trouble.is(kind) => trouble.intensity(at),
            _ => 0.0,
        }
    }

    /// Some pod of a service, with a new span of the trace.
    pub(crate) fn who(&mut self, svc: Svc, trace: u128) -> Who {
        let pod = (self.random.next() % self.fleet.of(svc).pods.len().max(1) as u64) as usize;
        let span = self.random.next() | 1;
        Who { svc, pod, call: Some((trace, span)) }
    }

    pub(crate) fn say(
        &mut self,
        who: Who,
        at: i64,
        level: Level,
        logger: &str,
        fields: &[(&str, Value<'_>)],
        message: fmt::Arguments<'_>,
    ) {
        let info = who.svc.info();
        let pods = &self.fleet.of(who.svc).pods;
        let Some(pod) = pods.get(who.pod).or_else(|| pods.first()) else { return };
        let entry = Entry {
            at,
            level,
            service: info.name,
            host: &pod.name,
            version: &pod.version,
            logger,
            call: who.call,
            fields,
            message,
        };
        let text = info.format.render(&entry);
        let line = Line { source: info.source, service: info.name, host: Arc::clone(&pod.name), at, text };
        self.pending.push(line);
    }

    /// Counts a request to a service for [`Shop::state`].
    pub(crate) fn count(&mut self, svc: Svc, at: i64, failed: bool) {
        self.fleet.of_mut(svc).tally.add(at, failed);
    }
}
