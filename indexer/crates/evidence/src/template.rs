//! The constant part of similar records.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Time;

/// Names a template for as long as its index exists; survives restarts. Prints as `t` and a decimal number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId(pub u32);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl FromStr for TemplateId {
    type Err = String;

    fn from_str(text: &str) -> Result<TemplateId, String> {
        let number = text.strip_prefix('t').and_then(|digits| digits.parse().ok());
        number.map(TemplateId).ok_or_else(|| format!("`{text}` is not a template id; ids look like `t12`"))
    }
}

impl Serialize for TemplateId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TemplateId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TemplateId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One template of the dictionary.
///
/// Templates are immutable. When one generalises, a new one is made whose `replaces` names it; records keep the id
/// they were written with, and whoever groups by kind of message groups by `family`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    /// The static words, with `<*>` for each parameter.
    pub text: String,
    /// The narrower template that this one generalised.
    pub replaces: Option<TemplateId>,
    /// The most general template of the lineage; its own id when nothing replaced it.
    pub family: TemplateId,
    /// The earliest record time of the whole family, in any service, as far as the index remembers.
    pub first_seen: Time,
}
