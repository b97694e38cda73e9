//! Whose failure a line tells of. `No instances available for cart` is written by a caller of cart, and says nothing against the caller.

mod phrases;
mod quotes;
mod roles;
mod strangers;

pub(crate) use phrases::{
    is_bad_response, is_deadly, is_supervisor, sounds_bad, tells_of_expired_certificate, waits_for_lock,
};
pub(crate) use quotes::{plain_words, quotes};
pub(crate) use roles::role_named;
pub(crate) use strangers::strangers;

use phrases::{CALLS, sounds_like_outage};

/// Whom a line points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The service that wrote it.
    Own,
    /// Something that it calls, without a name we know.
    Away,
    /// These services (indexes), which it names.
    Others(Vec<u16>),
}

/// The services by the words that lines may call them.
pub(crate) struct Names {
    /// Per service: its name in lower case, and its short form without what most names share (`ts-`, `-service`).
    names: Vec<(String, String)>,
}

impl Names {
    pub(crate) fn new(services: &[String]) -> Names {
        let lower: Vec<String> = services.iter().map(|name| name.to_ascii_lowercase()).collect();
        let common = |part: fn(&str) -> Option<&str>| {
            let parts: Vec<&str> = lower.iter().filter_map(|name| part(name)).collect();
            let most = parts.iter().max_by_key(|one| parts.iter().filter(|other| other == one).count()).copied();
            most.filter(|most| {
                let n = parts.iter().filter(|part| part == &most).count();
                n >= 3 && n * 2 > lower.len()
            })
        };
        let prefix = common(|name| name.find('-').map(|end| &name[..=end]));
        let suffix = common(|name| name.rfind('-').map(|start| &name[start..]));
        let short = |name: &str| {
            let name = prefix.and_then(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
            suffix.and_then(|suffix| name.strip_suffix(suffix)).unwrap_or(name).to_owned()
        };
        Names { names: lower.iter().map(|name| (name.clone(), short(name))).collect() }
    }

    /// Whom a bad line of `speaker` points at.
    pub(crate) fn blame(&self, text: &str, speaker: u16) -> Blame {
        let lower = text.to_ascii_lowercase();
        let is_call = CALLS.iter().any(|phrase| lower.contains(phrase));
        let named: Vec<u16> = (0..self.names.len() as u16)
            .filter(|service| *service != speaker)
            .filter(|service| self.names_as_failing(&lower, *service, is_call) || self.is_called_at(&lower, *service))
            .collect();
        if !named.is_empty() {
            Blame::Others(named)
        } else if is_deadly(text) || is_supervisor(&self.names[usize::from(speaker)].0) {
            // Whoever watches over others tells of whom it names.
            match self.mentioned(text, speaker).as_slice() {
                [] => Blame::Own,
                victims => Blame::Others(victims.to_vec()),
            }
        } else if is_call && !self.is_named(&lower, speaker) {
            Blame::Away
        } else {
            Blame::Own
        }
    }

    /// The services that a bad line of `speaker` names other than as the one who asked: it has to do with them.
    pub(crate) fn mentioned(&self, text: &str, speaker: u16) -> Vec<u16> {
        let lower = text.to_ascii_lowercase();
        let is_mentioned = |service: &u16| {
            let full = &self.names[usize::from(*service)].0;
            *service != speaker && words(&lower, full).any(|at| !is_requester(&lower, at))
        };
        (0..self.names.len() as u16).filter(is_mentioned).collect()
    }

    fn names_as_failing(&self, lower: &str, service: u16, is_call: bool) -> bool {
        let (full, short) = &self.names[usize::from(service)];
        let is_requester = |at: usize| is_requester(lower, at);
        // A short form is often a plain word (`order 17 failed`): it counts only where a call is spoken of.
        let in_full = words(lower, full).any(|at| !is_requester(at));
        let in_short = || short.len() >= 4 && words(lower, short).any(|at| !is_requester(at));
        let is_answer = || words(lower, full).any(|at| !is_requester(at) && answers_badly(lower, at, full));
        (in_full && (is_call || sounds_like_outage(lower))) || (is_call && in_short()) || is_answer()
    }

    /// Whether the line gives the address of a call to the service: `Post "https://shipping.internal/labels": …`,
    /// `no answer at ledger:<*>`.
    fn is_called_at(&self, lower: &str, service: u16) -> bool {
        const BEFORE: [&str; 6] = ["at ", "to ", "tcp ", "host ", "with ", "@"];
        let full = &self.names[usize::from(service)].0;
        let has_port = |at: usize| {
            let port = lower[at + full.len()..].strip_prefix(':').unwrap_or_default();
            port.starts_with("<*>") || port.starts_with(|c: char| c.is_ascii_digit())
        };
        words(lower, full).any(|at| {
            lower[..at].ends_with("://") || (has_port(at) && BEFORE.iter().any(|before| lower[..at].ends_with(before)))
        })
    }

    /// Whether the line names the service, other than as who writes: `service=edge level=error desc="no answer"`.
    fn is_named(&self, lower: &str, service: u16) -> bool {
        words(lower, &self.names[usize::from(service)].0).any(|at| !lower[..at].trim_end_matches('"').ends_with('='))
    }
}

/// Whether the name at `at` is of the one who asked: `rejected request from checkout`.
fn is_requester(lower: &str, at: usize) -> bool {
    let before = lower[..at].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let ends_in = |word: &str| words(before, word).any(|at| at + word.len() == before.len());
    ["from", "by", "client", "caller", "user"].iter().any(|word| ends_in(word))
        && !["response from", "heartbeat from", "answer from"].iter().any(|what| before.ends_with(what))
}

/// Whether what follows a service's name is its bad answer: `ledger answered <*>`, `session-store: OOM command not allowed`.
///
/// A name that is a plain word (`payment failed`) is often no name at all, and needs a clearer sign.
fn answers_badly(lower: &str, at: usize, name: &str) -> bool {
    const ANSWERS: [&str; 6] = ["answered", "returned", "replied", "responded", "gave", "said"];
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    const OF_NAMES: [&str; 5] = ["did", "failed", "rejected", "cannot", "could"];
    let is_compound = name.contains(['-', '_']);
    let rest = &lower[at + name.len()..];
    let quoted = rest.strip_prefix(": ").is_some_and(|said| said.split_whitespace().count() >= 2);
    let verb = rest.trim_start().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_request = METHODS.contains(&verb) && rest.trim_start()[verb.len()..].starts_with(" /");
    let answers = ANSWERS.contains(&verb) || is_request || (is_compound && OF_NAMES.contains(&verb));
    (quoted && (is_compound || lower[..at].ends_with(": "))) || (rest.starts_with(' ') && answers)
}

/// Where `name` stands in `text` as a word of its own.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices(name).map(|(at, _)| at).filter(move |at| {
        !name.is_empty()
            && !is_part(text[..*at].chars().next_back())
            && !is_part(text[at + name.len()..].chars().next())
            && !text[..*at].ends_with('-')
            && !text[at + name.len()..].starts_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_plain_words_need_a_clearer_sign() {
        let names = Names::new(&["checkout".to_owned(), "payment".to_owned()]);
        let check = |text: &str, expected: Blame| assert_eq!(names.blame(text, 0), expected, "{text}");
        check("posting failed: payment answered <*>", Blame::Others(vec![1]));
        check("cannot book: payment: card store is full", Blame::Others(vec![1]));
        check("invalid payment: card number missing", Blame::Own);
        check("payment failed for order <*>", Blame::Own);
    }

