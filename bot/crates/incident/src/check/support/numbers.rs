//! Whether a number, time or length of a clause is true of the items it can be about.

use evidence::answer::Evidence;
use evidence::{Time, TimeWindow};

use super::{Item, evidence_of};
use crate::check::Ground;
use crate::check::said::{Number, Value};
use crate::findings::ErrorShare;

/// Whether a number of a clause is true of the items it can be about.
pub(in crate::check) fn number(
    number: &Number,
    clause: &str,
    about: &[Item<'_>],
    ground: &Ground<'_>,
) -> Result<(), String> {
    let supported = match &number.value {
        Value::Clock(date, clock) => {
            times(about, clause, ground).iter().any(|time| said_as(*time, date.as_deref(), clock, ground))
        }
        Value::Date(date) => times(about, clause, ground)
            .iter()
            .any(|time| local(*time, ground).strftime("%Y-%m-%d").to_string() == *date),
        Value::Duration(seconds, unit) => {
            lengths(about, ground)
                .iter()
                .any(|truth| (truth - seconds).abs() < *unit && (truth - seconds) > -*unit * 0.5001)
                || in_a_text(number, about)
        }
        Value::Percent(said, decimals) => {
            percents(about, clause, ground).iter().any(|truth| rounds(*truth, *said, *decimals))
                || in_a_text(number, about)
        }
        Value::Ratio(said, decimals) => {
            ratios(about, clause, ground).iter().any(|truth| rounds(*truth, *said, *decimals))
        }
        Value::Count(said, decimals) => {
            counts(about, clause, ground).iter().any(|truth| rounds(*truth, *said, *decimals))
                || in_a_text(number, about)
        }
    };
    if supported { Ok(()) } else { Err("not what the cited evidence adds up to".to_owned()) }
}

/// Whether `said`, with that many decimals, is a correct rounding of `truth`.
fn rounds(truth: f64, said: f64, decimals: usize) -> bool {
    let step = 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
    (truth - said).abs() <= step / 2.0 + 1e-9
}

fn counts(about: &[Item<'_>], clause: &str, ground: &Ground<'_>) -> Vec<f64> {
    let mut counts = Vec::new();
    let mut add = |count: u64| counts.push(count as f64);
    let mentions = |word: &str| clause.contains(word);
    let says_usual = mentions("usual") || mentions("expected") || mentions("normal");
    let says_before =
        mentions("before") || mentions("baseline") || mentions("earlier") || says_usual || mentions("instead");
    let mut expected = Vec::new();
    for item in about {
        match item {
            Item::Evidence(evidence) => {
                add(evidence.count);
                if says_before {
                    add(evidence.baseline_count);
                    expected.push(evidence.expected);
                }
                evidence.hosts.iter().for_each(|host| add(host.count));
                evidence.versions.iter().for_each(|version| add(version.count));
                if mentions("host") {
                    add(evidence.hosts.len() as u64);
                }
                if mentions("version") {
                    add(evidence.versions.len() as u64);
                }
                if let Some(after) = &evidence.after {
                    [after.due, after.missed, after.due.saturating_sub(after.missed)].into_iter().for_each(&mut add);
                    if says_before {
                        [after.baseline_due, after.baseline_missed].into_iter().for_each(&mut add);
                    }
                }
            }
            Item::Change(_, facts) => {
                for facts in facts.iter() {
                    [facts.on_version, facts.with_version, facts.on_hosts, facts.with_host]
                        .into_iter()
                        .for_each(&mut add);
                    if mentions("host") {
                        add(facts.hosts.len() as u64);
                    }
                }
            }
        }
    }
    let evidence: Vec<&Evidence> = evidence_of(about).collect();
    if evidence.len() > 1 && (mentions("together") || mentions("in all") || mentions("total")) {
        add(evidence.iter().map(|e| e.count).sum());
    }
    let distinct = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.dedup();
        names.len() as u64
    };
    if mentions("service") && !about.is_empty() {
        add(distinct(about.iter().map(Item::service).collect()));
    }
    if mentions("change") || mentions("deploy") {
        add(about.iter().filter(|item| matches!(item, Item::Change(..))).count() as u64);
        if about.is_empty() {
            add(ground.findings.changes.len() as u64);
        }
    }
    let facts = &ground.findings.facts;
    // What was counted over the whole window is true without a citation, of the thing it counts.
    if mentions("error") && !mentions("%") {
        add(facts.errors.count);
        if says_before {
            [facts.errors.low, facts.errors.high, facts.errors.baseline_count].into_iter().for_each(&mut add);
            expected.push(facts.errors.expected);
        }
    }
    if mentions("record") || mentions("searched") {
        let coverage = &ground.findings.coverage;
        [coverage.records_searched, coverage.records_in_window, coverage.services].into_iter().for_each(&mut add);
        add(facts.traffic.count);
        if says_before {
            [facts.traffic.low, facts.traffic.high, facts.traffic.baseline_count].into_iter().for_each(&mut add);
            expected.push(facts.traffic.expected);
        }
    }
    if mentions("kind") {
        [facts.new_kinds, facts.new_alarming_kinds, facts.kinds_compared].into_iter().for_each(|n| add(n as u64));
    }
    if let Some(share) = share_for(about, ground)
        && (mentions("request") || mentions("span") || mentions("line") || mentions("trace") || mentions("fail"))
    {
        [share.failing, share.all].into_iter().for_each(&mut add);
        if says_before {
            [share.baseline_failing, share.baseline_all].into_iter().for_each(&mut add);
        }
    }
    counts.extend(expected);
    counts
}

fn percents(about: &[Item<'_>], clause: &str, ground: &Ground<'_>) -> Vec<f64> {
    let mut shares = Vec::new();
    let mut add = |part: f64, whole: f64| {
        if whole > 0.0 {
            shares.push(100.0 * part / whole);
        }
    };
    let fewer = clause.contains("fewer")
        || clause.contains("less")
        || clause.contains("fell")
        || clause.contains("drop")
        || clause.contains("down");
    let more = clause.contains("more") || clause.contains("rose") || clause.contains("grew") || clause.contains("up ");
    for item in about {
        match item {
            Item::Evidence(evidence) => {
                let (count, expected) = (evidence.count as f64, evidence.expected);
                if fewer {
                    add(expected - count, expected);
                } else if more {
                    add(count - expected, expected);
                } else {
                    let total = |counts: Vec<u64>| counts.iter().sum::<u64>() as f64;
                    let hosts: Vec<u64> = evidence.hosts.iter().map(|host| host.count).collect();
                    let versions: Vec<u64> = evidence.versions.iter().map(|version| version.count).collect();
                    for host in &hosts {
                        add(*host as f64, total(hosts.clone()));
                    }
                    for version in &versions {
                        add(*version as f64, total(versions.clone()));
                    }
                    if let Some(after) = &evidence.after {
                        add(after.missed as f64, after.due as f64);
                        add(after.baseline_missed as f64, after.baseline_due as f64);
                    }
                }
            }
            Item::Change(_, facts) => {
                for facts in facts.iter() {
                    add(facts.on_version as f64, facts.with_version as f64);
                    add(facts.on_hosts as f64, facts.with_host as f64);
                }
            }
        }
    }
    if let Some(share) = share_for(about, ground).filter(|_| !fewer && !more) {
        let before = ["before", "baseline", "usual", "earlier"].iter().any(|word| clause.contains(word));
        if before {
            add(share.baseline_failing as f64, share.baseline_all as f64);
        } else {
            add(share.failing as f64, share.all as f64);
        }
    }
    shares
}

/// The share of failing requests, when the sentence is about that service.
fn share_for<'a>(about: &[Item<'_>], ground: &Ground<'a>) -> Option<&'a ErrorShare> {
    let share = ground.findings.facts.error_share.as_ref()?;
    about.iter().any(|item| matches!(item, Item::Evidence(e) if e.service == share.service)).then_some(share)
}

fn ratios(about: &[Item<'_>], clause: &str, ground: &Ground<'_>) -> Vec<f64> {
    let mut ratios: Vec<f64> =
        evidence_of(about).filter(|e| e.expected > 0.0).map(|e| e.count as f64 / e.expected).collect();
    let traffic = ground.findings.facts.traffic;
    if clause.contains("together log") && traffic.expected > 0.0 {
        ratios.push(traffic.count as f64 / traffic.expected);
    }
    ratios
}

fn times(about: &[Item<'_>], clause: &str, ground: &Ground<'_>) -> Vec<Time> {
    let findings = ground.findings;
    let mut times: Vec<Time> = about.iter().flat_map(Item::times).collect();
    let ends = |window: TimeWindow| [window.from(), window.to()];
    times.extend(ends(findings.window));
    times.extend(findings.baseline.into_iter().flat_map(ends));
    // The onset is the culprit's; another service's lines may only be set against it in these words.
    let of_culprit =
        |item: &Item<'_>| matches!(item, Item::Change(..)) || Some(item.service()) == findings.culprit.as_deref();
    if about.is_empty()
        || about.iter().any(of_culprit)
        || clause.contains("rest began")
        || clause.contains("trouble began")
    {
        times.extend(findings.onset);
    }
    let named = |name: &str| about.is_empty() || about.iter().any(|item| item.service() == name);
    times.extend(findings.facts.silent.iter().filter(|silent| named(&silent.service)).filter_map(|silent| silent.last));
    if clause.contains("of all") {
        times.extend(findings.facts.reach.into_iter().flat_map(|(first, last)| [first, last]));
    }
    if clause.contains("that does") {
        times.extend(findings.facts.missed_at);
    }
    if about.is_empty() || about.iter().any(of_culprit) {
        times.extend(findings.facts.ended);
    }
    times.extend(findings.facts.reported.iter().filter_map(|reported| reported.since));
    times
}

/// Differences between the times of the cited items and the onset, and the lengths of the windows.
fn lengths(about: &[Item<'_>], ground: &Ground<'_>) -> Vec<f64> {
    let findings = ground.findings;
    let mut points: Vec<Time> = about
        .iter()
        .flat_map(|item| match item {
            Item::Evidence(evidence) => vec![evidence.first, evidence.last],
            Item::Change(change, _) => vec![Some(change.at)],
        })
        .flatten()
        .collect();
    points.extend(findings.onset);
    let mut lengths: Vec<f64> = points
        .iter()
        .flat_map(|a| points.iter().map(move |b| (a.0 - b.0).unsigned_abs() as f64 / 1e6))
        .filter(|length| *length > 0.0)
        .collect();
    lengths.push(findings.window.seconds());
    lengths.extend(findings.baseline.map(TimeWindow::seconds));
    lengths
}

fn local(time: Time, ground: &Ground<'_>) -> jiff::Zoned {
    time.to_timestamp().to_zoned(ground.zone.clone())
}

fn said_as(time: Time, date: Option<&str>, clock: &str, ground: &Ground<'_>) -> bool {
    let local = local(time, ground);
    let format = if clock.len() > 5 { "%H:%M:%S" } else { "%H:%M" };
    let clock = if clock.len() == 4 { format!("0{clock}") } else { clock.to_owned() };
    local.strftime(format).to_string() == clock
        && date.is_none_or(|date| local.strftime("%Y-%m-%d").to_string() == date)
}

/// A number that a cited line says itself, with the same word beside it: `3000 ms`, `status 502`.
fn in_a_text(number: &Number, about: &[Item<'_>]) -> bool {
    let digits: String = number.written.chars().take_while(|c| c.is_ascii_digit() || matches!(c, ',' | '.')).collect();
    let (before, after) = &number.neighbours;
    !digits.is_empty()
        && about.iter().flat_map(Item::texts).any(|text| {
            let text = text.to_lowercase();
            let words: Vec<&str> =
                text.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|word| !word.is_empty()).collect();
            words.iter().enumerate().any(|(i, word)| {
                let joined = word.strip_prefix(digits.as_str()).is_some_and(|rest| !rest.is_empty() && rest == after);
                let beside = *word == digits
                    && ((i > 0 && !before.is_empty() && words[i - 1] == before)
                        || (!after.is_empty() && words.get(i + 1).is_some_and(|next| next == after)));
                joined || beside
            })
        })
}
