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
/// The beginning of 2026, before which nothing was sent. A host whose clock was never set, or stands still while it is off,
/// begins here and not with the epoch: T is ordered only among clocks less than 4.25 years apart.
const WRITTEN: Duration = Duration::from_secs(1_767_225_600);
/// The time of day counts no further ahead of H than this, and H does not jump further without a word.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A T lasts a quarter of a second at its sender, and as long on the way and in our queue.
const SAME: Duration = Duration::from_millis(500);
/// The last quarter of a second that has begun.
const ROUNDING: Duration = Duration::from_millis(250);
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
    /// Fresh, and the very same was accepted before.
    Again,
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
    /// It goes to one host alone, who may alter it before others hear of it.
    pub(super) to_one: bool,
    pub(super) words: u32,
    pub(super) interval: Interval,
    pub(super) demotion: u8,
    /// Of another key it is another counter.
    pub(super) form: u32,
    /// Another number for something else behind it.
    pub(super) tail: u32,
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
    /// The last that was heard of another and not older than H.
    heard: Option<Stamp>,
    sent: Option<(Stamp, Contents)>,
    /// Grows with whoever is met, by one, to its bound: most hosts meet one, and there may be thousands in a process.
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
            senders: Vec::new(),
            late: None,
            reflected: (None, 0),
        }
    }

    /// This is thought of recordings from now on.
    pub(super) fn reconfigure(&mut self, replay: Replay) {
        self.replay = replay;
    }

    pub(super) fn start(&mut self, now: Time) {
        self.started = self.current(now);
    }

    pub(super) fn wall(&mut self, since_epoch: Duration, now: Time) {
        self.wall = (since_epoch >= WRITTEN).then(|| (Stamp::of_wall(since_epoch), now));
    }

    /// What is heard now may have waited for so long.
    pub(super) fn late(&mut self, by: Duration, now: Time) {
        self.late = Some((now, by));
    }

    /// H; the time of day as long as nothing was sent or accepted.
    pub(super) fn current(&self, now: Time) -> Option<Stamp> {
        self.latest.or(self.wall).map(|(stamp, at)| stamp.plus(now.since(at)))
    }

    /// How far H lies ahead of the time of day.
    pub(super) fn ahead_of_wall(&self, now: Time) -> Duration {
        let wall = self.wall.map(|(stamp, at)| stamp.plus(now.since(at)));
        self.current(now).zip(wall).map_or(Duration::ZERO, |(current, wall)| current.ahead_of(wall))
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
            (Some(current), Some(wall)) if wall.ahead_of(current) <= DAY => {
                if wall.ahead_of(current) > ANSWER_EVERY {
                    // Our clock was set: whoever was answered lately was told another time.
                    self.senders.iter_mut().for_each(|sender| sender.answered = [None; 2]);
                }
                current.newest(wall)
            }
            (Some(current), _) => current,
            (None, _) => Stamp::of_wall(WRITTEN),
        };
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
        let (stamp, current) = (ad.stamp(), self.current(now));
        // H is never behind what it was made of, unless clocks were so far apart that it went round.
        let in_order = |last: Stamp| current.is_none_or(|current| last.ahead_of(current) <= ROUNDING);
        let newest = current.is_some_and(|current| stamp.is_newer_than(current));
        let known = self.senders.iter().find(|known| known.source == ad.source());
        let known = known.filter(|known| in_order(known.last) && !newest);
        match (whose, known) {
            (Whose::Own, known) => {
                match known.map(|known| known.last).or(self.started.filter(|at| in_order(*at))) {
                    Some(last) if last == stamp && known.is_some() => return Age::Reflected,
                    Some(last) if last != stamp && !stamp.is_newer_than(last) => return Age::Stale,
                    Some(_) | None => {}
                }
            }
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
            behind if behind <= patience + queued || self.replay == Replay::Off => {
                let again = whose == Whose::Others && known.is_some_and(|known| known.last == stamp);
                if again { Age::Again } else { Age::Fresh }
            }
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
        if !current.is_some_and(|current| current.is_newer_than(stamp)) {
            self.heard = Some(stamp);
        }
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
        let sender = self.senders.iter_mut().find(|known| known.source == source);
        sender.is_some_and(|sender| now.repeats(&mut sender.told, TELL_EVERY))
    }

    /// Whether its sender may be answered now. Whoever sends recordings from elsewhere does not use up the answers to
    /// the hardware address that was proven.
    pub(super) fn owes_answer(&self, ad: &Advertisement, now: Time) -> bool {
        self.senders.iter().find(|known| known.source == ad.source()).is_none_or(|sender| {
            let answered = sender.answered.get(usize::from(sender.mac != ad.mac())).copied().flatten();
            !sender.own && answered.is_none_or(|answered| now.since(answered) >= ANSWER_EVERY)
        })
    }

    /// Notes that it is.
    pub(super) fn answered(&mut self, ad: &Advertisement, now: Time) {
        let sender = self.meet(ad.source(), ad.mac(), now);
        if let Some(answered) = sender.answered.get_mut(usize::from(sender.mac != ad.mac())) {
            *answered = Some(now);
        }
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
                    self.senders.reserve_exact(1);
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

#[cfg(test)]
mod tests {
    use super::super::auth::mark;
    use super::super::wire::{self, Decoded, carp};
    use super::super::{Authenticator, Key, Vhid};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(4);
    const WALL: Duration = Duration::from_secs(1_800_000_000);
    const A: &str = "10.0.0.1";
    const B: &str = "10.0.0.2";

    fn s(seconds: f64) -> Time {
        Time::new(Duration::from_secs_f64(seconds))
    }

    fn authenticator() -> Authenticator {
        Authenticator::new(
            &Key::from_password(b"secret").unwrap(),
            Vhid::MIN,
            &["10.0.0.100".parse().unwrap()],
        )
    }

    /// An advertisement sent from there when it was so many seconds after `WALL`.
    fn ad(source: &str, seconds: f64, skew: u8) -> Advertisement {
        let (source, interval) = (source.parse().unwrap(), Interval::new(1, skew));
        let at = Duration::from_secs_f64(WALL.as_secs_f64() + seconds);
        let counter = authenticator().marked(mark::low(0, Stamp::of_wall(at)), source, interval, 0);
        let code = authenticator().code(counter);
        let header = carp::Header {
            vhid: 1,
            advbase: 1,
            advskew: skew,
            demotion: 0,
            counter,
            code,
            ..wire::sample().header
        };
        authenticator().verify(&Decoded { source, header, ..wire::sample() }).unwrap()
    }

    fn started(replay: Replay) -> Freshness {
        let mut freshness = Freshness::new(replay);
        freshness.wall(WALL, s(0.0));
        freshness.start(s(0.0));
        freshness
    }

    fn hear(freshness: &mut Freshness, ad: &Advertisement, at: f64) -> Age {
        let age = freshness.judge(ad, Whose::Others, PATIENCE, s(at));
        if matches!(age, Age::Fresh | Age::Again | Age::Suspect { .. }) {
            freshness.note(ad, Whose::Others, matches!(age, Age::Suspect { .. }), s(at));
        }
        age
    }

    #[test]
    fn a_known_peer_is_judged_by_its_own_last() {
        let mut freshness = started(Replay::Warn);
        assert_eq!(hear(&mut freshness, &ad(A, 1.0, 0), 1.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, 1.0, 0), 1.4), Age::Again, "intervals may be short");
        assert_eq!(hear(&mut freshness, &ad(A, 1.0, 0), 1.6), Age::Stale, "not that short");
        assert_eq!(hear(&mut freshness, &ad(A, 0.5, 0), 1.6), Age::Stale);
        assert_eq!(hear(&mut freshness, &ad(A, 2.0, 0), 2.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, 2.0, 1), 2.0), Age::Altered, "one T, one content");
        // Another one lives by itself.
        assert_eq!(hear(&mut freshness, &ad(B, 1.0, 0), 2.0), Age::Fresh);
    }

    #[test]
    fn who_lies_far_behind_is_suspect_until_it_does_not() {
        let mut freshness = started(Replay::Warn);
        let source = A.parse().unwrap();
        assert_eq!(hear(&mut freshness, &ad(A, -4.0, 0), 0.0), Age::Fresh);
        assert_eq!(
            hear(&mut freshness, &ad(B, -4.25, 0), 0.0),
            Age::Suspect { behind: Duration::from_millis(4_250) }
        );
        // Known, and played from a time in which it was not heard.
        assert!(matches!(hear(&mut freshness, &ad(A, 1.0, 0), 10.0), Age::Suspect { .. }));
        assert_eq!(freshness.suspect_since(source), Some(s(10.0)));
        assert!(matches!(hear(&mut freshness, &ad(A, 2.0, 0), 11.0), Age::Suspect { .. }));
        assert_eq!(freshness.suspect_since(source), Some(s(10.0)));
        assert!(freshness.tells(source, s(13.0)) && !freshness.tells(source, s(14.0)));
        assert!(freshness.tells(source, s(13.0 + 3_600.0)));
        let back = ad(A, 3_700.0, 0);
        assert_eq!(freshness.judge(&back, Whose::Others, PATIENCE, s(3_700.0)), Age::Fresh);
        assert!(freshness.note(&back, Whose::Others, false, s(3_700.0)).proven);
        assert_eq!(freshness.suspect_since(source), None);
    }

    #[test]
    fn what_waited_while_we_slept_is_not_old() {
        let mut freshness = started(Replay::Warn);
        assert_eq!(hear(&mut freshness, &ad(A, 0.0, 0), 0.0), Age::Fresh);
        freshness.late(Duration::from_secs(9), s(10.0));
        assert_eq!(hear(&mut freshness, &ad(A, 1.0, 0), 10.1), Age::Fresh);
        assert!(matches!(hear(&mut freshness, &ad(A, 2.0, 0), 11.1), Age::Suspect { .. }));
    }

    #[test]
    fn age_can_be_left_out() {
        let mut freshness = started(Replay::Off);
        assert_eq!(hear(&mut freshness, &ad(A, 1.0, 0), 1.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, -900.0, 0), 2.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, -900.0, 1), 2.0), Age::Altered);
        assert_eq!(hear(&mut freshness, &ad(A, -900.0, 0), 9.0), Age::Again);
    }

    #[test]
    fn a_source_of_several_is_judged_by_the_clock_alone() {
        let freshness = started(Replay::Warn);
        let judge = |seconds| freshness.judge(&ad("0.0.0.0", seconds, 0), Whose::Anybodys, PATIENCE, s(0.0));
        assert_eq!([judge(0.0), judge(-4.0), judge(-5.0)], [Age::Fresh, Age::Fresh, Age::Stale]);
    }

    #[test]
    fn our_own_never_come_from_elsewhere() {
        let mut freshness = started(Replay::Warn);
        let judge = |freshness: &Freshness, seconds, whose| {
            freshness.judge(&ad(A, seconds, 0), whose, PATIENCE, s(2.0))
        };
        // An earlier life.
        assert_eq!(judge(&freshness, -1.0, Whose::Own), Age::Stale);
        let sent = ad(A, 1.0, 0);
        freshness.sent(sent.counter(), sent.fields(), sent.mac(), s(1.0));
        assert_eq!(judge(&freshness, 1.0, Whose::Own), Age::Reflected);
        assert_eq!(judge(&freshness, 0.5, Whose::Own), Age::Stale);
        assert_eq!(judge(&freshness, 1.25, Whose::Own), Age::Fresh, "somebody else has our address");
        // The address is not ours any more.
        assert_eq!(judge(&freshness, 1.0, Whose::Others), Age::Reflected);
        assert_eq!(hear(&mut freshness, &ad(A, 2.0, 0), 2.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, 2.0, 0), 2.1), Age::Again, "it is another's");
    }

    #[test]
    fn reflections_are_told_at_the_third() {
        let mut freshness = started(Replay::Warn);
        let (low, high) = (MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2]));
        let mut told = |seconds| freshness.reflects(ad(A, seconds, 0).stamp(), low, high, s(seconds));
        assert_eq!([1.0, 1.0, 1.0, 2.0, 2.0, 3.0].map(&mut told), [false, false, false, false, false, true]);
    }

    fn stamp(freshness: &mut Freshness, skew: u8, at: f64) -> Stamp {
        freshness.stamp(
            Contents {
                to_one: false,
                words: 0,
                interval: Interval::new(1, skew),
                demotion: 0,
                form: 0,
                tail: 0,
            },
            s(at),
        )
    }

    #[test]
    fn each_t_has_one_content_and_one_sender() {
        let mut freshness = started(Replay::Warn);
        let first = stamp(&mut freshness, 0, 1.0);
        assert_eq!(first, ad(A, 1.0, 0).stamp());
        assert_eq!(stamp(&mut freshness, 0, 1.2), first);
        let other = stamp(&mut freshness, 240, 1.2);
        assert_eq!(other, first.next());
        assert_eq!(stamp(&mut freshness, 240, 1.44), other);
        let heard = ad(B, 10.0, 0);
        assert_eq!(hear(&mut freshness, &heard, 10.0), Age::Fresh);
        assert_eq!(stamp(&mut freshness, 240, 10.0), heard.stamp().next());
    }

    #[test]
    fn the_clock_never_goes_back_and_runs_without_one() {
        let mut freshness = started(Replay::Warn);
        let before = stamp(&mut freshness, 0, 100.0);
        freshness.wall(WALL - Duration::from_secs(1_000_000), s(100.0));
        assert_eq!(stamp(&mut freshness, 0, 101.0), before.plus(Duration::from_secs(1)));
        // Ahead by less than a day, and by more.
        freshness.wall(WALL + Duration::from_secs(80_000), s(101.0));
        assert_eq!(stamp(&mut freshness, 0, 101.0), Stamp::of_wall(WALL + Duration::from_secs(80_000)));
        freshness.wall(WALL + Duration::from_secs(400_000), s(102.0));
        assert_eq!(stamp(&mut freshness, 0, 102.0), Stamp::of_wall(WALL + Duration::from_secs(80_001)));
        let mut without = Freshness::new(Replay::Warn);
        without.start(s(0.0));
        // It was never set.
        without.wall(WRITTEN - Duration::from_secs(1), s(4.0));
        assert_eq!(stamp(&mut without, 0, 5.0), Stamp::of_wall(WRITTEN));
        assert_eq!(stamp(&mut without, 0, 6.0), Stamp::of_wall(WRITTEN + Duration::from_secs(1)));
    }

    // Three clocks around the circle: each is newer than one of the others, and older than the other.
    #[test]
    fn who_was_heard_before_the_clock_went_round_is_a_stranger() {
        let mut freshness = started(Replay::Warn);
        let year = 365.25 * 86_400.0;
        assert_eq!(hear(&mut freshness, &ad(A, 0.0, 0), 0.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(B, 3.0 * year, 0), 1.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad("10.0.0.3", 6.0 * year, 0), 2.0), Age::Fresh);
        // Of its first word, the clock is now the older half: what it learnt from us is no step back.
        assert_eq!(hear(&mut freshness, &ad(A, 6.0 * year + 1.0, 0), 3.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, 6.0 * year, 0), 4.0), Age::Stale);
        // And so is who lies behind its own last and ahead of all others.
        assert_eq!(hear(&mut freshness, &ad(A, 9.5 * year, 0), 5.0), Age::Fresh);
    }

    #[test]
    fn behind_its_own_last_and_ahead_of_all_is_no_order() {
        let mut freshness = started(Replay::Refuse);
        let year = 365.25 * 86_400.0;
        assert_eq!(hear(&mut freshness, &ad(A, 0.0, 0), 0.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(B, 2.0 * year, 0), 1.0), Age::Fresh);
        assert_eq!(hear(&mut freshness, &ad(A, 5.0 * year, 0), 2.0), Age::Fresh);
    }

    // Sending keeps the pace of real time, however its quarters and those of the clock fall.
    #[test]
    fn sending_does_not_slow_the_clock() {
        let mut freshness = started(Replay::Warn);
        let last = (0..1_000).map(|n| stamp(&mut freshness, 0, f64::from(n) * 0.39)).last();
        assert_eq!(last, Some(Stamp::of_wall(WALL + Duration::from_millis(389_610))));
    }

    #[test]
    fn a_jump_of_more_than_a_day_is_told() {
        let mut freshness = started(Replay::Warn);
        let mut jumped = |seconds| freshness.note(&ad(A, seconds, 0), Whose::Others, false, s(0.0)).jumped;
        assert_eq!(jumped(86_400.0), None);
        assert_eq!(jumped(2.0 * 86_400.0 + 0.25), Some(Duration::from_millis(86_400_250)));
    }

    #[test]
    fn answers_are_one_a_second_at_each_of_two_places() {
        let mut freshness = started(Replay::Warn);
        let genuine = ad(A, 0.0, 0);
        freshness.note(&genuine, Whose::Others, false, s(0.0));
        let elsewhere = {
            let mut decoded = wire::sample();
            decoded.mac = MacAddr([2, 0, 0, 0, 9, 9]);
            decoded.source = A.parse().unwrap();
            decoded.header.counter = genuine.counter();
            decoded.header.vhid = 1;
            decoded.header.code = authenticator().code(genuine.counter());
            authenticator().verify(&decoded).unwrap()
        };
        let mut answers = |ad: &Advertisement, at| {
            let owed = freshness.owes_answer(ad, s(at));
            if owed {
                freshness.answered(ad, s(at));
            }
            owed
        };
        assert_eq!([1.0, 1.9].map(|at| answers(&elsewhere, at)), [true, false]);
        assert_eq!([1.9, 2.8, 2.9].map(|at| answers(&genuine, at)), [true, false, true]);
        assert!(answers(&elsewhere, 2.9));
    }

    #[test]
    fn who_was_answered_before_the_clock_jumped_is_answered_again() {
        let mut freshness = started(Replay::Warn);
        let genuine = ad(A, 0.0, 0);
        freshness.note(&genuine, Whose::Others, false, s(0.0));
        for (wall, owed) in [(0.0, false), (0.5, false), (3_600.0, true)] {
            freshness.answered(&genuine, s(0.0));
            freshness.wall(WALL + Duration::from_secs_f64(wall), s(0.0));
            let contents = Contents {
                to_one: true,
                words: 0,
                interval: Interval::new(1, 0),
                demotion: 0,
                form: 0,
                tail: 0,
            };
            freshness.stamp(contents, s(0.1));
            assert_eq!(freshness.owes_answer(&genuine, s(0.1)), owed, "{wall}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_keeps_our_own() {
        let mut freshness = started(Replay::Warn);
        let own = ad(A, 0.0, 0);
        freshness.sent(own.counter(), own.fields(), own.mac(), s(0.0));
        for n in 0..200_u8 {
            hear(&mut freshness, &ad(&format!("10.1.0.{n}"), f64::from(n), 0), f64::from(n));
        }
        assert_eq!((freshness.senders.len(), freshness.senders.capacity()), (CAPACITY, CAPACITY));
        assert_eq!(freshness.judge(&own, Whose::Own, PATIENCE, s(200.0)), Age::Reflected);
        assert_eq!(hear(&mut freshness, &ad("10.1.0.199", 198.0, 0), 200.0), Age::Stale);
    }
}
