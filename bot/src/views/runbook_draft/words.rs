//! Names and lines for a runbook, from an incident's.

pub(super) fn id(incident: &str) -> String {
    let plain = incident.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    format!("from-{}", plain.trim_matches('-'))
}

pub(super) fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

/// The title of one incident says when it was; a runbook is for the next one.
pub(super) fn without_times(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_time = |word: &str| {
        let word = word.trim_end_matches([':', ',']);
        word.contains(':') && word.chars().all(|c| c.is_ascii_digit() || c == ':')
    };
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        match kept.last_mut() {
            Some(last) if is_time(word) && ["since", "at", "from"].contains(&last.as_str()) => {
                kept.pop();
                // What the time ended with goes on.
                let end = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
                let colon = if word.ends_with(':') { ":" } else { end };
                kept.last_mut().into_iter().for_each(|last| last.push_str(colon));
            }
            _ => kept.push(word.to_owned()),
        }
    }
    kept.join(" ")
}

pub(super) fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_for_the_next_time_has_no_times() {
        assert_eq!(without_times("checkout is failing since 20:08:57: it logs x"), "checkout is failing: it logs x");
        assert_eq!(without_times("failed at 20:08, then again"), "failed, then again");
        assert_eq!(without_times("since yesterday 3 of 4 fail"), "since yesterday 3 of 4 fail");
    }
}
