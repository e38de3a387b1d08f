//! The only reader of the clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::platform;
use crate::protocol::Time;

pub(super) fn now() -> Time {
    Time::new(platform::now())
}

/// As the clock shows it that service managers compare with theirs.
pub(super) fn monotonic() -> Duration {
    platform::monotonic()
}

/// The time of day since the Unix epoch; none before it.
#[expect(clippy::disallowed_methods, reason = "the one place where it is read")]
pub(super) fn wall() -> Option<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}
