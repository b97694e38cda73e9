//! `firstline chat`: a conversation in the terminal, with the same approvals as anywhere else.

use std::io::IsTerminal as _;

use anyhow::Result;
use evidence::Grant;
use incident::Overrides;
use reedline::{DefaultPrompt, DefaultPromptSegment, Reedline, Signal};

use super::approve::decide_and_follow;
use super::print;
use crate::app::Refused;
use crate::driver::Wait;
use crate::driver::ask::{Request, ask};
use crate::driver::decide::Wish;
use crate::setup::Setup;

const HELP: &str =
    "Ask in your own words. Also: `approve ID`, `reject ID REASON`, `proposals`, `new` for a new conversation, `quit`.";

pub async fn run(setup: &Setup) -> Result<()> {
    let app = setup.reading_app().await?;
    let mut conversation: Option<String> = None;
    let mut lines = Lines::new();
    print(HELP)?;
    while let Some(line) = lines.next()? {
        let line = line.trim().to_owned();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let done: Result<()> = match (word, rest.trim()) {
            ("", _) => Ok(()),
            ("quit" | "exit", "") => break,
            ("help" | "?", "") => print(HELP),
            ("new", "") => {
                conversation = None;
                print("A new conversation.")
            }
            ("proposals", "") => super::approve::list_of(setup, &app, None).await,
            ("approve", id) if !id.is_empty() && !id.contains(' ') => {
                decide_and_follow(setup, &app, id, |digest| Wish::Approve { digest }, None).await
            }
            ("reject", rest) if looks_like_id(rest) => {
                let (id, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                decide_and_follow(setup, &app, id, |digest| Wish::Reject { digest }, Some(reason)).await
            }
            _ => {
                let request = Request {
                    question: line.clone(),
                    by: super::ask::actor(&app),
                    conversation: conversation.clone(),
                    zone: setup.zone.clone(),
                    overrides: Overrides::default(),
                    use_model: true,
                    grant: Grant::everything(),
                };
                let asked = match super::ask::has_records(setup) {
                    Ok(()) => ask(&app, request, Wait::ForTheAnswer).await.map_err(anyhow::Error::from),
                    Err(error) => Err(error),
                };
                match asked {
                    Ok(answer) => {
                        conversation = app.with_state(|state| {
                            state.incident_of_answer(&answer.id).map(|incident| incident.id.clone())
                        });
                        print(&::chat::render_answer(&answer, &setup.style()))
                    }
                    Err(error) => Err(error),
                }
            }
        };
        if let Err(error) = done {
            let text = error.downcast_ref::<Refused>().map_or_else(|| error.to_string(), Refused::in_full);
            print(&::chat::inert_lines(&text))?;
        }
    }
    Ok(())
}

fn looks_like_id(text: &str) -> bool {
    text.starts_with("p-")
}

/// Lines from a person with history and editing, or from a pipe.
enum Lines {
    Person(Box<Reedline>),
    Pipe(std::io::Lines<std::io::StdinLock<'static>>),
}

impl Lines {
    fn new() -> Lines {
        if std::io::stdin().is_terminal() {
            Lines::Person(Box::new(Reedline::create()))
        } else {
            Lines::Pipe(std::io::stdin().lines())
        }
    }

    fn next(&mut self) -> Result<Option<String>> {
        match self {
            Lines::Person(editor) => {
                let prompt =
                    DefaultPrompt::new(DefaultPromptSegment::Basic("firstline".into()), DefaultPromptSegment::Empty);
                match editor.read_line(&prompt)? {
                    Signal::Success(line) => Ok(Some(line)),
                    _ => Ok(None),
                }
            }
            Lines::Pipe(lines) => Ok(lines.next().transpose()?),
        }
    }
}
