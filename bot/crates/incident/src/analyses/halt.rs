//! Halts: a line that came steadily for a long time and then not once more, while everybody else goes on.
//! A stuck consumer writes no error; what it no longer writes is all there is to see. Where the stop came before the window, the healthy part of the baseline tells.

use std::collections::{BTreeMap, HashMap};

use evidence::answer::EvidenceKind;
use evidence::{Row, Time};

use super::Study;
use crate::blame::Blame;
use crate::findings::{Finding, SilentService};
use crate::localise::CHANCE;
use crate::scene::{Scene, Tone};
use crate::traces::Step;

/// Fewer records than this before the stop, or due after it, prove no habit.
const FEWEST_BEFORE: usize = 30;
const FEWEST_DUE: f64 = 20.0;

/// The silence must be this many times as long as the longest pause before.
const PAUSES: i64 = 5;

/// The others must keep this share of their rate.
const OTHERS_KEEP: f64 = 0.6;

/// And have written this share of all records before.
const OTHERS_LEAST: f64 = 0.3;

/// The kinds of message that stopped for good.
pub(crate) fn found(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(span) = Span::of(scene) else { return Vec::new() };
    let mut times: BTreeMap<u32, Vec<Time>> = BTreeMap::new();
    let rows = scene.baseline_rows.iter().zip(&scene.baseline_kind_of).chain(scene.rows.iter().zip(&scene.kind_of));
    for (row, kind) in rows {
        if scene.kinds[*kind as usize].tone == Tone::Calm {
            times.entry(*kind).or_default().push(row.time);
        }
    }
    let stopped: Vec<(u32, Stop)> = times.iter().filter_map(|(kind, times)| Some((*kind, span.stop(times)?))).collect();
    let mut stopped_services: Vec<u16> = stopped.iter().map(|(kind, _)| scene.kinds[*kind as usize].service).collect();
    stopped_services.sort_unstable();
    stopped_services.dedup();
    if stopped.is_empty() {
        return Vec::new();
    }
    let others = Others::of(scene, &stopped_services);
    stopped
        .into_iter()
        .filter(|(_, stop)| others.go_on(&span, stop.at) && !is_replaced(scene, stop))
        .map(|(kind, stop)| Finding {
            kind: EvidenceKind::Silence,
            subject: kind,
            service: scene.kinds[kind as usize].service,
            tone: Tone::Calm,
            blame: Blame::Own,
            after: None,
            expected: scene.kinds[kind as usize].baseline_count as f64 * scene.scale(),
            // None came where so many were due.
            surprise: stop.due.max(2.0 * CHANCE),
            share: 1.0,
            hits: stop.due as u64,
            since: stop.at,
            weight: 0.0,
        })
        .collect()
}

/// The service that stopped first, when the findings speak of halts and it is clear which was the first.
pub(crate) fn first_to_stop(study: &Study<'_>, findings: &[Finding], silent: &[SilentService]) -> Option<(u16, Time)> {
    let halted = found(study.scene);
    let is_busy_failing = |service: u16| {
        // What complains says itself what is wrong: then the stop is a consequence.
        findings.iter().any(|finding| {
            finding.service == service
                && finding.tone > Tone::Calm
                && finding.kind != EvidenceKind::MissingFollowup
                && finding.surprise >= CHANCE
        })
    };
    let mut stops: BTreeMap<u16, Time> = BTreeMap::new();
    for finding in halted.iter().filter(|finding| !is_busy_failing(finding.service)) {
        let since = stops.entry(finding.service).or_insert(finding.since);
        *since = finding.since.min(*since);
    }
    let is_fed_by_stopped =
        |service: u16| stops.keys().any(|other| *other != service && study.calls.calls(*other, service));
    let is_explained = |service: u16| stops.keys().any(|other| *other != service && study.calls.calls(service, *other));
    let mut first: Vec<(u16, Time)> = stops
        .iter()
        .filter(|(service, _)| !is_explained(**service) || is_fed_by_stopped(**service))
        .map(|(service, since)| (*service, *since))
        .collect();
    first.sort_by_key(|(service, since)| (*since, *service));
    // Many that stop together have a common cause that none of them shows.
    match first.as_slice() {
        [one] => Some(*one),
        [one, next, ..] if first.len() <= 3 && next.1.0 - one.1.0 > 60_000_000 => Some(*one),
        _ => starved_the_others(study, &stops).or_else(|| only_silent(study, &stops, silent)),
    }
}

