//! Tokens that are known by their form, whoever writes them: one row per form. Forms as the issuers document them.

use super::spans::Span;

pub(super) struct Provider {
    pub(super) prefix: &'static str,
    kind: &'static str,
    alphabet: Alphabet,
    /// Characters after the prefix.
    min: usize,
    max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Upper,
    Hex,
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// As `Word`, and dots between.
    Dotted,
}

const fn row(prefix: &'static str, kind: &'static str, alphabet: Alphabet, min: usize, max: usize) -> Provider {
    Provider { prefix, kind, alphabet, min, max }
}

use Alphabet::{Alnum, Dotted, Hex, Upper, Word};

pub(super) const PROVIDERS: &[Provider] = &[
    row("AKIA", "aws_key", Upper, 16, 16),
    row("ASIA", "aws_key", Upper, 16, 16),
    row("ABIA", "aws_key", Upper, 16, 16),
    row("ACCA", "aws_key", Upper, 16, 16),
    row("ghp_", "github_token", Alnum, 30, 255),
    row("gho_", "github_token", Alnum, 30, 255),
    row("ghu_", "github_token", Alnum, 30, 255),
    row("ghs_", "github_token", Alnum, 30, 255),
    row("ghr_", "github_token", Alnum, 30, 255),
    row("github_pat_", "github_token", Word, 22, 255),
    row("glpat-", "gitlab_token", Dotted, 16, 64),
    row("gldt-", "gitlab_token", Word, 16, 64),
    row("glrt-", "gitlab_token", Word, 16, 64),
    row("glptt-", "gitlab_token", Word, 16, 64),
    row("glcbt-", "gitlab_token", Word, 16, 64),
    row("xoxb-", "slack_token", Word, 10, 255),
    row("xoxp-", "slack_token", Word, 10, 255),
    row("xoxa-", "slack_token", Word, 10, 255),
    row("xoxr-", "slack_token", Word, 10, 255),
    row("xoxs-", "slack_token", Word, 10, 255),
    row("xoxe-", "slack_token", Word, 10, 255),
    row("xoxe.", "slack_token", Dotted, 10, 255),
    row("xapp-", "slack_token", Word, 10, 255),
    row("sk_live_", "stripe_key", Alnum, 10, 255),
    row("sk_test_", "stripe_key", Alnum, 10, 255),
    row("rk_live_", "stripe_key", Alnum, 10, 255),
    row("rk_test_", "stripe_key", Alnum, 10, 255),
    row("whsec_", "stripe_key", Alnum, 16, 255),
    row("AIza", "google_key", Word, 35, 35),
    row("ya29.", "google_token", Dotted, 20, 2048),
    row("GOCSPX-", "google_secret", Word, 20, 64),
    row("sk-", "openai_key", Word, 20, 255),
    row("npm_", "npm_token", Alnum, 36, 36),
    row("pypi-", "pypi_token", Word, 50, 1024),
    row("SG.", "sendgrid_key", Dotted, 40, 100),
    row("SK", "twilio_key", Hex, 32, 32),
    row("dop_v1_", "digitalocean_token", Hex, 64, 64),
    row("doo_v1_", "digitalocean_token", Hex, 64, 64),
    row("dor_v1_", "digitalocean_token", Hex, 64, 64),
    row("hvs.", "vault_token", Word, 20, 255),
    row("hvb.", "vault_token", Word, 20, 255),
    row("hvr.", "vault_token", Word, 20, 255),
    row("shpat_", "shopify_token", Hex, 32, 32),
    row("shpca_", "shopify_token", Hex, 32, 32),
    row("shppa_", "shopify_token", Hex, 32, 32),
    row("shpss_", "shopify_token", Hex, 32, 32),
    row("lin_api_", "linear_key", Alnum, 32, 64),
    row("dapi", "databricks_token", Hex, 32, 40),
    row("hf_", "huggingface_token", Alnum, 30, 64),
    row("glsa_", "grafana_token", Word, 32, 64),
    row("glc_", "grafana_token", Word, 32, 400),
    row("NRAK-", "newrelic_key", Upper, 27, 27),
    row("PMAK-", "postman_key", Word, 50, 70),
    row("sq0atp-", "square_token", Word, 22, 22),
    row("sq0csp-", "square_token", Word, 43, 43),
    row("key-", "mailgun_key", Hex, 32, 32),
    row("figd_", "figma_token", Word, 30, 64),
    row("ATATT3", "atlassian_token", Word, 50, 255),
    row("ATCTT3", "atlassian_token", Word, 50, 255),
    row("dckr_pat_", "docker_token", Word, 20, 64),
    row("rubygems_", "rubygems_key", Hex, 48, 48),
    row("sntrys_", "sentry_token", Word, 30, 512),
    row("sntryu_", "sentry_token", Hex, 64, 64),
    row("pul-", "pulumi_token", Hex, 40, 40),
    row("lsv2_", "langsmith_key", Word, 32, 80),
    row("gsk_", "groq_key", Alnum, 40, 64),
    row("xai-", "xai_key", Alnum, 60, 100),
    row("nvapi-", "nvidia_key", Word, 40, 100),
    row("dp.pt.", "doppler_token", Alnum, 40, 48),
    row("dp.st.", "doppler_token", Dotted, 40, 90),
    row("tskey-", "tailscale_key", Word, 16, 80),
    row("PRIVATE-TOKEN-", "gitlab_token", Word, 16, 64),
    row("AGE-SECRET-KEY-1", "age_key", Upper, 50, 64),
    row("EAACEdEose0cBA", "facebook_token", Alnum, 10, 255),
    row("sbp_", "supabase_token", Hex, 40, 40),
    row("pscale_tkn_", "planetscale_token", Dotted, 30, 64),
    row("pscale_pw_", "planetscale_password", Dotted, 30, 64),
    row("fly_", "fly_token", Word, 40, 255),
    row("rnd_", "render_key", Alnum, 28, 40),
    row("AQVN", "yandex_key", Word, 35, 40),
];

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Hex => byte.is_ascii_hexdigit(),
            Alnum => byte.is_ascii_alphanumeric(),
            Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
        }
    }
}

