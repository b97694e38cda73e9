//! Product pages, searches, recommendations, logins and carts.

use crate::faults::Kind;
use crate::flows::{HUNG, Outcome};
use crate::formats::Value;
use crate::line::Level;
use crate::services::Svc;
use crate::shop::Shop;
use crate::stamp::SECOND;

pub(crate) const QUERIES: [&str; 16] = [
    "red shoes",
    "rain jacket",
    "usb-c cable",
    "desk lamp",
    "coffee grinder",
    "yoga mat",
    "backpack 20l",
    "wool socks",
    "standing desk",
    "headphones",
    "water bottle",
    "gift card",
    "kids boots",
    "table tennis",
    "winter coat",
    "bike light",
];

impl Shop {
    pub(crate) fn product(&mut self, at: i64, trace: u128, product: u64) -> Outcome {
        let who = self.who(Svc::Catalog, trace);
        let leak = self.fault_level(Kind::MemoryLeak, at);
        let leaks = leak > 0.0 && self.runs_guilty_version(who.svc, who.pod);
        let start = at + self.random.latency(0.5);
        if leaks && self.random.chance((leak - 0.45) * 0.9) {
            let end = start + self.random.between(900_000, 3_800_000);
            self.say(
                who,
                end,
                Level::Error,
                "c.shop.catalog.web.ProductController",
                &[],
                format_args!(
                    "Servlet.service() for request /products/{product} failed\njava.lang.OutOfMemoryError: Java heap space\n\
                     \tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)\n\
                     \tat com.shop.catalog.price.PriceHistory.append(PriceHistory.java:88)\n\
                     \tat com.shop.catalog.price.PriceHistoryService.record(PriceHistoryService.java:41)\n\
                     \tat com.shop.catalog.web.ProductController.product(ProductController.java:67)\n\
                     \tat java.base/java.lang.Thread.run(Thread.java:1583)"
                ),
            );
            return Outcome::new(end + self.random.latency(0.5), 500);
        }
        if leaks && self.random.chance((leak - 0.5) * 0.25) {
            return Outcome::new(start, HUNG);
        }
        let is_cached = self.random.chance(0.86);
        let slow = 1.0 + if leaks { leak * 25.0 } else { 0.0 };
        let end = start + self.random.latency(if is_cached { 2.2 } else { 19.0 } * slow);
        let took = (end - start) / 1000;
        let logger = "c.shop.catalog.ProductService";
        if is_cached {
            self.say(
                who,
                end,
                Level::Info,
                logger,
                &[],
                format_args!("Product {product} served from cache in {took} ms"),
            );
        } else {
            self.say(
                who,
                end,
                Level::Info,
                logger,
                &[],
                format_args!("Product {product} loaded from database in {took} ms (cache miss)"),
            );
        }
        if self.random.chance(0.006) {
            self.say(
                who,
                end,
                Level::Warn,
                "c.shop.catalog.ImageResolver",
                &[],
                format_args!("No image in size 1200 for product {product}, falling back to 600"),
            );
        }
        Outcome::new(end + self.random.latency(0.4), 200)
    }

