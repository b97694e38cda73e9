//! Queries as people type them, and what their mistakes are told.

use super::*;

fn check(text: &str, expected: &Query) {
    assert_eq!(&Query::parse(text).unwrap_or_else(|mistake| panic!("{mistake}")), expected, "`{text}`");
}

fn mistake(text: &str) -> String {
    match Query::parse(text) {
        Err(mistake) => mistake.to_string(),
        Ok(query) => panic!("`{text}` was read as {query:?}"),
    }
}

fn phrase(words: &[&str]) -> Query {
    Query::Phrase { words: words.iter().map(|word| (*word).to_owned()).collect(), prefix: false }
}

#[test]
fn terms_with_separators_are_phrases_of_their_words() {
    check("10.0.3.7", &phrase(&["10", "0", "3", "7"]));
    check("req-81f2", &phrase(&["req", "81f2"]));
    check("\"Pool exhausted\"", &phrase(&["pool", "exhausted"]));
    check("http://10.0.3.7/x", &phrase(&["http", "10", "0", "3", "7", "x"]));
    check("12:30:45", &phrase(&["12", "30", "45"]));
    check("getTrip()", &phrase(&["gettrip"]));
    check("Größe_1", &phrase(&["größe_1"]));
    check("pre*", &Query::Phrase { words: vec!["pre".into()], prefix: true });
    check("10.0.*", &phrase(&["10", "0"]));
    check("*", &Query::All);
    check("  ", &Query::All);
}

#[test]
fn operators_bind_as_people_expect() {
    let (a, b, c) = (phrase(&["a"]), phrase(&["b"]), phrase(&["c"]));
    check("a b OR c", &Query::Or(vec![Query::And(vec![a.clone(), b.clone()]), c.clone()]));
    check("a AND (b OR c)", &Query::And(vec![a.clone(), Query::Or(vec![b.clone(), c])]));
    check("a -b", &Query::And(vec![a.clone(), Query::Not(Box::new(b.clone()))]));
    check("NOT a", &Query::Not(Box::new(a.clone())));
    check("a or b", &Query::And(vec![a, phrase(&["or"]), b]));
}

#[test]
fn fields_are_read() {
    let level = |comparison, severity| Query::Level { comparison, severity };
    check("level>=warn", &level(Comparison::AtLeast, Severity::Warn));
    check("level:error", &level(Comparison::Is, Severity::Error));
    check("level<info", &level(Comparison::Below, Severity::Info));
    check("id:r12", &Query::Id(RecordId(12)));
    check("template:t7", &Query::Template(TemplateId(7)));
    check("last:15m", &Query::Last { micros: 900_000_000 });
    let keyword = |field, value: &str, prefix| Query::Keyword { field, value: value.to_owned(), prefix };
    check("service:Check*", &keyword(Keyword::Service, "check", true));
    check("host:\"web 1\"", &keyword(Keyword::Host, "web 1", false));
    let field = |name: &str, words: &[&str], prefix| Query::Field {
        name: name.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        prefix,
    };
    check("http.status:500", &field("http.status", &["500"], false));
    check("Path:/api/*", &field("path", &["api"], false));
    check("user:*", &field("user", &[], true));
}

#[test]
fn mistakes_point_at_the_character() {
    assert_eq!(
        mistake("level>=wrn"),
        "`level>=wrn`: unknown level at character 8. Levels: trace, debug, info, warn, error, fatal"
    );
    for (query, part) in [
        ("a \"b", "quote is not closed at character 3"),
        ("(a OR b", "`(` is not closed at character 1"),
        ("a)", "`)` closes nothing at character 2"),
        ("a OR", "something is missing at character 5"),
        ("OR a", "`OR` needs something before it at character 1"),
        ("()", "nothing stands before `)` at character 2"),
        ("last:soon", "not a length of time at character 6"),
        ("id:12x", "not a record id at character 4"),
        ("größe template:x", "not a template id at character 16"),
        ("service:", "`service:` has no value at character 9"),
        ("a*b", "can only end a word at character 2"),
        ("--- ", "at character"),
        ("!!", "no letter or digit to search for at character 1"),
    ] {
        let said = mistake(query);
        assert!(said.contains(part), "`{query}`: {said}");
    }
    assert!(mistake(&"a".repeat(10_001)).contains("longer than 10000"));
    assert!(mistake(&"(".repeat(500)).contains("nested too deeply"));
    assert!(mistake(&format!("{}a", "-".repeat(500))).contains("nested too deeply"));
}

#[test]
fn no_text_makes_it_panic() {
    for text in
        ["\u{1}\u{2}", "a:\"", ":", "::", "level>", "level:>=", "-", "\"\"", "(\")\")", "é:é*", "*:*", "a:b:c*", "\\"]
    {
        let _ = Query::parse(text);
    }
}
