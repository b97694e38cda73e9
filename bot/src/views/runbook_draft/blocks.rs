//! Parts of a step block from what was approved: its watch and how it is taken back.

use runbooks::Verify;
use runbooks::actions::ACTIONS;
use runbooks::proposal::Undo;
use runbooks::runbook::{Block, UndoBlock, UndoStep, VerifyBlock};
use runbooks::verify::{Wants, What};
use serde_json::json;

use super::general::General;

pub(super) fn manual(instruction: &str) -> Block {
    Block {
        id: None,
        action: "manual".to_owned(),
        args: json!({ "instruction": instruction }),
        target: Some("by hand".to_owned()),
        risk: None,
        timeout: None,
        verify: None,
        undo: None,
        together: false,
    }
}

pub(super) fn verify_block(verify: &Verify, general: &mut General) -> VerifyBlock {
    let (at_most, at_least) = match verify.wants {
        Wants::AtMost { count, .. } => (Some(count), None),
        Wants::AtLeast { count, .. } => (None, Some(count)),
    };
    let held = Some(format!("{}s", verify.for_seconds.max(1)));
    let within = Some(format!("{}s", verify.within_seconds.max(verify.for_seconds).max(1)));
    let none =
        VerifyBlock { evidence: None, query: None, count: None, at_most: None, at_least: None, holds: held, within };
    match &verify.what {
        What::Evidence { .. } => VerifyBlock { evidence: Some("cited recovers".to_owned()), ..none },
        What::Query { query } => VerifyBlock { query: Some(general.template(query)), at_most, at_least, ..none },
    }
}

pub(super) fn undo_block(undo: &Undo, general: &mut General) -> UndoBlock {
    match undo {
        Undo::Manual(sentence) => UndoBlock::Manual(general.template(sentence)),
        Undo::Step { action, arguments, .. } if ACTIONS.iter().any(|entry| entry.name == action) => {
            UndoBlock::Step(UndoStep { action: action.clone(), args: general.tree(arguments) })
        }
        Undo::Step { summary, .. } => UndoBlock::Manual(general.template(summary)),
    }
}
