//! The time of day as people here read it. For log lines only; it jumps.

#![expect(unsafe_code, reason = "localtime_r has no safe wrapper")]

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A moment as the wall clock of this place shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalTime {
    /// Year, as 2026.
    pub year: i32,
    /// 1..=12.
    pub month: u8,
    /// 1..=31.
    pub day: u8,
    /// 0..=23.
    pub hour: u8,
    /// 0..=59.
    pub minute: u8,
    /// 0..=60.
    pub second: u8,
    /// 0..=999,999.
    pub microsecond: u32,
}

/// What the wall clock shows now. For log lines only; it jumps. The first call may read the time zone from disk.
#[must_use]
pub fn local_time() -> LocalTime {
    // The clock exists everywhere; before 1970 a log line may say 1970.
    local_time_of(clock_gettime(ClockId::CLOCK_REALTIME).map_or(Duration::ZERO, Duration::from))
}

/// What the wall clock showed that long after 1970 began.
#[must_use]
pub fn local_time_of(since_1970: Duration) -> LocalTime {
    // A time_t, which libc would rather not name for musl.
    let seconds = since_1970.as_secs().try_into().unwrap_or_default();
    // SAFETY: an all-zero tm (time.h) is valid: integers, and on some systems a pointer that may be null.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to this frame and localtime_r(3) keeps neither; when it fails, as for years beyond
    // an int, `parts` is still a valid tm.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut parts) };
    let small = |part: libc::c_int| u8::try_from(part).unwrap_or_default();
    LocalTime {
        year: parts.tm_year.saturating_add(1900),
        month: small(parts.tm_mon.saturating_add(1)),
        day: small(parts.tm_mday),
        hour: small(parts.tm_hour),
        minute: small(parts.tm_min),
        second: small(parts.tm_sec),
        microsecond: since_1970.subsec_micros(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_has_all_parts() {
        let t = local_time_of(Duration::from_micros(1_777_052_302_123_456));
        assert_eq!((t.year, t.month, t.second, t.microsecond), (2026, 4, 22, 123_456));
        assert!((23..=25).contains(&t.day) && t.hour < 24 && t.minute < 60);
        assert!(local_time().year >= 2024);
        let _ = local_time_of(Duration::MAX);
    }
}
