//! The files beside the program say what the program does: example config, operator's page, unit, container.

use std::collections::BTreeSet;

use bot::config::Config;
use clap::CommandFactory as _;
use tests::place::{Place, read};

/// Every key of the settings, `approval.ttl_seconds`, in the order of the file. Tables that people name themselves end in `.*`.
fn keys(prefix: &str, table: &toml::Table, found: &mut BTreeSet<String>) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) if !inner.is_empty() => keys(&path, inner, found),
            _ => drop(found.insert(path)),
        }
    }
}

/// A config in which everything is set, so that every key is written.
fn everything() -> toml::Table {
    let text = r#"
        public_url = "https://x"
        [sources.a]
        paths = ["x"]
        service = "s"
        service_from = "r"
        format = "auto"
        [database]
        url = "sqlite:x"
        keys = "x"
        [approval]
        policies = ["x"]
        [approval.break_glass]
        page_endpoint = "x"
        page_path = "/x"
        start_deadline_seconds = 60
        [llm]
        base_url = "http://x"
        api_key = "env:X"
        [console.oidc]
        issuer = "https://x"
        client_id = "x"
        client_secret = "env:X"
        scopes = ["x"]
        claim = "sub"
        [tokens]
        a = "sha256:x"
        b = { hash = "sha256:x", scopes = ["ask"] }
        [people.a]
        name = "x"
        identities = ["console:x"]
        roles = ["x"]
        active = true
        [grants.a]
        to = ["*"]
        services = ["*"]
        environments = ["*"]
        [actions.endpoints.a]
        base_url = "http://x"
        headers = { a = "env:X" }
        dry_run = "x"
        private = true
        methods = ["GET"]
        paths = ["/x"]
        expect = { status = 200, contains = "x", json = { "/x" = "x" } }
        [actions.clusters.a]
        server = "https://x"
        token = "env:X"
        ca = "/x"
        kubeconfig = "/x"
        context = "x"
        namespaces = ["x"]
        nodes = true
        [actions.programs.a]
        path = "/x"
        flags = ["--x"]
        env = ["X"]
        dry_run = "--x"
        user = "x"
        [inventory]
        environments = ["x"]
        [inventory.services.a]
        versions = ["x"]
        surge_replicas = 1
        raised_pool = 1
        surge_limit = 1
        [inventory.hosts]
        a = "x"
        [inventory.queues]
        a = "x"
        [inventory.flags.a]
        service = "x"
        fallback = true
        [inventory.workloads.a]
        cluster = "x"
        namespace = "x"
        environment = "x"
        kind = "deployment"
        name = "x"
        service = "x"
        [aliases]
        a = ["x"]
    "#;
    let config: Config = toml::from_str(text).expect("these are keys of the settings");
    toml::Table::try_from(&config).expect("settings can be written")
}

#[test]
fn the_example_config_is_good() {
    let place = Place::new();
    let example = tests::root().join("deploy/firstline.example.toml");
    let said = place.ok(&["config", "check", "--config", example.to_str().expect("a path")]);
    assert!(said.contains("good"), "{said}");
    // Without the marks of comment before keys and tables, it is good too: nothing in it is made up.
    let all: Vec<String> = read("deploy/firstline.example.toml").lines().map(uncommented).collect();
    let runbooks = place.write("books/call.md", "# Call\n\n- the phone\n");
    let runbooks = runbooks.parent().expect("a file stands in a folder").display().to_string();
    // Policies take the place of two keys.
    let is_instead = |line: &&String| {
        line.starts_with("approvers = ") || (line.starts_with("environments = ") && line.contains("staging"))
    };
    let mut lines = all.clone();
    if let Some(policies) = all.iter().position(|line| line.starts_with("policies = ")) {
        let before = all[..policies].iter().rposition(|line| line == "[approval]").expect("they are of a table");
        lines = all[..before].to_vec();
        lines.extend(all[before..policies].iter().filter(|line| !is_instead(line)).cloned());
        lines.extend_from_slice(&all[policies..]);
    }
    let policies = tests::root().join("deploy/policy").display().to_string();
    let text =
        lines.join("\n").replace("/etc/firstline/runbooks", &runbooks).replace("/etc/firstline/policy", &policies);
    let path = place.write("all.toml", text);
    let mut check = place.command(&["config", "check", "--config", path.to_str().expect("a path")]);
    check.env("LLM_API_KEY", "x").env("OPERATIONS_TOKEN", "x").env("PROD_CLUSTER_TOKEN", "x").env("OIDC_SECRET", "x");
    let checked = tests::place::ran(check);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

/// `# key = value` and `# [table]` with the mark taken away; prose stays a comment.
fn uncommented(line: &str) -> String {
    let Some(rest) = line.strip_prefix("# ") else { return line.to_owned() };
    let is_table = rest.starts_with('[') && rest.contains(']');
    let is_key = rest
        .split_once(" = ")
        .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)));
    if is_table || is_key { rest.to_owned() } else { line.to_owned() }
}

