//! One event of every kind with every field filled, so that no text of a journal escapes the table.
//! A field or variant that is added does not compile here until it is filled, and does not pass until it has a rule.

use std::collections::BTreeMap;

use evidence::answer::*;
use evidence::{ChangeKind, RecordId, Redacted, Redactor, Severity, TemplateId, Time, TimeWindow};
use incident::{
    ChangeFacts, ErrorShare, Facts, FailingService, Findings, Reason, Relation, ReportedService, ShareUnit,
    SilentService, Usual,
};

use incident::{Answered, Asked, Event, Found, Id, Question, Retold, Row};
use runbooks::approval::{Facts as StepFacts, Rights};
use runbooks::proposal::Undo;
use runbooks::verify::{Verify, Wants, What};
use runbooks::{Digest, Outcome, Outcomes, Person, Proposal, Step, StepContent, StepEvent};

pub const ANSWER: &str = "a-1";
/// Words that must be found nowhere in what is stored.
pub const SECRETS: [&str; 6] = ["WORD", "SAMPLE", "TITLE", "DRYRUN", "OUTPUT", "mirela"];

fn at() -> Time {
    Time(1_700_000_000_000_000)
}

fn said(text: &str) -> Redacted {
    Redacted::from_storage(text.to_owned())
}

fn window() -> TimeWindow {
    TimeWindow::new(at(), Time(at().0 + 60_000_000)).unwrap()
}

pub fn ines() -> Person {
    Person { id: "mirela".into(), name: "Dr mirela WORD".into(), human: true, via: Some("console:mirela".into()) }
}

pub fn asked(by: &str) -> Event {
    let row = Row { id: "E1".into(), service: "s".into(), template: Some(TemplateId(1)), query: "WORD".into() };
    Event::Asked(Asked {
        answer: ANSWER.into(),
        by: by.into(),
        question: Question {
            text: "WORD why?".into(),
            kind: QuestionKind::WhatIsWrong,
            window: Some(window()),
            window_said: "WORD".into(),
            window_chosen: true,
            baseline: Some(window()),
            moment: Some(at()),
            services: vec!["checkout".into()],
            blamed: Some(vec!["checkout".into()]),
            ids: vec![Id::Request("WORD-1".into()), Id::Row(row)],
            severity: Some(Severity::Error),
            words: vec!["WORD".into()],
            notes: vec!["WORD".into()],
        },
        zone: "UTC".into(),
        grant: Some(evidence::Grant::of([evidence::grant::Allowance::new(["checkout"], ["production"])])),
        use_model: true,
    })
}

fn evidence() -> Evidence {
    let follow = FollowUp {
        template: "SAMPLE <*>".into(),
        template_id: Some(TemplateId(2)),
        due: 1,
        missed: 1,
        baseline_due: 1,
        baseline_missed: 0,
    };
    Evidence {
        id: "E1".into(),
        kind: EvidenceKind::New,
        service: "checkout".into(),
        level: Some(Severity::Error),
        template: "SAMPLE <*>".into(),
        template_id: Some(TemplateId(1)),
        count: 3,
        baseline_count: 0,
        expected: 0.1,
        after: Some(follow),
        first: Some(at()),
        last: Some(at()),
        samples: vec![Sample { id: RecordId(1), time: at(), text: said("SAMPLE 17") }],
        series: vec![1, 2],
        hosts: vec![HostCount { host: "node-1".into(), count: 3 }],
        versions: vec![VersionCount { version: "v1".into(), count: 3 }],
    }
}

fn change() -> RankedChange {
    RankedChange {
        id: "C1".into(),
        service: "checkout".into(),
        kind: ChangeKind::Deploy,
        version: "v1".into(),
        previous: Some("v0".into()),
        environment: Some("production".into()),
        at: at(),
        by: Some("mirela".into()),
        url: Some("https://ci/1".into()),
        score: 0.5,
        suspected: true,
        judged: true,
        why: "WORD".into(),
    }
}

fn coverage() -> Coverage {
    Coverage {
        records_searched: 1,
        records_in_window: 1,
        services: 1,
        silent_services: vec!["cart".into()],
        gaps: vec![Gap { source: "a.log".into(), from: at(), to: at() }],
        redacted: 0,
        shown_to_model: 0,
    }
}

