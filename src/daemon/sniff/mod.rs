//! `--sniff`: who speaks CARP and VRRP on a segment or in a capture file, and who would be understood.
//!
//! It sends nothing and serves nothing, and needs no configuration. `packet` judges a frame, `speakers` keeps who sent
//! it, `show` and `json` say so; these are fed frames with their time and know no descriptor. This file opens the
//! source and waits. Beside the daemon's loop it is the other reader of the clock, and only to know how much time has
//! passed since the last frame was stamped.

mod json;
mod packet;
mod recording;
mod show;
mod speakers;

use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use super::capture::{Capture, CaptureError};
use super::failure::{Doing, StartError};
use crate::config::{SniffConfig, Watched};
use crate::platform::{self, Membership, Signal, Signals};
use crate::protocol::{Destination, Family, MacAddr, Rejected};

use packet::{Judge, Own};
use recording::{Recording, RecordingError};
use speakers::Speakers;

/// Frames taken in before signals are looked at again.
const BATCH: usize = 512;

/// Watches until told to end, or until the file does.
///
/// # Errors
/// What cannot be opened or read. A reader of `out` that has seen enough is no failure.
pub fn sniff(config: &SniffConfig, out: &mut dyn Write) -> Result<(), StartError> {
    let (stopped, doing, object) = match &config.watched {
        Watched::File(path) => (replay(path, config, out), Doing::ReadCapture, path.display().to_string()),
        Watched::Interface(name) => (watch(name, config, out), Doing::OpenCapture, name.clone()),
    };
    match stopped {
        Ok(()) => Ok(()),
        Err(Stop::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Output(error)) => Err(StartError::new(Doing::Show, "", error)),
        Err(Stop::Capture(error)) => Err(StartError::new(doing, object, error)),
        Err(Stop::Recording(error)) => Err(StartError::new(doing, object, error)),
        Err(Stop::Start(error)) => Err(error),
    }
}

