//! Habits of the repository that no compiler checks.

use std::path::{Path, PathBuf};

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

fn all(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["bot", "indexer", "runbooks", "prompts", "tests", "deploy"] {
        files(&tests::root().join(folder), extension, &mut found);
    }
    assert!(!found.is_empty(), "no `.{extension}` files; is this the workspace?");
    found
}

#[test]
fn every_rust_file_says_what_it_holds() {
    for path in all("rs") {
        let text = std::fs::read_to_string(&path).expect("readable");
        let first = text.lines().next().unwrap_or_default();
        let says = first.starts_with("//!") || first.starts_with("#![doc = include_str!");
        assert!(says, "{} does not open with a line `//! …`", path.display());
    }
}

#[test]
fn no_module_is_named_mod_rs() {
    for path in all("rs") {
        assert!(
            path.file_name().is_some_and(|name| name != "mod.rs"),
            "{}: write `foo.rs` beside `foo/`",
            path.display()
        );
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX:"].concat()];
    for path in all("rs").into_iter().chain(all("md")) {
        let text = std::fs::read_to_string(&path).expect("readable");
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{} contains `{mark}`", path.display());
        }
    }
}

/// The names in the tables of dependencies of a `Cargo.toml`.
fn dependencies_in(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    let root = manifest.get("workspace").and_then(toml::Value::as_table).unwrap_or(&manifest);
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables.iter().filter_map(|table| root.get(*table)?.as_table()).flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn every_dependency_is_used() {
    let mut of_members = Vec::new();
    for member in all("toml").into_iter().filter(|path| path.ends_with("Cargo.toml")) {
        let folder = member.parent().expect("a file has a folder");
        let mut sources = Vec::new();
        for part in ["src", "suite", "tests", "benches", "build.rs"].map(|part| folder.join(part)) {
            if part.is_file() { sources.push(part) } else { files(&part, "rs", &mut sources) }
        }
        let code: String = sources.iter().map(|path| std::fs::read_to_string(path).expect("readable")).collect();
        for dependency in dependencies_in(&std::fs::read_to_string(&member).expect("readable")) {
            let name = dependency.replace('-', "_");
            let is_used = [format!("{name}::"), format!("use {name};")].iter().any(|used| code.contains(used.as_str()));
            assert!(is_used, "{}: nothing uses `{dependency}`; remove it", member.display());
            of_members.push(dependency);
        }
    }
    let workspace = std::fs::read_to_string(tests::root().join("Cargo.toml")).expect("readable");
    for dependency in dependencies_in(&workspace) {
        assert!(of_members.contains(&dependency), "Cargo.toml: no crate uses `{dependency}`; remove it");
    }
}

#[test]
fn every_member_inherits_the_workspace_lints() {
    for path in all("toml").into_iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = std::fs::read_to_string(&path).expect("readable");
        let manifest: toml::Table = toml::from_str(&text).expect("a manifest is TOML");
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(inherits, Some(true), "{}", path.display());
    }
}
