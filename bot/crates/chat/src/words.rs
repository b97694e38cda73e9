//! The phrases that platforms share: numbers, times, comparisons, coverage.
//! A number never stands alone; what it is compared with is chosen here, once.

use evidence::answer::{
    Answer, Coverage, Degraded, Evidence, EvidenceKind, ModelUse, QuestionKind, RankedChange, Verdict,
};
use evidence::{Time, TimeWindow};
use jiff::tz::TimeZone;

/// Prints times in one zone; the date only when it is not the day of `reference`.
#[derive(Clone, Debug)]
pub struct Clock {
    pub zone: TimeZone,
    pub reference: Time,
}

impl Clock {
    /// `14:02:10`, or `18 Nov 14:02:10` on another day.
    pub fn second(&self, time: Time) -> String {
        self.print(time, "%H:%M:%S")
    }

    /// `14:02`, or `18 Nov 14:02` on another day.
    pub fn minute(&self, time: Time) -> String {
        self.print(time, "%H:%M")
    }

    /// `14:02:10`, or `14:02` when the time falls on a whole minute.
    pub fn short(&self, time: Time) -> String {
        if time.micros().rem_euclid(60_000_000) == 0 { self.minute(time) } else { self.second(time) }
    }

    /// `13:45–14:15`; with the date before it, once, when both ends lie on another day. Ends of different days have
    /// their dates, and all of a day is its date.
    pub fn span(&self, from: Time, to: Time) -> String {
        let (start, end) = (self.zoned(from), self.zoned(to));
        let (first, last) = (self.date(&start), self.date(&end));
        let is_midnight = |time: &jiff::Zoned| time.time() == jiff::civil::Time::midnight();
        let is_next_day = start.date().tomorrow().is_ok_and(|next| next == end.date());
        if start.date() == end.date() {
            format!("{}–{}", self.minute(from), end.strftime("%H:%M"))
        } else if is_next_day && is_midnight(&start) && is_midnight(&end) {
            first
        } else {
            format!("{first} {} – {last} {}", start.strftime("%H:%M"), end.strftime("%H:%M"))
        }
    }

    fn print(&self, time: Time, form: &str) -> String {
        let zoned = self.zoned(time);
        let clock = zoned.strftime(form).to_string();
        let is_today = zoned.date() == self.zoned(self.reference).date();
        if is_today { clock } else { format!("{} {clock}", self.date(&zoned)) }
    }

    /// `18 Nov`, or `18 Nov 2025` in another year.
    fn date(&self, time: &jiff::Zoned) -> String {
        let is_this_year = time.year() == self.zoned(self.reference).year();
        time.strftime(if is_this_year { "%-d %b" } else { "%-d %b %Y" }).to_string()
    }

    fn zoned(&self, time: Time) -> jiff::Zoned {
        time.to_timestamp().to_zoned(self.zone.clone())
    }
}

/// `214,377`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 service`, `12 services`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// `31`, `2.4`; two digits at least below ten, whole above.
pub fn ratio(x: f64) -> String {
    if x >= 9.95 { number(x.round() as u64) } else { format!("{x:.1}") }
}

/// `cause · 0.86`. No number where the verdict is that there is too little to say.
///
/// `None` where nobody asked for a judgement: somebody who asks for lines gets lines, and the verdict is not about those.
pub fn verdict(answer: &Answer) -> Option<String> {
    use QuestionKind::{HowOften, ShowMe, WhatChanged, Who};
    match answer.verdict {
        _ if matches!(answer.kind, HowOften | ShowMe | Who) => None,
        Verdict::Cause => Some(format!("cause · {:.2}", answer.confidence)),
        Verdict::NoFault if answer.kind == WhatChanged => None,
        Verdict::NoFault => Some(format!("no fault · {:.2}", answer.confidence)),
        Verdict::Insufficient => Some("not enough evidence".to_owned()),
        Verdict::Conflicting => Some(format!("conflicting · {:.2}", answer.confidence)),
    }
}

pub fn kind(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::New => "new",
        EvidenceKind::Burst => "burst",
        EvidenceKind::Silence => "gone",
        EvidenceKind::MissingFollowup => "missing",
        EvidenceKind::Precursor => "early",
        EvidenceKind::Match => "match",
    }
}

