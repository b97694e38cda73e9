//! The story of the demo in a real browser: ask, read, approve, watch it run, see it verified, read who did what.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::browser::{Browser, Page, is_installed};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running demo; it ends with the value.
struct Demo {
    _process: Child,
    _folder: tempfile::TempDir,
    link: String,
    question: String,
}

async fn demo() -> Result<Demo> {
    let folder = tempfile::tempdir()?;
    let mut process = Command::new(tests::firstline())
        .args(["demo", "--port", "0", "--no-browser", "--data"])
        .arg(folder.path().join("demo"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("it is piped")?).lines();
    let (mut link, mut question) = (None, None);
    while let Some(line) = lines.next_line().await? {
        if let Some((_, address)) = line.split_once("Console ") {
            link = Some(address.trim().to_owned());
        }
        if let Some(quoted) = line.split_once('“').and_then(|(_, rest)| rest.split_once('”')) {
            question = Some(quoted.0.to_owned());
        }
        if line.contains("Ctrl-C") {
            break;
        }
    }
    // The rest of what it prints is read, so that it never waits for us.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(Demo {
        _process: process,
        _folder: folder,
        link: link.context("the demo printed no address")?,
        question: question.context("the demo printed no question")?,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_whole_story_in_a_browser() -> Result<()> {
    if !is_installed() {
        assert!(!tests::everything_is_installed(), "chromium and chromedriver are missing");
        println!("skipped: install chromium and chromedriver to run this");
        return Ok(());
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let demo = demo().await?;
    let browser = Browser::start().await?;
    let page = browser.open(1280, 1000).await?;
    page.client.goto(&demo.link).await?;

    page.until("the header is live", "return document.querySelector('.live')?.textContent.includes('services')")
        .await?;
    ask_by_keyboard(&page, &demo.question).await?;
    read_the_answer(&page).await?;
    read_the_lines(&page).await?;
    approve(&page).await?;
    read_the_audit_trail(&page).await?;
    reload_keeps_it(&page, &demo.question).await?;
    assert_eq!(page.complaints().await?, Vec::<String>::new());

    let phone = browser.open(390, 844).await?;
    on_a_phone(&page, &phone).await?;
    assert_eq!(phone.complaints().await?, Vec::<String>::new());
    page.client.close().await?;
    phone.client.close().await?;
    Ok(())
}

async fn ask_by_keyboard(page: &Page, question: &str) -> Result<()> {
    page.until("the welcome", "return document.querySelector('.welcome h1')").await?;
    page.keys("?").await?;
    page.until("the keys are shown", "return document.querySelector('dialog[open]')").await?;
    page.keys("\u{e00c}").await?;
    page.until("the keys are gone", "return !document.querySelector('dialog')").await?;
    page.keys("/").await?;
    page.until("the line has the focus", "return document.activeElement.id === 'question'").await?;
    page.keys(&format!("{question}\u{e007}")).await
}

async fn read_the_answer(page: &Page) -> Result<()> {
    let headline = page.text(".answer .headline").await?;
    assert!(headline.contains("checkout"), "{headline}");
    assert_eq!(page.text(".verdict b").await?, "cause");
    page.until("the fault stands out in the chart", "return document.querySelectorAll('.chart .bar.fault').length")
        .await?;
    page.until("the deploy is marked", "return document.querySelectorAll('.chart .mark.suspected').length").await?;
    assert!(page.text(".changes").await?.starts_with("Suspect"));
    page.until("the sentences are folded", "return document.querySelector('.answer details.words:not([open])')")
        .await?;
    let coverage = page.text(".cover").await?;
    assert!(coverage.starts_with("Searched all"), "{coverage}");
    page.until("the timeline", "return document.querySelectorAll('aside .timeline li').length").await?;
    Ok(())
}

async fn read_the_lines(page: &Page) -> Result<()> {
    page.client.execute("document.activeElement.blur()", Vec::new()).await?;
    page.keys("j").await?;
    page.keys("o").await?;
    page.until("the row is open", "return document.querySelector('.row[aria-expanded=true]')").await?;
    page.until("its line is marked", "return document.querySelector('.detail .line.hit')").await?;
    page.until("lines stand around it", "return document.querySelectorAll('.detail .line').length > 2").await?;
    Ok(())
}

async fn approve(page: &Page) -> Result<()> {
    const STEP: &str = "document.querySelector('.step')";
    assert!(page.text(".step .runs").await?.contains("checkout"));
    page.press(".step [data-act=approve]").await?;
    let confirm = page.text(".step .confirm").await?;
    assert!(confirm.contains("exactly this") && confirm.contains("checkout"), "{confirm}");
    let state = page.client.execute(&format!("return {STEP}.dataset.state"), Vec::new()).await?;
    assert_eq!(state, "proposed", "one press must not approve");

    // A hasty person presses twice.
    let twice = format!("const yes = {STEP}.querySelector('[data-act=confirm]'); yes.click(); yes.click();");
    page.client.execute(&twice, Vec::new()).await?;
    page.until("it succeeded", &format!("return {STEP}.dataset.state === 'succeeded'")).await?;
    a_watch_reads_the_same_after_a_reload(page).await?;
    let verified = format!("return {STEP}.querySelector('[data-verification=verified]')?.textContent");
    let verified = page.until_within(Duration::from_secs(240), "the check of the step", &verified).await?;
    assert!(verified.as_str().unwrap_or_default().contains("Verified"), "{verified}");
    let over = page.text(".stand.over").await?;
    assert!(over.contains("you approved it") && over.contains("Left to do: Resolve the incident."), "{over}");
    Ok(())
}

/// Whoever comes later reads what is watched as a sentence, on a card that stays inside its answer.
async fn a_watch_reads_the_same_after_a_reload(page: &Page) -> Result<()> {
    page.client.refresh().await?;
    let watch = page.text("[data-verification=pending]").await?;
    assert!(watch.starts_with(" Watching: E1") && !watch.contains("watching") && !watch.contains("<*>"), "{watch}");
    let beyond = "const edge = document.querySelector('.answer').getBoundingClientRect().right; \
                  return [...document.querySelectorAll('.answer .step')].map((card) => card.getBoundingClientRect().right - edge)";
    let beyond = page.client.execute(beyond, Vec::new()).await?;
    let cards = beyond.as_array().context("a list")?;
    assert!(!cards.is_empty() && cards.iter().all(|by| by.as_f64().is_some_and(|by| by < 0.0)), "{cards:?}");
    Ok(())
}

async fn read_the_audit_trail(page: &Page) -> Result<()> {
    page.client.execute("location.hash = '#/audit'", Vec::new()).await?;
    page.until("the chain is whole", "return document.querySelector('.page > .state.ok')").await?;
    page.until("its entries", "return document.querySelectorAll('.audit .summary').length").await?;
    let rows = "return [...document.querySelectorAll('.audit .summary')].map((cell) => cell.textContent)";
    let rows = page.client.execute(rows, Vec::new()).await?;
    let rows: Vec<&str> = rows.as_array().context("a list")?.iter().filter_map(|row| row.as_str()).collect();
    let approvals = rows.iter().filter(|row| row.contains("you approved")).count();
    assert_eq!(approvals, 1, "two presses are one approval: {rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.ends_with("started")).count(), 1, "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("verified")), "{rows:#?}");
    Ok(())
}

async fn reload_keeps_it(page: &Page, question: &str) -> Result<()> {
    page.client.execute("location.hash = '#/'", Vec::new()).await?;
    page.client.refresh().await?;
    assert_eq!(page.text(".turn .question b").await?, question);
    page.until("the step is still done", "return document.querySelector('.step[data-state=succeeded]')").await?;
    for view in ["Incidents", "Approvals", "Runbooks", "Search"] {
        page.client.execute(&format!("location.hash = '#/{}?q=checkout'", view.to_lowercase()), Vec::new()).await?;
        let shown = format!(
            "return document.querySelector('.page h1')?.textContent === '{view}' \
             && document.querySelector('.body > :not(.loading):not([role=alert])') !== null"
        );
        page.until(view, &shown).await?;
    }
    Ok(())
}

/// Signed in as on the large screen, everything fits on a small one.
async fn on_a_phone(page: &Page, phone: &Page) -> Result<()> {
    let address = page.client.current_url().await?;
    let root = format!("{}/", address.origin().ascii_serialization());
    phone.client.goto(&root).await?;
    for cookie in page.client.get_all_cookies().await? {
        phone.client.add_cookie(cookie).await?;
    }
    // Complaints from before it was signed in are not of interest.
    phone.complaints().await?;
    for view in ["incidents", "audit", "runbooks", "new"] {
        phone.client.goto("about:blank").await?;
        phone.client.goto(&format!("{root}#/{view}")).await?;
        phone.until(view, "return document.querySelector('.list, .audit, .welcome h1') !== null").await?;
        let width =
            phone.client.execute("return Math.max(document.documentElement.scrollWidth - innerWidth, document.getElementById('main').scrollWidth - innerWidth)", Vec::new()).await?;
        assert!(width.as_i64().is_some_and(|over| over <= 0), "{view} is {width} pixels too wide");
    }
    phone.write("#question", "what changed?\u{e007}").await?;
    phone.text(".answer .headline").await?;
    let width = phone.client.execute("return Math.max(document.documentElement.scrollWidth - innerWidth, document.getElementById('main').scrollWidth - innerWidth)", Vec::new()).await?;
    assert!(width.as_i64().is_some_and(|over| over <= 0), "the answer is {width} pixels too wide");
    assert!(phone.count(".composer button").await? >= 1);
    Ok(())
}