pub(super) fn token_at(bytes: &[u8], provider: &'static Provider, start: usize, end: usize) -> Option<Span> {
    let is_exact = &bytes[start..end] == provider.prefix.as_bytes();
    if !is_exact || is_inside_word(bytes, start) {
        return None;
    }
    let body = &bytes[end..];
    let mut len = body.iter().take(provider.max + 1).take_while(|byte| provider.alphabet.has(**byte)).count();
    while provider.alphabet == Dotted && len > 0 && body[len - 1] == b'.' {
        len -= 1;
    }
    let body = &body[..len];
    let has_digit = body.iter().any(u8::is_ascii_digit);
    let has_capital = body.iter().any(u8::is_ascii_uppercase);
    let has_both_cases = has_capital && body.iter().any(u8::is_ascii_lowercase);
    let looks_random = match provider.prefix {
        // Words joined by hyphens or dots are no key: `sk-learn-something-or-other`.
        "sk-" => has_digit && (has_capital || len >= 40),
        "SG." => has_digit,
        // One random key in twelve of this length has no digit.
        _ => has_digit || has_both_cases || provider.alphabet == Upper,
    };
    let fits = (provider.min..=provider.max).contains(&len);
    (fits && looks_random).then_some(Span { start, end: end + len, kind: provider.kind })
}

/// Whether a token cannot begin here, because a word goes on (`%3D` and `\n` before it are no word).
pub(super) fn is_inside_word(bytes: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|at| bytes[at]) else { return false };
    if !before.is_ascii_alphanumeric() && before != b'_' {
        return false;
    }
    let is_escape = start >= 3 && bytes[start - 3] == b'%' || start >= 2 && bytes[start - 2] == b'\\';
    !is_escape
}

/// Bounds the work on lines that are all headers.
const MAX_JWT_HEADER: usize = 1_024;
const MAX_JWT_PART: usize = 8_192;

/// `header.payload.signature` in base64url, where the header is a JSON object.
pub(super) fn jwt_at(bytes: &[u8], start: usize) -> Option<Span> {
    if &bytes[start..start + 3] != b"eyJ" || is_inside_word(bytes, start) {
        return None;
    }
    let part_of = |from: usize, max| bytes[from..].iter().take(max).take_while(|byte| Word.has(**byte)).count();
    let part = |from: usize| part_of(from, MAX_JWT_PART);
    let header_end = start + part_of(start, MAX_JWT_HEADER);
    if header_end - start < 12 || bytes.get(header_end) != Some(&b'.') {
        return None;
    }
    let payload_end = header_end + 1 + part(header_end + 1);
    if payload_end - header_end < 5 {
        return None;
    }
    let mut end = payload_end;
    // Three parts when signed, five when encrypted.
    for _ in 0..3 {
        if bytes.get(end) == Some(&b'.') {
            end += 1 + part(end + 1);
        }
    }
    Some(Span { start, end, kind: "jwt" })
}

/// From `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text when the end is missing.
pub(super) fn private_key_at(text: &str, start: usize) -> Option<Span> {
    let rest = &text[start..];
    let head_end = rest.char_indices().map(|(at, _)| at).take_while(|at| *at <= 80).last()?;
    let head = &rest[..head_end];
    let is_private = head.contains("PRIVATE KEY");
    let body = start + head.find("KEY").filter(|_| is_private)?;
    let end = text[body..].find("-----END ").map(|at| body + at);
    let end = match end {
        Some(marker) => {
            let after = marker + "-----END ".len();
            text[after..].find("-----").map_or(text.len(), |at| after + at + 5)
        }
        None => text.len(),
    };
    Some(Span { start, end, kind: "private_key" })
}