/// What keeps it from going on.
enum Stop {
    Output(io::Error),
    Capture(CaptureError),
    Recording(RecordingError),
    Start(StartError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<CaptureError> for Stop {
    fn from(error: CaptureError) -> Self {
        Self::Capture(error)
    }
}

impl From<RecordingError> for Stop {
    fn from(error: RecordingError) -> Self {
        Self::Recording(error)
    }
}

impl From<StartError> for Stop {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

/// The door for the fuzz target in tests/fuzz: [`sniff`] of a file without the file. What cannot be read is no failure.
#[cfg(fuzzing)]
pub fn replay_bytes(bytes: Vec<u8>, config: &SniffConfig, out: &mut dyn Write) {
    if let Ok(recording) = Recording::new(Box::new(io::Cursor::new(bytes))) {
        let _ = play(recording, config, out);
    }
}

fn replay(path: &Path, config: &SniffConfig, out: &mut dyn Write) -> Result<(), Stop> {
    play(Recording::open(path)?, config, out)
}

fn play(mut recording: Recording, config: &SniffConfig, out: &mut dyn Write) -> Result<(), Stop> {
    let mut watcher = Watcher::new(config, Own::default());
    let played = recording.play(|at, frame| Ok::<_, Stop>(watcher.hear(at, frame, out)?));
    // Of a file that was cut off the part that is there is shown.
    match &played {
        Ok(()) | Err(Stop::Recording(_)) => watcher.table(watcher.latest, out)?,
        Err(Stop::Output(_) | Stop::Capture(_) | Stop::Start(_)) => {}
    }
    played
}

fn watch(interface: &str, config: &SniffConfig, out: &mut dyn Write) -> Result<(), Stop> {
    let mut signals = Signals::open().map_err(|error| StartError::new(Doing::CatchSignals, "", error))?;
    let index = platform::interface_index(interface)
        .map_err(|error| StartError::new(Doing::FindInterface, interface, error))?;
    // Without membership neither the interface nor a snooping switch hands the groups on. Where one family is turned
    // off there is nothing of it to see.
    let group = Destination { v4: config.group, ..Destination::default() };
    let groups = [Family::V4, Family::V6].map(|family| group.group(family));
    let _memberships: Vec<_> =
        groups.into_iter().filter_map(|group| Membership::join(group, index).ok()).collect();
    let mut capture = Capture::watch(interface)?;
    let mut watcher = Watcher::new(config, own(interface));
    if !config.json {
        out.write_all(show::greeting(interface).as_bytes())?;
    }
    let mut ready = Vec::new();
    // The time of the last frame, by the clock that stamps frames and by ours.
    let mut together: Option<(Duration, Duration)> = None;
    let now = |together: Option<(Duration, Duration)>| {
        together.map(|(stamp, then)| stamp.saturating_add(platform::now().saturating_sub(then)))
    };
    // The library may hold frames that the descriptor does not announce.
    let mut more = false;
    loop {
        let timeout =
            now(together).and_then(|now| Some(watcher.speakers.next_silence()?.saturating_sub(now)));
        // A little later than needed, or the wait would end just too early to tell.
        let timeout = timeout.map(|timeout| timeout.saturating_add(Duration::from_millis(1)));
        let timeout = if more { Some(Duration::ZERO) } else { timeout };
        platform::wait(&[signals.as_fd(), capture.as_fd()], &mut ready, timeout)
            .map_err(|error| StartError::new(Doing::Wait, "", error))?;
        let mut failed = Ok(());
        let drained = capture.drain_stamped(BATCH, |at, frame| {
            if failed.is_ok() {
                failed = watcher.hear(at, frame, out);
            }
            together = Some((at, platform::now()));
        });
        failed?;
        match drained {
            Ok(count) => more = count == BATCH,
            Err(error) => {
                watcher.table(now(together).unwrap_or_default(), out)?;
                return Err(error.into());
            }
        }
        if let Some(now) = now(together) {
            watcher.pass(now, out)?;
        }
        for signal in signals.read() {
            match signal {
                Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => {
                    watcher.table(now(together).unwrap_or_default(), out)?;
                    return Ok(());
                }
                Signal::User1 => watcher.table(now(together).unwrap_or_default(), out)?,
                Signal::User2 | Signal::Child => {}
            }
        }
    }
}

fn own(interface: &str) -> Own {
    let addresses: Vec<IpAddr> = platform::interface_addresses(interface).unwrap_or_default();
    Own { mac: platform::hardware_address(interface).ok().map(MacAddr), addresses }
}

/// Frames and times in, lines out.
struct Watcher {
    judge: Judge,
    speakers: Speakers,
    json: bool,
    latest: Duration,
}

impl Watcher {
    fn new(config: &SniffConfig, own: Own) -> Self {
        Self {
            judge: Judge::new(config, own),
            speakers: Speakers::default(),
            json: config.json,
            latest: Duration::ZERO,
        }
    }

    fn hear(&mut self, at: Duration, frame: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.latest = self.latest.max(at);
        let Some(mut packet) = self.judge.judge(at, frame) else { return Ok(()) };
        self.pass(at, out)?;
        let heard = self.speakers.hear(&packet, frame);
        if self.json {
            if heard.echo && packet.own {
                packet.verdict = Err(Rejected::OwnEcho);
            }
            return out.write_all(json::object(&packet).as_bytes());
        }
        let all = self.speakers.all();
        let Some(speaker) = all.get(heard.place) else { return Ok(()) };
        heard.news.iter().try_for_each(|news| out.write_all(show::line(at, speaker, *news, all).as_bytes()))
    }

    fn pass(&mut self, now: Duration, out: &mut dyn Write) -> io::Result<()> {
        for (at, place) in self.speakers.pass(now) {
            if let Some(speaker) = self.speakers.all().get(place).filter(|_| !self.json) {
                out.write_all(show::silent(at, speaker).as_bytes())?;
            }
        }
        Ok(())
    }

    fn table(&self, now: Duration, out: &mut dyn Write) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        out.write_all(show::table(self.speakers.all(), now).as_bytes())
    }
}

#[cfg(test)]
mod tests;
