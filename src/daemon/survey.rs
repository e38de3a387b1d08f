//! What the system says of interfaces, asked once for all virtual hosts on them.
//!
//! A process that gave up the right to ask knows what it was told: see [`be_told`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use super::failure::{Doing, StartError};
use super::request;
use crate::platform::{self, LinkState, Unready};
use crate::protocol::MacAddr;

thread_local! {
    /// What is known by being told, if this process does not ask: it is known to it wherever it would ask.
    static TOLD: RefCell<Option<HashMap<String, request::Survey>>> = const { RefCell::new(None) };
}

/// Asks about these interfaces for the last time, and knows from now on what [`told`] says.
pub(super) fn be_told<'a>(interfaces: impl Iterator<Item = &'a str>) {
    let known = interfaces.map(|interface| (interface.to_owned(), ask(interface))).collect();
    TOLD.set(Some(known));
}

/// Whether this process does not ask.
pub(super) fn is_told() -> bool {
    TOLD.with_borrow(Option::is_some)
}

/// This is what an interface is like now.
pub(super) fn told(interface: String, survey: request::Survey) {
    TOLD.with_borrow_mut(|told| {
        if let Some(told) = told {
            told.insert(interface, survey);
        }
    });
}

/// Asks the system everything about an interface.
pub(super) fn ask(interface: &str) -> request::Survey {
    fn number<T>(answer: io::Result<T>) -> Result<T, i32> {
        answer.map_err(|error| error.raw_os_error().unwrap_or(0))
    }
    let all = platform::addresses();
    let of_it = |all: &Vec<(String, IpAddr)>, is_it: bool| {
        let theirs = all.iter().filter(|(name, _)| (name == interface) == is_it);
        theirs.map(|(_, address)| *address).collect()
    };
    request::Survey {
        link: number(platform::link_state(interface)),
        mac: number(platform::hardware_address(interface)),
        elsewhere: all.as_ref().map(|all| of_it(all, false)).unwrap_or_default(),
        addresses: number(all.map(|all| of_it(&all, true))),
        unready: number(platform::unready_addresses(interface)),
        networks: number(platform::connected_networks(interface)),
    }
}

/// What is known of one thing by being told, or what the system says.
fn find_out<T: Clone>(
    interface: &str,
    which: fn(&request::Survey) -> &Result<T, i32>,
    ask: impl FnOnce(&str) -> io::Result<T>,
) -> io::Result<T> {
    let known = TOLD.with_borrow(|told| {
        told.as_ref().map(|told| told.get(interface).map(|survey| which(survey).clone()))
    });
    match known {
        None => ask(interface),
        // It is going to be told.
        Some(None) => Err(io::ErrorKind::WouldBlock.into()),
        Some(Some(answer)) => answer.map_err(io::Error::from_raw_os_error),
    }
}

/// As [`platform::link_state`].
///
/// # Errors
/// It is not known.
pub(super) fn link_state(interface: &str) -> io::Result<LinkState> {
    find_out(interface, |survey| &survey.link, platform::link_state)
}

/// As [`platform::hardware_address`].
///
/// # Errors
/// As there, or it is not known.
pub(super) fn mac(interface: &str) -> io::Result<[u8; 6]> {
    find_out(interface, |survey| &survey.mac, platform::hardware_address)
}

/// Whether one of the interfaces of this host has this hardware address, as far as this process may ask.
pub(super) fn has_mac(mac: MacAddr) -> bool {
    let names = if is_told() { Vec::new() } else { platform::interface_names().unwrap_or_default() };
    names.iter().any(|name| platform::hardware_address(name).is_ok_and(|its| its == mac.0))
}

/// As [`platform::interface_addresses`].
///
/// # Errors
/// It is not known.
pub(super) fn addresses(interface: &str) -> io::Result<Vec<IpAddr>> {
    find_out(interface, |survey| &survey.addresses, platform::interface_addresses)
}

/// As [`platform::unready_addresses`].
///
/// # Errors
/// It is not known.
pub(super) fn unready(interface: &str) -> io::Result<Vec<(IpAddr, Unready)>> {
    find_out(interface, |survey| &survey.unready, platform::unready_addresses)
}

/// As [`platform::connected_networks`].
///
/// # Errors
/// It is not known.
pub(super) fn networks(interface: &str) -> io::Result<Vec<(IpAddr, u8)>> {
    find_out(interface, |survey| &survey.networks, platform::connected_networks)
}

/// The addresses of this machine, by interface, each in the system's order.
#[derive(Debug, Default)]
pub(super) struct Listing(HashMap<String, Vec<IpAddr>>);

