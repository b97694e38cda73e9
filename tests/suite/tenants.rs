//! Nobody sees, counts, guesses or is hinted at what they are not granted: with other teams' records planted beside
//! their own, every answer is the one that they get without them. With either of the two filters off as well.

use indexer::Filters;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::tenants::{MARK, OTHERS, Tenant, comparable, difference};

/// Others' records, and requests per setting of the filters. `FIRSTLINE_TEST_TENANTS=1` asks for the full size.
fn size() -> (usize, usize) {
    if std::env::var_os("FIRSTLINE_TEST_TENANTS").is_some() { (1_000, 5_000) } else { (100, 100) }
}

/// The `n`-th request: searches, lists, records by id, and questions, most of them about what others have.
fn request(n: usize) -> (&'static str, String, Option<Value>) {
    let number = n.wrapping_mul(7_919) % 1_000;
    let words = [
        format!("{MARK}n{number}"),
        format!("{MARK}*"),
        "umbra-vault".to_owned(),
        "umbra*".to_owned(),
        format!("{MARK}host{number}"),
        "vault door stuck".to_owned(),
        "pool exhausted".to_owned(),
        "order accepted".to_owned(),
        format!("{MARK}breach"),
    ];
    let word = &words[n / 13 % words.len()];
    let encoded = |query: &str| {
        query
            .bytes()
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte) => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect::<String>()
    };
    let search = |query: &str| ("GET", format!("/api/search?limit=5&q={}", encoded(query)), None);
    let ask = |question: String| ("POST", "/api/ask".to_owned(), Some(json!({ "question": question })));
    match n % 20 {
        0 => search(word),
        1 => search(&format!("-{word}")),
        2 => search(&format!("service:{} OR {word}", OTHERS[number % 2])),
        3 => search(&format!("id:r{}", 5_800 + number % 300)),
        4 => search(&format!("template:t{}", number % 12)),
        5 => search(&format!("environment:{MARK}dungeon")),
        6 => search(&format!("host:{MARK}host{number} level>=error")),
        7 => search("service:umbra-valt"),
        8 => search(&format!("{MARK}field:{MARK}n{number}")),
        9 => search(["*", "level>=error", "-service:checkout", "last:30m"][number % 4]),
        10 => ("GET", format!("/api/records/r{}/context?before=9&after=9", 5_750 + number % 400), None),
        11 => ("GET", ["/api/templates", "/api/templates?service=umbra-vault"][number % 2].to_owned(), None),
        12 => ("GET", ["/api/overview", "/api/deploys"][number % 2].to_owned(), None),
        13 => ("GET", ["/api/incidents", "/api/approvals"][number % 2].to_owned(), None),
        14 => ask(["what is wrong?", "what changed?", "why is checkout failing?"][number % 3].to_owned()),
        15 => ask(format!("why is {} failing?", OTHERS[number % 2])),
        16 => ask(format!("show me {word}")),
        17 => ask(format!("how often does \"{word}\" happen?")),
        18 => ask(format!("what happened to {MARK}trace{number}?")),
        _ => ask(format!("who deployed {}?", OTHERS[number % 2])),
    }
}

/// What is on the record so far is the asker's own business on both, so lists of it are read for others' words only.
fn is_list_of_the_past(path: &str) -> bool {
    path == "/api/incidents" || path == "/api/approvals"
}

