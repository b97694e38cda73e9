//! What can go wrong in the shop, who is guilty, and which remedy ends it.
//! A new fault is a line of [`FAULTS`] and its symptoms where the guilty service's work is simulated.

use crate::deploys::DeployKind;
use crate::services::Svc;
use crate::stamp::SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    BadDeploy,
    ConnectionPool,
    SlowDependency,
    DiskFull,
    BadFlag,
    ExpiredCertificate,
    QueueStuck,
    TrafficSurge,
    MemoryLeak,
    BadConfig,
    LostEmails,
    QuietDay,
    InnocentDeploy,
}

/// What a fault leaves in the logs, in the words of an incident case's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// The guilty service says what is wrong.
    KeyLine,
    /// A line that always followed another no longer does.
    MissingFollowup,
    /// Nothing: there is no fault.
    NoFault,
}

impl Leaves {
    pub fn as_str(self) -> &'static str {
        match self {
            Leaves::KeyLine => "key_line",
            Leaves::MissingFollowup => "missing_followup",
            Leaves::NoFault => "no_fault",
        }
    }
}

/// The change that brought a fault about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuiltyChange {
    pub service: &'static str,
    pub kind: DeployKind,
    pub version: &'static str,
    pub previous: &'static str,
    pub by: &'static str,
    pub note: &'static str,
}

/// The one thing that ends a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Go back from the guilty version of this service (or of its configuration).
    Rollback {
        service: &'static str,
    },
    /// At least so many connections.
    Pool {
        service: &'static str,
        at_least: u32,
    },
    Flag {
        flag: &'static str,
        enabled: bool,
    },
    Disk {
        host: &'static str,
    },
    Certificate {
        service: &'static str,
    },
    Queue {
        queue: &'static str,
    },
    /// A limit at or below this, or at least so many replicas.
    LimitOrScale {
        service: &'static str,
        at_most: u32,
        replicas: usize,
    },
    Nothing,
}

#[derive(Debug)]
pub struct Fault {
    pub name: &'static str,
    pub about: &'static str,
    /// The service at fault; `None` when nothing is wrong.
    pub culprit: Option<&'static str>,
    pub change: Option<GuiltyChange>,
    /// The id of the runbook that fixes it.
    pub runbook: Option<&'static str>,
    pub remedy: Remedy,
    pub leaves: Leaves,
    /// A person's question about it.
    pub question: &'static str,
    /// Patterns over a sample or template; any one of them proves the fault.
    pub evidence: &'static [&'static str],
    pub(crate) kind: Kind,
    /// How long after it is planted the first symptom shows, and how long until it is at its worst.
    pub(crate) onset: i64,
    pub(crate) ramp: i64,
}

impl Fault {
    pub(crate) fn culprit_svc(&self) -> Option<Svc> {
        self.culprit.and_then(Svc::named)
    }
}

