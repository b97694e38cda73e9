//! Window and baseline brought into the form that all analyses share: kinds of message as dense numbers, and their rows.

use evidence::{Observed, Row, Severity, Time, TimeWindow};

use crate::blame::{self, Blame};

/// One kind of message: a template in a service. The same words as a warning are another kind than as information.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub service: u16,
    pub template: u32,
    /// The worst level that its records name.
    pub level: Option<Severity>,
    pub tone: Tone,
    pub count: u64,
    pub baseline_count: u64,
    /// Whom the line says is failing.
    pub blame: Blame,
    /// Whom else a bad line names, without saying that they fail.
    pub mentions: Vec<u16>,
}

/// How alarming a line is, by its level, or by its words where it names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Calm,
    Wary,
    Alarmed,
}

pub(crate) struct Scene<'a> {
    pub observed: &'a Observed,
    pub window: TimeWindow,
    /// The baseline without what lies in the window or outside of all records.
    pub baseline: Option<TimeWindow>,
    pub rows: &'a [Row],
    pub baseline_rows: &'a [Row],
    pub kinds: Vec<Kind>,
    /// The services that write, and after them those that others only speak of.
    pub services: Vec<String>,
    /// The kind of each row.
    pub kind_of: Vec<u32>,
    pub baseline_kind_of: Vec<u32>,
    /// Row numbers of each kind, in order of time: `rows_of[starts[kind]..starts[kind + 1]]`.
    order: Vec<u32>,
    starts: Vec<u32>,
    /// Records per service.
    pub service_count: Vec<u64>,
    pub service_baseline_count: Vec<u64>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(observed: &'a Observed) -> Scene<'a> {
        let window = observed.window;
        let baseline = observed
            .baseline
            .and_then(|baseline| outside(baseline, window))
            .map(|baseline| healthy(observed, baseline));
        // Trouble that was born shortly before the window belongs to it.
        let window = match baseline {
            Some(healthy)
                if observed.baseline.is_some_and(|whole| whole.to() == window.from() && healthy.to() < whole.to()) =>
            {
                TimeWindow::new(healthy.to(), window.to()).unwrap_or(window)
            }
            _ => window,
        };
        let rows = rows_in(&observed.rows, window);
        let baseline_rows = baseline.map_or(&[][..], |baseline| rows_in(&observed.rows, baseline));
        let mut kinds = Kinds::new(observed);
        let kind_of: Vec<u32> = rows.iter().map(|row| kinds.count(row, true)).collect();
        let baseline_kind_of: Vec<u32> = baseline_rows.iter().map(|row| kinds.count(row, false)).collect();
        let (kinds, services) = kinds.finish(observed);
        let (order, starts) = by_kind(&kind_of, kinds.len());
        let mut service_count = vec![0; services.len()];
        let mut service_baseline_count = vec![0; services.len()];
        for kind in &kinds {
            service_count[usize::from(kind.service)] += kind.count;
            service_baseline_count[usize::from(kind.service)] += kind.baseline_count;
        }
        Scene {
            observed,
            window,
            baseline,
            rows,
            baseline_rows,
            kinds,
            services,
            kind_of,
            baseline_kind_of,
            order,
            starts,
            service_count,
            service_baseline_count,
        }
    }

    /// Numbers of the window's rows of one kind, in order of time.
    pub(crate) fn rows_of(&self, kind: u32) -> &[u32] {
        &self.order[self.starts[kind as usize] as usize..self.starts[kind as usize + 1] as usize]
    }

    pub(crate) fn text(&self, kind: u32) -> &'a str {
        &self.observed.templates[self.kinds[kind as usize].template as usize].text
    }

    pub(crate) fn service(&self, service: u16) -> &str {
        &self.services[usize::from(service)]
    }

    /// Window's length over baseline's.
    pub(crate) fn scale(&self) -> f64 {
        self.baseline.map_or(0.0, |baseline| self.window.seconds() / baseline.seconds())
    }

    /// How many times more the index remembers before the window than the baseline shows; 0 when nothing.
    pub(crate) fn history(&self) -> f64 {
        let Some((first, _)) = self.observed.reach else { return 0.0 };
        let Some(baseline) = self.baseline else { return 0.0 };
        self.window.from().since(first).as_secs_f64().max(0.0) / baseline.seconds()
    }

    /// Whether no record of this kind's template came before the window, or the healthy end of the baseline before it,
    /// anywhere in the index.
    pub(crate) fn is_first_seen(&self, kind: u32) -> bool {
        let template = &self.observed.templates[self.kinds[kind as usize].template as usize];
        let from = self.window.from();
        template.first_seen >= self.baseline.map_or(from, |baseline| baseline.to().min(from))
    }
}

