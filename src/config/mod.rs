//! Words into values that cannot be invalid.
//!
//! [`Config`] is what the daemon is given: everything in it has been checked, so nothing is checked again
//! later. [`cli`] makes one from the command line, [`mod@file`] from a file, whose keys are the same long options: both
//! fill a `reading`, and from there it is one way. `options` is the table of all there is; `words` turns one word into
//! one value. What the operator got wrong is an [`Error`], one variant for each sentence; what is allowed but probably
//! not meant is a [`Warning`]. Their `Display` is translated and always one line.
//!
//! This room looks at files it was pointed to (a configuration, a password file, the hooks) but opens no device, does not log
//! and keeps no state. No sentence here ever holds a password.

pub mod check;
pub mod cli;
pub mod completions;
mod destination;
pub mod diff;
mod error;
pub mod file;
mod group;
mod options;
pub mod order;
mod place;
mod print;
mod process;
mod reading;
pub mod script;
mod shown;
mod spelt;
mod trust;
mod verbs;
mod virtual_host;
mod words;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::protocol::{
    Announcing, Destination, Dialect, Family, HookFailure, Interval, Key, OnLostAddress, Replay, Vhid,
};

pub use check::Check;
pub use error::{Error, Errors, FileError, US, Warning};
pub use file::Source;
pub use group::{Delays, Group};
pub(crate) use options::similar;
pub use order::Order;
pub use place::Place;
pub use shown::one_line;
use shown::shown;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use words::passfile_bytes;

/// Who asks. What a file means to this process, and who is a user of this host, only the platform knows.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The effective user.
    pub user: u32,
    /// The effective group.
    pub group: u32,
    /// Whether this process may execute a file, or search a folder; if not, why not.
    pub may_execute: fn(&Path) -> io::Result<()>,
    /// Who is meant by a name, or by two numbers with a colon between them.
    pub find_account: fn(&str) -> Result<Account, NoAccount>,
}

/// A user of this host, never root nor in its group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// What the host calls it; nothing for numbers.
    pub name: Option<String>,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

/// As `--user` takes it.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "{}:{}", self.uid, self.gid),
        }
    }
}

/// Why nobody is meant by a word.
#[derive(Debug)]
pub enum NoAccount {
    /// The host's own list has nobody of this name.
    Unknown,
    /// There is a colon, but not between two numbers.
    Malformed,
    /// That would be root, or its group.
    Superuser,
    /// The list cannot be read.
    Unreadable(io::Error),
}

/// Everything the operator asked for, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The virtual hosts to serve; the command line makes one.
    pub hosts: Vec<VirtualHostConfig>,
    /// The groups that there are of them. What is said of a group is said of each of its virtual hosts already.
    pub groups: Vec<Group>,
    /// What tells whether this host is fit to serve.
    pub checks: Vec<Check>,
    /// Where and how much to log.
    pub log: LogConfig,
    /// In which language messages are to be (`--language`); without it, that of the environment.
    pub language: Option<String>,
    /// Leave the caller once everything is in place (`--daemonize`).
    pub daemonize: bool,
    /// File for the number of the process, absolute.
    pub pidfile: Option<PathBuf>,
    /// Folder for the files that tell who serves what on this host, absolute; it existed when looked at. Without one,
    /// that of the system.
    pub lockdir: Option<PathBuf>,
    /// Who the process that hears the network is to be (`--user`). Without one, whoever is found at start.
    pub user: Option<Account>,
    /// Keep the memory of that process where it is (`--mlock`).
    pub lock_memory: bool,
    /// Folder for what is to be known after a restart, absolute; without one, that of the system.
    pub state: Option<PathBuf>,
    /// Where the sockets are by which it is steered (`--control`).
    pub control: ControlPlace,
    /// The mode of the socket by which it is asked how things stand.
    pub status_mode: u32,
    /// Where all this can be read again; nothing if it stood on the command line.
    pub source: Option<Source>,
}

impl Config {
    /// Whether the process as a whole is to be as with another one, whatever it serves.
    #[must_use]
    pub fn runs_like(&self, other: &Self) -> bool {
        let whole = |of: &Self| {
            (
                of.log,
                of.language.clone(),
                of.pidfile.clone(),
                of.lockdir.clone(),
                of.user.clone(),
                of.lock_memory,
                of.state.clone(),
                of.control.clone(),
                of.status_mode,
            )
        };
        whole(self) == whole(other)
    }
}

/// Where the sockets are by which a daemon is steered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ControlPlace {
    /// Where the system has such files.
    #[default]
    Usual,
    /// There are to be none.
    Nowhere,
    /// This folder, absolute.
    In(PathBuf),
}

