//! The table: state and fact in, role and decisions out. Each row names the register row or FACTS section it is for.

use std::net::IpAddr;
use std::time::Duration;

use super::super::auth::{Authenticator, Key};
use super::super::wire::{Decoded, carp};
use super::super::{Announcing, Destination, Dialect, HookFailure, Hooks, Replay, Vhid};
use super::*;
use crate::protocol::{PeerKind, Untaken};

const OURS: &str = "10.0.0.5";
const VHID: u8 = 7;

fn ms(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

fn vhid() -> Vhid {
    Vhid::new(VHID).unwrap()
}

struct Host {
    election: Election,
    authenticator: Authenticator,
    now: Time,
}

fn shares_both(Parameters { addresses, .. }: &Parameters) -> bool {
    addresses.iter().any(IpAddr::is_ipv4) && addresses.iter().any(IpAddr::is_ipv6)
}

/// Base, skew and the rest of a host under test; the address of ours is 10.0.0.5.
fn host_with(base: u8, skew: u8, edit: impl FnOnce(&mut Parameters)) -> Host {
    let key = Key::from_password(b"secret").unwrap();
    let mut parameters = Parameters {
        vhid: vhid(),
        addresses: vec!["10.0.0.200".parse().unwrap()],
        key: key.clone(),
        interval: Interval::new(base, skew),
        dead_ratio: 3,
        preempt: false,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: false,
        sources: Sources { v4: Some(OURS.parse().unwrap()), v6: Some("fe80::5".parse().unwrap()) },
        mac: MacAddr([2, 0, 0, 0, 0, 5]),
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: Dialect::default(),
        replay: Replay::default(),
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    };
    edit(&mut parameters);
    let authenticator = Authenticator::new(&key, vhid(), &parameters.addresses);
    Host { election: Election::new(&parameters, shares_both(&parameters)), authenticator, now: Time::ZERO }
}

fn host(base: u8, skew: u8) -> Host {
    host_with(base, skew, |_| {})
}

fn preempting(base: u8, skew: u8) -> Host {
    host_with(base, skew, |parameters| parameters.preempt = true)
}

fn dual_stack(parameters: &mut Parameters) {
    parameters.addresses.push("2001:db8::200".parse().unwrap());
}

impl Host {
    fn tell(&mut self, fact: Fact<'_>) -> Vec<Decision> {
        self.election.handle(fact, self.now)
    }

    fn at(&mut self, now: Time) -> &mut Self {
        self.now = now;
        self
    }

    fn backup(mut self) -> Self {
        self.tell(Fact::Start);
        self.tell(Fact::Link(Link::Up));
        assert_eq!(self.election.role(), Role::Backup);
        self
    }

    fn master(self) -> Self {
        let mut this = self.backup();
        this.now = this.election.deadline().unwrap();
        this.tell(Fact::Tick);
        assert_eq!(this.election.role(), Role::Master);
        // By some standby.
        this.election.met = true;
        this
    }

    fn ad_from(&self, kind: PeerKind, source: &str, interval: Interval) -> Advertisement {
        self.demoted_ad_from(kind, source, interval, 0)
    }

    fn demoted_ad_from(
        &self,
        kind: PeerKind,
        source: &str,
        interval: Interval,
        demotion: u8,
    ) -> Advertisement {
        self.ad_by(&self.authenticator, kind, source, interval, demotion)
    }

    fn ad_by(
        &self,
        sender: &Authenticator,
        kind: PeerKind,
        source: &str,
        interval: Interval,
        demotion: u8,
    ) -> Advertisement {
        self.ad_saying(96, sender, kind, source, interval, demotion)
    }

    /// With this lower half of the counter, if it is one of ours.
    fn ad_saying(
        &self,
        low: u32,
        sender: &Authenticator,
        kind: PeerKind,
        source: &str,
        interval: Interval,
        demotion: u8,
    ) -> Advertisement {
        let source: IpAddr = source.parse().unwrap();
        let last = match source {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(v6) => v6.octets()[15],
        };
        let (mac, counter) = match kind {
            Ours => {
                (MacAddr([2, 0, 0, 0, 0, last]), self.authenticator.marked(low, source, interval, demotion))
            }
            OldUcarp => (MacAddr::old_ucarp(vhid()), 1234),
            Kernel => (MacAddr([0, 0, 0x5e, 0, 1, VHID]), 1234),
        };
        let header = carp::Header {
            kind: 1,
            vhid: VHID,
            advskew: interval.skew,
            authlen: 7,
            demotion,
            advbase: interval.base,
            counter,
            code: sender.code(counter),
        };
        let ad = self
            .authenticator
            .verify(&Decoded {
                mac,
                source,
                destination: source,
                header,
                pseudo_header: false,
                tail: Default::default(),
            })
            .unwrap();
        assert_eq!(ad.kind(), kind);
        ad
    }

    /// As one of ours that is no master any more says it.
    fn giving_way(&self, source: &str, interval: Interval) -> Advertisement {
        let ad = self.ad_saying(1 << 31 | 97, &self.authenticator, Ours, source, interval, 0);
        assert!(ad.gives_way());
        ad
    }

    fn hear(&mut self, kind: PeerKind, source: &str, base: u8, skew: u8) -> Vec<Decision> {
        let ad = self.ad_from(kind, source, Interval::new(base, skew));
        self.tell(Fact::Heard(&ad))
    }
}

/// Words for the decisions that matter to peers and addresses.
fn words(decisions: &[Decision]) -> Vec<String> {
    decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Become { from, to, reason, .. } => {
                Some(format!("{}>{} {}", from.code(), to.code(), reason.code()))
            }
            Decision::Advertise { scheduled: true } => Some("scheduled".to_owned()),
            Decision::Advertise { scheduled: false } => Some("advertise".to_owned()),
            Decision::BowOut => Some("bow out".to_owned()),
            Decision::GiveWay { .. } => Some("give way".to_owned()),
            Decision::Announce => Some("announce".to_owned()),
            Decision::Hush => Some("hush".to_owned()),
            Decision::Speak => Some("speak".to_owned()),
            Decision::Tell(_) => None,
        })
        .collect()
}