/// What stands in the column of counts: `1,204 ×`, or how much is missing.
pub fn amount(evidence: &Evidence) -> String {
    match (evidence.kind, &evidence.after) {
        (EvidenceKind::Silence, _) if evidence.count == 0 => "none".to_owned(),
        (EvidenceKind::Silence, _) if evidence.expected > evidence.count as f64 => {
            format!("{} fewer", percent(1.0 - evidence.count as f64 / evidence.expected))
        }
        (EvidenceKind::MissingFollowup, Some(after)) if after.due > 0 => {
            format!("{} missing", percent(after.missed as f64 / after.due as f64))
        }
        _ => format!("{} ×", number(evidence.count)),
    }
}

/// What the count is compared with: `first 14:02:10, not once in the hour before`.
pub fn comparison(evidence: &Evidence, answer: &Answer, clock: &Clock) -> String {
    let before = before(answer, clock);
    let from = |word: &str| evidence.first.map(|first| format!("{word} {}", clock.second(first)));
    let last = evidence.last.map(|last| format!("last {}", clock.second(last)));
    match evidence.kind {
        EvidenceKind::Silence if evidence.count == 0 => {
            join([Some(format!("usual {}", number(evidence.expected.round() as u64))), last])
        }
        EvidenceKind::Silence if evidence.last.zip(answer.window.onset).is_some_and(|(last, onset)| last <= onset) => {
            join([evidence.last.map(|last| format!("none since {}", clock.second(last)))])
        }
        EvidenceKind::Silence => match &before {
            Some(before) if evidence.expected > evidence.count as f64 => format!("than in {before}"),
            _ => join([last]),
        },
        EvidenceKind::MissingFollowup => match &evidence.after {
            Some(after) => join([
                Some(format!("{} of {} not followed", number(after.missed), number(after.due))),
                Some(format!("{} of {} before", number(after.baseline_missed), number(after.baseline_due))),
            ]),
            None => join([from("since")]),
        },
        EvidenceKind::Match => join([match (evidence.first, evidence.last) {
            (Some(first), Some(last)) if first != last => {
                Some(format!("{} – {}", clock.second(first), clock.second(last)))
            }
            _ => from("at"),
        }]),
        EvidenceKind::New | EvidenceKind::Burst | EvidenceKind::Precursor if evidence.baseline_count == 0 => {
            join([from("first"), before.map(|before| format!("not once in {before}"))])
        }
        EvidenceKind::New => {
            join([from("first"), before.map(|before| format!("{} in {before}", number(evidence.baseline_count)))])
        }
        EvidenceKind::Burst | EvidenceKind::Precursor if evidence.expected > 0.0 => {
            join([Some(format!("{} × usual", ratio(evidence.count as f64 / evidence.expected))), from("from")])
        }
        EvidenceKind::Burst | EvidenceKind::Precursor => join([from("from")]),
    }
}

/// The baseline in words that follow "in": `the hour before`, or its times when it does not end where the window starts.
pub fn before(answer: &Answer, clock: &Clock) -> Option<String> {
    let baseline = answer.baseline?;
    let touches = baseline.to().since(answer.window.from).abs().as_secs() < 60;
    if !touches {
        return Some(clock.span(baseline.from(), baseline.to()));
    }
    Some(format!("the {} before", length(baseline)))
}

/// `hour`, `30 minutes`, `7 days`.
pub fn length(window: TimeWindow) -> String {
    let minutes = window.minutes().round() as u64;
    match minutes {
        0 => counted(window.seconds().round() as u64, "second", "seconds"),
        1 => "minute".to_owned(),
        60 => "hour".to_owned(),
        1440 => "day".to_owned(),
        n if n % 1440 == 0 => format!("{} days", n / 1440),
        n if n % 60 == 0 => format!("{} hours", n / 60),
        n => format!("{n} minutes"),
    }
}

/// `checkout v1.42, mara, 14:01:48`.
pub fn change(change: &RankedChange, clock: &Clock) -> String {
    let mut text = format!("{} {}", change.service, change.version);
    if let Some(by) = &change.by {
        text.push_str(&format!(", {by}"));
    }
    text.push_str(&format!(", {}", clock.short(change.at)));
    text
}

