//! How many secrets are found, and how many clean lines are damaged, measured on generated lines.
//! Forms of secrets are those that their issuers publish; every value is random, so nothing is found by having been seen.

use std::collections::BTreeMap;

use evidence::Redactor;

const ROUNDS: usize = 40;
const LEAST_RECALL: f64 = 0.99;
const MOST_DAMAGED: f64 = 0.001;

const DIGIT: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const SIGNS: &str = "ABCDEFabcdefghijkmnop0123456789!#%^*+-_.~";

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn of(&mut self, alphabet: &str, n: usize) -> String {
        (0..n).map(|_| alphabet.as_bytes()[self.below(alphabet.len())] as char).collect()
    }

    /// `AKIA[upper16]` and the like: each bracket is a run of random characters.
    fn fill(&mut self, form: &str) -> String {
        let mut filled = String::new();
        for (index, part) in form.split(['⟦', '⟧']).enumerate() {
            if index % 2 == 0 {
                filled.push_str(part);
                continue;
            }
            let name = part.trim_end_matches(|c: char| c.is_ascii_digit());
            let n: usize = part[name.len()..].parse().expect("a number ends each run");
            let run = match name {
                "digit" => self.of(DIGIT, n),
                "hex" => self.of(HEX, n),
                "upper" => self.of(UPPER, n),
                "alnum" => self.of(ALNUM, n),
                "word" => self.of(WORD, n),
                "base" => self.of(BASE64, n),
                "lower" => self.of(LOWER, n),
                "sign" => format!("{}{}", self.of(LOWER, 1), self.of(SIGNS, n - 2)) + &self.of(DIGIT, 1),
                "card" => self.card(n),
                "jwt" => format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", self.of(ALNUM, n), self.of(WORD, 43)),
                other => panic!("no alphabet `{other}`"),
            };
            filled.push_str(&run);
        }
        filled
    }

    fn card(&mut self, n: usize) -> String {
        let prefix = match n {
            15 => ["34", "37"][self.below(2)],
            _ => ["4", "51", "55", "6011", "3530"][self.below(5)],
        };
        let body = self.of(DIGIT, n - 1 - prefix.len());
        let number = format!("{prefix}{body}");
        let sum: u32 = number
            .bytes()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let doubled = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
                if doubled > 9 { doubled - 9 } else { doubled }
            })
            .sum();
        format!("{number}{}", (10 - sum % 10) % 10)
    }
}

