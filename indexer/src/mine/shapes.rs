//! The cache from a message's shape (static words and separators, parameters masked) to its template.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use evidence::TemplateId;

use super::tokens::{Sink, scan};

#[derive(Debug)]
pub(super) struct Shapes {
    known: HashMap<u64, TemplateId, BuildHasherDefault<Already>>,
    max: usize,
    /// Random per process, so that nobody can write lines whose shapes collide.
    seed: u64,
}

impl Shapes {
    pub(super) fn new(max: usize) -> Shapes {
        Shapes { known: HashMap::default(), max, seed: RandomState::new().hash_one(0u8) }
    }

    pub(super) fn hash(&self, text: &str) -> u64 {
        let mut hash = ShapeHash { state: self.seed, seed: self.seed | 1 };
        scan(text, &mut hash);
        hash.state
    }

    pub(super) fn get(&self, shape: u64) -> Option<TemplateId> {
        self.known.get(&shape).copied()
    }

    pub(super) fn insert(&mut self, shape: u64, id: TemplateId) {
        if self.known.len() >= self.max {
            self.known.clear();
        }
        self.known.insert(shape, id);
    }
}

/// For keys that are hashes already.
#[derive(Debug, Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

struct ShapeHash {
    state: u64,
    seed: u64,
}

impl ShapeHash {
    fn mix(&mut self, value: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.state ^ value) * u128::from(self.seed ^ ODD);
        self.state = (product as u64) ^ ((product >> 64) as u64).rotate_left(23) ^ ODD;
    }
}

impl Sink for ShapeHash {
    fn word(&mut self, word: &[u8]) {
        let mut chunks = word.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(u64::from_le_bytes(chunk.try_into().expect("chunks of eight")));
        }
        let mut last = [0; 8];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last) ^ (word.len() as u64) << 56);
    }

    fn separator(&mut self, byte: u8) {
        self.mix(0x0100 | u64::from(byte));
    }

    fn parameter(&mut self) {
        self.mix(0x0200);
    }

    fn part(&mut self, part: &[u8], is_parameter: bool) {
        if is_parameter { self.mix(0x0300) } else { self.word(part) }
    }
}
