//! The only reader of the clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::platform;
use crate::protocol::Time;

/// The beginning of 2026. A machine without a clock that runs while it is off begins long before this program was written.
const WRITTEN: Duration = Duration::from_secs(1_767_225_600);

pub(super) fn now() -> Time {
    Time::new(platform::now())
}

/// The time of day since the Unix epoch; none if it was never set.
#[expect(clippy::disallowed_methods, reason = "the one place where it is read")]
pub(super) fn wall() -> Option<Duration> {
    plausible(SystemTime::now())
}

fn plausible(time: SystemTime) -> Option<Duration> {
    time.duration_since(UNIX_EPOCH).ok().filter(|since_epoch| *since_epoch >= WRITTEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_none() {
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        assert_eq!(plausible(UNIX_EPOCH + WRITTEN + year), Some(WRITTEN + year));
        assert_eq!([UNIX_EPOCH - year, UNIX_EPOCH, UNIX_EPOCH + 50 * year].map(plausible), [None; 3]);
    }
}
