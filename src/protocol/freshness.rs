//! What an advertisement of our own kind is worth by its age: a recording proves nothing (register, row 25).
//!
//! All of ours run on one clock, H: the newest T that any of them sent or accepted, which runs on with the monotonic clock.
//! The time of day only starts it. No clock has to be right and nothing is kept over restarts: who fell behind is sent one
//! advertisement, learns H from it, and is fresh with its next word. A recording cannot answer.
//!
//! Who was heard in this life is judged by its own last T; whoever lies far behind H has to prove that it lives. What that
//! means for the role is decided in [`VirtualHost`](super::VirtualHost), and by the operator ([`Replay`]).

use std::net::IpAddr;
use std::time::Duration;

use super::auth::mark::{Fields, Stamp};
use super::{Advertisement, Interval, MacAddr, Replay, Time};

/// More hosts than ever shared an address. Only genuine names get in here, since F covers the source.
const CAPACITY: usize = 64;
/// The time of day counts no further ahead of H than this, and H does not jump further without a word.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A T lasts a quarter of a second at its sender, and as long on the way and in our queue.
const SAME: Duration = Duration::from_millis(500);
/// For so long after a late wake-up frames are heard that waited as long as we slept.
const QUEUED: Duration = Duration::from_secs(1);
/// One that is refused or suspect is answered, and the operator told of it, at most this often.
const ANSWER_EVERY: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(60 * 60);
/// So many different advertisements of ours have to come back from another hardware address.
const REFLECTIONS: u8 = 3;

/// Whose source address an advertisement comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// Ours.
    Own,
    /// Another host's.
    Others,
    /// 0.0.0.0 or a virtual address: several may send from it.
    Anybodys,
}

/// What T says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Age {
    Fresh,
    /// Further behind H than a living one of ours that hears us.
    Suspect {
        behind: Duration,
    },
    /// Its sender has sent newer ones.
    Stale,
    /// Its sender sent this T with other contents.
    Altered,
    /// We sent it ourselves.
    Reflected,
}

/// What else belongs to a T.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Contents {
    pub(super) words: u32,
    pub(super) interval: Interval,
    pub(super) demotion: u8,
}

/// A source address that proved to be of our kind, ours included.
#[derive(Clone, Debug)]
struct Sender {
    source: IpAddr,
    mac: MacAddr,
    own: bool,
    last: Stamp,
    /// When that was first heard.
    first: Time,
    /// All that was sent with it.
    sent: (u64, Fields),
    heard: Time,
    /// Since when it lies too far behind.
    suspect: Option<Time>,
    told: Option<Time>,
    /// When it was last answered at the hardware address it proved itself from, and at another.
    answered: [Option<Time>; 2],
}

/// What is remembered.
#[derive(Debug)]
pub(super) struct Freshness {
    replay: Replay,
    /// H, when it was that.
    latest: Option<(Stamp, Time)>,
    wall: Option<(Stamp, Time)>,
    /// H or the time of day at our start: what we sent in an earlier life is older.
    started: Option<Stamp>,
    /// The newest of others.
    heard: Option<Stamp>,
    sent: Option<(Stamp, Contents)>,
    senders: Vec<Sender>,
    late: Option<(Time, Duration)>,
    reflected: (Option<Stamp>, u8),
}

/// What came of noting an advertisement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Noted {
    /// H jumped ahead by more than a day.
    pub(super) jumped: Option<Duration>,
    /// The operator was told that it may be a recording, and it is none.
    pub(super) proven: bool,
}

impl Freshness {
    pub(super) fn new(replay: Replay) -> Self {
        Self {
            replay,
            latest: None,
            wall: None,
            started: None,
            heard: None,
            sent: None,
            senders: Vec::with_capacity(CAPACITY),
            late: None,
            reflected: (None, 0),
        }
    }

    pub(super) fn start(&mut self, now: Time) {
        self.started = self.current(now);
    }

    pub(super) fn wall(&mut self, since_epoch: Duration, now: Time) {
        self.wall = Some((Stamp::of_wall(since_epoch), now));
    }

