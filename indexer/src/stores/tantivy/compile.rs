//! Turns a checked query into the engine's.

use std::collections::BTreeSet;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use evidence::{Allowance, Grant, Severity, TemplateId, Time};
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, InvertedIndexRangeQuery, Occur, PhrasePrefixQuery, PhraseQuery,
    Query as Engine, RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, SegmentReader, Term};

use super::complement::Complement;
use super::schema::{Fields, VALUE_ENDS, head, name_term, term_text};
use crate::query::{Comparison, Keyword, Query};
use crate::stores::dictionary::Dictionary;

pub(super) struct Compiler<'a> {
    pub(super) fields: &'a Fields,
    pub(super) dictionary: &'a Dictionary,
    pub(super) searcher: &'a Searcher,
    pub(super) now: Time,
}

type Boxed = Box<dyn Engine>;

impl Compiler<'_> {
    pub(super) fn compile(&self, query: &Query) -> Boxed {
        match query {
            Query::All => Box::new(AllQuery),
            Query::Phrase { words, prefix } => self.anywhere(words, *prefix),
            Query::Field { name, words, prefix } => self.field(name, words, *prefix),
            Query::Keyword { field, value, prefix } => self.keyword(self.keyword_field(*field), value, *prefix),
            Query::Level { comparison, severity } => self.level(*comparison, *severity),
            Query::Template(id) => self.template(*id),
            Query::Id(id) => {
                let term = Term::from_field_u64(self.fields.seq, id.0);
                Box::new(RangeQuery::new(Included(term.clone()), Included(term)))
            }
            Query::Last { micros } => {
                let time = |time| Term::from_field_i64(self.fields.time, time);
                let from = self.now.0.saturating_sub(*micros);
                Box::new(RangeQuery::new(Included(time(from)), Included(time(self.now.0))))
            }
            Query::Not(inner) => Box::new(Complement(self.compile(inner))),
            Query::And(all) => self.and(all),
            Query::Or(any) => any_of(any.iter().map(|query| self.compile(query)).collect()),
        }
    }

    /// The records that a grant names by their service and environment.
    pub(super) fn within(&self, grant: &Grant) -> Boxed {
        let named = |field: Field, names: Option<&BTreeSet<String>>| -> Boxed {
            match names {
                Some(names) => {
                    Box::new(TermSetQuery::new(names.iter().map(|name| Term::from_field_text(field, &term_text(name)))))
                }
                None => Box::new(AllQuery),
            }
        };
        let of = |allowance: &Allowance| -> Boxed {
            let service = named(self.fields.service, allowance.services());
            let environment = named(self.fields.environment, allowance.environments());
            Box::new(BooleanQuery::new(vec![(Occur::Must, service), (Occur::Must, environment)]))
        };
        match grant.allowances().map(of).collect::<Vec<_>>() {
            none if none.is_empty() => Box::new(EmptyQuery),
            any => any_of(any),
        }
    }

    pub(super) fn template(&self, id: TemplateId) -> Boxed {
        let members = self.dictionary.members(id);
        Box::new(TermSetQuery::new(
            members.iter().map(|id| Term::from_field_u64(self.fields.template, u64::from(id.0))),
        ))
    }

    pub(super) fn keyword(&self, field: Field, value: &str, prefix: bool) -> Boxed {
        if prefix {
            return starts_with(field, &value.to_lowercase());
        }
        term(Term::from_field_text(field, &term_text(&value.to_lowercase())))
    }

    fn and(&self, all: &[Query]) -> Boxed {
        Box::new(BooleanQuery::new(all.iter().map(|query| (Occur::Must, self.compile(query))).collect()))
    }

    /// In the text, in the value of any field, or as a trace or span id.
    fn anywhere(&self, words: &[String], prefix: bool) -> Boxed {
        let fields = self.fields;
        let mut any = vec![self.phrase(fields.text, words, prefix), self.phrase(fields.fields, words, prefix)];
        let id = words.join("-");
        any.push(self.keyword(fields.trace, &id, prefix));
        any.push(self.keyword(fields.span, &id, prefix));
        any_of(any)
    }

    fn field(&self, name: &str, words: &[String], prefix: bool) -> Boxed {
        let field = self.fields.fields;
        let marker = name_term(name);
        if words.is_empty() {
            return term(Term::from_field_text(field, &marker));
        }
        let mut terms = vec![Term::from_field_text(field, &marker)];
        terms.extend(terms_of(field, words, prefix));
        if prefix {
            return self.phrase_prefix(terms);
        }
        terms.push(Term::from_field_text(field, VALUE_ENDS));
        Box::new(PhraseQuery::new(terms))
    }

    fn keyword_field(&self, keyword: Keyword) -> Field {
        match keyword {
            Keyword::Service => self.fields.service,
            Keyword::Host => self.fields.host,
            Keyword::Environment => self.fields.environment,
            Keyword::Version => self.fields.version,
            Keyword::Trace => self.fields.trace,
            Keyword::Span => self.fields.span,
        }
    }

    fn level(&self, comparison: Comparison, severity: Severity) -> Boxed {
        let at = |level: u64| Term::from_field_u64(self.fields.level, level);
        let level = severity as u64;
        // `0` is a record without a level, which no comparison matches.
        let (from, to): (Bound<Term>, Bound<Term>) = match comparison {
            Comparison::Is => (Included(at(level)), Included(at(level))),
            Comparison::AtLeast => (Included(at(level)), Unbounded),
            Comparison::Above => (Excluded(at(level)), Unbounded),
            Comparison::AtMost => (Included(at(1)), Included(at(level))),
            Comparison::Below => (Included(at(1)), Excluded(at(level))),
        };
        Box::new(RangeQuery::new(from, to))
    }

    fn phrase(&self, field: Field, words: &[String], prefix: bool) -> Boxed {
        let mut terms = terms_of(field, words, prefix);
        match (terms.len(), prefix) {
            (0, _) => Box::new(EmptyQuery),
            (1, true) => starts_with(field, &words[0]),
            (1, false) => Box::new(TermQuery::new(terms.remove(0), IndexRecordOption::WithFreqs)),
            (_, true) => self.phrase_prefix(terms),
            (_, false) => Box::new(PhraseQuery::new(terms)),
        }
    }

    /// The engine tries as many words as it is told to and makes room for that many first, so they are counted.
    fn phrase_prefix(&self, terms: Vec<Term>) -> Boxed {
        let Some(prefix) = terms.last() else { return Box::new(EmptyQuery) };
        let most = self.searcher.segment_readers().iter().map(|segment| n_terms_with(segment, prefix));
        let most = most.max().unwrap_or(0);
        let mut query = PhrasePrefixQuery::new(terms);
        query.set_max_expansions(most);
        Box::new(query)
    }
}

