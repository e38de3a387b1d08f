//! The bow-out of a master whose engine is no more.
//!
//! It is made when it is needed, by who knows the configuration: one that was prepared would have to be made anew with
//! each advertisement, since whoever has heard a newer one takes it for a recording.

use std::time::Duration;

use super::clock::{now, wall};
use super::devices::Sockets;
use super::failure::{Doing, StartError};
use super::place;
use super::placing;
use super::roster::Entry;
use super::start::parameters;
use super::survey::Surveyor;
use crate::config::VirtualHostConfig;
use crate::protocol::{Action, Event, VirtualHost};

/// What is sent is newer than what was sent last, as far as is known. A heartbeat leaves out what is less than half a second, and
/// each word to one host alone, which standbys get, moves the common time on by a quarter of one.
const NEWER: Duration = Duration::from_secs(4);

/// Sends it. `shared`: the virtual hosts of the interface; `ahead`: by how much it is later among those of the segment than
/// here.
///
/// # Errors
/// There is no place to send from, or the system did not take it.
pub(super) fn bow_out<'a>(
    Entry { config, interface, kept, .. }: &Entry,
    shared: impl Iterator<Item = &'a VirtualHostConfig>,
    ahead: Duration,
) -> Result<(), StartError> {
    let shared = shared.flat_map(place::addresses).collect();
    let (places, own) = placing::places(interface, &[config], &shared, &mut Surveyor::default())?;
    let mut core = VirtualHost::new(parameters(config));
    core.recall(kept.clone(), now());
    for placed in places {
        let place = placed?.place;
        core.relocate(place.mac, place.sources, now());
    }
    let sockets = Sockets::open(interface, &placing::wanted(std::iter::once(config), own))?;
    if let Some(wall) = wall() {
        core.handle(Event::Wall(wall + ahead + NEWER), now());
    }
    let mut failed = None;
    for action in core.bow_out(now()) {
        match action {
            Action::Transmit(frame) => failed = sockets.send(&frame.bytes).err().or(failed),
            Action::Deliver(packets) => _ = sockets.deliver(&packets),
            Action::Run(_) | Action::KillHook { .. } | Action::Shift(_) | Action::Tell(_) => {}
        }
    }
    failed.map_or(Ok(()), |error| Err(StartError::new(Doing::OpenSocket, interface, error)))
}
