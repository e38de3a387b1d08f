//! One virtual host served, and the one door through which every fact reaches its core.

use std::net::IpAddr;

use super::addresses::Shifted;
use super::failure::StartError;
use super::mismatch::Mismatches;
use super::outcome::Ended;
use super::place::Place;
use super::record::{Record, Said, Told};
use super::report::About;
use super::unshared::Unshared;
use crate::config::VirtualHostConfig;
use crate::protocol::causes::Seen;
use crate::protocol::wire::Decoded;
use crate::protocol::{Action, Demotion, Event, Link, Parameters, Presence, Rejected, Time, VirtualHost};

/// What a core can be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact<'a> {
    /// Something happened.
    Event(Event),
    /// A frame was captured; this is what it says, or what is wrong with it.
    Frame(&'a Result<Decoded, Rejected>),
    /// It is there now.
    Place(Place),
    /// It is to be so from now on; where it is stays.
    Reconfigured(&'a Parameters),
}

impl Fact<'_> {
    /// What is noted of it.
    fn told(&self) -> Told {
        match self {
            Self::Event(event) => Told::Event(*event),
            Self::Frame(Ok(Decoded { source, header, .. })) => Told::Frame(Ok(Said {
                source: *source,
                base: header.advbase,
                skew: header.advskew,
                counter: header.counter,
            })),
            Self::Frame(Err(why)) => Told::Frame(Err(*why)),
            Self::Place(place) => Told::Place(*place),
            Self::Reconfigured(_) => Told::Reconfigured,
        }
    }
}

impl From<Event> for Fact<'_> {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// A virtual host with what it needs of this machine besides its link.
pub(super) struct Served {
    pub(super) config: VirtualHostConfig,
    core: VirtualHost,
    pub(super) record: Record,
    /// Nothing is left of it: its number may become another's.
    pub(super) gone: bool,
    /// The script that ended last.
    pub(super) ended: Option<Ended>,
    /// What became of the managed addresses last.
    pub(super) shifted: Shifted,
    /// Whether it has a place on its link; without one it neither hears nor sends.
    pub(super) placed: bool,
    /// The state of the link, as it was told.
    pub(super) link: Link,
    pub(super) mismatches: Mismatches,
    pub(super) unshared: Unshared,
    /// Whether the operator has been told where it is; not yet, while its first interface is waited for.
    pub(super) introduced: bool,
    /// Why it could not be given a place when that was last tried.
    pub(super) trouble: Option<String>,
    /// What became of the shared addresses when they were last asked for, and which of them explain it.
    pub(super) shared: (Presence, Vec<IpAddr>),
    /// What the core knows of that by an event which nothing else followed.
    told: Option<Presence>,
    /// The shared addresses that are in none of the networks of the interface.
    pub(super) outside: Vec<IpAddr>,
    /// The source addresses that are gone without another to replace them.
    pub(super) lost: Vec<IpAddr>,
    /// Why nothing is sent in IPv6, if that is so: another host has the only address for it.
    pub(super) lacks_v6: Option<StartError>,
}

impl Served {
    pub(super) fn new(config: VirtualHostConfig, core: VirtualHost) -> Self {
        Self {
            config,
            core,
            record: Record::default(),
            gone: false,
            ended: None,
            shifted: Shifted::default(),
            placed: false,
            link: Link::Gone,
            mismatches: Mismatches::default(),
            unshared: Unshared::default(),
            introduced: false,
            trouble: None,
            shared: (Presence::None, Vec::new()),
            told: None,
            outside: Vec::new(),
            lost: Vec::new(),
            lacks_v6: None,
        }
    }

    /// What decides; facts reach it by [`Served::tell`] alone.
    pub(super) const fn core(&self) -> &VirtualHost {
        &self.core
    }

    /// The door: tells the core a fact and brings back what it wants done.
    ///
    /// # Errors
    /// Why a frame was ignored.
    pub(super) fn tell(&mut self, fact: Fact<'_>, now: Time) -> Result<Vec<Action>, Rejected> {
        self.record.note(fact.told(), now);
        match fact {
            Fact::Frame(decoded) => self.core.take_in(decoded.as_ref().map_err(|why| *why), now),
            Fact::Place(place) => Ok(self.core.relocate(place.mac, place.sources, now)),
            Fact::Reconfigured(parameters) => {
                // Of other addresses it knows nothing yet.
                self.told = None;
                Ok(self.core.reconfigure(parameters.clone(), now))
            }
            Fact::Event(event) => {
                match event {
                    Event::Addresses(presence) => self.told = Some(presence),
                    Event::Start
                    | Event::Resume { .. }
                    | Event::Link(_)
                    | Event::HookDone { .. }
                    | Event::Shifted { .. }
                    | Event::OtherPrefixes
                    | Event::Resign { .. }
                    | Event::Take
                    | Event::Shutdown { .. }
                    | Event::Leave(_) => self.told = None,
                    Event::Tick
                    | Event::Wall(_)
                    | Event::Late(_)
                    | Event::Lost(_)
                    | Event::Sent { .. }
                    | Event::Confirm
                    | Event::Fitness(_)
                    | Event::Deaf(_) => {}
                }
                Ok(self.core.handle(event, now))
            }
        }
    }

    /// Whether the core knows this of the shared addresses, and nothing happened since that gives it another meaning.
    pub(super) fn knows(&self, presence: Presence) -> bool {
        self.told == Some(presence)
    }

    /// As its file and its log have it: its name, or where it is.
    pub(super) fn label(&self, interface: &str) -> String {
        self.config.title(interface)
    }

    /// What its group goes by.
    pub(super) fn seen(&self) -> Seen {
        let has = |wanted: Demotion| self.core.own_demotions().any(|own| own == wanted);
        Seen {
            role: self.core.role(),
            spared: self.core.leaves() || !self.config.required && self.link == Link::Gone,
            sending: has(Demotion::SendFailures),
            hook: has(Demotion::HookFailure),
        }
    }

    pub(super) fn about<'a>(&'a self, interface: &'a str) -> About<'a> {
        About {
            name: self.config.name.as_deref(),
            interface,
            vhid: self.config.vhid,
            script: self.ended.as_ref(),
            up: self.config.up.as_deref(),
            shared: (self.shared.0, &self.shared.1),
            shifted: Some(&self.shifted),
        }
    }
}
