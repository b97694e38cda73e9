//! Writes a runbook the way a person would: front matter and step blocks that read back as what they were written from.

use serde_json::Value as Json;

use crate::params::Param;
use crate::runbook::{Block, Head, Trigger, UndoBlock, VerifyBlock};

/// The front matter with its `---` lines.
pub fn front_matter(head: &Head) -> String {
    let mut text = format!("---\nid: {}\ntitle: {}\n", scalar(&head.id), scalar(&head.title));
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{key}: {}\n", scalar(value)));
        }
    };
    line("when", &head.when);
    line("owner", &head.owner);
    line("risk", head.risk.as_str());
    line("says", head.says.as_deref().unwrap_or_default());
    if !head.params.is_empty() {
        text.push_str("params:\n");
    }
    for (name, param) in &head.params {
        text.push_str(&format!("  {name}: {}\n", declaration(param)));
    }
    if !head.triggers.is_empty() {
        text.push_str("triggers:\n");
    }
    for trigger in &head.triggers {
        text.push_str(&trigger_lines(trigger));
    }
    text.push_str("---\n");
    text
}

/// A fenced `step` block.
pub fn step(block: &Block) -> String {
    let mut text = "```step\n".to_owned();
    for (key, value) in [("id", &block.id), ("action", &Some(block.action.clone()))] {
        text.extend(value.iter().map(|value| format!("{key}: {}\n", scalar(value))));
    }
    text.push_str(&entry("args", &block.args, 0));
    let risk = block.risk.map(|risk| risk.as_str().to_owned());
    for (key, value) in [("target", &block.target), ("risk", &risk), ("timeout", &block.timeout)] {
        text.extend(value.iter().map(|value| format!("{key}: {}\n", scalar(value))));
    }
    text.extend(block.verify.iter().map(verify));
    match &block.undo {
        Some(UndoBlock::Manual(sentence)) => text.push_str(&format!("undo: {}\n", scalar(sentence))),
        Some(UndoBlock::Step(step)) => {
            text.push_str(&format!("undo:\n  action: {}\n{}", scalar(&step.action), entry("args", &step.args, 1)));
        }
        None => {}
    }
    if block.together {
        text.push_str("together: true\n");
    }
    text.push_str("```\n");
    text
}

fn verify(verify: &VerifyBlock) -> String {
    let mut text = "verify:\n".to_owned();
    let mut line = |key: &str, value: Option<String>| {
        text.extend(value.map(|value| format!("  {key}: {value}\n")));
    };
    line("evidence", verify.evidence.as_deref().map(scalar));
    line("query", verify.query.as_deref().map(scalar));
    line("count", verify.count.map(|count| count.to_string()));
    line("at_most", verify.at_most.map(|count| count.to_string()));
    line("at_least", verify.at_least.map(|count| count.to_string()));
    line("for", verify.holds.as_deref().map(scalar));
    line("within", verify.within.as_deref().map(scalar));
    text
}

fn declaration(param: &Param) -> String {
    let mut parts = Vec::new();
    let value = serde_json::to_value(param).expect("a declaration is plain data");
    // The type first, as people write it.
    parts.push(format!("type: {}", flow(&value["type"])));
    let others = ["from", "pattern", "max_length", "min", "max", "values", "default", "about"];
    parts.extend(others.into_iter().filter_map(|key| {
        let value = value.get(key).filter(|value| !value.is_null() && value.as_str() != Some(""))?;
        Some(format!("{key}: {}", flow(value)))
    }));
    format!("{{ {} }}", parts.join(", "))
}

fn trigger_lines(trigger: &Trigger) -> String {
    let value = serde_json::to_value(trigger).expect("a trigger is plain data");
    let keys = ["changes", "evidence", "kinds", "verdicts", "no_change", "fit"];
    let is_set = |value: &&Json| match value {
        Json::Null | Json::Bool(false) => false,
        Json::Array(items) => !items.is_empty(),
        Json::Bool(true) | Json::Number(_) | Json::String(_) | Json::Object(_) => true,
    };
    let set = keys.into_iter().filter_map(|key| value.get(key).filter(is_set).map(|value| (key, value)));
    let lines = set
        .enumerate()
        .map(|(idx, (key, value))| format!("  {} {key}: {}\n", if idx == 0 { "-" } else { " " }, flow(value)));
    lines.collect()
}

