//! A small shop as rows: a gateway that calls search or checkout, which calls cart, payment and inventory.

use evidence::{Change, ChangeKind, Observed, RecordId, Row, Severity, Template, TemplateId, Time, TimeWindow};

const SERVICES: [&str; 7] = ["gateway", "checkout", "cart", "payment", "inventory", "search", "email"];
const GATEWAY: u16 = 0;
const CHECKOUT: u16 = 1;
const CART: u16 = 2;
const PAYMENT: u16 = 3;
const INVENTORY: u16 = 4;
const SEARCH: u16 = 5;
const EMAIL: u16 = 6;
const SECOND: i64 = 1_000_000;
const BASELINE: i64 = 900;
const WINDOW: i64 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Nothing,
    NewInfoAfterDeploy,
    NoisierWarning,
    Surge,
    QuietNight,
    Restart,
    FewOddErrors,
    NewFlow,
    PoolExhausted,
    ErrorBurst,
    MissingFollowup,
    CrashAndSilence,
    LeakThenErrors,
    OnlyReported,
}

pub(crate) struct World {
    pub(crate) observed: Observed,
    pub(crate) changes: Vec<Change>,
    pub(crate) culprit: Option<&'static str>,
}

impl World {
    /// The service of the deploy that brought the fault, if any did.
    pub(crate) fn guilty(&self) -> Option<&'static str> {
        self.culprit
    }

    pub(crate) fn new(seed: u64, event: Event, traced: bool) -> World {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9).wrapping_add(event as u64 * 7919 + u64::from(traced)));
        let onset = BASELINE + 120 + random.below(240) as i64;
        let mut shop = Shop { random, event, onset, traced, rows: Vec::new(), texts: Vec::new() };
        shop.run();
        shop.finish()
    }
}

pub(crate) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn chance(&mut self, p: f64) -> bool {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64 <= p
    }
}

struct Shop {
    random: Random,
    event: Event,
    onset: i64,
    traced: bool,
    rows: Vec<Row>,
    texts: Vec<String>,
}

/// Where a request's next line goes.
struct Request {
    at: i64,
    trace: u64,
}

impl Shop {
    fn run(&mut self) {
        for second in 0..BASELINE + WINDOW {
            let is_on = second >= self.onset;
            let rate = match self.event {
                Event::Surge if is_on => 6.0,
                Event::QuietNight if second >= BASELINE => 0.7,
                _ => 2.0,
            };
            let n = (0..12).filter(|_| self.random.chance(rate / 12.0)).count();
            for _ in 0..n {
                self.request(second);
            }
            self.background(second, is_on);
        }
    }

    fn request(&mut self, second: i64) {
        let is_on = second >= self.onset;
        let trace = if self.traced { self.random.next().max(1) } else { 0 };
        let mut request = Request { at: second * SECOND + self.random.below(900_000) as i64, trace };
        self.say(&mut request, GATEWAY, Severity::Info, "request <*> accepted");
        if self.random.chance(0.4) {
            self.say(&mut request, SEARCH, Severity::Info, "query <*> received");
            self.say(&mut request, SEARCH, Severity::Info, "query <*> gave <*> hits");
            if self.event == Event::NewInfoAfterDeploy && is_on {
                self.say(&mut request, SEARCH, Severity::Info, "ranking model <*> used");
            }
            self.say(&mut request, GATEWAY, Severity::Info, "request <*> answered in <*> ms");
            return;
        }
        let failed = self.checkout(&mut request, is_on);
        if !failed {
            self.say(&mut request, CHECKOUT, Severity::Info, "order <*> accepted");
            self.say(&mut request, GATEWAY, Severity::Info, "request <*> answered in <*> ms");
        } else {
            self.say(&mut request, GATEWAY, Severity::Warn, "upstream checkout timed out after <*> ms");
        }
    }

    /// Whether the order failed.
    fn checkout(&mut self, request: &mut Request, is_on: bool) -> bool {
        self.say(request, CHECKOUT, Severity::Info, "order <*> started");
        if self.event == Event::NewFlow && is_on && self.random.chance(0.3) {
            self.say(request, CHECKOUT, Severity::Info, "gift card <*> applied");
        }
        if is_on && matches!(self.event, Event::PoolExhausted | Event::LeakThenErrors) && self.random.chance(0.4) {
            self.say(request, CHECKOUT, Severity::Error, "connection pool exhausted after <*> ms, <*> waiting");
            return true;
        }
        let cart_is_gone = self.event == Event::CrashAndSilence && is_on;
        if cart_is_gone {
            self.say(
                request,
                CHECKOUT,
                Severity::Error,
                "I/O error on GET request for http://cart/<*>: connection refused",
            );
            return true;
        }
        self.say(request, CART, Severity::Info, "cart <*> loaded");
        self.say(request, INVENTORY, Severity::Info, "reserving <*> items");
        if self.event == Event::MissingFollowup && is_on && self.random.chance(0.7) {
            return true;
        }
        self.say(request, INVENTORY, Severity::Info, "reserved <*> items");
        let decline = if self.event == Event::ErrorBurst && is_on { 0.3 } else { 0.03 };
        if self.event == Event::OnlyReported && is_on && self.random.chance(0.5) {
            self.say(request, CHECKOUT, Severity::Error, "call to payment failed: read timed out after <*> ms");
            return true;
        }
        self.say(request, PAYMENT, Severity::Info, "charging <*>");
        if self.random.chance(decline) {
            self.say(request, PAYMENT, Severity::Error, "charge <*> rejected: ledger is locked");
            return true;
        }
        self.say(request, PAYMENT, Severity::Info, "charged <*>");
        let slow = if self.event == Event::NoisierWarning && is_on { 0.09 } else { 0.06 };
        if self.random.chance(slow) {
            self.say(request, PAYMENT, Severity::Warn, "slow answer of the bank: <*> ms");
        }
        false
    }

