//! Testimony: callers that name a service as failing, and whether that service's own records agree with them.
//! One caller may be wrong about whom it cannot reach; something in the named service has to agree, or a second caller, or the
//! expired certificate that it was shown.

use evidence::answer::EvidenceKind;
use evidence::{Row, Time};

use super::{Study, spread};
use crate::blame::{self, Blame};
use crate::findings::Finding;
use crate::localise::{CHANCE, TELLING, loudness};
use crate::scene::{Scene, Tone};
use crate::statistics::poisson_gain;

/// What a service was told to have done.
pub(crate) struct Told {
    pub service: u16,
    /// `0.0..=1.0`, of all who accuse it.
    pub weight: f64,
    pub since: Time,
}

/// Lines of the named service that begin this long before the complaints may have to do with them.
const LEAD_MICROS: i64 = 300_000_000;

/// The services that callers name and whose own records agree.
pub(crate) fn confirmed(study: &Study<'_>, findings: &[Finding]) -> Vec<Told> {
    let mut told = Vec::new();
    for (service, by) in spread::reported(findings, CHANCE) {
        let complaints = || by.iter().map(|position| &findings[*position]);
        let mut callers: Vec<u16> = complaints().map(|finding| finding.service).collect();
        callers.sort_unstable();
        callers.dedup();
        // Each further caller takes its part of what doubt the others leave.
        let loudest =
            |caller: &u16| complaints().filter(|finding| finding.service == *caller).map(loudness).fold(0.0, f64::max);
        let weight = 1.0 - callers.iter().map(|caller| 1.0 - loudest(caller)).product::<f64>();
        // A complaint that is new was heard from its first line on, however long it took to grow.
        let heard = |finding: &Finding| match finding.kind {
            EvidenceKind::New => study
                .scene
                .rows_of(finding.subject)
                .first()
                .map_or(finding.since, |row| study.scene.rows[*row as usize].time),
            _ => finding.since,
        };
        let Some(since) = complaints().map(heard).min().filter(|_| weight >= TELLING) else {
            continue;
        };
        let is_watched = complaints().any(|finding| blame::is_supervisor(study.scene.service(finding.service)));
        let shows_expired =
            complaints().any(|finding| blame::tells_of_expired_certificate(study.scene.text(finding.subject)));
        let agrees = is_watched
            || shows_something(study, findings, service, since)
            || ((callers.len() >= 2 || shows_expired) && falls(study.scene, service, since));
        // Whoever complains of yet another service only hands on what it hears.
        if agrees && !hands_on(study, findings, service) {
            told.push(Told { service, weight, since });
        }
    }
    told
}

/// Whether the service itself deviates at the time, in whatever tone.
fn shows_something(study: &Study<'_>, findings: &[Finding], service: u16, since: Time) -> bool {
    let scene = study.scene;
    let slack = (scene.window.to().0 - scene.window.from().0) / 30;
    let is_near = |time: Time| time.0 >= since.0 - LEAD_MICROS && time.0 <= since.0 + slack;
    let deviates = |finding: &Finding| {
        finding.service == service
            && finding.surprise >= CHANCE
            && finding.kind != EvidenceKind::MissingFollowup
            && (finding.kind != EvidenceKind::Silence || finding.share >= 0.5)
            && is_near(finding.since)
    };
    let is_news = |kind: u32| {
        scene.kinds[kind as usize].service == service
            && scene.rows_of(kind).first().is_some_and(|row| is_near(scene.rows[*row as usize].time))
    };
    findings.iter().any(deviates) || super::new::new_kinds(scene).into_iter().any(is_news)
}

/// Whether the service writes at most half of what it did, from `since` on, while the others go on.
fn falls(scene: &Scene<'_>, service: u16, since: Time) -> bool {
    let Some(baseline) = scene.baseline else { return false };
    let after = &scene.rows[scene.rows.partition_point(|row| row.time < since)..];
    let seconds = scene.window.to().since(since).as_secs_f64();
    let of_it = |rows: &[Row]| rows.iter().filter(|row| row.service == service).count() as f64;
    let (count, earlier) = (of_it(after), of_it(scene.baseline_rows));
    let others = (after.len() as f64 - count) / seconds.max(1.0);
    let others_earlier = (scene.baseline_rows.len() as f64 - earlier) / baseline.seconds();
    let is_less = count / seconds.max(1.0) <= 0.5 * earlier / baseline.seconds();
    earlier == 0.0
        || (is_less
            && others >= 0.5 * others_earlier
            && poisson_gain(count, seconds, earlier, baseline.seconds()) >= CHANCE)
}

/// Whether the service does no more than complain of services that it calls itself.
fn hands_on(study: &Study<'_>, findings: &[Finding], service: u16) -> bool {
    let bad: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.service == service && finding.surprise >= CHANCE && finding.tone > Tone::Calm)
        .collect();
    let names_others = bad.iter().any(|finding| matches!(finding.blame, Blame::Others(_)));
    let speaks_for_itself = bad.iter().any(|finding| finding.blame == Blame::Own);
    let complains = bad.iter().any(|finding| finding.blame == Blame::Away);
    let n_services = study.scene.services.len() as u16;
    let calls_others = || (0..n_services).any(|other| study.calls.calls(service, other));
    names_others || (complains && !speaks_for_itself && calls_others())
}
