//! Kinds of question, services, ids and levels.

use super::*;

/// Question, kind, services joined with a comma.
const QUESTIONS: &[(&str, QuestionKind, &str)] = &[
    ("why is checkout failing?", WhatIsWrong, "checkout"),
    ("Why is check-out failing?", WhatIsWrong, "checkout"),
    ("why is the check out service failing", WhatIsWrong, "checkout"),
    ("what's wrong with checkout", WhatIsWrong, "checkout"),
    ("what's wrong?", WhatIsWrong, ""),
    ("whats wrong", WhatIsWrong, ""),
    ("what is wrong with payment?", WhatIsWrong, "payments"),
    ("what happened to the payments service?", WhatIsWrong, "payments"),
    ("wat hapened in cart", WhatIsWrong, "cart"),
    ("checkout is down", WhatIsWrong, "checkout"),
    ("is anything broken?", WhatIsWrong, ""),
    ("anything unusual in the gateway?", WhatIsWrong, "gateway"),
    ("order service is slow", WhatIsWrong, "order-service"),
    ("why is order slow?", WhatIsWrong, "order-service"),
    ("errors in user profile", WhatIsWrong, "user-profile"),
    ("errors in userProfile", WhatIsWrong, "user-profile"),
    ("why does the recommendation engine crash", WhatIsWrong, "recommendation_engine"),
    ("shipping api times out, why?", WhatIsWrong, "shippingApi"),
    ("why are cart and checkout failing?", WhatIsWrong, "cart,checkout"),
    ("what is the root cause?", WhatIsWrong, ""),
    ("What is wrong with the TrainTicket system? Which service is the root cause?", WhatIsWrong, ""),
    ("which service is failing?", WhatIsWrong, ""),
    ("is checkout ok?", WhatIsWrong, "checkout"),
    ("why is search failing", WhatIsWrong, "search"),
    ("was ist mit checkout los?", WhatIsWrong, "checkout"),
    ("pourquoi checkout est en panne", WhatIsWrong, "checkout"),
    ("¿por qué falla checkout?", WhatIsWrong, "checkout"),
    ("why is checkout still failing since the deploy?", WhatIsWrong, "checkout"),
    ("why did it change?", WhatIsWrong, ""),
    ("what changed?", WhatChanged, ""),
    ("what changed in checkout today", WhatChanged, "checkout"),
    ("waht chnaged in checkout", WhatChanged, "checkout"),
    ("did anything change before 14:02?", WhatChanged, ""),
    ("what was deployed in the last hour?", WhatChanged, ""),
    ("any deploys to payments?", WhatChanged, "payments"),
    ("which releases went out today", WhatChanged, ""),
    ("what's different since 14:00", WhatChanged, ""),
    ("was hat sich geändert", WhatChanged, ""),
    ("is it fixed?", IsItFixed, ""),
    ("is checkout fixed", IsItFixed, "checkout"),
    ("is checkout back to normal?", IsItFixed, "checkout"),
    ("has checkout recovered", IsItFixed, "checkout"),
    ("did the rollback work?", IsItFixed, ""),
    ("did the fix help", IsItFixed, ""),
    ("is it over?", IsItFixed, ""),
    ("is it still failing?", IsItFixed, ""),
    ("are the errors gone", IsItFixed, ""),
    ("did the errors stop", IsItFixed, ""),
    ("is checkout healthy again?", IsItFixed, "checkout"),
    ("how often does checkout time out?", HowOften, "checkout"),
    ("how many errors in cart?", HowOften, "cart"),
    ("number of timeouts in gateway", HowOften, "gateway"),
    ("count 502 in the gateway", HowOften, "gateway"),
    ("wie oft kam timeout vor", HowOften, ""),
    ("who deployed checkout?", Who, "checkout"),
    ("who is affected", Who, ""),
    ("which users see errors in checkout?", Who, "checkout"),
    ("which hosts log timeouts", Who, ""),
    ("who changed the payments config", Who, "payments"),
    ("show me timeouts in gateway", ShowMe, "gateway"),
    ("show errors from checkout", ShowMe, "checkout"),
    ("list errors", ShowMe, ""),
    ("find \"connection refused\"", ShowMe, ""),
    ("search for timeouts", ShowMe, ""),
    ("search the logs for req-81f2", ShowMe, ""),
    ("can you show me the cart errors?", ShowMe, "cart"),
    ("what is the weather like", Other, ""),
    // Ordinary words that resemble a service never narrow or block a question.
    ("can the card be charged? errors please", WhatIsWrong, ""),
    ("is the e-mail late, or is there a problem?", WhatIsWrong, "email"),
    ("in which order did things fail?", WhatIsWrong, ""),
    ("why is login failing?", WhatIsWrong, ""),
    ("why is kubernetes failing?", WhatIsWrong, ""),
    ("why is `checkout` failing?", WhatIsWrong, "checkout"),
    ("service:cart errors", WhatIsWrong, "cart"),
    ("checkout's errors", WhatIsWrong, "checkout"),
    ("CHECKOUT IS DOWN!!!", WhatIsWrong, "checkout"),
];

