//! Whether two hosts mean the same by a virtual host.

/// Whether a standby is configured with the same password and addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agreement {
    /// It is.
    Yes,
    /// It shares other addresses.
    List,
    /// It has another password, or sends for another kind of peer.
    Password,
    /// It does not say so.
    Unknown,
}

impl Agreement {
    /// Stable name for status and JSON; never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::List => "list",
            Self::Password => "password",
            Self::Unknown => "unknown",
        }
    }
}
