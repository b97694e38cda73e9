//! From a runbook and its values to sealed steps: render, rehearse, seal.
//! Between rendering and sealing only the rehearsal adds anything, and it is bound like everything else.

use std::collections::BTreeMap;

use evidence::answer::{Evidence, EvidenceKind, Risk};
use evidence::{Redactor, Time, TimeWindow};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::actions::{Action, Actions, wait};
use crate::candidates::Candidate;
use crate::execute::{precondition, rehearse};
use crate::inventory::Inventory;
use crate::params::{Kind, Place, Value, Values, seconds};
use crate::policy::Rules;
use crate::proposal::{Proposal, Step, StepContent, Undo, Unsealable};
use crate::render;
use crate::runbook::{Runbook, StepTemplate, UndoBlock, VerifyBlock};
use crate::verify::{Verify, Wants, What};

/// What a draft is made for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    pub incident: &'c str,
    /// The id of the proposal; fresh and random.
    pub proposal: &'c str,
    /// `firstline`, or the id of the person who asked for this very runbook.
    pub proposer: &'c str,
    /// The id of the person whose question led here.
    pub requester: &'c str,
    /// What verify clauses refer to.
    pub evidence: &'c [Evidence],
    /// The window that `evidence` was counted in.
    pub window: Option<TimeWindow>,
    /// For steps of runbooks without a parameter for it.
    pub environment: &'c str,
    pub rules: &'c Rules,
    pub now: Time,
}

/// A proposal that can still take in what its rehearsal says.
#[derive(Clone, Debug)]
pub struct Draft {
    id: String,
    incident: String,
    runbook: String,
    title: String,
    params: BTreeMap<String, String>,
    why: String,
    citations: Vec<String>,
    steps: Vec<StepContent>,
}

/// Reads the values of a runbook's parameters as people write them; defaults fill what is missing.
///
/// # Errors
///
/// Everything wrong with them, one sentence each.
pub fn values(
    runbook: &Runbook,
    given: &BTreeMap<String, String>,
    inventory: &Inventory,
) -> Result<Values, Vec<String>> {
    let params = &runbook.head.params;
    let known = || params.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let unknown = given.keys().filter(|name| !params.contains_key(*name));
    let mut mistakes: Vec<String> = unknown
        .map(|name| format!("runbook `{}` has no parameter `{name}` (known: {})", runbook.id(), known()))
        .collect();
    let mut values = Values::new();
    let given_or_default = |name: &str| {
        let default = || params.get(name)?.default.as_ref().map(Value::to_string);
        given.get(name).cloned().or_else(default)
    };
    let (service, environment) = (given_or_default("service"), given_or_default("environment"));
    let place = Place { service: service.as_deref(), environment: environment.as_deref() };
    for (name, param) in params {
        match given_or_default(name) {
            None => mistakes.push(format!("`{name}` is missing; give `--param {name}=…` ({})", param.about)),
            Some(text) => match param.accept(&text, place, inventory) {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(error) => mistakes.push(format!("`{name}`: {error}")),
            },
        }
    }
    if mistakes.is_empty() { Ok(values) } else { Err(mistakes) }
}

impl Draft {
    /// For a candidate that [`crate::Catalog::candidates`] found.
    ///
    /// # Errors
    ///
    /// Everything that keeps its steps from being run.
    pub fn of_candidate(
        runbook: &Runbook,
        candidate: &Candidate,
        actions: &Actions,
        context: &Context<'_>,
    ) -> Result<Draft, Vec<String>> {
        let mut draft = Draft::new(runbook, &candidate.params, &candidate.citations, actions, context)?;
        draft.why.clone_from(&candidate.why);
        Ok(draft)
    }

