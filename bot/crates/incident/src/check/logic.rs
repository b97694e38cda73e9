//! Claims that are not numbers: that something caused something, that something is absent, that it is only there.

use evidence::Time;
use evidence::answer::Verdict;

use super::said::{Said, contains_word};
use super::support::{self, Item};
use super::{Ground, Unsupported, unsupported};

/// Words that join an effect to the cause that follows them.
const EFFECT_FIRST: [&str; 11] = [
    "because of",
    "because",
    "due to",
    "caused by",
    "triggered by",
    "result of",
    "thanks to",
    "owing to",
    "stems from",
    "explained by",
    "blamed on",
];

/// Words that join a cause to the effect that follows them.
const CAUSE_FIRST: [&str; 14] = [
    "caused",
    "causes",
    "causing",
    "led to",
    "leads to",
    "leading to",
    "triggered",
    "triggers",
    "resulted in",
    "results in",
    "broke",
    "brought down",
    "took down",
    "so that",
];

/// A cause must be cited, must not have been cleared, and must not come after its effect.
pub(super) fn causes(said: &Said, cited: &[Item<'_>], ground: &Ground<'_>) -> Option<Unsupported> {
    let text = said.text.as_str();
    let split = |words: &[&'static str]| {
        words
            .iter()
            .filter(|word| contains_word(text, word))
            .filter_map(|word| Some((*word, text.split_once(word)?)))
            .next()
    };
    let (word, effect, cause, strong) = if let Some((word, (before, after))) = split(&EFFECT_FIRST) {
        (word, before, after, true)
    } else if let Some((word, (before, after))) = split(&CAUSE_FIRST) {
        (word, after, before, true)
    } else {
        let (before, after) = text.split_once(" after ")?;
        ("after", before, after, false)
    };
    let causes: Vec<&Item<'_>> = cited.iter().filter(|item| mentions(cause, item)).collect();
    let effects: Vec<&Item<'_>> = cited.iter().filter(|item| mentions(effect, item)).collect();
    if !strong && causes.is_empty() {
        // "22 s after", "after 14:02" were checked as numbers.
        let has_number = after_number(cause);
        return (!has_number).then(|| unsupported(word, "what came first is not cited"));
    }
    if causes.is_empty() || cited.len() < 2 {
        return Some(unsupported(word, "the cause is not among the citations"));
    }
    if strong && causes.iter().all(|item| matches!(item, Item::Change(change, _) if !change.suspected)) {
        return Some(unsupported(word, "this change was not found to be a cause"));
    }
    let start = |items: &[&Item<'_>]| items.iter().filter_map(|item| item.begins()).min();
    let others: Vec<&Item<'_>> =
        cited.iter().filter(|item| !causes.iter().any(|cause| std::ptr::eq(*cause, *item))).collect();
    let effects: Vec<&Item<'_>> =
        effects.into_iter().filter(|item| others.iter().any(|other| std::ptr::eq(*other, *item))).collect();
    let effect_start: Option<Time> = start(&effects).or_else(|| start(&others)).or(ground.findings.onset);
    match (start(&causes), effect_start) {
        (Some(cause), Some(effect)) if cause <= effect => None,
        (Some(_), Some(_)) => Some(unsupported(word, "the cause comes after its effect")),
        _ => Some(unsupported(word, "cause and effect have no times to compare")),
    }
}

fn mentions(text: &str, item: &Item<'_>) -> bool {
    let change_words = ["deploy", "release", "rollout", "change", "config", "flag"];
    contains_word(text, &item.service().to_lowercase())
        || matches!(item, Item::Change(change, _) if contains_word(text, &change.version.to_lowercase()) || change_words.iter().any(|word| text.contains(word)))
        || matches!(item, Item::Evidence(evidence) if contains_word(text, &evidence.id.to_lowercase()))
}

fn after_number(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| word.contains(|c: char| c.is_ascii_digit() || c == '\u{1}'))
}

/// "No errors", "never", "silent", "only": each needs evidence of the absence it claims.
pub(super) fn absences(said: &Said, cited: &[Item<'_>], ground: &Ground<'_>) -> Vec<Unsupported> {
    let mut wrong = Vec::new();
    for clause in &said.clauses {
        let text = clause.text.as_str();
        let has = |word: &str| contains_word(text, word);
        let about = support::narrowed(cited, &clause.names, &clause.quotes);
        if let Some(word) = ["never", "not once", "not seen", "for the first time", "unseen", "not before"]
            .into_iter()
            .find(|word| has(word))
            && !(ground.findings.baseline.is_some() && support::evidence_of(&about).any(|e| e.baseline_count == 0))
        {
            wrong.push(unsupported(word, "it is in the baseline too, or there is none"));
        }
        if ["not suspected", "not guilty", "innocent", "cleared", "unrelated"]
            .into_iter()
            .any(|word| text.contains(word))
        {
            let mut of_these = about.iter().filter_map(|item| match item {
                Item::Change(change, _) => Some(change.suspected || !change.judged),
                Item::Evidence(_) => None,
            });
            let any = if cited.is_empty() {
                let changes = &ground.findings.changes;
                changes.iter().any(|c| c.suspected) || (!changes.is_empty() && changes.iter().all(|c| !c.judged))
            } else {
                of_these.any(|is_not_acquitted| is_not_acquitted)
            };
            if any {
                wrong.push(unsupported("not suspected", "the change is suspected, or cannot be judged"));
            }
        } else if text.contains("suspected") || text.contains("guilty") {
            let suspected = about.iter().any(|item| matches!(item, Item::Change(change, _) if change.suspected));
            if !suspected {
                wrong.push(unsupported("suspected", "no cited change is suspected"));
            }
        }
        if let Some(word) = ["silent", "stopped", "gone", "vanished", "disappeared", "no longer", "missing"]
            .into_iter()
            .find(|word| has(word))
            && !is_silent(&about, &clause.names, ground)
        {
            wrong.push(unsupported(word, "nothing cited has stopped"));
        }
        if let Some(word) = ["no", "nothing", "none", "without", "zero", "nobody"].into_iter().find(|word| has(word))
            && !absence_holds(text, &said.text, &about, ground)
        {
            wrong.push(unsupported(word, "the evidence does not show this absence"));
        }
        if has("only") && !is_exclusive(&about) && clause.numbers.is_empty() {
            wrong.push(unsupported("only", "the cited lines come from elsewhere too, or do not say"));
        }
    }
    wrong
}

fn is_silent(about: &[Item<'_>], names: &[String], ground: &Ground<'_>) -> bool {
    let findings = ground.findings;
    let listed = |name: &String| {
        findings.coverage.silent_services.contains(name)
            || findings.facts.silent.iter().any(|silent| silent.service == *name)
    };
    about.iter().any(support::is_gone) || (!names.is_empty() && names.iter().all(listed))
}

fn absence_holds(clause: &str, sentence: &str, about: &[Item<'_>], ground: &Ground<'_>) -> bool {
    let findings = ground.findings;
    let facts = &findings.facts;
    let has = |word: &str| clause.contains(word);
    if has("no longer") {
        return true;
    }
    if has("new kind") || has("new message") || has("new line") {
        return facts.new_kinds == 0 || (has("alarming") && facts.new_alarming_kinds == 0);
    }
    if has("no error") || has("without error") || has("zero error") {
        let of_these =
            |e: &evidence::answer::Evidence| e.level.is_some_and(evidence::Severity::is_error) && e.count > 0;
        return facts.errors.count == 0 && !support::evidence_of(about).any(of_these);
    }
    if clause.starts_with("no line matches") {
        return facts.missed.is_some();
    }
    if clause.starts_with("no line mentions") {
        return !facts.unmentioned.is_empty();
    }
    if has("no record") || has("no line") {
        return findings.coverage.records_in_window == 0;
    }
    if has("no change of") {
        let is_named = |service: &String| contains_word(clause, &service.to_lowercase());
        return ground.services.iter().any(is_named)
            && !findings.changes.iter().any(|change| is_named(&change.service));
    }
    if has("no change") || has("no deploy") || has("nothing was changed") || has("nothing changed") {
        return findings.changes.is_empty();
    }
    if has("effect") || sentence.contains("not suspected") {
        let changes: Vec<bool> = about
            .iter()
            .filter_map(|item| match item {
                Item::Change(change, _) => Some(change.suspected || !change.judged),
                Item::Evidence(_) => None,
            })
            .collect();
        return !changes.is_empty() && !changes.contains(&true);
    }
    if has("usual") && has("error") {
        return facts.errors.high == 0;
    }
    if has("baseline") || has("to compare") {
        return findings.baseline.is_none();
    }
    if has("of its own") || has("itself") {
        return facts
            .reported
            .iter()
            .any(|reported| contains_word(clause, &reported.service) && !reported.own_evidence);
    }
    if has("match") {
        return findings.evidence.is_empty();
    }
    (has("wrong") || has("fault") || has("unusual") || has("deviates")) && findings.verdict == Verdict::NoFault
}

fn is_exclusive(about: &[Item<'_>]) -> bool {
    about.iter().any(|item| match item {
        Item::Change(_, facts) => facts.is_some_and(|facts| {
            let all = |part: u64, whole: u64| whole > 0 && part == whole;
            all(facts.on_version, facts.with_version) || all(facts.on_hosts, facts.with_host)
        }),
        Item::Evidence(evidence) => evidence.hosts.len() == 1 || evidence.versions.len() == 1,
    })
}
