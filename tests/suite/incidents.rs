//! Whole incidents: logs in, question asked, answer scored.

use std::path::Path;

use bot::commands::eval::{Scores, evaluate};

fn scores(folder: &Path) -> Scores {
    let scores = evaluate(folder, None, |_, _, _| {}).unwrap_or_else(|error| panic!("{error:#}"));
    println!("{}", scores.to_text());
    scores
}

#[test]
fn our_own_cases_are_answered_rightly() {
    let folder = tests::root().join("tests/incidents");
    let n_cases = std::fs::read_dir(&folder)
        .map_or(0, |entries| entries.flatten().filter(|entry| entry.path().join("case.toml").is_file()).count());
    assert!(n_cases > 0, "no cases in `{}`: a case is a folder with a `case.toml` and logs", folder.display());
    let scores = scores(&folder);
    let false_culprits = scores.false_culprits();
    assert_eq!(false_culprits.right, 0, "no culprit where there is no fault\n{}", scores.to_text());
    let suspected = scores.to_json()["failed"].clone();
    for failed in suspected.as_array().into_iter().flatten() {
        let innocent = failed["want"]["innocent"].as_array().cloned().unwrap_or_default();
        let got = failed["got"]["suspected_changes"].as_array().cloned().unwrap_or_default();
        assert!(!innocent.iter().any(|change| got.contains(change)), "an innocent deploy is suspected: {failed:#}");
    }
    let verdicts = scores.verdicts();
    assert!(verdicts.right * 10 >= verdicts.of * 9, "verdict right in {verdicts}\n{}", scores.to_text());
    let first = scores.service_at(1);
    assert!(first.right * 10 >= first.of * 8, "culprit first in {first}\n{}", scores.to_text());
    assert_eq!(scores.unverified_claims(), 0);
}

/// The guard figures: twelve cases with evidence in the logs, ten with none.
#[test]
fn train_ticket_is_answered_as_well_as_it_was() {
    let folder = tests::root().join("../shared/data/cases/trainticket");
    if !folder.is_dir() {
        println!("skipped: no cases in `{}`", folder.display());
        return;
    }
    let scores = scores(&folder);
    let cause = |wants: bool| scores.outcomes.iter().filter(move |outcome| outcome.wants_cause == wants);
    assert!(scores.service_at(1).right >= 8, "culprit first in {}", scores.service_at(1));
    assert!(scores.service_at(5).right >= 10, "culprit among five in {}", scores.service_at(5));
    let abstained = cause(true).filter(|outcome| !outcome.named_culprit).count();
    assert!(abstained <= 1, "abstains in {abstained} of those with evidence");
    let rightly = cause(false).filter(|outcome| !outcome.named_culprit).count();
    assert!(rightly >= 8, "abstains in only {rightly} of those without");
    let lines = scores.outcomes.iter().filter(|outcome| outcome.kind == "key_line");
    let missed: Vec<&str> =
        lines.filter(|outcome| outcome.evidence_found == Some(false)).map(|outcome| outcome.case.as_str()).collect();
    assert!(missed.is_empty(), "explicit lines missed in {missed:?}");
    assert_eq!(scores.unverified_claims(), 0);
}
