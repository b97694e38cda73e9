//! Where a request goes: an endpoint's base URL with a path below it that cannot mean anything else.

use reqwest::Url;

use super::address;
use crate::actions::Endpoint;

/// Checks that a path leads nowhere but below the endpoint.
pub(super) fn plain(path: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._~:@+=,-".contains(c);
    let mut parts = path.split('/').skip(1).peekable();
    let mut leads_on = true;
    while let Some(part) = parts.next() {
        let is_end = parts.peek().is_none();
        leads_on &= part != ".." && part != "." && (is_end || !part.is_empty());
    }
    if !path.starts_with('/') || !path.chars().all(is_plain) || !leads_on {
        return Err(format!(
            "`path: {}` must begin with `/` and hold only letters, digits and `/._~:@+=,-`, without `..` and `//`",
            path.escape_debug()
        ));
    }
    Ok(())
}

/// Whether a path is `prefix` or lies below it; `/v1/restarts` does not lie below `/v1/restart`.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The endpoint's URL with the step's path appended.
pub(super) fn url(endpoint: &Endpoint, path: &str) -> Result<Url, String> {
    plain(path)?;
    let base = endpoint.base_url.trim_end_matches('/');
    let wrong = |why: &str| format!("`base_url: {base}` {why}");
    let parsed = Url::parse(base).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    let is_web = matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some();
    if !is_web || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("must be `http://` or `https://` with a host and without a user name"));
    }
    if base.contains(['?', '#', '\\']) {
        return Err(wrong("must end before any `?` or `#`; a path is put behind it"));
    }
    address::check_literal(&parsed)?;
    let url = Url::parse(&format!("{base}{path}")).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    // What the URL parser makes of it must be what was written: below the same host and path.
    let is_same_place =
        url.origin() == parsed.origin() && is_below(url.path(), parsed.path()) && url.path().ends_with(path);
    if is_same_place { Ok(url) } else { Err(format!("`path: {path}` would lead away from `{base}`")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base_url: &str, path: &str, expected: Result<&str, &str>) {
        let endpoint = Endpoint { base_url: base_url.to_owned(), ..Endpoint::default() };
        let found = url(&endpoint, path).map(String::from);
        match expected {
            Ok(expected) => assert_eq!(found.as_deref(), Ok(expected)),
            Err(part) => {
                assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{base_url} {path}: {found:?}")
            }
        }
    }

    #[test]
    fn a_path_lies_below_its_endpoint() {
        check("https://ops.internal/api/", "/v1/restart", Ok("https://ops.internal/api/v1/restart"));
        check("https://ops.internal", "/", Ok("https://ops.internal/"));
        check("https://ops.internal", "/a/b/", Ok("https://ops.internal/a/b/"));
        check("http://ops:81", "/@evil.example/x:1", Ok("http://ops:81/@evil.example/x:1"));
    }

    #[test]
    fn what_could_lead_away_is_refused() {
        for path in [
            "",
            "v1",
            "@evil.example/",
            ":1@evil.example/",
            ".evil.example/",
            "//evil.example",
            "/a//b",
            "/..",
            "/a/../b",
            "/a/..",
            "/./a",
            "/%2e%2e/a",
            "/a%2fb",
            "/a?x=1",
            "/a#x",
            "/a\\b",
            "/\\evil.example",
            "/a b",
            "/a\nb",
            "/a\tb",
            "/a;b",
            "/ä",
            "/a\u{2025}",
        ] {
            check("https://ops.internal/api", path, Err("must begin with `/`"));
        }
        for base in ["https://ops.internal/?q=", "https://ops.internal/#", "https://ops.internal/api?"] {
            check(base, "/v1", Err("must end before"));
        }
        for base in [
            "ftp://ops.internal",
            "https://you:secret@ops.internal",
            "https://you@ops.internal",
            "file:///etc",
            "ops.internal",
        ] {
            check(base, "/v1", Err("`base_url:"));
        }
    }

    #[test]
    fn metadata_is_never_reached_however_it_is_spelled() {
        for host in [
            "169.254.169.254",
            "0xA9FEA9FE",
            "2852039166",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[::169.254.169.254]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "[::]",
        ] {
            check(&format!("http://{host}"), "/latest/meta-data", Err("link-local or metadata address"));
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        for (path, prefix, is) in [
            ("/v1/restart", "/v1/restart", true),
            ("/v1/restart/now", "/v1/restart", true),
            ("/v1/restarts", "/v1/restart", false),
            ("/v1", "/v1/restart", false),
            ("/v1/x", "/v1/", true),
            ("/v2", "/", true),
        ] {
            assert_eq!(is_below(path, prefix), is, "{path} below {prefix}");
        }
    }
}
