//! A file that is locked while a process runs, with its number inside.
//!
//! The lock, not the file, says that somebody runs: a file left behind by a crash is taken over. It is given back
//! however the process ends. Removing the file is tidiness, done only while it is still ours, and only by the process
//! that made it: one that was forked has the lock as well, and the name is not its own to give back. Whoever can open a
//! file can lock it, so nobody but its owner can open this one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
#[cfg(not(bsd))]
use std::os::fd::BorrowedFd;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FlockArg, OFlag};
use nix::unistd::Uid;

use super::inheritance::{Inheritance, leave_open};
use super::sys;

/// How often somebody else may remove the file between our opening and locking it.
const ATTEMPTS: u32 = 10;

/// How long somebody who is being ended may go on holding what he held: the kernel gives it back a little after the
/// process can be waited for, so whoever is started at once would find it taken.
const DYING: Duration = Duration::from_secs(1);

/// How often it is looked at meanwhile.
const NAP: Duration = Duration::from_millis(10);

/// A locked file; removed when dropped by the process that took it.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    /// None once it is kept open elsewhere.
    file: Option<File>,
    is: Identity,
    taken_by: u32,
}

/// Device and inode: what a name may or may not stand for.
type Identity = (u64, u64);

/// Why there is none.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds the lock; its number, as far as the file tells.
    Held(Option<u32>),
    /// The file belongs to this user, neither root nor us: who made it can hold its lock for ever.
    Foreign(PathBuf, u32),
    /// A file cannot be made, opened, locked or written.
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl LockFile {
    /// Makes or takes over the file, locks it and writes our number and a newline. To be called by the process that
    /// stays. Symbolic links are not followed: the folder may be writable by others.
    ///
    /// # Errors
    /// See [`LockError`].
    pub(super) fn take(path: &Path) -> Result<Self, LockError> {
        for _ in 0..ATTEMPTS {
            let file = open(path, 0o600)?;
            let about = file.metadata()?;
            if !is_ours(&about) {
                return Err(LockError::Foreign(path.to_owned(), about.uid()));
            }
            match lock(&file) {
                Ok(()) => {}
                Err(Errno::EWOULDBLOCK) => return Err(LockError::Held(number_in(&file))),
                Err(error) => return Err(LockError::Io(error.into())),
            }
            // Its last holder may have removed it after we opened it.
            if is_at(&file, path) {
                write_number(&file)?;
                let is = identity(&file)?;
                return Ok(Self {
                    path: path.to_owned(),
                    file: Some(file),
                    is,
                    taken_by: std::process::id(),
                });
            }
        }
        Err(LockError::Held(None))
    }

    /// What has to stay open for the lock to be held, unless it is kept elsewhere.
    #[cfg(not(bsd))]
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// That is kept open elsewhere now, for as long as this is not dropped.
    #[cfg(not(bsd))]
    pub(super) fn kept_elsewhere(&mut self) {
        self.file = None;
    }
}

/// A lock that is held over the program's end: its file, and what is open of it here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftLock {
    /// Which file.
    pub path: PathBuf,
    /// Its device and its number there.
    pub is: (u64, u64),
    /// The descriptor, unless that is kept elsewhere.
    pub descriptor: Option<i32>,
}

impl LockFile {
    /// Leaves it to whoever succeeds.
    pub(super) fn leave(&self) -> io::Result<LeftLock> {
        let descriptor = self.file.as_ref().map(|file| leave_open(file.as_fd())).transpose()?;
        Ok(LeftLock { path: self.path.clone(), is: self.is, descriptor })
    }

    /// What a program held that was this process before.
    pub(super) fn inherit(left: LeftLock, inheritance: &mut Inheritance) -> io::Result<Self> {
        let LeftLock { path, is, descriptor } = left;
        let file = descriptor.map(|number| inheritance.take(number)).transpose()?.map(File::from);
        Ok(Self { path, file, is, taken_by: std::process::id() })
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if self.taken_by != std::process::id() {
            return;
        }
        let again = || File::options().write(true).custom_flags(UNFOLLOWED.bits()).open(&self.path).ok();
        let file = self.file.take().or_else(again);
        if let Some(file) = file.filter(|file| identity(file).is_ok_and(|is| is == self.is)) {
            remove(&file, &self.path);
        }
    }
}

/// Locks it for as long as it is open anywhere, and does not wait.
#[expect(
    deprecated,
    reason = "what replaces it unlocks when it is dropped, even where a fork has the lock as well"
)]
fn lock(file: &File) -> nix::Result<()> {
    nix::fcntl::flock(file.as_raw_fd(), FlockArg::LockExclusiveNonblock)
}