/// What was looked at and what could not be seen; one to four sentences.
pub fn coverage(answer: &Answer, clock: &Clock) -> String {
    let Coverage { records_searched, services, silent_services, gaps, redacted, .. } = &answer.coverage;
    let window = clock.span(answer.window.from, answer.window.to);
    let mut text = format!(
        "Searched all {} of {}, {window}",
        counted(*records_searched, "record", "records"),
        counted(*services, "service", "services")
    );
    match before(answer, clock) {
        Some(before) => text.push_str(&format!(", against {before}.")),
        None => text.push('.'),
    }
    match silent_services.as_slice() {
        [] => {}
        [one] => text.push_str(&format!(" {one} has gone silent.")),
        [most @ .., last] => text.push_str(&format!(" {} and {last} have gone silent.", most.join(", "))),
    }
    for gap in gaps.iter().take(3) {
        text.push_str(&format!(" Nothing was received from {} {}.", gap.source, clock.span(gap.from, gap.to)));
    }
    if gaps.len() > 3 {
        text.push_str(&format!(" {} more gaps.", gaps.len() - 3));
    }
    if *redacted > 0 {
        text.push_str(&format!(" {} redacted.", counted(*redacted, "value", "values")));
    }
    text.push_str(&format!(" {}, {}.", took(answer.took_ms), model(answer.model.as_ref())));
    text
}

/// `0.18 s`, `1.2 s`.
pub fn took(ms: f64) -> String {
    if ms >= 995.0 { format!("{:.1} s", ms / 1000.0) } else { format!("{:.2} s", (ms / 1000.0).max(0.01)) }
}

fn model(model: Option<&ModelUse>) -> String {
    let Some(model) = model else { return "no model".to_owned() };
    let why = match model.degraded {
        None => {
            let removed = match model.claims_removed {
                0 => String::new(),
                n => format!(", {} removed by the checker", counted(n, "sentence", "sentences")),
            };
            return format!("told by {}{removed}", model.name);
        }
        Some(Degraded::Timeout) => "it did not answer in time",
        Some(Degraded::Budget) => "its budget is spent",
        Some(Degraded::Breaker) => "it failed too often and is resting",
        Some(Degraded::Invalid) => "its reply could not be read",
        Some(Degraded::Unreachable) => "it cannot be reached",
        Some(Degraded::RateLimited) => "it is rate-limited",
        Some(Degraded::Demoted) => "too many of its sentences failed the check",
        Some(Degraded::Off) => "it is switched off",
    };
    format!("without the model: {why}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 100.0))
}

fn join<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1204), "1,204");
        assert_eq!(number(214_377_000), "214,377,000");
        assert_eq!(ratio(31.4), "31");
        assert_eq!(ratio(2.44), "2.4");
        assert_eq!(counted(1, "record", "records"), "1 record");
    }

    #[test]
    fn dates_appear_only_where_they_differ() {
        let clock = Clock { zone: TimeZone::UTC, reference: "2026-11-21T14:15:00Z".parse().unwrap() };
        assert_eq!(clock.second("2026-11-21T14:02:10Z".parse().unwrap()), "14:02:10");
        assert_eq!(clock.short("2026-11-20T14:02:00Z".parse().unwrap()), "20 Nov 14:02");
        assert_eq!(clock.short("2023-01-29T14:02:10Z".parse().unwrap()), "29 Jan 2023 14:02:10");
        let (from, to) = ("2026-11-20T13:45:00Z".parse().unwrap(), "2026-11-20T14:15:00Z".parse().unwrap());
        assert_eq!(clock.span(from, to), "20 Nov 13:45–14:15");
        let midnight = |day: u8| format!("2026-11-{day}T00:00:00Z").parse().unwrap();
        assert_eq!(clock.span(from, midnight(21)), "20 Nov 13:45 – 21 Nov 00:00");
        assert_eq!(clock.span(midnight(20), midnight(21)), "20 Nov");
    }

    #[test]
    fn lengths_are_words() {
        let minutes = |n: i64| TimeWindow::new(Time(0), Time(n * 60_000_000)).unwrap();
        assert_eq!(length(minutes(60)), "hour");
        assert_eq!(length(minutes(30)), "30 minutes");
        assert_eq!(length(minutes(7 * 1440)), "7 days");
    }
}
