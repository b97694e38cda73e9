//! Runbooks as they are written, and where their mistakes are.

use super::*;

const HEAD: &str = "---\nid: x\ntitle: X\nparams:\n  service: {type: service}\n---\n";

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let mistakes = read(text, "x.md").unwrap_err();
    let printed: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    assert_eq!(printed.len(), expected.len(), "{printed:#?}");
    for (mistake, part) in printed.iter().zip(expected) {
        let (place, text) = part.split_once(' ').unwrap();
        assert!(mistake.starts_with(place) && mistake.contains(text), "{mistake} does not say {part}");
    }
}

#[test]
fn all_mistakes_are_found_at_once_with_their_places() {
    let text = "---\nid: x\ntitle: X\nparams:\n  service: {type: service}\n  n: {type: integer}\n---\n# X\n\n\
        ```step\naction: htpp\nargs: {path: \"/{{servic}}\"}\n```\n\n\
        ```step\naction: manual\nargs: {instruction: hi}\ntimeuot: 5s\n```\n\n\
        ```step\naction: manual\nargs: {instruction: hi}\ntimeout: 2 min\nverify: {evidence: E1 vanishes}\n```\n";
    check(
        text,
        &[
            "x.md:6: `params.n` needs `min` and `max`",
            "x.md:11: unknown action `htpp`; did you mean `http`? (known: http, command, kubernetes, wait, manual)",
            "x.md:12: `args` names `servic`, which is not a parameter",
            "x.md:18: unknown key `timeuot`; did you mean `timeout`? (known: id, action, args,",
            "x.md:24: `timeout`: `2 min` is not a duration",
            "x.md:25: `verify.evidence: E1 vanishes` must be",
        ],
    );
}

#[test]
fn one_kind_of_mistake_hides_no_other() {
    let text = "---\nid: Bad Id\nrisk: enormous\nparams:\n  n: {type: shell, min: 1}\n  m: {about: x}\n\
        tirggers: []\ntriggers:\n  - {changes: [deplyo, confg], fit: lots}\n---\n\
        ```step\naction: htpp\ntarget: t\nargs: {path: '/{{servic}}'}\n```\n\n\
        ```step\nargs: {instruction: hi}\ntimeuot: 5s\ntogether: maybe\ntarget: t\nundo: [1]\n```\n";
    check(
        text,
        &[
            "x.md:2:1 `title` is missing",
            "x.md:2:1 `id: Bad Id` must be lower-case letters",
            "x.md:3:1 `risk: enormous`: unknown value `enormous` (known: low, medium, high)",
            "x.md:5:7 `params.n.type: shell`: unknown value `shell` (known: service,",
            "x.md:6:3 `params.m.type` is missing",
            "x.md:7:1 unknown key `tirggers`; did you mean `triggers`?",
            "x.md:9:16 `triggers[0].changes[0]: deplyo`: unknown value `deplyo`; did you mean `deploy`?",
            "x.md:9:24 `triggers[0].changes[1]: confg`: unknown value `confg`; did you mean `config`?",
            "x.md:9:32 `triggers[0].fit: lots` must be a whole number",
            "x.md:12:1 unknown action `htpp`",
            "x.md:14:1 `args` names `servic`, which is not a parameter (known: m, n)",
            "x.md:18:1 `action` is missing",
            "x.md:19:1 unknown key `timeuot`",
            "x.md:20:1 `together: maybe` must be `true` or `false`",
            "x.md:22:1 `undo` must be a sentence for a person, or a step",
        ],
    );
}

#[test]
fn a_front_matter_that_cannot_be_read_does_not_hide_the_steps() {
    let text = "---\nid: [x\n---\n```step\naction: htpp\nargs: {a: '{{who}}'}\ntimeout: 5 min\n```\n";
    check(text, &["x.md: is not valid YAML", "x.md:5:1 unknown action `htpp`", "x.md:7:1 `timeout`: `5 min`"]);
}

#[test]
fn arguments_have_the_form_of_their_action() {
    let step = |args: &str| format!("{HEAD}```step\naction: command\n{args}```\n");
    check(&step("args: {program: x, args: [a]}\n"), &["x.md:9:1 `args` of `command`: unknown field `args`"]);
    check(&step(""), &["x.md:8:1 `args` of `command`: missing field `program`"]);
    check(&step("args: {program: x, argv: a}\n"), &["x.md:9:1 `args` of `command`: invalid type"]);
    let number = HEAD.replace("params:\n", "params:\n  n: {type: integer, min: 100, max: 599}\n");
    let filled_in = "```step\naction: http\nargs: {endpoint: x, path: /, expect: {status: '{{n}}'}}\n```\n";
    assert_eq!(read(&format!("{number}{filled_in}"), "x.md").err(), None);
}

