//! JSON as the journal spells it, taken apart so that single texts can be lifted out and put back.
//! Numbers keep their digits, so what is put together again is what was there, byte for byte.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Object(BTreeMap<String, Node>),
    Array(Vec<Node>),
    Text(String),
    /// A number, `true`, `false` or `null`, as it was written.
    Other(String),
}

impl Node {
    /// Reads canonical JSON.
    pub fn parse(text: &str) -> Result<Node, String> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Node::from_raw(raw)
    }

    fn from_raw(raw: &RawValue) -> Result<Node, String> {
        let text = raw.get();
        let said = |error: serde_json::Error| error.to_string();
        match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(said)?;
                let read = members.into_iter().map(|(key, value)| Ok((key, Node::from_raw(value)?)));
                read.collect::<Result<_, String>>().map(Node::Object)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(said)?;
                items.into_iter().map(Node::from_raw).collect::<Result<_, String>>().map(Node::Array)
            }
            Some(b'"') => serde_json::from_str(text).map(Node::Text).map_err(said),
            _ => Ok(Node::Other(text.to_owned())),
        }
    }

    /// The canonical spelling.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        match self {
            Node::Object(members) => {
                out.push('{');
                for (idx, (key, value)) in members.iter().enumerate() {
                    out.push_str(if idx > 0 { "," } else { "" });
                    out.push_str(&quoted(key));
                    out.push(':');
                    value.write_to(out);
                }
                out.push('}');
            }
            Node::Array(items) => {
                out.push('[');
                for (idx, item) in items.iter().enumerate() {
                    out.push_str(if idx > 0 { "," } else { "" });
                    item.write_to(out);
                }
                out.push(']');
            }
            Node::Text(text) => out.push_str(&quoted(text)),
            Node::Other(text) => out.push_str(text),
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            Node::Object(_) | Node::Array(_) | Node::Other(_) => None,
        }
    }

    /// The text at the end of a path of keys.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        let end = path.iter().try_fold(self, |node, key| match node {
            Node::Object(members) => members.get(*key),
            _ => None,
        });
        end?.text()
    }

    /// Lays texts over the places they were lifted from. An object over an array counts its items, over a text it goes
    /// into the JSON in that text.
    pub fn overlay(&mut self, over: &Node) {
        match (self, over) {
            (Node::Object(members), Node::Object(over)) => {
                for (key, over) in over {
                    if let Some(member) = members.get_mut(key) {
                        member.overlay(over);
                    }
                }
            }
            (Node::Array(items), Node::Object(over)) => {
                for (key, over) in over {
                    if let Some(item) = key.parse::<usize>().ok().and_then(|idx| items.get_mut(idx)) {
                        item.overlay(over);
                    }
                }
            }
            (Node::Text(text), Node::Object(_)) => {
                if let Ok(mut inner) = Node::parse(text) {
                    inner.overlay(over);
                    *text = inner.write();
                }
            }
            (place, over) => *place = over.clone(),
        }
    }

    /// Puts a text into a sparse tree, making the objects on the way.
    pub fn insert(&mut self, path: &[String], text: &str) {
        let Node::Object(members) = self else { return };
        match path {
            [] => {}
            [last] => drop(members.insert(last.clone(), Node::Text(text.to_owned()))),
            [first, rest @ ..] => {
                members.entry(first.clone()).or_insert_with(|| Node::Object(BTreeMap::new())).insert(rest, text);
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string always serializes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_is_what_was_there() {
        let text = r#"{"a":[1.10,{"b":"x\"\n⟨é⟩"},true],"n":123456789012345678901234567890,"s":"{\"k\":\"v\"}"}"#;
        let node = Node::parse(text).unwrap();
        assert_eq!(node.write(), text);

        let mut over = Node::Object(BTreeMap::new());
        for path in [["a", "1", "b"].as_slice(), &["s", "k"]] {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            over.insert(&path, "new");
        }
        let mut laid = node;
        laid.overlay(&Node::parse(&over.write()).unwrap());
        assert_eq!(laid.write(), text.replace(r#"x\"\n⟨é⟩"#, "new").replace(r#"\"v\""#, r#"\"new\""#));
    }
}
