//! Levels and sinks.

/// A syslog facility.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facility(u8);
