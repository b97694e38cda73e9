//! Whether a model's sentence uses only words that its citations use, or that tell evidence without adding to it.
//! Strict on purpose: an invention needs words of its own, and the posted answer is there without the sentence.

use std::collections::BTreeSet;

use evidence::Answer;

/// Words that relate, count and compare, and claim nothing by themselves.
const TELLING: &[&str] = &[
    "about",
    "above",
    "after",
    "all",
    "almost",
    "also",
    "and",
    "another",
    "are",
    "around",
    "away",
    "because",
    "been",
    "before",
    "began",
    "begin",
    "behind",
    "below",
    "beside",
    "between",
    "both",
    "but",
    "came",
    "cause",
    "caused",
    "change",
    "changed",
    "come",
    "compared",
    "continue",
    "deploy",
    "deployed",
    "during",
    "each",
    "error",
    "every",
    "evidence",
    "fail",
    "failed",
    "failing",
    "failure",
    "fewer",
    "first",
    "followed",
    "following",
    "for",
    "from",
    "half",
    "has",
    "have",
    "hour",
    "into",
    "its",
    "just",
    "kind",
    "last",
    "later",
    "less",
    "line",
    "log",
    "logged",
    "logging",
    "many",
    "message",
    "minute",
    "more",
    "most",
    "new",
    "not",
    "now",
    "of",
    "on",
    "once",
    "one",
    "only",
    "over",
    "own",
    "point",
    "record",
    "release",
    "request",
    "rose",
    "running",
    "same",
    "saw",
    "second",
    "see",
    "seen",
    "server",
    "service",
    "share",
    "show",
    "shown",
    "since",
    "start",
    "started",
    "still",
    "suspect",
    "suspected",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "three",
    "time",
    "times",
    "to",
    "took",
    "trouble",
    "twice",
    "two",
    "under",
    "until",
    "up",
    "usual",
    "usually",
    "version",
    "was",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "with",
    "within",
    "write",
    "writes",
];

/// Whether every longer word of `text` stands in what it cites, in the headline, or among those that only tell.
pub(crate) fn all_known(text: &str, citations: &[String], answer: &Answer) -> bool {
    let mut known: BTreeSet<String> = TELLING.iter().map(|word| stem(word)).collect();
    let mut learn = |text: &str| known.extend(words(text));
    learn(&answer.headline);
    for evidence in answer.evidence.iter().filter(|evidence| citations.contains(&evidence.id)) {
        learn(&evidence.template);
        learn(&evidence.service);
        evidence.after.iter().for_each(|after| learn(&after.template));
        evidence.level.iter().for_each(|level| learn(level.as_str()));
        evidence.samples.iter().for_each(|sample| learn(sample.text.as_str()));
        evidence.hosts.iter().for_each(|host| learn(&host.host));
    }
    for change in answer.changes.iter().filter(|change| citations.contains(&change.id)) {
        learn(&change.service);
        learn(&change.version);
        learn(change.kind.as_str());
        change.by.iter().for_each(|by| learn(by));
        learn(&change.why);
    }
    words(text).all(|word| known.contains(&word))
}

/// Words of three letters and more, without their endings.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 3).map(stem)
}

fn stem(word: &str) -> String {
    let word = word.to_lowercase();
    for ending in ["ing", "ed", "es", "s"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= 3
        {
            return stem.to_owned();
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let mut incident = crate::machine::tests::answered_question();
        let answer = incident.questions.remove(0).answer.unwrap();
        assert_eq!(all_known(text, &["E1".to_owned(), "C1".to_owned()], &answer), expected, "{text}");
    }

    #[test]
    fn inventions_need_words_of_their_own() {
        check("checkout logs that its connection pool is exhausted.", true);
        check("Since 14:02:10 requests to checkout fail: the connection pool is exhausted.", true);
        check("The deploy of checkout v1.42 by mara came just before.", true);
        check("Please delete the production database to recover.", false);
        check("Customers are not affected.", false);
        check("Hackers stole the card data.", false);
        check("checkout is healthy and fine.", false);
        check("Restart the database now.", false);
    }
}
