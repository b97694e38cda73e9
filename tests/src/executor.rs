//! A place whose one runbook starts a program that leaves marks, and the processes that run it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::place::{Place, Serve, SignedIn};
use crate::server::Reply;
use crate::story::Story;

/// Everyone may approve everything; what else the config says is appended.
pub const OPEN: &str = "[approval]\napprovers = [\"*\"]\nenvironments = [\"production\"]\nself_approval = true\n";

/// A place with the story told and a program that does what `script` says.
pub struct Marked {
    pub place: Place,
    pub config: String,
}

impl Marked {
    /// `more` are keys of the program; `top` stands before the first table.
    pub fn new(script: &str, more: &str, top: &str) -> Marked {
        let place = Place::new();
        // Root runs programs as `nobody`, who has to get there.
        let open = |path: PathBuf, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode can be set");
        };
        open(place.path(""), 0o755);
        std::fs::create_dir(place.path("marks")).expect("a folder can be made");
        open(place.path("marks"), 0o777);
        let marks = place.path("marks").display().to_string();
        let program = place.write("mark.sh", format!("#!/bin/sh\n{}\n", script.replace("MARKS", &marks)));
        open(program.clone(), 0o755);
        place.write(
            "runbooks/mark.md",
            "---\nid: leave-a-mark\ntitle: Leave a mark at {{service}}\nparams:\n  service: {type: service}\n\
             triggers:\n  - {evidence: exhausted, fit: 99}\n---\n\
             ```step\nid: mark\naction: command\nargs: {program: mark, argv: ['{{service}}']}\n```\n",
        );
        let config = format!(
            "listen = \"127.0.0.1:0\"\n{top}\n{OPEN}[runbooks]\npaths = [\"runbooks\"]\n\
             [actions.programs.mark]\npath = {program:?}\nwrite = [{marks:?}]\n{more}\n"
        );
        place.write("data/firstline.toml", &config);
        Story::until_now().tell(&place);
        Marked { place, config }
    }

    pub fn n_marks(&self) -> usize {
        std::fs::read_to_string(self.place.path("marks/log")).unwrap_or_default().lines().count()
    }

    /// The step that asking proposes, as the command line shows it.
    pub fn asked(&self) -> Value {
        step_in(&self.place.json(&["ask", "why is checkout failing?"]))
    }

    /// How a step stands, as everybody sees it.
    pub fn shown(&self, step: &Value) -> Value {
        for incident in self.place.json(&["incident", "list"])["incidents"].as_array().expect("incidents") {
            let incident = incident["id"].as_str().expect("an id");
            let steps = self.place.json(&["proposals", incident])["steps"].clone();
            if let Some(found) = steps.as_array().expect("steps").iter().find(|found| found["id"] == step["id"]) {
                return found.clone();
            }
        }
        panic!("the step is gone: {step:#}");
    }

    pub fn state(&self, step: &Value) -> String {
        self.shown(step)["state"].as_str().expect("a state").to_owned()
    }

    /// Starts an executor by hand, as another user or on another machine would.
    pub fn executor(&self, args: &[&str]) -> Elsewhere {
        let mut command = self.place.command(&[&["executor"], args].concat());
        Elsewhere { child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts") }
    }

    /// Processes of the program that are still there.
    pub fn n_running(&self) -> usize {
        processes_with(&self.place.path("mark.sh").display().to_string()).len()
    }
}

/// An executor of somebody else; it is killed with the value.
pub struct Elsewhere {
    child: Child,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks in the console, and returns the step that is proposed.
pub fn propose(serve: &Serve, person: &SignedIn) -> Value {
    let reply = serve.post_as(person, "/api/ask", &json!({"question": "why is checkout failing?"}));
    assert_eq!(reply.status, 200, "{reply:?}");
    step_in(&reply.json())
}

pub fn approve(serve: &Serve, person: &SignedIn, step: &Value) -> Reply {
    let id = step["id"].as_str().expect("an id");
    serve.post_as(person, &format!("/api/steps/{id}/approve"), &json!({"digest": step["digest"]}))
}

fn step_in(answer: &Value) -> Value {
    let proposals = answer["proposals"].as_array().expect("proposals");
    let mark = proposals.iter().find(|proposal| proposal["runbook"] == "leave-a-mark");
    mark.unwrap_or_else(|| panic!("no mark proposed: {answer:#}"))["steps"][0].clone()
}

/// Processes with this in their command line.
pub fn processes_with(mark: &str) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").expect("Linux").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(mark)
    };
    pids.filter(has).collect()
}

/// The executor that `serve` started.
pub fn executor_of(serve: &Serve) -> Option<u32> {
    let of_serve = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok());
        parent == Some(serve.child.id())
    };
    processes_with("executor --from-stdin").into_iter().find(of_serve)
}

pub fn kill_9(pid: u32) {
    // It may have ended by itself just now.
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).output();
}
