//! The engine's side of what it has in common with the hands. It never waits for them; and when they are gone, it goes on
//! without.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::clock::now;
use super::request::{Fact, Request, decode, encode};
use crate::log::{Line, Log};
use crate::platform::{self, Channel, MOST_DESCRIPTORS};
use crate::protocol::Time;

/// How soon is looked again whether hands that did not read do.
const SOON: Duration = Duration::from_millis(10);
/// How long an engine that ends waits for them to read, and how soon it looks. They wait longer for its end.
const FAREWELL: Duration = Duration::from_millis(500);
const MOMENT: Duration = Duration::from_millis(1);
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

    /// Has them write the lines of a log that were kept, as long as they read. The others stay where they are, so that no
    /// line keeps a request away.
    pub(super) fn hand_over(&mut self, log: &mut Log) {
        while self.channel.as_ref().is_none_or(|channel| !channel.is_behind()) {
            let Some(line) = log.next_line() else { return };
            if !self.say(line) {
                log.lose_line();
            }
        }
    }

    /// The end: what is left to be said is said, if they read it in time.
    pub(super) fn part(mut self, log: &mut Log) {
        let until = now() + FAREWELL;
        loop {
            self.hand_over(log);
            if !self.channel.as_ref().is_some_and(Channel::is_behind) || now() >= until {
                return;
            }
            let _ = platform::wait(&[], &mut Vec::new(), Some(MOMENT));
            self.flush();
        }
    }

    /// Has them write a line. `false`: it is lost.
    pub(super) fn say(&mut self, line: Line) -> bool {
        self.ask(&Request::Say(line))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Level;
    use crate::platform::Signal;

    fn pair() -> (Liaison, Channel) {
        let (near, far) = Channel::pair().unwrap();
        (Liaison::new(near), far)
    }

    fn beat() -> Request {
        Request::Finished { status: 7, why: None }
    }

    #[test]
    fn both_are_heard_in_order_and_without_the_other_nothing_is() {
        let (mut hands, mut far) = pair();
        assert!(hands.stands() && hands.hear().is_empty() && hands.ask(&beat()));
        assert_eq!(decode(&far.receive(0).unwrap().unwrap().bytes), Some(beat()));
        for signal in [Signal::User1, Signal::Terminate] {
            far.send(&encode(&Fact::Signal(signal)), Vec::new()).unwrap();
        }
        drop(far);
        let heard: Vec<Fact> = hands.hear().into_iter().map(|(fact, _)| fact).collect();
        assert_eq!(heard, [Fact::Signal(Signal::User1), Fact::Signal(Signal::Terminate)]);
        assert!(!hands.stands() && !hands.ask(&beat()) && hands.descriptor().is_none());
    }

    #[test]
    fn lines_wait_for_hands_that_do_not_read_and_keep_no_request_away() {
        let mut log = Log::none(crate::daemon::SERVICES);
        log.keep_lines();
        let line = |number: u32| format!("{number:0>2000}");
        (0..1000).for_each(|number| log.write(Line::new(Level::Info, line(number))));
        let (mut hands, mut far) = pair();
        hands.hand_over(&mut log);
        assert!(hands.deadline(Time::ZERO).is_some() && hands.ask(&beat()));
        let (mut lines, mut beats) = (Vec::new(), 0);
        while lines.len() < 1000 {
            hands.flush();
            hands.hand_over(&mut log);
            while let Some(message) = far.receive(0).unwrap() {
                match decode::<Request>(&message.bytes) {
                    Some(Request::Say(said)) => lines.push(said.text),
                    _ => beats += 1,
                }
            }
        }
        assert_eq!((lines, beats), ((0..1000).map(line).collect(), 1));
        assert_eq!(log.next_line(), None);
        // Where nobody reads any more they are for nobody.
        drop(far);
        log.write(Line::new(Level::Info, "line"));
        assert!(hands.hear().is_empty());
        hands.hand_over(&mut log);
        assert_eq!(log.next_line(), None);
    }

    #[test]
    fn the_last_lines_are_given_a_moment() {
        let mut log = Log::none(crate::daemon::SERVICES);
        log.keep_lines();
        (0..1000).for_each(|_| log.write(Line::new(Level::Info, "x".repeat(2000))));
        let (hands, mut far) = pair();
        let reader = std::thread::spawn(move || {
            let mut heard = 0;
            loop {
                match far.receive(0) {
                    Ok(Some(_)) => heard += 1,
                    Ok(None) => std::thread::yield_now(),
                    Err(_) => return heard,
                }
            }
        });
        hands.part(&mut log);
        assert_eq!(reader.join().unwrap(), 1000);
    }

    #[test]
    fn hands_that_talk_nonsense_are_none() {
        let (mut hands, mut far) = pair();
        far.send(b"\xff", Vec::new()).unwrap();
        assert!(hands.hear().is_empty() && !hands.stands());
    }

    #[test]
    fn hands_that_do_not_read_are_asked_no_more_and_nobody_waits() {
        let (mut hands, mut far) = pair();
        let line = Request::Say(Line::new(Level::Info, "x".repeat(2000)));
        let mut asked = 0;
        while hands.ask(&line) {
            asked += 1;
            assert!(asked < 10_000, "no bound");
        }
        assert!(hands.stands() && hands.deadline(Time::ZERO) == Some(Time::ZERO + SOON));
        let mut heard = 0;
        while heard < asked {
            hands.flush();
            while far.receive(0).unwrap().is_some() {
                heard += 1;
            }
        }
        assert!(hands.deadline(Time::ZERO).is_none() && hands.ask(&line));
    }
}
