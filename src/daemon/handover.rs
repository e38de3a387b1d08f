//! What one program hands over to the next one that is to serve in the same process: a document.
//!
//! It begins with what it is and who wrote it, so that whoever cannot read the rest knows at least that. The rest are fields
//! with names (`coded`): the configuration that is served, whatever its file says by now, what is known of each virtual host,
//! what runs, and the numbers of the descriptors that were left open. Passwords are in it, so it is never a file with a name:
//! it goes through a pipe, from a copy of the process to its successor.
//!
//! Whoever reads it believes nothing. A document of an older program has to be understood by every newer one for as long as
//! people may skip releases; one of a newer program is understood if it says nothing new. `tests/vectors/handover-1.hex` is
//! what the first program wrote that had one.

use std::io::{self, Read};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::coded::{Coded, named, one_of, put_one_of, take_one_of};
use super::notify::Manager;
use super::previous::Previous;
use super::request::News;
use super::roster::Roster;
use crate::config::{Config, ControlPlace, Facility, Group, LogConfig, LogFormat, Source};
use crate::platform::{self, LeftClaim, LeftClaims, LeftLock, LeftParking, LeftPidFile};
use crate::protocol::{Form, Former, Hook, Key, Role, Time};

/// What it begins with.
const TITLE: &[u8] = b"ucarp hands over 1\n";
/// No document is longer, in bytes: 4096 virtual hosts with all they may have, twice, are less.
const LONGEST: u64 = 64 << 20;

/// How the process as a whole was started.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// Without what it serves.
    pub(super) config: Config,
    pub(super) manager: Manager,
    /// The file of the program, if that is known.
    pub(super) program: Option<PathBuf>,
}

impl Life {
    pub(super) fn of(config: &Config, manager: Manager) -> Self {
        let config = Config { hosts: Vec::new(), groups: Vec::new(), checks: Vec::new(), ..config.clone() };
        Self { config, manager, program: platform::own_program() }
    }
}

/// Everything that is handed over.
#[derive(Clone, Debug)]
pub(super) struct Handover {
    pub(super) life: Life,
    /// Signals that were blocked when the first program was started.
    pub(super) blocked: Vec<i32>,
    pub(super) roster: Roster,
    /// What the operator was told to mind.
    pub(super) warned: Vec<String>,
    /// The configuration to go back to.
    pub(super) previous: Previous,
    /// What was read last was not taken over.
    pub(super) refused: bool,
    /// By how many milliseconds it is later among the hosts of a segment than here.
    pub(super) ahead: Vec<u32>,
    pub(super) claims: LeftClaims,
    pub(super) pidfile: Option<LeftPidFile>,
    pub(super) doors: Vec<LeftDoor>,
    /// Who asked for it.
    pub(super) client: Option<LeftClient>,
    pub(super) engine: LeftEngine,
    /// The scripts that run.
    pub(super) hooks: Vec<LeftHook>,
    /// What the operator's programs were told last.
    pub(super) news: Vec<News>,
    /// Processes whose work is begun anew.
    pub(super) over: Vec<u32>,
}

/// A socket that listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LeftDoor {
    /// It is for orders, not for questions.
    pub(super) orders: bool,
    pub(super) path: PathBuf,
    pub(super) inode: u64,
    pub(super) descriptor: i32,
}

/// Somebody who waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LeftClient {
    pub(super) descriptor: i32,
    pub(super) user: u32,
}

/// The engine of the program before. It serves until another one does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LeftEngine {
    pub(super) pid: u32,
    /// The descriptor by which it knows that there are hands.
    pub(super) channel: i32,
    /// The roles it told last, and when.
    pub(super) roles: Vec<Role>,
    pub(super) beat: Time,
    /// The hook of each host that ran last.
    pub(super) last: Vec<Option<Hook>>,
}

/// A script that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LeftHook {
    pub(super) host: u16,
    pub(super) hook: Hook,
    pub(super) path: String,
    pub(super) pid: u32,
}

/// Why a document is not understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Misread {
    /// It is none, or of a kind that does not exist yet.
    NotOne,
    /// It was written by this version, and says something that is unknown here.
    Unknown(String),
    /// It, or a descriptor, is not there.
    Unreadable(String),
}

