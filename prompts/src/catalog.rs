//! The prompts that are compiled in. A new version is two files and one line here; the newest is used, the older ones can be replayed.

use crate::template::{Source, Template};
use crate::{Error, Prompt, TellInputs};

const SOURCES: &[Source] = &[Source {
    name: "tell",
    version: 1,
    text: include_str!("../templates/tell/v1.hbs"),
    about: include_str!("../templates/tell/v1.toml"),
}];

#[derive(Debug)]
pub struct Catalog {
    templates: Vec<Template>,
}

impl Catalog {
    /// The catalog of this program.
    pub fn shipped() -> Catalog {
        let templates = SOURCES.iter().map(|source| Template::new(*source));
        Catalog { templates: templates.collect::<Result<_, _>>().expect("a test parses every shipped prompt") }
    }

    /// All versions, oldest first within a name.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Finds `tell@v1`, or the newest version of `tell`.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`], which names the known ones.
    pub fn find(&self, name: &str) -> Result<&Template, Error> {
        let is_it = |template: &&Template| {
            template.name_version == name || template.name_version.split_once('@').is_some_and(|(bare, _)| bare == name)
        };
        self.templates.iter().rfind(is_it).ok_or_else(|| {
            let known: Vec<&str> = self.templates.iter().map(|template| template.name_version.as_str()).collect();
            Error::Unknown { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// Asks for a better telling of a finished answer.
    ///
    /// `mark` fences the data: at least 16 random letters and digits, new in every call.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToCite`] when the answer has neither evidence nor changes, and what rendering may say.
    pub fn tell(&self, inputs: &TellInputs, mark: &str) -> Result<Prompt, Error> {
        self.tell_with(self.find("tell")?, inputs, mark)
    }

    /// Like [`Catalog::tell`], with a version of choice.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn tell_with(&self, template: &Template, inputs: &TellInputs, mark: &str) -> Result<Prompt, Error> {
        let limits = &template.about.limits;
        let mut inputs = inputs.clone();
        inputs.claims.truncate(limits.claims);
        inputs.suspects.truncate(limits.suspects);
        inputs.evidence.truncate(limits.evidence);
        inputs.changes.truncate(limits.changes);
        inputs.evidence.iter_mut().for_each(|row| row.samples.truncate(limits.samples));
        keep_known_citations(&mut inputs);

        let ids = ids(&inputs);
        if ids.is_empty() {
            return Err(Error::NothingToCite);
        }
        let shown_records = inputs.evidence.iter().map(|row| row.samples.len()).sum();
        let values = serde_json::to_value(&inputs)
            .map_err(|error| Error::Template { prompt: template.name_version.clone(), why: error.to_string() })?;
        let (system, user) = template.render(&values, mark)?;
        Ok(Prompt {
            name_version: template.name_version.clone(),
            digest: template.digest.clone(),
            system,
            user,
            schema: template.schema_over(&ids),
            max_tokens: limits.reply_tokens,
            shown_records,
        })
    }
}

fn ids(inputs: &TellInputs) -> Vec<String> {
    let evidence = inputs.evidence.iter().map(|row| row.id.clone());
    evidence.chain(inputs.changes.iter().map(|change| change.id.clone())).collect()
}

/// Drops citations of rows that are not shown, and claims that are left without one.
fn keep_known_citations(inputs: &mut TellInputs) {
    let known = ids(inputs);
    for claim in &mut inputs.claims {
        claim.citations.retain(|id| known.contains(id));
    }
    inputs.claims.retain(|claim| !claim.citations.is_empty());
    for suspect in &mut inputs.suspects {
        suspect.citations.retain(|id| known.contains(id));
    }
    inputs.suspects.retain(|suspect| !suspect.citations.is_empty());
}

#[cfg(test)]
mod tests;
