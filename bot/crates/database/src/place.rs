//! Where a journal lives: a SQLite file or a PostgreSQL database.
//! Prints without passwords, because it is part of every error message.

use std::fmt;
use std::path::{Path, PathBuf};

#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    Sqlite(PathBuf),
    Postgres { url: String },
}

impl Place {
    /// Reads `sqlite:PATH`, `sqlite://PATH` or `postgres://…`.
    ///
    /// # Errors
    ///
    /// A sentence that names what is known.
    pub fn parse(url: &str) -> Result<Place, String> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let path = path.split_once('?').map_or(path, |(path, _)| path);
            if path.is_empty() || path == ":memory:" {
                return Err("a journal needs a file: `sqlite:/var/lib/firstline/firstline.db`".into());
            }
            return Ok(Place::Sqlite(path.into()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Place::Postgres { url: url.into() });
        }
        let scheme = url.split(':').next().unwrap_or_default();
        Err(format!("unknown database `{scheme:.20}` (known: sqlite:PATH, postgres://USER@HOST/NAME)"))
    }

    /// The URL that the driver understands.
    pub(crate) fn driver_url(&self) -> Result<String, String> {
        match self {
            Place::Postgres { url } => Ok(url.clone()),
            Place::Sqlite(path) => {
                let path = std::path::absolute(path).map_err(|error| error.to_string())?;
                Ok(format!("sqlite://{}?mode=rwc", percent_encoded(&path)?))
            }
        }
    }
}

fn percent_encoded(path: &Path) -> Result<String, String> {
    let text = path.to_str().ok_or_else(|| format!("the path {path:?} is not UTF-8"))?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(out)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Place::Postgres { url } => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
                let host_and_name = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
                write!(f, "postgres://{host_and_name}")
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_and_names_them_when_it_cannot() {
        for url in ["sqlite:a/b.db", "sqlite://a/b.db", "sqlite:a/b.db?mode=rwc"] {
            assert_eq!(Place::parse(url), Ok(Place::Sqlite("a/b.db".into())), "{url}");
        }
        assert!(Place::parse("mysql://root:pw@host/db").unwrap_err().contains("known: sqlite:PATH"));
        assert!(!Place::parse("hunter2").unwrap_err().contains("postgres://hunter2"));
        assert!(Place::parse("sqlite::memory:").is_err());
    }

    #[test]
    fn never_prints_a_password() {
        let place = Place::parse("postgres://ada:p@ss@db:5432/firstline?password=p@ss").unwrap();
        assert_eq!(place.to_string(), "postgres://db:5432/firstline");
        assert_eq!(format!("{place:?}"), "postgres://db:5432/firstline");
    }

    #[test]
    fn any_file_name_survives_the_url() {
        let url = Place::Sqlite("/tmp/a b?c#d%e.db".into()).driver_url().unwrap();
        assert_eq!(url, "sqlite:///tmp/a%20b%3Fc%23d%25e.db?mode=rwc");
    }
}
