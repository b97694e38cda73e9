//! What works but is hardly meant, or would be refused when it is proposed: for `runbook check` and the preview.
//! A start does not insist on it, so that a renamed endpoint takes no runbook away at night.

use std::collections::BTreeSet;

use super::Against;
use super::check::{Found, quoted_in};
use super::yaml::Reading;
use crate::actions::{Action, Actions};
use crate::mistakes::nearest;
use crate::params::{Kind, seconds};
use crate::render;
use crate::runbook::{Head, StepTemplate, UndoBlock};

/// Parameters that nothing names. A service and an environment say what is acted on, named or not.
pub(super) fn head<T>(head: &Head, steps: &[StepTemplate], reading: &Reading<T>) -> Found {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for source in head.says.iter().map(String::as_str).chain(steps.iter().flat_map(texts)) {
        named.extend(render::names_in(source).unwrap_or_default());
    }
    let unused = head
        .params
        .iter()
        .filter(|(name, param)| !named.contains(*name) && !matches!(param.kind, Kind::Service | Kind::Environment));
    let sentence =
        |name: &String| format!("`params.{name}` is used in no step; use it as `{{{{{name}}}}}`, or take it out");
    let unused = unused.filter(|(name, _)| !reading.is_in_doubt(&format!("params.{name}")));
    unused.map(|(name, _)| (format!("params.{name}"), sentence(name))).collect()
}

/// Every template of a step.
fn texts(step: &StepTemplate) -> Vec<&str> {
    let block = &step.block;
    let mut texts = render::texts(&block.args);
    texts.extend(block.target.as_deref());
    texts.extend(block.verify.as_ref().and_then(|verify| verify.query.as_deref()));
    match &block.undo {
        Some(UndoBlock::Manual(sentence)) => texts.push(sentence),
        Some(UndoBlock::Step(step)) => texts.extend(render::texts(&step.args)),
        None => {}
    }
    texts
}

pub(super) fn step<T>(
    step: &StepTemplate,
    before: Option<&StepTemplate>,
    against: &Against<'_>,
    reading: &Reading<T>,
) -> Found {
    let block = &step.block;
    let mut found = Found::new();
    if let Some(before) = before.filter(|before| block.together && before.heading != step.heading) {
        let text = format!(
            "`together` joins it with step `{}` under another heading, `{}`; put both under one, or take `together` out",
            before.id, before.heading
        );
        found.push(("together".to_owned(), text));
    }
    if let Some(verify) = &block.verify
        && let (Some(Ok(holds)), Some(Ok(within))) =
            (verify.holds.as_deref().map(seconds), verify.within.as_deref().map(seconds))
        && holds > within
    {
        found.push((
            "verify.within".to_owned(),
            "`verify.within` is shorter than `verify.for`; it could never hold".to_owned(),
        ));
    }
    if let Some(Err(mistake)) = block
        .verify
        .as_ref()
        .and_then(|verify| verify.query.as_ref())
        .map(|query| (against.query)(&query.replace("{{", "").replace("}}", "")))
    {
        found.push(("verify.query".to_owned(), format!("`verify.query`: {mistake}")));
    }
    if let Some(actions) = against.actions.filter(|_| !reading.is_in_doubt("args") && !reading.is_in_doubt("action")) {
        found.extend(undeclared("args", &block.action, &block.args, actions));
        if let Some(UndoBlock::Step(undo)) = &block.undo {
            found.extend(undeclared("undo.args", &undo.action, &undo.args, actions));
        }
    }
    found
}

/// What the action refuses because the settings do not declare it; a value with a parameter in it is judged when that is filled in.
fn undeclared(path: &str, name: &str, args: &serde_json::Value, actions: &Actions) -> Found {
    let Some(action) = actions.named(name) else { return Found::new() };
    let mistakes = refusals(action, args);
    let said = mistakes.into_iter().map(with_hint);
    said.map(|mistake| (quoted_in(&mistake, path, args), format!("`{path}` of `{name}`: {mistake}"))).collect()
}

fn refusals(action: &dyn Action, args: &serde_json::Value) -> Vec<String> {
    let form = crate::actions::ACTIONS.iter().find(|entry| entry.name == action.name()).map(|entry| entry.form);
    let none = serde_json::json!({});
    let args = if args.is_null() { &none } else { args };
    let of_form = form.map(|form| form(args)).unwrap_or_default();
    let refused = action.check(args).err().unwrap_or_default();
    refused.into_iter().filter(|mistake| !mistake.contains("{{") && !of_form.contains(mistake)).collect()
}

/// Adds what was probably meant to ``unknown program `x` (known: y, z)``.
fn with_hint(mistake: String) -> String {
    let word = mistake.strip_prefix("unknown ").and_then(|rest| rest.split('`').nth(1));
    let known = mistake.split_once("(known: ").and_then(|(_, rest)| rest.split(')').next());
    let near = word.zip(known).and_then(|(word, known)| nearest(word, known.split(", ")));
    match near {
        Some(near) => mistake.replacen(" (known: ", &format!("; did you mean `{near}`? (known: "), 1),
        None => mistake,
    }
}
