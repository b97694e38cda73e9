//! The way in: nginx, then the gateway, which waits five seconds for whoever it asks.

use crate::flows::{HUNG, Outcome, new_trace};
use crate::formats::Value;
use crate::line::Level;
use crate::services::Svc;
use crate::shop::{Shop, Who};
use crate::stamp::SECOND;
use crate::traffic::Visit;

const WAITS: i64 = 5 * SECOND;

const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
    "ShopApp/7.4.1 (Android 16; Pixel 9)",
];
const COMPARER: &str = "PreisRadar/2.3 (+https://preisradar.example/bot)";

impl Shop {
    pub(crate) fn visit(&mut self, at: i64, visit: Visit, from_surge: bool) {
        let trace = new_trace(&mut self.random);
        let (method, route, path, asked) = self.request(visit);
        let start = at + self.random.latency(0.9);
        let who = self.who(Svc::Gateway, trace);
        let answer = self.through_gateway(who, trace, start, visit, asked);
        let took = (answer.end - start) / 1000;
        let level = if answer.status >= 500 { Level::Warn } else { Level::Info };
        self.say(
            who,
            answer.end,
            level,
            "",
            &[
                ("route", Value::Text(route)),
                ("status", Value::Int(i64::from(answer.status))),
                ("duration_ms", Value::Int(took)),
            ],
            format_args!("{method} {path} answered {} in {took} ms", answer.status),
        );
        self.count(Svc::Gateway, answer.end, answer.status >= 500);
        let end = answer.end + self.random.latency(0.7);
        let mut edge = self.who(Svc::Web, trace);
        edge.call = None;
        let agent = if from_surge { COMPARER } else { *self.random.pick(&AGENTS) };
        let net = if from_surge { 203 } else { 80 + self.random.between(0, 18) };
        let client = format!("{net}.{}.{}.{}", trace as u8, (trace >> 8) as u8, (trace >> 16) as u8 | 1);
        let bytes = if answer.status < 400 { self.random.between(900, 48_000) } else { 312 };
        self.say(
            edge,
            end,
            Level::Info,
            &client,
            &[],
            format_args!(
                "\"{method} {path} HTTP/1.1\" {} {bytes} \"https://shop.example/\" \"{agent}\"",
                answer.status
            ),
        );
        self.count(Svc::Web, end, answer.status >= 500);
    }

    fn request(&mut self, visit: Visit) -> (&'static str, &'static str, String, u64) {
        let product = 10_000 + self.random.next() % 4_000;
        match visit {
            Visit::Product => ("GET", "/api/products/:id", format!("/api/products/{product}"), product),
            Visit::Search => {
                let word = self.random.next() % crate::flows::pages::QUERIES.len() as u64;
                let query = crate::flows::pages::QUERIES[word as usize].replace(' ', "+");
                ("GET", "/api/search", format!("/api/search?q={query}"), word)
            }
            Visit::AddToCart => ("POST", "/api/cart/items", "/api/cart/items".to_owned(), product),
            Visit::Checkout => ("POST", "/api/checkout", "/api/checkout".to_owned(), product),
            Visit::Login => ("POST", "/api/login", "/api/login".to_owned(), product),
        }
    }

    fn through_gateway(&mut self, who: Who, trace: u128, start: i64, visit: Visit, asked: u64) -> Outcome {
        let sent = start + self.random.latency(1.1);
        let (svc, answer) = match visit {
            Visit::Product => {
                (Svc::Catalog, self.ask(who, trace, sent, Svc::Catalog, |shop, at| shop.product(at, trace, asked)))
            }
            Visit::Search => {
                (Svc::Search, self.ask(who, trace, sent, Svc::Search, |shop, at| shop.search(at, trace, asked)))
            }
            Visit::Login => (Svc::Auth, self.ask(who, trace, sent, Svc::Auth, |shop, at| shop.login(at, trace))),
            Visit::AddToCart | Visit::Checkout => {
                let known = self.token(sent, trace);
                if known.status == 401 {
                    return Outcome::new(known.end + self.random.latency(0.6), 401);
                }
                let next = known.end + self.random.latency(0.8);
                if visit == Visit::Checkout {
                    (Svc::Checkout, self.ask(who, trace, next, Svc::Checkout, |shop, at| shop.checkout(at, trace)))
                } else {
                    (Svc::Cart, self.ask(who, trace, next, Svc::Cart, |shop, at| shop.add_to_cart(at, trace, asked)))
                }
            }
        };
        if answer.status >= 500 && answer.status != 504 && self.random.chance(0.5) {
            let name = svc.info().name;
            self.say(who, answer.end, Level::Warn, "", &[], format_args!("upstream {name} answered {}", answer.status));
        }
        let mut end = answer.end + self.random.latency(0.6);
        if visit == Visit::Product && answer.is_good() {
            end = self.with_recommendations(who, trace, end);
        }
        Outcome::new(end, answer.status)
    }

    /// One call of the gateway, with its time limit and its circuit breaker.
    fn ask(
        &mut self,
        who: Who,
        _trace: u128,
        at: i64,
        svc: Svc,
        call: impl FnOnce(&mut Shop, i64) -> Outcome,
    ) -> Outcome {
        let name = svc.info().name;
        let (requests, errors) = self.fleet.of(svc).tally.rates(at);
        let is_open = requests >= 0.5 && errors / requests > 0.7 && self.random.chance(0.3);
        if is_open {
            let end = at + self.random.latency(0.3);
            let failed = (errors * 10.0) as i64;
            self.say(
                who,
                end,
                Level::Warn,
                "",
                &[("upstream", Value::Text(name))],
                format_args!("circuit breaker for {name} is open after {failed} failed calls in 10 s, answering 503"),
            );
            return Outcome::new(end, 503);
        }
        let answer = call(self, at);
        let hung = answer.status == HUNG || answer.end > at + WAITS;
        let end = if hung { at + WAITS + self.random.between(200, 4_000) } else { answer.end };
        self.count(svc, end.min(at + WAITS), hung || answer.status >= 500);
        if !hung {
            return answer;
        }
        let waited = (end - at) / 1000;
        self.say(
            who,
            end,
            Level::Warn,
            "",
            &[("upstream", Value::Text(name)), ("timeout_ms", Value::Int(5000))],
            format_args!("upstream {name} timed out after {waited} ms"),
        );
        Outcome::new(end, 504)
    }

    fn with_recommendations(&mut self, who: Who, trace: u128, at: i64) -> i64 {
        let answer = self.recommend(at, trace);
        self.count(Svc::Recommendations, answer.end, !answer.is_good());
        let end = answer.end + self.random.latency(0.4);
        if !answer.is_good() {
            self.say(
                who,
                end,
                Level::Warn,
                "",
                &[],
                format_args!("recommendations unavailable, page served with bestsellers"),
            );
        }
        end
    }
}
