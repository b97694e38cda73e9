//! The console in a real browser, where a person would stumble: on a phone, with many changes, long lines, and a server that goes away.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::browser::{Browser, Page, is_installed};
use tests::place::{Place, Serve};
use tests::story::Story;

const CONFIG: &str = "[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true\n\
     [tokens]\nci = \"sha256:d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7\"\n";
/// Its digest stands in the config.
const TOKEN: (&str, &str) = ("authorization", "Bearer open-sesame");
const QUESTION: &str = "why is checkout failing?";

/// `None` where no browser is installed, which is said.
async fn browser() -> Result<Option<Browser>> {
    if !is_installed() {
        assert!(!tests::everything_is_installed(), "chromium and chromedriver are missing");
        println!("skipped: install chromium and chromedriver to run this");
        return Ok(None);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    Browser::start().await.map(Some)
}

fn serve(place: &Place, listen: &str) -> Serve {
    place.serve(&format!("listen = \"{listen}\"\n{CONFIG}"))
}

/// The story with two more deploys close to the guilty one, and lines that are hard to show.
fn told() -> Place {
    let place = Place::new();
    let story = Story::until_now();
    story.tell(&place);
    for (service, version, seconds) in [("payment", "v9", -20), ("gateway", "v3", 25)] {
        let at = (story.deployed_at + jiff::SignedDuration::from_secs(seconds)).to_string();
        place.ok(&["deploy", "record", "--service", service, "--version", version, "--by", "tom", "--at", &at]);
    }
    let long = "a-service-with-a-name-that-somebody-made-from-a-path-in-the-repository-and-a-hash";
    let line = json!({"time": story.end.to_string(), "level": "info", "service": long, "message": "x".repeat(10_000)});
    place.write("long.ndjson", format!("{line}\n"));
    place.ok(&["index", "long.ndjson"]);
    place
}

async fn ask(page: &Page, question: &str) -> Result<()> {
    page.write("#question", &format!("{question}\u{e007}")).await?;
    page.text(".answer .headline").await?;
    page.until("the card of the step", "return document.querySelector('.step .buttons button')").await?;
    Ok(())
}

async fn run(page: &Page, script: &str) -> Result<Value> {
    Ok(page.client.execute(script, Vec::new()).await?)
}

/// Lists what a finger cannot reach although it is on the screen: what its own scrolling parents cut off is not.
const COVERED: &str = "
    const covered = new Set();
    const seen = new Set();
    const look = () => {
      for (const one of document.querySelectorAll('button, a, input, textarea, summary')) {
        const box = one.getBoundingClientRect();
        const x = box.left + box.width / 2, y = box.top + box.height / 2;
        let isShown = one.checkVisibility() && box.width > 0 && x > 0 && x < innerWidth && y > 0 && y < innerHeight;
        for (let parent = one.parentElement; isShown && parent; parent = parent.parentElement) {
          if (getComputedStyle(parent).overflowY === 'visible') continue;
          const edge = parent.getBoundingClientRect();
          isShown = parent === document.body || x > edge.left + 1 && x < edge.right - 1 && y > edge.top + 1 && y < edge.bottom - 1;
        }
        if (!isShown) continue;
        seen.add(one);
        const top = document.elementFromPoint(x, y);
        if (!one.contains(top)) covered.add(`${one.textContent.slice(0, 40)} under ${top?.className || top?.tagName}`);
      }
    };
    const main = document.getElementById('main');
    const isOwn = main.scrollHeight > main.clientHeight;
    const end = isOwn ? main.scrollHeight : document.documentElement.scrollHeight;
    for (let at = 0; at < end; at += 40) {
      if (isOwn) main.scrollTo(0, at); else scrollTo(0, at);
      look();
    }
    const reject = [...document.querySelectorAll('.step button')].find((one) => one.textContent.startsWith('Reject'));
    reject.scrollIntoView({ block: 'nearest' });
    const box = reject.getBoundingClientRect();
    if (document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) !== reject) covered.add('Reject, scrolled to');
    return { covered: [...covered], seen: seen.size };";

