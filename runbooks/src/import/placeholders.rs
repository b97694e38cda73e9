//! What a page leaves to be filled in (`<service>`, `$SERVICE`, `${service}`, `{{ service }}`) becomes parameters, with types guessed from their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::params::{Kind, Param};
use crate::render;

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    let name = "[A-Za-z](?:[A-Za-z0-9_ .-]{0,38}[A-Za-z0-9])?";
    let pattern = format!(
        r"\{{\{{\s*({name})\s*\}}\}}|\\?<({name})\\?>|\$\{{([A-Za-z_][A-Za-z0-9_]{{1,39}})\}}|\$([A-Za-z_][A-Za-z0-9_]{{1,39}})"
    );
    Regex::new(&pattern).expect("a pattern of ours")
});

/// What a shell knows by itself is no gap to be filled in.
const OF_THE_SHELL: [&str; 14] = [
    "HOME", "PATH", "USER", "PWD", "OLDPWD", "SHELL", "TMPDIR", "HOSTNAME", "LANG", "TERM", "RANDOM", "LOGNAME", "UID",
    "IFS",
];

/// Names that mean the same, when a page uses only one of them.
const SAME: [(&str, &[&str]); 2] = [
    ("service", &["service", "svc", "app", "application", "microservice", "component", "deployment"]),
    ("environment", &["environment", "env", "stage"]),
];

/// The placeholders of one page.
pub(super) struct Placeholders {
    /// From a name as it is written to that of its parameter.
    names: BTreeMap<String, String>,
    /// Variables that the page sets itself.
    set: BTreeSet<String>,
}

impl Placeholders {
    pub(super) fn of(text: &str) -> Placeholders {
        static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?m)(?:^|\s)(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=|\bfor\s+([A-Za-z_][A-Za-z0-9_]*)\s+in\b|\bread\s+([A-Za-z_][A-Za-z0-9_]*)").expect("a pattern of ours")
        });
        let set: BTreeSet<String> = ASSIGNMENT
            .captures_iter(text)
            .filter_map(|found| found.iter().skip(1).flatten().next().map(|name| name.as_str().to_owned()))
            .collect();
        let written: BTreeSet<String> = PLACEHOLDER
            .captures_iter(text)
            .filter(|found| !is_the_shell_s(found, &set))
            .map(|found| name_in(&found).to_owned())
            .collect();
        let plain: BTreeSet<String> = written.iter().map(|name| plain(name)).collect();
        let name = |name: &String| {
            let own = self::plain(name);
            let group = SAME.iter().find(|(_, names)| names.contains(&own.as_str()));
            let is_alone = |names: &[&str]| plain.iter().filter(|other| names.contains(&other.as_str())).count() == 1;
            let shared = group.filter(|(_, names)| is_alone(names)).map(|(name, _)| (*name).to_owned());
            (name.clone(), shared.unwrap_or(own))
        };
        Placeholders { names: written.iter().map(name).collect(), set }
    }

    /// The text as a template over parameters; other braces are no parameters and are parted.
    pub(super) fn fill(&self, text: &str) -> String {
        // Between two characters that no page holds, until all other braces are out of the way.
        let marked = PLACEHOLDER.replace_all(text, |found: &Captures<'_>| {
            match self.names.get(name_in(found)).filter(|_| !is_the_shell_s(found, &self.set)) {
                Some(name) => format!("\u{1}{name}\u{2}"),
                None => found[0].to_owned(),
            }
        });
        let mut parted = marked.into_owned();
        while parted.contains("{{") || parted.contains("}}") {
            parted = parted.replace("{{", "{ {").replace("}}", "} }");
        }
        // A brace that touches a parameter would be read as part of it.
        let parted = parted.replace("{\u{1}", "{ \u{1}").replace("\u{2}}", "\u{2} }").replace("\\\u{1}", "\\ \u{1}");
        parted.replace('\u{1}', "{{").replace('\u{2}', "}}")
    }

    /// Whether braces stand in a text that are no placeholder: filling it in would change it.
    pub(super) fn has_braces_of_its_own(&self, text: &str) -> bool {
        let rest = PLACEHOLDER.replace_all(text, |found: &Captures<'_>| {
            let is_known = self.names.contains_key(name_in(found)) && !is_the_shell_s(found, &self.set);
            if is_known { String::new() } else { found[0].to_owned() }
        });
        rest.contains("{{") || rest.contains("}}")
    }
}

/// Declares the parameters that templates name.
pub(super) fn params<'t>(templates: impl IntoIterator<Item = &'t str>) -> BTreeMap<String, Param> {
    let named = |source: &str| render::names_in(source).unwrap_or_default();
    let used: BTreeSet<String> = templates.into_iter().flat_map(named).collect();
    let has_service = used.contains("service");
    used.into_iter().map(|name| (name.clone(), guessed(&name, has_service))).collect()
}