fn ids(decisions: &[Decision]) -> Vec<&'static str> {
    decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Tell(notice) => Some(notice.id()),
            Decision::Become { .. }
            | Decision::Advertise { .. }
            | Decision::BowOut
            | Decision::GiveWay { .. }
            | Decision::Announce
            | Decision::Hush
            | Decision::Speak => None,
        })
        .collect()
}

/// Runs a host until `until`, returning every decision with the time it was made.
fn run(host: &mut Host, until: Time) -> Vec<(Time, String)> {
    let mut out = Vec::new();
    while let Some(next) = host.election.deadline().filter(|next| *next <= until) {
        host.now = next;
        let decisions = host.tell(Fact::Tick);
        out.extend(words(&decisions).into_iter().map(|word| (next, word)));
    }
    host.now = until;
    out
}

use PeerKind::{Kernel, OldUcarp, Ours};

// FACTS 7: all go INIT -> BACKUP and wait a full master-down time.
#[test]
fn start_waits_for_the_link_and_then_the_dead_time() {
    let mut host = host(1, 100);
    assert_eq!(words(&host.tell(Fact::Start)), [""; 0]);
    assert_eq!(host.election.deadline(), None);
    assert_eq!(words(&host.at(ms(500)).tell(Fact::Link(Link::Up))), ["INIT>BACKUP link_up"]);
    assert_eq!(host.election.deadline(), Some(ms(500) + Interval::new(1, 100).dead_after(3)));
}

// FACTS 7: master-down, then one ad at once and an absolute schedule.
#[test]
fn nobody_heard_means_master_and_lateness_never_adds_up() {
    let mut host = host(1, 0).backup();
    assert_eq!(words(&host.at(ms(2999)).tell(Fact::Tick)), [""; 0]);
    assert_eq!(words(&host.at(ms(3000)).tell(Fact::Tick)), ["BACKUP>MASTER master_timed_out", "advertise"]);
    assert_eq!(words(&host.at(ms(4003)).tell(Fact::Tick)), ["scheduled"]);
    assert_eq!(host.election.deadline(), Some(ms(5000)));
    assert_eq!(words(&host.at(ms(8700)).tell(Fact::Tick)), ["scheduled"]);
    assert_eq!(host.election.deadline(), Some(ms(9000)), "missed ads are not sent later");
}

// FACTS 7 and register row 1, as master: (kind, source, base, skew) -> decisions.
#[test]
fn heard_as_master() {
    type Row = (&'static str, PeerKind, &'static str, (u8, u8), &'static [&'static str]);
    let stays: &[&str] = &["advertise", "announce"];
    let table: &[Row] = &[
        (
            "faster: every kernel yields, so do we",
            Kernel,
            "10.0.0.1",
            (1, 99),
            &["MASTER>BACKUP faster_master"],
        ),
        ("faster, ours", Ours, "10.0.0.9", (0, 1), &["give way", "MASTER>BACKUP faster_master"]),
        ("slower: we stay and say so", Kernel, "10.0.0.1", (1, 101), stays),
        ("slower, base decides", OldUcarp, "10.0.0.1", (2, 0), stays),
        ("row 1: a kernel steps down on equality, so we stay", Kernel, "10.0.0.1", (1, 100), stays),
        ("row 1: of two of ours the lower stays", Ours, "10.0.0.9", (1, 100), stays),
        (
            "row 1: of two of ours the higher leaves, silently for all but the winner",
            Ours,
            "10.0.0.1",
            (1, 100),
            &["give way", "MASTER>BACKUP tie_lost"],
        ),
        (
            "row 1: an old ucarp's order, last octet first",
            OldUcarp,
            "10.0.1.4",
            (1, 100),
            &["give way", "MASTER>BACKUP tie_lost"],
        ),
        ("row 1: an old ucarp's order, we are lower", OldUcarp, "9.0.0.6", (1, 100), stays),
        ("row 15: a bow-out to a master is a slower master", Kernel, "10.0.0.1", (255, 255), stays),
    ];
    for (why, kind, source, (base, skew), expected) in table {
        let mut host = host(1, 100).master();
        let ad = host.ad_from(*kind, source, Interval::new(*base, *skew));
        if *kind == Ours {
            host.election.meet(&ad, host.now);
        }
        assert_eq!(words(&host.tell(Fact::Heard(&ad))), *expected, "{why}");
    }
}

// Who never followed us may not have heard us, and leaves when it does: one advertisement more than otherwise.
#[test]
fn a_preferred_stranger_of_ours_is_asked_first() {
    let newly = || {
        let mut host = host(1, 100).master();
        let now = host.now;
        host.at(now + Duration::from_secs(2));
        host
    };
    let mut host = newly();
    assert_eq!(words(&host.hear(Ours, "10.0.0.9", 1, 0)), ["advertise"]);
    assert_eq!(words(&host.hear(Ours, "10.0.0.9", 1, 0)), ["give way", "MASTER>BACKUP faster_master"]);
    let mut host = newly();
    assert_eq!(words(&host.hear(Ours, "10.0.0.9", 1, 0)), ["advertise"]);
    let other = words(&host.hear(Ours, "10.0.0.8", 1, 0));
    assert_eq!(other, ["give way", "MASTER>BACKUP faster_master"], "nobody is asked again so soon");
    let mut host = newly();
    let follower = host.ad_from(Ours, "10.0.0.9", Interval::new(1, 0));
    host.election.meet(&follower, host.now);
    let now = host.now + Duration::from_secs(13);
    assert_eq!(words(&host.at(now).hear(Ours, "10.0.0.9", 1, 0)), ["advertise"], "it followed long ago");
    let at_once = words(&host_with(1, 100, |_| {}).master().hear(Ours, "10.0.0.9", 1, 0));
    assert_eq!(at_once, ["give way", "MASTER>BACKUP faster_master"], "neither is older");
}

