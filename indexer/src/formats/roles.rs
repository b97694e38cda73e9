//! Which names stand for time, level, service and so on; earlier names win over later ones.

/// What a named value is to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    Time,
    Level,
    Service,
    Host,
    Text,
    Trace,
    Span,
    Environment,
    Version,
}

pub(super) const N_ROLES: usize = 9;

const NAMES: [(Role, &[&str]); N_ROLES] = [
    (Role::Time, &["ts", "time", "timestamp", "@timestamp", "eventtime", "date", "t", "datetime"]),
    (Role::Level, &["level", "severity", "lvl", "log.level", "severitytext", "loglevel", "levelname"]),
    (
        Role::Service,
        &[
            "service",
            "service.name",
            "app",
            "application",
            "component",
            "kubernetes.labels.app",
            "kubernetes.container_name",
            "container",
            "job",
            "logger",
        ],
    ),
    (Role::Host, &["host", "hostname", "pod", "pod_name", "kubernetes.pod_name", "node", "instance", "host.name"]),
    (Role::Text, &["message", "msg", "log", "body", "event", "text"]),
    (Role::Trace, &["trace_id", "traceid", "trace.id", "trace"]),
    (Role::Span, &["span_id", "spanid", "span.id"]),
    (Role::Environment, &["env", "environment", "deployment.environment", "service.environment"]),
    (Role::Version, &["version", "service.version", "app_version", "release"]),
];

/// The role of a name and how good a name for it this is (`0` is best); case does not matter.
pub fn role_of(name: &str) -> Option<(Role, usize)> {
    let longest = "kubernetes.container_name".len();
    if name.len() > longest {
        return None;
    }
    NAMES.iter().find_map(|(role, names)| {
        let rank = names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some((*role, rank))
    })
}
