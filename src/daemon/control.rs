//! The socket by which the daemon is steered: who may say something, what was said, and what is answered.
//!
//! It is the hands', who do what is said (`hands/ordering`). Nobody is waited for: who does not send his line, or does not
//! read, is dropped after a bounded time; what a client may hold of memory and descriptors is bounded, and so is their number.
//! The folder is closed to others, and the kernel says who is at the other end: root may, and the daemon's own user.

mod clients;
mod door;
mod events;
mod meant;
mod standings;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clients::Clients;
use door::Door;
use events::Events;
use standings::Standings;

use super::handover::{LeftClient, LeftDoor};
use crate::config::{Config, ControlPlace, Order, VirtualHostConfig};
use crate::control::{Answer, LONGEST_REQUEST, Status, Subject, answer, answer::Matter, greeting};
use crate::i18n::tr;
use crate::log::Line;
use crate::platform::{self, Inheritance};
use crate::protocol::{Role, Time};

pub(super) use door::{NoDoor, Way};
pub(super) use meant::meant;
pub(super) use standings::Known;

/// How many are taken in at a time.
const MOST_AT_ONCE: usize = 32;
/// For how long nobody is taken in after that failed: the limit of descriptors may have been reached.
const REST: Duration = Duration::from_millis(100);
/// How long is waited for what the engine has to say.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was asked, by whom.
pub(super) struct Asked {
    pub(super) client: u32,
    pub(super) user: u32,
    pub(super) way: Way,
    pub(super) order: Order,
}

/// An answer for which the engine has to say something.
struct Awaited {
    client: u32,
    number: u32,
    hosts: Vec<(u16, String)>,
    answers: Vec<Answer>,
    until: Time,
}

/// Who waits for a role of these.
struct Waiting {
    client: u32,
    hosts: Vec<(u16, String)>,
    role: Role,
    until: Time,
}

/// Who is told what happens, as long as he reads.
struct Follower {
    client: u32,
    way: Way,
    /// The event that is told next.
    next: u64,
}

/// The socket, and everybody who came by it.
#[derive(Default)]
pub(super) struct Control {
    doors: Vec<(Way, Door)>,
    standings: [Standings; Subject::ALL.len()],
    events: Events,
    followers: Vec<Follower>,
    clients: Clients,
    rests_until: Option<Time>,
    awaited: Vec<Awaited>,
    waiting: Vec<Waiting>,
    /// The role of each host, as the engine told it last.
    pub(super) roles: Vec<Role>,
    /// Who waits for the configuration to be read, and whether only to see what would change.
    reloading: Vec<(u32, bool)>,
    orders: u32,
}

/// The folder of the sockets, if there are to be any.
pub(super) fn folder(config: &Config) -> Option<PathBuf> {
    match &config.control {
        ControlPlace::Usual => Some(platform::CONTROL.into()),
        ControlPlace::Nowhere => None,
        ControlPlace::In(folder) => Some(folder.clone()),
    }
}

/// What the socket is called: as the file is, or as the virtual host of the command line. Where the daemon is in another
/// network namespace than the rest, another one may be called so.
pub(super) fn name(config: &Config, first: Option<&(VirtualHostConfig, String)>) -> String {
    let mut name = match (&config.source, first) {
        (Some(source), _) => {
            let path = source.path();
            let is_usual = path.extension().is_some_and(|kind| kind == "toml");
            let name = if is_usual { path.file_stem() } else { path.file_name() };
            name.unwrap_or_default().to_string_lossy().into_owned()
        }
        (None, Some((host, interface))) => host.unique(interface),
        (None, None) => "ucarp".to_owned(),
    };
    if let Some(number) = platform::other_namespace() {
        name = format!("{name}-{number}");
    }
    name
}

impl Control {
    /// Listens where the configuration says, for a daemon that serves these, and tells why it does not.
    pub(super) fn open(config: &Config, hosts: &[(VirtualHostConfig, String)]) -> (Self, Option<NoDoor>) {
        let Some(folder) = folder(config) else { return (Self::default(), None) };
        Self::open_in(&folder, &name(config, hosts.first()), config.status_mode)
    }