/// The baseline without its last part, when an alarming line was born there that goes on in the window: then the trouble
/// began before the window that somebody chose.
fn healthy(observed: &Observed, baseline: TimeWindow) -> TimeWindow {
    if baseline.to() > observed.window.from() {
        return baseline;
    }
    let earliest = baseline.to().0 - (baseline.to().0 - baseline.from().0) / 3;
    let mut counts: Vec<(u64, u64, Option<Severity>)> = vec![(0, 0, None); observed.templates.len()];
    let born_late = |template: u32| {
        let first_seen = observed.templates[template as usize].first_seen;
        first_seen.0 >= earliest && first_seen < baseline.to()
    };
    for row in
        rows_in(&observed.rows, baseline).iter().chain(observed.window_rows()).filter(|row| born_late(row.template))
    {
        let (before, after, level) = &mut counts[row.template as usize];
        *(if row.time < baseline.to() { before } else { after }) += 1;
        *level = (*level).max(row.severity);
    }
    let goes_on = observed.templates.iter().zip(&counts).filter(|(template, (before, after, level))| {
        *before > 0 && *after >= *before && *after >= 3 && is_trouble(*level, &template.text)
    });
    let born = goes_on.map(|(template, _)| template.first_seen).min();
    born.and_then(|born| TimeWindow::new(baseline.from(), born).ok()).unwrap_or(baseline)
}

fn is_trouble(level: Option<Severity>, text: &str) -> bool {
    tone(level, text) == Tone::Alarmed || (tone(level, text) > Tone::Calm && blame::is_deadly(text))
}

/// The longer part of `baseline` that is not in `window`.
fn outside(baseline: TimeWindow, window: TimeWindow) -> Option<TimeWindow> {
    let before = TimeWindow::new(baseline.from(), baseline.to().min(window.from())).ok();
    let after = TimeWindow::new(baseline.from().max(window.to()), baseline.to()).ok();
    match (before, after) {
        (Some(before), Some(after)) => Some(if before.length() >= after.length() { before } else { after }),
        (before, after) => before.or(after),
    }
}

pub(crate) fn rows_in(rows: &[Row], window: TimeWindow) -> &[Row] {
    let start = |time: Time| rows.partition_point(|row| row.time < time);
    &rows[start(window.from())..start(window.to())]
}

/// Numbers kinds as they come: per template, the few services that write it, and whether they call it bad.
struct Kinds {
    of_template: Vec<Vec<((u16, bool), u32)>>,
    kinds: Vec<Kind>,
}

impl Kinds {
    fn new(observed: &Observed) -> Kinds {
        Kinds { of_template: vec![Vec::new(); observed.templates.len()], kinds: Vec::new() }
    }

    fn count(&mut self, row: &Row, in_window: bool) -> u32 {
        let known = &mut self.of_template[row.template as usize];
        let key = (row.service, row.severity >= Some(Severity::Warn));
        let number = match known.iter().find(|(known, _)| *known == key) {
            Some((_, number)) => *number,
            None => {
                let number = self.kinds.len() as u32;
                known.push((key, number));
                self.kinds.push(Kind {
                    service: row.service,
                    template: row.template,
                    level: None,
                    tone: Tone::Calm,
                    count: 0,
                    baseline_count: 0,
                    blame: Blame::Own,
                    mentions: Vec::new(),
                });
                number
            }
        };
        let kind = &mut self.kinds[number as usize];
        kind.level = kind.level.max(row.severity);
        if in_window {
            kind.count += 1;
        } else {
            kind.baseline_count += 1;
        }
        number
    }