/// The one of them that wrote nothing at all any more: the others still do something else.
fn only_silent(study: &Study<'_>, stops: &BTreeMap<u16, Time>, silent: &[SilentService]) -> Option<(u16, Time)> {
    let is_silent = |service: &u16| silent.iter().any(|silent| silent.service == study.scene.service(*service));
    let mut gone = stops.iter().filter(|(service, _)| is_silent(service));
    let (service, since) = gone.next()?;
    gone.next().is_none().then_some((*service, *since))
}

/// The one service that comes before all others that stopped in their requests, when it finished what it had and took up nothing more.
///
/// With its last request left unfinished, it may as well wait for one of the others: then it is not clear who stopped.
fn starved_the_others(study: &Study<'_>, stops: &BTreeMap<u16, Time>) -> Option<(u16, Time)> {
    let mut led: HashMap<u16, usize> = HashMap::new();
    let mut ends: HashMap<u32, usize> = HashMap::new();
    let (mut n_shared, mut last): (usize, Option<&Step>) = (0, None);
    for trace in study.baseline_traces.iter().chain(study.traces.iter()) {
        let Some(leader) = trace.iter().find(|step| stops.contains_key(&step.service)) else { continue };
        let end = trace.last()?;
        n_shared += 1;
        *led.entry(leader.service).or_default() += 1;
        *ends.entry(end.kind).or_default() += 1;
        last = last.filter(|last| last.time > end.time).or(Some(end));
    }
    let (service, n_led) = led.iter().max_by_key(|(service, n_led)| (**n_led, **service))?;
    let (usual_end, _) = ends.iter().max_by_key(|(kind, count)| (**count, **kind))?;
    let leads = n_led * 20 >= n_shared * 19;
    (leads && last?.kind == *usual_end).then(|| (*service, stops[service]))
}

/// The time from the baseline's beginning to the last record of all.
struct Span {
    from: Time,
    to: Time,
}

struct Stop {
    at: Time,
    due: f64,
}

impl Span {
    fn of(scene: &Scene<'_>) -> Option<Span> {
        let baseline = scene.baseline.filter(|baseline| baseline.to() <= scene.window.from())?;
        let to = scene.rows.last()?.time;
        Some(Span { from: baseline.from(), to })
    }

    /// Where a steady line came for the last time, if it was steady and is overdue.
    fn stop(&self, times: &[Time]) -> Option<Stop> {
        let (first, last) = (*times.first()?, *times.last()?);
        let (healthy, silent) = (last.0 - first.0, self.to.0 - last.0);
        let is_long_known = (first.0 - self.from.0) * 10 <= last.0 - self.from.0;
        if is_long_known && let Some(missed) = missed_turns(times, silent) {
            return Some(Stop { at: last, due: missed });
        }
        if times.len() < FEWEST_BEFORE || !is_long_known || healthy < silent / 2 {
            return None;
        }
        let longest = times.windows(2).map(|pair| pair[1].0 - pair[0].0).max()?;
        let due = times.len() as f64 * silent as f64 / healthy.max(1) as f64;
        (due >= FEWEST_DUE && silent >= PAUSES * longest).then_some(Stop { at: last, due })
    }
}

/// When anybody wrote, and when the services of which nothing stopped did; both in order of time.
struct Others {
    all: Vec<Time>,
    others: Vec<Time>,
}