// Section "Who is master" of ucarp.toml(5): behind a blocked port anybody believes itself alone.
#[test]
fn whom_nobody_has_heard_yields_to_an_older_master() {
    let unheard = |preempt| {
        let mut host = host_with(1, 0, |parameters| parameters.preempt = preempt).master();
        host.election.met = false;
        let now = host.now;
        host.at(now + Duration::from_secs(40));
        host
    };
    for (kind, gives_way) in [(Kernel, &[][..]), (Ours, &["give way"])] {
        let mut host = unheard(false);
        let ad = host.ad_from(kind, "10.0.0.9", Interval::new(1, 200));
        let decisions = host.tell(Fact::Heard(&ad));
        assert_eq!(words(&decisions), [gives_way, &["MASTER>BACKUP unheard"]].concat());
        let lasted = Duration::from_secs(43);
        assert!(decisions.contains(&Decision::Tell(Notice::PortBlocked { lasted })), "{decisions:?}");
        assert_eq!(words(&unheard(true).tell(Fact::Heard(&ad)))[0], "advertise", "who preempts stays");
        let mut heard = unheard(false);
        heard.election.met = true;
        assert_eq!(words(&heard.tell(Fact::Heard(&ad)))[0], "advertise");
        let mut later = unheard(false);
        let now = later.now;
        let after_minutes = words(&later.at(now + Duration::from_secs(60)).tell(Fact::Heard(&ad)));
        assert_eq!(after_minutes[0], "advertise", "no port is blocked for so long");
        let mut together = unheard(false);
        together.election.since = together.now;
        assert_eq!(words(&together.tell(Fact::Heard(&ad)))[0], "advertise", "they started together");
    }
    let mut host = unheard(false);
    assert_eq!(words(&host.hear(OldUcarp, "10.0.0.9", 1, 200))[0], "advertise", "it reads once a second");
    // Two in the same case: each yields to the other, and the preferred one takes it back.
    let mut host = unheard(false);
    host.hear(Ours, "10.0.0.1", 1, 200);
    assert_eq!(host.election.role(), Role::Backup);
    let ad = host.giving_way("10.0.0.1", Interval::new(1, 200));
    assert_eq!(words(&host.tell(Fact::Heard(&ad))), ["BACKUP>MASTER master_left", "advertise"]);
}

#[test]
fn silence_counts_after_a_start_hold_unless_somebody_was_heard() {
    let hold = |parameters: &mut Parameters| parameters.start_hold = Duration::from_secs(45);
    let mut held = host_with(1, 0, hold).backup();
    assert_eq!(held.election.deadline(), Some(ms(45_000)));
    held.at(ms(2_000)).hear(Kernel, "10.0.0.1", 1, 0);
    assert_eq!(held.election.deadline(), Some(ms(5_000)));
    let mut left = host_with(1, 0, hold).backup();
    let obeyed = words(&left.at(ms(1_000)).hear(Kernel, "10.0.0.1", 255, 255));
    assert_eq!(obeyed, ["BACKUP>MASTER master_left", "advertise"]);
    left.tell(Fact::Link(Link::Gone));
    left.at(ms(9_000)).tell(Fact::Link(Link::Up));
    assert_eq!(left.election.deadline(), Some(ms(54_000)), "with each return of the link");
}

#[test]
fn a_worse_master_is_preempted_after_a_delay_and_silence_is_not_waited_for() {
    let delayed = |parameters: &mut Parameters| {
        (parameters.preempt, parameters.preempt_delay) = (true, Duration::from_secs(30));
    };
    let mut host = host_with(1, 0, delayed).backup();
    for second in 1..=30 {
        assert_eq!(words(&host.at(ms(second * 1000)).hear(Kernel, "10.0.0.1", 1, 100)), [""; 0]);
    }
    assert_eq!(host.election.preempts_at(), Some(ms(31_000)));
    let preempted = words(&host.at(ms(31_000)).hear(Kernel, "10.0.0.1", 1, 100));
    assert_eq!(preempted, ["BACKUP>MASTER slower_master", "advertise"]);
    // A failure meanwhile starts it anew.
    let mut host = host_with(1, 0, delayed).backup();
    host.at(ms(1_000)).hear(Kernel, "10.0.0.1", 1, 100);
    let failing = |demotion| Fact::Fitness(Fitness { demotion, released: false });
    host.at(ms(20_000)).tell(failing(10));
    assert_eq!(words(&host.at(ms(21_000)).hear(Kernel, "10.0.0.1", 1, 100)), [""; 0]);
    assert_eq!(host.election.preempts_at(), None);
    host.at(ms(22_000)).tell(failing(0));
    host.at(ms(23_000)).hear(Kernel, "10.0.0.1", 1, 100);
    assert_eq!(host.election.preempts_at(), Some(ms(53_000)));
    let silent = host.election.deadline().unwrap();
    assert_eq!(words(&host.at(silent).tell(Fact::Tick))[0], "BACKUP>MASTER master_timed_out");
}

// The demotion of a host among ours comes before its interval and whatever it is told about preempting.
#[test]
fn demotion_decides_among_ours() {
    let fitness = |demotion| Fact::Fitness(Fitness { demotion, released: false });
    // Ours as backup with 1/50 demoted by the first, beside a master demoted by the second.
    for (mine, his, skew, preempt, expected) in [
        (0, 1, 0, false, &["BACKUP>MASTER master_demoted", "advertise"][..]),
        (10, 11, 240, false, &["BACKUP>MASTER master_demoted", "advertise"]),
        (10, 10, 254, true, &[]),
        (11, 10, 254, true, &[]),
        (1, 0, 254, true, &[]),
        (0, 0, 51, true, &["BACKUP>MASTER slower_master", "advertise"]),
    ] {
        let mut host = host_with(1, 50, |parameters| parameters.preempt = preempt).backup();
        host.tell(fitness(mine));
        let ad = host.demoted_ad_from(Ours, "10.0.0.9", Interval::new(1, skew), his);
        assert_eq!(words(&host.tell(Fact::Heard(&ad))), *expected, "{mine} {his}");
    }
    // As master.
    let stays: &[&str] = &["advertise", "announce"];
    let yields: &[&str] = &["give way", "MASTER>BACKUP faster_master"];
    for (mine, his, skew, expected) in [
        (0, 1, 0, stays),
        (1, 0, 254, yields),
        (5, 5, 0, yields),
        (5, 5, 254, stays),
        (254, 240, 254, yields),
    ] {
        let mut host = host(1, 50).master();
        assert_eq!(words(&host.tell(fitness(mine))), if mine > 0 { vec!["advertise"] } else { vec![] });
        let ad = host.demoted_ad_from(Ours, "10.0.0.9", Interval::new(1, skew), his);
        host.election.meet(&ad, host.now);
        assert_eq!(words(&host.tell(Fact::Heard(&ad))), *expected, "{mine} {his}");
    }
}

