//! Questions that lean on the one before.

use super::*;

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
