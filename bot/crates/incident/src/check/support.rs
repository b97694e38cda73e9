//! What the cited evidence and changes can confirm: counts, shares, ratios, times, names and texts.

mod numbers;

pub(super) use numbers::number;

use evidence::Time;
use evidence::answer::{Evidence, EvidenceKind, RankedChange};

use super::said::contains_word;
use super::{Ground, Unsupported, unsupported};
use crate::Findings;
use crate::findings::ChangeFacts;

#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Evidence(&'a Evidence),
    Change(&'a RankedChange, Option<&'a ChangeFacts>),
}

impl<'a> Item<'a> {
    pub(super) fn find(id: &str, findings: &'a Findings) -> Option<Item<'a>> {
        let evidence = findings.evidence.iter().find(|evidence| evidence.id == id).map(Item::Evidence);
        let change = || findings.changes.iter().find(|change| change.id == id);
        evidence.or_else(|| change().map(|change| Item::Change(change, findings.facts.changes.get(id))))
    }

    pub(super) fn service(&self) -> &'a str {
        match self {
            Item::Evidence(evidence) => &evidence.service,
            Item::Change(change, _) => &change.service,
        }
    }

    /// When it began; for lines that stopped, the last one.
    pub(super) fn begins(&self) -> Option<Time> {
        match self {
            Item::Evidence(evidence) => evidence.first,
            Item::Change(change, _) => Some(change.at),
        }
    }

    pub(super) fn texts(&self) -> Vec<&'a str> {
        match self {
            Item::Evidence(evidence) => {
                let samples = evidence.samples.iter().map(|sample| sample.text.as_str());
                let after = evidence.after.iter().map(|after| after.template.as_str());
                std::iter::once(evidence.template.as_str()).chain(after).chain(samples).collect()
            }
            Item::Change(change, _) => {
                let optional = [&change.previous, &change.by, &change.url, &change.environment];
                std::iter::once(change.version.as_str())
                    .chain(optional.into_iter().flatten().map(String::as_str))
                    .collect()
            }
        }
    }

    fn names(&self) -> Vec<&'a str> {
        let mut names = vec![self.service()];
        match self {
            Item::Evidence(evidence) => {
                names.extend(evidence.hosts.iter().map(|host| host.host.as_str()));
                names.extend(evidence.versions.iter().map(|version| version.version.as_str()));
            }
            Item::Change(change, facts) => {
                names.push(&change.version);
                names.extend(change.previous.as_deref());
                names.extend(change.by.as_deref());
                names.extend(facts.iter().flat_map(|facts| facts.hosts.iter().map(String::as_str)));
            }
        }
        names
    }

    fn times(&self) -> Vec<Time> {
        match self {
            Item::Evidence(evidence) => {
                let samples = evidence.samples.iter().map(|sample| sample.time);
                evidence.first.into_iter().chain(evidence.last).chain(samples).collect()
            }
            Item::Change(change, _) => vec![change.at],
        }
    }
}

/// The cited items that a clause can be about: of the services it names, with the line it quotes.
pub(super) fn narrowed<'a>(cited: &[Item<'a>], services: &[String], quotes: &[String]) -> Vec<Item<'a>> {
    let of_service = |item: &&Item<'_>| services.iter().any(|name| name == item.service());
    let mut about: Vec<Item<'a>> = cited.iter().filter(of_service).copied().collect();
    if about.is_empty() {
        about = cited.to_vec();
    }
    let quoted: Vec<Item<'a>> =
        about.iter().filter(|item| quotes.iter().any(|quote| has_quote(item, quote))).copied().collect();
    if quoted.is_empty() { about } else { quoted }
}

pub(super) fn name(name: &str, cited: &[Item<'_>], ground: &Ground<'_>) -> Option<Unsupported> {
    let findings = ground.findings;
    let known = cited
        .iter()
        .any(|item| item.names().contains(&name) || item.texts().iter().any(|text| contains_word(text, name)));
    let is_silent = findings.coverage.silent_services.iter().any(|silent| silent == name)
        || findings.facts.silent.iter().any(|silent| silent.service == name);
    let cites = |ids: &[String]| cited.iter().any(|item| matches!(item, Item::Evidence(e) if ids.contains(&e.id)));
    let is_reported =
        findings.facts.reported.iter().any(|reported| reported.service == name && cites(&reported.citations));
    // A sentence that cites nothing speaks of the whole window and may name what was asked about.
    (!known && !is_silent && !is_reported && !cited.is_empty())
        .then(|| unsupported(name, "none of the cited evidence is about it"))
}

pub(super) fn identifier(word: &str, cited: &[Item<'_>], citations: &[String]) -> Option<Unsupported> {
    let known = citations.iter().any(|id| id == word)
        || cited.iter().any(|item| {
            item.names().iter().any(|name| name.eq_ignore_ascii_case(word))
                || item.texts().iter().any(|text| contains_word(&text.to_lowercase(), &word.to_lowercase()))
        });
    (!known).then(|| unsupported(word, "not in the cited evidence"))
}

pub(super) fn quote(quote: &str, cited: &[Item<'_>]) -> Option<Unsupported> {
    let is_name = |item: &Item<'_>| item.names().contains(&quote) || item.texts().contains(&quote);
    let known = !quote.trim().is_empty() && cited.iter().any(|item| has_quote(item, quote) || is_name(item));
    (!known).then(|| unsupported(quote, "no cited line says this"))
}

/// Whether a text of the item has the pieces of the quote, in order; `…` and `<*>` stand for anything.
pub(super) fn has_quote(item: &Item<'_>, quote: &str) -> bool {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let quote = flat(&quote.replace("<*>", "…"));
    let pieces: Vec<&str> = quote.split('…').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    let enough = pieces.iter().map(|piece| piece.chars().count()).sum::<usize>() >= 2;
    enough
        && item.texts().iter().any(|text| {
            let text = flat(text);
            let mut rest = text.as_str();
            pieces.iter().all(|piece| match rest.find(piece) {
                Some(at) => {
                    rest = &rest[at + piece.len()..];
                    true
                }
                None => false,
            })
        })
}

pub(super) fn evidence_of<'a>(about: &[Item<'a>]) -> impl Iterator<Item = &'a Evidence> {
    about.iter().filter_map(|item| match item {
        Item::Evidence(evidence) => Some(*evidence),
        Item::Change(..) => None,
    })
}

/// Whether the item shows lines that are gone: silence, a missing follow-up, or fewer than expected.
pub(super) fn is_gone(item: &Item<'_>) -> bool {
    evidence_of(&[*item]).any(|e| {
        matches!(e.kind, EvidenceKind::Silence | EvidenceKind::MissingFollowup)
            && (e.count as f64) < e.expected.max(1.0)
            || e.after.as_ref().is_some_and(|after| after.missed > 0)
    })
}