/// The flag whose switch sends payments to the second acquirer.
pub(crate) const BACKUP_ACQUIRER: &str = "payment-backup-acquirer";
pub(crate) const EMBEDDING_RANKER: &str = "embedding-ranker";
pub(crate) const ORDERS_QUEUE: &str = "orders.accepted";

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "bad-deploy",
        about: "checkout v1.42 leaks database connections: its pool runs dry, the gateway times out, orders stop",
        culprit: Some("checkout"),
        change: Some(GuiltyChange {
            service: "checkout",
            kind: DeployKind::Deploy,
            version: "v1.42",
            previous: "v1.41",
            by: "mara",
            note: "retry order writes on serialization failures",
        }),
        runbook: Some("roll-back-deploy"),
        remedy: Remedy::Rollback { service: "checkout" },
        leaves: Leaves::KeyLine,
        question: "why is checkout failing?",
        evidence: &["connection pool exhausted after"],
        kind: Kind::BadDeploy,
        onset: 20 * SECOND,
        ramp: 60 * SECOND,
    },
    Fault {
        name: "connection-pool",
        about: "a slow report on orders-db keeps inventory's few connections busy; no deploy is guilty",
        culprit: Some("inventory"),
        change: None,
        runbook: Some("raise-connection-pool"),
        remedy: Remedy::Pool { service: "inventory", at_least: 20 },
        leaves: Leaves::KeyLine,
        question: "why do orders fail?",
        evidence: &["HikariPool-1 - Connection is not available", "CannotGetJdbcConnectionException"],
        kind: Kind::ConnectionPool,
        onset: 5 * SECOND,
        ramp: 45 * SECOND,
    },
    Fault {
        name: "slow-dependency",
        about: "the acquirer that payment calls answers in seconds instead of milliseconds; payments time out",
        culprit: Some("payment"),
        change: None,
        runbook: Some("disable-feature-flag"),
        remedy: Remedy::Flag { flag: BACKUP_ACQUIRER, enabled: true },
        leaves: Leaves::KeyLine,
        question: "why is checkout slow?",
        evidence: &["acquirer paylane did not answer within", "acquirer paylane slow"],
        kind: Kind::SlowDependency,
        onset: 2 * SECOND,
        ramp: 40 * SECOND,
    },
    Fault {
        name: "disk-full",
        about: "the disk of orders-db fills up: no order can be written, though everything can still be read",
        culprit: Some("orders-db"),
        change: None,
        runbook: Some("clear-full-disk"),
        remedy: Remedy::Disk { host: "orders-db-0" },
        leaves: Leaves::KeyLine,
        question: "what is wrong with orders?",
        evidence: &["No space left on device"],
        kind: Kind::DiskFull,
        onset: 90 * SECOND,
        ramp: 5 * SECOND,
    },
    Fault {
        name: "bad-flag",
        about: "the flag embedding-ranker breaks recommendations; pages fall back to bestsellers",
        culprit: Some("recommendations"),
        change: Some(GuiltyChange {
            service: "recommendations",
            kind: DeployKind::Flag,
            version: "embedding-ranker=on",
            previous: "embedding-ranker=off",
            by: "priya",
            note: "embedding ranker to 100 %",
        }),
        runbook: Some("disable-feature-flag"),
        remedy: Remedy::Flag { flag: EMBEDDING_RANKER, enabled: false },
        leaves: Leaves::KeyLine,
        question: "what happened to recommendations?",
        evidence: &["KeyError: 'embedding_v2'", "ranking failed"],
        kind: Kind::BadFlag,
        onset: 3 * SECOND,
        ramp: 2 * SECOND,
    },
    Fault {
        name: "expired-certificate",
        about: "shipping's TLS certificate expires: the worker cannot buy labels, parcels wait",
        culprit: Some("shipping"),
        change: None,
        runbook: Some("rotate-certificate"),
        remedy: Remedy::Certificate { service: "shipping" },
        leaves: Leaves::KeyLine,
        question: "why are no labels bought?",
        evidence: &["certificate has expired", "TLS handshake error"],
        kind: Kind::ExpiredCertificate,
        onset: 0,
        ramp: SECOND,
    },
    Fault {
        name: "queue-stuck",
        about: "the worker's consumer hangs on one message: orders are accepted and nothing follows; no error anywhere",
        culprit: Some("worker"),
        change: None,
        runbook: Some("unblock-queue"),
        remedy: Remedy::Queue { queue: ORDERS_QUEUE },
        leaves: Leaves::MissingFollowup,
        question: "why do customers get no order confirmation?",
        evidence: &["picked up order", "order .* fulfilled"],
        kind: Kind::QueueStuck,
        onset: 0,
        ramp: SECOND,
    },
    Fault {
        name: "traffic-surge",
        about: "a price-comparison site sends eight times the searches: search turns requests away",
        culprit: Some("search"),
        change: None,
        runbook: Some("scale-service"),
        remedy: Remedy::LimitOrScale { service: "search", at_most: 10, replicas: 8 },
        leaves: Leaves::KeyLine,
        question: "what is wrong with search?",
        evidence: &["request rejected: all \\S+ workers busy", "workers busy"],
        kind: Kind::TrafficSurge,
        onset: 0,
        ramp: 60 * SECOND,
    },
    Fault {
        name: "memory-leak",
        about: "catalog v5.8 leaks: longer and longer GC pauses, then its pods are killed one after the other, again and again",
        culprit: Some("catalog"),
        change: Some(GuiltyChange {
            service: "catalog",
            kind: DeployKind::Deploy,
            version: "v5.8",
            previous: "v5.7",
            by: "jonas",
            note: "in-memory price history for the new product page",
        }),
        runbook: Some("roll-back-deploy"),
        remedy: Remedy::Rollback { service: "catalog" },
        leaves: Leaves::KeyLine,
        question: "why do product pages fail?",
        evidence: &["OutOfMemoryError", "OOMKilled", "GC overhead", "Pause Full"],
        kind: Kind::MemoryLeak,
        onset: 60 * SECOND,
        ramp: 240 * SECOND,
    },
    Fault {
        name: "bad-config",
        about: "a configuration change points cart at a Redis host that does not exist",
        culprit: Some("cart"),
        change: Some(GuiltyChange {
            service: "cart",
            kind: DeployKind::Config,
            version: "cart-config-118",
            previous: "cart-config-117",
            by: "luca",
            note: "move sessions to the new Redis",
        }),
        runbook: Some("roll-back-deploy"),
        remedy: Remedy::Rollback { service: "cart" },
        leaves: Leaves::KeyLine,
        question: "why do carts fail?",
        evidence: &["ENOTFOUND", "no such host"],
        kind: Kind::BadConfig,
        onset: 8 * SECOND,
        ramp: 12 * SECOND,
    },
    Fault {
        name: "lost-emails",
        about: "email v2.8 swallows a failure: mails are rendered and never handed to the relay; nothing complains",
        culprit: Some("email"),
        change: Some(GuiltyChange {
            service: "email",
            kind: DeployKind::Deploy,
            version: "v2.8",
            previous: "v2.7",
            by: "ines",
            note: "send through the pooled SMTP client",
        }),
        runbook: Some("roll-back-deploy"),
        remedy: Remedy::Rollback { service: "email" },
        leaves: Leaves::MissingFollowup,
        question: "why do customers get no mail?",
        evidence: &["accepted by relay"],
        kind: Kind::LostEmails,
        onset: 4 * SECOND,
        ramp: SECOND,
    },
    Fault {
        name: "quiet-day",
        about: "nothing is wrong: the usual noise and nothing else",
        culprit: None,
        change: None,
        runbook: None,
        remedy: Remedy::Nothing,
        leaves: Leaves::NoFault,
        question: "what is wrong?",
        evidence: &[],
        kind: Kind::QuietDay,
        onset: 0,
        ramp: 0,
    },
    Fault {
        name: "innocent-deploy",
        about: "a harmless deploy of search with new log lines, beside the usual errors of others",
        culprit: None,
        change: None,
        runbook: None,
        remedy: Remedy::Nothing,
        leaves: Leaves::NoFault,
        question: "did the search deploy break anything?",
        evidence: &[],
        kind: Kind::InnocentDeploy,
        onset: 0,
        ramp: 0,
    },
];

/// The fault of that name.
///
/// # Errors
///
/// [`Error::Unknown`](crate::Error::Unknown), with the names there are.
pub fn fault(name: &str) -> Result<&'static Fault, crate::Error> {
    FAULTS.iter().find(|fault| fault.name == name).ok_or_else(|| {
        let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        crate::Error::Unknown(format!("unknown fault `{name}` (known: {})", known.join(", ")))
    })
}
