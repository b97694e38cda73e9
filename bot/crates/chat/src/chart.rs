//! Draws a series with block characters and marks changes under it.
//! Resampling keeps the highest bucket of each column, so that a short spike is never averaged away.

use crate::layout::width;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns one block per column, at most `columns` of them; never more than there are counts.
pub fn sparkline(counts: &[u64], columns: usize) -> String {
    let columns = resample(counts, columns);
    let highest = columns.iter().copied().max().unwrap_or(0);
    columns.iter().map(|&count| block(count, highest)).collect()
}

/// Returns the highest count of each of at most `columns` equal parts.
pub fn resample(counts: &[u64], columns: usize) -> Vec<u64> {
    let columns = columns.clamp(1, counts.len().max(1));
    if counts.is_empty() {
        return Vec::new();
    }
    (0..columns)
        .map(|n| {
            let from = n * counts.len() / columns;
            let to = ((n + 1) * counts.len() / columns).max(from + 1);
            counts[from..to].iter().copied().max().unwrap_or(0)
        })
        .collect()
}

/// Returns the column that a point lies in, for a series of `columns` columns; `share` is `0.0..1.0` of its length.
pub fn column_of(share: f64, columns: usize) -> Option<usize> {
    let inside = (0.0..1.0).contains(&share) && columns > 0;
    inside.then(|| ((share * columns as f64) as usize).min(columns - 1))
}

/// Returns a line with `▲` at the column and its label beside it, on the right where it fits in `total`, else on the left.
///
/// `None` when the label fits on neither side.
pub fn mark(column: usize, label: &str, total: usize) -> Option<String> {
    let label_width = width(label);
    if column + 2 + label_width <= total {
        return Some(format!("{}▲ {label}", " ".repeat(column)));
    }
    let before = column.checked_sub(label_width + 1)?;
    Some(format!("{}{label} ▲", " ".repeat(before)))
}

fn block(count: u64, highest: u64) -> char {
    if highest == 0 {
        return BLOCKS[0];
    }
    let share = count as f64 / highest as f64;
    BLOCKS[((share * 7.0).round() as usize).min(7)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_counts() {
        assert_eq!(sparkline(&[0, 1, 50, 100], 10), "▁▁▅█");
        assert_eq!(sparkline(&[0, 0], 10), "▁▁");
        assert_eq!(sparkline(&[], 10), "");
        assert_eq!(sparkline(&[u64::MAX, 0], 2), "█▁");
    }

    #[test]
    fn a_spike_survives_resampling() {
        let mut counts = vec![1; 1000];
        counts[617] = 90;
        let line = sparkline(&counts, 20);
        assert_eq!(line.chars().count(), 20);
        assert_eq!(line.chars().position(|c| c == '█'), Some(12));
    }

    #[test]
    fn marks_turn_around_at_the_edge() {
        assert_eq!(mark(3, "14:01 deploy", 30).unwrap(), "   ▲ 14:01 deploy");
        assert_eq!(mark(28, "14:01 deploy", 30).unwrap(), "               14:01 deploy ▲");
        assert_eq!(mark(5, "14:01 deploy", 10), None);
        assert_eq!(column_of(1.0, 10), None);
        assert_eq!(column_of(0.999, 10), Some(9));
    }
}
