//! What scripts, and whatever they leave running, write to standard output and error.
//!
//! Each run of a script gets pipes of its own. They are read here as they fill, shown on the terminal if there is one,
//! and the last line of the standard error is kept for the line about a failure. A script's words cost the loop little:
//! after a look it rests, and text that the terminal does not take is lost as lines of the log are.
//!
//! The process that writes to the terminal holds each pipe too, and reads on when we are gone. It is looked after here:
//! who ends it takes away the terminal's lines, no more, and another one is started, at most once a minute.
//!
//! Must not choose words; `report` does.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::log::Log;
use crate::platform::{self, LONGEST_TEXT, Look, MOST_HELD, PipeKeeper, Standard, Text};
use crate::protocol::Time;

/// How long pipes are left alone after one was read.
const REST: Duration = Duration::from_millis(10);
/// Between two starts of the writing process.
const MINUTE: Duration = Duration::from_secs(60);
/// What is kept of a line, in bytes.
const LONGEST_LINE: usize = 200;
/// How often a pipe is read at the end of its script: as much as one holds.
const LAST_LOOKS: usize = 64 * 1024 / LONGEST_TEXT;

/// The pipes, and the process beside us.
pub(crate) struct Overheard {
    /// `None`: it has ended.
    keeper: Option<PipeKeeper>,
    /// Whether there are streams to write to.
    prints: bool,
    /// Of what is shown, where it is not as scripts wrote it, for each of [`Standard::ALL`].
    looks: [Option<Look>; 2],
    /// Whether scripts are listened to at all.
    listens: bool,
    ears: [Option<Ear>; MOST_HELD],
    rests_until: Option<Time>,
    /// When another writing process was started last.
    replaced: Option<Time>,
    /// When to start another writing process.
    again: Option<Time>,
    /// The writing process was asked to tell when there is room for more text.
    asked: bool,
}

/// One pipe.
struct Ear {
    /// Until nobody can write to it any more.
    pipe: Option<File>,
    from: Standard,
    last: LastLine,
    /// Somebody is going to ask for the last line.
    is_awaited: bool,
}

/// What became of the writing process.
#[derive(Debug)]
pub(crate) enum Writer {
    /// It had ended, and another one is at work.
    Replaced,
    /// It has ended. Another one is started after this time.
    Ended(Duration),
    /// Another one could not be started; tried again after this time.
    Unstartable(io::Error, Duration),
}

impl Overheard {
    /// Listens to nobody: scripts have the streams of this process.
    pub(crate) const fn nobody() -> Self {
        Self {
            keeper: None,
            prints: false,
            looks: [None; 2],
            listens: false,
            ears: [const { None }; MOST_HELD],
            rests_until: None,
            replaced: None,
            again: None,
            asked: false,
        }
    }

    /// Starts the process that writes to the standard streams, or only holds pipes unless it `prints`. With `looks`, for
    /// each of [`Standard::ALL`], nothing is shown as scripts wrote it.
    ///
    /// # Errors
    /// No process or no descriptor can be had.
    pub(crate) fn start(prints: bool, looks: [Option<Look>; 2]) -> io::Result<(Self, Text)> {
        let (text, keeper) = platform::start_writer(prints, looks)?;
        Ok((Self { keeper: Some(keeper), prints, looks, listens: true, ..Self::nobody() }, text))
    }

    /// What one stream of a script is, and a number to ask by. Without a pipe, because there are too many or no descriptors
    /// are left, the script has our own stream, or, where that would show what it wrote as it is, nothing.
    pub(crate) fn listen(&mut self, from: Standard) -> (Option<usize>, Option<OwnedFd>) {
        match self.pipe(from) {
            Some((number, pipe)) => (Some(number), Some(pipe)),
            None if self.looks[from.index()].is_some() => {
                // Where there are no descriptors for that, there are none for a script.
                (None, File::options().write(true).open("/dev/null").map(OwnedFd::from).ok())
            }
            None => (None, None),
        }
    }

    fn pipe(&mut self, from: Standard) -> Option<(usize, OwnedFd)> {
        // Where nothing is shown, standard output is nothing.
        if !self.listens || (from == Standard::Output && !self.prints) {
            return None;
        }
        let (number, place) = self.ears.iter_mut().enumerate().find(|(_, place)| place.is_none())?;
        let (reader, writer) = platform::pipe_to_read().ok()?;
        if let Some(keeper) = &self.keeper {
            keeper.hold(number, reader.as_fd(), from);
        }
        *place = Some(Ear { pipe: Some(reader.into()), from, last: LastLine::default(), is_awaited: true });
        Some((number, writer))
    }

    /// Before a wait: where more is to be shown than there was room for, that there is room wakes.
    pub(crate) fn ask_for_room(&mut self, log: &Log) {
        if !self.asked && log.is_behind() {
            self.asked = self.keeper.as_ref().is_some_and(PipeKeeper::ask_for_room);
        }
    }

