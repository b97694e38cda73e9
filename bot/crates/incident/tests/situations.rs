//! Single situations, each told by a few kinds of line: an hour before and an hour of window, second by second.

use evidence::answer::{EvidenceKind, Verdict};
use evidence::{Change, ChangeKind, Observed, RecordId, Row, Severity, Template, TemplateId, Time, TimeWindow};
use incident::{Findings, Options, Reason, began_before, examine};

const HOUR: i64 = 3_600;

#[derive(Default)]
struct Logs {
    rows: Vec<Row>,
    texts: Vec<&'static str>,
    services: Vec<&'static str>,
}

impl Logs {
    /// Two services that work as ever, all the time.
    fn of_a_normal_day() -> Logs {
        let mut logs = Logs::default();
        logs.every(5, 0..2 * HOUR, "web", Some(Severity::Info), "served a page");
        logs.every(9, 0..2 * HOUR, "auth", Some(Severity::Info), "let somebody in");
        logs
    }

    fn every(
        &mut self,
        step: usize,
        seconds: std::ops::Range<i64>,
        service: &'static str,
        level: Option<Severity>,
        text: &'static str,
    ) {
        for second in seconds.step_by(step) {
            self.line(second, 0, service, level, text);
        }
    }

    fn line(&mut self, second: i64, trace: u64, service: &'static str, level: Option<Severity>, text: &'static str) {
        let service = number(&mut self.services, service) as u16;
        let template = number(&mut self.texts, text) as u32;
        let id = RecordId(self.rows.len() as u64);
        let time = at(second);
        self.rows.push(Row { time, id, trace, span: 0, template, service, host: 0, version: 0, severity: level });
    }

    fn examined(self, changes: &[Change]) -> Findings {
        examine(&self.observed(), changes, &Options::default())
    }

    fn observed(mut self) -> Observed {
        self.rows.sort_by_key(|row| (row.time, row.id));
        let first_seen =
            |template: usize| self.rows.iter().find(|row| row.template as usize == template).map(|row| row.time);
        let templates = (0..self.texts.len())
            .map(|n| {
                let id = TemplateId(n as u32);
                let text = self.texts[n].to_owned();
                Template { id, text, replaces: None, family: id, first_seen: first_seen(n).unwrap_or(at(0)) }
            })
            .collect();
        Observed {
            window: TimeWindow::new(at(HOUR), at(2 * HOUR)).unwrap(),
            baseline: Some(TimeWindow::new(at(0), at(HOUR)).unwrap()),
            templates,
            services: self.services.iter().map(|name| (*name).to_owned()).collect(),
            hosts: vec![String::new()],
            versions: vec![String::new()],
            reach: Some((at(0), at(2 * HOUR))),
            redacted: 0,
            rows: self.rows,
        }
    }
}

fn number(known: &mut Vec<&'static str>, name: &'static str) -> usize {
    known.iter().position(|known| *known == name).unwrap_or_else(|| {
        known.push(name);
        known.len() - 1
    })
}

fn at(second: i64) -> Time {
    Time((1_700_000_000 + second) * 1_000_000)
}

fn deploy(service: &str, version: &str, second: i64) -> Change {
    Change {
        service: service.to_owned(),
        version: version.to_owned(),
        environment: Some("production".to_owned()),
        at: at(second),
        kind: ChangeKind::Deploy,
        by: None,
        url: None,
        previous: None,
        note: None,
    }
}

const KILLED: &str = "Out of memory: Killed process <*> (java)";
const REFUSED: &str = "order not written: disk full";

#[test]
fn deaths_told_by_a_service_that_says_nothing_else_are_seen() {
    let mut logs = Logs::of_a_normal_day();
    logs.every(45, HOUR + 1_200..2 * HOUR, "kernel", None, KILLED);
    let findings = logs.examined(&[]);
    // The kernel is only the witness.
    assert_eq!((findings.verdict, findings.culprit.as_deref()), (Verdict::Cause, Some("java")));
}

#[test]
fn first_words_of_a_new_service_are_no_fault() {
    let mut logs = Logs::of_a_normal_day();
    logs.every(30, HOUR + 1_200..2 * HOUR, "export", Some(Severity::Info), "wrote a file");
    logs.line(HOUR + 1_200, 0, "export", Some(Severity::Warn), "no state of an earlier run");
    assert_eq!(logs.examined(&[]).verdict, Verdict::NoFault);
}

