//! Numbers with decimals. In most languages `3.200` is three thousand and two hundred.

use std::time::Duration;

use super::tr;

/// Seconds with that many decimal places, rounded, for programs. Fractions of the language would bring 20 kB of program
/// with them.
#[must_use]
pub fn digits(duration: Duration, places: u32) -> String {
    let whole = 10_u128.pow(places);
    let rounded = (duration.as_nanos() * whole + 500_000_000) / 1_000_000_000;
    format!("{}.{:0width$}", rounded / whole, rounded % whole, width = places as usize)
}

/// The same for people.
#[must_use]
pub fn decimal(duration: Duration, places: u32) -> String {
    spoken(&digits(duration, places))
}

/// A number of programs, as people write it.
#[must_use]
pub fn spoken(number: &str) -> String {
    // TRANSLATORS: what stands before the decimals of a number, as in 3.200 s: a point, or a comma.
    number.replace('.', &tr!(of "decimal point"; "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded() {
        let written = |nanos, places| digits(Duration::from_nanos(nanos), places);
        assert_eq!(written(1_234_499_999, 3), "1.234");
        assert_eq!(written(999_950_000, 3), "1.000");
        assert_eq!(written(40_950_000_000, 2), "40.95");
        assert_eq!(written(7, 6), "0.000000");
        assert_eq!(digits(Duration::MAX, 1).len(), 22);
        assert_eq!(decimal(Duration::from_millis(3_200), 3), "3.200");
    }
}
