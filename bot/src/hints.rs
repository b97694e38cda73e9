//! Why a search found nothing: which condition matches no record, and what was probably meant.

use evidence::TimeWindow;
use indexer::query::{Comparison, Keyword};
use indexer::{Order, Query, Result, SearchOptions, SearchResult, Store};
use jiff::SignedDuration;
use runbooks::mistakes::nearest;

/// The fields that every record can have; any other name is a field of some logs only.
const FIELDS: [&str; 10] =
    ["service", "level", "host", "environment", "version", "trace", "span", "template", "id", "last"];

/// Returns sentences for the person who wrote `text`; none when the search found what it says.
///
/// # Errors
///
/// When the store cannot be searched.
pub fn hints(
    store: &dyn Store,
    text: &str,
    query: &Query,
    options: &SearchOptions,
    result: &SearchResult,
) -> Result<Vec<String>> {
    let mut hints = comparisons(text, result.total == 0);
    if result.total > 0 || !hints.is_empty() {
        return Ok(hints);
    }
    if result.searched_records == 0 {
        hints.extend(nothing_in(store, options.window)?);
        return Ok(hints);
    }
    let probe = Probe { store, options };
    let conditions = match query {
        Query::And(conditions) => conditions.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut counts = Vec::new();
    for condition in conditions.iter().filter(|condition| !matches!(condition, Query::Not(_))) {
        match probe.total(condition)? {
            0 => hints.push(probe.why_nothing(condition)?),
            n => counts.push(format!("{n} match `{}`", written(condition))),
        }
    }
    if hints.is_empty() && conditions.len() > 1 {
        hints.push(format!("No record matches all of it: {}", counts.join(", ")));
    }
    Ok(hints)
}

/// The result in the form of the contract, with `hints` beside it when there are any.
pub fn document(result: &SearchResult, hints: &[String]) -> serde_json::Value {
    let mut document = serde_json::json!(result);
    if !hints.is_empty() {
        document["hints"] = serde_json::json!(hints);
    }
    document
}

/// Terms that look like a comparison of what cannot be compared. `user=7` is good text, so it is named only when nothing was found.
fn comparisons(text: &str, found_nothing: bool) -> Vec<String> {
    let term =
        regex::Regex::new(r#"^[-(]*([A-Za-z_@](?:[\w.@-]*\w)?)(:?)(>=|<=|>|<)([^"()]+)"#).expect("a constant pattern");
    let outside_quotes = text.split('"').step_by(2).flat_map(str::split_whitespace);
    let mut found = Vec::new();
    for parts in outside_quotes.filter_map(|word| term.captures(word)) {
        let (name, colon, sign, value) = (&parts[1], &parts[2], &parts[3], &parts[4]);
        let is_level = ["level", "severity"].contains(&name.to_lowercase().as_str());
        if is_level || (colon.is_empty() && !found_nothing) {
            continue;
        }
        let next = match nearest(name, ["level", "severity"]) {
            Some(near) => format!("did you mean `{near}{sign}{value}`?"),
            None => format!("only `level` can be compared. Write `{name}:{value}` for one value"),
        };
        let read_as = if colon.is_empty() { "text" } else { "one value" };
        found.push(format!("`{name}{colon}{sign}{value}` is read as {read_as}; {next}"));
    }
    found
}

fn nothing_in(store: &dyn Store, window: TimeWindow) -> Result<Option<String>> {
    if window == TimeWindow::all() {
        return Ok(Some("The index holds no records yet. Add some with `firstline index PATH…`".to_owned()));
    }
    let reach = store.reach()?;
    Ok(reach.map(|(first, last)| format!("There are no records in that time; they reach from {first} to {last}")))
}

/// Asks the store again, about one condition at a time.
struct Probe<'s> {
    store: &'s dyn Store,
    options: &'s SearchOptions,
}

impl Probe<'_> {
    fn total(&self, query: &Query) -> Result<u64> {
        self.total_in(query, self.options.window)
    }

    fn total_in(&self, query: &Query, window: TimeWindow) -> Result<u64> {
        let options = SearchOptions { window, limit: 1, order: Order::Time, ..self.options.clone() };
        Ok(self.store.search(query, &options)?.total)
    }

    fn why_nothing(&self, condition: &Query) -> Result<String> {
        let text = written(condition);
        let is_elsewhere = self.options.window != TimeWindow::all() && self.total_in(condition, TimeWindow::all())? > 0;
        if is_elsewhere {
            return Ok(format!("`{text}` matches nothing in that time, and records outside of it"));
        }
        if let Query::Last { micros } = condition
            && let Some((_, newest)) = self.store.reach()?
            && newest.0 < self.options.now.0.saturating_sub(*micros)
        {
            let end = newest.plus(SignedDuration::from_secs(1));
            return Ok(format!(
                "The newest record is from {newest}, before `{text}`; count back from there with `--to {end}`"
            ));
        }
        if let Query::Keyword { field: Keyword::Service, value, prefix: false } = condition {
            return self.unknown_service(value);
        }
        if let Query::Field { name, .. } = condition
            && let Some(near) = nearest(name, FIELDS)
        {
            let meant = text.replacen(name.as_str(), near, 1);
            return Ok(format!("No record has a field `{name}` like that; did you mean `{meant}`?"));
        }
        if let Some(longer) = as_prefix(condition)
            && let n @ 1.. = self.total(&longer)?
        {
            return Ok(format!("`{text}` matches nothing; `{}` matches {n}", written(&longer)));
        }
        Ok(format!("`{text}` matches nothing"))
    }

    fn unknown_service(&self, name: &str) -> Result<String> {
        const SHOWN: usize = 12;
        let known: Vec<String> = self.store.services()?.into_iter().map(|service| service.name).collect();
        if let Some(near) = nearest(name, known.iter().map(String::as_str)) {
            return Ok(format!("No service `{name}`; did you mean `{near}`?"));
        }
        let more = if known.len() > SHOWN { format!(", … ({})", known.len()) } else { String::new() };
        Ok(format!("No service `{name}`. Known: {}{more}", known[..known.len().min(SHOWN)].join(", ")))
    }
}