    #[test]
    fn stranger_is_whom_two_others_say_is_failing() {
        let known = ["checkin".to_owned(), "seatmap".to_owned()];
        let lines = |lines: &[(u16, &'static str)]| strangers(lines.iter().copied(), &known);
        let complaint = (0, "fare-quote POST /v3/prices answered <*> in <*> ms");
        assert_eq!(lines(&[complaint, (1, "no prices: fare-quote gave nothing within <*> ms")]), ["fare-quote"]);
        assert_eq!(lines(&[complaint, (0, "fare-quote timed out")]), [""; 0]);
        assert_eq!(lines(&[complaint, (1, "read-only file system")]), [""; 0]);
    }

    #[test]
    fn stranger_is_whom_a_supervisor_says_has_died() {
        let known = ["web".to_owned(), "kernel".to_owned(), "systemd".to_owned(), "kubelet".to_owned()];
        let check = |speaker: u16, line: &'static str, expected: &[&str]| {
            assert_eq!(strangers([(speaker, line)].into_iter(), &known), expected, "{line}");
        };
        check(1, "Out of memory: Killed process <*> (redis-server) total-vm:<*>", &["redis-server"]);
        check(2, "postgresql@15-main.service: Main process exited, code=killed, status=9/KILL", &["postgresql"]);
        check(3, "Back-off restarting failed container=search pod=<*>", &["search"]);
        check(0, "Out of memory: Killed process <*> (redis-server) total-vm:<*>", &[]);
        check(1, "Out of memory: Killed process <*> (web) total-vm:<*>", &[]);
        check(1, "Out of memory: Killed process <*> (<*>) total-vm:<*>", &[]);
        check(2, "Failed to start session <*> of user root.", &[]);
    }

    #[test]
    fn store_is_known_by_its_role() {
        let check = |text: &str, services: &[&'static str], expected: Option<u16>| {
            assert_eq!(role_named(text, (0..).zip(services.iter().copied())), expected, "{text}");
        };
        check("order <*> not written: database refused the insert (disk_full)", &["checkout", "orders-db"], Some(1));
        check("order <*> not written: database refused the insert", &["orders-db", "users-db"], None);
        check("order <*> not written: disk full", &["checkout", "orders-db"], None);
        check("cannot read from cache", &["checkout", "redis"], Some(1));
    }

    #[test]
    fn a_wrapped_message_is_a_quotation() {
        let check = |own: &str, other: &str, expected: bool| {
            assert_eq!(quotes(&plain_words(own), &plain_words(other)), expected, "{own}");
        };
        let of_database = "ERROR: could not extend file <*>: No space left on device";
        check(
            "POST /visits 500 could not book\nOperationalError: could not extend file <*>: No space left on device",
            of_database,
            true,
        );
        check(of_database, of_database, false);
        check("cache is off, will write to disk instead: no space left on device", of_database, false);
    }

    #[test]
    fn callers_lines_point_to_the_called() {
        let services: Vec<String> =
            ["ts-cart-service", "ts-order-service", "ts-seat-service", "ts-order-other-service"]
                .map(str::to_owned)
                .into();
        let names = Names::new(&services);
        let check = |text: &str, expected: Blame| assert_eq!(names.blame(text, 1), expected, "{text}");
        check("nested exception is No instances available for ts-cart-service", Blame::Others(vec![0]));
        check("I/O error on POST request for \"http://ts-order-other-service:12032/api\"", Blame::Others(vec![3]));
        check("upstream seat timed out after <*> ms", Blame::Others(vec![2]));
        check("connection refused <*>", Blame::Away);
        check("connection pool exhausted after <*> ms, <*> waiting", Blame::Own);
        check("rejected request from ts-cart-service: quota <*>", Blame::Own);
        check("no contacts according to id <*>", Blame::Own);
        check("seat <*> already taken", Blame::Own);
        check("posting failed: ts-cart-service answered <*>", Blame::Others(vec![0]));
        check("declined by stand-in: ts-seat-service gave no answer", Blame::Others(vec![2]));
        check("cannot hold: ts-cart-service: OOM command not allowed", Blame::Others(vec![0]));
        check("getaddrinfo ts-seat-service.fleet.internal: name resolution failed", Blame::Others(vec![2]));
        check("bad quota of ts-seat-service <*>", Blame::Own);
        check("could not reserve at ts-seat-service:<*> for session <*>", Blame::Others(vec![2]));
        check("missed heartbeat from ts-seat-service@<*>", Blame::Others(vec![2]));
        check("level=error service=ts-order-service desc=\"Request timeout\"", Blame::Away);
        check("deferred (host <*> said: <*> Temporary internal failure)", Blame::Away);
        check(
            "no label: Post \"https://ts-cart-service.fleet.svc/labels\": certificate has expired",
            Blame::Others(vec![0]),
        );
    }
}
