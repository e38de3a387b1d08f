//! The engine's side of what it has in common with the hands. It never waits for them; and when they are gone, it goes on
//! without.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::request::{Fact, Request, decode, encode};
use crate::platform::{Channel, MOST_DESCRIPTORS};
use crate::protocol::Time;

/// How soon is looked again whether hands that did not read do.
const SOON: Duration = Duration::from_millis(10);
/// How many facts are taken in at a time.
const MOST_FACTS: usize = 256;

pub(super) struct Liaison {
    channel: Option<Channel>,
}

impl Liaison {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel: Some(channel) }
    }

    /// Whether there are hands.
    pub(super) fn stands(&self) -> bool {
        self.channel.is_some()
    }

    /// What becomes readable when they told something.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.channel.as_ref().map(AsFd::as_fd)
    }

    /// When [`Liaison::flush`] is due.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        self.channel.as_ref().filter(|channel| channel.is_behind()).map(|_| now + SOON)
    }

    /// Sends what they did not read before.
    pub(super) fn flush(&mut self) {
        // That they are gone is heard by reading.
        self.channel.iter_mut().for_each(|channel| _ = channel.flush());
    }

    /// Asks for something. `false`: they will never hear of it.
    pub(super) fn ask(&mut self, request: &Request) -> bool {
        self.channel.as_mut().is_some_and(|channel| channel.send(&encode(request), Vec::new()).is_ok())
    }

    /// What they told. When nothing more can be heard of them there are none from then on.
    pub(super) fn hear(&mut self) -> Vec<(Fact, Vec<OwnedFd>)> {
        let mut facts = Vec::new();
        while facts.len() < MOST_FACTS {
            let Some(channel) = &mut self.channel else { break };
            match channel.receive(MOST_DESCRIPTORS) {
                Ok(Some(message)) => match decode(&message.bytes) {
                    Some(fact) => facts.push((fact, message.descriptors)),
                    None => self.channel = None,
                },
                Ok(None) => break,
                Err(_) => self.channel = None,
            }
        }
        facts
    }
}
