//! Whether a master still has the addresses its up hook gave it.
//!
//! Only what was seen can be missed: a hook may keep an address elsewhere, on the loopback interface or in a packet
//! filter, and then nothing is ever said. What is missing is told once, and the up hook run for it at most once a
//! minute, because whoever takes the address away may go on doing so. An address that the system does not use, because
//! it found another host with it, is there and is missing all the same: nobody gets an answer from it.
//!
//! Where addresses are managed, what is missing is put back by `keeping`, whatever is configured for hooks.

use std::time::Duration;

use super::{Hooks, OnLostAddress, Presence, Time};

/// Between two runs of the up hook for lost addresses.
const LIMIT: Duration = Duration::from_secs(60);

/// What a look at the addresses told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Lost {
        cured: bool,
    },
    Taken {
        cured: bool,
    },
    Pending,
    /// What was [`Change::Pending`] can be used.
    Ready,
    Back,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Watch {
    cures: bool,
    known: Option<Presence>,
    state: State,
    /// When the up hook was last run for a lost address.
    cured: Option<Time>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The addresses were not all seen since the up hook did its work.
    Unseen,
    /// They became others, and were not all seen since.
    Renewed,
    /// They were all seen, but one cannot be used yet.
    Pending,
    Seen,
    /// One is missing, and when the up hook is to run for it.
    Missing {
        cure: Option<Time>,
    },
}

impl Watch {
    pub(super) fn new(hooks: Hooks) -> Self {
        Self { cures: cures(hooks), known: None, state: State::Unseen, cured: None }
    }

    /// What is missing is, or is no longer, cured from now on.
    pub(super) fn reconfigure(&mut self, hooks: Hooks) {
        self.cures = cures(hooks);
        if let State::Missing { cure } = &mut self.state {
            *cure = cure.filter(|_| self.cures);
        }
    }

    /// Other addresses are shared from now on: of those nobody has been told yet.
    pub(super) fn renew(&mut self) {
        self.known = None;
        if self.state != State::Unseen {
            self.state = State::Renewed;
        }
    }

    /// So many are on the interface, whatever that means now. Nothing: a hook ended, so that what was known may have
    /// changed, and what became of them could not be found out.
    pub(super) fn note(&mut self, addresses: Option<Presence>) {
        self.known = addresses;
    }

    /// They have been put there: from now on they are missed.
    pub(super) fn expect(&mut self) {
        if self.state == State::Unseen && self.known != Some(Presence::Pending) {
            self.state = State::Seen;
        }
    }

    /// The addresses are not ours any more.
    pub(super) fn end(&mut self) {
        self.state = State::Unseen;
    }

    /// A master whose up hook has done its work looks at its addresses. While its link is away nothing is missed: what
    /// went with the link may come back with it.
    pub(super) fn look(&mut self, link: bool, now: Time) -> Option<Change> {
        match (self.state, self.known?) {
            (State::Unseen, Presence::All) => self.state = State::Seen,
            (State::Unseen | State::Renewed, Presence::Pending) => {
                self.state = State::Pending;
                return Some(Change::Pending);
            }
            (State::Renewed | State::Pending, Presence::All) => {
                self.state = State::Seen;
                return Some(Change::Ready);
            }
            (State::Missing { .. }, Presence::All) => {
                self.state = State::Seen;
                return Some(Change::Back);
            }
            (State::Unseen | State::Renewed | State::Pending | State::Seen, Presence::Taken) if link => {
                self.state = State::Missing { cure: self.next_cure(now) };
                return Some(Change::Taken { cured: self.cures });
            }
            (State::Pending | State::Seen, Presence::Some | Presence::None) if link => {
                self.state = State::Missing { cure: self.next_cure(now) };
                return Some(Change::Lost { cured: self.cures });
            }
            (State::Missing { cure: None }, Presence::Some | Presence::None | Presence::Taken) => {
                self.state = State::Missing { cure: self.next_cure(now) };
            }
            (_, Presence::Some | Presence::None | Presence::Taken | Presence::Pending)
            | (State::Seen, Presence::All) => {}
        }
        None
    }

    /// Whether the up hook is to run now for what is missing. Says so once.
    pub(super) fn cure(&mut self, now: Time) -> bool {
        let due = self.deadline().is_some_and(|due| due <= now);
        if due {
            self.state = State::Missing { cure: None };
            self.cured = Some(now);
        }
        due
    }

    pub(super) fn missing(&self) -> bool {
        matches!(self.state, State::Missing { .. })
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Missing { cure } => cure,
            State::Unseen | State::Renewed | State::Pending | State::Seen => None,
        }
    }

    fn next_cure(&self, now: Time) -> Option<Time> {
        self.cures.then(|| self.cured.map_or(now, |cured| now.max(cured + LIMIT)))
    }
}

