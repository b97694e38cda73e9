//! The fields of the index and how text becomes terms.
//!
//! Words of structured fields stand between markers (`\u{1}name word word \u{2}`), so that one field serves bare
//! words, whole values by name, and prefixes, at one term per word.

use tantivy::schema::{Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::store::{Compressor, ZstdCompressor};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{IndexSettings, schema};

use crate::query::words::next_word;

#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) seq: Field,
    pub(super) time: Field,
    pub(super) level: Field,
    pub(super) template: Field,
    pub(super) redacted: Field,
    pub(super) source: Field,
    pub(super) trace_hash: Field,
    pub(super) span_hash: Field,
    pub(super) service: Field,
    pub(super) host: Field,
    pub(super) version: Field,
    pub(super) environment: Field,
    pub(super) trace: Field,
    pub(super) span: Field,
    pub(super) text: Field,
    pub(super) fields: Field,
    pub(super) body: Field,
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let number = NumericOptions::default().set_fast();
    let indexed = |tokenizer: &str, option, norms| {
        let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing.set_fieldnorms(norms))
    };
    let keyword = indexed("keyword", IndexRecordOption::Basic, false);
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let fields = Fields {
        seq: builder.add_u64_field("seq", number.clone()),
        time: builder.add_i64_field("time", number.clone()),
        level: builder.add_u64_field("level", number.clone()),
        template: builder.add_u64_field("template", number.clone().set_indexed()),
        redacted: builder.add_u64_field("redacted", number.clone()),
        source: builder.add_u64_field("source", number.clone()),
        trace_hash: builder.add_u64_field("trace_hash", number.clone()),
        span_hash: builder.add_u64_field("span_hash", number),
        service: builder.add_text_field("service", keyword.clone().set_fast("raw")),
        host: builder.add_text_field("host", keyword.clone().set_fast("raw")),
        version: builder.add_text_field("version", keyword.clone().set_fast("raw")),
        environment: builder.add_text_field("environment", keyword.clone()),
        trace: builder.add_text_field("trace", keyword.clone()),
        span: builder.add_text_field("span", keyword),
        text: builder.add_text_field("text", indexed("words", positions, true)),
        fields: builder.add_text_field("fields", indexed("fields", positions, false)),
        body: builder.add_bytes_field("body", schema::STORED),
    };
    (builder.build(), fields)
}

pub(super) fn settings() -> IndexSettings {
    IndexSettings {
        docstore_compression: Compressor::Zstd(ZstdCompressor { compression_level: Some(1) }),
        docstore_blocksize: 64 << 10,
        ..IndexSettings::default()
    }
}

pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register("words", TextAnalyzer::builder(Words { named: false, token: Token::default() }).build());
    manager.register("fields", TextAnalyzer::builder(Words { named: true, token: Token::default() }).build());
    manager.register("keyword", TextAnalyzer::builder(KeywordTokenizer::default()).build());
    manager
}

/// Longer words are indexed by their beginning and a hash of the whole; the engine itself would drop them.
const LONGEST_TERM: usize = 240;
pub(super) const VALUE_ENDS: &str = "\u{2}";

/// The term that stands for a lower-case word or keyword.
pub(super) fn term_text(word: &str) -> std::borrow::Cow<'_, str> {
    if word.len() <= LONGEST_TERM {
        return word.into();
    }
    let hash = blake3::hash(word.as_bytes()).to_hex();
    format!("{}\u{3}{}", head(word), &hash[..32]).into()
}

/// The part of a word that a prefix can be looked up by.
pub(super) fn head(word: &str) -> &str {
    if word.len() <= LONGEST_TERM { word } else { &word[..word.floor_char_boundary(LONGEST_TERM)] }
}

/// The marker that opens the value of a field; names compare without case.
pub(super) fn name_term(name: &str) -> String {
    format!("\u{1}{}", term_text(&name.to_lowercase()))
}

/// How a field's name and value are handed to the tokenizer.
pub(super) fn named_value(name: &str, value: &str) -> String {
    format!("{}\u{1}{value}", name.replace('\u{1}', " "))
}

#[derive(Clone)]
struct Words {
    named: bool,
    token: Token,
}

struct WordStream<'a> {
    text: &'a str,
    at: usize,
    name: Option<&'a str>,
    ended: bool,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        let (name, text) = match text.split_once('\u{1}').filter(|_| self.named) {
            Some((name, value)) => (Some(name), value),
            None => (None, text),
        };
        WordStream { text, at: 0, name, ended: !self.named, token: &mut self.token }
    }
}

impl WordStream<'_> {
    fn emit(&mut self, text: &str) -> bool {
        self.token.text.clear();
        self.token.text.push_str(text);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if let Some(name) = self.name.take() {
            return self.emit(&name_term(name));
        }
        let Some((from, to)) = next_word(self.text, self.at) else {
            let ends = !std::mem::replace(&mut self.ended, true);
            return ends && self.emit(VALUE_ENDS);
        };
        self.at = to;
        let word = &self.text[from..to];
        self.token.offset_from = from;
        self.token.offset_to = to;
        self.token.position = self.token.position.wrapping_add(1);
        self.token.text.clear();
        if word.is_ascii() {
            self.token.text.push_str(word);
            self.token.text.make_ascii_lowercase();
        } else {
            self.token.text.push_str(&word.to_lowercase());
        }
        if self.token.text.len() > LONGEST_TERM {
            self.token.text = term_text(&self.token.text).into_owned();
        }
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// The whole value as one lower-case term; nothing for an empty value.
#[derive(Clone, Default)]
struct KeywordTokenizer {
    token: Token,
}

struct KeywordStream<'a> {
    token: &'a mut Token,
    left: bool,
}

impl Tokenizer for KeywordTokenizer {
    type TokenStream<'a> = KeywordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> KeywordStream<'a> {
        self.token.reset();
        self.token.position = 0;
        self.token.text.push_str(&term_text(&text.to_lowercase()));
        KeywordStream { token: &mut self.token, left: !text.is_empty() }
    }
}

impl TokenStream for KeywordStream<'_> {
    fn advance(&mut self) -> bool {
        std::mem::take(&mut self.left)
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
