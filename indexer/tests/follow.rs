//! Files followed while they grow, rotate and are cut; and a disk that fills up in between.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::{Redactor, Time};
use indexer::{Error, Follow, Followed, Ingest, IngestOptions, Query, SearchOptions, Store, TantivyStore, Writer};

const NOW: Time = Time(1_769_860_800_000_000);

fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn total(data: &Path, query: &str) -> u64 {
    let store = TantivyStore::open(data).unwrap();
    store.search(&Query::parse(query).unwrap(), &SearchOptions::at(NOW)).unwrap().total
}

fn line(n: usize) -> String {
    format!("2026-01-30T10:{:02}:{:02}Z INFO request {n} done\n", n / 60 % 60, n % 60)
}

#[test]
fn whole_lines_come_at_once_and_the_last_one_when_it_rests() {
    let folder = tempfile::tempdir().unwrap();
    let (data, logs) = (folder.path().join("data"), folder.path().join("logs"));
    std::fs::create_dir(&logs).unwrap();
    let mut ingest = Ingest::new(Writer::open(&data).unwrap(), Redactor::new([1; 32]));
    ingest.commit().unwrap();
    let pattern = format!("{}/*.log", logs.display());
    let mut follow = Follow::new(&[Followed { pattern, options: IngestOptions::default() }]).unwrap();
    let log = logs.join("shop.log");
    append(&logs.join("other.txt"), &line(0));
    append(&log, &(line(1) + &line(2) + "2026-01-30T10:00:03Z INFO unfin"));
    follow.round(&mut ingest, NOW).unwrap();
    assert_eq!((total(&data, "*"), total(&data, "unfin*")), (1, 0), "the second could be the head of a trace");
    append(&log, "ished request\n");
    append(&log, &line(4));
    follow.round(&mut ingest, NOW).unwrap();
    assert_eq!((total(&data, "*"), total(&data, "unfinished")), (3, 1));
    std::fs::rename(&log, logs.join("shop.1.log")).unwrap();
    append(&log, &line(5));
    std::thread::sleep(indexer::follow::IDLE + std::time::Duration::from_millis(100));
    follow.round(&mut ingest, NOW).unwrap();
    std::thread::sleep(indexer::follow::IDLE + std::time::Duration::from_millis(100));
    follow.round(&mut ingest, NOW).unwrap();
    assert_eq!(total(&data, "*"), 5, "lines 1 to 5, each once");
    for n in 1..=5 {
        let query = if n == 3 { "unfinished".to_owned() } else { format!("\"request {n}\"") };
        assert_eq!(total(&data, &query), 1, "line {n}");
    }
}

/// Unmounts when the test ends, however it ends.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk);
        command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !mount("size=3m") {
        println!("skipped: mounting a small disk needs root");
        return;
    }
    let mounted = Mounted(disk.clone());
    let data = disk.join("data");
    let (small, large) = (folder.path().join("small.log"), folder.path().join("large.log"));
    append(&small, &(0..500).map(line).collect::<String>());
    let index = |path: &Path| {
        let mut ingest = Ingest::new(Writer::open(&data)?, Redactor::new([1; 32]));
        ingest.index(&[path.to_path_buf()], &IngestOptions::default(), NOW, &mut |_| {})
    };
    assert_eq!(index(&small).unwrap().records, 500);
    let mut text = String::new();
    for n in 0..60_000_u64 {
        let noise = blake3::hash(&n.to_le_bytes()).to_hex();
        text += &format!("2026-01-30T11:00:00Z INFO large {n} {noise} {}\n", &noise[3..40]);
    }
    append(&large, &text);
    let error = index(&large).unwrap_err();
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    assert_eq!(total(&data, "*"), 500, "what was stored is still there and is still found");
    let grown = Command::new("mount").args(["-o", "remount,size=200m"]).arg(&disk).status().unwrap();
    assert!(grown.success());
    assert_eq!(index(&large).unwrap().records, 60_000);
    assert_eq!((total(&data, "*"), total(&data, "large")), (60_500, 60_000));
    drop(mounted);
}