    fn finish(mut self, observed: &Observed) -> (Vec<Kind>, Vec<String>) {
        let text = |kind: &Kind| observed.templates[kind.template as usize].text.as_str();
        self.kinds.iter_mut().for_each(|kind| kind.tone = tone(kind.level, text(kind)));
        let is_bad = |kind: &&Kind| kind.count > 0 && kind.tone > Tone::Calm && kind.baseline_count == 0;
        let bad = self.kinds.iter().filter(is_bad).map(|kind| (kind.service, text(kind)));
        let mut services = observed.services.clone();
        services.extend(blame::strangers(bad, &services));
        let names = blame::Names::new(&services);
        for kind in &mut self.kinds {
            let text = &observed.templates[kind.template as usize].text;
            if kind.tone > Tone::Calm {
                kind.blame = names.blame(text, kind.service);
                if kind.blame == Blame::Own {
                    kind.mentions = names.mentioned(text, kind.service);
                }
            }
        }
        blame_quoted(&mut self.kinds, observed);
        blame_roles(&mut self.kinds, observed);
        (self.kinds, services)
    }
}

/// A line that quotes the bad line of another service, wrapped in more words of its own, tells of that service.
fn blame_quoted(kinds: &mut [Kind], observed: &Observed) {
    /// Comparing all with all has to end somewhere.
    const MOST: usize = 300;
    let text = |kind: &Kind| observed.templates[kind.template as usize].text.as_str();
    let is_bad = |kind: &&Kind| kind.count > 0 && kind.tone > Tone::Calm;
    let said: Vec<(u16, Vec<String>)> =
        kinds.iter().filter(is_bad).take(MOST).map(|kind| (kind.service, blame::plain_words(text(kind)))).collect();
    for kind in kinds.iter_mut().filter(|kind| kind.count > 0 && kind.tone > Tone::Calm && kind.blame == Blame::Own) {
        let own = blame::plain_words(&observed.templates[kind.template as usize].text);
        let quoted = said.iter().filter(|(service, words)| *service != kind.service && blame::quotes(&own, words));
        let mut named: Vec<u16> = quoted.map(|(service, _)| *service).collect();
        named.sort_unstable();
        named.dedup();
        if !named.is_empty() {
            kind.blame = Blame::Others(named);
        }
    }
}

/// A line that is new and speaks of "the database" tells of the one database that has new bad lines of its own.
fn blame_roles(kinds: &mut [Kind], observed: &Observed) {
    let is_news = |kind: &Kind| kind.count > 0 && kind.baseline_count == 0 && kind.tone > Tone::Calm;
    let mut failing: Vec<u16> = kinds.iter().filter(|kind| is_news(kind)).map(|kind| kind.service).collect();
    failing.sort_unstable();
    failing.dedup();
    for kind in kinds.iter_mut().filter(|kind| is_news(kind) && kind.blame == Blame::Own) {
        let text = &observed.templates[kind.template as usize].text;
        let speaker = kind.service;
        let others = failing.iter().filter(|service| **service != speaker);
        let named = others.map(|service| (*service, observed.services[usize::from(*service)].as_str()));
        if let Some(service) = blame::role_named(text, named) {
            kind.blame = Blame::Others(vec![service]);
        }
    }
}

pub(crate) fn tone(level: Option<Severity>, text: &str) -> Tone {
    match level {
        Some(Severity::Fatal | Severity::Error) => Tone::Alarmed,
        Some(Severity::Warn) => Tone::Wary,
        Some(Severity::Info | Severity::Debug | Severity::Trace) => Tone::Calm,
        None if blame::is_deadly(text) => Tone::Alarmed,
        None if blame::sounds_bad(text) => Tone::Wary,
        None => Tone::Calm,
    }
}

/// Sorts row numbers by kind, keeping their order within one: a counting sort.
fn by_kind(kind_of: &[u32], n_kinds: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; n_kinds + 1];
    for kind in kind_of {
        starts[*kind as usize + 1] += 1;
    }
    for index in 0..n_kinds {
        starts[index + 1] += starts[index];
    }
    let mut next = starts.clone();
    let mut order = vec![0u32; kind_of.len()];
    for (row, kind) in kind_of.iter().enumerate() {
        order[next[*kind as usize] as usize] = row as u32;
        next[*kind as usize] += 1;
    }
    (order, starts)
}
