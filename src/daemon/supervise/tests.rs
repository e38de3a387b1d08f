use super::*;

const TERM: Seen<'_> = Seen::Signal(Signal::Terminate);
const MASTER: [Role; 2] = [Role::Master, Role::Backup];

/// Two hosts of 3 s dead time with hooks of 10 s. Times are milliseconds.
struct Bench(Supervisor);

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1000)
}

fn plan() -> Plan {
    Plan {
        dead_time: Duration::from_secs(3),
        manages: false,
        has_down: true,
        withdraws: true,
        hook_timeout: Duration::from_secs(10),
    }
}

impl Bench {
    /// The engine works at 0, and the first host is master.
    fn serving() -> Self {
        let mut bench = Self(Supervisor::new([plan(), plan()], Time::ZERO));
        assert_eq!(bench.see(Seen::Beat(&MASTER), 0), []);
        bench.see(Seen::HookBegan(0, Hook::Up), 0);
        bench.see(Seen::HookOver(0), 0);
        bench
    }

    fn see(&mut self, seen: Seen<'_>, milliseconds: u64) -> Vec<Deed> {
        self.0.handle(seen, at(milliseconds))
    }

    /// The tick that is due, which is told on time.
    fn tick(&mut self) -> (Time, Vec<Deed>) {
        let due = self.0.deadline().expect("a deadline");
        (due, self.0.handle(Seen::Tick, due))
    }

    /// Given up at 4 s, after four deaths in a minute: the down hook of the master is to run.
    fn given_up() -> Self {
        let mut bench = Self::serving();
        for death in 1..=3 {
            bench.see(Seen::Gone, death * 1000);
            bench.see(Seen::Beat(&MASTER), death * 1000 + 50);
        }
        let deeds = bench.see(Seen::Gone, 4000);
        let given_up = [Deed::KillEngine, Deed::Tell(Notice::DiesAgain), Deed::BowOut(0), Deed::RunDown(0)];
        assert_eq!(deeds, given_up);
        bench
    }
}

/// As [`Bench::serving`], with managed addresses on the first host, or on both, and scripts beside them.
fn managing(both: bool) -> Bench {
    let managed = Plan { manages: true, ..plan() };
    let mut bench = Bench(Supervisor::new([managed, Plan { manages: both, ..plan() }], Time::ZERO));
    bench.see(Seen::Beat(&MASTER), 0);
    bench.see(Seen::HookBegan(0, Hook::Up), 0);
    bench.see(Seen::HookOver(0), 0);
    bench
}

const NOBODY: [u16; 0] = [];

/// Whose managed addresses are taken off.
fn withdrawn(deeds: &[Deed]) -> Vec<u16> {
    let number = |deed: &Deed| match deed {
        Deed::Withdraw(host) => Some(*host),
        _ => None,
    };
    deeds.iter().filter_map(number).collect()
}

fn start(roles: [Role; 2], silent: u64) -> Deed {
    Deed::StartEngine { roles: roles.to_vec(), silent: Duration::from_millis(silent) }
}

fn kill(host: u16, force: bool) -> Deed {
    Deed::KillHook { host, force }
}

#[test]
fn a_dead_engine_is_started_anew_with_its_roles() {
    let mut bench = Bench::serving();
    let deeds = bench.see(Seen::Gone, 700);
    assert_eq!(deeds, [Deed::KillEngine, Deed::Tell(Notice::Died), start(MASTER, 700)]);
    assert_eq!(bench.0.deadline(), Some(at(3000)), "the dead time");
    assert_eq!(bench.see(Seen::Gone, 700).len(), 3, "its successor may die as well");
    let back = bench.see(Seen::Beat(&MASTER), 750);
    assert_eq!(back, [Deed::Tell(Notice::Back(Duration::from_millis(750)))]);
    assert_eq!(bench.see(Seen::Beat(&MASTER), 760), []);
}