impl Handover {
    /// The numbers of all descriptors.
    pub(super) fn descriptors(&self) -> Vec<i32> {
        let lock = |lock: &LeftLock| lock.descriptor;
        let claims = self.claims.held.iter();
        let claims = claims.flat_map(|claim| [claim.socket, claim.lock.as_ref().and_then(lock)]).flatten();
        let parking = self.claims.parking.socket.iter().chain(&self.claims.parking.beside).copied();
        let pidfile =
            self.pidfile.iter().flat_map(|file| [Some(file.descriptor), lock(&file.lock)]).flatten();
        let doors = self.doors.iter().map(|door| door.descriptor);
        let client = self.client.iter().map(|client| client.descriptor);
        let all = claims.chain(parking).chain(pidfile).chain(doors).chain(client);
        all.chain([self.engine.channel]).collect()
    }

    /// The whole document.
    pub(super) fn document(&self, version: &str) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(TITLE.to_vec());
        version.to_owned().put(&mut bytes);
        self.put(&mut bytes);
        bytes
    }

    /// What a document says, and which version wrote it.
    ///
    /// # Errors
    /// It is not understood.
    pub(super) fn of(document: &[u8]) -> Result<(String, Self), Misread> {
        let mut rest = document.strip_prefix(TITLE).ok_or(Misread::NotOne)?;
        let version = String::take(&mut rest).ok_or(Misread::NotOne)?;
        match Self::take(&mut rest).filter(|_| rest.is_empty()) {
            Some(handover) => Ok((version, handover)),
            None => Err(Misread::Unknown(version)),
        }
    }
}

/// All of a document, as far as one may be that long.
///
/// # Errors
/// As read(2).
pub(super) fn read(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut document = Zeroizing::new(Vec::new());
    from.take(LONGEST).read_to_end(&mut document)?;
    Ok(document)
}

named!(Handover {
    life,
    blocked,
    roster,
    warned,
    previous,
    refused,
    ahead,
    claims,
    pidfile,
    doors,
    client,
    engine,
    hooks,
    news,
    over,
});
named!(Life { config, manager, program });
named!(LeftDoor { orders, path, inode, descriptor });
named!(LeftClient { descriptor, user });
named!(LeftEngine { pid, channel, roles, beat, last });
named!(LeftHook { host, hook, path, pid });
named!(LeftLock { path, is, descriptor });
named!(LeftPidFile { path, descriptor, lock });
named!(LeftClaim { name, socket, lock, parked });
named!(LeftParking { socket, kept, issued, beside });
named!(LeftClaims { held, parking });
named!(Config {
    hosts,
    groups,
    checks,
    log,
    daemonize,
    pidfile,
    lockdir,
    user,
    lock_memory,
    state,
    control,
    status_mode,
    source,
    language or None,
});
named!(Group { name, delays });
named!(LogConfig { facility, debug, format });
named!(Former { form, accepted, sent });
super::coded::coded! { ControlPlace:
    0 Usual,
    1 Nowhere,
    2 In(folder),
}
one_of! {
    Facility: Facility::ALL,
    LogFormat: LogFormat::ALL,
}

impl Coded for Time {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.since_zero().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Coded::take(bytes).map(Self::new)
    }
}

impl Coded for Form {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.key().bytes().put(bytes);
        self.addresses().to_vec().put(bytes);
        self.dialect().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let key = Key::from_password(&Zeroizing::new(<[u8; Key::LENGTH]>::take(bytes)?)[..]).ok()?;
        let addresses: Vec<_> = Coded::take(bytes)?;
        let form = Self::new(key, &addresses, Coded::take(bytes)?);
        (form.addresses() == addresses).then_some(form)
    }
}

impl Coded for Source {
    fn put(&self, bytes: &mut Vec<u8>) {
        let (over, folder) = self.over();
        self.path().to_owned().put(bytes);
        over.into_iter().map(|(option, words)| (option.to_owned(), words)).collect::<Vec<_>>().put(bytes);
        folder.to_owned().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (path, over, folder) = (Coded::take(bytes)?, Coded::take(bytes)?, Coded::take(bytes)?);
        Self::again(path, over, folder)
    }
}

/// For a fuzz target: whatever is a document is one in one way.
#[cfg(fuzzing)]
pub fn handover_bytes(bytes: &[u8]) {
    if let Ok((version, handover)) = Handover::of(bytes) {
        assert_eq!(handover.document(&version).as_slice(), bytes);
    }
}

#[cfg(test)]
mod tests;
