//! What the outside is asked to do. The driver performs an effect and answers with an event.

/// Each effect may be performed again after a restart: none does harm twice, because what it records decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Look for evidence; answered by `Found` or `NotFound`.
    Search { answer: String },
    /// Turn fitting runbooks into steps; answered by `Proposed`.
    Propose { answer: String },
    /// Compose the answer and post it; answered by `Answered`.
    Answer { answer: String },
    /// Ask the model for a better telling; answered by `Retold`.
    Tell { answer: String },
    /// Claim and run an approved step; answered by `Step` events.
    Execute { step: String },
    /// Tell the second channel that somebody broke the glass; answered by a `Step` event.
    Page { step: String },
    /// Take back a step whose unit has failed before it; answered by a `Step` event.
    Withdraw { step: String },
    /// Watch fresh evidence until the step's verify clause is decided; answered by `Verification`.
    Verify { step: String },
}
