//! Headers as loggers of many systems write them, and messages that only look like one.

use evidence::Severity;

use crate::formats::{Detector, ParseContext};

/// `header»message`: what is cut off, and what of it is understood.
#[track_caller]
fn check(marked: &str, severity: Option<Severity>, names: &str) {
    let line = marked.replace('»', "");
    let context = ParseContext::utc("2026-03-05T12:00:00Z".parse().unwrap());
    let parsed = Detector::named("plain").unwrap().parse(&line, &context);
    let header = parsed.fields.get("header").map_or("", String::as_str);
    let said = if header.is_empty() { parsed.text.clone() } else { format!("{header}»{}", parsed.text) };
    assert_eq!(said, marked);
    assert_eq!(parsed.severity, severity, "{line}");
    let names_said: Vec<String> = ["pid", "thread", "logger"]
        .iter()
        .filter_map(|name| parsed.fields.get(*name).map(|value| format!("{name}={value}")))
        .collect();
    assert_eq!(names_said.join(" "), names, "{line}");
}

const TRACE: Option<Severity> = Some(Severity::Trace);
const DEBUG: Option<Severity> = Some(Severity::Debug);
const INFO: Option<Severity> = Some(Severity::Info);
const WARN: Option<Severity> = Some(Severity::Warn);
const ERROR: Option<Severity> = Some(Severity::Error);
const FATAL: Option<Severity> = Some(Severity::Fatal);

#[test]
fn headers_of_the_jvm() {
    check("2015-10-18 18:01:47,978 INFO [main] »org.apache.App: Created", INFO, "thread=main");
    check(
        "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - »Notification time out: 3200",
        INFO,
        "thread=QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774",
    );
    check("15:04:05.123 [http-nio-8080-exec-7] WARN  »c.e.App - slow", WARN, "thread=http-nio-8080-exec-7");
    check("2024-01-02T15:04:05.123Z  INFO 1234 --- [main] »c.e.App  : Started", INFO, "pid=1234 thread=main");
    check("17/06/09 20:10:40 INFO »executor.Backend: Registered", INFO, "");
    check("081109 203615 148 INFO »dfs.DataNode$PacketResponder: terminating", INFO, "pid=148");
    check("[2024-01-02 15:04:05,123] INFO »[KafkaServer id=0] started", INFO, "");
    check("[2024-01-02T15:04:05,123][WARN ]»[o.e.n.Node   ] [node-1] started", WARN, "");
    check("INFO  [main] 2024-01-02 15:04:05,123 »Foo.java:12 - up", INFO, "thread=main");
    check("INFO  [2024-01-02 15:04:05,123] »org.eclipse.jetty: up", INFO, "");
    check("[2024-01-02T15:04:05.123+0000][0.012s][info]»[gc] Pause", INFO, "");
}

