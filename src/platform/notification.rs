//! Datagrams to a socket that somebody has a name for, and what the environment says of it.
//!
//! Service managers want to be told this way (sd_notify(3)). A name that begins with `@` is one that no file has, which is
//! for the system to know. A send never waits. Must not know what is said.

#![expect(unsafe_code, reason = "remove_var is unsafe where there may be threads")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::sys;

/// The way there.
#[derive(Debug)]
pub struct Notification {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl Notification {
    /// To the socket of this name. Whether there is one is seen when something is sent.
    ///
    /// # Errors
    /// This can be no such name here, or no descriptor can be had.
    pub fn to(name: &OsStr) -> io::Result<Self> {
        let to = match name.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            [b'@', rest @ ..] => sys::named_without_file(rest)?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, to })
    }

    /// Sends it, whole or not at all.
    ///
    /// # Errors
    /// Nobody listens, or there is no room for it now.
    pub fn send(&self, text: &str) -> io::Result<()> {
        self.socket.send_to_addr(text.as_bytes(), &self.to).map(drop)
    }
}

/// Takes a variable out of the environment: no program that is started finds it.
///
/// To be called while there is one thread.
#[must_use]
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name);
    // SAFETY: this process has one thread, so nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    value
}

/// The clock that others count a moment by: it stands still while the machine sleeps.
#[must_use]
pub fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut text = [0; 100];
        let count = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..count].to_vec()).unwrap()
    }

    #[test]
    fn a_socket_is_found_by_its_file() {
        let path = std::env::temp_dir().join(format!("ucarp-notification-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let way = Notification::to(path.as_os_str()).unwrap();
        assert_eq!(way.send("READY=1").unwrap_err().kind(), io::ErrorKind::NotFound);
        let socket = UnixDatagram::bind(&path).unwrap();
        way.send("READY=1").unwrap();
        assert_eq!(received(&socket), "READY=1");
        drop(socket);
        assert_eq!(way.send("READY=1").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_socket_without_a_file_is_found_where_there_are_such() {
        let name = format!("ucarp-notification-{}", std::process::id());
        let Ok(address) = sys::named_without_file(name.as_bytes()) else {
            assert!(Notification::to(OsStr::new("@name")).is_err());
            return;
        };
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Notification::to(OsStr::new(&format!("@{name}"))).unwrap().send("READY=1").unwrap();
        assert_eq!(received(&socket), "READY=1");
    }

    #[test]
    fn who_does_not_read_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("ucarp-notification-full-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let _socket = UnixDatagram::bind(&path).unwrap();
        let way = Notification::to(path.as_os_str()).unwrap();
        let refused = (0..100_000).find_map(|_| way.send(&"x".repeat(1000)).err()).unwrap();
        assert!(super::super::says_no_room(&refused), "{refused}");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn other_names_are_none() {
        for name in ["", "relative", "vsock:2:1234"] {
            assert!(Notification::to(OsStr::new(name)).is_err(), "{name}");
        }
    }
}
