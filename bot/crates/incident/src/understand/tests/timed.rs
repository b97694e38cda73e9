//! Time phrases.

use super::*;

/// Each question beside its window in UTC.
const PHRASES: &[(&str, &str)] = &[
    ("what is wrong?", "13:30–14:30"),
    ("errors in the last 20 minutes", "14:10–14:30"),
    ("errors in the last 20 mins?", "14:10–14:30"),
    ("last 20m", "14:10–14:30"),
    ("what broke in the past 2h", "12:30–14:30"),
    ("past 2h30m please", "12:00–14:30"),
    ("what happened in the last hour?", "13:30–14:30"),
    ("in the last half an hour", "14:00–14:30"),
    ("the last half hour", "14:00–14:30"),
    ("within the last 90 seconds", "14:28:30–14:30:00"),
    ("over the past couple of hours", "12:30–14:30"),
    ("last three hours", "11:30–14:30"),
    ("last few minutes", "14:25–14:30"),
    ("last 1.5 hours", "13:00–14:30"),
    ("in the last day", "2026-03-10 14:30–2026-03-11 14:30"),
    ("last 7 days", "2026-03-04 14:30–2026-03-11 14:30"),
    ("checkout has been failing for 20 minutes", "14:10–14:30"),
    ("the last 20-minute window", "14:10–14:30"),
    ("since 10:30", "10:30–14:30"),
    ("why is checkout failing since 14:02:10?", "14:02:10–14:30:00"),
    ("since 2pm", "14:00–14:30"),
    ("since about 2 pm", "14:00–14:30"),
    ("since 11 a.m.", "11:00–14:30"),
    ("since 20 minutes ago", "14:10–14:30"),
    ("since an hour ago", "13:30–14:30"),
    ("since noon", "12:00–14:30"),
    ("since midnight", "00:00–14:30"),
    ("since 23:00", "2026-03-10 23:00–2026-03-11 14:30"),
    ("after 14:00", "14:00–14:30"),
    ("starting at 14:00 checkout failed", "14:00–14:30"),
    ("since yesterday", "2026-03-10 00:00–2026-03-11 14:30"),
    ("since yesterday 18:00", "2026-03-10 18:00–2026-03-11 14:30"),
    ("since yesterday at 6pm", "2026-03-10 18:00–2026-03-11 14:30"),
    ("since Monday", "2026-03-09 00:00–2026-03-11 14:30"),
    ("since this morning", "06:00–14:30"),
    ("since 2026-03-11T09:15:00Z", "09:15–14:30"),
    ("since 2026-03-11 09:15", "09:15–14:30"),
    ("since 2026-03-11 09:15 CET", "08:15–14:30"),
    ("since 2026-03-10", "2026-03-10 00:00–2026-03-11 14:30"),
    ("between 14:00 and 14:20", "14:00–14:20"),
    ("what happened between 14:00:05 and 14:00:35?", "14:00:05–14:00:35"),
    ("Between about 14:00 and 14:20 readings were refused", "14:00–14:20"),
    ("from 2pm to 2:20pm", "14:00–14:20"),
    ("from 1 to 2 pm", "13:00–14:00"),
    ("between 1 and 2 pm", "13:00–14:00"),
    ("from 13:00 until 13:30", "13:00–13:30"),
    ("from 13:00 to now", "13:00–14:30"),
    ("14:00-14:20", "14:00–14:20"),
    ("errors 14:00–14:20?", "14:00–14:20"),
    ("errors 14:00 - 14:20", "14:00–14:20"),
    ("13:00 to 13:30 in cart", "13:00–13:30"),
    ("from 11pm to 1am", "2026-03-10 23:00–2026-03-11 01:00"),
    ("yesterday between 14:00 and 15:00", "2026-03-10 14:00–15:00"),
    ("between 14:00 and 15:00 yesterday", "2026-03-10 14:00–15:00"),
    ("between yesterday 23:00 and today 01:00", "2026-03-10 23:00–2026-03-11 01:00"),
    ("from 2026-03-10T10:00Z to 2026-03-10T11:00Z", "2026-03-10 10:00–11:00"),
    ("between 2026-03-10 10:00 and 2026-03-10 11:00", "2026-03-10 10:00–11:00"),
    ("from 14:00 UTC to 14:20 UTC", "14:00–14:20"),
    ("between 14:00 and 15:00 CET", "13:00–14:00"),
    ("from Monday to Tuesday", "2026-03-09 00:00–2026-03-11 00:00"),
    ("yesterday", "2026-03-10 00:00–2026-03-11 00:00"),
    ("yesterday at 3pm", "2026-03-10 14:45–15:15"),
    ("why did checkout fail yesterday at 3?", "2026-03-10 02:45–03:15"),
    ("3pm yesterday", "2026-03-10 14:45–15:15"),
    ("yesterday around 15:30", "2026-03-10 15:15–15:45"),
    ("yesterday morning", "2026-03-10 06:00–12:00"),
    ("yesterday in the afternoon", "2026-03-10 12:00–18:00"),
    ("yesterday evening", "2026-03-10 18:00–2026-03-11 00:00"),
    ("the day before yesterday", "2026-03-09 00:00–2026-03-10 00:00"),
    ("today", "00:00–14:30"),
    ("what changed today?", "00:00–14:30"),
    ("this morning", "06:00–12:00"),
    ("this afternoon", "12:00–14:30"),
    ("last night", "2026-03-10 20:00–2026-03-11 06:00"),
    ("what happened overnight", "2026-03-10 20:00–2026-03-11 06:00"),
    ("on Monday", "2026-03-09 00:00–2026-03-10 00:00"),
    ("last Monday", "2026-03-09 00:00–2026-03-10 00:00"),
    ("last Wednesday", "2026-03-04 00:00–2026-03-05 00:00"),
    ("on monday at 10:00", "2026-03-09 09:45–10:15"),
    ("monday morning", "2026-03-09 06:00–12:00"),
    ("on Sunday night", "2026-03-08 18:00–2026-03-09 00:00"),
    ("this week", "2026-03-09 00:00–2026-03-11 14:30"),
    ("last week", "2026-03-02 00:00–2026-03-09 00:00"),
    ("around 14:02", "13:47–14:17"),
    ("around 14:02 in checkout?", "13:47–14:17"),
    ("at 14:02:10 UTC", "13:47:10–14:17:10"),
    ("~14:02", "13:47–14:17"),
    ("@ 14:02", "13:47–14:17"),
    ("about 20 minutes ago", "13:55–14:25"),
    ("20 minutes ago", "13:55–14:25"),
    ("an hour ago", "13:15–13:45"),
    ("what happened at 2pm?", "13:45–14:15"),
    ("what happened at 2?", "01:45–02:15"),
    ("14h05 errors", "13:50–14:20"),
    ("at 14:02 CET", "12:47–13:17"),
    ("at 15:02 Europe/Berlin", "13:47–14:17"),
    ("at 9:02 EST", "12:47–13:17"),
    ("at 06:02 PST", "12:47–13:17"),
    ("at 15:02+01:00", "13:47–14:17"),
    ("at 15:02 UTC+1", "13:47–14:17"),
    ("at 19:32 IST", "13:47–14:17"),
    ("2026-03-10T08:43:04Z what broke", "2026-03-10 08:28:04–08:58:04"),
    ("at 2026-03-10t08:43:04+01:00", "2026-03-10 07:28:04–07:58:04"),
    ("on 2026-03-09", "2026-03-09 00:00–2026-03-10 00:00"),
    ("on 9 March", "2026-03-09 00:00–2026-03-10 00:00"),
    ("on March 9th", "2026-03-09 00:00–2026-03-10 00:00"),
    ("on march 9, 2026", "2026-03-09 00:00–2026-03-10 00:00"),
    ("on the 9th of March", "2026-03-09 00:00–2026-03-10 00:00"),
    ("9 march at 10:00", "2026-03-09 09:45–10:15"),
    ("on 09.03.2026", "2026-03-09 00:00–2026-03-10 00:00"),
    ("before 14:00", "13:00–14:00"),
    ("until 14:00", "13:00–14:00"),
    ("since the deploy", "14:01:48–14:30:00"),
    ("what broke since the last release?", "14:01:48–14:30:00"),
    ("since the search deploy", "13:40–14:30"),
    ("after the checkout rollout", "14:01:48–14:30:00"),
    ("letzte 20 minuten", "14:10–14:30"),
    ("seit 10:30", "10:30–14:30"),
    ("gestern", "2026-03-10 00:00–2026-03-11 00:00"),
    ("depuis 10:30", "10:30–14:30"),
    // Numbers that are no times.
    ("why do we see 502 from checkout?", "13:30–14:30"),
    ("status 500 on 3 hosts", "13:30–14:30"),
    ("are 12 pods enough", "13:30–14:30"),
    ("order 20260311 failed", "13:30–14:30"),
    ("port 8080 refused", "13:30–14:30"),
    ("10.0.3.7 refuses connections", "13:30–14:30"),
    ("version 1.42 of checkout", "13:30–14:30"),
    ("timeout after 3000 ms", "13:30–14:30"),
    ("may we have errors?", "13:30–14:30"),
    ("disk at 95%", "13:30–14:30"),
];