    /// What is heard now may have waited for so long.
    pub(super) fn late(&mut self, by: Duration, now: Time) {
        self.late = Some((now, by));
    }

    /// H; the time of day as long as nothing was sent or accepted.
    fn current(&self, now: Time) -> Option<Stamp> {
        self.latest.or(self.wall).map(|(stamp, at)| stamp.plus(now.since(at)))
    }

    /// How far an advertisement lies behind H.
    pub(super) fn behind(&self, stamp: Stamp, now: Time) -> Duration {
        self.current(now).map_or(Duration::ZERO, |current| current.ahead_of(stamp))
    }

    /// The T of what is sent now. One that another host was heard with is passed over, and so is one that we sent with other
    /// contents: the genuine advertisement is always the first with its T.
    pub(super) fn stamp(&mut self, contents: Contents, now: Time) -> Stamp {
        let wall = self.wall.map(|(stamp, at)| stamp.plus(now.since(at)));
        let mut stamp = match (self.current(now), wall) {
            (Some(current), Some(wall)) if wall.ahead_of(current) <= DAY => current.newest(wall),
            (Some(current), _) => current,
            (None, _) => Stamp::of_wall(Duration::ZERO),
        };
        if let Some((last, _)) = self.sent {
            stamp = stamp.newest(last);
        }
        if self.heard == Some(stamp) || self.sent.is_some_and(|(last, of)| last == stamp && of != contents) {
            stamp = stamp.next();
        }
        self.advance(stamp, now);
        self.sent = Some((stamp, contents));
        stamp
    }

    /// Notes what we sent from one of our addresses.
    pub(super) fn sent(&mut self, counter: u64, fields: Fields, mac: MacAddr, now: Time) {
        let sender = self.meet(fields.source, mac, now);
        (sender.own, sender.heard) = (true, now);
        (sender.last, sender.first, sender.sent) = (Stamp::of(counter), now, (counter, fields));
    }

    /// What the age of an advertisement means; `patience` is how far it may lie behind.
    pub(super) fn judge(&self, ad: &Advertisement, whose: Whose, patience: Duration, now: Time) -> Age {
        let (stamp, known) = (ad.stamp(), self.senders.iter().find(|known| known.source == ad.source()));
        match (whose, known) {
            (Whose::Own, known) => match known.map(|known| known.last).or(self.started) {
                Some(last) if last == stamp && known.is_some() => return Age::Reflected,
                Some(last) if last != stamp && !stamp.is_newer_than(last) => return Age::Stale,
                Some(_) | None => {}
            },
            (Whose::Others, Some(known)) if known.last == stamp => {
                if known.own {
                    // An address that was ours.
                    return Age::Reflected;
                }
                if known.sent != (ad.counter(), ad.fields()) {
                    return Age::Altered;
                }
                if self.replay != Replay::Off && now.since(known.first) > SAME {
                    return Age::Stale;
                }
            }
            (Whose::Others, Some(known)) if known.own || self.replay != Replay::Off => {
                if !stamp.is_newer_than(known.last) {
                    return Age::Stale;
                }
            }
            (Whose::Others | Whose::Anybodys, _) => {}
        }
        let queued =
            self.late.filter(|(woken, _)| now.since(*woken) <= QUEUED).map_or(Duration::ZERO, |late| late.1);
        match self.behind(stamp, now) {
            _ if self.replay == Replay::Off => Age::Fresh,
            behind if behind <= patience + queued => Age::Fresh,
            // Of whom one cannot tell whether it has proved itself.
            _ if whose == Whose::Anybodys => Age::Stale,
            behind => Age::Suspect { behind },
        }
    }