    /// For a runbook that somebody asked for, with values that [`values`] read.
    ///
    /// # Errors
    ///
    /// Everything that keeps its steps from being run.
    pub fn new(
        runbook: &Runbook,
        params: &Values,
        citations: &[String],
        actions: &Actions,
        context: &Context<'_>,
    ) -> Result<Draft, Vec<String>> {
        let mut steps: Vec<StepContent> = Vec::new();
        let mut mistakes = Vec::new();
        for template in &runbook.steps {
            match content(runbook, template, params, citations, actions, context) {
                Ok(step) => steps.push(step),
                Err(found) => {
                    mistakes.extend(found.into_iter().map(|text| format!("step `{}`: {text}", template.id)));
                }
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        join_units(&runbook.steps, &mut steps);
        Ok(Draft {
            id: context.proposal.to_owned(),
            incident: context.incident.to_owned(),
            runbook: runbook.id().to_owned(),
            title: runbook.title_with(params),
            params: params.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
            why: format!("{} asked for it", context.proposer),
            citations: citations.to_vec(),
            steps,
        })
    }

    /// For taking a step back, by the other step that it says undoes it; this one is approved like any other.
    ///
    /// # Errors
    ///
    /// When it has no such step, or when that cannot be run.
    pub fn undoing(step: &Step, actions: &Actions, context: &Context<'_>) -> Result<Draft, Vec<String>> {
        let done = step.content();
        let Some(Undo::Step { action, action_version, arguments, summary }) = &done.undo else {
            let how = match &done.undo {
                Some(Undo::Manual(sentence)) => format!("a person undoes it: {sentence}"),
                _ => "its runbook does not say how to undo it".to_owned(),
            };
            return Err(vec![how]);
        };
        let known = actions.named(action).ok_or_else(|| vec![format!("unknown action `{action}`")])?;
        known.check(arguments)?;
        let undo = StepContent {
            incident: context.incident.to_owned(),
            proposal: context.proposal.to_owned(),
            step: format!("{}.undo", context.proposal),
            action: action.clone(),
            action_version: *action_version,
            arguments: arguments.clone(),
            summary: summary.clone(),
            executor: if action == "manual" { "a person" } else { "firstline" }.to_owned(),
            verify: None,
            undo: None,
            dry_run: None,
            precondition: None,
            proposer: context.proposer.to_owned(),
            requester: context.requester.to_owned(),
            policy: context.rules.version().to_owned(),
            proposed_at: context.now,
            expires: context.now.plus(context.rules.ttl()),
            together_with: Vec::new(),
            after_seconds: None,
            ..done.clone()
        };
        Ok(Draft {
            id: context.proposal.to_owned(),
            incident: context.incident.to_owned(),
            runbook: done.runbook.clone(),
            title: format!("Undo: {}", done.summary),
            params: BTreeMap::new(),
            why: format!("{} wants to take back {}", context.proposer, done.step),
            citations: done.evidence.clone(),
            steps: vec![undo],
        })
    }

    /// Asks each step's action what would happen and what must still be so then. An action that cannot say is asked nothing;
    /// a failed rehearsal is shown as such.
    pub async fn rehearse(&mut self, actions: &Actions, redactor: &Redactor) {
        for step in &mut self.steps {
            let found = precondition(actions, &step.action, &step.arguments, redactor).await;
            // What cannot be told now is no ground to start on later: the comparison then refuses.
            step.precondition =
                found.unwrap_or_else(|error| Some(redactor.redact(format!("unknown: {error}")).0.into_string()));
            step.dry_run = match rehearse(actions, &step.action, &step.arguments, redactor).await {
                Ok(rehearsal) => rehearsal.map(|text| text.into_string()),
                Err(error) => Some(redactor.redact(format!("the dry run failed: {error}")).0.into_string()),
            };
        }
    }

    /// Freezes it.
    ///
    /// # Errors
    ///
    /// [`Unsealable`] when a step holds a secret or something that has no canonical form.
    pub fn seal(self, redactor: &Redactor) -> Result<Proposal, Unsealable> {
        let steps = self.steps.into_iter().map(|content| Step::seal(content, redactor)).collect::<Result<_, _>>()?;
        Ok(Proposal {
            id: self.id,
            incident: self.incident,
            runbook: self.runbook,
            title: self.title,
            params: self.params,
            why: self.why,
            citations: self.citations,
            steps,
        })
    }

    pub fn steps(&self) -> &[StepContent] {
        &self.steps
    }
}

fn content(
    runbook: &Runbook,
    template: &StepTemplate,
    params: &Values,
    citations: &[String],
    actions: &Actions,
    context: &Context<'_>,
) -> Result<StepContent, Vec<String>> {
    let block = &template.block;
    let one = |error: String| vec![error];
    let (action, arguments) = render_action(&block.action, &block.args, params, citations, actions, context)?;
    let target = render::text(block.target.as_deref().unwrap_or("{{service}}"), params).map_err(one)?;
    let undo = match &block.undo {
        None => None,
        Some(UndoBlock::Manual(sentence)) => Some(Undo::Manual(render::text(sentence, params).map_err(one)?)),
        Some(UndoBlock::Step(step)) => {
            let (action, arguments) = render_action(&step.action, &step.args, params, citations, actions, context)?;
            let summary = action.describe(&arguments);
            Some(Undo::Step { action: step.action.clone(), action_version: action.version(), arguments, summary })
        }
    };
    let verify = match &block.verify {
        Some(verify) => {
            let query = verify.query.as_deref().map(|query| render::text(query, params)).transpose().map_err(one)?;
            resolve(&VerifyBlock { query, ..verify.clone() }, citations, context).map_err(one)?
        }
        None => None,
    };
    let wanted = block.timeout.as_deref().map(seconds).transpose().map_err(one)?;
    let timeout = match Verify::deserialize(&arguments).ok().filter(|_| block.action == wait::NAME) {
        Some(waited) if wanted.is_some_and(|wanted| wanted < waited.within_seconds) => {
            return Err(one(
                "`timeout` is shorter than `within`, so it would never be decided; leave it out".to_owned()
            ));
        }
        Some(waited) => wanted.unwrap_or(wait::timeout_for(&waited)),
        None => wanted.unwrap_or(60),
    };
    let of_params = runbook.head.params.iter().find(|(_, param)| param.kind == Kind::Environment);
    let environment = of_params.and_then(|(name, _)| params.get(name)).map(Value::to_string);
    Ok(StepContent {
        incident: context.incident.to_owned(),
        proposal: context.proposal.to_owned(),
        // One runbook may be proposed more than once in an incident; its steps must not be mistaken for each other.
        step: format!("{}.{}", context.proposal, template.id),
        runbook: runbook.id().to_owned(),
        runbook_digest: runbook.digest,
        action: block.action.clone(),
        action_version: action.version(),
        summary: action.describe(&arguments),
        arguments,
        target,
        environment: environment.unwrap_or_else(|| context.environment.to_owned()),
        service: service_of(runbook, params),
        risk: risk_of(runbook, template),
        executor: if block.action == "manual" { "a person" } else { "firstline" }.to_owned(),
        timeout_seconds: timeout,
        verify,
        undo,
        dry_run: None,
        precondition: None,
        evidence: citations.to_vec(),
        proposer: context.proposer.to_owned(),
        requester: context.requester.to_owned(),
        policy: context.rules.version().to_owned(),
        proposed_at: context.now,
        expires: context.now.plus(context.rules.ttl()),
        together_with: Vec::new(),
        after_seconds: None,
    })
}

/// The value of the runbook's parameter that is a service, if it has one.
fn service_of(runbook: &Runbook, params: &Values) -> Option<String> {
    let of_params = runbook.head.params.iter().find(|(_, param)| param.kind == Kind::Service);
    of_params.and_then(|(name, _)| params.get(name)).map(Value::to_string)
}

fn risk_of(runbook: &Runbook, template: &StepTemplate) -> Risk {
    template.block.risk.unwrap_or(runbook.head.risk)
}

fn render_action<'a>(
    name: &str,
    args: &Json,
    params: &Values,
    citations: &[String],
    actions: &'a Actions,
    context: &Context<'_>,
) -> Result<(&'a dyn Action, Json), Vec<String>> {
    let known = || actions.names().join(", ");
    let action = actions.named(name).ok_or_else(|| vec![format!("unknown action `{name}` (known: {})", known())])?;
    let args = if args.is_null() { &json!({}) } else { args };
    let rendered = render::tree(args, params).map_err(|error| vec![error])?;
    let arguments = match name {
        wait::NAME => waited_for(&rendered, citations, context).map_err(|error| vec![error])?,
        _ => rendered,
    };
    action.check(&arguments)?;
    Ok((action, arguments))
}

/// What a `wait` step waits for, bound to templates and counts so that its bytes say all of it.
fn waited_for(arguments: &Json, citations: &[String], context: &Context<'_>) -> Result<Json, String> {
    let block = VerifyBlock::deserialize(arguments).map_err(|error| error.to_string())?;
    if let Some((_, mistake)) = block.mistakes("").into_iter().next() {
        return Err(mistake);
    }
    match resolve(&block, citations, context)? {
        Some(verify) => serde_json::to_value(verify).map_err(|error| error.to_string()),
        None => Err("there is no evidence to wait for; ask first, or name a `query`".to_owned()),
    }
}

/// `None` when it refers to evidence and nothing is cited: there is nothing to watch.
fn resolve(block: &VerifyBlock, citations: &[String], context: &Context<'_>) -> Result<Option<Verify>, String> {
    let for_seconds = block.holds.as_deref().map_or(Ok(45), seconds)?;
    let within_seconds = block.within.as_deref().map_or(Ok(300), seconds)?.max(for_seconds);
    if let Some(query) = &block.query {
        let wants = match (block.at_least, block.at_most.or(block.count)) {
            (Some(count), _) => Wants::AtLeast { count, was_per_minute: None },
            (None, count) => Wants::AtMost { count: count.unwrap_or(0), was_per_minute: None },
        };
        return Ok(Some(Verify { what: What::Query { query: query.clone() }, wants, for_seconds, within_seconds }));
    }
    let (subject, wish) =
        block.evidence.as_deref().and_then(|wish| wish.split_once(' ')).unwrap_or(("cited", "recovers"));
    let is_subject = |evidence: &&Evidence| match subject {
        "cited" => citations.contains(&evidence.id),
        id => evidence.id == id,
    };
    let Some(evidence) = context.evidence.iter().find(is_subject) else { return Ok(None) };
    let what = What::Evidence {
        id: evidence.id.clone(),
        service: evidence.service.clone(),
        template: evidence.template.clone(),
        template_id: evidence.template_id,
    };
    let wants = wants(evidence, wish.trim(), for_seconds, context.window);
    Ok(Some(Verify { what, wants, for_seconds, within_seconds }))
}

/// What is new must stop; what is only more than usual must fall to twice the usual; what went missing must reach half of it.
fn wants(evidence: &Evidence, wish: &str, for_seconds: u32, window: Option<TimeWindow>) -> Wants {
    let is_missing = matches!(evidence.kind, EvidenceKind::Silence | EvidenceKind::MissingFollowup);
    let length = window.map_or(0.0, TimeWindow::seconds).max(1.0);
    let share = f64::from(for_seconds) / length;
    let usual = (evidence.expected * share).max(0.0);
    if wish == "returns" || (wish == "recovers" && is_missing) {
        let per_minute = (evidence.count as f64 / length * 60.0).round() as u64;
        return Wants::AtLeast { count: ((usual / 2.0).floor() as u64).max(1), was_per_minute: Some(per_minute) };
    }
    // The rate while it lasted, not over the quiet part of the window.
    let lasted = match (evidence.first, evidence.last) {
        (Some(first), Some(last)) => last.since(first).as_secs_f64().max(60.0).min(length.max(60.0)),
        _ => length,
    };
    let per_minute = (evidence.count as f64 / lasted * 60.0).round() as u64;
    let count = if evidence.kind == EvidenceKind::New { 0 } else { (usual * 2.0).ceil() as u64 };
    Wants::AtMost { count, was_per_minute: Some(per_minute) }
}

/// Names in each step the others of its unit.
fn join_units(templates: &[StepTemplate], steps: &mut [StepContent]) {
    let mut start = 0;
    while start < templates.len() {
        let rest = templates[start + 1..].iter().take_while(|template| template.block.together).count();
        let ids: Vec<String> = steps[start..=start + rest].iter().map(|step| step.step.clone()).collect();
        let mut before = 0;
        for step in &mut steps[start..=start + rest] {
            step.together_with = ids.iter().filter(|id| **id != step.step).cloned().collect();
            step.after_seconds = (before > 0).then_some(before);
            before += step.timeout_seconds;
        }
        start += rest + 1;
    }
}
