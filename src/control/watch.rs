//! `ucarpctl watch`: how things stand, on the whole screen, for as long as somebody looks.
//!
//! Each daemon is asked once a second, and soon after something happened, which it tells whoever follows. Nobody is waited
//! for: keys and signals are heard whatever daemons do, and one that does not answer is asked nothing more until it does.

mod keys;
mod screen;
mod talk;
mod view;

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use self::keys::Key;
use self::screen::Screen;
use self::talk::{Subject, Talk};
use self::view::{Daemon, Size, View};
use super::answer::shown;
use super::reach::{daemons, ended, instances};
use super::wrong::Wrong;
use super::{Said, Status, peers, table};
use crate::i18n::tr;
use crate::platform::{self, Signal, Signals, Terminal};
use crate::sorting::sort_by;

/// How often everybody is asked, and how soon after something happened: what belongs together happens together.
const EVERY: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(100);
/// How long one may be silent before it is said.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of a terminal that does not say it.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// Shows what all daemons of this folder say, or this one, of all virtual hosts or of those with these names.
pub(super) fn watch(folder: &Path, instance: Option<&str>, names: &str) -> Result<Said, Wrong> {
    // Who may not ask is told so at once.
    daemons(folder, instance, true)
        .map(drop)
        .or_else(|wrong| if wrong.status() == Status::Denied { Err(wrong) } else { Ok(()) })?;
    let mut signals = Signals::open().map_err(Wrong::Screen)?;
    let Some(mut terminal) = Terminal::take().map_err(Wrong::Screen)? else {
        return Err(Wrong::NoTerminal);
    };
    let has_colours = !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|kind| kind != "dumb");
    let mut screen = Screen::enter(has_colours).map_err(Wrong::Screen)?;
    let mut watch = Watch {
        folder,
        instance,
        behind: if names.is_empty() { "\n".to_owned() } else { format!("\t{names}\n") },
        view: View::default(),
        talks: Vec::new(),
        next: platform::now(),
    };
    let (mut ready, mut typed) = (Vec::new(), Vec::new());
    loop {
        watch.ask();
        let size = terminal.size().map_or(USUAL, |(columns, rows)| Size { columns, rows });
        screen.show(watch.view.draw(size), size).map_err(Wrong::Screen)?;
        let descriptors: Vec<BorrowedFd<'_>> = [terminal.as_fd(), signals.as_fd()]
            .into_iter()
            .chain(watch.talks.iter().map(Talk::as_fd))
            .collect();
        let timeout = watch.next.saturating_sub(platform::now());
        platform::wait(&descriptors, &mut ready, Some(timeout)).map_err(Wrong::Screen)?;
        if signals.read().into_iter().any(ends) {
            return Ok(Said::nothing());
        }
        if ready.first() == Some(&true) {
            let Some(bytes) = terminal.keys() else { return Ok(Said::nothing()) };
            typed.extend(bytes);
            for key in keys::take(&mut typed) {
                match key {
                    Key::End => return Ok(Said::nothing()),
                    Key::Redraw => screen.forget(),
                    key => watch.view.moves(key),
                }
            }
        }
        watch.hear();
    }
}

fn set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

const fn ends(signal: Signal) -> bool {
    match signal {
        Signal::Terminate | Signal::Interrupt | Signal::Quit | Signal::HangUp => true,
        Signal::User1 | Signal::User2 | Signal::Child => false,
    }
}

struct Watch<'a> {
    folder: &'a Path,
    instance: Option<&'a str>,
    /// What stands behind the verb of a question.
    behind: String,
    view: View,
    talks: Vec<Talk>,
    /// When all are asked again.
    next: Duration,
}

