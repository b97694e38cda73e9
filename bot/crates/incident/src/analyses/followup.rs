//! Missing follow-ups: inside a trace, A was always followed by B, and from some moment it is not.
//! Only the next line of the trace counts, so that the first broken link is found and not everything that would have come after it.

use std::collections::HashMap;

use evidence::answer::EvidenceKind;
use evidence::{Time, TimeWindow};

use crate::blame::Blame;
use crate::findings::{Finding, Link};
use crate::number_hash::NumberHash;
use crate::scene::{Scene, Tone};
use crate::statistics::{Rise, rise};
use crate::traces::Traces;

/// A link must have been tried this often in the baseline, and have held in this share of the tries.
const FEWEST_TRIES: u64 = 4;
const HELD: f64 = 0.9;

/// From the moment on, at least this share must be missing.
const MISSING: f64 = 0.3;

/// Lines of a trace that come this close to the end of the window may still be followed.
const STILL_RUNNING_MICROS: i64 = 2_000_000;

/// The broken links, each naming the line that no longer comes.
pub(crate) fn missing(scene: &Scene<'_>, traces: &Traces, baseline_traces: &Traces) -> Vec<Finding> {
    let mut links = Links::learn(scene, baseline_traces);
    links.keep_those_that_hold(scene, baseline_traces);
    let n_links = links.after.iter().flatten().count();
    if n_links == 0 {
        return Vec::new();
    }
    let tries = links.tries_of_broken(scene, traces);
    let ln_looks = (n_links as f64).ln();
    let mut found = Vec::new();
    for (kind, mut tries) in tries.into_iter().enumerate() {
        let Some(link) = links.after[kind].as_ref().filter(|_| !tries.is_empty()) else { continue };
        tries.sort_unstable_by_key(|one| one.time);
        let trials: Vec<bool> = tries.iter().map(|one| one.missed).collect();
        let Some(rise) = rise(&trials, link.tries - link.held, link.tries) else { continue };
        if rise.hits >= 3 && rise.share() >= MISSING && rise.share() >= 3.0 * rise.share_before() {
            found.push(finding(scene, kind as u32, link, &rise, &tries, ln_looks));
        }
    }
    found
}

fn finding(scene: &Scene<'_>, after: u32, link: &Learned, rise: &Rise, tries: &[Try], ln_looks: f64) -> Finding {
    let kind = &scene.kinds[link.next as usize];
    let due = tries.len() as u64;
    Finding {
        kind: EvidenceKind::MissingFollowup,
        subject: link.next,
        service: kind.service,
        tone: Tone::Alarmed,
        blame: Blame::Own,
        after: Some(Link {
            kind: after,
            due,
            missed: tries.iter().filter(|one| one.missed).count() as u64,
            baseline_due: link.tries,
            baseline_missed: link.tries - link.held,
        }),
        expected: due as f64 * link.held as f64 / link.tries as f64,
        surprise: (-rise.ln_p - ln_looks).max(0.0),
        share: rise.share(),
        hits: rise.hits,
        since: tries[rise.at].time,
        weight: 0.0,
    }
}

/// One request in which the first line of a link came.
#[derive(Clone, Copy)]
struct Try {
    time: Time,
    trace: u32,
    missed: bool,
}

struct Learned {
    next: u32,
    tries: u64,
    held: u64,
}

struct Links {
    after: Vec<Option<Learned>>,
}

impl Links {
    /// Which line comes next after each, where it is nearly always the same one.
    ///
    /// That an alarming line no longer comes is good news, so none is ever due.
    fn learn(scene: &Scene<'_>, traces: &Traces) -> Links {
        let mut pairs: HashMap<(u32, u32), u32, NumberHash> = HashMap::default();
        let mut tries = vec![0u64; scene.kinds.len()];
        for trace in traces.iter() {
            for pair in trace.windows(2) {
                *pairs.entry((pair[0].kind, pair[1].kind)).or_default() += 1;
                tries[pair[0].kind as usize] += 1;
            }
        }
        let mut after: Vec<Option<Learned>> = (0..scene.kinds.len()).map(|_| None).collect();
        for ((a, b), held) in pairs {
            let a = a as usize;
            let is_usual = f64::from(held) >= HELD * tries[a] as f64 && u64::from(held) >= FEWEST_TRIES;
            if is_usual && scene.kinds[b as usize].tone == Tone::Calm {
                after[a] = Some(Learned { next: b, tries: 0, held: 0 });
            }
        }
        Links { after }
    }

