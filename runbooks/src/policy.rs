//! The rules: who may do what (Cedar policies over people and roles), how many must agree, and how long an agreement lasts.
//! Every default refuses: with no settings nobody may approve anything.

pub mod cedar;

pub mod request;

use std::collections::BTreeSet;
use std::path::PathBuf;

use evidence::answer::Risk;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use cedar::Policies;
pub use request::{Operation, Ruling, Verb};

use crate::canonical::{self, Digest};
use crate::people::{People, Person};

/// `[approval]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Cedar policies: files, or folders of `*.cedar`. They say who may what; `approvers` and `environments` are for setups
    /// without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PathBuf>,
    /// People, or their accounts, who may approve; `*` means everyone who is signed in. Empty: nobody.
    pub approvers: BTreeSet<String>,
    /// Environments in which steps may be approved; `*` means all. Empty: none.
    pub environments: BTreeSet<String>,
    /// Distinct people who must approve a step of each risk.
    pub approvals: Approvals,
    /// Whether the person who asked may approve steps of medium and high risk themselves.
    pub self_approval: bool,
    /// Seconds until a proposed step expires.
    pub ttl_seconds: u32,
    /// Seconds an approved step may wait before it starts.
    pub start_deadline_seconds: u32,
    /// Steps that may run at the same time, whatever they act on.
    pub max_running: u32,
    /// Starting without the quorum in an emergency.
    #[serde(skip_serializing_if = "BreakGlass::is_default")]
    pub break_glass: BreakGlass,
}

/// `[approval.break_glass]`: nobody can, unless a policy permits it and there is a second channel to page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakGlass {
    /// The endpoint of `[actions.endpoints]` that is told at once: somebody who is not in the conversation must hear of it.
    pub page_endpoint: String,
    /// Where on it: `/v2/alerts`.
    pub page_path: String,
    /// Seconds within which the step has to start.
    pub start_deadline_seconds: u32,
}

impl BreakGlass {
    fn is_default(&self) -> bool {
        *self == BreakGlass::default()
    }
}

impl Default for BreakGlass {
    fn default() -> BreakGlass {
        BreakGlass { page_endpoint: String::new(), page_path: String::new(), start_deadline_seconds: 5 * 60 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    pub low: u32,
    pub medium: u32,
    pub high: u32,
}

impl Default for Approvals {
    fn default() -> Approvals {
        Approvals { low: 1, medium: 1, high: 2 }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            approvers: BTreeSet::new(),
            environments: BTreeSet::new(),
            policies: Vec::new(),
            approvals: Approvals::default(),
            self_approval: false,
            ttl_seconds: 15 * 60,
            start_deadline_seconds: 5 * 60,
            max_running: 4,
            break_glass: BreakGlass::default(),
        }
    }
}

impl Settings {
    /// What is wrong with these settings, all of it, each with the key it is about.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let Approvals { low, medium, high } = self.approvals;
        for (key, needed) in [("low", low), ("medium", medium), ("high", high)] {
            if needed == 0 {
                mistakes.push(format!("`approvals.{key} = 0` must be at least 1"));
            }
            let listed = u32::try_from(self.approvers.len()).unwrap_or(u32::MAX);
            if !self.approvers.is_empty() && !self.approvers.contains("*") && needed > listed {
                let people = if listed == 1 { "person" } else { "people" };
                mistakes.push(format!(
                    "`approvers` lists {listed} {people}, but a step of {key} risk needs {needed}; list more, or write `{key} = {listed}` under `[approval.approvals]`"
                ));
            }
        }
        if self.max_running == 0 {
            mistakes.push("`max_running = 0` must be at least 1".to_owned());
        }
        let lengths = [
            ("ttl_seconds", self.ttl_seconds, 86_400),
            ("start_deadline_seconds", self.start_deadline_seconds, 86_400),
            ("break_glass.start_deadline_seconds", self.break_glass.start_deadline_seconds, 300),
        ];
        for (key, seconds, most) in lengths {
            if !(10..=most).contains(&seconds) {
                mistakes.push(format!("`{key} = {seconds}` must be between 10 and {most}"));
            }
        }
        if !self.policies.is_empty() {
            let idle = [("approvers", !self.approvers.is_empty()), ("environments", !self.environments.is_empty())];
            for (key, _) in idle.into_iter().filter(|(_, is_set)| *is_set) {
                mistakes.push(format!(
                    "`{key}` means nothing beside `policies`; say it in a policy, or leave one of them out"
                ));
            }
        }
        let BreakGlass { page_endpoint, page_path, .. } = &self.break_glass;
        if page_endpoint.is_empty() != page_path.is_empty() {
            mistakes.push("`break_glass.page_endpoint` and `break_glass.page_path` need each other".to_owned());
        }
        mistakes
    }
}

