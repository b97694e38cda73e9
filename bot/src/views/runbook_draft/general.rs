//! Makes values parameters again: `checkout` becomes `{{service}}` where the value of `service` was `checkout`.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use runbooks::import::guessed;
use runbooks::params::{Kind, Param, Value};
use runbooks::runbook::{Block, UndoBlock, VerifyBlock};
use runbooks::{Catalog, render};
use serde_json::Value as Json;

use super::{Declared, Deed, values_of};

pub(super) struct General {
    values: Declared,
    used: BTreeSet<String>,
}

impl General {
    pub(super) fn of(deeds: &[Deed<'_>], catalog: &Catalog) -> General {
        let mut values = Declared::new();
        for deed in deeds {
            for (name, value) in values_of(deed, catalog) {
                // The first of two proposals that disagree gives the parameter; what the other acted on stays as it was.
                values.entry(name).or_insert(value);
            }
        }
        General { values, used: BTreeSet::new() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A text with the values in it as parameters; other braces are parted.
    pub(super) fn template(&mut self, text: &str) -> String {
        let mut marked = text.replace(['\u{1}', '\u{2}'], " ");
        while marked.contains("{{") || marked.contains("}}") {
            marked = marked.replace("{{", "{ {").replace("}}", "} }");
        }
        let mut names: Vec<(&String, &String)> = self.values.iter().map(|(name, (value, _))| (name, value)).collect();
        names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        for (name, value) in names {
            // A number or a word of two letters stands for many things.
            let stands_for_itself = value.len() > 2 && value.chars().any(char::is_alphabetic);
            if !stands_for_itself || ["true", "false"].contains(&value.as_str()) {
                continue;
            }
            let whole = format!(r"(^|[^A-Za-z0-9_\u{{1}}.-]){}($|[^A-Za-z0-9_\u{{2}}-])", regex::escape(value));
            let whole = Regex::new(&whole).expect("an escaped value is a pattern");
            // Neighbours share the character between them, so twice.
            for _ in 0..2 {
                let found = whole.replace_all(&marked, format!("${{1}}\u{1}{name}\u{2}${{2}}"));
                marked = found.into_owned();
            }
        }
        let marked = marked.replace("{\u{1}", "{ \u{1}").replace("\u{2}}", "\u{2} }").replace("\\\u{1}", "\\ \u{1}");
        let template = marked.replace('\u{1}', "{{").replace('\u{2}', "}}");
        self.used.extend(render::names_in(&template).unwrap_or_default());
        template
    }

    /// A title or a sentence with parameters, for reading.
    pub(super) fn prose(&mut self, text: &str) -> String {
        let used = self.used.clone();
        let said = harmless(&self.template(text));
        // What only prose names is no parameter of a step.
        self.used = used;
        said
    }

    pub(super) fn tree(&mut self, tree: &Json) -> Json {
        match tree {
            Json::String(text) => Json::from(self.whole(text).unwrap_or_else(|| self.template(text))),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.tree(item)).collect()),
            Json::Object(map) => {
                Json::Object(map.iter().map(|(key, item)| (key.clone(), self.named(key, item))).collect())
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => tree.clone(),
        }
    }

    /// A number or a switch is a parameter only where it stands under that parameter's name.
    fn named(&mut self, key: &str, item: &Json) -> Json {
        let written = item.to_string();
        let is_same = self.values.get(key).is_some_and(|(value, _)| *value == written);
        if (item.is_number() || item.is_boolean()) && is_same {
            self.used.insert(key.to_owned());
            return Json::from(format!("{{{{{key}}}}}"));
        }
        self.tree(item)
    }

    /// The parameter whose value a text is as a whole.
    fn whole(&mut self, text: &str) -> Option<String> {
        let (name, _) = self.values.iter().find(|(_, (value, _))| value == text && !text.is_empty())?;
        self.used.insert(name.clone());
        Some(format!("{{{{{name}}}}}"))
    }

    /// A block as its runbook has it: its parameters are used.
    pub(super) fn taken(&mut self, block: &Block) -> Block {
        let mut texts: Vec<&str> = render::texts(&block.args);
        texts.extend(block.target.as_deref());
        texts.extend(block.verify.as_ref().and_then(|VerifyBlock { query, .. }| query.as_deref()));
        match &block.undo {
            Some(UndoBlock::Manual(sentence)) => texts.push(sentence),
            Some(UndoBlock::Step(step)) => texts.extend(render::texts(&step.args)),
            None => {}
        }
        self.used.extend(texts.into_iter().flat_map(|text| render::names_in(text).unwrap_or_default()));
        block.clone()
    }

    /// The parameters that steps use, declared, and what had to be guessed of them. `is_asked_for` says that nothing proposes it
    /// by itself, so that every value is given by a person.
    pub(super) fn declared(&self, is_asked_for: bool) -> (BTreeMap<String, Param>, Vec<String>) {
        let mut guesses = Vec::new();
        let has_service = self.has("service");
        let mut params = BTreeMap::new();
        // A version is one of a service's, and what is acted on is one.
        let named = self.values.iter().filter(|(name, _)| self.used.contains(*name) || name.as_str() == "service");
        for (name, (value, declared)) in named {
            let mut param = declared.clone().unwrap_or_else(|| {
                guesses.push(format!("What `{name}` may be: its type is guessed; its value was `{value}`."));
                guessed(name, has_service)
            });
            let needs_value = !is_asked_for && param.source().is_none() && param.default.is_none();
            if needs_value {
                let literal = match param.kind {
                    Kind::Integer => value.parse().ok().map(Value::Integer),
                    Kind::Bool => value.parse().ok().map(Value::Bool),
                    _ => Some(Value::Text(value.clone())),
                };
                param.default = literal;
                guesses.push(format!("What `{name}` should be next time: its default is the value it had, `{value}`."));
            }
            params.insert(name.clone(), param);
        }
        (params, guesses)
    }
}

/// A line of prose in which nothing can begin a block of code, a heading or a tag.
pub(super) fn harmless(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.replace("```", "'''").replace("~~~", "---").replace('<', "\\<")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn general() -> General {
        let values = [("service", "checkout"), ("to", "v1.41"), ("replicas", "4"), ("on", "true")];
        let values = values.map(|(name, value)| (name.to_owned(), (value.to_owned(), None)));
        General { values: values.into(), used: BTreeSet::new() }
    }

    #[test]
    fn a_value_becomes_its_parameter_only_where_it_stands_whole() {
        let of = |text: &str| general().template(text);
        assert_eq!(of("restart checkout, then checkout checkout"), "restart {{service}}, then {{service}} {{service}}");
        assert_eq!(of("checkout-2 and mycheckout stay"), "checkout-2 and mycheckout stay");
        assert_eq!(of("to v1.41, not v1.410 with 4"), "to {{to}}, not v1.410 with 4");
        assert_eq!(of("{{checkout}} {checkout}"), "{ { {{service}} } } { {{service}} }");
        assert!(render::names_in(&of("\\checkout {{#if}}")).is_ok());
    }

    #[test]
    fn a_number_is_a_parameter_only_under_its_name() {
        let mut general = general();
        let tree = json!({"replicas": 4, "port": 4, "on": true, "off": true, "list": ["checkout", "4"]});
        let wanted = json!({"replicas": "{{replicas}}", "port": 4, "on": "{{on}}", "off": true, "list": ["{{service}}", "{{replicas}}"]});
        assert_eq!(general.tree(&tree), wanted);
        let (params, guesses) = general.declared(true);
        assert_eq!(params.keys().map(String::as_str).collect::<Vec<_>>(), ["on", "replicas", "service"]);
        assert_eq!(guesses.len(), 3);
    }

    #[test]
    fn prose_begins_nothing() {
        assert_eq!(harmless("a\n```step\n<b>"), "a '''step \\<b>");
    }
}
