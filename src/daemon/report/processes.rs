//! What is said of the two processes: who they are, what keeps them, and what became of one of them.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use super::{About, Report, seconds};
use crate::daemon::failure::words;
use crate::daemon::overheard::Writer;
use crate::daemon::record::Record;
use crate::daemon::request::Asked;
use crate::daemon::rules::Refusal;
use crate::daemon::supervise::Notice;
use crate::i18n::{digits, tr, trn};
use crate::ids;
use crate::log::Level;
use crate::platform::{Guard, Guarded};
use crate::protocol::Time;

/// Why nothing came of what was asked of the hands.
pub(crate) fn unasked() -> String {
    tr!("the main process cannot be asked for it").into_owned()
}

/// That something does not keep the engine to what it needs.
pub(crate) fn unguarded(guard: Guard, why: &io::Error) -> String {
    tr!(
        "The process that hears the network could not be kept to what it needs by {guard}: {why}",
        guard = guard.name(),
        why = words(why)
    )
}

/// That nobody serves for so long.
pub(crate) fn resting(rest: Duration) -> String {
    tr!("Nothing is served for {duration}; then it is tried again", duration = seconds(rest))
}

impl Report {
    /// Who the engine is, and what keeps it from more than it needs.
    pub(crate) fn guards(
        &mut self,
        user: &str,
        advice: Option<String>,
        guarded: &Guarded,
        slow: Option<&io::Error>,
    ) {
        let by: Vec<&str> = guarded.by.iter().map(|guard| guard.name()).collect();
        // TRANSLATORS: {guards} are names of the system for what restricts a process, such as seccomp or pledge.
        let text = tr!(
            "The process that hears the network runs as {user}, kept to what it needs by {guards}",
            user,
            guards = by.join(" ")
        );
        self.tell(Level::Info, &text, ids::ENGINE_GUARDED);
        if let Some(advice) = advice {
            self.tell(Level::Info, &advice, ids::ENGINE_USER_MAKESHIFT);
        }
        for (guard, why) in &guarded.not_by {
            // What a system does not have nobody can mend.
            let level = if why.kind() == io::ErrorKind::Unsupported { Level::Debug } else { Level::Warning };
            self.missing_guard(level, *guard, why);
        }
        if let Some(why) = slow {
            let text = tr!(
                "The process that hears the network does not come before others, and may be late when they have much to do: {why}",
                why = words(why)
            );
            self.tell(Level::Info, &text, ids::ENGINE_SLOW);
        }
    }

    /// Who has rights can write to more files than it needs.
    pub(crate) fn writes_anywhere(&mut self, guarded: &Guarded) {
        for (guard, why) in &guarded.not_by {
            let text = tr!(
                "The main process could not be kept from writing to other files by {guard}: {why}",
                guard = guard.name(),
                why = words(why)
            );
            self.tell(Level::Warning, &text, ids::HANDS_UNGUARDED);
        }
    }

    /// The engine's memory may be paged out all the same.
    pub(crate) fn not_locked(&mut self, why: &io::Error) {
        let text = tr!("--mlock: the memory cannot be kept from being paged out: {why}", why = words(why));
        self.tell(Level::Warning, &text, ids::MEMORY_NOT_LOCKED);
    }

    fn missing_guard(&mut self, level: Level, guard: Guard, why: &io::Error) {
        if self.log.wants(level) {
            self.tell(level, &unguarded(guard, why), ids::ENGINE_UNGUARDED);
        }
    }

    /// The loop of the engine panicked, and this is what it said.
    pub(crate) fn bug(&mut self, said: &str) {
        let text = tr!("Internal error, please report it: {what}", what = said);
        self.tell(Level::Error, &text, ids::BUG);
    }

    /// What a virtual host was told last. For who looks into the program, so it is in nobody's language.
    pub(crate) fn told(&mut self, about: About<'_>, record: &Record, level: Level) {
        if !self.log.wants(level) {
            return;
        }
        let whose = format!("{} id {}", about.interface, about.vhid);
        self.say(level, &format!("{whose} was told {} facts; the last:", record.count()));
        for (at, told) in record.last() {
            self.say(level, &format!("{whose}: {} {told:?}", digits(at.since_zero(), 6)));
        }
    }

    /// What the hands conclude about the engine.
    pub(crate) fn engine(&mut self, notice: Notice) {
        let (level, text, id) = match notice {
            Notice::Died => {
                (Level::Error, tr!("The process that hears the network has ended unexpectedly: another one goes on").into_owned(), ids::ENGINE_ENDED)
            }
            Notice::Hung(silent) => {
                (Level::Error, tr!("The process that hears the network has said nothing for {duration}: it is ended, and another one goes on", duration = seconds(silent)), ids::ENGINE_ENDED)
            }
            Notice::Back(silent) => {
                (Level::Warning, tr!("The process that hears the network works again: nothing was sent for {duration} at most", duration = seconds(silent)), ids::ENGINE_BACK)
            }
            Notice::DiesAgain => (
                Level::Error,
                tr!("The process that hears the network ends again and again: other hosts are told that this one is no master any more")
                    .into_owned(),
                ids::ENGINE_NOT_BACK,
            ),
            Notice::NotBack => (
                Level::Error,
                tr!("The process that hears the network was not back in time: other hosts are told that this one is no master any more")
                    .into_owned(),
                ids::ENGINE_NOT_BACK,
            ),
            Notice::Rests(rest) => (Level::Error, resting(rest), ids::ENGINE_RESTS),
        };
        self.tell(level, &text, id);
    }

