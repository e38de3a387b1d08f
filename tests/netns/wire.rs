//! The third host's eyes and hands: a packet socket inside its namespace, a thread that writes down what it hears, and
//! a way to put any frame on the wire.
#![expect(
    unsafe_code,
    reason = "entering a namespace and naming a packet socket's interface have no safe wrapper in nix"
)]

use std::fs::File;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType,
    SockaddrLike as _, bind, recvmsg, send, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use super::frames::{self, Ad, Ad6, Arp, Neighbour, Seen};
use super::segment::end_of;

/// Seconds since the epoch: the clock of the kernel's receive stamps.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs_f64()
}

#[derive(Default)]
struct Record {
    seen: Mutex<Vec<Seen>>,
    grown: Condvar,
}

pub(crate) struct Wire {
    socket: Arc<OwnedFd>,
    record: Arc<Record>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    mac: [u8; 6],
    address: Ipv4Addr,
}

impl Wire {
    /// Listens on the interface with this index in the namespace behind `path`.
    pub(crate) fn open(path: &Path, ifindex: i32, mac: [u8; 6], address: Ipv4Addr) -> Self {
        let socket = Arc::new(socket_in(path, ifindex));
        let record = Arc::new(Record::default());
        let stop = Arc::new(AtomicBool::new(false));
        let reader = thread::spawn({
            let (socket, record, stop) = (Arc::clone(&socket), Arc::clone(&record), Arc::clone(&stop));
            move || listen(&socket, &record, &stop)
        });
        Self { socket, record, stop, reader: Some(reader), mac, address }
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        // A full queue is the wire's answer to a flood, not an error of the test.
        let _ = send(self.socket.as_raw_fd(), frame, MsgFlags::empty());
    }

    pub(crate) fn ask_who_has(&self, address: Ipv4Addr) {
        self.send(&frames::arp_request(self.mac, self.address, address));
    }

