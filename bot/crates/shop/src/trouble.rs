//! How bad a fault is at each moment: it sets in, grows, may be eased for a while, and ends with its remedy.

use crate::faults::{Fault, Kind};
use crate::stamp::SECOND;

/// How long the last symptoms take to fade once the remedy works.
const FADE: i64 = 5 * SECOND;

#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) fault: &'static Fault,
    pub(crate) at: i64,
    /// When the right remedy took hold.
    ended: Option<i64>,
    /// A remedy that only helps for a while: from, until.
    relief: Option<(i64, i64)>,
}

impl Trouble {
    pub(crate) fn new(fault: &'static Fault, at: i64) -> Trouble {
        Trouble { fault, at, ended: None, relief: None }
    }

    /// `0.0` (nothing to see) to `1.0` (at its worst) at the time.
    pub(crate) fn intensity(&self, at: i64) -> f64 {
        let mut begins = self.at + self.fault.onset;
        if let Some((from, until)) = self.relief {
            if (from..until).contains(&at) {
                return 0.0;
            }
            if at >= until {
                begins = begins.max(until);
            }
        }
        if at < begins || self.fault.ramp == 0 {
            return 0.0;
        }
        let grown = 0.25 + 0.75 * ((at - begins) as f64 / self.fault.ramp as f64).min(1.0);
        match self.ended {
            Some(ended) if at >= ended + FADE => 0.0,
            Some(ended) if at >= ended => grown * (1.0 - (at - ended) as f64 / FADE as f64),
            _ => grown,
        }
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.fault.kind == kind
    }

    /// Whether the remedy was applied, at or before the time.
    pub(crate) fn over(&self, at: i64) -> bool {
        self.ended.is_some_and(|ended| ended <= at)
    }

    pub(crate) fn end(&mut self, at: i64) {
        self.ended.get_or_insert(at);
    }

    pub(crate) fn relieve(&mut self, from: i64, until: i64) {
        self.relief = Some((from, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relief_passes_and_the_remedy_stays() {
        let mut trouble = Trouble::new(crate::faults::fault("bad-deploy").unwrap(), 0);
        assert_eq!(trouble.intensity(10 * SECOND), 0.0);
        assert_eq!(trouble.intensity(100 * SECOND), 1.0);
        trouble.relieve(100 * SECOND, 190 * SECOND);
        assert_eq!(trouble.intensity(150 * SECOND), 0.0);
        assert!(trouble.intensity(200 * SECOND) > 0.2);
        assert_eq!(trouble.intensity(300 * SECOND), 1.0);
        trouble.end(300 * SECOND);
        assert!(trouble.intensity(302 * SECOND) > 0.0);
        assert_eq!(trouble.intensity(306 * SECOND), 0.0);
        assert_eq!(trouble.intensity(9_000 * SECOND), 0.0);
    }
}
