//! What the engine asks of the hands, and what the hands tell the engine.
//!
//! Engine and hands are two processes of one program, forked from each other: there are no versions, and a message that
//! cannot be taken apart comes from somebody who is broken or hostile. Nobody waits for an answer: it comes later, as a
//! fact among others. Hosts are known by their place in the configuration, which both have read.
//!
//! Must not decide what is allowed; that is `rules`.

mod config;

use std::net::IpAddr;
use std::time::Duration;

use super::addresses::Shifted;
use super::capture::Looks;
use super::coded::{Coded, coded, named, one_of, put_one_of, take_one_of, take_whole};
use super::outcome::{Found, Outcome};
use crate::config::{Check, VirtualHostConfig};
use crate::control::{Field, Subject, Value};
use crate::log::{Facts, Level, Line};
use crate::platform::{LinkState, Signal, Unready};
use crate::protocol::{Departure, Hook, Reason, Role, Shift, Untaken};

/// Asked by the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Request {
    /// Run a script. [`Fact::HookRunning`] or [`Fact::HookNotRun`] follows, and [`Fact::HookEnded`] after the former.
    Run(Run),
    /// Put the managed addresses of this host on its interface, which is called so now, or take them off: [`Fact::Shifted`]
    /// follows.
    Shift { host: u16, shift: Shift, interface: String },
    /// Tell the operator's programs that the role of a host changed, or that it begins.
    Notify(News),
    /// End the script that runs for this host and all it started; with `force` in the way that cannot be refused.
    Kill { host: u16, hook: Hook, force: bool },
    /// Make this check, as the run of this number: [`Fact::Checked`] follows, sooner or later.
    Check { check: u16, run: u32 },
    /// Look at an interface: [`Fact::Surveyed`] follows.
    Survey { interface: String },
    /// Open what is needed to hear and to send there, for these hosts, or a capture alone that looks so far:
    /// [`Fact::Devices`] or [`Fact::CouldNot`] follows.
    OpenDevices { interface: String, hosts: Vec<u16>, looks: Looks, capture_only: bool },
    /// Open ways from this address to these peers, at most as many as descriptors go with a message: [`Fact::Connected`] or
    /// [`Fact::CouldNot`] follows.
    Connect { interface: String, source: IpAddr, peers: Vec<IpAddr> },
    /// The engine works. Told at once where a role changes.
    Heartbeat(Beat),
    /// Of a host that was to leave nothing is left.
    Left { host: u16 },
    /// What is configured of a host is sent, or what was in use besides is over.
    Settled { host: u16 },
    /// How a host stands, as it was asked for; nothing, if there is none any more.
    Standing { query: u32, subject: Subject, host: u16, fields: Vec<Field> },
    /// This became of a master that was asked to step aside.
    Stepped { order: u32, host: u16, stepped: Stepped },
    /// A backup that was told to take the addresses did, or did not for this.
    Took { order: u32, host: u16, untaken: Option<Untaken> },
    /// A line for the log.
    Say(Line),
    /// Everything is done that was to be done, or nothing can be: the process ends now, and with it everything, with this
    /// status; and why, where it could not start.
    Finished { status: u8, why: Option<Unbegun> },
}

/// What became of a master that was asked to step aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stepped {
    Aside,
    /// It is none.
    NotMaster(Role),
    /// It would take the address right back.
    WouldBeBack,
}

/// How things stand with the hosts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Beat {
    /// The role of each.
    pub(super) roles: Vec<Role>,
    /// Among whom it is later than our time of day says, and by how many milliseconds.
    pub(super) ahead: Vec<(u16, u32)>,
    /// Whom the first few know of, if they know of anybody.
    pub(super) others: Vec<(u16, Others)>,
    /// How many masters know of no standby that is ready.
    pub(super) alone: u16,
}

/// On whom a virtual host depends, or who would take over from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Others {
    /// The master that is followed.
    Master(IpAddr),
    /// The one standby.
    Standby {
        address: IpAddr,
        /// It would take over.
        ready: bool,
    },
    /// Several, and how many of them are ready.
    Standbys { count: u8, ready: u8 },
}

/// Why an engine could not begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unbegun {
    /// The identifier of the failure.
    pub(super) id: String,
    pub(super) words: String,
}

/// A script, and what it is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub(super) host: u16,
    pub(super) hook: Hook,
    /// As it is called now.
    pub(super) interface: String,
    pub(super) role: Role,
    pub(super) reason: Reason,
    /// The source of the master that is followed.
    pub(super) master: Option<IpAddr>,
}

/// The role of a host from now on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct News {
    pub(super) host: u16,
    /// As it is called now.
    pub(super) interface: String,
    pub(super) role: Role,
    pub(super) reason: Reason,
    /// The source of the master that is followed.
    pub(super) master: Option<IpAddr>,
    /// By how much it is demoted, 0..=254.
    pub(super) demotion: u8,
}