fn name_in<'t>(found: &Captures<'t>) -> &'t str {
    found.iter().skip(1).flatten().next().map_or("", |name| name.as_str())
}

fn is_the_shell_s(found: &Captures<'_>, set: &BTreeSet<String>) -> bool {
    let variable = found.get(3).or(found.get(4)).map(|name| name.as_str());
    variable.is_some_and(|name| OF_THE_SHELL.contains(&name) || set.contains(name))
}

/// `Service-Name` → `service`.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let mut words: Vec<&str> = lower.split('_').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && ["your", "the", "my", "a", "target"].contains(&words[0]) {
        words.remove(0);
    }
    if words.len() > 1 && words.last() == Some(&"name") {
        words.pop();
    }
    words.join("_")
}

/// A declaration guessed from the name alone; a person looks at it.
pub fn guessed(name: &str, has_service: bool) -> Param {
    let words: Vec<&str> = name.split('_').collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let last = |known: &[&str]| words.last().is_some_and(|word| known.contains(word));
    let mut param = Param {
        kind: Kind::String,
        about: String::new(),
        from: None,
        default: None,
        pattern: None,
        max_length: None,
        min: None,
        max: None,
        values: Vec::new(),
    };
    let numbers = [
        "replicas", "count", "n", "num", "number", "port", "percent", "limit", "size", "pid", "revision", "minutes",
        "seconds", "hours", "days",
    ];
    param.kind = if last(&["service", "svc", "app", "application", "microservice"]) {
        Kind::Service
    } else if last(&["environment", "env", "stage"]) {
        Kind::Environment
    } else if last(&["host", "hostname", "node", "server", "machine"]) {
        Kind::Host
    } else if has_service && last(&["version", "release", "tag"]) {
        Kind::Version
    } else if last(&["queue", "topic"]) {
        Kind::Queue
    } else if last(&["flag", "feature", "toggle"]) {
        Kind::Flag
    } else if any(&numbers) {
        Kind::Integer
    } else if last(&["duration", "timeout", "since", "interval", "ttl"]) {
        Kind::Duration
    } else {
        Kind::String
    };
    match param.kind {
        Kind::Integer => {
            let (min, max) = if any(&["port"]) {
                (1, 65_535)
            } else if any(&["percent", "replicas"]) {
                (0, 100)
            } else {
                (0, 1_000_000)
            };
            (param.min, param.max) = (Some(min), Some(max));
        }
        Kind::String => {
            // Neither a flag nor a path upwards.
            param.pattern = Some("[A-Za-z0-9][A-Za-z0-9._:/@-]*".to_owned());
            param.max_length = Some(100);
        }
        _ => {}
    }
    param
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, wanted: &[(&str, Kind)]) {
        let placeholders = Placeholders::of(text);
        assert_eq!(placeholders.fill(text), expected);
        let found: Vec<(String, Kind)> =
            super::params([expected]).into_iter().map(|(name, param)| (name, param.kind)).collect();
        let wanted: Vec<(String, Kind)> = wanted.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        assert_eq!(found, wanted);
        assert!(crate::render::names_in(expected).is_ok());
    }

    #[test]
    fn gaps_become_parameters() {
        check(
            "restart <service> in $ENV",
            "restart {{service}} in {{environment}}",
            &[("environment", Kind::Environment), ("service", Kind::Service)],
        );
        check("<app-name>: ${TAG}", "{{service}}: {{tag}}", &[("service", Kind::Service), ("tag", Kind::Version)]);
        check("\\<your-host\\> {{ port }}", "{{host}} {{port}}", &[("host", Kind::Host), ("port", Kind::Integer)]);
        check(
            "<app> calls <service>",
            "{{app}} calls {{service}}",
            &[("app", Kind::Service), ("service", Kind::Service)],
        );
        check("<ticket number>", "{{ticket_number}}", &[("ticket_number", Kind::Integer)]);
    }

    #[test]
    fn what_is_no_gap_stays() {
        check("costs $5 and <3", "costs $5 and <3", &[]);
        check("cd $HOME", "cd $HOME", &[]);
        check("X=1; echo $X", "X=1; echo $X", &[]);
        check("a {{.Values.x}} {{{b}}}", "a { {.Values.x} } { {{b}} }", &[("b", Kind::String)]);
        check("<https://x.test> <a@b.test>", "<https://x.test> <a@b.test>", &[]);
        check("sort <in >out", "sort <in >out", &[]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_filled_is_always_a_template(text in "[a{}<>$ \\\\A.-]{0,30}") {
            let placeholders = Placeholders::of(&text);
            let filled = placeholders.fill(&text);
            let names = crate::render::names_in(&filled).map_err(proptest::test_runner::TestCaseError::fail)?;
            let declared = super::params([filled.as_str()]);
            proptest::prop_assert!(names.iter().all(|name| declared.contains_key(name)), "{filled}");
        }
    }
}
