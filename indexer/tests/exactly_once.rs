//! Files as they really behave: repeated, appended, rotated, packed, cut, damaged, and a process killed in between.

use std::io::Write;
use std::path::{Path, PathBuf};

use evidence::{Redactor, Time};
use indexer::{Error, Ingest, IngestOptions, Query, Report, SearchOptions, Store, TantivyStore, Writer};

const NOW: Time = Time(1_769_860_800_000_000);

fn index(data: &Path, paths: &[&Path]) -> Report {
    let mut ingest = Ingest::new(Writer::open(data).unwrap(), Redactor::new([1; 32]));
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    ingest.index(&paths, &IngestOptions::default(), NOW, &mut |_| {}).unwrap()
}

fn total(data: &Path, query: &str) -> u64 {
    let store = TantivyStore::open(data).unwrap();
    store.search(&Query::parse(query).unwrap(), &SearchOptions::at(NOW)).unwrap().total
}

fn lines(from: usize, to: usize) -> String {
    (from..to).map(|n| format!("2026-01-30T10:{:02}:{:02}Z INFO request {n} done\n", n / 60 % 60, n % 60)).collect()
}

fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_file_adds_its_tail_only() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("shop.log"));
    append(&log, &lines(0, 300));
    let first = index(&data, &[&log]);
    assert_eq!((first.records, first.malformed, first.files), (300, 0, 1));
    assert_eq!(first.services.iter().collect::<Vec<_>>(), ["shop"]);
    assert_eq!(index(&data, &[&log]).records, 0);
    append(&log, &lines(300, 450));
    assert_eq!(index(&data, &[&log]).records, 150);
    assert_eq!((total(&data, "*"), total(&data, "request 449"), total(&data, "\"request 7\"")), (450, 1, 1));
}

#[test]
fn a_short_file_that_grows_is_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("shop.log"));
    for n in 0..200 {
        append(&log, &lines(n, n + 1));
        if n % 20 == 0 {
            index(&data, &[&log]);
        }
    }
    index(&data, &[&log]);
    assert_eq!(total(&data, "*"), 200);
}

#[test]
fn rotated_and_packed_copies_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let log = logs.join("shop.log");
    append(&log, &lines(0, 500));
    assert_eq!(index(&data, &[&logs]).records, 500);
    append(&log, &lines(500, 600));
    std::fs::rename(&log, logs.join("shop.log.1")).unwrap();
    append(&log, &lines(600, 700));
    let report = index(&data, &[&logs]);
    assert_eq!((report.records, report.cut_files), (200, 0));

    let whole = std::fs::read(logs.join("shop.log.1")).unwrap();
    std::fs::remove_file(logs.join("shop.log.1")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&whole).unwrap();
    std::fs::write(logs.join("shop.log.2.gz"), gz.finish().unwrap()).unwrap();
    std::fs::write(logs.join("shop.log.3.zst"), zstd::encode_all(&whole[..], 1).unwrap()).unwrap();
    assert_eq!(index(&data, &[&logs]).records, 0);
    assert_eq!(total(&data, "*"), 700);
}

#[test]
fn a_file_cut_in_place_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("shop.log"));
    append(&log, &lines(0, 500));
    index(&data, &[&log]);
    std::fs::write(&log, lines(500, 520)).unwrap();
    let report = index(&data, &[&log]);
    assert_eq!((report.records, report.cut_files), (20, 1));
    assert_eq!(total(&data, "*"), 520);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    append(&logs.join("good.log"), &lines(0, 10));
    std::fs::write(logs.join("empty.log"), "").unwrap();
    std::fs::write(logs.join("photo.log"), [b"\x89PNG".as_slice(), &[0; 500]].concat()).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(lines(1_000, 40_000).as_bytes()).unwrap();
    let packed = gz.finish().unwrap();
    std::fs::write(logs.join("cut.log.gz"), &packed[..packed.len() / 2]).unwrap();
    let missing = logs.join("missing.log");
    let report = index(&data, &[&logs, &missing]);
    let messages: Vec<&str> = report.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
    for (file, word) in
        [("cut.log.gz", "was read in part"), ("photo.log", "a picture"), ("missing.log", "does not exist")]
    {
        assert!(
            messages.iter().any(|message| message.contains(file) && message.contains(word)),
            "{file}: {messages:?}"
        );
    }
    assert!(report.records > 10 && total(&data, "service:good") == 10);
}

