//! What kind of peer our advertisements are made for, where kernels want different things (FACTS 2 and 3).
//!
//! Whatever the dialect, all forms are understood. It chooses what is *sent*, because a kernel accepts one form only,
//! and what the key is, because the tool of one kernel loses a character. One dialect touches the election, and only
//! against kernels: OpenBSD's ranks by demotion first, and beside it we must rank as it does.

/// Whose peers we are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Dialect {
    /// Nobody's in particular: what most kernels agree on.
    #[default]
    Any,
    /// OpenBSD: link-local addresses are left out of the HMAC, and its demotion counts.
    OpenBsd,
    /// FreeBSD, pfSense, OPNsense, DragonFly: as [`Dialect::Any`].
    FreeBsd,
    /// NetBSD 8 and newer: the checksum over IPv6 includes the pseudo-header, `ifconfig` loses the last
    /// character of the password.
    NetBsd,
    /// ucarp: as [`Dialect::Any`].
    Ucarp,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 5] = [Self::Any, Self::OpenBsd, Self::FreeBsd, Self::NetBsd, Self::Ucarp];

    /// Its name, as `--peer-type` takes it; never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::OpenBsd => "openbsd",
            Self::FreeBsd => "freebsd",
            Self::NetBsd => "netbsd",
            Self::Ucarp => "ucarp",
        }
    }

    /// Whether link-local addresses are left out of the HMAC sent.
    #[must_use]
    pub const fn omits_link_local(self) -> bool {
        match self {
            Self::OpenBsd => true,
            Self::Any | Self::FreeBsd | Self::NetBsd | Self::Ucarp => false,
        }
    }

    /// Whether the demotion a kernel advertises comes before its interval (FACTS 7). Ours is always sent.
    #[must_use]
    pub const fn honours_demotion(self) -> bool {
        match self {
            Self::OpenBsd => true,
            Self::Any | Self::FreeBsd | Self::NetBsd | Self::Ucarp => false,
        }
    }

    /// Whether the checksum sent over IPv6 includes the pseudo-header.
    #[must_use]
    pub const fn sums_pseudo_header(self) -> bool {
        match self {
            Self::NetBsd => true,
            Self::Any | Self::OpenBsd | Self::FreeBsd | Self::Ucarp => false,
        }
    }

    /// What the peer's tools make of a password. NetBSD's `ifconfig` copies one byte less than it should: the last
    /// character is lost up to 20 characters, and 19 stay of longer ones.
    #[must_use]
    pub fn kept(self, password: &[u8]) -> &[u8] {
        match self {
            Self::NetBsd => {
                let kept = password.len().saturating_sub(1).min(19);
                password.split_at(kept).0
            }
            Self::Any | Self::OpenBsd | Self::FreeBsd | Self::Ucarp => password,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_changes() {
        let honouring: Vec<_> =
            Dialect::ALL.into_iter().filter(|dialect| dialect.honours_demotion()).collect();
        assert_eq!(honouring, [Dialect::OpenBsd]);
        let table: Vec<_> = Dialect::ALL
            .iter()
            .map(|dialect| {
                let kept = String::from_utf8(dialect.kept(b"s3cret").to_vec()).unwrap();
                (dialect.code(), dialect.omits_link_local(), dialect.sums_pseudo_header(), kept)
            })
            .collect();
        assert_eq!(
            table,
            [
                ("any", false, false, "s3cret".to_owned()),
                ("openbsd", true, false, "s3cret".to_owned()),
                ("freebsd", false, false, "s3cret".to_owned()),
                ("netbsd", false, true, "s3cre".to_owned()),
                ("ucarp", false, false, "s3cret".to_owned()),
            ]
        );
    }

    // FACTS 2: one character becomes none, twenty become nineteen.
    #[test]
    fn netbsd_loses_a_character() {
        for (length, kept) in [(0, 0), (1, 0), (2, 1), (19, 18), (20, 19)] {
            assert_eq!(Dialect::NetBsd.kept(&[b'x'; 20][..length]).len(), kept);
        }
    }
}