/// Lists text that is too faint on its ground: less than 4.5 to 1.
const FAINT: &str = "
    const parse = (colour) => { const n = colour.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
    const light = ([r, g, b]) => { const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
      return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
    const ground = (one) => { for (; one; one = one.parentElement) { const c = parse(getComputedStyle(one).backgroundColor); if (c[3] === 1) return c; }
      return [255, 255, 255, 1]; };
    const faint = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let n = 0;
    while (walker.nextNode()) {
      const one = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest('button:disabled, .unseen, .skip')) continue;
      const style = getComputedStyle(one);
      const ink = light(parse(one.closest('svg') ? style.fill : style.color)), paper = light(ground(one));
      const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      n += 1;
      if (ratio < 4.5) faint.add(`${walker.currentNode.data.trim().slice(0, 30)} (${one.className.baseVal ?? one.className}): ${ratio.toFixed(2)}`);
    }
    return { faint: [...faint], n };";

/// Whether anything is wider than the screen.
const TOO_WIDE: &str = "const main = document.getElementById('main');
    return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth)";

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_nothing_is_covered_too_wide_or_too_faint() -> Result<()> {
    let Some(browser) = browser().await? else { return Ok(()) };
    let place = told();
    let serve = serve(&place, "127.0.0.1:0");
    let phone = browser.open(390, 844).await?;
    phone.client.goto(&serve.link).await?;
    ask(&phone, "why is mysql failing?").await?;
    assert!(phone.text(".answer .notes").await?.contains("no service is called mysql"), "what was assumed is said");
    phone.until("the chart", "return document.querySelectorAll('.chart .mark').length === 3").await?;
    let found = run(&phone, COVERED).await?;
    assert_eq!(found["covered"], json!([]));
    assert!(found["seen"].as_u64().is_some_and(|seen| seen > 15), "{found}");
    changes_are_named(&phone).await?;
    keys_reach_everything(&phone).await?;
    let head = "return import('/assets/evidence.js').then(({ template }) => template('<*> <*> [<*>] - INFO started in <*> ms').map((part) => part.textContent ?? part).join(''))";
    assert_eq!(run(&phone, head).await?, "‹…› - INFO started in ‹…› ms", "the head of a line is one gap");

    let root = serve.link.split("/sign-in").next().context("a link has an address")?.to_owned();
    let views = [
        "#/",
        "#/incidents",
        "#/approvals",
        "#/runbooks",
        "#/audit",
        "#/search?q=a-service*",
        "#/search?q=nothing-at-all",
    ];
    for scheme in ["dark", "light"] {
        phone.prefers(scheme).await?;
        for view in views {
            phone.client.goto("about:blank").await?;
            phone.client.goto(&format!("{root}/{view}")).await?;
            let loaded = "return document.querySelector('.answer .step .buttons, .body > :not(.loading)') && !document.querySelector('[aria-busy]')";
            // A page that was left must not keep a line: the next ones would wait for it.
            phone.until_within(Duration::from_secs(30), view, loaded).await?;
            let over = run(&phone, TOO_WIDE).await?;
            assert!(over.as_i64().is_some_and(|over| over <= 0), "{view} is {over} pixels too wide");
            let found = run(&phone, FAINT).await?;
            assert_eq!(found["faint"], json!([]), "{scheme} {view}");
            assert!(found["n"].as_u64().is_some_and(|n| n > 8), "{view}: {found}");
        }
    }
    assert_eq!(phone.complaints().await?, Vec::<String>::new());
    phone.client.close().await?;
    Ok(())
}

/// Three deploys within a minute: each has a mark that touches no other, its name below, and a place in the sentence.
async fn changes_are_named(page: &Page) -> Result<()> {
    let boxes = "return [...document.querySelectorAll('.chart .mark text')].map((one) => { const b = one.getBoundingClientRect();
        return [b.left, b.right, b.top, b.bottom]; })";
    let boxes: Vec<[f64; 4]> = serde_json::from_value(run(page, boxes).await?)?;
    for (n, a) in boxes.iter().enumerate() {
        for b in &boxes[n + 1..] {
            let apart = a[1] <= b[0] || b[1] <= a[0] || a[3] <= b[2] || b[3] <= a[2];
            assert!(apart, "two labels overlap: {boxes:?}");
        }
    }
    let legend = page.text(".chart figcaption").await?;
    let spoken = page
        .until("words for the chart", "return document.querySelector('.chart svg').getAttribute('aria-label')")
        .await?;
    for change in ["payment v9", "checkout v1.42", "gateway v3"] {
        assert!(legend.contains(change), "{legend}");
        assert!(spoken.as_str().is_some_and(|spoken| spoken.contains(change)), "{spoken}");
    }
    Ok(())
}

