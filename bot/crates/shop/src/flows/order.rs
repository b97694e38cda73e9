//! From a cart to an accepted order: cart, stock, payment, database, queue.

use crate::faults::{BACKUP_ACQUIRER, Kind};
use crate::flows::{HUNG, Outcome};
use crate::formats::Value;
use crate::line::Level;
use crate::services::Svc;
use crate::shop::{Event, Order, Shop, Who};

impl Shop {
    pub(crate) fn checkout(&mut self, at: i64, trace: u128) -> Outcome {
        let who = self.who(Svc::Checkout, trace);
        self.next_order += 1;
        let number = self.next_order;
        let items = self.random.between(1, 6);
        let cents = self.random.between(990, 28_990);
        let start = at + self.random.latency(0.9);
        let fields = [("order", Value::Int(number as i64)), ("items", Value::Int(items))];
        self.say(who, start, Level::Info, "", &fields, format_args!("checkout of {items} items started"));
        let called = self.hop(start);
        let cart = self.read_cart(called, trace, items);
        if !cart.is_good() {
            return self.refuse(who, cart, "cart", number);
        }
        let called = self.hop(cart.end);
        let stock = self.reserve(called, trace, number, items);
        if !stock.is_good() {
            return self.refuse(who, stock, "inventory", number);
        }
        let called = self.hop(stock.end);
        let paid = self.pay(called, trace, number, cents);
        if paid.status == 402 {
            let end = self.hop(paid.end);
            self.say(who, end, Level::Info, "", &fields, format_args!("order {number} not placed: card declined"));
            return Outcome::new(end + 200, 402);
        }
        if !paid.is_good() {
            return self.refuse(who, paid, "payment", number);
        }
        if let Some(failed) = self.pool_runs_dry(who, paid.end) {
            return failed;
        }
        if let Some(failed) = self.write_fails(who, trace, paid.end, number) {
            return failed;
        }
        let end = paid.end + self.random.latency(9.0);
        if self.random.chance(0.003) {
            self.say(
                who,
                end - 2_000,
                Level::Warn,
                "",
                &fields,
                format_args!("order write conflicted, trying again (1/3)"),
            );
        }
        let fields = [
            ("order", Value::Int(number as i64)),
            ("total", Value::Float(cents as f64 / 100.0)),
            ("duration_ms", Value::Int((end - start) / 1000)),
        ];
        self.say(who, end, Level::Info, "", &fields, format_args!("order {number} accepted"));
        self.count(Svc::OrdersDb, end, false);
        let customer = self.random.between(1_000, 61_000) as u32;
        let picked_up = end + self.random.between(120_000, 900_000);
        self.at(picked_up, Event::Order(Order { number, trace, customer, accepted_at: end, attempt: 1 }));
        Outcome::new(end + 300, 201)
    }

    /// When a call sent then arrives.
    fn hop(&mut self, sent: i64) -> i64 {
        sent + self.random.latency(0.8)
    }

    fn refuse(&mut self, who: Who, answer: Outcome, callee: &str, number: u64) -> Outcome {
        let end = self.hop(answer.end);
        let fields = [("order", Value::Int(number as i64)), ("upstream", Value::Text(callee))];
        let status = answer.status;
        self.say(
            who,
            end,
            Level::Error,
            "",
            &fields,
            format_args!("order {number} not placed: {callee} answered {status}"),
        );
        Outcome::new(end + 300, if status == 504 { 504 } else { 503 })
    }

    fn read_cart(&mut self, at: i64, trace: u128, items: i64) -> Outcome {
        let who = self.who(Svc::Cart, trace);
        if let Some(failed) = self.cart_cannot_store(who, at) {
            self.count(Svc::Cart, failed.end, true);
            return failed;
        }
        let end = at + self.random.latency(2.0);
        self.count(Svc::Cart, end, false);
        self.say(who, end, Level::Info, "cart.read", &[], format_args!("cart read, {items} items"));
        Outcome::new(end + 200, 200)
    }

    fn reserve(&mut self, at: i64, trace: u128, number: u64, items: i64) -> Outcome {
        let who = self.who(Svc::Inventory, trace);
        if let Some(failed) = self.inventory_starves(who, at, 3_000_000) {
            return failed;
        }
        let end = at + self.random.latency(8.0);
        self.count(Svc::Inventory, end, false);
        self.say(
            who,
            end,
            Level::Info,
            "c.shop.inventory.ReservationService",
            &[],
            format_args!("Reserved {items} units for order {number}"),
        );
        Outcome::new(end + 200, 200)
    }

    /// No free connection in inventory's pool.
    pub(crate) fn inventory_starves(&mut self, who: Who, at: i64, limit: i64) -> Option<Outcome> {
        let level = self.fault_level(Kind::ConnectionPool, at);
        if !self.random.chance(level * 0.72) {
            return None;
        }
        let end = at + limit + self.random.between(300, 9_000);
        let (waited, waiting) = ((end - at) / 1000, self.random.between(4, 9 + (level * 30.0) as i64));
        let size = self.fleet.of(Svc::Inventory).pool;
        self.count(Svc::Inventory, end, true);
        self.say(
            who,
            end,
            Level::Error,
            "c.shop.inventory.ReservationController",
            &[],
            format_args!(
                "Request failed\norg.springframework.jdbc.CannotGetJdbcConnectionException: Failed to obtain JDBC Connection\n\
                 \tat org.springframework.jdbc.datasource.DataSourceUtils.getConnection(DataSourceUtils.java:84)\n\
                 \tat com.shop.inventory.StockRepository.lockForUpdate(StockRepository.java:52)\n\
                 \tat com.shop.inventory.ReservationService.reserve(ReservationService.java:113)\n\
                 Caused by: java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after {waited}ms (total={size}, active={size}, idle=0, waiting={waiting})\n\
                 \tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:686)\n\
                 \t... 41 more"
            ),
        );
        Some(Outcome::new(end + 300, 503))
    }