/// Told by the hands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fact {
    /// A signal arrived. Never [`Signal::Child`].
    Signal(Signal),
    /// The script runs now.
    HookRunning { host: u16, hook: Hook, path: String },
    /// It does not, and will not.
    HookNotRun { host: u16, hook: Hook, why: String },
    /// It has ended.
    HookEnded { host: u16, hook: Hook, path: String, outcome: Outcome, last_line: Option<String> },
    /// What a run of a check found.
    Checked { check: u16, run: u32, found: Found },
    /// This check is to be made from now on, in place of the one that had this number, or none.
    Watch { check: u16, what: Option<Box<Check>> },
    /// What became of the managed addresses.
    Shifted { host: u16, shift: Shift, shifted: Shifted },
    /// What the interface is like.
    Surveyed { interface: String, survey: Survey },
    /// These descriptors come with the message, in this order.
    Devices { interface: String, devices: Vec<Device> },
    /// The ways from this address to these peers come with the message, in this order.
    Connected { interface: String, source: IpAddr, peers: Vec<IpAddr> },
    /// What was asked for cannot be done or was refused.
    CouldNot { what: Asked, why: String },
    /// This is how a host is to be served from now on: a new one, or one that is served already.
    Serve { host: u16, interface: String, config: Box<VirtualHostConfig> },
    /// The operator demotes it under this name by this amount, or does no more.
    ByHand { host: u16, name: String, amount: Option<u8> },
    /// The operator says that every host has been told of what is configured of this one.
    Confirm { host: u16 },
    /// How do these hosts stand? [`Request::Standing`] follows for each.
    Query { query: u32, subject: Subject, hosts: Vec<u16> },
    /// A master is to step aside, by the order of this number: [`Request::Stepped`] follows.
    Resign { order: u32, host: u16, force: bool },
    /// A backup is to take the addresses, by the order of this number: [`Request::Took`] follows.
    Take { order: u32, host: u16 },
    /// It is to give back what it has: [`Request::Left`] follows.
    Leave { host: u16, departure: Departure },
    /// That was all that changed. An engine may be silent for so long from now on.
    Changed { silence: Duration },
}

/// Told by who reads the configuration again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Host(Box<VirtualHostConfig>),
    Check(Box<Check>),
    Warning(Box<Line>),
    Error(String),
    /// That was all.
    Done,
}

/// Which kind of request it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Run {
        host: u16,
        hook: Hook,
    },
    Kill {
        host: u16,
        hook: Hook,
    },
    Shift {
        host: u16,
        shift: Shift,
    },
    Check {
        check: u16,
        run: u32,
    },
    Survey {
        interface: String,
    },
    OpenDevices {
        interface: String,
    },
    Connect {
        interface: String,
    },
    /// It was no request, or was one that cannot be refused.
    Other,
}

/// What an interface is like. Where something could not be found out, the system's number for why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Survey {
    pub(super) link: Result<LinkState, i32>,
    pub(super) mac: Result<[u8; 6], i32>,
    pub(super) addresses: Result<Vec<IpAddr>, i32>,
    /// Those of the other interfaces.
    pub(super) elsewhere: Vec<IpAddr>,
    pub(super) unready: Result<Vec<(IpAddr, Unready)>, i32>,
    pub(super) networks: Result<Vec<(IpAddr, u8)>, i32>,
}

/// What a descriptor is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Device {
    /// Frames are heard by it, so many bytes of them at once.
    Capture(u32),
    /// Frames are sent by it.
    Frames,
    /// Packets of IPv4 or IPv6 are sent by it, on the interface with this number.
    Packets4(u32),
    Packets6(u32),
    /// It keeps us in groups.
    Groups,
}

impl Request {
    /// What it is about, for the answer that it cannot be.
    pub(super) fn asked(&self) -> Asked {
        match self {
            Self::Run(run) => Asked::Run { host: run.host, hook: run.hook },
            Self::Kill { host, hook, .. } => Asked::Kill { host: *host, hook: *hook },
            Self::Shift { host, shift, .. } => Asked::Shift { host: *host, shift: *shift },
            Self::Check { check, run } => Asked::Check { check: *check, run: *run },
            Self::Survey { interface } => Asked::Survey { interface: interface.clone() },
            Self::OpenDevices { interface, .. } => Asked::OpenDevices { interface: interface.clone() },
            Self::Connect { interface, .. } => Asked::Connect { interface: interface.clone() },
            Self::Notify(_)
            | Self::Heartbeat(_)
            | Self::Left { .. }
            | Self::Settled { .. }
            | Self::Stepped { .. }
            | Self::Took { .. }
            | Self::Standing { .. }
            | Self::Say(_)
            | Self::Finished { .. } => Asked::Other,
        }
    }
}

