//! Lines that quote another's line inside their own words.

/// The words of a line that do not vary: neither numbers nor paths nor what stands for them.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    let trimmed = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let is_plain = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-'));
    trimmed.filter(is_plain).map(str::to_lowercase).collect()
}

/// Whether `own` holds most of the words of `other` in one run, inside clearly more words of its own.
pub(crate) fn quotes(own: &[String], other: &[String]) -> bool {
    const SHORTEST: usize = 5;
    if other.len() < SHORTEST || own.len() < other.len() + 3 {
        return false;
    }
    let run = |own: &[String], other: &[String]| own.iter().zip(other).take_while(|(a, b)| a == b).count();
    let least = SHORTEST.max(other.len() * 2 / 3);
    (0..=other.len() - least).any(|from| (0..own.len()).any(|at| run(&own[at..], &other[from..]) >= least))
}