#[test]
fn a_runbook_that_no_trigger_could_fill_in_is_named() {
    let head = HEAD.replace("params:\n", "triggers:\n  - {evidence: x, fit: 50}\nparams:\n  n: {type: bool}\n");
    check(&format!("{head}- Do it\n"), &["x.md:7:3 `params.n` needs `from` or `default`"]);
    assert!(read(&format!("{}- Do it\n", head.replace("bool}", "bool, default: true}")), "x.md").is_ok());
}

#[test]
fn a_literal_that_its_action_would_refuse_is_seen_and_a_parameter_is_not_judged() {
    let step = |action: &str, args: &str| format!("{HEAD}```step\naction: {action}\nargs: {args}\n```\n");
    check(
        &step("http", "{endpoint: x, method: FETCH, path: v1/../x}"),
        &["x.md:9:1 `args` of `http`: unknown method `FETCH` (known: GET, POST", "x.md:9:1 `path: v1/../x` must begin"],
    );
    check(&step("command", "{program: x, argv: [[a]]}"), &["x.md:9:1 `[\"a\"]` in `argv` must be one text"]);
    check(&step("manual", "{instruction: ' '}"), &["x.md:9:1 `instruction` is empty"]);
    let undo = "```step\naction: manual\nargs: {instruction: x}\nundo: {action: http, args: {endpoint: x, method: FETCH, path: /}}\n```\n";
    check(&format!("{HEAD}{undo}"), &["x.md:10: `undo.args` of `http`: unknown method `FETCH`"]);
    let word = HEAD.replace("params:\n", "params:\n  method: {type: enum, values: [GET, POST]}\n");
    let filled_in = "```step\naction: http\nargs: {endpoint: x, method: '{{method}}', path: '/{{method}}'}\n```\n";
    assert_eq!(read(&format!("{word}{filled_in}"), "x.md").err(), None);
}

#[test]
fn a_number_is_good_text() {
    let page = "---\nid: 7\ntitle: 2024\nrisk: enormous\n---\n- x\n";
    check(page, &["x.md:4:1 `risk: enormous`"]);
    assert_eq!(read(&page.replace("risk: enormous\n", ""), "x.md").unwrap().head.title, "2024");
}

#[test]
fn a_wrong_type_in_the_front_matter_names_its_line() {
    check("---\nid: x\ntitle: X\nrisk: enormous\n---\n1. Do it\n", &["x.md:4: `risk: enormous`: unknown value"]);
    check(
        "---\nid: x\ntitle: X\nparams:\n  n: {type: shell}\n---\n- Do it\n",
        &["x.md:5: `params.n.type: shell`: unknown value"],
    );
}

#[test]
fn blocks_need_front_matter_and_steps_need_distinct_names() {
    check("```step\naction: manual\nargs: {instruction: x}\n```\n", &["x.md:1:1 no front matter"]);
    let twice = "```step\nid: a\naction: manual\nargs: {instruction: x}\n```\n".repeat(2);
    check(&format!("{HEAD}{twice}"), &["x.md:13: used twice"]);
    check("Nothing to do here.\n", &["x.md:1:1 has no steps"]);
}

#[test]
fn a_wiki_page_becomes_steps_for_a_person() {
    let page = "# Payments are slow\n\nIntro.\n\n## Look\n\n1. Open the **dashboard** of `payment`\n2. Compare with {{yesterday}}\n\
        \n   and the day before\n   - only on weekdays\n\n## Tell somebody\n\nWrite to #payments\nat once.\n\n```sh\nrm -rf /\n```\n";
    let runbook = read(page, "wiki/Payments Slow.md").unwrap();
    assert!(runbook.is_plain_page);
    assert_eq!((runbook.id(), runbook.head.title.as_str()), ("payments-slow", "Payments are slow"));
    let steps: Vec<_> = runbook.steps.iter().map(|step| step.block.args["instruction"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "Open the dashboard of `payment`",
            "Compare with { {yesterday}} and the day before",
            "only on weekdays",
            "Tell somebody: Write to #payments at once.",
        ]
    );
    assert!(runbook.steps.iter().all(|step| step.block.action == "manual"));
    assert_eq!(runbook.steps[3].line, 13);
}

#[test]
fn the_digest_is_over_the_bytes() {
    let page = |text: &str| read(&format!("{HEAD}- {text}\n"), "x.md").unwrap().digest;
    assert_eq!(page("one"), page("one"));
    assert_ne!(page("one"), page("one "));
}