    /// The same in IPv6.
    pub(crate) fn ask_for_neighbour(&self, address: Ipv6Addr) {
        let sender = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x100);
        self.send(&frames::neighbour_solicitation(self.mac, sender, address));
    }

    pub(crate) fn ads6(&self, wanted: impl Fn(&Ad6) -> bool) -> Vec<Ad6> {
        let seen = self.record.seen.lock().expect("the reader does not panic");
        seen.iter()
            .filter_map(|s| if let Seen::Ad6(ad) = s { Some(ad.clone()) } else { None })
            .filter(wanted)
            .collect()
    }

    pub(crate) fn neighbours(&self, wanted: impl Fn(&Neighbour) -> bool) -> Vec<Neighbour> {
        let seen = self.record.seen.lock().expect("the reader does not panic");
        seen.iter()
            .filter_map(|s| if let Seen::Neighbour(n) = s { Some(n.clone()) } else { None })
            .filter(wanted)
            .collect()
    }

    /// Waits for the first IPv6 advertisement that answers the description.
    pub(crate) fn await_ad6(&self, what: &str, limit: Duration, wanted: impl Fn(&Ad6) -> bool) -> Ad6 {
        self.await_seen(what, limit, |s| {
            if let Seen::Ad6(ad) = s { wanted(ad).then(|| ad.clone()) } else { None }
        })
    }

    /// Waits for the first neighbour advertisement that answers the description.
    pub(crate) fn await_neighbour(&self, what: &str, limit: Duration, wanted: impl Fn(&Neighbour) -> bool) {
        self.await_seen(
            what,
            limit,
            |s| {
                if let Seen::Neighbour(n) = s { wanted(n).then_some(()) } else { None }
            },
        );
    }

    /// Those without anything behind them: with that, one of ours tells another one something else.
    pub(crate) fn ads(&self, wanted: impl Fn(&Ad) -> bool) -> Vec<Ad> {
        self.all_ads(|ad| !ad.has_tail() && wanted(ad))
    }

    pub(crate) fn all_ads(&self, wanted: impl Fn(&Ad) -> bool) -> Vec<Ad> {
        let seen = self.record.seen.lock().expect("the reader does not panic");
        seen.iter()
            .filter_map(|s| if let Seen::Ad(ad) = s { Some(ad.clone()) } else { None })
            .filter(wanted)
            .collect()
    }

    pub(crate) fn arps(&self, wanted: impl Fn(&Arp) -> bool) -> Vec<Arp> {
        let seen = self.record.seen.lock().expect("the reader does not panic");
        seen.iter()
            .filter_map(|s| if let Seen::Arp(arp) = s { Some(arp.clone()) } else { None })
            .filter(wanted)
            .collect()
    }

    /// Waits for the first advertisement that answers the description.
    pub(crate) fn await_ad(&self, what: &str, limit: Duration, wanted: impl Fn(&Ad) -> bool) -> Ad {
        self.await_seen(what, limit, |s| {
            if let Seen::Ad(ad) = s { (!ad.has_tail() && wanted(ad)).then(|| ad.clone()) } else { None }
        })
    }

    /// Waits for the first ARP packet that answers the description.
    pub(crate) fn await_arp(&self, what: &str, limit: Duration, wanted: impl Fn(&Arp) -> bool) -> Arp {
        self.await_seen(what, limit, |s| {
            if let Seen::Arp(arp) = s { wanted(arp).then(|| arp.clone()) } else { None }
        })
    }

    fn await_seen<T>(&self, what: &str, limit: Duration, pick: impl Fn(&Seen) -> Option<T>) -> T {
        let mut seen = self.record.seen.lock().expect("the reader does not panic");
        let end = end_of(limit);
        loop {
            if let Some(found) = seen.iter().find_map(&pick) {
                return found;
            }
            let left = end.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                drop(seen);
                panic!("not seen on the wire within {limit:?}: {what}");
            }
            seen = self.record.grown.wait_timeout(seen, left).expect("the reader does not panic").0;
        }
    }

    /// What was seen, one line each, for the report of a failed case.
    pub(crate) fn story(&self) -> String {
        let seen = self.record.seen.lock().expect("the reader does not panic");
        let mut lines = Vec::new();
        for s in seen.iter() {
            lines.push(match s {
                Seen::Ad(ad) => format!(
                    "{:.6} ad {} vhid {} {}/{}{}",
                    ad.at,
                    ad.source,
                    ad.vhid,
                    ad.base,
                    ad.skew,
                    if ad.is_bow_out() { " (bow-out)" } else { "" }
                ),
                Seen::Arp(arp) => format!(
                    "{:.6} arp {} {} {} -> {}{}",
                    arp.at,
                    if arp.reply { "reply" } else { "request" },
                    mac(arp.sender_mac),
                    arp.sender,
                    arp.target,
                    if arp.is_gratuitous() { " (gratuitous)" } else { "" }
                ),
                Seen::Ad6(ad) => {
                    format!("{:.6} ad {}{}", ad.at, ad.source, if ad.bow_out { " (bow-out)" } else { "" })
                }
                Seen::Neighbour(n) => {
                    let word = if n.solicited { "reply" } else { "announcement" };
                    format!("{:.6} neighbour {word} {} {}", n.at, mac(n.mac), n.target)
                }
            });
        }
        let skipped = lines.len().saturating_sub(120);
        let mut story = lines.split_off(skipped).join("\n");
        if skipped > 0 {
            story = format!("… {skipped} earlier frames …\n{story}");
        }
        story
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

pub(crate) fn mac(bytes: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = bytes;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// Does something in the namespace behind `path`, in a thread of its own: a namespace is entered by a thread and left
/// with it. What it panics with goes on here.
pub(crate) fn inside<T: Send>(path: &Path, work: impl FnOnce() -> T + Send) -> T {
    let namespace = File::open(path).expect("the namespace exists");
    let name = thread::current().name().unwrap_or("?").to_owned();
    thread::scope(|scope| {
        let entering = move || {
            // SAFETY: setns takes a descriptor, which `namespace` keeps open, and changes only this thread.
            let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(entered, 0, "setns: {}", std::io::Error::last_os_error());
            work()
        };
        let thread = thread::Builder::new().name(name).spawn_scoped(scope, entering);
        thread
            .expect("a thread can be started")
            .join()
            .unwrap_or_else(|thrown| std::panic::resume_unwind(thrown))
    })
}

/// A packet socket on the interface with this index in the namespace behind `path`; it stays where it was made.
fn socket_in(path: &Path, ifindex: i32) -> OwnedFd {
    inside(path, || packet_socket(ifindex))
}

/// A switch between two interfaces of one namespace that does not forward everything; gone with the value.
pub(crate) struct Sieve {
    stop: Arc<AtomicBool>,
    relays: Vec<JoinHandle<()>>,
}

impl Sieve {
    /// Forwards between both, but from `outer` to `inner` only what passes.
    pub(crate) fn open(path: &Path, outer: i32, inner: i32, passes: fn(&[u8]) -> bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (outer, inner) = (Arc::new(socket_in(path, outer)), Arc::new(socket_in(path, inner)));
        let relay = |from: &Arc<OwnedFd>, to: &Arc<OwnedFd>, passes: fn(&[u8]) -> bool| {
            let (from, to, stop) = (Arc::clone(from), Arc::clone(to), Arc::clone(&stop));
            thread::spawn(move || {
                let mut buffer = [0_u8; 2048];
                while !stop.load(Ordering::Relaxed) {
                    let mut parts = [IoSliceMut::new(&mut buffer)];
                    let Ok(message) =
                        recvmsg::<LinkAddr>(from.as_raw_fd(), &mut parts, None, MsgFlags::empty())
                    else {
                        continue;
                    };
                    let (own, length) = (message.address.is_some_and(|a| is_outgoing(&a)), message.bytes);
                    if let Some(frame) = buffer.get(..length).filter(|frame| !own && passes(frame)) {
                        let _ = send(to.as_raw_fd(), frame, MsgFlags::empty());
                    }
                }
            })
        };
        let relays = vec![relay(&outer, &inner, passes), relay(&inner, &outer, |_| true)];
        Self { stop, relays }
    }
}

impl Drop for Sieve {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for relay in self.relays.drain(..) {
            let _ = relay.join();
        }
    }
}

fn packet_socket(ifindex: i32) -> OwnedFd {
    let all = SockProtocol::EthAll;
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, all)
        .expect("root opens packet sockets");
    let name = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).expect("AF_PACKET is small"),
        sll_protocol: u16::try_from(libc::ETH_P_ALL).expect("ETH_P_ALL is small").to_be(),
        sll_ifindex: ifindex,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length =
        libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).expect("a socket address is small");
    // SAFETY: `name` is a sockaddr_ll (linux/if_packet.h) of exactly `length` bytes and outlives the call.
    let name =
        unsafe { LinkAddr::from_raw((&raw const name).cast(), Some(length)) }.expect("it is a link address");
    bind(socket.as_raw_fd(), &name).expect("the interface exists");
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).expect("the kernel stamps frames");
    // So that the reader notices the end of the case.
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(0, 50_000))
        .expect("a receive timeout can be set");
    setsockopt(&socket, sockopt::RcvBuf, &(4 << 20)).expect("a receive buffer can be set");
    socket
}

fn listen(socket: &OwnedFd, record: &Record, stop: &AtomicBool) {
    let mut buffer = [0_u8; 2048];
    let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
    while !stop.load(Ordering::Relaxed) {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let Ok(message) =
            recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty())
        else {
            continue;
        };
        let own = message.address.is_some_and(|a| is_outgoing(&a));
        let at = message
            .cmsgs()
            .ok()
            .and_then(|mut c| {
                c.find_map(|c| if let ControlMessageOwned::ScmTimestampns(t) = c { Some(t) } else { None })
            })
            .map_or_else(now, |t| Duration::from(t).as_secs_f64());
        let length = message.bytes;
        // Our own forgeries and questions are not what the third host sees.
        if own {
            continue;
        }
        if let Some(seen) = buffer.get(..length).and_then(|frame| frames::parse(frame, at)) {
            record.seen.lock().expect("no holder panics").push(seen);
            record.grown.notify_all();
        }
    }
}

fn is_outgoing(address: &LinkAddr) -> bool {
    let raw: &libc::sockaddr_ll = address.as_ref();
    raw.sll_pkttype == libc::PACKET_OUTGOING
}
