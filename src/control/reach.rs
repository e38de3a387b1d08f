//! How a daemon is found and asked.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answer::shown;
use super::wrong::Wrong;
use super::{LANGUAGE, ORDERS, QUESTIONS, Status};

/// No answer is longer.
const LONGEST_ANSWER: u64 = 16 << 20;

/// What one daemon answered.
pub(super) struct Answered {
    pub(super) lines: Vec<String>,
    pub(super) status: Status,
    pub(super) changed: bool,
}

impl Answered {
    /// In one sentence.
    pub(super) fn said(&self) -> String {
        self.lines.iter().map(|line| shown(line)).collect::<Vec<_>>().join("; ")
    }
}

/// A connection to each that is meant: the one that is named, or all of this folder. Who only asks may have another way.
pub(super) fn daemons(
    folder: &Path,
    instance: Option<&str>,
    asks: bool,
) -> Result<Vec<(String, UnixStream)>, Wrong> {
    let Some(instance) = instance else { return listening(folder, asks) };
    let path = folder.join(format!("{instance}.{ORDERS}"));
    let stream = connect(&path, asks)?.ok_or_else(|| Wrong::nobody(&path))?;
    Ok(vec![(instance.to_owned(), stream)])
}

/// A connection; none if what a killed daemon left is all there is.
fn connect(path: &Path, asks: bool) -> Result<Option<UnixStream>, Wrong> {
    let to_questions = || UnixStream::connect(path.with_file_name(questions_of(path)));
    let connected = match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && asks => to_questions(),
        connected => connected,
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(Wrong::at(path, error)),
        },
    }
}

/// A name may have points of its own.
fn questions_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    format!("{name}.{QUESTIONS}")
}

/// The names of those that have a socket in this folder, whether somebody listens there or not.
pub(super) fn instances(folder: &Path) -> Result<Vec<String>, Wrong> {
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(sockets(folder)?.iter().map(stem).collect())
}

fn sockets(folder: &Path) -> Result<Vec<PathBuf>, Wrong> {
    let all = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        all => all.map_err(|error| Wrong::at(folder, error))?,
    };
    let mut paths: Vec<PathBuf> = all
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == ORDERS))
        .collect();
    paths.sort();
    Ok(paths)
}

/// All that listen in this folder, by name.
fn listening(folder: &Path, asks: bool) -> Result<Vec<(String, UnixStream)>, Wrong> {
    let mut found = Vec::new();
    for path in sockets(folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        found.extend(connect(&path, asks)?.map(|stream| (name, stream)));
    }
    Ok(found)
}

/// Asks this, and waits for the whole answer.
pub(super) fn ask(stream: &UnixStream, line: &str, patience: Duration) -> Result<Answered, Wrong> {
    let mut lines = Vec::new();
    let (status, changed) = listen(stream, line, Some(patience), &mut |line| {
        lines.push(line.to_owned());
        true
    })?
    .ok_or(Wrong::Cut)?;
    Ok(Answered { lines, status, changed })
}

/// Whether it greets as one that is understood.
pub(super) fn greeted(line: &str) -> Result<(), Wrong> {
    let mut words = line.split(' ');
    if words.next() != Some("ucarp") {
        return Err(Wrong::Stranger);
    }
    let speaks = words.next().and_then(|word| word.parse::<u32>().ok());
    if speaks != Some(LANGUAGE) {
        let version = words.next().unwrap_or("?");
        return Err(Wrong::OtherLanguage { version: version.to_owned() });
    }
    Ok(())
}

/// How an answer ended, if this is its last line, and whether something changed.
pub(super) fn ended(line: &str) -> Option<(Status, bool)> {
    let mut fields = line.split('\t');
    let is_end = fields.next() == Some("end");
    is_end.then(|| (Status::of(fields.next().unwrap_or_default()), fields.next() == Some("changed")))
}

/// Asks this, and hands out each line of the answer as it comes, until `each` has heard enough. How it ended, if it did. Without
/// patience there is an answer as long as there is a daemon.
pub(super) fn listen(
    mut stream: &UnixStream,
    line: &str,
    patience: Option<Duration>,
    each: &mut dyn FnMut(&str) -> bool,
) -> Result<Option<(Status, bool)>, Wrong> {
    const GREETING: Duration = Duration::from_secs(10);
    let said = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Wrong::Silent,
        _ => Wrong::Broken(error),
    };
    let first = Some(patience.unwrap_or(GREETING));
    stream.set_read_timeout(first).and_then(|()| stream.set_write_timeout(first)).map_err(said)?;
    let most = if patience.is_some() { LONGEST_ANSWER } else { u64::MAX };
    let mut lines = BufReader::new(stream.take(most)).lines();
    let greeting = lines.next().ok_or(Wrong::Cut)?.map_err(said)?;
    greeted(&greeting)?;
    // Who is refused is told so, and nobody reads his words.
    let _ = stream.write_all(line.as_bytes());
    stream.set_read_timeout(patience).map_err(said)?;
    for line in lines {
        let line = line.map_err(said)?;
        if let Some(end) = ended(&line) {
            return Ok(Some(end));
        }
        if !each(&line) {
            return Ok(None);
        }
    }
    Err(if patience.is_some() { Wrong::Cut } else { Wrong::Ended })
}