fn chart() -> Chart {
    Chart { title: "errors/min".into(), from: at(), bucket_seconds: 60, counts: vec![1, 2] }
}

fn suspect() -> Suspect {
    Suspect { service: "checkout".into(), score: 0.30000000000000004, why: "WORD".into(), citations: vec!["E1".into()] }
}

fn claim() -> Claim {
    Claim { text: "WORD".into(), citations: vec!["E1".into()], numbers_checked: 0, verified: true }
}

fn model() -> ModelUse {
    ModelUse {
        name: "m".into(),
        prompt: "tell@v1".into(),
        tokens_in: 1,
        tokens_out: 1,
        cost_usd: Some(0.1),
        claims_removed: 0,
        degraded: Some(Degraded::Timeout),
    }
}

fn findings() -> Findings {
    let usual = Usual { count: 1, baseline_count: 1, expected: 0.1, low: 0, high: 1 };
    let facts = Facts {
        error_share: Some(ErrorShare {
            service: "checkout".into(),
            unit: ShareUnit::Lines,
            failing: 1,
            all: 2,
            baseline_failing: 0,
            baseline_all: 1,
        }),
        missed: Some("WORD".into()),
        missed_at: Some(at()),
        unmentioned: vec!["WORD".into()],
        reach: Some((at(), at())),
        ended: Some(at()),
        errors: usual,
        traffic: usual,
        new_kinds: 1,
        new_alarming_kinds: 1,
        kinds_compared: 1,
        silent: vec![SilentService { service: "cart".into(), last: Some(at()), expected: 1.0 }],
        spread: vec![FailingService { service: "checkout".into(), since: at(), citations: vec!["E1".into()] }],
        path: vec!["web".into(), "checkout".into()],
        reported: vec![ReportedService {
            service: "checkout".into(),
            by: vec!["web".into()],
            since: Some(at()),
            citations: vec!["E1".into()],
            own_evidence: true,
        }],
        changes: BTreeMap::from([(
            "C1".into(),
            ChangeFacts {
                seconds_before_onset: Some(1.5),
                citations: vec!["E1".into()],
                on_version: 1,
                with_version: 1,
                on_hosts: 1,
                with_host: 1,
                hosts: vec!["node-1".into()],
                base_rate: 0.1,
                relation: Relation::Same,
            },
        )]),
        rival: Some("cart".into()),
    };
    Findings {
        window: window(),
        baseline: Some(window()),
        onset: Some(at()),
        verdict: Verdict::Cause,
        confidence: 0.9,
        reason: Reason::OwnEvidence,
        culprit: Some("checkout".into()),
        evidence: vec![evidence()],
        sample_ids: BTreeMap::from([("E1".into(), vec![RecordId(1)])]),
        suspects: vec![suspect()],
        changes: vec![change()],
        coverage: coverage(),
        chart: Some(chart()),
        facts,
    }
}

pub fn step() -> Step {
    step_with(Undo::Manual("Deploy v1 again.".into()), What::Query { query: "level:error".into() })
}

fn step_with(undo: Undo, what: What) -> Step {
    let content = StepContent {
        incident: "1".into(),
        proposal: "p-1".into(),
        step: "st-1".into(),
        runbook: "rollback".into(),
        runbook_digest: Digest::of("runbook"),
        action: "http".into(),
        action_version: 1,
        arguments: serde_json::json!({"path": "/v1/rollback", "deep": [{"to": "v0"}]}),
        summary: "Roll back".into(),
        target: "checkout".into(),
        environment: "production".into(),
        service: Some("checkout".into()),
        risk: Risk::Medium,
        executor: "mirela".into(),
        timeout_seconds: 60,
        verify: Some(Verify {
            what,
            wants: Wants::AtMost { count: 1, was_per_minute: Some(9) },
            for_seconds: 60,
            within_seconds: 600,
        }),
        undo: Some(undo),
        dry_run: Some("DRYRUN".into()),
        precondition: Some("DRYRUN".into()),
        evidence: vec!["E1".into()],
        proposer: "firstline".into(),
        requester: "mirela".into(),
        policy: "rules-1".into(),
        proposed_at: at(),
        expires: Time(at().0 + 900_000_000),
        together_with: vec!["st-2".into()],
        after_seconds: Some(1),
    };
    Step::seal(content, &Redactor::new([7; 32])).unwrap()
}

