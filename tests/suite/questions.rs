//! Questions about certain lines: what was asked is answered, also when no line has it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::place::{Place, ran};
use tests::story::Story;

/// A broken shop, so that there is a verdict which a question about other lines must not borrow.
fn broken_shop() -> (Place, Story) {
    let place = Place::new();
    let story = Story::until_now();
    story.tell(&place);
    (place, story)
}

#[test]
fn who_counts_lines_that_are_not_there_hears_of_no_others() {
    let (place, _) = broken_shop();
    for question in ["how many 404s are there?", "show me \"certificate expired\"", "how many 5xx errors?"] {
        let answer = place.json(&["ask", question]);
        let headline = answer["headline"].as_str().expect("a headline");
        assert!(headline.starts_with("No line matches `"), "{headline}");
        assert_eq!(answer["verdict"], "insufficient", "{question}");
        for list in ["suspects", "evidence", "changes", "proposals"] {
            assert_eq!(answer[list], json!([]), "{question}: {list}");
        }
        assert_eq!(answer["incident"], Value::Null, "{question}");
    }
    let answer = place.json(&["ask", "how many 200s are there?"]);
    assert!(
        answer["headline"].as_str().is_some_and(|headline| headline.contains("lines match `\"200\"`")),
        "{answer:#}"
    );
}

#[test]
fn an_id_is_found_whenever_it_was() {
    let (place, story) = broken_shop();
    let id = "6513270e269e0d37";
    let at = story.end - SignedDuration::from_mins(100);
    place.append(
        "shop.ndjson",
        &format!(r#"{{"time":"{at}","level":"info","service":"gateway","message":"slow","trace_id":"{id}"}}"#),
    );
    place.ok(&["index", "shop.ndjson"]);
    let time = format!("{at:.6}");

    let answer = place.json(&["ask", &format!("show me trace {id}")]);
    assert_eq!((&answer["evidence"][0]["kind"], &answer["evidence"][0]["count"]), (&json!("match"), &json!(1)));
    assert_eq!(answer["evidence"][0]["samples"][0]["time"], json!(time), "{answer:#}");
    let notes = answer["notes"].to_string();
    assert!(notes.contains(&format!("`{id}` is not in the last hour of data")), "{notes}");

    let answer = place.json(&["ask", &format!("what happened to trace {id} since yesterday?")]);
    assert_eq!(answer["evidence"][0]["samples"][0]["time"], json!(time), "{answer:#}");

    let answer = place.json(&["ask", &format!("show me trace {id} in the last 10 minutes")]);
    let headline = answer["headline"].as_str().expect("a headline");
    let said = headline.split_once("; the last that does is of ").map_or("", |(_, said)| said);
    assert!(said.contains(&at.strftime("%H:%M:%S").to_string()), "{headline}");
    let next = answer["follow_ups"][0].as_str().expect("a next question");
    assert_eq!(place.json(&["ask", next])["evidence"][0]["samples"][0]["time"], json!(time), "{next}");
}

/// What `chat` prints for these lines, typed one after the other.
fn chat(place: &Place, lines: &[&str]) -> String {
    let typed = place.write("typed", lines.join("\n"));
    let mut command = place.command(&["chat"]);
    command.stdin(std::fs::File::open(typed).expect("it was just written"));
    let ran = ran(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

#[test]
fn rows_of_an_answer_are_shown_by_their_ids() {
    let (place, _) = broken_shop();
    let said = chat(&place, &["what is wrong?", "new", "show me E1"]);
    let (_, alone) = said.split_once("A new conversation.").expect("it was begun");
    assert!(alone.contains("`E1` is read as a word: ids like it belong to one answer"), "{alone}");

    let said = chat(&place, &["what is wrong?", "show me E1"]);
    let (_, shown) = said.split_once("Ask next").expect("the first answer ends so");
    assert!(shown.contains("checkout logs “connection pool exhausted after"), "{shown}");
    let lines = shown.lines().filter(|line| line.contains("checkout  connection pool exhausted after 5")).count();
    assert_eq!(lines, 8, "{shown}");
    assert!(!shown.contains("gateway  request"), "{shown}");
}

#[test]
fn a_length_of_nothing_is_refused() {
    let (place, _) = broken_shop();
    for question in ["what is wrong in the last 0 minutes?", "how many errors in the past 0h"] {
        let said = place.fails(2, &["ask", question]);
        assert!(said.contains("is not a time; times look like"), "{said}");
    }
}

#[test]
fn who_asks_about_one_deploy_is_told_about_that_one() {
    let (place, _) = broken_shop();
    place.ok(&["deploy", "record", "--service", "gateway", "--version", "v7", "--at", "-20m"]);
    let headline = |question: &str| place.json(&["ask", question])["headline"].as_str().map(str::to_owned);
    let check = |question: &str, expected: &str| {
        let said = headline(question).expect("a headline");
        assert!(said.starts_with(expected), "{question}: {said}");
    };
    check("did the gateway deploy break anything?", "No, as far as the logs show: the deploy of gateway `v7`");
    check("did the checkout deploy break anything?", "Yes, it seems: the deploy of checkout `v1.42`");
    check("did the deploy break payment?", "Yes, it seems: the deploy of checkout `v1.42`");
    check("is the payment release to blame?", "No change of payment is recorded");
}

#[test]
fn lines_are_counted_whole_however_many_they_are() {
    let (place, _) = broken_shop();
    let counted = place.json(&["ask", "how often does \"charged card\" come in the last 40 minutes?"]);
    let row = &counted["evidence"][0];
    let total = row["count"].as_u64().expect("a count");
    assert!(total > 1_000 && row["service"] == "payment", "{row}");
    let counts = row["series"].as_array().expect("a series").iter().filter_map(Value::as_u64);
    assert_eq!(counts.sum::<u64>(), total, "{row}");
    let shown: u64 = counted["chart"]["counts"].as_array().expect("counts").iter().filter_map(Value::as_u64).sum();
    assert_eq!(
        (shown, counted["chart"]["title"].as_str().is_some_and(|title| title.starts_with("lines/"))),
        (total, true)
    );
    let plural = place.json(&["ask", "count cards in the last 40 minutes"]);
    assert_eq!(plural["evidence"][0]["count"], total, "{plural}");
}