#[test]
fn phrases_become_the_windows_people_mean() {
    let mut wrong = Vec::new();
    for (text, window) in PHRASES {
        let got = Asking::default().window(text);
        if got != *window {
            wrong.push(format!("{text}\n    want {window}\n    got  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), PHRASES.len(), wrong.join("\n"));
}

#[test]
fn times_are_the_askers_unless_a_zone_is_said() {
    let berlin = Asking { zone: "Europe/Berlin", ..Asking::default() };
    assert_eq!(berlin.window("since 15:00"), "14:00–14:30");
    assert_eq!(berlin.window("since 14:00 UTC"), "14:00–14:30");
    assert_eq!(berlin.window("yesterday"), "2026-03-09 23:00–2026-03-10 23:00");
    let question = berlin.ask("between 15:00 and 15:20").unwrap();
    assert_eq!(question.window_said, "15:00–15:20");
    let kolkata = Asking { zone: "Asia/Kolkata", ..Asking::default() };
    assert_eq!(kolkata.window("since 19:30"), "14:00–14:30");
}

#[test]
fn clock_changes_neither_panic_nor_lose_an_hour() {
    let reach = Some(("2025-01-01T00:00:00Z", "2026-03-11T14:29:59Z"));
    let asking = |zone| Asking { zone, reach, ..Asking::default() };
    // 02:30 was skipped on 2025-03-30 and happened twice on 2025-10-26.
    assert_eq!(
        asking("Europe/Berlin").window("between 2025-03-30 02:30 and 2025-03-30 04:00"),
        "2025-03-30 01:30–02:00"
    );
    assert_eq!(
        asking("Europe/Berlin").window("between 2025-10-26 02:30 and 2025-10-26 03:30"),
        "2025-10-26 00:30–02:30"
    );
    // A day with 23 hours; and New York had changed its clocks when Berlin had not.
    assert_eq!(asking("Europe/Berlin").window("on 2025-03-30"), "2025-03-29 23:00–2025-03-30 22:00");
    assert_eq!(asking("UTC").window("since 2026-03-11 09:00 ET"), "13:00–14:30");
}

#[test]
fn default_window_is_the_last_hour_of_data_and_says_so() {
    let question = ask("what is wrong?");
    assert_eq!(question.window_said, "the last hour of data (13:30–14:30)");
    assert!(!question.window_chosen && question.notes.iter().any(|note| note.contains("no time was given")));

    let old = Asking { reach: Some(("2023-01-29T00:00:00Z", "2023-01-29T09:13:04Z")), ..Asking::default() };
    let question = old.ask("what is wrong?").unwrap();
    assert_eq!(question.window_said, "the last hour of data (2023-01-29 08:13:05–09:13:05)");
    assert!(question.notes[0].contains("the newest record is from 2023-01-29 09:13:04"), "{:?}", question.notes);
    assert_eq!(old.window("in the last 20 minutes"), "2023-01-29 08:53:05–09:13:05");
    assert_eq!(old.window("around 08:43"), "2023-01-29 08:28–08:58");
    assert_eq!(old.ask("last 20 minutes").unwrap().window_said, "2023-01-29 08:53:05–09:13:05");

    let empty = Asking { reach: None, ..Asking::default() };
    assert_eq!(empty.ask("what is wrong?").unwrap().window, None);
}

#[test]
fn windows_say_themselves_back_as_they_were_asked() {
    assert_eq!(ask("errors in the last 20 minutes").window_said, "the last 20 minutes");
    assert_eq!(ask("last hour").window_said, "the last hour");
    assert_eq!(ask("between 14:00 and 14:20").window_said, "14:00–14:20");
    assert_eq!(ask("around 14:02").moment, Some("2026-03-11T14:02:00Z".parse().unwrap()));
}

#[test]
fn impossible_windows_are_refused_with_the_next_step() {
    let error = |text: &str| Asking::default().ask(text).unwrap_err();
    assert!(matches!(error("from 14:00 to 13:00"), Error::Inverted { .. }));
    assert!(matches!(error("between 2026-03-10 11:00 and 2026-03-10 10:00"), Error::Inverted { .. }));
    assert!(matches!(error("on 2026-04-01"), Error::Future { .. }));
    assert!(matches!(error("since 2030-01-01T00:00:00Z"), Error::Future { .. }));
    assert!(matches!(error("tomorrow"), Error::Future { .. }));
    assert_eq!(error("what happened at 25:61?"), Error::NotATime { text: "25:61".to_owned() });
    assert_eq!(error("what happened in 2031?"), Error::NotATime { text: "in 2031".to_owned() });
    let not_a_time = |text: &str, said: &str| assert_eq!(error(text), Error::NotATime { text: said.to_owned() });
    not_a_time("what is wrong in the last 0 minutes?", "last 0 minutes");
    not_a_time("errors in the past 0m", "past 0m");
    not_a_time("last -5 minutes", "last -5 minutes");
    not_a_time("what happened since 0 hours ago", "since 0 hours");
    not_a_time("what happened 0 hours ago?", "0 hours ago");
    not_a_time("what broke in the last 300 years?", "last 300 years");
    assert!(Asking::default().ask("why does cart give up after 0 seconds?").is_ok());
    assert!(matches!(error("what will break tomorrow at 3pm?"), Error::Future { .. }));
    assert_eq!(
        error("on 2026-04-01").to_string(),
        "the window from `2026-04-01 00:00:00` lies in the future (now is `14:30:00`); name a time that has passed"
    );
}

#[test]
fn options_win_over_words() {
    let time = |text: &str| time_argument(text, now(), &TimeZone::UTC);
    let asking = |from: Option<&str>, to: Option<&str>, at: Option<&str>| {
        let read = |text: Option<&str>| text.map(|text| time(text).unwrap());
        let overrides = Overrides { from: read(from), to: read(to), at: read(at), ..Overrides::default() };
        Asking { overrides, ..Asking::default() }.window("what broke yesterday?")
    };
    assert_eq!(asking(Some("14:00"), Some("14:20"), None), "14:00–14:20");
    assert_eq!(asking(Some("-90m"), None, None), "13:00–14:30");
    assert_eq!(asking(None, Some("2026-03-11T12:00:00+01:00"), None), "10:00–11:00");
    assert_eq!(asking(None, None, Some("14:02")), "13:47–14:17");
    assert_eq!(asking(Some("-2d"), None, None), "2026-03-09 14:30–2026-03-11 14:30");
    for wrong in ["", "soon", "14", "-90", "--5m", "14:02 or so", "-5 parsecs", "99:99"] {
        assert!(matches!(time(wrong), Err(Error::NotATime { .. })), "{wrong}");
    }
}

#[test]
fn other_days_to_compare_with_are_the_baseline() {
    let check = |text: &str, window: &str, baseline: &str| {
        let question = Asking::default().ask(text).unwrap();
        let said = |window: Option<TimeWindow>| window.map(|window| clock::span(window, now(), &TimeZone::UTC));
        assert_eq!(
            (said(question.window).unwrap(), said(question.baseline).unwrap()),
            (window.into(), baseline.into()),
            "{text}"
        );
    };
    check("compare today with yesterday", "00:00–14:30", "2026-03-10 00:00–14:30");
    check("is checkout worse than yesterday?", "13:30–14:30", "2026-03-10 13:30–14:30");
    check("errors in the last 20 minutes versus last week", "14:10–14:30", "2026-03-04 14:10–14:30");
    check("compare 14:00-14:20 with 13:00-13:20", "14:00–14:20", "13:00–13:20");
}
