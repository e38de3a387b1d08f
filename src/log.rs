//! Levels and sinks: the terminal, syslog, or none.
//!
//! A log may lose lines, never time: a stuck syslogd, a stopped terminal or a full pipe must not delay the
//! advertisements of a master. So the socket of syslog is ours, non-blocking, and reopened when syslogd has come back.
//! What goes to the terminal is written by a process of its own ([`Text`]): no way of asking first keeps a write to a
//! terminal from waiting. It also makes the call that reaches the log of a system without such a socket. What could not
//! be written is counted for each sink, and the count is the next line that gets through.
//!
//! This file must not choose words: sentences come from `daemon::report`, even the one about lost lines.
//! It reads no clock and makes no system call of its own kind; [`Services`] brings what only the platform has.

mod line;
mod look;

use std::collections::VecDeque;
use std::fmt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::config::{Facility, LogConfig, LogFormat, one_line};
use crate::platform::{self, LOG_IS_A_CALL, LocalTime, Standard, Text};

pub use line::{Facts, Line};
pub use look::{last_words, objects};
use look::{look, objects_of};
pub(crate) use look::{put as put_facts, rfc_3339 as utc};

/// How much an operator should care.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// For finding out why; only with `--debug`.
    Debug,
    /// What happened.
    Info,
    /// Should be looked at.
    Warning,
    /// Does not work.
    Error,
}

/// The word in brackets before each line: the ancestor's, never translated.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        })
    }
}

/// RFC 3164 section 4.1.2: `Apr  4 17:38:22`, always 15 bytes.
fn rfc_3164(time: LocalTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.get(usize::from(time.month).saturating_sub(1)).unwrap_or(&"Jan");
    format!("{month} {:2} {:02}:{:02}:{:02}", time.day, time.hour, time.minute, time.second)
}

/// What the log needs from elsewhere.
#[derive(Clone, Copy)]
pub struct Services {
    /// The time of day now, as it is here.
    pub local_time: fn() -> LocalTime,
    /// How long after 1970 began it is.
    pub wall: fn() -> Duration,
    /// The sentence for the operator when this many lines were lost.
    pub lost: fn(u64) -> String,
}

/// Where lines go.
pub struct Log {
    services: Services,
    debug: bool,
    /// The way to the terminal, and to a system's log that is a call.
    text: Option<Text>,
    terminal: Option<Terminal>,
    syslog: Option<Syslog>,
    /// Lines that somebody else is to write, who has the same sinks.
    kept: Option<Kept>,
    /// Lines as they went by, for whoever follows what happens.
    seen: Option<VecDeque<Line>>,
}

/// Lines on their way to somebody who writes them.
#[derive(Default)]
struct Kept {
    lines: VecDeque<Line>,
    /// How much they take.
    taken: usize,
    lost: u64,
}

impl Log {
    /// Opens the sinks: stdout and stderr by way of `text` if lines on them look somehow, for each of [`Standard::ALL`],
    /// and syslog unless `config` turns it off. A sink that cannot be opened now is no error; syslog is tried again with
    /// each line.
    #[must_use]
    pub fn open(
        config: LogConfig,
        text: Option<Text>,
        formats: Option<[LogFormat; 2]>,
        services: Services,
    ) -> Self {
        let terminal = formats.map(|formats| Terminal { formats, lost: [0; 2] });
        let way = || if LOG_IS_A_CALL { Way::Call } else { Way::socket(&SOCKETS) };
        let syslog = config.facility.map(|facility| Syslog { facility, way: way(), lost: 0 });
        Self { services, debug: config.debug, text, terminal, syslog, kept: None, seen: None }
    }

    /// One without any sink.
    #[must_use]
    pub fn none(services: Services) -> Self {
        Self::open(LogConfig { facility: None, debug: false, format: None }, None, None, services)
    }

    /// From now on lines are for [`Log::next_line`]: of two processes with the same sinks one writes.
    pub fn keep_lines(&mut self) {
        self.kept.get_or_insert_default();
        self.seen = None;
    }

    /// The next line that was kept.
    pub fn next_line(&mut self) -> Option<Line> {
        let Kept { lines, taken, .. } = self.kept.as_mut()?;
        let line = lines.pop_front()?;
        *taken -= line.text.len() + KEEPING;
        if lines.is_empty() {
            // A burst is over.
            lines.shrink_to(FEW);
        }
        Some(line)
    }

