//! The smallest incident that has a cause: three services, a deploy of one of them, and an error that it never wrote before.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::place::Place;

/// What was written, and when it broke.
pub struct Story {
    pub log: String,
    pub lines: usize,
    pub deployed_at: Timestamp,
    pub end: Timestamp,
}

impl Story {
    /// Two hours and ten minutes until now; broken for the last ten minutes.
    pub fn until_now() -> Story {
        Story::until(Timestamp::now())
    }

    pub fn until(end: Timestamp) -> Story {
        let end = Timestamp::from_second(end.as_second()).expect("a whole second is a time");
        let start = end - SignedDuration::from_mins(130);
        let deployed_at = end - SignedDuration::from_mins(10);
        let broken_at = deployed_at + SignedDuration::from_secs(20);
        let mut log = String::new();
        let mut order = 1_000;
        let mut at = start;
        while at < end {
            for turn in 0..2 {
                order += 1;
                let time = at + SignedDuration::from_millis(turn * 300);
                let mut line = |service: &str, level: &str, text: String| {
                    writeln!(log, r#"{{"time":"{time:.3}","level":"{level}","service":"{service}","host":"{service}-1","message":"{text}"}}"#)
                        .expect("text grows");
                };
                line("gateway", "info", format!("request POST /orders answered 200 in {} ms", 20 + order % 37));
                if turn == 1 && at > broken_at {
                    line(
                        "checkout",
                        "error",
                        format!("connection pool exhausted after {} ms, {} waiting", 500 + order % 40, order % 9),
                    );
                } else {
                    line("checkout", "info", format!("order {order} accepted for customer {}", order % 91));
                }
                line("payment", "info", format!("charged card for order {order} in {} ms", order % 50));
            }
            at += SignedDuration::from_secs(4);
        }
        Story { lines: log.lines().count(), log, deployed_at, end }
    }

    /// Indexes the log and records the guilty deploy.
    pub fn tell(&self, place: &Place) {
        place.write("shop.ndjson", &self.log);
        place.ok(&["index", "shop.ndjson"]);
        self.record_deploy(place);
    }

    pub fn record_deploy(&self, place: &Place) {
        let at = self.deployed_at.to_string();
        let change = [
            "--service",
            "checkout",
            "--version",
            "v1.42",
            "--previous",
            "v1.41",
            "--env",
            "production",
            "--by",
            "mara",
            "--at",
            &at,
        ];
        place.ok(&[&["deploy", "record"][..], &change].concat());
    }
}

/// A folder `runbooks` with the shipped rollback, without its watch over the logs: these logs do not go on.
pub fn rollback_without_watching(place: &Place) {
    let shipped = crate::place::read("runbooks/library/roll-back-deploy.md");
    let (before, rest) = shipped.split_once("verify:\n").expect("the shipped rollback is verified");
    let (_, after) = rest.split_once("undo:").expect("the shipped rollback says how to undo it");
    place.write("runbooks/roll-back-deploy.md", format!("{before}undo:{after}"));
}
