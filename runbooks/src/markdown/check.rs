//! What must hold of a runbook beyond its YAML: names are declared, templates are plain, actions exist, durations read.
//! Each mistake comes with the path of its key; what was a mistake of the YAML already is not blamed again.

use regex::Regex;
use serde_json::Value as Json;

use super::yaml::Reading;
use crate::actions::ACTIONS;
use crate::mistakes::{below, nearest};
use crate::params::{Kind, seconds};
use crate::render;
use crate::runbook::{Block, Head, StepTemplate, UndoBlock, VerifyBlock};

/// The path of a key, and what is wrong with it.
pub(super) type Found = Vec<(String, String)>;

pub(super) fn head<T>(head: &Head, reading: &Reading<T>) -> Found {
    let mut found = Found::new();
    let mut say = |path: &str, text: String| found.push((path.to_owned(), text));
    let is_slug =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !is_slug(&head.id) {
        say("id", format!("`id: {}` must be lower-case letters, digits and `-`", head.id));
    }
    if head.title.trim().is_empty() {
        say("title", "`title` is empty".to_owned());
    }
    for (name, param) in &head.params {
        let path = format!("params.{name}");
        if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            say(&path, format!("`{path}` must be lower-case letters, digits and `_`"));
        }
        if reading.is_in_doubt(&path) {
            continue;
        }
        param.mistakes().into_iter().for_each(|text| say(&path, format!("`{path}` {text}")));
        if !head.triggers.is_empty() && param.source().is_none() && param.default.is_none() {
            let text = format!("`{path}` needs `from` or `default`, or no trigger can propose this runbook");
            say(&path, text);
        }
        if param.kind == Kind::Version && !head.params.contains_key("service") {
            say(&path, format!("`{path}` is a version, so there must be a parameter `service`"));
        }
        let has = |name: &str| head.params.contains_key(name);
        if param.kind == Kind::Workload && !(has("service") && has("environment")) {
            say(&path, format!("`{path}` is a workload, so there must be parameters `service` and `environment`"));
        }
    }
    for (idx, trigger) in head.triggers.iter().enumerate() {
        let path = format!("triggers[{idx}]");
        if !(1..=100).contains(&trigger.fit) && !reading.is_in_doubt(&format!("{path}.fit")) {
            say(&format!("{path}.fit"), "a trigger needs `fit` from 1 to 100: how well this remedy fits".to_owned());
        }
        if trigger.changes.is_empty() && trigger.evidence.is_none() && !reading.is_in_doubt(&path) {
            say(&path, "a trigger needs `changes` or `evidence`, or it would fit everything".to_owned());
        }
        if let Some(Err(error)) = trigger.evidence.as_deref().map(Regex::new) {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default();
            say(&format!("{path}.evidence"), format!("`{path}.evidence` is not a regular expression: {why}"));
        }
    }
    found.extend(head.says.as_deref().into_iter().flat_map(|source| in_template("says", source, Some(head))));
    found
}

/// Checks a step; `head` is `None` when it could not be read, and the names of parameters with it.
pub(super) fn step<T>(
    step: &StepTemplate,
    before: &[StepTemplate],
    head: Option<&Head>,
    reading: &Reading<T>,
) -> Found {
    let block = &step.block;
    let mut found = Found::new();
    let mut say = |path: &str, text: String| found.push((path.to_owned(), text));
    if before.iter().any(|other| other.id == step.id) {
        say("id", format!("step id `{}` is used twice", step.id));
    }
    if before.is_empty() && block.together {
        say("together", "the first step has none before it to be `together` with".to_owned());
    }
    if block.target.is_none()
        && !reading.is_in_doubt("target")
        && head.is_some_and(|head| !head.params.contains_key("service"))
    {
        say("", "needs a `target`, because there is no parameter `service`".to_owned());
    }
    if let Some(timeout) = &block.timeout {
        match seconds(timeout) {
            Err(error) => say("timeout", format!("`timeout`: {error}")),
            Ok(seconds) if seconds > 900 => say("timeout", format!("`timeout: {timeout}` is longer than `15m`")),
            Ok(_) => {}
        }
    }
    found.extend(in_action("action", &block.action));
    if !reading.is_in_doubt("action") {
        found.extend(in_arguments("args", &block.action, &block.args));
    }
    found.extend(in_templates(block, head));
    if let Some(verify) = &block.verify
        && !reading.is_in_doubt("verify")
    {
        found.extend(in_verify(verify, head));
    }
    found
}

