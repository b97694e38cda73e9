//! Requests as sequences: the rows of each trace in order, and which services call which.
//! A span that lies inside another span of its trace was called from there; parents need not be logged.

use std::collections::{HashMap, HashSet};

use evidence::{Row, Time};

use crate::number_hash::NumberHash;

/// Rows with a trace id, grouped by trace, each trace in order of time; twins (indexed twice) appear once.
///
/// The few columns that matter are copied in that order: every analysis walks all traces, and walking memory in order
/// is several times faster than following row numbers.
pub(crate) struct Traces {
    steps: Vec<Step>,
    /// Where each trace ends in `steps`.
    ends: Vec<u32>,
}

/// One row of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub time: Time,
    pub span: u64,
    pub kind: u32,
    pub service: u16,
}

impl Traces {
    pub(crate) fn of(rows: &[Row], kind_of: &[u32]) -> Traces {
        const N_BUCKETS: usize = 1 << 14;
        let bucket = |row: &Row| (row.trace.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as usize;
        let mut starts = vec![0u32; N_BUCKETS + 1];
        for row in rows.iter().filter(|row| row.trace != 0) {
            starts[bucket(row) + 1] += 1;
        }
        for index in 0..N_BUCKETS {
            starts[index + 1] += starts[index];
        }
        let mut keyed = vec![(0u64, 0u32); starts[N_BUCKETS] as usize];
        let mut next = starts.clone();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.trace != 0) {
            let place = &mut next[bucket(row)];
            keyed[*place as usize] = (row.trace, index as u32);
            *place += 1;
        }
        let (mut steps, mut ends) = (Vec::with_capacity(keyed.len()), Vec::new());
        for pair in starts.windows(2) {
            let bucket = &mut keyed[pair[0] as usize..pair[1] as usize];
            bucket.sort_unstable();
            for trace in bucket.chunk_by(|a, b| a.0 == b.0) {
                let mut last: Option<Step> = None;
                for (_, number) in trace {
                    let row = &rows[*number as usize];
                    let kind = kind_of[*number as usize];
                    let step = Step { time: row.time, span: row.span, kind, service: row.service };
                    if last != Some(step) {
                        steps.push(step);
                    }
                    last = Some(step);
                }
                ends.push(steps.len() as u32);
            }
        }
        Traces { steps, ends }
    }

    /// The rows of each trace, in order of time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Step]> {
        self.ends.iter().enumerate().map(|(index, end)| {
            let start = if index == 0 { 0 } else { self.ends[index - 1] };
            &self.steps[start as usize..*end as usize]
        })
    }
}

/// Calls between services, as counted in the traces.
#[derive(Default)]
pub(crate) struct Calls {
    counts: HashMap<(u16, u16), u64, NumberHash>,
    /// Whom the bad lines of a service name.
    mentions: HashSet<(u16, u16)>,
}

/// Where one span of a trace begins and ends.
struct Span {
    id: u64,
    service: u16,
    first: usize,
    last: usize,
}

impl Calls {
    pub(crate) fn seen_in(traces: &Traces, baseline_traces: &Traces) -> Calls {
        let mut calls = Calls::default();
        let (mut spans, mut open) = (Vec::new(), Vec::new());
        for trace in traces.iter().chain(baseline_traces.iter()) {
            calls.count(trace, &mut spans, &mut open);
        }
        calls
    }

    fn count(&mut self, trace: &[Step], spans: &mut Vec<Span>, open: &mut Vec<(u16, usize)>) {
        /// A span that pauses for more other spans than this is taken for two.
        const FARTHEST: usize = 64;
        spans.clear();
        open.clear();
        for (position, step) in trace.iter().enumerate() {
            let id = if step.span != 0 { step.span } else { u64::from(step.service) + 1 };
            let known =
                spans.iter_mut().rev().take(FARTHEST).find(|span| span.id == id && span.service == step.service);
            match known {
                Some(span) => span.last = position,
                None => spans.push(Span { id, service: step.service, first: position, last: position }),
            }
        }
        for span in spans {
            while open.last().is_some_and(|(_, last)| *last < span.last) {
                open.pop();
            }
            if let Some((caller, _)) = open.last().filter(|(caller, _)| *caller != span.service) {
                *self.counts.entry((*caller, span.service)).or_default() += 1;
            }
            if span.last > span.first {
                open.push((span.service, span.last));
            }
        }
    }

    /// Adds calls that a line tells of.
    pub(crate) fn add(&mut self, caller: u16, callee: u16, count: u64) {
        *self.counts.entry((caller, callee)).or_default() += count;
    }

    /// Whether `caller` calls `callee`, and mostly in this direction.
    pub(crate) fn calls(&self, caller: u16, callee: u16) -> bool {
        let there = self.counts.get(&(caller, callee)).copied().unwrap_or(0);
        let back = self.counts.get(&(callee, caller)).copied().unwrap_or(0);
        there > 2 * back
    }

    pub(crate) fn mention(&mut self, speaker: u16, named: u16) {
        self.mentions.insert((speaker, named));
    }

    /// Whether the trouble of `caller` may come from `callee`: it calls it, or its bad lines name it and not the other way round.
    pub(crate) fn leans_on(&self, caller: u16, callee: u16) -> bool {
        let names = |a: u16, b: u16| self.mentions.contains(&(a, b));
        self.calls(caller, callee) || (names(caller, callee) && !names(callee, caller) && !self.calls(callee, caller))
    }

    pub(crate) fn are_neighbours(&self, a: u16, b: u16) -> bool {
        self.calls(a, b) || self.calls(b, a)
    }

    /// The fewest calls from `caller` to `callee`, both included; `None` when there is no way.
    pub(crate) fn path(&self, caller: u16, callee: u16) -> Option<Vec<u16>> {
        let mut edges: Vec<(u16, u16)> = self.counts.keys().copied().filter(|(a, b)| self.calls(*a, *b)).collect();
        edges.sort_unstable();
        let mut came_from: HashMap<u16, u16> = HashMap::from([(caller, caller)]);
        let mut level = vec![caller];
        while !level.is_empty() && !came_from.contains_key(&callee) {
            let mut next = Vec::new();
            for at in level {
                for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
                    if !came_from.contains_key(to) {
                        came_from.insert(*to, at);
                        next.push(*to);
                    }
                }
            }
            level = next;
        }
        let mut path = vec![callee];
        while *path.last()? != caller {
            path.push(*came_from.get(path.last()?)?);
        }
        path.reverse();
        Some(path)
    }
}
