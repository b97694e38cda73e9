//! One spelling for each JSON document: sorted keys, no white space.
//! Numbers keep the digits they were written with, because reading them as floats could change the last one.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Deeper documents are refused, so that a hostile one cannot exhaust the stack.
const DEEPEST: usize = 100;

/// Returns the canonical spelling of one JSON document.
///
/// # Errors
///
/// A sentence about what is wrong: not JSON, a key that appears twice, or nested too deeply.
pub fn canonical(json: &str) -> Result<String, String> {
    let raw: &RawValue = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut out = String::with_capacity(json.len());
    write(raw, DEEPEST, &mut out)?;
    Ok(out)
}

fn write(raw: &RawValue, depth: usize, out: &mut String) -> Result<(), String> {
    let text = raw.get().trim();
    if depth == 0 {
        return Err(format!("it is nested more than {DEEPEST} deep"));
    }
    match text.as_bytes().first() {
        Some(b'{') => write_object(text, depth, out),
        Some(b'[') => write_array(text, depth, out),
        Some(b'"') => {
            let string: String = serde_json::from_str(text).map_err(|error| error.to_string())?;
            out.push_str(&quoted(&string));
            Ok(())
        }
        _ => {
            out.push_str(text);
            Ok(())
        }
    }
}

fn write_object(text: &str, depth: usize, out: &mut String) -> Result<(), String> {
    let Members(members) = serde_json::from_str(text).map_err(|error| error.to_string())?;
    out.push('{');
    for (idx, (key, value)) in members.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        out.push_str(&quoted(key));
        out.push(':');
        write(value, depth - 1, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_array(text: &str, depth: usize, out: &mut String) -> Result<(), String> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    out.push('[');
    for (idx, item) in items.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write(item, depth - 1, out)?;
    }
    out.push(']');
    Ok(())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string always serializes")
}

/// The members of an object; a key that appears twice is refused, because readers would disagree which one counts.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.contains_key(&key) {
                        return Err(serde::de::Error::custom(format!("the key `{key}` appears twice")));
                    }
                    members.insert(key, value);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        let first = canonical(input).unwrap();
        assert_eq!(first, expected);
        assert_eq!(canonical(&first).unwrap(), expected, "canonical twice is canonical once");
    }

    #[test]
    fn sorts_keys_and_drops_white_space() {
        check(
            "{ \"b\" : [ 1 , { \"y\":null, \"x\":true } ], \"a\" : \"s\" }",
            r#"{"a":"s","b":[1,{"x":true,"y":null}]}"#,
        );
    }

    #[test]
    fn keeps_the_digits_of_numbers() {
        check("[0.1000, 1e400, 123456789012345678901234567890]", "[0.1000,1e400,123456789012345678901234567890]");
    }

    #[test]
    fn spells_characters_one_way() {
        check(r#""\u0041\u000a\u0000\/é""#, r#""A\n\u0000/é""#);
    }

    #[test]
    fn refuses_what_readers_would_disagree_about() {
        for input in ["", "{", "{}{}", r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, &"[".repeat(20_000)] {
            assert!(canonical(input).is_err(), "{input:.40}");
        }
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(canonical(&deep).is_err());
    }
}
