//! What a service manager is told of this process, as sd_notify(3) has it: by datagrams to the socket that NOTIFY_SOCKET
//! names. The variable is taken away, so that neither a script nor the engine speaks for the daemon.
//!
//! Nobody waits: what finds no room is sent soon, since a manager that never hears that a start is over waits for it. What
//! cannot be sent is said once, and keeps nothing from starting.
//!
//! That the daemon lives is said when the engine says so. Where none is to be expected, because one was given up and the
//! next is to come later, the hands say it themselves, at each turn of theirs: who waits on purpose does not hang.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::monotonic;
use super::coded::{Coded, named};
use crate::config::one_line;
use crate::platform::{self, Notification};
use crate::protocol::Time;

/// When is tried again what found no room.
const SOON: Duration = Duration::from_millis(100);
/// So much waits for it; what is older is told by what is newer.
const MOST_UNSENT: usize = 16;
/// What of a status is read by people at a glance.
const LONGEST_STATUS: usize = 300;

/// What the environment says of a service manager.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Manager {
    socket: Option<OsString>,
    watchdog: Option<Duration>,
}

/// The way to tell it.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    way: Option<Notification>,
    watchdog: Option<Watchdog>,
    /// The main process is not the one that the manager started.
    names_itself: bool,
    is_ready: bool,
    is_stopping: bool,
    status: String,
    unsent: VecDeque<String>,
    again: Option<Time>,
    /// Not said yet.
    failure: Option<io::Error>,
    has_failed: bool,
}

/// It ends who does not say for so long that he lives.
#[derive(Debug)]
struct Watchdog {
    within: Duration,
    last: Option<Time>,
}

impl Watchdog {
    /// When it is told next. A ping is asked for at half of the time.
    fn next(&self) -> Time {
        self.last.map_or(Time::ZERO, |last| last + self.within / 4)
    }

    /// Whether it is told now.
    fn is_due(&mut self, now: Time) -> bool {
        let is_due = self.next() <= now;
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}

named!(Manager { socket, watchdog });

impl Manager {
    /// Takes what there is out of the environment. To be called while there is one thread.
    pub(super) fn take() -> Self {
        let [socket, watchdog, pid] =
            ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].map(platform::take_variable);
        let text = |word: Option<OsString>| word.and_then(|word| word.into_string().ok());
        Self { socket, watchdog: watchdog_for(std::process::id(), text(watchdog), text(pid)) }
    }

    /// The folder of its socket, if that has one.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let path = Path::new(self.socket.as_ref()?);
        path.parent().filter(|_| path.is_absolute()).map(Path::to_owned)
    }
}

/// How long may pass, if that is meant for the process of this number.
fn watchdog_for(ours: u32, within: Option<String>, whose: Option<String>) -> Option<Duration> {
    let is_ours = whose.is_none_or(|whose| whose.parse() == Ok(ours));
    let within = within.filter(|_| is_ours)?.parse().ok().filter(|within| *within > 0)?;
    Some(Duration::from_micros(within))
}

impl Notifier {
    /// `names_itself`: this is another process than was started.
    pub(super) fn new(manager: Manager, names_itself: bool) -> Self {
        let Manager { socket, watchdog } = manager;
        let mut notifier = Self { names_itself, ..Self::default() };
        match socket.as_deref().map(Notification::to) {
            None => {}
            Some(Ok(way)) => {
                notifier.way = Some(way);
                notifier.watchdog = watchdog.map(|within| Watchdog { within, last: None });
            }
            Some(Err(why)) => notifier.fail(why),
        }
        notifier
    }

    /// How long an engine may be silent so that the manager does not mind.
    pub(super) fn bounded(&self, silence: Duration) -> Duration {
        self.watchdog.as_ref().map_or(silence, |watchdog| silence.min(watchdog.within))
    }

    /// The engine says that it works, the first time too; with how things stand.
    pub(super) fn works(&mut self, status: impl FnOnce() -> String, now: Time) {
        if self.way.is_none() {
            return;
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.is_ready, true) {
            text.push_str("READY=1\n");
            if self.names_itself {
                let _ = writeln!(text, "MAINPID={}", std::process::id());
            }
        }
        let status = one_line(&status(), LONGEST_STATUS);
        if status != self.status {
            let _ = writeln!(text, "STATUS={status}");
            self.status = status;
        }
        if self.watchdog.as_mut().is_some_and(|watchdog| watchdog.is_due(now)) {
            text.push_str("WATCHDOG=1\n");
        }
        self.post(text);
    }

