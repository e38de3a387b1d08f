//! The programs that tell others of changes of state, each in a process of its own.
//!
//! Of one virtual host they run in the order of its changes, one at a time, and beside its scripts. What cannot be told in
//! time waits here, and nobody waits for it: where more waits than there is room for, the oldest is told no more.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::super::failure::words;
use super::super::outcome::Found;
use super::super::overheard::Overheard;
use super::super::request::News;
use super::super::rules::Bulletin;
use super::process::{Process, Term};
use crate::config::VirtualHostConfig;
use crate::log::Log;
use crate::platform::{self, Execution, Program};
use crate::protocol::{Reason, Role, Time, Vhid};

/// Changes of one virtual host that wait.
const MOST_WAITING: usize = 16;
/// Processes that are begun before everything else has its turn again.
const MOST_AT_ONCE: usize = 4;

/// All that run, and all that wait.
#[derive(Default)]
pub(in super::super) struct Heralds {
    posts: BTreeMap<u16, Post>,
    /// What has not been told and is not going to be.
    missed: Vec<Told>,
    /// When everything ends.
    ends: Option<Time>,
}

/// What became of telling that a virtual host is in this state.
#[derive(Debug)]
pub(in super::super) struct Told {
    pub(in super::super) what: What,
    /// The program, and what became of it; nothing, if there was no room for the change.
    pub(in super::super) ran: Option<(PathBuf, Found)>,
}

/// Which virtual host is in which state, as it was when that was news.
#[derive(Clone, Debug)]
pub(in super::super) struct What {
    pub(in super::super) name: Option<String>,
    pub(in super::super) interface: String,
    pub(in super::super) vhid: Vhid,
    pub(in super::super) role: Role,
    /// How long a program may take to tell it.
    pub(in super::super) timeout: Duration,
}

/// Those of one virtual host.
#[derive(Default)]
struct Post {
    /// What was told last.
    last: Option<News>,
    running: Option<Running>,
    /// What is still to be run for a change of which some has.
    begun: VecDeque<Errand>,
    waiting: VecDeque<Change>,
}

/// Everything that is to be run for one.
struct Change {
    what: What,
    errands: VecDeque<Errand>,
}

struct Errand {
    what: What,
    path: PathBuf,
    program: Program,
}

struct Running {
    errand: Errand,
    process: Process,
    term: Term,
}

impl Heralds {
    /// Has a change told, if it is one, as the configuration says now.
    pub(in super::super) fn send(&mut self, bulletin: &Bulletin<'_>) {
        let news = bulletin.news();
        let post = self.posts.entry(news.host).or_default();
        let before = post.last.replace(News { interface: bulletin.interface().to_owned(), ..news.clone() });
        let previous = before.map(|before| before.role);
        if previous == Some(news.role) {
            return;
        }
        let VirtualHostConfig { name, vhid, hook_timeout, .. } = bulletin.config();
        let what = What {
            name: name.clone(),
            interface: bulletin.interface().to_owned(),
            vhid: *vhid,
            role: news.role,
            timeout: *hook_timeout,
        };
        match bulletin.programs(previous) {
            Ok(programs) if programs.is_empty() => {}
            Ok(programs) => {
                let errand = |(path, program)| Errand { what: what.clone(), path, program };
                let errands = programs.into_iter().map(errand).collect();
                post.waiting.push_back(Change { what, errands });
            }
            Err(why) => {
                let found = Found::NotRun { why: words(&why) };
                self.missed.push(Told { what, ran: Some((PathBuf::new(), found)) });
            }
        }
        if post.waiting.len() > MOST_WAITING {
            let oldest = post.waiting.pop_front();
            self.missed.extend(oldest.map(|Change { what, .. }| Told { what, ran: None }));
        }
    }

    /// What was told last of each.
    pub(in super::super) fn leave(&self) -> Vec<News> {
        self.posts.values().filter_map(|post| post.last.clone()).collect()
    }

    /// This was told already.
    pub(in super::super) fn inherit(&mut self, news: Vec<News>) {
        for last in news {
            let post = self.posts.entry(last.host).or_default();
            post.last = Some(last);
        }
    }

    /// Of this host nothing is left: another one may have its number.
    pub(in super::super) fn forget(&mut self, host: u16) {
        if let Some(post) = self.posts.get_mut(&host) {
            post.last = None;
        }
    }