/// One virtual host, as asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VirtualHostConfig {
    /// What the operator calls it, in a file.
    pub name: Option<String>,
    /// The interface; without one, the interface that has `source`. At least one of the two is given.
    pub interface: Option<String>,
    /// A label of it, such as `eth0:1`, if the operator gave that.
    pub label: Option<String>,
    /// The interface's own address to send from, or one it borrows of another interface; without one, its first that is
    /// not virtual. 0.0.0.0: it has none, and the first virtual one is sent from. `interface` is given then.
    pub source: Option<IpAddr>,
    /// Which virtual host on the segment.
    pub vhid: Vhid,
    /// The shared secret.
    pub secret: Secret,
    /// Other secrets, at most three, that peers may have while they change theirs; nothing is sent with them.
    pub also_accepted: Vec<Secret>,
    /// The addresses shared, in the order given; 1 to 64, no duplicates, none equal to `source`.
    pub addresses: Vec<VirtualAddress>,
    /// Put them on the interface and take them off (`--manage-address`), beside scripts or without.
    pub manage_address: bool,
    /// Our preference; neither 0/0 nor 255/255.
    pub interval: Interval,
    /// How many intervals a master may miss, 1..=10000.
    pub dead_ratio: u32,
    /// Take over from a slower master.
    pub preempt: bool,
    /// What is waited for before it becomes master; the same for all in a group.
    pub delays: Delays,
    /// The virtual hosts it moves together with: those that give the same name.
    pub group: Option<String>,
    /// Whether its group misses it while its interface is missing.
    pub required: bool,
    /// Do not run the down hook at start.
    pub neutral: bool,
    /// Where advertisements go.
    pub destination: Destination,
    /// Script run on becoming master, absolute; it could be run when looked at.
    pub up: Option<PathBuf>,
    /// Script run on stopping being master, absolute; it could be run when looked at.
    pub down: Option<PathBuf>,
    /// Third argument of the scripts.
    pub xparam: Option<OsString>,
    /// Programs run on every change of state, absolute; they could be run when looked at.
    pub notify: Vec<PathBuf>,
    /// Treat the interface as usable whatever it says (`--ignoreifstate`).
    pub ignore_link_state: bool,
    /// Start although the interface is missing or has no address yet (`--wait-interface`); `interface` is given then.
    pub wait_for_interface: bool,
    /// Bow out and run the down hook on the way out (`--shutdown`).
    pub withdraw: bool,
    /// What a failed up hook means.
    pub hook_failure: HookFailure,
    /// What is done about a shared address that a master lost.
    pub on_lost_address: OnLostAddress,
    /// How long a hook may run, 1 s to 1 h.
    pub hook_timeout: Duration,
    /// How addresses are announced.
    pub announcing: Announcing,
    /// What kind of peers advertisements are made for (`--peer-type`).
    pub dialect: Dialect,
    /// What is thought of advertisements that may be recordings (`--replay`).
    pub replay: Replay,
    /// Believe hosts that run this program alone (`--only-ours`); `dialect` is nobody's in particular then.
    pub only_ours: bool,
    /// For how long another secret or list of addresses is sent in its old form, until everybody knows the new one.
    pub settle: Duration,
}

impl VirtualHostConfig {
    /// `settle`, unless something else is said.
    pub const SETTLE: Duration = Duration::from_secs(15 * 60);

    /// Whether the end that is asked for gives the addresses back.
    #[must_use]
    pub const fn withdraws(&self) -> bool {
        self.withdraw || self.manage_address
    }

    /// As its file and its log have it on this interface: its name, or where it is.
    #[must_use]
    pub fn title(&self, interface: &str) -> String {
        self.name.clone().unwrap_or_else(|| format!("{interface}-{}", self.vhid))
    }

    /// What no other virtual host of a machine is called: INTERFACE-ID, and -GROUP where that is not everybody's.
    #[must_use]
    pub fn unique(&self, interface: &str) -> String {
        let group = match self.destination.v4 {
            Destination::GROUP_V4 => String::new(),
            other => format!("-{other}"),
        };
        format!("{interface}-{}{group}", self.vhid)
    }

    /// The word that hooks are given for the interface while it is called `interface`: the operator's own, unless it is
    /// about another one.
    #[must_use]
    pub fn word_for<'a>(&'a self, interface: &'a str) -> &'a str {
        match &self.label {
            Some(label) if self.interface.as_deref() == Some(interface) => label,
            Some(_) | None => interface,
        }
    }
}

