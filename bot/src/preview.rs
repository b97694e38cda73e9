//! What a runbook would look like to the people who decide, while it is written: its mistakes, and the card that is drawn from
//! the same bytes as a real one. Nothing is stored, rehearsed or run, and no step of it exists.

use std::collections::BTreeMap;

use evidence::Grant;
use evidence::answer::ProposalView;
use runbooks::actions::Actions;
use runbooks::inventory::workload::Deployed;
use runbooks::markdown::{Against, examine};
use runbooks::params::{Kind, Param, Source};
use runbooks::{Context, Draft, Inventory, Mistake, Runbook};
use serde::Serialize;
use serde_json::json;

use crate::app::{App, Refused};
use crate::sight::narrowed;

/// Longer than any runbook that a person reads.
const LONGEST: usize = 200_000;
const PREVIEW: &str = "preview";

#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// File, line, column and message of each mistake, by place.
    pub mistakes: Vec<serde_json::Value>,
    pub id: Option<String>,
    pub title: Option<String>,
    pub params: Vec<ParamForm>,
    /// Drawn from sealed bytes; `null` while the text or the values do not allow it.
    pub proposal: Option<ProposalView>,
    /// Why there is no card.
    pub problems: Vec<String>,
}

/// A parameter with the value that the preview took.
#[derive(Clone, Debug, Serialize)]
pub struct ParamForm {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub about: String,
    pub value: String,
    /// What it may be, when that is a list.
    pub known: Vec<String>,
    /// Nobody gave the value; it is there to show something.
    pub is_sample: bool,
}

/// A mistake for an editor or a pipeline.
pub fn place(mistake: &Mistake) -> serde_json::Value {
    let Mistake { file, line, column, text, .. } = mistake;
    json!({ "file": file, "line": line, "column": column, "message": text })
}

/// What runbooks are compared with while somebody writes them.
pub fn against(actions: Option<&Actions>) -> Against<'_> {
    let query = |query: &str| indexer::Query::parse(query).map(drop).map_err(|mistake| mistake.to_string());
    Against { actions, query }
}

/// # Errors
///
/// [`Refused`] for a text that is no runbook by its size.
pub fn preview(
    app: &App,
    grant: &Grant,
    person: &str,
    text: &str,
    given: &BTreeMap<String, String>,
) -> Result<Preview, Refused> {
    if text.len() > LONGEST {
        return Err(Refused::mistake(format!("a runbook has at most {LONGEST} bytes")).next("split it"));
    }
    let (runbook, mistakes) = examine(text, "runbook.md", &against(Some(&app.parts.actions)));
    let mut preview = Preview {
        mistakes: mistakes.iter().map(place).collect(),
        id: None,
        title: None,
        params: Vec::new(),
        proposal: None,
        problems: Vec::new(),
    };
    let Some(runbook) = runbook else { return Ok(preview) };
    let mut inventory = narrowed(app.inventory(), grant);
    preview.params = params(&runbook, given, &inventory);
    learn_samples(&mut inventory, &preview.params);
    preview.id = Some(runbook.id().to_owned());
    preview.title = Some(runbook.head.title.clone());
    match card(app, person, &runbook, &preview.params, &inventory) {
        Ok(proposal) => preview.proposal = Some(proposal),
        Err(problems) => preview.problems = problems,
    }
    Ok(preview)
}

fn card(
    app: &App,
    person: &str,
    runbook: &Runbook,
    params: &[ParamForm],
    inventory: &Inventory,
) -> Result<ProposalView, Vec<String>> {
    let given: BTreeMap<String, String> =
        params.iter().map(|param| (param.name.clone(), param.value.clone())).collect();
    let values = runbooks::draft::values(runbook, &given, inventory)?;
    let environment = inventory.environments.first().map_or("production", String::as_str);
    let rules = &app.rules();
    let context = Context {
        incident: PREVIEW,
        proposal: PREVIEW,
        proposer: person,
        requester: person,
        evidence: &[],
        window: None,
        environment,
        rules,
        now: app.now(),
    };
    let draft = Draft::new(runbook, &values, &[], &app.parts.actions, &context)?;
    // Not rehearsed: a rehearsal asks the endpoints that the text names.
    let proposal = draft.seal(&app.parts.redactor).map_err(|error| vec![error.to_string()])?;
    Ok(proposal.view(rules))
}

