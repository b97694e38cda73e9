//! One spelling for every value that gets a digest: JSON with sorted keys, no spaces and no floats.
//! Floats are refused because two programs may print the same one differently.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of some bytes; prints as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: impl AsRef<[u8]>) -> Digest {
        Digest(Sha256::digest(bytes.as_ref()).into())
    }

    /// The first twelve hex digits, for people to compare.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Digest, String> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| format!("`{text}` is not a digest; digests are 64 hex digits"))?;
        Ok(Digest(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    #[error("`{place}` is the fraction {number}; write it as a whole number of a smaller unit, or as text")]
    Float { place: String, number: String },
    #[error("this value cannot be written as JSON: {0}")]
    NotJson(String),
}

/// The canonical JSON of a value: keys sorted by their bytes, no spaces.
///
/// # Errors
///
/// [`NotCanonical::Float`] when a number anywhere in it is not whole.
pub fn to_string(value: &impl Serialize) -> Result<String, NotCanonical> {
    let value = serde_json::to_value(value).map_err(|error| NotCanonical::NotJson(error.to_string()))?;
    let mut text = String::new();
    write(&value, "", &mut text)?;
    Ok(text)
}

fn write(value: &Value, place: &str, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Number(number) if number.is_f64() => {
            return Err(NotCanonical::Float { place: place.to_owned(), number: number.to_string() });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
        Value::Array(items) => {
            text.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                write(item, &format!("{place}[{idx}]"), text)?;
            }
            text.push(']');
        }
        Value::Object(map) => {
            // serde_json keeps insertion order when some crate of the build asks for `preserve_order`.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_bytes());
            text.push('{');
            for (idx, (key, item)) in entries.into_iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                write(item, &inner, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({"b": {"z": 1, "a": [true, null]}, "a": "ü\n\""});
        assert_eq!(to_string(&value).unwrap(), r#"{"a":"ü\n\"","b":{"a":[true,null],"z":1}}"#);
    }

    #[test]
    fn a_fraction_is_refused_with_its_place() {
        let error = to_string(&json!({"body": {"share": [1, 0.5]}})).unwrap_err();
        assert_eq!(error, NotCanonical::Float { place: "body.share[1]".into(), number: "0.5".into() });
    }

    #[test]
    fn a_digest_reads_what_it_prints() {
        let digest = Digest::of("abc");
        assert!(digest.to_string().starts_with("ba7816bf"));
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!("ba78".parse::<Digest>().is_err());
    }
}
