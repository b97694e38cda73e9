//! One entry, sealed and opened. Personal texts are lifted out into boxes, one for each set of keys that must be there;
//! what stays in their place is what everybody reads once a key is gone, so opening is laying the texts back, if we can.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::node::Node;
use super::ring::Key;
use super::rules::{Rule, Rules};
use crate::keys::master;

/// The member of a stored event that holds the boxes.
const BOXES: &str = "⟦sealed⟧";
/// The member that holds an event that is no object.
const WHOLE: &str = "⟦event⟧";
/// Where the actor stands in a box.
const ACTOR: &str = "⟦actor⟧";
/// What people read where a text was erased.
pub const ERASED: &str = "⟨erased⟩";

/// Whose key protects something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Stream(String),
    Person(String),
}

/// The texts of one entry, by the subjects whose keys must all be there to read them.
#[derive(Debug, Default)]
pub(super) struct Lifted {
    pub texts: BTreeMap<BTreeSet<Subject>, Node>,
}

/// Programs are not people: Firstline acts under its own name.
pub(super) fn is_program(actor: &str) -> bool {
    actor == "firstline"
}

/// Where and by whom an event is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub stream: &'a str,
    pub seq: u64,
    pub actor: &'a str,
    /// Who asked what the event answers.
    pub asker: Option<&'a str>,
}

impl Lifted {
    /// Which texts of the event are whose.
    pub fn from(event: &Node, place: Place<'_>) -> Lifted {
        let mut lifted = Lifted::default();
        if !is_program(place.actor) {
            lifted.put([Subject::Person(place.actor.to_owned())], &[ACTOR.to_owned()], place.actor);
        }
        let rules = Rules::of_stream(place.stream);
        let mut path = Vec::new();
        if rules.are_by_type() {
            path.push(event.text_at(&["type"]).unwrap_or_default().to_owned());
        }
        let place_of = Lifting { place, event, rules, skip: path.len(), prefix: Vec::new() };
        place_of.walk(event, &mut path, &mut lifted);
        lifted
    }

    fn put(&mut self, subjects: impl IntoIterator<Item = Subject>, path: &[String], text: &str) {
        let tree = self.texts.entry(subjects.into_iter().collect()).or_insert_with(|| Node::Object(BTreeMap::new()));
        tree.insert(path, text);
    }

    pub fn subjects(&self) -> BTreeSet<&Subject> {
        self.texts.keys().flatten().collect()
    }
}

struct Lifting<'a> {
    place: Place<'a>,
    /// The event that ids of people are looked up in.
    event: &'a Node,
    rules: Rules,
    /// How many parts of a rule's path are not in the event: its type stands in front.
    skip: usize,
    /// Where the event itself stands, for JSON in a text.
    prefix: Vec<String>,
}

impl Lifting<'_> {
    fn walk(&self, node: &Node, path: &mut Vec<String>, lifted: &mut Lifted) {
        match node {
            Node::Object(members) => {
                for (key, value) in members {
                    path.push(key.clone());
                    self.walk(value, path, lifted);
                    path.pop();
                }
            }
            Node::Array(items) => {
                for (idx, item) in items.iter().enumerate() {
                    path.push(idx.to_string());
                    self.walk(item, path, lifted);
                    path.pop();
                }
            }
            Node::Text(text) if text.is_empty() => {}
            Node::Text(text) => self.lift(text, path, lifted),
            Node::Other(_) => {}
        }
    }

    fn lift(&self, text: &str, path: &[String], lifted: &mut Lifted) {
        let stream = || Subject::Stream(self.place.stream.to_owned());
        let words_of = |person: Option<&str>| -> Vec<Subject> {
            let person = person.filter(|id| !is_program(id) && !id.is_empty());
            person.map(|id| Subject::Person(id.to_owned())).into_iter().chain([stream()]).collect()
        };
        let subjects = match self.rules.at(path) {
            Rule::Plain => return,
            Rule::Person if is_program(text) => return,
            Rule::Person => vec![Subject::Person(text.to_owned())],
            Rule::Name => {
                let beside: Vec<&str> =
                    path[self.skip..path.len() - 1].iter().map(String::as_str).chain(["id"]).collect();
                match self.event.text_at(&beside) {
                    Some(id) if is_program(id) => return,
                    Some(id) => vec![Subject::Person(id.to_owned())],
                    None => vec![stream()],
                }
            }
            Rule::Content => vec![stream()],
            Rule::WordsOf(place) => words_of(self.event.text_at(place)),
            Rule::ActorsWords => words_of(Some(self.place.actor)),
            Rule::AskersWords => words_of(self.place.asker),
            Rule::Step => match Node::parse(text) {
                Ok(step) if step.write() == text => {
                    let prefix = path[self.skip..].to_vec();
                    let inner = Lifting { event: &step, rules: Rules::of_step(), skip: 0, prefix, ..*self };
                    inner.walk(&step, &mut Vec::new(), lifted);
                    return;
                }
                _ => vec![stream()],
            },
        };
        let full: Vec<String> = self.prefix.iter().chain(&path[self.skip..]).cloned().collect();
        lifted.put(subjects, &full, text);
    }
}

