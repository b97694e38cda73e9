//! The public incident cases, without the index: lines are mined and laid out as columns here, so that the figures are the analyses' own.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use evidence::answer::Verdict;
use evidence::{Observed, RecordId, Row, Severity, Template, Time, TimeWindow};
use incident::{Findings, Options, examine};
use indexer::mine::Miner;

struct Case {
    name: String,
    kind: String,
    service: String,
    patterns: Vec<String>,
    observed: Observed,
    texts: Vec<String>,
}

struct Line {
    time: Time,
    service: String,
    host: String,
    level: Option<Severity>,
    trace: u64,
    span: u64,
    text: String,
}

#[test]
fn public_cases_keep_their_figures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/cases/trainticket");
    if !root.is_dir() {
        println!("skipped: no cases at `{}`", root.display());
        return;
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for folder in folders.iter().filter(|folder| folder.join("case.toml").is_file()) {
        let case = read(folder);
        let started = Instant::now();
        let findings = examine(&case.observed, &[], &Options::default());
        let took = started.elapsed();
        let judged = judge(&case, &findings);
        print_row(&case, &findings, &judged, took.as_secs_f64() * 1e3);
        let score = scores.entry(case.kind.clone()).or_default();
        score.cases += 1;
        score.first += usize::from(judged.rank == Some(0));
        score.among_five += usize::from(judged.rank.is_some());
        score.lines += usize::from(judged.line.is_some());
        score.abstained += usize::from(judged.abstained);
    }
    println!("{scores:#?}");
    let of = |kind: &str| scores.get(kind).copied().unwrap_or_default();
    let (lines, missing, none) = (of("key_line"), of("missing_followup"), of("none_in_logs"));
    assert!(lines.first + missing.first >= 8, "culprit first");
    assert!(lines.among_five + missing.among_five >= 10, "culprit among five");
    assert_eq!(lines.lines, lines.cases, "explicit lines among the first ten");
    assert!(missing.first >= 3 && missing.among_five >= 4, "missing follow-ups");
    assert!(lines.abstained + missing.abstained <= 1, "abstained although the logs show it");
    assert!(none.abstained * 10 >= none.cases * 8, "named somebody although the logs show nothing");
}

/// Fault-free minutes against fault-free minutes: whatever is found there is the method's own invention.
#[test]
fn halves_of_a_quiet_baseline_convict_nobody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/cases/trainticket");
    for name in ["nezha-tt-01-29-0843-contacts-return", "nezha-tt-01-30-1151-contacts-network_delay"] {
        let folder = root.join(name);
        if !folder.is_dir() {
            println!("skipped: no case at `{}`", folder.display());
            return;
        }
        let mut case = read(&folder);
        let quiet = case.observed.baseline.unwrap();
        for share in [3, 4, 5, 6, 7] {
            let middle = Time(quiet.from().0 + (quiet.to().0 - quiet.from().0) * share / 10);
            let first = TimeWindow::new(quiet.from(), middle).unwrap();
            let second = TimeWindow::new(middle, quiet.to()).unwrap();
            for (window, baseline) in [(first, second), (second, first)] {
                (case.observed.window, case.observed.baseline) = (window, Some(baseline));
                let findings = examine(&case.observed, &[], &Options::default());
                assert_eq!(findings.culprit, None, "{name} {window:?}");
                assert_ne!(findings.verdict, Verdict::Conflicting, "{name} {window:?}");
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    cases: usize,
    first: usize,
    among_five: usize,
    lines: usize,
    abstained: usize,
}

struct Judged {
    rank: Option<usize>,
    line: Option<usize>,
    abstained: bool,
}

fn judge(case: &Case, findings: &Findings) -> Judged {
    let rank = findings.suspects.iter().take(5).position(|suspect| suspect.service == case.service);
    let patterns: Vec<regex::Regex> = case.patterns.iter().map(|pattern| regex::Regex::new(pattern).unwrap()).collect();
    let line = findings.evidence.iter().take(10).position(|evidence| {
        let samples = findings.sample_ids[&evidence.id].iter().map(|id| case.texts[id.0 as usize].as_str());
        let texts: Vec<&str> = samples.chain([evidence.template.as_str()]).collect();
        patterns.iter().any(|pattern| texts.iter().any(|text| pattern.is_match(text)))
    });
    let abstained = matches!(findings.verdict, Verdict::Insufficient | Verdict::NoFault);
    Judged { rank, line, abstained }
}

fn print_row(case: &Case, findings: &Findings, judged: &Judged, ms: f64) {
    let name = case.name.trim_start_matches("nezha-tt-");
    println!(
        "{name:<44} {:<12} {:.2} {:?} rank {:?} line {:?} onset {:?} {ms:.0} ms",
        findings.verdict.as_str(),
        findings.confidence,
        findings.reason,
        judged.rank,
        judged.line,
        findings.onset.map(|onset| onset.since(findings.window.from()).as_secs()),
    );
    if std::env::var_os("FIRSTLINE_SHOW").is_some() {
        for suspect in &findings.suspects {
            println!("      {} {} {}", suspect.service, suspect.score, suspect.why);
        }
        for evidence in findings.evidence.iter().take(8) {
            let due = evidence
                .after
                .as_ref()
                .map(|after| (after.missed, after.due, after.baseline_missed, after.baseline_due));
            let template: String = evidence.template.chars().take(110).collect();
            println!(
                "      {} {:?} {} {}/{} {due:?} {template}",
                evidence.id, evidence.kind, evidence.service, evidence.count, evidence.baseline_count
            );
        }
    }
}

fn read(folder: &Path) -> Case {
    let text = std::fs::read_to_string(folder.join("case.toml")).unwrap();
    let toml: toml::Table = text.parse().unwrap();
    let time = |key: &str| toml[key].to_string().parse::<Time>().unwrap();
    let window = TimeWindow::new(time("from"), time("to")).unwrap();
    let baseline = TimeWindow::new(time("baseline_from"), time("baseline_to")).unwrap();
    let expect = toml["expect"].as_table().unwrap();
    let words = |key: &str| {
        let list = expect.get(key).and_then(toml::Value::as_array).cloned().unwrap_or_default();
        list.iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut lines: Vec<Line> =
        ["baseline", "fault"].iter().flat_map(|part| lines_of(&folder.join(format!("{part}.ndjson.gz")))).collect();
    lines.sort_by_key(|line| line.time);
    let texts = lines.iter().map(|line| line.text.clone()).collect();
    Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        kind: expect["kind"].as_str().unwrap().to_owned(),
        service: expect["service"].as_str().unwrap().to_owned(),
        patterns: words("evidence"),
        observed: observed(&lines, window, baseline),
        texts,
    }
}

fn lines_of(path: &Path) -> Vec<Line> {
    let reader = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()));
    reader.lines().map(|line| line_of(&line.unwrap())).collect()
}

