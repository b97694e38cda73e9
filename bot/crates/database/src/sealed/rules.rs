//! What of an entry is personal, and whose it is: one table, by the place in the event.
//! A text that no row names is sealed as content, so that forgetting a row keeps a secret rather than tells it.

/// What becomes of the texts at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Not personal: kinds, ids, times, names of services, what was run.
    Plain,
    /// What was found, said and concluded: readable while the stream's key is there.
    Content,
    /// A person's id: afterwards a pseudonym that still compares.
    Person,
    /// The display name of the person whose `id` stands beside it.
    Name,
    /// Words of the person at this place; readable while both that person's key and the stream's are there.
    WordsOf(&'static [&'static str]),
    /// Words of whoever the entry says did it.
    ActorsWords,
    /// Words of whoever asked the question that this event belongs to.
    AskersWords,
    /// The exact bytes of a step: JSON in a text.
    Step,
}

use Rule::{ActorsWords, AskersWords, Content, Name, Person, Plain, Step, WordsOf};

/// First match counts. `*` is one key or item, a leading `**` any number of them, a trailing `**` everything below.
const INCIDENT: &[(&str, Rule)] = &[
    ("*/type", Plain),
    ("*/answer", Plain),
    ("asked/by", Person),
    ("asked/zone", Plain),
    ("asked/grant/**", Plain),
    ("asked/question/kind", Plain),
    ("asked/question/window/*", Plain),
    ("asked/question/baseline/*", Plain),
    ("asked/question/moment", Plain),
    ("asked/question/severity", Plain),
    ("asked/question/services/*", Plain),
    ("asked/question/blamed/*", Plain),
    ("asked/question/ids/*/kind", Plain),
    ("asked/question/ids/*/text/template", Plain),
    ("asked/question/**", WordsOf(&["by"])),
    ("not_found/reason", AskersWords),
    ("opened/title", Content),
    ("opened/service", Plain),
    ("joined/incident", Plain),
    ("held/step", Plain),
    ("held/why", Content),
    ("resolved/note", ActorsWords),
    // Runbooks that fit. What a step does is no secret; whose question led to it is.
    ("proposed/notes/*", AskersWords),
    ("proposed/proposals/*/steps/*", Step),
    ("proposed_by_hand/by", Person),
    ("proposed_by_hand/instead_of", Plain),
    ("proposed_by_hand/undoes", Plain),
    ("proposed_by_hand/proposal/steps/*", Step),
    ("proposed_by_hand/proposal/why", ActorsWords),
    ("proposed_by_hand/proposal/id", Plain),
    ("proposed_by_hand/proposal/incident", Plain),
    ("proposed_by_hand/proposal/runbook", Plain),
    ("proposed_by_hand/proposal/title", Plain),
    ("proposed_by_hand/proposal/params/*", Plain),
    ("**/proposals/*/why", Content),
    ("**/proposals/*/id", Plain),
    ("**/proposals/*/incident", Plain),
    ("**/proposals/*/runbook", Plain),
    ("**/proposals/*/title", Plain),
    ("**/proposals/*/params/*", Plain),
    ("answered/answer/question", AskersWords),
    ("answered/answer/notes/*", AskersWords),
    ("answered/answer/follow_ups/*", AskersWords),
    ("answered/answer/proposals/*/steps/*/dry_run", Content),
    ("answered/answer/proposals/*/steps/*/verify", Content),
    ("answered/answer/proposals/*/steps/*/arguments/**", Plain),
    ("answered/answer/proposals/*/steps/*/id", Plain),
    ("answered/answer/proposals/*/steps/*/action", Plain),
    ("answered/answer/proposals/*/steps/*/summary", Plain),
    ("answered/answer/proposals/*/steps/*/target", Plain),
    ("answered/answer/proposals/*/steps/*/environment", Plain),
    ("answered/answer/proposals/*/steps/*/risk", Plain),
    ("answered/answer/proposals/*/steps/*/digest", Plain),
    ("answered/answer/proposals/*/steps/*/expires", Plain),
    ("answered/answer/proposals/*/steps/*/undo", Plain),
    ("answered/answer/proposals/*/steps/*/together_with/*", Plain),
    ("answered/answer/schema", Plain),
    ("answered/answer/id", Plain),
    ("answered/answer/incident", Plain),
    ("answered/answer/conversation", Plain),
    ("answered/answer/kind", Plain),
    ("answered/answer/window_said", AskersWords),
    ("answered/answer/headline", Content),
    ("answered/refused/*", Content),
    ("**/model/name", Plain),
    ("**/model/prompt", Plain),
    ("**/model/degraded", Plain),
    ("retold/prompt_digest", Plain),
    ("retold/headline", Content),
    ("found/services/*", Plain),
    ("found/unconfirmed/*", Content),
    ("found/findings/reason", Plain),
    ("found/findings/culprit", Plain),
    ("found/findings/onset", Plain),
    ("found/findings/sample_ids/*/*", Plain),
    ("found/findings/facts/missed", AskersWords),
    ("found/findings/facts/unmentioned/*", AskersWords),
    ("found/findings/facts/missed_at", Plain),
    ("found/findings/facts/ended", Plain),
    ("found/findings/facts/reach/*", Plain),
    ("found/findings/facts/error_share/*", Plain),
    ("found/findings/facts/silent/*/*", Plain),
    ("found/findings/facts/spread/*/service", Plain),
    ("found/findings/facts/spread/*/since", Plain),
    ("found/findings/facts/path/*", Plain),
    ("found/findings/facts/reported/*/service", Plain),
    ("found/findings/facts/reported/*/since", Plain),
    ("found/findings/facts/reported/*/by/*", Plain),
    ("found/findings/facts/changes/*/hosts/*", Plain),
    ("found/findings/facts/changes/*/relation", Plain),
    ("found/findings/facts/rival", Plain),
    // What findings and answers share.
    ("**/verdict", Plain),
    ("**/window/*", Plain),
    ("**/baseline/*", Plain),
    ("**/evidence/*/id", Plain),
    ("**/evidence/*/kind", Plain),
    ("**/evidence/*/service", Plain),
    ("**/evidence/*/level", Plain),
    ("**/evidence/*/template", Content),
    ("**/evidence/*/template_id", Plain),
    ("**/evidence/*/first", Plain),
    ("**/evidence/*/last", Plain),
    ("**/evidence/*/after/template", Content),
    ("**/evidence/*/after/template_id", Plain),
    ("**/evidence/*/samples/*/id", Plain),
    ("**/evidence/*/samples/*/time", Plain),
    ("**/evidence/*/samples/*/text", Content),
    ("**/evidence/*/hosts/*/host", Plain),
    ("**/evidence/*/versions/*/version", Plain),
    ("**/suspects/*/service", Plain),
    ("**/suspects/*/why", Content),
    ("**/citations/*", Plain),
    ("**/claims/*/text", Content),
    ("**/changes/*/by", Person),
    ("**/changes/*/why", Content),
    ("**/changes/*/id", Plain),
    ("**/changes/*/service", Plain),
    ("**/changes/*/kind", Plain),
    ("**/changes/*/version", Plain),
    ("**/changes/*/previous", Plain),
    ("**/changes/*/environment", Plain),
    ("**/changes/*/at", Plain),
    ("**/changes/*/url", Plain),
    ("**/coverage/silent_services/*", Plain),
    ("**/coverage/gaps/*/*", Plain),
    ("**/chart/title", Plain),
    ("**/chart/from", Plain),
    // What happened to a step.
    ("step/step", Plain),
    ("step/event/by/id", Person),
    ("step/event/by/name", Name),
    ("step/event/by/via", Name),
    ("step/event/rights/rules", Plain),
    ("step/event/rights/because/*", Plain),
    ("step/event/facts/operation/*", Plain),
    ("step/event/reason", WordsOf(&["event", "by", "id"])),
    ("step/event/facts/proposer", Person),
    ("step/event/facts/requester", Person),
    ("step/event/facts/digest", Plain),
    ("step/event/facts/risk", Plain),
    ("step/event/facts/environment", Plain),
    ("step/event/facts/expires", Plain),
    ("step/event/outcome/result", Plain),
    ("step/event/outcome/summary", Content),
    ("step/event/outcome/output", Content),
    ("step/event/text", WordsOf(&["event", "by", "id"])),
    ("step/event/why", Content),
    ("step/event/event", Plain),
    ("step/event/digest", Plain),
    ("step/event/at", Plain),
    ("step/event/start_by", Plain),
    ("step/event/by_step", Plain),
    ("step/event/claim", Plain),
    ("step/event/worker", Plain),
];

