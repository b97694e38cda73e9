//! All templates, and how a new one comes about: exact match, then a generalised one that fits, then a new one,
//! which may show that a word is a parameter. Ids are given in that order and never change.

use std::collections::HashMap;

use evidence::TemplateId;

use super::SavedTemplate;
use super::tokens::{Token, is_code_place};

mod generalise;
mod shape;

use shape::{shape_of, skeleton_of, text_of, tokens_of_shape, words_of};

/// Templates of one skeleton that a new one is compared with; the newest count.
const MAX_COMPARED: usize = 2_000;
const MAX_OVERFLOW_WORDS: usize = 16;

#[derive(Debug)]
pub(super) struct Dictionary {
    templates: Vec<Known>,
    by_shape: HashMap<Box<str>, TemplateId>,
    /// By the separators of a message, with all words alike.
    buckets: HashMap<Box<str>, Bucket>,
    new: Vec<SavedTemplate>,
    max: usize,
}

#[derive(Debug)]
struct Known {
    text: Box<str>,
    parent: Option<TemplateId>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// Nothing replaced these yet.
    roots: Vec<Member>,
    /// All that have a parameter, oldest first.
    covering: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    id: TemplateId,
    words: Vec<Slot>,
    /// Made by generalising: its parameters were seen to vary as words too.
    is_general: bool,
}

/// A place for a word: `None` is a parameter.
type Slot = Option<Box<str>>;

impl Dictionary {
    pub(super) fn new(max: usize) -> Dictionary {
        Dictionary { templates: Vec::new(), by_shape: HashMap::new(), buckets: HashMap::new(), new: Vec::new(), max }
    }

    pub(super) fn restore(&mut self, saved: SavedTemplate) {
        let tokens = tokens_of_shape(&saved.shape);
        let id = TemplateId(self.templates.len() as u32);
        self.add(&tokens, saved.shape, saved.text.into(), &saved.replaces);
        debug_assert_eq!(id, saved.id, "templates are restored in order");
    }

    pub(super) fn assign(&mut self, tokens: Vec<Token>) -> TemplateId {
        let shape = shape_of(&tokens);
        if let Some(id) = self.by_shape.get(shape.as_str()) {
            return *id;
        }
        let words = words_of(&tokens);
        let bucket = self.buckets.get(skeleton_of(&tokens).as_str());
        // The oldest that fits, because later ones cannot change that after a restart.
        let fitting = bucket.and_then(|bucket| bucket.covering.iter().find(|member| member.covers(&words)));
        if let Some(general) = fitting {
            return general.id;
        }
        if self.templates.len() >= self.max {
            return self.overflow(words.len());
        }
        match bucket.and_then(|bucket| generalise::varying_slots(bucket, &words)) {
            Some(varying) => self.add_general(tokens, &varying),
            None => self.add_new(&tokens, shape, &[]),
        }
    }

    fn overflow(&mut self, n_words: usize) -> TemplateId {
        let mut tokens = vec![Token::Parameter];
        for _ in 1..n_words.clamp(1, MAX_OVERFLOW_WORDS) {
            tokens.extend([Token::Separator(' '), Token::Parameter]);
        }
        let shape = shape_of(&tokens);
        match self.by_shape.get(shape.as_str()) {
            Some(id) => *id,
            None => self.add_new(&tokens, shape, &[]),
        }
    }

    /// Adds the template in which the varying words are parameters; what it covers becomes its family.
    fn add_general(&mut self, mut tokens: Vec<Token>, varying: &[usize]) -> TemplateId {
        let mut word = 0;
        for token in &mut tokens {
            if matches!(token, Token::Separator(_)) {
                continue;
            }
            if varying.contains(&word) {
                *token = Token::Parameter;
            }
            word += 1;
        }
        let words = words_of(&tokens);
        let bucket = self.buckets.get(skeleton_of(&tokens).as_str());
        let covered: Vec<TemplateId> = bucket
            .iter()
            .flat_map(|bucket| &bucket.roots)
            .filter(|root| fits(&words, &root.words))
            .map(|root| root.id)
            .collect();
        let next = bucket.and_then(|bucket| {
            let others = Bucket {
                roots: bucket.roots.iter().filter(|root| !covered.contains(&root.id)).cloned().collect(),
                covering: Vec::new(),
            };
            generalise::varying_slots(&others, &words)
        });
        let shape = shape_of(&tokens);
        if let Some(known) = self.by_shape.get(shape.as_str()) {
            return *known;
        }
        let id = self.add_new(&tokens, shape, &covered);
        if let Some(varying) = next.filter(|_| self.templates.len() < self.max) {
            self.add_general(tokens, &varying);
        }
        id
    }

    fn add_new(&mut self, tokens: &[Token], shape: String, replaces: &[TemplateId]) -> TemplateId {
        let text: Box<str> = text_of(tokens).into();
        let id = self.add(tokens, shape.clone(), text.clone(), replaces);
        self.new.push(SavedTemplate { id, text: text.into(), shape, replaces: replaces.to_vec() });
        id
    }

    fn add(&mut self, tokens: &[Token], shape: String, text: Box<str>, replaces: &[TemplateId]) -> TemplateId {
        let id = TemplateId(self.templates.len() as u32);
        self.templates.push(Known { text, parent: None });
        self.by_shape.insert(shape.into(), id);
        let bucket = self.buckets.entry(skeleton_of(tokens).into()).or_default();
        let member = Member { id, words: words_of(tokens), is_general: !replaces.is_empty() };
        if !replaces.is_empty() {
            for narrower in replaces {
                if let Some(known) = self.templates.get_mut(narrower.0 as usize).filter(|_| *narrower < id) {
                    known.parent = Some(id);
                }
            }
            bucket.roots.retain(|root| !replaces.contains(&root.id));
        }
        if member.words.contains(&None) {
            bucket.covering.push(member.clone());
        }
        bucket.roots.push(member);
        id
    }

    pub(super) fn take_new(&mut self) -> Vec<SavedTemplate> {
        std::mem::take(&mut self.new)
    }

    pub(super) fn family(&self, id: TemplateId) -> TemplateId {
        let mut family = id;
        while let Some(parent) = self.templates.get(family.0 as usize).and_then(|known| known.parent) {
            family = parent;
        }
        family
    }

    pub(super) fn text(&self, id: TemplateId) -> Option<&str> {
        self.templates.get(id.0 as usize).map(|known| &*known.text)
    }

    pub(super) fn len(&self) -> usize {
        self.templates.len()
    }
}

impl Member {
    /// Whether a message with these words is of this kind. A parameter that was always a number takes a word only
    /// when enough of the wording agrees, so that `<*>: <*>` does not swallow `error: broken`.
    fn covers(&self, words: &[Slot]) -> bool {
        if !fits(&self.words, words) {
            return false;
        }
        let n_same = self.words.iter().flatten().count();
        let mut taken =
            self.words.iter().zip(words).filter_map(|(mine, word)| word.as_deref().filter(|_| mine.is_none()));
        let n_taken = taken.clone().count();
        self.is_general || (n_taken == 1 && n_same >= 2 && !taken.any(|word| is_code_place(word.as_bytes())))
    }
}

fn fits(general: &[Slot], words: &[Slot]) -> bool {
    general.len() == words.len()
        && general.iter().zip(words).all(|(general, word)| general.is_none() || general == word)
}