impl Listing {
    /// Asks the system.
    ///
    /// # Errors
    /// It does not say.
    pub(super) fn read() -> io::Result<Self> {
        if let Some(listing) = TOLD.with_borrow(|told| told.as_ref().map(Self::told)) {
            return listing;
        }
        let mut listing = Self::default();
        for (interface, address) in platform::addresses()? {
            listing.0.entry(interface).or_default().push(address);
        }
        Ok(listing)
    }

    fn told(told: &HashMap<String, request::Survey>) -> io::Result<Self> {
        let mut listing = Self::default();
        for (interface, survey) in told {
            let known = survey.addresses.clone().map_err(io::Error::from_raw_os_error)?;
            listing.0.insert(interface.clone(), known);
            // They have names that no interface has.
            listing.0.insert(format!("{interface} is not"), survey.elsewhere.clone());
        }
        Ok(listing)
    }

    /// Those of one interface; none when it does not exist.
    pub(super) fn of(&self, interface: &str) -> &[IpAddr] {
        self.0.get(interface).map_or(&[], Vec::as_slice)
    }

    /// Whether any interface has it.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.0.values().any(|addresses| addresses.contains(&address))
    }
}

/// A listing that is read when it is first asked for, and then serves all who ask for the same reason.
#[derive(Debug, Default)]
pub(super) struct Surveyor(Option<Listing>);

impl Surveyor {
    /// What is known of the addresses of an interface.
    ///
    /// # Errors
    /// The system does not say; it is asked again the next time.
    pub(super) fn survey(&mut self, interface: &str) -> io::Result<Survey<'_>> {
        let listing = match &mut self.0 {
            Some(listing) => listing,
            none => none.insert(Listing::read()?),
        };
        let unready = unready(interface)?;
        Ok(Survey { addresses: listing.of(interface), unready, listing })
    }
}

/// The addresses of one interface.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    /// In the system's order.
    pub(super) addresses: &'a [IpAddr],
    /// Those that should not be sent from, and why.
    pub(super) unready: Vec<(IpAddr, Unready)>,
    /// Those of all interfaces.
    pub(super) listing: &'a Listing,
}

/// The hardware address of an interface that is to be taken up.
///
/// # Errors
/// There is no such interface, or it has none.
pub(super) fn hardware_address(interface: &str) -> Result<MacAddr, StartError> {
    mac(interface).map(MacAddr).map_err(|error| {
        let is_missing = match link_state(interface) {
            Ok(state) => state == LinkState::Gone,
            Err(_) => platform::says_no_interface(&error),
        };
        let doing = if is_missing { Doing::FindInterface } else { Doing::ReadHardwareAddress };
        StartError::new(doing, interface, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_takes_the_place_of_what_would_be_asked() {
        // In a thread of its own, which alone knows it.
        std::thread::scope(|scope| scope.spawn(is_known_instead).join().unwrap());
    }

    fn is_known_instead() {
        assert!(!is_told());
        be_told(["no-such-if"].into_iter());
        assert!(is_told());
        assert_eq!(link_state("no-such-if").unwrap(), LinkState::Gone);
        assert!(mac("no-such-if").is_err());
        // Not even of an interface that there is.
        assert_eq!(link_state("lo").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let [own, other] = [[10, 0, 0, 1], [192, 0, 2, 9]].map(IpAddr::from);
        let survey = request::Survey {
            link: Ok(LinkState::Up),
            mac: Ok([2, 0, 0, 0, 0, 1]),
            addresses: Ok(vec![own]),
            elsewhere: vec![other],
            unready: Ok(vec![(own, Unready::Tentative)]),
            networks: Err(24),
        };
        told("eth0".into(), survey);
        assert_eq!((link_state("eth0").unwrap(), mac("eth0").unwrap()), (LinkState::Up, [2, 0, 0, 0, 0, 1]));
        assert_eq!(networks("eth0").unwrap_err().raw_os_error(), Some(24));
        let mut surveyor = Surveyor::default();
        let known = surveyor.survey("eth0").unwrap();
        assert_eq!((known.addresses, known.unready.len()), (&[own][..], 1));
        assert!(known.listing.has(other), "an address may be borrowed");
        assert!(known.listing.of("no-such-if").is_empty());
    }

    #[test]
    fn everything_is_asked_at_once() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let interface = platform::interface_of(loopback).unwrap().unwrap();
        let survey = ask(&interface);
        assert_eq!(survey.link, Ok(LinkState::Up));
        assert!(survey.addresses.unwrap().contains(&loopback) && !survey.elsewhere.contains(&loopback));
        assert!(survey.networks.unwrap().contains(&(loopback, 8)));
        assert!(ask("no-such-if").addresses.unwrap().is_empty());
    }
}