    fn background(&mut self, second: i64, is_on: bool) {
        let mut alone = Request { at: second * SECOND + 950_000, trace: 0 };
        if second % 5 == 0 {
            self.say(&mut alone, EMAIL, Severity::Info, "sent <*> mails");
        }
        let since = second - self.onset;
        match self.event {
            Event::Restart if (0..20).contains(&since) && since % 7 == 3 => {
                self.say(&mut alone, SEARCH, Severity::Info, "starting version <*>");
                self.say(&mut alone, SEARCH, Severity::Info, "listening on <*>");
            }
            Event::FewOddErrors if is_on && matches!(since, 17 | 93) => {
                self.say(&mut alone, EMAIL, Severity::Error, "mailbox <*> does not exist");
            }
            Event::CrashAndSilence if since == 0 => {
                self.say(&mut alone, CART, Severity::Fatal, "out of memory, <*> bytes asked");
            }
            Event::LeakThenErrors if (-60..0).contains(&since) && since % 3 == 0 => {
                self.say(&mut alone, CHECKOUT, Severity::Warn, "pool is <*> % used");
            }
            _ => {}
        }
    }

    fn say(&mut self, request: &mut Request, service: u16, severity: Severity, text: &str) {
        request.at += 2_000 + self.random.below(3_000) as i64;
        let template = self.texts.iter().position(|known| known == text).unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        let runs_new = self.event.guilty() == Some(service) && request.at >= self.onset * SECOND - 20 * SECOND;
        self.rows.push(Row {
            time: Time(request.at),
            id: RecordId(0),
            trace: request.trace,
            span: if request.trace == 0 { 0 } else { request.trace ^ u64::from(service + 1) },
            template: template as u32,
            service,
            host: 1 + service * 2 + self.random.below(2) as u16,
            version: if runs_new { 2 } else { 1 },
            severity: Some(severity),
        });
    }

    fn finish(mut self) -> World {
        self.rows.sort_by_key(|row| row.time);
        let mut first_seen = vec![Time::MAX; self.texts.len()];
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.id = RecordId(index as u64);
            let first = &mut first_seen[row.template as usize];
            *first = (*first).min(row.time);
        }
        let changes = self.changes();
        let window = |from: i64, to: i64| TimeWindow::new(Time(from * SECOND), Time(to * SECOND)).unwrap();
        let templates = self.texts.iter().zip(&first_seen).enumerate().map(|(index, (text, first_seen))| {
            let id = TemplateId(index as u32);
            Template { id, text: text.clone(), replaces: None, family: id, first_seen: *first_seen }
        });
        let mut hosts = vec![String::new()];
        hosts.extend((0..SERVICES.len() * 2).map(|index| format!("{}-{}", SERVICES[index / 2], index % 2)));
        World {
            observed: Observed {
                window: window(BASELINE, BASELINE + WINDOW),
                baseline: Some(window(0, BASELINE)),
                templates: templates.collect(),
                services: SERVICES.map(str::to_owned).into(),
                hosts,
                versions: ["", "v1", "v2"].map(str::to_owned).into(),
                reach: self.rows.first().zip(self.rows.last()).map(|(first, last)| (first.time, last.time)),
                rows: self.rows,
                redacted: 0,
            },
            changes,
            culprit: self.event.guilty().map(|service| SERVICES[usize::from(service)]),
        }
    }

    /// The guilty deploy shortly before the onset, and innocent ones around it, some of them closer in time.
    fn changes(&mut self) -> Vec<Change> {
        let change = |service: u16, version: &str, at: i64| Change {
            service: SERVICES[usize::from(service)].to_owned(),
            kind: ChangeKind::Deploy,
            version: version.to_owned(),
            previous: None,
            environment: None,
            at: Time(at * SECOND),
            by: None,
            url: None,
            note: None,
        };
        let near = self.random.below(60) as i64;
        let far = self.random.below(1_200) as i64;
        let mut changes = vec![change(SEARCH, "v2", self.onset - near), change(EMAIL, "v9", self.onset - far)];
        changes.extend(self.event.guilty().map(|service| change(service, "v2", self.onset - 20)));
        changes
    }
}

impl Event {
    fn guilty(self) -> Option<u16> {
        match self {
            Event::PoolExhausted | Event::LeakThenErrors => Some(CHECKOUT),
            Event::ErrorBurst => Some(PAYMENT),
            Event::MissingFollowup => Some(INVENTORY),
            Event::CrashAndSilence => Some(CART),
            Event::Nothing
            | Event::NewInfoAfterDeploy
            | Event::NoisierWarning
            | Event::Surge
            | Event::QuietNight
            | Event::Restart
            | Event::FewOddErrors
            | Event::NewFlow
            | Event::OnlyReported => None,
        }
    }
}
