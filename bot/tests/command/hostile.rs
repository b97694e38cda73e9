//! Programs that want to read, write, stay, fill or flood: contained, reported in a sentence, and nothing of them left.

use super::*;

/// What the operator declared beside the path, and what the program does.
async fn tried(declared: Value, text: &str, timeout_ms: u64) -> Tried {
    let script = script(text);
    let mut program = json!({"path": script.path});
    program.as_object_mut().unwrap().extend(declared.as_object().unwrap().clone());
    let actions = actions(json!({"programs": {"program": program}}));
    run(&actions, "command", call("program", &[]), timeout_ms, None).await
}

/// How many processes have this in their command line.
fn n_processes_with(mark: &str) -> usize {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = folders.filter_map(|folder| std::fs::read(folder.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(mark)).count()
}

fn python(text: &str) -> String {
    format!("exec /usr/bin/python3 -c '{text}'")
}

#[tokio::test]
async fn what_is_not_declared_cannot_be_read_even_if_everybody_may() {
    let secret = script("a secret");
    let own = std::process::id();
    let text = format!(
        "cat {} && exit 0\ncat /proc/{own}/environ && exit 0\nls /root /home /var/log /tmp && exit 0\nexit 7",
        secret.path.display()
    );
    let tried_ = tried(json!({}), &text, 20_000).await;
    assert_outcome(&tried_, Outcomes::Failed, "exit status: 7 (confined, as `");
    assert!(!tried_.outcome.output.as_str().contains("a secret"), "{:?}", tried_.outcome);

    let text = format!("cat {}", secret.path.display());
    let tried_ = tried(json!({"read": [secret.path]}), &text, 20_000).await;
    assert_outcome(&tried_, Outcomes::Succeeded, "ended well");
    assert!(tried_.outcome.output.as_str().contains("a secret"));
    let tried_ = tried(json!({"read": ["/nonexistent/list"]}), &text, 20_000).await;
    assert_outcome(&tried_, Outcomes::Refused, "`/nonexistent/list`, which its settings let it reach: No such file");
}

#[tokio::test]
async fn it_writes_to_its_own_folder_and_where_it_was_declared() {
    use std::os::unix::fs::PermissionsExt;
    let outside = tempfile::tempdir().unwrap();
    std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let there = outside.path().join("there").display().to_string();
    let text = format!("echo mine > own && cat own && pwd && echo x > {there}");
    let tried_ = tried(json!({}), &text, 20_000).await;
    assert_outcome(&tried_, Outcomes::Failed, "exit status");
    let output = tried_.outcome.output.as_str();
    assert!(output.starts_with("mine\n") && !std::path::Path::new(&there).exists(), "{output}");
    let own = output.lines().nth(1).unwrap();
    assert!(own.contains("firstline-step-") && !std::path::Path::new(own).exists(), "{own} is still there");

    let tried_ = tried(json!({"write": [outside.path()]}), &text, 20_000).await;
    assert_outcome(&tried_, Outcomes::Succeeded, "ended well");
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "x\n");
}

#[tokio::test]
async fn the_network_can_be_taken_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = python(&format!("import socket; socket.create_connection((\"127.0.0.1\", {port})); print(\"in\")"));
    assert_outcome(&tried(json!({}), &text, 20_000).await, Outcomes::Succeeded, "ended well");
    let without = tried(json!({"network": false}), &text, 20_000).await;
    assert_outcome(&without, Outcomes::Failed, "exit status");
    assert!(without.outcome.output.as_str().contains("Permission denied"), "{:?}", without.outcome);
}

#[tokio::test]
async fn a_fork_bomb_is_held_and_ended() {
    let text = ": marked-bomb\nbomb() { bomb | bomb & }\nbomb\nsleep 60";
    let tried_ = tried(json!({"limits": {"processes": 40}}), text, 2_000).await;
    assert_ne!(tried_.outcome.result, Outcomes::Succeeded, "{:?}", tried_.outcome);
    assert!(!tried_.outcome.summary.as_str().contains("cannot be killed"), "{:?}", tried_.outcome);
    assert_eq!(n_processes_with("marked-bomb"), 0);
}

#[tokio::test]
async fn memory_is_bounded_for_one_and_for_all_together() {
    let alone = python("x = bytearray(400 << 20); print(len(x))");
    let tried_ = tried(json!({"limits": {"memory_mib": 100}}), &alone, 20_000).await;
    assert_outcome(&tried_, Outcomes::Failed, "");
    assert!(tried_.outcome.output.as_str().contains("MemoryError"), "{:?}", tried_.outcome);

    let together = "for n in 1 2 3 4 5; do /usr/bin/python3 -c 'x = bytearray(b\"x\") * (40 << 20); import time; time.sleep(60)' & done; wait";
    let tried_ = tried(json!({"limits": {"memory_mib": 100}}), together, 30_000).await;
    assert_outcome(&tried_, Outcomes::Failed, "`program` was killed: it used more than 100 MiB");
}

