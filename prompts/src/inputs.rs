//! What `tell` may know of an answer. Proposals, steps, links and the asker are left out, so that no prompt can mention them.

use evidence::answer::{self, Answer};
use evidence::{Time, TimeWindow};
use jiff::tz::TimeZone;
use serde::Serialize;

/// An extract of an answer, with times as a person in `zone` would write them. Cleaning and shortening come later, in one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TellInputs {
    pub question: String,
    pub zone: String,
    pub window: Window,
    pub baseline: Option<Window>,
    pub onset: Option<String>,
    pub verdict: String,
    pub headline: String,
    pub claims: Vec<Claim>,
    pub suspects: Vec<Suspect>,
    pub evidence: Vec<Evidence>,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Window {
    pub day: String,
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    pub text: String,
    pub citations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspect {
    pub service: String,
    pub why: String,
    pub citations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub id: String,
    pub kind: String,
    pub service: String,
    pub level: Option<String>,
    pub template: String,
    pub count: u64,
    pub baseline_count: u64,
    pub first: Option<String>,
    pub last: Option<String>,
    pub after: Option<After>,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct After {
    pub template: String,
    pub due: u64,
    pub missed: u64,
    pub baseline_due: u64,
    pub baseline_missed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    pub time: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub id: String,
    pub kind: String,
    pub service: String,
    pub version: String,
    pub previous: Option<String>,
    pub at: String,
    pub by: Option<String>,
    pub suspected: bool,
    pub why: String,
}

impl TellInputs {
    /// `zone` is an IANA name; one that is not known is read as UTC, and the inputs say so.
    pub fn of(answer: &Answer, zone: &str) -> TellInputs {
        let clock = Clock::new(zone);
        // A claim that cites nothing is about coverage; a model cannot retell what it cannot cite.
        let claims = answer.claims.iter().filter(|claim| claim.verified && !claim.citations.is_empty());
        TellInputs {
            question: answer.question.to_string(),
            zone: clock.name.clone(),
            window: clock.window(answer.window.from, answer.window.to),
            baseline: answer.baseline.map(|baseline: TimeWindow| clock.window(baseline.from(), baseline.to())),
            onset: answer.window.onset.map(|onset| clock.time(onset)),
            verdict: answer.verdict.to_string(),
            headline: answer.headline.clone(),
            claims: claims
                .map(|claim| Claim { text: claim.text.clone(), citations: claim.citations.clone() })
                .collect(),
            suspects: answer.suspects.iter().map(suspect).collect(),
            evidence: answer.evidence.iter().map(|row| clock.evidence(row)).collect(),
            changes: answer.changes.iter().map(|change| clock.change(change)).collect(),
        }
    }
}

fn suspect(suspect: &answer::Suspect) -> Suspect {
    Suspect { service: suspect.service.clone(), why: suspect.why.clone(), citations: suspect.citations.clone() }
}

/// Writes times for one zone.
struct Clock {
    name: String,
    zone: TimeZone,
}

impl Clock {
    fn new(name: &str) -> Clock {
        match TimeZone::get(name) {
            Ok(zone) => Clock { name: name.to_owned(), zone },
            Err(_) => Clock { name: "UTC".to_owned(), zone: TimeZone::UTC },
        }
    }

    fn time(&self, time: Time) -> String {
        self.print(time, "%H:%M:%S")
    }

    fn print(&self, time: Time, format: &str) -> String {
        time.to_timestamp().to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    fn window(&self, from: Time, to: Time) -> Window {
        let (day, last_day) = (self.print(from, "%Y-%m-%d"), self.print(to, "%Y-%m-%d"));
        let day = if day == last_day { day } else { format!("{day} to {last_day}") };
        Window { day, from: self.time(from), to: self.time(to) }
    }

    fn evidence(&self, row: &answer::Evidence) -> Evidence {
        let after = row.after.as_ref().map(|after| After {
            template: after.template.clone(),
            due: after.due,
            missed: after.missed,
            baseline_due: after.baseline_due,
            baseline_missed: after.baseline_missed,
        });
        Evidence {
            id: row.id.clone(),
            kind: row.kind.as_str().replace('_', " "),
            service: row.service.clone(),
            level: row.level.map(|level| level.to_string()),
            template: row.template.clone(),
            count: row.count,
            baseline_count: row.baseline_count,
            first: row.first.map(|time| self.time(time)),
            last: row.last.map(|time| self.time(time)),
            after,
            samples: row
                .samples
                .iter()
                .map(|sample| Sample { time: self.time(sample.time), text: sample.text.to_string() })
                .collect(),
        }
    }

    fn change(&self, change: &answer::RankedChange) -> Change {
        Change {
            id: change.id.clone(),
            kind: change.kind.as_str().to_owned(),
            service: change.service.clone(),
            version: change.version.clone(),
            previous: change.previous.clone(),
            at: self.time(change.at),
            by: change.by.clone(),
            suspected: change.suspected,
            why: change.why.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_askers_zone() {
        let time: Time = "2026-11-21T23:30:05Z".parse().expect("a time");
        let later: Time = "2026-11-22T00:30:05Z".parse().expect("a time");
        let check = |zone: &str, expected: (&str, &str, &str)| {
            let clock = Clock::new(zone);
            let window = clock.window(time, later);
            assert_eq!((clock.name.as_str(), window.from.as_str(), window.day.as_str()), expected, "{zone}");
        };
        check("UTC", ("UTC", "23:30:05", "2026-11-21 to 2026-11-22"));
        check("Asia/Tokyo", ("Asia/Tokyo", "08:30:05", "2026-11-22"));
        check("Not/AZone", ("UTC", "23:30:05", "2026-11-21 to 2026-11-22"));
    }
}
