//! Makes messages with a variable number of like elements (`[Trip(…), Trip(…)]`) the same message.
//! An element that repeats is kept once; lists of bare words, long runs and deep bodies become one parameter.

use super::tokens::Token;

const CLOSING: [char; 3] = [']', ')', '}'];
const MAX_DEPTH: usize = 24;
/// A body in brackets with more tokens than this is data, not wording.
const MAX_BODY: usize = 120;
const MAX_TOKENS: usize = 400;

pub(super) fn collapse(tokens: Vec<Token>) -> Vec<Token> {
    let last = CLOSING.map(|closing| tokens.iter().rposition(|token| *token == Token::Separator(closing)));
    let mut reader = Reader { tokens: &tokens, at: 0, last };
    let mut collapsed = reader.body(None, 0);
    fill_empty_brackets(&mut collapsed);
    collapse_runs(&mut collapsed);
    if collapsed.len() > MAX_TOKENS {
        collapsed.truncate(MAX_TOKENS);
        collapsed.push(Token::Parameter);
    }
    collapsed
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    /// Where each closing bracket stands last.
    last: [Option<usize>; 3],
}

impl Reader<'_> {
    /// Everything up to the bracket that closes this body; that bracket is left to the caller.
    fn body(&mut self, closing: Option<char>, depth: usize) -> Vec<Token> {
        let mut elements: Vec<Vec<Token>> = vec![Vec::new()];
        while let Some(token) = self.tokens.get(self.at) {
            let separator = match token {
                Token::Separator(separator) => *separator,
                Token::Word(_) | Token::Parameter => '\0',
            };
            if Some(separator) == closing {
                break;
            }
            self.at += 1;
            let element = elements.last_mut().expect("starts with one element");
            element.push(token.clone());
            match (separator, closing_of(separator)) {
                (',', _) if closing.is_some() => elements.push(Vec::new()),
                (_, Some(inner)) if depth < MAX_DEPTH && self.closes(inner) => {
                    let body = self.body(Some(inner), depth + 1);
                    element.extend(body);
                }
                _ => {}
            }
        }
        match closing {
            Some(closing) => list(elements, closing),
            None => elements.pop().unwrap_or_default(),
        }
    }

    /// Whether the bracket that was just opened is closed at all, so that a lone one swallows nothing.
    fn closes(&self, closing: char) -> bool {
        let place = CLOSING.iter().position(|known| *known == closing);
        place.and_then(|place| self.last[place]).is_some_and(|last| last >= self.at)
    }
}

fn closing_of(opening: char) -> Option<char> {
    match opening {
        '[' => Some(']'),
        '(' => Some(')'),
        '{' => Some('}'),
        _ => None,
    }
}

fn list(elements: Vec<Vec<Token>>, closing: char) -> Vec<Token> {
    let is_bare = |element: &Vec<Token>| {
        element
            .iter()
            .all(|token| matches!(token, Token::Word(_) | Token::Parameter | Token::Separator(',' | ' ' | '"' | '\'')))
    };
    if closing != ')' && elements.len() >= 2 && elements.iter().all(is_bare) {
        return vec![Token::Parameter];
    }
    let mut kept: Vec<Vec<Token>> = Vec::new();
    for element in elements {
        let is_known = kept.iter().any(|known| trimmed(known) == trimmed(&element));
        if !is_known || trimmed(&element).is_empty() {
            kept.push(element);
        }
    }
    let mut body = kept.concat();
    while matches!(body.last(), Some(Token::Separator(',' | ' '))) {
        body.pop();
    }
    if body.len() > MAX_BODY { vec![Token::Parameter] } else { body }
}

/// The element without the comma that ends it and the blanks around it.
fn trimmed(element: &[Token]) -> &[Token] {
    let is_edge = |token: &Token| matches!(token, Token::Separator(',' | ' '));
    let Some(first) = element.iter().position(|token| !is_edge(token)) else { return &[] };
    let last = element.iter().rposition(|token| !is_edge(token)).unwrap_or(first);
    &element[first..=last]
}

/// `from 10.0.0.1 ()` is `from 10.0.0.1 (name)` without the name; `init()` is a call.
fn fill_empty_brackets(tokens: &mut Vec<Token>) {
    let mut at = 1;
    while at + 1 < tokens.len() {
        let is_empty = tokens[at] == Token::Separator('(') && tokens[at + 1] == Token::Separator(')');
        if is_empty && tokens[at - 1] == Token::Separator(' ') {
            tokens.insert(at + 1, Token::Parameter);
        }
        at += 1;
    }
}

/// Five or more parameters in a row, with the same single separator between them, are one.
fn collapse_runs(tokens: &mut Vec<Token>) {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let mut end = at;
        if tokens[at] == Token::Parameter
            && let Some(separator @ Token::Separator(_)) = tokens.get(at + 1)
        {
            while tokens.get(end + 1) == Some(separator) && tokens.get(end + 2) == Some(&Token::Parameter) {
                end += 2;
            }
        }
        let is_joined = tokens.get(at + 1) == Some(&Token::Separator(','));
        let is_run = end - at >= 8 || (end > at && is_joined);
        kept.extend_from_slice(&tokens[at..if is_run { at + 1 } else { end + 1 }]);
        at = end + 1;
    }
    *tokens = kept;
}
