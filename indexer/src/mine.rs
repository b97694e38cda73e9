//! Gives each message the template it was made from.
//!
//! The common line is one pass over its bytes and one hash lookup (`shapes`); only a new shape reaches the dictionary.
//! Templates are immutable and their ids depend on the order of new shapes alone, so a restored miner goes on as before.

use evidence::TemplateId;
use serde::{Deserialize, Serialize};

mod collapse;
mod dictionary;
mod shapes;
mod tokens;

use dictionary::Dictionary;
use shapes::Shapes;

/// Bounds on memory under hostile input.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Further messages share one template for each number of words.
    pub templates: usize,
    /// Shapes whose template is known by hash; past it the cache starts again.
    pub cached_shapes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { templates: 20_000, cached_shapes: 200_000 }
    }
}

/// What must be kept of a template so that a restart finds it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTemplate {
    pub id: TemplateId,
    /// The static words, with `<*>` for each parameter.
    pub text: String,
    /// The tokens exactly, separated by unit separators.
    pub shape: String,
    /// The narrower templates that this one generalised; empty for most.
    pub replaces: Vec<TemplateId>,
}

/// Assigns templates; one per index.
#[derive(Debug)]
pub struct Miner {
    shapes: Shapes,
    dictionary: Dictionary,
}

impl Default for Miner {
    fn default() -> Miner {
        Miner::new(Limits::default())
    }
}

impl Miner {
    pub fn new(limits: Limits) -> Miner {
        Miner { shapes: Shapes::new(limits.cached_shapes), dictionary: Dictionary::new(limits.templates) }
    }

    /// A miner that knows `saved`, which must be in the order in which they were handed out.
    pub fn restore(limits: Limits, saved: impl IntoIterator<Item = SavedTemplate>) -> Miner {
        let mut miner = Miner::new(limits);
        for template in saved {
            miner.dictionary.restore(template);
        }
        miner
    }

    /// The template of a message; makes one when no known template fits.
    pub fn assign(&mut self, text: &str) -> TemplateId {
        let shape = self.shapes.hash(text);
        if let Some(id) = self.shapes.get(shape) {
            return id;
        }
        let id = self.dictionary.assign(collapse::collapse(tokens::tokens_of(text)));
        self.shapes.insert(shape, id);
        id
    }

    /// The templates made since the last call, oldest first; save them before the records that name them.
    pub fn take_new(&mut self) -> Vec<SavedTemplate> {
        self.dictionary.take_new()
    }

    /// The most general template of the lineage; `id` itself when nothing replaced it.
    pub fn family(&self, id: TemplateId) -> TemplateId {
        self.dictionary.family(id)
    }

    /// The template's text; `None` for an id that was never handed out.
    pub fn text(&self, id: TemplateId) -> Option<&str> {
        self.dictionary.text(id)
    }

    /// How many templates there are; ids are `0..len`.
    pub fn len(&self) -> usize {
        self.dictionary.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
