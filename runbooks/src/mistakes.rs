//! Says in our words what serde found wrong with a key: for runbooks here, and for the configuration in `bot`.

/// Returns the sentence for serde's `message` about the key at `path`, which was `written` like this: `risk: enormous`.
///
/// A missing or an unknown key is named by the message itself; `path` is then that of the table around it.
pub fn in_our_words(message: &str, path: &str, written: Option<&str>) -> String {
    let message = message.replace('\n', " ");
    if let Some(key) = missing_key(&message) {
        return format!("`{}` is missing", below(path, key));
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (key, known) = named_and_known(rest);
        let near = nearest(&key, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return format!("unknown key `{key}`{hint}{}", listed(&known));
    }
    let is_short = |written: &&str| written.len() <= 80 && !written.contains('\n');
    let entry = format!("`{}`", written.filter(is_short).unwrap_or(path));
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let (found, known) = named_and_known(rest);
        let near = nearest(&found, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return format!("{entry}: unknown value `{found}`{hint}{}", listed(&known));
    }
    if let Some(key) = message.strip_prefix("duplicate field ").and_then(in_backticks) {
        return format!("`{}` is written twice; keep one", below(path, key));
    }
    if message.contains("socket address") {
        return format!("{entry} must be an address and a port, like `127.0.0.1:7171`");
    }
    if message.contains("invalid digit found") {
        return format!("{entry} must be a whole number, 0 or more");
    }
    match message.split_once(", expected ") {
        Some((_, expected)) if message.starts_with("invalid ") => format!("{entry} must be {}", wanted(expected)),
        _ if message.starts_with("must ") => format!("{entry} {message}"),
        _ => format!("{entry}: {message}"),
    }
}

/// The key that serde's `message` misses.
pub fn missing_key(message: &str) -> Option<&str> {
    message.strip_prefix("missing field ").and_then(in_backticks)
}

/// The key that serde's `message` does not know.
pub fn unknown_key(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field ").and_then(in_backticks)
}

/// The first of the words that serde's `message` would have taken.
pub fn first_known(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown variant ")?;
    named_and_known(rest).1.into_iter().next()
}

/// The known word that `word` was probably meant to be: one or two slips away from it.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let slips = |known: &str| strsim::damerau_levenshtein(&word, &known.to_lowercase());
    let most = match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let near = known.into_iter().map(|known| (slips(known), known)).filter(|(slips, _)| (1..=most).contains(slips));
    near.min_by_key(|(slips, known)| (*slips, *known)).map(|(_, known)| known)
}

/// The path of `key` in the table at `path`.
pub fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn in_backticks(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// Splits `` `slak`, expected one of `slack`, `teams` ``.
fn named_and_known(text: &str) -> (String, Vec<String>) {
    let (named, known) = text.split_once(", ").unwrap_or((text, ""));
    let known = known.trim_start_matches("expected ").trim_start_matches("one of ").replace(" or ", ", ");
    let known = known.split(", ").map(|word| word.trim_matches('`').to_owned());
    let known = known.filter(|word| !word.is_empty() && !word.contains(' '));
    (in_backticks(named).unwrap_or(named).to_owned(), known.collect())
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(" (known: {})", known.join(", ")) }
}

/// What serde expects, as a person would write it.
fn wanted(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" | "a borrowed string" => "text",
        "a sequence" => "a list, like `[\"a\", \"b\"]`",
        "a map" => "a table of keys and values",
        "path string" => "a path",
        other if other.starts_with("struct ") => "a table of keys and values",
        "string or map" => "one word",
        other if other.starts_with("enum ") || other.starts_with("variant ") => "one word",
        other => other,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(in_our_words(message, "a.b", Some("a.b = x")), expected);
    }

    #[test]
    fn no_word_of_serde_is_left() {
        check("missing field `c`", "`a.b.c` is missing");
        check(
            "unknown field `slak`, expected one of `discord`, `slack`",
            "unknown key `slak`; did you mean `slack`? (known: discord, slack)",
        );
        check("unknown field `x`, expected `y`", "unknown key `x` (known: y)");
        check("unknown field `x`, there are no fields", "unknown key `x`");
        check("unknown variant `x`, expected `low` or `high`", "`a.b = x`: unknown value `x` (known: low, high)");
        check("invalid type: string \"x\", expected u32", "`a.b = x` must be a whole number, 0 or more");
        check("invalid value: integer `300`, expected u8", "`a.b = x` must be a whole number from 0 to 255");
        check("invalid type: map, expected a sequence", "`a.b = x` must be a list, like `[\"a\", \"b\"]`");
        check("invalid socket address syntax", "`a.b = x` must be an address and a port, like `127.0.0.1:7171`");
        check("invalid digit found in string", "`a.b = x` must be a whole number, 0 or more");
        check("must be a sentence", "`a.b = x` must be a sentence");
        check("duplicate field `c`", "`a.b.c` is written twice; keep one");
    }

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let known = ["checkout", "cart", "payment"];
        assert_eq!(nearest("chekout", known), Some("checkout"));
        assert_eq!(nearest("Paymnet", known), Some("payment"));
        assert_eq!(nearest("checkout", known), None, "it is the word itself");
        assert_eq!(nearest("database", known), None);
        assert_eq!(nearest("ca", known), None, "too short to tell");
    }
}
