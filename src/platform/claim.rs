//! Being the only one that serves something here: what is the same on every system.
//!
//! Only another ucarp may keep us from starting, never somebody who poses as one and never a question that could not be
//! asked. What remains in doubt goes to the caller, who says so.

use std::io;
use std::path::{Path, PathBuf};

use super::inheritance::Inheritance;
use super::lock_file::{LeftLock, LockError, LockFile};
use super::sys;

/// Another ucarp has it; its number, as far as it can be seen from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder(pub Option<u32>);

/// Why it is not certain that nobody else serves the same.
#[derive(Debug)]
pub enum Doubt {
    /// Somebody who is neither root nor our user has the name.
    Squatted {
        /// Who, if that could be found out.
        user: Option<u32>,
        /// His process, if it can be seen from here.
        process: Option<u32>,
    },
    /// A lock file belongs to somebody who is neither root nor our user.
    Foreign {
        /// Which.
        path: PathBuf,
        /// Who.
        user: u32,
    },
    /// It could not be asked for.
    Unasked {
        /// By what.
        place: String,
        /// Why not.
        error: io::Error,
    },
}

/// What this process alone serves, until it drops this or ends. A process that is forked goes on holding it all, and
/// gives nothing back.
#[derive(Debug, Default)]
pub struct Claims {
    held: Vec<(String, sys::Claim)>,
    parking: sys::Parking,
}

impl Claims {
    /// Takes a name, unless it has it already, and if it `waits`, a moment later from somebody who is being ended. Lock files
    /// are made in `folder`, or where the system has its own. Answers with what makes it uncertain that nobody else has the
    /// name.
    ///
    /// # Errors
    /// Another ucarp has it.
    pub fn take(&mut self, name: &str, folder: Option<&Path>, waits: bool) -> Result<Vec<Doubt>, Holder> {
        if self.held.iter().any(|(known, _)| known == name) {
            return Ok(Vec::new());
        }
        let (mut claim, doubts) = sys::Claim::take(name, folder, waits)?;
        claim.keep_in(&mut self.parking);
        self.held.push((name.to_owned(), claim));
        Ok(doubts)
    }

    /// Gives back all names but those that are `needed`. A process that was forked keeps some until it ends: those whose
    /// descriptors it has itself.
    pub fn keep_only(&mut self, needed: impl Fn(&str) -> bool) {
        let held = std::mem::take(&mut self.held);
        let (kept, given_back): (Vec<_>, Vec<_>) = held.into_iter().partition(|(name, _)| needed(name));
        self.held = kept;
        given_back.into_iter().for_each(|(_, claim)| claim.give_back(&mut self.parking));
    }
}

/// A name that is held over the program's end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftClaim {
    /// Which.
    pub name: String,
    /// The descriptor of its socket, where a system has such.
    pub socket: Option<i32>,
    /// Its lock file.
    pub lock: Option<LeftLock>,
    /// The ticket for what is kept of it.
    pub parked: Option<u32>,
}

/// What is kept open over the program's end: the socket, what is in it, and what found no room there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeftParking {
    /// The descriptor of the socket.
    pub socket: Option<i32>,
    /// The ticket of each thing that is kept, and how many descriptors it is.
    pub kept: Vec<(u32, u32)>,
    /// The last ticket.
    pub issued: u32,
    /// Descriptors that found no room.
    pub beside: Vec<i32>,
}

/// All that is held over the program's end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeftClaims {
    /// The names.
    pub held: Vec<LeftClaim>,
    /// What is kept for them.
    pub parking: LeftParking,
}

impl Claims {
    /// Leaves all names to whoever succeeds.
    ///
    /// # Errors
    /// As fcntl(2).
    pub fn leave(&self) -> io::Result<LeftClaims> {
        let held = self.held.iter().map(|(name, claim)| claim.leave(name)).collect::<io::Result<_>>()?;
        Ok(LeftClaims { held, parking: self.parking.leave()? })
    }

    /// Those of a program that was this process before.
    ///
    /// # Errors
    /// A descriptor is not there.
    pub fn inherit(left: LeftClaims, inheritance: &mut Inheritance) -> io::Result<Self> {
        let mut held = Vec::new();
        for claim in left.held {
            let name = claim.name.clone();
            held.push((name, sys::Claim::inherit(claim, inheritance)?));
        }
        Ok(Self { held, parking: sys::Parking::inherit(left.parking, inheritance)? })
    }
}

/// The lock file of a name in the folder of lock files, where only root should be able to make any.
pub(super) fn lock(folder: &Path, name: &str) -> Result<Result<LockFile, Doubt>, Holder> {
    let plain: String = name.chars().map(|letter| if " /".contains(letter) { '-' } else { letter }).collect();
    let path = folder.join(format!("{plain}.lock"));
    match LockFile::take(&path) {
        Ok(lock) => Ok(Ok(lock)),
        Err(LockError::Held(process)) => Err(Holder(process)),
        Err(LockError::Foreign(path, user)) => Ok(Err(Doubt::Foreign { path, user })),
        Err(LockError::Io(error)) => Ok(Err(Doubt::Unasked { place: path.display().to_string(), error })),
    }
}
