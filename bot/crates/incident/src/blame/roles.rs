//! Stores that callers call by what they are: "the database".

use super::words;

/// What callers call a kind of store by, and what such stores are named after. Lower case.
const ROLES: [(&[&str], &[&str]); 4] = [
    (
        &["database", "db", "sql", "mysql", "postgres", "postgresql", "mariadb", "mongodb"],
        &["db", "database", "postgres", "postgresql", "pg", "mysql", "mariadb", "sql", "mongo", "mongodb", "oracle"],
    ),
    (&["cache", "redis", "memcached"], &["cache", "redis", "memcached", "valkey"]),
    (
        &["broker", "queue", "kafka", "rabbitmq", "nats"],
        &["broker", "queue", "kafka", "rabbitmq", "nats", "activemq", "pulsar"],
    ),
    (
        &["lookup", "getaddrinfo", "name resolution", "no such host", "unknown host", "could not resolve", "eai_again"],
        &["dns", "coredns", "kubedns", "bind", "named", "unbound", "dnsmasq", "resolver"],
    ),
];

/// The one service among `candidates` that a bad line calls by its role: `database refused the insert` in sight of `orders-db`.
///
/// `None` when no role is named, or when several services play it.
pub(crate) fn role_named<'n>(text: &str, candidates: impl Iterator<Item = (u16, &'n str)> + Clone) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    ROLES.iter().filter(|(called, _)| called.iter().any(|word| words(&lower, word).next().is_some())).find_map(
        |(_, names)| {
            let plays = |name: &str| name.split(['-', '_', '.']).any(|part| names.contains(&part));
            let mut players = candidates.clone().filter(|(_, name)| plays(&name.to_ascii_lowercase()));
            let only = players.next()?.0;
            players.next().is_none().then_some(only)
        },
    )
}
