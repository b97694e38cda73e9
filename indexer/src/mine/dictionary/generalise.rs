//! When words at one place differ often enough, the place is a parameter.

use std::collections::HashMap;

use super::{Bucket, MAX_COMPARED, Slot};
use crate::mine::tokens::is_code_place;

/// Variants, the new one included, that make a place of ordinary words a parameter.
const ENOUGH_VARIANTS: usize = 7;
/// The same for the first word, which most often says what happened.
const ENOUGH_FIRST_WORDS: usize = 20;
/// The same where the words look like names or values rather than wording.
const ENOUGH_NAMES: usize = 3;

/// The places in which `words` differs from enough like templates; `None` to keep it as it is.
pub(super) fn varying_slots(bucket: &Bucket, words: &[Slot]) -> Option<Vec<usize>> {
    let n_static = words.iter().flatten().count();
    let max_varying = (words.len() / 3).clamp(1, 4);
    let mut groups: HashMap<Vec<usize>, (usize, bool)> = HashMap::new();
    for root in bucket.roots.iter().rev().take(MAX_COMPARED) {
        let Some(varying) = differing(&root.words, words, max_varying) else { continue };
        let n_same = n_static.saturating_sub(varying.len());
        if n_same < 1 || n_same < varying.len() {
            continue;
        }
        let is_fixed = |slot: &usize| {
            let word = words[*slot].as_deref().or(root.words[*slot].as_deref());
            word.is_some_and(|word| is_code_place(word.as_bytes()))
        };
        if varying.iter().any(is_fixed) {
            continue;
        }
        let has_parameter = varying.iter().any(|slot| root.words[*slot].is_none() || words[*slot].is_none());
        let group = groups.entry(varying).or_insert((1, false));
        group.0 += 1;
        group.1 |= has_parameter;
    }
    let is_enough = |varying: &[usize], n_variants: usize, has_parameter: bool| {
        let are_names = varying.iter().all(|slot| {
            let before = slot.checked_sub(1).and_then(|before| words[before].as_deref());
            before.is_some_and(announces_a_name) || words[*slot].as_deref().is_none_or(looks_like_a_name)
        });
        let enough = match are_names {
            _ if varying.contains(&0) => ENOUGH_FIRST_WORDS,
            true => ENOUGH_NAMES,
            false => ENOUGH_VARIANTS,
        };
        has_parameter && varying.len() == 1 || n_variants >= enough
    };
    groups
        .into_iter()
        .filter(|(varying, (n_variants, has_parameter))| is_enough(varying, *n_variants, *has_parameter))
        .min_by(|(a, (n_a, _)), (b, (n_b, _))| (a.len(), n_b, a).cmp(&(b.len(), n_a, b)))
        .map(|(varying, _)| varying)
}

fn differing(a: &[Slot], b: &[Slot], max: usize) -> Option<Vec<usize>> {
    if a.len() != b.len() {
        return None;
    }
    let mut varying = Vec::new();
    for (slot, (a, b)) in a.iter().zip(b).enumerate() {
        if a != b {
            if varying.len() == max {
                return None;
            }
            varying.push(slot);
        }
    }
    (!varying.is_empty()).then_some(varying)
}

fn announces_a_name(word: &str) -> bool {
    ["user", "host", "service", "node", "name", "from", "by"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// `root`-like words could be either; `nova.compute`, `FooBar`, `a_b`, `UPPER` rarely stand in a sentence.
fn looks_like_a_name(word: &str) -> bool {
    let mut bytes = word.bytes();
    let first = bytes.next().unwrap_or(b'a');
    let is_wording = first.is_ascii_alphabetic()
        && (bytes.clone().all(|byte| byte.is_ascii_lowercase()) || bytes.all(|byte| byte.is_ascii_uppercase()));
    !is_wording
}
