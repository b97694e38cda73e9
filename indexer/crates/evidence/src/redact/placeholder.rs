//! What stands in a secret's place: its kind and 50 bits of a keyed hash.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const N_CHARS: usize = 10;
const START: &str = "⟨redacted:";
const END: &str = "⟩";

/// The kind is not hashed, so that one secret found in two ways still correlates.
pub(super) fn placeholder(key: &[u8; 32], kind: &str, secret: &str) -> String {
    let hash = blake3::keyed_hash(key, secret.as_bytes());
    let first = hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes");
    let mut bits = u64::from_be_bytes(first);
    let mut shown = format!("{START}{kind}:");
    for _ in 0..N_CHARS {
        shown.push(ALPHABET[(bits >> 59) as usize] as char);
        bits <<= 5;
    }
    shown.push_str(END);
    shown
}

/// Byte ranges of the placeholders in a text. Only the exact form counts, so that nobody hides a secret in a forged one.
pub(super) fn placeholders_in(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(START).map(|at| from + at) {
        from = start + START.len();
        if let Some(len) = rest_of_placeholder(&text[from..]) {
            found.push((start, from + len));
            from += len;
        }
    }
    found
}

fn rest_of_placeholder(rest: &str) -> Option<usize> {
    let kind = rest.bytes().take(20).take_while(|byte| byte.is_ascii_lowercase() || *byte == b'_').count();
    let hash = rest.get(kind..)?.strip_prefix(':')?;
    let is_hash = hash.get(..N_CHARS)?.bytes().all(|byte| ALPHABET.contains(&byte));
    let ends = hash[N_CHARS..].starts_with(END);
    (kind > 0 && is_hash && ends).then_some(kind + 1 + N_CHARS + END.len())
}
