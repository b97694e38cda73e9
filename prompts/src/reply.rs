//! Reads what a model wrote. Tolerant of wrapping (thoughts, prose, code fences), strict about sentences: one that breaks a
//! rule is not in the reply, and is counted, so that one bad sentence does not cost the good ones.

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::fence::is_invisible;

pub const MOST_SENTENCES: usize = 5;
pub const MOST_SENTENCE_CHARS: usize = 300;
pub const MOST_HEADLINE_CHARS: usize = 160;
pub const MOST_CITATIONS: usize = 8;

/// More than any reply within the limits needs; the rest is not read.
const MOST_BYTES: usize = 64 * 1024;
/// Places at which the JSON object may begin; prose has few braces.
const MOST_STARTS: usize = 64;

/// A telling that parsed. Nothing in it is confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TellReply {
    pub headline: Option<Sentence>,
    /// At least one.
    pub sentences: Vec<Sentence>,
    /// Sentences (and headlines) that did not parse.
    pub removed: u64,
}

/// Invariant: one line of plain text, with at least one citation, all of them known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub text: String,
    pub citations: Vec<String>,
}

/// The form on the wire; what a sentence holds is looked at one by one.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    headline: Option<Value>,
    sentences: Vec<Value>,
}

#[derive(Deserialize)]
struct WireSentence {
    text: String,
    citations: Vec<String>,
}

/// Reads the reply to `tell`. `known_ids` are the citations that exist.
///
/// # Errors
///
/// [`Error::Reply`] when there is no JSON object of the right form, or when no sentence of it parses.
pub fn parse_tell(text: &str, known_ids: &[&str]) -> Result<TellReply, Error> {
    let wire = find(text)?;
    let mut removed = 0;
    let mut reason = "it has no sentences".to_owned();
    let headline = wire.headline.filter(|headline| !headline.is_null()).and_then(|headline| {
        let parsed = sentence(headline, known_ids, MOST_HEADLINE_CHARS);
        removed += u64::from(parsed.is_err());
        parsed.ok()
    });
    let mut sentences = Vec::new();
    for said in wire.sentences {
        match sentence(said, known_ids, MOST_SENTENCE_CHARS) {
            Ok(said) if sentences.len() < MOST_SENTENCES => sentences.push(said),
            Ok(_) => removed += 1,
            Err(why) => {
                removed += 1;
                reason = format!("none of its sentences is; the last: {why}");
            }
        }
    }
    if sentences.is_empty() { Err(Error::Reply(reason)) } else { Ok(TellReply { headline, sentences, removed }) }
}

