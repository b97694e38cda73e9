//! What must become true in the logs for a step to have worked, and how fresh counts are judged.
//! Counting is the caller's; a service that has gone silent proves nothing, so the judge also wants to know whether it still writes.

use std::fmt;

use async_trait::async_trait;
use evidence::{Time, TimeWindow};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// One thing to count, for how long it must look right, and until when that may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    pub what: What,
    pub wants: Wants,
    /// The right count must hold over this long.
    pub for_seconds: u32,
    /// Given up this long after the step ended.
    pub within_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// Lines of one piece of evidence: this template (or its family) in this service.
    Evidence { id: String, service: String, template: String, template_id: Option<evidence::TemplateId> },
    /// Lines that a query finds.
    Query { query: String },
}

/// How many lines there may be in the time that `for_seconds` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wants {
    AtMost { count: u64, was_per_minute: Option<u64> },
    AtLeast { count: u64, was_per_minute: Option<u64> },
}

/// What a caller counted in the window that [`Verify::window`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Lines that match [`Verify::what`].
    pub matching: u64,
    /// Lines of any kind from the same service, or from all services for a query: whether anything is heard at all.
    pub heard: u64,
}

/// Counts in what was indexed until now; the program supplies this.
#[async_trait]
pub trait Counting: Send + Sync {
    /// By the clock that records are stamped with.
    fn now(&self) -> Time;

    /// # Errors
    ///
    /// A sentence that says why nothing could be counted.
    async fn count(&self, verify: &Verify, window: TimeWindow) -> Result<Counts, String>;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Judgement {
    Verified { text: String },
    NotYet { text: String, again_at: Time },
    Failed { text: String },
}

impl Verify {
    /// What to count now, for a step that ended at `done_at`. `None`: it is too early to say anything.
    pub fn window(&self, done_at: Time, now: Time) -> Option<TimeWindow> {
        let from = now.minus(self.holds_for());
        (from >= done_at).then(|| TimeWindow::new(from, now).ok()).flatten()
    }

    /// The time before a step began that is as long as what is judged afterwards.
    pub fn window_before(&self, began: Time) -> Option<TimeWindow> {
        TimeWindow::new(began.minus(self.holds_for()), began).ok()
    }

    /// Whether these counts are what is wanted. Silence of the whole source proves nothing.
    pub fn is_met(&self, counts: Counts) -> bool {
        match &self.wants {
            Wants::AtMost { count, .. } => counts.matching <= *count && counts.heard > 0,
            Wants::AtLeast { count, .. } => counts.matching >= *count,
        }
    }

    /// Judges counts taken over [`Verify::window`]; `counts` is `None` when that was `None`.
    pub fn judge(&self, done_at: Time, now: Time, counts: Option<Counts>) -> Judgement {
        let deadline = done_at.plus(SignedDuration::from_secs(self.within_seconds.into()));
        let Some(counts) = counts else {
            let again_at = done_at.plus(self.holds_for());
            return Judgement::NotYet {
                text: format!("watching {} for {} s", self.subject(), self.for_seconds),
                again_at,
            };
        };
        let Counts { matching, heard } = counts;
        let measured = format!("{matching} in the last {} s", self.for_seconds);
        let (was, good, bad) = match &self.wants {
            Wants::AtMost { count, was_per_minute } => {
                let good = if *count == 0 { "has stopped" } else { "is back to usual" };
                (was_per_minute, good, "still comes")
            }
            Wants::AtLeast { was_per_minute, .. } => (was_per_minute, "comes again", "does not come again"),
        };
        let was = was.map(|rate| format!(", was {rate}/min")).unwrap_or_default();
        let is_silent = heard == 0 && matches!(self.wants, Wants::AtMost { .. });
        if self.is_met(counts) {
            return Judgement::Verified { text: format!("{} {good} ({measured}{was})", self.subject()) };
        }
        let text = if is_silent {
            format!(
                "nothing is heard from {} in the last {} s, so its silence proves nothing",
                self.source(),
                self.for_seconds
            )
        } else {
            format!("{} {bad} ({measured}{was})", self.subject())
        };
        if now >= deadline {
            return Judgement::Failed { text };
        }
        let pause = SignedDuration::from_secs(i64::from(self.for_seconds.clamp(5, 15)));
        Judgement::NotYet { text, again_at: now.plus(pause).min(deadline) }
    }

