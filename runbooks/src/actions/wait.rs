//! Waits until the logs show what the step needs before the next one, and changes nothing.
//! In a runbook its arguments are those of `verify`; a sealed step has them bound to templates and counts.

use std::sync::Arc;

use async_trait::async_trait;
use evidence::Redactor;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep_until};

use super::output::Output;
use super::{Action, Run, Secrets, Settings};
use crate::execute::{LONGEST, Outcome, Outcomes};
use crate::runbook::VerifyBlock;
use crate::verify::{Counting, Judgement, Verify};

pub const NAME: &str = "wait";
/// Between two tries when nothing could be counted.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

struct Wait;

pub(super) fn form(arguments: &Value) -> Vec<String> {
    super::form_of(arguments, |block: &VerifyBlock| {
        block.mistakes("").into_iter().map(|(_, mistake)| mistake).collect()
    })
}

pub fn connect(_: &Settings, _: Arc<dyn Secrets>) -> Box<dyn Action> {
    Box::new(Wait)
}

/// How long a step may take that waits this long, in seconds: enough to say how it ended.
pub fn timeout_for(verify: &Verify) -> u32 {
    let longest = u32::try_from(LONGEST.as_secs()).unwrap_or(u32::MAX);
    verify.within_seconds.saturating_add(10).min(longest)
}

fn read(arguments: &Value) -> Result<Verify, String> {
    let verify = Verify::deserialize(arguments).map_err(|error| error.to_string())?;
    let longest = LONGEST.as_secs();
    if verify.for_seconds == 0 || verify.within_seconds < verify.for_seconds {
        return Err("`for` must be at least a second, and `within` no shorter than `for`".to_owned());
    }
    if u64::from(verify.within_seconds) > longest {
        return Err(format!("`within` must be at most {} min; split the step", longest / 60));
    }
    Ok(verify)
}

#[async_trait]
impl Action for Wait {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn check(&self, arguments: &Value) -> Result<(), Vec<String>> {
        read(arguments).map(drop).map_err(|error| vec![error])
    }

    fn describe(&self, arguments: &Value) -> String {
        let Ok(verify) = read(arguments) else { return "wait for something that is not complete".to_owned() };
        let wish: String = verify.wish().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let most = match verify.within_seconds {
            seconds if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        };
        format!("wait until {wish} (at most {most})")
    }

    async fn dry_run(&self, _: &Value, _: &Redactor) -> Result<Option<String>, String> {
        Ok(None)
    }

    async fn run(&self, arguments: &Value, run: &Run<'_>) -> Outcome {
        let mut output = Output::new(run.redactor, run.on_output.clone());
        let verify = match read(arguments) {
            Ok(verify) => verify,
            Err(error) => return output.finish(Outcomes::Refused, &format!("nothing was waited for: {error}")),
        };
        let Some(counting) = &run.counting else {
            let text = "there is no log index here to wait with; run the step where the index is";
            return output.finish(Outcomes::Refused, text);
        };
        let (result, summary) = tokio::select! {
            end = watch(&verify, counting.as_ref(), &mut output) => end,
            () = tokio::time::sleep(run.timeout) => {
                (Outcomes::TimedOut, format!("the step's time of {} s was over before it was decided", run.timeout.as_secs()))
            }
            () = run.cancelled.cancelled() => (Outcomes::Cancelled, "cancelled while waiting; nothing was changed".to_owned()),
        };
        output.finish(result, &summary)
    }
}

/// Counts again and again until it is decided; says each change of how it stands.
async fn watch(verify: &Verify, counting: &dyn Counting, output: &mut Output<'_>) -> (Outcomes, String) {
    let began = counting.now();
    let gives_up = Instant::now() + Duration::from_secs(verify.within_seconds.into());
    let mut last = String::new();
    loop {
        let now = counting.now();
        let counted = match verify.window(began, now) {
            Some(window) => counting.count(verify, window).await.map(Some),
            None => Ok(None),
        };
        let (text, next) = match counted.map(|counts| verify.judge(began, now, counts)) {
            Ok(Judgement::Verified { text }) => return (Outcomes::Succeeded, text),
            Ok(Judgement::Failed { text }) => return (Outcomes::Failed, format!("waited in vain: {text}")),
            Ok(Judgement::NotYet { text, again_at }) => {
                let pause = again_at.since(counting.now()).max(jiff::SignedDuration::from_millis(200));
                (text, Instant::now() + pause.unsigned_abs())
            }
            Err(error) if Instant::now() >= gives_up => {
                return (Outcomes::Failed, format!("waited in vain: nothing could be counted: {error}"));
            }
            Err(error) => (format!("nothing could be counted: {error}"), Instant::now() + AFTER_TROUBLE),
        };
        if text != last {
            output.push(0, format!("{text}\n").as_bytes());
            last = text;
        }
        sleep_until(next.min(gives_up.max(Instant::now() + Duration::from_millis(200)))).await;
    }
}