/// Tab goes through everything in its order, and each stop is seen, named and marked.
async fn keys_reach_everything(page: &Page) -> Result<()> {
    run(page, "document.activeElement.blur(); document.getElementById('main').scrollTo(0, 0)").await?;
    let mut stops: Vec<String> = Vec::new();
    let look = "const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
        const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 40) / 2);
        return { name: (one.getAttribute('aria-label') ?? one.textContent).trim(), is: one.dataset.act ?? one.id ?? one.className,
            marked: style.outlineStyle !== 'none', reached: one.contains(top) }";
    for _ in 0..60 {
        page.keys("\u{e004}").await?;
        let stop = run(page, look).await?;
        assert!(stop["name"].as_str().is_some_and(|name| !name.is_empty()), "a stop without a name: {stop}");
        assert!(stop["marked"] == true && stop["reached"] == true, "{stop}");
        let is = stop["is"].as_str().unwrap_or_default().to_owned();
        let is_last = is == "question";
        stops.push(is);
        if is_last {
            break;
        }
    }
    assert!(stops.iter().any(|is| is == "approve") && stops.last().is_some_and(|is| is == "question"), "{stops:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_does_a_step_by_hand_and_resolves_the_incident() -> Result<()> {
    let Some(browser) = browser().await? else { return Ok(()) };
    let place = told();
    let serve = serve(&place, "127.0.0.1:0");
    let page = browser.open(1280, 1000).await?;
    page.client.goto(&serve.link).await?;
    ask(&page, QUESTION).await?;
    let listed = serve.get("/api/incidents", &[TOKEN]).json();
    let id = listed["incidents"][0]["id"].as_str().context("an incident is open")?.to_owned();
    assert_eq!(listed["incidents"][0]["standing"]["state"], "waiting", "{listed:#}");
    let path = format!("/api/incidents/{id}/resolve");
    let program = serve.post(&path, &[TOKEN], &json!({"note": "a script"}));
    assert_eq!(program.status, 403, "{program:?}");

    // What a person does by hand is not approved but done.
    run(&page, "location.hash = '#/approvals'").await?;
    let manual = page
        .until("a step for a person", "return [...document.querySelectorAll('.step')].find((one) => one.textContent.includes('I did it'))?.dataset.step")
        .await?;
    let card = format!("[data-step='{}']", manual.as_str().unwrap_or_default());
    page.press(&format!("{card} [data-act=approve]")).await?;
    page.press(&format!("{card} [data-act=confirm]")).await?;
    page.until("it is done", &format!("return document.querySelector(\"{card}[data-state=succeeded]\")")).await?;

    run(&page, &format!("location.hash = '#/incidents/{id}'")).await?;
    page.until("how it stands", "return document.querySelector('.stand[data-stand=watching]')").await?;
    page.press(".stand [data-act=resolve]").await?;
    let open = serve.get(&format!("/api/incidents/{id}"), &[TOKEN]).json();
    assert_eq!(open["state"], "open", "one press must not resolve");
    page.keys("orders flow again").await?;
    page.press(".stand [data-act=confirm-resolve]").await?;
    let shown = page.text(".stand.resolved").await?;
    assert!(shown.contains("Resolved by owner") && shown.contains("orders flow again"), "{shown}");
    assert!(page.text(".lead + .meta").await?.contains("verdict: cause"));
    page.until(
        "the timeline says it",
        "return document.querySelector('.timeline')?.textContent.includes('owner resolved it')",
    )
    .await?;
    let again = serve.post_as(&serve_person(&serve, &page).await?, &path, &json!({}));
    assert_eq!(again.status, 409, "{again:?}");

    run(&page, "location.hash = '#/audit'").await?;
    let own = page.text(".audit tr[data-kind=change] small").await?;
    assert!(own.starts_with("happened "), "{own}");
    assert_eq!(page.complaints().await?, Vec::<String>::new());
    page.client.close().await?;
    Ok(())
}

/// The session of the page, for a request beside it.
async fn serve_person(serve: &Serve, page: &Page) -> Result<tests::place::SignedIn> {
    let cookies = page.client.get_all_cookies().await?;
    let cookie =
        cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect::<Vec<_>>().join("; ");
    let session = serve.get("/api/session", &[("cookie", &cookie)]).json();
    Ok(tests::place::SignedIn { cookie, csrf: session["csrf"].as_str().context("a session has a token")?.to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_a_session_that_ended_are_said() -> Result<()> {
    let Some(browser) = browser().await? else { return Ok(()) };
    let place = Place::new();
    let first = serve(&place, "127.0.0.1:0");
    let address = first.address.clone();
    let page = browser.open(390, 844).await?;
    page.client.goto(&first.link).await?;
    page.until(
        "it says that there are no logs",
        "return document.querySelector('.welcome h1')?.textContent === 'No logs yet'",
    )
    .await?;
    page.until("no notice", "return document.getElementById('notice').textContent === ''").await?;
    first.kill();
    let notice = |text: &str| format!("return document.getElementById('notice').textContent.includes('{text}')");
    page.until("it is offline", &notice("does not answer")).await?;

    let second = serve(&place, &address);
    let is_back =
        "return document.querySelector('.live[data-up=true]') && document.getElementById('notice').textContent === ''";
    page.until("a restart signs nobody out", is_back).await?;
    let person = serve_person(&second, &page).await?;
    assert_eq!(second.post_as(&person, "/api/sign-out", &json!({ "everywhere": false })).status, 200);
    page.until("the session is gone", &notice("signed out")).await?;
    page.client.goto(&second.link).await?;
    page.until("it is back", is_back).await?;
    page.client.close().await?;
    Ok(())
}