#[test]
fn who_is_released_is_no_master_whoever_is_there() {
    let always = Fact::Fitness(Fitness { demotion: 240, released: true });
    let mut host = host(1, 0).master();
    assert_eq!(words(&host.tell(always)), ["bow out", "MASTER>BACKUP released"]);
    assert_eq!(host.election.deadline(), None, "silence is no reason");
    assert!(!host.election.is_ready() && host.election.released());
    assert_eq!(words(&host.hear(Kernel, "10.0.0.1", 255, 255)), [""; 0], "neither is a bow-out");
    let now = host.now + Duration::from_secs(100);
    assert_eq!(words(&host.at(now).tell(Fact::Fitness(Fitness::default()))), [""; 0]);
    let again = host.election.deadline().unwrap();
    assert!(again >= now + Duration::from_secs(3), "as after the start");
    assert_eq!(words(&host.at(again).tell(Fact::Tick))[0], "BACKUP>MASTER master_timed_out");
}

#[test]
fn who_preempts_is_not_asked_to_step_aside() {
    let mut host = preempting(1, 50).master();
    let refused = Notice::ResignRefused { role: Role::Master };
    assert_eq!(host.tell(Fact::Resign { force: false }), [Decision::Tell(refused)]);
    let better = host.ad_from(Ours, "10.0.0.1", Interval::new(1, 0));
    host.election.meet(&better, host.now);
    assert_eq!(words(&host.tell(Fact::Resign { force: false })), ["bow out", "MASTER>BACKUP resigned"]);
}

#[test]
fn who_is_told_to_take_does_what_preempting_would() {
    let untaken = |host: &Host| host.election.untaken(host.now);
    let slow = Interval::new(1, 50);
    let hear = |host: &mut Host, interval| {
        let ad = host.ad_from(Ours, "10.0.0.1", interval);
        host.tell(Fact::Heard(&ad));
    };
    let mut it = host(1, 10).backup();
    assert_eq!(untaken(&it), Some(Untaken::NobodyHeard));
    hear(&mut it, slow);
    assert_eq!(untaken(&it), None);
    it.tell(Fact::Fitness(Fitness { demotion: 7, released: false }));
    assert_eq!(untaken(&it), Some(Untaken::Demoted(7)));
    it.tell(Fact::Fitness(Fitness { demotion: 7, released: true }));
    assert_eq!(untaken(&it), Some(Untaken::Released));
    it.tell(Fact::Fitness(Fitness::default()));
    assert_eq!(words(&it.tell(Fact::Take)), ["BACKUP>MASTER taken", "advertise"]);
    assert_eq!(untaken(&it), Some(Untaken::Role(Role::Master)));
    assert_eq!(it.tell(Fact::Take), []);
    // As one who preempts, and unlike it, against an equal or a better one neither.
    for its in [Interval::new(1, 10), Interval::new(1, 9)] {
        let mut it = host(1, 10).backup();
        hear(&mut it, its);
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(untaken(&it), Some(Untaken::NotWorse { peer, its, ours: Interval::new(1, 10) }));
        assert_eq!(it.tell(Fact::Take), []);
        // Of one that has been silent for too long nobody knows whether it is there.
        it.now = it.now + Duration::from_secs(9);
        assert_eq!(untaken(&it), Some(Untaken::NobodyHeard));
    }
    // Who has just stepped aside may be told otherwise.
    let mut it = host(1, 10).master();
    it.tell(Fact::Resign { force: false });
    hear(&mut it, slow);
    assert_eq!(words(&it.tell(Fact::Take)), ["BACKUP>MASTER taken", "advertise"]);
}

/// Who takes over from whom, among all combinations of a few kinds, intervals and demotions: for kernels and the ancestor by
/// FACTS 7, for ours as it does. Wherever one goes round in a circle nobody is master for long.
#[test]
fn nobody_goes_round_in_circles() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct One {
        kind: PeerKind,
        configured: u8,
        demotion: u8,
        preempts: bool,
    }
    impl One {
        fn interval(self) -> Interval {
            let configured = Interval::new(1, self.configured);
            if self.demotion > 0 { configured.demoted() } else { configured }
        }
    }
    fn takes_from(mine: One, his: One) -> bool {
        if mine.kind != Ours {
            return mine.preempts && mine.interval() < his.interval();
        }
        let mut host =
            host_with(1, mine.configured, |parameters| parameters.preempt = mine.preempts).backup();
        host.tell(Fact::Fitness(Fitness { demotion: mine.demotion, released: false }));
        let ad = host.demoted_ad_from(his.kind, "10.0.0.1", his.interval(), his.demotion);
        host.tell(Fact::Heard(&ad));
        host.election.role() == Role::Master
    }
    let mut all = Vec::new();
    for configured in [0, 100, 242, 247, 254] {
        for preempts in [false, true] {
            all.push(One { kind: Kernel, configured, demotion: 0, preempts });
            all.push(One { kind: OldUcarp, configured, demotion: 0, preempts });
            for demotion in [0, 1, 240] {
                all.push(One { kind: Ours, configured, demotion, preempts });
            }
        }
    }
    let next: Vec<Vec<usize>> = all
        .iter()
        .map(|master| {
            let takes = |at: &usize| all[*at] != *master && takes_from(all[*at], *master);
            (0..all.len()).filter(takes).collect()
        })
        .collect();
    assert!(next.iter().map(Vec::len).sum::<usize>() > 300);
    // Whoever nobody takes from goes, until nobody is left: else there is a circle.
    let mut left: Vec<usize> = (0..all.len()).collect();
    loop {
        let before = left.len();
        let those = left.clone();
        left.retain(|at| next[*at].iter().any(|taker| those.contains(taker)));
        if left.len() == before {
            break;
        }
    }
    let circle: Vec<One> = left.iter().map(|at| all[*at]).collect();
    assert_eq!(circle, []);
}