    /// From now on each line that says what happened is for [`Log::next_seen`] too, which must be asked often.
    pub fn keep_seen(&mut self) {
        self.seen.get_or_insert_default();
    }

    /// The next line that went by.
    pub fn next_seen(&mut self) -> Option<Line> {
        self.seen.as_mut()?.pop_front()
    }

    /// A line that was kept could not be handed over.
    pub fn lose_line(&mut self) {
        self.kept.iter_mut().for_each(|kept| kept.lost = kept.lost.saturating_add(1));
    }

    /// What was kept is for nobody, and lines are written here from now on.
    pub fn drop_lines(&mut self) {
        self.kept = None;
    }

    /// Nobody else writes any more: what was kept is written here, and what comes after it.
    pub fn write_lines(&mut self) {
        for line in self.kept.take().unwrap_or_default().lines {
            self.write(line);
        }
    }

    /// From now on lines go this way, those first that could not go the other: whoever wrote them before is gone.
    pub fn reconnect(&mut self, mut text: Text) {
        self.text.iter_mut().for_each(|before| text.take_over(before));
        self.text = Some(text);
    }

    /// Whether lines wait until whoever writes them has read others: [`Log::flush`] is due then.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.text.as_ref().is_some_and(Text::is_behind)
    }

    /// Sends lines on their way that wait.
    pub fn flush(&mut self) {
        self.text.iter_mut().for_each(Text::flush);
    }

    /// That many lines could not be written after they had been sent on their way, for each of [`Standard::ALL`].
    pub fn unwritten(&mut self, lines: [u64; 2]) {
        if let Some(terminal) = &mut self.terminal {
            terminal.lost.iter_mut().zip(lines).for_each(|(lost, more)| *lost = lost.saturating_add(more));
        }
    }

    /// What somebody else said, to be shown on the terminal as it is, or, among objects, as objects, or lost.
    pub fn pass_on(&mut self, to: Standard, said: &[u8]) {
        if let Some(terminal) = &mut self.terminal {
            terminal.pass_on(self.text.as_mut(), to, said, &self.services);
        }
    }

    /// Whether lines of this level are written at all; saves making a sentence nobody will read.
    #[must_use]
    pub const fn wants(&self, level: Level) -> bool {
        match level {
            Level::Debug => self.debug,
            Level::Info | Level::Warning | Level::Error => true,
        }
    }

    /// Writes one line to every sink, or loses it. Never waits, never fails. Control characters are escaped,
    /// and text beyond 2000 bytes is cut.
    pub fn write(&mut self, line: Line) {
        if !self.wants(line.level) {
            return;
        }
        let services = self.services;
        let line = Line { text: one_line(&line.text, LONGEST), ..line };
        if let Some(kept) = &mut self.kept {
            let Kept { lines, taken, lost } = kept;
            let mut keep = |line: &Line| {
                let takes = line.text.len() + KEEPING;
                let has_room = *taken + takes <= MOST_KEPT;
                if has_room {
                    *taken += takes;
                    lines.push_back(line.clone());
                }
                has_room
            };
            return put_or_count(lost, &services, &line, &mut keep);
        }
        if let Some(seen) = self.seen.as_mut().filter(|_| line.facts.id.is_some()) {
            seen.push_back(line.clone());
        }
        if line.held_back {
            return;
        }
        if let Some(terminal) = &mut self.terminal {
            terminal.write(self.text.as_mut(), &line, &services);
        }
        if let Some(syslog) = &mut self.syslog {
            syslog.write(self.text.as_mut(), &line, &services);
        }
    }
}

/// Peers, scripts and interfaces have a say in what is logged.
const LONGEST: usize = 2000;

/// What the lines take, in bytes, that are kept until they are handed over: thousands of virtual hosts that begin at once
/// have so much to say.
const MOST_KEPT: usize = 4 * 1024 * 1024;
/// What one of them takes besides its text, with the names in it.
const KEEPING: usize = 256;
/// For how many there is always room.
const FEW: usize = 16;

/// stdout and stderr. In one sequence: where both are the same terminal, its lines are in order. All for each of
/// [`Standard::ALL`].
struct Terminal {
    formats: [LogFormat; 2],
    lost: [u64; 2],
}

