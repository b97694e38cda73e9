//! One version of one prompt: two files, checked and digested when the catalog is made, rendered strictly and within a size.

use handlebars::Handlebars;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::fence::Fence;

/// Parts the system message from the user message in a `.hbs` file.
const USER: &str = "\n=== user ===\n";

/// Text from outside is never cut below this to make the whole fit.
const LEAST_TEXT_BYTES: usize = 48;

/// The two files of a version, as they are compiled in.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub name: &'static str,
    pub version: u32,
    pub text: &'static str,
    pub about: &'static str,
}

#[derive(Debug)]
pub struct Template {
    /// `tell@v1`.
    pub name_version: String,
    pub about: About,
    /// SHA-256 over both files, in hex.
    pub digest: String,
    /// As written.
    pub text: &'static str,
    /// The JSON Schema of the reply, still open to any citation.
    pub schema: Value,
    engine: Handlebars<'static>,
}

/// What stands in the `.toml` file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    pub purpose: String,
    /// What changed since the last version, and why.
    pub changed: String,
    pub inputs: Vec<String>,
    pub limits: Limits,
    pub reply: ReplyForm,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyForm {
    /// JSON Schema, as JSON.
    pub schema: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub prompt_bytes: usize,
    pub text_bytes: usize,
    pub claims: usize,
    pub suspects: usize,
    pub evidence: usize,
    pub samples: usize,
    pub changes: usize,
    pub reply_tokens: u32,
    pub sentences: usize,
    pub sentence_chars: usize,
    pub headline_chars: usize,
    pub citations: usize,
}

impl Template {
    /// # Errors
    ///
    /// [`Error::Template`] when one of the files does not parse.
    pub fn new(source: Source) -> Result<Template, Error> {
        let name_version = format!("{}@v{}", source.name, source.version);
        let broken = |why: String| Error::Template { prompt: name_version.clone(), why };
        let about: About = toml::from_str(source.about).map_err(|error| broken(error.to_string()))?;
        let schema: Value = serde_json::from_str(&about.reply.schema).map_err(|error| broken(error.to_string()))?;
        let (system, user) =
            source.text.split_once(USER).ok_or_else(|| broken("there is no line `=== user ===`".to_owned()))?;
        let mut engine = Handlebars::new();
        engine.set_strict_mode(true);
        engine.register_escape_fn(handlebars::no_escape);
        engine.register_template_string("system", system).map_err(|error| broken(error.to_string()))?;
        engine.register_template_string("user", user).map_err(|error| broken(error.to_string()))?;
        let digest = digest(source);
        Ok(Template { name_version, about, digest, text: source.text, schema, engine })
    }

    /// Returns the system and the user message over cleaned `inputs`.
    ///
    /// Text is shortened evenly until both fit into `limits.prompt_bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] when even the shortest text does not fit; [`Error::WeakMark`] when `mark` could be guessed.
    pub(crate) fn render(&self, inputs: &Value, mark: &str) -> Result<(String, String), Error> {
        if mark.len() < 16 || !mark.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Error::WeakMark(mark.to_owned()));
        }
        let limits = &self.about.limits;
        let mut text_bytes = limits.text_bytes;
        while text_bytes >= LEAST_TEXT_BYTES {
            let mut cleaned = inputs.clone();
            Fence::new(mark, text_bytes).clean_all(&mut cleaned);
            cleaned["mark"] = mark.into();
            cleaned["limits"] = serde_json::to_value(limits).map_err(|error| self.broken(&error))?;
            let system = self.engine.render("system", &cleaned).map_err(|error| self.broken(&error))?;
            let user = self.engine.render("user", &cleaned).map_err(|error| self.broken(&error))?;
            if system.len() + user.len() <= limits.prompt_bytes {
                return Ok((system, user));
            }
            text_bytes = text_bytes * 3 / 4;
        }
        Err(Error::TooLong { prompt: self.name_version.clone(), limit: limits.prompt_bytes })
    }

    /// The reply's schema, with citations closed to `ids`.
    pub(crate) fn schema_over(&self, ids: &[String]) -> Value {
        let mut schema = self.schema.clone();
        schema["$defs"]["id"]["enum"] = ids.into();
        schema
    }

    fn broken(&self, error: &dyn std::error::Error) -> Error {
        Error::Template { prompt: self.name_version.clone(), why: error.to_string() }
    }
}

fn digest(source: Source) -> String {
    let mut hasher = Sha256::new();
    hasher.update(source.text);
    // No file holds a zero byte, so text cannot move from one file to the other unseen.
    hasher.update([0]);
    hasher.update(source.about);
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MARK: &str = "0123456789abcdef";

    const ABOUT: &str = r#"
purpose = "p"
changed = "c"
inputs = ["word"]
[limits]
prompt_bytes = 200
text_bytes = 400
claims = 1
suspects = 1
evidence = 1
samples = 1
changes = 1
reply_tokens = 1
sentences = 1
sentence_chars = 1
headline_chars = 1
citations = 1
[reply]
schema = '{"$defs": {"id": {"type": "string"}}}'
"#;

    fn template(text: &'static str) -> Result<Template, Error> {
        Template::new(Source { name: "try", version: 7, text, about: ABOUT })
    }

    #[test]
    fn a_name_that_is_no_input_is_an_error() {
        let template = template("rules {{mark}}\n=== user ===\n{{wrod}}").expect("parses");
        let error = template.render(&json!({"word": "x"}), MARK).expect_err("strict");
        assert!(error.to_string().contains("`try@v7`") && error.to_string().contains("wrod"), "{error}");
    }

    #[test]
    fn text_is_cut_until_the_whole_fits() {
        let template = template("rules\n=== user ===\n{{word}}").expect("parses");
        let (system, user) = template.render(&json!({"word": "x".repeat(1000)}), MARK).expect("fits");
        assert!(system.len() + user.len() <= 200 && user.len() > 120, "{user}");
        let words: Vec<String> = vec!["x".repeat(50); 40];
        let many = Template::new(Source {
            name: "try",
            version: 8,
            text: "rules\n=== user ===\n{{#each word}}{{this}}{{/each}}",
            about: ABOUT,
        })
        .expect("parses");
        assert!(matches!(many.render(&json!({"word": words}), MARK), Err(Error::TooLong { limit: 200, .. })));
    }

    #[test]
    fn a_mark_that_could_be_guessed_or_would_be_structure_is_refused() {
        let template = template("rules\n=== user ===\n{{word}}").expect("parses");
        for mark in ["", "abc", "0123456789abcde\n", "<|0123456789abcdef|>"] {
            assert!(matches!(template.render(&json!({"word": "x"}), mark), Err(Error::WeakMark(_))), "{mark:?}");
        }
    }

    #[test]
    fn files_that_do_not_parse_are_named() {
        for (text, about) in
            [("no second part", ABOUT), ("{{#if}\n=== user ===\nx", ABOUT), ("a\n=== user ===\nb", "purpose = 1")]
        {
            let made = Template::new(Source { name: "try", version: 7, text, about });
            assert!(made.is_err_and(|error| error.to_string().contains("`try@v7`")), "{text:?}");
        }
    }

    #[test]
    fn the_digest_covers_both_files_and_where_one_ends() {
        let of = |text, about| digest(Source { name: "try", version: 1, text, about });
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_ne!(of("ab", "c"), of("ab", "d"));
    }
}
