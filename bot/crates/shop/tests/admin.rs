//! The admin API over real HTTP: what it refuses, what it promises, and that a rollback really ends the fault.

use serde_json::{Value, json};
use shop::{Settings, Shared, Shop, fault, router, share};

const MINUTE: i64 = 60_000_000;
const NOON: i64 = 1_795_262_400_000_000;

struct Api {
    base: String,
    shop: Shared,
    client: reqwest::Client,
}

impl Api {
    async fn start() -> Api {
        // reqwest wants a provider even for plain HTTP; whoever comes second finds it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut shop = Shop::new(Settings {
            seed: 5,
            start: NOON - 30 * MINUTE,
            requests_per_second: 4.0,
            fault: Some((fault("bad-deploy").unwrap(), NOON)),
        });
        shop.step(NOON + 3 * MINUTE);
        let shop = share(shop);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = router(shop.clone(), "secret");
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Api { base, shop, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(path, body.to_string(), "secret").await
    }

    async fn send(&self, path: &str, body: String, token: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(token).body(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }
}

#[tokio::test]
async fn refuses_with_a_reason() {
    let api = Api::start().await;
    let body = |service: &str, to: &str| json!({"service": service, "environment": "production", "to": to});
    let check = async |path: &str, body: Value, status: u16, words: &str| {
        let (got, answer) = api.post(path, body).await;
        let reason = answer["error"].as_str().unwrap_or_default().to_owned();
        assert!(got == status && reason.contains(words), "{path}: {got} {answer}");
    };
    check("/v1/rollback", body("chekout", "v1.41"), 404, "unknown service `chekout`").await;
    check("/v1/rollback", body("checkout", "v0.1"), 409, "was never deployed").await;
    check("/v1/rollback", json!({"service": "checkout", "to": "v1.41"}), 422, "missing field `environment`").await;
    check(
        "/v1/rollback",
        json!({"service": "checkout", "environment": "production", "to": "v1.41", "force": true}),
        422,
        "unknown field `force`",
    )
    .await;
    check("/v1/rollback", json!({"service": "checkout", "environment": "staging", "to": "v1.41"}), 404, "staging")
        .await;
    check("/v1/rollback?dryrun=true", body("checkout", "v1.41"), 422, "dry_run").await;
    check(
        "/v1/scale",
        json!({"service": "search", "environment": "production", "replicas": 400}),
        422,
        "between 1 and 20",
    )
    .await;
    check("/v1/queues/unblock", json!({"queue": "orders.accepted", "environment": "production"}), 409, "not blocked")
        .await;
    check("/v1/flags", json!({"flag": "x", "environment": "production", "enabled": true}), 404, "unknown flag").await;
    check("/v1/disk/clear", json!({"host": "laptop"}), 404, "unknown host").await;
    check("/v1/nothing", json!({}), 404, "no such path").await;
    let (status, _) = api.send("/v1/rollback", body("checkout", "v1.41").to_string(), "guess").await;
    assert_eq!(status, 401);
    let (status, _) = api.send("/v1/rollback", "not json".to_owned(), "secret").await;
    assert_eq!(status, 422);
    assert!(api.shop.lock().unwrap().state().failing, "nothing that was refused had an effect");
}

#[tokio::test]
async fn a_rollback_ends_the_fault_and_its_dry_run_does_not() {
    let api = Api::start().await;
    let body = json!({"service": "checkout", "environment": "production", "to": "v1.41"});
    let (status, answer) = api.post("/v1/rollback?dry_run=true", body.clone()).await;
    assert_eq!((status, answer), (200, json!({"would": "4 pods would change from v1.42 to v1.41"})));
    assert_eq!(version(&api).await, "v1.42");
    let (status, answer) = api.post("/v1/rollback", body).await;
    assert_eq!((status, answer), (200, json!({"done": "rolling 4 pods of checkout back from v1.42 to v1.41"})));
    assert_eq!(version(&api).await, "v1.41");
    api.shop.lock().unwrap().step(NOON + 4 * MINUTE);
    let after = api.shop.lock().unwrap().step(NOON + 8 * MINUTE);
    assert!(after.iter().all(|line| !line.text.contains("connection pool exhausted")));
    assert!(!api.shop.lock().unwrap().state().failing);
}

async fn version(api: &Api) -> String {
    let request = api.client.get(format!("{}/v1/state", api.base)).bearer_auth("secret");
    let state: Value = request.send().await.unwrap().json().await.unwrap();
    let checkout = state["services"].as_array().unwrap().iter().find(|service| service["service"] == "checkout");
    checkout.unwrap()["version"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn lives_on_in_real_time_until_cancelled() {
    let shop = share(Shop::new(Settings { seed: 1, start: NOON, requests_per_second: 5.0, fault: None }));
    let begun = tokio::time::Instant::now();
    let now = move || NOON + begun.elapsed().as_micros() as i64;
    let cancel = tokio_util::sync::CancellationToken::new();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let running =
        tokio::spawn(shop::run_live(shop.clone(), move |lines| sender.send(lines).unwrap(), now, cancel.clone()));
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    cancel.cancel();
    running.await.unwrap();
    let mut lines = Vec::new();
    while let Ok(some) = receiver.try_recv() {
        lines.extend(some);
    }
    assert!(lines.len() > 200 && lines.is_sorted_by_key(|line| line.at), "{}", lines.len());
    assert!(shop.lock().unwrap().now() >= NOON + 19_000_000);
}
