//! What people really feed it. Each gets a message that names the thing and the next step, and costs nothing that was stored.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::place::{Place, is_root, ran};
use tests::story::Story;

const GOOD: &str = "2026-01-02T03:04:05Z INFO a good line stays\n";

/// A folder with one record stored.
fn stored() -> Place {
    let place = Place::new();
    place.write("good.log", GOOD);
    place.ok(&["index", "good.log"]);
    place
}

fn good_line_is_there(place: &Place) {
    assert_eq!(place.json(&["search", "\"a good line stays\""])["total"], 1, "what was stored is lost");
}

#[test]
fn an_empty_file_is_read_and_adds_nothing() {
    let place = stored();
    place.write("empty.log", "");
    let report = place.json(&["index", "empty.log"]);
    assert_eq!(report["records"], 0);
    good_line_is_there(&place);
}

#[test]
fn a_binary_file_is_left_out_and_named() {
    let place = stored();
    let mut bytes = b"\x7fELF\x02\x01\x01\x00".to_vec();
    bytes.extend((0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8));
    place.write("program.log", bytes);
    place.write("other.log", "2026-01-02T03:04:06Z INFO beside it\n");
    let ran = place.run(&["index", "program.log", "other.log"]);
    assert!(ran.err.contains("program.log"), "{ran:?}");
    assert_eq!(place.json(&["search", "\"beside it\""])["total"], 1);
    assert_eq!(place.json(&["search", "*"])["total"], 2, "{ran:?}");
}

#[test]
fn lines_without_times_are_kept_and_counted() {
    let place = stored();
    place.write("plain.log", "the cat sat\non the mat\n");
    let report = place.json(&["index", "plain.log"]);
    assert!(report["records"].as_u64() >= Some(1), "{report:#}");
    assert!(place.ok(&["search", "cat"]).contains("the cat sat"));
    assert_eq!(place.json(&["search", "mat"])["total"], 1);
}

#[test]
fn mixed_encodings_lose_no_line() {
    let place = stored();
    let mut bytes = "2026-01-02T03:04:06Z INFO käse one\n".as_bytes().to_vec();
    bytes.extend(b"2026-01-02T03:04:07Z INFO k\xe4se two\n");
    bytes.extend(b"2026-01-02T03:04:08Z INFO nul \x00 three\n");
    place.write("mixed.log", bytes);
    place.ok(&["index", "mixed.log"]);
    for word in ["one", "two", "three"] {
        assert_eq!(place.json(&["search", word])["total"], 1, "{word}");
    }
    let utf16: Vec<u8> = "\u{feff}2026-01-02T03:04:09Z INFO four\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("wide.log", utf16);
    place.ok(&["index", "wide.log"]);
    assert_eq!(place.json(&["search", "four"])["total"], 1);
}

#[test]
fn a_line_of_a_million_characters_is_kept() {
    let place = stored();
    let long =
        format!("2026-01-02T03:04:06Z ERROR begins {} \n2026-01-02T03:04:07Z INFO after it\n", "x".repeat(1_000_000));
    place.write("long.log", long);
    place.ok(&["index", "long.log"]);
    assert_eq!(place.json(&["search", "begins"])["total"], 1);
    assert_eq!(place.json(&["search", "\"after it\""])["total"], 1);
    place.write(
        "longer.log",
        format!("2026-01-02T03:05:06Z ERROR starts {}\n2026-01-02T03:05:07Z INFO behind\n", "y ".repeat(3_000_000)),
    );
    let report = place.json(&["index", "longer.log"]);
    assert_eq!(report["truncated"], 1, "{report:#}");
    assert_eq!(place.json(&["search", "behind"])["total"], 1);
}

