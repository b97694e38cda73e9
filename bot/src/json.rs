//! Reads a JSON object that somebody sent or wrote, and says in our words what is wrong with it.

use runbooks::mistakes::in_our_words;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Reads `text`, which sentences call by its `name`: `the body`.
///
/// # Errors
///
/// A sentence that names the key at fault, or the place where this stops being JSON.
pub fn read<T: DeserializeOwned>(text: &[u8], name: &str) -> Result<T, String> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(format!("{name} is empty"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut json);
    let object = read.map_err(|error| match error.inner().classify() {
        Category::Data if !text.starts_with(b"{") => format!("{name} is not a JSON object"),
        Category::Data => {
            let path = error.path().to_string();
            in_our_words(&without_place(error.inner()), path.trim_start_matches('.'), None)
        }
        Category::Syntax | Category::Eof | Category::Io => not_json(name, error.inner()),
    })?;
    json.end().map_err(|error| not_json(name, &error))?;
    Ok(object)
}

fn not_json(name: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return format!("{name} is not JSON: it ends too early");
    }
    format!("{name} is not JSON: {} at line {}, column {}", without_place(error), error.line(), error.column())
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Deploy {
        service: String,
        version: String,
        kind: Option<evidence::ChangeKind>,
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(read::<Deploy>(text.as_bytes(), "it").unwrap_err(), expected);
    }

    #[test]
    fn a_mistake_is_named_by_its_key_or_its_place() {
        check(r#"{"service": "a"}"#, "`version` is missing");
        check(r#"{"service": "a", "version": 7}"#, "`version` must be text");
        check(r#"{"service": "a", "version": "b", "versoin": 1}"#, UNKNOWN);
        check(r#"{"service": "a", "service": "b"}"#, "`service` is written twice; keep one");
        check(
            r#"{"service": "a", "version": "b", "kind": "flags"}"#,
            "`kind`: unknown value `flags`; did you mean `flag`? (known: deploy, config, flag, infra)",
        );
        check("{", "it is not JSON: it ends too early");
        check("", "it is empty");
        check("{service: 1}", "it is not JSON: key must be a string at line 1, column 2");
        check("7", "it is not a JSON object");
        check("[1]", "it is not a JSON object");
        check(r#"{"service": "a", "version": "b"} x"#, "it is not JSON: trailing characters at line 1, column 34");
    }

    const UNKNOWN: &str = "unknown key `versoin`; did you mean `version`? (known: service, version, kind)";
}
