//! An issuer of our own on loopback, honest or not: whatever is forged, stale, replayed or another's is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

const CLIENT: &str = "firstline";
const BACK: &str = "http://127.0.0.1/sign-in/oidc/back";
const NOW: Time = Time(1_800_000_000_000_000);

/// A key of the issuer, by its name.
struct Pair {
    name: &'static str,
    pair: EcdsaKeyPair,
}

impl Pair {
    fn new(name: &'static str) -> Pair {
        let random = SystemRandom::new();
        let bytes = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes.as_ref(), &random).unwrap();
        Pair { name, pair }
    }

    fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn jwk(&self) -> Value {
        let part = |range| URL_SAFE_NO_PAD.encode(&self.point()[range]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.name, "x": part(1..33), "y": part(33..65) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.name }), claims)
    }
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What an honest issuer claims.
fn claims(issuer: &str, nonce: &str) -> Value {
    let now = NOW.0 / 1_000_000;
    json!({ "iss": issuer, "sub": "00u1", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce,
            "email": "Ines@Example.com", "email_verified": true })
}

#[derive(Default)]
struct World {
    issuer: String,
    keys: Vec<Value>,
    keys_fetched: usize,
    /// What the next trade gives, by code; each code once.
    tokens: BTreeMap<String, String>,
    last_form: BTreeMap<String, String>,
}

type Shared = Arc<Mutex<World>>;

/// Starts an issuer that says what `world` holds.
async fn issuer() -> Shared {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world: Shared = Arc::default();
    let discovery = |State(world): State<Shared>| async move {
        let issuer = world.lock().unwrap().issuer.clone();
        Json(json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                     "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys") }))
    };
    let keys = |State(world): State<Shared>| async move {
        let mut world = world.lock().unwrap();
        world.keys_fetched += 1;
        Json(json!({ "keys": world.keys }))
    };
    let token = |State(world): State<Shared>, Form(form): Form<BTreeMap<String, String>>| async move {
        let mut world = world.lock().unwrap();
        let given = world.tokens.remove(&form["code"]);
        world.last_form = form;
        match given {
            Some(token) => (axum::http::StatusCode::OK, Json(json!({ "id_token": token, "access_token": "x" }))),
            None => (axum::http::StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))),
        }
    };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/token", post(token))
        .with_state(Arc::clone(&world));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.lock().unwrap().issuer = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    world
}

fn settings(world: &Shared, claim: Claim) -> Settings {
    let issuer = world.lock().unwrap().issuer.clone();
    Settings { issuer, client_id: CLIENT.to_owned(), client_secret: None, scopes: vec!["email".to_owned()], claim }
}

fn returned(code: &str, state: &str) -> Returned {
    Returned { state: state.to_owned(), code: code.to_owned(), ..Returned::default() }
}

/// One sign-in in which the issuer gives what `forge` makes of an honest token's claims.
async fn sign_in(claim: Claim, forge: impl FnOnce(&Pair, Value) -> String) -> Result<Identity, Failure> {
    let world = issuer().await;
    let pair = Pair::new("k1");
    world.lock().unwrap().keys = vec![pair.jwk()];
    let oidc = Oidc::new(settings(&world, claim)).unwrap();
    let (url, pending) = oidc.begin(BACK).await.unwrap();
    let asked: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    let token = forge(&pair, claims(&world.lock().unwrap().issuer, &asked["nonce"]));
    world.lock().unwrap().tokens.insert("c1".to_owned(), token);
    let identity = oidc.finish(&returned("c1", &pending.state), &pending, BACK, NOW).await;
    let verifier = world.lock().unwrap().last_form["code_verifier"].clone();
    assert_eq!(asked["code_challenge"], URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())), "PKCE");
    assert_eq!((asked["code_challenge_method"].as_str(), asked["scope"].as_str()), ("S256", "openid email"));
    let again = oidc.finish(&returned("c1", &pending.state), &pending, BACK, NOW).await;
    assert!(again.is_err(), "a code is used once");
    identity
}

async fn is_refused(what: &str, forge: impl FnOnce(&Pair, Value) -> String) {
    let refused = sign_in(Claim::Sub, forge).await.expect_err(what);
    assert!(refused.message.starts_with("the issuer's token"), "{what}: {refused}");
}

#[tokio::test]
async fn an_honest_issuer_names_who_it_is() {
    let by_sub = sign_in(Claim::Sub, |pair, claims| pair.token(&claims)).await;
    assert_eq!(by_sub, Ok(Identity::member("oidc", "00u1")));
    let by_email = sign_in(Claim::Email, |pair, claims| pair.token(&claims)).await;
    assert_eq!(by_email, Ok(Identity::member("oidc", "ines@example.com")));
    let shared = |pair: &Pair, mut claims: Value| {
        claims["aud"] = json!(["other", CLIENT]);
        claims["azp"] = json!(CLIENT);
        pair.token(&claims)
    };
    assert!(sign_in(Claim::Sub, shared).await.is_ok());
    let nearly_over = |pair: &Pair, mut claims: Value| {
        claims["exp"] = json!(NOW.0 / 1_000_000 - 59);
        pair.token(&claims)
    };
    assert!(sign_in(Claim::Sub, nearly_over).await.is_ok(), "clocks differ by a minute");
}

