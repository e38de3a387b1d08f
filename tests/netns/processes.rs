//! The two processes of a daemon, of which one dies, hangs or is mistaken for dead: what the other one does, and what
//! another host sees of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Case;
use super::attacks::faked;
use super::cases::{backup, lone_master, master_and_backup, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::segment::{Segment, VIP, eventually, patience, throughout};
use super::wire;
use crate::rng::Rng;

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    let mut cases: Vec<Case> = (0..SIDES)
        .map(|side| Case::new(format!("killed_at_random_{side}"), ours, move || killed_at_random(side)))
        .collect();
    cases.push(Case::new("engine_that_dies_again_and_again", ours, dies_again));
    cases.push(Case::new("engine_that_dies_while_a_hook_runs", ours, dies_amid_hook));
    cases.push(Case::new("engine_that_dies_over_the_end", ours, dies_over_the_end));
    cases.push(Case::new("engine_whose_hook_nobody_runs", ours, hook_for_nobody));
    cases.push(Case::new("engine_whose_daemon_is_started_anew", ours, started_anew));
    cases.push(Case::new("engine_that_hangs", ours, hangs));
    cases.push(Case::new("engine_that_was_stopped_with_its_hands", ours, stopped_together));
    cases.push(Case::new("engine_whose_capture_dies", ours, capture_dies));
    cases
}

const OURS: (Kind, Kind) = (Kind::Ours, Kind::Ours);
/// How many times the rounds are played side by side.
const SIDES: u64 = 4;
/// How long the backup waits for the master of the rounds, which advertises every tenth of a second.
const DEAD: f64 = 3.0 * 60.0 / 256.0;
/// As many deaths of an engine in a minute are made good.
const BORNE: usize = 3;

fn master() -> Setup {
    Setup::skew(25).with(&["--advbase=0", "--shutdown"])
}

fn slower() -> Setup {
    Setup::skew(60).with(&["--advbase=0", "--shutdown"])
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |word| word.parse().expect("it is a number"))
}

fn shoot(pid: Pid, signal: Signal) {
    kill(pid, signal).expect("it lives");
}

