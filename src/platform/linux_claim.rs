//! Being the only one of a name in this network namespace.
//!
//! The name is that of an abstract socket (unix(7)): the kernel keeps it with the namespace and gives it back however we
//! end, and nothing has to be writable. But everybody may take one. So the socket listens, and who finds it taken
//! connects and is told by the kernel who listens. As that answer too can be denied, by filling its queue, there is a
//! lock file besides, where one can be made, with the number of the namespace in its name.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket, sockopt,
};
use nix::unistd::Uid;

use super::claim::{self, Doubt, Holder, LeftClaim};
use super::inheritance::{Inheritance, leave_open};
use super::lock_file::{self, LockFile};
use super::parking::{Parking, Ticket};

/// Where lock files are made.
pub(super) const LOCKS: &str = "/run";

/// The only one of its name in this network namespace.
#[derive(Debug)]
pub(super) struct Claim {
    socket: Option<OwnedFd>,
    lock: Option<LockFile>,
    parked: Option<Ticket>,
}

impl Claim {
    /// Takes the name, and if it `waits`, a moment later from somebody who is being ended. The lock file is made in `folder`,
    /// or in /run.
    pub(super) fn take(name: &str, folder: Option<&Path>, waits: bool) -> Result<(Self, Vec<Doubt>), Holder> {
        let folder = folder.unwrap_or(Path::new(LOCKS));
        if !waits {
            return Self::try_to_take(name, folder);
        }
        lock_file::patiently(
            || Self::try_to_take(name, folder),
            |result| match result {
                Ok((_, doubts)) => {
                    doubts.iter().any(|doubt| matches!(doubt, Doubt::Squatted { user: None, .. }))
                }
                Err(_) => true,
            },
        )
    }

    /// Gives what only has to stay open away to be kept, if it can be.
    pub(super) fn keep_in(&mut self, parking: &mut Parking) {
        let lock = self.lock.as_ref().and_then(LockFile::descriptor);
        let open: Vec<_> = self.socket.as_ref().map(AsFd::as_fd).into_iter().chain(lock).collect();
        self.parked = parking.keep(&open);
        if self.parked.is_some() {
            self.socket = None;
            self.lock.iter_mut().for_each(LockFile::kept_elsewhere);
        }
    }

    /// Gives the name back.
    pub(super) fn give_back(self, parking: &mut Parking) {
        self.parked.into_iter().for_each(|ticket| parking.give_back(ticket));
    }

    /// Leaves it to whoever succeeds.
    pub(super) fn leave(&self, name: &str) -> io::Result<LeftClaim> {
        Ok(LeftClaim {
            name: name.to_owned(),
            socket: self.socket.as_ref().map(|socket| leave_open(socket.as_fd())).transpose()?,
            lock: self.lock.as_ref().map(LockFile::leave).transpose()?,
            parked: self.parked.map(Ticket::number),
        })
    }

    /// That of a program that was this process before.
    pub(super) fn inherit(left: LeftClaim, inheritance: &mut Inheritance) -> io::Result<Self> {
        Ok(Self {
            socket: left.socket.map(|number| inheritance.take(number)).transpose()?,
            lock: left.lock.map(|lock| LockFile::inherit(lock, inheritance)).transpose()?,
            parked: left.parked.map(Ticket::of),
        })
    }

    fn try_to_take(name: &str, folder: &Path) -> Result<(Self, Vec<Doubt>), Holder> {
        let mut doubts = Vec::new();
        let lock = match lock(name, folder)? {
            Ok(lock) => Some(lock),
            Err(doubt) => {
                doubts.push(doubt);
                None
            }
        };
        let socket = match listening(name) {
            Ok(socket) => {
                // That is enough; the lock is for those who will not get it.
                doubts.clear();
                Some(socket)
            }
            Err(Errno::EADDRINUSE) => {
                let (user, process) = listener(name).unwrap_or_default();
                if user.is_some_and(|user| user == 0 || user == Uid::effective().as_raw()) {
                    return Err(Holder(process));
                }
                doubts.insert(0, Doubt::Squatted { user, process });
                None
            }
            Err(error) => {
                doubts.insert(0, Doubt::Unasked { place: format!("@{name}"), error: error.into() });
                None
            }
        };
        Ok((Self { socket, lock, parked: None }, doubts))
    }
}

fn lock(name: &str, folder: &Path) -> Result<Result<LockFile, Doubt>, Holder> {
    // Its inode is the namespace's number, and no other can have it while anybody lives in this one.
    match fs::metadata("/proc/self/ns/net") {
        Ok(namespace) => claim::lock(folder, &format!("{name}.{}", namespace.ino())),
        Err(error) => Ok(Err(Doubt::Unasked { place: folder.display().to_string(), error })),
    }
}

