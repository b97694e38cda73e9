//! Silence: what the baseline says should have come, and did not, although the rest of its service goes on; and services gone altogether.

use evidence::answer::EvidenceKind;
use evidence::{Row, Time};

use crate::blame::Blame;
use crate::findings::{Finding, SilentService};
use crate::rates::Rates;
use crate::scene::{Scene, Tone};
use crate::statistics::poisson_gain;

/// A kind that keeps more than this share of its rate is not silent.
const KEPT: f64 = 0.25;

/// Fewer than this many missed records say nothing.
const FEWEST_MISSED: f64 = 12.0;

/// Kinds of message whose service goes on without them.
pub(crate) fn found(scene: &Scene<'_>, rates: &Rates, ln_looks: f64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (kind, of_kind) in scene.kinds.iter().enumerate() {
        let load = scene.service_count[usize::from(of_kind.service)] - of_kind.count;
        let baseline_load = scene.service_baseline_count[usize::from(of_kind.service)] - of_kind.baseline_count;
        if of_kind.tone > Tone::Calm || baseline_load == 0 || (of_kind.baseline_count as f64) < FEWEST_MISSED {
            continue;
        }
        // What the service still writes says how much of this kind is due.
        let expected = of_kind.baseline_count as f64 * load as f64 / baseline_load as f64;
        if expected < FEWEST_MISSED || of_kind.count as f64 > expected {
            continue;
        }
        let Some((since, due, came)) = stopped(scene, rates, kind as u32, expected) else { continue };
        let gain = poisson_gain(came, due, of_kind.baseline_count as f64, of_kind.baseline_count as f64);
        let surprise = gain / clumps(load, baseline_load) - ln_looks - 3.0;
        if surprise > 0.0 {
            found.push(Finding {
                kind: EvidenceKind::Silence,
                subject: kind as u32,
                service: of_kind.service,
                tone: Tone::Calm,
                blame: Blame::Own,
                after: None,
                expected: of_kind.baseline_count as f64 * scene.scale(),
                surprise,
                share: 1.0 - came / due,
                hits: (due - came) as u64,
                since,
                weight: 0.0,
            });
        }
    }
    found
}

/// The cell from which so little came that it counts as stopped, what was due from there on, and what came.
fn stopped(scene: &Scene<'_>, rates: &Rates, kind: u32, expected: f64) -> Option<(Time, f64, f64)> {
    let cells = rates.cells(scene, kind);
    let (service, _) = rates.service(scene.kinds[kind as usize].service);
    let load: Vec<f64> = service.iter().zip(&cells).map(|(all, own)| f64::from(*all - *own)).collect();
    let all_load: f64 = load.iter().sum::<f64>().max(1.0);
    let (mut came, mut due) = (0.0, 0.0);
    let mut best: Option<(f64, usize, f64, f64)> = None;
    for start in (0..cells.len()).rev() {
        came += f64::from(cells[start]);
        due += expected * load[start] / all_load;
        let deficit = due - came;
        if due >= FEWEST_MISSED && came <= KEPT * due && best.is_none_or(|(most, ..)| deficit > most) {
            best = Some((deficit, start, due, came));
        }
    }
    let (_, start, due, came) = best?;
    Some((Time(scene.window.from().0 + start as i64 * rates.cell), due, came))
}

/// Small services vary more: their mix of requests is a matter of a few.
fn clumps(load: u64, baseline_load: u64) -> f64 {
    1.0 + 40.0 / (1.0 + load.min(baseline_load) as f64 / 50.0)
}

/// Services that stopped while the others go on, and stay silent to the end of the window.
pub(crate) fn silent_services(scene: &Scene<'_>) -> Vec<SilentService> {
    let Some(baseline) = scene.baseline else { return Vec::new() };
    let n_services = scene.services.len();
    let mut last: Vec<Option<Time>> = vec![None; n_services];
    for row in scene.rows {
        last[usize::from(row.service)] = Some(row.time);
    }
    let longest = longest_gaps(scene.baseline_rows, n_services);
    // Past the last record of all nobody is silent: there the data ends.
    let end = scene.rows.last().map_or(scene.window.to(), |row| row.time);
    let mut silent = Vec::new();
    for service in 0..n_services {
        let rate = scene.service_baseline_count[service] as f64 / baseline.seconds();
        let since = last[service].unwrap_or(scene.window.from());
        let seconds = end.since(since).as_secs_f64();
        let least = (3.0 * longest[service] as f64 / 1e6).max(scene.window.seconds() / 20.0);
        if rate * seconds < FEWEST_MISSED || seconds < least {
            continue;
        }
        // A service that had grown quiet before its last record is not silent yet: what it wrote lately counts.
        let lately = Time(since.0.saturating_sub((3.0 * seconds * 1e6) as i64));
        let recent = scene.rows[scene.rows.partition_point(|row| row.time < lately)..]
            .iter()
            .filter(|row| usize::from(row.service) == service)
            .count();
        let covered = since.since(lately.max(scene.window.from())).as_secs_f64();
        let recent_rate = if covered >= seconds { recent as f64 / covered } else { rate };
        let expected = rate.min(recent_rate) * seconds;
        if expected < FEWEST_MISSED {
            continue;
        }
        // A quiet night is everybody's: silence counts only beside others that go on.
        let others = scene.rows[scene.rows.partition_point(|row| row.time <= since)..].len() as f64;
        let others_rate = (scene.baseline_rows.len() as f64 / baseline.seconds() - rate).max(0.0);
        if others >= 0.4 * others_rate * seconds && others >= FEWEST_MISSED {
            let before = || {
                let rows = scene.baseline_rows.iter().filter(|row| row.time < scene.window.from());
                rows.rev().find(|row| usize::from(row.service) == service).map(|row| row.time)
            };
            let name = scene.services[service].clone();
            silent.push(SilentService { service: name, last: last[service].or_else(before), expected });
        }
    }
    silent
}

/// The longest pause of each service inside the baseline, in microseconds.
fn longest_gaps(rows: &[Row], n_services: usize) -> Vec<i64> {
    let mut last: Vec<Option<Time>> = vec![None; n_services];
    let mut longest = vec![0; n_services];
    for row in rows {
        let service = usize::from(row.service);
        if let Some(last) = last[service] {
            longest[service] = longest[service].max(row.time.0 - last.0);
        }
        last[service] = Some(row.time);
    }
    longest
}
