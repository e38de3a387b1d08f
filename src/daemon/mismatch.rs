//! Which of the advertisements that do not authenticate are worth an explanation: of each source one a minute, and
//! of so many sources at most. Explaining costs dozens of HMACs, so it happens after the frames have been taken in,
//! and a flood of wrong advertisements must not multiply it.

use std::net::IpAddr;
use std::time::Duration;

use crate::protocol::Time;
use crate::protocol::wire::{self, Decoded};

/// How long a source is left alone after it was looked into.
const PAUSE: Duration = Duration::from_secs(60);
/// Sources looked into in that time.
const SOURCES: usize = 16;
/// Wrong advertisements of one drain that are looked at for a new source.
const LOOKS: usize = 8;

/// What was looked into, and what is to be.
#[derive(Debug, Default)]
pub(super) struct Mismatches {
    explained: Vec<(IpAddr, Time)>,
    /// Hardly any host ever has one.
    suspect: Option<Box<Decoded>>,
    looks: usize,
}

impl Mismatches {
    /// Takes note of a frame that does not authenticate.
    pub(super) fn note(&mut self, frame: &[u8], now: Time) {
        if self.suspect.is_some() || self.looks >= LOOKS {
            return;
        }
        self.looks += 1;
        self.explained.retain(|(_, when)| now.since(*when) < PAUSE);
        let known = |source| self.explained.iter().any(|(known, _)| *known == source);
        self.suspect = wire::decode(frame)
            .ok()
            .filter(|decoded| self.explained.len() < SOURCES && !known(decoded.source))
            .map(Box::new);
    }

    /// At the end of a drain: the advertisement to be explained, if there is one.
    pub(super) fn take(&mut self, now: Time) -> Option<Decoded> {
        self.looks = 0;
        let suspect = self.suspect.take()?;
        self.explained.push((suspect.source, now));
        Some(*suspect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::MacAddr;

    fn frame(last: u8) -> Vec<u8> {
        let decoded = Decoded { source: IpAddr::from([10, 0, 0, last]), ..wire::sample() };
        wire::encode(&decoded, MacAddr::BROADCAST, 1)
    }

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn noted(mismatches: &mut Mismatches, last: u8, now: Time) -> bool {
        mismatches.note(&frame(last), now);
        mismatches.take(now).is_some()
    }

    #[test]
    fn each_source_once_a_minute() {
        let mut mismatches = Mismatches::default();
        assert!(noted(&mut mismatches, 1, at(0)));
        assert!(!noted(&mut mismatches, 1, at(59)));
        assert!(noted(&mut mismatches, 2, at(59)));
        assert!(noted(&mut mismatches, 1, at(60)));
        assert!(!noted(&mut mismatches, 2, at(118)));
    }

    #[test]
    fn forged_sources_do_not_multiply_it() {
        let mut mismatches = Mismatches::default();
        let explained = (0..=255).filter(|last| noted(&mut mismatches, *last, at(1))).count();
        assert_eq!(explained, SOURCES);
    }

    #[test]
    fn a_flood_from_one_source_hides_another_only_behind_so_many_frames() {
        let mut mismatches = Mismatches::default();
        assert!(noted(&mut mismatches, 1, at(0)));
        (0..LOOKS - 1).for_each(|_| mismatches.note(&frame(1), at(1)));
        mismatches.note(&frame(2), at(1));
        assert_eq!(mismatches.take(at(1)).map(|decoded| decoded.source), Some(IpAddr::from([10, 0, 0, 2])));
        (0..LOOKS).for_each(|_| mismatches.note(&frame(1), at(1)));
        mismatches.note(&frame(3), at(1));
        assert_eq!(mismatches.take(at(1)), None);
    }
}