fn proposed() -> Event {
    let undo = Undo::Step {
        action: "http".into(),
        action_version: 1,
        arguments: serde_json::json!({"to": "v1"}),
        summary: "Roll forward".into(),
    };
    let what = What::Evidence {
        id: "E1".into(),
        service: "checkout".into(),
        template: "SAMPLE <*>".into(),
        template_id: Some(TemplateId(1)),
    };
    let mut other = step_with(undo, what).content().clone();
    other.step = "st-2".into();
    let other = Step::seal(other, &Redactor::new([7; 32])).unwrap();
    Event::Proposed {
        answer: ANSWER.into(),
        proposals: vec![Proposal {
            id: "p-1".into(),
            incident: "1".into(),
            runbook: "rollback".into(),
            title: "Roll back".into(),
            params: BTreeMap::from([("service".into(), "checkout".into())]),
            why: "WORD".into(),
            citations: vec!["E1".into()],
            steps: vec![step(), other],
        }],
        notes: vec!["WORD".into()],
    }
}

fn answer() -> Answer {
    let view = StepView {
        id: "st-1".into(),
        action: "http".into(),
        summary: "Roll back".into(),
        arguments: serde_json::json!({"path": "/v1"}),
        target: "checkout".into(),
        environment: "production".into(),
        risk: Risk::Medium,
        digest: "d".into(),
        approvals_needed: 1,
        expires: at(),
        dry_run: Some("DRYRUN".into()),
        verify: Some("SAMPLE gone".into()),
        undo: Some("Deploy again.".into()),
        together_with: vec!["st-2".into()],
    };
    Answer {
        schema: SCHEMA.into(),
        id: ANSWER.into(),
        incident: Some("1".into()),
        conversation: "1".into(),
        question: said("WORD why?"),
        kind: QuestionKind::WhatIsWrong,
        window: AnswerWindow { from: at(), to: at(), onset: Some(at()) },
        baseline: Some(window()),
        verdict: Verdict::Cause,
        confidence: 0.9,
        headline: "WORD".into(),
        claims: vec![claim()],
        suspects: vec![suspect()],
        evidence: vec![evidence()],
        changes: vec![change()],
        coverage: coverage(),
        proposals: vec![ProposalView {
            id: "p-1".into(),
            runbook: "rollback".into(),
            title: "Roll back".into(),
            params: BTreeMap::from([("service".into(), "checkout".into())]),
            why: "WORD".into(),
            citations: vec!["E1".into()],
            steps: vec![view],
        }],
        model: Some(model()),
        took_ms: 1.5,
        notes: vec!["WORD".into()],
        window_said: "WORD".into(),
        follow_ups: vec!["WORD".into()],
        chart: Some(chart()),
    }
}

pub fn facts() -> StepFacts {
    StepFacts {
        digest: step().digest(),
        risk: Risk::Medium,
        environment: "production".into(),
        proposer: "firstline".into(),
        requester: "mirela".into(),
        manual: false,
        approvals_needed: 1,
        expires: Time(at().0 + 900_000_000),
        operation: Some(step().content().operation()),
        after_seconds: 1,
    }
}

