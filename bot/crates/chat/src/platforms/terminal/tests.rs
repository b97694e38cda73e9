//! Answers of every kind against their transcripts (`UPDATE_EXPECT=1` rewrites them), and hostile text against every renderer.

use std::path::Path;

use evidence::answer::Answer;
use evidence::{RecordId, Redacted, Severity, StoredRecord, TemplateId, Time};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::layout::width;
use crate::message::*;

const SAMPLES: [&str; 7] = ["cause", "no_fault", "insufficient", "conflicting", "show_me", "how_often", "what_changed"];

fn style(width: usize) -> TerminalStyle {
    TerminalStyle { width, ..TerminalStyle::plain(at("14:15:20")) }
}

fn at(clock: &str) -> Time {
    format!("2026-11-21T{clock}Z").parse().unwrap()
}

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn answer(name: &str) -> Answer {
    serde_json::from_value(sample(name)).unwrap()
}

fn check_transcript(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "`{name}` reads differently; UPDATE_EXPECT=1 accepts it");
}

fn check_width(text: &str, limit: usize) {
    for line in text.lines() {
        assert!(width(line) <= limit, "{} columns in {limit}: `{line}`", width(line));
    }
}

fn check_inert(text: &str) {
    let bad = text.chars().find(|&c| c != '\n' && crate::inert::is_active(c));
    assert_eq!(bad, None, "in {text:?}");
}

#[test]
fn answers_read_as_their_transcripts() {
    for name in SAMPLES {
        check_transcript(name, &render_answer(&answer(name), &style(100)));
    }
    check_transcript("cause.140", &render_answer(&answer("cause"), &style(140)));
    check_transcript("cause.80", &render_answer(&answer("cause"), &style(80)));
    check_transcript("cause.50", &render_answer(&answer("cause"), &style(50)));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for name in SAMPLES {
        for columns in [40, 50, 63, 80, 100, 117, 140, 200] {
            check_width(&render_answer(&answer(name), &style(columns)), columns);
        }
    }
}

#[test]
fn the_first_line_answers() {
    for name in SAMPLES {
        let answer = answer(name);
        let first_word = answer.headline.split(' ').next().unwrap().to_owned();
        let text = render_answer(&answer, &style(100));
        assert!(text.starts_with(&first_word), "{text}");
        let verdict = crate::words::verdict(&answer).unwrap_or_default();
        assert!(text.lines().next().unwrap().ends_with(&verdict), "{text}");
    }
}

