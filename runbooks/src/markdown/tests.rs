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
            "x.md:14:8 `args` names `servic`, which is not a parameter (known: m, n)",
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
        &[
            "x.md:9:21 `args` of `http`: unknown method `FETCH` (known: GET, POST",
            "x.md:9:36 `path: v1/../x` must begin",
        ],
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

/// Checks what `examine` says with the settings of a team that has one endpoint and one program.
#[track_caller]
fn check_strictly(text: &str, expected: &[&str]) {
    let query = |query: &str| if query.contains('(') { Err("a `(` is open".to_owned()) } else { Ok(()) };
    let (_, mistakes) = examine(text, "x.md", &Against { actions: Some(&actions()), query });
    let printed: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    assert_eq!(printed.len(), expected.len(), "{printed:#?}");
    for (mistake, part) in printed.iter().zip(expected) {
        let (place, text) = part.split_once(' ').unwrap();
        assert!(mistake.starts_with(place) && mistake.contains(text), "{mistake} does not say {part}");
    }
}

fn actions() -> Actions {
    struct NoSecrets;
    impl crate::actions::Secrets for NoSecrets {
        fn secret(&self, reference: &str) -> Result<String, String> {
            Err(format!("no `{reference}` in a test"))
        }
    }
    let settings = "{endpoints: {deploys: {base_url: 'https://deploys.test'}}, programs: {lsof: {path: /usr/bin/lsof, flags: [-n]}}}";
    let settings: crate::actions::Settings = serde_saphyr::from_str(settings).unwrap();
    Actions::new(&settings, std::sync::Arc::new(NoSecrets))
}

#[test]
fn a_column_counts_characters_also_behind_umlauts_tabs_and_in_a_list() {
    let of = |text: &str| {
        let mistakes = read(text, "x.md").unwrap_err();
        (mistakes[0].line, mistakes[0].column)
    };
    assert_eq!(of("---\nid: x\ntitle: Zürich – größer\nowner: {ü: 1}\n---\n- x\n"), (4, 1));
    assert_eq!(of("---\nid: x\ntitle: X\nparams: {größe: {type: bool}, m: {type: shell}}\n---\n- x\n"), (4, 10));
    assert_eq!(of("---\nid: x\ntitle: X\nparams: {a: {about: größer 火, type: shell}}\n---\n- x\n"), (4, 31));
    assert_eq!(of("---\r\nid: x\r\ntitle: X\r\nrisk: huge\r\n---\r\n- x\r\n"), (4, 1));
    let in_a_list = "1. Do it\n\n   ```step\n   action: manual\n   args: {instruction: ü, typo: 1}\n   target: t\n   timeuot: 3s\n   ```\n";
    assert_eq!(of(&format!("---\nid: x\ntitle: X\n---\n{in_a_list}")), (9, 4));
    let tabbed = "```step\naction:\tmanual\nargs: {instruction: x}\ntarget: \"a\tb\"\n\u{74}imeout:\t2 min\n```\n";
    assert_eq!(of(&format!("{HEAD}{tabbed}")), (11, 1));
}

#[test]
fn a_caret_stands_under_the_place_whatever_is_before_it() {
    let shown = |excerpt: &str, column: usize| {
        let mistake = Mistake { file: "x.md".into(), line: 12, column, text: "wrong".into() };
        mistake.with_caret(&format!("{}{excerpt}\nnext\n", "\n".repeat(11)))
    };
    assert_eq!(shown("risk: huge", 7), "x.md:12:7 wrong\n  12 | risk: huge\n     |       ^");
    assert_eq!(shown("\tü: x", 2), "x.md:12:2 wrong\n  12 |     ü: x\n     |     ^");
    assert_eq!(shown("火: x", 4), "x.md:12:4 wrong\n  12 | 火: x\n     |     ^");
    assert_eq!(shown("\u{202e}a", 2), "x.md:12:2 wrong\n  12 | ·a\n     |  ^");
    assert!(shown(&"x".repeat(5_000), 4_000).len() < 300);
}

