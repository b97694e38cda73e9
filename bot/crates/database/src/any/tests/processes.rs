//! Several processes on one file, and processes that die. The test binary starts itself again as the other process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;
use incident::journal::verify;

const WRITERS: usize = 4;
const CHILD: &str = "FIRSTLINE_TEST_JOURNAL_CHILD";

/// Writes to the file named in the environment until it is told to stop; prints each entry once it is acknowledged.
#[tokio::test]
async fn child() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let shared = std::env::var("FIRSTLINE_TEST_JOURNAL_ROUNDS").ok();
    let database = Database::open(&url).await.unwrap();
    let actor = format!("process {}", std::process::id());
    let last: u64 = shared.map_or(u64::MAX, |rounds| rounds.parse().unwrap());
    let stream = if last == u64::MAX { format!("own/{}", std::process::id()) } else { "shared".into() };
    let mut seq = 1;
    while seq <= last {
        let entries =
            [NewEntry::new(&stream, seq, &actor, "{}"), NewEntry::new(format!("pair/{stream}/{seq}"), 1, &actor, "{}")];
        match database.append(&entries, Time(0)).await {
            Ok(_) => println!("acknowledged {stream} {seq}"),
            Err(Error::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        seq = database.latest(&stream).await.unwrap().map_or(1, |entry| entry.seq + 1);
    }
}

fn start(url: &str, rounds: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["any::tests::processes::child", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, url).stdout(Stdio::piped());
    if let Some(rounds) = rounds {
        command.env("FIRSTLINE_TEST_JOURNAL_ROUNDS", rounds.to_string());
    }
    command.spawn().unwrap()
}

fn acknowledged(line: &str) -> Option<(String, u64)> {
    let (_, rest) = line.split_once("acknowledged ")?;
    let (stream, seq) = rest.trim().split_once(' ')?;
    Some((stream.to_owned(), seq.parse().ok()?))
}

#[tokio::test]
async fn processes_that_race_on_a_new_file_win_each_place_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("firstline.db").display());
    let children: Vec<Child> = (0..WRITERS).map(|_| start(&url, Some(40))).collect();
    let mut won = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        won.extend(String::from_utf8_lossy(&output.stdout).lines().filter_map(acknowledged));
    }
    won.sort();
    assert_eq!(won, (1..=40).map(|seq| ("shared".to_owned(), seq)).collect::<Vec<_>>());
    let database = Database::open(&url).await.unwrap();
    assert!(verify(&database.since(0, 1_000).await.unwrap(), &[]).is_whole());
}

#[tokio::test]
async fn a_process_sees_what_another_wrote_by_following_positions() {
    let folder = tempfile::tempdir().unwrap();
    let (serve, cli) = (sqlite(&folder).await, sqlite(&folder).await);
    for seq in 1..=20 {
        let seen = serve.end().await.unwrap();
        let written = cli.append(&[NewEntry::new("incident/1", seq, "ada", "{}")], Time(0)).await.unwrap();
        assert_eq!(serve.since(seen, 10).await.unwrap(), written);
        assert_eq!(cli.latest("incident/1").await.unwrap().as_ref(), written.last());
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("firstline.db").display());
    for round in 0..8u64 {
        let mut child = start(&url, None);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            lines.map_while(Result::ok).filter_map(|line| acknowledged(&line)).collect::<Vec<_>>()
        });
        tokio::time::sleep(Duration::from_millis(400 + round * 37)).await;
        child.kill().unwrap();
        child.wait().unwrap();

        let database = Database::open(&url).await.unwrap();
        for (stream, seq) in reader.join().unwrap() {
            assert!(database.latest(&stream).await.unwrap().is_some_and(|entry| entry.seq >= seq), "{stream} {seq}");
        }
        for stream in database.streams("own/").await.unwrap() {
            let n_entries = database.latest(&stream).await.unwrap().unwrap().seq;
            let n_pairs = database.streams(&format!("pair/{stream}/")).await.unwrap().len() as u64;
            assert_eq!(n_entries, n_pairs, "both streams of a call, or neither");
        }
        assert!(verify(&database.since(0, 1_000_000).await.unwrap(), &[]).is_whole());
    }
    assert!(Database::open(&url).await.unwrap().end().await.unwrap() > 0, "the children wrote something");
}
