//! What the system says of interfaces, asked once for all virtual hosts on them.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use super::failure::{Doing, StartError};
use crate::platform::{self, Unready};
use crate::protocol::MacAddr;

/// The addresses of this machine, by interface, each in the system's order.
#[derive(Debug, Default)]
pub(super) struct Listing(HashMap<String, Vec<IpAddr>>);

impl Listing {
    /// Asks the system.
    ///
    /// # Errors
    /// It does not say.
    pub(super) fn read() -> io::Result<Self> {
        let mut listing = Self::default();
        for (interface, address) in platform::addresses()? {
            listing.0.entry(interface).or_default().push(address);
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
        let unready = platform::unready_addresses(interface)?;
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
    platform::hardware_address(interface).map(MacAddr).map_err(|error| {
        let doing = match platform::interface_index(interface) {
            Err(missing) if platform::says_no_interface(&missing) => Doing::FindInterface,
            Ok(_) | Err(_) => Doing::ReadHardwareAddress,
        };
        StartError::new(doing, interface, error)
    })
}
