//! The few tests that every analysis shares, in logarithms, so that one chance in 10^300 is still a number.
//! Probabilities are natural logarithms and never positive; "surprise" is the same with the sign turned.

/// `ln(n!)`.
pub(crate) fn ln_factorial(n: u64) -> f64 {
    if n < 2 {
        return 0.0;
    }
    if n < 16 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    // Stirling's series: beyond 1e-9 at 16 already.
    let x = n as f64 + 1.0;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Fisher's exact test, one-sided: how probable it is that at least `hits` of all hits fall into this group of `n`,
/// when both groups hit equally often.
pub(crate) fn ln_fisher(hits: u64, n: u64, other_hits: u64, other_n: u64) -> f64 {
    let (hits, other_hits) = (hits.min(n), other_hits.min(other_n));
    let all_hits = hits + other_hits;
    let most = all_hits.min(n);
    let total = ln_choose(n + other_n, all_hits);
    let term = |k: u64| ln_choose(n, k) + ln_choose(other_n, all_hits - k) - total;
    let least = hits.max(all_hits.saturating_sub(other_n));
    if least > most {
        return 0.0;
    }
    let first = term(least);
    let mut sum = 0.0;
    for k in least..=most {
        let ratio = (term(k) - first).exp();
        sum += ratio;
        if ratio < 1e-9 * sum && k > least {
            break;
        }
    }
    (first + sum.ln()).min(0.0)
}

/// How much likelier the two counts are with rates of their own than with one common rate.
///
/// `exposure` is whatever the counts are proportional to: seconds, requests, records.
pub(crate) fn poisson_gain(count: f64, exposure: f64, other_count: f64, other_exposure: f64) -> f64 {
    let all = count + other_count;
    if all <= 0.0 || exposure <= 0.0 || other_exposure <= 0.0 {
        return 0.0;
    }
    let expected = all * exposure / (exposure + other_exposure);
    let other_expected = all - expected;
    (x_ln_ratio(count, expected) + x_ln_ratio(other_count, other_expected)).max(0.0)
}

fn x_ln_ratio(x: f64, expected: f64) -> f64 {
    if x > 0.0 { x * (x / expected).ln() } else { 0.0 }
}

/// Variance over mean of counts in equal cells, at the cells' own length and at 4 and 16 times it; the largest, at least 1.
///
/// 1 is what independent events give; log lines come in clumps, and a count is only as surprising as its clumps allow.
pub(crate) fn clumpiness(counts: &[u32]) -> f64 {
    let mut largest: f64 = 1.0;
    for factor in [1, 4, 16] {
        let n_groups = counts.len() / factor;
        if n_groups < 6 {
            break;
        }
        let groups = counts.chunks_exact(factor).map(|group| group.iter().map(|count| f64::from(*count)).sum::<f64>());
        let (mut sum, mut squares) = (0.0, 0.0);
        for group in groups {
            sum += group;
            squares += group * group;
        }
        let n = n_groups as f64;
        let mean = sum / n;
        if mean > 0.0 {
            largest = largest.max((squares / n - mean * mean) * n / (n - 1.0) / mean);
        }
    }
    largest
}

/// A share that rose at some moment: the test behind new lines, missing follow-ups and failing requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rise {
    /// Index of the trial at which it rose.
    pub at: usize,
    pub hits: u64,
    pub trials: u64,
    pub hits_before: u64,
    pub trials_before: u64,
    /// Already corrected for having looked at every moment.
    pub ln_p: f64,
}

impl Rise {
    pub(crate) fn share(&self) -> f64 {
        self.hits as f64 / self.trials.max(1) as f64
    }

    /// The share before, with half a hit added so that "never" in few trials is not zero.
    pub(crate) fn share_before(&self) -> f64 {
        (self.hits_before as f64 + 0.5) / (self.trials_before as f64 + 1.0)
    }
}

/// Finds the moment from which trials hit more often than before it, the baseline's trials included.
///
/// `trials` are in order of time. `None` when no trial hits.
pub(crate) fn rise(trials: &[bool], baseline_hits: u64, baseline_trials: u64) -> Option<Rise> {
    let all_hits = trials.iter().filter(|hit| **hit).count() as u64;
    let n = trials.len() as u64;
    let mut best: Option<(f64, Rise)> = None;
    let (mut seen_hits, mut n_looks, mut after_miss) = (0, 0u64, true);
    for (index, hit) in trials.iter().enumerate() {
        // A run of hits starts at its first one: the others in it cannot be better starts.
        if *hit && after_miss {
            n_looks += 1;
            let candidate = Rise {
                at: index,
                hits: all_hits - seen_hits,
                trials: n - index as u64,
                hits_before: baseline_hits + seen_hits,
                trials_before: baseline_trials + index as u64,
                ln_p: 0.0,
            };
            let gain = binomial_gain(&candidate);
            if best.as_ref().is_none_or(|(most, _)| gain > *most) {
                best = Some((gain, candidate));
            }
        }
        seen_hits += u64::from(*hit);
        after_miss = !*hit;
    }
    let (_, mut best) = best?;
    let ln_p = ln_fisher(best.hits, best.trials, best.hits_before, best.trials_before);
    best.ln_p = (ln_p + (n_looks as f64).ln()).min(0.0);
    Some(best)
}

/// Log-likelihood gained by two shares over one; 0 when the later share is not the larger.
fn binomial_gain(candidate: &Rise) -> f64 {
    let (k1, n1) = (candidate.hits as f64, candidate.trials as f64);
    let (k0, n0) = (candidate.hits_before as f64, candidate.trials_before as f64);
    if n0 == 0.0 || k1 / n1 <= k0 / n0 {
        return 0.0;
    }
    let all = (k1 + k0) / (n1 + n0);
    let part = |k: f64, n: f64| x_ln_ratio(k, n * all) + x_ln_ratio(n - k, n * (1.0 - all));
    part(k1, n1) + part(k0, n0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    #[test]
    fn factorials_agree_where_the_series_takes_over() {
        for n in [15u64, 16, 17, 40] {
            near(ln_factorial(n), (2..=n).map(|k| (k as f64).ln()).sum());
        }
    }

    #[test]
    fn fisher_agrees_with_hand_counts() {
        // All 3 hits among the 3 trials of one group, none among 3: 1 / C(6,3).
        near(ln_fisher(3, 3, 0, 3), (1.0f64 / 20.0).ln());
        // 5 of 10 against 0 of 8: C(10,5) / C(18,5).
        near(ln_fisher(5, 10, 0, 8), (252.0f64 / 8568.0).ln());
        near(ln_fisher(0, 10, 4, 8), 0.0);
        near(ln_fisher(7, 7, 0, 0), 0.0);
    }

    #[test]
    fn rise_finds_the_moment() {
        let mut trials = vec![false; 40];
        trials.extend([true; 20]);
        let found = rise(&trials, 0, 30).unwrap();
        assert_eq!((found.at, found.hits, found.trials, found.trials_before), (40, 20, 20, 70));
        assert!(found.ln_p < -40.0);
        assert_eq!(rise(&[false; 9], 0, 9), None);
    }

    #[test]
    fn steady_share_is_no_rise() {
        let trials: Vec<bool> = (0..300).map(|i| i % 3 == 0).collect();
        assert!(rise(&trials, 100, 300).unwrap().ln_p > -0.7);
    }

    #[test]
    fn clumps_are_seen_at_any_scale() {
        near(clumpiness(&[1; 64]), 1.0);
        let clumped: Vec<u32> = (0..256).map(|i| u32::from(i % 64 < 8) * 4).collect();
        assert!(clumpiness(&clumped) > 8.0);
    }
}
