//! Writes an incident case: the logs of a window in which something goes wrong, and what a right answer says about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::Error;
use crate::faults::{Fault, Leaves};
use crate::shop::{Settings, Shop};
use crate::stamp::{MINUTE, rfc3339};

/// How a case is cut out of the shop's life.
#[derive(Clone, Debug)]
pub struct Case {
    pub fault: &'static Fault,
    pub seed: u64,
    /// When the fault strikes, microseconds since the epoch.
    pub at: i64,
    /// How long the logs reach back before it and forward after it.
    pub minutes_before: i64,
    pub minutes_after: i64,
    pub requests_per_second: f64,
}

impl Case {
    /// A small case: fifty minutes of history, twelve of the fault.
    pub fn new(fault: &'static Fault, seed: u64, at: i64) -> Case {
        Case { fault, seed, at, minutes_before: 50, minutes_after: 12, requests_per_second: 2.0 }
    }
}

/// Writes one log file per service, `changes.ndjson` and `case.toml` into `folder`, which is made if need be.
///
/// # Errors
///
/// [`Error::Write`] when a file cannot be written.
pub fn write_case(folder: &Path, case: &Case) -> Result<(), Error> {
    let failed = |path: &Path, source| Error::Write { path: path.display().to_string(), source };
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    let start = case.at - case.minutes_before * MINUTE;
    let end = case.at + case.minutes_after * MINUTE;
    let mut shop = Shop::new(Settings {
        seed: case.seed,
        start,
        requests_per_second: case.requests_per_second,
        fault: Some((case.fault, case.at)),
    });
    let mut files: BTreeMap<&'static str, Vec<u8>> = BTreeMap::new();
    for line in shop.step(end) {
        let file = files.entry(line.source).or_default();
        file.extend_from_slice(line.text.as_bytes());
        file.push(b'\n');
    }
    let mut changes = Vec::new();
    for deploy in shop.deploys() {
        serde_json::to_writer(&mut changes, deploy).expect("a deploy has only text and times");
        changes.push(b'\n');
    }
    files.insert("changes.ndjson", changes);
    let toml = describe(case, &shop, end);
    files.insert("case.toml", toml.into_bytes());
    for (name, bytes) in files {
        let path = folder.join(name);
        let written = fs::File::create(&path).and_then(|mut file| file.write_all(&bytes));
        written.map_err(|source| failed(&path, source))?;
    }
    Ok(())
}

fn describe(case: &Case, shop: &Shop, end: i64) -> String {
    let fault = case.fault;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("question = {:?}", fault.question));
    line(format!("from = {}", rfc3339(case.at - 2 * MINUTE)));
    line(format!("to = {}", rfc3339(end)));
    line(String::new());
    line("[expect]".to_owned());
    match fault.leaves {
        Leaves::NoFault => line("verdict = [\"no_fault\"]".to_owned()),
        Leaves::KeyLine | Leaves::MissingFollowup => line("verdict = [\"cause\"]".to_owned()),
    }
    if let Some(culprit) = fault.culprit {
        line(format!("service = {culprit:?}"));
    }
    let patterns = list(fault.evidence.iter().map(|pattern| format!("'''{pattern}'''")));
    match fault.leaves {
        Leaves::KeyLine => line(format!("evidence = {patterns}")),
        Leaves::MissingFollowup => line(format!("missing = {patterns}")),
        Leaves::NoFault => {}
    }
    let guilty = fault.change.map(|change| format!("{}@{}", change.service, change.version));
    if let Some(name) = &guilty {
        line(format!("change = {name:?}"));
    }
    let others = shop.deploys().iter().map(|deploy| deploy.name()).filter(|name| Some(name) != guilty.as_ref());
    let innocent = list(others.map(|name| format!("{name:?}")));
    line(format!("innocent = {innocent}"));
    line(format!("kind = {:?}", fault.leaves.as_str()));
    let mut about = String::new();
    let _ = write!(about, "{}: {}", fault.name, fault.about);
    line(format!("fault = {about:?}   # strikes at {}", rfc3339(case.at)));
    out
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}
