//! Those who came: each sends one line, is answered, and goes.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::super::handover::LeftClient;
use super::Way;
use crate::control::LONGEST_REQUEST;
use crate::platform::{self, Inheritance};
use crate::protocol::Time;

/// How many there may be at once by each way, and of one user.
const MOST_WITH_ORDERS: usize = 8;
const MOST_WITH_QUESTIONS: usize = 24;
const MOST_OF_ONE: usize = 4;
/// How many of one user may follow what happens besides, for as long as they like.
const MOST_FOLLOWERS_OF_ONE: usize = 4;
/// How much is kept for one who follows and does not read.
const MOST_UNSENT: usize = 32 * 1024;
/// How long somebody may take to send his line, and to read an answer.
const TIME: Duration = Duration::from_secs(5);
/// How soon is looked again whether who did not read does.
const SOON: Duration = Duration::from_millis(10);

#[derive(Debug)]
struct Client {
    number: u32,
    stream: UnixStream,
    user: u32,
    way: Way,
    heard: Vec<u8>,
    /// His line is here.
    has_asked: bool,
    /// What he has not taken yet.
    unsent: Vec<u8>,
    /// More comes whenever something happens.
    follows: bool,
    /// Nothing more comes.
    is_answered: bool,
    /// He is gone, or talks too much.
    is_lost: bool,
    until: Time,
}

/// All of them.
#[derive(Default)]
pub(super) struct Clients {
    all: Vec<Client>,
    numbers: u32,
}

impl Clients {
    pub(super) fn has_room_for(&self, user: u32, way: Way) -> bool {
        let here = || self.all.iter().filter(|client| client.way == way);
        let most = match way {
            Way::Orders => MOST_WITH_ORDERS,
            Way::Questions => MOST_WITH_QUESTIONS,
        };
        let asks = |client: &&Client| client.user == user && !client.follows;
        here().count() < most && here().filter(asks).count() < MOST_OF_ONE
    }

    pub(super) fn take_in(&mut self, stream: UnixStream, (user, way): (u32, Way), greeting: &str, now: Time) {
        self.numbers = self.numbers.wrapping_add(1);
        let mut client = Client {
            number: self.numbers,
            stream,
            user,
            way,
            heard: Vec::new(),
            has_asked: false,
            follows: false,
            unsent: greeting.as_bytes().to_vec(),
            is_answered: false,
            is_lost: false,
            until: now + TIME,
        };
        client.send();
        self.all.push(client);
    }

    /// Leaves one of them to whoever succeeds, if he is still there.
    pub(super) fn leave(&self, number: u32) -> io::Result<Option<LeftClient>> {
        let client = self.all.iter().find(|client| client.number == number && !client.is_lost);
        let left = |client: &Client| {
            Ok(LeftClient { descriptor: platform::leave_open(client.stream.as_fd())?, user: client.user })
        };
        client.map(left).transpose()
    }

    /// One who waits for an answer since before: his number.
    pub(super) fn inherit(
        &mut self,
        left: LeftClient,
        inheritance: &mut Inheritance,
        now: Time,
    ) -> io::Result<u32> {
        let stream = inheritance.take(left.descriptor)?.into();
        self.take_in(stream, (left.user, Way::Orders), "", now);
        self.all.iter_mut().for_each(|client| client.has_asked = true);
        Ok(self.numbers)
    }

