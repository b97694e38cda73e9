//! Sentences and their citations; the true ones pass, each false one fails.

use super::*;

const TRUE: &[(&str, &str)] = &[
    ("checkout fails 38 % of its requests since 14:02:10: “connection pool exhausted after … ms, … waiting”.", "E1"),
    ("checkout fails 38.0 % of its requests since 14:02:10.", "E1"),
    ("checkout logs “connection pool exhausted” 1,204 × from 14:02:10, not once in the 60 min before.", "E1"),
    ("checkout logged 1204 pool errors.", "E1"),
    ("It was first seen at 14:02.", "E1"),
    ("It was last seen at 14:14:58.", "E1"),
    ("On 2026-03-11 14:02:10 checkout began to fail.", "E1"),
    ("On 2026-03-11 checkout began to fail.", "E1"),
    ("gateway timeouts came 31 × usual.", "E2"),
    ("gateway timeouts came 31.2 times as often as usual.", "E2"),
    ("gateway timed out 812 times, usually about 26.", "E2"),
    ("gateway logs 812 timeouts from 14:02:31.", "E2"),
    ("“upstream checkout timed out” starts 21 s later.", "E1 E2"),
    ("checkout logs 1,204 errors, gateway logs 812 timeouts.", "E1 E2"),
    ("Together there are 2,016 of them.", "E1 E2"),
    ("No change of gateway is recorded.", ""),
    ("Two services are affected.", "E1 E2"),
    ("checkout and gateway both complain.", "E1 E2"),
    ("checkout accepts 96 % fewer orders than before.", "E3"),
    ("checkout accepted 40 orders instead of 1,000.", "E3"),
    ("Orders have almost stopped.", "E3"),
    ("“confirmation sent” is missing after “order received” 190 of 200 times.", "E4"),
    ("In email, 95 % of the confirmations are missing.", "E4"),
    ("In email, confirmations were missing 2 of 410 times in the baseline.", "E4"),
    ("The deploy of checkout v1.42 at 14:01:48 came 22 s before the trouble began.", "C1"),
    ("The deploy of checkout `v1.42` by mara is suspected.", "C1"),
    ("checkout failed because of the deploy of v1.42.", "E1 C1"),
    ("checkout v1.42 caused it: the pool errors start 22 s later.", "C1 E1"),
    ("The deploy of checkout v1.42 led to timeouts in gateway.", "C1 E2"),
    ("gateway timed out because checkout ran out of connections.", "E2 E1"),
    ("gateway began to time out after checkout.", "E2 E1"),
    ("1,204 of 1,204 of these lines come from v1.42.", "C1 E1"),
    ("All of it comes only from the hosts of this deploy.", "C1"),
    ("58 % of it is written by checkout-1.", "E1"),
    ("checkout-1 wrote 700 and checkout-2 wrote 504.", "E1"),
    ("The errors come from 2 hosts.", "E1"),
    ("The line says 3000 ms.", "E1"),
    ("17 waiting, it says.", "E1"),
    ("The deploy of search v7 at 13:40 is not suspected.", "C2"),
    ("search v7 had no effect.", "C2"),
    ("There are 1,240 error lines where 11 to 19 are usual.", ""),
    ("All 214,377 records of 12 services were searched.", ""),
    ("billing is silent since 13:58:00.", ""),
    ("2 changes are recorded.", "C1 C2"),
    ("1 new kind of message appeared.", ""),
    ("The window is 30 min long.", ""),
    ("The baseline is 60 min long.", ""),
    ("E1 has 1,204 lines.", "E1"),
    ("It lasted 12 min.", "E1"),
    ("checkout: “CONNECTION POOL exhausted”.", "E1"),
    ("checkout says \"connection pool exhausted after 3000 ms, 17 waiting\".", "E1"),
    ("checkout is failing.", "E1"),
];

