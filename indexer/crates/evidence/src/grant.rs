//! What somebody may see: services in environments. Nothing is seen that no allowance names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// In a list of names: every one of them, and also what has none.
pub const ALL: &str = "*";

/// What somebody may see, as a union of allowances.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grant(BTreeSet<Allowance>);

/// Every one of these services in every one of these environments. Names compare without case, as in searches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Allowance {
    services: BTreeSet<String>,
    environments: BTreeSet<String>,
}

impl Allowance {
    pub fn new<'n>(
        services: impl IntoIterator<Item = &'n str>,
        environments: impl IntoIterator<Item = &'n str>,
    ) -> Allowance {
        Allowance { services: names(services), environments: names(environments) }
    }

    /// `None` for every service.
    pub fn services(&self) -> Option<&BTreeSet<String>> {
        (!self.services.contains(ALL)).then_some(&self.services)
    }

    /// `None` for every environment, and for what names none.
    pub fn environments(&self) -> Option<&BTreeSet<String>> {
        (!self.environments.contains(ALL)).then_some(&self.environments)
    }

    fn has_service(&self, service: &str) -> bool {
        self.services().is_none_or(|services| services.contains(service))
    }
}

impl Grant {
    pub fn everything() -> Grant {
        Grant::of([Allowance::new([ALL], [ALL])])
    }

    pub fn nothing() -> Grant {
        Grant::default()
    }

    pub fn of(allowances: impl IntoIterator<Item = Allowance>) -> Grant {
        Grant(allowances.into_iter().collect())
    }

    pub fn allowances(&self) -> impl Iterator<Item = &Allowance> {
        self.0.iter()
    }

    /// Whether there is nothing to hide.
    pub fn is_everything(&self) -> bool {
        self.0.iter().any(|allowance| allowance.services().is_none() && allowance.environments().is_none())
    }

    /// Whether something of `service` may be seen; what names no environment only by who is granted all of them.
    pub fn allows(&self, service: &str, environment: Option<&str>) -> bool {
        let service = service.to_lowercase();
        let environment = environment.map(str::to_lowercase);
        self.0.iter().any(|allowance| {
            let in_environment = |environments: &BTreeSet<String>| {
                environment.as_ref().is_some_and(|environment| environments.contains(environment))
            };
            allowance.has_service(&service) && allowance.environments().is_none_or(in_environment)
        })
    }

    /// Whether something of `service` may be seen in one environment at least.
    pub fn allows_some_of(&self, service: &str) -> bool {
        let service = service.to_lowercase();
        self.0.iter().any(|allowance| allowance.has_service(&service) && !allowance.environments.is_empty())
    }

    /// Whether something may be seen in this environment.
    pub fn allows_some_in(&self, environment: &str) -> bool {
        let environment = environment.to_lowercase();
        let is_in = |names: &BTreeSet<String>| names.contains(&environment);
        self.0.iter().any(|allowance| !allowance.services.is_empty() && allowance.environments().is_none_or(is_in))
    }

    /// Whether somebody with this grant may see all that somebody with `other` may.
    pub fn covers(&self, other: &Grant) -> bool {
        self.is_everything()
            || other.0.iter().all(|wanted| match wanted.services() {
                None => self.covers_environments(wanted, |mine| mine.services().is_none()),
                Some(services) => {
                    services.iter().all(|service| self.covers_environments(wanted, |mine| mine.has_service(service)))
                }
            })
    }

    fn covers_environments(&self, wanted: &Allowance, applies: impl Fn(&Allowance) -> bool) -> bool {
        let mine = || self.0.iter().filter(|allowance| applies(allowance));
        let has = |name: &String| {
            mine().any(|allowance| allowance.environments().is_none_or(|environments| environments.contains(name)))
        };
        match wanted.environments() {
            None => mine().any(|allowance| allowance.environments().is_none()),
            Some(environments) => environments.iter().all(has),
        }
    }
}

fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(pairs: &[(&[&str], &[&str])]) -> Grant {
        Grant::of(
            pairs
                .iter()
                .map(|(services, environments)| Allowance::new(services.iter().copied(), environments.iter().copied())),
        )
    }

    #[test]
    fn only_what_is_named_is_seen() {
        let mine = grant(&[(&["Checkout"], &["*"]), (&["search"], &["staging"])]);
        assert!(mine.allows("checkout", None) && mine.allows("CHECKOUT", Some("production")));
        assert!(mine.allows("search", Some("Staging")));
        assert!(!mine.allows("search", Some("production")) && !mine.allows("search", None));
        assert!(!mine.allows("billing", Some("staging")) && !mine.allows("*", None));
        assert!(mine.allows_some_of("search") && !mine.allows_some_of("billing"));
        assert!(mine.allows_some_in("production") && !grant(&[(&["a"], &["b"])]).allows_some_in("production"));
        assert!(!Grant::nothing().allows("checkout", None) && Grant::everything().allows("x", None));
    }

    #[test]
    fn a_wider_grant_covers_a_narrower_one_and_never_the_other_way() {
        let all = Grant::everything();
        let wide = grant(&[(&["a", "b"], &["*"])]);
        let one = grant(&[(&["a"], &["production"])]);
        let two = grant(&[(&["a"], &["production"]), (&["a"], &["staging"])]);
        let every_service = grant(&[(&["*"], &["production"])]);
        for (mine, other, expected) in [
            (&all, &wide, true),
            (&wide, &all, false),
            (&wide, &one, true),
            (&one, &wide, false),
            (&two, &grant(&[(&["a"], &["production", "staging"])]), true),
            (&two, &grant(&[(&["a"], &["*"])]), false),
            (&every_service, &one, true),
            (&every_service, &two, false),
            (&wide, &every_service, false),
            (&one, &Grant::nothing(), true),
            (&Grant::nothing(), &one, false),
        ] {
            assert_eq!(mine.covers(other), expected, "{mine:?} covers {other:?}");
        }
    }
}
