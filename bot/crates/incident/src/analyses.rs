//! The analyses, each in a file of its own, and the list of those that find evidence by themselves.
//! `precursor`, `spread`, `testimony` and `change` read what these found.

use evidence::answer::EvidenceKind;

use crate::findings::Finding;
use crate::localise::CHANCE;
use crate::rates::{Judged, Rates};
use crate::scene::{Scene, Tone};
use crate::traces::{Calls, Traces};

pub(crate) mod burst;
pub(crate) mod change;
pub(crate) mod deaths;
pub(crate) mod followup;
pub(crate) mod halt;
pub(crate) mod new;
pub(crate) mod precursor;
pub(crate) mod silence;
pub(crate) mod spread;
pub(crate) mod testimony;

/// What every analysis gets to see.
pub(crate) struct Study<'a> {
    pub scene: &'a Scene<'a>,
    pub traces: Traces,
    pub baseline_traces: Traces,
    pub calls: Calls,
    pub rates: Rates,
    /// Logarithm of how many kinds of message are compared: each makes a chance find likelier.
    pub ln_looks: f64,
}

pub(crate) struct Analysis {
    /// What it looks for.
    #[allow(dead_code, reason = "the list is read by people; nothing prints it yet")]
    pub about: &'static str,
    pub find: fn(&Study<'_>) -> Vec<Finding>,
}

pub(crate) const ANALYSES: [Analysis; 5] = [
    Analysis {
        about: "kinds of message never seen before",
        find: |study| new::found(study.scene, &study.rates, study.ln_looks),
    },
    Analysis {
        about: "kinds of message far above their usual rate",
        find: |study| burst::found(study.scene, &study.rates, study.ln_looks),
    },
    Analysis {
        about: "lines that no longer follow the line before them",
        find: |study| followup::missing(study.scene, &study.traces, &study.baseline_traces),
    },
    Analysis {
        about: "kinds of message that are expected and gone",
        find: |study| silence::found(study.scene, &study.rates, study.ln_looks),
    },
    Analysis {
        about: "steady kinds of message that stopped for good while the others go on",
        find: |study| halt::found(study.scene),
    },
];

impl<'a> Study<'a> {
    pub(crate) fn of(scene: &'a Scene<'a>) -> Study<'a> {
        let (traces, baseline_traces) = std::thread::scope(|scope| {
            let traces = scope.spawn(|| Traces::of(scene.rows, &scene.kind_of));
            let baseline_traces = Traces::of(scene.baseline_rows, &scene.baseline_kind_of);
            (traces.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), baseline_traces)
        });
        let mut calls = Calls::seen_in(&traces, &baseline_traces);
        for kind in &scene.kinds {
            if let crate::blame::Blame::Others(named) = &kind.blame {
                for callee in named {
                    calls.add(kind.service, *callee, kind.count + kind.baseline_count);
                }
            }
            kind.mentions.iter().for_each(|named| calls.mention(kind.service, *named));
        }
        let rates = Rates::of(scene, &traces, &baseline_traces);
        let n_looks = scene.kinds.iter().filter(|kind| kind.tone > Tone::Calm).count();
        Study { scene, traces, baseline_traces, calls, rates, ln_looks: (n_looks.max(1) as f64).ln() }
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        ANALYSES.iter().flat_map(|analysis| (analysis.find)(self)).collect()
    }
}

/// The finding of one kind's judgement; `None` when it is no more than chance and not alarming either.
fn from_judged(scene: &Scene<'_>, judged: Judged, kind: u32, what: EvidenceKind, ln_looks: f64) -> Option<Finding> {
    let of_kind = &scene.kinds[kind as usize];
    let is_deadly = of_kind.tone > Tone::Calm && crate::blame::is_deadly(scene.text(kind));
    let is_repeated = judged.hits >= 2 && judged.ratio >= 3.0;
    // A process does not die twice by chance, however few lines it leaves.
    // Whoever watches over others is believed the first time.
    let is_watched = crate::blame::is_supervisor(scene.service(of_kind.service)) && scene.is_first_seen(kind);
    let is_repeated = is_repeated || is_watched;
    let least = if is_deadly && is_repeated { CHANCE + judged.hits as f64 } else { 0.0 };
    let surprise = (judged.surprise - ln_looks).max(least);
    (surprise > 0.0 || of_kind.tone == Tone::Alarmed).then(|| Finding {
        kind: what,
        subject: kind,
        service: of_kind.service,
        tone: of_kind.tone,
        blame: of_kind.blame.clone(),
        after: None,
        expected: of_kind.baseline_count as f64 * scene.scale(),
        surprise: surprise.max(0.0),
        share: if is_deadly && is_repeated { judged.share.max(0.1) } else { judged.share },
        hits: judged.hits,
        since: judged.since,
        weight: 0.0,
    })
}

fn from_rate(scene: &Scene<'_>, rates: &Rates, kind: u32, what: EvidenceKind, ln_looks: f64) -> Option<Finding> {
    from_judged(scene, rates.judge(scene, kind)?, kind, what, ln_looks)
}
