//! One record on its way into the index and its stored form.
//! The rows in flight hold permits on their bytes, because the engine's own queue counts documents only.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use evidence::{Record, Redacted, SourcePosition};
use tantivy::schema::document::{ReferenceValue, ReferenceValueLeaf};
use tantivy::schema::{Document, Field, Value};

use super::schema::{Fields, named_value};

#[derive(Debug)]
pub(super) struct Row {
    cells: Vec<(Field, Cell)>,
    _permit: Permit,
}

#[derive(Debug)]
pub(super) enum Cell {
    Number(u64),
    Signed(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What the index knows of a record beside the record itself.
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) template: u32,
    pub(super) redacted: u32,
    pub(super) source: u64,
}

impl Row {
    pub(super) fn new(record: Record, place: &Place, fields: &Fields, queue: &Queue) -> Row {
        let body = Body::encode(&record);
        let permit = queue.wait_for(body.len() * 2 + 400);
        let mut cells = Vec::with_capacity(18 + record.fields.len());
        cells.push((fields.seq, Cell::Number(place.seq)));
        cells.push((fields.time, Cell::Signed(record.time.0)));
        cells.push((fields.level, Cell::Number(record.severity.map_or(0, |severity| severity as u64))));
        cells.push((fields.template, Cell::Number(u64::from(place.template))));
        cells.push((fields.redacted, Cell::Number(u64::from(place.redacted))));
        cells.push((fields.source, Cell::Number(place.source)));
        cells.push((fields.trace_hash, Cell::Number(hash_of(record.trace.as_deref()))));
        cells.push((fields.span_hash, Cell::Number(hash_of(record.span.as_deref()))));
        cells.push((fields.service, Cell::Text(record.service)));
        cells.push((fields.host, Cell::Text(record.host.unwrap_or_default())));
        cells.push((fields.version, Cell::Text(record.version.unwrap_or_default())));
        for (field, value) in
            [(fields.environment, record.environment), (fields.trace, record.trace), (fields.span, record.span)]
        {
            cells.extend(value.map(|value| (field, Cell::Text(value))));
        }
        cells.push((fields.text, Cell::Text(record.text.into_string())));
        for (name, value) in &record.fields {
            cells.push((fields.fields, Cell::Text(named_value(name, value.as_str()))));
        }
        cells.push((fields.body, Cell::Bytes(body)));
        Row { cells, _permit: permit }
    }
}

impl Document for Row {
    type Value<'a> = &'a Cell;
    type FieldsValuesIter<'a> =
        std::iter::Map<std::slice::Iter<'a, (Field, Cell)>, fn(&'a (Field, Cell)) -> (Field, &'a Cell)>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.cells.iter().map(|(field, cell)| (*field, cell))
    }
}

impl<'a> Value<'a> for &'a Cell {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match self {
            Cell::Number(number) => ReferenceValueLeaf::U64(*number),
            Cell::Signed(number) => ReferenceValueLeaf::I64(*number),
            Cell::Text(text) => ReferenceValueLeaf::Str(text),
            Cell::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
        })
    }
}

/// 48 bits, which is enough to tell the traces of an incident apart and saves a quarter of the column; `0` is none.
pub(crate) fn hash_of(id: Option<&str>) -> u64 {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return 0 };
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for chunk in id.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
    }
    ((hash.wrapping_mul(0xbf58_476d_1ce4_e5b9)) >> 16).max(1)
}

/// The part of a record that only hits need: length-prefixed strings, then numbers.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Body {
    pub(super) service: String,
    pub(super) host: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) version: Option<String>,
    pub(super) trace: Option<String>,
    pub(super) span: Option<String>,
    pub(super) text: Redacted,
    pub(super) fields: BTreeMap<String, Redacted>,
    pub(super) source: SourcePosition,
}

impl Body {
    fn encode(record: &Record) -> Vec<u8> {
        let mut out = Vec::with_capacity(record.text.as_str().len() + 200);
        put(&mut out, &record.service);
        for name in [&record.host, &record.environment, &record.version, &record.trace, &record.span] {
            put(&mut out, name.as_deref().unwrap_or(""));
        }
        put(&mut out, &record.source.path);
        put_number(&mut out, record.source.offset);
        put_number(&mut out, record.fields.len() as u64);
        for (name, value) in &record.fields {
            put(&mut out, name);
            put(&mut out, value.as_str());
        }
        put(&mut out, record.text.as_str());
        out
    }

    /// `None` when the bytes are not ours.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Body> {
        let from = &mut bytes;
        let service = take(from)?;
        let mut names = [const { None }; 5];
        for name in &mut names {
            *name = Some(take(from)?).filter(|name| !name.is_empty());
        }
        let [host, environment, version, trace, span] = names;
        let source = SourcePosition { path: take(from)?, offset: take_number(from)? };
        let mut fields = BTreeMap::new();
        for _ in 0..take_number(from)? {
            let name = take(from)?;
            fields.insert(name, Redacted::from_storage(take(from)?));
        }
        let text = Redacted::from_storage(take(from)?);
        Some(Body { service, host, environment, version, trace, span, text, fields, source })
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(from: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(take_number(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Bounds the bytes between the parser and the indexing thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<(Mutex<usize>, Condvar)>);

const MOST_BYTES: usize = 48 << 20;

#[derive(Debug)]
struct Permit {
    queue: Queue,
    bytes: usize,
}

impl Queue {
    /// Waits for room, though never for ever: when the indexing thread died, handing it the row tells.
    fn wait_for(&self, bytes: usize) -> Permit {
        let (taken, freed) = &*self.0;
        let lock = taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let full = |taken: &mut usize| *taken > 0 && *taken + bytes > MOST_BYTES;
        let waited = freed.wait_timeout_while(lock, Duration::from_secs(5), full);
        let mut lock = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        *lock += bytes;
        drop(lock);
        Permit { queue: self.clone(), bytes }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (taken, freed) = &*self.queue.0;
        let mut lock = taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *lock -= self.bytes;
        drop(lock);
        freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_reads_itself_and_refuses_what_is_cut() {
        let record = Record {
            time: evidence::Time(5),
            severity: None,
            service: "checkout".into(),
            host: None,
            environment: Some("production".into()),
            version: None,
            trace: Some("abc".into()),
            span: None,
            text: Redacted::from_storage("größer".into()),
            fields: [("user".to_owned(), Redacted::from_storage("ann".into()))].into(),
            source: SourcePosition { path: "/a.log".into(), offset: 1 << 40 },
        };
        let bytes = Body::encode(&record);
        let body = Body::decode(&bytes).unwrap();
        assert_eq!((body.text, body.fields, body.source), (record.text, record.fields, record.source));
        assert_eq!((body.host, body.trace.as_deref()), (None, Some("abc")));
        for cut in 0..bytes.len() {
            assert_eq!(Body::decode(&bytes[..cut]), None);
        }
    }
}
