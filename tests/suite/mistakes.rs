//! What people get wrong at night: each mistake is named with its line, all of them at once, and nothing else is blamed.

use std::net::TcpListener;

use serde_json::json;
use tests::place::{Place, ran};

const TOKEN_DIGEST: &str = "d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7";
const TOKEN: (&str, &str) = ("authorization", "Bearer open-sesame");

/// What `config check` says about this file, one mistake a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let place = Place::new();
    place.write("a.toml", text);
    let said = place.fails(2, &["config", "check", "--config", "a.toml"]);
    let mut lines: Vec<&str> = said.lines().collect();
    let last = lines.pop().unwrap_or_default();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with("a.toml:") && line.contains(expected), "`{expected}` is not in `{line}`:\n{said}");
    }
    assert!(last.starts_with(&expected.len().to_string()), "{said}");
}

#[test]
fn an_approver_without_a_platform_is_told_how_to_write_it() {
    check(
        "[approval]\napprovers = [\"ines\", \"token:ci\", \"slak:U7\", \"console:\", \"slack:U024BE7LH\"]\n",
        &[
            "2: `approval.approvers` has `console:`: the name is missing; write `console:NAME`",
            "2: `approval.approvers` has `ines`: a person needs a platform in front; write `console:ines`",
            "2: `approval.approvers` has `slak:U7`: unknown platform `slak`; did you mean `slack:U7`?",
            "2: `approval.approvers` has `token:ci`: a token is a program's",
        ],
    );
    check("[console]\nperson = \"console:ines\"\n", &["2: `console.person = \"console:ines\"` must be a bare name"]);
}

#[test]
fn secrets_that_are_not_there_are_named_before_anything_starts() {
    let place = Place::new();
    place.write(
        "a.toml",
        "listen = \"127.0.0.1:0\"\n[llm]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\napi_key = \"env:FIRSTLINE_TEST_KEY\"\n\
         [actions.endpoints.operations]\nbase_url = \"http://127.0.0.1:1\"\nheaders = { a = \"file:none.token\" }\n",
    );
    for command in [&["config", "check"][..], &["serve"]] {
        let said = place.fails(2, &[command, &["--config", "a.toml"]].concat());
        assert!(said.contains("a.toml:5: `llm.api_key` = `env:FIRSTLINE_TEST_KEY`: the variable is not set"), "{said}");
        assert!(said.contains("a.toml:8: `actions.endpoints.operations.headers.a` = `file:none.token`"), "{said}");
        assert!(said.contains("2 mistakes, nothing started"), "{said}");
    }
    place.write("none.token", "x");
    let mut good = place.command(&["config", "check", "--config", "a.toml"]);
    good.env("FIRSTLINE_TEST_KEY", "k");
    let good = ran(good);
    assert_eq!(good.code, Some(0), "{good:?}");
    // Who only searches needs no secret.
    place.write("app.log", "2026-01-02T03:04:05Z INFO here\n");
    place.ok(&["index", "app.log", "--config", "a.toml"]);
    place.ok(&["search", "here", "--config", "a.toml"]);
}

#[test]
fn a_model_needs_its_server_and_its_name() {
    check("[llm]\nbase_url = \"http://127.0.0.1:1/v1\"\n", &["1: `llm.model` is missing; name a model"]);
    for address in ["htp:/foo", "localhost:80"] {
        let said = format!("2: `llm.base_url = \"{address}\"` is no `http` or `https` address");
        check(&format!("[llm]\nbase_url = \"{address}\"\nmodel = \"m\"\n"), &[&said]);
    }
    check("[llm]\nmodel = \"m\"\n", &["1: `llm.base_url` is missing, and without it there is no model"]);
}

#[test]
fn what_was_never_written_is_not_blamed() {
    // The default of `approvals.high` is in nobody's file.
    check(
        "[approval]\napprovers = [\"console:ines\"]\n",
        &["2: `approval.approvers` lists 1 person, but a step of high risk needs 2; list more, or write `high = 1`"],
    );
    // A value of the wrong type is one mistake, not one more for being absent.
    check(
        "[sources.a]\npaths = \"x\"\n[actions.endpoints.ops]\nbase_url = 3\nprivate = \"yes\"\nheaders = { a = \"sk\" }\n\
         [actions.endpoints.two]\nprivate = true\n[llm]\nbase_url = \"http://127.0.0.1:1\"\nmodel = 7\n",
        &[
            "2: `sources.a.paths = \"x\"` must be a list",
            "4: `actions.endpoints.ops.base_url = 3` must be text",
            "5: `actions.endpoints.ops.private = \"yes\"` must be `true` or `false`",
            "6: `actions.endpoints.ops.headers.a`: a secret must be a reference",
            "7: `actions.endpoints.two.base_url` is missing",
            "11: `llm.model = 7` must be text",
        ],
    );
    // Behind a broken line anything may stand.
    check("[sources.a]\npaths = = [\"x\"]\n", &["2: not valid TOML"]);
}