#[test]
fn a_cut_archive_is_indexed_as_far_as_it_goes_and_says_so() {
    let place = stored();
    let log: String = (0..5_000_u64)
        .map(|n| format!("2026-01-02T03:04:06Z INFO request {:x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .collect();
    place.write("big.log", log);
    let packed = Command::new("gzip").arg("-c").arg(place.path("big.log")).output().expect("`gzip` runs").stdout;
    place.write("big.log.gz", &packed[..packed.len() / 2]);
    let said = place.fails(1, &["index", "big.log.gz"]);
    assert!(said.contains("big.log.gz") && said.contains("read in part"), "{said}");
    assert!(said.contains("only what is missing will be added"), "{said}");
    assert!(said.starts_with("warning: ") && !said.contains("WARN"), "{said}");
    let n_part = place.json(&["search", "*", "--limit", "1"])["total"].as_u64().expect("a total");
    assert!(n_part > 500, "{n_part} records of half the file");
    place.write("big.log.gz", packed);
    place.ok(&["index", "big.log.gz"]);
    assert_eq!(place.json(&["search", "*", "--limit", "1"])["total"], 5_001, "neither lost nor twice");
}

#[test]
fn a_clock_two_days_ahead_is_noticed_and_does_not_move_the_last_hour() {
    let place = Place::new();
    let story = Story::until_now();
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    place.write(
        "shop.ndjson",
        format!(
            "{}{{\"time\":\"{ahead}\",\"level\":\"info\",\"service\":\"cart\",\"message\":\"from the future\"}}\n",
            story.log
        ),
    );
    let ran = place.run(&["index", "shop.ndjson"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("clock"), "{ran:?}");
    assert_eq!(place.json(&["search", "\"from the future\""])["total"], 1);
    let answer = place.json(&["ask", "why is checkout failing?"]);
    assert_eq!(answer["verdict"], "cause", "one wrong clock hides the incident: {:#}", answer["window"]);
}

#[test]
fn a_folder_without_permission_is_named_with_the_way_out() {
    if !is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        println!("skipped: needs root and `setpriv`");
        return;
    }
    let place = stored();
    place.write("secret/app.log", GOOD);
    let open = |path: &Path, mode: &str| {
        assert!(Command::new("chmod").arg(mode).arg(path).status().expect("`chmod` runs").success())
    };
    open(&place.path("secret"), "700");
    open(&place.path(""), "777");
    place.write("open.log", "2026-01-02T03:04:06Z INFO readable by all\n");
    let program = place.path("firstline");
    std::fs::copy(tests::firstline(), &program).expect("the program can be copied");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    command.current_dir(place.path("")).args(["--data", "theirs", "index", "secret", "open.log"]);
    let ran = ran(command);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("secret") && ran.err.to_lowercase().contains("permission denied"), "{ran:?}");
    let found = place.json(&["--data", "theirs", "search", "readable"]);
    assert_eq!(found["total"], 1, "the rest is read");
}

#[test]
fn a_missing_file_is_named() {
    let place = stored();
    let said = place.fails(1, &["index", "no-such.log"]);
    assert!(said.contains("no-such.log"), "{said}");
    let other = Place::new();
    for command in [&["search", "x"][..], &["templates"], &["ask", "what is wrong?"]] {
        let said = other.run(command);
        assert!(matches!(said.code, Some(1 | 2)) && said.err.contains("firstline index"), "{said:?}");
    }
}

/// A small file system of its own, unmounted with the value.
struct Disk<'p>(&'p Place);

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path("small")).status();
    }
}

