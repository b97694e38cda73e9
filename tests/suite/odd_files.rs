//! Files that are read, but not as their owner may think: each is named in one line, and nothing of it is dropped.

use serde_json::{Value, json};
use tests::place::{Place, Ran, ran};

fn indexed(place: &Place, paths: &[&str]) -> Ran {
    let ran = place.run(&[&["index"], paths].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

#[track_caller]
fn warns(ran: &Ran, expected: &[&str]) {
    assert_eq!(ran.err.lines().collect::<Vec<_>>(), expected, "{}", ran.out);
}

fn timed(at: &str, text: &str) -> String {
    format!("{at} INFO {text}\n")
}

const PAST: &str = "2026-01-02T03:04:05Z";

#[test]
fn noise_behind_a_readable_beginning_is_kept_and_named() {
    let place = Place::new();
    let mut state = 7_u32;
    let mut noise = "plain words at the start, as a header has them\n".repeat(200).into_bytes();
    noise.extend((0..300_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    place.write("noise.log", noise);
    let ran = indexed(&place, &["noise.log"]);
    assert!(ran.err.starts_with("warning: `noise.log` looks binary, "), "{ran:?}");
    assert!(ran.err.ends_with("kept as plain text; leave out what is no log\n") && ran.err.lines().count() == 1);
    assert!(place.json(&["search", "*", "--limit", "1"])["total"].as_u64() > Some(1_000));
    // Another encoding than UTF-8 is text.
    let latin: Vec<u8> = timed(PAST, "gr\u{fc}n").repeat(50).chars().map(|c| c as u8).collect();
    place.write("latin.log", latin);
    warns(&indexed(&place, &["latin.log"]), &[]);
}

#[test]
fn a_file_without_times_is_named_once_with_the_time_it_got() {
    let place = Place::new();
    place.write("poem.txt", "the cat sat\nand stayed\n");
    let said = "warning: `poem.txt` has no times: 2 records kept with the time of the last change";
    warns(&indexed(&place, &["poem.txt"]), &[said]);
    warns(&indexed(&place, &["poem.txt"]), &[]);
    place.write("headed.log", format!("a banner\n{}", timed(PAST, "one time is enough")));
    warns(&indexed(&place, &["headed.log"]), &[]);
    let mut piped = place.command(&["index", "-"]);
    piped.stdin(std::fs::File::open(place.path("poem.txt")).expect("it is there"));
    warns(&ran(piped), &["warning: `stdin` has no times: 2 records kept with the time of reading"]);
}

#[test]
fn oddities_of_many_files_are_one_line_each_and_a_list_in_json() {
    let place = Place::new();
    for name in ["a", "b", "c", "d", "e"] {
        place.write(&format!("logs/{name}.log"), "");
    }
    place.write("logs/app.log.gz", timed(PAST, "not packed"));
    let in_a_week = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24)).to_string();
    place.write("logs/ahead.log", format!("{}{}", timed(PAST, "before"), timed(&in_a_week, "after").repeat(3)));
    place.write("logs/long.log", timed(PAST, &"x".repeat(2_000_000)));
    let ran = indexed(&place, &["logs"]);
    warns(
        &ran,
        &[
            "warning: `logs/a.log`, `logs/b.log`, `logs/c.log` and 2 more are empty",
            "warning: `logs/app.log.gz` is not packed, whatever the name says: read as text",
            "warning: `logs/ahead.log` has 3 records from more than a day ahead; check the clock of what writes its lines",
            "warning: `logs/long.log` has 1 line of more than 1 MiB, kept up to there",
        ],
    );
    assert!(ran.out.contains("1 line cut at 1 MiB"), "{ran:?}");
    let notes = Place::new().json(&["index", &place.path("logs").display().to_string()])["notes"].clone();
    let of = |oddity: &str| -> Vec<Value> {
        let notes = notes.as_array().expect("a list").iter();
        notes.filter(|note| note["oddity"] == oddity).map(|note| note["count"].clone()).collect()
    };
    assert_eq!(of("empty").len(), 5, "{notes:#}");
    let counts = ["not_packed", "ahead_of_time", "cut_lines"].map(of);
    assert_eq!(counts, [[json!(1)], [json!(3)], [json!(1)]], "{notes:#}");
}

#[test]
fn lines_without_times_do_not_say_when_now_is() {
    let place = Place::new();
    place.write("banner.txt", "welcome\n");
    indexed(&place, &["banner.txt"]);
    let newest = |place: &Place| place.json(&["ask", "what is wrong?"])["window"]["to"].as_str().map(str::to_owned);
    assert!(newest(&place) > Some("2026-02".to_owned()), "when nothing has a time, what is assumed has to do");
    place.write("app.log", timed(PAST, "up"));
    indexed(&place, &["app.log"]);
    assert!(newest(&place).is_some_and(|to| to.starts_with("2026-01-02T03:04:05")), "{:?}", newest(&place));
}

#[test]
fn what_a_file_without_times_grows_by_is_of_when_it_grew() {
    let place = Place::new();
    place.write("live.log", "one\n");
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    let file = std::fs::File::options().append(true).open(place.path("live.log")).expect("it is there");
    file.set_modified(hours_ago).expect("its time can be set");
    place.write("old.log", timed(PAST, "up"));
    indexed(&place, &["live.log", "old.log"]);
    std::io::Write::write_all(&mut &file, b"two\n").expect("it takes a line");
    indexed(&place, &["live.log"]);
    let time = |word: &str| {
        let time = place.json(&["search", word])["hits"][0]["time"].as_str().map(str::to_owned);
        time.and_then(|time| time.parse::<jiff::Timestamp>().ok()).expect("a time")
    };
    assert!(time("two").duration_since(time("one")).as_secs() >= 7_190, "{} and {}", time("one"), time("two"));
    let newest = place.json(&["ask", "what is wrong?"])["window"]["to"].as_str().map(str::to_owned);
    assert!(newest.is_some_and(|to| *to > *"2026-02"), "what grows now is from now");
}
