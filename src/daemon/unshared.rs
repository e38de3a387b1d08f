//! An address that only the other side shares, looked for in the segment's ARP for some seconds.
//!
//! Whoever needs such an address asks for it, and who has it answers or announces it. Only an advertisement that
//! nothing else explains starts a search, once a minute at most. What is looked at is bounded in frames and in
//! addresses, each of which costs an HMAC, so that a busy or hostile segment costs no more than that.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::protocol::Time;
use crate::protocol::wire::{Decoded, arp};

/// Between the beginnings of two searches.
const PAUSE: Duration = Duration::from_secs(60);
/// ARP packets looked at in one search.
const PACKETS: usize = 512;
/// Addresses tried in one search.
const ADDRESSES: usize = 64;

/// The search, if one is under way.
#[derive(Debug, Default)]
pub(super) struct Unshared {
    search: Option<Box<Search>>,
    begun: Option<Time>,
}

#[derive(Debug)]
struct Search {
    suspect: Decoded,
    packets: usize,
    seen: Vec<Ipv4Addr>,
    tried: usize,
}

impl Unshared {
    /// Whether a search for what explains `suspect` begins.
    pub(super) fn begin(&mut self, suspect: Decoded, now: Time) -> bool {
        if self.begun.is_some_and(|begun| now.since(begun) < PAUSE) {
            return false;
        }
        self.begun = Some(now);
        self.search = Some(Box::new(Search { suspect, packets: 0, seen: Vec::new(), tried: 0 }));
        true
    }

    /// Whether a search is under way.
    pub(super) fn running(&self) -> bool {
        self.search.is_some()
    }

    /// Takes the frame in, if it is one for the search: then it is for nobody else.
    pub(super) fn note(&mut self, frame: &[u8]) -> bool {
        let Some(search) = &mut self.search else { return false };
        let Some(packet) = arp::Packet::parse(frame) else { return false };
        search.note(packet);
        true
    }

    /// Tries what was seen since the last time, and says whose list it completes. Ends the search when it has seen
    /// enough.
    pub(super) fn found(&mut self, fits: impl Fn(&Decoded, IpAddr) -> bool) -> Option<(Decoded, IpAddr)> {
        let search = self.search.as_mut()?;
        let fresh = search.seen.get(search.tried..).unwrap_or_default();
        let found = fresh.iter().map(|address| IpAddr::V4(*address)).find(|it| fits(&search.suspect, *it));
        let found = found.map(|address| (search.suspect, address));
        search.tried = search.seen.len();
        if found.is_some() || search.packets >= PACKETS || search.tried >= ADDRESSES {
            self.end();
        }
        found
    }

    /// Ends the search.
    pub(super) fn end(&mut self) {
        self.search = None;
    }
}

impl Search {
    fn note(&mut self, packet: arp::Packet) {
        self.packets += 1;
        // What is asked for may be shared; of those who ask, only the suspect and who has a virtual MAC may share.
        let virtual_mac =
            matches!(packet.mac.0, [0, 0, 0x5e, 0, 0 | 1, vhid] if vhid == self.suspect.header.vhid);
        let sender = Some(packet.sender).filter(|_| virtual_mac || packet.mac == self.suspect.mac);
        for address in sender.into_iter().chain([packet.target]) {
            let full = self.packets > PACKETS || self.seen.len() >= ADDRESSES;
            if !full && !address.is_unspecified() && !self.seen.contains(&address) {
                self.seen.push(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::MacAddr;
    use crate::protocol::wire;

    fn suspect() -> Decoded {
        Decoded { mac: MacAddr([2, 0, 0, 0, 0, 1]), ..wire::sample() }
    }

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn question(mac: [u8; 6], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let mut frame = arp::gratuitous(arp::Form::Request, MacAddr(mac), sender.into());
        frame.splice(38..42, target);
        frame
    }

    /// The addresses tried after these packets.
    fn tried(unshared: &mut Unshared, packets: &[Vec<u8>]) -> Vec<IpAddr> {
        packets.iter().for_each(|packet| assert!(unshared.note(packet)));
        let tried = std::cell::RefCell::new(Vec::new());
        let found = unshared.found(|_, address| {
            tried.borrow_mut().push(address);
            false
        });
        assert_eq!(found, None);
        tried.into_inner()
    }

    #[test]
    fn what_is_asked_for_and_what_a_suspect_says_is_tried_once() {
        let mut unshared = Unshared::default();
        assert!(!unshared.note(&question([2; 6], [10, 0, 0, 3], [10, 0, 0, 11])), "no search, no interest");
        assert!(unshared.begin(suspect(), at(1)));
        assert!(!unshared.note(&[0; 60]));
        let packets = [
            question([2; 6], [10, 0, 0, 3], [10, 0, 0, 11]),
            question([2; 6], [10, 0, 0, 4], [10, 0, 0, 11]),
            question([2; 6], [0; 4], [10, 0, 0, 12]),
            question([2, 0, 0, 0, 0, 1], [10, 0, 0, 13], [10, 0, 0, 3]),
            question([0, 0, 0x5e, 0, 1, 7], [10, 0, 0, 14], [10, 0, 0, 3]),
            question([0, 0, 0x5e, 0, 1, 8], [10, 0, 0, 15], [10, 0, 0, 3]),
        ];
        let expected = [11, 12, 13, 3, 14].map(|last| IpAddr::from([10, 0, 0, last]));
        assert_eq!(tried(&mut unshared, &packets), expected);
        assert_eq!(tried(&mut unshared, &packets), Vec::<IpAddr>::new());
        unshared.note(&question([2; 6], [10, 0, 0, 3], [10, 0, 0, 99]));
        let right = IpAddr::from([10, 0, 0, 99]);
        assert_eq!(unshared.found(|_, address| address == right), Some((suspect(), right)));
        assert!(!unshared.running());
    }

    #[test]
    fn once_a_minute_and_so_much_of_it() {
        let mut unshared = Unshared::default();
        assert!(unshared.begin(suspect(), at(1)));
        let many: Vec<_> = (0..=255).map(|last| question([2; 6], [10, 0, 0, 3], [10, 1, 0, last])).collect();
        assert_eq!(tried(&mut unshared, &many).len(), ADDRESSES);
        assert!(!unshared.running());
        assert!(!unshared.begin(suspect(), at(60)));
        assert!(unshared.begin(suspect(), at(61)));
        let same = vec![question([2; 6], [10, 0, 0, 3], [10, 0, 0, 4]); PACKETS];
        assert_eq!(tried(&mut unshared, &same).len(), 1);
        assert!(!unshared.running());
    }
}
