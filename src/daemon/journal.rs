//! What lines on the standard streams look like: as was asked for, or as whoever reads the stream wants them.
//!
//! A service manager whose journal reads a stream says so in JOURNAL_STREAM, by the two numbers that the stream has as a
//! file (systemd.exec(5)); whoever started this process from there and sends its output elsewhere leaves the variable as
//! it was, so the numbers are compared. Such a journal knows the time, and takes a line's priority from its beginning.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::clock::wall;
use crate::config::{LogFormat, cli};
use crate::log;

/// Two numbers that no two files have in common.
type Identity = (u64, u64);

/// For standard output and standard error.
pub(super) fn formats(asked: Option<LogFormat>) -> [LogFormat; 2] {
    let journal = std::env::var("JOURNAL_STREAM").ok().and_then(|named| identity(&named));
    [identity_of(&io::stdout()), identity_of(&io::stderr())].map(|stream| format(asked, journal, stream))
}

/// One line on standard error of a program that ends without having begun, or before it could, in the format that was
/// asked for, or is asked for on its command line. Without a standard error there is nobody left to tell.
pub fn complain(asked: Option<LogFormat>, speaker: &str, id: Option<&str>, what: &dyn Display) {
    let [_, format] = formats(asked.or_else(|| cli::format(std::env::args_os().skip(1))));
    let line = log::last_words(format, speaker, id, &what.to_string(), wall().unwrap_or(Duration::ZERO));
    let _ = io::stderr().write_all(line.as_bytes());
}

fn format(asked: Option<LogFormat>, journal: Option<Identity>, stream: Option<Identity>) -> LogFormat {
    asked.unwrap_or(match (journal, stream) {
        (Some(journal), Some(stream)) if journal == stream => LogFormat::SyslogPrefix,
        _ => LogFormat::Plain,
    })
}

/// As in the variable: `8:123456`.
fn identity(named: &str) -> Option<Identity> {
    let (device, file) = named.split_once(':')?;
    Some((device.parse().ok()?, file.parse().ok()?))
}

fn identity_of(stream: &impl AsFd) -> Option<Identity> {
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    let known = file.metadata().ok()?;
    Some((known.dev(), known.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_the_very_stream_is_the_journals() {
        let (ours, other) = UnixStream::pair().unwrap();
        let [ours, other] = [identity_of(&ours), identity_of(&other)];
        assert!(ours.is_some() && ours != other);
        for (asked, journal, expected) in [
            (None, None, LogFormat::Plain),
            (None, ours, LogFormat::SyslogPrefix),
            (None, other, LogFormat::Plain),
            (Some(LogFormat::Plain), ours, LogFormat::Plain),
            (Some(LogFormat::Json), ours, LogFormat::Json),
            (Some(LogFormat::SyslogPrefix), None, LogFormat::SyslogPrefix),
        ] {
            assert_eq!(format(asked, journal, ours), expected, "{asked:?} {journal:?}");
        }
        assert_eq!(format(None, None, None), LogFormat::Plain, "nothing is not the same as nothing");
    }

    #[test]
    fn what_the_variable_says_is_two_numbers_or_nothing() {
        assert_eq!(identity("8:123456"), Some((8, 123_456)));
        for word in ["", ":", "8", "8:", ":1", "8:1:2", "-8:1", "8:x"] {
            assert_eq!(identity(word), None, "{word}");
        }
    }
}