#[test]
fn kinds_and_services_are_read_from_the_words() {
    let mut wrong = Vec::new();
    for (text, kind, services) in QUESTIONS {
        match Asking::default().ask(text) {
            Ok(got) if got.kind == *kind && got.services.join(",") == *services => {}
            Ok(got) => wrong.push(format!(
                "{text}\n    want {kind:?} {services}\n    got  {:?} {}",
                got.kind,
                got.services.join(",")
            )),
            Err(error) => wrong.push(format!("{text}\n    {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), QUESTIONS.len(), wrong.join("\n"));
}

#[test]
fn prefix_that_all_names_share_may_be_left_out() {
    let names = vec![
        "ts-contacts-service",
        "ts-order-service",
        "ts-order-other-service",
        "ts-travel-service",
        "ts-ui-dashboard",
    ];
    let asking = Asking { names, ..Asking::default() };
    let check =
        |text: &str, services: &str| assert_eq!(asking.ask(text).unwrap().services.join(","), services, "{text}");
    check("why is contacts failing?", "ts-contacts-service");
    check("why is ts-contacts-service failing?", "ts-contacts-service");
    check("why is the contacts service failing?", "ts-contacts-service");
    check("what is wrong with order?", "ts-order-service");
    check("what is wrong with order other?", "ts-order-other-service");
    check("in what order did it fail?", "");
    check("What is wrong with the TrainTicket system? Which service is the root cause?", "");
}

#[test]
fn unknown_service_names_the_near_ones() {
    let error = |text: &str| Asking::default().ask(text).unwrap_err().to_string();
    assert_eq!(
        error("why is chekout failing?"),
        "unknown service `chekout`. Did you mean `checkout`? Known: auth, cart, catalog, checkout, email, gateway, inventory, \
         payments, search, order-service, user-profile, recommendation_engine, … (13)"
    );
    assert!(error("errors in paymets").contains("Did you mean `payments`?"));
    assert!(error("what is wrong with the blorp service?").starts_with("unknown service `blorp`. Known: "));
    assert!(error("service:blorp").starts_with("unknown service `blorp`"));
    assert!(error("why is billingservice failing?").starts_with("unknown service `billingservice`"));
    let question = ask("why is blorp failing?");
    assert!(question.notes.contains(&"no service is called `blorp`, so this is about all of them".to_owned()));
    let overrides = Overrides { services: vec!["chekout".into()], ..Overrides::default() };
    assert!(matches!(Asking { overrides, ..Asking::default() }.ask("why?"), Err(Error::UnknownService { .. })));
    // Outside the place of a service a near miss is only mentioned.
    let question = ask("timeouts everywhere and gatewai retries");
    assert!(
        question.services.is_empty() && question.notes.iter().any(|note| note.contains("`gateway`")),
        "{:?}",
        question.notes
    );
}

#[test]
fn ids_levels_and_search_words_are_found() {
    let question = ask(
        "show me warnings of \"connection refused\" for req-81f2 and 4bf92f3577b34da6a3ce929d0e0e4736 from 10.0.3.7, see r1234 or t12",
    );
    let ids: Vec<&str> = question.ids.iter().map(Id::text).collect();
    assert_eq!(ids, ["req-81f2", "4bf92f3577b34da6a3ce929d0e0e4736", "10.0.3.7", "r1234", "t12"]);
    assert_eq!(question.severity, Some(Severity::Warn));
    assert_eq!(question.words, ["connection refused"]);
    assert_eq!(ask("trace_id=550e8400-e29b-41d4-a716-446655440000").ids.len(), 1);
    assert_eq!(ask("show me timeouts in gateway").words, ["timeouts"]);
    assert_eq!(ask("show me deadlock retries between 14:00 and 14:20").words, ["deadlock", "retries"]);
}

#[test]
fn greetings_are_no_questions() {
    for text in ["Hello", "thanks!", "good morning team", "test"] {
        let asked = Asking::default().ask(text);
        assert_eq!(asked, Err(Error::NoQuestion { text: text.to_owned() }));
    }
    assert!(Asking::default().ask("hello, what is wrong?").is_ok());
}

#[test]
fn long_numbers_are_ids_unless_something_is_counted() {
    let ids = |text: &str| ask(text).ids.iter().map(|id| id.text().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids("what happened to order 5027661?"), ["5027661"]);
    assert_eq!(ids("ticket #88123 lost its payment"), ["88123"]);
    assert_eq!(ids("why are there 10000 errors"), [""; 0]);
}

#[test]
fn statuses_are_looked_for_by_their_number() {
    let check = |text: &str, expected: &str| assert_eq!(ask(text).query().as_deref(), Some(expected), "{text}");
    check("how many 502s since 14:00?", "\"502\"");
    check("how many 404's in gateway?", "\"404\" service:\"gateway\"");
    check("show me 404 errors and warnings", "\"404\" level>=warn");
    check("show me 5xx errors", "(\"5xx\" OR status:5*)");
    check("how many 4xxs?", "(\"4xx\" OR status:4*)");
    check("show me the 700s and the 50s", "\"700s\" \"50s\"");
    assert_eq!(ask("any 504s?").kind, WhatIsWrong);
}

#[test]
fn what_an_id_is_called_is_not_looked_for() {
    let check = |text: &str, expected: &str| assert_eq!(ask(text).query().as_deref(), Some(expected), "{text}");
    check("show me the request id req-81f2", "\"req-81f2\"");
    check("show me ip address 10.0.3.7 refused", "\"10.0.3.7\" \"refused\"");
    check("show me trace 6513270e269e0d37", "(trace:6513270e269e0d37 OR \"6513270e269e0d37\")");
    check("show me order 88123", "\"88123\" \"order\"");
    check("show me the trace of req-81f2", "\"req-81f2\" \"trace\"");
}

#[test]
fn a_question_may_ask_whether_a_change_did_harm() {
    let check = |text: &str, expected: Option<&str>| {
        let blamed = ask(text).blamed.map(|services| services.join(","));
        assert_eq!(blamed.as_deref(), expected, "{text}");
    };
    check("did the search deploy break anything?", Some("search"));
    check("did the cart v7 deploy break checkout?", Some("cart"));
    check("was checkout broken, and is the release of cart to blame?", Some("cart"));
    check("did the deploy break checkout?", Some(""));
    check("was the outage caused by a deploy?", Some(""));
    check("is checkout broken since the deploy?", None);
    check("what did the deploy break?", None);
    check("did anything change in cart?", None);
    assert_eq!(ask("did the search deploy break anything?").kind, WhatChanged);
}

#[test]
fn words_of_asking_are_not_looked_for_and_plurals_have_a_singular() {
    let query = |text: &str| ask(text).query();
    assert_eq!(query("how often does 'slow call' come up?").as_deref(), Some("\"slow call\""));
    assert_eq!(query("show me 'can't connect' lines").as_deref(), Some("\"can't connect\""));
    assert_eq!(query("how many times did a retry appear").as_deref(), Some("\"retry\""));
    let singular = |text: &str| ask(text).in_singular().and_then(|question| question.query());
    assert_eq!(singular("count the refunds").as_deref(), Some("\"refund\""));
    assert_eq!(singular("count access to gas"), None);
}
