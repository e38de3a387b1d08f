//! What macOS' kernel says on a socket of PF_SYSTEM, SYSPROTO_EVENT: carriers, hardware addresses, interfaces that come
//! and go, and addresses. Its routing socket tells only of flags and addresses.
//!
//! Pure: compiled and tested on every system. Figures are those of bsd/sys/kern_event.h and bsd/net/net_kev.h of XNU
//! 11417, compiled for both processors; neither is in every SDK. A record comes with one read, whole.

use super::Changes;

/// sys/kern_event.h: SIOCSKEVFILT, which takes a kev_request.
pub(super) const SET_FILTER: u64 = 0x800c_6502;
/// sys/kern_event.h, struct kev_request: vendor Apple, class network, every subclass.
pub(super) const NETWORK: [u32; 3] = [1, 1, 0];
/// sys/kern_event.h, struct kern_event_msg: size, vendor, class, subclass, number, code; then what depends on these.
const HEADER: usize = 24;
/// bsd/sys/mbuf.h: no record is longer than one mbuf (`kev_post_msg_internal` of kern/kern_event.c).
pub(super) const LONGEST: usize = 256;
/// sys/kern_event.h: KEV_RECVSPACE, what waits to be read at most. What does not fit is dropped without a word
/// (`kev_post_msg_internal`), and the numbers of records tell nothing: they count those of other classes too.
const ROOM: usize = 32 * 1024;

// net/net_kev.h: subclasses and their codes.
const INET: u32 = 1;
const DATA_LINK: u32 = 2;
const INET6: u32 = 6;
const ND6: u32 = 7;
/// KEV_DL_SIFFLAGS, IF_ATTACHED, IF_DETACHING, IF_DETACHED, LINK_OFF, LINK_ON, LINK_ADDRESS_CHANGED.
const LINKS: [u32; 7] = [1, 9, 10, 11, 12, 13, 16];
/// KEV_INET_NEW_ADDR, CHANGED_ADDR, ADDR_DELETED.
const V4_ADDRESSES: [u32; 3] = [1, 2, 3];
/// KEV_INET6_NEW_USER_ADDR (after the search for duplicates, whatever it found: `nd6_dad_timer` and `nd6_dad_duplicated`
/// of netinet6/nd6_nbr.c), CHANGED_ADDR, ADDR_DELETED, NEW_LL_ADDR, NEW_RTADV_ADDR.
const V6_ADDRESSES: [u32; 5] = [1, 2, 3, 4, 5];
/// KEV_ND6_DAD_FAILURE, DAD_SUCCESS, ADDR_DETACHED, ADDR_DEPRECATED, ADDR_EXPIRED.
const V6_STATES: [u32; 5] = [4, 5, 6, 7, 8];

/// What was read since the socket was last empty.
#[derive(Debug, Default)]
pub(super) struct Heard {
    changes: Changes,
    bytes: usize,
}

impl Heard {
    /// Takes in a record.
    pub(super) fn take(&mut self, record: &[u8]) {
        let new = changes(record);
        self.changes.links |= new.links;
        self.changes.addresses |= new.addresses;
        self.bytes = self.bytes.saturating_add(record.len());
    }

    /// What it was about. If there was so much that a record may not have fitted, anything may have changed.
    pub(super) const fn changes(&self) -> Changes {
        if self.bytes + LONGEST > ROOM { Changes { links: true, addresses: true } } else { self.changes }
    }
}

/// What a record is about. One that is not whole could have been about anything.
fn changes(record: &[u8]) -> Changes {
    let word = |number: usize| {
        record.get(4 * number..).and_then(|rest| rest.first_chunk()).map(|word| u32::from_ne_bytes(*word))
    };
    let (Some(size), Some(subclass), Some(code)) = (word(0), word(3), word(5)) else {
        return Changes { links: true, addresses: true };
    };
    if usize::try_from(size).is_ok_and(|size| size > record.len().max(HEADER)) {
        return Changes { links: true, addresses: true };
    }
    let links = subclass == DATA_LINK && LINKS.contains(&code);
    let addresses = match subclass {
        INET => V4_ADDRESSES.contains(&code),
        INET6 => V6_ADDRESSES.contains(&code),
        ND6 => V6_STATES.contains(&code),
        _ => false,
    };
    Changes { links, addresses }
}