impl Terminal {
    fn write(&mut self, mut by: Option<&mut Text>, line: &Line, services: &Services) {
        let to = match line.level {
            Level::Debug | Level::Info => Standard::Output,
            Level::Warning | Level::Error => Standard::Error,
        };
        let format = self.formats[to.index()];
        let put =
            |line: &Line| by.as_mut().is_some_and(|by| by.send(to, look(format, line, services).as_bytes()));
        put_or_count(&mut self.lost[to.index()], services, line, put);
    }

    fn pass_on(&mut self, mut by: Option<&mut Text>, to: Standard, text: &[u8], services: &Services) {
        let lost = &mut self.lost[to.index()];
        if self.formats[to.index()] == LogFormat::Json {
            for object in objects_of(text, services) {
                let sent = by.as_mut().is_some_and(|by| by.send(to, object.as_bytes()));
                *lost += u64::from(!sent);
            }
        } else if !by.is_some_and(|by| by.send(to, text)) {
            let lines = text.iter().filter(|byte| **byte == b'\n').count().max(1);
            *lost += u64::try_from(lines).unwrap_or(u64::MAX);
        }
    }
}

/// Hands out a line, and before it how many were lost; what finds no room is one more.
fn put_or_count(lost: &mut u64, services: &Services, line: &Line, mut put: impl FnMut(&Line) -> bool) {
    if *lost > 0 && put(&Line::new(Level::Warning, (services.lost)(*lost))) {
        *lost = 0;
    }
    if *lost > 0 || !put(line) {
        *lost += 1;
    }
}

/// Where syslogd listens: Linux and OpenBSD, NetBSD and FreeBSD.
const SOCKETS: [&str; 2] = ["/dev/log", "/var/run/log"];

/// The system's log.
struct Syslog {
    facility: Facility,
    way: Way,
    lost: u64,
}

/// How it is reached.
enum Way {
    /// The connection to syslogd, which may come and go.
    Socket { paths: Vec<String>, socket: Option<UnixDatagram> },
    /// A call that may wait: whoever writes to the terminal makes it.
    Call,
}

impl Way {
    fn socket(paths: &[&str]) -> Self {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        let socket = connect(&paths);
        Self::Socket { paths, socket }
    }

    fn put(
        &mut self,
        facility: Facility,
        by: Option<&mut Text>,
        level: Level,
        now: &LocalTime,
        text: &str,
    ) -> bool {
        match self {
            Self::Call => {
                // macOS keeps what is for information in memory alone (`shim_syslog_to_log_type` of its syslog.c), and
                // who became master, and why, is to be found later.
                let severity = match severity(level) {
                    INFO => NOTICE,
                    other => other,
                };
                let priority = number(facility) << 3 | severity;
                by.is_some_and(|by| by.log(priority, &format!("[{level}] {text}")))
            }
            Self::Socket { paths, socket } => {
                let datagram = datagram(facility, level, now, text);
                match socket.as_ref().map(|socket| socket.send(&datagram)) {
                    Some(Ok(_)) => return true,
                    // Full: syslogd is there but does not read. A new socket would be as full.
                    Some(Err(error)) if platform::says_no_room(&error) => return false,
                    Some(Err(_)) | None => {}
                }
                // syslogd was restarted, which leaves its old socket dead; or it was not there.
                *socket = connect(paths);
                socket.as_ref().is_some_and(|socket| socket.send(&datagram).is_ok())
            }
        }
    }
}

impl Syslog {
    fn write(&mut self, mut by: Option<&mut Text>, line: &Line, services: &Services) {
        let now = (services.local_time)();
        put_or_count(&mut self.lost, services, line, |line| {
            self.way.put(self.facility, by.as_deref_mut(), line.level, &now, &line.text)
        });
    }
}

/// A line as syslogd reads it: RFC 3164, with local time, which every syslogd that keeps the sender's stamp expects.
fn datagram(facility: Facility, level: Level, now: &LocalTime, text: &str) -> Vec<u8> {
    let (priority, pid) = (number(facility) << 3 | severity(level), std::process::id());
    format!("<{priority}>{} ucarp[{pid}]: [{level}] {text}", rfc_3164(*now)).into_bytes()
}

