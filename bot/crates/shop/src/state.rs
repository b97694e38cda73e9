//! How the shop is doing, for tests and for a panel beside the demo.

use serde::Serialize;

use crate::services::ALL;
use crate::shop::Shop;
use crate::stamp;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    /// RFC 3339.
    pub at: String,
    pub environment: &'static str,
    /// The planted fault, from when it strikes; kept when it is over.
    pub fault: Option<&'static str>,
    /// Whether its symptoms show now.
    pub failing: bool,
    /// Orders accepted that the worker has not picked up.
    pub backlog: usize,
    pub services: Vec<ServiceState>,
    pub flags: Vec<Flag>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceState {
    pub service: &'static str,
    pub version: String,
    pub config: String,
    pub pods: usize,
    /// Names of the pods or hosts that run now.
    pub hosts: Vec<String>,
    /// Share of the last requests that went well, `0.0..=1.0`.
    pub healthy: f64,
    pub requests_per_second: f64,
    pub errors_per_second: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    pub flag: &'static str,
    pub enabled: bool,
}

impl Shop {
    pub fn state(&self) -> State {
        let now = self.now();
        let services = ALL.map(|svc| {
            let member = self.fleet.of(svc);
            let (requests, errors) = member.tally.rates(now);
            ServiceState {
                service: svc.info().name,
                version: member.version.to_string(),
                config: member.config.clone(),
                pods: member.pods.len(),
                hosts: member.pods.iter().map(|pod| pod.name.to_string()).collect(),
                healthy: if requests > 0.0 { 1.0 - errors / requests } else { 1.0 },
                requests_per_second: requests,
                errors_per_second: errors,
            }
        });
        let struck = self.trouble.as_ref().filter(|trouble| trouble.at <= now);
        State {
            at: stamp::rfc3339(now),
            environment: crate::services::ENVIRONMENT,
            fault: struck.map(|trouble| trouble.fault.name),
            failing: struck.is_some_and(|trouble| trouble.intensity(now) > 0.0),
            backlog: self.backlog.len(),
            services: services.to_vec(),
            flags: self.flags.iter().map(|&(flag, enabled)| Flag { flag, enabled }).collect(),
        }
    }
}