/// Nothing is followed or waited for.
const UNFOLLOWED: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK);

/// Opens a regular file for reading and writing, and makes it if need be.
pub(super) fn open(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(mode).custom_flags(UNFOLLOWED.bits());
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(Errno::EINVAL.into()) }
}

/// Makes our number and a newline all there is in a file.
pub(super) fn write_number(file: &File) -> io::Result<()> {
    write(file, std::process::id())
}

/// The same with the number of another process.
pub(super) fn write(mut file: &File, number: u32) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{number}")
}

/// Removes a file that is still the one `path` names.
pub(super) fn remove(file: &File, path: &Path) {
    // Emptied first, for the case that the folder does not let us remove it.
    let _ = file.set_len(0);
    if is_at(file, path) {
        let _ = fs::remove_file(path);
    }
}

/// Whether `file` is what `path` names.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (identity(file), fs::symlink_metadata(path)) else { return false };
    ours == (there.dev(), there.ino())
}

fn identity(file: &File) -> io::Result<Identity> {
    file.metadata().map(|about| (about.dev(), about.ino()))
}

/// Whether it belongs to root or to our user.
pub(super) fn is_ours(about: &fs::Metadata) -> bool {
    [0, Uid::effective().as_raw()].contains(&about.uid())
}

/// The number in a file of ours, however anybody else names another one so.
pub(super) fn number_at(path: &Path) -> Option<u32> {
    let file = File::options().read(true).custom_flags(UNFOLLOWED.bits()).open(path).ok()?;
    let about = file.metadata().ok()?;
    if about.is_file() && is_ours(&about) { number_in(&file) } else { None }
}

/// What it holds, if that is a number.
fn number_in(mut file: &File) -> Option<u32> {
    let mut text = [0; 16];
    let length = file.read(&mut text).ok()?;
    std::str::from_utf8(text.get(..length)?).ok()?.trim_ascii().parse().ok()
}

/// Tries again while what comes out is `unsettled`, as long as a predecessor may take to die.
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> T, unsettled: impl Fn(&T) -> bool) -> T {
    let until = sys::now() + DYING;
    loop {
        let outcome = attempt();
        if !unsettled(&outcome) || sys::now() >= until {
            return outcome;
        }
        if sys::wait(&[], &mut Vec::new(), Some(NAP)).is_err() {
            return outcome;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_holder_a_stale_file_and_no_trace_afterwards() {
        let path = std::env::temp_dir().join(format!("ucarp-lock-{}", std::process::id()));
        fs::write(&path, "99999999 stale and longer than a number\n").unwrap();
        let held = LockFile::take(&path).unwrap();
        let ours = std::process::id();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{ours}\n"));
        assert!(matches!(LockFile::take(&path), Err(LockError::Held(Some(pid))) if pid == ours));
        drop(held);
        assert!(!path.exists());
        let held = LockFile::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody else's\n").unwrap();
        drop(held);
        assert!(path.exists(), "not ours to remove");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_dying_holder_is_waited_for_and_a_living_one_not_for_long() {
        let path = std::env::temp_dir().join(format!("ucarp-lock-dying-{}", std::process::id()));
        let take = || LockFile::take(&path);
        let is_held = |result: &Result<LockFile, LockError>| matches!(result, Err(LockError::Held(_)));
        let mut held = Some(take().unwrap());
        let before = sys::now();
        assert!(is_held(&patiently(take, is_held)));
        let waited = sys::now() - before;
        assert!((DYING..DYING * 10).contains(&waited), "{waited:?}");
        let mut asked = 0;
        let taken = patiently(
            || {
                asked += 1;
                held = held.take().filter(|_| asked < 5);
                take()
            },
            is_held,
        );
        assert!(taken.is_ok() && asked == 5, "{taken:?} at {asked}");
    }

    #[cfg(not(bsd))]
    #[test]
    fn who_is_forked_gives_nothing_back() {
        let path = std::env::temp_dir().join(format!("ucarp-lock-forked-{}", std::process::id()));
        let mut held = Some(LockFile::take(&path).unwrap());
        crate::platform::in_child(|| drop(held.take()));
        assert!(path.exists());
        assert!(
            matches!(LockFile::take(&path), Err(LockError::Held(Some(pid))) if pid == std::process::id())
        );
        drop(held);
        assert!(!path.exists());
    }
}
