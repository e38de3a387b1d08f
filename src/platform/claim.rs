//! Being the only one that serves something here: what is the same on every system.
//!
//! Only another ucarp may keep us from starting, never somebody who poses as one and never a question that could not be
//! asked. What remains in doubt goes to the caller, who says so.

use std::io;
use std::path::{Path, PathBuf};

use super::lock_file::{LockError, LockFile};
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
