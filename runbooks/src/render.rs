//! Fills the templates of a step. Only `{{name}}` of a declared parameter is allowed: no helpers, no blocks, no paths,
//! so that what a step can become is visible in its text.

use handlebars::template::{Template, TemplateElement};
use handlebars::{Handlebars, no_escape};
use serde_json::Value as Json;

use crate::params::{Value, Values};

/// The names a template uses.
///
/// # Errors
///
/// What is not allowed in it.
pub fn names_in(source: &str) -> Result<Vec<String>, String> {
    let template = Template::compile(source).map_err(|error| format!("`{source}` is not a template: {error}"))?;
    let mut names = Vec::new();
    for element in &template.elements {
        let name = match element {
            TemplateElement::RawString(_) => continue,
            TemplateElement::Expression(expression) => {
                let plain = !expression.block && expression.params.is_empty() && expression.hash.is_empty();
                expression.name.as_name().filter(|name| plain && is_name(name))
            }
            _ => None,
        };
        let Some(name) = name else {
            return Err(format!("`{source}`: only `{{{{name}}}}` of a parameter is allowed"));
        };
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Fills one template.
///
/// # Errors
///
/// The parameter that has no value.
pub fn text(source: &str, values: &Values) -> Result<String, String> {
    names_in(source)?;
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(no_escape);
    engine.render_template(source, values).map_err(|error| format!("`{source}`: {}", error.reason()))
}

/// Fills every text of a tree of arguments. A text that is exactly one parameter keeps that parameter's type.
///
/// # Errors
///
/// The parameter that has no value, or what is not allowed in a template.
pub fn tree(source: &Json, values: &Values) -> Result<Json, String> {
    Ok(match source {
        Json::String(source) => match sole_name(source).and_then(|name| values.get(name)) {
            Some(Value::Integer(number)) => Json::from(*number),
            Some(Value::Bool(value)) => Json::from(*value),
            Some(Value::Text(_)) | None => Json::from(text(source, values)?),
        },
        Json::Array(items) => Json::Array(items.iter().map(|item| tree(item, values)).collect::<Result<_, _>>()?),
        Json::Object(map) => {
            let filled: Result<_, String> =
                map.iter().map(|(key, item)| Ok((key.clone(), tree(item, values)?))).collect();
            Json::Object(filled?)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => source.clone(),
    })
}

/// Every text in a tree.
pub fn texts(source: &Json) -> Vec<&str> {
    match source {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        Json::Object(map) => map.values().flat_map(texts).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

fn sole_name(source: &str) -> Option<&str> {
    let name = source.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    is_name(name).then_some(name)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values() -> Values {
        let text = |text: &str| Value::Text(text.to_owned());
        Values::from([
            ("service".into(), text("cart & {{to}} \"x\"")),
            ("to".into(), text("v1")),
            ("replicas".into(), Value::Integer(4)),
            ("on".into(), Value::Bool(false)),
        ])
    }

    #[test]
    fn a_value_is_inserted_once_and_as_it_is() {
        assert_eq!(text("{{service}} to {{ to }}", &values()).unwrap(), "cart & {{to}} \"x\" to v1");
    }

    #[test]
    fn a_sole_parameter_keeps_its_type() {
        let body =
            json!({"n": "{{replicas}}", "on": "{{on}}", "text": "x{{replicas}}", "list": ["{{to}}"], "fixed": 3});
        let expected = json!({"n": 4, "on": false, "text": "x4", "list": ["v1"], "fixed": 3});
        assert_eq!(tree(&body, &values()).unwrap(), expected);
    }

    #[test]
    fn nothing_but_names_is_allowed() {
        assert_eq!(names_in("a {{to}} b {{service}}").unwrap(), ["to", "service"]);
        for source in [
            "{{#if to}}x{{/if}}",
            "{{lookup to 1}}",
            "{{> other}}",
            "{{{to}}}",
            "{{to.x}}",
            "{{../to}}",
            "{{@root}}",
            "{{",
        ] {
            assert!(names_in(source).is_err(), "{source}");
        }
        assert!(text("{{missing}}", &values()).unwrap_err().contains("missing"));
    }
}