#[test]
fn roles_are_remembered_as_they_change() {
    let mut bench = Bench::serving();
    bench.see(Seen::Beat(&[Role::Backup, Role::Backup]), 500);
    bench.see(Seen::Beat(&[Role::Backup, Role::Master]), 600);
    // What a script is told of its host is older than that.
    bench.see(Seen::HookBegan(1, Hook::Down), 600);
    assert!(bench.see(Seen::Gone, 700).contains(&start([Role::Backup, Role::Master], 100)));
}

#[test]
fn who_hangs_is_dead() {
    let mut bench = Bench::serving();
    assert_eq!(bench.0.silence(), Duration::from_secs(2), "two thirds of the dead time");
    let (when, deeds) = bench.tick();
    assert_eq!(when, at(2000));
    let hung = Notice::Hung(Duration::from_secs(2));
    assert_eq!(deeds, [Deed::KillEngine, Deed::Tell(hung), start(MASTER, 2000)]);
    assert_eq!(bench.see(Seen::Tick, 2001), [], "early");
}

#[test]
fn hands_that_were_away_do_not_blame_the_engine() {
    let mut bench = Bench::serving();
    assert_eq!(bench.see(Seen::Tick, 60_000), []);
    assert_eq!(bench.0.deadline(), Some(at(61_000)));
    assert_eq!(bench.see(Seen::Beat(&MASTER), 60_010), []);
    bench.see(Seen::Tick, 90_000);
    assert!(bench.tick().1.contains(&Deed::KillEngine), "but not for ever");
    // However short they were away.
    for (late, more) in [(20, 100), (300, 300), (5000, 1000)] {
        let mut bench = Bench::serving();
        assert_eq!(bench.see(Seen::Tick, 2000 + late), [], "{late}");
        assert_eq!(bench.0.deadline(), Some(at(2000 + late + more)));
    }
    assert!(Bench::serving().see(Seen::Tick, 2019).contains(&Deed::KillEngine), "it is a little late always");
}

#[test]
fn four_deaths_in_a_minute_are_too_many() {
    let mut bench = Bench::given_up();
    bench.see(Seen::HookBegan(0, Hook::Down), 4010);
    let rests = |seconds| Deed::Tell(Notice::Rests(Duration::from_secs(seconds)));
    assert_eq!(bench.see(Seen::HookOver(0), 4500), [rests(10)]);
    // It begins as if it had never been.
    let (when, deeds) = bench.tick();
    assert_eq!((when, deeds), (at(14_500), vec![start([Role::Init; 2], 11_450)]));
    bench.see(Seen::Beat(&[Role::Backup; 2]), 14_600);
    let deeds = bench.see(Seen::Gone, 15_000);
    assert_eq!(deeds, [Deed::KillEngine, Deed::Tell(Notice::DiesAgain), rests(20)], "nothing to withdraw");

    let mut bench = Bench::serving();
    for death in 1..=20_u64 {
        let deeds = bench.see(Seen::Gone, death * 20_001);
        assert!(deeds.contains(&Deed::Tell(Notice::Died)), "one in twenty seconds is endured");
        bench.see(Seen::Beat(&MASTER), death * 20_001 + 30);
    }
}

#[test]
fn an_engine_is_expected_but_where_one_was_given_up() {
    let mut bench = Bench::serving();
    assert!(!bench.0.does_without_engine());
    bench.see(Seen::Gone, 700);
    assert!(!bench.0.does_without_engine(), "the next one is to work soon");
    let mut bench = Bench::given_up();
    assert!(bench.0.does_without_engine(), "the down hook has its time");
    bench.see(Seen::HookOver(0), 4500);
    assert!(bench.0.does_without_engine(), "it rests");
    bench.tick();
    assert!(!bench.0.does_without_engine(), "it is tried again");
}