fn n_terms_with(segment: &SegmentReader, prefix: &Term) -> u32 {
    let bytes = prefix.serialized_value_bytes();
    let Ok(index) = segment.inverted_index(prefix.field()) else { return 0 };
    let Ok(mut stream) = index.terms().range().ge(bytes).into_stream() else { return 0 };
    let mut n = 0;
    while stream.advance() && stream.key().starts_with(bytes) {
        n += 1;
    }
    n
}

/// The terms of words; the last one only begins a word when `prefix`.
fn terms_of(field: Field, words: &[String], prefix: bool) -> Vec<Term> {
    let last = words.len().wrapping_sub(1);
    let text = |(at, word)| if prefix && at == last { head(word).into() } else { term_text(word) };
    words.iter().map(String::as_str).enumerate().map(|pair| Term::from_field_text(field, &text(pair))).collect()
}

fn starts_with(field: Field, prefix: &str) -> Boxed {
    let prefix = head(prefix);
    let beyond = format!("{prefix}{}", char::MAX);
    let (from, to) = (Term::from_field_text(field, prefix), Term::from_field_text(field, &beyond));
    Box::new(InvertedIndexRangeQuery::new(Included(from), Included(to)))
}

fn term(term: Term) -> Boxed {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn any_of(any: Vec<Boxed>) -> Boxed {
    Box::new(BooleanQuery::new(any.into_iter().map(|query| (Occur::Should, query)).collect()))
}