    fn open_in(folder: &Path, name: &str, mode: u32) -> (Self, Option<NoDoor>) {
        let mut control = Self::default();
        // The one for others first: the folder is made for them then.
        for (way, mode) in [(Way::Questions, mode), (Way::Orders, 0o600)] {
            match Door::open(folder, name, way, mode) {
                Ok(door) => control.doors.push((way, door)),
                Err(why) => return (control, Some(why)),
            }
        }
        (control, None)
    }

    /// What becomes readable when there is something to hear.
    pub(super) fn descriptors(&self, now: Time) -> impl Iterator<Item = BorrowedFd<'_>> {
        let rests = self.rests_until.is_some_and(|until| until > now);
        self.doors
            .iter()
            .filter(move |_| !rests)
            .map(|(_, door)| door.descriptor())
            .chain(self.clients.descriptors())
    }

    /// When to come back at the latest.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        let rest = self.rests_until.filter(|until| *until > now);
        let awaited = self.awaited.iter().map(|awaited| awaited.until);
        let awaited = awaited.chain(self.waiting.iter().map(|waiting| waiting.until));
        let shown = self.standings.iter().filter_map(Standings::deadline);
        rest.into_iter().chain(awaited).chain(shown).chain(self.clients.deadline(now)).min()
    }

    /// Takes in who came and what was said. What is nothing that can be done is answered at once.
    pub(super) fn hear(&mut self, now: Time) -> Vec<Asked> {
        self.rests_until = self.rests_until.filter(|until| *until > now);
        for at in 0..self.doors.len() {
            for _ in 0..MOST_AT_ONCE {
                let here = self.doors.get(at).filter(|_| self.rests_until.is_none());
                let Some((way, accepted)) = here.map(|(way, door)| (*way, door.accept())) else { break };
                match accepted {
                    Ok(Some(stream)) => self.welcome(stream, way, now),
                    Ok(None) => break,
                    Err(_) => self.rests_until = Some(now + REST),
                }
            }
        }
        let mut orders = Vec::new();
        for (client, user, way, line) in self.clients.hear() {
            match understood(&line) {
                Ok(order) if way == Way::Questions && !order.verb.is_question() => {
                    self.answer(client, &[Answer::new(Matter::Denied, &[&user])], now);
                }
                Ok(order) => orders.push(Asked { client, user, way, order }),
                Err(answer) => self.answer(client, &[answer], now),
            }
        }
        orders
    }

    fn welcome(&mut self, stream: UnixStream, way: Way, now: Time) {
        let Ok(user) = platform::peer_user(stream.as_fd()) else { return };
        let is_welcome = way == Way::Questions || user == 0 || user == platform::user_and_group().0;
        let refused = if !is_welcome {
            Some(Answer::new(Matter::Denied, &[&user]))
        } else if !self.clients.has_room_for(user, way) {
            Some(Answer::new(Matter::Busy, &[]))
        } else {
            None
        };
        match refused {
            None => self.clients.take_in(stream, (user, way), &greeting(), now),
            Some(answer) => clients::turn_away(stream, &(greeting() + &whole(&[answer]))),
        }
    }

    /// That is all for this client.
    pub(super) fn answer(&mut self, client: u32, answers: &[Answer], now: Time) {
        self.clients.answer(client, &whole(answers), now);
    }

    /// That is all there is to show to this client.
    pub(super) fn show(&mut self, client: u32, text: &str, now: Time) {
        self.clients.answer(client, &(text.to_owned() + &answer::last_line(Status::Done, false)), now);
    }

    /// How things stand in that respect.
    pub(super) fn standings(&mut self, subject: Subject) -> &mut Standings {
        let [hosts, peers, figures] = &mut self.standings;
        match subject {
            Subject::Hosts => hosts,
            Subject::Peers => peers,
            Subject::Figures => figures,
        }
    }

    /// Whatever was known of how things stand is over.
    pub(super) fn forget_standings(&mut self) {
        self.standings.iter_mut().for_each(Standings::forget);
    }

    /// This client is told what happens from now on, and before that what happened since the event of this number.
    pub(super) fn follow(&mut self, client: u32, way: Way, since: Option<u64>, now: Time) {
        if !self.clients.follow(client) {
            return self.answer(client, &[Answer::new(Matter::Busy, &[])], now);
        }
        let next = match since.map(|seen| self.events.after(seen)) {
            None => self.events.next(),
            Some(Some(next)) => next,
            Some(None) => {
                self.clients.feed(client, "lost\t\n", now);
                1
            }
        };
        self.followers.push(Follower { client, way, next });
        self.tell_followers(now);
    }

    /// Something happened.
    pub(super) fn happened(&mut self, line: &Line, wall: Option<Duration>) {
        self.events.push(line, wall);
    }

    /// Tells those who follow as much as they read.
    pub(super) fn tell_followers(&mut self, now: Time) {
        let Self { followers, clients, events, .. } = self;
        followers.retain_mut(|Follower { client, way, next }| {
            while clients.takes_more(*client) && *next < events.next() {
                let (lost, first) = events.lost(*next);
                *next = first;
                if lost > 0 {
                    clients.feed(*client, &format!("lost\t{lost}\n"), now);
                }
                if let Some(line) = events.line(*next, *way == Way::Orders) {
                    clients.feed(*client, &line, now);
                    *next += 1;
                }
            }
            clients.is_there(*client)
        });
    }

    /// The answer comes when the engine has said what became of these. The number of the order.
    pub(super) fn await_engine(
        &mut self,
        client: u32,
        hosts: Vec<(u16, String)>,
        answers: Vec<Answer>,
        now: Time,
    ) -> u32 {
        self.orders = self.orders.wrapping_add(1);
        let number = self.orders;
        self.awaited.push(Awaited { client, number, hosts, answers, until: now + PATIENCE });
        number
    }

    /// The answer comes when all of these have this role, or the time is over.
    pub(super) fn await_role(&mut self, client: u32, hosts: Vec<(u16, String)>, role: Role, until: Time) {
        self.waiting.push(Waiting { client, hosts, role, until });
    }

    /// Answers who waits for roles, as far as they are known now.
    pub(super) fn look_at_roles(&mut self, now: Time) {
        let role_of = |host: u16| self.roles.get(usize::from(host)).copied().unwrap_or(Role::Init);
        let is_reached =
            |waiting: &Waiting| waiting.hosts.iter().all(|(host, _)| role_of(*host) == waiting.role);
        let is_over = |waiting: &Waiting| waiting.until <= now || is_reached(waiting);
        let (over, rest) = std::mem::take(&mut self.waiting).into_iter().partition(is_over);
        self.waiting = rest;
        let mut answers = Vec::new();
        for Waiting { client, hosts, role, .. } in over {
            let answer = |(host, name): &(u16, String)| {
                let now = role_of(*host);
                let matter = if now == role { Matter::Reached } else { Matter::NotReached };
                Answer::new(matter, &[name, &now.code()])
            };
            answers.push((client, hosts.iter().map(answer).collect::<Vec<_>>()));
        }
        answers.into_iter().for_each(|(client, answers)| self.answer(client, &answers, now));
    }

    /// The answer comes when the configuration was read again.
    pub(super) fn await_reload(&mut self, client: u32, is_dry: bool) {
        self.reloading.push((client, is_dry));
    }

    /// It was, or could not be. `dry` is for those who wanted to see what would change.
    pub(super) fn reloaded(&mut self, answers: &[Answer], dry: &[Answer], now: Time) {
        for (client, is_dry) in std::mem::take(&mut self.reloading) {
            self.answer(client, if is_dry { dry } else { answers }, now);
        }
    }

    /// This became of one of them.
    pub(super) fn became(
        &mut self,
        number: u32,
        host: u16,
        answer: impl FnOnce(&str) -> Option<Answer>,
        now: Time,
    ) {
        let Some(awaited) = self.awaited.iter_mut().find(|awaited| awaited.number == number) else { return };
        let Some(at) = awaited.hosts.iter().position(|(known, _)| *known == host) else { return };
        let (_, name) = awaited.hosts.swap_remove(at);
        awaited.answers.extend(answer(&name));
        self.settle(now);
    }

    /// Answers where there is nothing left to wait for, goes on sending, and drops who had his time.
    pub(super) fn settle(&mut self, now: Time) {
        let is_over = |awaited: &Awaited| awaited.hosts.is_empty() || awaited.until <= now;
        let (over, rest) = std::mem::take(&mut self.awaited).into_iter().partition(is_over);
        self.awaited = rest;
        for Awaited { client, hosts, mut answers, .. } in over {
            answers.extend(hosts.iter().map(|(_, name)| Answer::new(Matter::NotServed, &[name])));
            self.answer(client, &answers, now);
        }
        self.tell_followers(now);
        self.clients.settle(now);
    }

    /// Whether somebody waits for an answer that is on its way.
    pub(super) fn is_awaited(&self) -> bool {
        !self.awaited.is_empty() || !self.reloading.is_empty()
    }

    /// Leaves what listens to whoever succeeds, and one client. The others have to come again.
    ///
    /// # Errors
    /// As fcntl(2).
    pub(super) fn leave(&self, client: u32) -> io::Result<(Vec<LeftDoor>, Option<LeftClient>)> {
        let doors = self.doors.iter().map(|(way, door)| door.leave(*way)).collect::<io::Result<_>>()?;
        Ok((doors, self.clients.leave(client)?))
    }

    /// What was left, and the number of the client.
    ///
    /// # Errors
    /// A descriptor is not there.
    pub(super) fn inherit(
        doors: Vec<LeftDoor>,
        client: Option<LeftClient>,
        inheritance: &mut Inheritance,
        now: Time,
    ) -> io::Result<(Self, Option<u32>)> {
        let mut control = Self::default();
        for left in doors {
            let way = if left.orders { Way::Orders } else { Way::Questions };
            control.doors.push((way, Door::inherit(left, inheritance)?));
        }
        let client = client.map(|left| control.clients.inherit(left, inheritance, now)).transpose()?;
        Ok((control, client))
    }

    /// Nobody is heard any more, and the name is given back.
    pub(super) fn close(&mut self) {
        std::mem::take(self).doors.into_iter().for_each(|(_, door)| door.close());
    }
}

/// The lines of an answer, the last one included.
fn whole(answers: &[Answer]) -> String {
    let status = answers.iter().map(|answer| answer.matter().status()).max().unwrap_or(Status::Done);
    let changed = answers.iter().any(|answer| answer.matter().changes());
    answers.iter().map(Answer::line).collect::<String>() + &answer::last_line(status, changed)
}

/// What a line of a client means.
fn understood(line: &[u8]) -> Result<Order, Answer> {
    let wrong = |why: &dyn std::fmt::Display| Answer::new(Matter::WrongWords, &[why]);
    if line.len() >= LONGEST_REQUEST {
        return Err(wrong(&tr!("more than {most} bytes are too much for one order", most = LONGEST_REQUEST)));
    }
    let text = std::str::from_utf8(line).map_err(|_| wrong(&tr!("it is not UTF-8")))?;
    if text.chars().any(|letter| letter.is_control() && letter != '\t') {
        return Err(wrong(&tr!("a control character stands in it")));
    }
    let words: Vec<&str> = text.split('\t').filter(|word| !word.is_empty()).collect();
    Order::parse(&words).map_err(|error| wrong(&error.with_id()))
}

#[cfg(test)]
mod tests;