/// Tokens that are secret wherever they stand.
const TOKENS: &[(&str, &str)] = &[
    ("aws key id", "AKIA⟦upper16⟧"),
    ("aws temporary key id", "ASIA⟦upper16⟧"),
    ("github token", "ghp_⟦alnum36⟧"),
    ("github app token", "ghs_⟦alnum36⟧"),
    ("github fine-grained token", "github_pat_⟦alnum22⟧_⟦alnum59⟧"),
    ("gitlab token", "glpat-⟦word20⟧"),
    ("gitlab routable token", "glpat-⟦word27⟧.⟦alnum2⟧.⟦alnum9⟧"),
    ("slack bot token", "xoxb-⟦digit12⟧-⟦digit13⟧-⟦alnum24⟧"),
    ("slack user token", "xoxp-⟦digit12⟧-⟦digit12⟧-⟦digit12⟧-⟦hex32⟧"),
    ("slack app token", "xapp-1-A⟦upper10⟧-⟦digit13⟧-⟦hex64⟧"),
    ("slack webhook", "https://hooks.slack.com/services/T⟦upper8⟧/B⟦upper10⟧/⟦alnum24⟧"),
    ("stripe key", "sk_live_⟦alnum24⟧"),
    ("stripe long key", "sk_test_51⟦alnum97⟧"),
    ("stripe restricted key", "rk_live_⟦alnum24⟧"),
    ("stripe webhook secret", "whsec_⟦alnum32⟧"),
    ("google api key", "AIza⟦word35⟧"),
    ("google oauth token", "ya29.⟦word80⟧"),
    ("google client secret", "GOCSPX-⟦word28⟧"),
    ("openai key", "sk-⟦alnum48⟧"),
    ("openai project key", "sk-proj-⟦word74⟧T3BlbkFJ⟦word74⟧"),
    ("anthropic key", "sk-ant-api03-⟦word93⟧AA"),
    ("npm token", "npm_⟦alnum36⟧"),
    ("pypi token", "pypi-AgEIcHlwaS5vcmc⟦word120⟧"),
    ("sendgrid key", "SG.⟦word22⟧.⟦word43⟧"),
    ("twilio key", "SK⟦hex32⟧"),
    ("digitalocean token", "dop_v1_⟦hex64⟧"),
    ("vault token", "hvs.⟦word95⟧"),
    ("hugging face token", "hf_⟦alnum34⟧"),
    ("shopify token", "shpat_⟦hex32⟧"),
    ("grafana token", "glsa_⟦alnum32⟧_⟦hex8⟧"),
    ("databricks token", "dapi⟦hex32⟧"),
    ("atlassian token", "ATATT3xFfGF0⟦word170⟧=⟦hex8⟧"),
    ("doppler token", "dp.pt.⟦alnum43⟧"),
    ("docker token", "dckr_pat_⟦word27⟧"),
    ("jwt", "⟦jwt40⟧"),
    ("card", "⟦card16⟧"),
    ("amex card", "⟦card15⟧"),
    ("private key", "-----BEGIN RSA PRIVATE KEY-----\\n⟦base64⟧\\n⟦base64⟧\\n-----END RSA PRIVATE KEY-----"),
    ("openssh key", "-----BEGIN OPENSSH PRIVATE KEY-----\n⟦base70⟧\n⟦base70⟧\n-----END OPENSSH PRIVATE KEY-----"),
    ("e-mail", "⟦lower6⟧.⟦lower8⟧@⟦lower7⟧.com"),
];

/// Lines in which a token can stand.
const PLACES: &[&str] = &[
    "using {} for the upload",
    "request rejected: invalid credential {}",
    "{\"msg\":\"calling upstream\",\"value\":\"{}\",\"n\":3}",
    "{\"log\":\"{\\\"value\\\":\\\"{}\\\"}\\n\",\"stream\":\"stdout\"}",
    "GET /v1/things?value={}&page=2 200",
    "value={} took=12ms",
    "2026-01-02T03:04:05Z ERROR client failed ({})",
    "argv: tool --value {} --verbose",
    "[{}, other]",
    "<value>{}</value>",
    "ends with {}",
    "x='{}';",
];

