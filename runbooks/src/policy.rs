//! How many people must agree, who they may be, and how long an agreement lasts.
//! Every default refuses: with no settings nobody may approve anything.

use std::collections::BTreeSet;

use evidence::answer::Risk;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::approval::Person;
use crate::canonical::{self, Digest};

/// `[approval]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Ids of people who may approve; `*` means everyone who is signed in. Empty: nobody.
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
            approvals: Approvals::default(),
            self_approval: false,
            ttl_seconds: 15 * 60,
            start_deadline_seconds: 5 * 60,
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
        for (key, seconds) in
            [("ttl_seconds", self.ttl_seconds), ("start_deadline_seconds", self.start_deadline_seconds)]
        {
            if !(10..=86_400).contains(&seconds) {
                mistakes.push(format!("`{key} = {seconds}` must be between 10 and 86400"));
            }
        }
        mistakes
    }
}

/// The rules in force at one moment, read again when a step starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    settings: Settings,
    version: String,
}

impl Rules {
    pub fn new(settings: Settings) -> Rules {
        let text = canonical::to_string(&settings).expect("settings hold no floats");
        let version = format!("rules-{}", Digest::of(text).short());
        Rules { settings, version }
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

    pub fn may_approve(&self, person: &Person) -> bool {
        person.human && listed(&self.settings.approvers, &person.id)
    }

    pub fn may_act_in(&self, environment: &str) -> bool {
        listed(&self.settings.environments, environment)
    }

    pub fn has_approvers(&self) -> bool {
        !self.settings.approvers.is_empty()
    }

    /// Who may approve, in words for a card: `1 of ines, tom`.
    pub fn approvers_text(&self, risk: Risk) -> String {
        let needed = self.approvals_needed(risk);
        if self.settings.approvers.contains("*") {
            return format!("{needed} of everyone who is signed in");
        }
        let names: Vec<&str> = self.settings.approvers.iter().map(String::as_str).collect();
        if names.is_empty() { "nobody may approve yet".to_owned() } else { format!("{needed} of {}", names.join(", ")) }
    }

    pub fn ttl(&self) -> SignedDuration {
        SignedDuration::from_secs(self.settings.ttl_seconds.into())
    }

    pub fn start_deadline(&self) -> SignedDuration {
        SignedDuration::from_secs(self.settings.start_deadline_seconds.into())
    }
}

fn listed(list: &BTreeSet<String>, name: &str) -> bool {
    list.contains("*") || list.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_nobody_may_do_anything() {
        let rules = Rules::new(Settings::default());
        assert!(!rules.may_approve(&Person::human("ines", "Ines")));
        assert!(!rules.may_act_in("production"));
        assert!(!rules.may_approve_own(Risk::Medium));
        assert_eq!(rules.approvals_needed(Risk::High), 2);
    }

    #[test]
    fn a_zero_in_the_settings_is_reported_and_never_means_no_approval() {
        let approvals = Approvals { low: 0, medium: 0, high: 0 };
        let settings = Settings { approvals, ttl_seconds: 1, ..Settings::default() };
        assert_eq!(settings.mistakes().len(), 4);
        assert_eq!(Rules::new(settings).approvals_needed(Risk::Low), 1);
    }

    #[test]
    fn a_program_is_never_an_approver() {
        assert!(!Rules::of_the_demo().may_approve(&Person::program("firstline")));
        assert!(Rules::of_the_demo().may_approve(&Person::human("you", "You")));
    }

    #[test]
    fn the_version_follows_the_rules() {
        let other = Settings { self_approval: true, ..Settings::default() };
        assert_ne!(Rules::new(Settings::default()).version(), Rules::new(other).version());
    }
}
