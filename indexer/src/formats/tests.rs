//! One line in, one record out, for every format.

use super::*;

const NOW: &str = "2024-03-05T12:00:00Z";

/// Compares what a line says with `time level service host trace text fields`, one `name=value` per line, absent ones left out.
#[track_caller]
fn check(line: &str, expected: &str) {
    let parsed = Detector::auto().parse(line, &ParseContext::utc(NOW.parse().unwrap()));
    let mut said = vec![format!("format={}", parsed.format)];
    said.extend(parsed.time.map(|time| format!("time={time}")));
    said.extend(parsed.severity.map(|severity| format!("level={severity}")));
    let named = [
        ("service", &parsed.service),
        ("host", &parsed.host),
        ("env", &parsed.environment),
        ("version", &parsed.version),
        ("trace", &parsed.trace),
        ("span", &parsed.span),
    ];
    said.extend(named.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}"))));
    said.push(format!("text={}", parsed.text));
    said.extend(parsed.fields.iter().map(|(name, value)| format!("{name}: {}", value.trim_end())));
    let expected: Vec<&str> = expected.trim().lines().map(str::trim_start).collect();
    assert_eq!(said, expected, "{line}");
}

#[test]
fn json_lines() {
    check(
        r#"{"ts":"2023-01-29T08:48:16.546346267Z","service":"travel","pod":"travel-1","message":"16:48:16.545 INFO  t.c.C#129 TraceID: 88ebfbcebbbc0884eabd9178e1808940 SpanID: dd84024eb1cbced4 [x]"}"#,
        "format=json
        time=2023-01-29T08:48:16.546346Z
        level=info
        service=travel
        host=travel-1
        trace=88ebfbcebbbc0884eabd9178e1808940
        span=dd84024eb1cbced4
        text=t.c.C#129 TraceID: 88ebfbcebbbc0884eabd9178e1808940 SpanID: dd84024eb1cbced4 [x]
        header: 16:48:16.545 INFO",
    );
    check(
        r#"{"Timestamp":1704207845123,"Severity":"WARNING","service":{"name":"cart","version":"1.2"},"trace.id":"abc","took":3,"ok":true,"none":null,"tags":["a"],"msg":"slow"}"#,
        r#"format=json
        time=2024-01-02T15:04:05.123000Z
        level=warn
        service=cart
        version=1.2
        trace=abc
        text=slow
        ok: true
        tags: ["a"]
        took: 3"#,
    );
    check(
        r#"{"log":"level=error msg=\"it broke\" order=7\n","kubernetes":{"labels":{"app":"shop"},"pod_name":"shop-1","container_name":"main"},"time":"2024-01-02T15:04:05Z"}"#,
        "format=json
        time=2024-01-02T15:04:05.000000Z
        level=error
        service=shop
        host=shop-1
        text=it broke
        kubernetes.container_name: main
        order: 7",
    );
    check(r#"{"level":30,"a":1}"#, "format=json\nlevel=info\ntext={\"level\":30,\"a\":1}\na: 1");
}

#[test]
fn logfmt_lines() {
    check(
        r#"ts=2024-01-02T15:04:05Z level=error msg="db \"main\" gone" app=api trace_id=0af7651916cd43dd duration=5ms"#,
        "format=logfmt
        time=2024-01-02T15:04:05.000000Z
        level=error
        service=api
        trace=0af7651916cd43dd
        text=db \"main\" gone
        duration: 5ms",
    );
    check("uid=0 euid=0 tty=ssh", "format=plain\ntext=uid=0 euid=0 tty=ssh");
}

#[test]
fn syslog_lines() {
    check(
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0",
        "format=syslog
        time=2023-06-14T15:16:01.000000Z
        service=sshd
        host=combo
        text=authentication failure; logname= uid=0
        module: pam_unix
        pid: 19939",
    );
    check(
        r#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App\"x"] An event"#,
        "format=syslog
        time=2003-10-11T22:14:15.003000Z
        level=info
        service=evntslog
        host=mymachine.example.com
        text=An event
        exampleSDID@32473.eventSource: App\"x
        exampleSDID@32473.iut: 3
        facility: 20
        msgid: ID47",
    );
    check(
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
        "format=syslog
        time=2023-10-11T22:14:15.000000Z
        level=fatal
        service=su
        host=mymachine
        text='su root' failed
        facility: 4",
    );
}

#[test]
fn access_lines() {
    check(
        r#"10.0.0.1 - ana [02/Jan/2024:15:04:05 +0100] "GET /cart?id=7 HTTP/1.1" 502 13 "-" "curl/8" 0.25"#,
        r#"format=access
        time=2024-01-02T14:04:05.000000Z
        level=error
        text=10.0.0.1 - ana [02/Jan/2024:15:04:05 +0100] "GET /cart?id=7 HTTP/1.1" 502 13 "-" "curl/8" 0.25
        bytes: 13
        client: 10.0.0.1
        duration: 0.25
        method: GET
        path: /cart?id=7
        protocol: HTTP/1.1
        status: 502
        user: ana
        user_agent: curl/8"#,
    );
}

#[test]
fn container_lines() {
    check(
        r#"{"log":"2024-01-02 15:04:05 ERROR no\n","stream":"stderr","time":"2024-01-02T15:04:06.5Z"}"#,
        "format=container
        time=2024-01-02T15:04:06.500000Z
        level=error
        text=no
        header: 2024-01-02 15:04:05 ERROR
        stream: stderr",
    );
    check(
        "2024-01-02T15:04:05.123456789Z stdout F {\"level\":\"warn\",\"msg\":\"hot\",\"zone\":3}",
        "format=container
        time=2024-01-02T15:04:05.123456Z
        level=warn
        text=hot
        stream: stdout
        zone: 3",
    );
}

#[test]
fn plain_lines() {
    for (line, time, level) in [
        ("2024-01-02 15:04:05,123 - app - WARNING - low", "2024-01-02T15:04:05.123000Z", "warn"),
        ("[Sun Dec 04 04:47:44 2005] [notice] x", "2005-12-04T04:47:44.000000Z", "info"),
        ("2024/01/02 15:04:05 [error] 7#7: *1 x", "2024-01-02T15:04:05.000000Z", "error"),
        ("03-17 16:13:38.811  1702  2395 E Tag: x", "2023-03-17T16:13:38.811000Z", "error"),
        ("E0102 15:04:05.000000       1 a.go:1] x", "2024-01-02T15:04:05.000000Z", "error"),
        (
            "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO parity",
            "2005-06-03T22:42:50.000000Z".trim(),
            "info",
        ),
        ("[2024-01-02T15:04:05.123+0000][0.012s][info][gc] x", "2024-01-02T15:04:05.123000Z", "info"),
        ("2015-07-29 17:41:44,747 - INFO  [Quorum@774] - x", "2015-07-29T17:41:44.747000Z", "info"),
        ("2024-01-02 15:04:05.123 UTC [7] ERROR:  relation", "2024-01-02T15:04:05.123000Z", "error"),
        ("11:48:16.545 INFO  t.c.X#129 y", "2024-03-05T11:48:16.545000Z", "info"),
        ("2024-01-02 15:04:05.000 level=warn odd", "2024-01-02T15:04:05.000000Z", "warn"),
    ] {
        let parsed = Detector::auto().parse(line, &ParseContext::utc(NOW.parse().unwrap()));
        assert_eq!(parsed.time.map(|time| time.to_string()).as_deref(), Some(time), "{line}");
        assert_eq!(parsed.severity.map(Severity::as_str), Some(level), "{line}");
    }
    check("the informational error of a user", "format=plain\ntext=the informational error of a user");
}

#[test]
fn only_the_chosen_format_is_tried() {
    let context = ParseContext::utc(NOW.parse().unwrap());
    let parsed = Detector::named("json").unwrap().parse("level=error msg=x", &context);
    assert!(!parsed.understood && parsed.text == "level=error msg=x");
    assert!(Detector::named("yaml").unwrap_err().contains("known: auto, container, json"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = String> {
        let start = prop_oneof![
            Just(""),
            Just("{\"msg\":\""),
            Just("{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\""),
            Just("<34>1 "),
            Just("<13>Oct 11 22:14:15 "),
            Just("Jun 14 15:16:01 combo "),
            Just("2024-01-02T15:04:05Z stdout P "),
            Just("level=error msg=\""),
            Just("1.1.1.1 - - [02/Jan/2024:15:04:05 +0000] \""),
            Just("I0102 15:04:05.0 "),
            Just("17/06/09 "),
            Just("Feb 29 "),
        ];
        (start, "\\PC{0,40}|[ -~]{0,60}|[0-9:., /T-]{0,30}", "\"?}?")
            .prop_map(|(start, rest, end)| format!("{start}{rest}{end}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

        #[test]
        fn no_line_panics_and_no_text_is_lost(line in lines()) {
            let context = ParseContext::utc(NOW.parse().unwrap());
            let parsed = Detector::auto().parse(&line, &context);
            if parsed.format == "plain" {
                let header = parsed.fields.get("header").map_or("", String::as_str);
                prop_assert_eq!(format!("{header}{}", parsed.text), &*clean(&line));
            }
            for format in FORMATS {
                let _ = format.parse(&line, &context);
            }
        }
    }
}