    /// What would have to be told if none of them were served any more.
    pub(in super::super) fn farewells(&self) -> Vec<News> {
        let last = self.posts.values().filter_map(|post| post.last.as_ref());
        let served = last.filter(|news| news.role != Role::Init);
        let farewell =
            |news: &News| News { role: Role::Init, reason: Reason::Shutdown, master: None, ..news.clone() };
        served.map(farewell).collect()
    }

    /// Begins what is next, ends who had his time, and takes in what became of the others.
    pub(in super::super) fn look(
        &mut self,
        overheard: &mut Overheard,
        log: &mut Log,
        now: Time,
    ) -> Vec<Told> {
        let mut told = std::mem::take(&mut self.missed);
        let mut begun = 0;
        for post in self.posts.values_mut() {
            told.extend(post.look(overheard, log, now));
            while post.running.is_none() && begun < MOST_AT_ONCE {
                let Some(errand) = post.next() else { break };
                begun += 1;
                match Running::start(errand, self.ends, overheard, now) {
                    Ok(running) => post.running = Some(running),
                    Err(not_run) => told.push(*not_run),
                }
            }
        }
        told
    }

    /// What to wait for, besides the ends of children.
    pub(in super::super) fn reports(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.running().filter_map(|running| running.process.report())
    }

    /// When to look whatever the descriptors say.
    pub(in super::super) fn deadline(&self) -> Option<Time> {
        let may_begin = self.posts.values().any(|post| post.running.is_none() && post.has_next());
        let now = (may_begin || !self.missed.is_empty()).then_some(Time::ZERO);
        self.running().filter_map(|running| running.term.deadline()).chain(now).min()
    }

    /// The numbers of the processes.
    pub(in super::super) fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.running().map(|running| running.process.pid())
    }

    /// Whether there is nothing more to tell, and nobody is at it.
    pub(in super::super) fn are_done(&self) -> bool {
        self.missed.is_empty() && self.posts.values().all(|post| post.running.is_none() && !post.has_next())
    }

    /// Everything is to be told by then, and what runs already by half of that time.
    pub(in super::super) fn hurry(&mut self, until: Time, now: Time) {
        self.ends = Some(until);
        let half = now + until.since(now) / 2;
        for running in self.posts.values_mut().filter_map(|post| post.running.as_mut()) {
            running.term.shorten(half);
        }
    }

    /// Ends everything in the way that cannot be refused; nobody wants to know how.
    pub(in super::super) fn abandon(&mut self) {
        self.pids().for_each(|pid| platform::kill_group(pid, true));
        self.posts.clear();
    }

    fn running(&self) -> impl Iterator<Item = &Running> + '_ {
        self.posts.values().filter_map(|post| post.running.as_ref())
    }
}

impl Post {
    fn has_next(&self) -> bool {
        !self.begun.is_empty() || !self.waiting.is_empty()
    }

    fn next(&mut self) -> Option<Errand> {
        if self.begun.is_empty() {
            self.begun = self.waiting.pop_front()?.errands;
        }
        self.begun.pop_front()
    }

    /// What became of the one that runs, if it is over.
    fn look(&mut self, overheard: &mut Overheard, log: &mut Log, now: Time) -> Option<Told> {
        let running = self.running.as_mut()?;
        match running.found(overheard, log) {
            Some(found) => {
                let Running { errand, .. } = self.running.take()?;
                Some(Told { what: errand.what, ran: Some((errand.path, found)) })
            }
            None => {
                running.term.enforce(running.process.pid(), now);
                None
            }
        }
    }
}

impl Running {
    /// Begins it, to be ended by the end of all at the latest.
    ///
    /// # Errors
    /// No process or no descriptor can be had: what is to be told of that.
    fn start(
        errand: Errand,
        end: Option<Time>,
        overheard: &mut Overheard,
        now: Time,
    ) -> Result<Self, Box<Told>> {
        match Process::start(&errand.program, overheard) {
            Ok(process) => {
                let mut term = Term::until(now + errand.what.timeout);
                end.into_iter().for_each(|end| term.shorten(end));
                Ok(Self { errand, process, term })
            }
            Err(why) => {
                let found = Found::NotRun { why: words(&why) };
                Err(Box::new(Told { what: errand.what, ran: Some((errand.path, found)) }))
            }
        }
    }

    fn found(&mut self, overheard: &mut Overheard, log: &mut Log) -> Option<Found> {
        let (execution, ended) = self.process.look(overheard, log);
        if let Execution::Refused(why) = execution {
            return Some(Found::NotRun { why });
        }
        let (outcome, last_line) = ended?;
        Some(if self.term.is_over() { Found::TimedOut } else { Found::Ended { outcome, last_line } })
    }
}

#[cfg(test)]
mod tests;