#[test]
fn what_steps_may_reach_is_checked_as_a_whole() {
    check(
        "[actions.endpoints.ops]\nbase_url = \"https://ops/?q=\"\nmethods = [\"post\"]\npaths = [\"v1\"]\nexpect = { status = 302 }\n\
         [actions.clusters.prod]\nserver = \"api:6443\"\ntoken = \"sk\"\nkubeconfig = \"/k\"\n[actions.clusters.lab]\ncontext = \"x\"\n\
         [inventory.workloads.Cart]\ncluster = \"prud\"\nnamespace = \"shop\"\nenvironment = \"production\"\n\
         [inventory.workloads.till]\ncluster = \"prod\"\nnamespace = \"shop\"\n",
        &[
            "2: endpoint `ops`: `base_url: https://ops/?q=` must end before any `?`",
            "3: endpoint `ops`: unknown method `post` (known: GET, POST",
            "4: endpoint `ops`: `path: v1` must begin with `/`",
            "5: endpoint `ops`: `expect.status: 302` must be a status",
            "7: cluster `prod`: `api:6443` is no `https` address",
            "8: `actions.clusters.prod.token`: a secret must be a reference",
            "9: cluster `prod`: `kubeconfig`: there is a `server` as well",
            "11: cluster `lab`: `context`: it is one of a `kubeconfig`",
            "12: `inventory.workloads.Cart`: `Cart` is no name in a cluster",
            "13: `inventory.workloads.Cart`: unknown cluster `prud` (known: lab, prod)",
            "16: `inventory.workloads.till.environment` is missing",
        ],
    );
}

#[test]
fn config_check_gives_its_mistakes_as_one_document_too() {
    let place = Place::new();
    place.write("a.toml", "zone = \"Mars/Olympus\"\nslak = 1\n");
    let ran = place.run(&["config", "check", "--config", "a.toml", "--json"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let mistakes = tests::place::one_document(&ran.out)["mistakes"].clone();
    assert_eq!(mistakes.as_array().map(Vec::len), Some(2), "{mistakes:#}");
}

#[test]
fn runbook_check_lists_every_kind_of_mistake_in_every_file() {
    let place = Place::new();
    place.write(
        "books/a.md",
        "---\nid: a\nrisk: enormous\ntirggers: []\nparams:\n  n: {type: shell}\n---\n\
         ```step\nargs: {a: '{{who}}'}\ntarget: t\ntimeout: 2 min\n```\n",
    );
    place.write("books/b.md", "---\nid: b\ntitle: [B\n---\n```step\naction: htpp\ntarget: t\n```\n");
    let said = place.fails(2, &["runbook", "check", "books"]);
    for wanted in [
        "a.md:2:1 `title` is missing",
        "a.md:3:1 `risk: enormous`: unknown value `enormous` (known: low, medium, high)",
        "a.md:4:1 unknown key `tirggers`; did you mean `triggers`?",
        "a.md:6:7 `params.n.type: shell`: unknown value `shell`",
        "a.md:9:1 `action` is missing",
        "a.md:9:8 `args` names `who`, which is not a parameter (known: n)",
        "a.md:11:1 `timeout`: `2 min` is not a duration",
        "b.md:6:1 unknown action `htpp`; did you mean `http`?",
        "9 mistakes",
    ] {
        assert!(said.contains(wanted), "`{wanted}` is not in:\n{said}");
    }
    assert!(said.lines().any(|line| line.contains("b.md:") && line.contains("is not valid YAML")), "{said}");
}

#[test]
fn a_port_in_use_is_said_with_what_this_command_has() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = taken.local_addr().expect("it has an address").port().to_string();
    place.write("a.toml", format!("listen = \"127.0.0.1:{port}\"\n"));
    let serve = place.fails(1, &["serve", "--config", "a.toml"]);
    assert!(serve.contains("another program listens there") && serve.contains("`listen` in `a.toml`"), "{serve}");
    assert!(!serve.contains("--port") && !serve.contains("os error"), "{serve}");
    let demo = place.fails(1, &["demo", "--no-browser", "--port", &port]);
    assert!(demo.contains("another program listens there") && demo.contains("`--port`"), "{demo}");
    assert!(!demo.contains("`listen`"), "{demo}");
    assert!(!place.data().exists(), "nothing is written before the port is known to be free");
}

#[test]
fn a_used_sign_in_link_is_a_page_for_people_and_json_for_programs() {
    let place = Place::new();
    let serve = place.serve("listen = \"127.0.0.1:0\"\n");
    serve.sign_in();
    let path = serve.link.split_once(&serve.address).expect("the link names the address").1;
    let page = serve.get(path, &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]);
    assert_eq!(page.status, 401);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{page:?}");
    assert!(page.header("content-security-policy").is_some(), "{page:?}");
    assert!(page.body.contains("<h1>This sign-in link does not work any more</h1>"), "{}", page.body);
    assert!(page.body.contains("<code>firstline serve</code>") && !page.body.contains("demo"), "{}", page.body);
    for accept in ["application/json", "*/*"] {
        let document = serve.get(path, &[("accept", accept)]);
        assert_eq!(document.status, 401);
        let next = document.json()["next"].as_str().unwrap_or_default().to_owned();
        assert!(next.contains("firstline serve") && !next.contains("demo"), "{next}");
    }
}

