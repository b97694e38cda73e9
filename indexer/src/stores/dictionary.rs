//! The template dictionary as a store knows it: texts, lineage and when each was first seen.
//! On disk it is an append-only log of JSON lines, of which only the length that the manifest names is valid.

use evidence::{Template, TemplateId, Time};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    entries: Vec<Entry>,
    /// Filled by [`Dictionary::settle`]: the family and the family's first time of each entry.
    families: Vec<u32>,
    first_of_family: Vec<i64>,
}

#[derive(Clone, Debug)]
struct Entry {
    text: String,
    /// What the miner needs to know the template again; opaque here.
    shape: String,
    replaces: Vec<u32>,
    replaced_by: Option<u32>,
    first_seen: i64,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Template {
        id: u32,
        text: String,
        shape: String,
        replaces: Vec<u32>,
    },
    /// Pairs of id and microseconds; a later line lowers an earlier one.
    Seen(Vec<(u32, i64)>),
}

impl Dictionary {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds the next template; ids are dense, so one that skips ahead is damage.
    pub(crate) fn add(&mut self, id: u32, text: String, shape: String, replaces: &[u32]) -> Result<(), String> {
        if id as usize != self.entries.len() {
            return Err(format!("template `t{id}` follows `t{}`", self.entries.len().wrapping_sub(1)));
        }
        for old in replaces {
            if let Some(entry) = self.entries.get_mut(*old as usize) {
                entry.replaced_by = Some(id);
            }
        }
        self.entries.push(Entry { text, shape, replaces: replaces.to_vec(), replaced_by: None, first_seen: i64::MAX });
        Ok(())
    }

    /// Whether `time` is the earliest so far.
    pub(crate) fn see(&mut self, id: u32, time: i64) -> bool {
        match self.entries.get_mut(id as usize) {
            Some(entry) if time < entry.first_seen => {
                entry.first_seen = time;
                true
            }
            _ => false,
        }
    }

    /// Nothing was seen yet, of any template.
    pub(crate) fn forget_times(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.first_seen = i64::MAX);
    }

    pub(crate) fn first_seen(&self, id: u32) -> i64 {
        self.entries.get(id as usize).map_or(i64::MAX, |entry| entry.first_seen)
    }

    pub(crate) fn apply(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Template { id, text, shape, replaces } => self.add(id, text, shape, &replaces),
            Line::Seen(seen) => {
                for (id, time) in seen {
                    self.see(id, time);
                }
                Ok(())
            }
        }
    }

    /// Computes families after changes. A replacement is always younger, so one pass from the newest suffices.
    pub(crate) fn settle(&mut self) {
        let n = self.entries.len();
        self.families = (0..n as u32).collect();
        self.first_of_family = vec![i64::MAX; n];
        for id in (0..n).rev() {
            if let Some(newer) = self.entries[id].replaced_by.filter(|newer| *newer as usize > id) {
                self.families[id] = self.families[newer as usize];
            }
        }
        for id in 0..n {
            let first = &mut self.first_of_family[self.families[id] as usize];
            *first = (*first).min(self.entries[id].first_seen);
        }
    }

    /// The newest ancestor; an id that is not in the dictionary is its own family.
    pub fn family(&self, id: TemplateId) -> TemplateId {
        TemplateId(self.families.get(id.0 as usize).copied().unwrap_or(id.0))
    }

    /// Everyone in the family of `id`.
    pub fn members(&self, id: TemplateId) -> Vec<TemplateId> {
        let family = self.family(id).0;
        let ids = (0..self.families.len() as u32).filter(|other| self.families[*other as usize] == family);
        ids.map(TemplateId).collect()
    }

    pub fn text(&self, id: TemplateId) -> &str {
        self.entries.get(id.0 as usize).map_or("", |entry| &entry.text)
    }

    pub fn template(&self, id: TemplateId) -> Template {
        let family = self.family(id);
        let first = self.first_of_family.get(family.0 as usize).copied().unwrap_or(i64::MAX);
        Template {
            id,
            text: self.text(id).to_owned(),
            replaces: self.entries.get(id.0 as usize).and_then(|entry| entry.replaces.first().copied()).map(TemplateId),
            family,
            first_seen: Time(first),
        }
    }

    /// Every template, oldest first: what a miner starts from.
    pub fn iter(&self) -> impl Iterator<Item = Saved<'_>> {
        self.entries.iter().enumerate().map(|(id, entry)| Saved {
            id: TemplateId(id as u32),
            text: &entry.text,
            shape: &entry.shape,
            replaces: entry.replaces.iter().copied().map(TemplateId).collect(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved<'d> {
    pub id: TemplateId,
    pub text: &'d str,
    pub shape: &'d str,
    pub replaces: Vec<TemplateId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generalised_template_has_the_first_time_of_its_family() {
        let mut dictionary = Dictionary::default();
        dictionary.add(0, "a b".into(), String::new(), &[]).unwrap();
        dictionary.add(1, "a <*>".into(), String::new(), &[0]).unwrap();
        dictionary.add(2, "other".into(), String::new(), &[]).unwrap();
        dictionary.see(0, 10);
        dictionary.see(1, 500);
        dictionary.settle();
        assert_eq!(dictionary.family(TemplateId(0)), TemplateId(1));
        assert_eq!(dictionary.template(TemplateId(1)).first_seen, Time(10));
        assert_eq!(dictionary.members(TemplateId(0)), [TemplateId(0), TemplateId(1)]);
        assert!(dictionary.add(7, "gap".into(), String::new(), &[]).is_err());
    }
}