fn cures(hooks: Hooks) -> bool {
    hooks.up && !hooks.manages && hooks.on_lost_address == OnLostAddress::Hook
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn watch(on_lost_address: OnLostAddress) -> Watch {
        Watch::new(Hooks { up: true, down: true, on_lost_address, ..Hooks::default() })
    }

    fn look(watch: &mut Watch, addresses: Presence, now: Time) -> Option<Change> {
        watch.note(Some(addresses));
        watch.look(true, now)
    }

    #[test]
    fn what_was_never_seen_is_not_missed() {
        let mut watch = watch(OnLostAddress::Hook);
        assert_eq!(watch.look(true, at(0)), None);
        for addresses in [Presence::None, Presence::Some, Presence::None] {
            assert_eq!(look(&mut watch, addresses, at(0)), None);
        }
        assert_eq!(look(&mut watch, Presence::All, at(1)), None);
        assert_eq!(look(&mut watch, Presence::Some, at(2)), Some(Change::Lost { cured: true }));
        assert_eq!(look(&mut watch, Presence::None, at(3)), None, "once");
    }

    #[test]
    fn without_a_link_nothing_is_missed() {
        let mut watch = watch(OnLostAddress::Hook);
        watch.note(Some(Presence::All));
        assert_eq!(watch.look(false, at(0)), None);
        watch.note(Some(Presence::Some));
        assert_eq!(watch.look(false, at(1)), None);
        assert_eq!(watch.look(true, at(2)), Some(Change::Lost { cured: true }));
    }

    #[test]
    fn what_another_host_has_is_missing_though_it_is_there() {
        let mut watch = watch(OnLostAddress::Hook);
        assert_eq!(look(&mut watch, Presence::Taken, at(0)), Some(Change::Taken { cured: true }), "at once");
        assert!(watch.missing() && watch.cure(at(0)));
        // The hook added it anew, and the search begins again.
        assert_eq!(look(&mut watch, Presence::Pending, at(1)), None);
        assert_eq!(look(&mut watch, Presence::Taken, at(2)), None, "once");
        assert_eq!(watch.deadline(), Some(at(60)));
        assert_eq!(look(&mut watch, Presence::All, at(3)), Some(Change::Back));
        assert_eq!(look(&mut watch, Presence::Taken, at(70)), Some(Change::Taken { cured: true }));
    }

    #[test]
    fn what_is_still_searched_for_is_told_once_and_then_watched() {
        let mut watch = watch(OnLostAddress::Hook);
        assert_eq!(look(&mut watch, Presence::Pending, at(0)), Some(Change::Pending));
        assert_eq!(look(&mut watch, Presence::Pending, at(1)), None);
        assert!(!watch.missing());
        assert_eq!(look(&mut watch, Presence::All, at(2)), Some(Change::Ready));
        // As when the link was away for a moment: nothing was lost.
        assert_eq!(look(&mut watch, Presence::Pending, at(3)), None);
        assert_eq!(look(&mut watch, Presence::All, at(4)), None);
        watch.end();
        assert_eq!(look(&mut watch, Presence::Pending, at(5)), Some(Change::Pending));
        assert_eq!(look(&mut watch, Presence::None, at(6)), Some(Change::Lost { cured: true }));
    }

    #[test]
    fn the_up_hook_runs_once_a_minute_at_most() {
        let mut watch = watch(OnLostAddress::Hook);
        look(&mut watch, Presence::All, at(0));
        look(&mut watch, Presence::None, at(10));
        assert_eq!(watch.deadline(), Some(at(10)));
        assert!(watch.cure(at(10)) && !watch.cure(at(10)));
        assert_eq!(look(&mut watch, Presence::All, at(11)), Some(Change::Back));
        assert_eq!(look(&mut watch, Presence::None, at(12)), Some(Change::Lost { cured: true }));
        assert!(!watch.cure(at(69)) && watch.cure(at(70)));
        // The hook brought nothing back.
        assert_eq!(look(&mut watch, Presence::None, at(71)), None);
        assert_eq!(watch.deadline(), Some(at(130)));
        assert_eq!(look(&mut watch, Presence::All, at(80)), Some(Change::Back));
        assert_eq!(watch.deadline(), None);
    }

    #[test]
    fn a_warning_cures_nothing() {
        let mut watch = watch(OnLostAddress::Warn);
        look(&mut watch, Presence::All, at(0));
        assert_eq!(look(&mut watch, Presence::None, at(1)), Some(Change::Lost { cured: false }));
        assert!(watch.missing() && watch.deadline().is_none() && !watch.cure(at(100)));
        watch.end();
        assert!(!watch.missing());
    }
}