#[test]
fn rests_double_until_an_hour_of_peace() {
    let mut bench = Bench::given_up();
    let mut rests = Vec::new();
    bench.see(Seen::HookBegan(0, Hook::Down), 4010);
    let mut said = bench.see(Seen::HookOver(0), 4500);
    for _ in 0..9 {
        let Some(Deed::Tell(Notice::Rests(rest))) = said.last() else { panic!("{said:?}") };
        rests.push(rest.as_secs());
        bench.tick();
        // It does not come up.
        said = bench.tick().1;
    }
    assert_eq!(rests, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
    let (mut now, _) = bench.tick();
    for _ in 0..2000 {
        bench.0.handle(Seen::Beat(&MASTER), now);
        now = now + Duration::from_secs(2);
    }
    for _ in 0..4 {
        bench.0.handle(Seen::Beat(&[Role::Backup; 2]), now);
        said = bench.0.handle(Seen::Gone, now);
    }
    assert_eq!(said.last(), Some(&Deed::Tell(Notice::Rests(Duration::from_secs(10)))));
}

#[test]
fn what_does_not_come_up_in_time_is_given_up() {
    let mut bench = Bench::serving();
    bench.see(Seen::Gone, 100);
    let (when, deeds) = bench.tick();
    assert_eq!(when, at(3000));
    assert_eq!(deeds, [Deed::KillEngine, Deed::Tell(Notice::NotBack), Deed::BowOut(0), Deed::RunDown(0)]);
    // Nor what cannot be started at all.
    let mut bench = Bench::serving();
    bench.see(Seen::Gone, 100);
    let mut now = at(100);
    loop {
        let deeds = bench.0.handle(Seen::NotStarted, now);
        if deeds.contains(&Deed::BowOut(0)) {
            break;
        }
        assert_eq!(deeds, []);
        let (when, deeds) = bench.tick();
        assert!(matches!(deeds.as_slice(), [Deed::StartEngine { .. }]) && when > now);
        now = when;
    }
    assert_eq!(now, at(2900));
    // A host whose dead time is very short has a chance, and nobody hurries for a backup.
    let quick = Plan { dead_time: Duration::from_millis(50), ..plan() };
    for (role, anew) in [(Role::Master, 1000), (Role::Backup, 15_000)] {
        let mut bench = Bench(Supervisor::new([quick], Time::ZERO));
        bench.see(Seen::Beat(&[role]), 0);
        bench.see(Seen::Gone, if role == Role::Master { 100 } else { 5000 });
        assert_eq!(bench.0.deadline(), Some(at(anew)));
    }
}

#[test]
fn each_host_that_may_have_the_address_gives_it_up() {
    // A master whose up hook runs; a backup that became one just now, whose down hook has not run.
    let mut bench = Bench::serving();
    bench.see(Seen::HookBegan(1, Hook::Up), 100);
    bench.see(Seen::Beat(&[Role::Backup, Role::Master]), 150);
    bench.see(Seen::Gone, 200);
    let (_, deeds) = bench.tick();
    assert_eq!(deeds.get(2..), Some(&[Deed::BowOut(1), Deed::RunDown(0), kill(1, false)][..]));
    // Five seconds to end, and the down hook after it.
    assert_eq!(bench.tick(), (at(8150), vec![kill(1, true)]));
    assert_eq!(bench.see(Seen::HookOver(1), 8200), [Deed::RunDown(1)]);
    // Each has its own time, and is ended after it.
    assert_eq!(bench.tick(), (at(13_150), vec![kill(0, false)]));
    assert!(matches!(bench.see(Seen::HookOver(0), 13_200).as_slice(), []));
    assert!(matches!(bench.see(Seen::HookOver(1), 13_300).as_slice(), [Deed::Tell(Notice::Rests(_))]));
}

#[test]
fn managed_addresses_stay_while_an_engine_is_started_anew() {
    let mut bench = managing(true);
    for death in 1..=3 {
        assert_eq!(withdrawn(&bench.see(Seen::Gone, death * 1000)), NOBODY);
        assert_eq!(withdrawn(&bench.see(Seen::NotStarted, death * 1000 + 10)), NOBODY);
        assert_eq!(withdrawn(&bench.tick().1), NOBODY);
        assert_eq!(withdrawn(&bench.see(Seen::Beat(&MASTER), death * 1000 + 500)), NOBODY);
    }
}

#[test]
fn managed_addresses_of_whoever_is_given_up_go_after_the_bow_out_and_before_the_script() {
    for (both, addresses) in
        [(false, &[Deed::Withdraw(0)][..]), (true, &[Deed::Withdraw(0), Deed::Withdraw(1)])]
    {
        let given_back = [&[Deed::BowOut(0)], addresses, &[Deed::RunDown(0)]].concat();
        // It dies too often.
        let mut bench = managing(both);
        for death in 1..=3 {
            bench.see(Seen::Gone, death * 1000);
            bench.see(Seen::Beat(&MASTER), death * 1000 + 50);
        }
        assert_eq!(bench.see(Seen::Gone, 4000)[2..], given_back);
        // And again after its rest: an engine that lived for a moment may have put them on.
        bench.see(Seen::HookOver(0), 4100);
        bench.tick();
        bench.see(Seen::Beat(&MASTER), 14_200);
        assert_eq!(bench.see(Seen::Gone, 14_300)[2..], given_back);
        // None comes up.
        let mut bench = managing(both);
        bench.see(Seen::Gone, 100);
        assert_eq!(bench.tick().1[2..], given_back);
        // It ended, and nobody had asked for that.
        let mut bench = managing(both);
        bench.see(Seen::Finished(2), 100);
        assert_eq!(bench.see(Seen::Gone, 110)[1..], given_back);
        // The hands have a fault, and then another.
        let mut bench = managing(both);
        assert_eq!(bench.see(Seen::Fault, 100)[1..], given_back);
        assert_eq!(withdrawn(&bench.see(Seen::Fault, 110)), NOBODY, "which may be about just that");
    }
}

#[test]
fn managed_addresses_go_with_the_process_however_impatient_somebody_is() {
    // The engine dies over the end.
    let mut bench = managing(true);
    bench.see(TERM, 100);
    assert_eq!(withdrawn(&bench.see(Seen::Gone, 150)), [0, 1]);
    // Or before there is another one.
    let mut bench = managing(true);
    bench.see(Seen::Gone, 100);
    bench.see(Seen::NotStarted, 100);
    assert_eq!(withdrawn(&bench.see(TERM, 150)), [0, 1]);
    // Or does nothing after the second signal.
    let mut bench = managing(false);
    bench.see(TERM, 100);
    bench.see(Seen::HookBegan(0, Hook::Down), 110);
    for ms in [200, 1500, 3000, 4500] {
        assert_eq!(withdrawn(&bench.see(TERM, ms)), NOBODY);
        bench.see(Seen::Beat(&[Role::Init, Role::Master]), ms + 1);
    }
    let given_up = vec![Deed::KillEngine, Deed::Withdraw(0), kill(0, true), Deed::End(BUG)];
    assert_eq!(bench.tick(), (at(5200), given_up), "of the other one it is a script's business");
    // What the engine itself gave back is not given back twice.
    let mut bench = managing(true);
    bench.see(TERM, 100);
    bench.see(Seen::Finished(0), 200);
    assert_eq!(bench.see(Seen::Gone, 210), [Deed::KillEngine, Deed::End(0)]);
}

#[test]
fn what_is_managed_is_what_was_read_last() {
    let given_up = |bench: &mut Bench| {
        bench.see(Seen::Gone, 100);
        withdrawn(&bench.tick().1)
    };
    let mut bench = managing(false);
    bench.0.plan(0, plan());
    bench.0.plan(1, Plan { manages: true, ..plan() });
    bench.0.plan(2, Plan { manages: true, ..plan() });
    assert_eq!(given_up(&mut bench), [1, 2]);
    let mut bench = managing(true);
    bench.0.forget(0);
    assert_eq!(given_up(&mut bench), [1]);
    // An engine that never worked has put nothing on.
    let mut bench = Bench(Supervisor::new([Plan { manages: true, ..plan() }], Time::ZERO));
    for death in 1..=4 {
        assert_eq!(withdrawn(&bench.see(Seen::Gone, death)), NOBODY);
    }
}

#[test]
fn a_hook_that_nothing_ends_is_not_waited_for() {
    let mut bench = Bench::given_up();
    assert_eq!(bench.tick(), (at(14_000), vec![kill(0, false)]));
    assert_eq!(bench.tick(), (at(19_000), vec![kill(0, true)]));
    assert!(matches!(bench.tick(), (_, deeds) if matches!(deeds.as_slice(), [Deed::Tell(Notice::Rests(_))])));
}

#[test]
fn the_end_is_the_engines() {
    let mut bench = Bench::serving();
    assert_eq!(bench.see(TERM, 100), [Deed::PassOn(Signal::Terminate)]);
    assert_eq!(bench.see(Seen::Finished(0), 300), []);
    assert_eq!(bench.see(Seen::Gone, 310), [Deed::KillEngine, Deed::End(0)]);
    assert_eq!(bench.0.deadline(), None);
    // It does not go.
    let mut bench = Bench::serving();
    bench.see(TERM, 100);
    bench.see(Seen::Finished(0), 300);
    assert_eq!(bench.tick(), (at(1300), vec![Deed::KillEngine, Deed::End(0)]));
    for signal in [Signal::User1, Signal::User2] {
        assert_eq!(Bench::serving().see(Seen::Signal(signal), 5), [Deed::PassOn(signal)]);
    }
    assert_eq!(Bench::serving().see(Seen::Signal(Signal::Child), 5), []);
}

#[test]
fn an_engine_that_dies_over_the_end_is_not_started_anew() {
    for (withdraws, expected) in [
        (true, vec![Deed::KillEngine, Deed::BowOut(0), Deed::RunDown(0)]),
        (false, vec![Deed::KillEngine, Deed::End(BUG)]),
    ] {
        let mut bench = Bench::serving();
        bench.0.hosts.iter_mut().for_each(|host| host.plan.withdraws = withdraws);
        bench.see(TERM, 100);
        assert_eq!(bench.see(Seen::Gone, 150), expected);
    }
    let mut bench = Bench::serving();
    bench.see(TERM, 100);
    assert!(bench.tick().1.contains(&Deed::RunDown(0)), "nor is one that hangs");
    assert_eq!(bench.see(Seen::HookOver(0), 2100), [Deed::End(BUG)]);
}

#[test]
fn an_end_that_nobody_asked_for_leaves_nothing_behind() {
    let mut bench = Bench::serving();
    assert_eq!(bench.see(Seen::Finished(2), 100), []);
    assert_eq!(bench.see(Seen::Gone, 110), [Deed::KillEngine, Deed::BowOut(0), Deed::RunDown(0)]);
    assert_eq!(bench.see(Seen::HookOver(0), 500), [Deed::End(2)]);
    // What it has given back itself is not given back twice.
    let mut bench = Bench::serving();
    bench.see(Seen::HookBegan(0, Hook::Down), 50);
    bench.see(Seen::HookOver(0), 60);
    bench.see(Seen::Beat(&[Role::Init; 2]), 70);
    bench.see(Seen::Finished(70), 100);
    assert_eq!(bench.see(Seen::Gone, 110), [Deed::KillEngine, Deed::End(70)]);
}

#[test]
fn a_second_signal_abandons() {
    // The engine is told, and has 5 s.
    let mut bench = Bench::serving();
    bench.see(TERM, 100);
    bench.see(Seen::HookBegan(0, Hook::Down), 110);
    assert_eq!(bench.see(TERM, 200), [Deed::PassOn(Signal::Terminate)]);
    bench.see(Seen::Beat(&MASTER), 1000);
    bench.see(Seen::Beat(&MASTER), 2000);
    bench.see(Seen::Beat(&MASTER), 3000);
    bench.see(Seen::Beat(&MASTER), 4000);
    bench.see(TERM, 4100);
    assert_eq!(bench.tick(), (at(5200), vec![Deed::KillEngine, kill(0, true), Deed::End(BUG)]));
    // The hands are alone: the first asks for the end, the second does not wait.
    let mut bench = Bench::given_up();
    assert_eq!(bench.see(TERM, 4100), []);
    assert_eq!(bench.see(TERM, 4200), [kill(0, true), Deed::End(BUG)]);
    let mut bench = Bench::given_up();
    bench.see(TERM, 4100);
    assert_eq!(bench.see(Seen::HookOver(0), 4300), [Deed::End(BUG)], "no rest");
    let mut bench = Bench::given_up();
    bench.see(Seen::HookOver(0), 4300);
    let left = Duration::from_millis(9_400);
    assert_eq!(
        bench.see(Seen::Signal(Signal::User1), 4900),
        [Deed::Tell(Notice::Rests(left))],
        "who asks is told"
    );
    assert_eq!(bench.see(Seen::Signal(Signal::User2), 4900), []);
    assert_eq!(bench.see(TERM, 5000), [Deed::End(0)], "while it rests there is nothing to do");
}

#[test]
fn who_never_worked_ends() {
    let new = || Bench(Supervisor::new([plan(), plan()], Time::ZERO));
    let mut bench = new();
    bench.see(Seen::Finished(2), 5);
    assert_eq!(bench.see(Seen::Gone, 6), [Deed::KillEngine, Deed::End(2)], "it has said why");
    let mut bench = new();
    for death in 0..3 {
        assert!(bench.see(Seen::Gone, death).contains(&start([Role::Init; 2], death)));
    }
    assert_eq!(bench.see(Seen::Gone, 9), [Deed::KillEngine, Deed::Tell(Notice::DiesAgain), Deed::End(BUG)]);
}

/// Whatever comes in whatever order: nothing panics, nothing is done after the end, no deadline stays in the past, and an
/// engine is started only when there is none.
#[test]
fn anything_in_any_order() {
    use proptest::prelude::*;
    let seen = (0..12_u8, 0..3_u16, 0..4000_u64);
    proptest!(|(steps in prop::collection::vec(seen, 0..200))| {
        let mut bench = Bench(Supervisor::new([Plan { withdraws: steps.len() % 2 == 0, ..plan() }, plan()], Time::ZERO));
        let (mut now, mut alive, mut over) = (0, true, false);
        for (what, host, wait) in steps {
            now += wait;
            let roles = [[Role::Init; 2], [Role::Backup; 2], MASTER][usize::from(host)];
            let seen = match what {
                0 | 1 if alive => Seen::Beat(&roles),
                2 | 3 if alive => Seen::Finished(3),
                4 | 5 if alive => Seen::Gone,
                6 if alive => Seen::NotStarted,
                7 => Seen::Signal([Signal::Terminate, Signal::User1, Signal::Child][usize::from(host)]),
                8 => Seen::HookBegan(host, Hook::Up),
                9 => Seen::HookBegan(host, Hook::Down),
                10 => Seen::HookOver(host),
                _ => Seen::Tick,
            };
            alive &= !matches!(seen, Seen::Gone | Seen::NotStarted);
            for deed in bench.see(seen, now) {
                prop_assert!(!over, "{deed:?} after the end");
                match deed {
                    Deed::StartEngine { .. } => {
                        prop_assert!(!alive, "two engines");
                        alive = true;
                    }
                    Deed::KillEngine => alive = false,
                    Deed::End(_) => over = true,
                    _ => {}
                }
            }
            bench.see(Seen::Tick, now).iter().for_each(|deed| match deed {
                Deed::StartEngine { .. } => alive = true,
                Deed::KillEngine => alive = false,
                Deed::End(_) => over = true,
                _ => {}
            });
            prop_assert!(bench.0.deadline().is_none_or(|due| due > at(now)), "{:?}", bench.0);
        }
    });
}
