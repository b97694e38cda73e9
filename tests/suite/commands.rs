//! Each command as a script uses it: exit codes, what goes to which stream, and the JSON of the contract with every key.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tests::place::{Place, one_document};
use tests::story::Story;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}")).keys().map(String::as_str).collect()
}

/// Every key of the contract is there; more may be.
fn has(value: &Value, wanted: &str) {
    let found = keys(value);
    for key in wanted.split(' ') {
        assert!(found.contains(&key), "no `{key}` in {value:#}");
    }
}

/// RFC 3339 in UTC with microseconds.
fn is_time(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("not a time: {value}"));
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z", "{text}");
}

fn told() -> (Place, Story) {
    let place = Place::new();
    let story = Story::until_now();
    story.tell(&place);
    (place, story)
}

#[test]
fn index_reports_every_figure_and_adds_nothing_twice() {
    let place = Place::new();
    let story = Story::until_now();
    place.write("shop.ndjson", &story.log);
    let report = place.json(&["index", "shop.ndjson"]);
    has(
        &report,
        "records bytes files malformed truncated redacted templates services first_time last_time seconds records_per_second index_bytes",
    );
    assert_eq!(report["records"], story.lines);
    assert_eq!(report["bytes"], story.log.len());
    assert_eq!(report["services"], serde_json::json!(["checkout", "gateway", "payment"]));
    is_time(&report["first_time"]);
    is_time(&report["last_time"]);

    let again = place.json(&["index", "shop.ndjson"]);
    assert_eq!(again["records"], 0, "{again:#}");
    assert!(place.ok(&["index", "shop.ndjson"]).contains("Nothing new"));
    place.append(
        "shop.ndjson",
        &format!("{{\"time\":\"{}\",\"level\":\"info\",\"service\":\"cart\",\"message\":\"tail line\"}}\n", story.end),
    );
    let tail = place.json(&["index", "shop.ndjson"]);
    assert_eq!(tail["records"], 1, "{tail:#}");
    let all = place.json(&["search", "*", "--limit", "1"]);
    assert_eq!((&all["total"], &all["total_is"]), (&serde_json::json!(story.lines + 1), &serde_json::json!("exact")));
}

