//! Precursors: lines of the culprit that began to rise before the fault itself showed.

use evidence::answer::EvidenceKind;

use crate::findings::Finding;
use crate::scene::Tone;

/// Renames what came before the onset: milder lines of the culprit that rose at least `lead_micros` earlier than its worst ones.
pub(crate) fn mark(findings: &mut [Finding], culprit: u16, lead_micros: i64) {
    let worst = findings.iter().filter(|finding| finding.service == culprit && finding.tone == Tone::Alarmed);
    let Some(onset) = worst.max_by(|a, b| a.weight.total_cmp(&b.weight)).map(|finding| finding.since) else { return };
    for finding in findings {
        let is_milder = finding.tone == Tone::Wary;
        let is_rise = matches!(finding.kind, EvidenceKind::New | EvidenceKind::Burst);
        if finding.service == culprit && is_milder && is_rise && finding.since.0 + lead_micros <= onset.0 {
            finding.kind = EvidenceKind::Precursor;
        }
    }
}