#[test]
fn a_deploy_that_has_not_happened_is_refused() {
    let place = Place::new();
    let from_now = |minutes: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes)).to_string();
    let record = |at: &str| ["deploy", "record", "--service", "app", "--version", at, "--at", at].map(str::to_owned);
    let late = record(&from_now(185));
    let said = place.fails(2, &late.each_ref().map(String::as_str));
    assert!(
        said.contains("`at` is ") && said.contains("3 hours from now") && said.contains("leave `at` out"),
        "{said}"
    );
    let skewed = record(&from_now(3));
    place.ok(&skewed.each_ref().map(String::as_str));

    let change = |version: &str, at: &str| json!({"service": "app", "version": version, "at": at});
    let lines =
        [change("v1", "2026-01-02T03:04:05Z"), change("v2", &from_now(60 * 24 * 400)), change("v3", &from_now(0))];
    place.write("changes.ndjson", lines.map(|line| format!("{line}\n")).concat());
    let ran = place.run(&["deploy", "import", "changes.ndjson"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("recorded 2"), "{ran:?}");
    assert!(ran.err.contains("changes.ndjson:2: `at` is ") && ran.err.contains("days from now"), "{ran:?}");

    let serve = place.serve(&format!("listen = \"127.0.0.1:0\"\n[tokens]\nci = \"sha256:{TOKEN_DIGEST}\"\n"));
    let refused = serve.post("/api/deploys", &[TOKEN], &change("v4", &from_now(60)));
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.json()["error"].as_str().is_some_and(|error| error.contains("from now")), "{refused:?}");
    let listed = place.json(&["deploy", "list"])["changes"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(3), "{listed:#}");
}

/// The hints of a search that finds nothing, on the terminal and as JSON.
#[track_caller]
fn hints(place: &Place, query: &str, expected: &[&str]) {
    let found = place.json(&["search", query]);
    let hints = found["hints"].as_array().cloned().unwrap_or_default();
    assert_eq!(hints.len(), expected.len(), "{found:#}");
    let shown = place.ok(&["search", query]);
    // The terminal wraps lines.
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for (hint, expected) in hints.iter().zip(expected) {
        let hint = hint.as_str().expect("a sentence");
        assert!(hint.contains(expected), "`{expected}` is not in `{hint}`");
        assert!(shown.contains(hint), "`{hint}` is not shown:\n{shown}");
    }
}