#[test]
fn a_full_disk_is_named_and_loses_nothing_stored() {
    let place = Place::new();
    std::fs::create_dir(place.path("small")).expect("a folder can be made");
    let mounted = is_root()
        && Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(place.path("small"))
            .status()
            .is_ok_and(|status| status.success());
    if !mounted {
        println!("skipped: needs root to mount a small file system");
        return;
    }
    let _disk = Disk(&place);
    place.write("good.log", GOOD);
    place.ok(&["--data", "small/data", "index", "good.log"]);
    let noise: String = (0..120_000_u64)
        .map(|n| {
            format!(
                "2026-01-02T03:04:05Z INFO noise {:016x} {:016x}\n",
                n.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                n.wrapping_mul(0xD6E8_FEB8_6659_FD93)
            )
        })
        .collect();
    place.write("noise.log", noise);
    let said = place.fails(1, &["--data", "small/data", "index", "noise.log"]);
    assert!(said.contains("no space left") && said.contains("small/data") && said.contains("free some"), "{said}");
    assert!(said.contains("bytes free") && !said.contains("thread"), "{said}");
    assert_eq!(place.json(&["--data", "small/data", "search", "\"a good line stays\""])["total"], 1);
    let fill = place.path("small/fill");
    assert!(std::fs::write(&fill, vec![0; 8 << 20]).is_err(), "the disk takes more than it has");
    let said = place.fails(1, &["--data", "small/data", "ask", "what is wrong?"]);
    assert!(said.contains("no space left for the journal in `small/data`") && said.contains("free some"), "{said}");
    std::fs::remove_file(fill).expect("it can be removed");
    assert!(
        Command::new("mount")
            .args(["-o", "remount,size=200m"])
            .arg(place.path("small"))
            .status()
            .expect("`mount` runs")
            .success()
    );
    place.ok(&["--data", "small/data", "index", "noise.log"]);
    assert_eq!(
        place.json(&["--data", "small/data", "search", "*", "--limit", "1"])["total"],
        120_001,
        "neither lost nor twice"
    );
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_touched() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = taken.local_addr().expect("it has an address").to_string();
    place.write("taken.toml", format!("listen = \"{address}\"\n"));
    let said = place.fails(1, &["serve", "--config", "taken.toml"]);
    assert!(said.contains(&address) && said.contains("`listen`"), "{said}");
    assert!(!place.data().exists(), "nothing is made before the port is ours");
    let doctor = place.run(&["doctor", "--config", "taken.toml"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("in use"), "{doctor:?}");
}

#[test]
fn a_config_with_five_mistakes_names_all_five_with_their_lines() {
    let place = Place::new();
    let text = "listen = \"127.0.0.1\"\nzone = \"Mars/Olympus\"\nslak = 1\n\n[approval.approvals]\nmedium = 0\n\n[llm]\napi_key = \"sk-written-here\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n";
    place.write("wrong.toml", text);
    for command in [&["config", "check"][..], &["serve"], &["search", "x"]] {
        let said = place.fails(2, &[command, &["--config", "wrong.toml"]].concat());
        for (line, what) in [(1, "listen"), (2, "Mars/Olympus"), (3, "slak"), (6, "medium"), (9, "reference")] {
            let named = said.lines().any(|said| said.contains(&format!("wrong.toml:{line}: ")) && said.contains(what));
            assert!(named, "line {line} `{what}` is not named:\n{said}");
        }
        assert!(said.contains("5 mistakes, nothing started"), "{said}");
        assert!(!said.contains("sk-written-here"), "a secret is printed: {said}");
    }
    assert!(!place.data().exists());
    let doctor = place.run(&["doctor", "--config", "wrong.toml"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("wrong.toml:3"), "{doctor:?}");
    let missing = place.fails(2, &["config", "check", "--config", "none.toml"]);
    assert!(missing.contains("none.toml"), "{missing}");
}

#[test]
fn a_question_that_cannot_be_answered_says_why() {
    let place = Place::new();
    Story::until_now().tell(&place);
    let long = "why ".repeat(2_500);
    for (question, wanted) in [
        ("", "question"),
        ("   ", "question"),
        (long.as_str(), "9999 characters"),
        ("what will break tomorrow at 3pm?", "future"),
        ("why is chekout failing?", "checkout"),
    ] {
        let said = place.fails(2, &["ask", question]);
        assert!(said.contains(wanted), "`{wanted}` is not in: {said}");
        assert!(said.len() < 1_000, "the whole question is printed back: {} bytes", said.len());
    }
    let unknown = place.fails(2, &["ask", "what is wrong?", "--service", "chekout"]);
    assert!(unknown.contains("`chekout`") && unknown.contains("`checkout`"), "{unknown}");
    assert_eq!(
        place.json(&["incident", "list"])["incidents"],
        Value::Array(Vec::new()),
        "a refused question leaves nothing"
    );
}

#[test]
fn a_wrong_runbook_is_named_with_line_and_column() {
    let place = Place::new();
    let shipped = tests::place::read("runbooks/library/roll-back-deploy.md");
    place.write(
        "books/kind.md",
        shipped.replace("type: version", "type: vershun").replace("id: roll-back-deploy", "id: kind"),
    );
    place.write(
        "books/action.md",
        shipped.replace("action: http", "action: htpt").replace("id: roll-back-deploy", "id: action"),
    );
    let said = place.fails(2, &["runbook", "check", "books"]);
    let is_placed = |file: &str, word: &str| {
        said.lines().any(|line| {
            let Some((_, rest)) = line.split_once(&format!("{file}:")) else { return false };
            let mut numbers = rest.splitn(3, [':', ' ']);
            let is_number = |text: Option<&str>| text.is_some_and(|text| text.trim().parse::<usize>().is_ok());
            is_number(numbers.next()) && is_number(numbers.next()) && line.contains(word)
        })
    };
    assert!(is_placed("kind.md", "vershun"), "{said}");
    assert!(is_placed("action.md", "htpt"), "{said}");
    assert!(said.contains("known: ") || said.contains("expected"), "{said}");
    place.write("data/firstline.toml", "[runbooks]\npaths = [\"books\"]\n");
    let listed = place.run(&["runbook", "list"]);
    assert!(matches!(listed.code, Some(1 | 2)) && listed.err.contains("runbook check"), "{listed:?}");
}

#[test]
fn a_wrong_parameter_of_a_runbook_is_named() {
    let place = Place::new();
    place.write("data/firstline.toml", "[actions.endpoints.operations]\nbase_url = \"http://127.0.0.1:9\"\n");
    let said = place.fails(
        2,
        &[
            "runbook",
            "dry-run",
            "scale-service",
            "--param",
            "service=cart",
            "--param",
            "environment=production",
            "--param",
            "replicas=many",
        ],
    );
    assert!(said.contains("replicas") && said.contains("many"), "{said}");
    assert!(place.fails(2, &["runbook", "dry-run", "scale-service", "--param", "replicas"]).contains("NAME=VALUE"));
}
