//! Where requests go and how they are signed. Our own `Config`, because the library's reads `OPENAI_*` from the
//! environment and sends an empty `Bearer` when there is no key.

use async_openai::config::Config;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

#[derive(Clone)]
pub(super) struct Endpoint {
    /// Without a slash at its end.
    base: String,
    query: Vec<(String, String)>,
    is_loopback: bool,
    key: SecretString,
    authorization: Option<HeaderValue>,
}

impl Endpoint {
    pub(super) fn new(base_url: &str, key: Option<SecretString>) -> Result<Endpoint, Error> {
        // A mistyped address may hold a password, so it is never repeated.
        let wrong =
            |why: &str| Error::Setup(format!("`llm.base_url` {why}; it looks like `http://127.0.0.1:11434/v1`"));
        let mut url = Url::parse(base_url.trim()).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("must be an http or https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user or password; put the key into `llm.api_key`"));
        }
        let query = url.query_pairs().into_owned().collect();
        url.set_query(None);
        url.set_fragment(None);
        let is_loopback = url.host_str().is_some_and(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        });
        let key = key.unwrap_or_default();
        let authorization = match key.expose_secret() {
            "" => None,
            key => {
                let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
                    Error::Setup(
                        "`llm.api_key` holds characters that no header may have; is it the right file?".to_owned(),
                    )
                })?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Endpoint { base: url.as_str().trim_end_matches('/').to_owned(), query, is_loopback, key, authorization })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    pub(super) fn key(&self) -> SecretString {
        self.key.clone()
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.authorization.iter().map(|value| (AUTHORIZATION, value.clone())).collect()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_queries_end_up_where_they_belong() {
        let endpoint = Endpoint::new(" https://h.example/openai/v1/?api-version=1 ", None).expect("a URL");
        assert_eq!(endpoint.url("/chat/completions"), "https://h.example/openai/v1/chat/completions");
        assert_eq!(endpoint.query(), [("api-version", "1")]);
        assert!(endpoint.headers().is_empty() && !endpoint.is_loopback());
        for loopback in ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:9/v1"] {
            assert!(Endpoint::new(loopback, None).expect("a URL").is_loopback(), "{loopback}");
        }
    }

    #[test]
    fn a_wrong_address_or_key_is_refused_without_being_repeated() {
        for address in ["", "h.example/hush", "ftp://hush/v1", "http://me:hush@h.example/v1"] {
            let error = Endpoint::new(address, None).err().expect(address).to_string();
            assert!(error.contains("`llm.base_url`") && !error.contains("hush"), "{error}");
        }
        let error = Endpoint::new("http://h.example", Some("hush\nhush".into())).err().expect("refused").to_string();
        assert!(error.contains("`llm.api_key`") && !error.contains("hush"), "{error}");
    }
}