// sys/ioccom.h: _IOW('e', 2, struct kev_request).
const _: () =
    assert!(SET_FILTER == 0x8 << 28 | (size_of_val(&NETWORK) as u64) << 16 | (b'e' as u64) << 8 | 2);
const _: () = assert!(HEADER == 6 * size_of::<u32>() && HEADER < LONGEST);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOTHING: Changes = Changes { links: false, addresses: false };
    const LINK: Changes = Changes { links: true, addresses: false };
    const ADDRESS: Changes = Changes { links: false, addresses: true };
    const ANYTHING: Changes = Changes { links: true, addresses: true };

    /// A record as the kernel puts it together for an interface: struct net_event_data (family, unit, name) and more.
    fn record(subclass: u32, code: u32, more: usize) -> Vec<u8> {
        let size = u32::try_from(HEADER + 24 + more).unwrap();
        let mut record: Vec<u8> = [size, 1, 1, subclass, 7, code, 2, 0].map(u32::to_ne_bytes).concat();
        record.extend(b"en\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        record.resize(record.len() + more, 0);
        record
    }

    // Written out once, so that the other tests rest on something: KEV_DL_LINK_OFF of en0.
    #[cfg(target_endian = "little")]
    #[test]
    fn bytes_of_a_lost_carrier() {
        let bytes = [
            [48, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
            [7, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
            [b'e', b'n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(record(DATA_LINK, 12, 0), bytes.concat());
        assert_eq!(changes(&bytes.concat()), LINK);
    }

    #[test]
    fn records_say_what_changed() {
        for (subclass, code, more, expected) in [
            // Up or down; attached, going, gone; carrier lost, back; another hardware address.
            (2, 1, 0, LINK),
            (2, 9, 0, LINK),
            (2, 10, 0, LINK),
            (2, 11, 0, LINK),
            (2, 12, 0, LINK),
            (2, 13, 0, LINK),
            (2, 16, 0, LINK),
            // MTU, a group, a protocol attached, the quality of a radio link.
            (2, 3, 0, NOTHING),
            (2, 7, 0, NOTHING),
            (2, 14, 8, NOTHING),
            (2, 20, 4, NOTHING),
            // struct kev_in_data: an address added, changed, removed; a foreign ARP packet with ours.
            (1, 1, 28, ADDRESS),
            (1, 2, 28, ADDRESS),
            (1, 3, 28, ADDRESS),
            (1, 7, 11, NOTHING),
            // struct kev_in6_data, struct kev_nd6_event.
            (6, 1, 156, ADDRESS),
            (6, 3, 156, ADDRESS),
            (6, 5, 156, ADDRESS),
            (6, 6, 156, NOTHING),
            (7, 4, 20, ADDRESS),
            (7, 7, 20, ADDRESS),
            (7, 1, 100, NOTHING),
            // A socket closed.
            (4, 1, 0, NOTHING),
        ] {
            assert_eq!(changes(&record(subclass, code, more)), expected, "{subclass} {code}");
        }
    }

    #[test]
    fn a_record_cut_off_hides_nothing() {
        let whole = record(DATA_LINK, 3, 0);
        for end in 0..whole.len() {
            assert_eq!(changes(whole.get(..end).unwrap()), ANYTHING, "{end}");
        }
        assert_eq!(changes(&whole), NOTHING);
    }

    #[test]
    fn a_full_socket_hides_nothing() {
        let dull = record(DATA_LINK, 7, 0);
        let mut heard = Heard::default();
        let fit = (ROOM - LONGEST) / dull.len();
        for _ in 0..fit {
            heard.take(&dull);
            assert_eq!(heard.changes(), NOTHING);
        }
        heard.take(&dull);
        assert_eq!(heard.changes(), ANYTHING);
    }

    #[test]
    fn what_was_heard_adds_up() {
        let mut heard = Heard::default();
        heard.take(&record(DATA_LINK, 3, 0));
        assert_eq!(heard.changes(), NOTHING);
        heard.take(&record(INET, 1, 28));
        assert_eq!(heard.changes(), ADDRESS);
        heard.take(&record(DATA_LINK, 13, 0));
        assert_eq!(heard.changes(), ANYTHING);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let found = changes(&bytes);
            prop_assert!(bytes.len() >= HEADER || found == ANYTHING);
        }
    }
}