/// The same condition with its last word only begun, when that could be meant.
fn as_prefix(condition: &Query) -> Option<Query> {
    let mut longer = condition.clone();
    match &mut longer {
        Query::Phrase { prefix, .. } | Query::Field { prefix, .. } | Query::Keyword { prefix, .. } if !*prefix => {
            *prefix = true;
        }
        _ => return None,
    }
    Some(longer)
}

/// The query as a person would write it.
fn written(query: &Query) -> String {
    let star = |prefix: bool| if prefix { "*" } else { "" };
    let quoted = |words: &[String]| match words {
        [one] => one.clone(),
        several => format!("\"{}\"", several.join(" ")),
    };
    let joined = |queries: &[Query], between: &str| {
        let parts: Vec<String> = queries.iter().map(written).collect();
        format!("({})", parts.join(between))
    };
    match query {
        Query::All => "*".to_owned(),
        Query::Phrase { words, prefix } => format!("{}{}", quoted(words), star(*prefix)),
        Query::Field { name, words, prefix } => format!("{name}:{}{}", quoted(words), star(*prefix)),
        Query::Keyword { field, value, prefix } => {
            let name = match field {
                Keyword::Service => "service",
                Keyword::Host => "host",
                Keyword::Environment => "environment",
                Keyword::Version => "version",
                Keyword::Trace => "trace",
                Keyword::Span => "span",
            };
            format!("{name}:{value}{}", star(*prefix))
        }
        Query::Level { comparison, severity } => {
            let sign = match comparison {
                Comparison::Is => ":",
                Comparison::AtLeast => ">=",
                Comparison::AtMost => "<=",
                Comparison::Above => ">",
                Comparison::Below => "<",
            };
            format!("level{sign}{severity}")
        }
        Query::Template(id) => format!("template:{id}"),
        Query::Id(id) => format!("id:{id}"),
        Query::Last { micros } => match micros / 1_000_000 {
            seconds if seconds % 3_600 == 0 => format!("last:{}h", seconds / 3_600),
            seconds if seconds % 60 == 0 => format!("last:{}m", seconds / 60),
            seconds => format!("last:{seconds}s"),
        },
        Query::Not(inner) => format!("-{}", written(inner)),
        Query::And(queries) => joined(queries, " "),
        Query::Or(queries) => joined(queries, " OR "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_as_the_same_query() {
        for text in [
            "*",
            "word",
            "\"two words\"*",
            "service:check*",
            "status:500",
            "level>=warn",
            "level<error",
            "template:t12",
            "id:r7",
            "last:90s",
            "last:2h",
            "-word",
            "a (b OR -c)",
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(Query::parse(&written(&query)).unwrap(), query, "{text}");
        }
    }

    #[test]
    fn only_what_cannot_be_compared_is_named() {
        let check = |text: &str, found_nothing: bool, expected: &[&str]| {
            let found = comparisons(text, found_nothing);
            assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "`{expected}` is not in `{found}`");
            }
        };
        check("level>=error level:>=warn severity<error", true, &[]);
        check("levl>=error", true, &["did you mean `level>=error`?"]);
        check("status:>=500 x", false, &["`status:>=500` is read as one value; only `level` can be compared"]);
        check("(took>500 OR -n<3)", true, &["`took>500` is read as text", "`n<3`"]);
        check("took>500", false, &[]);
        check("\"a took>500\" user=7 a->b", true, &[]);
    }
}
