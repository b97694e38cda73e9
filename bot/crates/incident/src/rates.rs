//! How often each kind of message comes, in the window and before: per request where traces allow it, else per stretch of time.
//! A line that follows its usual trigger as often as ever is no news, however much the trigger's traffic grew.

use std::collections::HashMap;

use evidence::{Row, Time, TimeWindow};

use crate::blame;
use crate::number_hash::NumberHash;
use crate::scene::{Scene, Tone};
use crate::statistics::{clumpiness, poisson_gain, rise};
use crate::traces::Traces;

/// The window is cut into this many cells of equal length, at least a second each.
const N_CELLS: i64 = 180;

/// What came of comparing one kind of message with its past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judged {
    /// In nats, before the correction for the number of kinds.
    pub surprise: f64,
    pub share: f64,
    /// How many times as often as before.
    pub ratio: f64,
    pub hits: u64,
    pub since: Time,
}

/// Records per cell, of the window and of the baseline.
type Cells = (Vec<u32>, Vec<u32>);

pub(crate) struct Rates {
    pub cell: i64,
    n_cells: usize,
    n_baseline_cells: usize,
    /// Per service.
    services: Vec<Cells>,
    /// The same for all services together.
    all: Cells,
    /// Baseline records per cell of the kinds worth it.
    baseline: HashMap<u32, Vec<u32>>,
    requests: HashMap<u32, Requests>,
}

/// The requests in which a kind of message could have come, in order of time, and whether it did.
#[derive(Clone, Debug, Default)]
struct Requests {
    trials: Vec<(Time, bool)>,
    baseline_trials: u64,
    baseline_hits: u64,
    last: Option<(bool, u32)>,
}

impl Rates {
    pub(crate) fn of(scene: &Scene<'_>, traces: &Traces, baseline_traces: &Traces) -> Rates {
        let micros = scene.window.to().0 - scene.window.from().0;
        let cell = (micros / N_CELLS).max(1_000_000);
        let n_cells = n_cells(scene.window, cell);
        let n_baseline_cells = scene.baseline.map_or(0, |baseline| n_cells_of(baseline, cell));
        let n_services = scene.services.len();
        let mut services = vec![(vec![0; n_cells], vec![0; n_baseline_cells]); n_services];
        for row in scene.rows {
            services[usize::from(row.service)].0[cell_of(row, scene.window, cell, n_cells)] += 1;
        }
        let mut baseline: HashMap<u32, Vec<u32>> = HashMap::new();
        if let Some(window) = scene.baseline {
            let is_wanted: Vec<bool> = scene.kinds.iter().map(|kind| kind.baseline_count > 0).collect();
            for (row, kind) in scene.baseline_rows.iter().zip(&scene.baseline_kind_of) {
                let at = cell_of(row, window, cell, n_baseline_cells);
                services[usize::from(row.service)].1[at] += 1;
                if is_wanted[*kind as usize] && scene.kinds[*kind as usize].tone > Tone::Calm {
                    baseline.entry(*kind).or_insert_with(|| vec![0; n_baseline_cells])[at] += 1;
                }
            }
        }
        let sum = |of: fn(&Cells) -> &Vec<u32>, n: usize| {
            (0..n).map(|cell| services.iter().map(|service| of(service)[cell]).sum()).collect()
        };
        let all = (sum(|service| &service.0, n_cells), sum(|service| &service.1, n_baseline_cells));
        let requests = requests(scene, traces, baseline_traces);
        Rates { cell, n_cells, n_baseline_cells, services, all, baseline, requests }
    }

    /// Whether the kind comes more often than it did, and since when; `None` when it never came in the window.
    pub(crate) fn judge(&self, scene: &Scene<'_>, kind: u32) -> Option<Judged> {
        let by_request = self.requests.get(&kind).and_then(Requests::judge);
        let by_time = || {
            if scene.kinds[kind as usize].baseline_count == 0 {
                self.appears(scene, kind)
            } else {
                self.grows(scene, kind)
            }
        };
        by_request.or_else(by_time)
    }

    /// For a kind that the baseline does not know: the stretches of time in which its service wrote anything, and whether it came.
    ///
    /// Of a service that the baseline does not know either, any stretch in which somebody wrote could have held the line.
    /// That is taken only of lines never seen before, or deadly ones: a nightly job is not in the hour before it either.
    fn appears(&self, scene: &Scene<'_>, kind: u32) -> Option<Judged> {
        let cells = self.cells(scene, kind);
        let of_kind = &scene.kinds[kind as usize];
        let is_alone = scene.service_baseline_count[usize::from(of_kind.service)] == 0
            && (scene.is_first_seen(kind) || blame::is_deadly(scene.text(kind)));
        let (of_service, of_baseline) = if is_alone { &self.all } else { &self.services[usize::from(of_kind.service)] };
        let active: Vec<usize> = (0..self.n_cells).filter(|cell| of_service[*cell] > 0).collect();
        let trials: Vec<bool> = active.iter().map(|cell| cells[*cell] > 0).collect();
        let baseline_trials = of_baseline.iter().filter(|count| **count > 0).count() as f64;
        // What the index remembers from before the baseline counts as well: a template first seen now was absent there too.
        let history = if scene.is_first_seen(kind) { scene.history().clamp(1.0, 50.0) } else { 1.0 };
        let rise = rise(&trials, 0, (baseline_trials * history) as u64)?;
        let since_cell = active[rise.at];
        let hits = cells[since_cell..].iter().map(|count| u64::from(*count)).sum();
        Some(Judged {
            surprise: -rise.ln_p,
            share: rise.share(),
            ratio: rise.share() / rise.share_before(),
            hits,
            since: self.first_in(scene, kind, since_cell),
        })
    }

