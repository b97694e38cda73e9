//! Cedar policies: read, validated against our schema, and asked. An error while a policy is evaluated refuses,
//! because Cedar leaves such a policy out, and it may have been one that forbids.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    Request, RestrictedExpression, Schema, ValidationError, ValidationMode, Validator,
};
use evidence::answer::Risk;

use super::request::{Operation, Ruling, Verb};
use crate::people::Person;
use crate::runbook::Mistake;

/// What policies can speak of; the same file that lies in `deploy/policy`.
pub const SCHEMA: &str = include_str!("../../../deploy/policy/firstline.cedarschema");

static PARSED_SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("the built-in schema is checked by a test");
    schema
});

/// A checked set of policies. The empty one permits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    set: PolicySet,
    /// The texts, by file, for the version and for the record.
    files: BTreeMap<String, String>,
}

impl Policies {
    /// Reads and validates policy texts, given by file name.
    ///
    /// # Errors
    ///
    /// Everything wrong with any of them, by file and line.
    pub fn parse(files: BTreeMap<String, String>) -> Result<Policies, Vec<Mistake>> {
        let mut set = PolicySet::new();
        let mut mistakes = Vec::new();
        let mut places: HashMap<PolicyId, (String, usize)> = HashMap::new();
        for (file, text) in &files {
            let parsed = match PolicySet::from_str(text) {
                Ok(parsed) => parsed,
                Err(errors) => {
                    mistakes.extend(errors.iter().map(|error| mistake(file, text, error)));
                    continue;
                }
            };
            if parsed.templates().next().is_some() {
                let text = "a template (`?principal`, `?resource`) is linked to nobody here; write the role instead";
                mistakes.push(Mistake { file: file.clone(), line: 1, column: 1, text: text.to_owned() });
            }
            for policy in parsed.policies() {
                let (named, line) = named(policy, file, text);
                let id = named.id().clone();
                if let Some((other, at)) = places.insert(id.clone(), (file.clone(), line)) {
                    let text =
                        format!("policy `{id}` has the same id as the one at {other}:{at}; give it another `@id`");
                    mistakes.push(Mistake { file: file.clone(), line, column: 1, text });
                } else {
                    set.add(named).expect("the id is new and the policy static");
                }
            }
        }
        let validated = Validator::new(PARSED_SCHEMA.clone()).validate(&set, ValidationMode::Strict);
        for error in validated.validation_errors() {
            let (file, _) = places.get(error.policy_id()).cloned().unwrap_or_default();
            let text = files.get(&file).map_or("", String::as_str);
            let mut mistake = mistake(&file, text, error);
            if let ValidationError::UnrecognizedActionId(_) = error {
                let known = Verb::ALL.map(Verb::as_str).join(", ");
                mistake.text = format!("{} (known: {known})", lower(&error.to_string()));
            }
            mistakes.push(mistake);
        }
        mistakes.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        if mistakes.is_empty() { Ok(Policies { set, files }) } else { Err(mistakes) }
    }

    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// The ids of all policies, in order.
    pub fn ids(&self) -> BTreeSet<String> {
        self.set.policies().map(|policy| plain(policy.id())).collect()
    }

    /// Whether `person`, who holds `roles`, may do this.
    pub fn ask(&self, person: &Person, roles: &BTreeSet<String>, verb: Verb, on: &Operation) -> Ruling {
        match self.try_to_ask(person, roles, verb, on) {
            Ok(ruling) => ruling,
            Err(error) => Ruling { errors: vec![error], ..Ruling::refused() },
        }
    }

    fn try_to_ask(
        &self,
        person: &Person,
        roles: &BTreeSet<String>,
        verb: Verb,
        on: &Operation,
    ) -> Result<Ruling, String> {
        let principal = uid("Person", &person.id);
        let resource = match verb {
            Verb::See => uid("Logs", &format!("{} in {}", on.service, on.environment)),
            Verb::Propose | Verb::Approve | Verb::Run | Verb::BreakGlass => uid("Operation", &on.to_string()),
        };
        let entities = entities(person, roles, verb, on, &principal, &resource)?;
        let action = uid("Action", verb.as_str());
        let request = Request::new(principal, action, resource, Context::empty(), Some(&PARSED_SCHEMA))
            .map_err(|error| error.to_string())?;
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        let mut because: Vec<String> = response.diagnostics().reason().map(plain).collect();
        because.sort();
        Ok(Ruling { allowed: response.decision() == Decision::Allow && errors.is_empty(), because, errors })
    }
}

fn entities(
    person: &Person,
    roles: &BTreeSet<String>,
    verb: Verb,
    on: &Operation,
    principal: &EntityUid,
    resource: &EntityUid,
) -> Result<Entities, String> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let parents: HashSet<EntityUid> = roles.iter().map(|role| uid("Role", role)).collect();
    let name = HashMap::from([("name".to_owned(), text(&person.name))]);
    let mut attributes =
        HashMap::from([("service".to_owned(), text(&on.service)), ("environment".to_owned(), text(&on.environment))]);
    if verb != Verb::See {
        attributes.extend([
            ("action".to_owned(), text(&on.action)),
            ("runbook".to_owned(), text(&on.runbook)),
            ("target".to_owned(), text(&on.target)),
            ("risk".to_owned(), text(on.risk.as_str())),
            ("risk_level".to_owned(), RestrictedExpression::new_long(level(on.risk))),
        ]);
    }
    let mut all: Vec<Entity> = parents.iter().map(|role| Entity::with_uid(role.clone())).collect();
    all.push(Entity::new(principal.clone(), name, parents).map_err(|error| error.to_string())?);
    all.push(Entity::new(resource.clone(), attributes, HashSet::new()).map_err(|error| error.to_string())?);
    Entities::from_entities(all, Some(&PARSED_SCHEMA)).map_err(|error| error.to_string())
}

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind = EntityTypeName::from_str(kind).expect("our type names are names");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

fn level(risk: Risk) -> i64 {
    match risk {
        Risk::Low => 1,
        Risk::Medium => 2,
        Risk::High => 3,
    }
}

/// The policy under its `@id`, or under its place if it has none; and the line where it begins.
fn named(policy: &Policy, file: &str, text: &str) -> (Policy, usize) {
    let source = policy.to_cedar().unwrap_or_default();
    let line = text.find(source.trim()).map_or(1, |at| text[..at].matches('\n').count() + 1);
    match policy.annotation("id").filter(|id| !id.is_empty()) {
        Some(id) => (policy.new_id(PolicyId::new(id)), line),
        None => (policy.new_id(PolicyId::new(format!("{file}:{line}"))), line),
    }
}

/// A mistake in Cedar's words, where it stands.
fn mistake(file: &str, text: &str, error: &dyn miette::Diagnostic) -> Mistake {
    let at = error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
    Mistake { file: file.to_owned(), line, column, text: format!("{}{help}", lower(&error.to_string())) }
}

/// An id as it was written; Cedar's own printing escapes it.
fn plain(id: &PolicyId) -> String {
    AsRef::<str>::as_ref(id).to_owned()
}

/// Cedar's messages in our form: they begin small.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