#[tokio::test]
async fn an_address_that_is_not_verified_is_nobodys() {
    for verified in [json!(false), Value::Null] {
        let unverified = |pair: &Pair, mut claims: Value| {
            match verified {
                Value::Null => drop(claims.as_object_mut().unwrap().remove("email_verified")),
                verified => claims["email_verified"] = verified,
            }
            pair.token(&claims)
        };
        let refused = sign_in(Claim::Email, unverified).await.unwrap_err();
        assert!(refused.message.contains("verified"), "{refused}");
    }
}

#[tokio::test]
async fn a_claim_that_does_not_hold_is_refused() {
    let now = NOW.0 / 1_000_000;
    for (name, value) in [
        ("iss", json!("http://127.0.0.1:1")),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("aud", json!([CLIENT, "other"])),
        ("azp", json!("other")),
        ("exp", json!(now - 61)),
        ("iat", json!(now + 61)),
        ("nbf", json!(now + 61)),
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("sub", Value::Null),
        ("exp", Value::Null),
    ] {
        is_refused(name, |pair, mut claims| {
            claims[name] = value.clone();
            pair.token(&claims)
        })
        .await;
    }
}

#[tokio::test]
async fn a_signature_that_does_not_hold_is_refused() {
    is_refused("none", |_, claims| format!("{}.{}.", encoded(&json!({ "alg": "none" })), encoded(&claims))).await;
    is_refused("None", |pair, claims| pair.sign(&json!({ "alg": "None", "kid": "k1" }), &claims)).await;
    is_refused("HS256 with the public key", |pair, claims| {
        let signed = format!("{}.{}", encoded(&json!({ "alg": "HS256", "kid": "k1" })), encoded(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pair.point()), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    })
    .await;
    is_refused("RS256 over a key that is none", |pair, claims| {
        pair.sign(&json!({ "alg": "RS256", "kid": "k1" }), &claims)
    })
    .await;
    is_refused("a key of somebody else under the same name", |_, claims| Pair::new("k1").token(&claims)).await;
    is_refused("a key that comes along", |_, claims| {
        let own = Pair::new("k1");
        own.sign(&json!({ "alg": "ES256", "jwk": own.jwk() }), &claims)
    })
    .await;
    is_refused("an unknown key", |_, claims| Pair::new("k2").token(&claims)).await;
    is_refused("something critical", |pair, claims| {
        pair.sign(&json!({ "alg": "ES256", "kid": "k1", "crit": ["b64"], "b64": false }), &claims)
    })
    .await;
    is_refused("changed claims", |pair, mut claims| {
        let token = pair.token(&claims);
        claims["sub"] = json!("root");
        let parts: Vec<&str> = token.split('.').collect();
        format!("{}.{}.{}", parts[0], encoded(&claims), parts[2])
    })
    .await;
    for text in ["", ".", "..", "a.b.c", "a.b.c.d", "é.é.é"] {
        is_refused("rubbish", |_, _| text.to_owned()).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_again_when_they_change_and_no_more_often_than_is_kind() {
    let world = issuer().await;
    let (old, new) = (Pair::new("k1"), Pair::new("k2"));
    world.lock().unwrap().keys = vec![old.jwk()];
    let oidc = Oidc::new(settings(&world, Claim::Sub)).unwrap();
    let try_with = async |pair: &Pair| {
        let (_, pending) = oidc.begin(BACK).await.unwrap();
        let token = pair.token(&claims(&world.lock().unwrap().issuer, &pending.nonce));
        world.lock().unwrap().tokens.insert("c".to_owned(), token);
        oidc.finish(&returned("c", &pending.state), &pending, BACK, NOW).await
    };
    assert!(try_with(&old).await.is_ok());
    world.lock().unwrap().keys = vec![new.jwk()];
    for _ in 0..5 {
        assert!(try_with(&new).await.is_err(), "asked a moment ago");
    }
    assert_eq!(world.lock().unwrap().keys_fetched, 1);
    oidc.issuer.forget_when();
    assert!(try_with(&new).await.is_ok(), "a while later the new key is known");
    assert!(try_with(&old).await.is_err(), "and the old one is none any more");
    assert_eq!(world.lock().unwrap().keys_fetched, 2);
}

#[tokio::test]
async fn an_issuer_that_calls_itself_another_is_not_asked() {
    let world = issuer().await;
    let settings = settings(&world, Claim::Sub);
    world.lock().unwrap().issuer = "http://127.0.0.1:1".to_owned();
    let refused = Oidc::new(settings).unwrap().begin(BACK).await.unwrap_err();
    assert!(refused.message.contains("calls itself another issuer"), "{refused}");
    let gone = Settings {
        issuer: "http://127.0.0.1:1".to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: None,
        scopes: Vec::new(),
        claim: Claim::Sub,
    };
    assert!(Oidc::new(gone).unwrap().begin(BACK).await.unwrap_err().message.contains("does not answer"));
}

#[test]
fn only_what_we_wrote_is_read_back() {
    let pending = Pending::new();
    assert_eq!(Pending::from_text(&pending.to_text()), Some(pending.clone()));
    for text in ["", "a.b.c", &format!("{}.x", pending.to_text()), &pending.to_text()[1..]] {
        assert_eq!(Pending::from_text(text), None);
    }
    assert_eq!(basic("a b", "p:w&"), format!("Basic {}", STANDARD.encode("a+b:p%3Aw%26")));
}