/// Lines that make their value a secret; the value stands between `«` and `»`.
const NAMED: &[(&str, &str)] = &[
    ("bearer header", "Authorization: Bearer «⟦alnum40⟧»"),
    ("bearer in JSON", "{\"headers\":{\"authorization\":\"Bearer «⟦word32⟧1»\",\"accept\":\"*/*\"}}"),
    ("bearer in curl", "curl -H 'Authorization: Bearer «⟦hex40⟧»' https://api.example.net/v1"),
    ("basic header", "Authorization: Basic «YWRtaW46⟦alnum20⟧==»"),
    ("token header", "authorization=Token «⟦hex40⟧»"),
    ("api key header", "X-Api-Key: «⟦alnum32⟧»"),
    ("x-auth-token", "X-Auth-Token: «⟦hex32⟧»"),
    ("vault header", "X-Vault-Token: «⟦hex36⟧»"),
    ("proxy header", "Proxy-Authorization: Basic «YWRtaW46⟦alnum16⟧»"),
    ("cookie", "Cookie: «session=⟦alnum32⟧; csrf=⟦hex16⟧»"),
    ("set-cookie", "Set-Cookie: «sid=⟦alnum40⟧»; HttpOnly"),
    ("session id", "JSESSIONID=«⟦hex32⟧»"),
    ("postgres url", "connecting to postgres://app:«⟦sign16⟧»@db.internal:5432/shop"),
    ("amqp url", "amqp://guest:«⟦alnum12⟧»@mq:5672/"),
    ("redis url", "redis://:«⟦alnum20⟧»@cache:6379/0"),
    ("mongodb url", "mongodb+srv://shop:«⟦alnum18⟧»@cluster0.example.mongodb.net/shop"),
    ("https url", "cloning https://deploy:«⟦alnum24⟧»@git.example.net/x.git"),
    ("jdbc", "jdbc:postgresql://db:5432/shop?user=app&password=«⟦alnum14⟧»"),
    ("sql server", "Server=db;Database=shop;User Id=app;Password=«⟦sign14⟧»;Encrypt=true"),
    ("ado pwd", "Data Source=db;uid=sa;pwd=«⟦alnum12⟧»;"),
    ("libpq", "host=db user=app password=«⟦alnum12⟧» dbname=shop"),
    (
        "azure storage",
        "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=«⟦base86⟧==»;EndpointSuffix=core.windows.net",
    ),
    ("azure bus", "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=«⟦base43⟧=»"),
    ("sas", "https://x.blob.core.windows.net/c/b?sv=2022-11-02&sp=r&sig=«⟦alnum43⟧%3D»"),
    ("presigned", "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=«⟦hex64⟧»"),
    ("aws secret", "aws_secret_access_key = «⟦base40⟧»"),
    ("aws secret in env", "AWS_SECRET_ACCESS_KEY=«⟦base40⟧» cmd"),
    ("aws session", "AWS_SESSION_TOKEN=«⟦base200⟧»"),
    ("aws secret in JSON", "{\"accessKeyId\":\"x\",\"secretAccessKey\":\"«⟦base40⟧»\"}"),
    ("query password", "POST /login?user=ana&password=«⟦alnum10⟧»&next=/"),
    ("query token", "GET /feed?access_token=«⟦hex40⟧»&page=1"),
    ("query api_key", "GET /v2/geo?q=x&api_key=«⟦hex32⟧»"),
    ("query client_secret", "grant_type=client_credentials&client_secret=«⟦word32⟧1»"),
    ("query refresh", "grant_type=refresh_token&refresh_token=«⟦word43⟧1»"),
    ("JSON password", "{\"user\":\"ana\",\"password\":\"«⟦sign12⟧»\"}"),
    ("JSON passwd", "{\"passwd\": \"«⟦alnum9⟧»\"}"),
    ("JSON in JSON", "{\"body\":\"{\\\"password\\\":\\\"«⟦alnum12⟧»\\\",\\\"n\\\":1}\"}"),
    ("JSON apiKey", "{\"apiKey\":\"«⟦alnum32⟧»\"}"),
    ("JSON client secret", "{\"clientSecret\":\"«⟦word30⟧1»\"}"),
    ("env password", "DB_PASSWORD=«⟦sign12⟧»"),
    ("env root password", "MYSQL_ROOT_PASSWORD: «⟦sign12⟧»"),
    ("export", "export SECRET_KEY_BASE=«⟦hex128⟧»"),
    ("env in JSON", "{\"env\":[{\"name\":\"x\"}],\"PGPASSWORD\":\"«⟦alnum14⟧»\"}"),
    ("django", "SECRET_KEY = '«⟦alnum50⟧»'"),
    ("flag", "mysql -u root --password=«⟦alnum10⟧» -h db"),
    ("flag and blank", "deploy --token «⟦alnum40⟧» --env production"),
    ("short flag", "sshpass -p «⟦alnum12⟧» ssh root@db"),
    ("curl user", "curl -u admin:«⟦alnum12⟧» https://x.example.net/"),
    ("yaml", "  password: «⟦sign12⟧»"),
    ("ruby hash", "Parameters: {\"user\"=>\"ana\", \"password\"=>\"«⟦alnum12⟧»\"}"),
    ("python dict", "kwargs={'password': '«⟦alnum12⟧»', 'user': 'x'}"),
    ("go struct", "config {User:app Password:«⟦alnum12⟧» Host:db}"),
    ("xml", "<Password>«⟦alnum12⟧»</Password>"),
    ("url encoded", "body=user%3Dana%26password%3D«⟦alnum12⟧»%26x"),
    ("private key field", "{\"private_key_id\":\"1\",\"signing_key\":\"«⟦base44⟧»\"}"),
    ("otp secret", "totp_secret=«⟦upper32⟧»"),
    ("card in groups", "charged card «⟦card16⟧»"),
    ("discord webhook", "POST https://discord.com/api/webhooks/⟦digit18⟧/«⟦word68⟧»"),
];

