//! A case as it stands in its folder: `case.toml`, logs, changes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use evidence::answer::Verdict;
use evidence::{Change, Time};
use regex::Regex;
use serde::Deserialize;

/// A case that was read and checked.
#[derive(Clone, Debug)]
pub struct Case {
    pub question: String,
    pub at: Option<Time>,
    pub from: Option<Time>,
    pub to: Option<Time>,
    pub baseline_from: Option<Time>,
    pub baseline_to: Option<Time>,
    pub expect: Expect,
    pub logs: Vec<PathBuf>,
    pub changes: Vec<Change>,
}

/// What a right answer says.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// Any of these is right; empty when the case does not say.
    pub verdict: Vec<Verdict>,
    pub service: Option<String>,
    /// Any one among the first ten evidence rows.
    pub evidence: Vec<Regex>,
    pub change: Option<String>,
    pub innocent: Vec<String>,
    pub kind: String,
}

#[derive(Deserialize)]
struct File {
    question: String,
    at: Option<toml::Value>,
    from: Option<toml::Value>,
    to: Option<toml::Value>,
    baseline_from: Option<toml::Value>,
    baseline_to: Option<toml::Value>,
    #[serde(default)]
    expect: ExpectFile,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExpectFile {
    verdict: Vec<Verdict>,
    service: Option<String>,
    evidence: Vec<String>,
    change: Option<String>,
    innocent: Vec<String>,
    kind: Option<String>,
}

impl Case {
    pub fn read(folder: &Path) -> Result<Case> {
        let text = std::fs::read_to_string(folder.join("case.toml")).context("cannot read `case.toml`")?;
        let file: File = toml::from_str(&text).context("`case.toml`")?;
        let patterns = file.expect.evidence.iter().map(|pattern| Regex::new(pattern));
        let evidence = patterns.collect::<Result<Vec<_>, _>>().context("`expect.evidence`")?;
        let mut logs = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if is_log(&path) {
                logs.push(path);
            }
        }
        logs.sort();
        if logs.is_empty() {
            bail!("no logs: put `*.ndjson`, `*.log`, or the same with `.gz` beside `case.toml`");
        }
        Ok(Case {
            question: file.question,
            at: time("at", file.at)?,
            from: time("from", file.from)?,
            to: time("to", file.to)?,
            baseline_from: time("baseline_from", file.baseline_from)?,
            baseline_to: time("baseline_to", file.baseline_to)?,
            expect: Expect {
                verdict: file.expect.verdict,
                service: file.expect.service,
                evidence,
                change: file.expect.change,
                innocent: file.expect.innocent,
                kind: file.expect.kind.unwrap_or_else(|| "other".to_owned()),
            },
            logs,
            changes: changes(&folder.join("changes.ndjson"))?,
        })
    }
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name != "changes.ndjson" && (name.ends_with(".ndjson") || name.ends_with(".log"))
}

/// TOML has times of its own; text is fine too.
fn time(name: &str, value: Option<toml::Value>) -> Result<Option<Time>> {
    let Some(value) = value else { return Ok(None) };
    let text = match value {
        toml::Value::Datetime(time) => time.to_string(),
        toml::Value::String(text) => text,
        other => bail!("`{name} = {other}` is not a time"),
    };
    let time = text.parse::<Time>().with_context(|| format!("`{name} = {text}` is not an RFC 3339 time"))?;
    Ok(Some(time))
}

fn changes(path: &Path) -> Result<Vec<Change>> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(Vec::new()) };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(idx, line)| serde_json::from_str(line).with_context(|| format!("`changes.ndjson` line {}", idx + 1)))
        .collect()
}
