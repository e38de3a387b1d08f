//! How often a host advertises, which is also how much it is preferred.
//!
//! Units and arithmetic are the kernels': `advbase` seconds plus `advskew` 1/256 seconds, truncated to the
//! microsecond (OpenBSD `ip_carp.c`, `carp_setrun`; FACTS 7).

use std::time::Duration;

/// The advertisement interval of a host. The smaller is preferred, and `Ord` says so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interval {
    /// Seconds, 0..=255 (`advbase`).
    pub base: u8,
    /// 1/256 seconds, 0..=255 (`advskew`).
    pub skew: u8,
}

impl Interval {
    /// What a master advertises once when it leaves: longer than anybody's dead time.
    pub const BOW_OUT: Self = Self { base: 255, skew: 255 };

    /// The skew a demoted host competes with (`CARP_BULK_UPDATE_MIN_DELAY` in the kernels' `ip_carp.c`).
    pub const DEMOTED_SKEW: u8 = 240;

    /// `base` seconds and `skew` 1/256 seconds.
    #[must_use]
    pub const fn new(base: u8, skew: u8) -> Self {
        Self { base, skew }
    }

    /// The interval as the elections compare it: exact, and 0 for 0/0.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_micros(micros(1, self.base, 1, self.skew))
    }

    /// Time between two advertisements: at least 1/256 s, as OpenBSD has it for 0/0.
    #[must_use]
    pub fn period(self) -> Duration {
        self.duration().max(Duration::from_micros(micros(0, 0, 1, 1)))
    }

    /// How long a master may be silent before a host with this interval takes over:
    /// `ratio * base + skew/256` seconds, or `ratio * max(skew, 1) / 256` where the base is zero (OpenBSD).
    #[must_use]
    pub fn dead_after(self, ratio: u32) -> Duration {
        let plain = micros(ratio, self.base, 1, self.skew);
        if self.base == 0 {
            Duration::from_micros(plain.max(micros(0, 0, ratio, self.skew.max(1))))
        } else {
            Duration::from_micros(plain)
        }
    }

    /// The same interval with the skew a demoted host uses, 240..=254: of two that are demoted, the one that is preferred
    /// otherwise still is, or is equal. A higher configured skew stays.
    #[must_use]
    pub fn demoted(self) -> Self {
        let kept = (u16::from(self.skew) * 14 / 254).to_le_bytes()[0];
        Self { skew: self.skew.max(Self::DEMOTED_SKEW + kept), ..self }
    }
}

fn micros(base_times: u32, base: u8, skew_times: u32, skew: u8) -> u64 {
    let seconds = u64::from(base_times) * u64::from(base);
    let fractions = u64::from(skew_times) * u64::from(skew);
    seconds * 1_000_000 + fractions * 1_000_000 / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn periods_truncate_to_the_microsecond() {
        assert_eq!(Interval::new(1, 0).period(), us(1_000_000));
        assert_eq!(Interval::new(0, 1).period(), us(3_906));
        assert_eq!(Interval::new(1, 100).period(), us(1_390_625));
        assert_eq!(Interval::new(1, 239).period(), us(1_933_593));
        assert_eq!(Interval::new(1, 240).period(), us(1_937_500));
        assert_eq!(Interval::new(1, 241).period(), us(1_941_406));
        assert_eq!(Interval::new(255, 255).period(), us(255_996_093));
    }

    #[test]
    fn zero_over_zero_still_advances() {
        assert_eq!(Interval::new(0, 0).duration(), us(0));
        assert_eq!(Interval::new(0, 0).period(), us(3_906));
        assert_eq!(Interval::new(0, 0).dead_after(3), us(11_718));
    }

    #[test]
    fn dead_time_is_ratio_bases_and_one_skew() {
        assert_eq!(Interval::new(1, 0).dead_after(3), us(3_000_000));
        assert_eq!(Interval::new(1, 100).dead_after(3), us(3_390_625));
        assert_eq!(Interval::new(255, 254).dead_after(3), us(765_992_187));
        assert_eq!(Interval::new(0, 100).dead_after(3), us(1_171_875));
    }

    #[test]
    fn order_is_the_order_of_durations() {
        let all: Vec<_> = [0, 1, 2, 254, 255]
            .into_iter()
            .flat_map(|base| [0, 1, 239, 240, 241, 255].map(|skew| Interval::new(base, skew)))
            .collect();
        for a in &all {
            for b in &all {
                assert_eq!(a.cmp(b), a.duration().cmp(&b.duration()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn demotion_never_improves() {
        let demoted = |skew| Interval::new(1, skew).demoted().skew;
        assert_eq!(
            [0, 17, 18, 100, 200, 240, 254, 255].map(demoted),
            [240, 240, 240, 245, 251, 253, 254, 255]
        );
        for skew in 0..255 {
            assert!(demoted(skew) >= skew && demoted(skew) <= demoted(skew + 1), "{skew}");
        }
    }
}