/// Lines that look like secrets and are none.
const CLEAN: &[&str] = &[
    "checked out ⟦hex40⟧ of main",
    "commit ⟦hex7⟧ by nobody, parent ⟦hex12⟧",
    "request ⟦hex8⟧-⟦hex4⟧-4⟦hex3⟧-a⟦hex3⟧-⟦hex12⟧ took 12 ms",
    "trace_id=⟦hex32⟧ span_id=⟦hex16⟧ done",
    "{\"traceId\":\"⟦hex32⟧\",\"spanId\":\"⟦hex16⟧\",\"msg\":\"done\"}",
    "traceparent: 00-⟦hex32⟧-⟦hex16⟧-01",
    "pulled image shop/checkout@sha256:⟦hex64⟧",
    "etag \"⟦hex32⟧\" matched",
    "md5 ⟦hex32⟧ sha1 ⟦hex40⟧ sha256 ⟦hex64⟧",
    "logo: data:image/png;base64,iVBORw0KGgo⟦base400⟧",
    "integrity sha512-⟦base86⟧==",
    "pod checkout-⟦hex9⟧-⟦lower5⟧ started on node-⟦digit2⟧",
    "deployment ts-order-service-⟦hex10⟧-x⟦lower4⟧ scaled to 3",
    "container ⟦hex64⟧ exited with 137",
    "order ORD-⟦digit10⟧ accepted, invoice INV-2026-⟦digit6⟧",
    "order ⟦digit8⟧ paid, shipment ⟦digit12⟧",
    "at 17⟦digit8⟧.⟦digit6⟧ and 17⟦digit11⟧",
    "object 0x⟦hex12⟧ freed, ref=0x⟦hex16⟧",
    "user ⟦digit6⟧ logged in from 10.0.⟦digit1⟧.⟦digit1⟧ port 5⟦digit4⟧",
    "used ⟦digit4⟧ tokens of 8192, max_tokens=4096",
    "token count: ⟦digit5⟧, tokens=⟦digit3⟧",
    "password must be longer than 1⟦digit1⟧ characters",
    "Failed password for root from 10.0.0.⟦digit2⟧ port 2⟦digit4⟧ ssh2",
    "invalid token: expected `}` at line ⟦digit2⟧",
    "password authentication failed for user \"app\"",
    "the secret is in the sauce, batch ⟦digit3⟧",
    "secret default/tls-checkout not found, retry ⟦digit2⟧",
    "cache key user:⟦digit7⟧:cart missed",
    "partition key ⟦digit4⟧, sort key item#⟦digit3⟧",
    "GET /items/⟦hex24⟧?page=⟦digit2⟧ 200",
    "session timeout after ⟦digit4⟧ ms",
    "kafka offset ⟦digit9⟧ partition ⟦digit2⟧ leader epoch ⟦digit3⟧",
    "lsn ⟦hex8⟧/⟦hex8⟧ flushed",
    "S3 key logs/2026/01/02/⟦hex32⟧.gz written",
    "goroutine ⟦digit3⟧ [running]: main.(*S).f(0xc000⟦hex6⟧)",
    "java.lang.Thread@⟦hex8⟧ parked",
    "author is @⟦lower8⟧, team @⟦lower5⟧/⟦lower6⟧",
    "getty@tty⟦digit1⟧.service: Deactivated",
    "version 1.⟦digit2⟧.⟦digit1⟧-⟦hex8⟧ of sk-learn-contrib-extra",
    "mac 02:42:⟦digit2⟧:1⟦digit1⟧:ac:⟦digit2⟧ joined",
    "csrf check passed, cookies: enabled, n=⟦digit2⟧",
    "phone tree ⟦digit3⟧ done, ticket #⟦digit5⟧",
    "basic auth disabled, bearer auth enabled for realm ⟦lower8⟧",
    "job 20260102⟦digit6⟧ queue=default jid=⟦hex24⟧",
    "X-Request-Id: ⟦hex8⟧-⟦hex4⟧-4⟦hex3⟧-8⟦hex3⟧-⟦hex12⟧",
    "api_key_id=⟦digit4⟧ was rotated",
    "access key rotation finished in ⟦digit3⟧ s",
    "key-value store ready, ⟦digit6⟧ entries",
];