fn line_of(json: &str) -> Line {
    let fields: serde_json::Value = serde_json::from_str(json).unwrap();
    let text = |key: &str| fields[key].as_str().unwrap_or_default().to_owned();
    let stamp = text("ts");
    let stamp = if stamp.ends_with('Z') || stamp.contains('+') { stamp } else { format!("{stamp}Z") };
    let message = text("message");
    let word_after = |mark: &str| {
        let rest = message.split_once(mark).map_or("", |(_, rest)| rest);
        hash(rest.split_whitespace().next().unwrap_or(""))
    };
    Line {
        time: stamp.parse().unwrap(),
        service: text("service"),
        host: text("pod"),
        level: message.split_whitespace().nth(1).and_then(Severity::parse),
        trace: word_after("TraceID: "),
        span: word_after("SpanID: "),
        text: message,
    }
}

fn hash(word: &str) -> u64 {
    if word.is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish().max(1)
}

fn observed(lines: &[Line], window: TimeWindow, baseline: TimeWindow) -> Observed {
    let mut miner = Miner::default();
    let ids: Vec<_> = lines.iter().map(|line| miner.assign(&line.text)).collect();
    let (mut templates, mut services, mut hosts) = (Names::default(), Names::default(), Names::default());
    hosts.number("");
    let mut first_seen = BTreeMap::new();
    let mut rows = Vec::new();
    for (index, (line, id)) in lines.iter().zip(&ids).enumerate() {
        let family = miner.family(*id);
        first_seen.entry(family).or_insert(line.time);
        rows.push(Row {
            time: line.time,
            id: RecordId(index as u64),
            trace: line.trace,
            span: line.span,
            template: templates.number(&family.0.to_string()) as u32,
            service: services.number(&line.service) as u16,
            host: hosts.number(&line.host) as u16,
            version: 0,
            severity: line.level,
        });
    }
    let templates = templates.names.iter().map(|id| {
        let id = evidence::TemplateId(id.parse().unwrap());
        Template {
            id,
            text: miner.text(id).unwrap().to_owned(),
            replaces: None,
            family: id,
            first_seen: first_seen[&id],
        }
    });
    Observed {
        window,
        baseline: Some(baseline),
        templates: templates.collect(),
        services: services.names,
        hosts: hosts.names,
        versions: vec![String::new()],
        reach: rows.first().zip(rows.last()).map(|(first, last): (&Row, &Row)| (first.time, last.time)),
        rows,
        redacted: 0,
    }
}

#[derive(Default)]
struct Names {
    names: Vec<String>,
    numbers: BTreeMap<String, usize>,
}

impl Names {
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.numbers.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.names.len() - 1
    }
}
