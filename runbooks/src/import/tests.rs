//! Pages as wikis keep them, and what becomes of each line.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::Runbook;

fn settings() -> Settings {
    let yaml = "{endpoints: {ops: {base_url: 'https://ops.test/api'}}, programs: {lsof: {path: /usr/bin/lsof, flags: [-n, -i]}}}";
    serde_saphyr::from_str(yaml).unwrap()
}

struct NoSecrets;

impl crate::actions::Secrets for NoSecrets {
    fn secret(&self, reference: &str) -> Result<String, String> {
        Err(format!("no `{reference}` in a test"))
    }
}

fn imported(text: &str, file: &str) -> Result<Import, Vec<Mistake>> {
    let settings = settings();
    let actions = Actions::new(&settings, Arc::new(NoSecrets));
    let import = import(text, file, &Known { settings: &settings, actions: &actions })?;
    let against = Against { actions: Some(&actions), ..Against::default() };
    let (_, mistakes) = markdown::examine(&import.markdown, file, &against);
    assert_eq!(mistakes, [], "{}", import.markdown);
    Ok(import)
}

/// Checks line, action or `-`, and a part of the text or of the reason of everything the report says.
#[track_caller]
fn check(text: &str, expected: &[(usize, &str, &str)]) -> (Import, Runbook) {
    let import = imported(text, "wiki/Some Page.md").unwrap();
    let said: Vec<(usize, &str, String)> = import
        .lines
        .iter()
        .map(|line| (line.line, line.action.as_deref().unwrap_or("-"), format!("{} | {}", line.text, line.why)))
        .collect();
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        let is_same = said.0 == expected.0 && said.1 == expected.1 && said.2.contains(expected.2);
        assert!(is_same, "{said:?} is not {expected:?}");
    }
    let runbook = markdown::read(&import.markdown, "some-page.md").unwrap();
    (import, runbook)
}

const PAGE: &str = "---\ntitle: Checkout is slow\ntags: [oncall]\nauthor: Ines\n---\n# Checkout is slow\n\nIt happens on Mondays.\n\n\
## Symptoms\n\n- p99 above 2 s\n\n## What to do\n\n1. Look at the **dashboard** of <service>\n2. See who listens on the port:\n\n   ```sh\n   \
# as root\n   lsof -n -i :<port>\n   lsof -n | grep <service>\n   ```\n\n3. Restart it:\n   ```bash\n   curl -X POST \\\n     -d '{\"service\": \"$SERVICE\"}' \\\n     https://ops.test/api/v1/restart\n   ```\n\
4. Tell people:\n   - in #payments\n   - on the status page\n\n## Check the queue\n\nLook whether it drains\nwithin five minutes.\n\n| who | when |\n| --- | --- |\n| Tom | night |\n\n## Links\n\n- [Board](https://x.test)\n";

#[test]
fn a_page_becomes_steps_and_reads_as_before() {
    let (import, runbook) = check(
        PAGE,
        &[
            (8, "-", "It happens on Mondays. | text"),
            (12, "-", "p99 above 2 s | the section tells"),
            (16, "manual", "Look at the dashboard of <service>"),
            (17, "-", "See who listens on the port: | leads to"),
            (21, "command", "lsof -n -i :<port>"),
            (22, "manual", "See who listens on the port: run `lsof -n | grep <service>` | it has a pipe"),
            (25, "-", "Restart it: | leads"),
            (27, "http", "curl -X POST"),
            (31, "-", "Tell people: | leads"),
            (32, "manual", "Tell people: in #payments"),
            (33, "manual", "Tell people: on the status page"),
            (37, "manual", "Check the queue: Look whether it drains within five minutes."),
            (40, "-", "a table"),
            (46, "-", "[Board]"),
        ],
    );
    assert_eq!(
        (runbook.id(), runbook.head.title.as_str(), runbook.head.owner.as_str()),
        ("some-page", "Checkout is slow", "Ines")
    );
    let http = runbook.steps.iter().find(|step| step.block.action == "http").unwrap();
    let wanted =
        json!({"endpoint": "ops", "method": "POST", "path": "/v1/restart", "body": {"service": "{{service}}"}});
    assert_eq!(http.block.args, wanted);
    let command = runbook.steps.iter().find(|step| step.block.action == "command").unwrap();
    assert_eq!(command.block.args, json!({"program": "lsof", "argv": ["-n", "-i", ":{{port}}"]}));
    let kinds: Vec<_> = runbook.head.params.iter().map(|(name, param)| (name.as_str(), param.kind)).collect();
    assert_eq!(kinds, [("port", crate::params::Kind::Integer), ("service", crate::params::Kind::Service)]);
    for kept in
        ["It happens on Mondays.", "- p99 above 2 s", "| Tom | night |", "- [Board](https://x.test)", "## What to do"]
    {
        assert!(import.markdown.contains(kept), "{kept} is lost:\n{}", import.markdown);
    }
    assert!(import.notes.iter().any(|note| note == "left out of its front matter: tags"), "{:?}", import.notes);
    assert!(import.notes[0].starts_with("2 steps that Firstline can run, 5 for a person"), "{:?}", import.notes);
}