    /// What to wait for.
    pub(crate) fn descriptors(&self, now: Time) -> impl Iterator<Item = BorrowedFd<'_>> {
        let rests = self.rests_until.is_some_and(|until| until > now);
        let pipes = self.ears.iter().flatten().filter_map(|ear| ear.pipe.as_ref()).filter(move |_| !rests);
        self.keeper.iter().map(AsFd::as_fd).chain(pipes.map(AsFd::as_fd))
    }

    /// When to look whatever the descriptors say.
    pub(crate) fn deadline(&self) -> Option<Time> {
        [self.rests_until, self.again].into_iter().flatten().min()
    }

    /// Takes in what is there, a piece of each, and looks after the writing process.
    pub(crate) fn hear(&mut self, log: &mut Log, now: Time) -> Option<Writer> {
        self.rests_until = None;
        for number in 0..MOST_HELD {
            if self.hear_one(number, log) {
                self.rests_until = Some(now + REST);
            }
        }
        let ended = self.keeper.as_ref().is_some_and(|keeper| {
            let told = keeper.read();
            log.unwritten(told.unwritten);
            if told.has_read {
                self.asked = false;
                log.flush();
            }
            told.ended
        });
        if ended {
            (self.keeper, self.asked) = (None, false);
            self.again = Some(self.replaced.map_or(now, |then| now.max(then + MINUTE)));
        }
        let again = self.again?;
        if again > now {
            return ended.then(|| Writer::Ended(again.since(now)));
        }
        self.replaced = Some(now);
        match platform::start_writer(self.prints, self.looks) {
            Ok((text, keeper)) => {
                for (number, ear) in self.ears.iter().enumerate() {
                    if let Some(Ear { pipe: Some(pipe), from, .. }) = ear {
                        keeper.hold(number, pipe.as_fd(), *from);
                    }
                }
                log.reconnect(text);
                (self.keeper, self.again) = (Some(keeper), None);
                Some(Writer::Replaced)
            }
            Err(error) => {
                self.again = Some(now + MINUTE);
                Some(Writer::Unstartable(error, MINUTE))
            }
        }
    }

    /// The script has ended: the last line it wrote, if it wrote any. What it left running is listened to all the same.
    pub(crate) fn last_line(&mut self, number: usize, log: &mut Log) -> Option<String> {
        let mut looks = 0..LAST_LOOKS;
        while looks.next().is_some() && self.hear_one(number, log) {}
        let place = self.ears.get_mut(number)?;
        let ear = place.as_mut()?;
        ear.is_awaited = false;
        let line = ear.last.text();
        if ear.pipe.is_none() {
            *place = None;
        }
        line
    }

    /// Nobody is going to ask for the last line of this one.
    pub(crate) fn ignore(&mut self, number: usize) {
        if let Some(Some(ear)) = self.ears.get_mut(number) {
            ear.is_awaited = false;
        }
    }

    /// Whether a piece of it came.
    fn hear_one(&mut self, number: usize, log: &mut Log) -> bool {
        let Some(place) = self.ears.get_mut(number) else { return false };
        let Some(Ear { pipe: Some(pipe), from, last, is_awaited }) = place else { return false };
        let mut piece = [0; LONGEST_TEXT];
        match pipe.read(&mut piece) {
            Ok(0) => {}
            Ok(count) => {
                let text = piece.get(..count).unwrap_or_default();
                last.take(text);
                log.pass_on(*from, text);
                return true;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return false;
            }
            Err(_) => {}
        }
        if let Some(keeper) = &self.keeper {
            keeper.let_go(number);
        }
        if *is_awaited {
            place.iter_mut().for_each(|ear| ear.pipe = None);
        } else {
            *place = None;
        }
        false
    }
}

/// The last line with something in it, as far as it is kept.
#[derive(Debug, Default)]
pub(crate) struct LastLine {
    current: Vec<u8>,
    last: Vec<u8>,
}

impl LastLine {
    pub(crate) fn take(&mut self, text: &[u8]) {
        for byte in text {
            if matches!(byte, b'\n' | b'\r') {
                let line = std::mem::take(&mut self.current);
                if !line.trim_ascii().is_empty() {
                    self.last = line;
                }
            } else if self.current.len() < LONGEST_LINE {
                self.current.push(*byte);
            }
        }
    }

    pub(crate) fn text(&self) -> Option<String> {
        let lines = [&self.current, &self.last];
        let line = lines.into_iter().map(|line| line.trim_ascii()).find(|line| !line.is_empty())?;
        Some(String::from_utf8_lossy(line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(pieces: &[&str]) -> Option<String> {
        let mut line = LastLine::default();
        pieces.iter().for_each(|piece| line.take(piece.as_bytes()));
        line.text()
    }

    #[test]
    fn the_last_line_with_something_in_it() {
        assert_eq!(last(&[]), None);
        assert_eq!(last(&["\n \n\r\n"]), None);
        assert_eq!(last(&["one\ntwo\n"]), Some("two".into()));
        assert_eq!(last(&["one\n", "tw", "o"]), Some("two".into()));
        assert_eq!(last(&["one\n", "  \n\n"]), Some("one".into()));
        assert_eq!(last(&["10 %\r50 %\r\n"]), Some("50 %".into()));
        assert_eq!(last(&["x".repeat(5000).as_str()]).map(|line| line.len()), Some(LONGEST_LINE));
    }
}