const FALSE: &[(&str, &str)] = &[
    // Off by a little.
    ("checkout logged 1,205 pool errors.", "E1"),
    ("checkout logged 1,203 pool errors.", "E1"),
    ("checkout logged 1,200 pool errors.", "E1"),
    ("checkout fails 39 % of its requests.", "E1"),
    ("checkout fails 37 % of its requests.", "E1"),
    ("checkout fails 38.1 % of its requests.", "E1"),
    ("checkout fails 0.38 % of its requests.", "E1"),
    ("gateway timeouts came 32 × usual.", "E2"),
    ("gateway timeouts came 30 times the usual.", "E2"),
    ("gateway timeouts came 31.3 × usual.", "E2"),
    ("gateway timeouts doubled.", "E2"),
    ("gateway timeouts came twice as often.", "E2"),
    ("It was first seen at 14:02:11.", "E1"),
    ("It was first seen at 14:03.", "E1"),
    ("It was first seen at 02:02:10.", "E1"),
    ("On 2026-03-10 14:02:10 checkout began to fail.", "E1"),
    ("On 2026-03-12 checkout began to fail.", "E1"),
    ("“upstream checkout timed out” starts 25 s later.", "E1 E2"),
    ("It lasted 14 min.", "E1"),
    ("It lasted 2 h.", "E1"),
    ("It lasted 3 days.", "E1"),
    ("checkout accepts 95 % fewer orders than before.", "E3"),
    ("checkout accepts 4 % fewer orders than before.", "E3"),
    ("checkout accepted 41 orders instead of 1,000.", "E3"),
    ("checkout accepted 40 orders instead of 1,001.", "E3"),
    ("“confirmation sent” is missing 191 of 200 times.", "E4"),
    ("“confirmation sent” is missing 190 of 210 times.", "E4"),
    ("In email, 5 % of the confirmations are missing.", "E4"),
    ("In email, confirmations were missing 3 of 410 times in the baseline.", "E4"),
    ("The deploy of checkout v1.42 came 23 s before the trouble began.", "C1"),
    ("The deploy of checkout v1.42 at 14:01:49 is suspected.", "C1"),
    ("1,203 of 1,204 of these lines come from v1.42.", "C1 E1"),
    ("57 % of it is written by checkout-1.", "E1"),
    ("The errors come from 3 hosts.", "E1"),
    ("Three services are affected.", "E1 E2"),
    ("Together there are 2,017 of them.", "E1 E2"),
    ("Half of the requests of checkout fail.", "E1"),
    ("There are 1,240 error lines where 10 to 19 are usual.", ""),
    ("There are 1,241 error lines.", ""),
    ("All 214,378 records of 12 services were searched.", ""),
    ("All 214,377 records of 13 services were searched.", ""),
    ("2 new kinds of message appeared.", ""),
    ("The window is 31 min long.", ""),
    ("dozens of errors in checkout.", "E1"),
    // The right number from the wrong place.
    ("gateway logged 1,204 timeouts.", "E2"),
    ("gateway logged 1,204 timeouts.", "E1 E2"),
    ("checkout logs 812 errors, gateway logs 1,204 timeouts.", "E1 E2"),
    ("checkout logged 812 errors.", "E1 E2"),
    ("checkout logged 812 errors.", "E1"),
    ("“connection pool exhausted” came 40 times in checkout.", "E1 E3"),
    ("gateway first timed out at 14:02:10.", "E2"),
    ("The deploy of checkout v1.42 at 13:40 is suspected.", "C1 C2"),
    ("search logged 1,204 errors.", "E1"),
    ("gateway fails 38 % of its requests.", "E2"),
    ("Status 3000 was returned.", "E1"),
    ("3000 orders failed.", "E1"),
    ("17 hosts are affected.", "E1"),
    ("26 timeouts in gateway.", "E2"),
    // Names that were not cited.
    ("payments is failing.", "E1"),
    ("auth and checkout are failing.", "E1"),
    ("The deploy of checkout v1.43 is suspected.", "C1"),
    ("The deploy of checkout `v1.41` is suspected.", "C1"),
    ("It comes from checkout-3.", "E1"),
    ("The host 10.0.3.7 refuses connections.", "E1"),
    ("See https://evil.example/x1 for details.", "E1"),
    ("The error code is ERR_4711.", "E1"),
    ("search v7 is at fault.", "E1"),
    ("E2 has 1,204 lines.", "E1"),
    // Quotes that no line says.
    ("checkout logs “disk full”.", "E1"),
    ("checkout logs “connection pool exhausted after … ms, all is lost”.", "E1"),
    ("checkout logs \"exhausted pool connection\".", "E1"),
    ("gateway logs “connection pool exhausted”.", "E2"),
    ("checkout logs “waiting … connection pool”.", "E1"),
    ("checkout logs “”.", "E1"),
    ("checkout logs “…”.", "E1"),
    // Citations that do not exist.
    ("checkout is failing.", "E9"),
    ("checkout is failing.", "E1 C9"),
    ("checkout is failing.", "e1"),
    ("checkout is failing.", "P1"),
    // Causes.
    ("The deploy of checkout v1.42 is the result of timeouts in gateway.", "C1 E2"),
    ("checkout ran out of connections because gateway timed out.", "E1 E2"),
    ("gateway caused checkout to fail.", "E1 E2"),
    ("The timeouts of gateway led to the deploy of checkout v1.42.", "C1 E2"),
    ("checkout failed because of the deploy of search v7.", "E1 C2"),
    ("The deploy of search v7 caused the failure of checkout.", "E1 C2"),
    ("checkout failed because somebody was careless.", "E1"),
    ("checkout failed due to cosmic rays.", "E1 E2"),
    ("checkout fails because of a memory leak.", "E1"),
    ("A network problem triggered this.", "E1"),
    ("checkout began to fail after gateway.", "E1 E2"),
    ("checkout failed after the migration.", "E1"),
    // Absences.
    ("gateway never timed out before.", "E2"),
    ("Orders were never accepted before.", "E3"),
    ("There are no errors in checkout.", "E1"),
    ("There are no error lines.", ""),
    ("Nothing looks wrong.", ""),
    ("Nothing in the logs of checkout looks wrong.", "E1"),
    ("No new kinds of message appeared.", ""),
    ("No change is recorded.", ""),
    ("No change of search is recorded.", ""),
    ("No change of gateway or checkout is recorded.", ""),
    ("No change of heart is recorded.", ""),
    ("Nothing was changed.", "C1"),
    ("checkout v1.42 had no effect.", "C1"),
    ("The deploy of checkout v1.42 is not suspected.", "C1"),
    ("The deploy of search v7 is suspected.", "C2"),
    ("The errors of checkout have stopped.", "E1"),
    ("gateway is silent.", "E2"),
    ("auth is silent.", ""),
    ("Nobody is affected.", "E1"),
    ("checkout works without problems.", "E1"),
    ("The timeouts come only from one place.", "E2"),
    ("billing is silent since 13:59:00.", ""),
];