/// The first JSON object of the right form, after any thoughts.
fn find(text: &str) -> Result<Wire, Error> {
    let text = text.rsplit_once("</think>").map_or(text, |(_, said)| said);
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    let mut reason = None;
    for (start, _) in text.match_indices('{').take(MOST_STARTS) {
        match Wire::deserialize(&mut serde_json::Deserializer::from_str(&text[start..])) {
            Ok(wire) => return Ok(wire),
            // The outermost object tells best what is wrong.
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    Err(Error::Reply(match reason {
        Some(error) => format!("it is not JSON of the asked form: {error}"),
        None => "it holds no JSON object".to_owned(),
    }))
}

fn sentence(said: Value, known_ids: &[&str], most_chars: usize) -> Result<Sentence, String> {
    let said = WireSentence::deserialize(said).map_err(|error| error.to_string())?;
    if let Some(unknown) = said.citations.iter().find(|id| !known_ids.contains(&id.as_str())) {
        return Err(format!("`{}` is not in the evidence", unknown.chars().take(20).collect::<String>()));
    }
    let mut citations: Vec<String> = Vec::new();
    for id in said.citations {
        if !citations.contains(&id) {
            citations.push(id);
        }
    }
    if citations.is_empty() {
        return Err("a sentence cites nothing".to_owned());
    }
    if citations.len() > MOST_CITATIONS {
        return Err(format!("a sentence cites more than {MOST_CITATIONS} rows"));
    }
    let text = without_inline_citations(&said.text, known_ids);
    if text.is_empty() {
        return Err("a sentence is empty".to_owned());
    }
    if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err("a sentence holds control or invisible characters".to_owned());
    }
    if text.chars().count() > most_chars {
        return Err(format!("a sentence is longer than {most_chars} characters"));
    }
    Ok(Sentence { text, citations })
}

/// Removes `[E1, C1]` and `(E1)`, which models write although they are asked not to, and joins lines.
fn without_inline_citations(text: &str, known_ids: &[&str]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let close = if rest.as_bytes()[open] == b'[' { ']' } else { ')' };
        kept.push_str(&rest[..open]);
        let inside = rest[open + 1..].find(close).map(|length| &rest[open + 1..open + 1 + length]);
        match inside.filter(|inside| lists_ids(inside, known_ids)) {
            Some(inside) => rest = &rest[open + inside.len() + 2..],
            None => {
                kept.push_str(&rest[open..=open]);
                rest = &rest[open + 1..];
            }
        }
    }
    kept.push_str(rest);
    let joined = kept.split([' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    // The space that stood before the bracket.
    [" .", " ,", " ;", " :"].iter().fold(joined, |text, gap| text.replace(gap, &gap[1..]))
}

fn lists_ids(inside: &str, known_ids: &[&str]) -> bool {
    let mut words = inside.split([',', ';', ' ']).filter(|word| !word.is_empty() && *word != "and").peekable();
    words.peek().is_some() && words.all(|word| known_ids.contains(&word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: [&str; 3] = ["E1", "E2", "C1"];
    const GOOD: &str = r#"{"headline": null, "sentences": [{"text": "checkout fails.", "citations": ["E1"]}]}"#;

    fn check(text: &str, expected: &[(&str, &[&str])], removed: u64) {
        let reply = parse_tell(text, &KNOWN).unwrap_or_else(|error| panic!("{error}: {text}"));
        let expected: Vec<Sentence> = expected
            .iter()
            .map(|(text, ids)| Sentence {
                text: (*text).to_owned(),
                citations: ids.iter().map(|id| (*id).to_owned()).collect(),
            })
            .collect();
        assert_eq!((reply.sentences, reply.removed), (expected, removed), "{text}");
    }

    fn check_error(text: &str, part: &str) {
        let error = parse_tell(text, &KNOWN).expect_err(text).to_string();
        assert!(error.starts_with("the reply is not usable: ") && error.contains(part), "{error}");
    }

    #[test]
    fn wrapping_does_not_matter() {
        for text in [
            GOOD.to_owned(),
            format!("```json\n{GOOD}\n```"),
            format!("Sure! Here it is {{as asked}}:\n{GOOD}\nAnything else?"),
            format!("<think>maybe {{\"sentences\": []}} hm</think>\n{GOOD}"),
            GOOD.replace("\"headline\": null, ", ""),
        ] {
            check(&text, &[("checkout fails.", &["E1"])], 0);
        }
    }

    #[test]
    fn a_sentence_that_breaks_a_rule_is_not_in_the_reply() {
        let good = r#"{"text": "Good.", "citations": ["E2"]}"#;
        let long = "x".repeat(MOST_SENTENCE_CHARS + 1);
        for bad in [
            r#"{"text": "No citation.", "citations": []}"#.to_owned(),
            r#"{"text": "No field."}"#.to_owned(),
            r#"{"text": "Unknown.", "citations": ["E1", "E9"]}"#.to_owned(),
            r#"{"text": "One string.", "citations": "E1"}"#.to_owned(),
            r#"{"text": " ", "citations": ["E1"]}"#.to_owned(),
            r#"{"text": "Hidden\u202eword", "citations": ["E1"]}"#.to_owned(),
            r#"{"text": "Colour \u001b[31m", "citations": ["E1"]}"#.to_owned(),
            format!(r#"{{"text": "{long}", "citations": ["E1"]}}"#),
            r#""a string""#.to_owned(),
        ] {
            check(&format!(r#"{{"sentences": [{bad}, {good}]}}"#), &[("Good.", &["E2"])], 1);
            check_error(&format!(r#"{{"sentences": [{bad}]}}"#), "none of its sentences");
        }
    }

    #[test]
    fn a_headline_needs_a_citation_as_well() {
        let sentences = r#""sentences": [{"text": "Good.", "citations": ["E2"]}]"#;
        let parsed = |headline: &str| parse_tell(&format!("{{\"headline\": {headline}, {sentences}}}"), &KNOWN);
        let with = parsed(r#"{"text": "Head.", "citations": ["C1"]}"#).expect("parses");
        assert_eq!(with.headline.map(|headline| headline.text).as_deref(), Some("Head."));
        for headline in [r#""Head.""#, r#"{"text": "Head.", "citations": []}"#] {
            let without = parsed(headline).expect("parses");
            assert_eq!((without.headline, without.removed), (None, 1), "{headline}");
        }
    }

    #[test]
    fn citations_written_into_the_text_are_taken_out() {
        check(
            r#"{"sentences": [{"text": "A fails [E1, C1].\nB (pool 5) follows (E2), C stays [E9].", "citations": ["E1", "E1"]}]}"#,
            &[("A fails. B (pool 5) follows, C stays [E9].", &["E1"])],
            0,
        );
    }

    #[test]
    fn no_more_sentences_than_asked_for() {
        let many = [r#"{"text": "Good.", "citations": ["E2"]}"#; MOST_SENTENCES + 2].join(",");
        let reply = parse_tell(&format!(r#"{{"sentences": [{many}]}}"#), &KNOWN).expect("parses");
        assert_eq!((reply.sentences.len(), reply.removed), (MOST_SENTENCES, 2));
    }

    #[test]
    fn what_is_no_reply_says_so() {
        check_error("", "no JSON object");
        check_error("I cannot help with that.", "no JSON object");
        check_error(&GOOD[..GOOD.len() - 3], "not JSON of the asked form");
        check_error(r#"{"answer": 42}"#, "missing field `sentences`");
        check_error(r#"{"sentences": []}"#, "no sentences");
        check_error(&"{".repeat(200_000), "not JSON of the asked form");
        check_error(&"{\"sentences\":[".repeat(20_000), "not JSON of the asked form");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_nothing_uncited_parses(text in "\\PC{0,200}|[{}\\[\\]\":,a-zE1-9 ]{0,200}") {
            let wrapped = format!("{{\"sentences\": [{{\"text\": {}, \"citations\": [{text}]}}]}}", serde_json::json!(text));
            for text in [text, wrapped] {
                if let Ok(reply) = parse_tell(&text, &KNOWN) {
                    for sentence in reply.sentences {
                        prop_assert!(!sentence.citations.is_empty());
                        prop_assert!(sentence.citations.iter().all(|id| KNOWN.contains(&id.as_str())));
                    }
                }
            }
        }
    }
}
