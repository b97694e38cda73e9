//! Random numbers from a seed: SplitMix64, written out so that a seed means the same bytes whatever libraries change.

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// `low..=high`, evenly.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[(self.next() % list.len() as u64) as usize]
    }

    /// Milliseconds given, microseconds returned: mostly near `typical_ms`, with a tail up to 3.25 times that.
    pub(crate) fn latency(&mut self, typical_ms: f64) -> i64 {
        let tail = (-(1.0 - self.unit()).ln()).min(6.0);
        (typical_ms * 1000.0 * (0.55 + 0.45 * tail)) as i64 + 90
    }

    /// Microseconds until the next of events that come `per_second`.
    pub(crate) fn gap(&mut self, per_second: f64) -> i64 {
        (-(1.0 - self.unit()).ln() / per_second.max(1e-6) * 1e6) as i64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_numbers_for_ever() {
        let mut random = Random::new(7);
        assert_eq!(
            [random.next(), random.next()].map(|n| n % 1_000_003),
            [Random::new(7).next() % 1_000_003, {
                let mut again = Random::new(7);
                again.next();
                again.next() % 1_000_003
            }]
        );
        assert_ne!(Random::new(7).next(), Random::new(8).next());
        assert!((0..1000).all(|_| (3..=5).contains(&random.between(3, 5))));
    }
}