/// Inside the bytes of a step.
const STEP: &[(&str, Rule)] = &[
    ("proposer", Person),
    ("requester", Person),
    ("executor", Person),
    ("dry_run", Content),
    ("precondition", Content),
    ("verify/what/evidence/template", Content),
    ("verify/what/evidence/id", Plain),
    ("verify/what/evidence/service", Plain),
    ("verify/what/evidence/template_id", Plain),
    ("verify/what/query/query", Plain),
    ("undo/manual", Plain),
    ("undo/step/action", Plain),
    ("undo/step/summary", Plain),
    ("undo/step/arguments/**", Plain),
    ("arguments/**", Plain),
    ("evidence/*", Plain),
    ("together_with/*", Plain),
    ("incident", Plain),
    ("proposal", Plain),
    ("step", Plain),
    ("runbook", Plain),
    ("runbook_digest", Plain),
    ("action", Plain),
    ("summary", Plain),
    ("target", Plain),
    ("environment", Plain),
    ("service", Plain),
    ("risk", Plain),
    ("policy", Plain),
    ("proposed_at", Plain),
    ("expires", Plain),
];

/// Recorded changes.
const CHANGES: &[(&str, Rule)] = &[("change/by", Person), ("change/note", WordsOf(&["change", "by"])), ("**", Plain)];

