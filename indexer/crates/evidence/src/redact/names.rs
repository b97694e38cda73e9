//! Names that make their value a secret, and which values can be one: strong names (`password`) hide any value,
//! weak ones (`token`) only what looks random.

pub(super) struct Name {
    pub(super) word: &'static str,
    pub(super) kind: &'static str,
    pub(super) strength: Strength,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    Strong,
    Weak,
}

const fn strong(word: &'static str, kind: &'static str) -> Name {
    Name { word, kind, strength: Strength::Strong }
}

const fn weak(word: &'static str, kind: &'static str) -> Name {
    Name { word, kind, strength: Strength::Weak }
}

pub(super) const NAMES: &[Name] = &[
    strong("password", "password"),
    strong("passwd", "password"),
    strong("passphrase", "password"),
    strong("passcode", "password"),
    strong("pwd", "password"),
    weak("secret", "secret"),
    weak("token", "token"),
    weak("apikey", "api_key"),
    weak("api_key", "api_key"),
    weak("api-key", "api_key"),
    weak("api key", "api_key"),
    weak("accesskey", "access_key"),
    weak("access_key", "access_key"),
    weak("access-key", "access_key"),
    weak("accountkey", "access_key"),
    weak("sharedaccesskey", "access_key"),
    weak("privatekey", "private_key"),
    weak("private_key", "private_key"),
    weak("private-key", "private_key"),
    weak("signingkey", "secret"),
    weak("signing_key", "secret"),
    weak("encryptionkey", "secret"),
    weak("encryption_key", "secret"),
    weak("auth_key", "secret"),
    weak("authkey", "secret"),
    weak("x-auth", "token"),
    weak("credential", "secret"),
    weak("sig", "signature"),
    weak("x-amz-signature", "signature"),
    weak("x-goog-signature", "signature"),
    weak("jsessionid", "session"),
    weak("phpsessid", "session"),
];

/// What may follow the word within a name: `secret_access_key`, `tokenValue`, `password2`.
const SUFFIXES: &[&str] = &[
    "",
    "key",
    "accesskey",
    "keybase",
    "value",
    "hash",
    "token",
    "text",
    "plain",
    "b64",
    "base64",
    "1",
    "2",
    "new",
    "old",
    "confirmation",
    "confirm",
    "string",
];

const NO_SECRETS: &[&str] = &[
    "true",
    "false",
    "null",
    "nil",
    "none",
    "undefined",
    "empty",
    "yes",
    "no",
    "required",
    "invalid",
    "missing",
    "redacted",
    "filtered",
    "masked",
    "hidden",
    "secret",
    "set",
    "unset",
    "wrong",
    "incorrect",
    "expired",
    "changed",
    "must",
    "is",
    "was",
    "not",
    "for",
    "and",
    "has",
    "cannot",
    "should",
    "the",
];

pub(super) fn is_suffix(suffix: &str) -> bool {
    let mut letters =
        suffix.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b'.')).map(|byte| byte.to_ascii_lowercase());
    let mut bytes = [0u8; 24];
    let mut len = 0;
    for letter in &mut letters {
        if len == bytes.len() {
            return false;
        }
        bytes[len] = letter;
        len += 1;
    }
    SUFFIXES.iter().any(|known| known.as_bytes() == &bytes[..len])
}

pub(super) fn is_secret(value: &str, strength: Strength, is_prose: bool) -> bool {
    let is_placeholder = value.starts_with(['<', '$', '{', '%', '⟨', '[']) || value.contains("<*>");
    let is_masked = value.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'?' | b'_' | b'#'));
    if value.is_empty() || is_placeholder && !has_variety(value) || is_masked {
        return false;
    }
    let trimmed = value.trim_end_matches(['.', ':', '!']);
    if NO_SECRETS.iter().any(|word| trimmed.eq_ignore_ascii_case(word)) {
        return false;
    }
    match strength {
        Strength::Strong => !is_prose || has_variety(value),
        Strength::Weak => value.len() >= 6 && has_variety(value) && !is_plain_number(value) && !is_code(value),
    }
}

/// A digit or a sign beside letters, or letters of both cases: not a word of a sentence.
fn has_variety(value: &str) -> bool {
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let has_sign =
        value.bytes().any(|byte| matches!(byte, b'!' | b'$' | b'%' | b'^' | b'*' | b'+' | b'#' | b'~' | b'='));
    let inner_upper = value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    let has_lower = value.bytes().any(|byte| byte.is_ascii_lowercase());
    has_digit || has_sign || (inner_upper && has_lower && value.len() >= 12) || value.len() >= 32
}

fn is_plain_number(value: &str) -> bool {
    value.len() < 12 && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'/'))
}

/// `android.os.BinderProxy@1a2b3c`, `Token{a64f992`, `foo(bar`, `/run/secrets/token1`.
fn is_code(value: &str) -> bool {
    value.contains(['{', '(', '@']) || is_path(value)
}

/// Base64 can begin with a slash as well, but has few of them and all kinds of characters.
fn is_path(value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
    let n_slashes = value.bytes().filter(|byte| *byte == b'/').count();
    let is_base64 = value.len() >= 20
        && n_slashes * 10 <= value.len()
        && !value.contains('.')
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit);
    value.starts_with('/') && !is_base64
}
