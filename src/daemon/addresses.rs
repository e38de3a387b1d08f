//! The managed addresses of a virtual host, put on its interface and taken off it by who has the right to.
//!
//! Each takes a question or two to the kernel, so it is done at once and nobody waits for it. An address that is there
//! already is left as it is, whatever its prefix length, unless the system refuses to use it: whoever adopts an address
//! must not take it away for a moment. With the interface gone everything is taken off.

use std::net::IpAddr;

use super::roster::Entry;
use crate::config::{VirtualAddress, VirtualHostConfig};
use crate::platform::{self, Unready};
use crate::protocol::Shift;

/// What became of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shifted {
    /// Those that were put on, or taken off, and had not been, or had been, there.
    pub(super) changed: Vec<IpAddr>,
    /// Those with which that could not be done, and why.
    pub(super) failed: Vec<(IpAddr, String)>,
}

impl Shifted {
    /// Nothing was done about any of them.
    pub(super) fn nothing(config: &VirtualHostConfig, why: &str) -> Self {
        let failed = config.addresses.iter().map(|shared| (shared.address, why.to_owned())).collect();
        Self { changed: Vec::new(), failed }
    }

    fn note(&mut self, address: IpAddr, done: std::io::Result<bool>) -> bool {
        match done {
            Ok(true) => self.changed.push(address),
            Ok(false) => {}
            Err(why) => {
                self.failed.push((address, why.to_string()));
                return false;
            }
        }
        true
    }
}

/// Does it. What was put on before and is shared no more, or otherwise, is taken off either way.
pub(super) fn shift(shift: Shift, interface: &str, entry: &mut Entry) -> Shifted {
    let shared = entry.config.addresses.clone();
    let mut shifted = Shifted::default();
    let mut going = std::mem::take(&mut entry.held);
    going.retain(|held| !shared.contains(held));
    if shift == Shift::Withdraw {
        going.extend(shared);
        going.retain(|gone| !shifted.note(gone.address, withdraw(interface, *gone)));
    } else {
        let mut given_back = Shifted::default();
        going.retain(|gone| !given_back.note(gone.address, withdraw(interface, *gone)));
        shifted.failed = given_back.failed;
        let refused = refused(interface);
        for address in &shared {
            if refused.contains(&address.address) {
                let _ = withdraw(interface, *address);
            }
            let assigned = platform::assign_address(interface, address.address, address.length());
            shifted.note(address.address, assigned);
        }
        entry.held = shared;
    }
    // What could not be taken off is taken off with the next errand.
    entry.held.append(&mut going);
    shifted
}

fn withdraw(interface: &str, gone: VirtualAddress) -> std::io::Result<bool> {
    match platform::withdraw_address(interface, gone.address, gone.length()) {
        Err(error) if platform::says_no_interface(&error) => Ok(false),
        withdrawn => withdrawn,
    }
}

/// Those that the system does not use, for good, because it found another host with them: they have to be given anew.
fn refused(interface: &str) -> Vec<IpAddr> {
    let unready = platform::unready_addresses(interface).unwrap_or_default();
    unready.into_iter().filter(|(_, why)| *why == Unready::Duplicate).map(|(address, _)| address).collect()
}
