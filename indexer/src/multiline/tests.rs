//! What joins and what begins anew, line by line.

use super::*;

#[track_caller]
fn check(lines: &str, expected: &[&str]) {
    let context = ParseContext::utc("2024-03-05T12:00:00Z".parse().unwrap());
    let mut joiner = Joiner::new(Detector::auto());
    let mut entries = Vec::new();
    let mut offset = 0;
    for line in lines.split_inclusive('\n') {
        joiner.push(offset, line, &context, &mut entries);
        offset += line.len() as u64;
    }
    joiner.flush(&context, &mut entries);
    assert_eq!(joiner.open_from(), None);
    let texts: Vec<&str> = entries.iter().map(|entry| entry.line.text.as_str()).collect();
    assert_eq!(texts, expected);
    for pair in entries.windows(2) {
        assert!(pair[0].offset < pair[1].offset, "offsets in order");
    }
}

#[test]
fn java_traces_join() {
    let trace = "2024-01-02 15:04:05 ERROR boom\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: x\n\tat d.E.f(E.java:2)\n\t... 12 more";
    let message = trace.strip_prefix("2024-01-02 15:04:05 ERROR ").unwrap();
    check(&format!("{trace}\n2024-01-02 15:04:06 INFO next\n"), &[message, "next"]);
}

#[test]
fn python_traces_end_with_the_exception() {
    let trace = "2024-01-02 15:04:05,123 ERROR failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nValueError: bad";
    let message = trace.strip_prefix("2024-01-02 15:04:05,123 ERROR ").unwrap();
    check(&format!("{trace}\nnot understood\n"), &[message, "not understood"]);
}

#[test]
fn go_panics_join() {
    let panic = "panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x.go:7 +0x1d\nexit status 2";
    check(&format!("{panic}\nsomething else\n"), &[panic, "something else"]);
}

#[test]
fn what_nobody_understands_stays_by_itself() {
    check("2024-01-02 15:04:05 INFO a\n@@@ noise\n2024-01-02 15:04:06 INFO b\n", &["a", "@@@ noise", "b"]);
}

#[test]
fn a_message_that_begins_like_a_frame_behind_its_own_header_is_an_entry() {
    let line = |text: &str| format!("2024-01-02T15:04:05Z stdout F 2024-01-02 15:04:05 {text}\n");
    check(&format!("{}{}", line("ERROR boom"), line("INFO at last")), &["boom", "at last"]);
}

#[test]
fn wrapped_trace_lines_join_within_a_service() {
    check(
        "{\"ts\":\"2024-01-02T15:04:05Z\",\"service\":\"a\",\"message\":\"ERROR boom\"}\n{\"ts\":\"2024-01-02T15:04:05Z\",\"service\":\"a\",\"message\":\"\\tat x.Y.z(Y.java:1)\"}\n{\"ts\":\"2024-01-02T15:04:05Z\",\"service\":\"b\",\"message\":\"\\tat q\"}\n",
        &["boom\n\tat x.Y.z(Y.java:1)", "\tat q"],
    );
}

#[test]
fn cut_container_lines_join_per_stream() {
    check(
        "2024-01-02T15:04:05.1Z stdout P {\"level\":\"error\",\n2024-01-02T15:04:05.1Z stderr F between\n2024-01-02T15:04:05.1Z stdout F \"msg\":\"whole\"}\n",
        &["whole", "between"],
    );
}

#[test]
fn a_trace_without_end_is_bounded() {
    let lines = "\tat a.B.c(B.java:1)\n".repeat(2_500);
    let context = ParseContext::utc(Time(0));
    let mut joiner = Joiner::new(Detector::auto());
    let mut entries = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        joiner.push(index as u64, line, &context, &mut entries);
    }
    joiner.flush(&context, &mut entries);
    assert_eq!(entries.iter().map(|entry| entry.n_lines).collect::<Vec<_>>(), [1_000, 1_000, 500]);
}

#[test]
fn private_keys_stay_together() {
    let key = "loaded -----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc+/=\n-----END RSA PRIVATE KEY-----";
    check(&format!("{key}\nnext\n"), &[key, "next"]);
}
