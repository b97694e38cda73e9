//! Why nothing was done, each as a sentence with a next step: people read these in chat.

use evidence::Time;

use super::Status;
use crate::policy::{Operation, Verb};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the step is {status} and cannot {wish} any more; ask again for a fresh proposal if it is still needed")]
    NotPossible { wish: &'static str, status: Status },
    #[error(
        "the step is indeterminate, nobody knows how it ended; look at its target, then say on its card or with `firstline done` what you found"
    )]
    EndUnknown,
    #[error("the step is {status}; only of one whose end is unknown can people say whether it succeeded or failed")]
    NothingToSettle { status: Status },
    #[error("this expired at {at}; ask again for a fresh proposal")]
    Expired { at: Time },
    #[error("the step has not expired; it can still be decided until {until}")]
    NotExpired { until: Time },
    #[error("the step is not what was on the card any more; read the current card and decide on that one")]
    OtherBytes,
    #[error(
        "nobody may approve steps yet; list people under `approvers` in the `[approval]` settings and restart, or carry it out by hand"
    )]
    NobodyMayApprove,
    #[error("{name} may not approve this; ask one of the people named on the card")]
    MayNotApprove { name: String },
    #[error(
        "{name} may not {verb} this: {why} ({on}); ask one of the people named on the card, or look with `firstline policy explain`",
        verb = verb.in_words()
    )]
    MayNot { name: String, verb: Verb, on: Box<Operation>, why: String },
    #[error("the reason is too short; say in at least {least} characters why it cannot wait for the others")]
    ReasonTooShort { least: usize },
    #[error(
        "breaking glass tells a second channel at once, and none is set; set `page_endpoint` and `page_path` under `[approval.break_glass]`"
    )]
    NobodyToTell,
    #[error("this was not started by breaking glass, or it was reviewed already; there is nothing to review")]
    NothingToReview,
    #[error("{name} broke the glass; somebody else has to review it")]
    OwnReview { name: String },
    #[error("this step is one unit with {others}; decide on the whole card")]
    PartOfUnit { others: String },
    #[error("the step before it in its unit has to succeed first")]
    NotItsTurn,
    #[error(
        "steps may not be approved in environment `{environment}`; add it to `environments` in the `[approval]` settings, or carry it out by hand"
    )]
    EnvironmentNotAllowed { environment: String },
    #[error("{name} asked for this and may not approve it too; ask somebody else to look at it")]
    OwnRequest { name: String },
    #[error("{name} has already agreed; it needs {missing} more of other people")]
    AlreadyAgreed { name: String, missing: u32 },
    #[error("only people decide; `{id}` is not a person")]
    NotHuman { id: String },
    #[error("this step is carried out by hand; do what it says, then press Done, or say `firstline done`")]
    ByHand,
    #[error("this step runs by itself once it is approved; approve it instead")]
    NotByHand,
    #[error(
        "the rules changed since this was approved and it no longer has enough approvals; ask again for a fresh proposal"
    )]
    RulesChanged,
    #[error("another worker holds this step; its own report is awaited")]
    OtherClaim,
    #[error("the step was already proposed; look at its card")]
    AlreadyProposed,
    #[error("this was verified already; see the timeline")]
    AlreadyVerified,
}

impl Refusal {
    /// Whether the person may not, however the step stands.
    pub fn is_about_rights(&self) -> bool {
        matches!(
            self,
            Refusal::NobodyMayApprove
                | Refusal::MayNotApprove { .. }
                | Refusal::MayNot { .. }
                | Refusal::EnvironmentNotAllowed { .. }
                | Refusal::OwnRequest { .. }
                | Refusal::OwnReview { .. }
                | Refusal::NotHuman { .. }
                | Refusal::NobodyToTell
        )
    }

    /// Whether this is what a click that came twice gets, so that a platform can stay quiet about it.
    pub fn is_repetition(&self) -> bool {
        matches!(self, Refusal::AlreadyAgreed { .. } | Refusal::AlreadyProposed | Refusal::AlreadyVerified)
    }
}