    pub(crate) fn search(&mut self, at: i64, trace: u128, word: u64) -> Outcome {
        let who = self.who(Svc::Search, trace);
        let start = at + self.random.latency(0.6);
        let query = QUERIES[word as usize % QUERIES.len()];
        let level = self.fault_level(Kind::TrafficSurge, at);
        if self.random.chance(level * 0.62) {
            let end = start + self.random.latency(1.2);
            let queued = 128 + self.random.between(0, (120.0 * level) as i64);
            self.say(
                who,
                end,
                Level::Error,
                "search.pool",
                &[],
                format_args!("request rejected: all 64 workers busy, {queued} queued"),
            );
            return Outcome::new(end + self.random.latency(0.3), 503);
        }
        let end = start + self.random.latency(31.0 * (1.0 + level * 18.0));
        let took = (end - start) / 1000;
        let hits = 3 + word as i64 * 17 % 240;
        if self.random.chance(0.012) {
            let shard = self.random.between(0, 4);
            self.say(
                who,
                start + 1000,
                Level::Warn,
                "search.shards",
                &[],
                format_args!("shard {shard} slow, asking its replica"),
            );
        }
        if self.random.chance(0.0015) {
            let line = self.random.between(100, 180);
            self.say(
                who,
                end - 500,
                Level::Error,
                "search.suggest",
                &[],
                format_args!(
                    "suggestions skipped for query '{query}'\nTraceback (most recent call last):\n  File \"/app/search/suggest.py\", line {line}, in suggest\n    terms = self.speller.candidates(tokens[-1])\n  File \"/app/search/speller.py\", line 57, in candidates\n    return sorted(found, key=rank)[:limit]\nTypeError: '<' not supported between instances of 'NoneType' and 'float'"
                ),
            );
        }
        self.say(
            who,
            end,
            Level::Info,
            "search.api",
            &[],
            format_args!("query '{query}' found {hits} hits in {took} ms"),
        );
        Outcome::new(end + self.random.latency(0.4), 200)
    }

    pub(crate) fn recommend(&mut self, at: i64, trace: u128) -> Outcome {
        let who = self.who(Svc::Recommendations, trace);
        let start = at + self.random.latency(0.5);
        let customer = 1_000 + self.random.next() % 60_000;
        let level = self.fault_level(Kind::BadFlag, at);
        if self.random.chance(level * 0.93) {
            let end = start + self.random.latency(5.0);
            self.say(
                who,
                end,
                Level::Error,
                "recommendations.rank",
                &[],
                format_args!(
                    "ranking failed for customer {customer}\nTraceback (most recent call last):\n  File \"/app/recommendations/api.py\", line 74, in recommend\n    ranked = self.ranker.rank(candidates, profile)\n  File \"/app/recommendations/ranker.py\", line 121, in rank\n    vector = profile.features['embedding_v2']\nKeyError: 'embedding_v2'"
                ),
            );
            return Outcome::new(end + 200, 500);
        }
        let end = start + self.random.latency(16.0);
        let took = (end - start) / 1000;
        if self.random.chance(0.02) {
            self.say(
                who,
                start,
                Level::Info,
                "recommendations.profile",
                &[],
                format_args!("no profile for customer {customer}, using segment defaults"),
            );
        }
        self.say(
            who,
            end,
            Level::Info,
            "recommendations.api",
            &[],
            format_args!("12 items ranked for customer {customer} in {took} ms"),
        );
        Outcome::new(end + 200, 200)
    }

    pub(crate) fn token(&mut self, at: i64, trace: u128) -> Outcome {
        let who = self.who(Svc::Auth, trace);
        let end = at + self.random.latency(2.4);
        let customer = 1_000 + self.random.between(0, 60_000);
        self.count(Svc::Auth, end, false);
        if self.random.chance(0.011) {
            self.say(
                who,
                end,
                Level::Warn,
                "",
                &[("customer", Value::Int(customer))],
                format_args!("token expired, asking to sign in again"),
            );
            return Outcome::new(end + 200, 401);
        }
        if self.random.chance(0.004) {
            let mut bearer = String::from("Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI");
            crate::formats::hex(&mut bearer, trace, 24);
            bearer.push('.');
            crate::formats::hex(&mut bearer, trace.rotate_left(40), 32);
            self.say(
                who,
                end,
                Level::Debug,
                "",
                &[("authorization", Value::Text(&bearer))],
                format_args!("introspecting token of unknown issuer"),
            );
        }
        self.say(
            who,
            end,
            Level::Info,
            "",
            &[("customer", Value::Int(customer)), ("scope", Value::Text("shop"))],
            format_args!("token accepted"),
        );
        Outcome::new(end + 200, 200)
    }