#[test]
fn colour_changes_no_text() {
    let plain = render_answer(&answer("cause"), &style(100));
    let coloured = render_answer(&answer("cause"), &TerminalStyle { colour: true, ..style(100) });
    assert!(coloured.contains("\x1b[1;31mcause"));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some(start) = rest.find("\x1b[") {
        stripped.push_str(&rest[..start]);
        rest = &rest[start..][rest[start..].find('m').unwrap() + 1..];
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

fn report(state: StepState) -> StepReport {
    StepReport {
        id: "s-7f3k".into(),
        summary: "roll back checkout to v1.41".into(),
        state,
        at: at("14:18:07"),
        approvals: Vec::new(),
        stopped_by: None,
        run: None,
        outcome: None,
        verification: None,
    }
}

fn check_outcome(step: &StepReport, expected: &str) {
    assert_eq!(render_step_outcome(step, &style(160)).trim_end(), expected);
}

#[test]
fn a_decided_step_is_one_line() {
    let ines = |reason: Option<&str>| Decision {
        person: "ines".into(),
        at: at("14:18:04"),
        reason: reason.map(str::to_owned),
    };
    let done = StepReport {
        approvals: vec![ines(None)],
        run: Some(Run { started: at("14:18:05"), ended: Some(at("14:18:11")) }),
        verification: Some(Verification {
            verified: Some(true),
            held_before: false,
            at: Some(at("14:19:02")),
            text: "E1 has stopped (0 in the last 45 s, was 96/min)".into(),
        }),
        ..report(StepState::Succeeded)
    };
    check_outcome(
        &done,
        "✓ Approved by @ines 14:18:04 · ran 14:18:05–14:18:11 · verified 14:19:02: E1 has stopped (0 in the last 45 s, was 96/min)",
    );
    let rejected = StepReport {
        at: at("14:18:04"),
        stopped_by: Some(ines(Some("payment is mid-migration, fail over instead"))),
        ..report(StepState::Rejected)
    };
    check_outcome(&rejected, "✗ Rejected by @ines 14:18:04: “payment is mid-migration, fail over instead”");
    check_outcome(&report(StepState::Expired), "⧗ Expired 14:18:07, nobody approved: roll back checkout to v1.41");
    check_outcome(
        &StepReport { approvals: vec![ines(None)], ..report(StepState::Indeterminate) },
        "? Approved by @ines 14:18:04 · Unknown: we lost the executor at 14:18:07; check before trying again: roll back checkout to v1.41",
    );
}

#[test]
fn a_waiting_step_shows_all_that_runs() {
    let answer = answer("cause");
    let waiting: Vec<Waiting> = answer
        .proposals
        .iter()
        .map(|proposal| Waiting {
            incident: answer.incident.clone(),
            title: proposal.title.clone(),
            why: proposal.why.clone(),
            step: proposal.steps[0].clone(),
            state: StepState::Proposed,
            approvals: Vec::new(),
            who: "1 of checkout-oncall".into(),
            precondition: Some("endpoint deploy at https://deploy.internal".into()),
        })
        .collect();
    check_transcript("proposals", &render_proposals(&waiting, &style(100)));
}

fn hit(text: &str, service: &str) -> StoredRecord {
    StoredRecord {
        id: RecordId(7),
        time: at("14:02:10"),
        service: service.into(),
        level: Some(Severity::Error),
        host: None,
        environment: None,
        version: None,
        trace: None,
        span: None,
        template: text.into(),
        template_id: TemplateId(1),
        text: Redacted::from_storage(text.into()),
        fields: Default::default(),
        source: Default::default(),
    }
}

#[test]
fn hits_keep_their_stack_traces() {
    let trace = "java.lang.IllegalStateException: pool is empty\n\tat shop.Pool.take(Pool.java:41)\n\tat shop.Main.run(Main.java:7)";
    let hits = Hits {
        total: 31,
        exact: false,
        took_ms: 12.0,
        searched_records: 214_377,
        hits: vec![hit(trace, "checkout")],
        hints: Vec::new(),
    };
    check_transcript("hits", &render_search_hits(&hits, &style(100)));
}

/// Replaces every free text of an answer.
fn poison(value: &mut Value, key: &str, text: &str) {
    const FIXED: [&str; 14] = [
        "schema",
        "kind",
        "verdict",
        "level",
        "template_id",
        "from",
        "to",
        "onset",
        "at",
        "first",
        "last",
        "time",
        "expires",
        "risk",
    ];
    match value {
        Value::String(_) if FIXED.contains(&key) || key == "degraded" => {}
        Value::String(string) if key == "id" && string.starts_with('r') => {}
        Value::String(string) => *string = text.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key, text)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| poison(value, key, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_text_stays_text(
        text in prop::collection::vec(
            prop_oneof![any::<char>(), prop::char::range('\0', '\u{a0}'), prop::char::range('\u{2000}', '\u{206f}'),
                        Just(' '), Just('字'), prop::char::range('\u{e0000}', '\u{e007f}')],
            0..60,
        ),
        columns in 40usize..150,
        which in 0..SAMPLES.len(),
    ) {
        let text: String = text.into_iter().collect();
        let mut value = sample(SAMPLES[which]);
        poison(&mut value, "", &text);
        let answer: Answer = serde_json::from_value(value).unwrap();
        let style = style(columns);
        let waiting: Vec<Waiting> = answer.proposals.iter().flat_map(|proposal| &proposal.steps).map(|step| Waiting {
            incident: None,
            title: text.clone(),
            why: text.clone(),
            step: step.clone(),
            state: StepState::Proposed,
            approvals: vec![Decision { person: text.clone(), at: at("14:00:00"), reason: Some(text.clone()) }],
            who: text.clone(),
            precondition: Some(text.clone()),
        }).collect();
        let hits = Hits { total: 1, exact: true, took_ms: 1.0, searched_records: 1, hits: vec![hit(&text, &text)], hints: vec![text.clone()] };
        let row = TimelineRow { at: at("14:00:00"), kind: text.clone(), text: text.clone(), actor: Some(text.clone()), refs: vec![text.clone()] };
        let template = TemplateRow { id: "t1".into(), template: text.clone(), service: text.clone(), level: None, worst: Some((Severity::Error, 3)), count: 3, first: None, last: None };
        let step = StepReport { outcome: Some(text.clone()), summary: text.clone(), ..report(StepState::Failed) };
        for shown in [
            render_answer(&answer, &style),
            render_proposals(&waiting, &style),
            render_search_hits(&hits, &style),
            render_timeline(&[row], &style),
            render_templates(&[template], &style),
            render_step_outcome(&step, &style),
        ] {
            check_inert(&shown);
            check_width(&shown, columns);
        }
    }
}
