//! Who may use whom. The arrows are the architecture: what is absent here cannot be written by mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each crate and those of ours it may name. `bot` and `tests` may name all.
const ARROWS: &[(&str, &[&str])] = &[
    ("evidence", &[]),
    ("indexer", &["evidence"]),
    ("runbooks", &["evidence"]),
    ("prompts", &["evidence"]),
    ("chat", &["evidence"]),
    ("llm", &["prompts"]),
    ("incident", &["evidence", "runbooks"]),
    ("database", &["evidence", "incident", "runbooks"]),
    ("shop", &[]),
    ("bot", &["evidence", "indexer", "runbooks", "prompts", "chat", "llm", "incident", "database", "shop"]),
    ("tests", &["bot", "evidence", "indexer", "runbooks", "prompts", "chat", "llm", "incident", "database", "shop"]),
];

fn arrows_found() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(tests::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut arrows = BTreeMap::new();
    for package in packages {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        // What only tests use is no arrow of the architecture.
        let used = dependencies
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|name| ours.contains(name));
        let name = package["name"].as_str().expect("name").to_owned();
        arrows.insert(name, used.map(str::to_owned).collect());
    }
    arrows
}

#[test]
fn crates_use_only_those_before_them() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    for (name, uses) in arrows_found() {
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("crate `{name}` has no line in ARROWS"));
        for used in &uses {
            assert!(allowed.contains(used.as_str()), "`{name}` uses `{used}`, which its line in ARROWS does not allow");
        }
    }
}

#[test]
fn runbooks_cannot_name_a_model() {
    let arrows = arrows_found();
    let mut reachable: BTreeSet<String> = BTreeSet::new();
    let mut open = vec!["runbooks".to_owned()];
    while let Some(name) = open.pop() {
        for used in &arrows[&name] {
            if reachable.insert(used.clone()) {
                open.push(used.clone());
            }
        }
    }
    assert!(!reachable.contains("llm") && !reachable.contains("prompts"), "runbooks reaches {reachable:?}");
}