    /// For a kind that the baseline knows: counts per stretch of time, as surprising as the baseline's own clumps allow.
    fn grows(&self, scene: &Scene<'_>, kind: u32) -> Option<Judged> {
        let cells = self.cells(scene, kind);
        let empty = Vec::new();
        let baseline = self.baseline.get(&kind).unwrap_or(&empty);
        let service = &self.services[usize::from(scene.kinds[kind as usize].service)];
        let mut all = baseline.clone();
        all.extend(&cells);
        let total: f64 = cells.iter().map(|count| f64::from(*count)).sum();
        let baseline_total = scene.kinds[kind as usize].baseline_count as f64;
        let baseline_load: f64 = service.1.iter().map(|count| f64::from(*count)).sum::<f64>() - baseline_total;
        let load: Vec<f64> = service.0.iter().zip(&cells).map(|(all, own)| f64::from(*all - *own)).collect();
        let (mut before, mut load_before) = (0.0, 0.0);
        let all_load: f64 = load.iter().sum();
        let mut best: Option<(f64, usize, f64, f64)> = None;
        for start in 0..self.n_cells {
            if cells[start] > 0 {
                let (count, earlier) = (total - before, baseline_total + before);
                let seconds = (self.n_cells - start) as f64;
                let earlier_seconds = (self.n_baseline_cells + start) as f64;
                // More traffic of the same service makes more of everything: only what exceeds it counts.
                let growth = growth(all_load - load_before, seconds, baseline_load + load_before, earlier_seconds);
                let ratio = (count / (seconds * growth)) / ((earlier + 0.5) / earlier_seconds.max(1.0));
                let gain = poisson_gain(count, seconds * growth, earlier, earlier_seconds);
                if ratio > 1.0 && best.is_none_or(|(most, ..)| gain > most) {
                    best = Some((gain, start, ratio, count));
                }
            }
            before += f64::from(cells[start]);
            load_before += load[start];
        }
        let (gain, start, ratio, count) = best?;
        let clumps = clumpiness(baseline).max(clumpiness(&cells[start..]).sqrt());
        let n_hit = cells[start..].iter().filter(|count| **count > 0).count();
        Some(Judged {
            surprise: (gain / clumps - (self.n_cells as f64).ln().min(3.0)).max(0.0),
            share: n_hit as f64 / (self.n_cells - start) as f64,
            ratio,
            hits: count as u64,
            since: self.first_in(scene, kind, start),
        })
    }

    pub(crate) fn cells(&self, scene: &Scene<'_>, kind: u32) -> Vec<u32> {
        let mut cells = vec![0; self.n_cells];
        for row in scene.rows_of(kind) {
            cells[cell_of(&scene.rows[*row as usize], scene.window, self.cell, self.n_cells)] += 1;
        }
        cells
    }

    /// Records per cell of one service: window, baseline.
    pub(crate) fn service(&self, service: u16) -> (&[u32], &[u32]) {
        let (window, baseline) = &self.services[usize::from(service)];
        (window, baseline)
    }

    fn first_in(&self, scene: &Scene<'_>, kind: u32, cell: usize) -> Time {
        let start = scene.window.from().0 + cell as i64 * self.cell;
        let rows = scene.rows_of(kind);
        let at = rows.partition_point(|row| scene.rows[*row as usize].time.0 < start);
        rows.get(at).map_or(Time(start), |row| scene.rows[*row as usize].time)
    }
}

/// How much the rest of a service's records grew; at least 1, because fewer records make a failure no larger.
fn growth(load: f64, seconds: f64, earlier_load: f64, earlier_seconds: f64) -> f64 {
    let rate = load / seconds.max(1.0);
    let earlier_rate = earlier_load / earlier_seconds.max(1.0);
    if earlier_rate > 0.0 { (rate / earlier_rate).clamp(1.0, 100.0) } else { 1.0 }
}

fn n_cells(window: TimeWindow, cell: i64) -> usize {
    n_cells_of(window, cell).max(1)
}

fn n_cells_of(window: TimeWindow, cell: i64) -> usize {
    ((window.to().0 - window.from().0 + cell - 1) / cell) as usize
}