#[test]
fn an_index_run_that_is_killed_goes_on_where_it_stopped() {
    let place = Place::new();
    let story = Story::until_now();
    let n_files = 12;
    for n in 0..n_files {
        place.write(&format!("logs/{n}.ndjson"), story.log.replace("order ", &format!("order {n}")));
    }
    for pause in [150, 400, 900] {
        let mut command = place.command(&["index", "logs"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    place.ok(&["index", "logs"]);
    let all = place.json(&["search", "*", "--limit", "1"]);
    assert_eq!(all["total"], story.lines * n_files, "neither lost nor twice");
    assert_eq!(place.json(&["index", "logs"])["records"], 0);
}

#[test]
fn standard_input_is_indexed() {
    let place = Place::new();
    let log = place.write("in.log", "2026-01-02T03:04:05Z ERROR cannot open door 5\n");
    let mut command = place.command(&["index", "-", "--service", "door", "--json"]);
    command.stdin(std::fs::File::open(log).expect("it was just written"));
    let ran = tests::place::ran(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(one_document(&ran.out)["records"], 1);
    assert_eq!(place.json(&["search", "service:door"])["total"], 1);
}

#[test]
fn search_answers_in_the_form_of_the_contract() {
    let (place, story) = told();
    let found = place.json(&["search", "\"connection pool exhausted\" level>=warn", "--limit", "3"]);
    has(&found, "total total_is took_ms searched_records hits");
    assert_eq!(found["searched_records"], story.lines);
    let hits = found["hits"].as_array().expect("hits");
    assert_eq!(hits.len(), 3);
    for hit in hits {
        has(hit, "id time service level host template template_id text fields source");
        is_time(&hit["time"]);
        assert_eq!(
            (&hit["service"], &hit["level"], &hit["host"]),
            (&"checkout".into(), &"error".into(), &"checkout-1".into())
        );
        assert!(hit["template"].as_str().is_some_and(|template| template.contains("<*>")), "{hit:#}");
        assert!(hit["fields"].is_object());
        has(&hit["source"], "path offset");
    }
    let id = hits[0]["id"].as_str().expect("an id");
    let one = place.json(&["search", &format!("id:{id}")]);
    assert_eq!(one["total"], 1);
    assert_eq!(one["hits"][0], hits[0]);
    let times: Vec<&str> = hits.iter().filter_map(|hit| hit["time"].as_str()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
    let before = place.json(&["search", "\"connection pool exhausted\"", "--to", &story.deployed_at.to_string()]);
    assert_eq!(before["total"], 0);

    let mistake = place.fails(2, &["search", "level>=wrn"]);
    assert!(mistake.contains("unknown level at character 8"), "{mistake}");
    assert!(place.fails(2, &["search", "x", "--from", "noonish"]).contains("noonish"));
}

#[test]
fn templates_say_what_the_logs_consist_of() {
    let (place, story) = told();
    let templates = place.json(&["templates"])["templates"].clone();
    let templates = templates.as_array().expect("templates");
    let counted: u64 = templates.iter().filter_map(|template| template["count"].as_u64()).sum();
    assert_eq!(counted, story.lines as u64, "each record belongs to one");
    assert!(place.ok(&["templates", "--service", "checkout"]).contains("connection pool exhausted after <*> ms"));
    let unknown = place.fails(2, &["templates", "--service", "chekout"]);
    assert!(unknown.contains("chekout") && unknown.contains("checkout"), "{unknown}");
}

#[test]
fn ask_answers_in_the_form_of_the_contract_and_replay_gives_the_same_bytes() {
    let (place, story) = told();
    let ran = place.run(&["ask", "why is checkout failing?", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let answer = one_document(&ran.out);
    has(
        &answer,
        "schema id incident question kind window baseline verdict confidence headline claims suspects evidence changes coverage proposals model took_ms",
    );
    assert_eq!(
        (&answer["schema"], &answer["kind"], &answer["verdict"]),
        (&"answer.v1".into(), &"what_is_wrong".into(), &"cause".into())
    );
    assert_eq!(answer["model"], Value::Null);
    has(&answer["window"], "from to onset");
    for time in
        [&answer["window"]["from"], &answer["window"]["to"], &answer["window"]["onset"], &answer["baseline"]["from"]]
    {
        is_time(time);
    }
    assert!(answer["confidence"].as_f64().is_some_and(|confidence| (0.0..=1.0).contains(&confidence)));
    for claim in answer["claims"].as_array().expect("claims") {
        has(claim, "text citations numbers_checked verified");
        assert_eq!(claim["verified"], true, "{claim}");
    }
    assert_eq!(answer["suspects"][0]["service"], "checkout");
    has(&answer["suspects"][0], "service score why citations");
    let evidence = &answer["evidence"][0];
    has(evidence, "id kind service level template count baseline_count first last samples series");
    assert_eq!((&evidence["kind"], &evidence["baseline_count"]), (&"new".into(), &0.into()));
    assert_eq!(
        evidence["count"],
        place.json(&["search", "\"connection pool exhausted\""])["total"],
        "the count is the search's"
    );
    has(&evidence["samples"][0], "id time text");
    let change = &answer["changes"][0];
    has(change, "id service kind version at by url score suspected why");
    assert_eq!(
        (&change["version"], &change["suspected"], &change["by"]),
        (&"v1.42".into(), &true.into(), &"mara".into())
    );
    assert_eq!(change["at"].as_str().map(|at| &at[..19]), Some(&story.deployed_at.to_string()[..19]));
    has(
        &answer["coverage"],
        "records_searched records_in_window services silent_services gaps redacted shown_to_model",
    );

    let id = answer["id"].as_str().expect("an id");
    let replayed = place.run(&["replay", id, "--json"]);
    assert_eq!((replayed.code, replayed.out.as_str()), (Some(0), ran.out.as_str()), "{}", replayed.err);
    assert!(place.fails(1, &["replay", "a-nothere"]).contains("a-nothere"));
    let text = place.ok(&["ask", "why is checkout failing?"]);
    assert!(text.lines().next().is_some_and(|first| first.contains("checkout")), "{text}");
    assert!(text.contains("v1.42") && text.contains("Searched all"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_window_inside_an_outage_is_answered_by_the_whole_of_it_and_counted_as_asked() {
    let (place, story) = told();
    let asked = place.json(&["ask", "what is wrong in the last 2 minutes?"]);
    assert_eq!(asked["verdict"], "cause", "{asked}");
    let from =
        |answer: &Value| answer["window"]["from"].as_str().and_then(|from| from.parse::<Timestamp>().ok()).unwrap();
    let onset = from(&asked).duration_since(story.deployed_at);
    assert!((0..60).contains(&onset.as_secs()), "the outage began at {}: {asked}", story.deployed_at);
    let counted = place.json(&["ask", "how many errors in the last 2 minutes?"]);
    assert!(story.end.duration_since(from(&counted)).as_secs() <= 121, "{counted}");
}

#[test]
fn all_that_was_ever_logged_is_compared_with_its_own_beginning() {
    let (place, _story) = told();
    for question in ["what is wrong in the last 3 days?", "what changed in the last 3 days?"] {
        let asked = place.json(&["ask", question]);
        assert_eq!(
            (asked["verdict"].as_str(), asked["suspects"][0]["service"].as_str()),
            (Some("cause"), Some("checkout"))
        );
        assert_eq!(asked["changes"][0]["suspected"], true, "{asked}");
    }
}

#[test]
fn proposals_carry_every_key_of_the_contract() {
    let place = Place::new();
    place.write("data/firstline.toml", "[actions.endpoints.operations]\nbase_url = \"http://127.0.0.1:9\"\n");
    Story::until_now().tell(&place);
    let answer = place.json(&["ask", "why is checkout failing?"]);
    let proposal = &answer["proposals"][0];
    has(proposal, "id runbook title params why citations steps");
    let step = &proposal["steps"][0];
    has(
        step,
        "id action summary arguments target environment risk digest approvals_needed expires dry_run verify undo together_with",
    );
    is_time(&step["expires"]);
    let waiting = place.json(&["proposals"]);
    let waiting = waiting["steps"].as_array().expect("steps");
    assert!(waiting.iter().any(|waiting| waiting["id"] == step["id"]), "{waiting:#?}");
    assert!(place.ok(&["proposals"]).contains(step["id"].as_str().expect("an id")));
    assert!(place.fails(1, &["proposals", "inc-none"]).contains("incident list"));
    assert!(place.fails(1, &["approve", "p-none"]).contains("firstline proposals"));

    let incidents = place.json(&["incident", "list"])["incidents"].clone();
    let incident = incidents[0]["id"].as_str().expect("an incident was opened");
    assert_eq!(answer["incident"], incident);
    let shown = place.json(&["incident", "show", incident]);
    assert_eq!(shown["answers"][0], answer);
    assert!(place.ok(&["incident", "show", incident]).contains("checkout"));
    let timeline = place.json(&["incident", "timeline", incident]);
    let rows = timeline["timeline"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["text"].to_string().contains("v1.42")), "{timeline:#}");
    rows.iter().for_each(|row| is_time(&row["at"]));
    assert!(place.ok(&["incident", "timeline", incident]).contains("v1.42"));
    assert!(place.fails(1, &["incident", "show", "inc-none"]).contains("incident list"));
}

#[test]
fn deploys_are_recorded_listed_and_imported_once() {
    let place = Place::new();
    let record = ["deploy", "record", "--service", "cart", "--version", "v2", "--at", "2026-01-02T03:04:05Z"];
    assert_eq!(place.json(&record)["recorded"], true);
    assert_eq!(place.json(&record)["recorded"], false, "the same again is known");
    let lines = "{\"service\":\"cart\",\"version\":\"v2\",\"at\":\"2026-01-02T03:04:05Z\"}\n{\"service\":\"search\",\"kind\":\"flag\",\"version\":\"ranker=on\",\"at\":\"2026-01-02T04:00:00Z\"}\n";
    place.write("changes.ndjson", lines);
    let imported = place.json(&["deploy", "import", "changes.ndjson"]);
    assert_eq!((&imported["recorded"], &imported["known"]), (&1.into(), &1.into()), "{imported}");
    place.write(
        "wrong.ndjson",
        "{\"service\":\"cart\"}\n{\"service\":\"mail\",\"version\":\"v1\",\"at\":\"2026-01-02T05:00:00Z\"}\n",
    );
    let said = place.fails(1, &["deploy", "import", "wrong.ndjson"]);
    assert!(said.contains("wrong.ndjson:1"), "{said}");
    let listed = place.json(&["deploy", "list", "--from", "2026-01-02T03:30:00Z"]);
    let names: Vec<&str> =
        listed["changes"].as_array().expect("changes").iter().filter_map(|change| change["service"].as_str()).collect();
    assert_eq!(names, ["search", "mail"]);
    is_time(&listed["changes"][0]["at"]);
    assert!(place.ok(&["deploy", "list"]).contains("cart"));
    assert!(place.fails(2, &["deploy", "record", "--service", "x"]).contains("--version"));
    assert!(place.fails(2, &["deploy", "record", "--service", "", "--version", "v"]).contains("service"));
}

#[test]
fn runbooks_are_listed_shown_checked_and_rehearsed() {
    let place = Place::new();
    place.write("data/firstline.toml", "[actions.endpoints.operations]\nbase_url = \"http://127.0.0.1:9\"\n");
    let listed = place.json(&["runbook", "list"])["runbooks"].clone();
    assert!(listed.as_array().is_some_and(|list| list.len() >= 10), "{listed:#}");
    assert!(place.ok(&["runbook", "list"]).contains("roll-back-deploy"));
    assert!(place.ok(&["runbook", "show", "roll-back-deploy"]).contains("# Roll back a deploy"));
    assert!(place.fails(1, &["runbook", "show", "slak"]).contains("known: "));
    let library = tests::root().join("runbooks/library");
    assert!(place.ok(&["runbook", "check", library.to_str().expect("a path")]).contains("all good"));
    let params = ["--param", "service=cart", "--param", "environment=staging", "--param", "to=v1"];
    let rehearsed = place.json(&[&["runbook", "dry-run", "roll-back-deploy"][..], &params].concat());
    assert_eq!(rehearsed["steps"][0]["arguments"]["body"]["to"], "v1", "{rehearsed:#}");
    assert!(place.ok(&[&["runbook", "dry-run", "roll-back-deploy"][..], &params].concat()).contains("nothing is run"));
    let missing = place.fails(2, &["runbook", "dry-run", "roll-back-deploy", "--param", "service=cart"]);
    assert!(missing.contains("`to`"), "{missing}");
    let page = place.write("wiki.md", "# Restart the printer\n\n1. Pull the plug.\n2. Wait ten seconds.\n");
    assert!(place.ok(&["runbook", "import", page.to_str().expect("a path")]).contains("manual"));
}

#[test]
fn the_audit_trail_is_exported_verified_and_signed() {
    let (place, _) = told();
    place.json(&["ask", "what is wrong?"]);
    let exported = place.ok(&["audit", "export"]);
    let entries: Vec<Value> = exported.lines().map(one_document).collect();
    assert!(entries.len() >= 4, "{exported}");
    for entry in &entries {
        has(entry, "position stream seq at actor event prev_hash hash");
        is_time(&entry["at"]);
    }
    assert_eq!(place.ok(&["audit", "export", "--since", "2999-01-01T00:00:00Z"]), "");
    let report = place.json(&["audit", "verify"]);
    assert_eq!(report["whole"], true);
    let head = one_document(&place.ok(&["audit", "head"]));
    assert!(head.is_object());
    one_document(&place.run(&["audit", "head", "--json"]).out);
}

#[test]
fn what_somebody_said_can_be_erased_and_the_record_stays_whole() {
    const SAID: &str = "what is wrong, dear zebra?";
    let (place, _) = told();
    place.json(&["ask", SAID]);
    let entries = |args: &[&str]| -> Vec<Value> { place.ok(args).lines().map(one_document).collect() };
    let before = entries(&["audit", "export"]);
    let asked = before.iter().find(|entry| entry["kind"] == "asked").expect("the question");
    let (person, incident) = (asked["actor"].as_str().expect("a name"), asked["stream"].as_str().expect("a stream"));
    assert_eq!(asked["decision"]["who"]["person"], person);
    assert_eq!(asked["decision"]["why"]["question"], SAID);
    has(&asked["decision"], "who when why result");
    let proposed = before.iter().find(|entry| entry["decision"]["what"].is_object());
    if let Some(entry) = proposed {
        has(&entry["decision"]["what"], "step title action arguments digest runbook runbook_digest");
        has(&entry["decision"]["rights"], "policy risk approvals_needed approvals_given proposer requester expires");
        has(&entry["decision"]["where"], "target service environment");
        assert!(entry["decision"]["why"]["evidence"].as_array().is_some_and(|cited| !cited.is_empty()), "{entry:#}");
    }
    let story = entries(&["audit", "export", "--incident", incident.trim_start_matches("incident/")]);
    assert!(story.len() >= 3 && story.iter().all(|entry| entry["stream"] == incident), "{story:#?}");
    let head = place.write("head.json", place.ok(&["audit", "head"]));
    let head = head.to_str().expect("a path");
    let file = std::fs::read(place.data().join("firstline.db")).expect("the database");
    assert!(!file.windows(5).any(|bytes| bytes == b"zebra"), "what people say is not stored in the clear");

    // A pending step rests on who asked: it has to be over first.
    for entry in before.iter().filter(|entry| entry["kind"] == "step") {
        let id = entry["decision"]["what"]["step"].as_str().expect("a step");
        place.run(&["cancel", id, "--reason", "not now"]);
    }
    assert!(place.fails(2, &["audit", "erase", "--person", person]).contains("--yes"));
    assert!(place.fails(1, &["audit", "erase", "--person", "nobody", "--yes"]).contains("nothing is sealed"));
    assert!(place.ok(&["audit", "erase", "--person", person, "--yes"]).contains("Erased"));
    let after = place.ok(&["audit", "export"]);
    assert!(!after.contains("zebra") && after.contains("⟨erased:"), "{after}");
    assert!(after.lines().filter(|line| line.contains("\"decision\":{")).count() >= before.len() / 2);

    assert!(place.ok(&["audit", "rotate-keys"]).contains("announced"));
    assert_eq!(place.json(&["audit", "verify", "--head", head])["whole"], true);
    let said = place.ok(&["audit", "verify", "--head", head]);
    assert!(said.contains("signed by key"), "{said}");
    std::fs::remove_dir_all(place.data().join("keys")).expect("the keys");
    let elsewhere = place.json(&["audit", "verify", "--head", head]);
    assert_eq!(elsewhere["head"]["trusted_by"], "the file itself", "{elsewhere:#}");
    assert!(
        place.fails(1, &["audit", "verify"]).contains("--head FILE"),
        "checkpoints of keys that nobody vouches for"
    );
}

#[test]
fn config_doctor_and_completions_answer() {
    let place = Place::new();
    assert!(place.ok(&["config", "check"]).contains("good"));
    assert_eq!(place.json(&["config", "check"])["mistakes"], serde_json::json!([]));
    place.write("data/firstline.toml", "listen = \"127.0.0.1:0\"\n[llm]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\napi_key = \"env:NOT_SET_HERE\"\n[tokens]\nci = \"sha256:d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7\"\n");
    let shown = place.ok(&["config", "show"]);
    assert!(shown.contains("env:NOT_SET_HERE") && shown.contains("[secret]") && !shown.contains("d7ecdf25"), "{shown}");
    assert_eq!(place.json(&["config", "show"])["llm"]["api_key"], "env:NOT_SET_HERE");
    let ran = place.run(&["doctor", "--json"]);
    assert_eq!(ran.code, Some(1), "the key is not set: {ran:?}");
    let findings = one_document(&ran.out)["findings"].clone();
    let bad: Vec<&Value> =
        findings.as_array().expect("findings").iter().filter(|finding| finding["ok"] == false).collect();
    assert_eq!(bad.len(), 1, "{findings:#}");
    assert!(bad[0]["text"].to_string().contains("NOT_SET_HERE"), "{bad:?}");
    let well = Place::new();
    well.write("data/firstline.toml", "listen = \"127.0.0.1:0\"\n");
    assert!(!well.ok(&["doctor"]).contains('✗'));
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.ok(&["completions", shell]).contains("firstline"), "{shell}");
    }
}

#[test]
fn every_command_has_help_and_wrong_usage_is_2() {
    let place = Place::new();
    let commands = "demo serve index search ask chat proposals approve reject cancel done deploy templates runbook incident replay audit eval doctor config completions";
    for command in commands.split(' ') {
        assert!(place.ok(&[command, "--help"]).contains("Usage: firstline"), "{command}");
    }
    for sub in [
        "deploy record",
        "deploy import",
        "deploy list",
        "runbook check",
        "runbook dry-run",
        "incident timeline",
        "audit verify",
        "config show",
    ] {
        let args: Vec<&str> = sub.split(' ').chain(["--help"]).collect();
        assert!(place.ok(&args).contains("Usage: firstline"), "{sub}");
    }
    assert!(place.ok(&["--version"]).starts_with("firstline "));
    for wrong in [
        &["frobnicate"][..],
        &["search"],
        &["index"],
        &["ask"],
        &["search", "x", "--limit", "many"],
        &["--config", "no.toml", "--bogus", "doctor"],
    ] {
        assert!(place.run(wrong).out.is_empty(), "{wrong:?} prints to standard output");
        place.fails(2, wrong);
    }
}
