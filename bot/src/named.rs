//! Names as sentences list them.

/// `` `a`, `b`, `c` and 4 more ``.
pub fn some_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.len() {
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_ends_with_how_many_more() {
        assert_eq!(some_of(["a"]), "`a`");
        assert_eq!(some_of(["a", "b", "c"]), "`a`, `b`, `c`");
        assert_eq!(some_of(["a", "b", "c", "d", "e"]), "`a`, `b`, `c` and 2 more");
    }
}