/// `key: value`, tables and lists of tables below it.
fn entry(key: &str, value: &Json, depth: usize) -> String {
    let margin = "  ".repeat(depth);
    match value {
        Json::Null => String::new(),
        Json::Object(map) if !map.is_empty() => {
            let inner: String = map.iter().map(|(key, value)| entry(&scalar(key), value, depth + 1)).collect();
            format!("{margin}{key}:\n{inner}")
        }
        Json::Object(_) | Json::Array(_) | Json::String(_) | Json::Number(_) | Json::Bool(_) => {
            format!("{margin}{key}: {}\n", flow(value))
        }
    }
}

/// A value on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        // What is left is JSON, which YAML reads.
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => value.to_string(),
    }
}

/// A text as it stands when YAML reads it as that text, else in double quotes.
fn scalar(text: &str) -> String {
    let is_safe = |c: char| c.is_alphanumeric() || " ._/()+-".contains(c);
    let is_plain = text.chars().next().is_some_and(char::is_alphabetic)
        && text.chars().all(is_safe)
        && !text.ends_with(' ')
        && serde_saphyr::from_str::<String>(text).is_ok_and(|read| read == text)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"]
            .contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// JSON's quotes, with every character that YAML does not print written out.
fn quoted(text: &str) -> String {
    let json = Json::from(text).to_string();
    let is_printed = |c: char| {
        c != '\u{7f}'
            && !('\u{80}'..='\u{9f}').contains(&c)
            && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    json.chars().map(|c| if is_printed(c) { c.to_string() } else { format!("\\u{:04x}", c as u32) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::markdown::read;

    #[test]
    fn every_shipped_runbook_reads_back_as_it_was() {
        for runbook in Catalog::shipped().iter() {
            let steps: String =
                runbook.steps.iter().map(|one| format!("## {}\n\n{}\n", one.heading, step(&one.block))).collect();
            let text = format!("{}\n{steps}", front_matter(&runbook.head));
            let again = read(&text, "again.md").unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
            let json = |head: &Head| serde_json::to_value(head).unwrap();
            assert_eq!(json(&again.head), json(&runbook.head));
            let blocks = |runbook: &crate::Runbook| {
                runbook.steps.iter().map(|step| serde_json::to_value(&step.block).unwrap()).collect::<Vec<_>>()
            };
            assert_eq!(blocks(&again), blocks(runbook), "{text}");
        }
    }

    #[test]
    fn any_text_reads_back() {
        let hard = [
            "",
            " x ",
            "a: b",
            "yes",
            "1.5",
            "0x10",
            "null",
            "~",
            "- a",
            "#x",
            "a # b",
            "ü 火",
            "\u{7f}\u{85}\u{2028}",
            "\"'\\",
            "{{x}}",
            "```",
            "a\n```\nb",
            "1e3",
            "2024-01-01",
            "1:30",
            "=",
            "<<",
            "!x",
            "&x",
            "*x",
            "%x",
            "@x",
            "`x`",
            "inf",
            "+1",
            "N",
        ];
        for text in hard {
            let yaml = format!("a: {}\n", scalar(text));
            let read: std::collections::BTreeMap<String, String> =
                serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
            assert_eq!(read["a"], text, "{yaml}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_is(text in "\\PC*|(?s).{0,40}") {
            let yaml = format!("a: {}\n", scalar(&text));
            let read: std::collections::BTreeMap<String, String> = serde_saphyr::from_str(&yaml).map_err(|error| proptest::test_runner::TestCaseError::fail(format!("{yaml:?}: {error}")))?;
            proptest::prop_assert_eq!(&read["a"], &text);
        }
    }
}
