//! After the order: the worker picks it up, has a label bought and a mail sent. Here faults show as what no longer follows.

use crate::faults::Kind;
use crate::formats::Value;
use crate::line::Level;
use crate::services::Svc;
use crate::shop::{Event, Order, Shop, Who};
use crate::stamp::SECOND;

const CARRIERS: [&str; 4] = ["dhl", "dpd", "gls", "postnl"];
const NAMES: [&str; 12] =
    ["anna", "ben", "clara", "david", "emma", "finn", "greta", "henry", "ida", "jonas", "karla", "leo"];
const LAST_ATTEMPT: u32 = 5;

impl Shop {
    pub(crate) fn fulfil(&mut self, at: i64, order: Order) {
        if self.fault_level(Kind::QueueStuck, at) > 0.0 {
            self.backlog.push_back(order);
            return;
        }
        for (place, late) in std::mem::take(&mut self.backlog).into_iter().enumerate() {
            self.at(at + 80_000 * (place as i64 + 1), Event::Order(late));
        }
        let who = self.who(Svc::Worker, order.trace);
        let number = order.number;
        let waited = (at - order.accepted_at) / 1000;
        let fields = [("labels.order", Value::Int(number as i64)), ("labels.waited_ms", Value::Int(waited))];
        self.say(who, at, Level::Info, "worker.orders", &fields, format_args!("picked up order {number}"));
        let asked = at + self.random.latency(3.0);
        if self.fault_level(Kind::ExpiredCertificate, at) > 0.0 {
            self.label_refused(who, asked, order);
            return;
        }
        let labelled = self.label(asked, order.trace, number);
        let called = labelled + self.random.latency(2.0);
        let mailed = self.mail(called, &order);
        let end = mailed + self.random.latency(4.0);
        let took = (end - at) / 1000;
        self.count(Svc::Worker, end, false);
        self.say(
            who,
            end,
            Level::Info,
            "worker.orders",
            &fields,
            format_args!("order {number} fulfilled in {took} ms"),
        );
    }

    fn label(&mut self, at: i64, trace: u128, number: u64) -> i64 {
        let who = self.who(Svc::Shipping, trace);
        let end = at + self.random.latency(210.0);
        let carrier = *self.random.pick(&CARRIERS);
        let tracking = format!("{}{:010}", carrier.to_uppercase(), trace as u64 % 9_999_999_999);
        let fields = [
            ("order", Value::Int(number as i64)),
            ("carrier", Value::Text(carrier)),
            ("tracking", Value::Text(&tracking)),
        ];
        if self.random.chance(0.008) {
            self.say(
                who,
                end - 90_000,
                Level::Warn,
                "",
                &fields[..2],
                format_args!("carrier answered 429, waiting 80 ms"),
            );
        }
        if self.random.chance(0.01) {
            self.say(
                who,
                end - 700,
                Level::Warn,
                "",
                &fields[..1],
                format_args!("house number not found, label uses the address as typed"),
            );
        }
        self.count(Svc::Shipping, end, false);
        self.say(who, end, Level::Info, "", &fields, format_args!("label bought"));
        end + 200
    }

    fn label_refused(&mut self, who: Who, at: i64, order: Order) {
        let server = Who { call: None, ..self.who(Svc::Shipping, order.trace) };
        let said = at + self.random.latency(2.0);
        let port = self.random.between(32_768, 60_900);
        let from =
            self.fleet.of(Svc::Worker).pods.get(who.pod).map_or_else(|| "10.42.1.8".to_owned(), |pod| pod.ip.clone());
        self.count(Svc::Shipping, said, true);
        self.say(
            server,
            said,
            Level::Error,
            "",
            &[],
            format_args!("http: TLS handshake error from {from}:{port}: remote error: tls: expired certificate"),
        );
        let end = said + self.random.latency(1.2);
        let number = order.number;
        let fields =
            [("labels.order", Value::Int(number as i64)), ("labels.attempt", Value::Int(i64::from(order.attempt)))];
        self.count(Svc::Worker, end, true);
        self.say(
            who,
            end,
            Level::Error,
            "worker.labels",
            &fields,
            format_args!(
                "no label for order {number}: Post \"https://shipping.production.svc/v1/labels\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
            ),
        );
        if order.attempt < LAST_ATTEMPT {
            let wait = 20 * SECOND * i64::from(order.attempt) + self.random.between(0, SECOND);
            self.say(
                who,
                end + 400,
                Level::Info,
                "worker.orders",
                &fields,
                format_args!("order {number} goes back to the queue for {} s", wait / SECOND),
            );
            self.at(end + wait, Event::Order(Order { attempt: order.attempt + 1, ..order }));
        } else {
            self.say(
                who,
                end + 400,
                Level::Warn,
                "worker.orders",
                &fields,
                format_args!("order {number} parked after {LAST_ATTEMPT} attempts"),
            );
        }
    }

    fn mail(&mut self, at: i64, order: &Order) -> i64 {
        let who = self.who(Svc::Email, order.trace);
        let number = order.number;
        let name = NAMES[order.customer as usize % NAMES.len()];
        let rendered = at + self.random.latency(12.0);
        self.say(
            who,
            rendered,
            Level::Info,
            "RENDER",
            &[],
            format_args!("confirmation of order {number} rendered for {name}.{}@mail.example", order.customer),
        );
        let sent = rendered + self.random.latency(160.0);
        let is_lost = self.fault_level(Kind::LostEmails, at) > 0.0 && self.runs_guilty_version(Svc::Email, who.pod);
        if is_lost {
            return rendered + self.random.latency(5.0);
        }
        self.count(Svc::Email, sent, false);
        if self.random.chance(0.009) {
            self.say(
                who,
                sent - 20_000,
                Level::Warn,
                "SEND",
                &[],
                format_args!("relay deferred: 451 4.7.1 greylisted, trying again"),
            );
        }
        let queue_id = order.trace as u32;
        self.say(
            who,
            sent,
            Level::Info,
            "SEND",
            &[],
            format_args!("mail for order {number} accepted by relay as {queue_id:08X}"),
        );
        sent + 200
    }
}
