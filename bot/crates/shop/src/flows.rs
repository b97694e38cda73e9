//! What a visit makes the services do and say. A call starts after its caller and ends before it, so traces read in order;
//! who gives up waiting says so at its own time limit, and the one it waited for has then said its last line already.

mod edge;
mod fulfil;
mod order;
mod pages;

/// How a call came back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) end: i64,
    /// An HTTP status, or [`HUNG`] when no answer ever came.
    pub(crate) status: u16,
}

/// Never answered; the caller decides how long it waits.
pub(crate) const HUNG: u16 = 0;

impl Outcome {
    pub(crate) fn new(end: i64, status: u16) -> Outcome {
        Outcome { end, status }
    }

    pub(crate) fn is_good(self) -> bool {
        (1..500).contains(&self.status)
    }
}

/// The traces of one service mesh: random, never zero.
pub(crate) fn new_trace(random: &mut crate::random::Random) -> u128 {
    (u128::from(random.next()) << 64) | u128::from(random.next() | 1)
}
