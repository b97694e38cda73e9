//! What the program makes of lines as loggers write them: a message to read, and everything else beside it.

use tests::place::Place;

#[test]
fn the_header_of_a_line_becomes_fields_and_the_line_can_be_put_together_again() {
    let place = Place::new();
    let lines = [
        (
            "2026-01-02 03:04:05,123 INFO [main] org.apache.App: Created 7 masters",
            "org.apache.App: Created 7 masters",
            "info",
        ),
        ("2026-01-02 03:04:05.200 25746 WARN nova.osapi [-] slow reply", "nova.osapi [-] slow reply", "warn"),
        ("2026-01-02 03:04:05.300 UTC [123] ERROR:  relation gone", "relation gone", "error"),
        ("[Fri Jan 02 03:04:06 2026] [error] child init failed", "child init failed", "error"),
        ("2026-01-02 03:04:07 ERROR pool exhausted", "pool exhausted", "error"),
        ("2026-01-02 03:04:08 got ERROR from upstream", "got ERROR from upstream", ""),
    ];
    let log: String = lines.iter().map(|(line, ..)| format!("{line}\n")).collect();
    place.write("app.log", &log);
    place.ok(&["index", "app.log"]);
    let found = place.json(&["search", "*"]);
    let hits = found["hits"].as_array().expect("hits");
    assert_eq!(hits.len(), lines.len());
    for (hit, (line, message, level)) in hits.iter().rev().zip(lines) {
        assert_eq!(hit["text"], message);
        assert_eq!(hit["level"].as_str().unwrap_or_default(), level, "{line}");
        let header = hit["fields"]["header"].as_str().unwrap_or_default();
        assert_eq!(format!("{header}{message}"), line);
        let offset = hit["source"]["offset"].as_u64().expect("an offset") as usize;
        assert!(log[offset..].starts_with(line), "the citation leads to the line");
    }
    let templates = place.ok(&["templates"]);
    for word in ["2026", "INFO [main]", "25746", "[123]", "[error]"] {
        assert!(!templates.contains(word), "`{word}` stands in a template:\n{templates}");
    }
    assert_eq!(place.json(&["search", "pid:25746"])["total"], 1);
    assert_eq!(place.json(&["search", "thread:main"])["total"], 1);
}

#[test]
fn a_kernel_line_has_its_program_its_host_and_a_level_only_when_it_states_one() {
    let place = Place::new();
    place.write(
        "messages",
        "Oct 12 02:14:07 host1 kernel: Out of memory: Killed process 4711 (java) total-vm:1kB\n\
         Oct 12 02:14:08 host1 sshd[123]: Accepted publickey for root\n\
         Oct 12 02:14:09 host1 systemd[1]: Started Daily apt\n\
         Oct 12 02:14:10 host1 check: 0 errors found\n\
         Oct 12 02:14:11 host1 check: error_count=0\n\
         Oct 12 02:14:12 host1 kernel: Kernel panic - not syncing\n",
    );
    place.ok(&["index", "messages"]);
    let found = place.json(&["search", "*"]);
    let of = |hit: &serde_json::Value, name: &str| hit[name].as_str().unwrap_or_default().to_owned();
    let said: Vec<[String; 3]> = found["hits"]
        .as_array()
        .expect("hits")
        .iter()
        .rev()
        .map(|hit| [of(hit, "service"), of(hit, "host"), of(hit, "level")])
        .collect();
    let expected = [
        ["kernel", "host1", "error"],
        ["sshd", "host1", ""],
        ["systemd", "host1", ""],
        ["check", "host1", ""],
        ["check", "host1", ""],
        ["kernel", "host1", "fatal"],
    ];
    assert_eq!(said, expected);
}
