//! Why a frame was ignored. Every refusal has a name, a stable code and a counter; none changes any state.

/// The reason a frame did not become an [`Advertisement`](super::Advertisement).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Rejected {
    /// Not an Ethernet frame of IPv4 or IPv6, or carrying a VLAN tag other than the priority tag.
    NotIp,
    /// Shorter than its IP header or than the IP length says.
    TruncatedIp,
    /// An IP version or header length that cannot be.
    BadIpHeader,
    /// The IPv4 header checksum does not hold.
    BadIpChecksum,
    /// A fragment; CARP is never fragmented.
    Fragment,
    /// An IP protocol other than 112.
    NotCarp,
    /// TTL or hop limit below 255: it came through a router or was forged from afar.
    BadTtl,
    /// Fewer than CARP's 36 bytes, as VRRP often has.
    TooShort,
    /// A CARP version other than 2; 3 is VRRPv3.
    BadVersion,
    /// The CARP checksum does not hold.
    BadChecksum,
    /// A vhid that is not ours.
    UnknownVhid,
    /// Sent to another group or address than ours.
    BadDestination,
    /// The HMAC does not hold: another password, another address list, or another cluster.
    BadAuth,
    /// Our own advertisement came back.
    OwnEcho,
    /// Of our own kind, and older than what its sender has sent since.
    Stale,
    /// Of our own kind, but what CARP's HMAC leaves out was altered on the way.
    Tampered,
    /// Not of our own kind, and nobody else is believed.
    Unmarked,
}

impl Rejected {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 17] = [
        Self::NotIp,
        Self::TruncatedIp,
        Self::BadIpHeader,
        Self::BadIpChecksum,
        Self::Fragment,
        Self::NotCarp,
        Self::BadTtl,
        Self::TooShort,
        Self::BadVersion,
        Self::BadChecksum,
        Self::UnknownVhid,
        Self::BadDestination,
        Self::BadAuth,
        Self::OwnEcho,
        Self::Stale,
        Self::Tampered,
        Self::Unmarked,
    ];

    /// Stable name for counters, status and JSON; never translated.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::TruncatedIp => "truncated_ip",
            Self::BadIpHeader => "bad_ip_header",
            Self::BadIpChecksum => "bad_ip_checksum",
            Self::Fragment => "fragment",
            Self::NotCarp => "not_carp",
            Self::BadTtl => "bad_ttl",
            Self::TooShort => "too_short",
            Self::BadVersion => "bad_version",
            Self::BadChecksum => "bad_checksum",
            Self::UnknownVhid => "unknown_vhid",
            Self::BadDestination => "bad_destination",
            Self::BadAuth => "bad_auth",
            Self::OwnEcho => "own_echo",
            Self::Stale => "stale",
            Self::Tampered => "tampered",
            Self::Unmarked => "unmarked",
        }
    }
}

/// One counter per [`Rejected`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rejections([u64; Rejected::ALL.len()]);

impl Rejections {
    /// Counts one more.
    pub(super) fn count(&mut self, rejected: Rejected) {
        if let Some(counter) = self.0.get_mut(rejected as usize) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How often `rejected` was counted.
    #[must_use]
    pub fn of(&self, rejected: Rejected) -> u64 {
        self.0.get(rejected as usize).copied().unwrap_or(0)
    }

    /// All of them with their names.
    pub fn iter(&self) -> impl Iterator<Item = (Rejected, u64)> + '_ {
        Rejected::ALL.into_iter().map(|rejected| (rejected, self.of(rejected)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_stable_in_form() {
        let codes: BTreeSet<_> = Rejected::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Rejected::ALL.len());
        assert!(codes.iter().all(|c| c.chars().all(|ch| ch.is_ascii_lowercase() || ch == '_')));
    }

    #[test]
    fn every_reason_has_its_own_counter() {
        let mut rejections = Rejections::default();
        for (times, rejected) in Rejected::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| rejections.count(rejected));
        }
        for (times, rejected) in Rejected::ALL.into_iter().enumerate() {
            assert_eq!(rejections.of(rejected), times as u64, "{}", rejected.code());
        }
    }
}
