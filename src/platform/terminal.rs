//! The terminal as a screen: keys one by one and unseen, how large it is, and afterwards as it was.
//!
//! Must not know what is drawn there, or what a key means.

#![expect(unsafe_code, reason = "TIOCGWINSZ and a handler for SIGWINCH")]

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{
    InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

nix::ioctl_read_bad!(ask_size, libc::TIOCGWINSZ, libc::winsize);

/// The terminal of the standard input and output, for as long as this lives. It becomes readable when a key is pressed.
pub struct Terminal {
    before: Termios,
    keys: io::Stdin,
}

impl Terminal {
    /// Takes it, if there is one on both sides. From now on a key is there when it is pressed and is not shown, those too
    /// that would be a signal, and a change of the size ends a wait. The signals that end this process should be caught
    /// before: what it ends by leaves the terminal as it is now.
    ///
    /// # Errors
    /// The terminal is gone, or refuses.
    pub fn take() -> io::Result<Option<Self>> {
        let keys = io::stdin();
        if !keys.is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(&keys)?;
        let mut raw = before.clone();
        raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::IEXTEN);
        raw.input_flags.remove(InputFlags::IXON);
        for (which, value) in [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)] {
            if let Some(setting) = raw.control_chars.get_mut(which as usize) {
                *setting = value;
            }
        }
        let action = SigAction::new(SigHandler::Handler(wake), SaFlags::empty(), SigSet::empty());
        // SAFETY: `wake` does nothing.
        unsafe { sigaction(Signal::SIGWINCH, &action) }?;
        tcsetattr(&keys, SetArg::TCSADRAIN, &raw)?;
        Ok(Some(Self { before, keys }))
    }

    /// Columns and lines, if it says so.
    #[must_use]
    pub fn size(&self) -> Option<(usize, usize)> {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCGWINSZ (sys/ioctl.h) fills in a winsize, and this one lives across the call.
        unsafe { ask_size(io::stdout().as_raw_fd(), &raw mut size) }.ok()?;
        let (columns, lines) = (usize::from(size.ws_col), usize::from(size.ws_row));
        (columns > 0 && lines > 0).then_some((columns, lines))
    }

    /// The bytes of the keys that were pressed, some at least: waits until there are. None if the terminal is gone.
    pub fn keys(&mut self) -> Option<Vec<u8>> {
        let mut bytes = [0; 256];
        match nix::unistd::read(&self.keys, &mut bytes) {
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => Some(Vec::new()),
            Ok(0) | Err(_) => None,
            Ok(count) => Some(bytes.get(..count).unwrap_or_default().to_vec()),
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.keys.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // What was typed and not read was meant for us.
        let _ = tcsetattr(&self.keys, SetArg::TCSAFLUSH, &self.before);
    }
}

/// That it is there is what ends a wait.
extern "C" fn wake(_: libc::c_int) {}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use nix::pty::{Winsize, openpty};
    use nix::unistd::dup2_stdin;

    use super::super::rights::tests::in_child;
    use super::*;

    #[test]
    fn it_is_afterwards_as_it_was_whatever_happens() {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        in_child(|| {
            dup2_stdin(&pty.slave).unwrap();
            nix::unistd::dup2_stdout(std::fs::File::open("/dev/null").unwrap()).unwrap();
            assert!(Terminal::take().unwrap().is_none(), "nothing can be shown");
            nix::unistd::dup2_stdout(&pty.slave).unwrap();
            let before = tcgetattr(&pty.slave).unwrap();
            let failed = catch_unwind(AssertUnwindSafe(|| {
                let mut terminal = Terminal::take().unwrap().unwrap();
                assert_eq!(terminal.size(), Some((80, 24)));
                let now = tcgetattr(&pty.slave).unwrap();
                assert!(now != before && !now.local_flags.contains(LocalFlags::ECHO));
                // Ctrl-C is a key.
                nix::unistd::write(&pty.master, b"j\x03").unwrap();
                let mut keys = Vec::new();
                while keys.len() < 2 {
                    keys.extend(terminal.keys().unwrap());
                }
                assert_eq!(keys, b"j\x03");
                std::panic::resume_unwind(Box::new("as a panic does"));
            }));
            assert_eq!(failed.unwrap_err().downcast_ref(), Some(&"as a panic does"));
            assert!(tcgetattr(&pty.slave).unwrap() == before);
        });
    }
}
