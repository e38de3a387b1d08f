//! Giving up, for good, what a process does not need: first its rights, then what of the system it can still reach.
//!
//! What a system does not have, or refuses to somebody who is not quite root (in a container, in a user namespace, with a
//! few capabilities), never keeps a program from starting: it comes back as a value, and whoever asked says it.
//!
//! Must not decide who needs what.

#![expect(unsafe_code, reason = "setgroups(2) is not in nix on every system")]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, chroot, fchdir, getpid, getsid, seteuid, setgid, setsid, setuid};

use super::User;
use super::sys;

/// What a process needs for something and has not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lacking {
    /// This right, as the system calls it.
    Privilege(&'static str),
    /// To open devices of this name.
    Device(&'static str),
}

/// What keeps a process from more than it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guard {
    /// A session of its own: no terminal, nothing that is sent to the process group of another.
    Session,
    /// No groups beside the one of its user.
    Groups,
    /// The user and group it was to become, and no way back.
    User,
    /// Linux: of the superuser's rights only those to raw and packet sockets.
    Capabilities,
    /// Linux: no program it might execute has more rights than it has.
    NoNewPrivileges,
    /// Linux: nobody else's debugger, no core file.
    Undumpable,
    /// NetBSD: a folder that is empty is all it sees of the files.
    Chroot,
    /// Linux: only the system calls that it needs.
    Seccomp,
    /// Linux: no files beyond /proc and /sys, and those only to be read.
    Landlock,
    /// OpenBSD: only the system calls that it needs.
    Pledge,
    /// OpenBSD: only the files that it needs.
    Unveil,
    /// FreeBSD: only the descriptors that it has.
    Capsicum,
    /// What keeps a process to the system calls it needs, where there is nothing of the kind.
    Sandbox,
}

impl Guard {
    /// As its system calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "setsid",
            Self::Groups => "setgroups",
            Self::User => "setuid",
            Self::Capabilities => "capabilities",
            Self::NoNewPrivileges => "no_new_privs",
            Self::Undumpable => "undumpable",
            Self::Chroot => "chroot",
            Self::Seccomp => "seccomp",
            Self::Landlock => "landlock",
            Self::Pledge => "pledge",
            Self::Unveil => "unveil",
            Self::Capsicum => "capsicum",
            Self::Sandbox => "sandbox",
        }
    }
}

/// What a process that is to be confined does beside hearing, asking about interfaces, and sending through what is open
/// and bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// It sends packets of IP to single hosts.
    pub raw_ip: bool,
    /// It connects to a socket of this host to log, again when that went away.
    pub log_socket: bool,
}

/// What came of asking for guards.
#[derive(Debug, Default)]
pub struct Guarded {
    /// These are in force.
    pub by: Vec<Guard>,
    /// These are not, and why: `Unsupported` where the system has nothing of the kind.
    pub not_by: Vec<(Guard, io::Error)>,
}

impl Guarded {
    pub(super) fn note(&mut self, guard: Guard, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => self.by.push(guard),
            Err(error) => self.not_by.push((guard, error)),
        }
    }

    /// Both, as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.by.extend(other.by);
        self.not_by.extend(other.not_by);
        self
    }
}

/// Becomes a process without rights in a session of its own: `user`, if it is to be another than it is. Of what the
/// superuser may, it keeps on Linux what raw and packet sockets need, and nothing anywhere else. To be called in a child
/// that leads no process group, while it has one thread.
#[must_use]
pub fn surrender(user: Option<&User>) -> Guarded {
    let mut guarded = Guarded::default();
    guarded.note(Guard::Session, own_session());
    if let Some(folder) = sys::EMPTY_FOLDER {
        guarded.note(Guard::Chroot, shut_into(Path::new(folder)));
    }
    sys::before_surrender();
    let became = user.map(|user| {
        guarded.note(Guard::Groups, only_group(user.gid));
        become_user(user)
    });
    sys::after_surrender(&mut guarded);
    if let (Some(became), Some(user)) = (became, user) {
        // Now that the right to change it again is gone too.
        guarded.note(Guard::User, became.and_then(|()| cannot_return(user)));
    }
    guarded
}

/// Gives up what the superuser may, for good, if this process may it: it becomes nobody's. Whether it has no such rights then.
#[must_use]
pub fn renounce() -> bool {
    if super::user_and_group().0 != 0 {
        return true;
    }
    let Some(user) = User::unused() else { return false };
    only_group(user.gid).and_then(|()| become_user(&user)).and_then(|()| cannot_return(&user)).is_ok()
}

/// Keeps this process, for good, to what it needs now that everything is open. What it must not do fails, and never ends
/// it.
#[must_use]
pub fn confine(needs: &Needs) -> Guarded {
    let mut guarded = Guarded::default();
    sys::confine(needs, &mut guarded);
    guarded
}

/// Keeps this process from writing to files but in these folders and in /dev, where the system lets a process say so and
/// the programs it starts are not bound by it. Everything can still be read and executed.
#[must_use]
pub fn write_only_in(folders: &[&Path]) -> Guarded {
    let mut guarded = Guarded::default();
    sys::write_only_in(folders, &mut guarded);
    guarded
}

/// Becomes a user with the group of that user alone. For a child between fork(2) and execve(2): system calls and nothing
/// else.
pub(super) fn become_other(user: &User) -> io::Result<()> {
    only_group(user.gid)?;
    become_user(user)
}

fn own_session() -> io::Result<()> {
    match setsid() {
        // It leads a group: that of its session, or one made by somebody who wanted to.
        Err(Errno::EPERM) if getsid(None) == Ok(getpid()) => Ok(()),
        outcome => Ok(outcome.map(drop)?),
    }
}

/// Has the process see nothing of the files but this folder. It must be empty (ENOTEMPTY), and root's alone (EACCES): what
/// others can put there would be what the process finds.
fn shut_into(folder: &Path) -> io::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let open = File::from(open(folder, flags, Mode::empty())?);
    let about = open.metadata()?;
    if about.uid() != 0 || about.mode() & 0o022 != 0 {
        return Err(Errno::EACCES.into());
    }
    if fs::read_dir(folder)?.next().is_some() {
        return Err(Errno::ENOTEMPTY.into());
    }
    fchdir(&open)?;
    Ok(chroot(".")?)
}

/// Its own group and not none: systems differ in what an empty list means, and macOS takes it for group 0.
fn only_group(group: u32) -> io::Result<()> {
    // SAFETY: one group at the address, as many as are announced.
    Errno::result(unsafe { libc::setgroups(1, &raw const group) })?;
    Ok(())
}

/// By the calls that every system has: the real, the effective and the saved number are changed by them if whoever calls
/// may do so, on each of them.
fn become_user(user: &User) -> io::Result<()> {
    setgid(Gid::from_raw(user.gid))?;
    Ok(setuid(Uid::from_raw(user.uid))?)
}

fn cannot_return(user: &User) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let is_user = [Uid::current(), Uid::effective()] == [uid; 2];
    let is_group = [Gid::current(), Gid::effective()] == [gid; 2];
    let root = Uid::from_raw(0);
    let returned = seteuid(root).is_ok() || setuid(root).is_ok() || setgid(Gid::from_raw(0)).is_ok();
    if is_user && is_group && !returned { Ok(()) } else { Err(Errno::EPERM.into()) }
}

#[cfg(test)]
pub(super) mod tests;