/// A message of either direction, of which nothing may be left over.
pub(super) fn decode<T: Coded>(bytes: &[u8]) -> Option<T> {
    take_whole(bytes)
}

/// The bytes of it.
pub(super) fn encode<T: Coded>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.put(&mut bytes);
    bytes
}

one_of! {
    Hook: [Hook::Up, Hook::Down],
    Shift: [Shift::Assign, Shift::Withdraw],
    Role: [Role::Init, Role::Backup, Role::Master],
    Reason: Reason::ALL,
    Subject: Subject::ALL,
    Departure: [Departure::Removed, Departure::Moved],
    Level: [Level::Debug, Level::Info, Level::Warning, Level::Error],
    LinkState: [LinkState::Up, LinkState::Down, LinkState::Disabled, LinkState::Gone],
    Unready: [Unready::Tentative, Unready::Duplicate, Unready::Deprecated],
    Looks: [Looks::Ahead, Looks::Around, Looks::AtArp],
    Signal: [
        Signal::Terminate,
        Signal::Interrupt,
        Signal::Quit,
        Signal::HangUp,
        Signal::User1,
        Signal::User2,
    ],
}

coded!(Line { level, text, facts, held_back });
coded!(Facts { id, vip, interface, vhid, from, to, reason, peer, cause, amount, hook });
coded!(Shifted { changed, failed });
coded!(Unbegun { id, words });
coded!(Beat { roles, ahead, others, alone });
coded!(Run { host, hook, interface, role, reason, master });
named!(News { host, interface, role, reason, master, demotion });
coded!(Survey { link, mac, addresses, elsewhere, unready, networks });
coded! { Request:
    0 Run(run),
    1 Kill { host, hook, force },
    2 Survey { interface },
    3 OpenDevices { interface, hosts, looks, capture_only },
    4 Heartbeat(beat),
    5 Say(line),
    6 Finished { status, why },
    7 Left { host },
    8 Connect { interface, source, peers },
    9 Settled { host },
    10 Shift { host, shift, interface },
    11 Check { check, run },
    12 Stepped { order, host, stepped },
    13 Standing { query, subject, host, fields },
    14 Notify(news),
    15 Took { order, host, untaken },
}
coded!(Field { name, value });
coded! { Value:
    0 Nothing,
    1 Text(text),
    2 Plain(text),
    3 Note(text),
}
coded! { Stepped:
    0 Aside,
    1 NotMaster(role),
    2 WouldBeBack,
}
coded! { Untaken:
    0 Role(role),
    1 Released,
    2 Demoted(by),
    3 OneFamily,
    4 NobodyHeard,
    5 NotWorse { peer, its, ours },
}
coded! { Others:
    0 Master(address),
    1 Standby { address, ready },
    2 Standbys { count, ready },
}
coded! { Fact:
    0 Signal(signal),
    1 HookRunning { host, hook, path },
    2 HookNotRun { host, hook, why },
    3 HookEnded { host, hook, path, outcome, last_line },
    4 Surveyed { interface, survey },
    5 Devices { interface, devices },
    6 CouldNot { what, why },
    7 Serve { host, interface, config },
    8 Leave { host, departure },
    9 Changed { silence },
    10 Connected { interface, source, peers },
    11 Shifted { host, shift, shifted },
    12 Checked { check, run, found },
    13 Watch { check, what },
    14 ByHand { host, name, amount },
    15 Resign { order, host, force },
    16 Query { query, subject, hosts },
    17 Confirm { host },
    18 Take { order, host },
}
coded! { Word:
    0 Host(host),
    1 Warning(line),
    2 Error(text),
    3 Done,
    4 Check(check),
}
coded! { Device:
    0 Capture(at_once),
    1 Frames,
    2 Packets4(index),
    3 Packets6(index),
    4 Groups,
}
coded! { Found:
    0 Ended { outcome, last_line },
    1 NotRun { why },
    2 TimedOut,
    3 StillRuns,
    4 Link(state),
    5 Demotion(sum),
}
coded! { Outcome:
    0 Exited(status),
    1 Signalled(signal),
    2 Unknown,
}
coded! { Asked:
    0 Run { host, hook },
    1 Kill { host, hook },
    2 Survey { interface },
    3 OpenDevices { interface },
    4 Other,
    5 Connect { interface },
    6 Shift { host, shift },
    7 Check { check, run },
}

/// For a fuzz target: whatever is a message is one in one way.
#[cfg(fuzzing)]
pub fn message_bytes(bytes: &[u8]) {
    if let Some(request) = decode::<Request>(bytes) {
        assert_eq!(encode(&request), bytes);
    }
    if let Some(fact) = decode::<Fact>(bytes) {
        assert_eq!(encode(&fact), bytes);
    }
}

#[cfg(test)]
pub(super) mod tests;