    /// The hands do without an engine, and live. To be said again at [`Notifier::lives_until`].
    pub(super) fn lives(&mut self, now: Time) {
        // Before the start is over nobody waits for it.
        if self.is_ready && self.watchdog.as_mut().is_some_and(|watchdog| watchdog.is_due(now)) {
            self.post("WATCHDOG=1".to_owned());
        }
    }

    /// When [`Notifier::lives`] has something to say, for hands that do without an engine.
    pub(super) fn lives_until(&self) -> Option<Time> {
        let watchdog = self.watchdog.as_ref().filter(|_| self.is_ready)?;
        Some(watchdog.next())
    }

    /// How things stand where no engine says it.
    pub(super) fn status(&mut self, status: &str) {
        let status = one_line(status, LONGEST_STATUS);
        if status != self.status {
            self.post(format!("STATUS={status}"));
            self.status = status;
        }
    }

    /// The configuration is read again; [`Notifier::reloaded`] follows.
    pub(super) fn reloading(&mut self) {
        self.post(format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic().as_micros()));
    }

    /// That is over, whatever came of it.
    pub(super) fn reloaded(&mut self) {
        self.post("READY=1".to_owned());
    }

    /// Everything is given back from now on.
    pub(super) fn stopping(&mut self) {
        if !std::mem::replace(&mut self.is_stopping, true) {
            self.post("STOPPING=1".to_owned());
        }
    }

    fn post(&mut self, text: String) {
        if self.way.is_none() || text.is_empty() {
            return;
        }
        if self.unsent.len() == MOST_UNSENT {
            // How things stood is over; the first says that the start is.
            let mut middle = self.unsent.iter().skip(1);
            let over = middle.position(|text| text.starts_with("STATUS=") || text.starts_with("WATCHDOG="));
            self.unsent.remove(1 + over.unwrap_or(0));
        }
        self.unsent.push_back(text);
    }

    /// When [`Notifier::send`] is due again.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.again
    }

    /// Sends what is to be told. Why it cannot be, the first time.
    pub(super) fn send(&mut self, now: Time) -> Option<io::Error> {
        self.again = None;
        while let (Some(way), Some(text)) = (&self.way, self.unsent.front()) {
            match way.send(text.trim_end()) {
                Ok(()) => {}
                Err(why) if platform::says_no_room(&why) => {
                    self.again = Some(now + SOON);
                    break;
                }
                Err(why) => self.fail(why),
            }
            self.unsent.pop_front();
        }
        self.failure.take()
    }

    fn fail(&mut self, why: io::Error) {
        if !std::mem::replace(&mut self.has_failed, true) {
            self.failure = Some(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// A manager's socket, gone with the test.
    struct Ear {
        socket: UnixDatagram,
        path: PathBuf,
    }

    impl Ear {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ucarp-notify-{name}-{}", std::process::id()));
            let _ = std::fs::remove_file(&path);
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            Self { socket, path }
        }

        fn notifier(&self, watchdog: Option<Duration>) -> Notifier {
            Notifier::new(Manager { socket: Some(self.path.clone().into()), watchdog }, false)
        }

        fn heard(&self) -> Vec<String> {
            let mut text = [0; 1000];
            let one = || {
                let count = self.socket.recv(&mut text).ok()?;
                Some(String::from_utf8(text[..count].to_vec()).unwrap())
            };
            std::iter::from_fn(one).collect()
        }
    }

    impl Drop for Ear {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn a_life_as_its_manager_hears_it() {
        let ear = Ear::new("life");
        let mut notifier = ear.notifier(None);
        assert!(notifier.send(ms(0)).is_none() && ear.heard().is_empty());
        for (status, at) in [("BACKUP", 1), ("BACKUP", 2), ("MASTER\nREADY=0", 3)] {
            notifier.works(|| status.to_owned(), ms(at));
        }
        notifier.reloading();
        notifier.reloaded();
        notifier.status("nothing is served");
        notifier.stopping();
        notifier.stopping();
        assert!(notifier.send(ms(4)).is_none());
        let heard = ear.heard();
        assert_eq!(heard[..2], ["READY=1\nSTATUS=BACKUP", "STATUS=MASTER\\nREADY=0"]);
        let since = heard[2].strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse::<u128>().unwrap();
        assert!(since > 0 && since <= monotonic().as_micros());
        assert_eq!(heard[3..], ["READY=1", "STATUS=nothing is served", "STOPPING=1"]);
    }

    #[test]
    fn a_watchdog_hears_what_the_engine_says() {
        let ear = Ear::new("watchdog");
        let mut notifier = ear.notifier(Some(Duration::from_secs(4)));
        assert_eq!(notifier.bounded(Duration::from_secs(7)), Duration::from_secs(4));
        assert_eq!(notifier.bounded(Duration::from_secs(2)), Duration::from_secs(2));
        for at in [0, 10, 999, 1_000, 2_500] {
            notifier.works(String::new, ms(at));
        }
        assert!(notifier.send(ms(2_500)).is_none());
        assert_eq!(ear.heard(), ["READY=1\nWATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    }

    #[test]
    fn a_watchdog_hears_of_hands_that_wait_for_no_engine() {
        let ear = Ear::new("waiting");
        let mut notifier = ear.notifier(Some(Duration::from_secs(4)));
        notifier.lives(ms(0));
        assert_eq!(notifier.lives_until(), None, "the start is not over");
        notifier.works(String::new, ms(100));
        assert_eq!(notifier.lives_until(), Some(ms(1_100)));
        for at in [200, 1_099, 1_100, 1_101, 2_100] {
            notifier.lives(ms(at));
        }
        assert!(notifier.send(ms(2_100)).is_none());
        assert_eq!(ear.heard(), ["READY=1\nWATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
        assert_eq!(ear.notifier(None).lives_until(), None, "nobody asks");
    }

    #[test]
    fn a_process_that_is_another_than_was_started_names_itself() {
        let ear = Ear::new("names");
        let manager = Manager { socket: Some(ear.path.clone().into()), watchdog: None };
        let mut notifier = Notifier::new(manager, true);
        notifier.works(String::new, ms(0));
        assert!(notifier.send(ms(0)).is_none());
        assert_eq!(ear.heard(), [format!("READY=1\nMAINPID={}", std::process::id())]);
    }

    #[test]
    fn a_manager_that_does_not_read_is_told_later_and_the_first_and_the_last_count() {
        let ear = Ear::new("later");
        let mut notifier = ear.notifier(None);
        let full = notifier.way.as_ref().unwrap();
        while full.send("before").is_ok() {}
        for status in 0..100 {
            notifier.works(|| status.to_string(), ms(0));
            assert!(notifier.send(ms(0)).is_none());
            assert_eq!(notifier.deadline(), Some(ms(100)));
        }
        assert!(ear.heard().iter().all(|text| text == "before"));
        assert!(notifier.send(ms(100)).is_none());
        let mut heard = ear.heard();
        while notifier.deadline().is_some() {
            assert!(notifier.send(ms(200)).is_none());
            heard.extend(ear.heard());
        }
        assert_eq!(heard.first().map(String::as_str), Some("READY=1\nSTATUS=0"));
        assert_eq!((heard.last().map(String::as_str), heard.len()), (Some("STATUS=99"), MOST_UNSENT));
    }

    #[test]
    fn what_cannot_be_told_is_said_once() {
        for name in ["/nonexistent/notify", "relative", "vsock:2:1"] {
            let manager = Manager { socket: Some(name.into()), watchdog: None };
            let mut notifier = Notifier::new(manager, false);
            notifier.works(String::new, ms(0));
            assert!(notifier.send(ms(0)).is_some(), "{name}");
            notifier.stopping();
            assert!(notifier.send(ms(1)).is_none() && notifier.deadline().is_none(), "{name}");
        }
        let mut nobody = Notifier::new(Manager::default(), false);
        nobody.works(|| panic!("nobody asks"), ms(0));
        assert!(nobody.send(ms(0)).is_none());
    }

    #[test]
    fn a_watchdog_may_be_another_process_s() {
        let of = |within: &str, whose: Option<&str>| {
            watchdog_for(7, Some(within.to_owned()), whose.map(str::to_owned))
        };
        assert_eq!(of("2000000", None), Some(Duration::from_secs(2)));
        assert_eq!(of("2000000", Some("7")), Some(Duration::from_secs(2)));
        for (within, whose) in [("2000000", Some("8")), ("2000000", Some("x")), ("0", None), ("x", None)] {
            assert_eq!(of(within, whose), None, "{within} {whose:?}");
        }
        assert_eq!(watchdog_for(7, None, Some("7".into())), None);
    }
}