#[test]
fn deaths_as_usual_are_told_and_accuse_nobody() {
    let mut logs = Logs::of_a_normal_day();
    logs.every(300, 0..2 * HOUR, "kernel", None, KILLED);
    let findings = logs.examined(&[]);
    assert_eq!((findings.verdict, findings.reason), (Verdict::NoFault, Reason::OnlyAsUsual));
    assert_eq!((findings.evidence[0].kind, findings.evidence[0].count), (EvidenceKind::Match, 12));
    assert!(findings.confidence <= 0.6);
}

#[test]
fn fault_has_ended_only_when_its_service_works_on() {
    let check = |errors_until: i64, works_until: i64, ended: Option<i64>| {
        let mut logs = Logs::of_a_normal_day();
        logs.every(4, 0..works_until, "orders", Some(Severity::Info), "took an order");
        logs.every(10, HOUR + 600..errors_until, "orders", Some(Severity::Error), REFUSED);
        let findings = logs.examined(&[]);
        assert_eq!(findings.culprit.as_deref(), Some("orders"));
        assert_eq!(findings.facts.ended, ended.map(at), "errors until {errors_until}, work until {works_until}");
    };
    check(HOUR + 1_800, 2 * HOUR, Some(HOUR + 1_790));
    check(2 * HOUR, 2 * HOUR, None);
    check(HOUR + 1_800, HOUR + 1_800, None);
}

#[test]
fn with_two_at_fault_the_deploy_of_one_is_suspected() {
    let mut logs = Logs::of_a_normal_day();
    for service in ["orders", "search"] {
        logs.every(4, 0..2 * HOUR, service, Some(Severity::Info), "worked");
    }
    logs.every(5, HOUR + 900..2 * HOUR, "orders", Some(Severity::Error), REFUSED);
    logs.every(5, HOUR + 900..2 * HOUR, "search", Some(Severity::Error), "index is corrupt");
    let findings = logs.examined(&[deploy("search", "v7", HOUR + 840), deploy("auth", "v2", HOUR + 300)]);
    assert_eq!(findings.verdict, Verdict::Conflicting);
    let suspected = |service: &str| findings.changes.iter().any(|change| change.service == service && change.suspected);
    assert!(suspected("search") && !suspected("auth"), "{:?}", findings.changes);
}

#[test]
fn whoever_stops_taking_up_work_starved_the_others() {
    let mut logs = Logs::of_a_normal_day();
    for (trace, second) in (0..HOUR + 60).step_by(6).enumerate() {
        let trace = trace as u64 + 1;
        logs.line(second, trace, "worker", Some(Severity::Info), "picked up order <*>");
        logs.line(second + 1, trace, "shipping", Some(Severity::Info), "label bought");
        logs.line(second + 2, trace, "worker", Some(Severity::Info), "order <*> fulfilled");
        logs.line(second + 3, trace, "email", Some(Severity::Info), "mail accepted");
    }
    let findings = logs.examined(&[]);
    assert_eq!((findings.verdict, findings.culprit.as_deref()), (Verdict::Cause, Some("worker")));
}

#[test]
fn proxy_that_hands_out_bad_answers_is_explained_by_whom_it_fronts() {
    let mut logs = Logs::of_a_normal_day();
    logs.every(2, 0..2 * HOUR, "nginx", None, "GET /orders/<*> served");
    logs.every(4, 0..2 * HOUR, "orders", Some(Severity::Info), "took an order");
    logs.every(5, HOUR + 900..2 * HOUR, "orders", Some(Severity::Error), REFUSED);
    logs.every(5, HOUR + 901..2 * HOUR, "nginx", Some(Severity::Error), "POST /orders (server-error)");
    let findings = logs.examined(&[]);
    assert_eq!((findings.verdict, findings.culprit.as_deref()), (Verdict::Cause, Some("orders")));
}

#[test]
fn migration_that_holds_the_lock_is_suspected() {
    let mut logs = Logs::of_a_normal_day();
    logs.every(20, 0..2 * HOUR, "postgres", Some(Severity::Info), "checkpoint complete");
    logs.line(10, 0, "migrate", Some(Severity::Info), "no pending migrations");
    logs.line(HOUR + 870, 0, "migrate", Some(Severity::Info), "ALTER TABLE orders ADD COLUMN note");
    logs.every(7, HOUR + 900..2 * HOUR, "postgres", Some(Severity::Error), "canceling statement due to lock timeout");
    let findings = logs.examined(&[deploy("migrate", "0142", HOUR + 860), deploy("web", "v3", HOUR + 840)]);
    let suspected: Vec<&str> =
        findings.changes.iter().filter(|change| change.suspected).map(|change| change.service.as_str()).collect();
    assert_eq!(suspected, ["migrate"]);
}