    /// Counts requests in the baseline just as in the window, and forgets the links that do not hold.
    fn keep_those_that_hold(&mut self, scene: &Scene<'_>, traces: &Traces) {
        let end = scene.baseline.map_or(Time::MIN, TimeWindow::to);
        let counts = self.counts(scene, traces, end);
        for (link, (n, n_missed)) in self.after.iter_mut().zip(counts) {
            let held = n - n_missed;
            let is_kept = n >= FEWEST_TRIES && held as f64 >= HELD * n as f64;
            *link = link.take().filter(|_| is_kept).map(|link| Learned { tries: n, held, ..link });
        }
    }

    /// Per first line of a link: the requests in which it came, for the links that broke in some of them.
    fn tries_of_broken(&self, scene: &Scene<'_>, traces: &Traces) -> Vec<Vec<Try>> {
        let end = scene.window.to();
        let is_broken: Vec<bool> = self.counts(scene, traces, end).iter().map(|(_, n_missed)| *n_missed > 0).collect();
        let mut tries: Vec<Vec<Try>> = vec![Vec::new(); scene.kinds.len()];
        self.each_try(scene, traces, end, &is_broken, |kind, trace, time, missed| {
            let tries = &mut tries[kind as usize];
            match tries.last_mut().filter(|last| last.trace == trace) {
                Some(last) => last.missed |= missed,
                None => tries.push(Try { time, trace, missed }),
            }
        });
        tries
    }

    /// Requests with the first line of each link, and how many of them broke it.
    fn counts(&self, scene: &Scene<'_>, traces: &Traces, end: Time) -> Vec<(u64, u64)> {
        let mut counts = vec![(0, 0); scene.kinds.len()];
        let mut last = vec![(u32::MAX, false); scene.kinds.len()];
        let all = vec![true; scene.kinds.len()];
        self.each_try(scene, traces, end, &all, |kind, trace, _, missed| {
            let (last, (n, n_missed)) = (&mut last[kind as usize], &mut counts[kind as usize]);
            if last.0 != trace {
                *last = (trace, false);
                *n += 1;
            }
            *n_missed += u64::from(missed && !last.1);
            last.1 |= missed;
        });
        counts
    }

    fn each_try(
        &self,
        scene: &Scene<'_>,
        traces: &Traces,
        end: Time,
        is_wanted: &[bool],
        mut tried: impl FnMut(u32, u32, Time, bool),
    ) {
        for (number, trace) in traces.iter().enumerate() {
            for (position, step) in trace.iter().enumerate() {
                let link = self.after[step.kind as usize].as_ref().filter(|_| is_wanted[step.kind as usize]);
                let Some(link) = link else { continue };
                let rest = trace[position + 1..].iter().map(|step| step.kind);
                if let Some(missed) = misses(scene, step.kind, link.next, rest, is_over(step.time, end)) {
                    tried(step.kind, number as u32, step.time, missed);
                }
            }
        }
    }
}

/// Whether a link broke, given what came after its first line; `None` when this request does not tell.
///
/// Where a caller complains instead, its complaint is the finding, and the missing line of the service that it did
/// not reach only repeats it.
fn misses(scene: &Scene<'_>, after: u32, due: u32, mut rest: impl Iterator<Item = u32>, is_over: bool) -> Option<bool> {
    let due_service = scene.kinds[due as usize].service;
    while let Some(next) = rest.next() {
        if next == due {
            return Some(false);
        }
        let kind = &scene.kinds[next as usize];
        let is_new_and_calm = kind.baseline_count == 0 && kind.tone == Tone::Calm;
        if kind.service == due_service && (is_new_and_calm || is_rewording(scene, due, next)) {
            return Some(false);
        }
        // Lines that nobody wrote before are a detour, not a break.
        if !is_new_and_calm {
            let is_complaint = kind.tone > Tone::Calm && kind.service != due_service;
            let is_call = scene.kinds[after as usize].service != due_service;
            return match (is_complaint, is_call) {
                (true, true) => None,
                // The caller gave up waiting; the line may still come.
                (true, false) => Some(!rest.any(|later| later == due)),
                (false, _) => Some(true),
            };
        }
    }
    is_over.then_some(true)
}

fn is_rewording(scene: &Scene<'_>, due: u32, next: u32) -> bool {
    scene.kinds[next as usize].tone <= scene.kinds[due as usize].tone && is_alike(scene.text(due), scene.text(next))
}

/// Whether two templates begin with the same words: one statement whose parameters vary in number.
fn is_alike(a: &str, b: &str) -> bool {
    let same = a.split_whitespace().zip(b.split_whitespace()).take_while(|(a, b)| a == b).count();
    same >= 2 || (same == 1 && a.split_whitespace().next().is_some_and(|first| first.len() >= 12))
}

fn is_over(time: Time, end: Time) -> bool {
    time.0 < end.0 - STILL_RUNNING_MICROS
}