impl Others {
    fn of(scene: &Scene<'_>, stopped: &[u16]) -> Others {
        let rows = || scene.baseline_rows.iter().chain(scene.rows);
        let is_other = |row: &&Row| stopped.binary_search(&row.service).is_err();
        Others {
            all: rows().map(|row| row.time).collect(),
            others: rows().filter(is_other).map(|row| row.time).collect(),
        }
    }

    /// Whether they write on, and are enough to tell a halt from a quiet hour.
    fn go_on(&self, span: &Span, stop: Time) -> bool {
        let until = |times: &[Time]| times.partition_point(|time| *time <= stop);
        let before = until(&self.others) as f64;
        let after = self.others.len() as f64 - before;
        let rate_before = before / stop.since(span.from).as_secs_f64().max(1.0);
        let rate_after = after / span.to.since(stop).as_secs_f64().max(1.0);
        before > 0.0 && before >= OTHERS_LEAST * until(&self.all) as f64 && rate_after >= OTHERS_KEEP * rate_before
    }
}

/// How many turns a line missed that came like clockwork, every so many minutes; `None` when it did not, or is hardly late.
fn missed_turns(times: &[Time], silent: i64) -> Option<f64> {
    const FEWEST_TURNS: usize = 5;
    const MISSED: f64 = 3.0;
    let mut gaps: Vec<i64> = times.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_unstable();
    let (shortest, usual, longest) = (*gaps.first()?, gaps[gaps.len() / 2], *gaps.last()?);
    let is_clockwork =
        gaps.len() >= FEWEST_TURNS && shortest * 5 >= usual * 4 && longest * 5 <= usual * 6 && usual >= 120_000_000;
    let missed = silent as f64 / usual.max(1) as f64;
    (is_clockwork && missed >= MISSED).then_some(missed)
}

/// Whether a line that nobody wrote before comes as often since the stop: then the old one was reworded, or its work moved.
fn is_replaced(scene: &Scene<'_>, stop: &Stop) -> bool {
    scene.kinds.iter().enumerate().any(|(kind, of_kind)| {
        of_kind.baseline_count == 0
            && of_kind.tone == Tone::Calm
            && (0.5 * stop.due..=2.0 * stop.due + 2.0).contains(&(of_kind.count as f64))
            && scene
                .rows_of(kind as u32)
                .first()
                .is_some_and(|row| scene.rows[*row as usize].time.0 + 60_000_000 >= stop.at.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn check(times: impl Iterator<Item = i64>, stops_at: Option<i64>) {
        let span = Span { from: Time(0), to: Time(84 * MINUTE) };
        let times: Vec<Time> = times.map(Time).collect();
        assert_eq!(span.stop(&times).map(|stop| stop.at), stops_at.map(Time));
    }

    #[test]
    fn steady_line_that_ends_has_stopped() {
        check((0..480).map(|at| at * MINUTE / 8), Some(479 * MINUTE / 8));
        check((0..200).map(|at| at * MINUTE / 5), Some(199 * MINUTE / 5));
        // A job that runs every ten minutes and missed three turns.
        check((0..5).map(|at| at * 7 * MINUTE), None);
        check((0..7).map(|at| at * 7 * MINUTE + at % 2 * 5_000_000), Some(42 * MINUTE));
    }

    #[test]
    fn line_that_goes_on_rests_often_or_came_late_has_not() {
        check((0..672).map(|at| at * MINUTE / 8), None);
        // A job that writes for a minute every half hour.
        check((0..2).flat_map(|turn| (0..60).map(move |at| turn * 30 * MINUTE + at * 1_000_000)), None);
        // A job that misses two turns only.
        check((0..8).map(|at| at * 10 * MINUTE), None);
        // A batch that ran in the middle.
        check((0..300).map(|at| 30 * MINUTE + at * MINUTE / 10), None);
        // Two a minute that are three minutes late.
        check((0..162).map(|at| at * MINUTE / 2), None);
    }
}