/// Whom to look at, and what to try on them (`--sniff`).
#[derive(Clone, Debug)]
pub struct SniffConfig {
    /// Where the packets come from.
    pub watched: Watched,
    /// An object for each packet instead of lines for people.
    pub json: bool,
    /// The only virtual host that counts as known; without one all do.
    pub vhid: Option<Vhid>,
    /// The IPv4 group advertisements should go to.
    pub group: Ipv4Addr,
    /// The shared secret; `addresses` are given then.
    pub key: Option<Key>,
    /// What the HMAC should cover.
    pub addresses: Vec<IpAddr>,
}

/// Where packets come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Watched {
    /// A network interface, live.
    Interface(String),
    /// A capture file.
    File(PathBuf),
}

/// A virtual address with the prefix length it was given with, if any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VirtualAddress {
    /// The address; never unspecified, loopback, multicast, broadcast or IPv4-mapped.
    pub address: IpAddr,
    /// What stood behind the slash, 1..=32 or 1..=128.
    pub prefix: Option<u8>,
}

impl VirtualAddress {
    /// How many a virtual host can have.
    pub const MOST: usize = 64;

    /// Whether any of these is of this IP version.
    #[must_use]
    pub fn any_of(addresses: &[Self], family: Family) -> bool {
        addresses.iter().any(|shared| Family::of(shared.address) == family)
    }

    /// The prefix length with which it is put on an interface: a shared address is a network of its own unless it was given
    /// otherwise, so that nothing else depends on whether it is there.
    #[must_use]
    pub fn length(self) -> u8 {
        self.prefix.unwrap_or(if self.address.is_ipv4() { 32 } else { 128 })
    }

    /// Whether it is one of fe80::/10, which the kernels do not treat alike.
    #[must_use]
    pub fn is_link_local(self) -> bool {
        matches!(self.address, IpAddr::V6(v6) if v6.is_unicast_link_local())
    }
}

/// As given on the command line: `10.0.0.9` or `10.0.0.9/24`.
impl fmt::Display for VirtualAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix {
            Some(prefix) => write!(f, "{}/{prefix}", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// A password of 1 to 20 bytes without NUL, wiped when dropped. `Debug` shows `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The longest key CARP has room for, in bytes.
    pub const LONGEST: usize = 20;

    /// How many a host knows at once: the one that it sends with, and those it understands besides.
    pub const MOST: usize = 4;

    /// In place of one that is not looked at.
    fn unknown() -> Self {
        Self(Zeroizing::new(vec![b'?']))
    }

    /// One of these bytes, if they can be one.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&bytes.len()) && !bytes.contains(&0);
        fits.then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// The bytes, 1..=20 of them. Not to be copied anywhere that is not wiped.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Where and how much to log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// The syslog facility, or no syslog at all (`--facility=none`).
    pub facility: Option<Facility>,
    /// Debug lines too.
    pub debug: bool,
    /// What a line on a standard stream looks like (`--log-format`); without it that depends on what the stream is.
    pub format: Option<LogFormat>,
}

/// What a line on a standard stream looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// With the time, for people.
    Plain,
    /// With the number of its priority in front and no time, as sd-daemon(3) has it: the reader adds the time.
    SyslogPrefix,
    /// A JSON object.
    Json,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::SyslogPrefix, Self::Json];

    /// The word for it, as `--log-format` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::SyslogPrefix => "syslog-prefix",
            Self::Json => "json",
        }
    }
}

/// A syslog facility, as syslog.conf(5) knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of syslog(3)")]
pub enum Facility {
    Auth,
    Authpriv,
    Cron,
    #[default]
    Daemon,
    Ftp,
    Kern,
    Lpr,
    Mail,
    News,
    Syslog,
    User,
    Uucp,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

impl Facility {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Auth,
        Self::Authpriv,
        Self::Cron,
        Self::Daemon,
        Self::Ftp,
        Self::Kern,
        Self::Lpr,
        Self::Mail,
        Self::News,
        Self::Syslog,
        Self::User,
        Self::Uucp,
        Self::Local0,
        Self::Local1,
        Self::Local2,
        Self::Local3,
        Self::Local4,
        Self::Local5,
        Self::Local6,
        Self::Local7,
    ];

    /// The word for it, as `--facility` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Authpriv => "authpriv",
            Self::Cron => "cron",
            Self::Daemon => "daemon",
            Self::Ftp => "ftp",
            Self::Kern => "kern",
            Self::Lpr => "lpr",
            Self::Mail => "mail",
            Self::News => "news",
            Self::Syslog => "syslog",
            Self::User => "user",
            Self::Uucp => "uucp",
            Self::Local0 => "local0",
            Self::Local1 => "local1",
            Self::Local2 => "local2",
            Self::Local3 => "local3",
            Self::Local4 => "local4",
            Self::Local5 => "local5",
            Self::Local6 => "local6",
            Self::Local7 => "local7",
        }
    }
}