    fn pay(&mut self, at: i64, trace: u128, number: u64, cents: i64) -> Outcome {
        let who = self.who(Svc::Payment, trace);
        let level = self.fault_level(Kind::SlowDependency, at);
        let acquirer = if self.is_on(BACKUP_ACQUIRER) && level == 0.0 { "nordpay" } else { "paylane" };
        let amount = cents as f64 / 100.0;
        let fields =
            [("order", Value::Int(number as i64)), ("amount", Value::Float(amount)), ("currency", Value::Text("EUR"))];
        if self.random.chance(0.004) {
            let rest = trace as u64 % 10_000;
            self.say(
                who,
                at,
                Level::Debug,
                "",
                &fields,
                format_args!("acquirer request: pan=4111111111111111 holder=\"A. Customer\" exp=12/27 ref={rest:04}"),
            );
        }
        if level > 0.0 && self.random.chance(level * 0.85) {
            let start = at + 1_000;
            if self.random.chance(level * 0.6) {
                let end = start + 4_000_000 + self.random.between(300, 5_000);
                self.say(
                    who,
                    end,
                    Level::Error,
                    "",
                    &fields,
                    format_args!("acquirer {acquirer} did not answer within 4000 ms"),
                );
                self.count(Svc::Payment, end, true);
                return Outcome::new(end + 300, 504);
            }
            let end = start + self.random.between(1_400_000, 3_900_000);
            let took = (end - start) / 1000;
            self.say(
                who,
                end,
                Level::Warn,
                "",
                &fields,
                format_args!("acquirer {acquirer} slow: answered after {took} ms"),
            );
            self.say(
                who,
                end + 900,
                Level::Info,
                "",
                &fields,
                format_args!("payment of {amount:.2} EUR authorised by {acquirer}"),
            );
            self.count(Svc::Payment, end, false);
            return Outcome::new(end + 1_500, 200);
        }
        let end = at + self.random.latency(140.0);
        self.count(Svc::Payment, end, false);
        if self.random.chance(0.035) {
            self.say(
                who,
                end,
                Level::Info,
                "",
                &fields,
                format_args!("payment declined by issuer: insufficient funds"),
            );
            return Outcome::new(end + 300, 402);
        }
        if self.random.chance(0.006) {
            self.say(
                who,
                end - 60,
                Level::Warn,
                "",
                &fields,
                format_args!("acquirer {acquirer} closed the connection, sent again (1/2)"),
            );
        }
        self.say(
            who,
            end,
            Level::Info,
            "",
            &fields,
            format_args!("payment of {amount:.2} EUR authorised by {acquirer}"),
        );
        Outcome::new(end + 300, 200)
    }

    fn is_on(&self, flag: &str) -> bool {
        self.flags.iter().any(|&(name, on)| name == flag && on)
    }

    /// v1.42 holds a connection for every retry it ever made.
    fn pool_runs_dry(&mut self, who: Who, at: i64) -> Option<Outcome> {
        let level = self.fault_level(Kind::BadDeploy, at);
        if level == 0.0 || !self.runs_guilty_version(who.svc, who.pod) || !self.random.chance(0.3 + level * 0.68) {
            return None;
        }
        let size = i64::from(self.fleet.of(Svc::Checkout).pool);
        let mut end = at;
        for attempt in 1..=2 {
            end += 2_000_000 + self.random.between(400, 14_000);
            let waited = 2_000 + self.random.between(0, 14);
            let waiting = self.random.between(6, 14 + (level * 34.0) as i64);
            let fields = [("in_use", Value::Int(size)), ("size", Value::Int(size)), ("attempt", Value::Int(attempt))];
            self.say(
                who,
                end,
                Level::Error,
                "",
                &fields,
                format_args!("connection pool exhausted after {waited} ms, {waiting} waiting"),
            );
            if self.random.chance(0.55) {
                return Some(Outcome::new(end, HUNG));
            }
            end += 40_000;
        }
        self.say(
            who,
            end,
            Level::Error,
            "",
            &[],
            format_args!("order not written: no database connection after 2 attempts"),
        );
        Some(Outcome::new(end + 300, 503))
    }

    fn write_fails(&mut self, who: Who, trace: u128, at: i64, number: u64) -> Option<Outcome> {
        let level = self.fault_level(Kind::DiskFull, at);
        if !self.random.chance(level * 0.97) {
            return None;
        }
        let said = at + self.random.latency(6.0);
        let db = Who { svc: Svc::OrdersDb, pod: 0, call: None };
        let file = self.random.between(24_801, 24_840);
        self.count(Svc::OrdersDb, said, true);
        self.say(
            db,
            said,
            Level::Error,
            "checkout@orders",
            &[],
            format_args!(
                "could not extend file \"base/16401/{file}\": No space left on device\n\tHINT:  Check free disk space.\n\tSTATEMENT:  INSERT INTO orders (id, customer_id, total, created_at) VALUES ($1, $2, $3, now())"
            ),
        );
        let end = self.hop(said);
        let fields = [("order", Value::Int(number as i64)), ("sqlstate", Value::Text("53100"))];
        self.say(
            who,
            end,
            Level::Error,
            "",
            &fields,
            format_args!("order {number} not written: database refused the insert (disk_full)"),
        );
        let void = self.who(Svc::Payment, trace);
        let voided = end + self.random.latency(90.0);
        self.say(
            void,
            voided,
            Level::Info,
            "",
            &[("order", Value::Int(number as i64))],
            format_args!("authorisation voided"),
        );
        Some(Outcome::new(voided + 300, 500))
    }
}