fn leaks(redacted: &str, secret: &str) -> bool {
    let half = secret.len() / 2;
    redacted.contains(secret)
        || secret.len() >= 16 && (redacted.contains(&secret[..half]) || redacted.contains(&secret[half..]))
}

#[test]
fn secrets_are_found_and_clean_lines_stay() {
    let redactor = Redactor::new([5; 32]);
    let mut random = Random(20_260_102);
    let mut missed: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    let (mut n_secrets, mut n_missed) = (0, 0);
    let mut look = |kind: &'static str, line: &str, secret: &str| {
        n_secrets += 1;
        let (redacted, _) = redactor.redact(line);
        if leaks(redacted.as_str(), secret) {
            n_missed += 1;
            let entry = missed.entry(kind).or_insert((0, line.to_owned()));
            entry.0 += 1;
        }
    };
    for _ in 0..ROUNDS {
        for (kind, form) in TOKENS {
            for place in PLACES {
                let secret = random.fill(form);
                look(kind, &place.replace("{}", &secret), &secret);
            }
        }
        for (kind, form) in NAMED {
            let line = random.fill(form);
            let secret = line.split(['«', '»']).nth(1).expect("marked").to_owned();
            look(kind, &line.replace(['«', '»'], ""), &secret);
        }
    }
    let (mut n_clean, mut n_damaged) = (0, 0);
    let mut damaged: BTreeMap<&str, String> = BTreeMap::new();
    for _ in 0..ROUNDS * 10 {
        for form in CLEAN {
            let line = random.fill(form);
            let (redacted, n) = redactor.redact(line.as_str());
            n_clean += 1;
            n_damaged += usize::from(n > 0);
            if n > 0 {
                damaged.insert(form, redacted.into_string());
            }
        }
    }
    let recall = 1.0 - n_missed as f64 / n_secrets as f64;
    let share_damaged = n_damaged as f64 / n_clean as f64;
    println!("{n_secrets} secrets, recall {recall:.4}; {n_clean} clean lines, {share_damaged:.5} damaged");
    for (kind, (n, line)) in &missed {
        println!("missed {n} × {kind}: {line}");
    }
    for line in damaged.values() {
        println!("damaged: {line}");
    }
    assert!(recall >= LEAST_RECALL, "recall {recall:.4}: {:?}", missed.keys());
    assert!(share_damaged <= MOST_DAMAGED, "{share_damaged:.5} of clean lines damaged: {:?}", damaged.keys());
    let hidden: Vec<_> = missed.iter().filter(|(_, (n, _))| *n > ROUNDS / 4).collect();
    assert!(hidden.is_empty(), "kinds that are mostly missed: {hidden:?}");
}
