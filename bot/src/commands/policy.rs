//! `firstline policy check|explain`: whether the policies are good, and why somebody may or may not.

use std::path::PathBuf;

use anyhow::{Result, bail};
use evidence::answer::Risk;
use runbooks::policy::{Operation, Ruling, Verb};
use runbooks::{Identity, Person, Rules};
use serde::Serialize;
use serde_json::json;

use super::{Usage, print, print_json};
use crate::app::Refused;
use crate::cli::{ExplainArgs, PolicyCommand};
use crate::named::some_of;
use crate::setup::Setup;

pub fn run(setup: &Setup, command: PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Check { paths } => check(setup, &paths),
        PolicyCommand::Explain(args) => explain(setup, &args),
    }
}

fn check(setup: &Setup, paths: &[PathBuf]) -> Result<()> {
    let paths = if paths.is_empty() { &setup.config.approval.policies[..] } else { paths };
    if paths.is_empty() {
        let text = "no policies to check; name files or folders, or set `policies` under `[approval]` in the config";
        return Err(Usage(text.to_owned()).into());
    }
    let checked = crate::policies::read(paths);
    if setup.json {
        let mistakes = checked.as_ref().err();
        print_json(&json!({
            "policies": checked.as_ref().map_or(0, |policies| policies.ids().len()),
            "mistakes": mistakes.map_or(&[][..], |mistakes| &mistakes[..]),
        }))?;
        return if mistakes.is_some() { bail!("the policies have mistakes") } else { Ok(()) };
    }
    match checked {
        Ok(policies) => {
            let n = policies.ids().len();
            let lines = policies.ids().into_iter().map(|id| format!("  {id}"));
            let policies = if n == 1 { "policy" } else { "policies" };
            print(&chat::inert_lines(&format!("{n} {policies}, all good\n{}", lines.collect::<Vec<_>>().join("\n"))))
        }
        Err(mistakes) => {
            let n = mistakes.len();
            let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            bail!("{}\n{n} mistake{}", lines.join("\n"), if n == 1 { "" } else { "s" })
        }
    }
}

/// One question to the policies and what they say.
#[derive(Serialize)]
struct Row {
    verb: Verb,
    on: Operation,
    allowed: bool,
    because: Vec<String>,
    why: String,
}

fn explain(setup: &Setup, args: &ExplainArgs) -> Result<()> {
    let rules = setup.rules()?;
    let person = person(&rules, &args.person)?;
    let (verbs, kind) = asked(&args.action)?;
    let environment = args.env.clone().unwrap_or_else(|| "production".to_owned());
    let risks = args.risk.map_or(vec![Risk::Low, Risk::Medium, Risk::High], |risk| vec![risk.into()]);
    let mut rows: Vec<Row> = Vec::new();
    for verb in verbs {
        for risk in if verb == Verb::See { vec![Risk::Low] } else { risks.clone() } {
            let on = Operation {
                action: kind.clone(),
                runbook: args.runbook.clone().unwrap_or_default(),
                service: args.service.clone(),
                target: args.service.clone(),
                environment: environment.clone(),
                risk,
            };
            let Ruling { allowed, because, .. } = rules.may(&person, verb, &on);
            let why = rules.may(&person, verb, &on).why();
            rows.push(Row { verb, on, allowed, because, why });
        }
    }
    let roles = rules.roles_of(&person);
    if setup.json {
        return print_json(&json!({
            "person": person.id, "name": person.name, "roles": roles, "rules": rules.version(),
            "action": args.action, "service": args.service, "environment": environment,
            "allowed": rows.iter().all(|row| row.allowed), "rulings": rows,
        }));
    }
    let roles = match roles {
        None => "nobody here, so without any right".to_owned(),
        Some(roles) if roles.is_empty() => "no role".to_owned(),
        Some(roles) => roles.into_iter().collect::<Vec<_>>().join(", "),
    };
    let name = if person.name == person.id { person.id } else { format!("{} ({})", person.name, person.id) };
    let mut lines = vec![format!("{name} · {roles} · {}", rules.version()), String::new()];
    lines.push(format!("{} on {} in {environment}", args.action, args.service));
    for row in &rows {
        let yes = if row.allowed { "yes" } else { "no" };
        let risk = if row.verb == Verb::See { "" } else { row.on.risk.as_str() };
        lines.push(format!("  {:<11} {risk:<6}  {yes:<3}  {}", row.verb.as_str(), row.why));
    }
    lines.push(String::new());
    lines.push(quorum(&rules));
    print(&chat::inert_lines(&lines.join("\n")))
}

/// Policies say who; how many it takes stands in the settings.
fn quorum(rules: &Rules) -> String {
    let needed = |risk| format!("{} for {} risk", rules.approvals_needed(risk), risk.as_str());
    let risks = [Risk::Low, Risk::Medium, Risk::High];
    let own: Vec<&str> = risks.into_iter().filter(|risk| !rules.may_approve_own(*risk)).map(Risk::as_str).collect();
    let own = match own[..] {
        [] => "whoever asked may approve too".to_owned(),
        _ => format!("whoever asked cannot approve {} risk", own.join(" or ")),
    };
    format!("Approvals needed: {}; {own}.", risks.map(needed).join(", "))
}

/// Somebody by their id, or by one of their accounts.
fn person(rules: &Rules, text: &str) -> Result<Person> {
    let people = rules.people();
    if people.profile(text).is_some() {
        return Ok(Person::human(text, &people.name_of(text)));
    }
    if let Some((platform, name)) = text.split_once(':') {
        return Ok(people
            .person_of(&Identity::member(platform, name))
            .map_err(|nobody| Refused::mistake(nobody.to_string()))?);
    }
    let next = if people.is_simple() {
        "without `[people]` in the config people are named by their account, like `console:ines`".to_owned()
    } else {
        format!("known: {}", some_of(people.iter().map(|(id, _)| id)))
    };
    Err(Refused::not_found(format!("nobody is called `{text}`")).next(next).into())
}

/// The verbs that are asked about, and the kind of action: either can be named.
fn asked(action: &str) -> Result<(Vec<Verb>, String)> {
    let kinds: Vec<&str> = runbooks::actions::ACTIONS.iter().map(|entry| entry.name).collect();
    if let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.as_str() == action.replace('-', "_")) {
        return Ok((vec![verb], "http".to_owned()));
    }
    if kinds.contains(&action) {
        return Ok((vec![Verb::Propose, Verb::Approve, Verb::Run, Verb::BreakGlass], action.to_owned()));
    }
    let verbs: Vec<&str> = Verb::ALL.into_iter().map(Verb::as_str).collect();
    let known = format!("known: {}; or a kind of step: {}", verbs.join(", "), kinds.join(", "));
    Err(Usage(format!("unknown action `{action}` ({known})")).into())
}