/// Output of running steps, wherever it ran.
const OUTPUT: &[(&str, Rule)] = &[("event", Plain), ("at", Plain), ("**", Content)];

/// Who erased what, and why.
const ERASURES: &[(&str, Rule)] = &[("reason", ActorsWords), ("by", Person), ("**", Plain)];

/// Of other streams only the actor is personal.
const OTHERS: &[(&str, Rule)] = &[("**", Plain)];

/// The rules for one stream's events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules(&'static [(&'static str, Rule)]);

impl Rules {
    pub fn of_stream(stream: &str) -> Rules {
        Rules(match stream.split_once('/').map_or(stream, |(kind, _)| kind) {
            "incident" => INCIDENT,
            "changes" => CHANGES,
            "output" => OUTPUT,
            super::ERASURES => ERASURES,
            _ => OTHERS,
        })
    }

    pub fn of_step() -> Rules {
        Rules(STEP)
    }

    pub fn are_by_type(self) -> bool {
        std::ptr::eq(self.0, INCIDENT)
    }

    /// The row for a place, if one names it.
    pub fn named(self, path: &[String]) -> Option<Rule> {
        self.0.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, rule)| *rule)
    }

    pub fn at(self, path: &[String]) -> Rule {
        self.named(path).unwrap_or(Content)
    }
}

fn matches(pattern: &str, path: &[String]) -> bool {
    let Some(rest) = pattern.strip_prefix("**/") else { return matches_from_start(pattern, path) };
    (0..path.len()).any(|start| matches_from_start(rest, &path[start..]))
}

fn matches_from_start(pattern: &str, path: &[String]) -> bool {
    let mut keys = path.iter();
    for part in pattern.split('/') {
        match (part, keys.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(key)) if part == key => {}
            _ => return false,
        }
    }
    keys.next().is_none()
}
