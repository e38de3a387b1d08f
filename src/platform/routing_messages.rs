//! What messages of a routing socket are about, on the three systems whose routing socket tells of everything.
//!
//! Pure: compiled and tested on every system for all three, by the figures of `layout`. Nothing read here is trusted to be
//! as long as it says.

use super::Changes;
use super::layout::Layout;

/// What messages of the routing socket are about.
pub(super) fn changes(layout: &Layout, messages: &[u8]) -> Changes {
    let mut changes = Changes::default();
    for kind in kinds(messages) {
        let lost = layout.lost_messages == Some(kind);
        changes.links |= lost || layout.link_messages.contains(&kind);
        changes.addresses |= lost || layout.address_messages.contains(&kind);
    }
    changes
}

/// The kinds of messages that follow each other. All of them begin alike on all four (net/route.h): a length of two
/// bytes, a version, the kind.
fn kinds(mut messages: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let [low, high, _version, kind, ..] = messages else { return None };
        // A length that leads nowhere ends it: at least the four bytes just read.
        let length = usize::from(u16::from_ne_bytes([*low, *high]));
        messages = messages.get(length..).filter(|_| length >= 4).unwrap_or_default();
        Some(*kind)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::layout::{FREEBSD, NETBSD, OPENBSD};
    use super::*;

    const ALL: [Layout; 3] = [OPENBSD, NETBSD, FREEBSD];

    fn message(length: u16, kind: u8, rest: usize) -> Vec<u8> {
        let [low, high] = length.to_ne_bytes();
        [&[low, high, 5, kind][..], &vec![0; rest]].concat()
    }

    #[test]
    fn messages_say_what_changed() {
        for layout in ALL {
            for kind in 0..=255 {
                let changes = changes(&layout, &message(152, kind, 148));
                let lost = layout.lost_messages == Some(kind);
                assert_eq!(changes.links, lost || layout.link_messages.contains(&kind));
                assert_eq!(changes.addresses, lost || layout.address_messages.contains(&kind));
            }
        }
        let both = [message(24, 12, 20), message(168, 14, 164)].concat();
        assert_eq!(changes(&FREEBSD, &both), Changes { links: true, addresses: true });
        // RTM_DESYNC: anything may have changed.
        assert_eq!(changes(&OPENBSD, &message(8, 16, 4)), Changes { links: true, addresses: true });
        // RTM_NEWADDR of old NetBSD means nothing there now.
        assert_eq!(changes(&NETBSD, &message(24, 12, 20)), Changes::default());
    }

    #[test]
    fn broken_messages_end_and_do_no_harm() {
        for length in [0, 1, 3, 4, 5, 0xffff] {
            let _ = changes(&FREEBSD, &message(length, 14, 60));
        }
        assert_eq!(changes(&FREEBSD, &[4, 0, 5]), Changes::default());
    }

    fn layouts() -> impl Strategy<Value = Layout> {
        select(ALL.to_vec())
    }

    /// Kinds and what follows the first four bytes, as long as in the messages of one system or of no system.
    fn sound_messages() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
        let rest = prop_oneof![
            select(vec![24_usize, 168, 32, 152, 20, 112]).prop_map(|length| length - 4),
            0..300_usize,
        ];
        let rest = rest.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
        let kind = prop_oneof![4 => 0..26_u8, 1 => any::<u8>()];
        prop::collection::vec((kind, rest), 0..6)
    }

    fn joined(messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let one = |(kind, rest): &(u8, Vec<u8>)| {
            let length = u16::try_from(4 + rest.len()).unwrap();
            [&length.to_ne_bytes()[..], &[5, *kind], rest].concat()
        };
        messages.iter().flat_map(one).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_are_too_strange(layout in layouts(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            // Each message takes four bytes or more, so there is an end to them.
            let most = bytes.len() / 4;
            prop_assert!(kinds(&bytes).take(most + 1).count() <= most);
            changes(&layout, &bytes);
        }

        #[test]
        fn each_message_is_read_where_it_begins(layout in layouts(), messages in sound_messages()) {
            let bytes = joined(&messages);
            let known: Vec<u8> = messages.iter().map(|(kind, _)| *kind).collect();
            prop_assert_eq!(kinds(&bytes).collect::<Vec<_>>(), known.clone());
            let told = |kinds: &[u8]| {
                known.iter().any(|kind| kinds.contains(kind) || layout.lost_messages == Some(*kind))
            };
            let expected =
                Changes { links: told(layout.link_messages), addresses: told(layout.address_messages) };
            prop_assert_eq!(changes(&layout, &bytes), expected);
        }

        // Among messages of no interest, which those of the other systems are here.
        #[test]
        fn a_message_among_others_is_found(
            layout in layouts(),
            around in [sound_messages(), sound_messages()],
            which: Index,
            length in 0..200_usize,
        ) {
            let known = [layout.link_messages, layout.address_messages].concat();
            let [mut messages, behind] = around;
            messages.push((known[which.index(known.len())], vec![0xff; length]));
            let (kind, at) = (messages[messages.len() - 1].0, messages.len() - 1);
            messages.extend(behind);
            for (index, other) in messages.iter_mut().enumerate() {
                if index != at && (known.contains(&other.0) || layout.lost_messages == Some(other.0)) {
                    other.0 = 0;
                }
            }
            let (links, addresses) =
                (layout.link_messages.contains(&kind), layout.address_messages.contains(&kind));
            prop_assert_eq!(changes(&layout, &joined(&messages)), Changes { links, addresses });
        }

        #[test]
        fn damage_hides_nothing_before_it(
            messages in sound_messages(),
            damage: Index,
            bit in prop::option::of(0..8_u8),
        ) {
            let mut bytes = joined(&messages);
            prop_assume!(!bytes.is_empty());
            let at = damage.index(bytes.len());
            match bit {
                Some(bit) => bytes[at] ^= 1 << bit,
                None => bytes.truncate(at),
            }
            let ends = messages.iter().scan(0, |end, (_, rest)| {
                *end += 4 + rest.len();
                Some(*end)
            });
            let sound = ends.take_while(|end| *end <= at).count();
            let most = bytes.len() / 4;
            let found: Vec<u8> = kinds(&bytes).take(most + 1).collect();
            prop_assert!(found.len() <= most);
            for (found, (kind, _)) in found.iter().zip(&messages).take(sound) {
                prop_assert_eq!(found, kind);
            }
            prop_assert!(found.len() >= sound);
        }
    }
}
