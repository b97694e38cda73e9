//! How many requests come, and for what.

use crate::stamp::HOUR;

/// Share of the average by hour, UTC: the shop's customers are European.
const DAY: [f64; 25] = [
    0.62, 0.56, 0.52, 0.50, 0.52, 0.60, 0.74, 0.90, 1.00, 1.06, 1.10, 1.14, 1.18, 1.16, 1.12, 1.10, 1.12, 1.20, 1.30,
    1.36, 1.34, 1.18, 0.96, 0.76, 0.62,
];

/// How busy the shop is at `at` (microseconds since the epoch, UTC): `1.0` is the day's average.
pub fn shape(at: i64) -> f64 {
    let hour = at.rem_euclid(24 * HOUR) as f64 / HOUR as f64;
    let whole = hour as usize;
    DAY[whole] + (DAY[whole + 1] - DAY[whole]) * (hour - whole as f64)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    Product,
    Search,
    AddToCart,
    Checkout,
    Login,
}

/// What a visitor does; `dice` is `0.0..1.0`.
pub(crate) fn visit(dice: f64) -> Visit {
    match dice {
        d if d < 0.42 => Visit::Product,
        d if d < 0.64 => Visit::Search,
        d if d < 0.82 => Visit::AddToCart,
        d if d < 0.94 => Visit::Checkout,
        _ => Visit::Login,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_are_busier_than_nights_and_midnight_joins() {
        assert!(shape(19 * HOUR) > 2.0 * shape(3 * HOUR));
        assert!((shape(24 * HOUR - 1) - shape(0)).abs() < 0.001);
    }
}
