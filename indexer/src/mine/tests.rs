//! Which lines become one template, and that its id stays.

use super::*;

mod loghub;

/// Mines the lines in order and compares the families' templates, one line for each family, first seen first.
#[track_caller]
fn check(lines: &[&str], expected: &[&str]) {
    let mut miner = Miner::default();
    let ids: Vec<TemplateId> = lines.iter().map(|line| miner.assign(line)).collect();
    let mut families: Vec<TemplateId> = Vec::new();
    for id in ids {
        let family = miner.family(id);
        if !families.contains(&family) {
            families.push(family);
        }
    }
    let texts: Vec<&str> = families.iter().map(|family| miner.text(*family).unwrap()).collect();
    assert_eq!(texts, expected);
}

#[test]
fn parameters_are_masked_by_their_form() {
    check(&["took 12 ms from 10.0.0.1:80 for 550e8400-e29b-41d4-a716-446655440000"], &["took <*> ms from <*> for <*>"]);
    check(&["status:200 time: 0.25, key=7 0x1f"], &["status:<*> time: <*>, key=<*> <*>"]);
    check(&["GET /v2/54fadb41/servers/detail?all=1&b=2 HTTP/1.1"], &["GET /v2/<*>/servers/detail?<*> HTTP/<*>"]);
    check(&["opened by ⟨redacted:email:k7xq2m9a4d⟩."], &["opened by <*>."]);
    check(&["connected at Wed Jun 29 14:44:35 2005"], &["connected at <*>"]);
}

#[test]
fn places_in_code_stay() {
    check(
        &["INFO c.s.ContactsServiceImpl#37 TraceID: 4e1f done", "INFO c.s.ContactsServiceImpl#52 TraceID: 77aa done"],
        &["INFO c.s.ContactsServiceImpl#37 TraceID: <*> done", "INFO c.s.ContactsServiceImpl#52 TraceID: <*> done"],
    );
    check(&["failed server.go:123: broken"], &["failed server.go:123: broken"]);
    let places: Vec<String> = (0..30).map(|n| format!("INFO a.b.Impl#{n} done")).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    check(&places, &places);
}

#[test]
fn lists_of_any_length_are_one_kind() {
    check(
        &[
            "got [trips: [Trip(id=1, n=a1), Trip(id=2, n=b2)]]",
            "got [trips: [Trip(id=1, n=a1), Trip(id=2, n=b2), Trip(id=3, n=c3)]]",
            "got [trips: [Trip(id=9, n=z1)]]",
        ],
        &["got [trips: [Trip(id=<*>, n=<*>)]]"],
    );
    check(&["via [a, b, c]", "via [d, e]"], &["via [<*>]"]);
}

#[test]
fn a_word_that_varies_becomes_a_parameter_and_wording_does_not() {
    check(
        &["session opened for user cyrus", "session opened for user news", "session opened for user test"],
        &["session opened for user <*>"],
    );
    check(&["session opened", "session closed"], &["session opened", "session closed"]);
}

#[test]
fn records_keep_their_template_when_it_generalises() {
    let mut miner = Miner::default();
    let first = miner.assign("session opened for user cyrus");
    let second = miner.assign("session opened for user news");
    let third = miner.assign("session opened for user test");
    assert_ne!(first, second);
    assert_eq!(miner.assign("session opened for user cyrus"), first);
    assert_eq!([miner.family(first), miner.family(second)], [third, third]);
    let saved = miner.take_new();
    assert_eq!(saved[2].replaces, [first, second]);
    assert!(miner.take_new().is_empty());
}

#[test]
fn a_trace_is_told_by_its_message_and_its_causes() {
    check(
        &[
            "boom 1\njava.io.IOException: x\n\tat a.B(B.java:1)\nCaused by: java.net.Timeout7Exception\n\tat c.D(D.java:2)",
            "boom 2\njava.io.IOException: x\n\tat q.R(R.java:7)\n\tat s.T(T.java:8)\nCaused by: java.net.Timeout7Exception",
        ],
        &["boom <*> java.io.IOException: x Caused by: java.net.Timeout7Exception <*>"],
    );
}

/// Lines of all sorts, deterministic: a few kinds with words and numbers that vary.
fn some_lines(n: usize) -> impl Iterator<Item = String> {
    let words = ["alpha", "beta", "gamma", "delta", "Epsilon_1", "zeta.x", "eta", "Theta", "iota", "kappa"];
    (0..n).map(move |index| {
        let word = words[index * 7 % words.len()];
        match index % 4 {
            0 => format!("user {word} logged in from 10.0.0.{index}"),
            1 => format!("cache {word} missed key={index} ratio={word}"),
            2 => format!("{word} finished job {index} [a, {word}]"),
            _ => format!("path /srv/{word}/{index} {} items", index % 3),
        }
    })
}

#[test]
fn a_restored_miner_goes_on_as_if_nothing_happened() {
    let lines: Vec<String> = some_lines(400).collect();
    let mut whole = Miner::default();
    let expected: Vec<TemplateId> = lines.iter().map(|line| whole.assign(line)).collect();
    for cut in [0, 1, 7, 40, 399] {
        let mut before = Miner::default();
        let mut ids: Vec<TemplateId> = lines[..cut].iter().map(|line| before.assign(line)).collect();
        let saved = before.take_new();
        let json = serde_json::to_string(&saved).unwrap();
        let saved: Vec<SavedTemplate> = serde_json::from_str(&json).unwrap();
        let mut after = Miner::restore(Limits::default(), saved);
        ids.extend(lines[cut..].iter().map(|line| after.assign(line)));
        assert_eq!(ids, expected, "restored after {cut} lines");
        for id in &expected {
            assert_eq!(after.family(*id), whole.family(*id));
            assert_eq!(after.text(*id), whole.text(*id));
        }
        let again: Vec<TemplateId> = lines[..cut].iter().map(|line| after.assign(line)).collect();
        assert_eq!(again, expected[..cut], "the same line has the same template");
    }
}

#[test]
fn hostile_lines_make_a_bounded_number_of_templates() {
    let mut miner = Miner::new(Limits { templates: 500, cached_shapes: 1_000 });
    let mut state = 1u64;
    for _ in 0..5_000 {
        let mut line = String::new();
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut bits = state >> 20;
            for _ in 0..6 {
                line.push((b'g' + (bits % 20) as u8) as char);
                bits /= 20;
            }
            line.push(if bits.is_multiple_of(5) { ',' } else { ' ' });
        }
        miner.assign(&line);
    }
    assert!(miner.len() <= 520, "{} templates", miner.len());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_has_a_template_and_keeps_it(texts in proptest::collection::vec("\\PC{0,40}|[ -~\\n]{0,60}", 1..12)) {
            let mut miner = Miner::default();
            let ids: Vec<TemplateId> = texts.iter().map(|text| miner.assign(text)).collect();
            let mut restored = Miner::restore(Limits::default(), miner.take_new());
            for (text, id) in texts.iter().zip(ids) {
                prop_assert!(miner.text(id).is_some());
                prop_assert_eq!(restored.assign(text), id);
            }
        }
    }
}
