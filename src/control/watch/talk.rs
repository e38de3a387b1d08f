//! A question to a daemon whose answer is not waited for: it is heard line by line, when there is something to hear.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::super::reach::greeted;
use super::super::wrong::Wrong;

/// A line is no longer. Who sends more without an end to it is no daemon.
const LONGEST_LINE: usize = 1 << 20;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    Hosts,
    Peers,
    Events,
}

/// One question.
pub(super) struct Talk {
    pub(super) daemon: String,
    pub(super) subject: Subject,
    /// When it was asked.
    pub(super) since: Duration,
    /// What was answered so far, for who asked to keep.
    pub(super) lines: Vec<String>,
    /// Whether anything was.
    pub(super) has_told: bool,
    stream: UnixStream,
    heard: Vec<u8>,
    is_greeted: bool,
}

impl Talk {
    /// Asks, with a whole line, at this time.
    pub(super) fn begin(
        (daemon, mut stream): (String, UnixStream),
        subject: Subject,
        line: &str,
        since: Duration,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // There is room for a line. Who is turned away is told so.
        let _ = stream.write_all(line.as_bytes());
        Ok(Self {
            daemon,
            subject,
            since,
            lines: Vec::new(),
            has_told: false,
            stream,
            heard: Vec::new(),
            is_greeted: false,
        })
    }

    /// The whole lines that came since, and whether there will be more.
    ///
    /// # Errors
    /// Nobody understandable is there.
    pub(super) fn hear(&mut self) -> Result<(Vec<String>, bool), Wrong> {
        let mut goes_on = true;
        let mut bytes = [0; 4096];
        while goes_on && self.heard.len() < LONGEST_LINE {
            match self.stream.read(&mut bytes) {
                Ok(0) => goes_on = false,
                Ok(count) => self.heard.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => goes_on = false,
            }
        }
        let end = self.heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if end == 0 && self.heard.len() >= LONGEST_LINE {
            return Err(Wrong::Cut);
        }
        let text = String::from_utf8_lossy(self.heard.get(..end).unwrap_or_default()).into_owned();
        self.heard.drain(..end);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if !self.is_greeted && !lines.is_empty() {
            greeted(&lines.remove(0))?;
            self.is_greeted = true;
        }
        Ok((lines, goes_on))
    }
}

impl AsFd for Talk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_behind_the_greeting() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let whose = ("one".to_owned(), ours);
        let mut talk = Talk::begin(whose, Subject::Hosts, "status\n", Duration::ZERO).unwrap();
        assert_eq!(talk.hear().unwrap(), (vec![], true));
        theirs.write_all(b"ucarp 1 9.9\nho").unwrap();
        assert_eq!(talk.hear().unwrap(), (vec![], true));
        theirs.write_all(b"st\nend\t0\tunchanged\n").unwrap();
        assert_eq!(talk.hear().unwrap(), (vec!["host".into(), "end\t0\tunchanged".into()], true));
        let mut asked = [0; 7];
        theirs.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"status\n");
        drop(theirs);
        assert_eq!(talk.hear().unwrap(), (vec![], false));

        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let whose = ("two".to_owned(), ours);
        let mut talk = Talk::begin(whose, Subject::Hosts, "status\n", Duration::ZERO).unwrap();
        theirs.write_all(b"220 mail\n").unwrap();
        assert!(matches!(talk.hear(), Err(Wrong::Stranger)));
    }
}
