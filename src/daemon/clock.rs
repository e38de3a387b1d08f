//! The only reader of the clock.

use crate::platform;
use crate::protocol::Time;

pub(super) fn now() -> Time {
    Time::new(platform::now())
}
