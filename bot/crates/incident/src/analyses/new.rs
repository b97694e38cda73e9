//! New kinds of message: never seen before the window, neither in the baseline nor anywhere in the index.
//! A template that only generalised an older one is not new; its family was seen.

use evidence::answer::EvidenceKind;

use crate::findings::Finding;
use crate::rates::Rates;
use crate::scene::Scene;

/// What the baseline lacks and no record before the window shows.
pub(crate) fn new_kinds(scene: &Scene<'_>) -> Vec<u32> {
    let is_new = |kind: &u32| {
        let of_kind = &scene.kinds[*kind as usize];
        of_kind.count > 0 && of_kind.baseline_count == 0 && scene.is_first_seen(*kind)
    };
    (0..scene.kinds.len() as u32).filter(is_new).collect()
}

pub(crate) fn found(scene: &Scene<'_>, rates: &Rates, ln_looks: f64) -> Vec<Finding> {
    let finding = |kind| super::from_rate(scene, rates, kind, EvidenceKind::New, ln_looks);
    new_kinds(scene).into_iter().filter_map(finding).collect()
}
