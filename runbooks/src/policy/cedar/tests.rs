//! The shipped example does what its comments say, and mistakes are found where they stand.

use super::*;

const SHIPPED: &str = include_str!("../../../../deploy/policy/firstline.cedar");

fn parse(text: &str) -> Result<Policies, Vec<Mistake>> {
    Policies::parse(BTreeMap::from([("own.cedar".to_owned(), text.to_owned())]))
}

fn on(service: &str, environment: &str, risk: Risk) -> Operation {
    Operation {
        action: "http".into(),
        runbook: "roll-back-deploy".into(),
        service: service.into(),
        target: service.into(),
        environment: environment.into(),
        risk,
    }
}

#[track_caller]
fn check(roles: &[&str], verb: Verb, on: &Operation, allowed: bool, why: &str) {
    let policies = parse(SHIPPED).unwrap();
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let ruling = policies.ask(&Person::human("ines", "Ines"), &roles, verb, on);
    assert_eq!((ruling.allowed, ruling.why().contains(why)), (allowed, true), "{}", ruling.why());
}

#[test]
fn the_shipped_example_does_what_it_says() {
    let checkout = |risk| on("checkout", "production", risk);
    let payment = on("payment", "production", Risk::Low);
    check(&["engineer"], Verb::See, &checkout(Risk::Low), true, "`engineers see`");
    check(&["engineer"], Verb::Propose, &checkout(Risk::High), true, "`engineers propose`");
    check(&["engineer"], Verb::Approve, &checkout(Risk::Low), false, "no policy permits it");
    check(&["oncall"], Verb::Approve, &checkout(Risk::Medium), true, "`on call approves low and medium risk`");
    check(&["oncall"], Verb::Approve, &checkout(Risk::High), false, "no policy permits it");
    check(&["senior-oncall"], Verb::Run, &checkout(Risk::High), true, "`senior on call approves everything`");
    check(&["senior-oncall"], Verb::Approve, &payment, false, "forbidden by `only payment's own people touch payment`");
    check(&["oncall", "payment-oncall"], Verb::Approve, &payment, true, "`on call");
    check(&["incident-lead"], Verb::BreakGlass, &checkout(Risk::High), true, "`incident lead breaks glass");
    check(&["incident-lead"], Verb::BreakGlass, &on("checkout", "staging", Risk::Low), false, "no policy permits it");
    check(&[], Verb::See, &checkout(Risk::Low), false, "no policy permits it");
}

#[test]
fn mistakes_are_found_with_their_place() {
    let wrong = |text: &str| parse(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let syntax = wrong("permit (principal, action, resource)\n\nforbid");
    assert!(syntax.contains("own.cedar:3:"), "{syntax}");
    let unknown = wrong("// one\npermit (principal, action == Action::\"aprove\", resource);");
    assert!(
        unknown.contains("own.cedar:2:") && unknown.contains("known: see, propose, approve, run, break_glass"),
        "{unknown}"
    );
    let attribute =
        wrong("permit (principal, action == Action::\"see\", resource)\nwhen { resource.risk == \"low\" };");
    assert!(attribute.contains("own.cedar:2:") && attribute.contains("risk"), "{attribute}");
    let twice = wrong(
        "@id(\"a\") permit (principal, action == Action::\"see\", resource);\n@id(\"a\") forbid (principal, action == Action::\"see\", resource);",
    );
    assert!(twice.contains("same id"), "{twice}");
    let template = wrong("permit (principal == ?principal, action == Action::\"see\", resource);");
    assert!(template.contains("template"), "{template}");
}

#[test]
fn a_policy_that_cannot_be_evaluated_refuses() {
    let text = "permit (principal, action == Action::\"approve\", resource);\n\
                forbid (principal, action == Action::\"approve\", resource) when { resource.risk_level + 9223372036854775807 > 0 };";
    let ruling = parse(text).unwrap().ask(
        &Person::human("ines", "Ines"),
        &BTreeSet::new(),
        Verb::Approve,
        &on("checkout", "production", Risk::High),
    );
    assert!(!ruling.allowed && ruling.why().contains("cannot be evaluated"), "{}", ruling.why());
}
