//! What is usual: counts of a window of this length as the baseline would have them, and whether all services log more or less together.

use evidence::{Row, TimeWindow};

use crate::findings::Usual;
use crate::scene::Scene;
use crate::statistics::clumpiness;

/// How the window's traffic compares with the baseline's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    Usual,
    Surge,
    Drop,
}

/// Counts the rows that `is_counted`, and what the baseline makes usual for as long a time.
pub(crate) fn usual(scene: &Scene<'_>, is_counted: impl Fn(&Row) -> bool) -> Usual {
    let count = scene.rows.iter().filter(|row| is_counted(row)).count() as u64;
    let Some(baseline) = scene.baseline else { return Usual { count, ..Usual::default() } };
    let cells = cells(scene.baseline_rows.iter().filter(|row| is_counted(row)), baseline);
    let baseline_count: u64 = cells.iter().map(|count| u64::from(*count)).sum();
    let expected = baseline_count as f64 * scene.scale();
    // The window varies by its own chance, and the baseline's rate is known only as well as its records allow.
    let spread = 2.0 * (clumpiness(&cells) * (expected + expected * scene.scale())).sqrt();
    Usual {
        count,
        baseline_count,
        expected,
        low: (expected - spread).max(0.0).floor() as u64,
        high: (expected + spread).ceil() as u64,
    }
}

fn cells<'r>(rows: impl Iterator<Item = &'r Row>, window: TimeWindow) -> Vec<u32> {
    const N: i64 = 120;
    let cell = ((window.to().0 - window.from().0) / N).max(1);
    let mut cells = vec![0; N as usize];
    for row in rows {
        cells[((row.time.0 - window.from().0) / cell).clamp(0, N - 1) as usize] += 1;
    }
    cells
}

/// Whether most services changed by the same large factor: then it is traffic, not any one of them.
pub(crate) fn load(scene: &Scene<'_>) -> Load {
    let scale = scene.scale();
    let mut ratios: Vec<f64> = Vec::new();
    for (count, baseline_count) in scene.service_count.iter().zip(&scene.service_baseline_count) {
        let expected = *baseline_count as f64 * scale;
        if expected >= 30.0 {
            ratios.push((*count as f64 + 1.0) / (expected + 1.0));
        }
    }
    if ratios.len() < 2 {
        return Load::Usual;
    }
    ratios.sort_by(f64::total_cmp);
    let middle = ratios[ratios.len() / 2];
    let together = ratios.iter().filter(|ratio| (**ratio / middle).ln().abs() < 0.4).count();
    let is_together = together * 10 >= ratios.len() * 7;
    match middle {
        ratio if is_together && ratio >= 1.8 => Load::Surge,
        ratio if is_together && ratio <= 0.5 => Load::Drop,
        _ => Load::Usual,
    }
}
