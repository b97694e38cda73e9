//! Accuracy on labelled lines of eight systems, one configuration for all of them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use evidence::Time;

use crate::formats::{Detector, ParseContext};
use crate::mine::Miner;

/// Rows of a CSV file with quoted cells.
fn rows_of(csv: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut chars = csv.chars().peekable();
    while let Some(next) = chars.next() {
        let row = rows.last_mut().expect("there is always a row");
        match next {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                row.last_mut().expect("a row has cells").push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(String::new()),
            '\n' if !is_quoted => rows.push(vec![String::new()]),
            '\r' if !is_quoted => {}
            other => row.last_mut().expect("a row has cells").push(other),
        }
    }
    rows.retain(|row| row.len() > 1);
    rows
}

/// The share of lines whose message, as the program reads it, holds no time, level, process or thread of its header.
fn without_header(rows: &[Vec<String>], log: &str) -> f64 {
    let columns: Vec<usize> = ["Date", "Time", "Pid", "Tid", "Level"]
        .iter()
        .filter_map(|name| rows[0].iter().position(|head| head == name))
        .collect();
    let content = rows[0].iter().position(|head| head == "Content").expect("LogHub's columns");
    let context = ParseContext::utc(Time(i64::MAX / 4));
    let is_bare = |row: &Vec<String>, line: &str| {
        let text = Detector::auto().parse(line, &context).text;
        let before = text.strip_suffix(row[content].trim()).unwrap_or(&text);
        !columns.iter().any(|column| before.split([' ', '[', ']', '|']).any(|part| part == row[*column]))
    };
    let lines = log.lines().zip(&rows[1..]);
    let n_bare = lines.filter(|(line, row)| is_bare(row, line.trim_end())).count();
    n_bare as f64 / (rows.len() - 1) as f64
}

/// The share of lines whose group is exactly right, and F1 over groups.
fn accuracy(rows: &[Vec<String>]) -> (f64, f64) {
    let column = |name: &str| rows[0].iter().position(|head| head == name).expect("LogHub's columns");
    let (content, event) = (column("Content"), column("EventId"));
    let rows = &rows[1..];
    let mut miner = Miner::default();
    let ids: Vec<_> = rows.iter().map(|row| miner.assign(&row[content])).collect();
    let mut ours: HashMap<_, Vec<usize>> = HashMap::new();
    let mut truth: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, id) in ids.into_iter().enumerate() {
        ours.entry(miner.family(id)).or_default().push(index);
        truth.entry(&rows[index][event]).or_default().push(index);
    }
    let right: Vec<&Vec<usize>> = truth.values().filter(|lines| ours.values().any(|group| group == *lines)).collect();
    let n_lines: usize = right.iter().map(|lines| lines.len()).sum();
    let f1 = 2.0 * right.len() as f64 / (ours.len() + truth.len()) as f64;
    (n_lines as f64 / rows.len() as f64, f1)
}

#[test]
fn groups_lines_of_eight_systems() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/loghub");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: `{}` is not there", folder.display());
        return;
    };
    let mut scores = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "csv") {
            let (ga, fga) = accuracy(&rows_of(&fs::read_to_string(&path).unwrap()));
            println!("{:<34} GA {ga:.3} FGA {fga:.3}", path.file_stem().unwrap().display());
            scores.push((ga, fga));
        }
    }
    let mean = |pick: fn(&(f64, f64)) -> f64| scores.iter().map(pick).sum::<f64>() / scores.len() as f64;
    let (ga, fga) = (mean(|score| score.0), mean(|score| score.1));
    assert!(ga >= 0.93 && fga >= 0.92, "mean GA {ga:.3}, FGA {fga:.3}");
}

#[test]
fn messages_of_five_systems_hold_no_header() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/loghub");
    // The others have no level, so what stands around their times is message, or are syslog, which has its own tests.
    for system in ["Android", "Apache", "BGL", "OpenStack", "Zookeeper"] {
        let log = folder.join(format!("{system}_2k.log"));
        let Ok(log) = fs::read_to_string(&log) else {
            println!("skipped: `{}` is not there", log.display());
            return;
        };
        let csv = fs::read_to_string(folder.join(format!("{system}_2k.log_structured.csv"))).expect("beside its log");
        let share = without_header(&rows_of(&csv), &log);
        println!("{system:<12} {share:.3} without header");
        assert!(share >= 0.999, "{system}: {share:.3}");
    }
}