    /// No engine could be started.
    pub(crate) fn engine_unstartable(&mut self, why: &io::Error, now: Time) {
        let Some(held_back) = self.passes_for_all("engine_unstartable", now) else { return };
        let text = tr!("Cannot start the process that hears the network: {why}", why = words(why));
        self.tell(Level::Error, &(text + &super::repeats(held_back)), ids::ENGINE_NOT_STARTED);
    }

    /// The engine asked for what it may not have.
    pub(crate) fn refused_request(&mut self, refusal: Refusal, now: Time) {
        let Some(held_back) = self.passes_for_all(refusal.code(), now) else { return };
        let text = tr!(
            "The process that hears the network asked for something that the configuration does not allow, and did not get it: {code}",
            code = refusal.code()
        );
        self.tell(Level::Error, &(text + &super::repeats(held_back)), ids::REQUEST_REFUSED);
    }

    /// Another host could not be told that this one is no master any more.
    pub(crate) fn no_bow_out(&mut self, interface: &str, why: &dyn Display) {
        let text = tr!(
            "Cannot tell other hosts on {interface} that this one is no master any more: {why}",
            interface,
            why
        );
        self.tell_on(interface, Level::Error, &text, ids::NO_BOW_OUT);
    }

    /// The hands could not do what was asked for.
    pub(crate) fn could_not(&mut self, what: &Asked, why: &str, now: Time) {
        let (Asked::Survey { interface } | Asked::OpenDevices { interface } | Asked::Connect { interface }) =
            what
        else {
            return;
        };
        let Some(held_back) = self.passes_for_all("could_not", now) else { return };
        let text = tr!("The main process cannot open or look at {interface}: {why}", interface, why);
        self.tell_on(interface, Level::Warning, &(text + &super::repeats(held_back)), ids::HANDS_COULD_NOT);
    }

    /// There are no hands any more.
    pub(crate) fn alone(&mut self, is_master: bool) {
        self.log.write_lines();
        let text = if is_master {
            tr!(
                "The main process has ended. Process {number} stays master where it is, runs no script, takes nothing over, and ends when it is told to (SIGTERM) or loses the address, which may be left here then",
                number = std::process::id()
            )
        } else {
            tr!("The main process has ended: ending too").into_owned()
        };
        self.tell(Level::Error, &text, ids::HANDS_ENDED);
    }

    /// What a main process that was killed left behind makes room for this one.
    pub(crate) fn heir_ended(&mut self, dead: u32, heir: u32) {
        self.tell(Level::Warning, &tr!("Process {heir}, which had gone on serving since its main process {dead} was killed, was told to end", heir, dead), ids::HEIR_ENDED);
    }

    /// The pidfile names a process that is no more.
    pub(crate) fn no_pidfile(&mut self, why: &io::Error) {
        let text = tr!("The pidfile could not be changed: {why}", why = words(why));
        self.tell(Level::Warning, &text, ids::PIDFILE_UNCHANGED);
    }

    /// How often the engine was woken late, where it was.
    pub(crate) fn woken_late(&mut self, (count, most): (u64, Duration)) {
        if count > 0 {
            let text = trn!(
                count;
                "Woken late {count} time, by {duration}",
                "Woken late {count} times, by {duration} at most",
                duration = seconds(most)
            );
            self.tell(Level::Info, &text, ids::WOKEN_LATE);
        }
    }

    /// A service manager asked to be told, and cannot be.
    pub(crate) fn manager_not_told(&mut self, why: &io::Error) {
        self.tell(
            Level::Warning,
            &tr!(
                "The service manager that named NOTIFY_SOCKET cannot be told how things stand: {why}",
                why = words(why)
            ),
            ids::MANAGER_NOT_TOLD,
        );
    }

    /// What became of the process that writes to the terminal.
    pub(crate) fn writer(&mut self, writer: Writer) {
        let (level, text) = match writer {
            Writer::Replaced => (
                Level::Warning,
                tr!("The process that writes to the terminal had ended: another one was started")
                    .into_owned(),
            ),
            Writer::Ended(again) => (
                Level::Error,
                tr!(
                    "The process that writes to the terminal has ended again: its lines are lost, another one is started in {duration}",
                    duration = seconds(again)
                ),
            ),
            Writer::Unstartable(why, again) => (
                Level::Error,
                tr!(
                    "The process that writes to the terminal has ended, and another one cannot be started: {why}. Its lines are lost; tried again in {duration}.",
                    why = words(&why),
                    duration = seconds(again)
                ),
            ),
        };
        self.tell(level, &text, ids::WRITER_ENDED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::SERVICES;
    use crate::log::Log;

    #[test]
    fn hands_that_may_write_anywhere_are_told_of() {
        let mut report = Report::new(Log::none(SERVICES));
        report.keep_lines();
        report.writes_anywhere(&Guarded::default());
        assert_eq!(report.log().next_line(), None);
        let refused = (Guard::Unveil, io::ErrorKind::PermissionDenied.into());
        report.writes_anywhere(&Guarded { not_by: vec![refused], ..Guarded::default() });
        let line = report.log().next_line().unwrap();
        assert_eq!(line.level, Level::Warning);
        assert!(line.text.contains("UC2047") && line.text.contains(" by unveil: "), "{}", line.text);
    }
}
