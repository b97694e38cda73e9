//! What an incident's timeline tells, and what it tells once.

use super::*;

#[test]
fn a_watch_whose_process_died_is_told_as_interrupted() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    let says = |world: &World, now: &str| {
        let rows = timeline(&world.0, &[], &[], time(now));
        rows.into_iter().find(|row| row.text.contains("interrupted")).map(|row| (row.at, row.kind, row.text))
    };
    assert_eq!(says(&world, "14:23:00"), None, "its time is not up");
    let (at, kind, text) = says(&world, "14:30:00").unwrap();
    assert_eq!((at, kind.as_str()), (time("14:23:11"), "unknown"));
    assert!(text.contains("`firstline serve`"), "{text}");
    let form = crate::views::step(&world.0, &world.0.steps[STEP], &rules(), time("14:30:00"));
    assert_eq!(form.verification.unwrap().state, "interrupted");
    assert!(form.history.iter().any(|row| row.text == text));
    assert_eq!(standing(&world.0, &[], time("14:30:00")).text, "Done, not verified: Roll back checkout");

    world.verify("14:40:00", true);
    let (_, _, text) = says(&world, "14:41:00").unwrap();
    assert!(text.contains("taken up again"), "{text}");
    world.check("14:41:00", Stand::Over, "Verified, it helped: Roll back checkout", &["Resolve the incident."]);
}

#[test]
fn a_watch_that_ends_in_time_was_not_interrupted() {
    let mut world = World::new(true);
    world.run(Outcomes::Succeeded);
    world.verify("14:23:12", false);
    assert!(timeline(&world.0, &[], &[], time("15:00:00")).iter().all(|row| !row.text.contains("interrupted")));
}

#[test]
fn the_timeline_names_each_step_and_tells_once_what_came_to_all() {
    let mut world = World::new(false);
    let named =
        |name: &str| Step::seal(StepContent { step: name.into(), ..content(false) }, &Redactor::new([1; 32])).unwrap();
    world.propose("14:15:22", vec![step(false), named("p-1.second"), named("p-1.third")]);
    world.command("14:16:00", Command::Reject { person: ines(), reason: None });
    for id in ["p-1.second", "p-1.third"] {
        let state = world.0.steps[id].state.clone();
        let expired = runbooks::decide(&state, Command::Expire, &rules(), time("14:30:21")).unwrap();
        for event in expired {
            world.at("14:30:21", "firstline", Event::Step { step: id.into(), event });
        }
    }
    let rows = timeline(&world.0, &[], &[], time("14:31:00"));
    let said: Vec<&str> =
        rows.iter().map(|row| row.text.as_str()).skip_while(|text| !text.starts_with("ines")).collect();
    assert_eq!(
        said,
        ["ines rejected · Roll back checkout, step 1 of 3", "2 steps expired, nobody decided in time"],
        "{rows:#?}"
    );
}

#[test]
fn what_is_asked_elsewhere_about_the_incident_is_part_of_its_story() {
    let world = World::new(false);
    let mut conversation = World(Incident::new("inc-2"));
    conversation.ask("14:10:00", "a-1");
    conversation.ask("14:20:00", "a-2");
    conversation.at("14:20:01", "firstline", Event::Joined { incident: "inc-1".into() });
    conversation.ask("14:21:00", "a-3");
    let asked = |joined: &[&Incident]| {
        let rows = timeline(&world.0, joined, &[], time("14:31:00"));
        rows.into_iter().filter(|row| row.kind == "asked").map(|row| row.at).collect::<Vec<_>>()
    };
    assert_eq!(asked(&[]), [time("14:15:20")]);
    assert_eq!(asked(&[&conversation.0]), [time("14:15:20"), time("14:20:00"), time("14:21:00")]);
}