async fn nothing_leaks(filters: Filters) {
    let (others, requests) = size();
    let end = Timestamp::now() - SignedDuration::from_hours(3);
    let (mixed, alone) = (Tenant::start(end, others, filters).await, Tenant::start(end, 0, Filters::BOTH).await);
    for n in 0..requests {
        let (method, path, body) = request(n);
        let there = mixed.send("team", method, &path, body.as_ref()).await;
        let said = format!("{path}{}", body.as_ref().map(Value::to_string).unwrap_or_default());
        // Whoever names something hears that name again.
        let echoed = |word: &str| said.contains(word) || word.starts_with("umbra-val");
        for word in there.body.split(|c: char| !(c.is_alphanumeric() || c == '-')) {
            let is_others = word.starts_with(MARK) || OTHERS.contains(&word);
            assert!(!is_others || echoed(word), "{filters:?} {method} {said} says `{word}`: {}", there.body);
        }
        let here = alone.send("team", method, &path, body.as_ref()).await;
        assert_eq!(there.status, here.status, "{filters:?} {method} {said}: {} and {}", there.body, here.body);
        if !is_list_of_the_past(&path) {
            let (there, here) = (comparable(there.json()), comparable(here.json()));
            let differs = difference(&there, &here, "");
            assert_eq!(differs, None, "{filters:?} {method} {said} tells that there are others");
        }
    }
    for path in ["/api/incidents", "/api/approvals", "/api/deploys", "/api/audit"] {
        let all = mixed.send("all", "GET", path, None).await.body;
        let is_others = |word: &str| word.starts_with(MARK) || OTHERS.contains(&word);
        let has_others = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(is_others);
        assert!(path == "/api/approvals" || has_others(&all), "{path} shows the operator what others have: {all}");
        let team = mixed.send("team", "GET", path, None).await.body;
        if path != "/api/audit" {
            assert!(!has_others(&team), "{path}: {team}");
        }
    }
    others_ids_lead_nowhere(&mixed).await;
    whoever_is_granted_nothing_sees_nothing(&mixed).await;
}

/// Ids that somebody else let slip.
async fn others_ids_lead_nowhere(server: &Tenant) {
    let all = server.send("all", "GET", "/api/incidents", None).await.json();
    let incidents = all["incidents"].as_array().expect("a list");
    let mut looked_at = 0;
    for incident in incidents {
        let path = format!("/api/incidents/{}", incident["id"].as_str().expect("an id"));
        let whole = server.send("all", "GET", &path, None).await.json();
        // The team's own are theirs to see.
        if server.send("team", "GET", &path, None).await.status == 200 {
            continue;
        }
        let conversation = path.replace("incidents", "conversations");
        let answers = whole["answers"].as_array().expect("answers").iter();
        let answers = answers.map(|answer| format!("/api/answers/{}", answer["id"].as_str().expect("an id")));
        for path in answers.chain([conversation]) {
            let reply = server.send("team", "GET", &path, None).await;
            assert_eq!(reply.status, 404, "{path}: {}", reply.body);
            looked_at += 1;
        }
        let follow_up = json!({ "question": "what is wrong?", "conversation": incident["id"] });
        assert_eq!(server.send("team", "POST", "/api/ask", Some(&follow_up)).await.status, 404);
    }
    assert!(looked_at >= 2, "the operator's questions opened an incident: {all:#}");
    let foreign = json!({ "service": OTHERS[0], "version": "v2", "environment": "production" });
    assert_eq!(server.send("team", "POST", "/api/deploys", Some(&foreign)).await.status, 403);
}

async fn whoever_is_granted_nothing_sees_nothing(server: &Tenant) {
    let found = server.send("none", "GET", "/api/search?q=*", None).await.json();
    assert_eq!((&found["total"], &found["searched_records"]), (&json!(0), &json!(0)));
    let overview = server.send("none", "GET", "/api/overview", None).await.json();
    assert_eq!((&overview["records"], &overview["services"]), (&json!(0), &json!([])));
    let reply = server.send("none", "GET", "/api/records/r1/context", None).await;
    assert_eq!(reply.status, 404, "{}", reply.body);
    assert_eq!(server.send("none", "GET", "/api/deploys", None).await.json()["changes"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_records_of_others_show_nowhere() {
    nothing_leaks(Filters::BOTH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filter_in_the_query_suffices_alone() {
    nothing_leaks(Filters { on_hits: false, ..Filters::BOTH }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filter_on_each_hit_suffices_alone() {
    nothing_leaks(Filters { in_query: false, ..Filters::BOTH }).await;
}