/// The actor and the event as they are stored. `key_of` knows every subject that [`Lifted::subjects`] names.
///
/// # Errors
///
/// A sentence when the event uses our own marks, or cannot be encrypted.
pub(super) fn seal<'k>(
    event: Node,
    place: Place<'_>,
    lifted: &Lifted,
    key_of: impl Fn(&Subject) -> &'k Key,
) -> Result<(String, String), String> {
    if let Node::Object(members) = &event
        && (members.contains_key(BOXES) || members.contains_key(WHOLE))
    {
        return Err(format!("the event has a member that only the journal writes (`{BOXES}`, `{WHOLE}`)"));
    }
    if lifted.texts.is_empty() {
        return Ok((place.actor.to_owned(), event.write()));
    }
    let mut members = match event {
        Node::Object(members) => members,
        whole => BTreeMap::from([(WHOLE.to_owned(), whole)]),
    };
    let mut actor = place.actor.to_owned();
    let mut boxes = Vec::new();
    for (subjects, texts) in &lifted.texts {
        let keys: Vec<&Key> = subjects.iter().map(&key_of).collect();
        let mut skeleton = Node::Object(std::mem::take(&mut members));
        skeleton.overlay(&erased(texts, &keys));
        let Node::Object(covered) = skeleton else { unreachable!("laying over an object leaves an object") };
        members = covered;
        if texts.text_at(&[ACTOR]).is_some() {
            actor = pseudonym_in(&keys);
        }
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        let associated = associated(place.stream, place.seq, &ids);
        let bytes = master::seal(&secret_of(&keys), associated.as_bytes(), texts.write().as_bytes())?;
        boxes.push(Node::Object(BTreeMap::from([
            ("keys".to_owned(), Node::Array(ids.iter().map(|id| Node::Text((*id).to_owned())).collect())),
            ("box".to_owned(), Node::Text(BASE64.encode(bytes))),
        ])));
    }
    members.insert(BOXES.to_owned(), Node::Array(boxes));
    Ok((actor, Node::Object(members).write()))
}

/// What stands where the texts stood: a pseudonym for a person's id and name, else a mark.
fn erased(texts: &Node, keys: &[&Key]) -> Node {
    match texts {
        Node::Object(members) => {
            Node::Object(members.iter().map(|(key, value)| (key.clone(), erased(value, keys))).collect())
        }
        _ => Node::Text(pseudonym_in(keys)),
    }
}

/// A person's id and name are sealed by that person's key alone, words by the stream's too.
fn pseudonym_in(keys: &[&Key]) -> String {
    match keys {
        [key] => key.pseudonym.as_ref().map_or_else(|| ERASED.to_owned(), |name| format!("⟨erased:{name}⟩")),
        _ => ERASED.to_owned(),
    }
}

/// A stored event, as far as it was sealed.
#[derive(Debug)]
pub(super) struct SealedEvent {
    members: BTreeMap<String, Node>,
    boxes: Vec<(Vec<String>, String)>,
}

impl SealedEvent {
    /// `None` for an event that holds no boxes, as all did in earlier versions.
    pub fn read(event: &str) -> Option<SealedEvent> {
        if !event.contains(BOXES) {
            return None;
        }
        let Ok(Node::Object(mut members)) = Node::parse(event) else { return None };
        let Node::Array(boxes) = members.remove(BOXES)? else { return None };
        let read = |node: &Node| {
            let Node::Object(members) = node else { return None };
            let Node::Array(keys) = members.get("keys")? else { return None };
            let keys: Option<Vec<String>> = keys.iter().map(|id| id.text().map(str::to_owned)).collect();
            Some((keys?, members.get("box")?.text()?.to_owned()))
        };
        Some(SealedEvent { boxes: boxes.iter().map(read).collect::<Option<_>>()?, members })
    }

    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.boxes.iter().flat_map(|(keys, _)| keys).map(String::as_str)
    }

    /// The actor and the event as they were before sealing, as far as the keys are there.
    ///
    /// # Errors
    ///
    /// A sentence when a box was altered or comes from another entry.
    pub fn open<'k>(
        self,
        stream: &str,
        seq: u64,
        actor: &str,
        key: impl Fn(&str) -> Option<&'k Key>,
    ) -> Result<(String, String), String> {
        let mut event = Node::Object(self.members);
        let mut actor = actor.to_owned();
        for (ids, sealed) in &self.boxes {
            let Some(keys) = ids.iter().map(|id| key(id)).collect::<Option<Vec<&Key>>>() else { continue };
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let altered = || format!("entry {seq} of `{stream}` holds a text that was altered after it was sealed");
            let bytes = BASE64.decode(sealed).map_err(|_| altered())?;
            let associated = associated(stream, seq, &ids);
            let texts = master::open(&secret_of(&keys), associated.as_bytes(), &bytes).ok_or_else(altered)?;
            let texts = String::from_utf8(texts).ok().and_then(|text| Node::parse(&text).ok()).ok_or_else(altered)?;
            if let Some(name) = texts.text_at(&[ACTOR]) {
                actor = name.to_owned();
            }
            event.overlay(&texts);
        }
        let Node::Object(mut members) = event else { unreachable!("laying over an object leaves an object") };
        let event = members.remove(WHOLE).unwrap_or(Node::Object(members));
        Ok((actor, event.write()))
    }
}

/// A box opens only in the entry it was written for.
fn associated(stream: &str, seq: u64, key_ids: &[&str]) -> String {
    format!("firstline box 1\n{stream}\n{seq}\n{}", key_ids.join("\n"))
}

fn secret_of(keys: &[&Key]) -> [u8; 32] {
    let material: Vec<u8> = keys.iter().flat_map(|key| key.secret).collect();
    blake3::derive_key("firstline journal box 1", &material)
}