#[test]
fn the_example_config_names_every_key() {
    let text: Vec<String> = read("deploy/firstline.example.toml").lines().map(uncommented).collect();
    let example: toml::Table = toml::from_str(&text.join("\n")).expect("the example is TOML, uncommented too");
    let (mut wanted, mut found) = (BTreeSet::new(), BTreeSet::new());
    keys("", &everything(), &mut wanted);
    keys("", &example, &mut found);
    // Names that people choose are compared by what stands below them.
    let shape = |keys: &BTreeSet<String>| -> BTreeSet<String> {
        let named = [
            "sources",
            "tokens",
            "people",
            "grants",
            "actions.endpoints",
            "actions.clusters",
            "actions.programs",
            "inventory.services",
            "inventory.hosts",
            "inventory.queues",
            "inventory.flags",
            "inventory.workloads",
            "aliases",
        ];
        keys.iter()
            .map(|key| {
                let Some(of) = named.iter().find(|of| key.starts_with(&format!("{of}."))) else { return key.clone() };
                let below = key[of.len() + 1..].split_once('.').map_or("", |(_, below)| below);
                let below = ["headers", "expect.json"].into_iter().find(|map| below.starts_with(map)).unwrap_or(below);
                format!("{of}.*.{below}")
            })
            .collect()
    };
    let missing: Vec<String> = shape(&wanted).difference(&shape(&found)).cloned().collect();
    assert!(missing.is_empty(), "the example does not name {missing:?}");
    let unknown: Vec<String> = shape(&found).difference(&shape(&wanted)).cloned().collect();
    assert!(unknown.is_empty(), "this test does not know {unknown:?}");
}

#[test]
fn the_operators_page_names_only_what_exists() {
    let page = read("deploy/README.md");
    let program = bot::cli::Cli::command();
    for (idx, _) in page.match_indices("firstline ") {
        let before = page[..idx].chars().last().unwrap_or('\n');
        if !matches!(before, '`' | ' ' | '/' | '\n') {
            continue;
        }
        let words: Vec<&str> = page[idx..]
            .split(['`', '\n', '|', '>', '#'])
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .collect();
        let Some(first) = words.first().filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-')) else {
            continue;
        };
        // In prose the program's name is followed by anything; in code, by a command.
        let is_code = before == '`' || page[..idx].rsplit('\n').next().is_some_and(|line| line.starts_with("    "));
        let Some(command) = program.find_subcommand(first) else {
            assert!(!is_code || first.starts_with('-'), "`firstline {}`: no such command", words.join(" "));
            continue;
        };
        let sub = words.get(1).and_then(|word| command.find_subcommand(word));
        if command.has_subcommands() {
            assert!(sub.is_some() || words.len() < 2, "`firstline {}`: no such command", words.join(" "));
        }
        let flags = words.iter().filter_map(|word| word.strip_prefix("--"));
        for flag in flags {
            let knows =
                |command: &clap::Command| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
            assert!(
                knows(&program) || knows(sub.unwrap_or(command)),
                "`firstline {}`: no flag `--{flag}`",
                words.join(" ")
            );
        }
    }
    for (_, rest) in page.match_indices("](").map(|(at, _)| page.split_at(at + 2)) {
        let link = rest.split(')').next().unwrap_or_default();
        assert!(
            link.starts_with("http") || tests::root().join("deploy").join(link).exists(),
            "`{link}` does not exist"
        );
    }
    for word in page
        .split(|c: char| c.is_whitespace() || "`(),;:".contains(c))
        .filter(|word| word.starts_with("systemd/") || word.starts_with("deploy/"))
    {
        let there = [tests::root().join(word), tests::root().join("deploy").join(word)];
        assert!(there.iter().any(|path| path.exists()), "`{word}` does not exist");
    }
}

#[test]
fn unit_and_container_start_commands_that_exist() {
    let program = bot::cli::Cli::command();
    let unit = read("deploy/systemd/firstline.service");
    let starts: Vec<&str> = unit
        .lines()
        .filter(|line| line.starts_with("ExecStart"))
        .filter_map(|line| line.split_once("/usr/bin/firstline "))
        .map(|(_, args)| args)
        .collect();
    assert_eq!(starts.len(), 2, "{unit}");
    for args in starts {
        let words = std::iter::once("firstline").chain(args.split(' '));
        let parsed = program.clone().try_get_matches_from(words);
        assert!(parsed.is_ok(), "{args}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
    }
    let dockerfile = read("deploy/Dockerfile");
    for line in dockerfile.lines().filter(|line| line.trim_start().starts_with("CMD [")) {
        let words: Vec<String> = serde_json::from_str(&line.trim_start()[4..]).expect("a list of words");
        let words: Vec<String> = words.into_iter().filter(|word| word != "/usr/bin/firstline").collect();
        let parsed = program.clone().try_get_matches_from(std::iter::once("firstline".to_owned()).chain(words));
        assert!(parsed.is_ok(), "{line}");
    }
}