/// A normal day with an error of a service in these stretches of it, every so many seconds.
fn failing(stretches: &[(usize, std::ops::Range<i64>)]) -> Observed {
    let mut logs = Logs::of_a_normal_day();
    for (step, seconds) in stretches {
        logs.every(*step, seconds.clone(), "auth", Some(Severity::Error), "cannot reach the directory");
    }
    logs.observed()
}

#[test]
fn trouble_that_fills_window_and_baseline_began_where_it_was_born_or_rose() {
    assert_eq!(began_before(&failing(&[(7, 900..2 * HOUR)])), Some(at(900)), "born");
    assert_eq!(began_before(&failing(&[(300, 0..1_500), (7, 1_500..2 * HOUR)])), Some(at(1_500)), "risen");
    assert_eq!(began_before(&failing(&[(7, 0..2 * HOUR)])), None, "as ever, for all that is known");
    assert_eq!(began_before(&failing(&[(7, 900..HOUR)])), None, "over");
    assert_eq!(began_before(&failing(&[(7, 900..HOUR), (300, HOUR..2 * HOUR)])), None, "all but over");
    assert_eq!(began_before(&failing(&[(900, 900..2 * HOUR)])), None, "too seldom to tell");
    let mut calm = Logs::of_a_normal_day();
    calm.every(7, 900..2 * HOUR, "auth", Some(Severity::Info), "greeted somebody");
    assert_eq!(began_before(&calm.observed()), None, "no trouble");
}

#[test]
fn trouble_older_than_the_baseline_is_known_by_the_memory_of_the_index() {
    let hours_old = |hours: i64| {
        let mut observed = failing(&[(7, 0..2 * HOUR)]);
        observed.reach = Some((at(-99 * HOUR), at(2 * HOUR)));
        let error = observed.templates.iter_mut().find(|template| template.text.contains("directory"));
        error.unwrap().first_seen = at((1 - hours) * HOUR);
        began_before(&observed)
    };
    assert_eq!(hours_old(3), Some(at(-2 * HOUR)));
    assert_eq!(hours_old(20), None, "how things are");
}

#[test]
fn in_an_ebb_nobody_is_suspected_of_a_line_that_stops() {
    let mut logs = Logs::default();
    for (service, text) in [("web", "served a page"), ("auth", "let somebody in"), ("mail", "sent a letter")] {
        logs.every(5, 0..HOUR, service, Some(Severity::Info), text);
        logs.every(60, HOUR..2 * HOUR, service, Some(Severity::Info), text);
    }
    logs.every(10, 0..HOUR + 3_000, "auth", Some(Severity::Info), "swept the sessions");
    let findings = logs.examined(&[]);
    assert_eq!(findings.verdict, Verdict::NoFault);
    assert_eq!((findings.suspects, findings.evidence), (vec![], vec![]));
}

#[test]
fn whoever_is_alone_in_the_logs_fails_whomever_it_complains_of() {
    for text in
        ["rpc error: code = PermissionDenied", "upstream weather.example returned <*>", "request to smtp timed out"]
    {
        let mut logs = Logs::default();
        logs.every(5, 0..2 * HOUR, "billing", Some(Severity::Info), "wrote an invoice");
        logs.every(6, HOUR + 60..2 * HOUR, "billing", Some(Severity::Error), text);
        let findings = logs.examined(&[deploy("billing", "4.1", HOUR), deploy("lis", "3.8", HOUR)]);
        assert_eq!(findings.culprit.as_deref(), Some("billing"), "{text}");
        let change = |service: &str| findings.changes.iter().find(|change| change.service == service).unwrap();
        assert!(change("billing").suspected, "{text}");
        assert!(!change("lis").judged && change("billing").judged, "nothing is logged under the name of lis");
    }
}

#[test]
fn a_deploy_is_of_the_parts_that_log_by_their_own_names() {
    let mut logs = Logs::of_a_normal_day();
    for part in ["lis.store", "lis.parser"] {
        logs.every(6, 0..2 * HOUR, part, Some(Severity::Info), "took a result");
    }
    logs.every(6, HOUR + 60..2 * HOUR, "lis.parser", Some(Severity::Error), "cannot read a unit");
    let findings = logs.examined(&[deploy("lis", "3.8", HOUR)]);
    assert_eq!(findings.culprit.as_deref(), Some("lis.parser"));
    assert!(findings.changes[0].suspected, "{:?}", findings.changes);
}