fn cell_of(row: &Row, window: TimeWindow, cell: i64, n_cells: usize) -> usize {
    (((row.time.0 - window.from().0) / cell) as usize).min(n_cells - 1)
}

impl Requests {
    fn judge(&self) -> Option<Judged> {
        let trials: Vec<bool> = self.trials.iter().map(|(_, hit)| *hit).collect();
        let rise = rise(&trials, self.baseline_hits, self.baseline_trials)?;
        Some(Judged {
            surprise: -rise.ln_p,
            share: rise.share(),
            ratio: rise.share() / rise.share_before(),
            hits: rise.hits,
            since: self.trials[rise.at].0,
        })
    }

    fn tried(&mut self, in_window: bool, trace: u32, time: Time) {
        if self.last == Some((in_window, trace)) {
            return;
        }
        self.last = Some((in_window, trace));
        if in_window {
            self.trials.push((time, false));
        } else {
            self.baseline_trials += 1;
        }
    }

    fn came(&mut self, in_window: bool, trace: u32) {
        if self.last != Some((in_window, trace)) {
            return;
        }
        // Only the first of a trace counts.
        self.last = None;
        if !in_window {
            self.baseline_hits += 1;
        } else if let Some(trial) = self.trials.last_mut() {
            trial.1 = true;
        }
    }
}

/// For every wary or alarmed kind that comes in traces: the line that mostly precedes it, and what became of each request that had that line.
fn requests(scene: &Scene<'_>, traces: &Traces, baseline_traces: &Traces) -> HashMap<u32, Requests> {
    let triggers = triggers(scene, traces);
    let mut of_trigger: Vec<Vec<u32>> = vec![Vec::new(); scene.kinds.len()];
    for (kind, trigger) in &triggers {
        of_trigger[*trigger as usize].push(*kind);
    }
    let mut requests: Vec<Requests> =
        vec![Requests::default(); if triggers.is_empty() { 0 } else { scene.kinds.len() }];
    let mut follow = |traces: &Traces, in_window: bool| {
        let mut tried: Vec<u32> = Vec::new();
        for (number, trace) in traces.iter().enumerate() {
            tried.clear();
            for step in trace {
                for one in &of_trigger[step.kind as usize] {
                    if !tried.contains(one) {
                        tried.push(*one);
                        requests[*one as usize].tried(in_window, number as u32, step.time);
                    }
                }
                if tried.contains(&step.kind) {
                    requests[step.kind as usize].came(in_window, number as u32);
                }
            }
        }
    };
    if !triggers.is_empty() {
        follow(baseline_traces, false);
        follow(traces, true);
    }
    let mut requests: HashMap<u32, Requests> =
        triggers.keys().map(|kind| (*kind, std::mem::take(&mut requests[*kind as usize]))).collect();
    for of_one in requests.values_mut() {
        of_one.trials.sort_unstable_by_key(|(time, _)| *time);
    }
    // Without a single earlier request there is nothing to compare with: time has to do.
    requests.retain(|_, of_one| of_one.baseline_trials > 0 && of_one.trials.iter().any(|(_, hit)| *hit));
    requests
}

/// Per wary or alarmed kind, the known calm line that comes before it in most of its traces, nearest first, its own service preferred.
fn triggers(scene: &Scene<'_>, traces: &Traces) -> HashMap<u32, u32> {
    const FARTHEST: usize = 24;
    let mut pairs: HashMap<(u32, u32), u64, NumberHash> = HashMap::default();
    let is_known: Vec<bool> =
        scene.kinds.iter().map(|kind| kind.baseline_count > 0 && kind.tone == Tone::Calm).collect();
    let is_calm: Vec<bool> = scene.kinds.iter().map(|kind| kind.tone == Tone::Calm).collect();
    for trace in traces.iter() {
        for (position, step) in trace.iter().enumerate() {
            if is_calm[step.kind as usize] {
                continue;
            }
            let earlier = &trace[position.saturating_sub(FARTHEST)..position];
            let mut candidates = earlier.iter().rev().filter(|earlier| is_known[earlier.kind as usize]);
            let own = candidates.clone().find(|earlier| earlier.service == step.service);
            if let Some(trigger) = own.or_else(|| candidates.next()) {
                *pairs.entry((step.kind, trigger.kind)).or_default() += 1;
            }
        }
    }
    let mut best: HashMap<u32, (u64, u32)> = HashMap::new();
    for ((kind, trigger), count) in pairs {
        let entry = best.entry(kind).or_insert((0, u32::MAX));
        if (count, std::cmp::Reverse(trigger)) > (entry.0, std::cmp::Reverse(entry.1)) {
            *entry = (count, trigger);
        }
    }
    let is_most = |kind: u32, count: u64| count * 10 >= scene.kinds[kind as usize].count * 6;
    best.into_iter()
        .filter(|(kind, (count, _))| is_most(*kind, *count))
        .map(|(kind, (_, trigger))| (kind, trigger))
        .collect()
}