#[test]
fn an_export_of_confluence_is_read_as_what_it_shows() {
    let page = "<h1>Queue stuck</h1>\n<p>The <strong>broker</strong> of &lt;queue&gt;\nhangs.<br/>Often.</p><ol><li><p>Look at <code>&lt;queue&gt;</code></p>\
<ul><li>in one zone</li><li>in all</li></ul></li><li>Run:\n<ac:structured-macro ac:name=\"code\"><ac:parameter ac:name=\"language\">bash</ac:parameter>\
<ac:plain-text-body><![CDATA[lsof -n\nlsof > /tmp/x]]></ac:plain-text-body></ac:structured-macro></li></ol>\n\
<table><tbody><tr><th>who</th><th>when</th></tr><tr><td>Tom &amp; Ines</td><td>night</td></tr></tbody></table><!-- gone --><script>no()</script>";
    let (import, runbook) = check(
        page,
        &[
            (2, "-", "hangs."),
            (3, "manual", "Look at `<queue>`"),
            (3, "manual", "In one zone"),
            (3, "manual", "In all"),
            (3, "-", "Run: | leads"),
            (4, "command", "lsof -n"),
            (5, "manual", "redirects"),
            (6, "-", "a table"),
        ],
    );
    assert_eq!(runbook.head.title, "Queue stuck");
    assert!(runbook.head.params.contains_key("queue"));
    let text = &import.markdown;
    assert!(text.contains("The **broker** of \\<queue> hangs.\nOften."), "{text}");
    assert!(text.contains("| who | when |\n| --- | --- |\n| Tom & Ines | night |"), "{text}");
    assert!(!text.contains("gone") && !text.contains("no()") && !text.contains("ac:"), "{text}");
}

#[test]
fn what_needs_a_shell_or_is_not_declared_stays_manual_with_its_reason() {
    let of = |command: &str| {
        let import = imported(&format!("# T\n\n```sh\n{command}\n```\n"), "t.md").unwrap();
        let line = import.lines.iter().find(|line| line.became != Became::Prose).unwrap().clone();
        (line.action.unwrap(), line.why)
    };
    for (command, reason) in [
        ("lsof | sort", "pipe"),
        ("lsof $(cat x)", "another command"),
        ("lsof *.log", "pattern"),
        ("lsof -X", "none of the declared `flags`"),
        ("nmap host", "`nmap` is not declared under `[actions.programs]`"),
        ("curl https://ops.test.evil.test/api/x", "no endpoint for `ops.test.evil.test`"),
        ("curl https://ops.test/apix", "no endpoint for `ops.test`"),
        ("curl -u a:b https://ops.test/api/x", "`curl -u` has no counterpart"),
        ("curl -H 'Authorization: Bearer x' https://ops.test/api/x", "header `authorization`"),
        ("curl https://ops.test/api/../x", "must begin"),
        ("curl -d a=b https://ops.test/api/x", "no JSON"),
        ("sudo lsof", "sudo"),
        ("lsof -n '{{.x}}'", "braces of its own"),
        ("kubectl get pods", "none of the changes"),
        ("kubectl rollout restart deploy/x --force", "`kubectl --force` has no counterpart"),
        ("kubectl scale --replicas=3 deploy/x deploy/y", "nothing that a step can change"),
    ] {
        let (action, why) = of(command);
        assert!(action == "manual" && why.contains(reason), "{command}: {action} {why}");
    }
    assert_eq!(of("curl -s https://ops.test/api/v1/x?a=b").0, "http");
    assert_eq!(of("/usr/bin/lsof -n").0, "command");
}