fn lives(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// An engine without hands, which ends with the value.
struct Alone(Pid);

impl Alone {
    #[track_caller]
    fn of(daemon: &mut Daemon) -> Self {
        let alone = Self(daemon.engine().expect("it has one"));
        daemon.signal_hands(Signal::SIGKILL);
        daemon.await_exit(seconds(2));
        alone
    }

    #[track_caller]
    fn await_end(&self) {
        eventually("it ends", seconds(2), || !lives(self.0));
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

/// The daemons of a segment: the master and who waits for it.
struct Pair<'a> {
    segment: &'a Segment,
    daemons: [Daemon; 2],
}

impl<'a> Pair<'a> {
    fn new(segment: &'a Segment) -> Self {
        let (a, b) = master_and_backup(segment, OURS, (&master(), &slower()));
        Self { segment, daemons: [a, b] }
    }

    /// Whatever has happened: the first one is master and has the address, the other one is not and has it not.
    #[track_caller]
    fn assert_untouched(&self, since: f64) {
        let [a, b] = &self.daemons;
        eventually("the master goes on", seconds(2), || self.segment.ads_of(0, since).len() >= 3);
        assert_eq!(self.segment.ads_of(1, since), [], "the other one advertised");
        assert!(!self.segment.ads_of(0, since).iter().any(super::frames::Ad::is_bow_out));
        assert_eq!((a.hook_names(), b.hook_names()), (vec!["down".into(), "up".into()], vec!["down".into()]));
        let has = [0, 1].map(|host| self.segment.hosts[host].has_address(VIP));
        assert_eq!(has, [true, false]);
    }

    /// Another engine goes on where the one of this daemon was.
    #[track_caller]
    fn kill_engine(&self, which: usize) {
        let daemon = &self.daemons[which];
        let back = || daemon.lines(|line| line.contains("[UC2011]")).len();
        let (before, engine) = (back(), daemon.engine().expect("it has one"));
        let at = wire::now();
        shoot(engine, Signal::SIGKILL);
        eventually("another one works", seconds(2), || back() > before);
        eventually("it is another one", seconds(1), || {
            !lives(engine) && daemon.engine().is_some_and(|another| another != engine)
        });
        self.assert_untouched(at);
        assert_eq!(self.daemons.each_ref().map(Daemon::role), ["MASTER", "BACKUP"]);
    }

    #[track_caller]
    fn kill_hands_of_backup(mut self) {
        let at = wire::now();
        let engine = Alone::of(&mut self.daemons[1]);
        self.daemons[1].await_line("that it ends too", seconds(1), |line| line.contains("[UC2035]"));
        engine.await_end();
        self.assert_untouched(at);
    }

    /// A master that has nobody any more to run a hook goes on where it is.
    #[track_caller]
    fn kill_hands_of_master(mut self, then: Then) {
        let at = wire::now();
        let engine = Alone::of(&mut self.daemons[0]);
        self.daemons[0].await_line("that it goes on", seconds(1), |line| line.contains("[UC2035]"));
        thread::sleep(Duration::from_secs_f64(DEAD));
        self.assert_untouched(at);
        assert!(lives(engine.0), "it is the one that goes on");
        let ended = wire::now();
        match then {
            Then::Told => shoot(engine.0, Signal::SIGTERM),
            Then::Lost => {
                self.daemons[1].signal(Signal::SIGTERM);
                self.daemons[1].await_exit(seconds(2));
                let faster = Setup::skew(10).with(&["--advbase=0", "--shutdown", "--preempt"]);
                self.daemons[1] = Daemon::start(self.segment, 1, Kind::Ours, &faster);
            }
            Then::Without => _ = self.segment.hosts[0].sh("ip addr del 10.9.0.200/32 dev eth0"),
        }
        let limit = if let Then::Lost = then { 3.0 } else { 0.5 * f64::from(patience()) };
        let ad = self.segment.await_ad_of(1, ended, seconds(4));
        assert!(ad.at - ended < limit, "{then:?}: followed after {:.3} s", ad.at - ended);
        engine.await_end();
        self.daemons[1].await_hooks(&["down", "up"], seconds(2));
        let reason = if let Then::Lost = then { "slower_master" } else { "master_left" };
        assert_eq!(self.daemons[1].hooks()[1].reason(), reason);
        assert_eq!(self.daemons[0].hook_names(), ["down", "up"], "nobody could run one");
        self.followed(!matches!(then, Then::Without));
    }

    #[track_caller]
    fn kill_both_of_backup(self) {
        let at = wire::now();
        self.daemons[1].signal(Signal::SIGKILL);
        self.assert_untouched(at);
    }

    #[track_caller]
    fn kill_both_of_master(self) {
        let at = wire::now();
        self.daemons[0].signal(Signal::SIGKILL);
        let ad = self.segment.await_ad_of(1, at, seconds(3));
        assert!(ad.at - at < DEAD + 0.5 * f64::from(patience()), "{:.3} s", ad.at - at);
        self.daemons[1].await_hooks(&["down", "up"], seconds(2));
        self.followed(true);
    }

    /// The first host lost both processes as master, and what it has left behind is taken away at the next start.
    #[track_caller]
    fn followed(self, is_left: bool) {
        assert_eq!(self.segment.hosts[0].has_address(VIP), is_left);
        let again = Daemon::start(self.segment, 0, Kind::Ours, &slower());
        again.await_hooks(&["down"], seconds(5));
        eventually("nothing is left", seconds(2), || !self.segment.hosts[0].has_address(VIP));
        self.segment.await_owner(1, seconds(2));
    }
}

/// How an engine without hands ends.
#[derive(Clone, Copy, Debug)]
enum Then {
    Told,
    Lost,
    Without,
}

fn killed_at_random(side: u64) {
    let seed = number("UCARP_TEST_SEED", u64::from(std::process::id()));
    let rounds = number("UCARP_TEST_ROUNDS", 24) / SIDES;
    let _ = writeln!(std::io::stdout(), "killed_at_random_{side}: UCARP_TEST_SEED={seed}, {rounds} rounds");
    let mut rng = Rng::new(seed.wrapping_add(side));
    let (mut left, mut unsettled) = (rounds, 0);
    // Each side begins elsewhere, so that together they see all.
    let mut ends = (0..6).cycle().skip(usize::try_from(side * 2 % 6).expect("small"));
    while left > 0 {
        let segment = Segment::new(2);
        let sometime = |rng: &mut Rng, most: u64| thread::sleep(Duration::from_millis(rng.within(0, most)));
        if unsettled * 4 < rounds - left {
            unsettled += 1;
            left -= 1;
            amid_elections(&segment, &mut rng);
            assert_one_at_a_time(&segment);
            continue;
        }
        let pair = Pair::new(&segment);
        for _ in 0..rng.within(1, 2).min(left - 1) {
            sometime(&mut rng, 150);
            let which = usize::from(rng.percent(40));
            pair.kill_engine(which);
            left -= 1;
        }
        sometime(&mut rng, 150);
        left -= 1;
        match ends.next() {
            Some(0) => pair.kill_hands_of_backup(),
            Some(1) => pair.kill_both_of_backup(),
            Some(2) => pair.kill_both_of_master(),
            Some(3) => pair.kill_hands_of_master(Then::Told),
            Some(4) => pair.kill_hands_of_master(Then::Lost),
            _ => pair.kill_hands_of_master(Then::Without),
        }
        assert_one_at_a_time(&segment);
    }
}

/// Somebody dies while nothing is decided. Whoever is left decides it, and the address is where the master is.
fn amid_elections(segment: &Segment, rng: &mut Rng) {
    let mut daemons =
        [Daemon::start(segment, 0, Kind::Ours, &master()), Daemon::start(segment, 1, Kind::Ours, &slower())];
    for daemon in &daemons {
        eventually("it has an engine", seconds(5), || daemon.engine().is_some());
    }
    let which = usize::try_from(rng.within(0, 1)).expect("small");
    let what = rng.within(0, 2);
    thread::sleep(Duration::from_millis(rng.within(0, 900)));
    let alone = match what {
        0 => {
            shoot(daemons[which].engine().expect("it has one"), Signal::SIGKILL);
            None
        }
        1 => Some(Alone::of(&mut daemons[which])),
        _ => {
            daemons[which].signal(Signal::SIGKILL);
            None
        }
    };
    let at = wire::now() + 2.5;
    thread::sleep(Duration::from_secs_f64(2.5));
    let about = format!("{what} of {which}");
    let masters: BTreeSet<_> = segment.wire().ads(|ad| ad.at > at - 0.5).iter().map(|ad| ad.source).collect();
    let [who] = Vec::from_iter(masters)[..] else { panic!("{about}: not one master") };
    let host = segment.hosts.iter().position(|host| host.address == who).expect("one of the two");
    eventually(&format!("{about}: the master has the address"), seconds(2), || {
        segment.hosts[host].has_address(VIP)
    });
    let other = 1 - host;
    if what == 0 {
        eventually("the other one has it not", seconds(2), || !segment.hosts[other].has_address(VIP));
        assert_eq!((daemons[host].role().as_str(), daemons[other].role().as_str()), ("MASTER", "BACKUP"));
        return;
    }
    // Whoever lost his hands, or everything, may have left it.
    let whole = 1 - which;
    assert_eq!(daemons[whole].role(), if host == whole { "MASTER" } else { "BACKUP" }, "{about}");
    if let Some(alone) = alone.filter(|_| host == whole) {
        alone.await_end();
    }
}

/// Two masters recognize each other with the next advertisement.
#[track_caller]
fn assert_one_at_a_time(segment: &Segment) {
    let bound = 0.5 * f64::from(patience());
    let times = |host: usize| {
        let mut times: Vec<[f64; 2]> = Vec::new();
        let mut left = true;
        for ad in segment.ads_of(host, 0.0) {
            match times.last_mut() {
                Some([_, last]) if !left && ad.at - *last < DEAD => *last = ad.at,
                _ if ad.is_bow_out() => {}
                _ => times.push([ad.at, ad.at]),
            }
            left = ad.is_bow_out();
        }
        times
    };
    for [begun, ended] in times(0) {
        for [other_begun, other_ended] in times(1) {
            let both = ended.min(other_ended) - begun.max(other_begun);
            assert!(both < bound, "two masters for {both:.3} s from {:.6} on", begun.max(other_begun));
        }
    }
}

/// As a supervisor does that knows the process that it started and no other. The one that is left must not keep the place
/// for ever, where nobody can reload or stop it.
fn started_anew() {
    let segment = Segment::new(2);
    let mut pair = Pair::new(&segment);
    let engine = Alone::of(&mut pair.daemons[0]);
    pair.daemons[0].await_line("that it goes on", seconds(1), |line| line.contains("[UC2035]"));
    let at = wire::now();
    pair.daemons[0] = Daemon::start(&segment, 0, Kind::Ours, &slower());
    let [a, b] = &pair.daemons;
    a.await_line("what was left behind", seconds(2), |line| {
        line.contains("[UC2048]") && line.contains(&format!("Process {},", engine.0))
    });
    engine.await_end();
    segment.await_bow_out_of(0, at, seconds(1));
    b.await_hooks(&["down", "up"], seconds(2));
    assert_eq!(b.hooks()[1].reason(), "master_left");
    a.await_hooks(&["down"], seconds(2));
    segment.await_owner(1, seconds(2));
    eventually("it is whole again", seconds(2), || a.role() == "BACKUP");
    assert_one_at_a_time(&segment);
}

fn dies_again() {
    let segment = Segment::new(2);
    let pair = Pair::new(&segment);
    for _ in 0..BORNE {
        pair.kill_engine(0);
    }
    let [a, b] = &pair.daemons;
    let at = wire::now();
    shoot(a.engine().expect("it has one"), Signal::SIGKILL);
    let ad = segment.await_ad_of(1, at, seconds(2));
    assert!(ad.at - at < DEAD / 2.0 * f64::from(patience()), "followed after {:.3} s", ad.at - at);
    segment.await_bow_out_of(0, at, seconds(1));
    a.await_hooks(&["down", "up", "down"], seconds(2));
    assert_eq!(a.hooks()[2].reason(), "shutdown");
    b.await_hooks(&["down", "up"], seconds(2));
    assert_eq!(b.hooks()[1].reason(), "master_left");
    a.await_line("that it is too often", seconds(1), |line| line.contains("[UC2012]"));
    a.await_line("that it rests", seconds(1), |line| line.contains("[UC2013]") && line.contains("10"));
    eventually("the address is gone", seconds(2), || !segment.hosts[0].has_address(VIP));
    segment.await_owner(1, seconds(2));
    throughout("it rests", seconds(8), || a.engine().is_none());
    eventually("it is tried again", seconds(4), || a.engine().is_some());
    eventually("it takes part", seconds(2), || a.engine().is_some() && a.role() == "BACKUP");
    assert!(segment.ads_of(0, ad.at + 0.1).is_empty());
    assert_eq!(b.role(), "MASTER");
    // And really hears.
    let left = b.signal_at(Signal::SIGTERM);
    segment.await_ad_of(0, left, seconds(1));
    eventually("the address is here", seconds(2), || segment.hosts[0].has_address(VIP));
    assert_eq!(a.hook_names().last().map(String::as_str), Some("up"));
}

/// The hook goes on, once, and whoever goes on hears how it ends.
fn dies_amid_hook() {
    let segment = Segment::new(1);
    let a = Daemon::start(&segment, 0, Kind::Ours, &Setup { up: "sleep 1", ..master() });
    a.await_hooks(&["down", "up"], seconds(5));
    shoot(a.engine().expect("it has one"), Signal::SIGKILL);
    a.await_line("that another one works", seconds(1), |line| line.contains("[UC2011]"));
    assert!(a.hooks()[1].ended.is_none(), "it runs on");
    eventually("it ends", seconds(3), || a.hooks()[1].ended.is_some());
    let ended = a.hooks()[1].ended.expect("it has");
    let mac = segment.hosts[0].mac;
    segment.wire().await_arp("the announcement after the hook", seconds(1), |arp| {
        arp.at > ended && arp.is_gratuitous() && arp.sender == VIP && arp.sender_mac == mac
    });
    throughout("once is enough", Duration::from_millis(500), || a.hook_names() == ["down", "up"]);
    assert_eq!(a.role(), "MASTER");
}

/// What was asked for is done all the same, though something went wrong.
fn dies_over_the_end() {
    let segment = Segment::new(1);
    let down = "case $UCARP_REASON in shutdown) sleep 1;; esac";
    let mut a = lone_master(&segment, 0, Kind::Ours, &Setup { down, ..master() });
    let at = a.signal_at(Signal::SIGTERM);
    a.await_hooks(&["down", "up", "down"], seconds(2));
    shoot(a.engine().expect("it waits for the hook"), Signal::SIGKILL);
    assert_eq!(a.await_exit(seconds(3)).code(), Some(70));
    a.await_hooks(&["down", "up", "down"], seconds(1));
    assert!(a.hooks()[2].ended.is_some(), "the hook was left alone");
    segment.await_bow_out_of(0, at, seconds(1));
    assert!(!segment.hosts[0].has_address(VIP));
}

/// It was elected and asked for the hook, but the hands were not to read that any more.
fn hook_for_nobody() {
    let segment = Segment::new(1);
    let mut a = Daemon::start(&segment, 0, Kind::Ours, &Setup::skew(128).with(&["--advbase=0"]));
    a.await_hooks(&["down"], seconds(5));
    a.signal_hands(Signal::SIGSTOP);
    let ad = segment.await_ad_of(0, 0.0, seconds(3));
    let engine = Alone::of(&mut a);
    eventually("it gives way", seconds(3), || !lives(engine.0));
    segment.await_bow_out_of(0, ad.at, seconds(1));
    assert_eq!(a.hook_names(), ["down"]);
}

/// A master that is silent for a second, and another one that would wait for more than two.
fn hangs() {
    let segment = Segment::new(2);
    let setup = |skew| Setup::skew(skew).with(&["--advbase=0", "--shutdown"]);
    let (a, b) = master_and_backup(&segment, OURS, (&setup(128), &setup(200)));
    for (daemon, deaths) in [(&a, 1), (&b, 1), (&a, 2)] {
        let engine = daemon.engine().expect("it has one");
        let at = wire::now();
        shoot(engine, Signal::SIGSTOP);
        let said = |id: &str| daemon.lines(|line| line.contains(id)).len();
        eventually("another one works", seconds(3), || said("[UC2011]") == deaths);
        assert_eq!(said("[UC2010]"), deaths);
        eventually("it is another one", seconds(1), || !lives(engine) && daemon.engine().is_some());
        eventually("the master goes on", seconds(2), || segment.ads_of(0, at).len() >= 3);
        assert!(segment.ads_of(1, 0.0).is_empty(), "the other one took over");
        assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
        assert_eq!((a.hook_names(), b.hook_names()), (vec!["down".into(), "up".into()], vec!["down".into()]));
    }
}

/// As by a machine that sleeps: the engine is as well as before, though it was silent.
fn stopped_together() {
    let segment = Segment::new(4);
    // Who is silent for so long is dead or is not; those that wait for it have waited as long.
    let stops = [700, 1100, 1300, 2600];
    let setup = Setup::skew(128).with(&["--advbase=0"]);
    thread::scope(|scope| {
        for (host, stop) in stops.into_iter().enumerate() {
            segment.cut(host);
            let (segment, setup) = (&segment, &setup);
            scope.spawn(move || {
                let a = Daemon::start(segment, host, Kind::Ours, setup);
                a.await_hooks(&["down", "up"], seconds(8));
                let engine = a.engine().expect("it has one");
                a.signal_hands(Signal::SIGSTOP);
                shoot(engine, Signal::SIGSTOP);
                thread::sleep(Duration::from_millis(stop));
                // The hands are the first to see what time it is.
                a.signal_hands(Signal::SIGCONT);
                thread::sleep(Duration::from_millis(20));
                shoot(engine, Signal::SIGCONT);
                a.role();
                thread::sleep(seconds(1));
                assert_eq!(a.engine(), Some(engine), "{stop} ms");
                assert_eq!(a.lines(|line| line.contains("[UC201")), Vec::<String>::new(), "{stop} ms");
            });
        }
    });
}

/// A backup that hears nothing takes nothing over until it hears again.
fn capture_dies() {
    let segment = Segment::new(2);
    let a = lone_master(&segment, 0, Kind::Ours, &master());
    let deaf = segment.dir().join("deaf");
    fs::write(&deaf, [0]).expect("the directory is ours");
    let wrapper = faked(&segment, &format!("FAKED_DEAF={}", deaf.display()));
    let b = backup(&segment, 1, Kind::Ours, &Setup { wrapper, ..slower() });
    // In its place: who looks at what is mapped while the file is empty is ended for it.
    let set = |to: u8| {
        let file = fs::OpenOptions::new().write(true).open(&deaf);
        file.and_then(|file| file.write_all_at(&[to], 0)).expect("it is ours");
    };
    let hears = |level: &str| b.lines(|line| line.contains("[UC2016]") && line.contains(level)).len();
    set(1);
    eventually("it says that it is deaf", seconds(2), || {
        hears("[ERROR] Cannot hear other hosts on eth0") == 1
    });
    throughout("it takes nothing over", seconds(2), || b.hook_names() == ["down"]);
    assert_eq!(b.role(), "BACKUP");
    assert!(
        b.lines(|line| line.contains("[UC2010]")).is_empty(),
        "an engine without a capture is none that died"
    );
    let engine = b.engine().expect("it has one");
    let used = || {
        let stat = fs::read_to_string(format!("/proc/{engine}/stat")).expect("it runs");
        let (_, rest) = stat.rsplit_once(") ").expect("a name in brackets");
        let ticks = rest.split(' ').skip(11).take(2).map(|word| word.parse::<u64>().expect("a number"));
        ticks.sum::<u64>()
    };
    assert!(used() < 50, "it waits, and does not turn: {} ticks", used());
    set(0);
    // It is tried after 1 s, 2 s, 4 s: the longest wait that may lie before it.
    eventually("it hears again", seconds(8), || hears("[INFO]") == 1);
    throughout("it hears the master", seconds(1), || b.hook_names() == ["down"]);
    assert_eq!((a.role().as_str(), b.role().as_str()), ("MASTER", "BACKUP"));
    a.signal(Signal::SIGKILL);
    b.await_hooks(&["down", "up"], seconds(3));
}
