//! Phrases that people write, and what they must be read as. Now is Wednesday 2026-03-11, 14:30:00 UTC.

use evidence::answer::QuestionKind::{self, *};
use evidence::{Change, ChangeKind, Severity};

use super::*;
use crate::clock;

mod asked;
mod conversation;
mod hostile;
mod timed;

const SERVICES: [&str; 13] = [
    "auth",
    "cart",
    "catalog",
    "checkout",
    "email",
    "gateway",
    "inventory",
    "payments",
    "search",
    "order-service",
    "user-profile",
    "recommendation_engine",
    "shippingApi",
];

fn now() -> Time {
    "2026-03-11T14:30:00Z".parse().unwrap()
}

fn services(names: &[&str]) -> Vec<KnownService> {
    names.iter().map(|name| KnownService::named(*name)).collect()
}

fn deploys() -> Vec<Change> {
    let change = |service: &str, version: &str, at: &str| Change {
        service: service.into(),
        kind: ChangeKind::Deploy,
        version: version.into(),
        previous: None,
        environment: None,
        at: at.parse().unwrap(),
        by: None,
        url: None,
        note: None,
    };
    vec![change("checkout", "v1.42", "2026-03-11T14:01:48Z"), change("search", "v7", "2026-03-11T13:40:00Z")]
}

struct Asking {
    zone: &'static str,
    names: Vec<&'static str>,
    reach: Option<(&'static str, &'static str)>,
    overrides: Overrides,
    before: Option<Context>,
}

impl Default for Asking {
    fn default() -> Asking {
        let reach = Some(("2026-03-01T00:00:00Z", "2026-03-11T14:29:59Z"));
        Asking { zone: "UTC", names: SERVICES.to_vec(), reach, overrides: Overrides::default(), before: None }
    }
}

impl Asking {
    fn ask(&self, text: &str) -> Result<Question, Error> {
        let services = services(&self.names);
        let changes = deploys();
        let reach = self.reach.map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap()));
        let zone = TimeZone::get(self.zone).unwrap();
        let known = Known { now: now(), zone, services: &services, reach, changes: &changes };
        understand(text, &known, &self.overrides, self.before.as_ref())
    }

    /// The window in UTC, as `13:45–14:15`.
    fn window(&self, text: &str) -> String {
        match self.ask(text) {
            Ok(question) => question.window.map_or("none".into(), |window| clock::span(window, now(), &TimeZone::UTC)),
            Err(error) => error.to_string(),
        }
    }
}

fn ask(text: &str) -> Question {
    Asking::default().ask(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}