/// The role of those whom `approvers` lists.
const APPROVER: &str = "approver";

/// The rules in force at one moment, read again when a step starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    settings: Settings,
    people: People,
    policies: Policies,
    version: String,
}

impl Rules {
    /// The rules of settings without policies or people.
    pub fn new(settings: Settings) -> Rules {
        Rules::with(settings, People::default(), None)
    }

    /// The rules of settings, people and policies; without policies `approvers` and `environments` are turned into some.
    pub fn with(settings: Settings, people: People, policies: Option<Policies>) -> Rules {
        let policies = policies.unwrap_or_else(|| simple(&settings));
        let rights: Vec<_> = people.iter().map(|(id, who)| (id, who.active, &who.roles, &who.identities)).collect();
        let text = canonical::to_string(&(&settings, rights, policies.files())).expect("settings hold no floats");
        let version = format!("rules-{}", Digest::of(text).short());
        Rules { settings, people, policies, version }
    }

    /// For the demo: its one person may approve everything that the demo itself proposes.
    pub fn of_the_demo() -> Rules {
        let everyone = BTreeSet::from(["*".to_owned()]);
        Rules::new(Settings {
            approvers: everyone.clone(),
            environments: everyone,
            approvals: Approvals { low: 1, medium: 1, high: 1 },
            self_approval: true,
            ..Settings::default()
        })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes whenever a rule does; part of what a digest binds.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Never `0`, whatever the settings say.
    pub fn approvals_needed(&self, risk: Risk) -> u32 {
        let Approvals { low, medium, high } = self.settings.approvals;
        match risk {
            Risk::Low => low.max(1),
            Risk::Medium => medium.max(1),
            Risk::High => high.max(1),
        }
    }

    /// Whether the person who asked for a step of this risk may approve it.
    pub fn may_approve_own(&self, risk: Risk) -> bool {
        self.settings.self_approval || risk == Risk::Low
    }

    pub fn people(&self) -> &People {
        &self.people
    }

    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Whether `approvers` and `environments` say who may what, and no policy of somebody's own.
    pub fn is_simple(&self) -> bool {
        self.settings.policies.is_empty()
    }

    /// Whether `person` may do this now: rights are looked up by id, whatever is said of them elsewhere.
    pub fn may(&self, person: &Person, verb: Verb, on: &Operation) -> Ruling {
        match self.roles_of(person) {
            Some(roles) => self.policies.ask(person, &roles, verb, on),
            None => Ruling::refused(),
        }
    }

    /// The roles that somebody holds now; `None` for whoever is nobody: programs, and people who are not known or not active.
    pub fn roles_of(&self, person: &Person) -> Option<BTreeSet<String>> {
        if !person.human {
            return None;
        }
        let listed = |name: &String| self.settings.approvers.contains(name);
        if self.people.is_simple() {
            let is_approver = self.settings.approvers.contains("*") || listed(&person.id);
            return Some(is_approver.then(|| APPROVER.to_owned()).into_iter().collect());
        }
        let profile = self.people.profile(&person.id).filter(|profile| profile.active)?;
        let mut roles = profile.roles.clone();
        if self.is_simple() {
            // Nobody gets this role but by being listed.
            roles.remove(APPROVER);
            let is_approver = self.settings.approvers.contains("*") || listed(&person.id);
            if is_approver || profile.identities.iter().any(listed) {
                roles.insert(APPROVER.to_owned());
            }
        }
        Some(roles)
    }

    pub fn may_act_in(&self, environment: &str) -> bool {
        !self.is_simple() || listed(&self.settings.environments, environment)
    }

    pub fn has_approvers(&self) -> bool {
        !self.is_simple() || !self.settings.approvers.is_empty()
    }

    /// Who may approve this, in words for a card: `1 of ines, tom`.
    pub fn approvers_text(&self, on: &Operation) -> String {
        let needed = self.approvals_needed(on.risk);
        if self.settings.approvers.contains("*") {
            return format!("{needed} of everyone who is signed in");
        }
        let names: Vec<String> = if self.people.is_simple() {
            self.settings.approvers.iter().cloned().collect()
        } else {
            let may = |id: &str| self.may(&Person::human(id, &self.people.name_of(id)), Verb::Approve, on).allowed;
            self.people.iter().filter(|(id, _)| may(id)).map(|(id, _)| self.people.name_of(id)).collect()
        };
        if names.is_empty() {
            "nobody may approve this".to_owned()
        } else {
            format!("{needed} of {}", names.join(", "))
        }
    }

    pub fn break_glass(&self) -> &BreakGlass {
        &self.settings.break_glass
    }

    pub fn ttl(&self) -> SignedDuration {
        SignedDuration::from_secs(self.settings.ttl_seconds.into())
    }

    pub fn start_deadline(&self) -> SignedDuration {
        SignedDuration::from_secs(self.settings.start_deadline_seconds.into())
    }
}

/// `approvers` and `environments` as policies, so that there is one way to decide.
fn simple(settings: &Settings) -> Policies {
    let environments: Vec<String> = settings.environments.iter().map(|name| format!("{name:?}")).collect();
    let anywhere = settings.environments.contains("*");
    let when = if anywhere {
        String::new()
    } else {
        format!("\nwhen {{ [{}].contains(resource.environment) }}", environments.join(", "))
    };
    let mut text = "@id(\"whoever is signed in\")\npermit (principal, action in [Action::\"see\", Action::\"propose\"], resource);\n".to_owned();
    if !environments.is_empty() {
        text.push_str(&format!(
            "@id(\"approvers\")\npermit (principal in Role::\"{APPROVER}\", action in [Action::\"approve\", Action::\"run\"], resource){when};\n"
        ));
    }
    let files = [("[approval] of the config".to_owned(), text)].into();
    Policies::parse(files).expect("names are quoted, the rest is ours")
}

fn listed(list: &BTreeSet<String>, name: &str) -> bool {
    list.contains("*") || list.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation() -> Operation {
        Operation {
            action: "http".into(),
            runbook: "roll-back-deploy".into(),
            service: "checkout".into(),
            target: "checkout".into(),
            environment: "production".into(),
            risk: Risk::Medium,
        }
    }

    #[test]
    fn an_environment_cannot_smuggle_in_a_policy() {
        let odd = r#"x"].contains(1) }; permit (principal, action, resource) when { ["y"#;
        let settings = Settings {
            approvers: BTreeSet::from(["ines".to_owned()]),
            environments: BTreeSet::from([odd.to_owned()]),
            ..Settings::default()
        };
        let rules = Rules::new(settings);
        assert_eq!(rules.policies().ids().len(), 2);
        let ines = Person::human("ines", "Ines");
        assert!(!rules.may(&ines, Verb::Approve, &operation()).allowed);
        let there = Operation { environment: odd.into(), ..operation() };
        assert!(rules.may(&ines, Verb::Approve, &there).allowed);
    }

    #[test]
    fn without_settings_nobody_may_do_anything() {
        let rules = Rules::new(Settings::default());
        for verb in [Verb::Approve, Verb::Run, Verb::BreakGlass] {
            assert!(!rules.may(&Person::human("ines", "Ines"), verb, &operation()).allowed);
        }
        assert!(!rules.may_act_in("production"));
        assert!(!rules.may_approve_own(Risk::Medium));
        assert_eq!(rules.approvals_needed(Risk::High), 2);
    }

    #[test]
    fn a_zero_in_the_settings_is_reported_and_never_means_no_approval() {
        let approvals = Approvals { low: 0, medium: 0, high: 0 };
        let settings = Settings { approvals, ttl_seconds: 1, ..Settings::default() };
        assert_eq!(settings.mistakes().len(), 4, "{:?}", settings.mistakes());
        assert_eq!(Rules::new(settings).approvals_needed(Risk::Low), 1);
    }

    #[test]
    fn a_program_is_never_an_approver() {
        assert!(!Rules::of_the_demo().may(&Person::program("firstline"), Verb::Approve, &operation()).allowed);
        assert!(Rules::of_the_demo().may(&Person::human("you", "You"), Verb::Approve, &operation()).allowed);
    }

    #[test]
    fn the_version_follows_the_rules() {
        let other = Settings { self_approval: true, ..Settings::default() };
        assert_ne!(Rules::new(Settings::default()).version(), Rules::new(other).version());
    }
}
