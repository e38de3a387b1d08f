//! Sockets that have a name among the files: who is at the other end, and whether anybody listens.
//!
//! Nothing here waits, and nothing decides who is welcome.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::{close_on_exec, sys};

/// The user at the other end, as the kernel knows him.
///
/// # Errors
/// It is no such socket, or is connected no more.
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(sys::peer_user(socket)?)
}

/// Whether somebody listens to the socket of this name.
///
/// # Errors
/// That cannot be said: this is no socket, say, or a folder on the way is closed to us.
pub fn is_listened_to(path: &Path) -> io::Result<bool> {
    let address = UnixAddr::new(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    close_on_exec(socket.as_fd())?;
    fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    match connect(socket.as_raw_fd(), &address) {
        // Full is who listens as well.
        Ok(()) | Err(Errno::EAGAIN | Errno::EINPROGRESS) => Ok(true),
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The number of the network namespace of this process, where there are such and it is another one than that of the
/// machine's, or its container's, first process.
#[must_use]
pub fn other_namespace() -> Option<u64> {
    sys::OTHER_NAMESPACE?()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_listens_is_known_and_who_connects_too() {
        let path = std::env::temp_dir().join(format!("ucarp-local-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        assert!(!is_listened_to(&path).unwrap());
        let listener = UnixListener::bind(&path).unwrap();
        assert!(is_listened_to(&path).unwrap());
        let _asked = listener.accept().unwrap();
        let near = UnixStream::connect(&path).unwrap();
        let far = listener.accept().unwrap().0;
        let us = super::super::user_and_group().0;
        assert_eq!(peer_user(far.as_fd()).unwrap(), us);
        assert_eq!(peer_user(near.as_fd()).unwrap(), us);
        drop(listener);
        // A child that another test forks has the socket as well, until it is another program.
        let listens = || {
            std::thread::park_timeout(Duration::from_millis(10));
            is_listened_to(&path).unwrap()
        };
        assert!(!(0..500).all(|_| listens()), "what a killed process left");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(matches!(is_listened_to(&path), Ok(false) | Err(_)), "a file");
        fs::remove_file(&path).unwrap();
    }
}