// RFC 3164 section 4.1.1, and what every syslog.h has.
const ERROR: u8 = 3;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
const INFO: u8 = 6;
const DEBUG: u8 = 7;

const fn severity(level: Level) -> u8 {
    match level {
        Level::Debug => DEBUG,
        Level::Info => INFO,
        Level::Warning => WARNING,
        Level::Error => ERROR,
    }
}

/// A non-blocking socket to the first of `paths` where somebody listens.
fn connect(paths: &[String]) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    paths.iter().any(|path| socket.connect(Path::new(path)).is_ok()).then_some(socket)
}

const fn number(facility: Facility) -> u8 {
    match facility {
        Facility::Kern => 0,
        Facility::User => 1,
        Facility::Mail => 2,
        Facility::Daemon => 3,
        Facility::Auth => 4,
        Facility::Syslog => 5,
        Facility::Lpr => 6,
        Facility::News => 7,
        Facility::Uucp => 8,
        Facility::Cron => 9,
        Facility::Authpriv => 10,
        Facility::Ftp => 11,
        Facility::Local0 => 16,
        Facility::Local1 => 17,
        Facility::Local2 => 18,
        Facility::Local3 => 19,
        Facility::Local4 => 20,
        Facility::Local5 => 21,
        Facility::Local6 => 22,
        Facility::Local7 => 23,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;

    use super::*;

    fn noon() -> LocalTime {
        LocalTime { year: 2026, month: 4, day: 4, hour: 12, minute: 3, second: 9, microsecond: 42 }
    }

    const SERVICES: Services =
        Services { local_time: noon, wall: || Duration::ZERO, lost: |count| format!("lost {count}") };

    /// A socket file that goes away with the test.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ucarp-log-{name}-{}", std::process::id()));
            let _ = std::fs::remove_file(&path);
            Self(path)
        }

        fn listen(&self) -> UnixDatagram {
            let _ = std::fs::remove_file(&self.0);
            let socket = UnixDatagram::bind(&self.0).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        }

        fn sender(&self) -> Syslog {
            over(Facility::Daemon, &["/nonexistent/log", self.0.to_str().unwrap()])
        }
    }

    fn over(facility: Facility, paths: &[&str]) -> Syslog {
        Syslog { facility, way: Way::socket(paths), lost: 0 }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn heard(socket: &UnixDatagram) -> Option<String> {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    #[test]
    fn syslog_lines_look_like_everybody_elses() {
        let place = Place::new("shape");
        let daemon = place.listen();
        place.sender().write(None, &Line::new(Level::Info, "BACKUP on eth0 id 198"), &SERVICES);
        let pid = std::process::id();
        let expected = format!("<30>Apr  4 12:03:09 ucarp[{pid}]: [INFO] BACKUP on eth0 id 198");
        assert_eq!(heard(&daemon), Some(expected));
    }

    #[test]
    fn facilities_and_severities_have_the_numbers_of_the_rfc() {
        for (facility, level, priority) in [
            (Facility::Kern, Level::Error, "<3>"),
            (Facility::User, Level::Debug, "<15>"),
            (Facility::Auth, Level::Warning, "<36>"),
            (Facility::Cron, Level::Info, "<78>"),
            (Facility::Authpriv, Level::Info, "<86>"),
            (Facility::Ftp, Level::Info, "<94>"),
            (Facility::Local0, Level::Warning, "<132>"),
            (Facility::Local7, Level::Debug, "<191>"),
        ] {
            let line = String::from_utf8(datagram(facility, level, &noon(), "")).unwrap();
            assert!(line.starts_with(priority), "{facility:?} {level}: {line}");
        }
    }

    #[test]
    fn syslog_is_found_again_and_told_what_it_missed() {
        let place = Place::new("again");
        let daemon = place.listen();
        let mut syslog = place.sender();
        drop(daemon);
        std::fs::remove_file(&place.0).unwrap();
        syslog.write(None, &Line::new(Level::Info, "one"), &SERVICES);
        syslog.write(None, &Line::new(Level::Info, "two"), &SERVICES);
        let daemon = place.listen();
        syslog.write(None, &Line::new(Level::Error, "three"), &SERVICES);
        assert!(heard(&daemon).unwrap().ends_with("[WARNING] lost 2"));
        assert!(heard(&daemon).unwrap().ends_with("[ERROR] three"));
        assert_eq!(heard(&daemon), None);
    }

    #[test]
    fn a_syslogd_that_does_not_read_costs_lines_only() {
        let place = Place::new("stuck");
        let daemon = place.listen();
        let mut syslog = place.sender();
        for line in 0..10_000 {
            syslog.write(None, &Line::new(Level::Info, line.to_string()), &SERVICES);
        }
        assert!(syslog.lost > 0);
        let lost = syslog.lost;
        while heard(&daemon).is_some() {}
        syslog.write(None, &Line::new(Level::Info, "after"), &SERVICES);
        assert!(heard(&daemon).unwrap().ends_with(&format!("lost {lost}")));
        assert!(heard(&daemon).unwrap().ends_with("after"));
    }

    #[test]
    fn no_syslogd_at_all() {
        let mut syslog = over(Facility::Local3, &["/nonexistent/log"]);
        syslog.write(None, &Line::new(Level::Info, "nobody hears"), &SERVICES);
        assert_eq!(syslog.lost, 1);
    }

    /// Where the terminal is written. Linux takes a small piece whole or not at all, the BSDs a part of it.
    struct Far {
        socket: UnixStream,
        begun: Vec<u8>,
    }

    /// What arrives there whole: stream, then text.
    fn arrived(far: &mut Far) -> Vec<(u8, String)> {
        // Not waiting is the error in which it ends.
        let _ = far.socket.read_to_end(&mut far.begun);
        let mut rest = far.begun.as_slice();
        let mut pieces = Vec::new();
        while let Some(([to, high, low], after)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((text, after)) = after.split_at_checked(length) else { break };
            pieces.push((*to, String::from_utf8(text.to_vec()).unwrap()));
            rest = after;
        }
        far.begun = rest.to_vec();
        pieces
    }

    fn terminal() -> (Terminal, Text, Far) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        (
            Terminal { formats: [LogFormat::Plain; 2], lost: [0; 2] },
            Text::over(near),
            Far { socket: far, begun: Vec::new() },
        )
    }

    #[test]
    fn terminal_lines_are_the_ancestors() {
        let (mut terminal, mut text, mut far) = terminal();
        terminal.write(Some(&mut text), &Line::new(Level::Warning, "text"), &SERVICES);
        terminal.write(Some(&mut text), &Line::new(Level::Info, "more"), &SERVICES);
        let lines = arrived(&mut far);
        assert_eq!(lines[0], (1, "2026-04-04T12:03:09.000042: [WARNING] text\n".into()));
        assert_eq!(lines[1], (0, "2026-04-04T12:03:09.000042: [INFO] more\n".into()));
    }

    #[test]
    fn a_terminal_that_takes_nothing_costs_lines_only_and_tears_none() {
        let (mut terminal, mut text, mut far) = terminal();
        let mut sent = 0;
        // Where no such line fits, no longer one does.
        while terminal.lost == [0, 0] {
            terminal.write(Some(&mut text), &Line::new(Level::Info, "x"), &SERVICES);
            sent += 1;
        }
        assert!(text.is_behind() && (30_000..100_000).contains(&sent), "{sent} lines");
        let others = b"two lines of somebody else\nwho has more to say than that\n";
        terminal.pass_on(Some(&mut text), Standard::Error, others, &SERVICES);
        terminal.write(Some(&mut text), &Line::new(Level::Info, "lost as well"), &SERVICES);
        assert_eq!(terminal.lost, [2, 2]);
        let mut whole = arrived(&mut far).len();
        while text.is_behind() {
            text.flush();
            whole += arrived(&mut far).len();
        }
        assert_eq!((whole, far.begun.len()), (sent - 1, 0));
        terminal.write(Some(&mut text), &Line::new(Level::Info, "back"), &SERVICES);
        terminal.lost[0] = 3;
        terminal.write(Some(&mut text), &Line::new(Level::Info, "again"), &SERVICES);
        terminal.write(Some(&mut text), &Line::new(Level::Error, "there too"), &SERVICES);
        let ends: Vec<_> =
            arrived(&mut far).into_iter().map(|(to, text)| (to, text[28..].to_owned())).collect();
        let expected = [
            (0, "[WARNING] lost 2\n"),
            (0, "[INFO] back\n"),
            (0, "[WARNING] lost 3\n"),
            (0, "[INFO] again\n"),
            (1, "[WARNING] lost 2\n"),
            (1, "[ERROR] there too\n"),
        ];
        assert_eq!(ends, expected.map(|(to, text)| (to, text.to_owned())));
    }

    #[test]
    fn what_others_say_is_an_object_among_objects() {
        let (mut terminal, mut text, mut far) = terminal();
        terminal.formats = [LogFormat::Plain, LogFormat::Json];
        terminal.pass_on(Some(&mut text), Standard::Error, b"one\n\r\ntw\"o\xff", &SERVICES);
        terminal.pass_on(Some(&mut text), Standard::Output, b"plain\n", &SERVICES);
        let lines = arrived(&mut far);
        assert_eq!(lines.len(), 3);
        for ((to, line), said) in lines.iter().zip(["one", "tw\"o\u{fffd}"]) {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((*to, &object["message"], &object["id"].is_null()), (1, &said.into(), &true));
        }
        assert_eq!(lines[2], (0, "plain\n".into()));
        terminal.pass_on(None, Standard::Error, b"one\ntwo\n", &SERVICES);
        assert_eq!(terminal.lost, [0, 2]);
    }

    #[test]
    fn a_call_is_made_by_whoever_may_wait_and_keeps_what_happened() {
        let (_, mut text, mut far) = terminal();
        let mut syslog = Syslog { facility: Facility::Local2, way: Way::Call, lost: 0 };
        let write = |syslog: &mut Syslog, text: Option<&mut Text>, level| {
            syslog.write(text, &Line::new(level, "line"), &SERVICES);
        };
        write(&mut syslog, None, Level::Error);
        for level in [Level::Debug, Level::Info, Level::Warning, Level::Error] {
            write(&mut syslog, Some(&mut text), level);
        }
        // LOG_LOCAL2 is 18; severities are warning, debug, notice, warning, error.
        let lines = [
            (4, "[WARNING] lost 1"),
            (7, "[DEBUG] line"),
            (5, "[INFO] line"),
            (4, "[WARNING] line"),
            (3, "[ERROR] line"),
        ];
        let mut bytes = Vec::new();
        let _ = far.socket.read_to_end(&mut bytes);
        let expected = lines.iter().flat_map(|(severity, line)| {
            [&[2, 0, u8::try_from(line.len() + 1).unwrap(), 18 << 3 | severity], line.as_bytes()].concat()
        });
        assert_eq!(bytes, expected.collect::<Vec<_>>());
    }

    #[test]
    fn debug_lines_are_for_those_who_asked() {
        let config = |debug| LogConfig { facility: None, debug, format: None };
        assert!(!Log::open(config(false), None, Some([LogFormat::Plain; 2]), SERVICES).wants(Level::Debug));
        assert!(Log::open(config(true), None, Some([LogFormat::Plain; 2]), SERVICES).wants(Level::Debug));
        assert!(Log::open(config(false), None, Some([LogFormat::Plain; 2]), SERVICES).wants(Level::Info));
    }

    #[test]
    fn lines_for_somebody_else_are_kept_in_order_and_their_loss_is_told() {
        let mut log = Log::none(SERVICES);
        assert_eq!(log.next_line(), None);
        log.keep_lines();
        log.write(Line::new(Level::Info, "one\ntwo"));
        log.write(Line::new(Level::Debug, "nobody asked"));
        log.lose_line();
        log.write(Line::new(Level::Error, "three"));
        let mut lines = std::iter::from_fn(|| log.next_line());
        let expected = [(Level::Info, "one\\ntwo"), (Level::Warning, "lost 1"), (Level::Error, "three")];
        for (level, text) in expected {
            assert_eq!(lines.next(), Some(Line::new(level, text)));
        }
        assert_eq!(lines.next(), None);
        for (length, count) in [(0, 16_384), (1792, 2048), (768, 4096)] {
            for _ in 0..count + 7 {
                log.write(Line::new(Level::Info, "x".repeat(length)));
            }
            assert_eq!(std::iter::from_fn(|| log.next_line()).count(), count, "of {length} bytes");
            log.write(Line::new(Level::Info, "after"));
            assert_eq!(log.next_line(), Some(Line::new(Level::Warning, "lost 7")));
            assert_eq!(log.next_line(), Some(Line::new(Level::Info, "after")));
        }
    }
}