#[test]
fn true_sentences_pass() {
    let findings = incident();
    let wrong: Vec<String> = TRUE
        .iter()
        .filter_map(|(text, citations)| {
            judge(text, citations, &findings, "UTC").err().map(|why| format!("{text} [{citations}]: {why:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), TRUE.len(), wrong.join("\n"));
}

#[test]
fn false_sentences_fail() {
    let findings = incident();
    let passed: Vec<String> = FALSE
        .iter()
        .filter(|(text, citations)| judge(text, citations, &findings, "UTC").is_ok())
        .map(|(text, citations)| format!("{text} [{citations}]"))
        .collect();
    assert!(passed.is_empty(), "{} of {}:\n{}", passed.len(), FALSE.len(), passed.join("\n"));
}

#[test]
fn times_are_checked_in_the_zone_they_were_said_in() {
    let findings = incident();
    assert!(judge("It began at 15:02:10.", "E1", &findings, "Europe/Berlin").is_ok());
    assert!(judge("It began at 14:02:10.", "E1", &findings, "Europe/Berlin").is_err());
    assert!(judge("It began at 2026-03-11 19:32:10.", "E1", &findings, "Asia/Kolkata").is_ok());
}

#[test]
fn every_number_is_counted() {
    let findings = incident();
    let checked = judge(
        "checkout logs “connection pool exhausted” 1,204 × from 14:02:10, not once in the 60 min before.",
        "E1",
        &findings,
        "UTC",
    );
    assert_eq!(checked.unwrap().numbers_checked, 3);
    let wrong = judge("checkout logged 7 errors at 03:00 on 9 hosts.", "E1", &findings, "UTC").unwrap_err();
    assert_eq!(wrong.iter().map(|w| w.token.as_str()).collect::<Vec<_>>(), ["7", "03:00", "9"]);
}

#[test]
fn no_text_panics() {
    let findings = incident();
    for text in [
        "",
        "“",
        "“”\"`",
        "99999999999999999999999999 ×",
        "1,,2 %",
        "0000-00-00 99:99:99",
        "\u{1}\u{2}",
        "ßİı 5 ×",
        &"9".repeat(400),
    ] {
        let _ = judge(text, "E1 C1", &findings, "UTC");
    }
}
