//! Questions about certain lines: what was asked is answered, also when no line has it.

use serde_json::{Value, json};
use tests::place::Place;
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
