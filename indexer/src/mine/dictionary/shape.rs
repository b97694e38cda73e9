//! The forms of a message's tokens: as text for people, as a shape that can be read back, as words to compare.

use super::Slot;
use crate::mine::tokens::Token;

const UNIT: char = '\u{1f}';
const PARAMETER: &str = "\u{1a}";

pub(super) fn words_of(tokens: &[Token]) -> Vec<Slot> {
    tokens
        .iter()
        .filter_map(|token| match token {
            Token::Separator(_) => None,
            Token::Word(word) => Some(Some(word.clone())),
            Token::Parameter => Some(None),
        })
        .collect()
}

pub(super) fn skeleton_of(tokens: &[Token]) -> String {
    tokens
        .iter()
        .map(|token| match token {
            Token::Separator(separator) => *separator,
            Token::Word(_) | Token::Parameter => '\u{1a}',
        })
        .collect()
}

pub(super) fn text_of(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::Separator(separator) => text.push(*separator),
            Token::Word(word) => text.push_str(word),
            Token::Parameter => text.push_str("<*>"),
        }
    }
    text
}

pub(super) fn shape_of(tokens: &[Token]) -> String {
    let mut shape = String::new();
    for token in tokens {
        match token {
            Token::Separator(separator) => {
                shape.push('s');
                shape.push(*separator);
            }
            Token::Word(word) => {
                shape.push('w');
                shape.push_str(word);
            }
            Token::Parameter => shape.push_str(PARAMETER),
        }
        shape.push(UNIT);
    }
    shape
}

pub(super) fn tokens_of_shape(shape: &str) -> Vec<Token> {
    shape
        .split_terminator(UNIT)
        .filter_map(|unit| match unit.strip_prefix('w') {
            Some(word) => Some(Token::Word(word.into())),
            None if unit == PARAMETER => Some(Token::Parameter),
            None => unit.strip_prefix('s')?.chars().next().map(Token::Separator),
        })
        .collect()
}
