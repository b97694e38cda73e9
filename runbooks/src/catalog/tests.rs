//! The shipped runbooks, and folders of one's own.

use std::fs;

use super::*;

#[test]
fn the_shipped_runbooks_read_well() {
    let catalog = Catalog::shipped();
    assert!(catalog.len() >= 12);
    for runbook in catalog.iter() {
        let Runbook { head, text, steps, .. } = runbook;
        let id = &head.id;
        assert!(!head.when.is_empty() && !head.owner.is_empty() && head.says.is_some(), "{id}");
        assert!(!head.triggers.is_empty() && !runbook.is_plain_page, "{id}");
        for heading in ["## Use it when", "## How you know it worked", "## Who to call"] {
            let is_there = text.contains(heading) || (id == "roll-back-deploy" && text.contains("call the owner"));
            assert!(is_there, "{id} has no `{heading}`");
        }
        for step in steps.iter().filter(|step| step.block.action != "manual") {
            assert!(step.block.verify.is_some() && step.block.undo.is_some(), "{id} step {}", step.id);
        }
        for (name, param) in &head.params {
            assert!(!param.about.is_empty(), "{id} does not say what `{name}` is");
        }
    }
}

#[test]
fn the_shipped_runbooks_have_nothing_that_is_hardly_meant() {
    for runbook in Catalog::shipped().iter() {
        assert_eq!(markdown::examine(&runbook.text, runbook.id(), &Against::default()).1, []);
    }
}

#[test]
fn links_between_shipped_runbooks_lead_somewhere() {
    let catalog = Catalog::shipped();
    for runbook in catalog.iter() {
        for link in runbook.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let id = link.strip_suffix(".md").unwrap_or(link);
            assert!(catalog.get(id).is_some(), "{} links to `{link}`", runbook.id());
        }
    }
}

#[test]
fn a_team_s_own_runbook_wins_and_its_mistakes_stop_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("README.md", "no runbook");
    write("notes.txt", "no runbook");
    write("ours.md", "---\nid: restart-service\ntitle: Our restart\nrisk: enormous\n---\n1. Ask Ines\n");
    write("wiki.md", "# Call\n\n- the phone\n");
    let err = Catalog::shipped().with_folder(folder.path()).unwrap_err();
    assert!(err[0].to_string().contains("ours.md") && err[0].line == 4, "{err:?}");
    write(
        "ours.md",
        "---\nid: restart-service\ntitle: Our restart\nparams: {service: {type: service}}\n---\n1. Ask Ines\n",
    );
    let catalog = Catalog::shipped().with_folder(folder.path()).unwrap();
    assert_eq!(catalog.get("restart-service").unwrap().head.title, "Our restart");
    assert!(catalog.get("wiki").is_some());
    write("bad.md", "---\nid: BAD\ntitle: x\n---\n- x\n");
    assert_eq!(check(&[folder.path()], &Against::default()).len(), 1);
    assert!(check(&[&folder.path().join("absent.md")], &Against::default())[0].text.contains("cannot be read"));
}

#[test]
fn a_folder_gives_its_good_runbooks_although_others_have_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("bad.md", "---\nid: bad\ntitle: x\nrisk: enormous\n---\n- x\n");
    write("call.md", "---\nid: call\ntitle: Call Ines\n---\n- the phone\n");
    write("call-too.md", "---\nid: call\ntitle: Call Tom\n---\n- the phone\n");
    let mut catalog = Catalog::default();
    let mistakes = catalog.add_folder(folder.path());
    let files: Vec<_> = mistakes.iter().map(|mistake| mistake.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(files, ["bad.md", "call.md"], "{mistakes:?}");
    assert_eq!(catalog.iter().map(|runbook| runbook.head.title.as_str()).collect::<Vec<_>>(), ["Call Tom"]);
    assert_eq!(check(&[folder.path()], &Against::default()), mistakes, "`check` sees what a start would");
}

#[test]
fn a_shipped_runbook_does_not_stand_in_for_one_s_own_with_a_mistake() {
    for (file, head) in [("ours.md", "id: restart-service\n"), ("restart-service.md", "")] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), format!("---\n{head}title: Our restart\nrisk: enormous\n---\n- x\n"))
            .unwrap();
        let mut catalog = Catalog::shipped();
        let n_shipped = catalog.len();
        assert!(!catalog.add_folder(folder.path()).is_empty());
        assert!(catalog.get("restart-service").is_none() && catalog.len() == n_shipped - 1, "{file}");
    }
}
