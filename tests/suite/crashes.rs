//! `kill -9` of bot or executor at any moment, and a restored journal: nothing runs twice, no approval is lost, no success is
//! claimed for an end that nobody saw, and nothing is left running.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::executor::{Marked, approve, executor_of, kill_9, propose};
use tests::place::until;

const MARK: &str = "sleep 0.05; echo $1 >> MARKS/log; sleep 0.1";

/// How many moments to try; all 200 by `FIRSTLINE_TEST_CRASHES=200`.
fn n_crashes() -> u64 {
    std::env::var("FIRSTLINE_TEST_CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

/// Spread over what matters, the same in every run.
fn moment(round: u64) -> Duration {
    Duration::from_millis((round * 89) % 450)
}

/// Waits until nothing about the step is under way.
fn settled(marked: &Marked, step: &serde_json::Value) -> String {
    let mut state = String::new();
    until("it is decided how it stands", || {
        state = marked.state(step);
        !["approved", "running"].contains(&state.as_str())
    });
    state
}

/// Puts a round out of the way of the next one, which then opens an incident of its own.
fn put_away(marked: &Marked, step: &serde_json::Value, state: &str) {
    let id = step["id"].as_str().expect("an id");
    match state {
        "proposed" => drop(marked.place.ok(&["reject", id])),
        "indeterminate" => drop(marked.place.ok(&["done", id, "--failed"])),
        _ => {}
    }
    let incident = marked.shown(step)["incident"].as_str().expect("an id").to_owned();
    marked.place.ok(&["incident", "resolve", &incident, "--note", "done"]);
}

#[test]
fn whatever_is_killed_whenever_a_step_runs_at_most_once_and_its_end_is_told_truly() {
    let marked = Marked::new(MARK, "", "");
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for round in 0..n_crashes() {
        let serve = marked.place.serve(&marked.config);
        let person = serve.sign_in();
        let step = propose(&serve, &person);
        until("the executor is there", || executor_of(&serve).is_some());
        let executor = executor_of(&serve).expect("it was just there");
        let before = marked.n_marks();
        let (address, headers) = (serve.address.clone(), person.clone());
        let path = format!("/api/steps/{}/approve", step["id"].as_str().expect("an id"));
        let body = json!({"digest": step["digest"]}).to_string();
        let pressing = std::thread::spawn(move || {
            let headers =
                [("cookie", &*headers.cookie), ("x-csrf-token", &*headers.csrf), ("content-type", "application/json")];
            tests::server::try_request(&address, "POST", &path, &headers, &body).is_ok_and(|reply| reply.status == 200)
        });
        std::thread::sleep(moment(round));
        let is_bot = round % 2 == 0;
        let serve = if is_bot {
            serve.kill();
            None
        } else {
            kill_9(executor);
            Some(serve)
        };
        let was_acknowledged = pressing.join().expect("it only asks");
        let _serve = serve.unwrap_or_else(|| marked.place.serve(&marked.config));
        let state = settled(&marked, &step);
        let n_runs = marked.n_marks() - before;
        let what = format!("round {round}, {} killed: {state}, {n_runs} runs", if is_bot { "bot" } else { "executor" });
        assert!(n_runs <= 1, "{what}");
        assert!(state != "succeeded" || n_runs == 1, "{what}");
        assert!(["proposed", "succeeded", "indeterminate"].contains(&&*state), "{what}");
        assert!(!was_acknowledged || state != "proposed", "an approval was lost: {what}");
        until("nothing is left running", || marked.n_running() == 0);
        *seen.entry(state.clone()).or_default() += 1;
        // What was not seen to end may have left its mark later; what is settled leaves none any more.
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(marked.n_marks() - before, n_runs, "{what}");
        put_away(&marked, &step, &state);
    }
    println!("{seen:?}");
    assert!(marked.place.ok(&["audit", "verify"]).starts_with("whole"));
}

#[test]
fn a_restored_journal_does_not_make_a_step_run_again() {
    let marked = Marked::new(MARK, "", "");
    let step = marked.asked();
    let id = step["id"].as_str().expect("an id");
    let journal = marked.place.data().join("firstline.db");
    let backup = std::fs::read(&journal).expect("the journal is a file");
    marked.place.ok(&["approve", id]);
    assert_eq!((marked.state(&step).as_str(), marked.n_marks()), ("succeeded", 1));

    std::fs::write(&journal, &backup).expect("it can be restored");
    assert_eq!(marked.state(&step), "proposed", "the backup knows nothing of it");
    let said = marked.place.run(&["approve", id]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!((marked.state(&step).as_str(), marked.n_marks()), ("indeterminate", 1), "{said:?}");
    let outcome = marked.shown(&step)["outcome"].as_str().expect("a sentence").to_owned();
    assert!(outcome.contains("nothing was run now") && outcome.contains("succeeded"), "{outcome}");
    marked.place.ok(&["done", id, "--reason", "it was there before the restore"]);
    assert_eq!(marked.state(&step), "succeeded");
}

#[test]
fn whoever_is_killed_takes_a_program_with_it_that_does_not_want_to_go() {
    let daemon = "trap '' TERM\nsetsid sh -c \"trap '' TERM; sleep 300; : $0\" &\necho $1 >> MARKS/log\nsleep 300";
    for is_bot in [true, false] {
        let marked = Marked::new(daemon, "", "");
        let serve = marked.place.serve(&marked.config);
        let person = serve.sign_in();
        let step = propose(&serve, &person);
        assert_eq!(approve(&serve, &person, &step).status, 200);
        until("it runs", || marked.n_marks() == 1);
        assert!(marked.n_running() > 0);
        let began = Instant::now();
        let serve = if is_bot {
            serve.kill();
            None
        } else {
            kill_9(executor_of(&serve).expect("it is there"));
            Some(serve)
        };
        until("nothing is left running", || marked.n_running() == 0);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let _serve = serve.unwrap_or_else(|| marked.place.serve(&marked.config));
        assert_eq!(settled(&marked, &step), "indeterminate");
    }
}

/// The journal of this place, as the config of an executor with a folder of its own names it.
fn shared(marked: &Marked) -> String {
    let data = marked.place.data();
    let url = format!("sqlite:{}", data.join("firstline.db").display());
    format!("[database]\nurl = {url:?}\nkeys = {:?}\n", data.join("keys/journal.json"))
}

#[test]
fn an_executor_can_be_somebody_else_s() {
    let marked = Marked::new(MARK, "", "executor = \"external\"");
    let serve = marked.place.serve(&marked.config);
    let person = serve.sign_in();
    let step = propose(&serve, &person);
    assert_eq!(approve(&serve, &person, &step).status, 200);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((executor_of(&serve), marked.n_marks()), (None, 0), "nobody runs it");
    assert_eq!(marked.state(&step), "approved");

    marked.place.write("elsewhere/firstline.toml", format!("{}\n{}", marked.config, shared(&marked)));
    let _executor = marked.executor(&["--data", "elsewhere", "--config", "elsewhere/firstline.toml"]);
    assert_eq!(settled(&marked, &step), "succeeded");
    assert_eq!(marked.n_marks(), 1);
    let ledger = std::fs::read_to_string(marked.place.path("elsewhere/executor/ledger")).expect("it keeps its own");
    assert_eq!(ledger.lines().count(), 2, "{ledger}");
}

#[test]
fn what_no_executor_starts_expires_with_a_sentence_that_says_so() {
    let marked = Marked::new(MARK, "", "executor = \"external\"");
    let config = marked.config.replace("self_approval = true", "self_approval = true\nstart_deadline_seconds = 10");
    let serve = marked.place.serve(&config);
    let person = serve.sign_in();
    let step = propose(&serve, &person);
    assert_eq!(approve(&serve, &person, &step).status, 200);
    until("its time is over", || marked.state(&step) == "expired");
    let outcome = marked.shown(&step)["outcome"].as_str().expect("a sentence").to_owned();
    assert!(outcome.contains("no executor started it in time") && outcome.contains("firstline executor"), "{outcome}");
    assert_eq!(marked.n_marks(), 0);
}

#[test]
fn an_executor_decides_by_its_own_config() {
    let marked = Marked::new(MARK, "", "executor = \"external\"");
    let serve = marked.place.serve(&marked.config);
    let person = serve.sign_in();
    let step = propose(&serve, &person);
    // Who may approve here may not over there, whatever the bot that was taken over says.
    let own = marked.config.replace("approvers = [\"*\"]", "approvers = [\"console:ines\", \"console:tom\"]");
    marked.place.write("elsewhere/firstline.toml", format!("{own}\n{}", shared(&marked)));
    let _executor = marked.executor(&["--data", "elsewhere", "--config", "elsewhere/firstline.toml"]);
    assert_eq!(approve(&serve, &person, &step).status, 200);
    let mut outcome = String::new();
    until("it says why not", || {
        outcome = marked.shown(&step)["outcome"].as_str().unwrap_or_default().to_owned();
        !outcome.is_empty()
    });
    assert!(outcome.contains("not started yet") && outcome.contains("no longer has enough approvals"), "{outcome}");
    assert_eq!((marked.state(&step).as_str(), marked.n_marks()), ("approved", 0));
}

#[test]
fn one_who_presses_cancel_stops_what_runs_wherever_it_runs() {
    let marked = Marked::new("echo $1 >> MARKS/log; echo under way; sleep 60", "", "");
    let serve = marked.place.serve(&marked.config);
    let person = serve.sign_in();
    let step = propose(&serve, &person);
    assert_eq!(approve(&serve, &person, &step).status, 200);
    until("it runs", || marked.n_marks() == 1);
    let began = Instant::now();
    let path = format!("/api/steps/{}/cancel", step["id"].as_str().expect("an id"));
    assert_eq!(serve.post_as(&person, &path, &json!({})).status, 200);
    until("it is stopped", || marked.state(&step) == "cancelled");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(marked.n_running(), 0);
    assert!(marked.shown(&step)["output"].as_str().is_some_and(|output| output.contains("under way")));
}

#[test]
fn an_executor_has_the_variables_that_its_actions_name_and_no_others() {
    let marked = Marked::new(MARK, "env = [\"COLUMNS\"]", "");
    let serve = marked.place.serve(&marked.config);
    until("the executor is there", || executor_of(&serve).is_some());
    let names_of = |pid: u32| -> Vec<String> {
        let block = std::fs::read(format!("/proc/{pid}/environ")).expect("it is ours");
        let block = String::from_utf8_lossy(&block).into_owned();
        block.split('\0').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
    };
    let plain = ["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "FIRSTLINE_LOG", "SSL_CERT_FILE", "SSL_CERT_DIR"];
    let of_executor = names_of(executor_of(&serve).expect("it was just there"));
    assert!(of_executor.contains(&"COLUMNS".to_owned()), "{of_executor:?}");
    let more: Vec<&String> = of_executor.iter().filter(|name| !plain.contains(&name.as_str())).collect();
    assert_eq!(more, ["COLUMNS"], "nothing else is handed on");
    assert!(names_of(serve.child.id()).len() > of_executor.len(), "there would have been more to hand on");
}

#[test]
fn what_was_altered_in_the_journal_is_not_run() {
    let marked = Marked::new(MARK, "", "executor = \"external\"");
    let serve = marked.place.serve(&marked.config);
    let person = serve.sign_in();
    let step = propose(&serve, &person);
    assert_eq!(approve(&serve, &person, &step).status, 200);
    serve.terminate();
    let journal = marked.place.data().join("firstline.db");
    let mut bytes = std::fs::read(&journal).expect("the journal is a file");
    let (said, forged) = (b"\\\"environment\\\":\\\"production", b"\\\"environment\\\":\\\"prodaction");
    let places: Vec<usize> =
        bytes.windows(said.len()).enumerate().filter(|(_, found)| found == said).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the step stands in the file");
    for at in places {
        bytes[at..at + forged.len()].copy_from_slice(forged);
    }
    std::fs::write(&journal, bytes).expect("it can be written");
    let _executor = marked.executor(&[]);
    let mut outcome = String::new();
    until("it says why not", || {
        outcome = marked.shown(&step)["outcome"].as_str().unwrap_or_default().to_owned();
        !outcome.is_empty()
    });
    assert!(outcome.contains("was altered") && outcome.contains("firstline audit verify"), "{outcome}");
    assert_eq!((marked.state(&step).as_str(), marked.n_marks()), ("approved", 0));
}