fn params(runbook: &Runbook, given: &BTreeMap<String, String>, inventory: &Inventory) -> Vec<ParamForm> {
    let declared = &runbook.head.params;
    let service = declared.iter().find(|(name, _)| *name == "service").map(|(name, param)| {
        let known = known(param, None, inventory);
        given.get(name).cloned().filter(|value| !value.is_empty()).unwrap_or_else(|| sample(param, &known))
    });
    let form = |(name, param): (&String, &Param)| {
        let known = known(param, service.as_deref(), inventory);
        let typed = given.get(name).filter(|value| !value.is_empty()).cloned();
        let is_sample = typed.is_none();
        let value = typed.unwrap_or_else(|| sample(param, &known));
        ParamForm { name: name.clone(), kind: param.kind, about: param.about.clone(), value, known, is_sample }
    };
    declared.iter().map(form).collect()
}

/// What a value may be, when the inventory or the declaration lists it.
fn known(param: &Param, service: Option<&str>, inventory: &Inventory) -> Vec<String> {
    let mut known: Vec<String> = match param.kind {
        Kind::Service => inventory.services.keys().cloned().collect(),
        Kind::Environment => inventory.environments.iter().cloned().collect(),
        Kind::Host => inventory.hosts.keys().cloned().collect(),
        Kind::Queue => inventory.queues.keys().cloned().collect(),
        Kind::Flag => inventory.flags.keys().cloned().collect(),
        Kind::Version => {
            let service = service.and_then(|service| inventory.services.get(service));
            service.map(|service| service.versions.iter().cloned().collect()).unwrap_or_default()
        }
        Kind::Workload => {
            let everywhere = inventory.environments.iter();
            let of = |environment| inventory.workloads_of(service.unwrap_or_default(), environment);
            everywhere.flat_map(|environment| of(environment)).map(|workload| workload.to_string()).collect()
        }
        Kind::Enum => param.values.clone(),
        Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
        Kind::String | Kind::Integer | Kind::Duration => Vec::new(),
    };
    known.truncate(200);
    known
}

/// As [`learn_samples`] makes one.
const SAMPLE_WORKLOAD: &str = "prod/shop/deployment/checkout";

/// Something that the type allows, so that there is a card to look at.
fn sample(param: &Param, known: &[String]) -> String {
    if let Some(default) = &param.default {
        return default.to_string();
    }
    if let Some(first) = known.first() {
        return first.clone();
    }
    let word = match param.kind {
        Kind::Service => "checkout",
        Kind::Environment => "production",
        Kind::Host => "host-1",
        Kind::Queue => "orders",
        Kind::Flag => "new-checkout",
        Kind::Workload => SAMPLE_WORKLOAD,
        Kind::Version if param.from == Some(Source::ChangeVersion) => "v2",
        Kind::Version => "v1",
        Kind::Duration => "5m",
        Kind::Integer => return param.min.unwrap_or(1).to_string(),
        // What matches a pattern is for the person to type.
        Kind::String | Kind::Enum | Kind::Bool => "example",
    };
    word.to_owned()
}

/// What only stands for something is known to the preview, and to nothing else.
fn learn_samples(inventory: &mut Inventory, params: &[ParamForm]) {
    let service = params.iter().find(|param| param.name == "service").map(|param| param.value.clone());
    for param in params.iter().filter(|param| param.is_sample && param.known.is_empty()) {
        let value = param.value.clone();
        match param.kind {
            Kind::Service => drop(inventory.services.entry(value).or_default()),
            Kind::Environment => {
                inventory.environments.insert(value);
            }
            Kind::Host => drop(inventory.hosts.insert(value, String::new())),
            Kind::Queue => drop(inventory.queues.insert(value, String::new())),
            Kind::Flag => drop(inventory.flags.entry(value).or_default()),
            Kind::Workload => {
                let environment = params.iter().find(|param| param.kind == Kind::Environment);
                let deployed = Deployed {
                    cluster: "prod".to_owned(),
                    namespace: "shop".to_owned(),
                    environment: environment.map_or_else(String::new, |param| param.value.clone()),
                    kind: Default::default(),
                    name: None,
                    service: service.clone(),
                };
                inventory.workloads.insert("checkout".to_owned(), deployed);
            }
            Kind::Version => {
                if let Some(service) = service.as_ref().and_then(|service| inventory.services.get_mut(service)) {
                    service.versions.insert(value);
                }
            }
            Kind::String | Kind::Integer | Kind::Enum | Kind::Duration | Kind::Bool => {}
        }
    }
}