#[test]
fn headers_of_scripts_and_servers() {
    check("2026/11/21 17:46:31 E »scan PKG7 unreadable barcode", ERROR, "");
    check("2026/11/21 17:46:31 W »belt slow", WARN, "");
    check("2026/11/21 17:46:31 »I am here", None, "");
    check("2026/11/21 17:46:31 »X marks it", None, "");
    check("2017-05-16 00:00:00.008 25746 INFO »nova.osapi [req-1] GET", INFO, "pid=25746");
    check(
        "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO »nova.osapi up",
        INFO,
        "pid=25746 logger=nova-api.log.1.2017-05-16_13:53:08",
    );
    check("2024-01-02 15:04:05,123 - app - WARNING - »low", WARN, "logger=app");
    check("2024-01-02 15:04:05 checkout ERROR »pool exhausted", ERROR, "logger=checkout");
    check("2024-01-02 15:04:05.123 | ERROR    | »__main__:main:12 - bad", ERROR, "");
    check("WARNING:»root:low", WARN, "");
    check("INFO:     »127.0.0.1:52134 - \"GET / HTTP/1.1\" 200 OK", INFO, "");
    check("2026-01-02 03:04:05.123 UTC [123] ERROR:  »relation \"x\" does not exist", ERROR, "pid=123");
    check("2026-01-02 03:04:05.123 UTC [123] app@shop LOG:  »checkpoint", INFO, "pid=123 logger=app@shop");
    check("2024-01-02T15:04:05.123456Z 0 [Note] »[MY-010116] [Server] up", INFO, "pid=0");
    check("2024/01/02 15:04:05 [error] 7#8: »*1 connect() failed", ERROR, "pid=7 thread=8");
    check("[Sun Dec 04 04:47:44 2005] [error] »mod_jk child init", ERROR, "");
    check(
        "[Sun Dec 04 04:47:44.123456 2005] [core:error] [pid 12:tid 34] »[client 10.0.0.1] no",
        ERROR,
        "thread=pid 12:tid 34 logger=core",
    );
    check("12345:M 02 Jan 2024 15:04:05.123 * »Ready", INFO, "pid=12345");
    check("12345:C 02 Jan 2024 15:04:05.123 # »Low memory", WARN, "pid=12345");
    check("I, [2024-01-02T15:04:05.123456 #123]  INFO -- : »Started GET", INFO, "pid=123");
    check("2024-01-02T15:04:05.123+0000 I »NETWORK  [conn1] end", INFO, "");
}

#[test]
fn headers_of_compiled_programs() {
    check("03-17 16:13:38.811  1702  2395 D »WindowManager: x", DEBUG, "pid=1702 thread=2395");
    check("E0102 15:04:05.000000       1 »a.go:1] x", ERROR, "thread=1");
    check("2024/01/02 15:04:05 »main.go:23: listening", None, "");
    check("2024-01-02T15:04:05.123456Z  INFO »app::pool: up", INFO, "");
    check("[2024-01-02T15:04:05Z WARN  app::pool] »low", WARN, "logger=app::pool");
    check("2024-01-02T15:04:05.123Z\tinfo\t»main.go:23\tup", INFO, "");
    check("2016-09-28 04:30:30, Info                  »CBS    Loaded", INFO, "");
    check("[15:04:05 INF] »up", INFO, "");
    check("info: »Microsoft.Hosting.Lifetime[0]", INFO, "");
    check(
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO »parity",
        INFO,
        "logger=R02-M1",
    );
    check("2024-01-02T15:04:05Z TRACE »x", TRACE, "");
    check("[   12.345678] »usb 1-1: new device", None, "");
    check("2024-01-02 15:04:05 »3 pods restarted", None, "");
}

#[test]
fn words_of_the_message_stay() {
    check("2024-01-02 15:04:05 »Got ERROR from upstream", None, "");
    check("2024-01-02 15:04:05 »request returned ERROR at last", None, "");
    check("2024-01-02 15:04:05 »error opening file", None, "");
    check("2024-01-02 15:04:05 INFO »3 pods restarted", INFO, "");
    check("2024-01-02 15:04:05 ERROR »[order 4711] failed", ERROR, "");
    check("backup of 2024-01-02 15:04:05 failed", None, "");
    check("134681 node-246 unix.hw state_change.unavailable 1077804742 1 Component State Change", None, "");
    check("2024-01-02 15:04:05 INFO", INFO, "");
    check("the informational error of a user", None, "");
    check("Error: connect ECONNREFUSED", ERROR, "");
}

#[test]
fn clear_words_state_a_level_and_counts_of_errors_do_not() {
    for (line, severity) in [
        ("Out of memory: Killed process 4711 (java)", ERROR),
        ("Kernel panic - not syncing: VFS", FATAL),
        ("panic: runtime error", FATAL),
        ("error: PAM: Authentication failure", ERROR),
        ("fatal: no matching host key", FATAL),
        ("Exception in thread \"main\" java.lang.Error", ERROR),
        ("0 errors found", None),
        ("error_count=0", None),
        ("errors: 0", None),
        ("error: none", None),
        ("errors were found by nobody", None),
        ("panicked neighbours", None),
        ("Linkerror event interval expired", None),
    ] {
        check(line, severity, "");
    }
}