    pub(crate) fn login(&mut self, at: i64, trace: u128) -> Outcome {
        let who = self.who(Svc::Auth, trace);
        let end = at + self.random.latency(84.0);
        let customer = 1_000 + self.random.between(0, 60_000);
        let is_wrong = self.random.chance(0.07);
        let fields = [("customer", Value::Int(customer)), ("duration_ms", Value::Int((end - at) / 1000))];
        if is_wrong {
            self.say(who, end, Level::Warn, "", &fields, format_args!("login failed: wrong password"));
        } else {
            self.say(who, end, Level::Info, "", &fields, format_args!("login succeeded"));
        }
        Outcome::new(end + 300, if is_wrong { 401 } else { 200 })
    }

    pub(crate) fn add_to_cart(&mut self, at: i64, trace: u128, product: u64) -> Outcome {
        let who = self.who(Svc::Cart, trace);
        let start = at + self.random.latency(0.7);
        if let Some(failed) = self.cart_cannot_store(who, start) {
            return failed;
        }
        let stock = self.stock(start, trace, product);
        let end = stock.end + self.random.latency(2.0);
        if !stock.is_good() {
            self.say(
                who,
                end,
                Level::Warn,
                "cart.items",
                &[],
                format_args!("stock of product {product} unknown, inventory answered {}", stock.status),
            );
        }
        if self.random.chance(0.004) {
            self.say(
                who,
                end,
                Level::Warn,
                "cart.store",
                &[],
                format_args!("cart changed meanwhile, merging and trying again (1/3)"),
            );
        }
        let quantity = self.random.between(1, 3);
        self.say(
            who,
            end,
            Level::Info,
            "cart.items",
            &[("labels.product", Value::Int(product as i64))],
            format_args!("{quantity} x product {product} added to cart"),
        );
        Outcome::new(end + 300, 200)
    }

    /// The configuration change that moves sessions to a Redis that does not exist.
    pub(crate) fn cart_cannot_store(&mut self, who: crate::shop::Who, at: i64) -> Option<Outcome> {
        let level = self.fault_level(Kind::BadConfig, at);
        if !self.random.chance(level * 0.96) {
            return None;
        }
        let first = at + self.random.latency(3.0);
        self.say(
            who,
            first,
            Level::Warn,
            "cart.store",
            &[],
            format_args!("session store not reachable, trying again (1/2)"),
        );
        let end = first + self.random.between(180_000, 260_000);
        self.say(
            who,
            end,
            Level::Error,
            "cart.store",
            &[("error.type", Value::Text("DNSException"))],
            format_args!(
                "session store not reachable: getaddrinfo ENOTFOUND redis-sessions-b.production.svc.cluster.local:6379"
            ),
        );
        Some(Outcome::new(end + 300, 500))
    }

    fn stock(&mut self, at: i64, trace: u128, product: u64) -> Outcome {
        let who = self.who(Svc::Inventory, trace);
        let start = at + self.random.latency(0.6);
        if let Some(failed) = self.inventory_starves(who, start, 3 * SECOND) {
            return failed;
        }
        let end = start + self.random.latency(4.5);
        let left = 2 + (product as i64 * 31) % 180;
        self.count(Svc::Inventory, end, false);
        self.say(
            who,
            end,
            Level::Info,
            "c.shop.inventory.StockService",
            &[],
            format_args!("Stock of product {product}: {left} available"),
        );
        Outcome::new(end + 300, 200)
    }

    /// Whether this pod runs the version that the fault came with.
    pub(crate) fn runs_guilty_version(&self, svc: Svc, pod: usize) -> bool {
        let Some(change) = self.trouble.as_ref().and_then(|trouble| trouble.fault.change) else { return false };
        svc.info().name == change.service
            && self.fleet.of(svc).pods.get(pod).is_some_and(|pod| *pod.version == *change.version)
    }
}
