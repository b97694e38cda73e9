//! Signing in at an issuer: who comes back is somebody, nobody, or sent by somebody else; and signing out ends it.

use reqwest::Url;
use serde_json::json;
use tests::issuer::{Browser, Issuer};
use tests::place::{Place, Serve};

/// A port that is free now: the issuer has to know where it sends people back before the console runs.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it has an address").port()
}

fn config(port: u16, issuer: &Issuer, more: &str) -> String {
    format!(
        "listen = \"127.0.0.1:{port}\"\n[console.oidc]\nissuer = \"{}\"\nclient_id = \"firstline\"\n\
         client_secret = \"env:ISSUER_SECRET\"\nscopes = [\"email\"]\n{more}",
        issuer.address
    )
}

const PEOPLE: &str = "[people.ines]\nname = \"Ines\"\nidentities = [\"oidc:ines\"]\n\
                      [people.tom]\nactive = false\nidentities = [\"oidc:tom\"]\n\
                      [grants.all]\nto = [\"person:ines\"]\nservices = [\"*\"]\n";

fn start(place: &Place, more: &str) -> Option<(Issuer, Serve)> {
    let port = free_port();
    let issuer = Issuer::start(&format!("http://127.0.0.1:{port}/sign-in/oidc/back"))?;
    place.write("logs/app.log", "2026-01-02T03:04:05Z INFO started\n");
    place.write("secret", "a secret with spaces & signs");
    let config =
        config(port, &issuer, more).replace("env:ISSUER_SECRET", &format!("file:{}", place.path("secret").display()));
    let serve = place.serve(&config);
    Some((issuer, serve))
}

fn url(serve: &Serve, path: &str) -> Url {
    Url::parse(&format!("http://{}{path}", serve.address)).expect("an address")
}

#[test]
fn a_person_signs_in_at_the_issuer_and_out_again() {
    let place = Place::new();
    let Some((_issuer, serve)) = start(&place, PEOPLE) else { return };
    assert!(serve.link.ends_with("/sign-in/oidc"), "{}", serve.link);
    let mut browser = Browser::default();
    let (at, reply) = browser.sign_in(&url(&serve, "/sign-in/oidc"), "ines");
    assert_eq!((at.path(), reply.status), ("/", 200), "{reply:?}");
    let console = url(&serve, "/");
    let cookie = format!("firstline_session={}", browser.cookie(&console, "firstline_session").expect("a session"));
    let session = serve.get("/api/session", &[("cookie", &cookie)]).json();
    assert_eq!((&session["person"], &session["id"]), (&json!("Ines"), &json!("ines")));

    // The same answer of the issuer a second time, here and in another browser.
    let back = browser.visited.iter().find(|url| url.path() == "/sign-in/oidc/back").expect("it came back").clone();
    let state = back.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    for mut browser in [browser, Browser::default()] {
        let (_, again) = browser.go(&back);
        assert_eq!(again.status, 401, "{again:?}");
        assert!(again.body.contains("You are not signed in") && again.body.contains("used already"), "{again:?}");
        assert!(again.header("content-security-policy").is_some());
    }
    assert_eq!(serve.get(&format!("/sign-in/{state}"), &[]).status, 401, "a state is no link");

    let csrf = session["csrf"].as_str().expect("a token").to_owned();
    let out = |cookie: &str, csrf: &str, everywhere: bool| {
        serve.post("/api/sign-out", &[("cookie", cookie), ("x-csrf-token", csrf)], &json!({ "everywhere": everywhere }))
    };
    let mut elsewhere = Browser::default();
    elsewhere.sign_in(&url(&serve, "/sign-in/oidc"), "ines");
    let other = format!("firstline_session={}", elsewhere.cookie(&console, "firstline_session").expect("a session"));
    assert_eq!(out(&cookie, "guess", true).status, 403);
    assert_eq!(out(&cookie, &csrf, true).status, 200);
    for cookie in [&cookie, &other] {
        assert_eq!(serve.get("/api/session", &[("cookie", cookie)]).status, 401, "signed out everywhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_goes_to_the_issuer_and_comes_back_signed_in() -> anyhow::Result<()> {
    if !tests::browser::is_installed() {
        assert!(!tests::everything_is_installed(), "chromium and chromedriver are missing");
        println!("skipped: install chromium and chromedriver to run this");
        return Ok(());
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let place = Place::new();
    let Some((_issuer, serve)) = start(&place, PEOPLE) else { return Ok(()) };
    let browser = tests::browser::Browser::start().await?;
    let page = browser.open(1200, 800).await?;
    page.client.goto(&format!("http://{}/", serve.address)).await?;
    page.until("it offers to sign in", "return document.querySelector('a[href=\"/sign-in/oidc\"]') !== null").await?;
    page.press("a[href='/sign-in/oidc']").await?;
    page.write("[name=login]", "ines").await?;
    page.write("[name=password]", "anything").await?;
    page.press("[type=submit]").await?;
    page.until("the issuer asks whether to go on", "return document.querySelector('[name=login]') === null").await?;
    page.press("[type=submit]").await?;
    let is_in = "return document.querySelector('.person')?.textContent === 'Ines'";
    page.until("the console knows her", is_in).await?;
    page.press(".person").await?;
    page.until("it asks once more", "return document.querySelector('.person')?.textContent === 'Sign out?'").await?;
    page.press(".person").await?;
    page.until("she is out", "return document.querySelector('a[href=\"/sign-in/oidc\"]') !== null").await?;
    page.client.close().await?;
    Ok(())
}

#[test]
fn whoever_is_nobody_here_gets_a_sentence_and_is_on_record() {
    let place = Place::new();
    let Some((_issuer, serve)) = start(&place, PEOPLE) else { return };
    for (name, said) in [("eve", "is nobody known here"), ("tom", "is not active any more")] {
        let mut browser = Browser::default();
        let (_, reply) = browser.sign_in(&url(&serve, "/sign-in/oidc"), name);
        assert_eq!(reply.status, 403, "{reply:?}");
        assert!(reply.body.contains(said), "{reply:?}");
        assert_eq!(browser.cookie(&url(&serve, "/"), "firstline_session"), None);
        let record = place.ok(&["audit", "export"]);
        assert!(record.contains(&format!("oidc:{name}")), "{record}");
    }
}

#[test]
fn an_address_names_somebody_only_when_the_issuer_verified_it() {
    let place = Place::new();
    let more = "claim = \"email\"\n[people.ines]\nidentities = [\"oidc:ines@example.com\", \"oidc:eve@example.com\"]\n";
    let Some((_issuer, serve)) = start(&place, more) else { return };
    let (at, reply) = Browser::default().sign_in(&url(&serve, "/sign-in/oidc"), "ines");
    assert_eq!((at.path(), reply.status), ("/", 200), "{reply:?}");
    let (_, reply) = Browser::default().sign_in(&url(&serve, "/sign-in/oidc"), "eve");
    assert!(reply.status == 401 && reply.body.contains("verified"), "{reply:?}");
}

#[test]
fn an_issuer_that_does_not_answer_is_said_in_words() {
    let place = Place::new();
    let config = "listen = \"127.0.0.1:0\"\n[console.oidc]\nissuer = \"http://127.0.0.1:9\"\nclient_id = \"x\"\n";
    let serve = place.serve(config);
    let reply = serve.get("/sign-in/oidc", &[]);
    assert!(reply.status == 502 && reply.body.contains("does not answer"), "{reply:?}");
    let error = serve.get("/sign-in/oidc/back?error=access_denied&state=x", &[]);
    assert!(error.status == 401 && error.body.contains("You are not signed in"), "{error:?}");
}
