//! Triggers from what a proposal cited: the message that showed the fault, and the kind of change that was suspected.

use evidence::answer::EvidenceKind;
use runbooks::runbook::Trigger;

use super::{Deed, answers};

/// How well a draft fits: behind what was written and tried before.
const FIT: u32 = 30;
/// Fewer fixed letters than this would fit everything.
const FEWEST_LETTERS: usize = 6;
const LONGEST: usize = 300;

/// A trigger for what the deeds rested on, or why there is none.
pub(super) fn of(deeds: &[Deed<'_>]) -> (Vec<Trigger>, Option<String>) {
    let mut patterns: Vec<String> = Vec::new();
    let mut kinds: Vec<EvidenceKind> = Vec::new();
    let mut changes = Vec::new();
    for deed in deeds {
        let cited = &deed.record.step.content().evidence;
        for answer in answers(deed) {
            for evidence in answer.evidence.iter().filter(|evidence| cited.contains(&evidence.id)) {
                let pattern = pattern(&evidence.template);
                if let Some(pattern) = pattern.filter(|pattern| !patterns.contains(pattern)) {
                    patterns.push(pattern);
                }
                if !kinds.contains(&evidence.kind) {
                    kinds.push(evidence.kind);
                }
            }
            for change in answer.changes.iter().filter(|change| change.suspected && cited.contains(&change.id)) {
                if !changes.contains(&change.kind) {
                    changes.push(change.kind);
                }
            }
        }
    }
    patterns.truncate(3);
    if patterns.is_empty() && changes.is_empty() {
        return (Vec::new(), Some("its steps cited no evidence with words of its own".to_owned()));
    }
    let evidence = (!patterns.is_empty()).then(|| patterns.join("|"));
    let no_change = changes.is_empty();
    (vec![Trigger { changes, evidence, kinds, verdicts: Vec::new(), no_change, fit: FIT }], None)
}

/// The fixed words of a template, with anything between them; `None` when there are too few to know it by.
fn pattern(template: &str) -> Option<String> {
    let words = template.split("<*>").map(str::trim).filter(|words| words.chars().any(char::is_alphanumeric));
    let words: Vec<String> = words.map(regex::escape).collect();
    let n_letters = words.iter().flat_map(|words| words.chars()).filter(|c| c.is_alphanumeric()).count();
    let pattern = words.join(".*");
    (n_letters >= FEWEST_LETTERS && pattern.len() <= LONGEST).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_the_words_of_the_message_and_no_numbers() {
        let text = "connection pool exhausted after <*> ms, <*> waiting";
        let pattern = pattern(text).unwrap();
        assert!(regex::Regex::new(&pattern).unwrap().is_match("connection pool exhausted after 512 ms, 4 waiting"));
        assert!(!pattern.contains("<*>"), "{pattern}");
        assert_eq!(super::pattern("<*> a <*>"), None);
        assert_eq!(super::pattern(&"x".repeat(400)), None);
    }
}
