//! Questions that lean on the one before.

use evidence::TemplateId;

use super::*;

fn row(id: &str, template: Option<u32>) -> Row {
    let query = template.map_or("\"502\"".into(), |template| format!("template:t{template} service:\"cart\""));
    Row { id: id.into(), service: "cart".into(), template: template.map(TemplateId), query }
}

fn after_checkout() -> Asking {
    let window =
        TimeWindow::new("2026-03-11T13:45:00Z".parse().unwrap(), "2026-03-11T14:15:00Z".parse().unwrap()).unwrap();
    let onset = Some("2026-03-11T14:02:10Z".parse().unwrap());
    let before = Context {
        window: Some(window),
        window_chosen: true,
        services: vec!["checkout".into()],
        kind: WhatIsWrong,
        onset,
        evidence: vec![row("E1", Some(7)), row("E2", None)],
        changes: vec![ChangeRow { id: "C1".into(), service: "search".into() }],
    };
    Asking { before: Some(before), ..Asking::default() }
}

#[test]
fn follow_ups_keep_service_and_time() {
    let check = |text: &str, kind: QuestionKind, window: &str, services: &str| {
        let asking = after_checkout();
        let got = asking.ask(text).unwrap();
        assert_eq!(
            (got.kind, asking.window(text).as_str(), got.services.join(",").as_str()),
            (kind, window, services),
            "{text}"
        );
    };
    check("and before that?", WhatIsWrong, "13:15–13:45", "checkout");
    check("is it fixed?", IsItFixed, "13:45–14:30", "checkout");
    check("is it still failing?", IsItFixed, "13:45–14:30", "checkout");
    check("and in cart?", WhatIsWrong, "13:45–14:15", "cart");
    check("what about cart", WhatIsWrong, "13:45–14:15", "cart");
    check("who deployed it?", Who, "13:45–14:15", "checkout");
    check("what changed?", WhatChanged, "13:45–14:15", "checkout");
    check("and since it began?", WhatIsWrong, "14:02:10–14:30:00", "checkout");
    check("and yesterday?", WhatIsWrong, "2026-03-10 00:00–2026-03-11 00:00", "checkout");
    check("what is wrong with all services?", WhatIsWrong, "13:45–14:15", "");
    check("why is search failing since 14:00?", WhatIsWrong, "14:00–14:30", "search");
}

#[test]
fn what_was_carried_over_is_said() {
    assert!(after_checkout().ask("is it fixed?").unwrap().notes.contains(&"about checkout, as before".to_owned()));
    assert_eq!(ask("and before that?").window_said, "the last hour of data (13:30–14:30)");
}

#[test]
fn rows_of_the_answer_before_are_known_by_their_ids() {
    let check = |text: &str, kind: QuestionKind, window: &str, query: &str| {
        let asking = after_checkout();
        let got = asking.ask(text).unwrap();
        assert_eq!((got.kind, asking.window(text).as_str()), (kind, window), "{text}");
        assert_eq!(got.query().as_deref(), Some(query), "{text}");
    };
    check("show me E1", ShowMe, "13:45–14:15", "template:t7 service:\"cart\"");
    check("e1", ShowMe, "13:45–14:15", "template:t7 service:\"cart\"");
    check("how many E2 since 14:10?", HowOften, "14:10–14:30", "\"502\"");
    check("show me C1", WhatChanged, "13:45–14:15", "service:\"search\"");
    check("show me E9", ShowMe, "13:45–14:15", "\"E9\" service:\"checkout\"");
    let notes = |asking: Asking| asking.ask("show me E9").unwrap().notes.join("; ");
    assert!(
        notes(after_checkout())
            .contains("`E9` is read as a word: the answer before has no such row (it has: E1, E2, C1)")
    );
    assert!(notes(Asking::default()).contains("`E9` is read as a word: ids like it belong to one answer"));
}
