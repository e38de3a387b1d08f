//! Whether somebody else answers for the addresses of a master.
//!
//! Nobody else is asked for them by chance: neighbours ask once, and take the first answer. So a master asks itself, soon
//! after it became one, and then now and then. It asks as who has no address yet (RFC 5227, 2.1.1), because Linux does
//! not answer the announcement of an address that it has itself; the kernels that do are heard by that.
//!
//! Whoever gave way takes his addresses off in his own time, and a conflict is settled by advertisements. So no answer
//! counts soon after either, and who answers is asked once more. ARP proves nothing: this changes no role, and says one
//! thing an hour of an address, whatever is sent to us.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::deadlines::Deadlines;
use crate::protocol::{MacAddr, Time};

/// How long nobody is asked after this host became master or heard another one.
const SETTLING: Duration = Duration::from_secs(2);
/// How soon somebody is asked again who has answered.
const AGAIN: Duration = Duration::from_secs(2);
/// Between two questions that nobody answers.
const PERIOD: Duration = Duration::from_secs(300);
/// Between two lines about an address.
const HOUR: Duration = Duration::from_secs(3600);

/// What is known on an interface.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// For each of its hosts that is master.
    watches: HashMap<usize, Watch>,
    deadlines: Deadlines,
    /// What was said of whose address in the last hour, and when.
    said: Vec<(usize, Ipv4Addr, Time)>,
}

#[derive(Debug)]
struct Watch {
    /// No answer counts before.
    settled: Time,
    next: Time,
    suspects: Vec<Suspect>,
}

/// Has answered once. There is one at most for each address.
#[derive(Debug)]
struct Suspect {
    address: Ipv4Addr,
    mac: MacAddr,
    since: Time,
}

impl Strangers {
    /// This host became master, or is none any more.
    pub(super) fn reigns(&mut self, host: usize, is_master: bool, now: Time) {
        let settled = now + SETTLING;
        if is_master {
            self.watches.insert(host, Watch { settled, next: settled, suspects: Vec::new() });
        } else {
            self.watches.remove(&host);
        }
        self.deadlines.set(host, is_master.then_some(settled));
    }

    /// It heard another one that may be master.
    pub(super) fn stirred(&mut self, host: usize, now: Time) {
        let Some(watch) = self.watches.get_mut(&host) else { return };
        watch.settled = now + SETTLING;
        watch.suspects.clear();
        watch.next = watch.next.max(watch.settled);
        self.deadlines.set(host, Some(watch.next));
    }

    /// The hosts that have to ask for their addresses now.
    pub(super) fn due(&mut self, now: Time) -> Vec<usize> {
        let due = self.deadlines.due(now);
        for host in &due {
            if let Some(watch) = self.watches.get_mut(host) {
                watch.suspects.retain(|suspect| now.since(suspect.since) < 2 * AGAIN);
                watch.next = now + PERIOD;
                self.deadlines.set(*host, Some(watch.next));
            }
        }
        due
    }

    /// When the first of them has to.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadlines.first()
    }

    /// Somebody answers for an address of this host: whether that is to be said.
    pub(super) fn answered(&mut self, host: usize, address: Ipv4Addr, mac: MacAddr, now: Time) -> bool {
        let was_said = |said: &(usize, Ipv4Addr, Time)| (said.0, said.1) == (host, address);
        self.said.retain(|(_, _, at)| now.since(*at) < HOUR);
        let Some(watch) = self.watches.get_mut(&host).filter(|watch| watch.settled <= now) else {
            return false;
        };
        if self.said.iter().any(was_said) {
            return false;
        }
        match watch.suspects.iter().find(|suspect| suspect.address == address) {
            None => {
                watch.suspects.push(Suspect { address, mac, since: now });
                watch.next = watch.next.min(now + AGAIN);
                self.deadlines.set(host, Some(watch.next));
                false
            }
            Some(suspect) if suspect.mac == mac && now.since(suspect.since) >= AGAIN => {
                watch.suspects.retain(|suspect| suspect.address != address);
                self.said.push((host, address, now));
                true
            }
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);
    const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
    const SOMEBODY: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    /// Host 3 is master since the beginning of time, and has asked once.
    fn master() -> Strangers {
        let mut strangers = Strangers::default();
        strangers.reigns(3, true, at(0));
        assert_eq!((strangers.deadline(), strangers.due(at(1_999))), (Some(at(2_000)), vec![]));
        assert_eq!(strangers.due(at(2_000)), [3]);
        assert_eq!(strangers.deadline(), Some(at(302_000)));
        strangers
    }

    #[test]
    fn who_answers_twice_is_named_once_an_hour() {
        let mut strangers = master();
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(2_001)));
        assert_eq!(strangers.deadline(), Some(at(4_001)));
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(2_002)), "to the same question");
        assert_eq!(strangers.due(at(4_001)), [3]);
        assert!(strangers.answered(3, ADDRESS, SOMEBODY, at(4_002)));
        for ms in [4_003, 304_002, 3_604_001] {
            strangers.due(at(ms));
            assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(ms)), "{ms}");
        }
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(3_604_002)));
        assert!(strangers.answered(3, ADDRESS, SOMEBODY, at(3_606_002)));
        // Of another address nothing was said.
        strangers.answered(3, OTHER, SOMEBODY, at(3_606_002));
        assert!(strangers.answered(3, OTHER, SOMEBODY, at(3_608_002)));
    }

    #[test]
    fn who_is_about_to_give_way_is_nobody() {
        let mut strangers = Strangers::default();
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(0)), "nobody is master");
        strangers.reigns(3, true, at(0));
        for ms in [0, 100, 1_999] {
            assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(ms)));
        }
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(2_000)), "the first that counts");
        // Another master is heard for a while, and has the address a little longer.
        for ms in [2_500, 3_500] {
            strangers.stirred(3, at(ms));
        }
        assert_eq!(strangers.deadline(), Some(at(5_500)));
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(5_499)));
        assert_eq!(strangers.due(at(5_500)), [3]);
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(5_600)));
        strangers.reigns(3, false, at(6_000));
        assert_eq!(strangers.deadline(), None);
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(9_000)));
        strangers.stirred(3, at(9_000));
        assert_eq!(strangers.deadline(), None);
    }

    #[test]
    fn who_does_not_answer_again_is_forgotten() {
        let mut strangers = master();
        strangers.answered(3, ADDRESS, SOMEBODY, at(2_001));
        assert_eq!((strangers.due(at(4_001)), strangers.due(at(304_001))), (vec![3], vec![3]));
        assert!(!strangers.answered(3, ADDRESS, SOMEBODY, at(304_002)), "once in five minutes");
        assert_eq!(strangers.deadline(), Some(at(306_002)));
    }

    #[test]
    fn whatever_is_sent_takes_no_more_room_and_asks_no_more_often() {
        let mut strangers = master();
        for n in 0..10_000_u16 {
            let [high, low] = n.to_be_bytes();
            let mac = MacAddr([2, 0, 0, 0, high, low]);
            for address in [ADDRESS, OTHER] {
                assert!(!strangers.answered(3, address, mac, at(2_001 + u64::from(n) / 10)));
            }
        }
        assert_eq!(strangers.watches[&3].suspects.len(), 2);
        assert_eq!(strangers.deadline(), Some(at(4_001)));
    }
}