#[test]
fn a_line_that_is_being_written_is_awaited_and_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("shop.log"));
    append(&log, &(lines(0, 3) + "2026-01-30T11:00:00Z INFO half"));
    let writer = std::thread::spawn({
        let log = log.clone();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            append(&log, " and whole\n2026-01-30T11:00:01Z INFO last without end");
        }
    });
    assert_eq!(index(&data, &[&log]).records, 5);
    writer.join().unwrap();
    assert_eq!(
        (total(&data, "\"half and whole\""), total(&data, "half"), total(&data, "\"last without end\"")),
        (1, 1, 1)
    );
    assert_eq!(index(&data, &[&log]).records, 0, "a file that rests is known whole");
    append(&log, "\n2026-01-30T11:00:02Z INFO after it\n");
    index(&data, &[&log]);
    assert_eq!((total(&data, "\"after it\""), total(&data, "\"last without end\"")), (1, 1));
}

#[test]
fn a_cut_archive_gives_what_it_has_and_later_the_rest() {
    let noise = |n: usize| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let text: String = (0..9_000).map(|n| format!("2026-01-30T10:00:00Z INFO request {n} {:x}\n", noise(n))).collect();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    for (name, packed) in
        [("shop.log.gz", gz.finish().unwrap()), ("shop.log.zst", zstd::encode_all(text.as_bytes(), 1).unwrap())]
    {
        let folder = tempfile::tempdir().unwrap();
        let (data, log) = (folder.path().join("data"), folder.path().join(name));
        let mut stored = 0;
        for cut in [packed.len() / 2, packed.len() / 2, packed.len() - 3] {
            std::fs::write(&log, &packed[..cut]).unwrap();
            let report = index(&data, &[&log]);
            stored += report.records;
            assert_eq!((report.problems.len(), total(&data, "*")), (1, stored), "{name}");
            let message = &report.problems[0].message;
            assert!(message.contains("was read in part") && message.contains("only what is missing"), "{message}");
        }
        assert!(stored > 1_000, "{name}: {stored} records of half the file");
        std::fs::write(&log, &packed).unwrap();
        let report = index(&data, &[&log]);
        assert_eq!((report.problems.len(), total(&data, "*"), report.records), (0, 9_000, 9_000 - stored), "{name}");
    }
}

#[test]
fn a_small_archive_that_is_cut_gives_its_first_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("shop.log.gz"));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(lines(0, 20).as_bytes()).unwrap();
    let packed = gz.finish().unwrap();
    std::fs::write(&log, &packed[..packed.len() - 100]).unwrap();
    let stored = index(&data, &[&log]).records;
    assert!((10..20).contains(&stored), "{stored} of 20 lines");
    std::fs::write(&log, &packed).unwrap();
    assert_eq!((index(&data, &[&log]).records, total(&data, "*")), (20 - stored, 20));
}

#[test]
fn encodings_long_lines_and_missing_times_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let utf16: Vec<u8> =
        "\u{feff}2026-01-30T10:00:00Z INFO größer als nötig\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("windows.log"), utf16).unwrap();
    std::fs::write(folder.path().join("latin.log"), b"2026-01-30T10:00:00Z INFO gr\xf6\xdfer latin\nno time at all\n")
        .unwrap();
    let long = format!("2026-01-30T10:00:00Z INFO long {}\n", "ü".repeat(1_000_000));
    std::fs::write(folder.path().join("long.log"), long).unwrap();
    std::fs::write(folder.path().join("ahead.log"), "2026-02-20T10:00:00Z INFO from the future\n").unwrap();
    let paths: Vec<PathBuf> =
        ["windows", "latin", "long", "ahead"].map(|name| folder.path().join(format!("{name}.log"))).into();
    let report = index(&data, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert_eq!((report.records, report.truncated, report.skewed, report.problems.len()), (5, 1, 1, 0));
    assert_eq!((total(&data, "größer"), total(&data, "GRÖẞER latin"), total(&data, "latin")), (1, 0, 1));
    let store = TantivyStore::open(&data).unwrap();
    let options = SearchOptions { limit: 9, ..SearchOptions::at(NOW) };
    let hits = store.search(&Query::parse("\"no time at all\"").unwrap(), &options).unwrap().hits;
    assert_eq!(hits[0].time.to_string(), "2026-01-30T10:00:00.000000Z");
    assert_eq!(store.reach().unwrap().unwrap().1.to_string(), "2026-01-30T10:00:00.000000Z");
}

