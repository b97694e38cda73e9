//! What bad lines say: that a call failed, that somebody died, that somebody waits.

use super::words;

/// What a caller writes when the other side fails. Lower case.
pub(super) const CALLS: [&str; 42] = [
    "no instances available",
    "i/o error on",
    "upstream",
    "nested exception",
    "connection refused",
    "connection reset",
    "failed to connect",
    "cannot connect",
    "could not connect",
    "unable to connect",
    "connect timed out",
    "connect timeout",
    "read timed out",
    "read timeout",
    "gateway timeout",
    "bad gateway",
    "service unavailable",
    "deadline exceeded",
    "circuit",
    "rpc error",
    "no route to host",
    "host unreachable",
    "no such host",
    "remote",
    "downstream",
    "dependency",
    "call to",
    "calling",
    "request to",
    "response from",
    "httpclient",
    "client.timeout",
    "sockettimeout",
    "sslhandshake",
    "tls handshake",
    "pkix path",
    " said: ",
    "backend answered",
    "backend returned",
    "backend timeout",
    "from backend",
    "request timeout",
];

/// Services that watch over others and write of their deaths.
const SUPERVISORS: [&str; 12] = [
    "kernel",
    "systemd",
    "kubelet",
    "containerd",
    "dockerd",
    "docker",
    "supervisord",
    "monit",
    "nomad",
    "cluster",
    "k8s-events",
    "kube-events",
];

pub(crate) fn is_supervisor(service: &str) -> bool {
    SUPERVISORS.contains(&service.to_ascii_lowercase().as_str())
}

/// Whether the line tells that the other side showed a certificate that is no longer valid.
pub(crate) fn tells_of_expired_certificate(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("certificate") && ["expired", "notafter", "not after"].iter().any(|word| lower.contains(word))
}

/// Words by which a line without a level is told to be bad. Lower case.
const BAD: [&str; 22] = [
    "error",
    "fail",
    "exception",
    "panic",
    "fatal",
    "critical",
    "refused",
    "timeout",
    "timed out",
    "denied",
    "cannot",
    "can't",
    "could not",
    "unable",
    "exhausted",
    "expired",
    "corrupt",
    "crash",
    "killed",
    "no space",
    "out of memory",
    "abort",
];

pub(crate) fn sounds_bad(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    BAD.iter().any(|word| lower.contains(word))
}

/// Said of another service, these mean that it fails, even where no call is mentioned.
pub(super) fn sounds_like_outage(lower: &str) -> bool {
    const OUTAGE: [&str; 18] = [
        "timed out",
        "timeout",
        "unavailable",
        "unreachable",
        "refused",
        "not respond",
        "unhealthy",
        "is down",
        "no answer",
        "no response",
        "no reply",
        "not reachable",
        "cannot reach",
        "name resolution",
        "getaddrinfo",
        "resolve host",
        "unknown host",
        "missed heartbeat",
    ];
    OUTAGE.iter().any(|phrase| lower.contains(phrase))
}

/// Whether the line tells that somebody waits for a lock that another holds.
pub(crate) fn waits_for_lock(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["lock timeout", "lock wait", "deadlock", "could not obtain lock", "waiting for lock", "database is locked"]
        .iter()
        .any(|phrase| lower.contains(phrase))
        || (lower.contains("waiting for") && words(&lower, "lock").next().is_some())
}

/// Whether this is an access log's line about a request that failed; the outcome stands where the status was.
pub(crate) fn is_bad_response(text: &str) -> bool {
    text.ends_with(" (server-error)") || text.ends_with(" [client-error]")
}

/// What a process writes when it dies of it. Lower case; one such line is worth many others.
const DEADLY: [&str; 14] = [
    "outofmemory",
    "out of memory",
    "oomkilled",
    "panic:",
    "panicked at",
    "segfault",
    "segmentation fault",
    "sigsegv",
    "core dumped",
    "fatal error",
    "oom-kill",
    "code=killed",
    "main process exited",
    "terminated unexpectedly",
];

pub(crate) fn is_deadly(text: &str) -> bool {
    // Whoever calls the `oom-killer` is mostly not whom it kills.
    let lower = text.to_ascii_lowercase().replace("oom-killer", "");
    DEADLY.iter().any(|phrase| lower.contains(phrase))
}
