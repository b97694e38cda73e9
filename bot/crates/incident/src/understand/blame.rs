//! Questions that ask whether a change did harm: "did the search deploy break anything?"

use super::kinds::is_polite;
use super::tokens::{Role, Token};

const CHANGES: [&str; 9] =
    ["deploy", "deploys", "deployment", "release", "rollout", "rollback", "upgrade", "update", "change"];

/// Of `services`, those whose change is blamed; empty for any change, `None` when none is.
pub(super) fn blamed(tokens: &[Token], services: &[String]) -> Option<Vec<String>> {
    const ASKING: [&str; 8] = ["did", "is", "was", "were", "are", "has", "have", "does"];
    const HARM: [&str; 10] =
        ["break", "breaks", "broke", "cause", "caused", "causing", "blame", "guilty", "responsible", "harm"];
    let first = tokens.iter().find(|token| token.role == Role::Free && !is_polite(&token.lower));
    let does_harm = tokens.iter().any(|token| token.is_any(&HARM));
    if !does_harm || !first.is_some_and(|token| token.is_any(&ASKING)) {
        return None;
    }
    let change = tokens.iter().position(|token| token.is_any(&CHANGES))?;
    let changed: Vec<&str> = beside(tokens, change).map(|token| token.lower.as_str()).collect();
    let is_changed = |service: &&String| {
        let service = service.to_lowercase();
        changed.iter().any(|word| service.contains(word) || word.contains(&service))
    };
    let known: Vec<String> = services.iter().filter(is_changed).cloned().collect();
    // What was changed may be named otherwise than the service is.
    let by_alias = !changed.is_empty() && known.is_empty();
    Some(if by_alias { services.to_vec() } else { known })
}

/// The names of services in "the search v7 deploy" and "the deploy of search".
fn beside(tokens: &[Token], change: usize) -> impl Iterator<Item = &Token> {
    let before = &tokens[change.saturating_sub(2)..change];
    let is_of = tokens.get(change + 1).is_some_and(|token| token.is_any(&["of", "to", "in"]));
    let after = if is_of { tokens.get(change + 2..).unwrap_or_default() } else { &[] };
    before.iter().chain(after.iter().take(2)).filter(|token| token.role == Role::Service)
}