#[test]
fn a_missing_index_says_what_to_do() {
    let error = TantivyStore::open(Path::new("/nonexistent/data")).unwrap_err();
    assert!(matches!(error, Error::NoIndex(_)) && error.to_string().contains("firstline index"), "{error}");
}

#[test]
fn one_writes_and_others_read_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut ingest = Ingest::new(Writer::open(&data).unwrap(), Redactor::new([1; 32]));
    let error = Writer::open(&data).unwrap_err();
    assert!(matches!(error, Error::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
    ingest.commit().unwrap();
    let store = TantivyStore::open(&data).unwrap();
    let n = || store.search(&Query::All, &SearchOptions::at(NOW)).unwrap().total;
    for round in 0..12_u64 {
        let line = format!("2026-01-30T10:00:{round:02}Z ERROR pool exhausted after {round} ms");
        ingest.push_lines("shop", Some("shop"), round, [line.as_str()], NOW).unwrap();
        ingest.push_lines("shop", Some("shop"), round, [line.as_str()], NOW).unwrap();
        ingest.commit().unwrap();
        assert_eq!(n(), round, "the last line waits for one more commit, since a trace may follow");
    }
    ingest.commit().unwrap();
    assert_eq!(n(), 12);
    drop(ingest);
    let mut again = Ingest::new(Writer::open(&data).unwrap(), Redactor::new([1; 32]));
    again.push_lines("shop", Some("shop"), 0, ["2026-01-30T10:00:00Z ERROR pool exhausted after 0 ms"], NOW).unwrap();
    again.commit().unwrap();
    again.commit().unwrap();
    assert_eq!(n(), 12, "numbers already taken are skipped, after a restart too");
}

/// The child of the test below: indexes until it is killed.
#[test]
fn child_that_indexes() {
    let (Ok(data), Ok(logs)) = (std::env::var("FIRSTLINE_TEST_DATA"), std::env::var("FIRSTLINE_TEST_LOGS")) else {
        return;
    };
    let mut ingest = Ingest::new(Writer::open(Path::new(&data)).unwrap(), Redactor::new([1; 32]));
    // Many small runs, so that commits happen all the time and the kill falls anywhere around one.
    for log in std::fs::read_dir(logs).unwrap().flatten() {
        ingest.index(&[log.path()], &IngestOptions::default(), NOW, &mut |_| {}).unwrap();
    }
}

#[test]
fn killing_the_writer_at_any_moment_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, logs) = (folder.path().join("data"), folder.path().join("logs"));
    std::fs::create_dir(&logs).unwrap();
    const N_LINES: usize = 24_000;
    for part in 0..24 {
        append(&logs.join(format!("part{part}.log")), &lines(part * 1_000, (part + 1) * 1_000));
    }
    let mut random = 12_345_u64;
    let mut acknowledged = 0;
    for round in 0..40_usize {
        // New lines every round, or the later kills would find nothing to interrupt.
        let part = logs.join(format!("part{}.log", round % 24));
        append(&part, &lines(N_LINES + round * 100, N_LINES + (round + 1) * 100));
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_indexes", "--nocapture"])
            .env("FIRSTLINE_TEST_DATA", &data)
            .env("FIRSTLINE_TEST_LOGS", &logs)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(std::time::Duration::from_millis(30 + (random >> 33) % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        if data.join("meta.json").exists() {
            let now = total(&data, "*");
            assert!(now >= acknowledged, "round {round}: {now} records, {acknowledged} were there before");
            acknowledged = now;
        }
    }
    index(&data, &[&logs]);
    let expected = N_LINES + 40 * 100;
    assert_eq!(total(&data, "*"), expected as u64);
    let store = TantivyStore::open(&data).unwrap();
    let options = SearchOptions { limit: expected, ..SearchOptions::at(NOW) };
    let texts: std::collections::HashSet<String> =
        store.search(&Query::All, &options).unwrap().hits.into_iter().map(|hit| hit.text.into_string()).collect();
    assert_eq!(texts.len(), expected, "every line is there once");
    println!("40 kills; {acknowledged} of {expected} records were committed before the last run");
}
