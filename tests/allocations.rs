//! Whatever is heard, nothing is allocated for it: an allocator that counts says so.
//!
//! From the bytes of a frame to the verdict and the election's decision, in the peaceful state of a backup and of a
//! master: advertisements of the master followed, the same recorded and sent again from anywhere, and everything that a
//! stranger can send. What changes a role may allocate.

#![expect(unsafe_code, reason = "an allocator is unsafe to write")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU8;
use std::time::Duration;

use ucarp::protocol::wire::{self, Decoded, carp};
use ucarp::protocol::{
    Announcing, Authenticator, Destination, Dialect, Event, Hooks, Interval, Key, Link, MacAddr, Parameters,
    Rejected, Replay, Role, Sources, Time, VirtualHost,
};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, and how often this thread has asked it for something.
struct Counting;

// SAFETY: everything is the system's; counting allocates nothing, for the counter needs no initialisation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocates.
fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.with(Cell::get);
    let done = work();
    (COUNT.with(Cell::get) - before, done)
}

const VHID: u8 = 7;
const SHARED: [&str; 3] = ["10.0.0.100", "2001:db8::100", "fe80::100"];

fn shared() -> Vec<IpAddr> {
    SHARED.iter().map(|address| address.parse().unwrap()).collect()
}

fn key() -> Key {
    Key::from_password(b"secret").unwrap()
}

fn parameters() -> Parameters {
    Parameters {
        vhid: NonZeroU8::new(VHID).unwrap(),
        addresses: shared(),
        key: key(),
        interval: Interval::new(1, 100),
        dead_ratio: 3,
        preempt: false,
        start_hold: Duration::ZERO,
        preempt_delay: Duration::ZERO,
        neutral: false,
        sources: Sources { v4: Some([10, 0, 0, 1].into()), v6: Some("fe80::1".parse().unwrap()) },
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        destination: Destination::default(),
        hooks: Hooks::default(),
        announcing: Announcing::default(),
        dialect: Dialect::default(),
        replay: Replay::default(),
        only_ours: false,
        also_accepted: Vec::new(),
        settle: Parameters::SETTLE,
    }
}

/// An advertisement for us with the right HMAC, not of our own kind.
fn ad(source: IpAddr, skew: u8, counter: u64) -> Decoded {
    let destination = match source {
        IpAddr::V4(_) => IpAddr::from([224, 0, 0, 18]),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
    };
    let code = Authenticator::new(&key(), NonZeroU8::new(VHID).unwrap(), &shared()).code(counter);
    let header = carp::Header {
        kind: carp::ADVERTISEMENT,
        vhid: VHID,
        advskew: skew,
        authlen: carp::AUTHLEN,
        demotion: 0,
        advbase: 1,
        counter,
        code,
    };
    Decoded {
        source,
        destination,
        mac: MacAddr([2, 0, 0, 0, 0, 2]),
        header,
        pseudo_header: false,
        tail: Default::default(),
    }
}

fn framed(decoded: &Decoded) -> Vec<u8> {
    wire::encode(decoded, MacAddr::of_group(decoded.destination), 1)
}

fn at(millis: u64) -> Time {
    Time::new(Duration::from_millis(millis))
}

/// A host that has been told that its link is up at the beginning.
fn started() -> VirtualHost {
    let mut host = VirtualHost::new(parameters());
    host.handle(Event::Start, at(0));
    host.handle(Event::Link(Link::Up), at(0));
    host
}

/// Frames that a stranger can send, each with a name.
fn hostile() -> Vec<(String, Vec<u8>)> {
    let mut frames = Vec::new();
    for source in [IpAddr::from([10, 0, 0, 66]), "fe80::66".parse().unwrap()] {
        let mut wrong = ad(source, 0, 9);
        wrong.header.code[7] ^= 1;
        let sound = framed(&wrong);
        frames.push(("wrong HMAC".to_owned(), sound.clone()));
        let mut foreign = ad(source, 0, 9);
        foreign.header.vhid = VHID + 1;
        frames.push(("another id".to_owned(), framed(&foreign)));
        let mut elsewhere = ad(source, 0, 9);
        elsewhere.destination =
            if source.is_ipv4() { [224, 0, 0, 99].into() } else { "ff02::99".parse().unwrap() };
        frames.push(("another group".to_owned(), framed(&elsewhere)));
        for length in 0..sound.len() {
            frames.push((format!("cut off at {length}"), sound[..length].to_vec()));
        }
        for bit in 0..sound.len() * 8 {
            let mut flipped = sound.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            frames.push((format!("bit {bit} flipped"), flipped));
        }
        let noise = sound.iter().map(|byte| byte.wrapping_mul(31).wrapping_add(7)).collect();
        frames.push(("noise".to_owned(), noise));
        frames.push(("a long one".to_owned(), [sound, vec![0; 1400]].concat()));
    }
    frames
}

/// Gives the host each of these and says which it allocated for.
fn offenders(host: &mut VirtualHost, frames: &[(String, Vec<u8>)], now: Time) -> Vec<String> {
    let mut offenders = Vec::new();
    for (name, frame) in frames {
        let (count, received) = allocations(|| host.receive(black_box(frame), now));
        if count > 0 {
            let verdict = received.map(|actions| actions.len()).map_err(Rejected::code);
            offenders.push(format!("{name}: {count} ({verdict:?})"));
        }
    }
    offenders
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| black_box(vec![1_u8; 100])).0, 1);
    assert_eq!(allocations(|| black_box([1_u8; 100])).0, 0);
}

#[test]
fn a_backup_allocates_nothing_for_what_it_hears() {
    let mut host = started();
    let masters = [IpAddr::from([10, 0, 0, 2]), "fe80::2".parse().unwrap()];
    let advertise = |host: &mut VirtualHost, counter: u64, now| {
        let heard = masters.map(|source| framed(&ad(source, 0, counter)));
        let (count, accepted) =
            allocations(|| heard.iter().filter(|frame| host.receive(frame, now).is_ok()).count());
        assert_eq!(accepted, 2);
        count
    };
    advertise(&mut host, 1, at(500));
    for second in 1..4 {
        assert_eq!(advertise(&mut host, second + 1, at(500 + 1000 * second)), 0, "of its master");
    }
    let now = at(3600);
    // Who recorded an advertisement can send it from any hardware address.
    let replayed: Vec<_> = (0..=255)
        .map(|last| {
            let mut replayed = framed(&ad(masters[0], 0, 2));
            replayed[11] = last;
            (format!("replayed from ..{last}"), replayed)
        })
        .collect();
    assert_eq!(offenders(&mut host, &replayed, now), [""; 0]);
    assert_eq!(offenders(&mut host, &hostile(), now), [""; 0]);
    assert_eq!(host.role(), Role::Backup);
}

#[test]
fn a_master_allocates_nothing_for_what_strangers_send() {
    let mut host = started();
    while host.role() != Role::Master {
        let due = host.next_deadline().unwrap();
        host.handle(Event::Tick, due);
    }
    let now = host.next_deadline().unwrap();
    assert_eq!(offenders(&mut host, &hostile(), now), [""; 0]);
    assert_eq!(host.role(), Role::Master);
}
