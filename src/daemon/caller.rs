//! Who we are to the system's eyes, which configurations are read with.

use crate::config::Caller;
use crate::platform;

/// Who is asking, and what they may do: to read a configuration with.
#[must_use]
pub fn caller() -> Caller {
    let (user, group) = platform::user_and_group();
    Caller { user, group, may_execute: platform::may_execute }
}