#[test]
fn what_is_hardly_meant_is_said_by_check_and_stops_no_start() {
    let head = HEAD.replace("params:\n", "params:\n  spare: {type: bool}\n");
    let step = |more: &str| format!("```step\naction: manual\nargs: {{instruction: hi}}\n{more}```\n");
    let text = format!(
        "{head}## One\n{}## Two\n{}",
        step(""),
        step("together: true\nverify: {evidence: cited stops, for: 2m, within: 1m}\n")
    );
    check_strictly(
        &text,
        &[
            "x.md:5:3 `params.spare` is used in no step",
            "x.md:17:1 `together` joins it with step `step-1` under another heading, `One`",
            "x.md:18:42 `verify.within` is shorter than `verify.for`",
        ],
    );
    assert!(read(&text, "x.md").is_ok());
    assert!(examine(&text, "x.md", &Against::default()).0.is_some(), "it can be shown nevertheless");
}

#[test]
fn what_the_settings_do_not_declare_is_said_with_what_was_meant() {
    let step = |action: &str, args: &str| format!("{HEAD}```step\naction: {action}\nargs: {args}\n```\n");
    check_strictly(
        &step("http", "{endpoint: deploy, path: /}"),
        &["x.md:9:8 `args` of `http`: unknown endpoint `deploy`; did you mean `deploys`? (known: deploys)"],
    );
    check_strictly(
        &step("command", "{program: lsfo, argv: ['-n']}"),
        &["x.md:9:8 unknown program `lsfo`; did you mean `lsof`?"],
    );
    check_strictly(&step("command", "{program: lsof, argv: ['-X']}"), &["x.md:9:30 `-X` begins with `-` and is none"]);
    check_strictly(&step("command", "{program: lsof, argv: ['{{service}}']}"), &[]);
    let query = |query: &str| step("manual", &format!("{{instruction: x}}\nverify: {{query: '{query}', at_most: 1}}"));
    check_strictly(&query("service:{{service}} (a"), &["x.md:10:10 `verify.query`: a `(` is open"]);
    check_strictly(&query("service:{{service}} a"), &[]);
    assert!(read(&step("http", "{endpoint: deploy, path: /}"), "x.md").is_ok(), "a start does not insist");
    assert_eq!(examine(&step("http", "{endpoint: deploy, path: /}"), "x.md", &Against::default()).1, []);
}

#[test]
fn a_line_across_the_page_is_no_front_matter() {
    let page = format!("{HEAD}- one\n\n---\n> quote: [\n\n- two\n\n---\n- three\n");
    assert_eq!(read(&page, "x.md").unwrap().steps.len(), 3);
    let rule_first = "---\n\n- one\n\n---\n- two\n";
    assert_eq!(read(rule_first, "x.md").unwrap().steps.len(), 2);
}

#[test]
fn what_is_nested_without_end_is_a_mistake_and_nothing_worse() {
    let deep = [
        format!("---\nid: {}\ntitle: X\n---\n- x\n", "[".repeat(100_000)),
        format!("---\nid: {}\ntitle: X\n---\n- x\n", "{a: ".repeat(50_000)),
        format!("---\nid: x\n{}\n---\n- x\n", "- ".repeat(50_000)),
        format!("---\nid: &a [*a, *a]\ntitle: {}\n---\n- x\n", "x".repeat(100_000)),
        format!(
            "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [{0}]\nc: &c [{1}]\nd: [{2}]\n---\n- x\n",
            "*a,".repeat(99) + "*a",
            "*b,".repeat(99) + "*b",
            "*c,".repeat(99) + "*c"
        ),
    ];
    for text in deep {
        assert!(read(&text, "x.md").is_err());
    }
    // A page's own lists and quotes nest as deep as somebody likes.
    let _ = read(&format!("{} x\n", ">".repeat(20_000)), "x.md");
    let _ = read(&format!("{}x\n", "- ".repeat(20_000)), "x.md");
}
