//! Says what was odd about the files: one sentence for each oddity, with the first of the files.

use indexer::{Note, Oddity};

use super::counted;
use crate::named::some_of;

pub fn sentences(notes: &[Note]) -> Vec<String> {
    let mut oddities: Vec<Oddity> = notes.iter().map(|note| note.oddity).collect();
    oddities.sort();
    oddities.dedup();
    let of = |oddity: Oddity| notes.iter().filter(move |note| note.oddity == oddity);
    oddities.into_iter().map(|oddity| sentence(oddity, &of(oddity).collect::<Vec<_>>())).collect()
}

fn sentence(oddity: Oddity, notes: &[&Note]) -> String {
    let files = some_of(notes.iter().map(|note| note.path.as_str()));
    let is_one = notes.len() == 1;
    let by_number = |one: &'static str, more: &'static str| if is_one { one } else { more };
    let (is, has, its) = (by_number("is", "are"), by_number("has", "have"), by_number("its", "their"));
    let count: u64 = notes.iter().map(|note| note.count).sum();
    let n = |what: &str| counted(count, what);
    match oddity {
        Oddity::Empty => format!("{files} {is} empty"),
        Oddity::NotPacked => format!("{files} {is} not packed, whatever the name says: read as text"),
        Oddity::LooksBinary => {
            let looks = by_number("looks", "look");
            format!("{files} {looks} binary, {} kept as plain text; leave out what is no log", n("line"))
        }
        Oddity::WithoutTimes => {
            let when = if files == "`stdin`" { "of reading" } else { "of the last change" };
            format!("{files} {has} no times: {} kept with the time {when}", n("record"))
        }
        Oddity::AheadOfTime => {
            format!(
                "{files} {has} {} from more than a day ahead; check the clock of what writes {its} lines",
                n("record")
            )
        }
        Oddity::CutLines => format!("{files} {has} {} of more than 1 MiB, kept up to there", n("line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(oddity: Oddity, paths: &[&str], count: u64, expected: &str) {
        let notes: Vec<Note> = paths.iter().map(|path| Note { oddity, path: (*path).to_owned(), count }).collect();
        assert_eq!(sentences(&notes), [expected]);
    }

    #[test]
    fn each_oddity_is_one_sentence_whatever_the_number_of_files() {
        check(Oddity::Empty, &["a.log"], 0, "`a.log` is empty");
        check(Oddity::Empty, &["a", "b", "c", "d", "e"], 0, "`a`, `b`, `c` and 2 more are empty");
        check(Oddity::NotPacked, &["a.gz"], 3, "`a.gz` is not packed, whatever the name says: read as text");
        let binary = "`a.log` looks binary, 1,164 lines kept as plain text; leave out what is no log";
        check(Oddity::LooksBinary, &["a.log"], 1_164, binary);
        check(
            Oddity::WithoutTimes,
            &["a.log"],
            3,
            "`a.log` has no times: 3 records kept with the time of the last change",
        );
        check(Oddity::WithoutTimes, &["stdin"], 1, "`stdin` has no times: 1 record kept with the time of reading");
        let ahead = "`a`, `b` have 2 records from more than a day ahead; check the clock of what writes their lines";
        check(Oddity::AheadOfTime, &["a", "b"], 1, ahead);
        check(Oddity::CutLines, &["a.log"], 1, "`a.log` has 1 line of more than 1 MiB, kept up to there");
    }
}