/// The number of our network namespace, unless that is the one of the first process.
pub(super) fn other_namespace() -> Option<u64> {
    let number = |process: &str| Some(fs::metadata(format!("/proc/{process}/ns/net")).ok()?.ino());
    let first = number("1")?;
    number("self").filter(|ours| *ours != first)
}

fn stream() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

fn listening(name: &str) -> Result<OwnedFd, Errno> {
    let socket = stream()?;
    bind(socket.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes())?)?;
    listen(&socket, Backlog::MAXCONN)?;
    Ok(socket)
}

/// The user and the process that listen under this name. Does not wait: a full queue is an error like any other.
fn listener(name: &str) -> Result<(Option<u32>, Option<u32>), Errno> {
    let socket = stream()?;
    connect(socket.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes())?)?;
    let peer = getsockopt(&socket, sockopt::PeerCredentials)?;
    // 0 stands for a process of another PID namespace.
    Ok((Some(peer.uid()), u32::try_from(peer.pid()).ok().filter(|pid| *pid != 0)))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn name(what: &str) -> String {
        format!("ucarp test {} {what}", std::process::id())
    }

    fn taken(name: &str) -> Claim {
        let (claim, doubts) = Claim::take(name, None, true).unwrap();
        assert!(doubts.is_empty(), "{doubts:?}");
        claim
    }

    #[test]
    fn a_claim_is_the_only_one_of_its_name_and_tells_whose_it_is() {
        let name = name("only");
        let claim = taken(&name);
        assert_eq!(Claim::take(&name, None, true).unwrap_err(), Holder(Some(std::process::id())));
        drop(claim);
        taken(&name);
    }

    #[test]
    fn the_lock_decides_where_the_socket_cannot() {
        let name = name("squatted");
        let squatter = stream().unwrap();
        bind(squatter.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes()).unwrap()).unwrap();
        let (claim, doubts) = Claim::take(&name, None, true).unwrap();
        assert!(matches!(doubts.first(), Some(Doubt::Squatted { user: None, process: None })));
        if claim.lock.is_some() {
            assert_eq!(Claim::take(&name, None, true).unwrap_err(), Holder(Some(std::process::id())));
            // Nor is that forgotten when the squatter has gone.
            drop(squatter);
            assert_eq!(Claim::take(&name, None, true).unwrap_err(), Holder(Some(std::process::id())));
        }
    }

    #[test]
    fn a_full_queue_does_not_hide_the_other() {
        let name = name("full");
        let claim = taken(&name);
        if claim.lock.is_none() {
            println!("skipped: no lock file can be made in {LOCKS}");
            return;
        }
        // A queued connection outlives the one who made it.
        while listener(&name).is_ok() {}
        assert_eq!(Claim::take(&name, None, true).unwrap_err(), Holder(Some(std::process::id())));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "somebody who has the socket, and nothing else of ours")]
    fn what_is_kept_elsewhere_is_ours_all_the_same() {
        let (name, folder) = (name("kept"), std::env::temp_dir().join(name("locks")));
        fs::create_dir_all(&folder).unwrap();
        let files = || fs::read_dir(&folder).unwrap().count();
        let take = || Claim::take(&name, Some(&folder), true);
        let keep = || {
            let (mut claim, mut parking) = (take().unwrap().0, Parking::default());
            claim.keep_in(&mut parking);
            assert!(claim.socket.is_none() && claim.lock.as_ref().unwrap().descriptor().is_none());
            (claim, parking)
        };
        let ours = Holder(Some(std::process::id()));
        let (claim, parking) = keep();
        assert_eq!((take().unwrap_err(), files()), (ours, 1));
        drop(claim);
        assert_eq!(files(), 0, "the name of the file is given back at once");
        drop(parking);
        // While somebody forked has the place as well, and others are kept in it.
        let others = [name.clone() + "a", name.clone() + "b"];
        let mut parking = Parking::default();
        let [first, claim, last] = [&others[0], &name, &others[1]].map(|name| {
            let mut claim = Claim::take(name, Some(&folder), true).unwrap().0;
            claim.keep_in(&mut parking);
            claim
        });
        let inherited = parking.socket().unwrap().try_clone().unwrap();
        claim.give_back(&mut parking);
        drop(take().unwrap());
        for other in &others {
            assert_eq!(Claim::take(other, Some(&folder), true).unwrap_err(), ours);
        }
        last.give_back(&mut parking);
        drop(Claim::take(&others[1], Some(&folder), true).unwrap());
        drop((first, parking, inherited));
        // As if this process were killed, and another one had been forked before.
        let (claim, parking) = keep();
        let inherited = parking.socket().unwrap().try_clone().unwrap();
        let mut heir = Command::new("sleep").arg("60").stdin(inherited).spawn().unwrap();
        std::mem::forget(claim);
        drop(parking);
        assert_eq!((take().unwrap_err(), files()), (ours, 1));
        heir.kill().unwrap();
        heir.wait().unwrap();
        drop(take().unwrap());
        fs::remove_dir(&folder).unwrap();
    }
}