// FACTS 7 and register row 15, as backup following 10.0.0.1 with 1/100.
#[test]
fn heard_as_backup() {
    type Row = (&'static str, (u8, u8), bool, &'static [&'static str]);
    let table: &[Row] = &[
        ("faster master: waits", (1, 0), true, &[]),
        ("equal master: waits", (1, 50), true, &[]),
        ("slower master without preempt: waits", (1, 51), false, &[]),
        ("slower master with preempt", (1, 51), true, &["BACKUP>MASTER slower_master", "advertise"]),
        ("ads just within our dead time", (3, 50), false, &[]),
        ("ads rarer than our dead time", (3, 51), false, &["BACKUP>MASTER master_too_slow", "advertise"]),
        ("bow-out", (255, 255), false, &["BACKUP>MASTER master_left", "advertise"]),
    ];
    for (why, (base, skew), preempt, expected) in table {
        let mut host = host_with(1, 50, |parameters| parameters.preempt = *preempt).backup();
        assert_eq!(words(&host.hear(Kernel, "10.0.0.1", *base, *skew)), *expected, "{why}");
    }
}

// FACTS 7: beside OpenBSD's kernel demotion comes first. (master, ours demoted, preempt, kind, skew, byte 4).
#[test]
fn openbsd_ranks_by_demotion_first() {
    type Row =
        (&'static str, bool, bool, bool, PeerKind, u8, u8, &'static [&'static str], &'static [&'static str]);
    let stays: &[&str] = &["advertise", "announce"];
    let yields: &[&str] = &["MASTER>BACKUP faster_master"];
    let takes: &[&str] = &["BACKUP>MASTER master_demoted", "advertise"];
    let preempts: &[&str] = &["BACKUP>MASTER slower_master", "advertise"];
    // The last two: with --peer-type=openbsd, and without.
    let table: &[Row] = &[
        ("faster, but demoted: it yields to us", true, false, false, Kernel, 0, 1, stays, yields),
        ("equal, demoted", true, false, false, Kernel, 50, 1, stays, stays),
        ("slower, demoted", true, false, false, Kernel, 90, 9, stays, stays),
        ("neither demoted: the interval", true, false, false, Kernel, 0, 0, yields, yields),
        ("only we are: whatever the interval", true, true, false, Kernel, 250, 0, yields, stays),
        ("both demoted alike: the interval", true, true, false, Kernel, 239, 240, yields, yields),
        (
            "both demoted alike, equal: it steps down",
            true,
            true,
            false,
            Kernel,
            242,
            240,
            stays,
            &["MASTER>BACKUP tie_lost"],
        ),
        ("it is demoted more", true, true, false, Kernel, 0, 241, stays, yields),
        ("among ours it comes first everywhere", true, false, false, Ours, 0, 1, stays, stays),
        ("a demoted master, without preempt", false, false, false, Kernel, 0, 1, takes, &[]),
        ("a demoted master, with preempt", false, false, true, Kernel, 90, 2, takes, preempts),
        ("a faster master", false, false, true, Kernel, 0, 0, &[], &[]),
        ("a slower master, with preempt", false, false, true, Kernel, 90, 0, preempts, preempts),
        ("we are demoted and preempt nobody", false, true, true, Kernel, 250, 0, &[], &[]),
        ("both demoted alike, with preempt", false, true, true, Kernel, 250, 240, &[], &[]),
        ("both demoted alike, without", false, true, false, Kernel, 250, 240, &[], &[]),
        ("a demoted master of ours", false, false, false, Ours, 240, 1, takes, takes),
    ];
    for (why, master, demoted, preempt, kind, skew, demotion, beside_openbsd, beside_any) in table {
        for (dialect, expected) in [(Dialect::OpenBsd, beside_openbsd), (Dialect::Any, beside_any)] {
            let mut host = host_with(1, 50, |parameters| {
                (parameters.preempt, parameters.dialect) = (*preempt, dialect);
            })
            .backup();
            if *master || *demoted {
                let down = host.election.deadline().unwrap();
                host.at(down).tell(Fact::Tick);
            }
            if *demoted {
                (0..3).for_each(|_| drop(host.tell(Fact::AdvertSent { ok: false })));
            }
            if *demoted && !*master {
                // A better one, of which the row tells what becomes.
                host.hear(Kernel, "10.0.0.1", 1, 0);
            }
            let ad = host.demoted_ad_from(*kind, "10.0.0.1", Interval::new(1, *skew), *demotion);
            assert_eq!(words(&host.tell(Fact::Heard(&ad))), **expected, "{why}, {dialect:?}");
        }
    }
}

#[test]
fn a_demoted_kernel_is_not_preferred_to_a_live_master() {
    let mut host = host_with(1, 200, |parameters| parameters.dialect = Dialect::OpenBsd).backup();
    host.hear(Ours, "10.0.0.1", 1, 100);
    let followed = host.election.followed();
    let ad = host.demoted_ad_from(Kernel, "10.0.0.9", Interval::new(1, 0), 1);
    assert_eq!(words(&host.tell(Fact::Heard(&ad))), [""; 0]);
    assert_eq!(host.election.followed().map(|peer| peer.source), followed.map(|peer| peer.source));
}

// Row 16: one deadline, the larger of our dead time and 1.25 of the followed master's interval.
#[test]
fn dead_time_follows_a_slow_master() {
    let mut host = host(1, 0).backup();
    host.at(ms(100)).hear(Kernel, "10.0.0.1", 2, 128);
    assert_eq!(host.election.deadline(), Some(ms(100 + 3125)));
    host.at(ms(200)).hear(Kernel, "10.0.0.1", 1, 0);
    assert_eq!(host.election.deadline(), Some(ms(3200)));
}

// Row 16: advbase 0 as OpenBSD has it.
#[test]
fn advbase_zero_waits_ratio_skews() {
    let host = host(0, 128).backup();
    assert_eq!(host.election.deadline(), Some(ms(1500)));
}

// Row 15: bow-outs and slow ads count only from the master we follow.
#[test]
fn strangers_do_not_decide() {
    let mut host = preempting(1, 50).backup();
    host.hear(Kernel, "10.0.0.1", 1, 0);
    let decisions = host.at(ms(10)).hear(Ours, "10.0.0.9", 255, 255);
    assert_eq!((words(&decisions), ids(&decisions)), (vec![], vec!["UC1006"]));
    assert_eq!(words(&host.hear(Ours, "10.0.0.8", 1, 200)), [""; 0], "a slower one beside a faster one");
    assert_eq!(host.election.deadline(), Some(Time::ZERO + Interval::new(1, 50).dead_after(3)));
}

// Row 15: replaced by a better one at once, by a worse one only when silent.
#[test]
fn the_best_live_master_is_followed() {
    let mut host = host(1, 50).backup();
    host.hear(Kernel, "10.0.0.1", 1, 10);
    host.at(ms(100)).hear(Ours, "10.0.0.2", 1, 0);
    assert_eq!(host.election.followed().unwrap().source.to_string(), "10.0.0.2");
    host.at(ms(3000)).hear(Kernel, "10.0.0.1", 1, 10);
    assert_eq!(host.election.followed().unwrap().source.to_string(), "10.0.0.2");
    let dead = Interval::new(1, 50).dead_after(3);
    assert_eq!(run(&mut host, ms(100) + dead), [], "another master lives, so its silence decides");
    assert_eq!(host.election.followed().unwrap().source.to_string(), "10.0.0.1");
    assert_eq!(host.election.deadline(), Some(ms(3000) + dead));
}

// Row 1: at most one prompt ad in 100 ms, whatever comes in.
#[test]
fn prompt_ads_are_limited() {
    let mut host = host(1, 0).master();
    let start = host.now;
    let mut prompts = 0;
    for step in 0..1000 {
        host.now = start + Duration::from_millis(step);
        prompts +=
            words(&host.hear(Kernel, "10.0.0.1", 1, 200)).iter().filter(|word| *word == "advertise").count();
    }
    assert_eq!(prompts, 10);
}

// Row 1: a peer that should have yielded but does not hear us.
#[test]
fn a_stubborn_equal_peer_gets_the_address() {
    for (kind, source, patience) in
        [(Kernel, "10.0.0.1", 3000), (Ours, "10.0.0.9", 3000), (OldUcarp, "9.0.0.6", 4000)]
    {
        let mut host = host(1, 0).master();
        let start = host.now;
        let mut left = None;
        for second in 0..10 {
            host.now = start + Duration::from_secs(second);
            let said = words(&host.hear(kind, source, 1, 0));
            if said.iter().any(|word| word == "MASTER>BACKUP stubborn_master") {
                left = Some(host.now.since(start));
                break;
            }
        }
        assert_eq!(left, Some(Duration::from_millis(patience)), "{kind:?}");
    }
}

#[test]
fn a_slower_peer_that_does_not_hear_us_is_only_reported() {
    let mut host = host(1, 0).master();
    let start = host.now;
    for second in 0..10 {
        host.now = start + Duration::from_secs(second);
        let decisions = host.hear(Kernel, "10.0.0.1", 1, 1);
        assert_eq!(words(&decisions), ["advertise", "announce"]);
        assert_eq!(ids(&decisions).contains(&"UC1005"), second >= 3);
    }
}

/// OpenBSD leaves a link-local address out of what it authenticates, and its own kernel adds another to what it takes.
#[test]
fn a_kernel_that_authenticates_otherwise_is_told_of_as_such() {
    let link_local = |parameters: &mut Parameters| {
        parameters.addresses.push("fe80::200".parse().unwrap());
        parameters.dialect = Dialect::Any;
    };
    for (kind, id) in [(Kernel, "UC1037"), (Ours, "UC1005")] {
        let mut host = host_with(1, 0, link_local).master();
        let key = Key::from_password(b"secret").unwrap();
        let routable = Authenticator::new(&key, vhid(), &["10.0.0.200".parse().unwrap()]);
        let start = host.now;
        for second in 0..5 {
            host.now = start + Duration::from_secs(second);
            let ad = host.ad_by(&routable, kind, "10.0.0.1", Interval::new(1, 1), 0);
            let decisions = host.tell(Fact::Heard(&ad));
            let told: Vec<_> = ids(&decisions).into_iter().filter(|id| *id != "UC1002").collect();
            assert_eq!(told, if second >= 3 { vec![id] } else { vec![] }, "{kind:?}");
        }
    }
}

/// OpenBSD keeps a timer for each family: while it shares IPv6 too and hears none of it, it is master again for ever.
#[test]
fn a_kernel_that_gives_way_and_returns_is_told_of_as_such() {
    let mut host = host(1, 0).master();
    let start = host.now;
    for turn in 0..5 {
        host.now = start + Duration::from_millis(4_170) * turn;
        let decisions = host.hear(Kernel, "10.0.0.1", 1, 100);
        assert_eq!(words(&decisions), ["advertise", "announce"]);
        let told: Vec<_> = ids(&decisions).into_iter().filter(|id| *id != "UC1002").collect();
        assert_eq!(told, if turn >= 3 { vec!["UC1038"] } else { vec![] });
    }
}

/// A kernel that is preempted by what it says in IPv4 has said the same in IPv6 before it can hear of that.
#[test]
fn the_second_half_of_what_preempted_a_kernel_is_no_conflict() {
    let preempting = |parameters: &mut Parameters| {
        dual_stack(parameters);
        parameters.preempt = true;
    };
    let mut host = host_with(1, 0, preempting).backup();
    assert!(
        words(&host.hear(Kernel, "10.0.0.1", 1, 100)).contains(&"BACKUP>MASTER slower_master".to_owned())
    );
    host.now = host.now + Duration::from_micros(100);
    assert!(host.hear(Kernel, "fe80::1", 1, 100).is_empty());
    host.now = host.now + Duration::from_secs(1);
    assert_eq!(ids(&host.hear(Kernel, "fe80::1", 1, 100)), ["UC1002"]);
}

// Row 2: IPv4 decides; an equal IPv6 ad of ours is a sign of life until its IPv4 has been silent for its dead time.
#[test]
fn dual_stack_ties_are_decided_on_ipv4() {
    let mut host = host_with(1, 0, dual_stack).master();
    let start = host.now;
    host.hear(Ours, "10.0.0.9", 1, 0);
    // By IPv6 it would go before us (fe80::1 < fe80::5); the MAC ties both families together.
    let mut v6 = host.ad_from(Ours, "fe80::9", Interval::new(1, 0));
    for second in 0..3 {
        host.now = start + Duration::from_millis(second * 1000 + 1);
        assert_eq!(words(&host.tell(Fact::Heard(&v6))), [""; 0], "{second}");
    }
    host.now = start + Duration::from_millis(3000);
    assert_eq!(
        words(&host.tell(Fact::Heard(&v6))),
        ["advertise", "announce"],
        "IPv4 is pruned: IPv6 decides"
    );
    v6 = host.ad_from(Ours, "fe80::1", Interval::new(1, 0));
    for second in 3..6 {
        host.now = start + Duration::from_millis(second * 1000);
        assert_eq!(words(&host.tell(Fact::Heard(&v6))), [""; 0], "its IPv4 may still come");
    }
    host.now = start + Duration::from_millis(6001);
    assert_eq!(words(&host.tell(Fact::Heard(&v6))), ["give way", "MASTER>BACKUP tie_lost"]);
}

// Row 2: beside an old ucarp its order holds for all, for a minute.
#[test]
fn an_old_ucarp_turns_the_order_for_a_minute() {
    let mut host =
        host_with(1, 0, |parameters| parameters.sources.v4 = Some("10.0.1.5".parse().unwrap())).master();
    let start = host.now;
    let ours = host.ad_from(Ours, "10.0.0.9", Interval::new(1, 0));
    host.hear(OldUcarp, "10.0.0.30", 1, 50);
    assert_eq!(words(&host.tell(Fact::Heard(&ours))), ["announce"], "5 before 9, last octet first");
    host.now = start + Duration::from_secs(61);
    assert_eq!(
        words(&host.tell(Fact::Heard(&ours))),
        ["give way", "MASTER>BACKUP tie_lost"],
        "10.0.0.9 before 10.0.1.5"
    );
}

// Row 14: no candidacy for three seconds; what falls in them happens at their end.
#[test]
fn resigning_holds_back() {
    let mut host = host(0, 128).master();
    let start = host.now;
    assert_eq!(words(&host.tell(Fact::Resign { force: false })), ["bow out", "MASTER>BACKUP resigned"]);
    host.now = start + Duration::from_millis(100);
    host.hear(Kernel, "10.0.0.1", 1, 0);
    assert_eq!(words(&host.hear(Kernel, "10.0.0.1", 255, 255)), [""; 0]);
    let ran = run(&mut host, start + Duration::from_millis(3000));
    assert_eq!(ran[0], (start + Duration::from_secs(3), "BACKUP>MASTER master_left".to_owned()));
    assert_eq!(ids(&host.tell(Fact::Resign { force: false })), [""; 0]);
    assert_eq!(ids(&host.tell(Fact::Resign { force: false })), ["UC1017"]);
}

// Row 18: a flap within the grace runs nothing; a longer one ends in Init.
#[test]
fn link_of_a_master() {
    let mut host = host(2, 0).master();
    let start = host.now;
    assert_eq!(words(&host.tell(Fact::Link(Link::Down))), ["hush"]);
    assert_eq!(host.election.deadline(), Some(start + Duration::from_secs(1)));
    host.now = start + Duration::from_millis(50);
    assert_eq!(words(&host.tell(Fact::Link(Link::Up))), ["advertise", "speak"]);
    host.tell(Fact::Link(Link::Down));
    let ran = run(&mut host, start + Duration::from_secs(60));
    assert_eq!(ran, [(start + Duration::from_millis(1050), "MASTER>INIT link_down".to_owned())]);
    assert_eq!(words(&host.tell(Fact::Link(Link::Up))), ["INIT>BACKUP link_up"]);
}

#[test]
fn a_removed_interface_has_no_grace() {
    let mut host = host(1, 0).master();
    assert_eq!(words(&host.tell(Fact::Link(Link::Gone))), ["MASTER>INIT link_gone"]);
    assert_eq!(host.election.deadline(), None);
}

// Row 19: a master that slept steps down to its successor unless it preempts, and never fights it.
#[test]
fn a_master_that_slept() {
    for (preempt, expected) in
        [(false, vec!["give way", "MASTER>BACKUP overslept"]), (true, vec!["advertise", "announce"])]
    {
        let mut host = host_with(1, 0, |parameters| parameters.preempt = preempt).master();
        host.now = host.now + Duration::from_secs(10);
        host.tell(Fact::Late(Duration::from_secs(9)));
        assert_eq!(words(&host.hear(Ours, "10.0.0.9", 1, 100)), expected);
    }
    let mut short = host(1, 0).master();
    short.now = short.now + Duration::from_millis(2999);
    short.tell(Fact::Late(Duration::from_millis(1999)));
    assert_eq!(
        words(&short.hear(Ours, "10.0.0.9", 1, 100)),
        ["advertise", "announce"],
        "nobody can have taken over"
    );
    let mut host = host(1, 0).master();
    host.now = host.now + Duration::from_secs(10);
    host.tell(Fact::Late(Duration::from_secs(9)));
    assert_eq!(words(&host.tell(Fact::Tick)), ["scheduled"], "nobody took over: one ad, not nine");
    assert_eq!(words(&host.hear(Ours, "10.0.0.9", 1, 100)), ["advertise", "announce"], "awake again");
}

// Section "core contract", late wakes: a backup listens once more before it declares a master dead.
#[test]
fn a_backup_that_slept_listens_first_but_only_once() {
    let mut host = host(1, 0).backup();
    host.now = ms(10_000);
    host.tell(Fact::Late(Duration::from_secs(7)));
    assert_eq!(words(&host.tell(Fact::Tick)), [""; 0]);
    assert_eq!(host.election.deadline(), Some(ms(11_250)));
    host.now = ms(12_000);
    host.tell(Fact::Late(Duration::from_millis(750)));
    assert_eq!(words(&host.tell(Fact::Tick))[0], "BACKUP>MASTER master_timed_out");
}

// Row 11: three failures demote, in ties too; a faster election result follows from the interval.
#[test]
fn send_failures_demote() {
    let mut host = host(1, 0).master();
    for _ in 0..3 {
        host.tell(Fact::AdvertSent { ok: false });
    }
    assert_eq!(host.election.interval(), Interval::new(1, 240));
    assert_eq!(words(&host.hear(Kernel, "10.0.0.1", 1, 240)), ["MASTER>BACKUP tie_lost"]);
    let ended = run(&mut host, ms(60_000));
    assert!(ended.iter().any(|(_, word)| word == "BACKUP>MASTER master_timed_out"), "{ended:?}");
    for _ in 0..3 {
        host.tell(Fact::AdvertSent { ok: true });
    }
    assert_eq!(host.election.interval(), Interval::new(1, 0));
}

// Row 11: not while the link is known to be down.
#[test]
fn failures_without_a_link_say_nothing() {
    let mut host = host(1, 0).master();
    host.tell(Fact::Link(Link::Down));
    for _ in 0..9 {
        host.tell(Fact::AdvertSent { ok: false });
    }
    assert!(!host.election.demoted());
}

// Section "small things", "Up hook fails".
#[test]
fn a_failed_up_hook_demotes_if_asked_to() {
    let mut stay = host(1, 0).master();
    assert_eq!(words(&stay.tell(Fact::UpHook { success: false })), [""; 0]);
    let mut demote = host_with(1, 0, |parameters| parameters.hooks.failure = HookFailure::Demote).master();
    let start = demote.now;
    assert_eq!(
        words(&demote.tell(Fact::UpHook { success: false })),
        ["bow out", "MASTER>BACKUP hook_failed"]
    );
    let ran = run(&mut demote, start + Duration::from_secs(4));
    assert_eq!(ran[0], (start + Duration::from_secs(3), "BACKUP>MASTER master_timed_out".to_owned()));
    assert_eq!(demote.election.interval(), Interval::new(1, 240));
    assert_eq!(words(&demote.tell(Fact::UpHook { success: false })), [""; 0], "nobody else was there");
    demote.now = start + Duration::from_secs(30);
    assert_eq!(
        words(&demote.tell(Fact::UpHook { success: false })),
        ["bow out", "MASTER>BACKUP hook_failed"],
        "but may be now"
    );
    run(&mut demote, start + Duration::from_secs(34));
    demote.tell(Fact::UpHook { success: true });
    assert_eq!(demote.election.interval(), Interval::new(1, 0));
}

#[test]
fn after_a_failed_up_hook_only_silence_counts_for_a_while() {
    for (waited, answers) in [(29, false), (30, true)] {
        let demoting = |parameters: &mut Parameters| {
            parameters.hooks.failure = HookFailure::Demote;
            parameters.preempt = true;
        };
        let mut host = host_with(1, 0, demoting).master();
        host.tell(Fact::UpHook { success: false });
        host.hear(Ours, "10.0.0.9", 1, 250);
        assert_eq!(host.election.role(), Role::Backup, "no preemption, though 250 is more than 240");
        let start = host.now;
        for second in 1..=waited {
            host.now = start + Duration::from_secs(second);
            if second < 30 {
                host.hear(Ours, "10.0.0.9", 1, 200);
            }
        }
        let bow_out = host.hear(Ours, "10.0.0.9", 255, 255);
        assert_eq!(host.election.role() == Role::Master, answers, "{:?}", words(&bow_out));
        if !answers {
            let ran = run(&mut host, start + Duration::from_secs(60));
            assert_eq!(ran[0].1, "BACKUP>MASTER master_timed_out");
            assert!(ran[0].0.since(start) <= Duration::from_secs(29 + 3));
        }
    }
}

// Row 18: while our own up hook runs an interface set down keeps the role, and then the carrier has five seconds.
#[test]
fn the_up_hook_may_set_the_interface_down() {
    let mut host = host(1, 0).master();
    let start = host.now;
    let after = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(words(&host.tell(Fact::LinkTaken { until: after(60) })), ["hush"]);
    assert_eq!(host.election.deadline(), Some(after(65)));
    host.now = after(2);
    // It is up again, without a carrier yet.
    assert_eq!(words(&host.tell(Fact::Link(Link::Down))), [""; 0]);
    host.tell(Fact::UpHook { success: true });
    assert_eq!(host.election.deadline(), Some(after(7)));
    let ran = run(&mut host, after(60));
    assert_eq!(ran, [(after(7), "MASTER>INIT link_down".to_owned())]);
}

// Rows 18 and 19: after longer than the dead time another may be master.
#[test]
fn a_link_that_was_away_for_long_is_listened_to_first() {
    let returned = |preempt, away| {
        let mut host = host_with(1, 0, |parameters| parameters.preempt = preempt).master();
        let start = host.now;
        host.tell(Fact::LinkTaken { until: start + Duration::from_secs(60) });
        host.now = start + Duration::from_millis(away);
        let said = words(&host.tell(Fact::Link(Link::Up)));
        (host, said)
    };
    assert_eq!(returned(false, 2_999).1, ["advertise", "speak"], "nobody can have taken over");
    for (preempt, expected) in
        [(false, vec!["give way", "MASTER>BACKUP replaced"]), (true, vec!["speak", "advertise", "announce"])]
    {
        let (mut host, said) = returned(preempt, 3_000);
        assert_eq!(said, [""; 0]);
        assert_eq!(words(&host.hear(Ours, "10.0.0.9", 1, 100)), expected);
    }
    let (mut host, _) = returned(false, 3_000);
    let back = host.now;
    // The interval of the slowest host with our advbase, and a quarter.
    let spoke = back + Duration::from_micros(2_421_875);
    let ran = run(&mut host, back + Duration::from_millis(2_500));
    assert_eq!(ran, [(spoke, "speak".to_owned()), (spoke, "scheduled".to_owned())]);
    // A link that flaps meanwhile does not make us forget.
    let (mut host, _) = returned(false, 3_000);
    host.tell(Fact::Link(Link::Down));
    assert_eq!(words(&host.tell(Fact::Link(Link::Up))), [""; 0]);
}

// Row 12: a master bows out only if it is to withdraw, and not without a link.
#[test]
fn shutting_down() {
    for (withdraw, link, expected) in [
        (true, Link::Up, vec!["bow out", "MASTER>INIT shutdown"]),
        (false, Link::Up, vec!["MASTER>INIT shutdown"]),
        (true, Link::Down, vec!["MASTER>INIT shutdown"]),
    ] {
        let mut host = host(1, 0).master();
        host.tell(Fact::Link(link));
        assert_eq!(words(&host.tell(Fact::Leave { withdraw, reason: Reason::Shutdown })), expected);
        assert_eq!(words(&host.tell(Fact::Link(Link::Up))), [""; 0], "it does not come back");
    }
}

// Row 2: a peer with our own source address is told of whatever else happens.
#[test]
fn equal_source_addresses() {
    let mut host = host(1, 0).master();
    let ad = host.ad_from(Ours, OURS, Interval::new(1, 0));
    assert_eq!(ids(&host.tell(Fact::Heard(&ad))), ["UC1004", "UC1002"]);
}
