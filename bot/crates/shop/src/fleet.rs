//! The pods that run, and how a new version replaces them one by one.

use std::sync::Arc;

use crate::formats::hex;
use crate::random::Random;
use crate::services::{ALL, Svc};

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) name: Arc<str>,
    pub(crate) ip: String,
    pub(crate) version: Arc<str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// What was asked for last; pods follow.
    pub(crate) version: Arc<str>,
    pub(crate) config: String,
    /// Every version and configuration that ever ran, oldest first.
    pub(crate) history: Vec<String>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) pool: u32,
    pub(crate) limit: Option<u32>,
    next_number: u32,
    /// Requests and errors of the current and of the last full ten seconds.
    pub(crate) tally: Tally,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    slot: i64,
    now: (u32, u32),
    last: (u32, u32),
}

const SLOT: i64 = 10_000_000;

impl Tally {
    pub(crate) fn add(&mut self, at: i64, failed: bool) {
        self.turn(at);
        self.now.0 += 1;
        self.now.1 += u32::from(failed);
    }

    fn turn(&mut self, at: i64) {
        let slot = at / SLOT;
        if slot > self.slot {
            self.last = if slot == self.slot + 1 { self.now } else { (0, 0) };
            self.now = (0, 0);
            self.slot = slot;
        }
    }

    /// Requests and errors per second.
    pub(crate) fn rates(mut self, at: i64) -> (f64, f64) {
        self.turn(at);
        (f64::from(self.last.0) / 10.0, f64::from(self.last.1) / 10.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    members: Vec<Member>,
}

impl Fleet {
    pub(crate) fn new(random: &mut Random) -> Fleet {
        let mut fleet = Fleet { members: Vec::new() };
        for svc in ALL {
            let info = svc.info();
            let version: Arc<str> = format!("{}{}", info.version.0, info.version.1).into();
            let earlier = format!("{}{}", info.version.0, info.version.1 - 1);
            let config = format!("{}-config-117", info.name);
            let pods = (0..info.replicas).map(|position| pod(svc, position, &version, random)).collect();
            fleet.members.push(Member {
                history: vec![earlier, format!("{}-config-116", info.name), version.to_string(), config.clone()],
                version,
                config,
                pods,
                pool: 10,
                limit: None,
                next_number: info.version.1 + 1,
                tally: Tally::default(),
            });
        }
        fleet
    }

    pub(crate) fn of(&self, svc: Svc) -> &Member {
        &self.members[svc as usize]
    }

    pub(crate) fn of_mut(&mut self, svc: Svc) -> &mut Member {
        &mut self.members[svc as usize]
    }

    /// The version that the next ordinary deploy brings.
    pub(crate) fn next_version(&self, svc: Svc) -> String {
        format!("{}{}", svc.info().version.0, self.of(svc).next_number)
    }

    /// Asks for a version; returns the one before. Pods change when they are replaced.
    pub(crate) fn want(&mut self, svc: Svc, version: &str) -> String {
        let prefix = svc.info().version.0;
        let member = self.of_mut(svc);
        if let Some(number) = version.strip_prefix(prefix).and_then(|number| number.parse::<u32>().ok()) {
            member.next_number = member.next_number.max(number + 1);
        }
        if !member.history.iter().any(|known| known == version) {
            member.history.push(version.to_owned());
        }
        std::mem::replace(&mut member.version, version.into()).to_string()
    }

    pub(crate) fn configure(&mut self, svc: Svc, config: &str) -> String {
        let member = self.of_mut(svc);
        if !member.history.iter().any(|known| known == config) {
            member.history.push(config.to_owned());
        }
        std::mem::replace(&mut member.config, config.to_owned())
    }

    /// Puts a fresh pod of the wanted version in a pod's place; returns the old one.
    pub(crate) fn replace(&mut self, svc: Svc, position: usize, random: &mut Random) -> Pod {
        let version = Arc::clone(&self.of(svc).version);
        let fresh = pod(svc, position, &version, random);
        std::mem::replace(&mut self.of_mut(svc).pods[position], fresh)
    }

    pub(crate) fn scale(&mut self, svc: Svc, replicas: usize, random: &mut Random) {
        let version = Arc::clone(&self.of(svc).version);
        self.of_mut(svc).pods.truncate(replicas);
        for position in self.of(svc).pods.len()..replicas {
            let fresh = pod(svc, position, &version, random);
            self.of_mut(svc).pods.push(fresh);
        }
    }
}

fn pod(svc: Svc, position: usize, version: &Arc<str>, random: &mut Random) -> Pod {
    let info = svc.info();
    let name = match svc {
        Svc::OrdersDb => format!("orders-db-{position}"),
        Svc::Web => format!("web-{}", position + 1),
        Svc::Cluster => format!("node-{}", position + 1),
        _ => {
            let seed = version.bytes().fold(svc as u64 + 11, |sum, byte| sum.wrapping_mul(1_000_003) + u64::from(byte));
            let mut name = format!("{}-", info.name);
            hex(&mut name, u128::from(Random::new(seed).next()), 9);
            name.push('-');
            for _ in 0..5 {
                name.push(char::from(*random.pick(b"bcdfghjklmnpqrstvwxz2456789")));
            }
            name
        }
    };
    let ip = format!("10.42.{}.{}", position % 3 + 1, random.between(10, 240));
    Pod { name: name.into(), ip, version: Arc::clone(version) }
}