    fn holds_for(&self) -> SignedDuration {
        SignedDuration::from_secs(self.for_seconds.max(1).into())
    }

    /// What must become true and for how long, without how long that may take.
    pub fn wish(&self) -> String {
        let subject = match &self.what {
            What::Evidence { id, service, template, .. } => format!("{id} ({service}: {template})"),
            What::Query { query } => format!("`{query}`"),
        };
        let wish = match &self.wants {
            Wants::AtMost { count: 0, .. } => "stops".to_owned(),
            Wants::AtMost { count, .. } => format!("falls to {count} or fewer"),
            Wants::AtLeast { count, .. } => format!("comes back, {count} or more"),
        };
        format!("{subject} {wish} for {} s", self.for_seconds)
    }

    fn subject(&self) -> String {
        match &self.what {
            What::Evidence { id, .. } => id.clone(),
            What::Query { query } => format!("`{query}`"),
        }
    }

    fn source(&self) -> &str {
        match &self.what {
            What::Evidence { service, .. } => service,
            What::Query { .. } => "any service",
        }
    }
}

impl fmt::Display for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, within {} s", self.wish(), self.within_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops() -> Verify {
        Verify {
            what: What::Evidence {
                id: "E1".into(),
                service: "checkout".into(),
                template: "pool exhausted".into(),
                template_id: None,
            },
            wants: Wants::AtMost { count: 0, was_per_minute: Some(96) },
            for_seconds: 45,
            within_seconds: 120,
        }
    }

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000_000)
    }

    #[track_caller]
    fn check(verify: &Verify, seconds_after: i64, matching: u64, heard: u64, expected: &str) {
        let now = at(1_000 + seconds_after);
        let counts = verify.window(at(1_000), now).map(|_| Counts { matching, heard });
        let said = match verify.judge(at(1_000), now, counts) {
            Judgement::Verified { text } => format!("verified: {text}"),
            Judgement::NotYet { text, again_at } => {
                assert!(again_at > now, "the next look must lie ahead");
                format!("not yet: {text}")
            }
            Judgement::Failed { text } => format!("failed: {text}"),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn stopping_is_seen_only_after_the_whole_time_was_quiet() {
        check(&stops(), 44, 0, 900, "not yet: watching E1 for 45 s");
        check(&stops(), 45, 0, 900, "verified: E1 has stopped (0 in the last 45 s, was 96/min)");
        check(&stops(), 60, 3, 900, "not yet: E1 still comes (3 in the last 45 s, was 96/min)");
        check(&stops(), 120, 3, 900, "failed: E1 still comes (3 in the last 45 s, was 96/min)");
    }

    #[test]
    fn what_was_so_before_is_told_from_what_a_step_changed() {
        assert_eq!(stops().window_before(at(1_000)), TimeWindow::new(at(955), at(1_000)).ok());
        assert!(stops().is_met(Counts { matching: 0, heard: 5 }));
        assert!(!stops().is_met(Counts { matching: 1, heard: 5 }));
        assert!(!stops().is_met(Counts { matching: 0, heard: 0 }));
    }

    #[test]
    fn a_service_that_writes_nothing_has_not_recovered() {
        let text = "nothing is heard from checkout in the last 45 s, so its silence proves nothing";
        check(&stops(), 60, 0, 0, &format!("not yet: {text}"));
        check(&stops(), 120, 0, 0, &format!("failed: {text}"));
    }

    #[test]
    fn what_went_missing_must_come_back() {
        let wants = Wants::AtLeast { count: 10, was_per_minute: Some(0) };
        let back = Verify { wants, what: What::Query { query: "\"order accepted\"".into() }, ..stops() };
        check(&back, 50, 9, 9, "not yet: `\"order accepted\"` does not come again (9 in the last 45 s, was 0/min)");
        check(&back, 50, 10, 10, "verified: `\"order accepted\"` comes again (10 in the last 45 s, was 0/min)");
    }
}