    /// Notes one that is as it was sent, and whether it is suspect.
    pub(super) fn note(&mut self, ad: &Advertisement, whose: Whose, suspect: bool, now: Time) -> Noted {
        let (stamp, current) = (ad.stamp(), self.current(now));
        let sender = self.meet(ad.source(), ad.mac(), now);
        if sender.last != stamp || sender.sent.0 == 0 {
            (sender.last, sender.first, sender.sent) = (stamp, now, (ad.counter(), ad.fields()));
        }
        sender.heard = now;
        sender.own &= whose == Whose::Own;
        if suspect {
            sender.suspect.get_or_insert(now);
            return Noted::default();
        }
        sender.mac = ad.mac();
        let proven = sender.suspect.take().is_some() && sender.told.take().is_some();
        self.heard = Some(self.heard.map_or(stamp, |heard| heard.newest(stamp)));
        self.advance(stamp, now);
        let jumped = current.map(|current| stamp.ahead_of(current)).filter(|ahead| *ahead > DAY);
        Noted { jumped, proven }
    }

    /// Since when a sender has been suspect.
    pub(super) fn suspect_since(&self, source: IpAddr) -> Option<Time> {
        self.senders.iter().find(|known| known.source == source)?.suspect
    }

    /// Whether to tell the operator of a suspect.
    pub(super) fn tells(&mut self, source: IpAddr, now: Time) -> bool {
        let Some(sender) = self.senders.iter_mut().find(|known| known.source == source) else { return false };
        let tells = sender.told.is_none_or(|told| now.since(told) >= TELL_EVERY);
        if tells {
            sender.told = Some(now);
        }
        tells
    }

    /// Whether its sender is owed an answer. Whoever sends recordings from elsewhere does not use up the answers to
    /// the hardware address that was proven.
    pub(super) fn answers(&mut self, ad: &Advertisement, now: Time) -> bool {
        let sender = self.meet(ad.source(), ad.mac(), now);
        let elsewhere = usize::from(sender.mac != ad.mac());
        let Some(answered) = sender.answered.get_mut(elsewhere).filter(|_| !sender.own) else { return false };
        let answers = answered.is_none_or(|answered| now.since(answered) >= ANSWER_EVERY);
        if answers {
            *answered = Some(now);
        }
        answers
    }

    /// Counts one of our own that came back from another hardware address; whether that has gone on for long enough to be
    /// no accident. Two hosts with one address that also keep step would each be the other's reflection for ever: of them,
    /// that with the lower hardware address goes a step ahead.
    pub(super) fn reflects(&mut self, stamp: Stamp, from: MacAddr, own: MacAddr, now: Time) -> bool {
        if own < from {
            // Of the quarter that runs, it may be the end.
            self.advance(stamp.next().next(), now);
        }
        let (last, count) = &mut self.reflected;
        if last.replace(stamp) != Some(stamp) {
            *count = count.saturating_add(1);
        }
        *count >= REFLECTIONS
    }

    fn advance(&mut self, stamp: Stamp, now: Time) {
        let latest = self.latest.or(self.wall);
        self.latest = match latest {
            Some((last, at)) if !stamp.is_newer_than(last.plus(now.since(at))) => Some((last, at)),
            Some(_) | None => Some((stamp, now)),
        };
    }

    /// The place of a sender, the one that was silent for longest making room for a new one.
    fn meet(&mut self, source: IpAddr, mac: MacAddr, now: Time) -> &mut Sender {
        let place = match self.senders.iter().position(|known| known.source == source) {
            Some(place) => place,
            None => {
                let nothing = Fields { source, interval: Interval::BOW_OUT, demotion: 0 };
                let sender = Sender {
                    source,
                    mac,
                    own: false,
                    last: Stamp::of(0),
                    first: now,
                    sent: (0, nothing),
                    heard: now,
                    suspect: None,
                    told: None,
                    answered: [None; 2],
                };
                if self.senders.len() < CAPACITY {
                    self.senders.push(sender);
                    self.senders.len() - 1
                } else {
                    let silent = self.senders.iter().enumerate().filter(|(_, known)| !known.own);
                    let place = silent.min_by_key(|(_, known)| known.heard).map_or(0, |(place, _)| place);
                    self.senders[place] = sender;
                    place
                }
            }
        };
        &mut self.senders[place]
    }
}