#[tokio::test]
async fn computing_and_writing_without_end_are_stopped_by_name() {
    let tried_ = tried(json!({"limits": {"cpu_seconds": 1}}), "while :; do :; done", 30_000).await;
    assert_outcome(&tried_, Outcomes::Failed, "`program` was killed: it computed for more than 1 s");
    let tried_ = tried(json!({"limits": {"file_mib": 1}}), "exec cat /dev/zero > filling", 30_000).await;
    assert_outcome(&tried_, Outcomes::Failed, "`program` was killed: it wrote a file of more than 1 MiB");
}

#[tokio::test]
async fn a_gigabyte_of_output_costs_no_memory() {
    let megabytes = if std::env::var_os("FIRSTLINE_TEST_FULL").is_some() { 1_024 } else { 128 };
    let text = format!("echo first; yes flood-of-output | head -c {megabytes}M; echo; echo last");
    let before = own_memory_kib();
    let tried_ = tried(json!({}), &text, 300_000).await;
    assert_outcome(&tried_, Outcomes::Succeeded, "ended well");
    let outcome = &tried_.outcome;
    assert!(outcome.output.as_str().starts_with("first\n") && outcome.output.as_str().ends_with("last\n"));
    assert!(outcome.output.as_str().len() < 140_000 && outcome.bytes_left_out > (megabytes - 1) << 20);
    let grown = own_memory_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more than before");
}

fn own_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Leaves its parents and its session, as a daemon does, and says who it is.
const DAEMON: &str = "import os, time\nos.fork() and os._exit(0)\nos.setsid()\nos.fork() and os._exit(0)\n\
    print(os.getpid(), flush=True)\nos.close(1)\nos.close(2)\ntime.sleep(300)";

#[tokio::test]
async fn a_daemon_does_not_get_away() {
    let text = format!("/usr/bin/python3 -c '{DAEMON}'\nsleep 0.5; exit 0");
    let tried_ = tried(json!({}), &text, 30_000).await;
    assert_outcome(&tried_, Outcomes::Succeeded, "1 process that it left behind was killed");
    assert!(is_gone(tried_.outcome.output.as_str().trim().parse().unwrap()).await);
}

#[tokio::test]
async fn signals_do_not_leave_the_sandbox() {
    let own = std::process::id();
    let text = format!("kill -0 {own} && exit 0; kill -0 $PPID && exit 0; exit 7");
    // As root only the sandbox forbids it.
    let declared = if nix::unistd::getuid().is_root() { json!({"user": "root"}) } else { json!({}) };
    assert_outcome(&tried(declared, &text, 20_000).await, Outcomes::Failed, "exit status: 7");
}

#[tokio::test]
async fn root_is_given_only_to_those_who_ask_for_it() {
    let tried_ = tried(json!({}), "id -u", 20_000).await;
    let is_root = nix::unistd::getuid().is_root();
    assert_ne!(tried_.outcome.output.as_str().trim(), "0", "{:?}", tried_.outcome);
    let tried_ = tried(json!({"user": "root"}), "id -u", 20_000).await;
    if is_root {
        assert_eq!(tried_.outcome.output.as_str().trim(), "0");
    } else {
        assert_outcome(&tried_, Outcomes::Refused, "only root can run it as `root`");
    }
    assert_outcome(
        &tried(json!({"user": "nobody-here"}), "id", 20_000).await,
        Outcomes::Refused,
        "no user `nobody-here`",
    );
}

#[tokio::test]
async fn when_whoever_gave_the_orders_is_gone_everything_ends() {
    let script = script(&format!("/usr/bin/python3 -c '{DAEMON}'\ntrap '' TERM\nsleep 300"));
    let actions = actions(json!({"programs": {"program": {"path": script.path}}}));
    let arguments = call("program", &[]);
    // Dropping the run closes the guard's socket, which is what the kernel does when a process is killed.
    let given_up =
        tokio::time::timeout(Duration::from_secs(3), run(&actions, "command", arguments, 60_000, None)).await;
    assert!(given_up.is_err(), "it should still run");
    let mark = script.path.display().to_string();
    for _ in 0..50 {
        if n_processes_with(&mark) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} processes are still there", n_processes_with(&mark));
}

#[tokio::test]
async fn what_was_approved_is_what_starts() {
    let script = script("echo as approved");
    let with = |declared: Value| {
        let mut program = json!({"path": script.path});
        program.as_object_mut().unwrap().extend(declared.as_object().unwrap().clone());
        actions(json!({"programs": {"program": program}}))
    };
    let redactor = Redactor::new([7; 32]);
    let arguments = call("program", &[]);
    let found = async |actions: &Actions| {
        runbooks::execute::precondition(actions, "command", &arguments, &redactor).await.unwrap().unwrap()
    };
    let approved = found(&with(json!({}))).await;
    assert!(!approved.contains('⟨'), "redaction must leave it as it is: {approved}");
    assert_eq!(found(&with(json!({}))).await, approved);
    assert_ne!(found(&with(json!({"env": ["GREETING"]}))).await, approved, "other settings");
    std::fs::write(&script.path, "#!/bin/sh\necho something else\n").unwrap();
    assert_ne!(found(&with(json!({}))).await, approved, "another file");
}