fn in_templates(block: &Block, head: Option<&Head>) -> Found {
    let mut found = Found::new();
    for (path, source) in leaves("args", &block.args) {
        found.extend(at(&path, in_template("args", source, head)));
    }
    found.extend(block.target.iter().flat_map(|target| in_template("target", target, head)));
    match &block.undo {
        Some(UndoBlock::Manual(sentence)) => found.extend(in_template("undo", sentence, head)),
        Some(UndoBlock::Step(step)) => {
            found.extend(in_action("undo.action", &step.action));
            found.extend(in_arguments("undo.args", &step.action, &step.args));
            for (path, source) in leaves("undo.args", &step.args) {
                found.extend(at(&path, in_template("undo", source, head)));
            }
        }
        None => {}
    }
    found
}

fn in_verify(verify: &VerifyBlock, head: Option<&Head>) -> Found {
    let path = |key: &str| if key.is_empty() { "verify".to_owned() } else { format!("verify.{key}") };
    let mistakes = verify.mistakes("verify.").into_iter();
    let mut found: Found = mistakes.map(|(key, text)| (path(key), text)).collect();
    found.extend(verify.query.iter().flat_map(|query| in_template("verify.query", query, head)));
    found
}

fn in_action(path: &str, action: &str) -> Found {
    let known: Vec<&str> = ACTIONS.iter().map(|entry| entry.name).collect();
    if known.contains(&action) {
        return Found::new();
    }
    let hint = nearest(action, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
    let text = format!("unknown action `{action}`{} (known: {})", hint.unwrap_or_default(), known.join(", "));
    vec![(path.to_owned(), text)]
}

/// What the action would refuse in these arguments; a value with a parameter in it is judged when that is filled in.
fn in_arguments(path: &str, action: &str, args: &Json) -> Found {
    let Some(entry) = ACTIONS.iter().find(|entry| entry.name == action) else { return Found::new() };
    let none = serde_json::json!({});
    let mistakes = (entry.form)(if args.is_null() { &none } else { args });
    let literal = mistakes.into_iter().filter(|mistake| !mistake.contains("{{"));
    literal.map(|mistake| (quoted_in(&mistake, path, args), format!("`{path}` of `{action}`: {mistake}"))).collect()
}

/// Every text in a tree of arguments, with its path.
pub(super) fn leaves<'j>(path: &str, tree: &'j Json) -> Vec<(String, &'j str)> {
    match tree {
        Json::String(text) => vec![(path.to_owned(), text)],
        Json::Array(items) => {
            items.iter().enumerate().flat_map(|(idx, item)| leaves(&format!("{path}[{idx}]"), item)).collect()
        }
        Json::Object(map) => map.iter().flat_map(|(key, item)| leaves(&below(path, key), item)).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

/// The path of the argument whose value a sentence quotes; `path` itself when it quotes none.
pub(super) fn quoted_in(mistake: &str, path: &str, args: &Json) -> String {
    let found = leaves(path, args).into_iter().find(|(leaf, text)| {
        let key = leaf.rsplit('.').next().unwrap_or(leaf);
        [format!("`{text}`"), format!("`{key}: {text}`")].iter().any(|quoted| mistake.contains(quoted.as_str()))
    });
    found.map_or_else(|| path.to_owned(), |(leaf, _)| leaf)
}

/// The same, but at another place.
fn at(path: &str, found: Found) -> Found {
    found.into_iter().map(|(_, text)| (path.to_owned(), text)).collect()
}

fn in_template(path: &str, source: &str, head: Option<&Head>) -> Found {
    let names = match render::names_in(source) {
        Err(error) => return vec![(path.to_owned(), format!("`{path}`: {error}"))],
        Ok(names) => names,
    };
    let Some(head) = head else { return Found::new() };
    let known = || head.params.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let sentence = |name: &String| match head.params.is_empty() {
        true => format!("`{path}` names `{name}`, but the runbook has no `params`"),
        false => format!("`{path}` names `{name}`, which is not a parameter (known: {})", known()),
    };
    let unknown = names.iter().filter(|name| !head.params.contains_key(*name));
    unknown.map(|name| (path.to_owned(), sentence(name))).collect()
}
