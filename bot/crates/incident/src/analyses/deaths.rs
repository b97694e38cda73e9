//! Deaths as usual: lines that tell of a process that died, no more often than before. No news, and still no health.

use evidence::answer::EvidenceKind;

use crate::blame;
use crate::findings::Finding;
use crate::localise::CHANCE;
use crate::scene::{Scene, Tone};

/// At most so many kinds of death are worth a row.
const MOST: usize = 3;

/// The window's deadly kinds of message, most frequent first, for an answer that finds nothing else wrong.
pub(crate) fn steady(scene: &Scene<'_>) -> Vec<Finding> {
    let is_death = |kind: &u32| {
        let of_kind = &scene.kinds[*kind as usize];
        of_kind.count > 0 && of_kind.tone > Tone::Calm && blame::is_deadly(scene.text(*kind))
    };
    let mut deaths: Vec<u32> = (0..scene.kinds.len() as u32).filter(is_death).collect();
    deaths.sort_by_key(|kind| (std::cmp::Reverse(scene.kinds[*kind as usize].count), *kind));
    deaths.truncate(MOST);
    let finding = |kind: u32| {
        let of_kind = &scene.kinds[kind as usize];
        Finding {
            kind: EvidenceKind::Match,
            subject: kind,
            service: of_kind.service,
            tone: of_kind.tone,
            blame: of_kind.blame.clone(),
            after: None,
            expected: of_kind.baseline_count as f64 * scene.scale(),
            surprise: CHANCE,
            share: 0.0,
            hits: of_kind.count,
            since: scene.rows[scene.rows_of(kind)[0] as usize].time,
            weight: 0.0,
        }
    };
    deaths.into_iter().map(finding).collect()
}
