//! Bursts: known kinds of message far above their usual rate, beyond what traffic and the baseline's own clumps explain.

use evidence::answer::EvidenceKind;

use crate::findings::Finding;
use crate::rates::Rates;
use crate::scene::{Scene, Tone};

/// Times as often as before, at least; warnings get noisier for less than a fault.
fn least_ratio(tone: Tone) -> f64 {
    match tone {
        Tone::Alarmed => 2.0,
        Tone::Wary => 4.0,
        Tone::Calm => 6.0,
    }
}

pub(crate) fn found(scene: &Scene<'_>, rates: &Rates, ln_looks: f64) -> Vec<Finding> {
    let mut found = Vec::new();
    for (kind, of_kind) in scene.kinds.iter().enumerate() {
        let is_known = of_kind.baseline_count > 0 || !scene.is_first_seen(kind as u32);
        if of_kind.count == 0 || !is_known || of_kind.tone == Tone::Calm {
            continue;
        }
        let Some(judged) = rates.judge(scene, kind as u32) else { continue };
        if judged.ratio >= least_ratio(of_kind.tone) {
            found.extend(super::from_judged(scene, judged, kind as u32, EvidenceKind::Burst, ln_looks));
        }
    }
    found
}