    /// What becomes readable when one of them says something.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.all
            .iter()
            .filter(|client| !client.has_asked || client.follows)
            .map(|client| client.stream.as_fd())
    }

    /// When [`Self::settle`] is due.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        self.all
            .iter()
            .filter_map(|client| {
                let soon = (!client.unsent.is_empty()).then(|| now + SOON);
                let end = client.has_time().then_some(client.until);
                soon.into_iter().chain(end).min()
            })
            .min()
    }

    /// The lines that came, without their ends, with the number, the user and the way of the client. One that is too long is cut.
    pub(super) fn hear(&mut self) -> Vec<(u32, u32, Way, Vec<u8>)> {
        let mut lines = Vec::new();
        // Who follows has nothing more to say: he goes, or he talks too much.
        self.all.iter_mut().filter(|client| client.follows).for_each(Client::overhear);
        for client in self.all.iter_mut().filter(|client| !client.has_asked) {
            if client.listen() {
                client.has_asked = true;
                lines.push((client.number, client.user, client.way, std::mem::take(&mut client.heard)));
            }
        }
        lines
    }

    /// That is the whole answer for this one.
    pub(super) fn answer(&mut self, number: u32, text: &str, now: Time) {
        if let Some(client) = self.all.iter_mut().find(|client| client.number == number) {
            client.unsent.extend_from_slice(text.as_bytes());
            client.is_answered = true;
            client.until = now + TIME;
            client.send();
        }
    }

    /// This one is told what happens from now on, unless too many of its user are.
    pub(super) fn follow(&mut self, number: u32) -> bool {
        let Some(client) = self.all.iter().find(|client| client.number == number) else { return false };
        let (user, way) = (client.user, client.way);
        let theirs = |client: &&Client| client.follows && client.user == user && client.way == way;
        if self.all.iter().filter(theirs).count() >= MOST_FOLLOWERS_OF_ONE {
            return false;
        }
        self.all.iter_mut().filter(|client| client.number == number).for_each(|client| client.follows = true);
        true
    }

    /// Whether it has read enough to be told more.
    pub(super) fn takes_more(&self, number: u32) -> bool {
        self.get(number).is_some_and(|client| client.unsent.len() < MOST_UNSENT && !client.is_lost)
    }

    pub(super) fn is_there(&self, number: u32) -> bool {
        self.get(number).is_some()
    }

    fn get(&self, number: u32) -> Option<&Client> {
        self.all.iter().find(|client| client.number == number)
    }

    /// Something for one that follows.
    pub(super) fn feed(&mut self, number: u32, text: &str, now: Time) {
        if let Some(client) = self.all.iter_mut().find(|client| client.number == number) {
            if client.unsent.is_empty() {
                client.until = now + TIME;
            }
            client.unsent.extend_from_slice(text.as_bytes());
            client.send();
        }
    }

    /// Goes on sending, and lets those go who have their answer, are gone, or had their time.
    pub(super) fn settle(&mut self, now: Time) {
        for client in &mut self.all {
            let before = client.unsent.len();
            client.send();
            if client.follows && client.unsent.len() < before {
                client.until = now + TIME;
            }
        }
        self.all.retain(|client| {
            let has_all = client.is_answered && client.unsent.is_empty();
            let is_late = client.has_time() && client.until <= now;
            !(client.is_lost || has_all || is_late)
        });
    }
}

impl Client {
    /// Whether it is waited for, and not it for us, which takes as long as it takes.
    fn has_time(&self) -> bool {
        if self.follows { !self.unsent.is_empty() } else { !self.has_asked || self.is_answered }
    }

    fn overhear(&mut self) {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Ok(_) | Err(_) => self.is_lost = true,
        }
    }

    /// Whether the line is whole, or longer than any.
    fn listen(&mut self) -> bool {
        let mut bytes = [0; LONGEST_REQUEST];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => {
                    self.is_lost = true;
                    return false;
                }
                Ok(count) => self.heard.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.is_lost = error.kind() != io::ErrorKind::WouldBlock;
                    return false;
                }
            }
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                self.heard.truncate(end);
                return true;
            }
            if self.heard.len() >= LONGEST_REQUEST {
                return true;
            }
        }
    }

    fn send(&mut self) {
        while !self.unsent.is_empty() && !self.is_lost {
            match self.stream.write(&self.unsent) {
                Ok(count) => _ = self.unsent.drain(..count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_lost = true,
            }
        }
    }
}

/// Tells somebody why he is not taken in, if he reads.
pub(super) fn turn_away(mut stream: UnixStream, text: &str) {
    let _ = stream.write_all(text.as_bytes());
}
