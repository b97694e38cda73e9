//! Trouble older than the window somebody chose: whoever asks of the last five minutes of an outage means the outage.

use evidence::{Observed, Severity, Time, TimeWindow};
use jiff::SignedDuration;

use crate::blame;
use crate::scene::{Tone, rows_in, tone};
use crate::statistics::poisson_gain;

/// Trouble as old as this is how things are.
const OLD: SignedDuration = SignedDuration::from_hours(12);

/// How much likelier it must be that a line began than that it always came as often as now, in nats.
///
/// Lines come in clumps, which the comparison knows nothing of; so it asks for much.
const SURE: f64 = 25.0;

/// When trouble began that fills baseline and window alike, so that comparing them shows nothing.
///
/// `None` when no alarming line of the window began so: within twelve hours before it, by all that the index remembers or
/// beyond chance by the baseline.
pub fn began_before(observed: &Observed) -> Option<Time> {
    let baseline = observed.baseline.filter(|baseline| baseline.to() == observed.window.from())?;
    let (first, _) = observed.reach?;
    let earliest = observed.window.from().minus(OLD).max(first);
    let alarms = alarms(observed, baseline);
    let began = alarms.iter().filter(|alarm| alarm.goes_on(observed.window, baseline)).filter_map(|alarm| {
        let first_seen = observed.templates[alarm.template].first_seen;
        if alarm.is_born(first_seen, first, baseline) { Some(first_seen) } else { alarm.rise(baseline) }
    });
    began.filter(|began| (earliest..observed.window.from()).contains(began)).min()
}

/// An alarming kind of message that both the baseline and the window have.
struct Alarm {
    template: usize,
    /// In order of time.
    in_baseline: Vec<Time>,
    in_window: u64,
}

fn alarms(observed: &Observed, baseline: TimeWindow) -> Vec<Alarm> {
    let mut in_window: Vec<(u64, Option<Severity>)> = vec![(0, None); observed.templates.len()];
    for row in observed.window_rows() {
        let (count, level) = &mut in_window[row.template as usize];
        *count += 1;
        *level = (*level).max(row.severity);
    }
    let mut alarms: Vec<Option<Alarm>> = (observed.templates.iter().zip(in_window).enumerate())
        .map(|(template, (known, (in_window, level)))| {
            let tone = tone(level, &known.text);
            let is_trouble = tone == Tone::Alarmed || (tone > Tone::Calm && blame::is_deadly(&known.text));
            (in_window > 0 && is_trouble).then(|| Alarm { template, in_baseline: Vec::new(), in_window })
        })
        .collect();
    for row in rows_in(&observed.rows, baseline) {
        if let Some(alarm) = &mut alarms[row.template as usize] {
            alarm.in_baseline.push(row.time);
        }
    }
    alarms.into_iter().flatten().filter(|alarm| !alarm.in_baseline.is_empty()).collect()
}

impl Alarm {
    /// Whether the window has it often, and at half the rate at least that the baseline has from its first line there on.
    fn goes_on(&self, window: TimeWindow, baseline: TimeWindow) -> bool {
        let before = self.in_baseline.len() as f64 / baseline.to().since(self.in_baseline[0]).as_secs_f64().max(1.0);
        self.in_window >= 3 && self.in_window as f64 / window.seconds().max(1.0) >= 0.5 * before
    }

    /// Whether the index, which remembers records since `first`, would have known it before `first_seen` had it come as often.
    fn is_born(&self, first_seen: Time, first: Time, baseline: TimeWindow) -> bool {
        let seen_from = self.in_baseline[0].max(first_seen);
        let seconds = baseline.to().since(seen_from).as_secs_f64();
        let without = first_seen.since(first).as_secs_f64();
        seconds > 0.0 && poisson_gain(self.in_baseline.len() as f64, seconds, 0.0, without) >= SURE
    }

    /// The first line of the stretch at the baseline's end in which it comes several times as often as before, beyond chance.
    fn rise(&self, baseline: TimeWindow) -> Option<Time> {
        const TIMES_AS_OFTEN: f64 = 5.0;
        let mut best: Option<(f64, Time)> = None;
        for (n_before, began) in self.in_baseline.iter().enumerate() {
            let (before, after) = (n_before as f64, (self.in_baseline.len() - n_before) as f64);
            let earlier = began.since(baseline.from()).as_secs_f64();
            let later = baseline.to().since(*began).as_secs_f64();
            if earlier <= 0.0 || later <= 0.0 || after / later < TIMES_AS_OFTEN * before / earlier {
                continue;
            }
            let gain = poisson_gain(after, later, before, earlier);
            if gain >= SURE && best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, *began));
            }
        }
        best.map(|(_, began)| began)
    }
}