#[test]
fn a_search_that_finds_nothing_says_which_condition_and_what_was_meant() {
    let place = Place::new();
    place.write(
        "app.ndjson",
        "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"error\",\"service\":\"checkout\",\"status\":500,\"message\":\"pool exhausted\"}\n\
         {\"time\":\"2026-01-02T03:04:06Z\",\"level\":\"info\",\"service\":\"cart\",\"status\":200,\"message\":\"item added\"}\n",
    );
    place.ok(&["index", "app.ndjson"]);
    hints(&place, "service:checkout pool", &[]);
    hints(&place, "service:chekout pool", &["No service `chekout`; did you mean `checkout`?"]);
    hints(&place, "service:database", &["No service `database`. Known: cart, checkout"]);
    hints(&place, "levl>=error", &["did you mean `level>=error`?"]);
    hints(&place, "levl:error", &["No record has a field `levl` like that; did you mean `level:error`?"]);
    hints(&place, "status:>=400", &["`status:>=400` is read as one value; only `level` can be compared"]);
    hints(&place, "exhaust", &["`exhaust` matches nothing; `exhaust*` matches 1"]);
    hints(&place, "service:cart pool", &["No record matches all of it: 1 match `service:cart`, 1 match `pool`"]);
    let newest = "The newest record is from 2026-01-02T03:04:06.000000Z, before `last:15m`; count back from there with";
    hints(&place, "last:15m pool", &[newest]);
    assert_eq!(place.json(&["search", "last:15m pool", "--to", "2026-01-02T03:04:07Z"])["total"], 1);
    assert_eq!(place.json(&["search", "last:2s", "--to", "2026-01-02T03:04:08Z"])["total"], 1);
    // It finds 500, but not what the person thinks it does.
    hints(&place, "status:>=500", &["`status:>=500` is read as one value"]);
    let outside = place.ok(&["search", "pool", "--from", "2026-02-01T00:00:00Z"]);
    assert!(outside.contains("There are no records in that time; they reach from 2026-01-02T03:04:05"), "{outside}");
    let beside = place.ok(&["search", "pool", "--from", "2026-01-02T03:04:06Z"]);
    assert!(beside.contains("matches nothing in that time"), "{beside}");
}

#[test]
fn an_empty_index_is_told_from_one_that_found_nothing() {
    let place = Place::new();
    place.write("empty.log", "");
    place.ok(&["index", "empty.log"]);
    let asked = place.fails(2, &["ask", "why is checkout failing?"]);
    assert!(
        asked.contains("the index in `data` has no records yet; add some with `firstline index --data data"),
        "{asked}"
    );
    let searched = place.ok(&["search", "x"]);
    assert!(searched.contains("The index holds no records yet"), "{searched}");
}

#[test]
fn a_question_while_the_demo_loads_is_told_so() {
    let place = Place::new();
    place.write("app.log", "2026-01-02T03:04:05Z INFO one\n2026-01-02T03:04:06Z INFO two\n");
    place.ok(&["index", "app.log"]);
    let loading = bot::loading::Loading::begin(&place.data()).expect("the folder can be written");
    let said = place.fails(1, &["ask", "what is wrong?"]);
    assert!(said.contains("the demo is still loading: 2 records so far; ask again in a few seconds"), "{said}");
    drop(loading);
    place.ok(&["ask", "what is wrong?"]);
}

#[test]
fn a_template_of_several_levels_shows_them() {
    let place = Place::new();
    let line = |n: usize, level: &str| {
        format!(
            "{{\"time\":\"2026-01-02T03:04:{n:02}Z\",\"level\":\"{level}\",\"service\":\"app\",\"message\":\"request {n} answered\"}}\n"
        )
    };
    let log: String = (10..40).map(|n| line(n, if n % 10 == 0 { "error" } else { "info" })).collect();
    place.write("app.ndjson", log);
    place.ok(&["index", "app.ndjson"]);
    for service in [&[][..], &["--service", "app"]] {
        let command = [&["templates"], service].concat();
        let templates = place.json(&command)["templates"].clone();
        assert_eq!(templates.as_array().map(Vec::len), Some(1), "{templates:#}");
        assert_eq!(templates[0]["levels"], json!({"error": 3, "info": 27}), "{templates:#}");
        assert_eq!((&templates[0]["level"], &templates[0]["count"]), (&json!("error"), &json!(30)));
        assert!(place.ok(&command).contains("INFO, 3 ERROR"), "{}", place.ok(&command));
    }
}

#[test]
fn the_audit_trail_tells_when_a_deploy_happened() {
    let place = Place::new();
    place.ok(&["deploy", "record", "--service", "app", "--version", "v84", "--at", "2026-01-02T02:10:00Z"]);
    let entry = place.json(&["audit", "export"]);
    assert_eq!(entry["happened"], "2026-01-02T02:10:00.000000Z", "{entry:#}");
    let summary = entry["summary"].as_str().unwrap_or_default();
    assert!(
        summary.starts_with("app v84 deployed at 2026-01-02 02:10 UTC") && summary.contains(", recorded "),
        "{summary}"
    );
}