#[test]
fn a_change_in_kubernetes_is_read_as_one() {
    let of = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        commands::offered(&words, &known())
    };
    fn known() -> Known<'static> {
        let settings: &'static Settings = Box::leak(Box::default());
        let actions = Box::leak(Box::new(Actions::new(settings, Arc::new(NoSecrets))));
        Known { settings, actions }
    }
    let is_built_in = known().actions.names().contains(&"kubernetes");
    for line in [
        "kubectl -n shop rollout undo deploy/cart",
        "kubectl scale deployment cart --replicas 3",
        "kubectl cordon n1",
        "kubectl delete pod p1",
    ] {
        let refused = of(line).err();
        assert!(
            is_built_in || refused.as_ref().is_some_and(|why| why.contains("no action `kubernetes` is built in")),
            "{refused:?}"
        );
    }
    for line in ["kubectl delete deployment cart", "kubectl cordon deploy/x", "kubectl rollout status deploy/x"] {
        assert!(of(line).is_err(), "{line}");
    }
}

#[test]
fn a_script_stays_whole() {
    let page = "# T\n\n```bash\nfor x in 1 2; do\n  echo $x\ndone\n```\n";
    let (import, _) =
        check(page, &[(3, "manual", "Run the commands above, as they stand | its lines belong together")]);
    assert!(import.markdown.contains("```bash\nfor x in 1 2; do\n  echo $x\ndone\n```"), "{}", import.markdown);
}

#[test]
fn a_page_of_a_wiki_cannot_smuggle_in_what_runs() {
    let (_, runbook) = check(
        "# T\n\n- a: `{{#if x}}`\n- \"}}\n\n~~~step-like\naction: http\n~~~\n\n<step>\n",
        &[
            (3, "manual", "A: `{{#if x}}`"),
            (4, "manual", "}}"),
            (6, "-", "no commands for a shell"),
            (10, "-", "<step>"),
        ],
    );
    assert!(runbook.steps.iter().all(|step| step.block.action == "manual"));
    let sealed = "---\nid: x\n---\n```step\naction: htpp\n```\n";
    assert!(imported(sealed, "x.md").unwrap_err().iter().any(|mistake| mistake.text.contains("htpp")));
    assert!(imported("Only words.\n", "x.md").unwrap_err()[0].text.contains("nothing to do"));
    assert!(imported("", "x.md").is_err());
}

#[test]
fn what_is_a_runbook_already_stays_as_it_is() {
    let text = "---\nid: x\ntitle: X\n---\n## A\n```step\naction: manual\nargs: {instruction: hi}\ntarget: t\n```\n";
    let import = imported(text, "x.md").unwrap();
    assert!(import.markdown == text && import.notes[0].contains("already"), "{import:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_the_page_is_the_runbook_passes_check(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "# T\n", "## Do\n", "## Links\n", "- do it\n", "  - inner:\n", "1. one\n", "```sh\n", "```\n", "~~~\n", "lsof -n <port>\n",
            "kubectl get x | y\n", "$SERVICE {{x}} }} {{\n", "<p>", "</p>", "<li>", "</li>", "<pre>", "</pre>", "<table><tr><td>", "text & <b>\n",
            "---\n", "===\n", "\n", "\t", "   ", "> quote\n", "| a | b |\n", "\u{202e}\u{0}", "ü火", "`x", "\\", "&lt;a&gt;", "<!--", "-->", "{\"a\": 1}\n",
            "    code\n", "* * *\n", "<ac:plain-text-body>", "<![CDATA[", "]]>", "\r\n", "curl https://ops.test/api/x\n",
        ]), 0..24)
    ) {
        let text = parts.concat();
        match imported(&text, "any.md") {
            Ok(import) => proptest::prop_assert!(!import.steps.is_empty()),
            Err(mistakes) => proptest::prop_assert!(mistakes[0].text.contains("nothing to do"), "{mistakes:?}\n{text}"),
        }
    }
}
