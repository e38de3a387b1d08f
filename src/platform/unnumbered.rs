//! Why something failed that no number of the system stands for. Whoever tells people has the words for it.

use std::fmt;
use std::io::{self, ErrorKind};

use nix::errno::Errno;

/// What is inside an [`io::Error`] that has no number of the system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unnumbered {
    /// An interface does not speak Ethernet.
    NotEthernet {
        /// The number that the system has for what it is, or a question mark.
        kind: String,
        /// Where these numbers are listed.
        header: &'static str,
    },
    /// A process was ended by the signal of this number.
    Signalled(i32),
    /// A process has ended, and the system does not say how.
    Ended,
}

impl Unnumbered {
    /// The cause of this error, if it is one of these.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Unnumbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Unnumbered {}

/// The error of the system that means the same as one of a kind alone, if there is one: the system has words for it.
#[must_use]
pub fn of_kind(kind: ErrorKind) -> Option<io::Error> {
    let number = match kind {
        ErrorKind::NotFound => Errno::ENOENT,
        ErrorKind::PermissionDenied => Errno::EACCES,
        ErrorKind::InvalidInput => Errno::EINVAL,
        ErrorKind::Unsupported => Errno::EOPNOTSUPP,
        ErrorKind::AddrNotAvailable => Errno::EADDRNOTAVAIL,
        ErrorKind::NotConnected => Errno::ENOTCONN,
        ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof | ErrorKind::WriteZero => Errno::EPIPE,
        ErrorKind::TimedOut => Errno::ETIMEDOUT,
        ErrorKind::Other => Errno::EIO,
        _ => return None,
    };
    Some(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_in_its_error() {
        let error = io::Error::other(Unnumbered::Signalled(9));
        assert_eq!(Unnumbered::of(&error), Some(&Unnumbered::Signalled(9)));
        assert_eq!(Unnumbered::of(&io::Error::other("9")), None);
        assert_eq!(Unnumbered::of(&Errno::EIO.into()), None);
    }

    #[test]
    fn a_kind_has_the_words_of_the_system() {
        let found = of_kind(ErrorKind::NotFound).unwrap();
        assert_eq!((found.kind(), found.raw_os_error().is_some()), (ErrorKind::NotFound, true));
        assert!(of_kind(ErrorKind::InvalidData).is_none());
    }
}