impl Watch<'_> {
    /// Asks each daemon that owes nothing, if it is time.
    fn ask(&mut self) {
        let now = platform::now();
        for talk in self.talks.iter().filter(|talk| talk.subject != Subject::Events) {
            if now.saturating_sub(talk.since) > PATIENCE {
                let daemon = self.view.daemons.iter_mut().find(|daemon| daemon.name == talk.daemon);
                daemon.into_iter().for_each(|daemon| daemon.is_silent(Wrong::Silent.to_string()));
            }
        }
        if now < self.next {
            return;
        }
        self.next = now + EVERY;
        let names = match self.instance {
            Some(instance) => vec![instance.to_owned()],
            None => match instances(self.folder) {
                Ok(names) => names,
                Err(wrong) => return self.view.trouble = Some(wrong.to_string()),
            },
        };
        for daemon in self.view.daemons.iter_mut().filter(|daemon| !names.contains(&daemon.name)) {
            daemon.is_silent(nobody());
        }
        for name in &names {
            self.ask_one(name, now);
        }
        let is_alone = self.view.daemons.is_empty();
        self.view.trouble = is_alone.then(|| format!("{}: {}", self.folder.display(), nobody()));
    }

    /// Asks this one what it was not asked yet, each on a connection of its own.
    fn ask_one(&mut self, name: &str, now: Duration) {
        for (subject, verb) in
            [(Subject::Hosts, "status"), (Subject::Peers, "peers"), (Subject::Events, "events")]
        {
            if self.talks.iter().any(|talk| talk.daemon == name && talk.subject == subject) {
                continue;
            }
            let line = match subject {
                Subject::Hosts | Subject::Peers => format!("{verb}{}", self.behind),
                Subject::Events => format!("{verb}\t--since=0\n"),
            };
            let connected = daemons(self.folder, Some(name), true).map(|mut only| only.pop());
            let trouble = match connected {
                Ok(Some((_, stream))) => match Talk::begin((name.to_owned(), stream), subject, &line, now) {
                    Ok(talk) => {
                        self.talks.push(talk);
                        None
                    }
                    Err(error) => Some(Wrong::Broken(error).to_string()),
                },
                Ok(None) => Some(nobody()),
                Err(wrong) if wrong.status() == Status::NoDaemon => Some(nobody()),
                Err(wrong) => Some(wrong.to_string()),
            };
            let known = self.view.daemons.iter_mut().find(|daemon| daemon.name == name);
            match (known, trouble) {
                (Some(daemon), Some(trouble)) => daemon.is_silent(trouble),
                // What a dead one left is nobody.
                (Some(_), None) | (None, Some(_)) => {}
                (None, None) => {
                    self.view.daemons.push(Daemon { name: name.to_owned(), ..Daemon::default() });
                    sort_by(&mut self.view.daemons, |one, other| one.name.cmp(&other.name));
                }
            }
        }
    }

    /// Hears whoever has something to say.
    fn hear(&mut self) {
        let soon = platform::now() + SOON;
        let Self { view, talks, next, .. } = self;
        talks.retain_mut(|talk| {
            let Some(daemon) = view.daemons.iter_mut().find(|daemon| daemon.name == talk.daemon) else {
                return false;
            };
            let (lines, goes_on) = match talk.hear() {
                Ok(heard) => heard,
                Err(why) => {
                    daemon.is_silent(why.to_string());
                    return false;
                }
            };
            if talk.subject == Subject::Events {
                if !lines.is_empty() || !goes_on {
                    *next = soon.min(*next);
                }
                return follow(daemon, talk, &lines) && goes_on;
            }
            talk.lines.extend(lines);
            match talk.lines.last().and_then(|line| ended(line)) {
                Some((status, _)) => {
                    talk.lines.pop();
                    learn(daemon, talk, status);
                    false
                }
                None if !goes_on => {
                    daemon.is_silent(nobody());
                    *next = soon.min(*next);
                    false
                }
                None => true,
            }
        });
    }
}

/// What happened; whether there will be more.
fn follow(daemon: &mut Daemon, talk: &mut Talk, lines: &[String]) -> bool {
    // Who is followed anew tells all that it knows.
    if !lines.is_empty() && !std::mem::replace(&mut talk.has_told, true) {
        daemon.events.clear();
    }
    for line in lines {
        let mut parts = line.splitn(3, '\t');
        if let (Some("event"), _, Some(text)) = (parts.next(), parts.next(), parts.next()) {
            daemon.happened(text);
        }
    }
    !lines.iter().any(|line| ended(line).is_some())
}

/// It has answered.
fn learn(daemon: &mut Daemon, talk: &Talk, status: Status) {
    match (talk.subject, status) {
        (Subject::Hosts, Status::Done) => {
            (daemon.about, daemon.hosts) = (table::daemon(&talk.lines), table::standings(&talk.lines));
            daemon.trouble = None;
        }
        (Subject::Peers, Status::Done) => daemon.peers = peers::peers(&talk.lines),
        // Whoever is refused one is refused the other.
        (Subject::Peers | Subject::Events, _) => {}
        (Subject::Hosts, _) => {
            let sentences: Vec<String> = talk.lines.iter().map(|line| shown(line)).collect();
            daemon.is_silent(sentences.join("; "));
        }
    }
}

fn nobody() -> String {
    tr!("no daemon, trying again").into_owned()
}