/// Every event of a step, in an order in which it can live.
pub fn step_events() -> Vec<StepEvent> {
    let (at, digest, by) = (at(), step().digest(), ines());
    let reason = Some(said("WORD"));
    let rights = Some(Rights { rules: "rules-1".into(), because: vec!["oncall-approves".into()] });
    let outcome =
        Outcome { result: Outcomes::Unknown, summary: said("OUTPUT"), output: said("OUTPUT\n"), bytes_left_out: 0 };
    let samples = vec![
        StepEvent::Proposed { facts: facts(), at },
        StepEvent::Agreed { by: by.clone(), digest, reason: reason.clone(), rights: rights.clone(), at },
        StepEvent::Approved { digest, start_by: Time(at.0 + 60_000_000), at },
        StepEvent::Claimed { claim: "c-1".into(), worker: "w-1".into(), digest, rights: rights.clone(), at },
        StepEvent::CancelRequested { by: by.clone(), reason: reason.clone(), at },
        StepEvent::Finished { claim: "c-1".into(), outcome, at },
        StepEvent::Settled { by: by.clone(), succeeded: true, reason: reason.clone(), at },
        StepEvent::Verified { verified: true, held_before: false, text: "SAMPLE gone".into(), at },
        StepEvent::Rejected { by: by.clone(), reason: reason.clone(), at },
        StepEvent::Expired { at },
        StepEvent::Superseded { by_step: "st-2".into(), at },
        StepEvent::Cancelled { by: by.clone(), reason: reason.clone(), at },
        StepEvent::BrokeGlass { by: by.clone(), digest, reason: said("WORD"), rights: rights.clone().unwrap(), at },
        StepEvent::Paged { told: true, text: "WORD".into(), at },
        StepEvent::Reviewed { by: by.clone(), text: said("WORD"), at },
        StepEvent::DoneByHand { by, digest, reason, rights, at },
        StepEvent::Lost { why: "WORD".into(), at },
        StepEvent::Withdrawn { why: "WORD".into(), at },
    ];
    // A new variant does not compile until it has a sample above.
    for sample in &samples {
        match sample {
            StepEvent::Proposed { .. }
            | StepEvent::Agreed { .. }
            | StepEvent::Approved { .. }
            | StepEvent::Rejected { .. }
            | StepEvent::Expired { .. }
            | StepEvent::Superseded { .. }
            | StepEvent::Cancelled { .. }
            | StepEvent::Claimed { .. }
            | StepEvent::CancelRequested { .. }
            | StepEvent::Finished { .. }
            | StepEvent::DoneByHand { .. }
            | StepEvent::Lost { .. }
            | StepEvent::Settled { .. }
            | StepEvent::Withdrawn { .. }
            | StepEvent::BrokeGlass { .. }
            | StepEvent::Paged { .. }
            | StepEvent::Reviewed { .. }
            | StepEvent::Verified { .. } => {}
        }
    }
    samples
}

pub fn events() -> Vec<Event> {
    let mut samples = vec![
        asked("mirela"),
        Event::Found(Found {
            answer: ANSWER.into(),
            findings: findings(),
            services: vec!["checkout".into()],
            unconfirmed: vec!["SAMPLE".into()],
        }),
        Event::NotFound { answer: "a-2".into(), reason: "WORD".into() },
        Event::Opened { title: "TITLE".into(), service: Some("checkout".into()) },
        Event::Joined { incident: "2".into() },
        proposed(),
        Event::Answered(Answered { answer: answer(), refused: vec!["WORD".into()] }),
        Event::Retold(Retold {
            answer: ANSWER.into(),
            model: model(),
            prompt_digest: "d".into(),
            shown_records: 1,
            headline: Some("WORD".into()),
            claims: vec![claim()],
        }),
    ];
    let Event::Proposed { proposals, .. } = proposed() else { unreachable!("it is a proposal") };
    samples.push(Event::ProposedByHand {
        by: "mirela".into(),
        proposal: Proposal { id: "p-2".into(), incident: "2".into(), ..proposals[0].clone() },
        instead_of: Some("p-1".into()),
        undoes: Some("st-1".into()),
    });
    samples.extend(step_events().into_iter().map(|event| Event::Step { step: "st-1".into(), event }));
    samples.push(Event::Held { step: "st-1".into(), why: said("WORD") });
    samples.push(Event::Resolved { note: said("WORD") });
    for sample in &samples {
        match sample {
            Event::Asked(_)
            | Event::Found(_)
            | Event::NotFound { .. }
            | Event::Opened { .. }
            | Event::Joined { .. }
            | Event::Proposed { .. }
            | Event::Answered(_)
            | Event::Retold(_)
            | Event::ProposedByHand { .. }
            | Event::Step { .. }
            | Event::Held { .. }
            | Event::Resolved { .. } => {}
        }
    }
    samples
}
