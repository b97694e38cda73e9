//! The services of the shop: who they are, how they log, how many run. The order is that of [`Svc`].

use crate::formats::Format;

/// Everything in the shop runs here.
pub const ENVIRONMENT: &str = "production";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Svc {
    Web,
    Gateway,
    Auth,
    Catalog,
    Search,
    Recommendations,
    Cart,
    Checkout,
    Payment,
    Inventory,
    Worker,
    Shipping,
    Email,
    OrdersDb,
    Cluster,
}

/// One service.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    pub about: &'static str,
    /// The file its lines go to.
    pub source: &'static str,
    pub(crate) format: Format,
    /// How many pods or hosts run before anybody scales.
    pub replicas: usize,
    /// Its version starts with these words; the last number counts up with each deploy.
    pub(crate) version: (&'static str, u32),
    /// Whether people deploy it: databases and the cluster itself are not deployed on an ordinary day.
    pub(crate) deployed: bool,
    /// A harmless line that appears with a new version.
    pub(crate) novelty: &'static str,
}

const fn service(
    name: &'static str,
    about: &'static str,
    source: &'static str,
    format: Format,
    replicas: usize,
    version: (&'static str, u32),
    novelty: &'static str,
) -> Service {
    Service { name, about, source, format, replicas, version, deployed: !novelty.is_empty(), novelty }
}

pub const SERVICES: &[Service] = &[
    service("web", "serves pages, nginx", "web.log", Format::Access, 3, ("v", 88), ""),
    service(
        "gateway",
        "routes API calls",
        "gateway.ndjson",
        Format::Zap,
        3,
        ("v4.", 12),
        "http2 ping enabled towards upstreams",
    ),
    service("auth", "tokens and logins", "auth.log", Format::Logfmt, 2, ("v2.", 30), "key set cached for 600 s"),
    service(
        "catalog",
        "products and prices",
        "catalog.log",
        Format::Java,
        3,
        ("v5.", 7),
        "Price rounding mode is HALF_EVEN",
    ),
    service("search", "full-text search", "search.log", Format::Python, 3, ("v", 6), "synonym set 2026-11 active"),
    service(
        "recommendations",
        "what to buy next",
        "recommendations.log",
        Format::Python,
        2,
        ("v0.", 51),
        "blended ranking served from warm cache",
    ),
    service(
        "cart",
        "carts and sessions",
        "cart.ndjson",
        Format::Ecs,
        3,
        ("v3.", 18),
        "cart merge strategy: newest wins",
    ),
    service(
        "checkout",
        "turns carts into orders",
        "checkout.ndjson",
        Format::Zap,
        4,
        ("v1.", 41),
        "address normaliser: using country profiles",
    ),
    service(
        "payment",
        "talks to the acquirer",
        "payment.ndjson",
        Format::Pino,
        3,
        ("v9.", 3),
        "3ds exemption evaluated: low value",
    ),
    service(
        "inventory",
        "stock and reservations",
        "inventory.log",
        Format::Java,
        2,
        ("v2.", 24),
        "Reservation audit trail written to topic stock-audit",
    ),
    service(
        "worker",
        "works off accepted orders",
        "worker.ndjson",
        Format::Ecs,
        2,
        ("v1.", 15),
        "batch size adapted to 8",
    ),
    service(
        "shipping",
        "labels and carriers",
        "shipping.log",
        Format::Logfmt,
        2,
        ("v1.", 9),
        "carrier table v3 in use",
    ),
    service("email", "order mails", "email.log", Format::Syslog, 2, ("v2.", 7), "template cache warm, 14 templates"),
    service("orders-db", "PostgreSQL of orders and stock", "orders-db.log", Format::Postgres, 1, ("16.", 4), ""),
    service("cluster", "kubelets of the nodes", "cluster.log", Format::Klog, 3, ("v1.31.", 4), ""),
];

impl Svc {
    pub(crate) fn info(self) -> &'static Service {
        &SERVICES[self as usize]
    }

    pub(crate) fn named(name: &str) -> Option<Svc> {
        ALL.iter().copied().find(|svc| svc.info().name == name)
    }
}

pub(crate) const ALL: [Svc; 15] = [
    Svc::Web,
    Svc::Gateway,
    Svc::Auth,
    Svc::Catalog,
    Svc::Search,
    Svc::Recommendations,
    Svc::Cart,
    Svc::Checkout,
    Svc::Payment,
    Svc::Inventory,
    Svc::Worker,
    Svc::Shipping,
    Svc::Email,
    Svc::OrdersDb,
    Svc::Cluster,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_table_agree() {
        for (position, svc) in ALL.iter().enumerate() {
            assert_eq!(*svc as usize, position);
            assert_eq!(Svc::named(svc.info().name), Some(*svc));
        }
        assert_eq!(ALL.len(), SERVICES.len());
    }
}
